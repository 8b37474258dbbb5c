//! Values to bodies: one function for each entry that the house writes.

mod acts;

use serde::Serialize;

pub use acts::draft_act;

use super::bid_form;
use super::claim::Signed;
use super::enrolment::{Enrolment, EnrolmentEvidence, EnrolmentStatement};
use super::entries::{AcceptedBid, BidEvidence, Counts, Refused, Revocation};
use super::field::write_certificates;
use super::opening::Opening;
use super::statement::{BidKey, Head, SignedBid, Statement};
use super::v1;
use crate::auction::catalogue::{LotTerms, Seller, Timer, VoidPolicy};
use crate::auction::event::{Event, Happening, Totals};
use crate::auction::fees::{Fees, TaxOn};
use crate::auction::refusal::Code;
use crate::auction::reserve::Commitment;
use crate::ledger::encoding::encode_base64;
use crate::ledger::{Draft, Hash, Kind, to_canonical};
use crate::limits::INTEGER_MAX;
use crate::time::Timestamp;

/// Writes line 0.
pub fn draft_open(opening: &Opening, at: Timestamp) -> Draft {
    draft(Kind::Open, at, &v1::Open::from(opening))
}

/// Writes a lot of the catalogue.
pub fn draft_lot(lot: &LotTerms, at: Timestamp) -> Draft {
    draft(Kind::Lot, at, &v1::Lot::from(lot))
}

/// Writes an enrolment.
pub fn draft_enrol(enrolment: &Enrolment, at: Timestamp) -> Draft {
    draft(Kind::Enrol, at, &v1::Enrol::from(enrolment))
}

/// Writes an accepted bid.
pub fn draft_bid(accepted: &AcceptedBid, at: Timestamp) -> Draft {
    match &accepted.evidence {
        BidEvidence::Signed(bid) => {
            Draft { kind: Kind::Bid, at, body: bid_form::body(accepted, bid) }
        }
        BidEvidence::Attested { .. } | BidEvidence::Clerk(_) => {
            draft(Kind::Bid, at, &v1::Bid::from(accepted))
        }
    }
}

/// Writes a refused bid or act whole.
pub fn draft_refused(refused: &Refused, at: Timestamp) -> Draft {
    draft(Kind::Refusal, at, &v1::Refusal::from(refused))
}

/// Writes a summary of refused bids.
pub fn draft_counts(counts: &Counts, at: Timestamp) -> Draft {
    draft(Kind::Refusal, at, &v1::Refusal::from(counts))
}

/// Writes a revocation.
pub fn draft_revoke(revocation: &Revocation, at: Timestamp) -> Draft {
    draft(Kind::Revoke, at, &v1::Revoke::from(revocation))
}

/// Writes an event of the rules; none for an accepted bid and for an act, which
/// [`draft_bid`] and [`draft_act`] write with what they rest on.
pub fn draft_event(event: &Event) -> Option<Draft> {
    let at = event.at;
    Some(match &event.what {
        Happening::Acted { .. } | Happening::BidAccepted { .. } => return None,
        Happening::LotOpened { lot, ends_at } => {
            let (lot, ends_at) = (lot.to_string(), ends_at.map(ms));
            draft(Kind::LotOpen, at, &v1::LotOpen { act: None, ends_at, lot, sig: None })
        }
        Happening::LotResumed { lot, ends_at } => {
            let (lot, ends_at) = (lot.to_string(), ends_at.map(ms));
            draft(Kind::Resume, at, &v1::Resume { act: None, ends_at, lot, sig: None })
        }
        Happening::LotClosed { lot, outcome, reserves } => {
            draft(Kind::LotClose, at, &acts::lot_close(lot, outcome, reserves))
        }
        Happening::Ticked => draft(Kind::Tick, at, &v1::Tick {}),
        Happening::ClockNoted { wall, accepted } => {
            draft(Kind::Clock, at, &v1::Clock { accepted: *accepted, wall: ms(*wall) })
        }
        Happening::OutageEnded { from } => {
            draft(Kind::Outage, at, &v1::Outage { from: ms(*from), to: ms(at) })
        }
        Happening::SaleClosed(totals) => draft(Kind::Close, at, &v1::Close::from(totals)),
    })
}

fn draft(kind: Kind, at: Timestamp, body: &impl Serialize) -> Draft {
    Draft { kind, at, body: to_canonical(body) }
}

