//! A second disk (`gavel serve --copy DIR`), by the real program: whoever has it goes on with the
//! sale; losing it ends nothing; and no two histories come of it.

#[expect(dead_code, reason = "shared with tests/rewound.rs, which goes on with witnesses")]
#[path = "program/mod.rs"]
mod program;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use program::{Hall, PATIENCE, Server, gavel_in, said, start_in};

const ITEMS: &str = r#"{"sale":{"currency":{"code":"EUR"},"increments":[[0,1]],"timer":"manual"},
    "lots":{"1":{"name":"Quilt","start":50,"reserve":55},"2":{"name":"Vase","start":50}}}"#;

/// A house whose sale is copied, with its people's credentials in a folder of their own: what
/// burns is the house's.
struct Evening {
    hall: Hall,
    people: tempfile::TempDir,
    copy: tempfile::TempDir,
}

impl Evening {
    fn new() -> Self {
        let hall = Hall::with(ITEMS);
        let people = tempfile::tempdir().expect("a folder");
        for name in ["alice", "bob", "auctioneer"] {
            let name = format!("{name}.pem");
            let from = hall.path("pki/people").join(&name);
            fs::copy(from, people.path().join(&name)).expect("copies");
        }
        Self { hall, people, copy: tempfile::tempdir().expect("a folder") }
    }

    fn flag(&self) -> [&str; 2] {
        ["--copy", self.copy.path().to_str().expect("a plain path")]
    }

    /// The server of the house, which keeps the copy; what it says is kept too.
    fn serve(&self) -> Server {
        let log = File::create(self.hall.path("log")).expect("a log");
        let words = [&["serve", "items.json"], &self.flag()[..]].concat();
        start_in(self.hall.folder.path(), &words, log.into()).0
    }

    /// The server of whoever has the second disk, on another machine.
    fn serve_the_copy(&self) -> Server {
        start_in(self.copy.path(), &["serve", "items.json"], Stdio::null()).0
    }

    fn says(&self, words: &[&str]) {
        let output = gavel_in(self.people.path(), words);
        assert!(output.status.success(), "{words:?}: {}", said(&output));
    }

    fn bids(&self, name: &str, lot: &str, amount: &str) {
        self.says(&["bid", &format!("{name}.pem"), "BID", lot, amount]);
    }

    fn acts(&self, words: &[&str]) {
        self.says(&[&["control", "auctioneer.pem"], words].concat());
    }

    fn copied(&self, name: &str) -> PathBuf {
        self.copy.path().join(name)
    }

