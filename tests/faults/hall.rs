//! A house with a sale, run by the real program as a child process that may be traced.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use gavel::auction::name::{Name, Role};
use gavel::client::Caller;
use gavel::clock::Clock;
use gavel::loadtest::TrialHouse;
use gavel::pki::Address;

use crate::judge::Violation;

/// The bound of everything that is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// How often something is looked at that nobody announces.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(2);

/// How many lots a hall sells.
pub(crate) const LOTS: usize = 12;

/// Which program runs the sale.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    path: PathBuf,
    plant: Option<&'static str>,
}

impl Program {
    /// What is shipped.
    pub(crate) fn honest() -> Self {
        Self { path: env!("CARGO_BIN_EXE_gavel").into(), plant: None }
    }

    /// The program with a fault planted in it, if it was built.
    pub(crate) fn planted(plant: &'static str) -> Option<Self> {
        let path = Path::new(env!("CARGO_BIN_EXE_gavel")).with_file_name("gavel-planted");
        path.is_file().then_some(Self { path, plant: Some(plant) })
    }
}

/// A folder for what a test leaves, in memory where that can be had: nothing here needs a disk
/// but what has one of its own.
pub(crate) fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.expect("a folder")
}

/// A house that is prepared for one sale.
pub(crate) struct Hall {
    scratch: PathBuf,
    pub(crate) house: TrialHouse,
    program: Program,
    clock: Clock,
    starts: std::cell::Cell<u32>,
    /// The folder that is served from, and the one that the copy goes to.
    serves: &'static str,
    copies: Option<&'static str>,
}

impl Hall {
    /// Prepares it: the house, with all that its server reads and writes, in `scratch/house`, so
    /// that a disk can be mounted there; everything else beside it.
    pub(crate) fn new(scratch: &Path, program: Program) -> Self {
        let clock = Clock::start();
        let folder = scratch.join("house");
        fs::create_dir_all(&folder).expect("a folder");
        let house = TrialHouse::make(&folder, "faults", free_address(), clock.now());
        let house = house.expect("a house");
        fs::create_dir_all(scratch.join("people")).expect("a folder");
        let hall = Self {
            scratch: scratch.to_owned(),
            house,
            program,
            clock,
            starts: std::cell::Cell::new(0),
            serves: "house",
            copies: None,
        };
        let auctioneer = folder.join("pki").join("people").join("auctioneer.pem");
        fs::copy(auctioneer, hall.auctioneer()).expect("copies");
        hall.offer(&lots(LOTS));
        hall
    }

