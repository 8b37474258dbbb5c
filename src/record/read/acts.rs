//! Acts of staff, read back: the statement in its one form, and what followed from it.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{body, read_lot_close};
use crate::auction::act::{Deed, Effect, KeyHash};
use crate::auction::event::Happening;
use crate::auction::name::{LotId, Party};
use crate::auction::reserve::{Commitment, ReserveOpening};
use crate::ledger::{Kind, Line};
use crate::limits::INTEGER_MAX;
use crate::record::act::{ActStatement, Order, RecordedAct, SignedAct, kind_of};
use crate::record::entries::Record;
use crate::record::fault::RecordError;
use crate::record::field::{amount, hash, present, signature, time, time_if, title, word};
use crate::record::statement::Head;
use crate::record::v1;
use crate::time::Span;

impl v1::Act {
    /// Takes a statement as it is sent, which leaves out who signs: that is `bidder`, by the
    /// connection's certificate.
    ///
    /// # Errors
    /// [`RecordError`] for what is no object with an act's fields.
    pub fn of_body(bidder: &str, body: &impl Serialize) -> Result<Self, RecordError> {
        let read = |error: serde_json::Error| RecordError::value("act", error);
        let mut fields = serde_json::to_value(body).map_err(read)?;
        if let Some(object) = fields.as_object_mut() {
            object.insert("bidder".to_owned(), bidder.into());
        }
        serde_json::from_value(fields).map_err(read)
    }

    /// The statement as it is sent: without who signs.
    ///
    /// # Errors
    /// [`RecordError`] if `T` is not the form of that.
    pub fn to_body<T: DeserializeOwned>(&self) -> Result<T, RecordError> {
        let read = |error: serde_json::Error| RecordError::value("act", error);
        let mut fields = serde_json::to_value(self).map_err(read)?;
        if let Some(object) = fields.as_object_mut() {
            object.remove("bidder");
        }
        serde_json::from_value(fields).map_err(read)
    }

    /// Reads what was signed: the fields of its kind, all of them and no other.
    pub fn statement(mut self) -> Result<ActStatement, RecordError> {
        let order = self.take_order()?;
        let reason = self.reason.take().map(|text| title("reason", &text)).transpose()?;
        self.check_taken()?;
        Ok(ActStatement {
            bid_key: word("bid_key", &self.bid_key)?,
            bidder: word("bidder", &self.bidder)?,
            head: Head { root: hash("root", &self.head.root)?, size: self.head.size },
            n: self.n,
            order,
            reason,
            sale_hash: hash("sale_hash", &self.sale_hash)?,
        })
    }

    fn take_order(&mut self) -> Result<Order, RecordError> {
        let deed = match self.act.as_str() {
            "closing" => Deed::Closing,
            "enter" => return self.take_bid(),
            "extend" => {
                let ends_at = present("ends_at", self.ends_at.take())?;
                Deed::Extend { lot: self.take_lot()?, ends_at: time("ends_at", ends_at)? }
            }
            "hammer" => Deed::Hammer { lot: self.take_lot()?, seen: self.take_seen()? },
            "open" => Deed::Open { lot: self.take_lot()? },
            "pause" => Deed::Pause { lot: self.take_lot()? },
            "reissue" => Deed::Reissue {
                name: word("name", &present("name", self.name.take())?)?,
                old_key: key_hash("old_key", self.old_key.take())?,
                new_key: key_hash("new_key", self.new_key.take())?,
            },
            "reserve" => {
                let commitment = hash_of("reserve_commit", self.reserve_commit.take())?;
                Deed::Reserve {
                    lot: self.take_lot()?,
                    commitment: Commitment::from_bytes(commitment),
                }
            }
            "resume" => Deed::Resume { lot: self.take_lot()? },
            "say" => Deed::Say {
                lot: self.lot.take().map(|lot| word("lot", &lot)).transpose()?,
                text: title("text", &present("text", self.text.take())?)?,
            },
            "void" => Deed::Void { lot: self.take_lot()?, seen: self.take_seen()? },
            "withdraw" => Deed::Withdraw { lot: self.take_lot()? },
            _ => return Err(RecordError::value("act", "no such act")),
        };
        Ok(Order::Deed(deed))
    }

