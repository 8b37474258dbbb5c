//! Acts of staff, each through the house: receipts, refusals, and what follows.

use gavel::auction::act::Deed;
use gavel::auction::event::{Outcome, UnsoldReason};
use gavel::auction::lot::LotState;
use gavel::auction::name::Name;
use gavel::auction::name::Party;
use gavel::auction::refusal::Code;
use gavel::house::Answer;
use gavel::ledger::entry::Kind;
use gavel::record::{Order, Signed};

use super::staff::{Hall, amount, entered, id, lines, opening, paddle, refused, staffed, title};
use super::world::at;

/// Every kind of act once, in an order in which each is good. Gives what was signed.
fn one_of_each(hall: &mut Hall) -> Vec<(Kind, Answer)> {
    let mut answers = Vec::new();
    let mut done = |kind, answer| answers.push((kind, answer));
    done(Kind::LotOpen, hall.act(1_000, "cleo", Deed::Open { lot: id("2") }));
    done(Kind::Bid, hall.enter(1_100, "2", paddle("17"), 100));
    done(Kind::Pause, hall.act(1_200, "cleo", Deed::Pause { lot: id("2") }));
    done(Kind::Resume, hall.act(1_300, "cleo", Deed::Resume { lot: id("2") }));
    let say = Deed::Say { lot: Some(id("2")), text: title("Bids for the clock, please.") };
    done(Kind::Say, hall.act(1_400, "ada", say));
    let lower = opening(60_119, 0xb2);
    let signed = hall.sign("ada", hall.lower("2", &lower));
    let lowered = hall.running.one(|house| house.submit_with(at(1_500), 1, signed, Some(lower)));
    done(Kind::Reserve, lowered);
    done(Kind::Bid, hall.bid(1_600, "alice", "1", 100));
    let extend = Deed::Extend { lot: id("3"), ends_at: at(70_000) };
    done(Kind::Extend, hall.act(1_700, "ada", extend));
    done(Kind::Bid, hall.bid(1_800, "bob", "1", 110));
    let void = Deed::Void { lot: id("1"), seen: hall.seen("1") };
    done(Kind::Void, hall.act(1_900, "ada", void));
    done(Kind::Withdraw, hall.act(2_000, "ada", Deed::Withdraw { lot: id("5") }));
    let hammer = Deed::Hammer { lot: id("2"), seen: hall.seen("2") };
    done(Kind::LotClose, hall.act(2_100, "ada", hammer));
    done(Kind::Reissue, hall.act(2_200, "ada", hall.reissue()));
    done(Kind::Closing, hall.act(2_300, "ada", Deed::Closing));
    answers
}

#[test]
fn every_act_is_an_entry_with_a_receipt() {
    let mut hall = Hall::open();
    let key = hall.world.key().verifying_key();
    for (kind, answer) in one_of_each(&mut hall) {
        let Answer::Entered(receipt) = &answer else { panic!("{kind}: {answer:?}") };
        receipt.check("test-house/spring", &key).expect("the receipt verifies");
        assert_eq!(entered(&answer).0, kind);
    }
    let sale = hall.running.house.sale();
    let outcome = |lot: &str| match sale.lot(&id(lot)).expect("a lot").state() {
        LotState::Closed { outcome, at: closed } => Some((outcome.clone(), closed.unix_ms())),
        LotState::Open { .. } | LotState::Paused { .. } | LotState::Pending => None,
    };
    let at = |ms| at(ms).unix_ms();
    let no_bids = Outcome::Unsold(UnsoldReason::NoBids);
    assert_eq!(outcome("1"), None, "a bid stands, and its timer runs on");
    assert_eq!(outcome("2"), Some((Outcome::Unsold(UnsoldReason::ReserveNotMet), at(2_100))));
    assert_eq!(outcome("3"), Some((no_bids.clone(), at(2_300))));
    assert_eq!(outcome("5"), Some((Outcome::Withdrawn, at(2_000))));
    assert_eq!(outcome("6"), Some((no_bids, at(2_300))));
    hall.finish(200_000);
}

