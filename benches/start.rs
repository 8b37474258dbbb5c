//! How long a server takes to go on with a long ledger, and how much memory: the real program,
//! started on a ledger that the real house has written.
//!
//! ```text
//! cargo bench --bench start                      100,000 entries
//! GAVEL_ENTRIES=1000000 cargo bench --bench start
//! ```
//!
//! What it prints is of this machine in this hour; the share of the time that reading the file
//! twice and hashing it once would take is printed beside it, as a limit measured in the same run.

mod sale;
mod written;

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use gavel::loadtest::{Conditions, TrialHouse};
use sha2::{Digest as _, Sha256};

fn main() {
    let entries = written::entries();
    let folder = tempfile::tempdir().expect("a folder");
    println!("conditions: {}", Conditions::here());
    let items = folder.path().join("items.json");
    fs::write(&items, sale::sale_file()).expect("writes");
    let house = written::write(folder.path(), entries);
    for run in 1..=3 {
        let limit = read_and_hash(&house.ledger());
        let (ready, peak_kib, resident_kib) = start(&house, folder.path(), &items);
        println!(
            "start {run}: ready after {ready:.2} s (reading it and hashing it once takes {limit:.2} s), \
             {} MiB resident, {} MiB at the most, {} bytes an entry",
            resident_kib / 1024,
            peak_kib / 1024,
            resident_kib * 1024 / entries
        );
    }
}

/// The least that a start must do to every byte.
fn read_and_hash(path: &Path) -> f64 {
    let began = Instant::now();
    let mut file = File::open(path).expect("opens");
    let (mut sha256, mut chunk) = (Sha256::new(), vec![0; 64 * 1024]);
    loop {
        match file.read(&mut chunk).expect("reads") {
            0 => break,
            count => sha256.update(&chunk[..count]),
        }
    }
    assert!(!sha256.finalize().is_empty());
    began.elapsed().as_secs_f64()
}

/// Seconds until the server listens, the most memory until then, and what it holds, in KiB.
fn start(house: &TrialHouse, folder: &Path, items: &Path) -> (f64, u64, u64) {
    let began = Instant::now();
    let mut server = Server(
        Command::new(env!("CARGO_BIN_EXE_gavel"))
            .arg("serve")
            .arg(items)
            .arg("--pki")
            .arg(folder.join("pki"))
            .arg("--ledger")
            .arg(house.ledgers())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("starts"),
    );
    let banner = BufReader::new(server.0.stdout.take().expect("a pipe"));
    let listens =
        banner.lines().map(|line| line.expect("text")).any(|line| line.starts_with("listens on"));
    assert!(listens, "the server ended at once");
    let ready = began.elapsed().as_secs_f64();
    let kib = |key| written::status_kib(server.0.id(), key);
    (ready, kib("VmHWM:"), kib("VmRSS:"))
}

/// A server that does not outlive its measurement.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
