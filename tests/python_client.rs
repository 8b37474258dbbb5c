//! Shows that docs/protocol.md is enough: a client in Python that follows it alone takes part.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// How long a server may take to say where it listens.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_bid_by_the_page_alone_stands_in_the_ledger() {
    if !python_is_here() {
        return;
    }
    let house = House::new();
    let server = house.serve();
    let (code, said) = house.bid("alice", "1", "51", &server.address);
    assert_eq!((code, &said["result"]), (0, &Value::from("accepted")), "{said}");
    let line = house.line(&said["seq"]);
    let entry: Value = serde_json::from_str(&line).expect("a line of JSON");
    assert_eq!(entry["t"], "bid");
    assert_eq!(entry["body"]["bid"]["bidder"], "alice");
    assert_eq!(entry["body"]["bid"]["amount"], 51);
    assert_eq!(entry["body"]["sig"], said["sent"]["sig"]);
}

#[test]
fn refusals_come_with_their_codes() {
    if !python_is_here() {
        return;
    }
    let house = House::new();
    let server = house.serve();
    let bid = |name: &str, lot: &str, amount: &str, code: i32, word: &str| {
        let (exit, said) = house.bid(name, lot, amount, &server.address);
        assert_eq!(exit, code, "{said}");
        let key = if code == 0 { "result" } else { "code" };
        assert_eq!(said[key], word, "{said}");
        said
    };
    bid("alice", "1", "51", 0, "accepted");
    // The same credential again: a second bid key under the same name.
    bid("alice", "1", "60", 4, "already-leading");
    assert_eq!(bid("bob", "1", "51", 4, "too-low")["ask"], 52);
    bid("bob", "1", "52", 0, "accepted");
    bid("alice", "nothing", "52", 4, "no-such-lot");
    bid("alice", "1", "0", 4, "bad-amount");
    bid("auctioneer", "1", "60", 4, "role");
}

#[test]
fn no_changed_receipt_convinces_it() {
    if !python_is_here() {
        return;
    }
    let house = House::new();
    let server = house.serve();
    let (_, said) = house.bid("alice", "1", "51", &server.address);
    house.check_changed_receipts(&house.ledger(), said["receipt"].as_str().expect("a receipt"));
}

#[test]
fn it_reads_the_worked_example_of_the_ledger_format() {
    if !python_is_here() {
        return;
    }
    let page = fs::read_to_string(in_repo("docs/ledger-format.md")).expect("the page");
    let (_, example) = page.split_once("\n## 14 ").expect("the worked example");
    let lines: Vec<&str> = example.lines().filter(|line| line.starts_with(r#"{"body":"#)).collect();
    let (_, receipt) = example.split_once("c2sp.org/tlog-proof@v1\n").expect("a receipt");
    let (receipt, _) = receipt.split_once("```").expect("the end of the receipt");
    let receipt = format!("c2sp.org/tlog-proof@v1\n{receipt}");
    let folder = House { folder: tempfile::tempdir().expect("a folder") };
    folder.check_changed_receipts(&lines.join("\n"), &receipt);
}

#[test]
fn another_house_s_server_gets_no_bid() {
    if !python_is_here() {
        return;
    }
    let (house, other) = (House::new(), House::new());
    let server = other.serve();
    let (code, said) = house.bid("alice", "1", "51", &server.address);
    assert_eq!((code, &said["result"]), (1, &Value::from("wrong")), "{said}");
    assert_eq!(said["sent"], Value::Null);
}

/// Whether the client can run here. Where GAVEL_NEED names python, it must.
fn python_is_here() -> bool {
    let ask = "from cryptography import x509; x509.Certificate.not_valid_before_utc";
    let answer = Command::new("python3").args(["-c", ask]).stderr(Stdio::null()).status();
    let here = answer.is_ok_and(|status| status.success());
    let needed = std::env::var("GAVEL_NEED").is_ok_and(|need| need.contains("python"));
    assert!(here || !needed, "python3 with cryptography 42 or later is missing, and is needed");
    if !here {
        println!("skipped: python3 with cryptography 42 or later is missing");
    }
    here
}

fn in_repo(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A house in a folder of its own, with one lot and three people.
struct House {
    folder: TempDir,
}

impl House {
    fn new() -> House {
        let house = House { folder: tempfile::tempdir().expect("a folder") };
        let items = r#"{"1": {"name": "Quilt", "highest_bid": 50, "highest_bidder": null,
            "duration": 3600}}"#;
        fs::write(house.folder.path().join("items.json"), items).expect("the sale file");
        house.gavel(&["prepare", "items.json", "--house", "meridian", "--sale", "spring"]);
        house.gavel(&["pki", "issue", "alice"]);
        house.gavel(&["pki", "issue", "bob"]);
        house
    }

    fn command(&self) -> Command {
        let mut gavel = Command::new(env!("CARGO_BIN_EXE_gavel"));
        gavel.current_dir(self.folder.path()).stdin(Stdio::null());
        gavel
    }

    fn gavel(&self, args: &[&str]) {
        let done = self.command().args(args).output().expect("gavel runs");
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn serve(&self) -> Serving {
        let mut child = self
            .command()
            .args(["serve", "items.json", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("gavel runs");
        let console = BufReader::new(child.stdout.take().expect("its console"));
        let mut server = Serving { child, address: String::new() };
        let (found, address) = mpsc::channel();
        // Reads on to the end, so that the server never waits for its console.
        thread::spawn(move || {
            for line in console.lines().map_while(Result::ok) {
                if let Some(rest) = line.strip_prefix("listens on") {
                    let address = rest.trim().split(',').next().unwrap_or_default();
                    let _ = found.send(address.to_owned());
                }
            }
        });
        server.address = address.recv_timeout(PATIENCE).expect("the server says where it listens");
        server
    }

    /// The client's exit code, and the line that it prints.
    fn bid(&self, name: &str, lot: &str, amount: &str, server: &str) -> (i32, Value) {
        let credential = self.folder.path().join(format!("pki/people/{name}.pem"));
        let done = Command::new("python3")
            .arg("-B")
            .arg(in_repo("tests/client.py"))
            .arg(credential)
            .args([lot, amount, "--server", server])
            .output()
            .expect("python3 runs");
        let said = String::from_utf8_lossy(&done.stdout);
        let trouble = String::from_utf8_lossy(&done.stderr);
        let said = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{trouble}"));
        (done.status.code().expect("an exit code"), said)
    }

    fn ledger(&self) -> String {
        fs::read_to_string(self.folder.path().join("ledger/spring.jsonl")).expect("the ledger")
    }

    fn line(&self, seq: &Value) -> String {
        let seq = seq.as_u64().and_then(|seq| usize::try_from(seq).ok()).expect("a line's number");
        self.ledger().lines().nth(seq).expect("a line of that number").to_owned()
    }

    fn check_changed_receipts(&self, ledger: &str, receipt: &str) {
        let (lines, proof) =
            (self.folder.path().join("lines.jsonl"), self.folder.path().join("receipt.txt"));
        fs::write(&lines, ledger).expect("the lines");
        fs::write(&proof, receipt).expect("the receipt");
        let done = Command::new("python3")
            .arg("-B")
            .arg(in_repo("tests/python_client/changed_receipts.py"))
            .args([lines, proof])
            .output()
            .expect("python3 runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(said.ends_with(" changed receipts refused\n"), "{said}");
    }
}

/// A running server, which ends with the test.
struct Serving {
    child: Child,
    address: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