#[test]
fn the_paddle_leads_and_wins() {
    let mut hall = Hall::open();
    entered(&hall.act(1_000, "ada", Deed::Open { lot: id("6") }));
    entered(&hall.enter(1_100, "6", paddle("17"), 100));
    assert_eq!(refused(&hall.enter(1_200, "6", paddle("17"), 150)), Code::AlreadyLeading);
    entered(&hall.bid(1_300, "bob", "6", 110));
    entered(&hall.enter(1_400, "6", Party::Named(Name::parse("alice").expect("a name")), 120));
    assert_eq!(refused(&hall.bid(1_500, "alice", "6", 150)), Code::AlreadyLeading);
    entered(&hall.enter(1_600, "6", paddle("17"), 130));
    let staff = Party::Named(Name::parse("ada").expect("a name"));
    assert_eq!(refused(&hall.enter(1_650, "6", staff, 150)), Code::Role, "staff never bid");
    let hammer = Deed::Hammer { lot: id("6"), seen: hall.seen("6") };
    entered(&hall.act(1_700, "ada", hammer));
    let state = hall.running.house.sale().lot(&id("6")).expect("a lot").state().clone();
    let LotState::Closed { outcome: Outcome::Sold { to, hammer_price }, .. } = state else {
        panic!("{state:?}")
    };
    assert_eq!((to, hammer_price.minor_units()), (paddle("17"), 130));
    hall.finish(200_000);
}

#[test]
fn the_same_bytes_again_get_the_same_answer_and_enter_nothing() {
    let mut hall = Hall::open();
    let open = hall.sign("cleo", Deed::Open { lot: id("2") });
    let order = Order::Enter { party: paddle("17"), lot: id("2"), amount: amount(100) };
    let enter = hall.order("cleo", order, None);
    let early = hall.sign("ada", Deed::Hammer { lot: id("6"), seen: None });
    let first = [&open, &enter, &early].map(|signed| hall.submit(1_000, signed));
    let (opened, bid) = (entered(&first[0]).1, entered(&first[1]).1);
    assert_eq!(refused(&first[2]), Code::NotOpen);
    entered(&hall.act(1_100, "ada", Deed::Open { lot: id("6") }));
    let lines = hall.running.store.lines();
    for (signed, seq) in [(&open, opened), (&enter, bid)] {
        let Answer::Earlier(proof) = hall.submit(1_200, signed) else { panic!("no new entry") };
        assert_eq!(proof.seq, seq);
    }
    assert_eq!(refused(&hall.submit(1_200, &early)), Code::NotOpen, "what was answered stands");
    assert!(hall.running.store.lines() <= lines + 1, "at most the owed seal line");

    // And after a crash; what the memory lost stands in the ledger.
    let folder = super::staff::crashed(hall.folder.path(), &hall.ledger());
    let mut hall = Hall::taken_up(hall.world, folder, 5_000, 100);
    let Answer::Earlier(proof) = hall.submit(5_100, &open) else { panic!("no new entry") };
    assert_eq!(proof.seq, opened);
    assert_eq!(refused(&hall.submit(5_100, &early)), Code::NotOpen);
}

