//! `gavel bid`, `gavel watch` and `gavel fetch` against a real server.

// Part of it serves the tests of the library.
#[path = "client_cli/control.rs"]
mod control;
#[path = "client_cli/cosigned.rs"]
mod cosigned;
#[expect(dead_code, reason = "shared with tests/client.rs, which uses all of it")]
#[path = "client/house.rs"]
mod house;
#[path = "client_cli/max.rs"]
mod max;
#[path = "client_cli/screens.rs"]
mod screens;
#[expect(dead_code, reason = "shared with tests/server.rs, which uses all of it")]
#[path = "server/stub.rs"]
mod stub;
#[path = "client_cli/tap.rs"]
mod tap;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use gavel::auction::name::Role;
use gavel::client::Memory;
use gavel::pki::P256Secret;
use gavel::time::Span;

use house::{House, Running, amount, lot, open, within};

/// A folder with credential files, and a server to go to.
struct Hall {
    house: House,
    server: Running,
    folder: tempfile::TempDir,
}

impl Hall {
    async fn new(house: House) -> Self {
        let server = house.serve().await;
        Self { house, server, folder: tempfile::tempdir().expect("a folder") }
    }

    fn credential(&self, name: &str) -> PathBuf {
        self.credential_as(Role::Bidder, name)
    }

    fn credential_as(&self, role: Role, name: &str) -> PathBuf {
        let path = self.folder.path().join(format!("{name}.pem"));
        if !path.exists() {
            let secret = P256Secret::generate().expect("a key");
            let pem = self.house.certify_as(role, name, secret, house::now()).to_pem();
            gavel::pki::keys::replace(&path, pem.as_bytes()).expect("writes");
        }
        path
    }

    /// Runs `gavel WHAT alice.pem REST..` with `input` on its standard input.
    async fn run(&self, what: &str, name: &str, rest: &[&str], input: &str) -> Output {
        let path = self.credential(name);
        self.run_with(what, &path, rest, input).await
    }

