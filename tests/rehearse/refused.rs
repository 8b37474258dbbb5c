//! Scenarios that are refused as a whole, each with the words that name what is wrong.

use gavel::rehearse::Scenario;
use serde_json::{Value, json};

fn plain() -> Value {
    json!({
        "id": "S00-plain",
        "title": "Plain",
        "currency": {"code": "EUR", "minor_digits": 2},
        "lots": {
            "1": {"name": "Vase", "start": 100, "increments": [[0, 10]], "ends_at_ms": 60_000},
            "2": {"name": "Bowl", "start": 100, "increments": [[0, 10]], "ends_at_ms": 60_000},
        },
        "script": [
            {"t": 1000, "do": "BID", "who": "alice", "lot": "1", "amount": 100},
            {"t": 2000, "do": "BID", "who": "bob", "lot": "1", "amount": 200},
        ],
    })
}

#[track_caller]
fn check(change: impl FnOnce(&mut Value), said: &str) {
    let mut text = plain();
    change(&mut text);
    match Scenario::read(text.to_string().as_bytes()) {
        Err(error) => assert_eq!(error.to_string(), said),
        Ok(_) => panic!("it is taken, where this was to be said: {said}"),
    }
}

/// The second step, another one.
#[track_caller]
fn check_step(step: Value, said: &str) {
    check(|text| text["script"][1] = step, &format!("step 2: {said}"));
}

#[test]
fn the_plain_one_is_taken() {
    let scenario = Scenario::read(plain().to_string().as_bytes()).expect("is playable");
    assert_eq!((scenario.id(), scenario.sale().as_str()), ("S00-plain", "s00-plain"));
    assert_eq!(scenario.step_count(), 2);
}

#[test]
fn what_is_not_built_yet_is_refused_by_name() {
    for deed in ["MAX", "BUY", "TAKE", "COMMIT", "REVEAL"] {
        check_step(
            json!({"t": 1, "do": deed, "who": "alice", "lot": "1"}),
            &format!("{deed} is not built yet, so nothing of the scenario is played"),
        );
    }
    check_step(json!({"t": 1, "do": "bid", "who": "alice"}), "there is no bid");
    check_step(json!({"t": 1, "do": "JUMP"}), "there is no JUMP");
}

#[test]
fn unknown_and_unfit_keys_are_refused() {
    let bid = |key: &str, value: Value| {
        let mut step = json!({"t": 1, "do": "BID", "who": "alice", "lot": "1", "amount": 100});
        step[key] = value;
        step
    };
    check_step(bid("reason", json!("why not")), "BID has no `reason`");
    check_step(bid("expect_bids", json!(1)), "BID has no `expect_bids`");
    check_step(bid("raw", json!("1")), "`amount` and `raw` cannot stand together");
    check_step(
        bid("amount", json!("1")),
        "`amount`: a number of minor units is expected; a text is `raw`",
    );
    check_step(
        bid("who", json!("Alice")),
        "`who`: a name is 1 to 32 of a-z, 0-9, _ and -, and begins with a letter or digit",
    );
    check_step(bid("read_at", json!(2)), "`read_at`: a line is read before it is judged");
    check_step(bid("t", json!(2_678_400_001_u64)), "`t`: at most 2678400000 are taken");
    check_step(json!({"t": 1, "do": "BID", "who": "alice", "amount": 1}), "`lot` is missing");
    check_step(json!({"t": 1, "do": "BID", "lot": "1", "amount": 1}), "`who` is missing");
    check_step(
        json!({"t": 1, "do": "BID", "who": "alice", "lot": "1"}),
        "`amount` in minor units, or `raw` as it is typed, is missing",
    );
    check_step(json!({"t": 1, "do": "CRASH", "who": "alice"}), "CRASH has no `who`");
    check_step(json!({"t": 1, "do": "CLOCK"}), "`wall_ms` is missing");
    check_step(json!({"t": 1, "do": "RESTART"}), "the server is there");
    let mut twice = plain();
    twice["script"] = json!([{"t": 1, "do": "CRASH"}, {"t": 2, "do": "CRASH"}]);
    let refused = Scenario::read(twice.to_string().as_bytes()).expect_err("is away");
    assert_eq!(refused.to_string(), "step 2: the server is away already");
    let unknown = bid("colour", json!("red"));
    let mut text = plain();
    text["script"][1] = unknown;
    let refused = Scenario::read(text.to_string().as_bytes()).expect_err("no such key");
    assert!(
        refused.to_string().starts_with("step 2: unknown field `colour`, expected"),
        "{refused}"
    );
    let mut text = plain();
    text["colour"] = json!("red");
    let refused = Scenario::read(text.to_string().as_bytes()).expect_err("no such key");
    assert!(
        refused.to_string().starts_with("this is no scenario: unknown field `colour`"),
        "{refused}"
    );
}

#[test]
fn expectations_that_could_never_come_are_refused() {
    let bid = |expect: Value| json!({"t": 1, "do": "BID", "who": "alice", "lot": "1", "amount": 100, "expect": expect});
    check_step(bid(json!({"ok": 1})), "`expect.ok`: true or false is expected");
    check_step(bid(json!({"code": "to-low"})), "`expect.code`: there is no code \"to-low\"");
    check_step(bid(json!({"ok": true, "code": "too-low"})), "`expect.code`: what is ok has none");
    check_step(bid(json!({"colour": "red"})), "a lot has no `colour`");
    check_step(
        bid(json!({"price": "100"})),
        "`price`: a whole number that is not negative, or null is expected",
    );
    check_step(bid(json!({"state": "sold"})), "`state`: pending, open, paused, closed is expected");
    check_step(bid(json!({"lots": {"9": {"price": 1}}})), "the sale has no lot 9");
    check_step(
        json!({"t": 1, "do": "CRASH", "expect": {"price": 1}}),
        "`expect` speaks of a lot, and `lot` names none of the sale: name it, or use `lots`",
    );
    check(
        |text| text["result"] = json!({"1": {"outcome": "gone"}}),
        "key \"result.1\": `outcome`: sold, unsold/no-bids, unsold/reserve-not-met, withdrawn, or null is expected",
    );
    check(|text| text["result"] = json!({"3": {}}), "key \"result.3\": the sale has no lot 3");
}

#[test]
fn what_could_not_be_sold_by_is_refused() {
    check(
        |text| text["lots"]["1"]["dutch"] = json!(true),
        "lot \"1\", key \"dutch\": the key is unknown",
    );
    check(
        |text| text["sale"] = json!({"id": "other"}),
        "key \"id\": in a scenario it stands beside `sale`",
    );
    check(
        |text| text["id"] = json!("S 00"),
        "key \"id\": a house name or sale id is 1 to 64 of a-z, 0-9, ., _ and -, and begins with a letter or digit",
    );
    check(
        |text| text["roles"] = json!({"anna": "boss"}),
        "key \"roles.anna\": a role is one of bidder, auctioneer, clerk, observer, auditor",
    );
    check(|text| text["hashes"] = json!(7), "key \"hashes\": a list is expected");
    check(
        |text| text["hashes"] = json!([{"object": {}}]),
        "key \"hashes\": an object and its sha256 are expected",
    );
    let doubled =
        br#"{"id": "a", "title": "A", "currency": {}, "roles": {"x": "clerk", "x": "clerk"}}"#;
    let refused = Scenario::read(doubled).expect_err("twice").to_string();
    assert!(refused.starts_with("this is no scenario: the key `x` is there twice"), "{refused}");
}
