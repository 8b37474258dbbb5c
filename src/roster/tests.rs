//! The roster by itself: each refusal, their order, and what makes each go away.

mod people;

use people::{HEAD, House, LATE, OPENED_MS, SALE, Words, at_s, bid_key, name, roster, terms};

use super::*;
use crate::time::Span;

/// What the roster says to the bid `n` of somebody, shortly after the opening.
fn judge(roster: &Roster, who: &str, seed: u8, n: u64) -> Result<Role, Code> {
    roster.judge(at_s(1), &Words::of(who, seed, n).claim(), Signature::Good)
}

// ---- Bids and acts ----

#[test]
fn refusals_come_in_the_ledgers_order() {
    let house = House::new();
    let ada = house.person("ada", Role::Bidder);
    let mut good = roster();
    good.apply_enrolment(&house.enrolled(&ada, &bid_key(1)));
    good.spend(&Words::of("ada", 1, 7).claim());
    let mut revoked = good.clone();
    revoked.apply_revocation(ada.identity.serial.clone());
    let mut retired = good.clone();
    retired.apply_reissue(&name("ada"), KeyHash([9; 32]));

    // Everything is wrong with it; then one thing after the other is put right.
    let elsewhere = Head { root: Hash::from_bytes([2; 32]), size: 3 };
    let mut words = Words {
        bidder: name("bob"),
        head: elsewhere,
        sale_hash: Hash::ZERO,
        ..Words::of("ada", 1, 7)
    };
    let bad = |roster: &Roster, words: &Words| roster.judge(LATE, &words.claim(), Signature::Bad);
    assert_eq!(bad(&revoked, &words), Err(Code::WrongSale));
    words.sale_hash = SALE;
    assert_eq!(bad(&revoked, &words), Err(Code::NotEnrolled));
    words.bidder = name("ada");
    assert_eq!(bad(&revoked, &words), Err(Code::Revoked));
    assert_eq!(bad(&retired, &words), Err(Code::Revoked));
    assert_eq!(bad(&good, &words), Err(Code::Expired));
    let in_time = at_s(1);
    assert_eq!(good.judge(in_time, &words.claim(), Signature::Bad), Err(Code::BadSignature));
    let signed = |words: &Words| good.judge(in_time, &words.claim(), Signature::Good);
    assert_eq!(signed(&words), Err(Code::ReusedN));
    words.n = 8;
    assert_eq!(signed(&words), Err(Code::StaleHead));
    words.head = HEAD;
    assert_eq!(signed(&words), Ok(Role::Bidder));
}

#[test]
fn a_key_speaks_under_its_own_name_and_role_alone() {
    let house = House::new();
    let mut roster = roster();
    roster.apply_enrolment(&house.enrolled(&house.person("ada", Role::Bidder), &bid_key(1)));
    roster.apply_enrolment(&house.enrolled(&house.person("cleo", Role::Clerk), &bid_key(2)));
    assert_eq!(judge(&roster, "ada", 1, 1), Ok(Role::Bidder));
    assert_eq!(judge(&roster, "cleo", 2, 1), Ok(Role::Clerk));
    assert_eq!(judge(&roster, "ada", 2, 1), Err(Code::NotEnrolled));
    assert_eq!(judge(&roster, "ada", 3, 1), Err(Code::NotEnrolled));
    let knows = |who, seed| roster.knows(&Words::of(who, seed, 1).claim());
    assert_eq!([knows("ada", 1), knows("ada", 2), knows("bob", 1)], [true, false, false]);
}

#[test]
fn a_certificate_counts_to_its_last_moment() {
    let house = House::new();
    let ada = house.person("ada", Role::Bidder);
    let mut roster = roster();
    roster.apply_enrolment(&house.enrolled(&ada, &bid_key(1)));
    let last = ada.identity.not_after;
    let after = last.plus(Span::from_ms(1));
    let words = Words::of("ada", 1, 1);
    let judged = |at| roster.judge(at, &words.claim(), Signature::Good);
    assert_eq!([judged(last), judged(after)], [Ok(Role::Bidder), Err(Code::Expired)]);
}

