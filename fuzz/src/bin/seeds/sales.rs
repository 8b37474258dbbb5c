//! The sales: an honest one, two honest ones with everything that staff can do, and the first
//! one told otherwise by a house that signs two histories.

use std::path::Path;

use gavel::audit::{Accuser, audit};
use gavel::ledger::Tree;
use gavel::ledger::entry::Kind;
use gavel::ledger::merkle::leaf_hash;
use gavel::ledger::note::Note;
use gavel::pki::{CrlEntry, RevocationReason};
use gavel::sheet::Sheet;
use gavel_fuzz::keys::{ORIGIN, sealing_key, witness_key};

use crate::tampered::forge::Forge;
use crate::tampered::halls::{evening, hall};
use crate::tampered::staff::people;
use crate::tampered::world::{at, world};

pub(crate) fn write(folder: &Path) {
    let world = world();
    assert_eq!(world.sealing_key().origin(), ORIGIN);
    assert_eq!(world.sealing_key().vkey(), sealing_key().vkey());
    let put = |name: &str, bytes: &[u8]| crate::write(&folder.join(name), bytes);
    put("spring.jsonl", &world.ledger);
    put("hall.jsonl", &hall().ledger);
    put("evening.jsonl", &evening().ledger);
    let forked = forked();
    put("forked.jsonl", &forked);
    put("receipt", world.receipt.as_bytes());
    put("checkpoint", cosigned(&world.ledger).as_bytes());
    put("policy", policy().as_bytes());
    put("crl.pem", crl().as_bytes());
    put("sheet.json", sheet().as_bytes());
    for (number, evidence) in evidence(&forked).into_iter().enumerate() {
        put(&format!("evidence-{number}"), evidence.as_bytes());
    }
    let who = people();
    let staff = [&who.ada, &who.cleo, &who.alice, &who.bob, &who.dora, &who.alice_again];
    for person in staff.into_iter().chain([&world.alice, &world.bob, &world.carol]) {
        put(&format!("people/{}.pk8", person.identity.cert), person.secret.pkcs8());
    }
    // The anchor is written last: with it everything is there.
    put("ca.der", world.ca.anchor().der());
}

/// The first sale with another delay at its first bid: the house alone says that one.
fn forked() -> Vec<u8> {
    let mut forge = Forge::honest();
    let place = forge.find(Kind::Bid, 1_000);
    forge.body(place)["lag_us"] = 31.into();
    forge.forged()
}

/// The checkpoint over the close, cosigned.
fn cosigned(ledger: &[u8]) -> String {
    let mut tree = Tree::new();
    let lines = ledger.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.for_each(|line| tree.append(leaf_hash(line)));
    let size = tree.size() - 1;
    let root = tree.root_at(size).expect("within");
    let mut note = Note::parse(sealing_key().sign(size, root).note()).expect("a note");
    for number in [1, 2] {
        let line = witness_key(number).cosign(&note.text, 1_800_000_100);
        note.signatures.push(line);
    }
    note.to_string()
}

/// Two of three witnesses.
fn policy() -> String {
    let witness =
        |number: u8| format!("witness w{number} {}\n", witness_key(number).public().vkey());
    let witnesses: String = [1, 2, 3].map(witness).concat();
    let log = sealing_key().vkey();
    format!("log {log}\n{witnesses}group two 2 w1 w2 w3\nquorum two\n")
}

/// A revocation list that holds what the first sale records.
fn crl() -> String {
    let world = world();
    let entry = CrlEntry {
        serial: world.carol.identity.serial.clone(),
        revoked_at: at(0),
        reason: RevocationReason::Superseded,
    };
    world.ca.sign_crl(8, &[entry], at(0)).expect("signs")
}

fn sheet() -> String {
    let audit = audit(&world().ledger, world().anchors().keeping_annexes());
    Sheet::of(audit.audited().expect("is clean")).json()
}

/// What convicts the house that told its first sale otherwise.
fn evidence(forked: &[u8]) -> Vec<String> {
    let world = world();
    let mut anchors = world.anchors();
    anchors.add_receipt("receipt", &world.receipt).expect("a receipt");
    anchors.add_checkpoint("checkpoint", &world.checkpoint).expect("a checkpoint");
    let mut accuser = Accuser::new(anchors);
    accuser.feed(forked);
    let accusations = accuser.finish();
    assert_eq!(accusations.len(), 2, "the receipt and the checkpoint convict");
    accusations.into_iter().map(|accusation| accusation.evidence.to_text()).collect()
}
