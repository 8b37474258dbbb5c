//! The live screens in a real terminal: tmux shows what a person would see, and types what a
//! person would type. Where there is no tmux that is said, unless `GAVEL_NEED` asks for it.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use gavel::auction::name::Role;

use super::house::House;
use super::{Hall, said, talk};

/// How long a screen may take to show something: for a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal with one program in it.
struct Terminal {
    folder: tempfile::TempDir,
}

impl Terminal {
    /// Runs `gavel WHAT CREDENTIAL --server ..` in a terminal of that size, if there is a tmux.
    fn open(
        hall: &Hall,
        what: &str,
        credential: &Path,
        size: (u16, u16),
        variables: &str,
    ) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            let needed = std::env::var("GAVEL_NEED").is_ok_and(|need| need.contains("tmux"));
            assert!(!needed, "GAVEL_NEED names tmux, and there is none");
            println!("skipped: there is no tmux");
            return None;
        }
        let terminal = Self { folder: tempfile::tempdir().expect("a folder") };
        let program = env!("CARGO_BIN_EXE_gavel");
        let (credential, server) = (credential.display(), hall.server.address);
        let line =
            format!("exec env {variables} '{program}' {what} '{credential}' --server {server}");
        let (width, height) = (size.0.to_string(), size.1.to_string());
        let shape = ["-x", &width, "-y", &height];
        terminal.tmux(&[&["-f", "/dev/null", "new-session", "-d"], &shape[..], &[&line]].concat());
        Some(terminal)
    }

    fn tmux(&self, words: &[&str]) -> String {
        let socket = self.folder.path().join("tmux");
        let output = Command::new("tmux")
            .env_remove("TMUX")
            .env("LC_ALL", "C.UTF-8")
            .arg("-u")
            .arg("-S")
            .arg(socket)
            .args(words)
            .output()
            .expect("tmux runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    fn type_out(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
    }

    /// What is on the screen, from its first line to its last that holds something.
    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// The screen, as soon as it is as wanted.
    fn until(&self, what: &str, is_there: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if is_there(&screen) {
                return screen;
            }
            assert!(begun.elapsed() < PATIENCE, "no {what} on the screen:\n{screen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The screen with its colours, as escape sequences.
    fn painted(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e"])
    }

    fn until_shown(&self, text: &str) -> String {
        self.until(text, |screen| screen.contains(text))
    }

    fn process(&self) -> String {
        self.tmux(&["display-message", "-p", "#{pane_pid}"]).trim().to_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// Whether any text is in a colour of its own: SGR 30 to 37, 90 to 97, or 38 (ECMA-48, 8.3.117).
fn is_coloured(painted: &str) -> bool {
    painted.split("\u{1b}[").skip(1).any(|sequence| {
        let codes = sequence.split('m').next().unwrap_or_default();
        codes
            .split(';')
            .any(|code| code.parse().is_ok_and(|code: u8| matches!(code, 30..=38 | 90..=97)))
    })
}

fn row<'a>(screen: &'a str, lot: &str) -> &'a str {
    let mut rows = screen.lines().filter(|line| line.contains(lot));
    rows.next_back().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bidder_bids_with_one_key_and_loses_none_while_lines_arrive() {
    let hall = Hall::new(House::new()).await;
    let alice = hall.credential("alice");
    let Some(terminal) = Terminal::open(&hall, "bid", &alice, (80, 24), "NO_COLOR=1") else {
        return;
    };
    let screen = terminal.until_shown("alice>");
    assert!(row(&screen, "Quilt").contains("○ not in it"), "{screen}");
    assert!(
        row(&screen, "Quilt").ends_with("no bid yet"),
        "its first bid starts its clock: {screen}"
    );
    // What has just come to the screen is not bid at once, but put into the line.
    terminal.press("+");
    terminal.press("Enter");
    let screen = terminal.until_shown("▲ leading");
    assert!(screen.contains("alice> BID 1 101"), "{screen}");

    hall.credential_as(Role::Auctioneer, "ada");
    let says: String = (0..200).map(|number| format!("say number {number}\n")).collect();
    let text = "the quick brown fox jumps over the lazy dog, 0123456789";
    let typing = async {
        for character in text.chars() {
            terminal.type_out(&character.to_string());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let (talked, ()) = tokio::join!(hall.run("control", "ada", &[], &says), typing);
    assert_eq!(talked.status.code(), Some(0), "{}{}", said(&talked), talk(&talked));
    let screen = terminal.until_shown("number 199");
    assert!(screen.trim_end().ends_with(&format!("alice> {text}")), "{screen}");
    assert!(!is_coloured(&terminal.painted()), "NO_COLOR: {}", terminal.painted());

    // A bid over ten times the ask is asked back, and a no is a no.
    terminal.press("C-u");
    terminal.type_out("bid 2 9999");
    terminal.press("Enter");
    terminal.until_shown("Bid it? [yes/no]");
    terminal.type_out("no");
    terminal.press("Enter");
    terminal.until_shown("Nothing was bid.");
    // Without its server the screen stays, says so, and keeps what is typed.
    terminal.type_out("half a line");
    hall.server.stop().await;
    let screen = terminal.until_shown("◌ no connection, trying");
    assert!(screen.trim_end().ends_with("alice> half a line"), "{screen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_keeps_its_place_in_another_size_and_gives_the_terminal_back() {
    let hall = Hall::new(House::new()).await;
    let alice = hall.credential("alice");
    let Some(terminal) = Terminal::open(&hall, "bid", &alice, (80, 24), "") else { return };
    terminal.until_shown("alice>");
    assert!(is_coloured(&terminal.painted()), "colours where nobody asks for none");
    for (width, height) in [("120", "40"), ("60", "15"), ("80", "24")] {
        terminal.tmux(&["resize-window", "-x", width, "-y", height]);
        let cells: usize = width.parse().expect("a number");
        let screen = terminal.until("title over the whole width", |screen| {
            let title = screen.lines().find(|line| line.starts_with("━━"));
            title.is_some_and(|line| line.chars().count() == cells)
        });
        assert_eq!(screen.matches("alice>").count(), 1, "{screen}");
    }
    let process = terminal.process();
    terminal.tmux(&["kill-server"]);
    let begun = Instant::now();
    let path = format!("/proc/{process}");
    while Path::new(&path).exists() {
        assert!(begun.elapsed() < PATIENCE, "it goes on without a terminal");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    hall.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_hammer_the_bid_that_they_see_and_a_room_hears_it() {
    let hall = Hall::new(House::new()).await;
    let (ada, eve) = (hall.credential_as(Role::Auctioneer, "ada"), hall.credential("eve"));
    let bid = hall.run("bid", "alice", &["bid", "1", "120"], "").await;
    assert_eq!(bid.status.code(), Some(0), "{}", talk(&bid));
    let Some(desk) = Terminal::open(&hall, "control", &ada, (120, 40), "") else { return };
    let Some(room) = Terminal::open(&hall, "watch --screen", &eve, (80, 24), "") else { return };
    let screen = desk.until_shown("ada>");
    assert!(row(&screen, "Quilt").contains('#'), "the bid that a hammer names: {screen}");
    room.until_shown("alice");
    desk.press("F4");
    desk.until_shown("ada> hammer 1 120");
    desk.press("Enter");
    desk.until("sold lot", |screen| row(screen, "Quilt").ends_with("sold"));
    room.until_shown("Quilt → alice with 120");
    room.press("q");
    hall.server.stop().await;
}
