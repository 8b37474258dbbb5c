//! The trials that gavel runs on itself: the demo and the load test, as programs.

use std::process::{Command, Output};

fn gavel(args: &[&str]) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_gavel")).args(args).output().expect("runs");
    let stdout = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    (output, stdout)
}

#[test]
fn the_demo_ends_valid_with_five_lots_results() {
    let (output, stdout) = gavel(&["demo"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}{stderr}");
    let verdict = stdout.lines().find(|line| line.starts_with("  VALID ")).expect("the verdict");
    assert!(verdict.contains("demo.jsonl"), "{verdict}");
    let (_, results) = stdout.split_once(verdict).expect("the results");
    let lots = results.lines().filter(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        matches!(words.as_slice(), [id, .., _price, _bids]
            if id.parse().is_ok_and(|id: u8| (1..=5).contains(&id)))
            && (words.contains(&"sold") || words.contains(&"unsold"))
    });
    assert_eq!(lots.count(), 5, "{results}");
    assert!(results.contains("4 sold, 1 unsold"), "{results}");
    for told in ["mallory", "refused: too-low", "refused: already-leading", "refused: closed"] {
        assert!(stdout.contains(told), "{told} is not in:\n{stdout}");
    }
    assert!(!stdout.contains('\u{1b}'), "no colours in a pipe");
}

/// SEED.md, defect 20: the load test swallowed every error, slept most of its time
/// and measured the server's own loop, not what bidders felt.
#[test]
fn defect_20_the_load_test_checks_every_answer_and_holds_them_against_the_ledger() {
    let (output, stdout) = gavel(&["loadtest", "--bidders", "4", "--seconds", "1", "--json"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}{stderr}");
    let report: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    let number = |path: &str| report.pointer(path).and_then(serde_json::Value::as_u64);
    let accepted = number("/accepted").expect("a number");
    assert!(accepted > 4, "{stdout}");
    assert_eq!(report["errors"], serde_json::json!({}));
    assert_eq!(report["ledger"]["verdict"], "VALID");
    assert_eq!(number("/ledger/bids"), number("/ledger/acknowledged"));
    assert_eq!(number("/ledger/missing"), Some(0));
    assert_eq!(number("/latency/count"), Some(accepted));
    let [p50, p99, max] = ["p50_us", "p99_us", "max_us"]
        .map(|name| number(&format!("/latency/{name}")).expect("a number"));
    assert!(0 < p50 && p50 <= p99 && p99 <= max, "{stdout}");
    if cfg!(target_os = "linux") {
        assert!(number("/server_cpu_us").is_some_and(|us| us > 0), "{stdout}");
    }
    assert!(number("/server_sync_p50_us").is_some_and(|us| us > 0), "{stdout}");
}

/// Light clients count instead of checking: the audited ledger must bear out what they counted.
#[test]
fn light_clients_are_answered_and_everybody_hears_every_bid() {
    let closed = ["--light", "--bidders", "4", "--in-flight", "3", "--watchers", "5"];
    let open = ["--rate", "60", "--burst", "3", "--bidders", "4"];
    let one_lot = ["--one-lot", "--quiet", "--bidders", "4"];
    for words in [&closed[..], &open, &one_lot] {
        let words = [&["loadtest", "--seconds", "1", "--json"][..], words].concat();
        let (output, stdout) = gavel(&words);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {stdout}{stderr}");
        let report: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
        let number = |path: &str| report.pointer(path).and_then(serde_json::Value::as_u64);
        let accepted = number("/accepted").expect("a number");
        assert!(accepted > 4, "{stdout}");
        assert_eq!(report["errors"], serde_json::json!({}), "{stdout}");
        assert_eq!(report["ledger"]["verdict"], "VALID", "{stdout}");
        assert_eq!(number("/ledger/bids"), Some(accepted), "{stdout}");
        assert_eq!((number("/ledger/missing"), number("/unheard")), (Some(0), Some(0)));
        assert_eq!(number("/receipt/count"), Some(accepted));
        let listeners =
            if words.contains(&"--quiet") { 0 } else { number("/watchers").expect("a number") + 4 };
        assert_eq!(number("/listeners"), Some(listeners), "{stdout}");
        if listeners > 0 {
            assert_eq!(number("/everybody/count"), Some(accepted), "{stdout}");
        }
    }
}

#[test]
fn the_load_test_compares_a_sale_without_witnesses_with_one_that_has_some() {
    let words = ["loadtest", "--bidders", "4", "--seconds", "2", "--witnesses", "2", "--json"];
    let (output, stdout) = gavel(&words);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}{stderr}");
    let report: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    let cosigned = |part: &str| -> Vec<u64> {
        let counts = report[part]["cosigned"].as_array().expect("a list");
        counts.iter().map(|count| count.as_u64().expect("a number")).collect()
    };
    assert!(cosigned("without").is_empty());
    let counts = cosigned("with");
    assert!(counts.len() == 2 && counts.iter().all(|count| *count > 1), "{stdout}");
    for part in ["without", "with"] {
        assert_eq!(report[part]["ledger"]["verdict"], "VALID", "{stdout}");
        assert!(report[part]["latency"]["p99_us"].as_u64().is_some_and(|us| us > 0), "{stdout}");
    }
}

#[test]
fn the_load_test_measures_a_sale_among_idle_clients_who_all_hear_every_line() {
    let words = ["loadtest", "--idle", "40", "--seconds", "2", "--json"];
    let (output, stdout) = gavel(&words);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}{stderr}");
    let report: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(report["style"], "paced");
    assert_eq!(report["idle"]["clients"], 40);
    assert_eq!(report["idle"]["names"], 3, "16 connections under one name");
    assert_eq!(report["idle"]["heard_everything"], 40, "{stdout}");
    assert_eq!(report["ledger"]["verdict"], "VALID", "{stdout}");
    if cfg!(target_os = "linux") {
        let kib = |when: &str| report["idle"][when].as_u64().expect("a number");
        assert!(kib("resident_before_kib") < kib("resident_with_kib"), "{stdout}");
        assert!(kib("resident_each_bytes") > 0, "{stdout}");
    }
}
