//! The one form of a signed bid, written and read in one walk.
//!
//! Nearly every line of a ledger is such a bid, and whoever checks one writes its statement again
//! to see what was signed. The bodies in [`v1`](super::v1) say what the form is; this is the short
//! way through it, and gives way to the general one wherever a text is anything else.

use std::io::Write as _;

use super::entries::{AcceptedBid, BidEvidence};
use super::statement::{BID_DOMAIN, BidKey, Head, SignedBid, Statement};
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Name};
use crate::ledger::encoding::{decode_base64_exactly, push_base64};
use crate::ledger::form::Form;
use crate::ledger::{Hash, Line};
use crate::time::Timestamp;

/// What a statement needs at the most, but for names and numbers.
const STATEMENT_BYTES: usize = 512;
/// The same for the body around it.
const BODY_BYTES: usize = STATEMENT_BYTES + 256;

/// Writes what is signed: the domain, and the statement's canonical JSON.
pub(super) fn message(statement: &Statement) -> Vec<u8> {
    let mut text = Vec::with_capacity(STATEMENT_BYTES);
    text.extend_from_slice(BID_DOMAIN);
    write_statement(statement, &mut text);
    text
}

/// Writes the statement's canonical JSON.
pub(super) fn canonical(statement: &Statement) -> Vec<u8> {
    let mut text = Vec::with_capacity(STATEMENT_BYTES);
    write_statement(statement, &mut text);
    text
}

fn write_statement(statement: &Statement, text: &mut Vec<u8>) {
    let Statement { amount, bid_key, bidder, head, lot, n, sale_hash } = statement;
    let bid_key = Hash::from_bytes(*bid_key.bytes());
    put(text, b"{\"amount\":");
    put_number(text, amount.minor_units());
    put(text, b",\"bid_key\":\"");
    put(text, &bid_key.hex());
    // Names and lot ids are of characters that no text escapes.
    put(text, b"\",\"bidder\":\"");
    put(text, bidder.as_str().as_bytes());
    put(text, b"\",\"head\":{\"root\":\"");
    put(text, &head.root.hex());
    put(text, b"\",\"size\":");
    put_number(text, head.size);
    put(text, b"},\"lot\":\"");
    put(text, lot.as_str().as_bytes());
    put(text, b"\",\"n\":");
    put_number(text, *n);
    put(text, b",\"sale_hash\":\"");
    put(text, &sale_hash.hex());
    put(text, b"\"}");
}

/// Writes the body of the line of `accepted`, which rests on `bid`.
pub(super) fn body(accepted: &AcceptedBid, bid: &SignedBid) -> Vec<u8> {
    let mut text = Vec::with_capacity(BODY_BYTES);
    text.extend_from_slice(b"{\"bid\":");
    write_statement(&bid.statement, &mut text);
    if let Some(ends_at) = accepted.ends_at {
        put(&mut text, b",\"ends_at\":");
        put_number(&mut text, ends_at.unix_ms());
    }
    put(&mut text, b",\"evidence\":\"signed\",\"lag_us\":");
    put_number(&mut text, accepted.lag_us);
    match accepted.reserve_met {
        Some(true) => put(&mut text, b",\"reserve_met\":true"),
        Some(false) => put(&mut text, b",\"reserve_met\":false"),
        None => {}
    }
    put(&mut text, b",\"sig\":\"");
    push_base64(&bid.signature, &mut text);
    put(&mut text, b"\"}");
    text
}

fn put(text: &mut Vec<u8>, piece: &[u8]) {
    text.extend_from_slice(piece);
}

fn put_number(text: &mut Vec<u8>, number: u64) {
    write!(text, "{number}").expect("a vector takes whatever is written");
}

