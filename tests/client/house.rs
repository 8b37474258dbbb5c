//! A house on loopback, its people, and a network that can be cut.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;
use gavel::auction::catalogue::SaleTerms;
use gavel::auction::money::Amount;
use gavel::auction::name::{HouseName, LotId, Name, Role, SaleId, Title};
use gavel::auction::reserve::ReserveOpening;
use gavel::client::{Caller, Following, Happened, Memory, Options, Session, SessionError};
use gavel::clock::Clock;
use gavel::ledger::origin;
use gavel::limits::{REFUSAL_BYTES_MAX, REFUSALS_PER_MINUTE_MAX, RESTART_GRACE};
use gavel::pki::{Address, Ca, Credential, Grant, KeyMaker, P256Secret, ServerKey};
use gavel::record::{FileLot, KeptReserve, Terms, Times, read_sale_file};
use gavel::server::{
    FloorEnd, MarkUsed, Sealing, Server, ServerFailure, Settings, Setup, Witness, Witnesses, begin,
};
use gavel::time::{Span, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(crate) const ITEMS: &str = r#"{
    "1": {"name": "Quilt", "highest_bid": 100, "highest_bidder": null, "duration": 3600},
    "2": {"name": "Vase", "highest_bid": 50, "highest_bidder": null, "duration": 3600}
}"#;
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits, but not for ever.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("it takes too long")
}

pub(crate) fn lot(id: &str) -> LotId {
    LotId::parse(id).expect("an id")
}

pub(crate) fn amount(minor_units: u64) -> Amount {
    Amount::new(minor_units).expect("in range")
}

pub(crate) fn now() -> Timestamp {
    Clock::start().now()
}

/// A house whose sale has not begun, or rests between two servers.
pub(crate) struct House {
    pub(crate) ca: Ca,
    pub(crate) name: HouseName,
    pub(crate) sale: SaleId,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) nonce: [u8; 32],
    pub(crate) sealing: SigningKey,
    sealer: Vec<u8>,
    used: AtomicBool,
    pub(crate) items: String,
    pub(crate) opens_in: Option<Span>,
    pub(crate) ends_in: Option<Span>,
    /// The least time that an open lot keeps after an outage.
    pub(crate) grace: Span,
    pub(crate) witnesses: Vec<Witness>,
}

/// A server that runs.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    run: JoinHandle<Result<FloorEnd, ServerFailure>>,
}

impl Running {
    pub(crate) fn at(&self) -> Address {
        Address::parse(&self.address.to_string()).expect("an address")
    }

    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        within(self.run).await.expect("no panic").expect("a good end");
    }
}

impl House {
    pub(crate) fn new() -> Self {
        Self::of(Self::ca_made_at(now()))
    }

    pub(crate) fn ca_made_at(at: Timestamp) -> Ca {
        Ca::create(HouseName::parse("meridian").expect("a name"), at).expect("a CA")
    }

    pub(crate) fn of(ca: Ca) -> Self {
        Self::sealed_by(ca, 42)
    }

    pub(crate) fn sealed_by(ca: Ca, seed: u8) -> Self {
        Self::selling("estate-2026", ca, seed)
    }

    pub(crate) fn selling(sale: &str, ca: Ca, seed: u8) -> Self {
        let sale = SaleId::parse(sale).expect("an id");
        let sealing = SigningKey::from_bytes(&[seed; 32]);
        let public = sealing.verifying_key().to_bytes();
        let (sealer, _) = ca.certify_sealer(&public, &sale, now()).expect("certifies");
        Self {
            name: ca.house().clone(),
            ca,
            sale,
            folder: tempfile::tempdir().expect("a folder"),
            nonce: [7; 32],
            sealing,
            sealer,
            used: AtomicBool::new(false),
            items: ITEMS.to_owned(),
            opens_in: None,
            ends_in: None,
            grace: RESTART_GRACE,
            witnesses: Vec::new(),
        }
    }