#[test]
fn refused_acts_are_recorded_whole_in_the_order_of_their_codes() {
    let mut hall = Hall::open();
    let lot = |text| id(text);
    let not_now = [
        ("alice", Deed::Open { lot: lot("2") }, Code::Role),
        ("olga", Deed::Say { lot: None, text: title("hello") }, Code::Role),
        ("zoe", Deed::Closing, Code::Role),
        ("cleo", Deed::Hammer { lot: lot("9"), seen: None }, Code::Role),
        ("cleo", Deed::Open { lot: lot("9") }, Code::NoSuchLot),
        ("ada", Deed::Hammer { lot: lot("2"), seen: None }, Code::NotOpen),
        ("cleo", Deed::Open { lot: lot("1") }, Code::NotPending),
        ("cleo", Deed::Resume { lot: lot("1") }, Code::NotPaused),
        ("ada", Deed::Hammer { lot: lot("1"), seen: Some(9) }, Code::BidIn),
        ("ada", Deed::Void { lot: lot("1"), seen: None }, Code::NoBid),
        ("ada", Deed::Extend { lot: lot("3"), ends_at: at(60_000) }, Code::NotLater),
        ("ada", hall.lower("3", &opening(1, 1)), Code::ReserveNotLowered),
    ];
    for (who, deed, code) in not_now {
        let lines_before = hall.running.store.lines();
        let answer = hall.act(1_000, who, deed.clone());
        assert_eq!(refused(&answer), code, "{who} {}", deed.as_str());
        let (kind, body) = lines(&hall.ledger()).pop().expect("a line");
        assert_eq!((kind, hall.running.store.lines()), (Kind::Refusal, lines_before + 2));
        let whole = format!("{{\"act\":{{\"act\":\"{}\",", deed.as_str());
        assert!(body.starts_with(&whole) && body.contains(&format!("\"code\":\"{code}\"")));
    }
    let silent = hall.order("ada", Order::Deed(Deed::Withdraw { lot: lot("1") }), None);
    assert_eq!(refused(&hall.submit(1_100, &silent)), Code::NoReason);
    entered(&hall.bid(1_200, "bob", "4", 100));
    let withdraw = Deed::Withdraw { lot: lot("4") };
    assert_eq!(refused(&hall.act(1_300, "ada", withdraw)), Code::WithoutReserve);
    entered(&hall.act(1_400, "ada", Deed::Open { lot: lot("2") }));
    entered(&hall.enter(1_500, "2", paddle("17"), 100));
    assert_eq!(refused(&hall.act(1_600, "ada", Deed::Closing)), Code::OpenLots);
    entered(&hall.act(1_700, "ada", Deed::Withdraw { lot: lot("2") }));
    hall.finish(200_000);
}

#[test]
fn room_bids_are_for_sales_that_take_them() {
    let mut world = staffed();
    world.terms.sale.room_bids = false;
    let mut hall = Hall::of(world);
    assert_eq!(refused(&hall.enter(1_000, "1", paddle("17"), 100)), Code::NoRoomBids);
    let order = Order::Enter { party: paddle("17"), lot: id("1"), amount: amount(100) };
    let signed = hall.order("bob", order, None);
    assert_eq!(refused(&hall.submit(1_100, &signed)), Code::Role);
    hall.finish(200_000);
}

/// The summary of what was only counted has no place after an act that makes lots fall due.
#[test]
fn refusals_that_are_only_counted_stand_before_what_an_act_makes_due() {
    let act: [fn(&Hall) -> Deed; 3] = [
        |_| Deed::Closing,
        |hall| Deed::Void { lot: id("1"), seen: hall.seen("1") },
        |hall| Deed::Hammer { lot: id("1"), seen: hall.seen("1") },
    ];
    for deed in act {
        let mut world = staffed();
        world.terms.refusals_per_minute_max = 1;
        // All but lot 1 end at once, and it is bare as soon as its bid is voided.
        world.terms.sale.sale_ends_at = Some(at(500));
        let mut hall = Hall::of(world);
        entered(&hall.bid(100, "alice", "1", 100));
        let mut refusals: Vec<_> = Vec::new();
        for _ in 0..3 {
            refusals.push(hall.sign("bob", Deed::Closing));
        }
        let deed = deed(&hall);
        let signed = hall.sign("ada", deed);
        let house = &mut hall.running.house;
        let mut pending: Vec<_> =
            refusals.into_iter().map(|signed| house.submit(at(2_000), 1, signed)).collect();
        pending.push(house.submit(at(2_000), 1, signed));
        let answers = hall.running.commit(pending);
        assert_eq!(answers[..3].iter().map(refused).collect::<Vec<_>>(), [Code::Role; 3]);
        entered(&answers[3]);
        hall.finish(200_000);
    }
}

#[test]
fn closing_the_sale_stands_with_its_closings_in_one_frame() {
    let mut hall = Hall::open();
    entered(&hall.bid(1_000, "alice", "3", 100));
    entered(&hall.act(1_100, "cleo", Deed::Pause { lot: id("3") }));
    let before = lines(&hall.ledger()).len();
    entered(&hall.act(2_000, "ada", Deed::Closing));
    let frame: Vec<(Kind, String)> = lines(&hall.ledger()).split_off(before);
    let kinds: Vec<Kind> = frame.iter().map(|(kind, _)| *kind).collect();
    let closed = [Kind::LotClose; 5];
    assert_eq!(kinds[..3], [Kind::Seal, Kind::Closing, Kind::Resume], "paused lots go on first");
    assert_eq!(kinds[3..], closed);
    let resumed = format!("{{\"ends_at\":{},\"lot\":\"3\"}}", at(60_900).unix_ms());
    assert_eq!(frame[2].1, resumed, "without an act: 58.9 s were left");
    assert_eq!(refused(&hall.bid(2_100, "bob", "4", 100)), Code::Closed);
    entered(&hall.bid(2_200, "bob", "3", 110));
    hall.finish(200_000);
}

