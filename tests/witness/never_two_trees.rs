//! The one promise: whatever a log and its enemies send, in any order, with the witness stopped and
//! started between, it never cosigns two trees of which one does not contain the other, nor a
//! smaller one after a larger, nor an earlier time after a later.

use std::path::Path;

use ed25519_dalek::SigningKey;
use gavel::ledger::witnessing::{AddCheckpoint, Answer};
use gavel::ledger::{Hash, WitnessKey};
use gavel::time::{Span, Timestamp};
use gavel::witness::{Logs, Reply, StateFolder, Witness};
use proptest::prelude::*;

use crate::log::{BRANCHES, Log};

const START_S: u64 = 1_800_000_000;
/// Small, so that steps meet.
const SIZE_MAX: u64 = 64;

/// What somebody does.
#[derive(Clone, Debug)]
enum Step {
    /// A branch's checkpoint, from the size that the witness knows.
    Grow { log: usize, branch: usize, size: u64 },
    /// The same, from a size that somebody guesses.
    Guess { log: usize, branch: usize, old_size: u64, size: u64 },
    /// One branch's checkpoint with another's proof.
    Mixed { log: usize, branch: usize, proof: usize, size: u64 },
    /// The clock moves, forwards or back.
    Clock { to_s: u64 },
    /// The witness is dropped, and another reads the state from the disk.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let (log, branch, size) = (0..2_usize, 0..BRANCHES, 0..=SIZE_MAX);
    prop_oneof![
        6 => (log.clone(), branch.clone(), size.clone())
            .prop_map(|(log, branch, size)| Step::Grow { log, branch, size }),
        2 => (log.clone(), branch.clone(), size.clone(), size.clone())
            .prop_map(|(log, branch, old_size, size)| Step::Guess { log, branch, old_size, size }),
        2 => (log, branch.clone(), branch, size)
            .prop_map(|(log, branch, proof, size)| Step::Mixed { log, branch, proof, size }),
        1 => (0..60_u64).prop_map(|s| Step::Clock { to_s: START_S + s }),
        1 => Just(Step::Restart),
    ]
}

/// A log, what was cosigned of it in order (size, root, time), and whose it was.
struct Watched {
    log: Log,
    cosigned: Vec<(u64, Hash, u64)>,
}

impl Watched {
    fn last_size(&self) -> u64 {
        self.cosigned.last().map_or(0, |(size, ..)| *size)
    }

    /// Takes a cosignature in, if it may be.
    fn take(&mut self, size: u64, root: Hash, time_s: u64) -> Result<(), TestCaseError> {
        for (before, before_root, before_s) in &self.cosigned {
            prop_assert!(*before <= size, "{size} after {before}");
            prop_assert!(*before_s <= time_s, "at {time_s} after {before_s}");
            prop_assert!(
                self.log.are_one_history((*before, *before_root), (size, root)),
                "{before} and {size} are of two histories"
            );
        }
        self.cosigned.push((size, root, time_s));
        Ok(())
    }
}

fn key() -> WitnessKey {
    WitnessKey::new("witness.example/w1", SigningKey::from_bytes(&[9; 32])).expect("a key")
}

fn open(watched: &[Watched], folder: &Path) -> Witness {
    let list: String = watched.iter().map(|watched| watched.log.listed()).collect();
    let logs = Logs::read(list.as_bytes(), key().public()).expect("a list");
    Witness::open(key(), logs, folder).expect("opens")
}

fn request(step: &Step, watched: &[Watched]) -> Option<(usize, AddCheckpoint)> {
    let (log, request) = match *step {
        Step::Grow { log, branch, size } => {
            let known = &watched[log];
            (log, known.log.request(branch, known.last_size(), size))
        }
        Step::Guess { log, branch, old_size, size } => {
            (log, watched[log].log.request(branch, old_size, size))
        }
        Step::Mixed { log, branch, proof, size } => {
            let known = &watched[log];
            let old_size = known.last_size();
            let proof = known.log.proof(proof, old_size, size);
            let note = known.log.note(branch, size);
            (log, AddCheckpoint::new(old_size, proof, &note).expect("well formed"))
        }
        Step::Clock { .. } | Step::Restart => return None,
    };
    Some((log, request))
}

/// Plays steps, several requests at once where no other step stands between; gives the number of
/// cosignatures.
fn play(steps: &[Step], at_once: usize) -> Result<usize, TestCaseError> {
    let temp = tempfile::tempdir().expect("a folder");
    let folder = temp.path().join("state");
    StateFolder::create(&folder, key().public()).expect("makes");
    let mut watched = [("house/one", 1), ("house/two", 2)]
        .map(|(origin, seed)| Watched { log: Log::new(origin, seed), cosigned: Vec::new() });
    let mut witness = Some(open(&watched, &folder));
    let mut now = Timestamp::ZERO.plus(Span::from_s(START_S));
    for steps in steps.chunks(at_once) {
        let asked: Vec<_> = steps.iter().filter_map(|step| request(step, &watched)).collect();
        let requests: Vec<_> = asked.iter().map(|(_, request)| request.clone()).collect();
        let current = witness.take().expect("is there");
        let (current, replies) = current.answer(now, &requests).expect("the disk takes it");
        witness = Some(current);
        prop_assert_eq!(replies.len(), requests.len());
        for ((log, request), reply) in asked.iter().zip(replies) {
            if let Reply::Answer(Answer::Cosigned(lines)) = reply {
                let found = request.cosigned_by(key().public(), &lines).expect("it stands");
                let checkpoint = request.checkpoint();
                watched[*log].take(checkpoint.size, checkpoint.root, found.time_s)?;
            }
        }
        for step in steps {
            match step {
                Step::Clock { to_s } => now = Timestamp::ZERO.plus(Span::from_s(*to_s)),
                Step::Restart => {
                    drop(witness.take());
                    witness = Some(open(&watched, &folder));
                }
                Step::Grow { .. } | Step::Guess { .. } | Step::Mixed { .. } => {}
            }
        }
    }
    // What the state says at the end is what went out last.
    for watched in &watched {
        let last = witness.as_ref().and_then(|witness| witness.state().get(watched.log.origin()));
        let last = last.map(|last| (last.checkpoint().size, last.checkpoint().root, last.time_s()));
        prop_assert_eq!(last.as_ref(), watched.cosigned.last());
    }
    Ok(watched.iter().map(|watched| watched.cosigned.len()).sum())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_two_cosignatures_contradict_each_other(
        steps in prop::collection::vec(step(), 1..40), at_once in 1..6_usize,
    ) {
        play(&steps, at_once)?;
    }
}

/// A check that could not fail would be none: here is much that is cosigned, and much that is not.
#[test]
fn the_steps_of_the_property_reach_both_answers() {
    let grow = |branch, size| Step::Grow { log: 0, branch, size };
    let steps = [
        grow(1, 3),
        grow(0, 3),
        grow(2, 20),
        Step::Restart,
        grow(0, 21),
        Step::Mixed { log: 0, branch: 0, proof: 2, size: 30 },
        grow(1, 20),
        grow(2, 20),
        Step::Clock { to_s: START_S - 1 },
        grow(2, 22),
        Step::Clock { to_s: START_S + 1 },
        Step::Guess { log: 0, branch: 2, old_size: 19, size: 40 },
        grow(2, 22),
    ];
    let count = play(&steps, 1).expect("the property holds");
    assert_eq!(count, 5, "the sizes 3, 3, 20, 20 and 22");
}
