//! A real server as a process, and clients as processes: one is stopped in the middle of its
//! reading, one server has hardly any files, one peer's network is taken away.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use gavel::auction::money::Amount;
use gavel::auction::name::{LotId, Name, Role};
use gavel::client::{BidAnswer, Caller, Following, Memory, Options, Session};
use gavel::clock::Clock;
use gavel::loadtest::TrialHouse;
use gavel::pki::Address;
use rustix::process::{Pid, Signal, kill_process};

use crate::tools::{Tool, have};

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(20);
const GAVEL: &str = env!("CARGO_BIN_EXE_gavel");

/// A house in a folder of its own.
struct World {
    folder: tempfile::TempDir,
    house: TrialHouse,
    clock: Clock,
}

/// A program that does not outlive a test that fails.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.signal(Signal::CONT);
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Program {
    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw).expect("an id");
        let _ = kill_process(id, signal);
    }
}

impl World {
    fn at(host: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::start();
        let port = TcpListener::bind(("127.0.0.1", 0)).expect("a port").local_addr();
        let port = port.expect("an address").port();
        let address = Address::parse(&format!("{host}:{port}")).expect("an address");
        let house = TrialHouse::make(folder.path(), "crowd", address, clock.now());
        let house = house.expect("a house");
        let lots = (1..=2_000).map(|id| {
            format!(r#""{id}":{{"name":"Lot {id} {:>150}","highest_bid":0,"duration":3600}}"#, "x")
        });
        let lots: Vec<String> = lots.collect();
        let items = folder.path().join("items.json");
        fs::write(items, format!("{{{}}}", lots.join(","))).expect("writes");
        Self { folder, house, clock }
    }

    /// Starts the server by `program` and returns once it listens.
    fn serve(&self, mut program: Command) -> Program {
        let path = self.folder.path();
        let log = File::create(self.log()).expect("a log");
        program.arg("serve").arg(path.join("items.json"));
        program.arg("--pki").arg(path.join("pki")).arg("--ledger").arg(self.house.ledgers());
        program.args(["--listen", &self.house.address().to_string()]);
        let program = program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut server = Program(program.spawn().expect("starts"));
        let mut banner = BufReader::new(server.0.stdout.take().expect("a pipe")).lines();
        let listens = banner.any(|line| line.expect("text").starts_with("listens on"));
        assert!(listens, "{}", self.said());
        // The pipe stays open as long as this thread reads.
        thread::spawn(move || banner.count());
        server
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    fn said(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// Waits until the server has said a line with all these words.
    fn hears(&self, words: &[&str]) -> String {
        let begun = Instant::now();
        loop {
            let said = self.said();
            let found = said.lines().find(|line| words.iter().all(|word| line.contains(word)));
            if let Some(line) = found {
                return line.to_owned();
            }
            assert!(begun.elapsed() < PATIENCE, "never {words:?}: {said}");
            thread::sleep(PAUSE);
        }
    }

    fn credential(&self, name: &str) -> (Caller, PathBuf) {
        let name = Name::parse(name).expect("a name");
        let made = self.house.credential_file(name, Role::Bidder, self.clock.now());
        let (credential, path) = made.expect("a credential");
        (Caller::new(credential, self.clock).expect("a caller"), path)
    }

    async fn try_to_enter(&self, caller: &Caller) -> Option<Session> {
        let options = Options { following: Following::Nothing, sale: None, reconnect: false };
        let address = self.house.address().clone();
        Session::open(caller.clone(), address, Memory::Volatile, options).await.ok()
    }

    async fn bidder(&self, name: &str) -> Session {
        let (caller, _) = self.credential(name);
        let mut session = self.try_to_enter(&caller).await.expect("comes in");
        session.enrol().await.expect("enrols");
        session
    }
}

async fn bid(session: &mut Session, lot: &str, amount: u64) {
    let (lot, amount) = (LotId::parse(lot).expect("a lot"), Amount::new(amount).expect("some"));
    let answer = session.bid(lot, amount).await.expect("an answer");
    assert!(matches!(answer, BidAnswer::Landed { .. }), "{answer:?}");
}

/// What `gavel watch` says goes into a file.
fn watch(credential: &Path, into: &Path) -> Program {
    let into = File::create(into).expect("a file");
    let mut command = Command::new(GAVEL);
    command.arg("watch").arg(credential).stdin(Stdio::null()).stdout(into).stderr(Stdio::null());
    Program(command.spawn().expect("starts"))
}

fn wait_for(path: &Path, word: &str) {
    let begun = Instant::now();
    while !fs::read_to_string(path).unwrap_or_default().contains(word) {
        assert!(begun.elapsed() < PATIENCE, "{word} is not in {}", path.display());
        thread::sleep(PAUSE);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_stopped_delays_nobody_and_misses_nothing_when_it_goes_on() {
    let world = World::at("127.0.0.1");
    let _server = world.serve(Command::new(GAVEL));
    let (_, credential) = world.credential("watcher");
    let told = world.folder.path().join("told");
    let watcher = watch(&credential, &told);
    let (mut alice, mut bob) = (world.bidder("alice").await, world.bidder("bob").await);
    bid(&mut alice, "1", 1).await;
    wait_for(&told, "alice");
    watcher.signal(Signal::STOP);
    // More frames than are kept for anybody who does not read.
    for amount in 2..=GAVEL_FRAMES {
        let bidder = if amount % 2 == 0 { &mut bob } else { &mut alice };
        bid(bidder, "1", amount).await;
    }
    bid(&mut alice, "2", 1).await;
    watcher.signal(Signal::CONT);
    bid(&mut bob, "3", 77).await;
    wait_for(&told, "77");
}

/// Bids while the watcher is stopped.
const GAVEL_FRAMES: u64 = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_files_refuses_strangers_and_goes_on_with_the_sale() {
    let world = World::at("127.0.0.1");
    // The reserved ones, and few more.
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 84; exec \"$0\" \"$@\"", GAVEL]);
    let _server = world.serve(shell);
    world.hears(&["the system allows this process few files", "connections=20"]);
    let mut alice = world.bidder("alice").await;
    bid(&mut alice, "1", 1).await;
    let address = world.house.address().to_string();
    let crowd: Vec<TcpStream> =
        (0..200).map(|_| TcpStream::connect(&address).expect("the system takes it")).collect();
    world.hears(&["refused", "too many connections are in their handshake"]);
    // The sale goes on, and so does the disk, with a new file for each anchor.
    for amount in 2..=20 {
        bid(&mut alice, &amount.to_string(), amount).await;
    }
    assert!(!world.said().contains("could not be accepted"), "{}", world.said());
    // Each of them is closed, the refused ones at once and the others after their time.
    for mut stream in crowd {
        stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        match stream.read(&mut [0; 16]) {
            Ok(read) => assert_eq!(read, 0, "nothing is said to them"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
        }
    }
    let (caller, _) = world.credential("bob");
    let begun = Instant::now();
    while world.try_to_enter(&caller).await.is_none() {
        assert!(begun.elapsed() < PATIENCE, "the door stays shut: {}", world.said());
    }
    bid(&mut alice, "21", 1).await;
}

/// Two hosts with a wire between them; they end with this value.
struct Hosts(String);

impl Hosts {
    fn new() -> Self {
        let tag = format!("gv{}", std::process::id());
        for host in ["house", "away"] {
            ip(&["netns", "add", &format!("{tag}{host}")]);
            ip(&["-n", &format!("{tag}{host}"), "link", "set", "lo", "up"]);
        }
        let (house, away) = (format!("{tag}house"), format!("{tag}away"));
        let peer = ["peer", "name", "wire", "netns", &away];
        ip(&[&["-n", &house, "link", "add", "wire", "type", "veth"][..], &peer[..]].concat());
        for (host, address) in [(&house, "10.211.8.1/24"), (&away, "10.211.8.2/24")] {
            ip(&["-n", host, "addr", "add", address, "dev", "wire"]);
            ip(&["-n", host, "link", "set", "wire", "up"]);
        }
        Self(tag)
    }

    /// A command that runs on one of them.
    fn on(&self, host: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &format!("{}{host}", self.0), program]);
        command
    }

    fn wire(&self, state: &str) {
        ip(&["-n", &format!("{}away", self.0), "link", "set", "wire", state]);
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for host in ["house", "away"] {
            let _ =
                Command::new("ip").args(["netns", "del", &format!("{}{host}", self.0)]).status();
        }
    }
}

fn ip(words: &[&str]) {
    let done = Command::new("ip").args(words).status().expect("runs");
    assert!(done.success(), "ip {words:?}");
}

/// It takes the time after which a peer counts as gone, so it runs where namespaces are asked for.
#[test]
fn a_peer_whose_network_has_gone_is_cut_and_may_come_back() {
    let asked =
        std::env::var("GAVEL_NEED").is_ok_and(|need| need.contains(Tool::Namespaces.name()));
    if !asked {
        println!("skipped: a peer whose network has gone: GAVEL_NEED does not ask for netns");
        return;
    }
    if !have("a peer whose network has gone", &[Tool::Namespaces]) {
        return;
    }
    let hosts = Hosts::new();
    let world = World::at("10.211.8.1");
    let _server = world.serve(hosts.on("house", GAVEL));
    let (_, credential) = world.credential("watcher");
    let told = world.folder.path().join("told");
    let mut command = hosts.on("away", GAVEL);
    command.arg("watch").arg(&credential).stdin(Stdio::null()).stderr(Stdio::null());
    let into = File::create(&told).expect("a file");
    let watcher = Program(command.stdout(into).spawn().expect("starts"));
    world.hears(&["connected", "name=watcher"]);
    // No word of the peer reaches the server any more: neither an end nor a reset.
    hosts.wire("down");
    drop(watcher);
    // The clock's next line is told, and nobody says that it came.
    let begun = Instant::now();
    world.hears(&["disconnected", "name=watcher"]);
    assert!(begun.elapsed() < Duration::from_secs(60), "{}", world.said());
    hosts.wire("up");
    let mut command = hosts.on("away", GAVEL);
    let listed = command.arg("bid").arg(&credential).arg("LIST").output().expect("runs");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
}
