//! Bodies to values: everything that a line claims, in its one form, or an
//! error with the key. Whether a claim is true is for others to judge.

mod acts;

use serde::{Deserialize, Serialize};

use super::bid_form;
use super::claim::Signed;
use super::enrolment::{Enrolment, EnrolmentEvidence};
use super::entries::{AcceptedBid, BidEvidence, Counts, Record, Refused, Revocation, RoomBid};
use super::fault::RecordError;
use super::field::{
    absent, amount, base64, code, hash, present, signature, time, time_if, title, word,
};
use super::opening::{Opening, Terms};
use super::statement::{BidKey, Head, SignedBid, Statement};
use super::v1;
use crate::auction::catalogue::{LotTerms, SaleTerms, Seller, Timer, VoidPolicy};
use crate::auction::event::{Event, Happening, Outcome, Totals, UnsoldReason};
use crate::auction::fees::{Fees, Rate, TaxOn};
use crate::auction::increments::Increments;
use crate::auction::money::Currency;
use crate::auction::name::{LotId, Party};
use crate::auction::refusal::Code;
use crate::auction::reserve::Commitment;
use crate::ledger::{Kind, Line, from_canonical};
use crate::limits::COUNTED_KEYS_PER_LINE_MAX;
use crate::pki::{RevocationReason, Serial};
use crate::time::{Span, Timestamp};

impl Record {
    /// Reads a line's body by its type.
    pub fn read(line: &Line<'_>) -> Result<Self, RecordError> {
        let at = line.at.unwrap_or(Timestamp::ZERO);
        match line.kind {
            Kind::Open => Ok(Self::Open(Box::new(read_open(body(line)?)?))),
            Kind::Lot => Ok(Self::Lot(Box::new(read_lot(body(line)?)?))),
            Kind::Enrol => Ok(Self::Enrol(Box::new(read_enrol(body(line)?)?))),
            Kind::Bid => {
                let short = bid_form::read(line).map(Ok);
                Ok(Self::Bid(Box::new(short.unwrap_or_else(|| read_bid(body(line)?))?)))
            }
            Kind::Refusal => read_refusal(body(line)?),
            Kind::Revoke => Ok(Self::Revoke(read_revoke(body(line)?)?)),
            Kind::LotOpen => acts::read_lot_open(line),
            Kind::LotClose => acts::read_close_of_lot(line),
            Kind::Resume => acts::read_resume(line),
            Kind::Pause
            | Kind::Extend
            | Kind::Void
            | Kind::Withdraw
            | Kind::Reserve
            | Kind::Reissue
            | Kind::Say
            | Kind::Closing => acts::read_act(line),
            Kind::Tick => {
                let v1::Tick {} = body(line)?;
                event(line, Happening::Ticked)
            }
            Kind::Clock => event(line, read_clock(body(line)?)?),
            Kind::Outage => event(line, read_outage(body(line)?, at)?),
            Kind::Close => event(line, read_close(body(line)?)?),
            Kind::Seal => Ok(Self::Seal { note: body::<v1::Seal>(line)?.note }),
        }
    }
}

pub(super) fn body<'a, T: Serialize + Deserialize<'a>>(line: &Line<'a>) -> Result<T, RecordError> {
    Ok(from_canonical(line.body.as_bytes())?)
}

fn event(line: &Line<'_>, what: Happening) -> Result<Record, RecordError> {
    let at = present("ts", line.at)?;
    Ok(Record::Event(Event { at, what }))
}

fn read_open(open: v1::Open) -> Result<Opening, RecordError> {
    let [sealer] = open.sealers.as_slice() else {
        return Err(RecordError::value("sealers", "one certificate is expected"));
    };
    let currency = read_currency(&open.currency)?;
    Ok(Opening {
        sale: word("sale", &open.sale)?,
        house: word("house", &open.house)?,
        title: title("title", &open.title)?,
        nonce: *hash("nonce", &open.nonce)?.bytes(),
        terms: read_terms(&open.terms, currency)?,
        lot_count: open.lot_count,
        catalogue: hash("catalogue", &open.catalogue)?,
        sealers: vec![base64("sealers", sealer)?],
        ca: base64("ca", &open.ca)?,
        software: title("software", &open.software)?,
    })
}

fn read_currency(currency: &v1::Currency) -> Result<Currency, RecordError> {
    let schema = |error: &dyn std::fmt::Display| RecordError::value("currency", error);
    let digits = u8::try_from(currency.minor_digits).map_err(|error| schema(&error))?;
    Currency::new(currency.code.as_deref(), digits).map_err(|error| schema(&error))
}

