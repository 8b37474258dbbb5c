//! The small sale: where its lines stand, and what can be put in their places.

use gavel::auction::event::{Event, Happening};
use gavel::auction::name::{LotId, Role};
use gavel::ledger::Hash;
use gavel::ledger::entry::Kind;
use gavel::pki::{Grant, KeyMaker, RevocationReason, Serial};
use gavel::record::{
    AcceptedBid, BidEvidence, Opening, Revocation, SignedBid, draft_bid, draft_event, draft_open,
};
use gavel::time::{Span, Timestamp};

use super::Case;
use crate::forge::Forge;
use crate::world::{Person, at, name, world};

/// Where Alice's second bid stands, the last of the sale.
pub(super) fn raise(forge: &Forge) -> usize {
    forge.find(Kind::Bid, 29_000)
}

/// A signed bid as it is entered when it was accepted.
pub(super) fn accepted(bid: SignedBid, ends_at: Timestamp) -> AcceptedBid {
    AcceptedBid {
        evidence: BidEvidence::Signed(bid),
        ends_at: Some(ends_at),
        reserve_met: None,
        lag_us: 1,
    }
}

/// Puts another bid where Alice's raise stood, at its time and with its end.
pub(super) fn put_bid(forge: &mut Forge, bid: SignedBid) -> usize {
    let line = raise(forge);
    forge.replace(line, &draft_bid(&accepted(bid, at(39_000)), at(29_000)));
    line
}

/// Puts a bid that its bidder really signed where Alice's raise stood.
pub(super) fn bid_at(
    forge: &mut Forge,
    ms: u64,
    (who, lot, amount, n): (&Person, &str, u64, u64),
    ends_at: Timestamp,
) -> usize {
    let line = raise(forge);
    let bid = world().bid(who, lot, amount, n);
    forge.replace(line, &draft_bid(&accepted(bid, ends_at), at(ms)));
    line
}

/// Enters what time is said to have caused.
pub(super) fn event(forge: &mut Forge, place: usize, ms: u64, what: Happening) -> usize {
    let draft = draft_event(&Event { at: at(ms), what }).expect("is no bid");
    forge.insert(place, &draft);
    place
}

/// The ledger under another line 0: everybody who signed has signed for the first one.
pub(super) fn opened_as(change: impl FnOnce(&mut Opening)) -> Case {
    let mut forge = Forge::honest();
    let mut opening = world().opening();
    change(&mut opening);
    forge.replace(0, &draft_open(&opening, at(0)));
    Case::resigned(&forge, 0)
}

pub(super) fn grant(who: &str, role: Role) -> Grant {
    Grant { name: name(who), role, maker: KeyMaker::Holder, lifetime: Span::from_s(30 * 86_400) }
}

/// The revocation of a certificate, before the one that the ledger records.
pub(super) fn revocation(serial: &Serial) -> Revocation {
    Revocation {
        serial: serial.clone(),
        reason: RevocationReason::KeyCompromise,
        crl_number: 6,
        crl_hash: Hash::of(b"a list"),
    }
}

pub(super) fn id(text: &str) -> LotId {
    LotId::parse(text).expect("an id")
}