const fn ms(time: Timestamp) -> u64 {
    time.unix_ms()
}

impl From<&Opening> for v1::Open {
    fn from(opening: &Opening) -> Self {
        let terms = &opening.terms;
        Self {
            ca: encode_base64(&opening.ca),
            catalogue: opening.catalogue.to_string(),
            currency: v1::Currency {
                code: terms.sale.currency.code().map(str::to_owned),
                minor_digits: u64::from(terms.sale.currency.minor_digits()),
            },
            house: opening.house.to_string(),
            lot_count: opening.lot_count,
            nonce: Hash::from_bytes(opening.nonce).to_string(),
            sale: opening.sale.to_string(),
            sealers: write_certificates(&opening.sealers),
            software: opening.software.to_string(),
            terms: v1::Terms {
                attested: terms.sale.attested,
                fees: terms.fees.as_ref().map(v1::Fees::from),
                opens_at: terms.sale.opens_at.map(ms),
                refusal_bytes_max: terms.refusal_bytes_max,
                refusals_per_minute_max: terms.refusals_per_minute_max,
                restart_grace_ms: terms.sale.restart_grace.ms(),
                room_bids: terms.sale.room_bids,
                sale_ends_at: terms.sale.sale_ends_at.map(ms),
                void_policy: match terms.sale.void_policy {
                    VoidPolicy::Reinstate => "reinstate".to_owned(),
                    VoidPolicy::Reopen => "reopen".to_owned(),
                },
            },
            title: opening.title.to_string(),
        }
    }
}

fn commitment(commitment: &Commitment) -> String {
    Hash::from_bytes(*commitment.bytes()).to_string()
}

impl From<&Fees> for v1::Fees {
    fn from(fees: &Fees) -> Self {
        let tax_on = match fees.tax_on {
            TaxOn::Premium => "premium",
            TaxOn::HammerAndPremium => "hammer+premium",
        };
        Self {
            commission_bps: fees.commission.bps(),
            premium_bps: fees.premium.bps(),
            tax_bps: fees.tax.bps(),
            tax_on: tax_on.to_owned(),
        }
    }
}

impl From<&LotTerms> for v1::Lot {
    fn from(lot: &LotTerms) -> Self {
        let (timer, duration, opens_at, ends_at) = match &lot.timer {
            Timer::FirstBid { duration } => ("first-bid", Some(duration.ms()), None, None),
            Timer::Schedule { opens_at, ends_at } => {
                ("schedule", None, opens_at.map(ms), Some(ms(*ends_at)))
            }
            Timer::Manual => ("manual", None, None, None),
        };
        Self {
            duration_ms: duration,
            ends_at,
            estimate: lot.estimate.map(|(low, high)| (low.minor_units(), high.minor_units())),
            hard_end: lot.hard_end.map(ms),
            id: lot.id.to_string(),
            increments: lot.increments.rows().to_vec(),
            name: lot.name.to_string(),
            opens_at,
            reserve_commit: lot.reserve_commit.as_ref().map(commitment),
            seller: lot.seller.as_ref().map(v1::Seller::from),
            soft_extend_ms: lot.soft_extend.ms(),
            soft_window_ms: lot.soft_window.ms(),
            start: lot.start.minor_units(),
            timer: timer.to_owned(),
            without_reserve: lot.without_reserve,
        }
    }
}

impl From<&Seller> for v1::Seller {
    fn from(seller: &Seller) -> Self {
        match seller {
            Seller::Person(name) => Self { name: Some(name.to_string()), text: None },
            Seller::Text(text) => Self { name: None, text: Some(text.to_string()) },
        }
    }
}

impl From<&Enrolment> for v1::Enrol {
    fn from(enrolment: &Enrolment) -> Self {
        let (evidence, bid_key, bid_sig, cert_sig) = match &enrolment.evidence {
            EnrolmentEvidence::Signed { bid_key, bid_sig, cert_sig } => (
                "signed",
                Some(bid_key.to_string()),
                Some(encode_base64(bid_sig)),
                Some(encode_base64(cert_sig)),
            ),
            EnrolmentEvidence::Attested => ("attested", None, None, None),
        };
        Self {
            bid_key,
            bid_sig,
            bidder: enrolment.bidder.to_string(),
            cert_sig,
            chain: write_certificates(&enrolment.chain),
            evidence: evidence.to_owned(),
            role: enrolment.role.to_string(),
        }
    }
}