fn read_terms(terms: &v1::Terms, currency: Currency) -> Result<Terms, RecordError> {
    Ok(Terms {
        sale: SaleTerms {
            currency,
            attested: terms.attested,
            opens_at: time_if("opens_at", terms.opens_at)?,
            sale_ends_at: time_if("sale_ends_at", terms.sale_ends_at)?,
            restart_grace: Span::from_ms(terms.restart_grace_ms),
            room_bids: terms.room_bids,
            void_policy: match terms.void_policy.as_str() {
                "reinstate" => VoidPolicy::Reinstate,
                "reopen" => VoidPolicy::Reopen,
                _ => return Err(RecordError::value("void_policy", "no such policy")),
            },
        },
        fees: terms.fees.as_ref().map(read_fees).transpose()?,
        refusal_bytes_max: terms.refusal_bytes_max,
        refusals_per_minute_max: terms.refusals_per_minute_max,
    })
}

fn read_fees(fees: &v1::Fees) -> Result<Fees, RecordError> {
    let rate = |key, bps| Rate::from_bps(bps).map_err(|error| RecordError::value(key, error));
    Ok(Fees {
        premium: rate("premium_bps", fees.premium_bps)?,
        tax: rate("tax_bps", fees.tax_bps)?,
        tax_on: match fees.tax_on.as_str() {
            "premium" => TaxOn::Premium,
            "hammer+premium" => TaxOn::HammerAndPremium,
            _ => return Err(RecordError::value("tax_on", "no such base")),
        },
        commission: rate("commission_bps", fees.commission_bps)?,
    })
}

fn read_lot(lot: v1::Lot) -> Result<LotTerms, RecordError> {
    let timer = read_timer(&lot)?;
    let estimate = match lot.estimate {
        Some((low, high)) => Some((amount("estimate", low)?, amount("estimate", high)?)),
        None => None,
    };
    Ok(LotTerms {
        id: word("id", &lot.id)?,
        name: title("name", &lot.name)?,
        start: amount("start", lot.start)?,
        increments: Increments::new(lot.increments)
            .map_err(|error| RecordError::value("increments", error))?,
        timer,
        soft_window: Span::from_ms(lot.soft_window_ms),
        soft_extend: Span::from_ms(lot.soft_extend_ms),
        hard_end: time_if("hard_end", lot.hard_end)?,
        seller: lot.seller.as_ref().map(read_seller).transpose()?,
        estimate,
        without_reserve: lot.without_reserve,
        reserve_commit: lot
            .reserve_commit
            .map(|text| hash("reserve_commit", &text))
            .transpose()?
            .map(|hash| Commitment::from_bytes(*hash.bytes())),
    })
}

fn read_timer(lot: &v1::Lot) -> Result<Timer, RecordError> {
    let no_duration = || absent("duration_ms", lot.duration_ms.as_ref());
    let no_schedule = || {
        absent("opens_at", lot.opens_at.as_ref())?;
        absent("ends_at", lot.ends_at.as_ref())
    };
    match lot.timer.as_str() {
        "first-bid" => {
            no_schedule()?;
            let duration = Span::from_ms(present("duration_ms", lot.duration_ms)?);
            Ok(Timer::FirstBid { duration })
        }
        "schedule" => {
            no_duration()?;
            Ok(Timer::Schedule {
                opens_at: time_if("opens_at", lot.opens_at)?,
                ends_at: time("ends_at", present("ends_at", lot.ends_at)?)?,
            })
        }
        "manual" => {
            no_duration()?;
            no_schedule()?;
            Ok(Timer::Manual)
        }
        _ => Err(RecordError::value("timer", "no such timer")),
    }
}

fn read_seller(seller: &v1::Seller) -> Result<Seller, RecordError> {
    match (&seller.name, &seller.text) {
        (Some(name), None) => Ok(Seller::Person(word("seller.name", name)?)),
        (None, Some(text)) => Ok(Seller::Text(title("seller.text", text)?)),
        (Some(_), Some(_)) | (None, None) => {
            Err(RecordError::value("seller", "either a name or a text is expected"))
        }
    }
}

