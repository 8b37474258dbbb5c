//! A whole sale, answer by answer.

use gavel::auction::event::Outcome;
use gavel::auction::lot::LotState;
use gavel::auction::name::LotId;
use gavel::auction::refusal::Code;
use gavel::house::{Answer, WelcomeRefusal};
use gavel::ledger::Receipt;
use gavel::limits::REFUSALS_PER_MINUTE_MAX;

use super::world::{Running, World, at, folder_in_memory};

fn receipt(answer: Answer) -> Receipt {
    match answer {
        Answer::Entered(receipt) => *receipt,
        other => panic!("{other:?}"),
    }
}

fn refusal(answer: &Answer) -> Code {
    match answer {
        Answer::Refused { code, .. } => *code,
        other => panic!("{other:?}"),
    }
}

fn begin(world: &World, folder: &std::path::Path) -> Running {
    let mut running = world.bear(folder);
    for name in ["alice", "bob"] {
        let enrolled = world.enrolled(name, &running);
        receipt(running.one(|house| house.enrol(at(10), &enrolled)));
    }
    running
}

#[test]
fn a_sale_runs_to_its_sealed_close() {
    let folder = folder_in_memory();
    let world = World::new(&["alice", "bob"]);
    let mut running = begin(&world, folder.path());

    let bid = world.bid(&running, "alice", "1", 51, 1);
    let first = receipt(running.one(|house| house.submit(at(100), 7, bid.clone())));
    let key = world.key().verifying_key();
    let origin = "test-house/spring";
    first.check(origin, &key).expect("the receipt verifies");

    // The same bytes again: the same answer, and nothing is entered.
    let lines = running.store.lines();
    let Answer::Earlier(proof) = running.one(|house| house.submit(at(150), 0, bid)) else {
        panic!("the same bytes are answered from the ledger")
    };
    assert_eq!(proof.receipt(first.entry.clone()), first);
    assert!(running.store.lines() <= lines + 1, "at most the owed seal line");

    let other = world.bid(&running, "alice", "1", 60, 1);
    assert_eq!(refusal(&running.one(|house| house.submit(at(160), 0, other))), Code::ReusedN);
    let own = world.bid(&running, "alice", "1", 70, 2);
    assert_eq!(refusal(&running.one(|house| house.submit(at(170), 0, own))), Code::AlreadyLeading);
    let equal = world.bid(&running, "bob", "1", 51, 1);
    assert_eq!(refusal(&running.one(|house| house.submit(at(180), 0, equal))), Code::TooLow);
    let good = world.bid(&running, "bob", "1", 52, 2);
    receipt(running.one(|house| house.submit(at(190), 0, good)));

    running.quiet(at(200_000));
    assert!(running.house.is_finished(), "four lots end unsold at the sale's end, lot 1 before");
    let lot = running.house.sale().lot(&LotId::parse("1").expect("an id")).expect("a lot");
    let LotState::Closed { outcome: Outcome::Sold { to, hammer_price }, at: closed } = lot.state()
    else {
        panic!("{lot:?}")
    };
    assert_eq!((to.to_string().as_str(), hammer_price.minor_units()), ("bob", 52));
    assert_eq!(*closed, at(120_100), "120 s after its first accepted bid, whatever came later");

    let late = world.bid(&running, "alice", "1", 99, 3);
    assert_eq!(refusal(&running.one(|house| house.submit(at(200_001), 0, late))), Code::Closed);
    drop(running);
    let (_, _, recovered) = world.recover(folder.path()).expect("a finished ledger");
    let finished = recovered.serve_finished().expect("it is finished");
    assert!(finished.is_finished());
}

#[test]
fn a_client_that_knows_more_than_the_house_stops_it() {
    let (here, there) = (folder_in_memory(), folder_in_memory());
    let world = World::new(&["alice", "bob"]);
    let alice = gavel::auction::name::Name::parse("alice").expect("a name");
    let running = begin(&world, here.path());
    let note = running.house.checkpoint().note().to_owned();
    let welcome = running.house.welcome(&alice, Some(&note)).expect("its own note");
    assert_eq!(welcome.own.len(), 1, "alice's enrolment, and nobody else's");

    // The same house on another history: shorter, and with another root.
    let rewound = world.bear(there.path());
    let refused = rewound.house.welcome(&alice, Some(&note)).expect_err("it is ahead");
    assert!(matches!(refused, WelcomeRefusal::NotInOurTree { .. }));
    let strange = note.replace("spring", "autumn");
    let refused = running.house.welcome(&alice, Some(&strange)).expect_err("not ours");
    assert_eq!(refused, WelcomeRefusal::NotOurs);
}

