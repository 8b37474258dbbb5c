//! The seeds of every corpus, from the played sales, the examples of the project, and the texts
//! in `fuzz/seeds/`.

use std::fs;
use std::path::{Path, PathBuf};

use gavel::ledger::encoding::{decode_base64, encode_base64};
use gavel::ledger::note::Note;
use gavel::ledger::witnessing::{AddCheckpoint, Answer};
use gavel::ledger::{Hash, Kind, Line};
use gavel::record::{Record, Signed};
use gavel::wire::json::{RequestId, lines_message};
use gavel_fuzz::keys::{sealing_key, witness_key};
use gavel_fuzz::played::{self, LEDGERS, Ledger, Played};
use gavel_fuzz::{der, forge, house};
use serde_json::{Value, json};

pub(crate) fn write(played: &Played) {
    for (name, ledger) in LEDGERS.iter().zip(&played.ledgers) {
        of_ledger(name, ledger);
        forms_of_lines(name, ledger);
        kept(name, ledger);
    }
    seed("receipt", "alice", &played::file("receipt"));
    for number in [0, 1] {
        let name = format!("evidence-{number}");
        seed("evidence", &name, &played::file(&name));
    }
    of_witnesses(&played.ledgers[0]);
    of_certificates();
    seed("results_claim", "whole", &played::file("sheet.json"));
    results_without_lists(&played::file("sheet.json"));
    of_examples();
    of_texts();
}

fn fuzz() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn seed(target: &str, name: &str, bytes: &[u8]) {
    crate::write(&fuzz().join("corpus").join(target).join(format!("seed-{name}")), bytes);
}

// ---- The ledgers ----

fn of_ledger(name: &str, ledger: &Ledger) {
    seed("ledger_file", name, &ledger.bytes);
    let cut = ledger.bytes.len() * 2 / 3;
    seed("ledger_file", &format!("{name}-cut"), &ledger.bytes[..cut]);
    seed("ledger_forged", name, forge::text_of(&ledger.bytes).as_bytes());
    for (number, line) in ledger.lines().enumerate() {
        seed("ledger_line", &format!("{name}-{number}"), line);
    }
}

/// What the lines hold that other targets read: notes, and what was sent to enter them.
fn forms_of_lines(ledger_name: &str, ledger: &Ledger) {
    for (number, raw) in ledger.lines().enumerate() {
        let line = Line::parse(raw).expect("is honest");
        let body: Value = serde_json::from_str(line.body).expect("is JSON");
        let name = format!("{ledger_name}-{number}");
        if let (Kind::Seal, Some(note)) = (line.kind, body["note"].as_str()) {
            seed("note", &name, note.as_bytes());
            seed("checkpoint", &name, note.as_bytes());
        }
        for request in requests(&body) {
            let kind = request["m"].as_str().expect("a name");
            seed("request_line", &format!("{name}-{kind}"), format!("{request}\n").as_bytes());
        }
        if number.is_multiple_of(16) {
            let seq = u64::try_from(number).expect("small");
            let message = lines_message(RequestId::new(7).ok(), seq, [raw]);
            seed("request_line", &format!("{name}-lines"), &message);
        }
    }
}

/// What its signer kept, two by two.
fn kept(name: &str, ledger: &Ledger) {
    let mut lines = Vec::new();
    for raw in ledger.lines() {
        let line = Line::parse(raw).expect("is honest");
        let signed = match Record::read(&line).expect("is honest") {
            Record::Act(recorded) => Some(Signed::Act(recorded.act)),
            Record::Bid(bid) => bid.evidence.signed(),
            Record::Refused(refused) => Some(refused.signed),
            _ => None,
        };
        lines.extend(signed.map(|signed| signed.to_kept()));
    }
    for (number, two) in lines.windows(2).enumerate() {
        seed("kept_bid", &format!("{name}-{number}"), &two.concat());
    }
}

/// What a client sent to have this entered.
fn requests(body: &Value) -> Vec<Value> {
    let mut requests = Vec::new();
    for kind in ["bid", "act"] {
        if body[kind].is_object() && body["sig"].is_string() {
            let mut signed = body[kind].clone();
            signed.as_object_mut().expect("an object").remove("bidder");
            requests.push(json!({"m": kind, "id": 7, "body": signed, "sig": body["sig"]}));
        }
    }
    if let Some(leaf) = body["chain"][0].as_str().filter(|_| body["bid_key"].is_string()) {
        let cert = Hash::of(&decode_base64(leaf).expect("base64")).to_string();
        let (bid_key, role) = (&body["bid_key"], &body["role"]);
        let signed = json!({"bid_key": bid_key, "cert": cert, "role": role, "sale_hash": Hash::ZERO.to_string()});
        let sigs = json!({"bid_sig": body["bid_sig"], "cert_sig": body["cert_sig"]});
        requests.push(json!({"m": "enrol", "id": 7, "body": signed, "sigs": sigs}));
    }
    requests
}

// ---- Witnesses ----

