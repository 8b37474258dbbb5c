//! How fast a ledger is audited, on one core and on all, and in how much memory: beside the limit,
//! which is what checking its Ed25519 signatures alone would take, measured in the same run.
//!
//! ```text
//! cargo bench --bench verify                     100,000 entries
//! GAVEL_ENTRIES=1000000 cargo bench --bench verify
//! ```
//!
//! Every figure is the median of five runs, of this machine in this hour.

mod sale;
mod written;

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use gavel::audit::{Anchors, Auditor, Trust, Verdict};
use gavel::ledger::{Kind, Line};
use gavel::loadtest::{Conditions, TrialHouse};
use rayon::ThreadPoolBuilder;

const RUNS: usize = 5;
/// How many signatures the limit is measured with, and how long the signed messages are: as a
/// bid's statement is.
const TRIED: usize = 4_000;
const MESSAGE_BYTES: usize = 310;

fn main() {
    let entries = written::entries();
    let folder = tempfile::tempdir().expect("a folder");
    println!("conditions: {}", Conditions::here());
    let tenth = written::write(&folder.path().join("tenth"), (entries / 10).max(1));
    let whole = written::write(&folder.path().join("whole"), entries);
    let signatures = signatures_in(&whole.ledger());
    println!("signatures in it: {signatures}");
    let processors = thread::available_parallelism().map_or(1, usize::from);

    let (mut limits, mut ones, mut alls) = (Vec::new(), Vec::new(), Vec::new());
    for run in 1..=RUNS {
        let limit = seconds_for_a_signature() * f64::from(signatures);
        let (one, all) = (audit(&whole, 1), audit(&whole, processors));
        println!(
            "run {run}: the signatures alone {limit:.2} s, on one core {one:.2} s, on all {all:.2} s"
        );
        limits.push(limit);
        ones.push(one);
        alls.push(all);
    }
    let (limit, one, all) = (median(limits), median(ones), median(alls));
    let lines = f64::from(u32::try_from(entries).expect("a ledger that can be written"));
    println!("one core: {:.0} entries/s, {:.1} % of the limit", lines / one, 100.0 * limit / one);
    println!(
        "{processors} cores: {:.0} entries/s, {:.2} times one core, {:.1} % of the limit on one",
        lines / all,
        one / all,
        100.0 * limit / all
    );
    for (house, entries) in [(&tenth, (entries / 10).max(1)), (&whole, entries)] {
        let peaks = (0..RUNS).map(|_| verify(house)).collect();
        println!("gavel verify on {entries} entries: at the most {:.1} MiB", median(peaks));
    }
}

/// How many Ed25519 signatures an audit must check: one in each bid, seal and enrolment.
fn signatures_in(ledger: &Path) -> u32 {
    let lines = BufReader::new(File::open(ledger).expect("opens")).lines();
    let is_signed = |line: &String| {
        let kind = Line::parse(line.as_bytes()).expect("a line").kind;
        matches!(kind, Kind::Bid | Kind::Seal | Kind::Enrol)
    };
    let signed = lines.map(|line| line.expect("text")).filter(is_signed).count();
    u32::try_from(signed).expect("a ledger that can be written")
}

/// How long one strict check takes under a key that is parsed already.
fn seconds_for_a_signature() -> f64 {
    let keys: Vec<SigningKey> = (1..=20).map(|seed| SigningKey::from_bytes(&[seed; 32])).collect();
    let signed: Vec<(VerifyingKey, Vec<u8>, Signature)> = (0..TRIED)
        .map(|place| {
            let message = place.to_be_bytes().repeat(MESSAGE_BYTES / 8);
            let key = &keys[place % keys.len()];
            (key.verifying_key(), message.clone(), key.sign(&message))
        })
        .collect();
    let began = Instant::now();
    for (key, message, signature) in &signed {
        key.verify_strict(message, signature).expect("is good");
    }
    began.elapsed().as_secs_f64() / f64::from(u32::try_from(TRIED).expect("few"))
}

/// Seconds for an audit of the file on so many threads.
fn audit(house: &TrialHouse, threads: usize) -> f64 {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    let began = Instant::now();
    let audit = pool.install(|| {
        let mut auditor = Auditor::new(Anchors::new(Trust::Fingerprint(house.fingerprint())));
        let mut file = File::open(house.ledger()).expect("opens");
        let mut chunk = vec![0; 1 << 20];
        loop {
            match file.read(&mut chunk).expect("reads") {
                0 => break auditor.finish(),
                count => auditor.feed(&chunk[..count]),
            }
        }
    });
    assert_eq!(audit.verdict(), Verdict::Incomplete, "{:?}", audit.findings);
    began.elapsed().as_secs_f64()
}

/// The most memory that the real program holds while it audits the file, in MiB.
fn verify(house: &TrialHouse) -> f64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_gavel"))
        .arg("verify")
        .arg(house.ledger())
        .arg("--trust")
        .arg(house.fingerprint().to_string())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    let mut peak_kib = 0;
    let status = loop {
        peak_kib = peak_kib.max(written::status_kib(child.id(), "VmHWM:"));
        match child.try_wait().expect("is a child") {
            Some(status) => break status,
            None => thread::sleep(Duration::from_millis(2)),
        }
    };
    assert_eq!(status.code(), Some(3), "the sale has not closed");
    f64::from(u32::try_from(peak_kib).expect("some memory")) / 1024.0
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}
