//! A sale in trouble: many bidders, a server that is killed and stopped again and again, and the
//! question whether all that anybody was told and saw can be true at once.
//!
//! `GAVEL_CHAOS=1000,20,600` asks for that many bidders, restarts and seconds; a fourth number is
//! the seed. A run that fails leaves its history as a file, which `GAVEL_HISTORY` has judged again.

#[path = "chaos/bidder.rs"]
mod bidder;
#[path = "chaos/desk.rs"]
mod desk;
#[path = "random_sales/dice.rs"]
mod dice;
#[path = "chaos/hall.rs"]
mod hall;
#[path = "history/mod.rs"]
mod history;
#[path = "chaos/mutations/mod.rs"]
mod mutations;
#[path = "chaos/plan.rs"]
mod plan;
#[path = "chaos/regular.rs"]
mod regular;
#[path = "chaos/run.rs"]
mod run;
#[path = "chaos/scene.rs"]
mod scene;
#[path = "chaos/wire.rs"]
mod wire;

use std::env;
use std::path::Path;

use gavel::clock::Stopwatch;

use self::history::{Checked, History, Kind, check, read_history, write_history};
use self::plan::Plan;
use self::run::run;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_ends_the_server_nothing_that_anybody_was_told_becomes_false() {
    let plan = Plan::wanted();
    let watch = Stopwatch::start();
    let recorded = run(&plan).await;
    let ran_us = watch.elapsed_us();
    let checked = judged(&recorded.history, &plan);
    let (ran_ms, all_ms) = (ran_us / 1000, watch.elapsed_us() / 1000);
    println!("chaos: {} (ran {ran_ms} ms, all {all_ms} ms)", said(&checked));
    assert_eq!(recorded.failures, [""; 0], "{plan:?}");
    assert_eq!(checked.snapshots, plan.restarts + 1);
    assert!(checked.acknowledged > plan.bidders, "that many enrolments alone: {checked:?}");
    assert!(checked.refused > 0 && checked.again > 0, "{checked:?}");
    assert!(checked.winners > plan.bidders, "everybody says who has won: {checked:?}");
}

/// What the checker and the real clients are there for, with the real program: a disk that forgets.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_forgets_what_was_told_is_found_out() {
    let plan = Plan { forgets: true, calm_bids: 12, ..Plan::small(8, 1, 2) };
    let recorded = run(&plan).await;
    let found = check(&recorded.history).violations;
    let has = |kind| found.iter().any(|found| found.kind() == kind);
    for kind in [Kind::Forked, Kind::SawOther, Kind::SealOffTree] {
        assert!(has(kind), "{kind:?}: {plan:?}: {found:#?}");
    }
    // The real clients and the house itself need no checker for it.
    assert_ne!(recorded.failures, [""; 0], "{plan:?}");
}

/// Judges a history that an earlier run has left.
#[test]
fn a_history_in_a_file_is_judged_again() {
    let Some(path) = env::var_os("GAVEL_HISTORY") else { return };
    let checked = check(&read_history(Path::new(&path)).expect("a history"));
    assert!(checked.violations.is_empty(), "{:#?}", checked.violations);
}

/// Checks a history; one with a violation is kept.
fn judged(history: &History, plan: &Plan) -> Checked {
    let checked = check(history);
    if !checked.violations.is_empty() {
        let path = env::temp_dir().join(format!("gavel-history-{}.jsonl", plan.seed));
        write_history(history, &path).expect("writes");
        let first: Vec<_> = checked.violations.iter().take(20).collect();
        let count = checked.violations.len();
        panic!("{plan:?}: {count} violations, the history is {}: {first:#?}", path.display());
    }
    checked
}

fn said(checked: &Checked) -> String {
    let Checked { operations, acknowledged, refused, unknown, again, .. } = checked;
    let Checked { lines, checkpoints, connections, lines_seen, snapshots, winners, .. } = checked;
    format!(
        "{operations} operations: {acknowledged} acknowledged, {refused} refused, {unknown} \
         unknown, {again} sent again; {lines} lines, {checkpoints} checkpoints, {connections} \
         connections, {lines_seen} lines seen, {snapshots} snapshots, {winners} words on winners, \
         {} violations",
        checked.violations.len()
    )
}
