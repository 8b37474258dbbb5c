//! A rewound house: the server is started again on yesterday's copy of its ledger. It refuses by
//! its anchor; with the anchor rolled back too, whoever was there since refuses.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(40);

/// A house's folder, with its people in it, driven by the real program.
struct Hall {
    folder: tempfile::TempDir,
    /// The sealing key, as a witness lists it.
    vkey: String,
}

/// A server's or witness's process; it does not outlive a test that fails.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Hall {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mut hall = Self { folder, vkey: String::new() };
        fs::write(
            hall.path("items.json"),
            r#"{"1":{"name":"Quilt","highest_bid":50,"duration":3600},
                "2":{"name":"Vase","highest_bid":50,"duration":3600}}"#,
        )
        .expect("writes");
        let at = format!("127.0.0.1:{port}");
        let prepared = hall.succeeds(&["prepare", "items.json", "--sale", "spring", "--at", &at]);
        let vkey = prepared.lines().find_map(|line| line.strip_prefix("sealing key"));
        hall.vkey = vkey.expect("is printed").trim().to_owned();
        for name in ["alice", "bob"] {
            hall.succeeds(&["pki", "issue", name]);
        }
        hall
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn gavel(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gavel"));
        command.args(words).current_dir(self.folder.path()).stdin(Stdio::null());
        command.output().expect("runs")
    }

    fn succeeds(&self, words: &[&str]) -> String {
        let output = self.gavel(words);
        assert!(output.status.success(), "{words:?}: {}", said(&output));
        said(&output)
    }

    /// Starts the server and returns once it listens.
    fn serve(&self, flags: &[&str]) -> Server {
        self.start(&[&["serve", "items.json"], flags].concat()).0
    }

    /// Starts a server and returns once it listens, with what it says of that.
    fn start(&self, words: &[&str]) -> (Server, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gavel"))
            .args(words)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let mut banner = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let server = Server(child);
        let line = banner.find_map(|line| {
            line.expect("text").strip_prefix("listens on").map(|rest| rest.trim().to_owned())
        });
        let line = line.expect("the server ended at once");
        // The pipe stays open as long as this thread reads.
        thread::spawn(move || banner.count());
        (server, line)
    }

    /// The server ends by itself at once, and this is why.
    fn does_not_start(&self, flags: &[&str]) -> Output {
        let words = [&["serve", "items.json"], flags].concat();
        self.gavel(&words)
    }

    fn restore(&self, backup: &Path, name: &str) {
        fs::copy(backup.join(name), self.path("ledger").join(name)).expect("copies");
    }

    fn lines(&self) -> u64 {
        let lines = self.ledger().iter().filter(|byte| **byte == b'\n').count();
        u64::try_from(lines).expect("few")
    }

    /// How many lines the newest cosigned checkpoint covers.
    fn cosigned_lines(&self) -> u64 {
        let note = fs::read_to_string(self.path("ledger").join("spring.cosigned"));
        note.ok().and_then(|note| note.lines().nth(1)?.parse().ok()).unwrap_or(0)
    }

    fn ledger(&self) -> Vec<u8> {
        fs::read(self.path("ledger").join("spring.jsonl")).expect("a ledger")
    }
}

fn said(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr[..]].concat()).expect("UTF-8")
}

/// Bids, keeps a copy of the ledger's folder, and bids on; then the server is gone.
fn two_days(hall: &Hall, flags: &[&str], until: impl Fn(u64)) -> tempfile::TempDir {
    let backup = tempfile::tempdir().expect("a folder");
    let first = hall.serve(flags);
    hall.succeeds(&["bid", "pki/people/alice.pem", "BID", "1", "60"]);
    until(hall.lines());
    drop(first);
    for entry in fs::read_dir(hall.path("ledger")).expect("lists") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, backup.path().join(path.file_name().expect("named"))).expect("copies");
    }
    let second = hall.serve(flags);
    hall.succeeds(&["bid", "pki/people/alice.pem", "BID", "2", "70"]);
    until(hall.lines());
    drop(second);
    backup
}

#[test]
fn a_rewound_ledger_is_refused_by_its_anchor_and_then_by_whoever_was_there() {
    let hall = Hall::new();
    let backup = two_days(&hall, &[], |_| {});

    hall.restore(backup.path(), "spring.jsonl");
    let rewound = hall.ledger();
    let refused = hall.does_not_start(&[]);
    assert_eq!(refused.status.code(), Some(6), "{}", said(&refused));
    assert!(said(&refused).contains("[rolled-back]"), "{}", said(&refused));
    assert_eq!(hall.ledger(), rewound, "nothing is touched");

    hall.restore(backup.path(), "spring.checkpoint");
    let mut third = hall.serve(&[]);
    // Bob was never there: to him nothing is wrong.
    hall.succeeds(&["bid", "pki/people/bob.pem", "STATUS", "1"]);
    let alice = hall.gavel(&["watch", "pki/people/alice.pem"]);
    assert_eq!(alice.status.code(), Some(1), "{}", said(&alice));
    let loud = said(&alice).contains("FORK: ") || said(&alice).contains("ROLLBACK: ");
    assert!(loud && said(&alice).contains("the evidence is kept in"), "{}", said(&alice));
    // Her checkpoint, signed by the house's own key, ends its server.
    assert_eq!(third.0.wait().expect("ends").code(), Some(6));
}

#[test]
fn a_ledger_rewound_with_its_anchor_is_refused_by_the_witness() {
    let hall = Hall::new();
    fs::write(hall.path("logs"), format!("log {}\n", hall.vkey)).expect("writes");
    let key = hall.gavel(&["witness", "keygen", "seller.example", "--out", "seller.key"]);
    let key = String::from_utf8(key.stdout).expect("UTF-8");
    let run = ["witness", "--listen", "127.0.0.1:0", "--key", "seller.key", "--logs", "logs"];
    let (_witness, url) = hall.start(&run);
    let flag = format!("{url}={}", key.trim());
    let flags = ["--witness", flag.as_str()];
    // The answered bid, at least, is cosigned before the server is gone.
    let backup = two_days(&hall, &flags, |lines| {
        let begun = Instant::now();
        while hall.cosigned_lines() + 1 < lines {
            assert!(begun.elapsed() < PATIENCE, "{} of {lines}", hall.cosigned_lines());
            thread::sleep(Duration::from_millis(20));
        }
    });

    for name in ["spring.jsonl", "spring.checkpoint", "spring.cosigned"] {
        hall.restore(backup.path(), name);
    }
    let rewound = hall.ledger();
    let refused = hall.does_not_start(&flags);
    assert_eq!(refused.status.code(), Some(6), "{}", said(&refused));
    assert!(said(&refused).contains("[rewound]"), "{}", said(&refused));
    assert_eq!(hall.ledger(), rewound, "nothing is touched");
}
