//! Every status of the specification, and which one is given where several are due.

use ed25519_dalek::{Signer as _, SigningKey};

use super::*;
use crate::ledger::merkle::{Tree, leaf_hash};
use crate::ledger::note::TYPE_ED25519;
use crate::ledger::{Hash, SealingKey};

const ORIGIN: &str = "house/sale";
const NOW: u64 = 1_800_000_000;

/// A log with a key; another `branch` of it has other leaves from the fifth on.
struct Log {
    key: SealingKey,
    tree: Tree,
}

impl Log {
    fn new(seed: u8, branch: u8) -> Self {
        let key = SealingKey::new(ORIGIN.to_owned(), SigningKey::from_bytes(&[seed; 32]));
        let mut tree = Tree::new();
        for index in 0..20 {
            tree.append(leaf_hash(&[index, if index < 5 { 0 } else { branch }]));
        }
        Self { key: key.expect("a name"), tree }
    }

    fn note(&self, size: u64) -> String {
        let root = self.tree.root_at(size).expect("is reached");
        self.key.sign(size, root).note().to_owned()
    }

    fn proof(&self, old_size: u64, size: u64) -> Vec<Hash> {
        self.tree.consistency(old_size, size).expect("is reached")
    }

    fn request(&self, old_size: u64, size: u64) -> AddCheckpoint {
        let proof = self.tree.consistency(old_size, size).unwrap_or_default();
        request(old_size, proof, &self.note(size))
    }
}

fn request(old_size: u64, proof: Vec<Hash>, note: &str) -> AddCheckpoint {
    AddCheckpoint::new(old_size, proof, note).expect("well formed")
}

/// A witness that serves the log of seed 1 alone.
struct Seat {
    key: WitnessKey,
    logs: Logs,
    state: State,
}

impl Seat {
    fn new() -> Self {
        let key = WitnessKey::new("w", SigningKey::from_bytes(&[9; 32])).expect("a key");
        let list = format!("log {}\n", Log::new(1, 0).key.vkey());
        let logs = Logs::read(list.as_bytes(), key.public()).expect("a list");
        Self { key, logs, state: State::new() }
    }

    /// One that has cosigned `size` entries of the log.
    fn at(size: u64) -> Self {
        let mut seat = Self::new();
        assert_eq!(seat.ask(&Log::new(1, 0).request(0, size)).0, 200);
        seat
    }

    fn decide(&self, now_s: u64, request: &AddCheckpoint) -> Decision {
        decide(&self.key, &self.logs, &self.state, now_s, request)
    }

    /// The status, and what is suspected; a cosigned checkpoint is taken in.
    fn ask(&mut self, request: &AddCheckpoint) -> (u16, Option<Suspicion>) {
        match self.decide(NOW, request) {
            Decision::Cosign(record) => {
                let lines = [record.cosignature()];
                let found = request.cosigned_by(self.key.public(), &lines).expect("stands");
                assert_eq!((found.time_s, record.time_s()), (NOW, NOW));
                self.state.put(record);
                (200, None)
            }
            Decision::Refuse(answer, suspicion) => {
                if let Answer::OtherSize { known_size } = answer {
                    let last = self.state.get(ORIGIN).map_or(0, |last| last.checkpoint().size);
                    assert_eq!(known_size, last);
                }
                (answer.status(), suspicion)
            }
            Decision::ClockBehind { .. } => (503, None),
        }
    }
}

fn statuses(size: u64, table: &[(u16, AddCheckpoint)]) {
    for (place, (status, request)) in table.iter().enumerate() {
        assert_eq!(Seat::at(size).ask(request).0, *status, "row {place} at {size}:\n{request}");
    }
}

#[test]
fn a_log_that_only_grows_is_cosigned() {
    let (log, mut seat) = (Log::new(1, 0), Seat::new());
    for (old, size) in [(0, 0), (0, 3), (3, 3), (3, 4), (4, 8), (8, 17), (17, 20), (20, 20)] {
        assert_eq!(seat.ask(&log.request(old, size)), (200, None), "{old} -> {size}");
    }
}

