//! How many handshakes with certificates on both sides the server takes in a second, beside a
//! server that does nothing but to let rustls shake hands, in the same run.
//!
//! ```text
//! cargo bench --bench handshakes
//! ```
//!
//! Both are processes of their own, called by the same clients in turn; nothing is resumed. The
//! other server is rustls with its own verifier of certificates on tokio's sockets, on as many
//! threads: no roster of names, no bounds, no log. Each connection ends as soon as it is there.

use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use gavel::auction::name::{Name, Role};
use gavel::clock::Clock;
use gavel::loadtest::{Conditions, Meter, TrialHouse, free_address};
use gavel::pki::client_config;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::time_provider::DefaultTimeProvider;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

const RUNS: usize = 5;
const HANDSHAKES: usize = 2_000;
/// How many clients call at once, each with a name of its own.
const CALLERS: usize = 16;
/// What tells this program that it is the other server, and where the keys are.
const KEYS: &str = "GAVEL_BENCH_BARE_SERVER";

/// What is sold meanwhile.
const ITEMS: &str = r#"{"1":{"name":"A lot","highest_bid":0,"duration":86400}}"#;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match std::env::var_os(KEYS) {
        Some(keys) => runtime.block_on(serve_bare(&PathBuf::from(keys))),
        None => runtime.block_on(compare()),
    }
}

async fn compare() -> Result<(), Failure> {
    println!("conditions: {}", Conditions::here());
    let folder = tempfile::tempdir()?;
    let house = TrialHouse::make(folder.path(), "hands", free_address()?, Clock::start().now())?;
    let callers = callers(&house)?;
    let items = folder.path().join("items.json");
    fs::write(&items, ITEMS)?;
    let (gavel, bare) = (start_gavel(&house, folder.path(), &items)?, start_bare(folder.path())?);
    let mut shares = (Vec::new(), Vec::new());
    for run in 1..=RUNS {
        let of_bare = measure(&bare, &callers).await?;
        let of_gavel = measure(&gavel, &callers).await?;
        println!("run {run}: rustls alone {of_bare}, gavel {of_gavel}");
        shares.0.push(of_gavel.per_s / of_bare.per_s);
        shares.1.push(of_bare.server_cpu_us / of_gavel.server_cpu_us);
    }
    println!("gavel takes {:.1} % of what rustls alone takes in a second", median(shares.0));
    println!("and {:.1} % by the CPU time of the servers", median(shares.1));
    Ok(())
}

/// What a run gave.
struct Shaken {
    per_s: f64,
    server_cpu_us: f64,
}

impl std::fmt::Display for Shaken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.0}/s at {:.0} µs of CPU time", self.per_s, self.server_cpu_us)
    }
}

async fn measure(server: &Server, callers: &[Arc<ClientConfig>]) -> Result<Shaken, Failure> {
    let (cpu_us, began) = (server.cpu_us()?, Instant::now());
    let left = Arc::new(AtomicUsize::new(HANDSHAKES));
    let calls: Vec<_> = callers
        .iter()
        .map(|config| tokio::spawn(call(server.address, Arc::clone(config), Arc::clone(&left))))
        .collect();
    for call in calls {
        call.await??;
    }
    let count = HANDSHAKES as f64;
    Ok(Shaken {
        per_s: count / began.elapsed().as_secs_f64(),
        server_cpu_us: (server.cpu_us()? - cpu_us) as f64 / count,
    })
}

/// Shakes hands until enough was, and waits each time until the server has hung up: only then
/// has it judged the certificate.
async fn call(
    address: SocketAddr,
    config: Arc<ClientConfig>,
    left: Arc<AtomicUsize>,
) -> io::Result<()> {
    let connector = TlsConnector::from(config);
    let take = |left: usize| left.checked_sub(1);
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut stream = connector.connect(ServerName::from(address.ip()), stream).await?;
        stream.shutdown().await?;
        let mut said = Vec::new();
        stream.read_to_end(&mut said).await?;
        // Nobody is told anything but why they are refused.
        if !said.is_empty() {
            return Err(io::Error::other(String::from_utf8_lossy(&said).into_owned()));
        }
    }
    Ok(())
}

fn callers(house: &TrialHouse) -> Result<Vec<Arc<ClientConfig>>, Failure> {
    let now = Clock::start().now();
    let caller = |number| {
        let name = Name::parse(&format!("caller-{number}"))?;
        let credential = house.credential(name, Role::Bidder, now)?;
        Ok(Arc::new(client_config(&credential, Arc::new(DefaultTimeProvider))?))
    };
    (0..CALLERS).map(caller).collect()
}

/// A server, ended when it is dropped.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts it, and waits until it says where it listens.
    fn start(command: &mut Command) -> Result<Self, Failure> {
        let mut process =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut banner = BufReader::new(process.stdout.take().ok_or("no pipe")?).lines();
        let address = loop {
            let line = banner.next().ok_or("the server ended at once")??;
            if let Some(address) = line.strip_prefix("listens on") {
                break address.split(',').next().unwrap_or(address).trim().parse()?;
            }
        };
        // What it says on is read away.
        std::thread::spawn(move || banner.map_while(Result::ok).for_each(drop));
        Ok(Self { process, address })
    }

    fn cpu_us(&self) -> Result<u64, Failure> {
        Ok(Meter::of(self.process.id()).cpu_us().ok_or("the system tells no CPU times")?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start_gavel(house: &TrialHouse, folder: &Path, items: &Path) -> Result<Server, Failure> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gavel"));
    command.arg("serve").arg(items).arg("--pki").arg(folder.join("pki"));
    Server::start(command.arg("--ledger").arg(house.ledgers()))
}

fn start_bare(folder: &Path) -> Result<Server, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    Server::start(command.env(KEYS, folder.join("pki").join("serve")))
}

/// The other server.
async fn serve_bare(keys: &Path) -> Result<(), Failure> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(keys.join("ca.pem"))?)?;
    let own = keys.join("server.pem");
    let certificate = CertificateDer::from_pem_file(&own)?;
    let mut config = ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
        .with_client_cert_verifier(WebPkiClientVerifier::builder(roots.into()).build()?)
        .with_single_cert(vec![certificate], PrivateKeyDer::from_pem_file(&own)?)?;
    config.alpn_protocols = vec![b"gavel/1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listens on {}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(serve_one(acceptor.clone(), stream));
    }
}

async fn serve_one(acceptor: TlsAcceptor, stream: TcpStream) -> io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    stream.read_to_end(&mut Vec::new()).await?;
    stream.shutdown().await
}

/// In hundredths.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2] * 100.0
}
