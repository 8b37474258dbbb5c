//! Rounds with witnesses that answer what a test says, at the times that it says.

use super::super::tests::{checkpoint, keys, witness};
use super::*;

/// Rounds of some witnesses over a growing tree.
struct World {
    rounds: Rounds,
    newest: SignedCheckpoint,
    start: Timestamp,
    ms: u64,
}

impl World {
    fn new(witnesses: u8) -> Self {
        let start = Timestamp::from_unix_ms(1_790_000_000_000).expect("a time");
        let newest = checkpoint(10);
        let rounds = Rounds::new(keys(witnesses), &newest, None, start);
        Self { rounds, newest, start, ms: 0 }
    }

    fn now(&self) -> Timestamp {
        self.start.plus(Span::from_ms(self.ms))
    }

    /// Lets time pass up to so many milliseconds from the start, as the collector would.
    fn at(&mut self, ms: u64) -> &mut Self {
        self.ms = ms;
        self.rounds.begin(self.now(), &self.newest.clone());
        self
    }

    fn grow(&mut self, size: u64) -> &mut Self {
        self.newest = checkpoint(size);
        self.at(self.ms)
    }

    /// Who is asked now, and from which size on.
    fn asked(&mut self) -> Vec<(usize, u64)> {
        let asks = self.rounds.asks(self.now());
        asks.into_iter().map(|ask| (ask.witness, ask.from)).collect()
    }

    fn hear(&mut self, place: usize, heard: Heard) -> Option<News> {
        let newest_size = self.newest.checkpoint().size;
        self.rounds.heard(self.now(), place, heard, newest_size)
    }

    fn answer(&mut self, place: usize, answer: Answer) -> Option<News> {
        self.hear(place, Heard::Answer(answer))
    }

    /// A witness cosigns what it was asked for.
    fn cosign(&mut self, place: usize) -> Option<News> {
        let asked = self.rounds.standings[place].asked.clone().expect("it was asked");
        let key = witness(u8::try_from(place).expect("few"));
        let line = key.cosign(&asked.checkpoint().to_string(), 1_790_000_000);
        self.answer(place, Answer::Cosigned(vec![line]))
    }

    /// What is told now: the size, and how many have cosigned it.
    fn told(&mut self) -> Option<(u64, usize)> {
        let told = self.rounds.tell(self.now())?;
        let note = Note::parse(told.note()).expect("a note");
        Some((told.checkpoint().size, note.signatures.len() - 1))
    }

    fn wakes_in(&self) -> Option<u64> {
        self.rounds.wakes_at(self.now()).map(|at| at.since(self.now()).ms())
    }
}

fn silence() -> Heard {
    Heard::Nothing("it is silent".to_owned())
}

#[test]
fn everybody_is_asked_at_once_and_what_comes_is_told_together() {
    let mut world = World::new(3);
    assert_eq!(world.asked(), [(0, 0), (1, 0), (2, 0)]);
    assert_eq!(world.asked(), [], "nobody is asked twice at a time");
    assert_eq!(world.at(20).cosign(1), Some(News::Cosigns));
    assert_eq!(world.told(), None, "others may come in a moment");
    world.at(30).cosign(0);
    world.at(40).cosign(2);
    assert_eq!(world.told(), Some((10, 3)));
    assert_eq!(world.told(), None, "once");
    assert!(world.rounds.is_complete(&world.newest));
    assert_eq!(world.wakes_in(), Some(960), "when the next round may begin");
    assert_eq!(world.at(1000).wakes_in(), None, "a tree that does not grow costs nothing");
}

#[test]
fn rounds_are_a_second_apart_and_go_on_where_each_witness_stands() {
    let mut world = World::new(2);
    world.asked();
    world.cosign(0);
    world.cosign(1);
    assert_eq!(world.told(), Some((10, 2)));
    world.at(500).grow(15);
    assert_eq!(world.asked(), []);
    assert_eq!(world.wakes_in(), Some(500));
    assert_eq!(world.at(1000).asked(), [(0, 10), (1, 10)]);
    world.cosign(0);
    world.cosign(1);
    assert_eq!(world.told(), Some((15, 2)));
    assert_eq!(world.cosign_counts(), [2, 2]);
}

impl World {
    fn cosign_counts(&self) -> Vec<u64> {
        self.rounds.standings().iter().map(Standing::cosigned).collect()
    }
}

