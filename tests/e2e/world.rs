//! A house with its folder, its people and its server.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use gavel::auction::catalogue::{SaleTerms, VoidPolicy};
use gavel::auction::money::Currency;
use gavel::auction::name::{HouseName, Name, Role, SaleId, Title};
use gavel::audit::{Anchors, Audit, Trust, audit};
use gavel::clock::Clock;
use gavel::limits::{REFUSAL_BYTES_MAX, REFUSALS_PER_MINUTE_MAX, RESTART_GRACE};
use gavel::pki::{
    Address, Anchor, Ca, Credential, Grant, HouseFolder, KeyMaker, PERSON_LIFETIME_MAX,
    Preparation, Replace, RevocationReason, SealingKeyState, Serial, Which, keys, prepare,
};
use gavel::record::{Terms, Times, read_sale_file};
use gavel::server::{
    Begun, FloorEnd, How, MarkUsed, Sealing, Server, ServerFailure, Settings, Setup, StartFailure,
    begin,
};
use gavel::time::{Span, Timestamp};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// How long anything may take that is waited for; only a failure takes that long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// Between two looks at something that is waited for.
pub(crate) async fn pause() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

/// Waits for `what`, at most [`PATIENCE`].
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("never came: {what}"))
}

pub(crate) fn now() -> Timestamp {
    Clock::start().now()
}

/// Between fork and exec a program that we start holds our file locks too. Whoever
/// starts one writes here, whoever takes a lock reads, so that none seems taken.
static STARTING: RwLock<()> = RwLock::new(());

fn nobody_starts() -> RwLockReadGuard<'static, ()> {
    STARTING.read().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a program.
pub(crate) fn start(command: &mut Command) -> Child {
    let _alone = STARTING.write().unwrap_or_else(PoisonError::into_inner);
    command.spawn().expect("the program starts")
}

/// The sale that a test wants.
pub(crate) struct Plan {
    /// The sale file.
    pub(crate) items: String,
    /// Whether hand-typed bids count.
    pub(crate) attested: bool,
    /// When lots without any bid close.
    pub(crate) ends_in: Option<Span>,
    pub(crate) restart_grace: Span,
    pub(crate) exit_on_close: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            items: items(&[("1", 50, 600), ("2", 100, 600), ("3", 1000, 600)]),
            attested: true,
            ends_in: None,
            restart_grace: RESTART_GRACE,
            exit_on_close: false,
        }
    }
}

/// A sale file: id, highest bid, duration in seconds of each lot.
pub(crate) fn items(lots: &[(&str, u64, u64)]) -> String {
    let lot = |(id, highest, duration): &(&str, u64, u64)| {
        format!(
            r#""{id}":{{"name":"Lot {id}","highest_bid":{highest},"highest_bidder":null,"duration":{duration}}}"#
        )
    };
    format!("{{{}}}", lots.iter().map(lot).collect::<Vec<_>>().join(","))
}

/// A house that is prepared for one sale.
pub(crate) struct World {
    root: tempfile::TempDir,
    pub(crate) plan: Plan,
    pub(crate) folder: HouseFolder,
    pub(crate) house: HouseName,
    pub(crate) sale: SaleId,
}

impl World {
    pub(crate) fn new(plan: Plan) -> Self {
        super::log::mark();
        let root = tempfile::tempdir().expect("a folder");
        let folder = HouseFolder::at(root.path().join("pki"));
        let house = HouseName::parse("estate").expect("a name");
        let sale = SaleId::parse("spring").expect("an id");
        let wanted = Preparation {
            house: Some(house.clone()),
            address: Some(Address::parse("127.0.0.1:12000").expect("an address")),
            sale: sale.clone(),
            auctioneer: name("auctioneer"),
        };
        let _quiet = nobody_starts();
        prepare(&folder, &wanted, None, now()).expect("prepares");
        Self { root, plan, folder, house, sale }
    }

