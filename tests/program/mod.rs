//! A house's folder with its people in it, driven by the real program as its operator would.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// A house's folder, with its people in it, driven by the real program.
pub(crate) struct Hall {
    pub(crate) folder: tempfile::TempDir,
    /// The sealing key, as a witness lists it.
    pub(crate) vkey: String,
}

/// A server's or witness's process; it does not outlive a test that fails.
pub(crate) struct Server(pub(crate) Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Hall {
    /// With two lots in the seed's form.
    pub(crate) fn new() -> Self {
        Self::with(
            r#"{"1":{"name":"Quilt","highest_bid":50,"duration":3600},
                "2":{"name":"Vase","highest_bid":50,"duration":3600}}"#,
        )
    }

    /// With a sale file.
    pub(crate) fn with(items: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mut hall = Self { folder, vkey: String::new() };
        fs::write(hall.path("items.json"), items).expect("writes");
        let at = format!("127.0.0.1:{port}");
        let prepared = hall.succeeds(&["prepare", "items.json", "--sale", "spring", "--at", &at]);
        let vkey = prepared.lines().find_map(|line| line.strip_prefix("sealing key"));
        hall.vkey = vkey.expect("is printed").trim().to_owned();
        for name in ["alice", "bob"] {
            hall.succeeds(&["pki", "issue", name]);
        }
        hall
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn gavel(&self, words: &[&str]) -> Output {
        gavel_in(self.folder.path(), words)
    }

    pub(crate) fn succeeds(&self, words: &[&str]) -> String {
        let output = self.gavel(words);
        assert!(output.status.success(), "{words:?}: {}", said(&output));
        said(&output)
    }

    /// Starts the server and returns once it listens.
    pub(crate) fn serve(&self, flags: &[&str]) -> Server {
        self.start(&[&["serve", "items.json"], flags].concat()).0
    }

    /// Starts a server and returns once it listens, with what it says of that.
    pub(crate) fn start(&self, words: &[&str]) -> (Server, String) {
        start_in(self.folder.path(), words, Stdio::null())
    }

    /// The server ends by itself at once, and this is why.
    pub(crate) fn does_not_start(&self, flags: &[&str]) -> Output {
        let words = [&["serve", "items.json"], flags].concat();
        self.gavel(&words)
    }

    pub(crate) fn restore(&self, backup: &Path, name: &str) {
        fs::copy(backup.join(name), self.path("ledger").join(name)).expect("copies");
    }

    pub(crate) fn lines(&self) -> u64 {
        let lines = self.ledger().iter().filter(|byte| **byte == b'\n').count();
        u64::try_from(lines).expect("few")
    }

    /// How many lines the newest cosigned checkpoint covers.
    pub(crate) fn cosigned_lines(&self) -> u64 {
        let note = fs::read_to_string(self.path("ledger").join("spring.cosigned"));
        note.ok().and_then(|note| note.lines().nth(1)?.parse().ok()).unwrap_or(0)
    }

    pub(crate) fn ledger(&self) -> Vec<u8> {
        fs::read(self.path("ledger").join("spring.jsonl")).expect("a ledger")
    }
}

/// Runs a command to its end in a folder.
pub(crate) fn gavel_in(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gavel"));
    command.args(words).current_dir(folder).stdin(Stdio::null());
    command.output().expect("runs")
}

/// Starts a server in a folder and returns once it listens, with what it says of that.
pub(crate) fn start_in(folder: &Path, words: &[&str], log: Stdio) -> (Server, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_gavel"))
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
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

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr[..]].concat()).expect("UTF-8")
}