#[test]
fn a_slow_witness_holds_nobody_and_comes_in_where_it_can() {
    let mut world = World::new(2);
    world.asked();
    world.at(10).cosign(0);
    assert_eq!(world.told(), None);
    assert_eq!(world.wakes_in(), Some(250));
    assert_eq!(world.at(260).told(), Some((10, 1)), "without the slow one");
    world.grow(15).at(1000);
    assert_eq!(world.asked(), [(0, 10)], "the slow one still has its question");
    world.cosign(0);
    assert_eq!(world.at(1260).told(), Some((15, 1)));
    assert_eq!(world.at(1300).cosign(1), Some(News::Cosigns), "for a round that is over");
    assert_eq!(world.told(), None);
    assert_eq!(world.asked(), [(1, 10)], "the round that is on");
    world.at(2000).cosign(1);
    assert_eq!(world.told(), None, "told a moment ago");
    assert_eq!(world.at(2260).told(), Some((15, 2)));
}

#[test]
fn a_single_slow_witness_is_not_asked_for_more_before_it_has_answered() {
    let mut world = World::new(1);
    world.asked();
    world.at(1500).grow(20);
    assert_eq!((world.asked(), world.rounds.checkpoint().checkpoint().size), (vec![], 10));
    world.cosign(0);
    assert_eq!(world.told(), Some((10, 1)), "else nothing would ever be told");
    assert_eq!(world.at(1500).asked(), [(0, 10)], "and then the newest");
}

#[test]
fn what_is_told_is_a_second_apart() {
    let mut world = World::new(1);
    world.asked();
    world.at(900).cosign(0);
    assert_eq!(world.told(), Some((10, 1)));
    world.grow(12).at(1000);
    world.asked();
    world.at(1050).cosign(0);
    assert_eq!((world.told(), world.wakes_in()), (None, Some(850)));
    world.grow(13).at(1899);
    assert_eq!(world.asked(), [], "what has come is told before it is passed by");
    assert_eq!(world.at(1900).told(), Some((12, 1)));
    assert_eq!(world.at(2000).asked(), [(0, 12)]);
}

#[test]
fn a_dead_witness_is_asked_after_longer_and_longer_waits_and_joins_when_it_is_back() {
    let mut world = World::new(2);
    world.asked();
    world.cosign(0);
    let trouble = Some(News::Trouble("it is silent".to_owned()));
    assert_eq!(world.hear(1, silence()), trouble);
    assert_eq!(world.told(), Some((10, 1)), "nobody is waited for");
    for wait in [1, 2, 4, 8, 16, 30, 30, 30] {
        assert_eq!(world.at(world.ms + wait * 1000 - 1).asked(), []);
        assert_eq!(world.at(world.ms + 1).asked(), [(1, 0)]);
        assert_eq!(world.hear(1, silence()), None, "said once");
    }
    assert_eq!(world.rounds.standings()[1].trouble().as_deref(), Some("it is silent"));
    assert_eq!(world.at(world.ms + 30_000).asked(), [(1, 0)]);
    assert_eq!(world.cosign(1), Some(News::Cosigns));
    assert_eq!(world.rounds.standings()[1].trouble(), None);
    assert_eq!(world.told(), Some((10, 2)));
}

#[test]
fn a_witness_that_knows_another_size_is_asked_again_from_there() {
    let mut world = World::new(1);
    world.asked();
    assert_eq!(world.answer(0, Answer::OtherSize { known_size: 7 }), None);
    assert_eq!(world.asked(), [(0, 7)]);
    assert_eq!(world.cosign(0), Some(News::Cosigns));
    world.grow(12).at(1000);
    world.told();
    assert_eq!(world.at(1000).asked(), [(0, 10)]);
    world.answer(0, Answer::OtherSize { known_size: 0 });
    assert_eq!(world.asked(), [(0, 0)], "it may have forgotten");
}

#[test]
fn a_witness_that_never_says_how_far_it_is_counts_as_failing() {
    let mut world = World::new(1);
    let trouble = "it does not say how far it has cosigned (409)".to_owned();
    world.asked();
    let same = world.answer(0, Answer::OtherSize { known_size: 0 });
    assert_eq!(same, Some(News::Trouble(trouble.clone())), "the very size that it was told");
    world.at(1000).asked();
    for known_size in [3, 4, 5] {
        assert_eq!(world.answer(0, Answer::OtherSize { known_size }), None);
        assert_eq!(world.asked(), [(0, known_size)]);
    }
    assert_eq!(world.answer(0, Answer::OtherSize { known_size: 6 }), None, "told before");
    assert_eq!(world.asked(), [], "but it waits");
    assert_eq!(world.rounds.standings()[0].trouble(), Some(trouble));
}