#[test]
fn a_revocation_is_of_one_certificate() {
    let house = House::new();
    let ada = house.person("ada", Role::Bidder);
    let mut roster = roster();
    roster.apply_enrolment(&house.enrolled(&ada, &bid_key(1)));
    let old_serial = ada.identity.serial.clone();
    let renewed = house.certified("ada", Role::Bidder, ada.secret, at_s(10));
    roster.apply_enrolment(&house.enrolled(&renewed, &bid_key(2)));
    assert!(!roster.is_revoked(&old_serial));
    roster.apply_revocation(old_serial.clone());
    assert!(roster.is_revoked(&old_serial));
    assert_eq!(judge(&roster, "ada", 1, 1), Err(Code::Revoked));
    assert_eq!(judge(&roster, "ada", 2, 1), Ok(Role::Bidder));
}

// ---- Numbers ----

#[test]
fn a_number_is_used_once_and_every_lower_one_with_it() {
    let house = House::new();
    let mut roster = roster();
    let ada = house.person("ada", Role::Bidder);
    roster.apply_enrolment(&house.enrolled(&ada, &bid_key(1)));
    roster.apply_enrolment(&house.enrolled(&ada, &bid_key(2)));
    let key = BidKey::from(&bid_key(1));
    assert_eq!(roster.n_used(&key), Some(0));
    assert_eq!(judge(&roster, "ada", 1, 0), Err(Code::ReusedN), "numbers begin at 1");
    roster.spend(&Words::of("ada", 1, 5).claim());
    assert_eq!(judge(&roster, "ada", 1, 5), Err(Code::ReusedN));
    assert_eq!(judge(&roster, "ada", 1, 4), Err(Code::ReusedN));
    assert_eq!(judge(&roster, "ada", 1, 6), Ok(Role::Bidder));
    assert_eq!(judge(&roster, "ada", 2, 1), Ok(Role::Bidder), "each key has its own");
    // A lower one gives nothing back.
    roster.spend(&Words::of("ada", 1, 2).claim());
    assert_eq!(roster.n_used(&key), Some(5));
}

#[test]
fn refused_ones_use_up_their_numbers_too() {
    let house = House::new();
    let mut roster = roster();
    roster.apply_enrolment(&house.enrolled(&house.person("ada", Role::Bidder), &bid_key(1)));
    let (known, unknown) = (BidKey::from(&bid_key(1)), BidKey::from(&bid_key(2)));
    roster.apply_refusal(at_s(1), &Words::of("ada", 1, 3).claim(), 100);
    assert_eq!(roster.n_used(&known), Some(3));
    let counts = Counts { counts: vec![(Code::TooLow, 2)], keys: vec![(known, 9), (unknown, 4)] };
    roster.apply_counts(&counts);
    assert_eq!(roster.n_used(&known), Some(9));
    assert_eq!(roster.n_used(&unknown), None, "a key that nobody enrolled has no number");
}

// ---- Heads ----

#[test]
fn a_head_is_one_of_the_last_seals_with_its_own_root() {
    let head = |size: u64| {
        let mut root = [0; 32];
        root[..8].copy_from_slice(&size.to_be_bytes());
        Head { root: Hash::from_bytes(root), size }
    };
    let mut window = HeadWindow::default();
    assert!(!window.holds(&head(2)));
    let last = 2 * u64::try_from(HEAD_WINDOW).expect("few");
    for place in 1..=u64::try_from(HEAD_WINDOW).expect("few") {
        window.push(head(2 * place));
    }
    assert!(window.holds(&head(2)) && window.holds(&head(last)));
    assert!(!window.holds(&head(3)), "no seal is of that size");
    assert!(!window.holds(&Head { size: 4, ..head(2) }), "another root");
    window.push(head(last + 2));
    assert!(!window.holds(&head(2)), "the oldest is out");
    assert!(window.holds(&head(4)) && window.holds(&head(last + 2)));
}

// ---- Enrolments ----