fn read_enrol(enrol: v1::Enrol) -> Result<Enrolment, RecordError> {
    if enrol.chain.is_empty() {
        return Err(RecordError::value("chain", "at least one certificate is expected"));
    }
    let chain = enrol.chain.iter().map(|der| base64("chain", der)).collect::<Result<_, _>>()?;
    let evidence = match enrol.evidence.as_str() {
        "signed" => EnrolmentEvidence::Signed {
            bid_key: word("bid_key", &present("bid_key", enrol.bid_key)?)?,
            bid_sig: signature("bid_sig", &present("bid_sig", enrol.bid_sig)?)?,
            cert_sig: signature("cert_sig", &present("cert_sig", enrol.cert_sig)?)?,
        },
        "attested" => {
            absent("bid_key", enrol.bid_key.as_ref())?;
            absent("bid_sig", enrol.bid_sig.as_ref())?;
            absent("cert_sig", enrol.cert_sig.as_ref())?;
            EnrolmentEvidence::Attested
        }
        _ => return Err(RecordError::value("evidence", "no such evidence")),
    };
    Ok(Enrolment {
        bidder: word("bidder", &enrol.bidder)?,
        role: word("role", &enrol.role)?,
        chain,
        evidence,
    })
}

pub(super) fn read_bid(line: v1::Bid) -> Result<AcceptedBid, RecordError> {
    let evidence = match (line.evidence.as_str(), line.bid, line.act) {
        ("signed", Some(bid), None) => read_signed_bid(bid, line.sig)?,
        ("attested", Some(bid), None) => {
            absent("sig", line.sig.as_ref())?;
            read_attested_bid(&bid)?
        }
        ("clerk", None, Some(act)) => {
            let act = acts::read_signed(act, &present("sig", line.sig)?)?;
            let room = RoomBid::new(act);
            BidEvidence::Clerk(room.map_err(|_| RecordError::value("act", "it enters no bid"))?)
        }
        ("signed" | "attested" | "clerk", ..) => {
            return Err(RecordError::value("evidence", "a bid, or a clerk's act, but not both"));
        }
        _ => return Err(RecordError::value("evidence", "no such evidence")),
    };
    let ends_at = time_if("ends_at", line.ends_at)?;
    Ok(AcceptedBid { evidence, ends_at, reserve_met: line.reserve_met, lag_us: line.lag_us })
}

fn read_signed_bid(
    bid: v1::SignedOrAttested,
    sig: Option<String>,
) -> Result<BidEvidence, RecordError> {
    let statement = read_statement(&v1::Statement {
        amount: bid.amount,
        bid_key: present("bid_key", bid.bid_key)?,
        bidder: bid.bidder,
        head: present("head", bid.head)?,
        lot: bid.lot,
        n: present("n", bid.n)?,
        sale_hash: present("sale_hash", bid.sale_hash)?,
    })?;
    let signature = signature("sig", &present("sig", sig)?)?;
    Ok(BidEvidence::Signed(SignedBid { statement, signature }))
}

fn read_attested_bid(bid: &v1::SignedOrAttested) -> Result<BidEvidence, RecordError> {
    absent("bid_key", bid.bid_key.as_ref())?;
    absent("head", bid.head.as_ref())?;
    absent("n", bid.n.as_ref())?;
    absent("sale_hash", bid.sale_hash.as_ref())?;
    Ok(BidEvidence::Attested {
        bidder: word("bidder", &bid.bidder)?,
        lot: word("lot", &bid.lot)?,
        amount: amount("amount", bid.amount)?,
    })
}

fn read_statement(statement: &v1::Statement) -> Result<Statement, RecordError> {
    Ok(Statement {
        amount: amount("amount", statement.amount)?,
        bid_key: word("bid_key", &statement.bid_key)?,
        bidder: word("bidder", &statement.bidder)?,
        head: Head { root: hash("root", &statement.head.root)?, size: statement.head.size },
        lot: word("lot", &statement.lot)?,
        n: statement.n,
        sale_hash: hash("sale_hash", &statement.sale_hash)?,
    })
}

fn read_refusal(refusal: v1::Refusal) -> Result<Record, RecordError> {
    let v1::Refusal { act, bid, code: why, counts, keys, sig } = refusal;
    match (why, counts, keys, sig) {
        (Some(why), None, None, Some(sig)) => {
            let signed = read_signed_of(act, bid, &sig)?;
            Ok(Record::Refused(Box::new(Refused { signed, code: code("code", &why)? })))
        }
        (None, Some(counts), Some(keys), None) if act.is_none() && bid.is_none() => {
            Ok(Record::Counted(read_summary(&counts, &keys)?))
        }
        _ => {
            let detail = "neither a whole bid, nor a whole act, nor a summary";
            Err(RecordError::value("refusal", detail))
        }
    }
}

