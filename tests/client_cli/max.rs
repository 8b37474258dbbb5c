//! `gavel bid --max`: agents that bid for their holders, in a real sale.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use gavel::auction::name::{Name, Role};
use gavel::client::{Happened, Memory, Session};
use gavel::ledger::{Kind, Line};
use gavel::pki::{Address, Credential, CrlEntry, Grant, KeyMaker, P256Secret, RevocationReason};
use gavel::record::Record;
use gavel::time::Span;
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::mpsc;

use crate::house::{self, House, amount, caught_up, lot, now, open, until, within};
use crate::tap::{Fate, Tap};
use crate::{Hall, said, talk};

const ITEMS_OF_FOUR_SECONDS: &str = r#"{
    "1": {"name": "Quilt", "highest_bid": 100, "highest_bidder": null, "duration": 4},
    "2": {"name": "Vase", "highest_bid": 50, "highest_bidder": null, "duration": 4}
}"#;

fn house_of_four_seconds() -> House {
    let mut house = House::new();
    house.items = ITEMS_OF_FOUR_SECONDS.to_owned();
    house
}

/// An agent's process, line by line; it does not outlive a test that fails.
struct Agent {
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
    heard: String,
}

impl Agent {
    fn start(credential: &Path, server: std::net::SocketAddr, flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gavel"))
            .args(["bid".as_ref(), credential.as_os_str()])
            .args(flags)
            .args(["--server", &server.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let (tell, lines) = mpsc::unbounded_channel();
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        std::thread::spawn(move || {
            for line in out.lines() {
                let _ = tell.send(line.expect("text") + "\n");
            }
        });
        Self { child, lines, heard: String::new() }
    }

    /// Waits until it has said this.
    async fn says(&mut self, words: &str) {
        while !self.heard.contains(words) {
            let line = within(self.lines.recv()).await;
            let line = line.unwrap_or_else(|| panic!("{words:?} is missing in {}", self.heard));
            self.heard.push_str(&line);
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("is there");
    }

    /// Its exit code, everything that it printed, and what it said beside that.
    async fn end(mut self) -> (i32, String, String) {
        while let Some(line) = within(self.lines.recv()).await {
            self.heard.push_str(&line);
        }
        let mut talk = String::new();
        let mut err = self.child.stderr.take().expect("a pipe");
        std::io::Read::read_to_string(&mut err, &mut talk).expect("text");
        let status = self.child.wait().expect("ends");
        (status.code().expect("no signal"), std::mem::take(&mut self.heard), talk)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The accepted bids on lot 1 and on lot 2 as the ledger has them.
fn bids(ledger: &str, on: &str) -> Vec<(String, u64)> {
    let bid = |line: &str| {
        let line = Line::parse(line.as_bytes()).ok().filter(|line| line.kind == Kind::Bid)?;
        let Record::Bid(bid) = Record::read(&line).expect("a bid") else { return None };
        let bid = &bid.evidence;
        let found = (bid.signer().to_string(), bid.amount().minor_units());
        (bid.lot().as_str() == on).then_some(found)
    };
    ledger.lines().filter_map(bid).collect()
}

/// Waits until `session` has seen this bid stand.
async fn sees(session: &mut Session, price: u64) {
    until(session, |happened| match happened {
        Happened::Entry(entry) => match &entry.record {
            Record::Bid(bid) => (bid.evidence.amount() == amount(price)).then_some(()),
            _ => None,
        },
        _ => None,
    })
    .await;
}

/// All text that is kept below a folder.
fn texts(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(folder).expect("lists").map(|entry| entry.expect("lists").path())
    {
        found.push(path.to_string_lossy().into_owned());
        if path.is_dir() {
            found.extend(texts(&path));
        } else {
            let bytes = std::fs::read(&path).expect("reads");
            found.push(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_maxima_bid_against_each_other_and_neither_is_told_to_anybody() {
    let mut house = house_of_four_seconds();
    // Both are there before it opens.
    house.opens_in = Some(Span::from_s(5));
    let hall = Hall::new(house).await;
    let (alice, bob) = (hall.credential("alice"), hall.credential("bob"));
    let tap = Tap::on(&hall.house, &alice, hall.server.address).await;
    let secret = "7391846";
    let flags = ["--max", "1", secret, "--yes"];
    let alice_agent = Agent::start(&alice, tap.address, &flags);
    let bob_agent = Agent::start(&bob, hall.server.address, &["--max", "1", "130"]);
    let (alice_exit, alice_said, alice_talk) = alice_agent.end().await;
    let (bob_exit, bob_said, _) = bob_agent.end().await;
    hall.server.stop().await;

    let ledger = hall.house.ledger();
    let bids = bids(&ledger, "1");
    let (winner, price) = bids.last().expect("bids");
    assert_eq!(winner, "alice");
    // Whoever was first at the start decides which of the two it is.
    assert!(matches!(price, 130 | 131), "{bids:?}");
    assert_eq!((alice_exit, bob_exit), (0, 4), "{alice_said}{alice_talk}{bob_said}");
    assert!(alice_said.contains("This item is not open yet."), "{alice_said}");
    assert!(alice_said.contains(&format!("You have won item 1 (Quilt) with {price}.\n")));
    let last = format!("You have not won item 1 (Quilt): alice won it with {price}.\n");
    assert!(bob_said.ends_with(&last), "{bob_said}");
    assert!(bob_said.contains("above your maximum of 130: nothing more is bid"), "{bob_said}");
    // One ask at a time, and nobody against themselves.
    let expected: Vec<u64> = (101..=*price).collect();
    assert_eq!(bids.iter().map(|(_, price)| *price).collect::<Vec<_>>(), expected);
    assert!(bids.windows(2).all(|pair| pair[0].0 != pair[1].0), "{bids:?}");

    // What alice's client said to the server, what it keeps, and what the house keeps.
    let words = tap.said();
    assert!(words.iter().any(|line| line.contains(r#""m":"bid""#)), "the tap hears bids");
    let kept = [texts(&alice.with_extension("gavel")), texts(hall.house.folder.path())].concat();
    assert!(kept.iter().any(|text| text.contains("tlog-proof")), "receipts are kept");
    assert!(kept.iter().any(|text| text.contains(r#""t":"bid""#)), "the ledger is kept");
    for text in words.iter().chain(&kept) {
        assert!(!text.contains(secret) && !text.contains("7,391,846"), "{text}");
    }
    assert!(alice_said.contains("up to 7,391,846"), "only alice reads it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bid_whose_answer_is_lost_is_not_made_twice_and_a_signal_ends_it() {
    let hall = Hall::new(House::new()).await;
    let path = hall.credential("alice");
    let tap = Tap::on(&hall.house, &path, hall.server.address).await;
    let mut bob =
        open(&hall.house.caller("bob"), hall.server.at(), Memory::Volatile).await.expect("opens");
    tap.next_bid(Fate::LosesItsReceipt);
    let mut alice = Agent::start(&path, tap.address, &["--max", "1", "140"]);
    sees(&mut bob, 101).await;
    alice.says("Bid accepted! You bid 101 on item 1 (Quilt).").await;
    within(bob.bid(lot("1"), amount(120))).await.expect("an answer");
    alice.says("Bid accepted! You bid 121").await;

    // A server that is busy to the end leaves an outcome open; it is asked for until it is known.
    tap.next_bid(Fate::IsBusy(9));
    within(bob.bid(lot("1"), amount(130))).await.expect("an answer");
    alice.says("Open: nobody can say yet whether your bid of 131 on item 1 counts").await;
    alice.says("Bid accepted! You bid 131").await;
    alice.says("alice bid 131 on item 1 (Quilt)").await;
    alice.signal(Signal::TERM);
    let (exit, said, talk) = alice.end().await;
    assert_eq!(exit, 3, "{said}{talk}");
    let parts = [
        "No connection: ",
        "Connected again.\n",
        "You are outbid on item 1. The ask is 121.\n",
        "Stopped: nothing more is bid.\n",
        "Item 1 (Quilt): Current highest bid is 131 by alice.",
        "You lead: that bid stands, and wins unless somebody bids more.\n",
    ];
    let mut rest = said.as_str();
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is missing in {said}"));
        rest = &rest[at + part.len()..];
    }
    hall.server.stop().await;
    let expected = [("alice", 101), ("bob", 120), ("alice", 121), ("bob", 130), ("alice", 131)];
    let expected: Vec<_> =
        expected.iter().map(|(who, price)| ((*who).to_owned(), *price)).collect();
    assert_eq!(bids(&hall.house.ledger(), "1"), expected);
    assert!(!hall.house.ledger().contains(r#""t":"refusal""#), "nothing was bid in vain");
    // Sent twice, and the same bytes: all but the request's own number.
    let sent: Vec<String> = tap
        .said()
        .iter()
        .filter(|line| line.contains(r#""amount":101"#))
        .map(|line| body(line))
        .collect();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0], sent[1]);
}

/// A bid's line without the request's number.
fn body(line: &str) -> String {
    let mut value: serde_json::Value = serde_json::from_str(line).expect("JSON");
    value.as_object_mut().expect("an object").remove("id");
    value.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_back_finds_the_agent_bidding_on() {
    let mut house = house_of_four_seconds();
    house.grace = Span::from_s(6);
    let Hall { house, server, folder } = Hall::new(house).await;
    let path = folder.path().join("alice.pem");
    let pem = house.credential("alice").to_pem();
    gavel::pki::keys::replace(&path, pem.as_bytes()).expect("writes");
    let tap = Tap::on(&house, &path, server.address).await;
    let bob = house.caller("bob");
    let mut alice = Agent::start(&path, tap.address, &["--max", "1", "140"]);
    alice.says("alice bid 101 on item 1").await;
    server.stop().await;
    alice.says("No connection: ").await;
    let server = house.serve().await;
    tap.redirect(server.address);
    let mut bob = open(&bob, server.at(), Memory::Volatile).await.expect("opens");
    within(bob.bid(lot("1"), amount(120))).await.expect("an answer");
    let (exit, said, talk) = alice.end().await;
    assert_eq!(exit, 0, "{said}{talk}");
    assert!(said.contains("Connected again."), "{said}");
    assert!(said.ends_with("You have won item 1 (Quilt) with 121.\n"), "{said}");
    server.stop().await;
    let bids: Vec<u64> = bids(&house.ledger(), "1").iter().map(|(_, price)| *price).collect();
    assert_eq!(bids, [101, 120, 121]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_lots_have_their_own_maxima_and_ends() {
    let mut house = house_of_four_seconds();
    house.ends_in = Some(Span::from_s(8));
    let hall = Hall::new(house).await;
    let flags = ["--max", "2", "40", "--max", "1", "120"];
    let ended = hall.run("bid", "alice", &flags, "").await;
    assert_eq!(ended.status.code(), Some(4), "{}{}", said(&ended), talk(&ended));
    let heard = said(&ended);
    assert!(heard.contains("Item 2 (Vase), up to 40: Current highest bid is 50"), "{heard}");
    assert!(heard.contains("The ask on item 2 (Vase) is 51, above your maximum of 40"), "{heard}");
    assert!(heard.contains("You have won item 1 (Quilt) with 101.\n"), "{heard}");
    assert!(heard.contains("You have not won item 2 (Vase): there was no bid.\n"), "{heard}");
    // The same once more finds everything closed.
    let late = hall.run("bid", "alice", &["--max", "1", "120"], "").await;
    assert_eq!(late.status.code(), Some(0), "{}", talk(&late));
    assert!(said(&late).ends_with("You have won item 1 (Quilt) with 101.\n"), "{}", said(&late));
    hall.server.stop().await;
    assert_eq!(bids(&hall.house.ledger(), "2"), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_maximum_is_refused_before_a_bid() {
    let hall = Hall::new(House::new()).await;
    let check = async |flags: &[&str], exit: i32, code: &str, words: &str| {
        let refused = hall.run("bid", "alice", flags, "").await;
        let talk = talk(&refused);
        assert_eq!(refused.status.code(), Some(exit), "{flags:?}: {talk}");
        assert!(talk.contains(code) && talk.contains(words), "{flags:?}: {talk}");
    };
    check(&["--max", "1", "1_0"], 2, "[bad-amount]", "item 1: not an amount: write 150").await;
    check(&["--max", "1", "-5"], 2, "[bad-amount]", "item 1: not an amount").await;
    check(&["--max", "1", "9007199254740992"], 2, "[over-cap]", "item 1").await;
    check(&["--max", "9", "150"], 4, "[no-such-lot]", "there is no item 9").await;
    check(&["--max", "../x", "150"], 4, "[no-such-lot]", "there is no item ../x").await;
    check(&["--max", "1", "150", "--max", "1", "160"], 2, "[bad-command]", "two maxima").await;
    check(&["--max", "1"], 2, "error: ", "--max <LOT> <AMOUNT>").await;
    check(&["LIST", "--max", "1", "150"], 2, "error: ", "cannot be used with").await;
    let startling = "The maximum of 12,000 on item 1 (Quilt) is more than 10 times the ask of 101.";
    check(&["--max", "1", "12000"], 2, "[confirmation-needed]", startling).await;
    let path = hall.folder.path().join("olga.pem");
    let secret = P256Secret::generate().expect("a key");
    let grant = Grant {
        name: Name::parse("olga").expect("a name"),
        role: Role::Observer,
        maker: KeyMaker::Holder,
        lifetime: Span::from_s(86_400),
    };
    let identity = hall.house.ca.certify_person(&secret.public_key(), &grant, now());
    let identity = identity.expect("certifies");
    let address = Address::parse("127.0.0.1:12000").expect("an address");
    let anchor = hall.house.ca.anchor().clone();
    let observer = Credential { address, identity, anchor, secret }.to_pem();
    gavel::pki::keys::replace(&path, observer.as_bytes()).expect("writes");
    let observer = hall.run_with("bid", &path, &["--max", "1", "150"], "").await;
    assert_eq!(observer.status.code(), Some(4));
    assert!(talk(&observer).contains("[role]"), "{}", talk(&observer));
    let nobody = Agent::start(
        &hall.credential("alice"),
        "127.0.0.1:1".parse().expect("an address"),
        &["--max", "1", "150"],
    );
    let (exit, _, talk) = nobody.end().await;
    assert_eq!(exit, 5, "{talk}");
    hall.server.stop().await;
    assert_eq!(bids(&hall.house.ledger(), "1"), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_revoked_bids_no_more_and_hears_what_stands() {
    let hall = Hall::new(House::new()).await;
    let path = hall.credential("alice");
    let bytes = std::fs::read(&path).expect("reads");
    let serial = Credential::read(&bytes, now()).expect("a credential").identity.serial;
    let mut alice = Agent::start(&path, hall.server.address, &["--max", "1", "140"]);
    alice.says("alice bid 101 on item 1").await;
    let reason = RevocationReason::KeyCompromise;
    let entries = [CrlEntry { serial, revoked_at: now(), reason }];
    let crl = hall.house.ca.sign_crl(1, &entries, now()).expect("signs");
    std::fs::write(hall.house.crl(), crl).expect("writes");
    let (exit, said, talk) = alice.end().await;
    assert_eq!(exit, 4, "{said}{talk}");
    assert!(said.contains("You lead: that bid stands"), "{said}");
    assert!(talk.contains("revoked]"), "{talk}");
    hall.server.stop().await;
}

/// The bids of an earlier run are settled before the agent makes its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_outcome_of_an_earlier_run_comes_first() {
    let hall = Hall::new(House::new()).await;
    let path = hall.credential("alice");
    let bytes = std::fs::read(&path).expect("reads");
    let credential = Credential::read(&bytes, now()).expect("a credential");
    let network = house::Network::to(hall.server.address).await;
    let mut session =
        open(&house::caller(credential), network.at(), Memory::beside(&path)).await.expect("opens");
    caught_up(&mut session).await;
    within(session.enrol()).await.expect("enrols");
    network.swallow_answers(true);
    within(session.send_bid(lot("1"), amount(120))).await.expect("sends");
    drop(session);
    let mut alice = Agent::start(&path, hall.server.address, &["--max", "1", "140"]);
    alice.says("Asking what became of your bid of 120 on item 1.\n").await;
    alice.says("Bid accepted! You bid 120 on item 1 (Quilt).").await;
    alice.signal(Signal::INT);
    let (exit, said, _) = alice.end().await;
    assert_eq!(exit, 3, "{said}");
    drop(network);
    hall.server.stop().await;
    assert_eq!(bids(&hall.house.ledger(), "1"), [("alice".to_owned(), 120)]);
}
