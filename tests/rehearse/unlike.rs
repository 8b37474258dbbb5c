//! Expectations that do not hold are found, at their step, with what came instead.

use gavel::audit::Verdict;
use serde_json::{Value, json};

use super::{audited, folder, played, unlike};

fn scenario(name: &str) -> Value {
    let text = std::fs::read(folder().join(name)).expect("reads");
    serde_json::from_slice(&text).expect("JSON")
}

/// What comes otherwise once `change` has changed what is expected.
fn changed(name: &str, change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut text = scenario(name);
    change(&mut text);
    let (_, played, _) = played(text.to_string().as_bytes());
    unlike(&played)
}

#[test]
fn every_answer_that_is_expected_otherwise_is_named_by_its_step() {
    let steps = scenario("one-millisecond.json")["script"].as_array().expect("steps").len();
    for step in 0..steps {
        let came = changed("one-millisecond.json", |text| {
            let expect = &mut text["script"][step]["expect"];
            let ok = expect["ok"].as_bool().expect("said");
            *expect = json!({"ok": !ok});
        });
        let [only] = came.as_slice() else { panic!("step {}: {came:?}", step + 1) };
        assert!(only.starts_with(&format!("step {} (t ", step + 1)), "{only}");
        assert!(only.contains("answer: expected"), "{only}");
    }
}

#[test]
fn what_came_stands_beside_what_was_expected() {
    let cases: [(&str, Value, &str); 9] = [
        ("ok", json!({"ok": false}), "answer: expected refused, came ok"),
        (
            "code",
            json!({"ok": false, "code": "too-low"}),
            "answer: expected refused, too-low, came ok",
        ),
        ("price", json!({"price": 1001}), "lot 1, price: expected 1001, came 1000"),
        ("price null", json!({"price": null}), "lot 1, price: expected nothing, came 1000"),
        ("leader", json!({"leader": "bob"}), "lot 1, leader: expected bob, came alice"),
        ("ask", json!({"ask": 1000}), "lot 1, ask: expected 1000, came 1100"),
        ("ends_at", json!({"ends_at": 1}), "lot 1, ends_at: expected 1, came 10000"),
        (
            "reserve_met",
            json!({"reserve_met": false}),
            "lot 1, reserve_met: expected false, came true",
        ),
        (
            "lots",
            json!({"lots": {"2": {"state": "open"}}}),
            "lot 2, state: expected open, came pending",
        ),
    ];
    for (what, expect, said) in cases {
        let came = changed("one-millisecond.json", |text| text["script"][0]["expect"] = expect);
        let [only] = came.as_slice() else { panic!("{what}: {came:?}") };
        assert_eq!(*only, format!("step 1 (t 0, BID by alice on lot 1): {said}"));
    }
}

#[test]
fn a_result_that_is_expected_otherwise_is_named_by_its_lot() {
    let came = changed("one-millisecond.json", |text| {
        text["result"]["2"] = json!({"outcome": "withdrawn", "closed_at": 20_001, "price": 1100});
    });
    assert_eq!(
        came,
        [
            "result: lot 2, closed_at: expected 20001, came 20000",
            "result: lot 2, outcome: expected withdrawn, came sold"
        ]
    );
}

#[test]
fn a_hash_that_is_another_is_named() {
    let came = changed("reserve-edges.json", |text| {
        text["hashes"][0]["object"]["reserve"] = json!(60_001);
    });
    let [only] = came.as_slice() else { panic!("{came:?}") };
    assert!(only.starts_with("hash 1 (what commits to a reserve): sha256: expected "), "{only}");
    let came = changed("reserve-edges.json", |text| {
        text["hashes"][0]["object"]["reserve"] = json!(1.5);
    });
    assert!(came[0].contains("came no object of the ledger: not a plain integer"), "{came:?}");
}

#[test]
fn nobody_answers_while_the_server_is_away() {
    let came = changed("outage-over-a-close.json", |text| {
        text["script"][5]["expect"] = json!({"ok": true, "leader": "bob"});
    });
    assert_eq!(
        came,
        [
            "step 6 (t 55000, BID by bob on lot 1): answer: expected ok, came no answer: the server is away",
            "step 6 (t 55000, BID by bob on lot 1): lot 1, leader: expected bob, came nothing: the server is away"
        ]
    );
}

#[test]
fn a_lot_that_nobody_hammers_leaves_the_sale_open_and_says_so() {
    let mut text = scenario("void-reopen.json");
    text["script"].as_array_mut().expect("steps").pop();
    text["result"] = json!({"1": {"outcome": "sold"}});
    let (_, played, ledger) = played(text.to_string().as_bytes());
    assert_eq!(unlike(&played), [""; 0]);
    assert!(!played.is_closed);
    assert_eq!(played.lots[1].seen.state, "open");
    let audit = audited(&played, &ledger);
    assert_eq!(audit.verdict(), Verdict::Incomplete, "{:?}", audit.findings);
}

#[test]
fn a_server_that_does_not_come_back_closes_nothing() {
    let mut text = scenario("outage-over-a-close.json");
    text["script"].as_array_mut().expect("steps").truncate(6);
    let (_, played, ledger) = played(text.to_string().as_bytes());
    assert!(!played.is_closed && played.lots.is_empty());
    assert_eq!(
        unlike(&played).len(),
        text["result"]
            .as_object()
            .expect("lots")
            .values()
            .map(|lot| lot.as_object().expect("keys").len())
            .sum::<usize>()
    );
    assert_eq!(audited(&played, &ledger).verdict(), Verdict::Incomplete);
}