#[test]
fn a_witness_that_is_ahead_of_the_round_but_not_of_the_ledger_waits_for_the_next() {
    let mut world = World::new(1);
    world.asked();
    world.at(100).grow(15);
    assert_eq!(world.answer(0, Answer::OtherSize { known_size: 12 }), None);
    assert_eq!(world.asked(), []);
    assert_eq!(world.at(1000).asked(), [(0, 12)]);
}

#[test]
fn who_claims_another_history_is_asked_no_more_and_missed_by_nobody() {
    let claims = [
        (Answer::OtherSize { known_size: 11 }, Claim::Larger { size: 11 }),
        (Answer::Inconsistent, Claim::Inconsistent),
    ];
    for (answer, claim) in claims {
        let mut world = World::new(2);
        world.asked();
        world.cosign(1);
        assert_eq!(world.answer(0, answer), Some(News::AtOdds(claim)));
        assert_eq!(world.told(), Some((10, 1)));
        assert!(world.rounds.is_complete(&world.newest));
        assert_eq!(world.at(3_600_000).grow(99).asked(), [(1, 10)]);
        world.rounds.hurry();
        assert_eq!(world.asked(), []);
        assert!(world.rounds.standings()[0].trouble().is_some());
    }
}

#[test]
fn refusals_and_nonsense_are_failures_with_their_names() {
    let other = witness(7).cosign("x\n", 5);
    let wrong = witness(0).cosign("x\n", 5);
    let table = [
        (Answer::Malformed, "(400)"),
        (Answer::NotSigned, "(403)"),
        (Answer::UnknownLog, "(404)"),
        (Answer::Cosigned(vec![other]), "another key"),
        (Answer::Cosigned(vec![wrong]), "no cosignature"),
    ];
    for (answer, part) in table {
        let mut world = World::new(1);
        world.asked();
        let Some(News::Trouble(reason)) = world.answer(0, answer) else { panic!("trouble") };
        assert!(reason.contains(part), "{reason}");
        assert_eq!((world.asked(), world.told()), (vec![], None));
        assert_eq!(world.wakes_in(), Some(1000));
    }
}

#[test]
fn who_was_not_asked_after_all_has_not_failed() {
    let mut world = World::new(1);
    world.asked();
    assert_eq!(world.hear(0, Heard::NotAsked), None);
    assert_eq!(world.asked(), [(0, 0)]);
}

#[test]
fn the_last_checkpoint_gets_its_round_at_once_whatever_was_before() {
    let mut world = World::new(3);
    world.asked();
    world.at(10).cosign(0);
    world.hear(1, silence());
    world.at(20).grow(20);
    assert_eq!(world.asked(), []);
    world.rounds.hurry();
    world.at(21);
    assert_eq!(world.asked(), [(0, 10), (1, 0)], "the third still has its question");
    world.cosign(0);
    world.cosign(1);
    assert_eq!(world.told(), Some((20, 2)), "not held back, and nobody is under way");
    assert!(!world.rounds.is_complete(&world.newest));
    world.cosign(2);
    assert_eq!(world.asked(), [(2, 10)]);
    world.cosign(2);
    assert_eq!(world.told(), Some((20, 3)));
    assert!(world.rounds.is_complete(&world.newest));
}

#[test]
fn at_the_end_nobody_waits_for_a_witness_that_fails_twice_more() {
    let mut world = World::new(2);
    world.asked();
    world.cosign(0);
    world.hear(1, silence());
    world.told();
    world.rounds.hurry();
    assert_eq!(world.asked(), [(1, 0)]);
    world.hear(1, silence());
    assert!(!world.rounds.is_complete(&world.newest));
    assert_eq!(world.at(1000).asked(), [(1, 0)]);
    world.hear(1, silence());
    assert!(world.rounds.is_complete(&world.newest));
}

#[test]
fn a_later_run_asks_only_for_what_is_missing() {
    let newest = checkpoint(10);
    let line = witness(1).cosign(&newest.checkpoint().to_string(), 5);
    let earlier = newest.with_lines(&[line]);
    let now = Timestamp::ZERO;
    let mut rounds = Rounds::new(keys(2), &newest, Some(&earlier), now);
    assert_eq!(rounds.asks(now), [Ask { witness: 0, from: 0 }]);
    let mut rounds = Rounds::new(keys(2), &checkpoint(11), Some(&earlier), now);
    assert_eq!(rounds.asks(now).len(), 2, "of another checkpoint nothing is there");
}
