//! The house, and its server as a program of its own that is killed and started again.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use gavel::clock::Clock;
use gavel::ledger::{SealingKey, origin};
use gavel::loadtest::{TrialHouse, free_address};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use super::plan::{Plan, program};

/// The least time that a lot keeps after an outage: a test cannot wait a minute.
const RESTART_GRACE_MS: u64 = 300;
/// Of so many lines somebody has been told some, whatever frames they came in.
const LINES_FORGOTTEN_MIN: usize = 8;

/// A house with its sale.
pub(crate) struct Hall {
    folder: TempDir,
    pub(crate) house: TrialHouse,
    pub(crate) clock: Clock,
    /// The key of the sale, as a forger would have stolen it.
    pub(crate) sealing_key: Arc<SealingKey>,
    starts: usize,
}

impl Hall {
    pub(crate) fn make(plan: &Plan) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::start();
        let house =
            TrialHouse::make(folder.path(), "chaos", free_address().expect("a port"), clock.now());
        let house = house.expect("a house");
        fs::write(folder.path().join("items.json"), sale_file(plan)).expect("writes");
        let pki = house.pki().serve();
        let sealing =
            pki.sealing_credential(house.sale(), house.anchor(), house.name(), clock.now());
        let origin = origin(house.name().as_str(), house.sale().as_str());
        let sealing_key = SealingKey::new(origin, sealing.expect("a sealing key").key);
        let sealing_key = Arc::new(sealing_key.expect("house and sale make a key's name"));
        Self { folder, house, clock, sealing_key, starts: 0 }
    }

    /// Starts the server, and returns once it listens.
    pub(crate) fn start(&mut self) -> Server {
        self.starts += 1;
        let log_path = self.folder.path().join(format!("server-{}.log", self.starts));
        let child = Command::new(program())
            .arg("serve")
            .arg(self.folder.path().join("items.json"))
            .arg("--pki")
            .arg(self.folder.path().join("pki"))
            .arg("--ledger")
            .arg(self.house.ledgers())
            .args(["--listen", &self.house.address().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log_path).expect("a log"))
            .spawn();
        let mut server = Server { child: child.expect("starts"), log_path };
        let mut banner = BufReader::new(server.child.stdout.take().expect("a pipe")).lines();
        let listens = banner.any(|line| line.expect("text").starts_with("listens on"));
        assert!(listens, "the server ended at once: {}", server.log());
        // The pipe stays open as long as this thread reads.
        thread::spawn(move || banner.count());
        server
    }

    /// The ledger's file as it lies there.
    pub(crate) fn ledger(&self) -> Vec<u8> {
        fs::read(self.house.ledger()).expect("the ledger")
    }

    /// Waits until the ledger is some frames longer than what the anchor knows of it; gives that
    /// anchor, for the next may come before the server's end does.
    pub(crate) async fn outrun_the_anchor(&self) -> String {
        let outrun = async {
            loop {
                let anchor = self.anchor_note();
                if self.ledger_lines() >= size_of(&anchor) + LINES_FORGOTTEN_MIN {
                    return anchor;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(60), outrun).await.expect("bids between two anchors")
    }

    fn ledger_lines(&self) -> usize {
        self.ledger().iter().filter(|byte| **byte == b'\n').count()
    }

    /// Puts that anchor back and cuts off the ledger's lines of which it does not know, as a disk
    /// does that had only said that it holds them.
    pub(crate) fn forget(&self, anchor: &str) {
        let ledger = self.ledger();
        let lines = ledger.split_inclusive(|byte| *byte == b'\n');
        let kept: usize = lines.take(size_of(anchor)).map(<[u8]>::len).sum();
        fs::write(self.house.ledger(), &ledger[..kept]).expect("writes");
        fs::write(self.anchor(), anchor).expect("writes");
    }

    /// The newest anchor.
    pub(crate) fn anchor_note(&self) -> String {
        fs::read_to_string(self.anchor()).expect("an anchor")
    }

    fn anchor(&self) -> PathBuf {
        self.house.ledgers().join(format!("{}.checkpoint", self.house.sale()))
    }
}

/// How many lines a checkpoint covers.
fn size_of(note: &str) -> usize {
    note.lines().nth(1).and_then(|size| size.parse().ok()).expect("a size")
}

/// The server's process; it does not outlive a test that fails.
pub(crate) struct Server {
    child: Child,
    log_path: PathBuf,
}

impl Server {
    /// `kill -9`.
    pub(crate) fn kill(&mut self) -> ExitStatus {
        self.child.kill().expect("kills");
        self.child.wait().expect("is gone")
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("signals");
        self.child.wait().expect("is gone")
    }

    /// What it wrote as errors.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log_path).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lots' ids: those that staff open first, then those with a time of their own.
pub(crate) fn lot_ids(plan: &Plan) -> (Vec<String>, Vec<String>) {
    let ids = |letter: char, count| (1..=count).map(|id| format!("{letter}{id}")).collect();
    (ids('m', plan.manual_lots()), ids('t', plan.timed_lots().0))
}

fn sale_file(plan: &Plan) -> String {
    let (manual, timed) = lot_ids(plan);
    let seconds = plan.timed_lots().1;
    let manual = manual.iter().map(|id| format!(r#""{id}":{{"name":"Lot {id}"}}"#));
    let timed = timed
        .iter()
        .map(|id| format!(r#""{id}":{{"name":"Lot {id}","highest_bid":0,"duration":{seconds}}}"#));
    let lots: Vec<String> = manual.chain(timed).collect();
    format!(
        r#"{{"sale":{{"id":"chaos","title":"A sale in trouble","currency":{{"code":"EUR"}},
        "timer":"manual","start":1,"increments":[[0,1]],"restart_grace_ms":{RESTART_GRACE_MS}}},
        "lots":{{{}}}}}"#,
        lots.join(",")
    )
}