    fn take_bid(&mut self) -> Result<Order, RecordError> {
        let party = match (self.name.take(), self.paddle.take()) {
            (Some(name), None) => Party::Named(word("name", &name)?),
            (None, Some(paddle)) => Party::Paddle(word("paddle", &paddle)?),
            (Some(_), Some(_)) | (None, None) => {
                return Err(RecordError::value("paddle", "either a paddle or a name is expected"));
            }
        };
        Ok(Order::Enter {
            party,
            lot: self.take_lot()?,
            amount: amount("amount", present("amount", self.amount.take())?)?,
        })
    }

    fn take_lot(&mut self) -> Result<LotId, RecordError> {
        word("lot", &present("lot", self.lot.take())?)
    }

    fn take_seen(&mut self) -> Result<Option<u64>, RecordError> {
        match self.seen.take() {
            Some(seq) if seq > INTEGER_MAX => {
                Err(RecordError::value("seen", "a line's number is at most 2^53-1"))
            }
            seen => Ok(seen),
        }
    }

    /// Whatever its kind does not have must not be there.
    fn check_taken(&self) -> Result<(), RecordError> {
        let left = [
            ("amount", self.amount.is_some()),
            ("ends_at", self.ends_at.is_some()),
            ("lot", self.lot.is_some()),
            ("name", self.name.is_some()),
            ("new_key", self.new_key.is_some()),
            ("old_key", self.old_key.is_some()),
            ("paddle", self.paddle.is_some()),
            ("reserve_commit", self.reserve_commit.is_some()),
            ("seen", self.seen.is_some()),
            ("text", self.text.is_some()),
        ];
        match left.into_iter().find(|(_, is_left)| *is_left) {
            Some((key, _)) => Err(RecordError::value(key, "may not stand here")),
            None => Ok(()),
        }
    }
}

fn hash_of(key: &'static str, text: Option<String>) -> Result<[u8; 32], RecordError> {
    Ok(*hash(key, &present(key, text)?)?.bytes())
}

fn key_hash(key: &'static str, text: Option<String>) -> Result<KeyHash, RecordError> {
    hash_of(key, text).map(KeyHash)
}

pub(super) fn read_signed(act: v1::Act, sig: &str) -> Result<SignedAct, RecordError> {
    Ok(SignedAct { statement: act.statement()?, signature: signature("sig", sig)? })
}

/// Reads the entry that an act made.
pub(super) fn read_act(line: &Line<'_>) -> Result<Record, RecordError> {
    let (act, effect) = match line.kind {
        Kind::Pause => {
            let v1::Pause { act, left_ms, sig } = body(line)?;
            (read_signed(act, &sig)?, Effect::Paused { left: left_ms.map(Span::from_ms) })
        }
        Kind::Extend => {
            let v1::Extend { act, ends_at, sig } = body(line)?;
            if act.ends_at != Some(ends_at) {
                return Err(RecordError::value("ends_at", "it is not that of the act"));
            }
            (read_signed(act, &sig)?, Effect::Extended)
        }
        Kind::Void => read_void(body(line)?)?,
        Kind::Withdraw => {
            let v1::Withdraw { act, reserves, sig } = body(line)?;
            (read_signed(act, &sig)?, Effect::Withdrawn { reserves: read_openings(reserves)? })
        }
        Kind::Reserve => {
            let v1::Reserve { act, reserve_met, sig } = body(line)?;
            (read_signed(act, &sig)?, Effect::ReserveLowered { reserve_met })
        }
        kind => {
            let v1::Plain { act, sig } = body(line)?;
            let effect = match kind {
                Kind::Reissue => Effect::Reissued,
                Kind::Say => Effect::Said,
                _ => Effect::Closing,
            };
            (read_signed(act, &sig)?, effect)
        }
    };
    recorded(line.kind, act, effect)
}