fn of_witnesses(ledger: &Ledger) {
    let whole = String::from_utf8(played::file("checkpoint")).expect("is UTF-8");
    for target in ["note", "checkpoint"] {
        seed(target, "cosigned", whole.as_bytes());
    }
    let note = Note::parse(&whole).expect("a note");
    let size = ledger.tree.size() - 1;
    for old_size in [0, 5, 8] {
        let proof = ledger.tree.consistency(old_size, size).expect("within");
        let request = AddCheckpoint::new(old_size, proof, &whole).expect("a request");
        seed("witness_request", &format!("from-{old_size}"), request.to_string().as_bytes());
    }
    let answer = Answer::Cosigned(note.signatures[1..].to_vec());
    seed("witness_request", "answer", answer.body().as_bytes());
    seed("witness_request", "size", b"5\n");
    let cosigned = Note { signatures: note.signatures[..2].to_vec(), ..note };
    seed("witness_request", "state", state(&cosigned.to_string()).as_bytes());
    policies();
}

/// The state of a witness that cosigned one log.
fn state(note: &str) -> String {
    let (vkey, length) = (witness_key(1).public().vkey().to_string(), note.len());
    let text = format!("gavel-witness-state/v1\n{vkey}\ncheckpoint {length}\n{note}");
    let hash = Hash::of(text.as_bytes());
    format!("{text}end 1 {hash}\n")
}

fn policies() {
    let policy = String::from_utf8(played::file("policy")).expect("is UTF-8");
    let log = sealing_key().vkey();
    let witness =
        |number: u8| format!("witness w{number} {}\n", witness_key(number).public().vkey());
    let nested = format!(
        "{}{}{}{}group a any w0 w1\ngroup b all w2 w3\ngroup c 2 a b\nquorum c\n",
        witness(0),
        witness(1),
        witness(2),
        witness(3),
    );
    let texts = [&policy, &nested, &format!("log {log} https://a.example/\nquorum none\n")];
    for (number, text) in texts.into_iter().enumerate() {
        for cosigners in [0b0000_0011, 0b0000_1101] {
            let bytes = [&[cosigners], text.as_bytes()].concat();
            seed("policy", &format!("{number}-{cosigners}"), &bytes);
        }
    }
    seed("vkey", "log", log.as_bytes());
    seed("vkey", "witness", witness_key(1).public().vkey().to_string().as_bytes());
    seed("vkey", "logs", format!("# logs\nlog {log}\n").as_bytes());
}

// ---- Certificates ----

fn of_certificates() {
    let files = [
        "house/people/ada.pem",
        "house/people/bob.pem",
        "house/requests/alice.request.pem",
        "house/requests/alice.answer.pem",
        "house/requests/alice.key",
        "house/ca/ca.pem",
        "house/ca/crl.pem",
    ];
    for (number, file) in files.into_iter().enumerate() {
        let text = String::from_utf8(played::file(file)).expect("is UTF-8");
        seed("pem_file", &number.to_string(), text.as_bytes());
        der_of(&number.to_string(), &text);
    }
    let serve = fs::read_dir(house::path().join("serve")).expect("was played");
    for (number, file) in serve.enumerate() {
        let path = file.expect("reads").path();
        if let Ok(text) = fs::read_to_string(&path) {
            seed("pem_file", &format!("serve-{number}"), text.as_bytes());
            der_of(&format!("serve-{number}"), &text);
        }
    }
    seed("people_list", "rows", b"dora,bidder,,30\nalice,bidder,r,\nbob,clerk,,\ncarol,,,\n");
}

/// Each certificate, request and list of a PEM file, and what its signature is over.
fn der_of(name: &str, text: &str) {
    for (number, (label, bytes)) in der::blocks(text).into_iter().enumerate() {
        if !label.contains("KEY") {
            seed("certificate", &format!("{name}-{number}"), &bytes);
            seed("certificate", &format!("{name}-{number}-tbs"), der::to_be_signed(&bytes));
        }
    }
}

// ---- Results, examples, texts ----

fn results_without_lists(sheet: &[u8]) {
    let mut sheet: Value = serde_json::from_slice(sheet).expect("is JSON");
    for list in ["bids", "acts", "clocks"] {
        sheet["annexes"][list].take();
    }
    seed("results_claim", "short", sheet.to_string().as_bytes());
}

/// The project's own examples, and what its items file and scenarios hold.
fn of_examples() {
    let root = fuzz().join("..");
    seed("sale_file", "items", &fs::read(root.join("items.json")).expect("reads"));
    for folder in ["examples", "examples/scenarios"] {
        for path in files(&root.join(folder)) {
            if path.extension().is_some_and(|ending| ending == "json") {
                seed("sale_file", &name_of(&path), &fs::read(&path).expect("reads"));
            }
        }
    }
}

/// The texts that stand in `fuzz/seeds/<target>/`.
fn of_texts() {
    for target in files(&fuzz().join("seeds")) {
        for path in files(&target) {
            seed(&name_of(&target), &name_of(&path), &fs::read(&path).expect("reads"));
        }
    }
    // One text in base64, as a receipt's extra line holds it.
    seed(
        "receipt",
        "empty",
        format!("c2sp.org/tlog-proof@v1\nextra {}\n", encode_base64(b"{}")).as_bytes(),
    );
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).expect("reads").map(|entry| entry.expect("reads").path()).collect();
    paths.sort();
    paths
}

fn name_of(path: &Path) -> String {
    path.file_name().expect("has a name").to_string_lossy().into_owned()
}
