//! Every scenario at hand, played in this process and audited; and plays that must
//! not come as expected.

#[path = "rehearse/refused.rs"]
mod refused;
#[path = "rehearse/unlike.rs"]
mod unlike;

use std::fs;
use std::path::{Path, PathBuf};

use gavel::audit::{Anchors, Audit, Trust, Verdict, audit};
use gavel::rehearse::{Played, Scenario, play};

/// The scenarios that are checked in.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/scenarios")
}

fn scenarios_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    // A sale file may lie beside the scenarios.
    paths.retain(|path| {
        path.extension().is_some_and(|ending| ending == "json")
            && fs::read_to_string(path).expect("reads").contains("\"script\"")
    });
    paths.sort();
    paths
}

/// A folder on a disk of memory where the system has one: each step is synced.
fn folder_in_memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.expect("a folder")
}

/// Plays a scenario; gives what came of it with its ledger.
fn played(text: &[u8]) -> (Scenario, Played, Vec<u8>) {
    let scenario = Scenario::read(text).unwrap_or_else(|error| panic!("{error}"));
    let folder = folder_in_memory();
    let played = play(&scenario, folder.path(), [7; 32]).expect("the disk holds");
    let ledger = fs::read(&played.ledger).expect("reads");
    (scenario, played, ledger)
}

fn audited(played: &Played, ledger: &[u8]) -> Audit {
    audit(ledger, Anchors::new(Trust::Certificate(Box::new(played.anchor.clone()))))
}

fn unlike(played: &Played) -> Vec<String> {
    played.mismatches.iter().map(ToString::to_string).collect()
}

fn check(path: &Path) {
    let text = fs::read(path).expect("reads");
    let (scenario, played, ledger) = played(&text);
    let name = path.display();
    assert!(played.mismatches.is_empty(), "{name}:\n{}", unlike(&played).join("\n"));
    assert!(played.is_closed, "{name}: the sale has closed");
    let audit = audited(&played, &ledger);
    assert_eq!(audit.verdict(), Verdict::Valid, "{name}: {:?}", audit.findings);
    let audited = audit.audited().expect("nothing is wrong");
    assert!(audited.is_final());
    assert_eq!(audited.results().sale, *scenario.sale());
    // What the auditor read from the ledger is what the player saw of the house.
    for (lot, result) in played.lots.iter().zip(&audited.results().lots) {
        let closed_at = lot.seen.closed_at.map(|ms| gavel::rehearse::opening().unix_ms() + ms);
        assert_eq!(result.closed().map(gavel::time::Timestamp::unix_ms), closed_at, "{name}");
        assert_eq!(result.terms.id, lot.id, "{name}");
    }
}

#[test]
fn every_scenario_of_ours_comes_as_expected_and_its_ledger_is_valid() {
    let paths = scenarios_in(&folder());
    assert!(paths.len() >= 24, "the scenarios are where they should be");
    paths.iter().for_each(|path| check(path));
}

#[test]
fn the_scenarios_of_the_design_come_as_expected_and_their_ledgers_are_valid() {
    let Some(folder) = std::env::var_os("GAVEL_SCENARIOS") else {
        eprintln!("NOT CHECKED: GAVEL_SCENARIOS names no folder with the design's scenarios");
        return;
    };
    let paths = scenarios_in(Path::new(&folder));
    assert!(paths.len() >= 3, "{} holds the design's scenarios", Path::new(&folder).display());
    paths.iter().for_each(|path| check(path));
}

#[test]
fn the_ledger_that_is_kept_verifies_by_the_command_that_is_named() {
    let folder = folder_in_memory();
    let gavel = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gavel"));
        command.args(args).current_dir(folder.path()).output().expect("gavel runs")
    };
    let scenario = self::folder().join("void-reinstated.json");
    let rehearsed =
        gavel(&["rehearse", scenario.to_str().expect("UTF-8"), "--ledger", "kept.jsonl"]);
    let said = String::from_utf8(rehearsed.stdout).expect("UTF-8");
    assert_eq!(rehearsed.status.code(), Some(0), "{said}");
    let command =
        said.lines().find_map(|line| line.strip_prefix("verify it gavel ")).expect("named");
    let verified = gavel(&command.split(' ').collect::<Vec<_>>());
    let said = String::from_utf8(verified.stdout).expect("UTF-8");
    assert_eq!(verified.status.code(), Some(0), "{said}");
    assert!(said.contains("VALID: nothing is wrong, and the sale has closed"), "{said}");
}

#[test]
fn two_plays_of_a_scenario_have_the_same_entries() {
    let text = fs::read(folder().join("one-millisecond.json")).expect("reads");
    // Certificates and what their keys sign differ, and with them every hash.
    let shape = |ledger: &[u8]| {
        let lines = String::from_utf8(ledger.to_vec()).expect("UTF-8");
        let value = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON");
        let shape = |line| {
            let line = value(line);
            (line["t"].to_string(), line["seq"].to_string(), line["ts"].to_string())
        };
        lines.lines().map(shape).collect::<Vec<_>>()
    };
    let ((_, _, one), (_, _, other)) = (played(&text), played(&text));
    assert_eq!(shape(&one), shape(&other));
}

#[test]
fn an_outage_begins_when_the_server_died_and_clock_entries_are_made() {
    let open = gavel::rehearse::opening().unix_ms();
    let text = fs::read(folder().join("outage-over-a-close.json")).expect("reads");
    let (_, play, ledger) = played(&text);
    let audit = audited(&play, &ledger);
    let outages: Vec<(u64, u64)> = audit
        .audited()
        .expect("is clean")
        .results()
        .outages
        .iter()
        .map(|(from, to)| (from.unix_ms() - open, to.unix_ms() - open))
        .collect();
    assert_eq!(outages, [(50_000, 75_000), (215_003, 215_004)]);
    let text = fs::read(folder().join("clock-set-back.json")).expect("reads");
    let (_, play, ledger) = played(&text);
    let audit = audited(&play, &ledger);
    let results = audit.audited().expect("is clean").results();
    // 250 ms are no drift; then forward, back, and the start that was accepted.
    assert_eq!(results.clock_entries, 3);
    assert_eq!(results.headlines.clocks_accepted, 1);
}
