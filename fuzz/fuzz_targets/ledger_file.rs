//! A ledger as bytes from a stranger: the auditor never panics, says the same however the bytes
//! are cut, and calls nothing valid but what the house wrote, to the byte.

#![no_main]

use std::sync::LazyLock;

use gavel::audit::{Accuser, Anchors, Audit, Auditor, FindingKind, Verdict, audit};
use gavel::ledger::Checkpoint;
use gavel::ledger::note::Note;
use gavel_fuzz::played::{Ledger, Played};
use libfuzzer_sys::fuzz_target;

static PLAYED: LazyLock<Played> = LazyLock::new(Played::read);
static ANCHORS: LazyLock<Anchors> = LazyLock::new(|| PLAYED.all_anchors());

fuzz_target!(|bytes: &[u8]| {
    let bare = audit(bytes, PLAYED.anchors());
    if bare.verdict() == Verdict::Valid {
        let is_honest = PLAYED.ledgers.iter().any(|ledger| ledger.bytes == bytes);
        assert!(is_honest, "a ledger that no house wrote is valid");
    }
    let armed = audit(bytes, ANCHORS.clone());
    if armed.verdict() == Verdict::Valid {
        assert_eq!(bytes, PLAYED.ledgers[0].bytes, "who holds something holds it against all");
    }
    // Pieces of one byte up to many lines, by how long the input is.
    let size = 1 << (bytes.len() % 13);
    assert_eq!(said(&armed), said(&in_pieces(bytes, size, ANCHORS.clone())), "by {size}");
    if armed.findings.iter().any(|finding| finding.kind == FindingKind::Fork) {
        accuse(bytes);
    }
});

fn in_pieces(bytes: &[u8], size: usize, anchors: Anchors) -> Audit {
    let mut auditor = Auditor::new(anchors);
    bytes.chunks(size).for_each(|piece| auditor.feed(piece));
    auditor.finish()
}

/// Everything that an audit says.
fn said(audit: &Audit) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        audit.file,
        audit.verdict(),
        audit.findings.clone(),
        audit.findings_unlisted,
        (audit.checked.clone(), audit.unchecked.clone()),
        format!("{:?}", audit.audited()),
    )
}

/// What convicts a house are two trees that it signed, of which one is not that of its ledger.
fn accuse(bytes: &[u8]) {
    let mut accuser = Accuser::new(ANCHORS.clone());
    bytes.chunks(1_000).for_each(|piece| accuser.feed(piece));
    for accusation in accuser.finish() {
        let shown = Note::parse(&accusation.evidence.second.note).expect("a note");
        let shown = Checkpoint::parse(&shown.text).expect("a checkpoint");
        let is_of = |ledger: &Ledger| ledger.tree.root_at(shown.size) == Some(shown.root);
        assert!(!is_of(&PLAYED.ledgers[0]), "{}: an honest house is accused", accusation.label);
        assert!(PLAYED.ledgers.iter().any(is_of), "{}: a tree of nobody", accusation.label);
    }
}
