//! The honest ledger itself: valid, with its results and with what is said openly.

use gavel::auction::event::Outcome;
use gavel::auction::lot::LotState;
use gavel::auction::name::Party;
use gavel::audit::{Anchors, Auditor, Trust, Verdict, audit};

use super::running::Running;
use super::world::{Person, World, at, name, world};

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
    assert_eq!((to, hammer_price.minor_units()), (&Party::Named(name("alice")), 70));
    assert_eq!(*closed, at(39_000), "a bid 2 s before the end leaves 10 s");
    assert_eq!((oil.bids_signed, oil.bids_attested, oil.bids_refused), (3, 1, 1));
    assert_eq!((oil.bidders, oil.extensions, oil.is_on_word()), (3, 1, false));
    assert_eq!(oil.scheduled_end, Some(at(31_000)));
    assert_eq!((vase.bids_accepted(), vase.bids_refused), (1, 0));
    assert_eq!(results.headlines.lots_of_house_made_keys, std::slice::from_ref(&vase.terms.id));
    assert_eq!(results.headlines.people.house_made_keys, [name("bob")]);
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

/// A house under load and after a crash, whose ledgers are honest for all that.
fn hold(story: impl FnOnce(&World, &mut Running, &std::path::Path)) {
    let world = world();
    let folder = tempfile::tempdir().expect("a folder");
    let mut running = Running::bear(world, folder.path());
    let sale_hash = running.house.sale_hash();
    running.frame(|house| {
        [&world.alice, &world.bob]
            .map(|person| {
                let enrolment = person.enrolment(sale_hash);
                let enrolled = enrolment
                    .authenticate(&sale_hash, world.ca.anchor(), &world.house, at(0))
                    .expect("is good");
                house.enrol(at(100), &enrolled)
            })
            .into()
    });
    story(world, &mut running, folder.path());
    let ledger = std::fs::read(running.store.path()).expect("reads");
    let audit = audit(&ledger, world.anchors());
    assert_eq!(audit.verdict(), Verdict::Valid, "{:?}", audit.findings);
}

#[test]
fn a_sale_that_was_taken_up_again_is_valid() {
    hold(|world, running, folder| {
        let (head, sale_hash) = (running.head(), running.house.sale_hash());
        let bid = |who: &Person, amount, n| {
            who.bid(head, sale_hash, "1", amount, n).authenticate().expect("is signed")
        };
        running.frame(|house| vec![house.submit(at(5_000), 1, bid(&world.alice, 50, 1))]);
        let placeholder = tempfile::tempdir().expect("a folder");
        // The old house is dropped with its lock before the new one starts.
        drop(std::mem::replace(running, Running::bear(world, placeholder.path())));
        *running = Running::restart(world, folder, at(50_000));
        running.frame(|house| vec![house.submit(at(51_000), 1, bid(&world.bob, 55, 1))]);
        // Lot 2 has no bid and no end: it is bought, so that the sale can close.
        let vase = world.bob.bid(head, sale_hash, "2", 100, 2).authenticate().expect("is signed");
        running.frame(|house| vec![house.submit(at(52_000), 1, vase)]);
        running.quiet(at(500_000));
        assert!(running.house.is_finished());
    });
}

#[test]
fn refusals_beyond_the_cap_are_counted_and_the_ledger_is_valid() {
    hold(|world, running, _| {
        let (head, sale_hash) = (running.head(), running.house.sale_hash());
        let bid = |who: &Person, lot: &str, amount, n| {
            who.bid(head, sale_hash, lot, amount, n).authenticate().expect("is signed")
        };
        // Two a minute are recorded whole; the third and fourth are only counted, and the
        // first of the next minute stands in the same frame.
        running.frame(|house| {
            let mut waiting = vec![house.submit(at(59_000), 1, bid(&world.alice, "1", 50, 1))];
            for n in 1..=4 {
                waiting.push(house.submit(at(59_100), 1, bid(&world.bob, "1", 51, n)));
            }
            waiting.push(house.submit(at(60_200), 1, bid(&world.bob, "1", 52, 4)));
            waiting.push(house.submit(at(60_300), 1, bid(&world.bob, "1", 55, 5)));
            waiting.push(house.submit(at(60_400), 1, bid(&world.bob, "2", 100, 6)));
            waiting
        });
        running.quiet(at(500_000));
        assert!(running.house.is_finished());
    });
}
