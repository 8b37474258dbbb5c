//! People who misbehave, and networks that go away: nobody who is honest is refused or dropped
//! for it, and whoever misbehaves is bounded, and cut with a reason that they can read.

use std::process::Command;

use serde_json::{Value, json};

/// A short run of the load test against one kind of them: what it found.
fn against(kind: &str, hostile: &str, seconds: &str) -> Value {
    let words = ["loadtest", "--against", kind, "--hostile", hostile, "--bidders", "20"];
    let few = ["--pairs", "1", "--seconds", seconds, "--json"];
    let output = Command::new(env!("CARGO_BIN_EXE_gavel")).args(words).args(few).output();
    let output = output.expect("runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    assert!(output.status.success(), "{found:#}{said}");
    found
}

/// Nobody who is honest was refused or dropped, and those who came found the door open.
fn nobody_honest_suffers(found: &Value) {
    assert_eq!(found["refused"], json!({}), "{found:#}");
    assert_eq!(found["errors"], json!({}), "{found:#}");
    assert_eq!(found["ledger"]["verdict"], "VALID", "{found:#}");
    assert_eq!(found["ledger"]["missing"], 0, "{found:#}");
    for key in ["accepted", "newcomers"] {
        assert!(found[key].as_u64() > Some(2), "{key}: {found:#}");
    }
    for run in ["without", "with"] {
        assert!(found["pairs"][0][run]["count"].as_u64() > Some(0), "{run}: {found:#}");
    }
}

/// How often they were ended in that way.
fn ended(found: &Value, end: &str) -> u64 {
    found["hostile_ends"][end].as_u64().unwrap_or_else(|| panic!("never {end}: {found:#}"))
}

#[test]
fn silent_sockets_are_closed_after_their_time_and_nobody_else_notices() {
    let found = against("silent", "60", "5");
    nobody_honest_suffers(&found);
    assert!(ended(&found, "closed") >= 60, "each was cut once: {found:#}");
}

#[test]
fn a_reader_that_stops_delays_nobody() {
    nobody_honest_suffers(&against("stopped-reader", "1", "1"));
}

#[test]
fn bad_lines_are_cut_with_the_reason() {
    let found = against("bad-lines", "4", "1");
    nobody_honest_suffers(&found);
    let cut = ended(&found, "Too many lines that are no requests. [bad-command]");
    assert!(cut > 4, "they come back and are cut again: {found:#}");
}

#[test]
fn bids_under_the_ask_are_refused_one_by_one() {
    let found = against("low-bids", "4", "1");
    nobody_honest_suffers(&found);
    assert!(ended(&found, "refused: too-low") > 4, "{found:#}");
}

#[test]
fn connects_that_abort_leave_nothing_behind() {
    let found = against("aborts", "4", "1");
    nobody_honest_suffers(&found);
    assert!(ended(&found, "left") > 50, "{found:#}");
}

#[test]
fn a_handshake_of_one_byte_a_second_is_cut_and_a_request_of_one_is_waited_for() {
    let found = against("one-byte", "20", "6");
    nobody_honest_suffers(&found);
    // A byte that comes as the server closes is answered by a reset.
    let ends = found["hostile_ends"].as_object().expect("ends");
    let cut: u64 = ["closed", "reset"].iter().filter_map(|end| ends.get(*end)?.as_u64()).sum();
    assert!(cut >= 10, "the half that shakes hands slowly: {found:#}");
    let others = ends.keys().filter(|end| !["closed", "reset"].contains(&end.as_str()));
    assert_eq!(others.count(), 0, "the other half is waited for, as a line is: {found:#}");
}
