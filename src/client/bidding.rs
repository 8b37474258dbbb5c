//! Signing: the bid key, enrolments and bids; and the check of the receipts
//! that answer them.

use ed25519_dalek::SigningKey;

use super::greeting::KnownSale;
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Name};
use crate::auction::refusal::Code;
use crate::ledger::{Hash, LineError, Receipt, ReceiptError, SignedCheckpoint};
use crate::pki::{Credential, Fingerprint, SigningFault};
use crate::record::{
    BidEvidence, BidKey, EnrolmentStatement, Head, Record, RecordError, SignedBid, Statement,
};
use crate::wire::encoding::{Key32, Signature64};
use crate::wire::json::{BidBody, EnrolBody, EnrolSignatures, HeadBody, Request, RequestId};

/// What a bidder signs with in one sale.
pub(super) struct Pen {
    key: SigningKey,
    bid_key: BidKey,
    /// Whether the ledger holds its enrolment.
    pub(super) enrolled: bool,
}

/// What became of a bid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BidAnswer {
    /// It stands in the ledger; its receipt was checked and kept.
    Landed {
        /// The number of its line.
        seq: u64,
    },
    /// It was refused, for good.
    Refused {
        /// Why.
        code: Code,
        /// What the server says about it, fit to be shown.
        message: String,
        /// The least bid that would stand, where that is the reason.
        ask: Option<Amount>,
    },
    /// Nobody can say yet. It is kept, and sent again with the next connection.
    Unknown,
}

/// Why a receipt is not believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptFault {
    /// It proves nothing.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// Its entry is no line.
    #[error("its entry is not a line of a ledger: {0}")]
    Line(#[from] LineError),
    /// Its entry cannot be read.
    #[error("its entry cannot be read: {0}")]
    Record(#[from] RecordError),
    /// It is for something else.
    #[error("it is for something else than what was sent")]
    OtherEntry,
}

impl Pen {
    pub(super) fn new(key: SigningKey) -> Self {
        let bid_key = BidKey::from(&key);
        Self { key, bid_key, enrolled: false }
    }

    pub(super) const fn bid_key(&self) -> BidKey {
        self.bid_key
    }

    /// The request that binds the bid key to the credential's name.
    pub(super) fn enrol(
        &self,
        id: RequestId,
        credential: &Credential,
        sale_hash: Hash,
    ) -> Result<Request, SigningFault> {
        let identity = &credential.identity;
        let cert = Hash::from_bytes(*identity.cert.bytes());
        let statement = EnrolmentStatement {
            bid_key: self.bid_key,
            bidder: identity.name.clone(),
            cert,
            role: identity.role,
            sale_hash,
        };
        let cert_sig = credential.secret.sign(&statement.certificate_message())?;
        let bid_key = Key32::from_bytes(*self.bid_key.bytes());
        Ok(Request::Enrol {
            id,
            body: EnrolBody { bid_key, cert, role: identity.role, sale_hash },
            sigs: EnrolSignatures {
                bid_sig: Signature64::from_bytes(statement.sign(&self.key)),
                cert_sig: Signature64::from_bytes(cert_sig),
            },
        })
    }

    /// Signs a bid.
    pub(super) fn bid(
        &self,
        sale_hash: Hash,
        head: Head,
        n: u64,
        bidder: &Name,
        lot: LotId,
        amount: Amount,
    ) -> SignedBid {
        let bid_key = self.bid_key;
        let bidder = bidder.clone();
        let statement = Statement { amount, bid_key, bidder, head, lot, n, sale_hash };
        SignedBid::sign(statement, &self.key)
    }
}

/// The request that sends a bid.
pub(super) fn request_of(id: RequestId, bid: &SignedBid) -> Request {
    let statement = &bid.statement;
    let head = HeadBody { root: statement.head.root, size: statement.head.size };
    let bid_key = Key32::from_bytes(*statement.bid_key.bytes());
    let lot = statement.lot.clone();
    Request::Bid {
        id,
        body: BidBody::new(statement.amount, bid_key, head, lot, statement.n, statement.sale_hash),
        sig: Signature64::from_bytes(bid.signature),
    }
}

/// The bid in a request that `bidder` once sent; none if it is no bid.
pub(super) fn bid_of(request: &Request, bidder: &Name) -> Option<SignedBid> {
    let Request::Bid { body, sig, .. } = request else { return None };
    let statement = Statement {
        amount: body.amount().ok()?,
        bid_key: BidKey::from_bytes(*body.bid_key.bytes()),
        bidder: bidder.clone(),
        head: Head { root: body.head.root, size: body.head.size },
        lot: body.lot.clone(),
        n: body.n,
        sale_hash: body.sale_hash,
    };
    Some(SignedBid { statement, signature: *sig.bytes() })
}

/// A receipt that was checked.
pub(super) struct Proven {
    pub(super) seq: u64,
    pub(super) checkpoint: SignedCheckpoint,
}

/// Checks that `text` proves that the ledger holds exactly `bid`.
pub(super) fn check_bid_receipt(
    sale: &KnownSale,
    text: &str,
    bid: &SignedBid,
) -> Result<Proven, ReceiptFault> {
    check_receipt(sale, text, |record| match record {
        Record::Bid(accepted) => {
            matches!(&accepted.evidence, BidEvidence::Signed(entered) if entered == bid)
        }
        _ => false,
    })
}

/// Checks that `text` proves that the ledger holds the enrolment of `bid_key`.
pub(super) fn check_enrolment_receipt(
    sale: &KnownSale,
    text: &str,
    bid_key: &BidKey,
    name: &Name,
    cert: &Fingerprint,
) -> Result<Proven, ReceiptFault> {
    check_receipt(sale, text, |record| match record {
        Record::Enrol(enrolment) => {
            let leaf = enrolment.chain.first().map(|der| Fingerprint::of(der));
            enrolment.bid_key() == Some(bid_key)
                && enrolment.bidder == *name
                && leaf.as_ref() == Some(cert)
        }
        _ => false,
    })
}

fn check_receipt(
    sale: &KnownSale,
    text: &str,
    is_expected: impl FnOnce(&Record) -> bool,
) -> Result<Proven, ReceiptFault> {
    let receipt = Receipt::parse(text)?;
    let checkpoint = sale.receipt(&receipt)?;
    let record = Record::read(&receipt.line()?)?;
    let same_sealer = sale.opening().sealers.contains(&receipt.sealer);
    if same_sealer && is_expected(&record) {
        Ok(Proven { seq: receipt.index, checkpoint })
    } else {
        Err(ReceiptFault::OtherEntry)
    }
}
