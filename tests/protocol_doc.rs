//! Reads every message in `docs/protocol.md`, and holds its signed example,
//! its codes and its limits against the code.

use std::fs;
use std::path::Path;

use ed25519_dalek::{Signer, SigningKey};
use gavel::auction::act::Deed;
use gavel::auction::money::Amount;
use gavel::auction::name::SaleId;
use gavel::auction::refusal::Code;
use gavel::auction::reserve::ReserveOpening;
use gavel::ledger::encoding::encode_base64;
use gavel::ledger::note::Note;
use gavel::limits;
use gavel::record::{ActFields, Order, SignedAct, commit};
use gavel::wire::json::{Request, ServerMessage};

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/protocol.md");
    fs::read_to_string(path).expect("the document is there")
}

/// The lines of every fence marked `kind`.
fn fenced<'a>(document: &'a str, kind: &str) -> Vec<&'a str> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in document.lines() {
        match line.strip_prefix("```") {
            Some(marked) => inside = !inside && marked == kind,
            None if inside => lines.push(line),
            None => {}
        }
    }
    lines
}

#[test]
fn every_client_message_is_a_request_of_every_kind() {
    let document = document();
    let requests: Vec<Request> = fenced(&document, "client")
        .into_iter()
        .map(|line| Request::parse(line).unwrap_or_else(|fault| panic!("{fault}: {line}")))
        .collect();
    let has = |wanted: fn(&Request) -> bool| requests.iter().any(wanted);
    assert!(has(|r| matches!(r, Request::Act { opening: None, .. })));
    assert!(has(|r| matches!(r, Request::Act { opening: Some(_), .. })));
    assert!(has(|r| matches!(r, Request::Bid { .. })));
    assert!(has(|r| matches!(r, Request::Enrol { .. })));
    assert!(has(|r| matches!(r, Request::Fetch { .. })));
    assert!(has(|r| matches!(r, Request::Hello { note: Some(_), cosigned: false, .. })));
    assert!(has(|r| matches!(r, Request::Hello { cosigned: true, .. })));
    assert!(has(|r| matches!(r, Request::Hello { quiet: true, .. })));
    assert!(has(|r| matches!(r, Request::List { after: Some(_), .. })));
    assert!(has(|r| matches!(r, Request::Quit { .. })));
    assert!(has(|r| matches!(r, Request::Since { .. })));
    assert!(has(|r| matches!(r, Request::Status { .. })));
}

/// Each act has the fields of its kind and a good signature, and what comes with the lower
/// reserve opens its commitment.
#[test]
fn the_acts_are_whole() {
    let document = document();
    let mut acts = 0;
    for line in fenced(&document, "client") {
        let Ok(Request::Act { body, sig, opening, .. }) = Request::parse(line) else { continue };
        let fields = ActFields::of_body("ada", &body).expect("an act's fields");
        let statement = fields.statement().expect("those of its kind");
        if let (Order::Deed(Deed::Reserve { lot, commitment }), Some(opening)) =
            (&statement.order, &opening)
        {
            let reserve = Amount::new(opening.reserve).expect("an amount");
            let opening = ReserveOpening { reserve, nonce: *opening.nonce.bytes() };
            let sale = SaleId::parse("estate-2026").expect("an id");
            assert_eq!(commit(&sale, lot, &opening), *commitment);
        }
        let signed = SignedAct { statement, signature: *sig.bytes() };
        signed.authenticate().expect("a good signature");
        acts += 1;
    }
    assert_eq!(acts, 2);
}

#[test]
fn every_server_message_reads_and_writes_back_the_same() {
    let document = document();
    let lines = fenced(&document, "server");
    assert!(lines.len() >= 10);
    let mut cosigned = Vec::new();
    for line in lines {
        let message = ServerMessage::parse(line).unwrap_or_else(|fault| panic!("{fault}: {line}"));
        assert_eq!(String::from_utf8(message.to_line()), Ok(format!("{line}\n")));
        match message {
            ServerMessage::Cosigned(shown) => cosigned.push(shown.note),
            ServerMessage::Welcome(welcome) => {
                cosigned.extend(welcome.cosigned.map(|shown| shown.note));
            }
            _ => {}
        }
    }
    // The house's line, then the witness's, with its eight bytes of time.
    for note in &cosigned {
        let note = Note::parse(note).expect("a note");
        let lengths: Vec<usize> = note.signatures.iter().map(|line| line.signature.len()).collect();
        assert_eq!(lengths, [64, 72]);
    }
    assert_eq!(cosigned.len(), 2);
}

#[test]
fn the_worked_signatures_are_right() {
    let document = document();
    let key = SigningKey::from_bytes(&std::array::from_fn(|i| u8::try_from(i).expect("32")));
    let statements = fenced(&document, "json");
    let check = |domain: &str, statement: &str| {
        let signed = key.sign(format!("{domain}\n{statement}").as_bytes());
        let signature = encode_base64(&signed.to_bytes());
        assert!(document.contains(&signature), "{domain}: {signature}");
    };
    let [enrolment, bid, act] = statements.as_slice() else { panic!("three statements") };
    check("gavel/enrol-bidkey/v1", enrolment);
    check("gavel/bid/v1", bid);
    check("gavel/act/v1", act);
}

#[test]
fn every_code_and_limit_is_named() {
    let document = document();
    for code in Code::ALL {
        assert!(document.contains(&format!("\n| `{code}` |")), "{code}");
    }
    let numbers = [
        limits::REQUEST_LINE_BYTES_MAX,
        limits::SERVER_LINE_BYTES_MAX,
        limits::TEXT_LINE_BYTES_MAX,
        limits::CONNECTIONS_MAX,
        limits::UNAUTHENTICATED_MAX,
        limits::UNAUTHENTICATED_PER_ADDRESS_MAX,
        limits::REQUESTS_IN_FLIGHT_MAX,
        limits::HEAD_WINDOW,
    ];
    for number in numbers {
        assert!(document.contains(&grouped(number)), "{number}");
    }
}

fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