impl From<&EnrolmentStatement> for v1::EnrolmentStatement {
    fn from(statement: &EnrolmentStatement) -> Self {
        Self {
            bid_key: statement.bid_key.to_string(),
            bidder: statement.bidder.to_string(),
            cert: statement.cert.to_string(),
            role: statement.role.to_string(),
            sale_hash: statement.sale_hash.to_string(),
        }
    }
}

impl From<&Statement> for v1::Statement {
    fn from(statement: &Statement) -> Self {
        Self {
            amount: statement.amount.minor_units(),
            bid_key: statement.bid_key.to_string(),
            bidder: statement.bidder.to_string(),
            head: v1::Head::from(&statement.head),
            lot: statement.lot.to_string(),
            n: statement.n,
            sale_hash: statement.sale_hash.to_string(),
        }
    }
}

impl From<&Head> for v1::Head {
    fn from(head: &Head) -> Self {
        Self { root: head.root.to_string(), size: head.size }
    }
}

impl From<&SignedBid> for v1::SignedOrAttested {
    fn from(bid: &SignedBid) -> Self {
        let statement = v1::Statement::from(&bid.statement);
        Self {
            amount: statement.amount,
            bid_key: Some(statement.bid_key),
            bidder: statement.bidder,
            head: Some(statement.head),
            lot: statement.lot,
            n: Some(statement.n),
            sale_hash: Some(statement.sale_hash),
        }
    }
}

impl From<&AcceptedBid> for v1::Bid {
    fn from(accepted: &AcceptedBid) -> Self {
        let (act, bid, evidence, signature) = match &accepted.evidence {
            BidEvidence::Signed(bid) => {
                (None, Some(v1::SignedOrAttested::from(bid)), "signed", Some(&bid.signature))
            }
            BidEvidence::Attested { bidder, lot, amount } => {
                let bid = v1::SignedOrAttested {
                    amount: amount.minor_units(),
                    bid_key: None,
                    bidder: bidder.to_string(),
                    head: None,
                    lot: lot.to_string(),
                    n: None,
                    sale_hash: None,
                };
                (None, Some(bid), "attested", None)
            }
            BidEvidence::Clerk(room) => {
                let act = room.act();
                (Some(v1::Act::from(&act.statement)), None, "clerk", Some(&act.signature))
            }
        };
        Self {
            act,
            bid,
            ends_at: accepted.ends_at.map(ms),
            evidence: evidence.to_owned(),
            lag_us: accepted.lag_us.min(INTEGER_MAX),
            reserve_met: accepted.reserve_met,
            sig: signature.map(|signature| encode_base64(signature)),
        }
    }
}

impl From<&Refused> for v1::Refusal {
    fn from(refused: &Refused) -> Self {
        let (act, bid) = match &refused.signed {
            Signed::Act(act) => (Some(v1::Act::from(&act.statement)), None),
            Signed::Bid(bid) => (None, Some(v1::Statement::from(&bid.statement))),
        };
        Self {
            act,
            bid,
            code: Some(refused.code.as_str().to_owned()),
            counts: None,
            keys: None,
            sig: Some(encode_base64(refused.signed.signature())),
        }
    }
}

impl From<&Counts> for v1::Refusal {
    fn from(counts: &Counts) -> Self {
        let count = |(code, count): &_| v1::Count { code: Code::to_string(code), count: *count };
        let key = |(key, n): &_| v1::CountedKey { bid_key: BidKey::to_string(key), n: *n };
        Self {
            act: None,
            bid: None,
            code: None,
            counts: Some(counts.counts.iter().map(count).collect()),
            keys: Some(counts.keys.iter().map(key).collect()),
            sig: None,
        }
    }
}

impl From<&Revocation> for v1::Revoke {
    fn from(revocation: &Revocation) -> Self {
        Self {
            crl_hash: revocation.crl_hash.to_string(),
            crl_number: revocation.crl_number,
            reason: revocation.reason.to_string(),
            serial: revocation.serial.to_string(),
        }
    }
}

impl From<&Totals> for v1::Close {
    fn from(totals: &Totals) -> Self {
        Self {
            hammer_total: totals.hammer_total,
            sold: totals.sold,
            unsold: totals.unsold,
            withdrawn: totals.withdrawn,
        }
    }
}
