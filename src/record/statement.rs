//! What a bidder signs, and the check of it (LEDGER 3, "Bid").
//!
//! The message is [`BID_DOMAIN`] followed by the statement's canonical JSON:
//!
//! ```text
//! gavel/bid/v1\n{"amount":51,"bid_key":"<hex>","bidder":"alice","head":{"root":"<hex>","size":12},"lot":"1","n":1,"sale_hash":"<hex>"}
//! ```

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signer, SigningKey};

use super::authenticated::Authenticated;
use super::bid_form;
use super::claim::{Claim, Forged, Signed, is_signable};
use super::ready_keys::{ReadyKey, ReadyKeys};
use crate::auction::event::Bid;
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Name, Role};
use crate::ledger::Hash;
use crate::pki::Identity;

/// What stands before a bid's statement in the signed message.
pub const BID_DOMAIN: &[u8] = b"gavel/bid/v1\n";

/// A bidder's Ed25519 public key for one sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BidKey([u8; 32]);

/// Why a text is no bid key: it is not 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a bid key is 64 lower-case hexadecimal digits")]
pub struct BidKeyError;

impl BidKey {
    /// Takes the key's 32 bytes; whether they are a usable point shows at the first signature.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key's 32 bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Checks an Ed25519 signature strictly: no small-order key, no second form (LEDGER 1).
    pub(super) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), BadSignature> {
        ReadyKey::of(self)?.verify(message, signature)
    }

    /// Whether `y` is below 2^255-19: the library also takes the other spelling of
    /// a small `y`, which would let one key be enrolled as two.
    pub(super) fn is_canonical(&self) -> bool {
        let [low, middle @ .., high] = &self.0;
        high & 0x7f != 0x7f || middle.iter().any(|byte| *byte != 0xff) || *low < 0xed
    }
}

impl From<&SigningKey> for BidKey {
    fn from(key: &SigningKey) -> Self {
        Self(key.verifying_key().to_bytes())
    }
}

/// 64 lower-case hexadecimal digits.
impl fmt::Display for BidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hash::from_bytes(self.0), f)
    }
}

impl FromStr for BidKey {
    type Err = BidKeyError;

    fn from_str(text: &str) -> Result<Self, BidKeyError> {
        Hash::parse(text).map(|hash| Self(*hash.bytes())).map_err(|_| BidKeyError)
    }
}

/// What is wrong with a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// The key or the signature can never be right: a small-order key, zeros, a P-256 `s` that is high.
    #[error("the key or the signature is of a form that is never right")]
    Malformed,
    /// The signature is not this key's over these bytes.
    #[error("the signature is not this key's over these bytes")]
    Mismatch,
}

/// A checkpoint that the bidder has verified, as the bidder's word on the ledger so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Head {
    /// The tree's root.
    pub root: Hash,
    /// The tree's size, in lines.
    pub size: u64,
}

/// A bid as its bidder signs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// How much, in minor units.
    pub amount: Amount,
    /// The key that signs.
    pub bid_key: BidKey,
    /// Who bids.
    pub bidder: Name,
    /// The newest checkpoint that the bidder has verified.
    pub head: Head,
    /// On which lot.
    pub lot: LotId,
    /// The bid key's number for this bid; it rises from bid to bid.
    pub n: u64,
    /// In which sale: SHA-256 of its ledger's line 0.
    pub sale_hash: Hash,
}

impl Statement {
    /// The statement as canonical JSON, as it also stands in the ledger.
    pub fn to_canonical(&self) -> Vec<u8> {
        bid_form::canonical(self)
    }

    /// The bytes that are signed.
    pub fn message(&self) -> Vec<u8> {
        bid_form::message(self)
    }

    /// The bid as the rules see it, under the role of the key's enrolment.
    pub fn bid(&self, role: Role) -> Bid {
        let Self { bidder, lot, amount, .. } = self;
        Bid::own(bidder.clone(), role, lot.clone(), *amount)
    }

    /// What it says of its signer.
    pub const fn claim(&self) -> Claim<'_> {
        let Self { bid_key, bidder, head, n, sale_hash, .. } = self;
        Claim { bid_key, bidder, head, n: *n, sale_hash }
    }
}

/// A statement with a signature that nobody has checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBid {
    /// What was signed.
    pub statement: Statement,
    /// The Ed25519 signature, as it came.
    pub signature: [u8; 64],
}

impl SignedBid {
    /// Signs a statement with the key that it must name.
    pub fn sign(mut statement: Statement, key: &SigningKey) -> Self {
        statement.bid_key = BidKey::from(key);
        let signature = key.sign(&statement.message()).to_bytes();
        Self { statement, signature }
    }

