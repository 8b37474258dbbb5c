//! The program is stopped, killed, doubled and robbed of its disk.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::mpsc::channel;

use gavel::ledger::witnessing::Answer;
use rustix::process::Signal;

use crate::log::{BRANCHES, ENTRIES, SHARED};
use crate::peer::{Place, gavel};

/// How often the witness is killed.
const KILLS: u64 = 8;

#[test]
fn a_witness_killed_at_any_moment_never_goes_back() {
    let place = Place::new();
    let mut acknowledged = 0;
    for round in 0..KILLS {
        let mut program = place.start();
        let mut peer = program.peer();
        let found = known(&place, &mut peer);
        assert!(found >= acknowledged, "round {round}: {found} after {acknowledged}");
        if found > SHARED && found < ENTRIES {
            // What was said before the kill holds, for every other history.
            for branch in 1..BRANCHES {
                let other = place.log.request(branch, found, found + 1);
                assert_eq!(peer.add(&other).expect("is answered").status, 422, "round {round}");
            }
        }
        acknowledged = found;
        let (answered, answers) = channel();
        std::thread::scope(|scope| {
            let (log, from) = (&place.log, found);
            scope.spawn(move || {
                // It asks on until the witness is gone, and never for a second history.
                for known in from..ENTRIES {
                    let Ok(came) = peer.add(&log.request(0, known, known + 1)) else { break };
                    assert_eq!(came.status, 200, "{}", came.text());
                    answered.send(known + 1).expect("is heard");
                }
            });
            // In the middle of whatever follows the third answer.
            for size in answers.iter().take(3) {
                acknowledged = size;
            }
            program.kill();
            acknowledged = answers.iter().last().unwrap_or(acknowledged);
        });
    }
    let program = place.start();
    let found = known(&place, &mut program.peer());
    assert!(found >= acknowledged && found >= 3 * KILLS, "{found} after {acknowledged}");
}

/// The size that the witness cosigned last, as it says itself.
fn known(place: &Place, peer: &mut crate::peer::Peer) -> u64 {
    let came = peer.add(&place.log.request(0, ENTRIES, ENTRIES)).expect("is answered");
    match came.answer() {
        Answer::OtherSize { known_size } => known_size,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_disk_that_takes_nothing_more_ends_it_without_an_answer() {
    let place = Place::new();
    let mut program = place.start();
    let mut peer = program.peer();
    assert_eq!(peer.add(&place.log.request(0, 0, 7)).expect("is answered").status, 200);
    // Nobody can put a file in the place of a folder that is not empty, root neither.
    let state = place.state().join("state");
    let kept = fs::read(&state).expect("reads");
    fs::remove_file(&state).expect("removes");
    fs::create_dir(&state).expect("makes");
    fs::write(state.join("x"), "").expect("writes");
    let answer = peer.add(&place.log.request(0, 7, 8));
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(program.wait().code(), Some(6), "{}", place.said());
    assert!(place.said().contains("[witness-write]"), "{}", place.said());
    fs::remove_dir_all(&state).expect("removes");
    fs::write(&state, kept).expect("writes");
    fs::set_permissions(&state, fs::Permissions::from_mode(0o600)).expect("sets");
    assert_eq!(known(&place, &mut place.start().peer()), 7, "the cosignature never went out");
}

#[test]
fn signals_end_it_in_good_order() {
    let place = Place::new();
    for (old, signal) in [(0, Signal::TERM), (7, Signal::INT)] {
        let mut program = place.start();
        let mut peer = program.peer();
        let request = place.log.request(0, old, old + 7);
        assert_eq!(peer.add(&request).expect("is answered").status, 200);
        program.signal(signal);
        assert_eq!(program.wait().code(), Some(0), "{}", place.said());
        assert!(peer.add(&request).is_err(), "nobody is there any more");
    }
    assert_eq!(known(&place, &mut place.start().peer()), 14);
}

#[test]
fn two_never_run_on_one_state() {
    let place = Place::new();
    let _program = place.start();
    let args = ["witness", "--listen", "127.0.0.1:0", "--key", "w.key", "--logs", "logs.txt"];
    let second = gavel(place.path(), &args);
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(6), "{said}");
    assert!(said.contains("[witness-running]"), "{said}");
}