#[test]
fn enrolments_are_refused_in_one_order() {
    let house = House::new();
    let (ada, other) = (house.person("ada", Role::Bidder), house.person("ada", Role::Bidder));
    let mut taken = roster();
    taken.apply_enrolment(&house.enrolled(&ada, &bid_key(1)));
    // Of another certificate key, expired, revoked, with a key that is enrolled.
    let bad = house.enrolled(&other, &bid_key(1));
    let mut revoked = taken.clone();
    revoked.apply_revocation(other.identity.serial.clone());
    let in_time = at_s(1);
    assert_eq!(revoked.judge_enrolment(LATE, &bad), Err(Code::Revoked));
    assert_eq!(taken.judge_enrolment(LATE, &bad), Err(Code::Expired));
    assert_eq!(taken.judge_enrolment(in_time, &bad), Err(Code::NameTaken));
    let attested = house.attested(&other);
    assert_eq!(taken.judge_enrolment(in_time, &attested), Err(Code::NameTaken));

    let again = house.enrolled(&ada, &bid_key(1));
    assert_eq!(taken.judge_enrolment(in_time, &again), Err(Code::KeyEnrolled));
    let bob = house.person("bob", Role::Bidder);
    let stolen = house.enrolled(&bob, &bid_key(1));
    assert_eq!(taken.judge_enrolment(in_time, &stolen), Err(Code::KeyEnrolled));
    assert_eq!(taken.judge_enrolment(in_time, &house.enrolled(&bob, &bid_key(2))), Ok(()));
}

#[test]
fn a_name_enrols_sixteen_keys() {
    let house = House::new();
    let (ada, bob) = (house.person("ada", Role::Bidder), house.person("bob", Role::Bidder));
    let mut roster = roster();
    for seed in 1..=16 {
        let enrolled = house.enrolled(&ada, &bid_key(seed));
        assert_eq!(roster.judge_enrolment(at_s(1), &enrolled), Ok(()), "key {seed}");
        roster.apply_enrolment(&enrolled);
    }
    let more = house.enrolled(&ada, &bid_key(17));
    assert_eq!(roster.judge_enrolment(at_s(1), &more), Err(Code::TooManyKeys));
    // A key that stands already is told so, however many there are.
    let again = house.enrolled(&ada, &bid_key(16));
    assert_eq!(roster.judge_enrolment(at_s(1), &again), Err(Code::KeyEnrolled));
    let elsewhere = house.enrolled(&bob, &bid_key(17));
    assert_eq!(roster.judge_enrolment(at_s(1), &elsewhere), Ok(()));
    // A new certificate key takes the name, and not another sixteen.
    roster.apply_reissue(&name("ada"), bob.key_hash());
    let passed = house.certified("ada", Role::Bidder, bob.secret, at_s(0));
    let more = house.enrolled(&passed, &bid_key(17));
    assert_eq!(roster.judge_enrolment(at_s(1), &more), Err(Code::TooManyKeys));
}

// ---- Attested bids ----

#[test]
fn attested_bids_are_refused_in_one_order() {
    let house = House::new();
    let ada = house.person("ada", Role::Bidder);
    let session = house.attested(&ada);
    let mut roster = roster();
    let mut signed_only = Roster::new(SALE, &terms(false));
    assert_eq!(signed_only.judge_enrolment(at_s(1), &session), Err(Code::Unsigned));
    signed_only.apply_enrolment(&session);
    assert_eq!(signed_only.judge_attested(at_s(1), &name("ada")), Err(Code::Unsigned));

    assert_eq!(roster.judge_attested(at_s(1), &name("ada")), Err(Code::NotEnrolled));
    assert_eq!(roster.judge_enrolment(at_s(1), &session), Ok(()));
    roster.apply_enrolment(&session);
    assert_eq!(roster.judge_attested(at_s(1), &name("ada")), Ok(Role::Bidder));
    assert_eq!(roster.judge_attested(LATE, &name("ada")), Err(Code::Expired));
    roster.apply_revocation(ada.identity.serial.clone());
    assert_eq!(roster.judge_attested(LATE, &name("ada")), Err(Code::Revoked));
    // Once the name has a bid key, nothing unsigned counts under it, before all else.
    let renewed = house.certified("ada", Role::Bidder, ada.secret, at_s(10));
    roster.apply_enrolment(&house.enrolled(&renewed, &bid_key(1)));
    assert_eq!(roster.judge_attested(LATE, &name("ada")), Err(Code::Unsigned));
    let late_session = house.attested(&renewed);
    assert_eq!(roster.judge_enrolment(at_s(11), &late_session), Err(Code::Unsigned));
}

