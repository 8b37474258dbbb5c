//! The program itself, and the simplest HTTP client that can talk to it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::Duration;

use gavel::ledger::witnessing::{ADD_CHECKPOINT_PATH, AddCheckpoint, Answer, origin_hash};
use gavel::ledger::{CosignerKey, VerifierKey};
use rustix::process::{Pid, Signal, kill_process};

use crate::log::Log;

/// The bound of everything that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer as it came.
#[derive(Clone, Debug)]
pub(crate) struct Came {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Came {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("text")
    }

    pub(crate) fn answer(&self) -> Answer {
        Answer::parse(self.status, &self.body).expect("an answer of the protocol")
    }
}

/// A connection that is kept.
pub(crate) struct Peer(BufReader<TcpStream>);

impl Peer {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends bytes as they are, and reads one answer.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<Came> {
        self.0.get_mut().write_all(bytes)?;
        self.read()
    }

    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> io::Result<Came> {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: witness\r\nContent-Length: {length}\r\n\r\n"
        );
        self.send(&[head.as_bytes(), body].concat())
    }

    pub(crate) fn add(&mut self, request: &AddCheckpoint) -> io::Result<Came> {
        self.ask("POST", ADD_CHECKPOINT_PATH, request.to_string().as_bytes())
    }

    fn read(&mut self) -> io::Result<Came> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        let mut headers = BTreeMap::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").and_then(|length| length.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut body)?;
        Ok(Came { status, headers, body })
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.0.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}

/// The folder of a witness that serves one log.
pub(crate) struct Place {
    temp: tempfile::TempDir,
    pub(crate) log: Log,
    pub(crate) key: CosignerKey,
}

impl Place {
    pub(crate) fn new() -> Self {
        let temp = tempfile::tempdir().expect("a folder");
        let log = Log::new("house/sale", 1);
        let made =
            gavel(temp.path(), &["witness", "keygen", "witness.example/w1", "--out", "w.key"]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let vkey = String::from_utf8(made.stdout).expect("text");
        let key = VerifierKey::parse(vkey.trim_end()).expect("a key");
        fs::write(temp.path().join("logs.txt"), log.listed()).expect("writes");
        Self { temp, log, key: CosignerKey::of(key).expect("a witness's") }
    }

    pub(crate) fn path(&self) -> &Path {
        self.temp.path()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path().join("w.key.state")
    }

    /// What the console said in all runs.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.path().join("console")).unwrap_or_default()
    }

    pub(crate) fn shown_path(&self) -> String {
        format!("/{}/checkpoint", origin_hash(self.log.origin()))
    }

    /// Starts the witness and returns once it listens.
    pub(crate) fn start(&self) -> Program {
        let console = File::options().create(true).append(true).open(self.path().join("console"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_gavel"))
            .args(["witness", "--listen", "127.0.0.1:0", "--key", "w.key", "--logs", "logs.txt"])
            .current_dir(self.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(console.expect("a console"))
            .spawn()
            .expect("starts");
        let mut banner = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut program = Program { child, address: ([127, 0, 0, 1], 0).into() };
        let address = banner.find_map(|line| {
            let line = line.expect("text");
            let url = line.strip_prefix("listens on")?.trim().strip_prefix("http://")?.to_owned();
            url.strip_suffix('/')?.parse().ok()
        });
        program.address = address.unwrap_or_else(|| panic!("it ended at once: {}", self.said()));
        thread::spawn(move || banner.count());
        program
    }
}

/// A witness's process; it does not outlive a test that fails.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Program {
    pub(crate) fn peer(&self) -> Peer {
        Peer::connect(self.address).expect("connects")
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("kills");
        self.child.wait().expect("is gone");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process");
        kill_process(id, signal).expect("is sent");
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("ends")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the program to its end.
pub(crate) fn gavel(folder: &Path, args: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_gavel");
    Command::new(program).args(args).current_dir(folder).output().expect("runs")
}