    fn setup(&self) -> Setup {
        let file = read_sale_file(self.items.as_bytes(), Times::Absolute).expect("items");
        Setup {
            lots: file.lot_terms(),
            reserves: file.lots.iter().filter_map(kept_reserve).collect(),
            house: self.name.clone(),
            sale: self.sale.clone(),
            title: Title::parse("Estate sale").expect("a title"),
            terms: Terms {
                sale: SaleTerms {
                    currency: file.currency,
                    attested: true,
                    opens_at: self.opens_in.map(|span| now().plus(span)),
                    sale_ends_at: self.ends_in.map(|span| now().plus(span)),
                    restart_grace: self.grace,
                    room_bids: file.room_bids,
                    void_policy: file.void_policy,
                },
                fees: None,
                refusal_bytes_max: REFUSAL_BYTES_MAX,
                refusals_per_minute_max: REFUSALS_PER_MINUTE_MAX,
            },
            anchor: self.ca.anchor().clone(),
            sealer: self.sealer.clone(),
            nonce: self.nonce,
            software: Title::parse("gavel test").expect("a title"),
            ledger_folder: self.folder.path().to_path_buf(),
            checkpoint_folder: None,
            copy_folder: None,
            accept_clock: false,
            shown: Vec::new(),
        }
    }

    pub(crate) async fn serve(&self) -> Running {
        self.serve_certified_at(now()).await
    }

    /// Serves with a certificate that was made at `made`, 90 days good from there.
    pub(crate) async fn serve_certified_at(&self, made: Timestamp) -> Running {
        let mark = || {
            self.used.store(true, Ordering::SeqCst);
            Ok(())
        };
        let sealing = || Sealing {
            key: Some(self.sealing.clone()),
            used: self.used.load(Ordering::SeqCst),
            mark_used: MarkUsed(Box::new(mark)),
        };
        let waited = Instant::now();
        let begun = loop {
            match begin(self.setup(), sealing()) {
                // Another test starts a program: until that has begun, it holds our lock as well.
                Err(failure)
                    if format!("{failure:?}").contains("Locked") && waited.elapsed() < PATIENCE =>
                {
                    tokio::task::yield_now().await;
                }
                begun => break begun.expect("the sale begins"),
            }
        };
        let secret = P256Secret::generate().expect("a key");
        let (certificate, _) =
            self.ca.certify_server(&secret.public_key(), &[], made).expect("certifies");
        let settings = Settings {
            listen: "127.0.0.1:0".parse().expect("an address"),
            key: ServerKey::new(certificate, secret),
            anchor: self.ca.anchor().clone(),
            crl: Some(self.crl()),
            witnesses: self.witnesses(),
            exit_on_close: false,
            on_finished: Box::new(|| {}),
        };
        let server = Server::bind(settings, begun).await.expect("listens");
        let address = server.address();
        let (stop, stopped) = oneshot::channel();
        let stop_or_gone = async {
            if stopped.await.is_err() {
                std::future::pending().await
            }
        };
        Running { address, stop, run: tokio::spawn(server.run(stop_or_gone)) }
    }

    fn witnesses(&self) -> Option<Witnesses> {
        let origin = origin(self.name.as_str(), self.sale.as_str());
        Witnesses::new(self.witnesses.clone(), &origin).expect("a list")
    }

    pub(crate) fn crl(&self) -> std::path::PathBuf {
        self.folder.path().join("crl.pem")
    }

    pub(crate) fn ledger(&self) -> String {
        let path = self.folder.path().join("estate-2026.jsonl");
        std::fs::read_to_string(path).expect("a ledger")
    }

    pub(crate) fn credential(&self, name: &str) -> Credential {
        self.credential_from(name, now())
    }

    pub(crate) fn credential_from(&self, name: &str, at: Timestamp) -> Credential {
        let secret = P256Secret::generate().expect("a key");
        self.certify(name, secret, at)
    }

    pub(crate) fn certify(&self, name: &str, secret: P256Secret, at: Timestamp) -> Credential {
        self.certify_as(Role::Bidder, name, secret, at)
    }

