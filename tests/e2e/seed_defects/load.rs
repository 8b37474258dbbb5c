//! The load test: what it counts, and that it swallows nothing.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::super::world::{PATIENCE, pause, start};

fn load_test(folder: &Path, seconds: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gavel"));
    command
        .args(["loadtest", "--bidders", "4", "--json", "--seconds", seconds, "--keep"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    start(&mut command)
}

async fn end_of(child: Child) -> Output {
    let wait = tokio::task::spawn_blocking(move || child.wait_with_output());
    wait.await.expect("no panic").expect("it ends")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_20_the_load_test_checks_every_answer_and_measures_what_bidders_feel() {
    let root = tempfile::tempdir().expect("a folder");
    let output = end_of(load_test(&root.path().join("load"), "1")).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let of = |key: &str| report[key].as_u64().unwrap_or_else(|| panic!("no {key}: {report}"));
    assert!(of("accepted") > 0);
    assert_eq!(report["errors"], serde_json::json!({}), "{report}");
    // Every acknowledged bid was timed by its bidder and found in the ledger afterwards.
    assert_eq!(report["latency"]["count"], report["accepted"]);
    assert!(report["latency"]["p50_us"].as_u64() <= report["latency"]["p99_us"].as_u64());
    assert_eq!(report["ledger"]["acknowledged"], report["accepted"]);
    assert_eq!(report["ledger"]["missing"], 0);
    assert_eq!(report["ledger"]["verdict"], "VALID");
    assert_eq!(report["bidding_us"].as_u64().map(|us| us >= 1_000_000), Some(true));
}

/// The server that the load test has started, once its bidders are connected.
async fn server_of(load_test: &Child, folder: &Path) -> Pid {
    let begun = Instant::now();
    let id = load_test.id();
    loop {
        let log = std::fs::read_to_string(folder.join("server.log")).unwrap_or_default();
        let threads = std::fs::read_dir(format!("/proc/{id}/task")).expect("it runs");
        let mut children = threads.flatten().filter_map(|thread| {
            let children = std::fs::read_to_string(thread.path().join("children")).ok()?;
            children.split_whitespace().next()?.parse().ok().and_then(Pid::from_raw)
        });
        if log.contains("bidder-00003")
            && let Some(server) = children.next()
        {
            return server;
        }
        assert!(begun.elapsed() < PATIENCE, "the bidders never connected");
        pause().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_20_a_server_that_dies_is_no_success() {
    let root = tempfile::tempdir().expect("a folder");
    let folder = root.path().join("load");
    let child = load_test(&folder, "3");
    let server = server_of(&child, &folder).await;
    kill_process(server, Signal::KILL).expect("it is our own");
    let output = end_of(child).await;
    assert!(!output.status.success());
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("the server ended") || said.contains("connection-lost"), "{said}");
}