#[test]
fn every_refusal_has_the_status_of_the_specification() {
    let (log, fork) = (Log::new(1, 0), Log::new(1, 7));
    let hash = vec![Hash::ZERO];
    let mut long = log.proof(8, 13);
    long.push(Hash::ZERO);
    let table = [
        (403, Log::new(2, 0).request(8, 13)),
        (400, log.request(9, 8)),
        (409, log.request(0, 13)),
        (409, log.request(7, 13)),
        (409, log.request(9, 13)),
        (409, log.request(7, 7)),
        (422, fork.request(8, 8)),
        (422, request(8, hash, &log.note(8))),
        (422, request(8, Vec::new(), &log.note(13))),
        (422, request(8, log.proof(7, 13), &log.note(13))),
        (422, request(8, log.proof(8, 13)[1..].to_vec(), &log.note(13))),
        (422, request(8, long, &log.note(13))),
        (422, request(8, log.proof(8, 13), &fork.note(13))),
        (422, fork.request(8, 13)),
        (200, log.request(8, 13)),
        (200, log.request(8, 8)),
    ];
    statuses(8, &table);
}

#[test]
fn before_the_first_cosignature_there_is_nothing_to_prove() {
    let log = Log::new(1, 0);
    let wrong_empty = log.key.sign(0, Hash::ZERO).note().to_owned();
    let hash = vec![Hash::ZERO];
    for seat in [Seat::new, || Seat::at(0)] {
        let table = [
            (200, log.request(0, 0)),
            (200, log.request(0, 13)),
            (409, log.request(5, 13)),
            (422, request(0, hash.clone(), &log.note(13))),
            (422, request(0, hash.clone(), &log.note(0))),
            (422, request(0, Vec::new(), &wrong_empty)),
        ];
        for (status, request) in &table {
            assert_eq!(seat().ask(request).0, *status, "{request}");
        }
    }
}

#[test]
fn of_several_refusals_the_first_of_the_specification_is_given() {
    let (log, fork) = (Log::new(1, 0), Log::new(1, 7));
    let stranger = Log::new(2, 7);
    let elsewhere = |request: &AddCheckpoint| {
        AddCheckpoint::parse(request.to_string().replace(ORIGIN, "house/other").as_bytes())
    };
    // Each row has the faults of all below it.
    let wrong_empty = log.key.sign(0, Hash::ZERO).note().to_owned();
    let table = [
        (404, elsewhere(&request(9, vec![Hash::ZERO], stranger.note(8).as_str())).expect("read")),
        (403, request(9, vec![Hash::ZERO], &stranger.note(8))),
        (400, request(9, vec![Hash::ZERO], &fork.note(8))),
        (409, request(7, vec![Hash::ZERO], &fork.note(8))),
        (422, request(8, vec![Hash::ZERO], &fork.note(8))),
        (400, request(1, vec![Hash::ZERO], &wrong_empty)),
        (409, request(0, vec![Hash::ZERO], &wrong_empty)),
    ];
    statuses(8, &table);
}

#[test]
fn an_unknown_log_learns_nothing_and_a_known_one_only_behind_its_signature() {
    let mut seat = Seat::at(8);
    let log = Log::new(1, 0);
    let unsigned = log.note(13).replace("\n13\n", "\n12\n");
    assert_eq!(seat.ask(&request(8, Vec::new(), &unsigned)).0, 403);
    let renamed = log.note(13).replace(ORIGIN, "house/other");
    assert_eq!(seat.ask(&request(8, Vec::new(), &renamed)).0, 404);
}

#[test]
fn lines_of_other_keys_are_passed_over_and_a_wrong_one_of_a_known_key_is_not() {
    let log = Log::new(1, 0);
    let (note, stranger) = (log.note(13), Log::new(2, 0).note(13));
    let line_of = |note: &str| note.lines().last().expect("a line").to_owned();
    let proof = log.proof(8, 13);
    let with = |lines: &[String]| {
        let (text, _) = note.split_once("\n\n").expect("a blank line");
        request(8, proof.clone(), &format!("{text}\n\n{}\n", lines.join("\n")))
    };
    let (ours, theirs) = (line_of(&note), line_of(&stranger));
    let wrong = line_of(&log.note(12));
    let cosigned = Seat::at(8).state.get(ORIGIN).map(|record| record.cosignature().to_string());
    let table = [
        (200, with(&[theirs.clone(), ours.clone()])),
        (200, with(&[ours.clone(), theirs.clone(), theirs.clone()])),
        (200, with(&[ours.clone(), ours.clone()])),
        // Ours from before is a line of no key of the log.
        (200, with(&[ours.clone(), cosigned.expect("cosigned")])),
        (403, with(std::slice::from_ref(&theirs))),
        (403, with(&[ours.clone(), wrong.clone()])),
        (403, with(&[wrong, ours])),
    ];
    statuses(8, &table);
}

