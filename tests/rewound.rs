//! A rewound house: the server is started again on yesterday's copy of its ledger. It refuses by
//! its anchor; with the anchor rolled back too, whoever was there since refuses.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

/// A house's folder, with its people in it, driven by the real program.
struct Hall {
    folder: tempfile::TempDir,
}

/// A server's process; it does not outlive a test that fails.
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
        let hall = Self { folder };
        fs::write(
            hall.path("items.json"),
            r#"{"1":{"name":"Quilt","highest_bid":50,"duration":3600},
                "2":{"name":"Vase","highest_bid":50,"duration":3600}}"#,
        )
        .expect("writes");
        let at = format!("127.0.0.1:{port}");
        hall.succeeds(&["prepare", "items.json", "--sale", "spring", "--at", &at]);
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
        let mut child = Command::new(env!("CARGO_BIN_EXE_gavel"))
            .args(["serve", "items.json"])
            .args(flags)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let mut banner = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let server = Server(child);
        let listens = banner.any(|line| line.expect("text").starts_with("listens on"));
        assert!(listens, "the server ended at once");
        // The pipe stays open as long as this thread reads.
        thread::spawn(move || banner.count());
        server
    }

    /// The server ends by itself at once, and this is why.
    fn does_not_start(&self, flags: &[&str]) -> Output {
        let words = [&["serve", "items.json"], flags].concat();
        self.gavel(&words)
    }

    fn restore(&self, backup: &Path, name: &str) {
        fs::copy(backup.join(name), self.path("ledger").join(name)).expect("copies");
    }

    fn ledger(&self) -> Vec<u8> {
        fs::read(self.path("ledger").join("spring.jsonl")).expect("a ledger")
    }
}

fn said(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr[..]].concat()).expect("UTF-8")
}

/// Bids, keeps a copy of the ledger's folder, and bids on; then the server is gone.
fn two_days(hall: &Hall, flags: &[&str]) -> tempfile::TempDir {
    let backup = tempfile::tempdir().expect("a folder");
    let first = hall.serve(flags);
    hall.succeeds(&["bid", "pki/people/alice.pem", "BID", "1", "60"]);
    drop(first);
    for entry in fs::read_dir(hall.path("ledger")).expect("lists") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, backup.path().join(path.file_name().expect("named"))).expect("copies");
    }
    let second = hall.serve(flags);
    hall.succeeds(&["bid", "pki/people/alice.pem", "BID", "2", "70"]);
    drop(second);
    backup
}

#[test]
fn a_rewound_ledger_is_refused_by_its_anchor_and_then_by_whoever_was_there() {
    let hall = Hall::new();
    let backup = two_days(&hall, &[]);

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
    assert!(!alice.status.success(), "{}", said(&alice));
    // Her checkpoint, signed by the house's own key, ends its server.
    assert_eq!(third.0.wait().expect("ends").code(), Some(6));
}
