//! A checkpoint: a text has one meaning and is written again as it was; under the sealing key
//! only what that key signed stands, to the byte.

#![no_main]

use ed25519_dalek::Signer as _;
use gavel::ledger::note::{Note, NoteSignature, TYPE_ED25519, key_id};
use gavel::ledger::{Checkpoint, CheckpointError, SignedCheckpoint};
use gavel_fuzz::keys::{ORIGIN, sealing_key, signing_key};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    check_text(text);
    check_note(text);
    if let Ok(note) = Note::parse(text) {
        check_text(&note.text);
        check_signed(&note);
    }
});

fn check_text(text: &str) {
    let extended = Checkpoint::parse_extended(text);
    match Checkpoint::parse(text) {
        Ok(checkpoint) => {
            assert_eq!(checkpoint.to_string(), text);
            assert_eq!(extended, Ok(checkpoint));
        }
        Err(CheckpointError::Extension) => {
            if let Ok(checkpoint) = extended {
                let own = checkpoint.to_string();
                assert!(text.starts_with(&own) && text.len() > own.len());
            }
        }
        Err(error) => assert_eq!(extended, Err(error)),
    }
}

/// The seeds hold notes that the key signed: Ed25519 as it is used here gives a text one
/// signature, so nothing else may stand.
fn check_note(text: &str) {
    let key = sealing_key();
    let alone = SignedCheckpoint::verify(text, ORIGIN, &key.verifying_key());
    let cosigned = SignedCheckpoint::verify_cosigned(text, ORIGIN, &key.verifying_key());
    if let Ok(signed) = &alone {
        assert_eq!(cosigned.as_ref(), Ok(signed));
        assert_eq!(signed.note(), text);
        let checkpoint = signed.checkpoint();
        assert_eq!(key.sign(checkpoint.size, checkpoint.root).note(), text);
    }
    if let Ok(signed) = cosigned {
        let checkpoint = signed.checkpoint();
        let made = key.sign(checkpoint.size, checkpoint.root);
        let line = made.note().rsplit_once("\n\n").expect("a note").1;
        assert!(text.contains(line), "the key's own line stands in it");
    }
}

/// The text under a good signature: it stands if it is a checkpoint of that log, whatever lines
/// of others stand beside it.
fn check_signed(note: &Note) {
    let key = signing_key(77);
    let ours = NoteSignature {
        name: ORIGIN.to_owned(),
        key_id: key_id(ORIGIN, TYPE_ED25519, key.verifying_key().as_bytes()),
        signature: key.sign(note.text.as_bytes()).to_bytes().to_vec(),
    };
    let mut lines = note.signatures.clone();
    lines.retain(|line| line.name != ours.name || line.key_id != ours.key_id);
    lines.truncate(gavel::limits::NOTE_SIGNATURES_MAX - 1);
    lines.push(ours);
    let signed = Note { text: note.text.clone(), signatures: lines }.to_string();
    let stands = SignedCheckpoint::verify_cosigned(&signed, ORIGIN, &key.verifying_key());
    let is_ours = Checkpoint::parse(&note.text).is_ok_and(|it| it.origin == ORIGIN);
    assert_eq!(stands.is_ok(), is_ours, "{stands:?}");
}
