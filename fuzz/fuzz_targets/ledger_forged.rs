//! A ledger that is well signed, chained and sealed, and says whatever the input makes it say: the
//! auditor, the house that takes the sale up again and a client that follows it judge it by the same
//! rules, and results come only of what adds up.

#![no_main]

use std::sync::{Arc, LazyLock};

use gavel::audit::{Audit, Audited, Verdict, Weight, audit};
use gavel::client::{FollowFault, Follower, KnownSale};
use gavel::house::Recovery;
use gavel::ledger::Line;
use gavel::sheet::{Claim, Sheet};
use gavel_fuzz::forge::Forge;
use gavel_fuzz::house::{house, sale};
use gavel_fuzz::played::Played;
use libfuzzer_sys::fuzz_target;

static PLAYED: LazyLock<Played> = LazyLock::new(Played::read);
static FORGE: LazyLock<Forge> = LazyLock::new(Forge::read);

fuzz_target!(|text: &str| {
    let ledger = FORGE.ledger(text);
    let audit = audit(&ledger, PLAYED.anchors().keeping_annexes());
    let is_sound = audit.findings.iter().all(|finding| finding.kind.weight() == Weight::Open);
    assert_eq!(is_sound, audit.verdict() != Verdict::Invalid, "{:?}", audit.findings);
    if is_sound {
        check_recovery(&ledger, &audit);
        follow(&ledger).expect("the auditor found nothing");
    } else {
        // Whatever a house shows, its clients have an answer.
        let _ = follow(&ledger);
    }
    if let Some(audited) = audit.audited() {
        check_results(audited);
    }
});

/// What the auditor finds nothing wrong with, the house takes up to its last whole line.
fn check_recovery(ledger: &[u8], audit: &Audit) {
    let mut recovery = Recovery::new(PLAYED.anchor.clone(), house(), sale());
    let mut taken = 0;
    for raw in lines(ledger) {
        let line = Line::parse(raw).expect("the auditor read it");
        let is_taken = recovery.take(raw, &line).expect("the auditor found nothing");
        assert!(is_taken, "line {taken} breaks for the house alone");
        taken += 1;
    }
    assert_eq!(taken, audit.file.lines);
    let Some(audited) = audit.audited() else { return };
    let recovered = recovery.finish().expect("the auditor read it to its end");
    assert_eq!(recovered.size(), audit.file.lines);
    assert_eq!(recovered.lots().count(), audited.results().lots.len());
    let (opening, results) = (recovered.opening(), audited.results());
    assert_eq!((&opening.sale, &opening.title), (&results.sale, &results.title));
}

/// What a client makes of it that follows from line 0.
fn follow(ledger: &[u8]) -> Result<(), FollowFault> {
    let mut lines = lines(ledger).map(|raw| std::str::from_utf8(raw).expect("is UTF-8")).peekable();
    let Some(Ok(known)) = lines.peek().map(|open| KnownSale::read(open, &PLAYED.anchor, &house()))
    else {
        return Ok(());
    };
    let mut follower = Follower::from_the_start(Arc::new(known));
    lines.try_for_each(|line| follower.take(line).map(drop))
}

fn lines(ledger: &[u8]) -> impl Iterator<Item = &[u8]> {
    ledger.split_inclusive(|byte| *byte == b'\n').map(|raw| &raw[..raw.len() - 1])
}

/// A sheet is read again as what it says, and does not differ from itself.
fn check_results(audited: &Audited) {
    let sheet = Sheet::of(audited);
    let claim = Claim::read(sheet.json().as_bytes()).expect("a sheet is a claim");
    assert!(claim.compare(&sheet).is_empty());
    let totals = &sheet.facts().totals;
    let lots = u64::try_from(sheet.facts().lots.len()).expect("few");
    assert!(totals.sold + totals.unsold + totals.withdrawn <= lots);
}