    /// Writes another sale file.
    pub(crate) fn offer(&self, sale_file: &str) {
        let items = self.items();
        let _ = fs::remove_file(&items);
        fs::write(&items, sale_file).expect("writes");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&items, mode).expect("sets the mode");
    }

    fn items(&self) -> PathBuf {
        self.scratch.join("items.json")
    }

    /// The folder with keys and ledger.
    pub(crate) fn folder(&self) -> PathBuf {
        self.scratch.join(self.serves)
    }

    /// Has a copy kept in `scratch/second`.
    pub(crate) fn copy_to_the_other(&mut self) {
        self.copies = Some("second");
    }

    /// Serves from where the copy was, and keeps the copy where the sale was.
    pub(crate) fn move_to_the_other(&mut self) {
        let before = std::mem::replace(&mut self.serves, self.copies.expect("has a copy"));
        self.copies = Some(before);
    }

    fn auctioneer(&self) -> PathBuf {
        self.people().join("auctioneer.pem")
    }

    /// The file of the sale in the folder of ledgers that ends so.
    pub(crate) fn file(&self, ending: &str) -> PathBuf {
        self.folder().join("ledger").join(format!("faults.{ending}"))
    }

    /// The ledger as it can be read now.
    pub(crate) fn ledger(&self) -> Vec<u8> {
        fs::read(self.file("jsonl")).unwrap_or_default()
    }

    /// Where the memories of all clients are.
    pub(crate) fn people(&self) -> PathBuf {
        self.scratch.join("people")
    }

    /// Somebody who can call, and the file beside which the memory is.
    pub(crate) fn caller(&self, name: &str) -> (Caller, PathBuf) {
        let name = Name::parse(name).expect("a name");
        let path = self.people().join(format!("{name}.pem"));
        let credential = self.house.credential(name, Role::Bidder, self.clock.now());
        let caller = Caller::new(credential.expect("a credential"), self.clock);
        (caller.expect("a caller"), path)
    }

    /// The words that start the server.
    fn serve_words(&self, listen: &str) -> Vec<String> {
        let shown = |path: PathBuf| path.to_str().expect("UTF-8").to_owned();
        let pki = shown(self.folder().join("pki"));
        let ledgers = shown(self.folder().join("ledger"));
        let mut words: Vec<String> =
            ["serve", &shown(self.items()), "--pki", &pki, "--ledger", &ledgers]
                .map(ToOwned::to_owned)
                .to_vec();
        words.extend(["--listen".to_owned(), listen.to_owned()]);
        if let Some(copy) = self.copies {
            words.extend(["--copy".to_owned(), shown(self.scratch.join(copy))]);
        }
        words
    }

    /// Starts the server behind other words, as a tracer's.
    pub(crate) fn start(&self, before: &[String]) -> Server {
        self.start_with(before, Stdio::piped())
    }

    /// Starts it with its talk going somewhere else.
    pub(crate) fn start_with(&self, before: &[String], stdout: Stdio) -> Server {
        self.spawn(before, &self.house.address().to_string(), stdout)
    }

    /// Starts one more at another address.
    pub(crate) fn start_at(&self, listen: &str) -> Server {
        self.spawn(&[], listen, Stdio::piped())
    }

    fn spawn(&self, before: &[String], listen: &str, stdout: Stdio) -> Server {
        let number = self.starts.replace(self.starts.get() + 1);
        let log = self.scratch.join(format!("server-{number}.log"));
        let mut words = before.to_vec();
        words.push(self.program.path.to_str().expect("UTF-8").to_owned());
        words.extend(self.serve_words(listen));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).stdout(stdout);
        command.stderr(File::create(&log).expect("a log"));
        if let Some(plant) = self.program.plant {
            command.env("GAVEL_PLANT", plant);
        }
        Server { child: command.spawn().expect("starts"), log }
    }

    /// Starts the server without any fault.
    ///
    /// # Errors
    /// It ends by itself: a restart must need nobody.
    pub(crate) fn restart(&self) -> Result<Server, Violation> {
        self.restart_behind(&[])
    }

    /// Starts the server behind other words that must not keep it from listening.
    pub(crate) fn restart_behind(&self, before: &[String]) -> Result<Server, Violation> {
        let mut server = self.start(before);
        if server.listens() {
            return Ok(server);
        }
        let status = server.wait();
        Err(Violation::DoesNotRestart(format!("{status}: {}", server.said())))
    }

    /// An auctioneer does all of it, one command a line, and checks the whole ledger meanwhile.
    ///
    /// # Errors
    /// Something is refused or not believed, or the server has ended.
    pub(crate) fn control(&self, server: &mut Server, commands: &str) -> Result<(), Violation> {
        let log = self.scratch.join("control.log");
        let said = File::create(&log).expect("a log");
        let mut control = Command::new(&self.program.path)
            .arg("control")
            .arg(self.auctioneer())
            .stdin(Stdio::piped())
            .stdout(said.try_clone().expect("a log"))
            .stderr(said)
            .spawn()
            .expect("starts");
        // Who ends early says why.
        let _ = control.stdin.take().expect("a pipe").write_all(commands.as_bytes());
        loop {
            let ended = control.try_wait().expect("waits");
            if ended.is_some_and(|status| status.success()) {
                return Ok(());
            }
            if ended.is_some() || server.ended().is_some() {
                let _ = control.kill();
                let _ = control.wait();
                return Err(Violation::Client(fs::read_to_string(&log).unwrap_or_default()));
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Ends the sale, lot by lot, and then the server.
    pub(crate) fn close(&self, server: &mut Server) -> Result<(), Violation> {
        self.close_by(server, &format!("hammer 1\n{}", hammers()))
    }

    /// Ends the sale by these commands, and then the server.
    pub(crate) fn close_by(&self, server: &mut Server, commands: &str) -> Result<(), Violation> {
        let done = self.control(server, commands);
        server.stop();
        let status = server.wait();
        done?;
        if status.success() {
            Ok(())
        } else {
            Err(Violation::Exit(format!("{status}: {}", server.said())))
        }
    }
}

/// The commands that sell every lot but the first.
pub(crate) fn hammers() -> String {
    (2..=LOTS).map(|lot| format!("hammer {lot}\n")).collect()
}

/// Lots that stay open for longer than any test.
pub(crate) fn lots(count: usize) -> String {
    let lot = |id| format!(r#""{id}":{{"name":"Lot {id}","highest_bid":0,"duration":36000}}"#);
    let lots: Vec<String> = (1..=count).map(lot).collect();
    format!("{{{}}}", lots.join(","))
}

/// On a loopback address of its own: whoever calls there has another, so that while the server is
/// away no client's port can be its port.
fn free_address() -> Address {
    let bytes: [u8; 2] = std::array::from_fn(|_| random_byte());
    let ip = std::net::Ipv4Addr::new(127, 77, bytes[0], bytes[1].max(2));
    let listener = TcpListener::bind((ip, 0)).expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    Address::parse(&address).expect("an address")
}

fn random_byte() -> u8 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::hash::RandomState::new().build_hasher().finish().to_le_bytes()[0]
}

/// A server's process; it does not outlive a test that fails.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Waits until it listens; says no if it ends before.
    pub(crate) fn listens(&mut self) -> bool {
        let mut banner = BufReader::new(self.child.stdout.take().expect("a pipe")).lines();
        let listens = banner.any(|line| line.is_ok_and(|line| line.starts_with("listens on")));
        // The pipe stays open as long as this thread reads.
        thread::spawn(move || banner.count());
        listens
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("waits")
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.ends_within(PATIENCE).unwrap_or_else(|| panic!("does not end: {}", self.said()))
    }

    pub(crate) fn ends_within(&mut self, patience: Duration) -> Option<ExitStatus> {
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            thread::sleep(LOOK_EVERY);
        }
        None
    }

    /// Waits for its end; whether it was killed, and did not end by what it was made to see.
    pub(crate) fn was_killed(&mut self) -> bool {
        self.wait().signal() == Some(9)
    }

    /// Asks it to stop in good order.
    pub(crate) fn stop(&self) {
        let id = rustix::process::Pid::from_child(&self.child);
        // It may have ended by itself.
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
    }

    /// Kills it, if it has not ended, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// What it wrote to its console.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
