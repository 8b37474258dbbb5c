//! Acts of staff to bodies: the statement in its one form, and what followed from it.

use serde::Serialize;

use super::{draft, ms};
use crate::auction::act::{Deed, Effect, KeyHash};
use crate::auction::event::Outcome;
use crate::auction::name::{LotId, Party};
use crate::auction::reserve::ReserveOpening;
use crate::ledger::encoding::encode_base64;
use crate::ledger::{Draft, Hash};
use crate::record::act::{ActStatement, Order, RecordedAct, kind_of};
use crate::record::v1;
use crate::time::Timestamp;

/// Writes an act that was taken; none for one that enters a bid, which
/// [`draft_bid`](super::draft_bid) writes.
pub fn draft_act(recorded: &RecordedAct, at: Timestamp) -> Option<Draft> {
    let statement = &recorded.act.statement;
    let Order::Deed(deed) = &statement.order else { return None };
    let act = v1::Act::from(statement);
    let sig = encode_base64(&recorded.act.signature);
    Some(match &recorded.effect {
        Effect::Closing | Effect::Reissued | Effect::Said => {
            write(deed, at, &v1::Plain { act, sig })
        }
        Effect::Extended => {
            let ends_at = act.ends_at.unwrap_or_default();
            write(deed, at, &v1::Extend { act, ends_at, sig })
        }
        Effect::Hammered { outcome, reserves } => {
            let closed = lot_close(deed.lot()?, outcome, reserves);
            write(deed, at, &v1::LotClose { act: Some(act), sig: Some(sig), ..closed })
        }
        Effect::Opened { ends_at } => {
            let (lot, ends_at) = (deed.lot()?.to_string(), ends_at.map(ms));
            write(deed, at, &v1::LotOpen { act: Some(act), ends_at, lot, sig: Some(sig) })
        }
        Effect::Paused { left } => {
            write(deed, at, &v1::Pause { act, left_ms: left.map(crate::time::Span::ms), sig })
        }
        Effect::ReserveLowered { reserve_met } => {
            write(deed, at, &v1::Reserve { act, reserve_met: *reserve_met, sig })
        }
        Effect::Resumed { ends_at } => {
            let (lot, ends_at) = (deed.lot()?.to_string(), ends_at.map(ms));
            write(deed, at, &v1::Resume { act: Some(act), ends_at, lot, sig: Some(sig) })
        }
        Effect::Voided { standing, ends_at, reserve_met } => write(
            deed,
            at,
            &v1::Void {
                act,
                ends_at: ends_at.map(ms),
                reserve_met: *reserve_met,
                sig,
                standing: *standing,
            },
        ),
        Effect::Withdrawn { reserves } => {
            write(deed, at, &v1::Withdraw { act, reserves: openings(reserves), sig })
        }
    })
}

fn write(deed: &Deed, at: Timestamp, body: &impl Serialize) -> Draft {
    draft(kind_of(deed), at, body)
}

/// Writes a closing, without the act of a hammer.
pub(super) fn lot_close(
    lot: &LotId,
    outcome: &Outcome,
    reserves: &[ReserveOpening],
) -> v1::LotClose {
    let (price, winner, paddle) = match outcome {
        Outcome::Sold { to: Party::Named(name), hammer_price } => {
            (Some(hammer_price.minor_units()), Some(name.to_string()), None)
        }
        Outcome::Sold { to: Party::Paddle(paddle), hammer_price } => {
            (Some(hammer_price.minor_units()), None, Some(paddle.to_string()))
        }
        Outcome::Unsold(_) | Outcome::Withdrawn => (None, None, None),
    };
    v1::LotClose {
        act: None,
        lot: lot.to_string(),
        outcome: outcome.as_str().to_owned(),
        paddle,
        price,
        reserves: openings(reserves),
        sig: None,
        winner,
    }
}

fn openings(openings: &[ReserveOpening]) -> Option<Vec<v1::Opening>> {
    let write = |opening: &ReserveOpening| v1::Opening {
        nonce: Hash::from_bytes(opening.nonce).to_string(),
        reserve: opening.reserve.minor_units(),
    };
    (!openings.is_empty()).then(|| openings.iter().map(write).collect())
}

impl From<&ActStatement> for v1::Act {
    fn from(statement: &ActStatement) -> Self {
        let signed = Self {
            bid_key: statement.bid_key.to_string(),
            bidder: statement.bidder.to_string(),
            head: v1::Head::from(&statement.head),
            lot: statement.lot().map(LotId::to_string),
            n: statement.n,
            reason: statement.reason.as_ref().map(|reason| reason.as_str().to_owned()),
            sale_hash: statement.sale_hash.to_string(),
            ..Self::default()
        };
        match &statement.order {
            Order::Deed(deed) => of_deed(signed, deed),
            Order::Enter { party, amount, .. } => {
                let (name, paddle) = match party {
                    Party::Named(name) => (Some(name.to_string()), None),
                    Party::Paddle(paddle) => (None, Some(paddle.to_string())),
                };
                let amount = Some(amount.minor_units());
                Self { act: "enter".to_owned(), amount, name, paddle, ..signed }
            }
        }
    }
}

/// Adds what an act's kind has beside what all have.
fn of_deed(signed: v1::Act, deed: &Deed) -> v1::Act {
    let hex = |bytes: &[u8; 32]| Some(Hash::from_bytes(*bytes).to_string());
    let act = deed.as_str().to_owned();
    match deed {
        Deed::Extend { ends_at, .. } => v1::Act { act, ends_at: Some(ms(*ends_at)), ..signed },
        Deed::Hammer { seen, .. } | Deed::Void { seen, .. } => {
            v1::Act { act, seen: *seen, ..signed }
        }
        Deed::Reissue { name, old_key: KeyHash(old_key), new_key: KeyHash(new_key) } => v1::Act {
            act,
            name: Some(name.to_string()),
            new_key: hex(new_key),
            old_key: hex(old_key),
            ..signed
        },
        Deed::Reserve { commitment, .. } => {
            v1::Act { act, reserve_commit: hex(commitment.bytes()), ..signed }
        }
        Deed::Say { text, .. } => v1::Act { act, text: Some(text.as_str().to_owned()), ..signed },
        Deed::Closing
        | Deed::Open { .. }
        | Deed::Pause { .. }
        | Deed::Resume { .. }
        | Deed::Withdraw { .. } => v1::Act { act, ..signed },
    }
}
