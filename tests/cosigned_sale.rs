//! A whole sale with real programs: one house, three witnesses of which one is
//! killed in mid-sale and one comes late, and an auditor who requires two of them.

#[expect(dead_code, reason = "shared with tests/server.rs, which uses all of it")]
#[path = "server/stub.rs"]
mod stub;

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use gavel::auction::money::Amount;
use gavel::auction::name::{LotId, Name, Role};
use gavel::client::{BidAnswer, Caller, Cosigned, Following, Happened, Memory, Options, Session};
use gavel::clock::Clock;
use gavel::ledger::{Hash, SealingKey, origin};
use gavel::loadtest::TrialHouse;
use gavel::pki::Address;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::time::timeout;

use stub::{Manner, Stub};

const PATIENCE: Duration = Duration::from_secs(60);
/// Counted from a lot's first bid; the last round reaches a late witness in any case.
const LOT_SECONDS: u64 = 5;

/// A program that runs; it does not outlive a test that fails.
struct Program(Child);

impl Program {
    /// Starts it, and returns once a line of its output begins so.
    fn start(command: &mut Command, log: &Path, awaited: &str) -> Self {
        let log = File::create(log).expect("a log");
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn();
        let mut program = Self(child.expect("starts"));
        let mut lines = BufReader::new(program.0.stdout.take().expect("a pipe")).lines();
        let found = lines.any(|line| line.expect("text").starts_with(awaited));
        assert!(found, "it ended at once");
        // The pipe stays open as long as this thread reads.
        thread::spawn(move || lines.count());
        program
    }

    fn kill(&mut self) {
        self.0.kill().expect("kills");
        self.0.wait().expect("is gone");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn gavel() -> Command {
    Command::new(env!("CARGO_BIN_EXE_gavel"))
}

fn output(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command.output().expect("runs");
    (status.code(), String::from_utf8([stdout, stderr].concat()).expect("UTF-8"))
}

fn free_address() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").to_string()
}

/// A witness with its key, running or not.
struct Place {
    address: String,
    vkey: String,
    key: PathBuf,
    logs: PathBuf,
}

impl Place {
    fn new(folder: &Path, name: &str, log: &str) -> Self {
        let key = folder.join(format!("{name}.key"));
        let name = format!("{name}.example");
        let mut keygen = gavel();
        let made = keygen.args(["witness", "keygen", &name, "--out"]).arg(&key).output();
        let vkey = String::from_utf8(made.expect("runs").stdout).expect("UTF-8");
        let logs = key.with_extension("logs");
        fs::write(&logs, format!("log {log}\n")).expect("writes");
        Self { address: free_address(), vkey: vkey.trim_end().to_owned(), key, logs }
    }

    fn flag(&self) -> String {
        format!("http://{}={}", self.address, self.vkey)
    }

