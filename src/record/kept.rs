//! A bid or act as its signer keeps it, and how it differs from what somebody says was signed.
//!
//! ```json
//! {"bid":{"amount":51,"bid_key":"<hex>","bidder":"alice",..},"sig":"<base64>"}
//! ```
//!
//! The object under `bid` or `act` is what was signed, as it also stands in the ledger.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::claim::Signed;
use super::fault::RecordError;
use super::read::read_signed_of;
use super::v1;
use crate::ledger::encoding::encode_base64;
use crate::ledger::{from_canonical, to_canonical};

/// A field in which two signed bids or acts differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which: `amount`, `head.root`, `signature`, ..; `kind` where one is a bid and one an act.
    pub field: String,
    /// What the one that was kept says there; none if it has no such field.
    pub kept: Option<String>,
    /// What the other says there.
    pub other: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<v1::Act>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bid: Option<v1::Statement>,
    sig: String,
}

impl Signed {
    /// As its signer keeps it, in one line.
    pub fn to_kept(&self) -> Vec<u8> {
        let (act, bid) = match self {
            Self::Act(act) => (Some(v1::Act::from(&act.statement)), None),
            Self::Bid(bid) => (None, Some(v1::Statement::from(&bid.statement))),
        };
        let mut line = to_canonical(&Kept { act, bid, sig: encode_base64(self.signature()) });
        line.push(b'\n');
        line
    }

    /// Reads what [`Signed::to_kept`] wrote. Whether the signature holds is not asked.
    ///
    /// # Errors
    /// [`RecordError`] for anything in another form.
    pub fn from_kept(line: &[u8]) -> Result<Self, RecordError> {
        let Kept { act, bid, sig } = from_canonical(line.strip_suffix(b"\n").unwrap_or(line))?;
        read_signed_of(act, bid, &sig)
    }

    /// Every field in which `other` says something else than this one, the signature last.
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        let (kept, others) = (self.fields(), other.fields());
        let mut names: Vec<&String> = kept.keys().chain(others.keys()).collect();
        names.sort();
        names.dedup();
        let signature = |signed: &Self| Some(encode_base64(signed.signature()));
        let last = ("signature".to_owned(), signature(self), signature(other));
        let each =
            |name: &String| (name.clone(), kept.get(name).cloned(), others.get(name).cloned());
        names
            .into_iter()
            .map(each)
            .chain([last])
            .filter(|(_, kept, other)| kept != other)
            .map(|(field, kept, other)| Difference { field, kept, other })
            .collect()
    }

    /// What was signed, field by field; a field of an object by both names.
    fn fields(&self) -> BTreeMap<String, String> {
        let (kind, statement) = match self {
            Self::Act(act) => ("act", serde_json::to_value(v1::Act::from(&act.statement))),
            Self::Bid(bid) => ("bid", serde_json::to_value(v1::Statement::from(&bid.statement))),
        };
        let mut fields = BTreeMap::from([("kind".to_owned(), kind.to_owned())]);
        gather("", &statement.expect("plain fields have a form"), &mut fields);
        fields
    }
}

fn gather(name: &str, value: &Value, fields: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let inner = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                gather(&inner, value, fields);
            }
        }
        Value::String(text) => {
            fields.insert(name.to_owned(), text.clone());
        }
        Value::Array(_) | Value::Bool(_) | Value::Null | Value::Number(_) => {
            fields.insert(name.to_owned(), value.to_string());
        }
    }
}