/// Reads the body of an accepted bid that its bidder signed; none for every other body.
pub(super) fn read(line: &Line<'_>) -> Option<AcceptedBid> {
    let mut form = Form::new(line.body);
    form.literal("{\"bid\":")?;
    let statement = read_statement(&mut form)?;
    let ends_at = match form.has(",\"ends_at\":") {
        true => Some(Timestamp::from_unix_ms(form.integer()?)?),
        false => None,
    };
    form.literal(",\"evidence\":\"signed\",\"lag_us\":")?;
    let lag_us = form.integer()?;
    let reserve_met = match form.has(",\"reserve_met\":") {
        true if form.has("true") => Some(true),
        true => form.literal("false").map(|()| Some(false))?,
        false => None,
    };
    form.literal(",\"sig\":\"")?;
    let signature = decode_base64_exactly(form.word()?).ok()?;
    form.literal("}")?;
    form.end()?;
    let evidence = BidEvidence::Signed(SignedBid { statement, signature });
    Some(AcceptedBid { evidence, ends_at, reserve_met, lag_us })
}

fn read_statement(form: &mut Form<'_>) -> Option<Statement> {
    form.literal("{\"amount\":")?;
    let amount = Amount::new(form.integer()?)?;
    form.literal(",\"bid_key\":\"")?;
    let bid_key = BidKey::from_bytes(*form.hash()?.bytes());
    form.literal("\",\"bidder\":\"")?;
    let bidder = Name::parse(form.word()?).ok()?;
    form.literal(",\"head\":{\"root\":\"")?;
    let root = form.hash()?;
    form.literal("\",\"size\":")?;
    let size = form.integer()?;
    form.literal("},\"lot\":\"")?;
    let lot = LotId::parse(form.word()?).ok()?;
    form.literal(",\"n\":")?;
    let n = form.integer()?;
    form.literal(",\"sale_hash\":\"")?;
    let sale_hash = form.hash()?;
    form.literal("\"}")?;
    Some(Statement { amount, bid_key, bidder, head: Head { root, size }, lot, n, sale_hash })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ledger::{Kind, to_canonical};
    use crate::record::{Record, v1};

    #[test]
    fn it_is_written_as_the_general_form_writes_it() {
        let mut bids = 0;
        for (record, _) in crate::record::tests::samples() {
            let Record::Bid(mut accepted) = record else { continue };
            let BidEvidence::Signed(bid) = accepted.evidence.clone() else { continue };
            let general = to_canonical(&v1::Statement::from(&bid.statement));
            assert_eq!(canonical(&bid.statement), general);
            for (ends_at, reserve_met) in
                [(None, None), (Timestamp::from_unix_ms(7), Some(false)), (None, Some(true))]
            {
                (accepted.ends_at, accepted.reserve_met) = (ends_at, reserve_met);
                assert_eq!(body(&accepted, &bid), to_canonical(&v1::Bid::from(&*accepted)));
            }
            bids += 1;
        }
        assert!(bids > 0);
    }

    /// The short way through a bid's body must take what the general one takes, as the same.
    fn check_short_form(body: &str) {
        let line =
            Line { kind: Kind::Bid, seq: 1, prev: Hash::ZERO, at: Some(Timestamp::ZERO), body };
        let general = crate::record::read::body(&line).and_then(crate::record::read::read_bid);
        let signed = general.ok().filter(|bid| matches!(bid.evidence, BidEvidence::Signed(_)));
        assert_eq!(read(&line), signed, "{body}");
    }

    proptest! {
        #[test]
        fn a_mutated_bid_is_read_alike_on_the_short_way(
            place in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(),
            byte in prop::sample::select(b"\"\\{}[],:0123456789abcdfnABF_-+/= \xc3\xa9".to_vec()),
            how in 0..4, which in any::<prop::sample::Index>(),
        ) {
            let bids: Vec<_> = crate::record::tests::samples().into_iter().filter(|(_, draft)| draft.kind == Kind::Bid).collect();
            let body = &which.get(&bids).1.body;
            check_short_form(str::from_utf8(body).expect("UTF-8"));
            let (place, cut) = (place.index(body.len()), cut.index(body.len()));
            let mut body = body.clone();
            match how {
                0 => body[place] = byte,
                1 => body.insert(place, byte),
                2 => { body.remove(place); }
                // A piece of it once more.
                _ => {
                    let piece = body[place.min(cut)..place.max(cut)].to_vec();
                    body.extend(piece);
                }
            }
            if let Ok(body) = str::from_utf8(&body) {
                check_short_form(body);
            }
        }
    }
}
