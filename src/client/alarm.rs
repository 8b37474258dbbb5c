//! What a client cries out about: something in the ledger under its name that
//! it did not do itself.

use super::follow::Entry;
use super::greeting::OwnEnrolment;
use crate::auction::money::{Amount, Currency};
use crate::auction::name::{LotId, Name};
use crate::pki::Fingerprint;
use crate::record::{BidEvidence, BidKey, Record};

/// Something under our name that is not this client's doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// A bid under our name.
    Bid {
        /// Its line.
        seq: u64,
        /// On which lot.
        lot: LotId,
        /// How much.
        amount: Amount,
        /// What is odd about it.
        why: OddBid,
    },
    /// Another bid key is enrolled with our own certificate's key.
    OtherBidKey {
        /// The line.
        seq: u64,
    },
    /// Somebody with another certificate key is enrolled under our name.
    OtherCertificate {
        /// The line.
        seq: u64,
    },
}

/// What is odd about a bid under our name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OddBid {
    /// It is signed by a bid key that this client does not hold.
    OtherKey,
    /// It names our bid key, which did not sign it.
    Forged,
    /// The house enters it on its own word.
    OnTheHousesWord,
}

impl Alarm {
    /// The alarm for people.
    pub fn text(&self, currency: &Currency) -> String {
        match self {
            Self::Bid { seq, lot, amount, why } => {
                let bid = format!("{} on item {lot}, line {seq}", currency.display(*amount));
                match why {
                    OddBid::OtherKey => format!(
                        "Your name bid {bid}, signed by a bid key that is not here. Your other device? If not, tell the house to revoke your certificate."
                    ),
                    OddBid::Forged => format!(
                        "FORGED: {bid}, stands under your bid key, which did not sign it. Keep your folder and have the ledger audited."
                    ),
                    OddBid::OnTheHousesWord => format!(
                        "The house entered a bid of yours without a signature: {bid}. If you did not type it by hand, tell the house."
                    ),
                }
            }
            Self::OtherBidKey { seq } => format!(
                "Another bid key was enrolled with your certificate, line {seq}. Your other device? If not, tell the house to revoke your certificate."
            ),
            Self::OtherCertificate { seq } => format!(
                "SOMEBODY ELSE is enrolled under your name with another certificate, line {seq}. Ask the house who that is."
            ),
        }
    }
}

/// What is odd about an enrolment under our name, for somebody who holds `bid_key`.
pub(super) fn odd_enrolment(
    own: &OwnEnrolment,
    certificate_key: &Fingerprint,
    bid_key: Option<&BidKey>,
) -> Option<Alarm> {
    let seq = own.seq;
    if own.key.as_ref() != Some(certificate_key) {
        Some(Alarm::OtherCertificate { seq })
    } else if own.bid_key.is_some() && own.bid_key.as_ref() != bid_key {
        Some(Alarm::OtherBidKey { seq })
    } else {
        None
    }
}

/// What is odd about a bid, if it is under our name.
pub(super) fn odd_bid(entry: &Entry, name: &Name, bid_key: Option<&BidKey>) -> Option<Alarm> {
    let Record::Bid(bid) = &entry.record else { return None };
    // What clerks enter for somebody in the room carries their own signature.
    if bid.evidence.signer() != name {
        return None;
    }
    let why = match &bid.evidence {
        BidEvidence::Attested { .. } => OddBid::OnTheHousesWord,
        BidEvidence::Clerk(room) if Some(&room.act().statement.bid_key) != bid_key => {
            OddBid::OtherKey
        }
        BidEvidence::Clerk(room) => match room.act().clone().authenticate() {
            Ok(_) => return None,
            Err(_) => OddBid::Forged,
        },
        BidEvidence::Signed(bid) if Some(&bid.statement.bid_key) != bid_key => OddBid::OtherKey,
        BidEvidence::Signed(bid) => match bid.clone().authenticate() {
            Ok(_) => return None,
            Err(_) => OddBid::Forged,
        },
    };
    let (lot, amount) = (bid.evidence.lot().clone(), bid.evidence.amount());
    Some(Alarm::Bid { seq: entry.seq, lot, amount, why })
}
