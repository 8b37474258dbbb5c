//! What a log asks of a witness and what that answers (C2SP tlog-witness), and the state that a
//! witness keeps: what parses is written again as the same bytes.

#![no_main]

use gavel::ledger::witnessing::{AddCheckpoint, Answer};
use gavel_fuzz::keys::witness_key;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(request) = AddCheckpoint::parse(bytes) {
        assert_eq!(request.to_string().as_bytes(), bytes);
        let again = AddCheckpoint::new(
            request.old_size(),
            request.proof().to_vec(),
            &request.note().to_string(),
        );
        assert_eq!(again.as_ref(), Ok(&request));
        check_cosigned(&request);
    }
    for status in [200, 400, 403, 404, 409, 422, 503] {
        check_answer(status, bytes);
    }
    check_files(bytes);
});

fn check_answer(status: u16, body: &[u8]) {
    let Ok(answer) = Answer::parse(status, body) else { return };
    assert_eq!(answer.status(), status);
    let is_read = matches!(answer, Answer::Cosigned(_) | Answer::OtherSize { .. });
    assert_eq!(answer.body().as_bytes() == body, is_read || body.is_empty());
    assert_eq!(Answer::parse(status, answer.body().as_bytes()), Ok(answer));
}

/// Who asks takes the witness's own line, and no other text's.
fn check_cosigned(request: &AddCheckpoint) {
    let witness = witness_key(1);
    let line = witness.cosign(&request.note().text, 5);
    let found = request.cosigned_by(witness.public(), std::slice::from_ref(&line)).expect("stands");
    assert_eq!((found.time_s, &found.line), (5, &line));
    let other = witness.cosign(&format!("x{}", request.note().text), 5);
    assert!(request.cosigned_by(witness.public(), &[other]).is_err());
}

/// A witness's own files: its state has one spelling.
fn check_files(bytes: &[u8]) {
    let witness = witness_key(1);
    if let Ok(state) = gavel::witness::State::parse(bytes, witness.public()) {
        assert_eq!(state.to_text(witness.public()).as_bytes(), bytes);
        let is_own = |record: &gavel::witness::Record| {
            witness.cosign(&record.note().text, record.time_s())
                == *record.note().signatures.last().expect("a cosignature")
        };
        assert!(state.records().all(is_own), "what it did not cosign is in no state");
    }
}