/// Reads a whole bid or a whole act, whichever is there.
pub(super) fn read_signed_of(
    act: Option<v1::Act>,
    bid: Option<v1::Statement>,
    sig: &str,
) -> Result<Signed, RecordError> {
    match (act, bid) {
        (None, Some(bid)) => {
            let statement = read_statement(&bid)?;
            Ok(Signed::Bid(SignedBid { statement, signature: signature("sig", sig)? }))
        }
        (Some(act), None) => Ok(Signed::Act(acts::read_signed(act, sig)?)),
        (Some(_), Some(_)) | (None, None) => {
            Err(RecordError::value("bid", "either a whole bid or a whole act"))
        }
    }
}

fn read_summary(counts: &[v1::Count], keys: &[v1::CountedKey]) -> Result<Counts, RecordError> {
    if counts.is_empty() && keys.is_empty() {
        return Err(RecordError::value("counts", "a summary of nothing"));
    }
    Ok(Counts { counts: read_counts(counts)?, keys: read_keys(keys)? })
}

fn read_counts(counts: &[v1::Count]) -> Result<Vec<(Code, u64)>, RecordError> {
    let counts: Vec<(Code, u64)> = counts
        .iter()
        .map(|entry| Ok((code("code", &entry.code)?, entry.count)))
        .collect::<Result<_, RecordError>>()?;
    let rising = counts.is_sorted_by(|(one, _), (next, _)| one.as_str() < next.as_str());
    if !rising || counts.iter().any(|(_, count)| *count == 0) {
        return Err(RecordError::value("counts", "rising codes with counts above 0 are expected"));
    }
    Ok(counts)
}

fn read_keys(keys: &[v1::CountedKey]) -> Result<Vec<(BidKey, u64)>, RecordError> {
    let keys: Vec<(BidKey, u64)> = keys
        .iter()
        .map(|entry| Ok((word("bid_key", &entry.bid_key)?, entry.n)))
        .collect::<Result<_, RecordError>>()?;
    let rising = keys.is_sorted_by(|(one, _), (next, _)| one < next);
    if !rising || keys.len() > COUNTED_KEYS_PER_LINE_MAX {
        return Err(RecordError::value("keys", "at most 128 rising keys are expected"));
    }
    Ok(keys)
}

fn read_revoke(revoke: v1::Revoke) -> Result<Revocation, RecordError> {
    Ok(Revocation {
        serial: Serial::parse(&revoke.serial)
            .map_err(|error| RecordError::value("serial", error))?,
        reason: RevocationReason::parse(&revoke.reason)
            .ok_or_else(|| RecordError::value("reason", "no such reason"))?,
        crl_number: revoke.crl_number,
        crl_hash: hash("crl_hash", &revoke.crl_hash)?,
    })
}

fn read_lot_close(closed: v1::LotClose) -> Result<(LotId, Outcome), RecordError> {
    let to = match (closed.winner, closed.paddle) {
        (Some(winner), None) => Some(Party::Named(word("winner", &winner)?)),
        (None, Some(paddle)) => Some(Party::Paddle(word("paddle", &paddle)?)),
        (None, None) => None,
        (Some(_), Some(_)) => {
            return Err(RecordError::value("winner", "either a winner or a paddle is expected"));
        }
    };
    let outcome = match (closed.outcome.as_str(), closed.price, to) {
        ("sold", Some(price), Some(to)) => {
            Outcome::Sold { to, hammer_price: amount("price", price)? }
        }
        ("unsold/no-bids", None, None) => Outcome::Unsold(UnsoldReason::NoBids),
        ("unsold/reserve-not-met", None, None) => Outcome::Unsold(UnsoldReason::ReserveNotMet),
        _ => {
            let detail = "no such outcome, or not with this price and winner";
            return Err(RecordError::value("outcome", detail));
        }
    };
    Ok((word("lot", &closed.lot)?, outcome))
}

fn read_clock(clock: v1::Clock) -> Result<Happening, RecordError> {
    Ok(Happening::ClockNoted { wall: time("wall", clock.wall)?, accepted: clock.accepted })
}

fn read_outage(outage: v1::Outage, at: Timestamp) -> Result<Happening, RecordError> {
    if outage.to != at.unix_ms() {
        return Err(RecordError::value("to", "an outage ends at its entry's time"));
    }
    Ok(Happening::OutageEnded { from: time("from", outage.from)? })
}

fn read_close(close: v1::Close) -> Result<Happening, RecordError> {
    Ok(Happening::SaleClosed(Totals {
        sold: close.sold,
        unsold: close.unsold,
        withdrawn: close.withdrawn,
        hammer_total: close.hammer_total,
    }))
}