    /// The ledger by itself, judged with every receipt of its bidders.
    fn verify(&self, ledger: &Path) -> (Option<i32>, String) {
        let ca = fs::read(self.people.path().join("alice.pem")).expect("a credential");
        let trust = self.people.path().join("ca.pem");
        let text = String::from_utf8(ca).expect("text");
        let last = text.rfind("-----BEGIN CERTIFICATE-----").expect("the CA's certificate");
        fs::write(&trust, &text[last..]).expect("writes");
        let mut words = vec!["verify".into(), ledger.display().to_string()];
        words.extend(["--trust".into(), trust.display().to_string()]);
        for receipt in receipts(self.people.path()) {
            words.extend(["--receipt".into(), receipt.display().to_string()]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = gavel_in(self.people.path(), &words);
        (output.status.code(), said(&output))
    }
}

fn receipts(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("lists").path()) {
        if path.is_dir() {
            found.extend(receipts(&path));
        } else if path.extension().is_some_and(|extension| extension == "tlog-proof") {
            found.push(path);
        }
    }
    found
}

fn end(mut server: Server) -> Option<i32> {
    let id = server.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
    let begun = Instant::now();
    loop {
        if let Some(status) = server.0.try_wait().expect("waits") {
            return status.code();
        }
        assert!(begun.elapsed() < PATIENCE, "the server does not stop");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn who_has_the_second_disk_goes_on_with_the_sale() {
    let evening = Evening::new();
    let server = evening.serve();
    evening.acts(&["open", "1"]);
    evening.bids("alice", "1", "0.60");
    drop(server);
    // The first machine has burnt, and the CA's key was never on it.
    fs::rename(evening.hall.path("ledger"), evening.hall.path("burnt")).expect("renames");
    fs::rename(evening.hall.path("pki"), evening.hall.path("burnt-pki")).expect("renames");

    let server = evening.serve_the_copy();
    evening.bids("bob", "1", "0.70");
    evening.bids("alice", "1", "0.80");
    evening.acts(&["hammer", "1", "0.80"]);
    evening.acts(&["close-sale"]);
    assert_eq!(end(server), Some(0));
    let ledger = evening.copied("ledger/spring.jsonl");
    let (code, words) = evening.verify(&ledger);
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("VALID"), "{words}");
    assert!(!evening.copied("pki/serve/sealer-spring.key").exists(), "the sealing key is erased");
    assert!(!evening.copied("ledger/spring.private").exists(), "so are the reserves");

    // The first machine comes back with its own, older ledger: it takes on what was done meanwhile.
    fs::rename(evening.hall.path("burnt"), evening.hall.path("ledger")).expect("renames");
    fs::rename(evening.hall.path("burnt-pki"), evening.hall.path("pki")).expect("renames");
    assert_eq!(end(evening.serve()), Some(0));
    assert_eq!(evening.hall.ledger(), fs::read(&ledger).expect("a ledger"));
    assert!(!evening.hall.path("pki/serve/sealer-spring.key").exists());
}

#[test]
fn two_histories_do_not_come_together() {
    let evening = Evening::new();
    let server = evening.serve();
    evening.acts(&["open", "1"]);
    evening.bids("alice", "1", "0.60");
    drop(server);
    let server = evening.serve_the_copy();
    evening.bids("bob", "1", "0.70");
    assert_eq!(end(server), Some(0));
    // Somebody starts the first machine without its copy, and nobody is there to object.
    let server = evening.hall.serve(&[]);
    assert_eq!(end(server), Some(0));

    let (own, copy) = (evening.hall.ledger(), fs::read(evening.copied("ledger/spring.jsonl")));
    let refused = evening.hall.does_not_start(&evening.flag());
    assert_eq!(refused.status.code(), Some(6), "{}", said(&refused));
    assert!(said(&refused).contains("[rewound]"), "{}", said(&refused));
    let after = fs::read(evening.copied("ledger/spring.jsonl"));
    assert_eq!(evening.hall.ledger(), own, "nothing is touched");
    assert_eq!(after.expect("a ledger"), copy.expect("a ledger"), "nothing is touched");
    let check = evening.hall.gavel(&[&["serve", "--check"], &evening.flag()[..]].concat());
    assert!(said(&check).contains("checkpoint of"), "{}", said(&check));
}

#[test]
fn a_lost_copy_is_loud_and_ends_nothing() {
    let evening = Evening::new();
    let server = evening.serve();
    evening.acts(&["open", "1"]);
    evening.bids("alice", "1", "0.60");
    assert_eq!(
        evening.hall.ledger(),
        fs::read(evening.copied("ledger/spring.jsonl")).expect("a copy")
    );
    // The disk is pulled out.
    fs::remove_file(evening.copied("ledger/spring.jsonl")).expect("removes");
    evening.bids("bob", "1", "0.70");
    evening.bids("alice", "1", "0.80");
    assert_eq!(end(server), Some(6));
    let log = fs::read_to_string(evening.hall.path("log")).expect("a log");
    assert!(log.contains("THE COPY IS LOST") && log.contains("[copy-lost]"), "{log}");

    // Whoever finds the copy now is told not to go on from it.
    let refused = gavel_in(evening.copy.path(), &["serve", "items.json"]);
    assert_eq!(refused.status.code(), Some(6), "{}", said(&refused));
    assert!(said(&refused).contains("[copy-lost]"), "{}", said(&refused));

    // Another disk: the copy is made anew, and the sale goes on and ends.
    let server = evening.serve();
    evening.acts(&["hammer", "1", "0.80"]);
    evening.acts(&["close-sale"]);
    assert_eq!(end(server), Some(0));
    let ledger = evening.hall.ledger();
    assert_eq!(ledger, fs::read(evening.copied("ledger/spring.jsonl")).expect("a copy"));
    let (code, words) = evening.verify(&evening.hall.path("ledger/spring.jsonl"));
    assert_eq!(code, Some(0), "{words}");
    assert!(!evening.copied("pki/serve/sealer-spring.key").exists(), "the sealing key is erased");
}

#[test]
fn what_is_no_second_disk_is_refused() {
    let (hall, neighbour) = (Hall::with(ITEMS), Hall::with(ITEMS));
    drop(neighbour.serve(&[]));
    let before = neighbour.ledger();
    let another = neighbour.folder.path().to_str().expect("a plain path");
    for (folder, code) in
        [("missing", "[file-missing]"), (".", "[copy-unusable]"), (another, "[copy-unusable]")]
    {
        assert_eq!(neighbour.ledger(), before, "another house's folder is left alone");
        let refused = hall.does_not_start(&["--copy", folder]);
        assert!(!refused.status.success() && said(&refused).contains(code), "{}", said(&refused));
        assert!(!hall.path("ledger/spring.jsonl").exists(), "nothing is begun");
    }
}
