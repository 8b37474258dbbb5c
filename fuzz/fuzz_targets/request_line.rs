//! What is said on the wire: however the bytes are cut into packets the same lines come out, and
//! a line that is understood is said again as the same thing.

#![no_main]

use gavel::auction::money::Currency;
use gavel::auction::name::{Name, is_showable};
use gavel::limits::{REQUEST_LINE_BYTES_MAX, TEXT_LINE_BYTES_MAX};
use gavel::record::{ActFields, BidKey, Head, SignedAct, SignedBid, Statement};
use gavel::wire::frame::{Framer, LineFault};
use gavel::wire::json::{Answer, BidBody, Reply, Request, ServerMessage};
use gavel::wire::lot::LotView;
use gavel::wire::text::{self, Command};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for (bytes_max, packet) in [(TEXT_LINE_BYTES_MAX, 7), (24, 1)] {
        let whole = lines(bytes, bytes_max, bytes.len().max(1));
        assert_eq!(whole, lines(bytes, bytes_max, packet), "in packets of {packet}");
    }
    for line in lines(bytes, REQUEST_LINE_BYTES_MAX, 1_024).into_iter().flatten() {
        check_request(&line);
        check_server(&line);
        check_command(&line);
    }
});

fn lines(bytes: &[u8], bytes_max: usize, packet: usize) -> Vec<Result<String, LineFault>> {
    let mut framer = Framer::new(bytes_max);
    let mut lines = Vec::new();
    for packet in bytes.chunks(packet) {
        framer.push(packet);
        while let Some(line) = framer.next_line() {
            if let Ok(text) = line {
                assert!(text.len() < bytes_max);
                assert!(text.chars().all(|c| c == '\t' || is_showable(c)), "{text:?}");
            }
            lines.push(line.map(str::to_owned));
        }
    }
    lines
}

/// The line as it was written, without its LF.
fn unended(line: Vec<u8>) -> String {
    let line = String::from_utf8(line).expect("is UTF-8");
    let text = line.strip_suffix('\n').expect("ends in LF");
    assert!(!text.contains('\n'));
    text.to_owned()
}

fn check_request(line: &str) {
    match Request::parse(line) {
        Ok(request) => {
            assert_eq!(Request::parse(&unended(request.to_line())), Ok(request.clone()));
            check_signed(&request);
        }
        Err(fault) => assert!(fault.to_string().chars().all(is_showable), "{fault}"),
    }
}

/// What a bidder or staff signed has one canonical form, and the signature of nobody is none.
fn check_signed(request: &Request) {
    let bidder = Name::parse("alice").expect("a name");
    let signed = match request {
        Request::Act { body, sig, .. } => {
            let fields = ActFields::of_body(bidder.as_str(), body);
            let Ok(statement) = fields.and_then(ActFields::statement) else { return };
            gavel::record::Signed::Act(SignedAct { statement, signature: *sig.bytes() })
        }
        Request::Bid { body, sig, .. } => {
            let Some(statement) = statement(bidder, body) else { return };
            gavel::record::Signed::Bid(SignedBid { statement, signature: *sig.bytes() })
        }
        _ => return,
    };
    let _ = signed.check();
    let _ = signed.digest();
}

fn statement(bidder: Name, body: &BidBody) -> Option<Statement> {
    Some(Statement {
        amount: body.amount().ok()?,
        bid_key: BidKey::from_bytes(*body.bid_key.bytes()),
        bidder,
        head: Head { root: body.head.root, size: body.head.size },
        lot: body.lot.clone(),
        n: body.n,
        sale_hash: body.sale_hash,
    })
}

fn check_server(line: &str) {
    match ServerMessage::parse(line) {
        Ok(message) => {
            assert_eq!(ServerMessage::parse(&unended(message.to_line())), Ok(message.clone()));
            match message {
                ServerMessage::Snapshot(snapshot) => check_lots(&snapshot.lots),
                ServerMessage::Reply(Reply { answer: Answer::Lots { lots, .. }, .. }) => {
                    check_lots(&lots);
                }
                _ => {}
            }
        }
        Err(fault) => assert!(fault.to_string().chars().all(is_showable), "{fault}"),
    }
}

fn check_lots(lots: &[LotView]) {
    let currency = Currency::new(Some("EUR"), 2).expect("a currency");
    assert_eq!(text::list(lots, &currency).lines().count(), lots.len() + 1);
    for lot in lots {
        assert_eq!(text::status(lot, &currency).lines().count(), 1);
    }
}

fn check_command(line: &str) {
    for minor_digits in [0, 2] {
        let currency = Currency::new(None, minor_digits).expect("a currency");
        match Command::parse(line, &currency) {
            Ok(Command::Bid { lot, amount }) => {
                let again = format!("bid {lot} {}", currency.decimal(amount));
                assert_eq!(Command::parse(&again, &currency), Ok(Command::Bid { lot, amount }));
            }
            Ok(_) => {}
            Err(fault) => {
                let answer = fault.answer();
                assert!(answer.trim_end().chars().all(is_showable), "{answer:?}");
                assert_eq!(answer.lines().count(), 1);
            }
        }
    }
}
