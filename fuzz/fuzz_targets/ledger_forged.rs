//! A ledger that is well signed, chained and sealed, and says whatever the input makes it say: the
//! auditor, the house that takes the sale up again and a client that follows it judge it by the same
//! rules, and results come only of what adds up.

#![no_main]

use std::sync::{Arc, LazyLock};

use gavel::audit::{Audit, Audited, Finding, FindingKind, Verdict, Weight, audit};
use gavel::client::{FollowFault, Follower, KnownSale};
use gavel::house::{Recovered, Recovery};
use gavel::ledger::{Kind, Line};
use gavel::sheet::{Claim, Sheet};
use gavel_fuzz::forge::Forge;
use gavel_fuzz::house::{house, sale};
use gavel_fuzz::mutation::mutate;
use gavel_fuzz::played::Played;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

static PLAYED: LazyLock<Played> = LazyLock::new(Played::read);
static FORGE: LazyLock<Forge> = LazyLock::new(Forge::read);

fuzz_mutator!(|bytes: &mut [u8], size: usize, size_max: usize, seed: u32| {
    let text = std::str::from_utf8(&bytes[..size]).ok().filter(|_| !seed.is_multiple_of(16));
    match text.and_then(|text| mutate(text, seed)).filter(|text| text.len() <= size_max) {
        Some(text) => {
            bytes[..text.len()].copy_from_slice(text.as_bytes());
            text.len()
        }
        None => fuzzer_mutate(bytes, size, size_max),
    }
});

fuzz_target!(|text: &str| {
    let ledger = FORGE.ledger(text);
    let audit = audit(&ledger, PLAYED.anchors().keeping_annexes());
    let is_sound = audit.findings.iter().all(|finding| finding.kind.weight() == Weight::Open);
    assert_eq!(is_sound, audit.verdict() != Verdict::Invalid, "{:?}", audit.findings);
    check_recovery(&ledger, &audit);
    match follow(&ledger) {
        Err(fault) if is_sound => panic!("for the client alone: {fault}"),
        // Whatever a house shows, its clients have an answer.
        Ok(()) | Err(_) => {}
    }
    if let Some(audited) = audit.audited() {
        check_results(audited);
    }
});

/// What the auditor finds nothing wrong with, the house takes up; and what the house takes up, the
/// auditor blames for nothing but what a house does not check of its own ledger.
fn check_recovery(ledger: &[u8], audit: &Audit) {
    let mut wrong = audit.findings.iter().filter(|it| it.kind.weight() == Weight::Wrong).peekable();
    match recover(ledger) {
        Ok(recovered) => {
            if wrong.peek().is_none()
                && let Some(audited) = audit.audited()
            {
                check_recovered(&recovered, audit, audited);
            }
            let rules = wrong.find(|finding| !is_unchecked_by_the_house(finding, ledger));
            assert_eq!(rules, None, "for the auditor alone");
        }
        Err(why) => assert!(wrong.peek().is_some() || audit.audited().is_none(), "{why}"),
    }
}

/// Where seals stand, and all signatures but the newest seal's, are the auditor's work (LEDGER 2).
fn is_unchecked_by_the_house(finding: &Finding, ledger: &[u8]) -> bool {
    let line = finding.line.and_then(|line| lines(ledger).nth(usize::try_from(line).ok()?));
    let is_at_seal =
        line.and_then(|raw| Line::parse(raw).ok()).is_some_and(|it| it.kind == Kind::Seal);
    is_at_seal
        || matches!(
            finding.kind,
            FindingKind::BidSignature | FindingKind::Seal | FindingKind::Signature
        )
}

fn recover(ledger: &[u8]) -> Result<Recovered, String> {
    let mut recovery = Recovery::new(PLAYED.anchor.clone(), house(), sale());
    for (number, raw) in lines(ledger).enumerate() {
        let line = Line::parse(raw).map_err(|error| format!("line {number}: {error}"))?;
        match recovery.take(raw, &line) {
            Ok(true) => {}
            Ok(false) => return Err(format!("line {number} breaks")),
            Err(refusal) => return Err(refusal.to_string()),
        }
    }
    recovery.finish().map_err(|refusal| refusal.to_string())
}

fn check_recovered(recovered: &Recovered, audit: &Audit, audited: &Audited) {
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