    /// Prepares and opens, where one run of the server is enough.
    pub(crate) async fn open_new(plan: Plan) -> (Self, Hall) {
        let world = Self::new(plan);
        let hall = world.open().await;
        (world, hall)
    }

    /// A new credential for a bidder, with the file that openssl takes.
    pub(crate) fn person(&self, name: &str) -> Credential {
        let path = self.issue(name, Replace::Refuse);
        read_credential(&path)
    }

    pub(crate) fn issue(&self, who: &str, replace: Replace) -> PathBuf {
        self.issue_as(who, Role::Bidder, replace)
    }

    pub(crate) fn issue_as(&self, who: &str, role: Role, replace: Replace) -> PathBuf {
        let grant =
            Grant { name: name(who), role, maker: KeyMaker::House, lifetime: PERSON_LIFETIME_MAX };
        let _quiet = nobody_starts();
        let mut office = self.folder.open(None).expect("the CA opens");
        office.issue(grant, replace, now()).expect("issues").path
    }

    /// Revokes all certificates of a name; the server finds the new list in its folder.
    pub(crate) fn revoke(&self, who: &str) -> Vec<Serial> {
        let _quiet = nobody_starts();
        let mut office = self.folder.open(None).expect("the CA opens");
        let which = Which::Name(name(who));
        let revoked =
            office.revoke(&which, RevocationReason::KeyCompromise, now()).expect("revokes");
        revoked.certificates.into_iter().map(|issued| issued.serial).collect()
    }

    pub(crate) fn anchor(&self) -> Anchor {
        self.folder.serve().open(now()).expect("is prepared").anchor
    }

    /// The CA with its key, for lists that the office would not write.
    pub(crate) fn ca(&self) -> Ca {
        Ca::open(self.house.clone(), self.anchor(), &self.ca_key()).expect("the CA's key")
    }

    /// The CA's key as PKCS#8.
    pub(crate) fn ca_key(&self) -> Vec<u8> {
        let path = self.root.path().join("pki/ca/ca.key");
        let text = keys::read_secret(&path, 10_000).expect("reads");
        keys::open_key(&path, &text, None).expect("is not encrypted").to_vec()
    }

    pub(crate) fn crl_path(&self) -> PathBuf {
        self.folder.serve().crl_path()
    }

    pub(crate) fn server_path(&self) -> PathBuf {
        self.root.path().join("pki/serve/server.pem")
    }

    pub(crate) fn people(&self) -> PathBuf {
        self.folder.people()
    }

    pub(crate) fn ledger_path(&self) -> PathBuf {
        self.root.path().join("ledger/spring.jsonl")
    }

    pub(crate) fn ledger(&self) -> Vec<u8> {
        std::fs::read(self.ledger_path()).expect("the ledger is there")
    }

