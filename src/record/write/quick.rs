//! A signed bid and its statement as [`v1`](super::super::v1) has them, written from the values
//! without a text for each field: each bid is written twice on its way, once to check its
//! signature and once into its line.

use serde::Serialize;

use crate::ledger::Hash;
use crate::ledger::encoding::encode_base64;
use crate::record::entries::AcceptedBid;
use crate::record::statement::{self, SignedBid};
use crate::time::Timestamp;

#[derive(Serialize)]
pub(in crate::record) struct Statement<'a> {
    amount: u64,
    bid_key: Hash,
    bidder: &'a str,
    head: Head,
    lot: &'a str,
    n: u64,
    sale_hash: Hash,
}

#[derive(Serialize)]
struct Head {
    root: Hash,
    size: u64,
}

#[derive(Serialize)]
pub(super) struct Bid<'a> {
    bid: Statement<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<u64>,
    evidence: &'static str,
    lag_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reserve_met: Option<bool>,
    sig: String,
}

impl<'a> From<&'a statement::Statement> for Statement<'a> {
    fn from(statement: &'a statement::Statement) -> Self {
        Self {
            amount: statement.amount.minor_units(),
            bid_key: Hash::from_bytes(*statement.bid_key.bytes()),
            bidder: statement.bidder.as_str(),
            head: Head { root: statement.head.root, size: statement.head.size },
            lot: statement.lot.as_str(),
            n: statement.n,
            sale_hash: statement.sale_hash,
        }
    }
}

impl<'a> Bid<'a> {
    /// The body of the line of `accepted`, which rests on `bid`.
    pub(super) fn of(accepted: &AcceptedBid, bid: &'a SignedBid) -> Self {
        Self {
            bid: Statement::from(&bid.statement),
            ends_at: accepted.ends_at.map(Timestamp::unix_ms),
            evidence: "signed",
            lag_us: accepted.lag_us,
            reserve_met: accepted.reserve_met,
            sig: encode_base64(&bid.signature),
        }
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;
    use crate::auction::money::Amount;
    use crate::auction::name::{LotId, Name};
    use crate::ledger::to_canonical;
    use crate::record::entries::BidEvidence;
    use crate::record::{BidKey, v1};

    #[test]
    fn it_is_what_the_format_has() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let statement = statement::Statement {
            amount: Amount::new(51).expect("in range"),
            bid_key: BidKey::from(&key),
            bidder: Name::parse("alice").expect("a name"),
            head: statement::Head { root: Hash::of(b"root"), size: 12 },
            lot: LotId::parse("1").expect("a lot id"),
            n: 9,
            sale_hash: Hash::of(b"line 0"),
        };
        let format = to_canonical(&v1::Statement::from(&statement));
        assert_eq!(to_canonical(&Statement::from(&statement)), format);
        let bid = SignedBid::sign(statement, &key);
        for (ends_at, reserve_met) in [(None, None), (Timestamp::from_unix_ms(7), Some(false))] {
            let evidence = BidEvidence::Signed(bid.clone());
            let accepted = AcceptedBid { evidence, ends_at, reserve_met, lag_us: 3 };
            let format = to_canonical(&v1::Bid::from(&accepted));
            assert_eq!(to_canonical(&Bid::of(&accepted, &bid)), format);
        }
    }
}