/// An act must be of the kind that its line says.
fn recorded(kind: Kind, act: SignedAct, effect: Effect) -> Result<Record, RecordError> {
    match &act.statement.order {
        Order::Deed(deed) if kind_of(deed) == kind => {
            Ok(Record::Act(Box::new(RecordedAct { act, effect })))
        }
        Order::Deed(_) | Order::Enter { .. } => {
            Err(RecordError::value("act", "it is not an act of this entry's type"))
        }
    }
}

fn read_void(void: v1::Void) -> Result<(SignedAct, Effect), RecordError> {
    let effect = Effect::Voided {
        standing: void.standing,
        ends_at: time_if("ends_at", void.ends_at)?,
        reserve_met: void.reserve_met,
    };
    Ok((read_signed(void.act, &void.sig)?, effect))
}

/// Reads what opens commitments: absent, or at least one.
pub(super) fn read_openings(
    openings: Option<Vec<v1::Opening>>,
) -> Result<Vec<ReserveOpening>, RecordError> {
    let Some(openings) = openings else { return Ok(Vec::new()) };
    if openings.is_empty() {
        return Err(RecordError::value("reserves", "without an opening it is left out"));
    }
    let read = |opening: &v1::Opening| {
        Ok(ReserveOpening {
            reserve: amount("reserve", opening.reserve)?,
            nonce: *hash("nonce", &opening.nonce)?.bytes(),
        })
    };
    openings.iter().map(read).collect()
}

/// Splits what may stand with an act from an entry of its own.
fn act_of(
    act: Option<v1::Act>,
    sig: Option<String>,
    lot: &LotId,
) -> Result<Option<SignedAct>, RecordError> {
    match (act, sig) {
        (None, None) => Ok(None),
        (Some(act), Some(sig)) => {
            let act = read_signed(act, &sig)?;
            if act.statement.lot() == Some(lot) {
                Ok(Some(act))
            } else {
                Err(RecordError::value("lot", "it is not that of the act"))
            }
        }
        (Some(_), None) | (None, Some(_)) => {
            Err(RecordError::value("sig", "an act and its signature stand together"))
        }
    }
}

/// Reads an opening: by time, or by staff.
pub(super) fn read_lot_open(line: &Line<'_>) -> Result<Record, RecordError> {
    let v1::LotOpen { act, ends_at, lot, sig } = body(line)?;
    let (lot, ends_at) = (word("lot", &lot)?, time_if("ends_at", ends_at)?);
    match act_of(act, sig, &lot)? {
        Some(act) => recorded(line.kind, act, Effect::Opened { ends_at }),
        None => super::event(line, Happening::LotOpened { lot, ends_at }),
    }
}

/// Reads a resumption: by staff, or because the sale was closed.
pub(super) fn read_resume(line: &Line<'_>) -> Result<Record, RecordError> {
    let v1::Resume { act, ends_at, lot, sig } = body(line)?;
    let (lot, ends_at) = (word("lot", &lot)?, time_if("ends_at", ends_at)?);
    match act_of(act, sig, &lot)? {
        Some(act) => recorded(line.kind, act, Effect::Resumed { ends_at }),
        None => super::event(line, Happening::LotResumed { lot, ends_at }),
    }
}

/// Reads a closing: by time, or by the hammer.
pub(super) fn read_close_of_lot(line: &Line<'_>) -> Result<Record, RecordError> {
    let mut closed: v1::LotClose = body(line)?;
    let (act, sig) = (closed.act.take(), closed.sig.take());
    let reserves = read_openings(closed.reserves.take())?;
    let (lot, outcome) = read_lot_close(closed)?;
    match act_of(act, sig, &lot)? {
        Some(act) => recorded(line.kind, act, Effect::Hammered { outcome, reserves }),
        None => super::event(line, Happening::LotClosed { lot, outcome, reserves }),
    }
}
