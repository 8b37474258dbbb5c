//! Bids and acts through the bridge, and what becomes of them when the line breaks.

use gavel::auction::name::Role;
use gavel::audit::{Anchors, Trust, Verdict, audit};
use serde_json::{Value, json};

use super::house::House;
use super::page::{Page, Running, ready};

const EVENING: &str = r#"{"sale": {"currency": {"code": "EUR"}, "timer": "manual", "start": 1000,
    "increments": [[0, 500]]},
    "lots": {"1": {"name": "<img src=x onerror=alert(1)>\"&amp;</script>"}, "2": {"name": "Vase"}}}"#;

fn lot<'a>(heard: &'a Value, id: &str) -> Option<&'a Value> {
    heard["lots"].as_array()?.iter().find(|lot| lot["id"] == id)
}

async fn until_lot(page: &mut Page, id: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    let heard = page.until(|heard| lot(heard, id).is_some_and(&is_it)).await;
    lot(&heard, id).expect("is there").clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bid_goes_to_the_ledger_once_and_its_receipt_comes_back() {
    let house = House::new();
    let server = house.serve().await;
    let alice = Running::of(&house, Role::Bidder, "alice", server.at()).await;
    let bob = Running::of(&house, Role::Bidder, "bob", server.at()).await;
    let (mut a, mut b) = (ready(&alice).await, ready(&bob).await);
    enrolled(&mut a).await;
    enrolled(&mut b).await;

    a.bid("one", "1", 120).await;
    a.until_own("one", "sending").await;
    let own = a.until_own("one", "accepted").await;
    let seq = own["seq"].as_u64().expect("a line");
    // The same id again is the same bid: it is told, and not made.
    a.bid("one", "1", 130).await;
    let same = a.until_own("one", "accepted").await;
    assert_eq!((same["seq"].as_u64(), same["amount"].as_u64()), (Some(seq), Some(120)));

    let seen = until_lot(&mut b, "1", |lot| lot["price"] == 120).await;
    assert_eq!((&seen["who"]["name"], &seen["standing"]), (&json!("alice"), &json!("out")));
    b.bid("two", "1", 125).await;
    b.until_own("two", "accepted").await;
    let outbid = a.until(|heard| heard["news"]["outbids_us"] == true).await;
    assert_eq!(outbid["news"]["amount"], 125);
    b.bid("three", "1", 130).await;
    let refused = b.until_own("three", "refused").await;
    assert_eq!(refused["code"], "already-leading");
    b.bid("four", "9", 130).await;
    assert_eq!(b.until_own("four", "not-sent").await["code"], "no-such-lot");
    b.say(json!({"type": "act", "id": "five", "verb": "pause", "lot": "1"})).await;
    assert_eq!(b.until_own("five", "not-sent").await["code"], "role");

    a.say(json!({"type": "receipt", "seq": seq})).await;
    let receipt = a.until_type("receipt").await;
    assert!(receipt["text"].as_str().is_some_and(|text| text.contains("meridian/estate-2026")));
    a.say(json!({"type": "receipt", "seq": 0})).await;
    assert_eq!(a.until_type("receipt").await["text"], Value::Null);
    a.say(json!({"type": "steps", "lot": "1"})).await;
    let steps = a.until_type("steps").await;
    let amounts: Vec<&Value> =
        steps["steps"].as_array().expect("a list").iter().map(|step| &step["amount"]).collect();
    assert_eq!(amounts, [120, 125]);

    // Another tab knows what was done in this one.
    let mut tab = alice.page_with(&a.cookie).await;
    tab.until_own("one", "accepted").await;
    assert_eq!(bids(&house), 2);
    for bridge in [alice, bob] {
        bridge.stop().await.expect("a good end");
    }
    server.stop().await;
}

/// An enrolment is on its way when a page is there; bids before its receipt are not sent.
async fn enrolled(page: &mut Page) {
    let mut tries = 0;
    loop {
        let id = format!("enrolled-{tries}");
        page.bid(&id, "none", 1).await;
        let own = page.until_own(&id, "not-sent").await;
        if own["code"] == "no-such-lot" {
            return;
        }
        assert_eq!(own["code"], "not-enrolled");
        tries += 1;
        tokio::task::yield_now().await;
    }
}

fn bids(house: &House) -> usize {
    house.ledger().lines().filter(|line| line.contains("\"t\":\"bid\"")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bid_far_over_the_ask_is_signed_only_after_a_yes() {
    let house = House::new();
    let server = house.serve().await;
    let bridge = Running::of(&house, Role::Bidder, "alice", server.at()).await;
    let mut page = ready(&bridge).await;
    enrolled(&mut page).await;
    page.bid("far", "1", 120_000).await;
    page.until_own("far", "held").await;
    // A second one takes its place, and the first cannot be confirmed any more.
    page.bid("farther", "1", 130_000).await;
    assert_eq!(page.until_own("far", "not-sent").await["code"], "not-confirmed");
    page.until_own("farther", "held").await;
    page.say(json!({"type": "confirm", "id": "far"})).await;
    page.say(json!({"type": "cancel", "id": "farther"})).await;
    assert_eq!(page.until_own("farther", "not-sent").await["code"], "not-confirmed");
    assert_eq!(bids(&house), 0);
    page.bid("meant", "1", 120_000).await;
    page.until_own("meant", "held").await;
    page.say(json!({"type": "confirm", "id": "meant"})).await;
    page.until_own("meant", "accepted").await;
    assert_eq!(bids(&house), 1);
    bridge.stop().await.expect("a good end");
    server.stop().await;
}

/// Waits until a bid is told as accepted. Where its line comes before its answer, a page that
/// would hold it twice is sent away, and begins anew.
async fn landed(bridge: &Running, mut page: Page, id: &str) -> Page {
    loop {
        match page.hear().await {
            Ok(heard) if heard["own"]["id"] == id && heard["own"]["state"] == "accepted" => {
                return page;
            }
            Ok(_) => {}
            Err(_) => page = bridge.page_with(&page.cookie).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_house_a_bid_is_not_sent_and_stays_so() {
    let house = House::new();
    let server = house.serve().await;
    let network = super::house::Network::to(server.address).await;
    let bridge = Running::of(&house, Role::Bidder, "alice", network.at()).await;
    let mut page = ready(&bridge).await;
    enrolled(&mut page).await;
    // On its way when the line breaks: nobody knows, until the next connection asks.
    network.swallow_answers(true);
    page.bid("open", "1", 120).await;
    page.until_own("open", "sending").await;
    network.cut();
    page.until_own("open", "unknown").await;
    page.until(|heard| heard["type"] == "link" && heard["state"] == "down").await;
    page.bid("offline", "2", 60).await;
    assert_eq!(page.until_own("offline", "not-sent").await["code"], "offline");
    // A page that gave something up is believed, also if it comes after all.
    page.say(json!({"type": "cancel", "id": "given-up"})).await;
    // In this order: a connection whose answers went missing must not get the rest of them.
    network.cut();
    network.swallow_answers(false);
    let mut page = landed(&bridge, page, "open").await;
    page.bid("given-up", "2", 60).await;
    assert_eq!(page.until_own("given-up", "not-sent").await["code"], "stale");
    assert_eq!(bids(&house), 1);
    bridge.stop().await.expect("a good end");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_run_a_lot_and_a_hammer_means_the_bid_that_was_seen() {
    let mut house = House::new();
    house.items = EVENING.to_owned();
    let server = house.serve().await;
    let staff = Running::of(&house, Role::Auctioneer, "anna", server.at()).await;
    let bidder = Running::of(&house, Role::Bidder, "alice", server.at()).await;
    let (mut anna, mut alice) = (ready(&staff).await, ready(&bidder).await);
    enrolled(&mut alice).await;
    // Nothing is markup to JSON; the page shows titles as text alone.
    let mut tab = staff.page_with(&anna.cookie).await;
    let title = until_lot(&mut tab, "1", |_| true).await["title"].clone();
    assert_eq!(title, "<img src=x onerror=alert(1)>\"&amp;</script>");

    act(&mut anna, json!({"id": "o", "verb": "open", "lot": "1"}), "accepted").await;
    until_lot(&mut alice, "1", |lot| lot["state"] == "open").await;
    alice.bid("a", "1", 1_000).await;
    let first = alice.until_own("a", "accepted").await["seq"].clone();
    until_lot(&mut anna, "1", |lot| lot["bid"] == first).await;
    act(&mut anna, json!({"id": "w", "verb": "warn", "lot": "1"}), "accepted").await;
    let said = alice.until(|heard| heard["news"]["what"] == "said").await;
    assert_eq!(said["news"]["text"], "Fair warning at 10.00 EUR.");
    let pass = json!({"id": "p", "verb": "pass", "lot": "1", "seen": first});
    assert_eq!(act(&mut anna, pass, "not-sent").await["code"], "would-sell");
    let early = json!({"id": "h1", "verb": "hammer", "lot": "1", "seen": 2});
    assert_eq!(act(&mut anna, early, "refused").await["code"], "bid-in");
    let bare = json!({"id": "v", "verb": "void", "lot": "1", "seen": first});
    assert_eq!(act(&mut anna, bare, "refused").await["code"], "no-reason");
    act(&mut anna, json!({"id": "h2", "verb": "hammer", "lot": "1", "seen": first}), "accepted")
        .await;
    let won = alice.until(|heard| heard["news"]["what"] == "closed").await;
    assert_eq!((&won["news"]["outcome"], &won["news"]["mine"]), (&json!("sold"), &json!(true)));
    act(&mut anna, json!({"id": "c", "verb": "close-sale"}), "accepted").await;
    alice.until(|heard| heard["news"]["what"] == "sale-closed").await;

    for bridge in [staff, bidder] {
        bridge.stop().await.expect("a good end");
    }
    server.stop().await;
    let trust = Trust::Certificate(Box::new(house.ca.anchor().clone()));
    let audit = audit(house.ledger().as_bytes(), Anchors::new(trust));
    assert_eq!(audit.verdict(), Verdict::Valid, "{:?}", audit.findings);
}

/// One act of staff; an enrolment may be on its way still.
async fn act(page: &mut Page, wanted: Value, state: &str) -> Value {
    let id = wanted["id"].as_str().expect("an id").to_owned();
    for turn in 0.. {
        let mut asked = wanted.clone();
        asked["type"] = json!("act");
        let this = format!("{id}-{turn}");
        asked["id"] = json!(this);
        page.say(asked).await;
        let settled = |heard: &Value| {
            let own = &heard["own"];
            own["id"] == json!(this) && own["state"] != "sending"
        };
        let own = page.until(settled).await["own"].clone();
        if own["code"] != "not-enrolled" {
            assert_eq!(own["state"], state, "{own}");
            return own;
        }
    }
    unreachable!("it is enrolled at last")
}