    /// The ledger's lines, read as JSON.
    pub(crate) fn entries(&self) -> Vec<serde_json::Value> {
        let bytes = self.ledger();
        let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).expect("a line is JSON")).collect()
    }

    /// The ledger's lines of one kind.
    pub(crate) fn entries_of(&self, kind: &str) -> Vec<serde_json::Value> {
        self.entries().into_iter().filter(|entry| entry["t"] == kind).collect()
    }

    /// Audits the ledger as it stands, with receipts that somebody holds.
    pub(crate) fn audit(&self, receipts: &[&str]) -> Audit {
        let mut anchors = Anchors::new(Trust::Certificate(Box::new(self.anchor())));
        for (i, receipt) in receipts.iter().enumerate() {
            anchors.add_receipt(&format!("receipt {i}"), receipt).expect("a receipt");
        }
        audit(&self.ledger(), anchors)
    }

    /// Begins the sale or goes on with it, without a server.
    pub(crate) fn begin(&self) -> Result<Begun, StartFailure> {
        let serve = self.folder.serve();
        let at = now();
        let anchor = self.anchor();
        let state = serve.sealing_key_state(&self.sale).expect("reads");
        let sealing = match state {
            SealingKeyState::Fresh | SealingKeyState::Used => {
                Some(serve.sealing_credential(&self.sale, &anchor, &self.house, at).expect("a key"))
            }
            SealingKeyState::Erased | SealingKeyState::Missing => None,
        };
        let (key, sealer) =
            sealing.map_or((None, Vec::new()), |sealing| (Some(sealing.key), sealing.certificate));
        let setup = Setup {
            reserves: Vec::new(),
            house: self.house.clone(),
            sale: self.sale.clone(),
            title: Title::parse("Spring sale").expect("a title"),
            lots: read_sale_file(self.plan.items.as_bytes(), Times::Absolute)
                .expect("a sale file")
                .lot_terms(),
            terms: self.terms(at),
            anchor,
            sealer,
            nonce: [7; 32],
            software: Title::parse("gavel test").expect("a title"),
            ledger_folder: self.root.path().join("ledger"),
            checkpoint_folder: None,
            copy_folder: None,
            accept_clock: false,
            shown: Vec::new(),
        };
        let mark_used = MarkUsed(Box::new(|| serve.mark_sealing_key_used(&self.sale)));
        let used = matches!(state, SealingKeyState::Used | SealingKeyState::Erased);
        let _quiet = nobody_starts();
        begin(setup, Sealing { key, used, mark_used })
    }

    fn terms(&self, at: Timestamp) -> Terms {
        Terms {
            sale: SaleTerms {
                currency: Currency::seed(),
                attested: self.plan.attested,
                opens_at: None,
                sale_ends_at: self.plan.ends_in.map(|span| at.plus(span)),
                restart_grace: self.plan.restart_grace,
                room_bids: false,
                void_policy: VoidPolicy::Reinstate,
            },
            fees: None,
            refusal_bytes_max: REFUSAL_BYTES_MAX,
            refusals_per_minute_max: REFUSALS_PER_MINUTE_MAX,
        }
    }

    /// Opens the door on a free port.
    pub(crate) async fn open(&self) -> Hall {
        let begun = self.begin().expect("begins");
        let how = begun.how.clone();
        let serving = self.folder.serve().open(now()).expect("is prepared");
        let (serve, sale) = (self.folder.serve(), self.sale.clone());
        let settings = Settings {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            key: serving.server,
            anchor: serving.anchor,
            crl: Some(self.crl_path()),
            witnesses: None,
            exit_on_close: self.plan.exit_on_close,
            on_finished: Box::new(move || serve.erase_sealing_key(&sale).expect("erases")),
        };
        let server = Server::bind(settings, begun).await.expect("binds");
        let (address, finished) = (server.address(), server.finished());
        let (stop, stopped) = oneshot::channel::<()>();
        let run = tokio::spawn(async move {
            server
                .run(async {
                    // Dropping the hall is no order to stop.
                    if stopped.await.is_err() {
                        std::future::pending::<()>().await;
                    }
                })
                .await
        });
        Hall { address, how, finished, stop, run }
    }
}

/// A running server.
pub(crate) struct Hall {
    pub(crate) address: SocketAddr,
    pub(crate) how: How,
    finished: watch::Receiver<bool>,
    stop: oneshot::Sender<()>,
    run: JoinHandle<Result<FloorEnd, ServerFailure>>,
}

impl Hall {
    /// Waits until the sale has closed and is sealed.
    pub(crate) async fn finished(&mut self) {
        let finished = self.finished.wait_for(|finished| *finished);
        soon("the close of the sale", finished).await.expect("the server runs");
    }

    /// Tells the server to stop, as a signal does.
    pub(crate) async fn stop(self) -> FloorEnd {
        let _ = self.stop.send(());
        soon("the server's end", self.run).await.expect("no panic").expect("in good order")
    }

    /// Waits until the server stops by itself.
    pub(crate) async fn end(self) -> FloorEnd {
        soon("the server's end", self.run).await.expect("no panic").expect("in good order")
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

pub(crate) fn read_credential(path: &Path) -> Credential {
    let bytes = keys::read_secret(path, 100_000).expect("reads");
    Credential::read(&bytes, now()).expect("a credential")
}