#[test]
fn the_last_hammer_closes_the_sale_in_its_own_frame() {
    let mut hall = Hall::open();
    entered(&hall.bid(1_000, "alice", "1", 100));
    entered(&hall.act(1_500, "ada", Deed::Closing));
    let hammer = Deed::Hammer { lot: id("1"), seen: hall.seen("1") };
    let answer = hall.act(2_000, "ada", hammer);
    entered(&answer);
    assert!(hall.running.house.is_finished());
    let say = Deed::Say { lot: None, text: title("Good night.") };
    assert_eq!(refused(&hall.act(2_100, "ada", say)), Code::Closed);
    assert_eq!(refused(&hall.act(2_200, "ada", Deed::Open { lot: id("1") })), Code::NotPending);
    hall.finish(200_000);
}

#[test]
fn a_name_passes_to_another_certificate_and_the_old_key_says_nothing_more() {
    let mut hall = Hall::open();
    entered(&hall.bid(1_000, "alice", "1", 100));
    assert_eq!(refused(&hall.enrol(1_100, "alice-2")), Code::NameTaken);
    let reissue = hall.reissue();
    assert_eq!(refused(&hall.act(1_200, "cleo", reissue.clone())), Code::Role);
    entered(&hall.act(1_300, "ada", reissue.clone()));
    assert_eq!(refused(&hall.act(1_400, "ada", reissue)), Code::NoSuchName);
    assert_eq!(refused(&hall.bid(1_500, "alice", "3", 100)), Code::Revoked);
    entered(&hall.enrol(1_600, "alice-2"));
    let standing = hall.seen("1");
    assert!(standing.is_some(), "what stood stands");
    assert_eq!(refused(&hall.bid(1_700, "alice-2", "1", 50)), Code::TooLow, "under the reserve");
    entered(&hall.bid(1_800, "alice-2", "1", 90_000));
    entered(&hall.bid(1_900, "alice-2", "3", 100));
    // A crash, and the old key is still out.
    let folder = super::staff::crashed(hall.folder.path(), &hall.ledger());
    let mut hall = Hall::taken_up(hall.world, folder, 5_000, 100);
    assert_eq!(refused(&hall.bid(5_100, "alice", "4", 100)), Code::Revoked);
    entered(&hall.bid(5_200, "alice-2", "4", 100));
    hall.running.quiet(at(80_000));
    for lot in ["1", "3", "4"] {
        let state = hall.running.house.sale().lot(&id(lot)).expect("a lot").state();
        let LotState::Closed { outcome: Outcome::Sold { to, .. }, .. } = state else {
            panic!("{state:?}")
        };
        assert!(to.is(&Name::parse("alice").expect("a name")));
    }
    hall.finish(300_000);
}

/// A number is one for bids and acts together.
#[test]
fn a_number_is_used_up_by_acts_as_by_bids() {
    let mut hall = Hall::open();
    let say = |text| Deed::Say { lot: None, text: title(text) };
    let (first, second) = (hall.sign("cleo", say("one")), hall.sign("cleo", say("two")));
    entered(&hall.submit(1_000, &second));
    assert_eq!(refused(&hall.submit(1_100, &first)), Code::ReusedN);
    let role = hall.bid(1_200, "cleo", "1", 100);
    assert_eq!(refused(&role), Code::Role, "staff do not bid");
    let Signed::Act(mut forged) = hall.sign("ada", Deed::Closing).into_inner() else {
        panic!("an act")
    };
    forged.signature[5] ^= 1;
    let forged = forged.authenticate().expect_err("is forged");
    let answer = hall.running.one(|house| house.submit_forged(at(1_300), &forged));
    assert_eq!(refused(&answer), Code::BadSignature);
    hall.finish(200_000);
}