    fn start(&self) -> Program {
        let mut command = gavel();
        command.args(["witness", "--listen", &self.address, "--key"]).arg(&self.key);
        command.arg("--logs").arg(&self.logs);
        Program::start(&mut command, &self.key.with_extension("log"), "listens on")
    }
}

/// A house in a folder, with its sale file.
struct Scene {
    folder: tempfile::TempDir,
    house: TrialHouse,
    clock: Clock,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::start();
        let address = Address::parse(&free_address()).expect("an address");
        let house = TrialHouse::make(folder.path(), "autumn", address, clock.now());
        let lot = |id| {
            format!(r#""{id}":{{"name":"Lot {id}","highest_bid":0,"duration":{LOT_SECONDS}}}"#)
        };
        let items = format!("{{{},{}}}", lot(1), lot(2));
        fs::write(folder.path().join("items.json"), items).expect("writes");
        Self { folder, house: house.expect("a house"), clock }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sealing_key(&self) -> SealingKey {
        let (house, sale) = (self.house.name(), self.house.sale());
        let folder = self.house.pki().serve();
        let sealing = folder.sealing_credential(sale, self.house.anchor(), house, self.clock.now());
        let origin = origin(house.as_str(), sale.as_str());
        SealingKey::new(origin, sealing.expect("a key").key).expect("a name")
    }

    /// `gavel serve`, with these witnesses.
    fn serve(&self, witnesses: &[String], flags: &[&str]) -> Command {
        let mut command = gavel();
        command.arg("serve").arg(self.path("items.json"));
        command.arg("--pki").arg(self.path("pki")).arg("--ledger").arg(self.house.ledgers());
        command.args(["--listen", &self.house.address().to_string()]).args(flags);
        for witness in witnesses {
            command.args(["--witness", witness]);
        }
        command
    }

    async fn bidder(&self, name: &str) -> Session {
        let name = Name::parse(name).expect("a name");
        let credential = self.house.credential(name, Role::Bidder, self.clock.now());
        let caller = Caller::new(credential.expect("a credential"), self.clock).expect("a caller");
        let options = Options { following: Following::Everything, sale: None, reconnect: false };
        let address = self.house.address().clone();
        let session = Session::open(caller, address, Memory::Volatile, options).await;
        let mut session = session.expect("opens");
        session.enrol().await.expect("enrols");
        session
    }
}

async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("it takes too long")
}

/// Waits for a checkpoint that these have cosigned.
async fn until_cosigned(session: &mut Session, by: &[&str]) -> Cosigned {
    within(async {
        loop {
            let happened = session.next().await.expect("goes on");
            if let Happened::Cosigned(cosigned) = happened
                && by.iter().all(|name| cosigned.names().contains(&format!("{name}.example")))
            {
                return *cosigned;
            }
        }
    })
    .await
}

async fn bid(session: &mut Session, lot: &str, minor_units: u64) {
    let lot = LotId::parse(lot).expect("an id");
    let amount = Amount::new(minor_units).expect("an amount");
    let answer = within(session.bid(lot, amount)).await.expect("an answer");
    assert!(matches!(answer, BidAnswer::Landed { .. }), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quorum_of_witnesses_vouches_for_a_sale_of_which_each_missed_a_part() {
    let scene = Scene::new();
    let log = scene.sealing_key().vkey();
    let [seller, press, museum] =
        ["seller", "press", "museum"].map(|name| Place::new(scene.folder.path(), name, &log));
    let policy = format!(
        "log {log}\nwitness seller {}\nwitness press {}\nwitness museum {}\n\
         group two 2 seller press museum\nquorum two\n",
        seller.vkey, press.vkey, museum.vkey
    );
    fs::write(scene.path("two.policy"), policy).expect("writes");
    let (mut first, second) = (seller.start(), press.start());
    let flags = [seller.flag(), press.flag(), museum.flag()];
    let mut command = scene.serve(&flags, &["--exit-on-close"]);
    let mut server = Program::start(&mut command, &scene.path("serve.log"), "listens on");

    let (mut alice, mut bob) = (scene.bidder("alice").await, scene.bidder("bob").await);
    until_cosigned(&mut alice, &["seller", "press"]).await;
    bid(&mut alice, "1", 100).await;
    bid(&mut bob, "2", 100).await;
    // One is gone, one has never been there, and every bid is answered.
    first.kill();
    for amount in 101..110 {
        bid(if amount % 2 == 0 { &mut alice } else { &mut bob }, "1", amount).await;
    }
    let third = museum.start();
    until_cosigned(&mut alice, &["press", "museum"]).await;
    let ended = tokio::task::spawn_blocking(move || server.0.wait());
    let ended = within(ended).await.expect("no panic").expect("waits");
    let log = fs::read_to_string(scene.path("serve.log")).unwrap_or_default();
    assert!(ended.success(), "{log}");
    drop((second, third));

    let cosigned = scene.house.ledger().with_extension("cosigned");
    let trust = format!("sha256:{}", scene.house.fingerprint());
    let verify = |more: &[&str]| {
        let mut command = gavel();
        command.arg("verify").arg(scene.house.ledger()).args(["--trust", &trust]).args(more);
        output(&mut command)
    };
    let policy = scene.path("two.policy");
    let policy = ["--policy", policy.to_str().expect("plain")];
    let shown = ["--checkpoint", cosigned.to_str().expect("plain")];
    let (code, words) = verify(&[policy, shown].concat());
    assert_eq!(code, Some(0), "{words}{log}");
    assert!(words.contains("VALID"), "{words}");
    let (code, words) = verify(&policy);
    assert_eq!(code, Some(3), "without the cosignatures: {words}");
    let anchor = fs::read(cosigned.with_extension("checkpoint")).expect("reads");
    assert_eq!(anchor, fs::read(&cosigned).expect("reads"), "the anchor carries them too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_house_that_a_witness_remembers_further_does_not_start() {
    let scene = Scene::new();
    let one = Stub::new(0, Manner::Honest).await;
    one.show(&scene.sealing_key().sign(99, Hash::of(b"yesterday's lines")));
    for flags in [&[][..], &["--check"]] {
        let (code, words) = output(&mut scene.serve(&[one.flag()], flags));
        assert_eq!(code, Some(6), "{words}");
        assert!(words.contains("[rewound]"), "{words}");
        assert!(words.contains("the witness w0 holds a checkpoint of 99 lines"), "{words}");
        assert!(!scene.house.ledger().exists(), "nothing was made");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn witnesses_over_https_are_judged_by_the_system_s_cas() {
    let scene = Scene::new();
    let key = KeyPair::generate().expect("a key");
    let mut ca = CertificateParams::new(Vec::new()).expect("parameters");
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let pem = ca.self_signed(&key).expect("signs").pem();
    fs::write(scene.path("web-ca.pem"), pem).expect("writes");
    let issuer = Issuer::new(ca, key);
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
    let leaf = leaf.signed_by(&key, &issuer).expect("signs");
    let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        );
    let one = Stub::over_tls(0, Manner::Honest, config.expect("a configuration")).await;
    let check = |ca: &str| {
        let mut command = scene.serve(&[one.flag()], &["--check"]);
        output(command.env("SSL_CERT_FILE", scene.path(ca)).env_remove("SSL_CERT_DIR"))
    };
    let (_, words) = check("web-ca.pem");
    assert!(words.contains("w0 answers, and has cosigned nothing"), "{words}");
    // A certificate of somebody's own, which the system does not know.
    fs::copy(scene.path("pki/serve/ca.pem"), scene.path("other-ca.pem")).expect("copies");
    let (_, words) = check("other-ca.pem");
    assert!(words.contains("w0: it cannot be reached: invalid peer certificate"), "{words}");
    fs::write(scene.path("no-ca.pem"), "").expect("writes");
    let (code, words) = check("no-ca.pem");
    assert!(words.contains("[bad-witness]") && code == Some(6), "{words}");
}