#[test]
fn a_session_is_attested_by_its_certificate() {
    let house = House::new();
    let ada = house.person("ada", Role::Bidder);
    let mut roster = roster();
    assert!(!roster.is_attested(&ada.identity));
    roster.apply_enrolment(&house.attested(&ada));
    assert!(roster.is_attested(&ada.identity));
    let renewed = house.certified("ada", Role::Bidder, ada.secret, at_s(10));
    assert!(!roster.is_attested(&renewed.identity), "another certificate of the same key");
    roster.apply_enrolment(&house.attested(&renewed));
    assert!(roster.is_attested(&renewed.identity));
    // A bid key alone attests nothing.
    let bob = house.person("bob", Role::Bidder);
    roster.apply_enrolment(&house.enrolled(&bob, &bid_key(1)));
    assert!(!roster.is_attested(&bob.identity));
}

// ---- Reissue ----

#[test]
fn a_name_passes_from_the_key_that_has_it_to_another() {
    let house = House::new();
    let (ada, new) = (house.person("ada", Role::Bidder), house.person("ada", Role::Bidder));
    let mut roster = roster();
    let (old_key, new_key) = (ada.key_hash(), new.key_hash());
    let judged = |roster: &Roster, who, from, to| roster.judge_reissue(&name(who), from, to);
    assert_eq!(judged(&roster, "ada", old_key, new_key), Err(Code::NoSuchName));
    roster.apply_enrolment(&house.enrolled(&ada, &bid_key(1)));
    assert_eq!(judged(&roster, "bob", old_key, new_key), Err(Code::NoSuchName));
    assert_eq!(judged(&roster, "ada", new_key, old_key), Err(Code::NoSuchName));
    assert_eq!(judged(&roster, "ada", old_key, old_key), Err(Code::NoSuchName));
    assert_eq!(judged(&roster, "ada", old_key, new_key), Ok(()));

    roster.apply_reissue(&name("ada"), new_key);
    assert_eq!(judged(&roster, "ada", old_key, new_key), Err(Code::NoSuchName));
    assert_eq!(judged(&roster, "ada", new_key, old_key), Ok(()));
    let (by_old, by_new) = (house.enrolled(&ada, &bid_key(2)), house.enrolled(&new, &bid_key(2)));
    assert_eq!(roster.judge_enrolment(at_s(1), &by_old), Err(Code::NameTaken));
    assert_eq!(roster.judge_enrolment(at_s(1), &by_new), Ok(()));
}

#[test]
fn the_old_keys_say_nothing_more_for_ever() {
    let house = House::new();
    let (ada, new) = (house.person("ada", Role::Bidder), house.person("ada", Role::Bidder));
    let bob = house.person("bob", Role::Bidder);
    let mut roster = roster();
    roster.apply_enrolment(&house.enrolled(&ada, &bid_key(1)));
    roster.apply_enrolment(&house.enrolled(&ada, &bid_key(2)));
    roster.apply_enrolment(&house.enrolled(&bob, &bid_key(3)));
    roster.apply_reissue(&name("ada"), new.key_hash());
    roster.apply_enrolment(&house.enrolled(&new, &bid_key(4)));
    let revoked = Err(Code::Revoked);
    assert_eq!(judge(&roster, "ada", 1, 1), revoked);
    assert_eq!(judge(&roster, "ada", 2, 1), revoked);
    assert_eq!(judge(&roster, "bob", 3, 1), Ok(Role::Bidder));
    assert_eq!(judge(&roster, "ada", 4, 1), Ok(Role::Bidder));
    // They are known still: what they sign is recorded, and uses up its number.
    assert!(roster.knows(&Words::of("ada", 1, 1).claim()));
    // Back to the first certificate key: its old bid keys stay silent, a new one speaks.
    roster.apply_reissue(&name("ada"), ada.key_hash());
    roster.apply_enrolment(&house.enrolled(&ada, &bid_key(5)));
    let judged = [1, 2, 4, 5].map(|seed| judge(&roster, "ada", seed, 1));
    assert_eq!(judged, [revoked, revoked, revoked, Ok(Role::Bidder)]);
}