    async fn run_with(&self, what: &str, path: &Path, rest: &[&str], input: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gavel"));
        command
            .args([what.as_ref(), path.as_os_str()])
            .args(rest)
            .args(["--server", &self.server.address.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let input = input.to_owned();
        let output = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().expect("starts");
            let mut stdin = child.stdin.take().expect("piped");
            // A command that is given on the command line reads nothing.
            let _ = stdin.write_all(input.as_bytes());
            drop(stdin);
            child.wait_with_output().expect("ends")
        });
        within(output).await.expect("no panic")
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn talk(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_command_has_one_answer_and_one_exit_code() {
    let hall = Hall::new(House::new()).await;
    let list = hall.run("bid", "alice", &["LIST"], "").await;
    assert_eq!(list.status.code(), Some(0), "{}", talk(&list));
    assert_eq!(
        said(&list),
        "Items (2):\n\
         1. Quilt [ACTIVE] - Current highest bid: 100 by None\n\
         2. Vase [ACTIVE] - Current highest bid: 50 by None\n"
    );
    let bid = hall.run("bid", "alice", &["bid", "1", "120"], "").await;
    assert_eq!(bid.status.code(), Some(0), "{}", talk(&bid));
    assert!(
        said(&bid).starts_with("Bid accepted! You bid 120 on item 1 (Quilt)."),
        "{}",
        said(&bid)
    );
    assert!(talk(&bid).contains("receipt: "), "{}", talk(&bid));

    let low = hall.run("bid", "bob", &["BID", "1", "120"], "").await;
    assert_eq!(low.status.code(), Some(4));
    assert_eq!(said(&low), "");
    assert!(talk(&low).contains("Bid is too low! Current bid is 120."), "{}", talk(&low));
    assert!(talk(&low).contains("[too-low]"), "{}", talk(&low));

    let status = hall.run("bid", "bob", &["STATUS", "1"], "").await;
    assert!(said(&status).starts_with("Current highest bid is 120 by alice."), "{}", said(&status));
    let missing = hall.run("bid", "bob", &["STATUS", "9"], "").await;
    assert_eq!(missing.status.code(), Some(4), "{}", talk(&missing));
    let who = hall.run("bid", "bob", &["WHOAMI"], "").await;
    assert!(said(&who).starts_with("You are bob, bidder at house meridian."), "{}", said(&who));
    for wrong in [&["FROB"][..], &["BID", "1"], &["STATUS"]] {
        let usage = hall.run("bid", "bob", wrong, "").await;
        assert_eq!(usage.status.code(), Some(2), "{wrong:?}: {}", talk(&usage));
    }
    hall.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_startling_bid_needs_a_yes() {
    let hall = Hall::new(House::new()).await;
    let asked = hall.run("bid", "alice", &["BID", "1", "12000"], "").await;
    assert_eq!(asked.status.code(), Some(2));
    assert!(
        talk(&asked).contains("12,000 on item 1 (Quilt) is more than 10 times the ask of 101.")
    );
    assert!(talk(&asked).contains("hint: if you mean it, say so with --yes"), "{}", talk(&asked));
    let piped = hall.run("bid", "alice", &[], "BID 1 12000\nSTATUS 1\n").await;
    assert_eq!(piped.status.code(), Some(4), "{}", talk(&piped));
    assert!(said(&piped).contains("Nothing was bid"), "{}", said(&piped));
    assert!(said(&piped).contains("Current highest bid is 100 by None."), "{}", said(&piped));
    let meant = hall.run("bid", "alice", &["BID", "1", "12000", "--yes"], "").await;
    assert_eq!(meant.status.code(), Some(0), "{}", talk(&meant));
    hall.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn piped_commands_are_answered_one_by_one() {
    let hall = Hall::new(House::new()).await;
    let input = "whoami\nBID 1 120\nSTATUS 1\nBID 1 130\nfrob\n\nBID 9 1\nBID 1 1_0\n";
    let output = hall.run("bid", "alice", &[], input).await;
    let said = said(&output);
    assert_eq!(output.status.code(), Some(4), "{said}{}", talk(&output));
    let expected = [
        "Estate sale (sale estate-2026 of the house meridian). It is running.",
        "lines of the ledger were checked, from the first on.",
        "Items (2):",
        "You are alice, bidder at house meridian.",
        "Bid accepted! You bid 120 on item 1 (Quilt).",
        "alice bid 120 on item 1 (Quilt). New highest bid: 120.",
        "Current highest bid is 120 by alice.",
        "[already-leading]",
        "Unknown command.",
        "An empty line is no command.",
        "There is no such item.",
        "Invalid amount.",
    ];
    let mut rest = said.as_str();
    for part in expected {
        let at =
            rest.find(part).unwrap_or_else(|| panic!("{part:?} is missing in order in {said}"));
        rest = &rest[at + part.len()..];
    }
    hall.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_characters_are_never_obeyed() {
    let hall = Hall::new(House::new()).await;
    let output = hall.run("bid", "alice", &[], "\u{1b}[2J\u{202e}\nLIST \u{9b}31m\n").await;
    assert!(said(&output).contains("cannot be read"), "{}", said(&output));
    assert!(!said(&output).contains(['\u{1b}', '\u{9b}', '\u{202e}']));
    hall.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_sees_the_sale_to_its_end_and_fetch_brings_it() {
    let mut house = House::new();
    house.ends_in = Some(Span::from_ms(4_000));
    let hall = Hall::new(house).await;
    let file = hall.folder.path().join("estate.jsonl");
    let name = file.to_str().expect("plain");
    let early = hall.run("fetch", "eve", &[name], "").await;
    assert_eq!(early.status.code(), Some(0), "{}", talk(&early));
    assert!(said(&early).contains("still running"), "{}", said(&early));

    let (words, lines) =
        tokio::join!(hall.run("watch", "eve", &[], ""), hall.run("watch", "dan", &["--json"], ""));
    assert_eq!(words.status.code(), Some(0), "{}", talk(&words));
    assert!(said(&words).contains("Quilt → nobody: there was no bid"), "{}", said(&words));
    assert!(said(&words).contains("The sale has closed: 0 sold, 2 unsold."), "{}", said(&words));
    assert_eq!(said(&lines), hall.house.ledger());

    let whole = hall.run("fetch", "eve", &[name], "").await;
    assert_eq!(whole.status.code(), Some(0), "{}", talk(&whole));
    assert!(said(&whole).contains("closed and sealed"), "{}", said(&whole));
    assert_eq!(std::fs::read_to_string(&file).expect("reads"), hall.house.ledger());

    std::fs::write(&file, "something else\n").expect("writes");
    let kept = hall.run("fetch", "eve", &[name], "").await;
    assert_eq!(kept.status.code(), Some(2), "{}", talk(&kept));
    assert_eq!(std::fs::read_to_string(&file).expect("reads"), "something else\n");
    let left = std::fs::read_dir(hall.folder.path()).expect("lists").count();
    let late = hall.run("watch", "eve", &[], "").await;
    assert!(said(&late).contains("It has closed."), "{}", said(&late));
    assert_eq!(std::fs::read_dir(hall.folder.path()).expect("lists").count(), left);
    hall.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_outcome_is_asked_for_by_the_same_command() {
    let hall = Hall::new(House::new()).await;
    let path = hall.credential("alice");
    let bytes = std::fs::read(&path).expect("reads");
    let credential = gavel::pki::Credential::read(&bytes, house::now()).expect("a credential");
    let network = house::Network::to(hall.server.address).await;
    let mut session =
        open(&house::caller(credential), network.at(), Memory::beside(&path)).await.expect("opens");
    within(session.enrol()).await.expect("enrols");
    network.swallow_answers(true);
    within(session.send_bid(lot("1"), amount(120))).await.expect("sends");
    drop(session);
    let list = hall.run("bid", "alice", &["LIST"], "").await;
    assert!(
        talk(&list).contains("the outcome of your bid of 120 on item 1 is open"),
        "{}",
        talk(&list)
    );
    let again = hall.run("bid", "alice", &["BID", "1", "120"], "").await;
    assert_eq!(again.status.code(), Some(0), "{}", talk(&again));
    assert!(talk(&again).contains("An earlier run had sent this bid"), "{}", talk(&again));
    drop(network);
    assert_eq!(hall.house.ledger().matches("\"amount\":120").count(), 1);
    hall.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cannot_get_in_is_told_why_and_what_to_do() {
    let hall = Hall::new(House::new()).await;
    let path = hall.folder.path().join("mallory.pem");
    let stranger = House::new().credential("mallory").to_pem();
    gavel::pki::keys::replace(&path, stranger.as_bytes()).expect("writes");
    let refused = hall.run_with("bid", &path, &["LIST"], "").await;
    assert_eq!(refused.status.code(), Some(5));
    assert!(talk(&refused).contains("[server-untrusted]"), "{}", talk(&refused));
    assert!(talk(&refused).contains("hint: "), "{}", talk(&refused));
    let missing = hall.run_with("bid", Path::new("no-such.pem"), &["LIST"], "").await;
    assert_eq!(missing.status.code(), Some(2));
    assert!(talk(&missing).contains("[file-missing]"), "{}", talk(&missing));
    let nobody = tokio::task::spawn_blocking({
        let path = hall.credential("alice");
        move || {
            Command::new(env!("CARGO_BIN_EXE_gavel"))
                .args(["bid".as_ref(), path.as_os_str()])
                .args(["LIST", "--server", "127.0.0.1:1"])
                .output()
                .expect("runs")
        }
    });
    let nobody = within(nobody).await.expect("no panic");
    assert_eq!(nobody.status.code(), Some(5));
    assert!(talk(&nobody).contains("[unreachable]"), "{}", talk(&nobody));
    hall.server.stop().await;
}

/// What is cut short by a full disk would pass for the whole.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_that_cannot_be_written_are_no_success() {
    let hall = Hall::new(House::new()).await;
    hall.run("bid", "alice", &["BID", "1", "120"], "").await;
    let ledger = hall.house.folder.path().join("estate-2026.jsonl");
    let trust = hall.credential("alice");
    hall.server.stop().await;
    let run = |args: &[&std::ffi::OsStr]| {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("opens");
        let mut command = Command::new(env!("CARGO_BIN_EXE_gavel"));
        let output = command.args(args).stdout(full).stderr(Stdio::piped()).output();
        let output = output.expect("runs");
        assert_eq!(output.status.code(), Some(6), "{args:?}: {}", talk(&output));
        assert!(talk(&output).contains("[disk-full]"), "{args:?}: {}", talk(&output));
    };
    let (ledger, trust) = (ledger.as_os_str(), trust.as_os_str());
    run(&["ledger".as_ref(), "show".as_ref(), ledger]);
    run(&["verify".as_ref(), ledger, "--trust".as_ref(), trust]);
    run(&["verify".as_ref(), ledger, "--trust".as_ref(), trust, "--json".as_ref()]);
    run(&["results".as_ref(), ledger, "--trust".as_ref(), trust]);
}
