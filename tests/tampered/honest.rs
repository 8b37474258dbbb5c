//! The honest ledger itself: valid, with its results and with what is said openly.

use gavel::auction::event::Outcome;
use gavel::auction::lot::LotState;
use gavel::audit::{Anchors, Auditor, Trust, Verdict, audit};

use super::world::{at, name, world};

#[test]
fn an_honest_ledger_is_valid() {
    let world = world();
    let audit = audit(&world.ledger, world.anchors());
    assert_eq!(audit.verdict(), Verdict::Valid, "{:?}", audit.findings);
    assert!((18..=30).contains(&audit.file.lines), "{} lines", audit.file.lines);
    let audited = audit.audited().expect("is clean");
    assert!(audited.is_final());
    let results = audited.results();
    let [oil, vase] = results.lots.as_slice() else { panic!("two lots") };
    let LotState::Closed { outcome: Outcome::Sold { to, hammer_price }, at: closed } = &oil.state
    else {
        panic!("{oil:?}")
    };
    assert_eq!((to, hammer_price.minor_units()), (&name("alice"), 70));
    assert_eq!(*closed, at(39_000), "a bid 2 s before the end leaves 10 s");
    assert_eq!((oil.bids_signed, oil.bids_attested, oil.bids_refused), (3, 1, 1));
    assert_eq!((oil.bidders, oil.extensions, oil.is_on_word), (3, 1, false));
    assert_eq!(oil.scheduled_end, Some(at(31_000)));
    assert_eq!((vase.bids_accepted(), vase.bids_refused), (1, 0));
    assert_eq!(results.headlines.lots_of_house_made_keys, std::slice::from_ref(&vase.terms.id));
    assert_eq!(results.headlines.house_made_keys, [name("bob")]);
    assert_eq!(results.clock_entries, 1);
    assert_eq!(results.lag_us.map(|(max, _)| max), Some(70));
    assert!(
        audit.unchecked.iter().any(|said| {
            said == "no receipt and no witness was given: another ledger may exist"
        })
    );
}

#[test]
fn chunks_of_any_size_give_the_same_audit() {
    let world = world();
    let whole = audit(&world.ledger, world.anchors());
    for size in [1, 7, 4096] {
        let mut auditor = Auditor::new(world.anchors());
        world.ledger.chunks(size).for_each(|chunk| auditor.feed(chunk));
        let chunked = auditor.finish();
        assert_eq!(chunked.file, whole.file);
        assert_eq!(chunked.verdict(), whole.verdict());
    }
}

#[test]
fn a_published_fingerprint_is_trust_enough() {
    let world = world();
    let anchors = Anchors::new(Trust::Fingerprint(world.ca.anchor().fingerprint()));
    assert_eq!(audit(&world.ledger, anchors).verdict(), Verdict::Valid);
}

#[test]
fn two_audits_say_the_same() {
    let world = world();
    let (one, two) = (audit(&world.ledger, world.anchors()), audit(&world.ledger, world.anchors()));
    assert_eq!((one.checked, one.unchecked), (two.checked, two.unchecked));
}