    /// Checks the signature, for [`ReadyKeys`].
    pub(super) fn check(&self, keys: &ReadyKeys) -> Result<(), BadSignature> {
        let claim = self.statement.claim();
        is_signable(&claim)?;
        keys.verify(claim.bid_key, &self.statement.message(), &self.signature)
    }

    /// Checks the signature under the bid key that the statement names.
    ///
    /// # Errors
    /// See [`Signed::authenticate`].
    pub fn authenticate(self) -> Result<Authenticated<Signed>, Forged> {
        Signed::Bid(self).authenticate()
    }
}

/// A bid without a signature, on the word of the house that its TLS session saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestedBid {
    /// Who bids, by the session's certificate.
    pub bidder: Name,
    /// The role in that certificate.
    pub role: Role,
    /// On which lot.
    pub lot: LotId,
    /// How much, in minor units.
    pub amount: Amount,
}

impl Authenticated<AttestedBid> {
    /// Takes a bid from the session of `identity`; whether the sale takes such bids is the roster's affair.
    pub fn from_session(identity: &Identity, lot: LotId, amount: Amount) -> Self {
        Self::vouch(AttestedBid { bidder: identity.name.clone(), role: identity.role, lot, amount })
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::VerifyingKey;

    use super::*;
    use crate::limits::INTEGER_MAX;

    fn statement() -> Statement {
        Statement {
            amount: Amount::new(51).expect("in range"),
            bid_key: BidKey::from(&key(1)),
            bidder: Name::parse("alice").expect("a name"),
            head: Head { root: Hash::of(b"root"), size: 12 },
            lot: LotId::parse("1").expect("a lot id"),
            n: 1,
            sale_hash: Hash::of(b"line 0"),
        }
    }

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    #[test]
    fn the_signed_bytes_are_the_domain_and_canonical_json() {
        let statement = statement();
        let message = String::from_utf8(statement.message()).expect("ASCII");
        let expected = format!(
            "gavel/bid/v1\n{{\"amount\":51,\"bid_key\":\"{}\",\"bidder\":\"alice\",\
             \"head\":{{\"root\":\"{}\",\"size\":12}},\"lot\":\"1\",\"n\":1,\"sale_hash\":\"{}\"}}",
            statement.bid_key, statement.head.root, statement.sale_hash
        );
        assert_eq!(message, expected);
        assert_eq!(message.as_bytes(), [BID_DOMAIN, &statement.to_canonical()].concat());
    }

    #[test]
    fn a_signature_holds_for_no_other_statement() {
        let signed = SignedBid::sign(statement(), &key(1));
        assert!(signed.clone().authenticate().is_ok());
        let forgeries: [fn(&mut Statement); 7] = [
            |s| s.amount = Amount::new(52).expect("in range"),
            |s| s.bid_key = BidKey::from(&key(2)),
            |s| s.bidder = Name::parse("bob").expect("a name"),
            |s| s.head.size = 13,
            |s| s.lot = LotId::parse("2").expect("a lot id"),
            |s| s.n = 2,
            |s| s.sale_hash = Hash::of(b"another sale"),
        ];
        for forge in forgeries {
            let mut forged = signed.clone();
            forge(&mut forged.statement);
            let refused = forged.authenticate().expect_err("forged");
            assert_eq!(refused.why, BadSignature::Mismatch, "{:?}", refused.signed);
        }
    }

    #[test]
    fn small_order_keys_and_zero_signatures_are_malformed() {
        let mut zeros = SignedBid::sign(statement(), &key(1));
        zeros.signature = [0; 64];
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut weak = SignedBid::sign(statement(), &key(1));
        weak.statement.bid_key = BidKey::from_bytes(identity);
        // R = the identity and s = 0 verify under plain `verify` for every message.
        weak.signature = [0; 64];
        weak.signature[0] = 1;
        // y = 2^255-19 + 3, another spelling of y = 3, which is on the curve.
        let mut spelt_twice = SignedBid::sign(statement(), &key(1));
        let mut key = [0xff; 32];
        (key[0], key[31]) = (0xf0, 0x7f);
        assert!(VerifyingKey::from_bytes(&key).is_ok(), "the library takes it");
        spelt_twice.statement.bid_key = BidKey::from_bytes(key);
        for bad in [zeros, weak, spelt_twice] {
            assert_eq!(bad.authenticate().expect_err("bad").why, BadSignature::Malformed);
        }
    }

    #[test]
    fn numbers_that_no_ledger_holds_are_signed_by_nobody() {
        let mut bid = SignedBid::sign(statement(), &key(1));
        bid.statement.n = INTEGER_MAX + 1;
        assert_eq!(bid.authenticate().expect_err("no form").why, BadSignature::Mismatch);
    }
}
