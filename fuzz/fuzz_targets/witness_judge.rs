//! A witness's judgement (C2SP tlog-witness, "add-checkpoint"), asked by a log that has two
//! histories: whatever is asked in whatever order, all that was cosigned is one history, sizes and
//! times never fall, and a good request is not refused.

#![no_main]

use gavel::ledger::merkle::leaf_hash;
use gavel::ledger::note::Note;
use gavel::ledger::witnessing::{AddCheckpoint, Answer};
use gavel::ledger::{Hash, Tree};
use gavel::witness::{Decision, Logs, Record, State, Suspicion, decide};
use gavel_fuzz::keys::{ORIGIN, sealing_key, witness_key};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

/// How many leaves each history has.
const LEAVES: u64 = 70;
/// The most requests of one run: each is signed and checked.
const REQUESTS_MAX: usize = 12;

#[derive(Arbitrary, Debug)]
struct Input {
    /// From which leaf on the histories differ.
    forks_at: u8,
    requests: Vec<Asked>,
}

#[derive(Arbitrary, Debug)]
struct Asked {
    second_history: bool,
    size: u8,
    /// As the witness's last, if none is given.
    old_size: Option<u8>,
    /// How far the clock goes on, or back.
    clock_s: i8,
    edit: Option<Edit>,
}

#[derive(Arbitrary, Debug)]
enum Edit {
    /// A hash of the proof is another.
    Flip { at: u8, bit: u8 },
    /// The proof is one hash longer.
    Longer,
    /// The proof is one hash shorter.
    Shorter,
    /// The proof is that of another size.
    ProofFrom { size: u8 },
    /// Signed by nobody that the witness knows.
    Stranger,
}

fuzz_target!(|input: Input| {
    let trees = [tree(input.forks_at, 0), tree(input.forks_at, 1)];
    let (key, log) = (witness_key(1), format!("log {}\n", sealing_key().vkey()));
    let logs = Logs::read(log.as_bytes(), key.public()).expect("a list of logs");
    let (mut state, mut now_s) = (State::new(), 1_000_u64);
    let mut history: Vec<(u64, Hash)> = Vec::new();
    for asked in input.requests.iter().take(REQUESTS_MAX) {
        now_s = now_s.saturating_add_signed(asked.clock_s.into());
        let last = state.get(ORIGIN).cloned();
        let known_size = last.as_ref().map_or(0, |record| record.checkpoint().size);
        let (request, is_true) = asked.request(&trees, known_size);
        let decision = decide(&key, &logs, &state, now_s, &request);
        match decision {
            Decision::Cosign(record) => {
                assert!(last.is_none_or(|last| last.time_s() <= record.time_s()));
                let (size, root) = (record.checkpoint().size, record.checkpoint().root);
                history.push((size, root));
                let one = |tree: &Tree| {
                    history.iter().all(|(size, root)| tree.root_at(*size) == Some(*root))
                };
                assert!(trees.iter().any(one), "two histories are cosigned: {history:?}");
                assert!(history.is_sorted_by_key(|(size, _)| *size));
                state = kept(&record);
            }
            Decision::ClockBehind { .. } => {
                assert!(last.is_some_and(|last| last.time_s() > now_s));
            }
            Decision::Refuse(answer, suspicion) => {
                let (new, old_size) = (request.checkpoint(), request.old_size());
                let extends = trees.iter().any(|tree| {
                    tree.root_at(new.size) == Some(new.root)
                        && last.as_ref().is_none_or(|last| {
                            tree.root_at(last.checkpoint().size) == Some(last.checkpoint().root)
                        })
                });
                let is_good = is_true && extends && old_size == known_size && old_size <= new.size;
                assert!(!is_good, "a good request is answered {answer:?}");
                if suspicion == Some(Suspicion::Fork) {
                    assert!(!extends, "an honest log is suspected");
                }
                assert!(!matches!(answer, Answer::Cosigned(_)));
            }
        }
    }
});

fn tree(forks_at: u8, number: u64) -> Tree {
    let mut tree = Tree::new();
    for leaf in 0..LEAVES {
        let history = if leaf < forks_at.into() { 0 } else { number };
        tree.append(leaf_hash(format!("{history} {leaf}").as_bytes()));
    }
    tree
}

/// The state with this record alone, by way of its file.
fn kept(record: &Record) -> State {
    let (key, note) = (witness_key(1), record.note().to_string());
    let vkey = key.public().vkey();
    let text = format!("gavel-witness-state/v1\n{vkey}\ncheckpoint {}\n{note}", note.len());
    let text = format!("{text}end 1 {}\n", Hash::of(text.as_bytes()));
    State::parse(text.as_bytes(), key.public()).expect("a state reads what was cosigned")
}

impl Asked {
    /// The request, and whether it is a true one: signed by the log, with the proof that it needs.
    fn request(&self, trees: &[Tree; 2], known_size: u64) -> (AddCheckpoint, bool) {
        let tree = &trees[usize::from(self.second_history)];
        let size = u64::from(self.size) % (LEAVES + 1);
        let old_size = self.old_size.map_or(known_size, u64::from);
        let mut proof = tree.consistency(old_size, size).unwrap_or_default();
        let root = tree.root_at(size).expect("within");
        let mut note = sealing_key().sign(size, root).note().to_owned();
        if let Some(edit) = &self.edit {
            edit.apply(tree, size, &mut proof, &mut note);
        }
        let request = AddCheckpoint::new(old_size, proof, &note).expect("well formed");
        assert_eq!(AddCheckpoint::parse(request.to_string().as_bytes()).as_ref(), Ok(&request));
        (request, self.edit.is_none())
    }
}

impl Edit {
    fn apply(&self, tree: &Tree, new_size: u64, proof: &mut Vec<Hash>, note: &mut String) {
        match self {
            Self::Flip { at, bit } => {
                if let Some(at) = usize::from(*at).checked_rem(proof.len()) {
                    let mut bytes = *proof[at].bytes();
                    bytes[usize::from(bit / 8)] ^= 1 << (bit % 8);
                    proof[at] = Hash::from_bytes(bytes);
                }
            }
            Self::Longer => proof.push(Hash::of(b"longer")),
            Self::Shorter => {
                proof.pop();
            }
            Self::ProofFrom { size } => {
                *proof = tree.consistency((*size).into(), new_size).unwrap_or_default();
            }
            Self::Stranger => {
                let mut parsed = Note::parse(note).expect("a note");
                parsed.signatures[0].key_id = [0; 4];
                *note = parsed.to_string();
            }
        }
    }
}
