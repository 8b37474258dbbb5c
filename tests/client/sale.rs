//! A client in a sale where everybody is honest.

use gavel::auction::lot::LotState;
use gavel::auction::refusal::Code;
use gavel::client::{Alarm, BidAnswer, Following, Happened, Memory, OddBid, Options, Session};
use gavel::ledger::Receipt;
use gavel::record::Record;
use gavel::time::Span;

use crate::house::{EVERYTHING, House, amount, caller, caught_up, lot, open, until, within};

#[tokio::test]
async fn a_bid_lands_with_a_receipt_and_everybody_sees_it_stand() {
    let house = House::new();
    let server = house.serve().await;
    let folder = tempfile::tempdir().expect("a folder");
    let memory = Memory::beside(&folder.path().join("alice.pem"));
    let mut alice = open(&house.caller("alice"), server.at(), memory).await.expect("opens");
    let mut bob = open(&house.caller("bob"), server.at(), Memory::Volatile).await.expect("opens");
    caught_up(&mut alice).await;
    assert!(alice.is_roster_checked());

    let answer = within(alice.bid(lot("1"), amount(150))).await.expect("an answer");
    let BidAnswer::Landed { seq } = answer else { panic!("{answer:?}") };
    let receipts = alice.folder().expect("a folder").join("receipts");
    let receipt = std::fs::read_to_string(receipts.join(format!("{seq}.tlog-proof")));
    assert_eq!(Receipt::parse(&receipt.expect("kept")).expect("a receipt").index, seq);
    assert!(alice.unsettled().expect("reads").is_empty());

    let low = within(bob.bid(lot("1"), amount(150))).await.expect("an answer");
    let BidAnswer::Refused { code, ask, message } = low else { panic!("{low:?}") };
    assert_eq!((code, ask), (Code::TooLow, Some(amount(151))));
    assert!(message.contains("151"), "{message}");

    // The same bid, seen in the lines, for bob by somebody else.
    let price = until(&mut bob, |happened| match happened {
        Happened::Alarm(alarm) => panic!("{alarm:?}"),
        Happened::Entry(entry) if matches!(entry.record, Record::Bid(_)) => Some(entry.seq),
        _ => None,
    });
    assert_eq!(price.await, seq);
    let standing = bob.follower().and_then(|follower| follower.standing()).expect("replayed");
    let quilt = standing.lot(&lot("1")).expect("there").standing().expect("led");
    assert_eq!((quilt.bidder.to_string().as_str(), quilt.price), ("alice", amount(150)));

    let all = within(bob.list()).await.expect("answers");
    assert_eq!(all.len(), 2);
    assert!(matches!(all[0].state, LotState::Open { .. }));
    assert!(within(bob.status(lot("9"))).await.expect("answers").is_none());
    alice.close().await.expect("closes");
    server.stop().await;
}

#[tokio::test]
async fn a_close_reaches_a_follower_as_the_rules_have_it() {
    let mut house = House::new();
    house.ends_in = Some(Span::from_ms(300));
    let server = house.serve().await;
    let mut watcher =
        open(&house.caller("eve"), server.at(), Memory::Volatile).await.expect("opens");
    let mut lines = String::new();
    until(&mut watcher, |happened| {
        let Happened::Entry(entry) = happened else { return None };
        lines.push_str(&entry.line);
        lines.push('\n');
        (lines.contains("\"t\":\"close\"") && entry.at.is_none()).then_some(())
    })
    .await;
    assert!(watcher.follower().and_then(|f| f.standing()).expect("replayed").is_closed());
    server.stop().await;
    assert_eq!(lines, house.ledger(), "what was checked is the file, byte for byte");
}

#[tokio::test]
async fn two_devices_of_one_name_hear_of_each_other() {
    let house = House::new();
    let server = house.serve().await;
    let alice = house.caller("alice");
    let mut laptop = open(&alice, server.at(), Memory::Volatile).await.expect("opens");
    within(laptop.enrol()).await.expect("enrols");
    let mut phone = open(&alice, server.at(), Memory::Volatile).await.expect("opens");
    within(phone.bid(lot("2"), amount(60))).await.expect("an answer");
    let mut alarms = Vec::new();
    until(&mut laptop, |happened| {
        let Happened::Alarm(alarm) = happened else { return None };
        let last = matches!(alarm, Alarm::Bid { .. });
        alarms.push(alarm);
        last.then_some(())
    })
    .await;
    assert!(
        matches!(
            alarms.as_slice(),
            [Alarm::OtherBidKey { .. }, Alarm::Bid { why: OddBid::OtherKey, .. }]
        ),
        "{alarms:?}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_second_run_uses_the_same_bid_key_and_the_next_number() {
    let house = House::new();
    let server = house.serve().await;
    let folder = tempfile::tempdir().expect("a folder");
    let memory = Memory::beside(&folder.path().join("alice.pem"));
    let alice = house.caller("alice");
    for (n, price) in [(1, 110), (2, 120)] {
        let mut session = open(&alice, server.at(), memory.clone()).await.expect("opens");
        let placed = within(session.send_bid(lot("1"), amount(price))).await.expect("sends");
        assert_eq!(placed.n, n);
        until(&mut session, |happened| match happened {
            Happened::Alarm(alarm) => panic!("{alarm:?}"),
            Happened::Bid { .. } => Some(()),
            _ => None,
        })
        .await;
        session.close().await.expect("closes");
    }
    server.stop().await;
    assert_eq!(house.ledger().matches("\"t\":\"enrol\"").count(), 1);
}

#[tokio::test]
async fn a_renewed_certificate_enrols_a_new_bid_key() {
    let house = House::new();
    let server = house.serve().await;
    let folder = tempfile::tempdir().expect("a folder");
    let memory = Memory::beside(&folder.path().join("alice.pem"));
    let first = house.credential("alice");
    let secret = gavel::pki::P256Secret::from_pkcs8(first.secret.pkcs8()).expect("a key");
    let renewed = house.certify("alice", secret, crate::house::now());
    for credential in [first, renewed] {
        let mut session =
            open(&caller(credential), server.at(), memory.clone()).await.expect("opens");
        within(session.enrol()).await.expect("enrols");
        session.close().await.expect("closes");
    }
    server.stop().await;
    assert_eq!(house.ledger().matches("\"t\":\"enrol\"").count(), 2);
}

#[tokio::test]
async fn a_light_client_bids_many_times_without_following() {
    let house = House::new();
    let server = house.serve().await;
    let options = Options { following: Following::Nothing, ..EVERYTHING };
    let (alice, bob) = (house.caller("alice"), house.caller("bob"));
    let open = |caller| Session::open(caller, server.at(), Memory::Volatile, options.clone());
    let mut alice = within(open(alice)).await.expect("opens");
    let mut bob = within(open(bob)).await.expect("opens");
    for round in 0..20_u64 {
        for (session, more) in [(&mut alice, 1), (&mut bob, 2)] {
            let price = amount(100 + 2 * round + more);
            let answer = within(session.bid(lot("1"), price)).await.expect("an answer");
            assert!(matches!(answer, BidAnswer::Landed { .. }), "{answer:?}");
        }
    }
    assert!(alice.newest().checkpoint().size > 40, "heads come from receipts");
    server.stop().await;
}