    pub(crate) fn certify_as(
        &self,
        role: Role,
        name: &str,
        secret: P256Secret,
        at: Timestamp,
    ) -> Credential {
        let grant = Grant {
            name: Name::parse(name).expect("a name"),
            role,
            maker: KeyMaker::Holder,
            lifetime: Span::from_s(86_400),
        };
        let identity = self.ca.certify_person(&secret.public_key(), &grant, at).expect("certifies");
        let address = Address::parse("127.0.0.1:12000").expect("an address");
        Credential { address, identity, anchor: self.ca.anchor().clone(), secret }
    }

    pub(crate) fn caller(&self, name: &str) -> Caller {
        caller(self.credential(name))
    }

    /// Puts the folder's files aside, to be put back by [`House::go_back_to`].
    pub(crate) fn copy_of_disk(&self) -> tempfile::TempDir {
        let aside = tempfile::tempdir().expect("a folder");
        copy_files(self.folder.path(), aside.path());
        aside
    }

    pub(crate) fn go_back_to(&self, aside: &tempfile::TempDir) {
        for entry in std::fs::read_dir(self.folder.path()).expect("lists") {
            std::fs::remove_file(entry.expect("an entry").path()).expect("removes");
        }
        copy_files(aside.path(), self.folder.path());
    }
}

/// The reserve of a lot, hidden by bytes that are not random: nobody searches for them here.
fn kept_reserve(lot: &FileLot) -> Option<KeptReserve> {
    let opening = ReserveOpening { reserve: lot.reserve?, nonce: [9; 32] };
    Some(KeptReserve { lot: lot.terms.id.clone(), opening })
}

pub(crate) fn copy_files(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("lists") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copies");
    }
}

pub(crate) fn caller(credential: Credential) -> Caller {
    Caller::new(credential, Clock::start()).expect("a configuration")
}

pub(crate) const EVERYTHING: Options =
    Options { following: Following::Everything, sale: None, reconnect: true };

pub(crate) async fn open(
    caller: &Caller,
    at: Address,
    memory: Memory,
) -> Result<Session, SessionError> {
    within(Session::open(caller.clone(), at, memory, EVERYTHING)).await
}

/// Waits for what `pick` takes, and passes over the rest.
pub(crate) async fn until<T>(
    session: &mut Session,
    mut pick: impl FnMut(Happened) -> Option<T>,
) -> T {
    let wait = async {
        loop {
            if let Some(found) = pick(session.next().await.expect("goes on")) {
                return found;
            }
        }
    };
    within(wait).await
}

pub(crate) async fn caught_up(session: &mut Session) -> u64 {
    until(session, |happened| match happened {
        Happened::CaughtUp { size } => Some(size),
        _ => None,
    })
    .await
}

/// A network between client and server that can be cut in both directions.
pub(crate) struct Network {
    pub(crate) address: SocketAddr,
    cut: Arc<Notify>,
    swallow: Arc<AtomicBool>,
    accept: JoinHandle<()>,
}

impl Network {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let address = listener.local_addr().expect("an address");
        let (cut, swallow) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let (cut_of, swallow_of) = (Arc::clone(&cut), Arc::clone(&swallow));
        let accept = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (cut, swallow) = (Arc::clone(&cut_of), Arc::clone(&swallow_of));
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(server).await else { return };
                    let ((from_client, to_client), (from_server, to_server)) =
                        (client.into_split(), server.into_split());
                    let never = Arc::new(AtomicBool::new(false));
                    tokio::select! {
                        () = carry(from_client, to_server, never) => {}
                        () = carry(from_server, to_client, swallow) => {}
                        () = cut.notified() => {}
                    }
                });
            }
        });
        Self { address, cut, swallow, accept }
    }

    pub(crate) fn at(&self) -> Address {
        Address::parse(&self.address.to_string()).expect("an address")
    }

    /// Cuts every connection that stands.
    pub(crate) fn cut(&self) {
        self.cut.notify_waiters();
    }

    /// From now on nothing from the server reaches a client, until it is mended.
    pub(crate) fn swallow_answers(&self, swallow: bool) {
        self.swallow.store(swallow, Ordering::SeqCst);
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.accept.abort();
        self.cut();
    }
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    swallow: Arc<AtomicBool>,
) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if swallow.load(Ordering::SeqCst) {
            continue;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