#[test]
fn load_does_not_close_anybody_out() {
    let folder = folder_in_memory();
    let world = World::new(&["alice", "bob"]);
    let mut running = begin(&world, folder.path());
    let first = world.bid(&running, "alice", "3", 1001, 1);
    receipt(running.one(|house| house.submit(at(1_000), 0, first)));
    // Read one millisecond before the end, judged whenever: it is in time. Read at the end: not.
    let in_time = world.bid(&running, "bob", "3", 1002, 1);
    let late = world.bid(&running, "alice", "3", 1003, 2);
    let pending = vec![
        running.house.submit(at(30_999), 5_000_000, in_time),
        running.house.submit(at(31_000), 5_000_000, late),
    ];
    let answers = running.commit(pending);
    assert!(matches!(answers[0], Answer::Entered(_)));
    assert_eq!(refusal(&answers[1]), Code::Closed);
}

#[test]
fn refusals_that_are_only_counted_stand_before_the_closings_of_their_frame() {
    let folder = folder_in_memory();
    let world = World::new(&["alice", "bob", "carol"]);
    let mut running = begin(&world, folder.path());
    // Carol has not enrolled: her bid is refused and only counted.
    let stranger = world.bid(&running, "carol", "1", 51, 1);
    let late = world.bid(&running, "alice", "2", 101, 1);
    let pending = vec![
        running.house.submit(at(199_000), 0, stranger),
        running.house.submit(at(200_000), 0, late),
    ];
    let answers = running.commit(pending);
    assert_eq!(answers.iter().map(refusal).collect::<Vec<_>>(), [Code::NotEnrolled, Code::Closed]);
    assert!(running.house.is_finished());
    drop(running);
    world.recover(folder.path()).expect("the replay finds every line in its place");
}

#[test]
fn the_same_refused_bytes_get_the_same_answer_with_the_least_that_stands() {
    let folder = folder_in_memory();
    let world = World::new(&["alice", "bob"]);
    let mut running = begin(&world, folder.path());
    let low = world.bid(&running, "alice", "1", 50, 1);
    let least = |answer: &Answer| match answer {
        Answer::Refused { code: Code::TooLow, least } => least.expect("an ask").minor_units(),
        other => panic!("{other:?}"),
    };
    assert_eq!(least(&running.one(|house| house.submit(at(100), 0, low.clone()))), 51);
    assert_eq!(least(&running.one(|house| house.submit(at(200), 0, low.clone()))), 51);
    drop(running);
    let mut running = world.go_on(folder.path(), at(1_000)).expect("goes on");
    assert_eq!(least(&running.one(|house| house.submit(at(1_100), 0, low))), 51);
}

#[test]
fn of_refusals_beyond_the_cap_only_the_last_answer_of_a_key_is_kept() {
    let folder = folder_in_memory();
    let world = World::new(&["alice", "bob"]);
    let mut running = begin(&world, folder.path());
    let whole = REFUSALS_PER_MINUTE_MAX;
    let bids: Vec<_> = (1..=whole + 2).map(|n| world.bid(&running, "alice", "1", 50, n)).collect();
    for bid in &bids {
        let answer = running.one(|house| house.submit(at(100), 0, bid.clone()));
        assert_eq!(refusal(&answer), Code::TooLow);
    }
    let mut again = |n: usize| {
        let bid = bids[n - 1].clone();
        refusal(&running.one(|house| house.submit(at(200), 0, bid)))
    };
    let whole = usize::try_from(whole).expect("few");
    assert_eq!(again(1), Code::TooLow, "it stands in the ledger");
    assert_eq!(again(whole), Code::TooLow, "it stands in the ledger");
    assert_eq!(again(whole + 2), Code::TooLow, "the newest that was only counted");
    assert_eq!(again(whole + 1), Code::ReusedN, "an older one that was only counted");
}

#[test]
fn the_refusals_keep_their_order_once_the_sale_has_closed() {
    let folder = folder_in_memory();
    let world = World::new(&["alice", "bob", "carol"]);
    let mut running = begin(&world, folder.path());
    running.quiet(at(200_000));
    assert!(running.house.is_finished());
    let lines = running.store.lines();
    for (name, lot, code) in [
        ("carol", "1", Code::NotEnrolled),
        ("alice", "99", Code::NoSuchLot),
        ("alice", "1", Code::Closed),
    ] {
        let bid = world.bid(&running, name, lot, 99, 1);
        assert_eq!(refusal(&running.one(|house| house.submit(at(200_001), 0, bid))), code);
    }
    assert_eq!(running.store.lines(), lines, "nothing follows the seal over the close");
}