#[test]
fn a_key_that_has_two_names_loses_one() {
    let house = House::new();
    let ada = house.person("ada", Role::Bidder);
    let mut roster = roster();
    roster.apply_enrolment(&house.enrolled(&ada, &bid_key(1)));
    let bob = house.certified("bob", Role::Bidder, ada.secret, at_s(0));
    roster.apply_enrolment(&house.enrolled(&bob, &bid_key(2)));
    roster.apply_reissue(&name("ada"), KeyHash([9; 32]));
    assert_eq!(judge(&roster, "ada", 1, 1), Err(Code::Revoked));
    assert_eq!(judge(&roster, "bob", 2, 1), Ok(Role::Bidder));
}

#[test]
fn the_old_session_says_nothing_more() {
    let house = House::new();
    let (ada, new) = (house.person("ada", Role::Bidder), house.person("ada", Role::Bidder));
    let mut roster = roster();
    roster.apply_enrolment(&house.attested(&ada));
    roster.apply_reissue(&name("ada"), new.key_hash());
    assert!(!roster.is_attested(&ada.identity));
    assert_eq!(roster.judge_attested(at_s(1), &name("ada")), Err(Code::NotEnrolled));
    assert_eq!(roster.judge_enrolment(at_s(1), &house.attested(&new)), Ok(()));
    assert_eq!(roster.judge_enrolment(at_s(1), &house.attested(&ada)), Err(Code::NameTaken));
    // Of a name that nobody has there is nothing to pass.
    roster.apply_reissue(&name("bob"), new.key_hash());
    let bob = house.person("bob", Role::Bidder);
    assert_eq!(roster.judge_enrolment(at_s(1), &house.enrolled(&bob, &bid_key(1))), Ok(()));
}

// ---- The cap of recorded refusals ----

#[test]
fn refusals_are_recorded_whole_up_to_the_sales_bytes() {
    let mut roster = roster();
    let (ada, words) = (name("ada"), Words::of("ada", 1, 1));
    let may = |roster: &Roster, bytes| roster.may_record(at_s(1), &ada, bytes);
    assert!(may(&roster, 1_000) && !may(&roster, 1_001));
    roster.apply_refusal(at_s(1), &words.claim(), 400);
    assert!(may(&roster, 600) && !may(&roster, 601));
    // They do not come back, and nothing goes below nothing.
    roster.apply_refusal(at_s(600), &words.claim(), 600);
    assert!(!roster.may_record(at_s(6_000), &name("bob"), 1));
    assert!(roster.may_record(at_s(6_000), &name("bob"), 0));
    roster.apply_refusal(at_s(600), &words.claim(), 50);
    assert!(!roster.may_record(at_s(6_000), &name("bob"), 1));
}

#[test]
fn refusals_are_recorded_whole_up_to_a_number_in_a_minute() {
    let mut roster = roster();
    // Minutes are the clock's own: the opening lies 0 s into one.
    assert_eq!(OPENED_MS % 60_000, 0);
    let (ada, bob) = (name("ada"), name("bob"));
    let words = Words::of("ada", 1, 1);
    for s in [1, 30, 59] {
        assert!(roster.may_record(at_s(s), &ada, 1));
        roster.apply_refusal(at_s(s), &words.claim(), 1);
    }
    assert!(!roster.may_record(at_s(59), &ada, 1));
    assert!(roster.may_record(at_s(59), &bob, 1), "each bidder has a number");
    assert!(roster.may_record(at_s(60), &ada, 1), "a new minute");
    roster.apply_refusal(at_s(60), &words.claim(), 1);
    roster.apply_refusal(at_s(61), &words.claim(), 1);
    assert!(roster.may_record(at_s(62), &ada, 1));
    roster.apply_refusal(at_s(62), &words.claim(), 1);
    assert!(!roster.may_record(at_s(63), &ada, 1));
    assert!(roster.may_record(at_s(600), &ada, 1));
}
