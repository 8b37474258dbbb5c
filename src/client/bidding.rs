//! Signing: the bid key, enrolments and bids; and the check of the receipts
//! that answer them.

use ed25519_dalek::SigningKey;

use super::greeting::KnownSale;
use super::session::Sent;
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Name, Title};
use crate::auction::refusal::Code;
use crate::auction::reserve::ReserveOpening;
use crate::ledger::{Hash, LineError, Receipt, ReceiptError, SignedCheckpoint};
use crate::pki::{Credential, Fingerprint, Identity, SigningFault};
use crate::record::{
    ActFields, ActStatement, BidKey, Difference, EnrolmentFault, EnrolmentStatement, Head, Order,
    Record, RecordError, Signed, SignedAct, SignedBid, Statement,
};
use crate::time::Timestamp;
use crate::wire::encoding::{Key32, Signature64};
use crate::wire::json::{
    BidBody, EnrolBody, EnrolSignatures, HeadBody, OpeningBody, Request, RequestId,
};

/// What a bidder signs with in one sale.
pub(crate) struct Pen {
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
    /// It is for our enrolment, which is not as our keys signed it.
    #[error("the enrolment in it is not what was signed: {0}")]
    Enrolment(#[from] EnrolmentFault),
    /// It is for something else.
    #[error("it is for something else than what was sent")]
    OtherEntry,
    /// Another sealer's certificate is in it than in line 0.
    #[error("it is by another sealer than the sale's")]
    OtherSealer,
    /// It is for something that says otherwise than what was signed.
    #[error("what was entered is not what was signed: {}", listed(.differences))]
    Differs {
        /// Every field that does.
        differences: Vec<Difference>,
    },
    /// The house entered a signed bid as if it had been typed by hand.
    #[error("the house entered on its own word what was signed")]
    Unsigned,
}

fn listed(differences: &[Difference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Pen {
    pub(crate) fn new(key: SigningKey) -> Self {
        let bid_key = BidKey::from(&key);
        Self { key, bid_key, enrolled: false }
    }

    pub(super) const fn bid_key(&self) -> BidKey {
        self.bid_key
    }

    /// The request that binds the bid key to the credential's name.
    pub(crate) fn enrol(
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

    /// Signs an act.
    pub(super) fn act(&self, stem: Stem, order: Order, reason: Option<Title>) -> SignedAct {
        let (Stem { bidder, head, n, sale_hash }, bid_key) = (stem, self.bid_key);
        let statement = ActStatement { bid_key, bidder, head, n, order, reason, sale_hash };
        SignedAct::sign(statement, &self.key)
    }

    /// Signs a bid.
    pub(crate) fn bid(&self, stem: Stem, lot: LotId, amount: Amount) -> SignedBid {
        let (Stem { bidder, head, n, sale_hash }, bid_key) = (stem, self.bid_key);
        let statement = Statement { amount, bid_key, bidder, head, lot, n, sale_hash };
        SignedBid::sign(statement, &self.key)
    }
}

/// What every statement begins with, bid or act.
#[derive(Debug)]
pub(crate) struct Stem {
    pub(crate) bidder: Name,
    pub(crate) head: Head,
    pub(crate) n: u64,
    pub(crate) sale_hash: Hash,
}

/// The request that sends a bid or an act.
pub(super) fn request_of(id: RequestId, sent: &Sent) -> Request {
    match &sent.signed {
        Signed::Act(act) => act_request(id, act, sent.opening),
        Signed::Bid(bid) => bid_request(id, bid),
    }
}

fn act_request(id: RequestId, act: &SignedAct, opening: Option<ReserveOpening>) -> Request {
    let body = ActFields::from(&act.statement).to_body();
    let opening = opening.map(|opening| OpeningBody {
        nonce: Hash::from_bytes(opening.nonce),
        reserve: opening.reserve.minor_units(),
    });
    let body = Box::new(body.expect("an act's fields are those of its body"));
    Request::Act { id, body, sig: Signature64::from_bytes(act.signature), opening }
}

/// The request that sends a bid.
pub(crate) fn bid_request(id: RequestId, bid: &SignedBid) -> Request {
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

/// The bid or act in a request that `bidder` once sent; none if it is neither.
pub(super) fn sent_of(request: &Request, bidder: &Name) -> Option<Sent> {
    match request {
        Request::Act { body, sig, opening, .. } => {
            let statement = ActFields::of_body(bidder.as_str(), body).ok()?.statement().ok()?;
            let opening = opening.and_then(|opening| {
                let reserve = Amount::new(opening.reserve)?;
                Some(ReserveOpening { reserve, nonce: *opening.nonce.bytes() })
            });
            let act = SignedAct { statement, signature: *sig.bytes() };
            Some(Sent { opening, ..Sent::new(act) })
        }
        Request::Bid { body, sig, .. } => bid_of(body, sig, bidder).map(Sent::new),
        _ => None,
    }
}

fn bid_of(body: &BidBody, sig: &Signature64, bidder: &Name) -> Option<SignedBid> {
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

/// Checks that `text` proves that the ledger holds exactly this bid or act, as taken.
pub(super) fn check_sent_receipt(
    sale: &KnownSale,
    text: &str,
    sent: &Signed,
) -> Result<Proven, ReceiptFault> {
    check_receipt(sale, text, |record, _| match record {
        Record::Act(recorded) => check_same(sent, &Signed::Act(recorded.act.clone())),
        Record::Bid(accepted) => match accepted.evidence.signed() {
            Some(entered) => check_same(sent, &entered),
            None => Err(ReceiptFault::Unsigned),
        },
        _ => Err(ReceiptFault::OtherEntry),
    })
}

/// Field by field: the signature covers all of them, and yet whoever made the receipt may hold
/// a key that signed something else.
fn check_same(sent: &Signed, entered: &Signed) -> Result<(), ReceiptFault> {
    let differences = sent.differences(entered);
    if differences.is_empty() { Ok(()) } else { Err(ReceiptFault::Differs { differences }) }
}

/// Checks that `text` proves that the ledger holds the enrolment of `bid_key` by `identity`. Its
/// signatures are checked, not compared: each time it is sent it is signed anew.
pub(super) fn check_enrolment_receipt(
    sale: &KnownSale,
    text: &str,
    bid_key: &BidKey,
    identity: &Identity,
) -> Result<Proven, ReceiptFault> {
    check_receipt(sale, text, |record, at| match record {
        Record::Enrol(enrolment) => {
            let leaf = enrolment.chain.first().map(|der| Fingerprint::of(der));
            let is_ours = enrolment.bid_key() == Some(bid_key)
                && enrolment.bidder == identity.name
                && enrolment.role == identity.role
                && leaf == Some(identity.cert);
            if !is_ours {
                return Err(ReceiptFault::OtherEntry);
            }
            Ok(sale.check_enrolment(enrolment, at)?)
        }
        _ => Err(ReceiptFault::OtherEntry),
    })
}

fn check_receipt(
    sale: &KnownSale,
    text: &str,
    check_entry: impl FnOnce(&Record, Timestamp) -> Result<(), ReceiptFault>,
) -> Result<Proven, ReceiptFault> {
    let receipt = Receipt::parse(text)?;
    let checkpoint = sale.receipt(&receipt)?;
    let line = receipt.line()?;
    let record = Record::read(&line)?;
    if !sale.opening().sealers.contains(&receipt.sealer) {
        return Err(ReceiptFault::OtherSealer);
    }
    check_entry(&record, line.at.unwrap_or(Timestamp::ZERO))?;
    Ok(Proven { seq: receipt.index, checkpoint })
}