#[test]
fn a_log_that_changes_its_key_signs_with_either() {
    let (old, new) = (Log::new(1, 0), Log::new(2, 0));
    let mut seat = Seat::at(8);
    let list = format!("log {}\nlog {}\n", old.key.vkey(), new.key.vkey());
    seat.logs = Logs::read(list.as_bytes(), seat.key.public()).expect("a list");
    let line = |note: String| note.lines().last().expect("a line").to_owned();
    let both = format!("{}{}\n", old.note(13), line(new.note(13)));
    assert_eq!(seat.ask(&request(8, old.proof(8, 13), &both)).0, 200);
    let kept = seat.state.get(ORIGIN).expect("is there").note().signatures.len();
    assert_eq!(kept, 3, "both of the log and the cosignature");
    assert_eq!(seat.ask(&new.request(13, 20)).0, 200);
    let spoilt = format!("{}{}\n", old.note(20), line(new.note(19)));
    assert_eq!(seat.ask(&request(20, Vec::new(), &spoilt)).0, 403);
}

#[test]
fn extension_lines_are_cosigned_and_long_texts_are_not() {
    let log = Log::new(1, 0);
    let signed = |text: String| {
        let secret = SigningKey::from_bytes(&[1; 32]);
        let key = VerifierKey::new(ORIGIN, TYPE_ED25519, &secret.verifying_key()).expect("a key");
        let signature = secret.sign(text.as_bytes()).to_bytes().to_vec();
        let line = NoteSignature { name: ORIGIN.to_owned(), key_id: key.id(), signature };
        request(0, Vec::new(), &Note { text, signatures: vec![line] }.to_string())
    };
    let (text, _) = log.note(13).split_once("\n\n").map(own).expect("a blank line");
    let extended = signed(format!("{text}\nan extension\n"));
    let mut seat = Seat::new();
    assert_eq!(seat.ask(&extended).0, 200);
    assert_eq!(seat.state.get(ORIGIN).expect("is there").note().text, extended.note().text);
    let long = "x".repeat(COSIGNED_TEXT_BYTES_MAX);
    assert_eq!(Seat::new().ask(&signed(format!("{text}\n{long}\n"))).0, 400);
}

fn own((text, lines): (&str, &str)) -> (String, String) {
    (text.to_owned(), lines.to_owned())
}

#[test]
fn what_speaks_against_a_log_is_told_from_what_does_not() {
    let (log, fork) = (Log::new(1, 0), Log::new(1, 7));
    let wrong_empty = log.key.sign(0, Hash::ZERO).note().to_owned();
    let hash = vec![Hash::ZERO];
    let table = [
        // Two roots for one size convict it, whatever else is wrong with the request.
        (422, Some(Suspicion::Fork), fork.request(8, 8)),
        (409, Some(Suspicion::Fork), fork.request(0, 8)),
        (400, Some(Suspicion::Fork), fork.request(9, 8)),
        (409, Some(Suspicion::Fork), request(0, Vec::new(), &wrong_empty)),
        (422, Some(Suspicion::Unproven), fork.request(8, 13)),
        (422, Some(Suspicion::Unproven), request(8, Vec::new(), &log.note(13))),
        // An older checkpoint is nobody's fraud, and a proof too many is a mistake.
        (409, None, log.request(3, 3)),
        (409, None, log.request(0, 13)),
        (422, None, request(8, hash, &log.note(8))),
        (403, None, Log::new(2, 7).request(8, 8)),
    ];
    for (place, (status, suspicion, request)) in table.iter().enumerate() {
        assert_eq!(Seat::at(8).ask(request), (*status, *suspicion), "row {place}");
    }
}

#[test]
fn no_cosignature_is_earlier_than_the_one_before() {
    let (log, seat) = (Log::new(1, 0), Seat::at(8));
    let ask = |now_s, request: &AddCheckpoint| seat.decide(now_s, request);
    let behind = |by_s| Decision::ClockBehind { by_s };
    assert_eq!(ask(NOW - 1, &log.request(8, 13)), behind(1));
    assert_eq!(ask(0, &log.request(8, 8)), behind(NOW));
    assert!(matches!(ask(NOW, &log.request(8, 13)), Decision::Cosign(_)));
    // Whatever is wrong with the request is told all the same.
    let refused = Decision::Refuse(Answer::OtherSize { known_size: 8 }, None);
    assert_eq!(ask(NOW - 1, &log.request(7, 13)), refused);
}