/// `amount: signed 130, entered 140`.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        write!(f, "{}: signed {}, entered {}", self.field, shown(&self.kept), shown(&self.other))
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;
    use crate::auction::act::Deed;
    use crate::auction::money::Amount;
    use crate::auction::name::{LotId, Name, Title};
    use crate::ledger::Hash;
    use crate::record::{ActStatement, BidKey, Head, Order, SignedAct, SignedBid, Statement};

    type Change<T> = fn(&mut T);

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn lot(id: &str) -> LotId {
        LotId::parse(id).expect("an id")
    }

    fn bid() -> SignedBid {
        let statement = Statement {
            amount: Amount::new(51).expect("in range"),
            bid_key: BidKey::from(&key(1)),
            bidder: Name::parse("alice").expect("a name"),
            head: Head { root: Hash::of(b"root"), size: 12 },
            lot: lot("1"),
            n: 3,
            sale_hash: Hash::of(b"line 0"),
        };
        SignedBid::sign(statement, &key(1))
    }

    fn act() -> SignedAct {
        let Statement { bid_key, bidder, head, n, sale_hash, .. } = bid().statement;
        let order = Order::Deed(Deed::Void { lot: lot("1"), seen: Some(9) });
        let reason = Some(Title::parse("a slip").expect("a title"));
        let statement = ActStatement { bid_key, bidder, head, n, order, reason, sale_hash };
        SignedAct::sign(statement, &key(1))
    }

    fn fields_of(kept: &Signed, other: &Signed) -> Vec<String> {
        kept.differences(other).into_iter().map(|difference| difference.field).collect()
    }

    #[test]
    fn what_is_kept_is_read_back() {
        for signed in [Signed::from(bid()), Signed::from(act())] {
            let line = signed.to_kept();
            assert_eq!(Signed::from_kept(&line).expect("is kept"), signed);
            assert_eq!(signed.differences(&signed), []);
        }
        let kept = String::from_utf8(Signed::from(bid()).to_kept()).expect("text");
        assert!(kept.starts_with("{\"bid\":{\"amount\":51,\"bid_key\":\""), "{kept}");
        for spoilt in [
            kept.replace("\"amount\":51", "\"amount\":0"),
            kept.replace("\"bid\":{", "\"act\":{"),
            kept.replace("\"sig\":\"", "\"sig\":\"AAAA"),
            kept.replace("{\"bid\"", "{ \"bid\""),
            kept.replace("\"n\":3", "\"n\":3,\"note\":1"),
            String::new(),
        ] {
            assert!(Signed::from_kept(spoilt.as_bytes()).is_err(), "{spoilt}");
        }
    }

    #[test]
    fn every_field_of_a_bid_is_compared() {
        let kept = Signed::from(bid());
        let changes: [(&str, Change<SignedBid>); 9] = [
            ("amount", |b| b.statement.amount = Amount::new(52).expect("in range")),
            ("bid_key", |b| b.statement.bid_key = BidKey::from(&key(2))),
            ("bidder", |b| b.statement.bidder = Name::parse("bob").expect("a name")),
            ("head.root", |b| b.statement.head.root = Hash::of(b"another")),
            ("head.size", |b| b.statement.head.size = 13),
            ("lot", |b| b.statement.lot = lot("2")),
            ("n", |b| b.statement.n = 4),
            ("sale_hash", |b| b.statement.sale_hash = Hash::of(b"another")),
            ("signature", |b| b.signature[0] ^= 1),
        ];
        for (field, change) in changes {
            let mut other = bid();
            change(&mut other);
            assert_eq!(fields_of(&kept, &Signed::from(other)), [field]);
        }
        // The list above is all of a bid: a new field would stand here.
        assert_eq!(kept.fields().len(), 1 + changes.len() - 1);
    }

    #[test]
    fn acts_are_compared_by_the_fields_of_their_kind() {
        let kept = Signed::from(act());
        let changes: [(&[&str], Change<SignedAct>); 4] = [
            (&["reason"], |a| a.statement.reason = None),
            (&["seen"], |a| {
                a.statement.order = Order::Deed(Deed::Void { lot: lot("1"), seen: Some(8) });
            }),
            (&["act", "seen"], |a| {
                a.statement.order = Order::Deed(Deed::Withdraw { lot: lot("1") });
            }),
            (&["n"], |a| a.statement.n = 9),
        ];
        for (fields, change) in changes {
            let mut other = act();
            change(&mut other);
            assert_eq!(fields_of(&kept, &Signed::from(other)), fields);
        }
        let fields = fields_of(&kept, &Signed::from(bid()));
        assert!(fields.contains(&"kind".to_owned()), "{fields:?}");
    }

    #[test]
    fn a_difference_says_both_sides() {
        let mut other = bid();
        other.statement.amount = Amount::new(52).expect("in range");
        let difference = Signed::from(bid()).differences(&Signed::from(other)).remove(0);
        assert_eq!(difference.to_string(), "amount: signed 51, entered 52");
        let mut silent = act();
        silent.statement.reason = None;
        let difference = Signed::from(act()).differences(&Signed::from(silent)).remove(0);
        assert_eq!(difference.to_string(), "reason: signed a slip, entered nothing");
    }
}
