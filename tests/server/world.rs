//! A house on loopback with its people, and clients that speak bytes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::{SigningKey, VerifyingKey};
use gavel::auction::catalogue::{SaleTerms, VoidPolicy};
use gavel::auction::money::{Amount, Currency};
use gavel::auction::name::{HouseName, LotId, Name, Role, SaleId, Title};
use gavel::clock::Clock;
use gavel::ledger::hash::Hash;
use gavel::ledger::origin;
use gavel::ledger::receipt::Receipt;
use gavel::limits::{REFUSAL_BYTES_MAX, REFUSALS_PER_MINUTE_MAX, RESTART_GRACE};
use gavel::pki::{Address, Ca, Credential, Grant, KeyMaker, P256Secret, ServerKey, client_config};
use gavel::record::{EnrolmentStatement, Head, SignedBid, Statement, Terms, Times, read_sale_file};
use gavel::server::{
    Begun, FloorEnd, MarkUsed, Sealing, Server, ServerFailure, Settings, Setup, ShownCheckpoint,
    StartFailure, Witness, Witnesses, begin,
};
use gavel::time::Span;
use gavel::wire::encoding::{Key32, Signature64};
use gavel::wire::json::{
    Answer, BidBody, EnrolBody, EnrolSignatures, HeadBody, Reply, Request, RequestId,
    ServerMessage, Welcome,
};
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A house and what its next server is to be like.
pub(crate) struct World {
    pub(crate) ca: Ca,
    pub(crate) house: HouseName,
    pub(crate) sale: SaleId,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) items: String,
    pub(crate) attested: bool,
    pub(crate) ends_in: Option<Span>,
    pub(crate) exit_on_close: bool,
    pub(crate) witnesses: Vec<Witness>,
    sealing: SigningKey,
    sealer: Vec<u8>,
    used: std::cell::Cell<bool>,
}

/// A server that runs.
pub(crate) struct Running {
    pub(crate) address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    run: JoinHandle<Result<FloorEnd, ServerFailure>>,
}

impl Running {
    /// Stops it and waits for its end.
    pub(crate) async fn stop(self) -> FloorEnd {
        let _ = self.stop.send(());
        within(self.run).await.expect("no panic").expect("a good end")
    }

    /// Waits for its own end.
    pub(crate) async fn end(self) -> Result<FloorEnd, ServerFailure> {
        within(self.run).await.expect("no panic")
    }
}

/// Waits, but not for ever.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("it takes too long")
}

#[derive(Debug)]
struct WallTime(Clock);

impl TimeProvider for WallTime {
    fn current_time(&self) -> Option<UnixTime> {
        let now = Duration::from_secs(self.0.now().unix_s());
        Some(UnixTime::since_unix_epoch(now))
    }
}

impl World {
    pub(crate) fn new(items: &str) -> Self {
        let house = HouseName::parse("meridian").expect("a name");
        let sale = SaleId::parse("estate-2026").expect("an id");
        let now = Clock::start().now();
        let ca = Ca::create(house.clone(), now).expect("a CA");
        let sealing = SigningKey::from_bytes(&[42; 32]);
        let public = sealing.verifying_key().to_bytes();
        let (sealer, _) = ca.certify_sealer(&public, &sale, now).expect("certifies");
        Self {
            ca,
            house,
            sale,
            folder: tempfile::tempdir().expect("a folder"),
            items: items.to_owned(),
            attested: false,
            ends_in: None,
            exit_on_close: false,
            witnesses: Vec::new(),
            sealing,
            sealer,
            used: std::cell::Cell::new(false),
        }
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.folder.path().join(format!("{}.jsonl", self.sale))
    }

    pub(crate) fn crl(&self) -> PathBuf {
        self.folder.path().join("crl.pem")
    }

    pub(crate) fn sealing_key(&self) -> VerifyingKey {
        self.sealing.verifying_key()
    }

    fn setup(&self) -> Setup {
        let ends_in = self.ends_in.map(|span| Clock::start().now().plus(span));
        Setup {
            reserves: Vec::new(),
            house: self.house.clone(),
            sale: self.sale.clone(),
            title: Title::parse("Estate sale").expect("a title"),
            lots: read_sale_file(self.items.as_bytes(), Times::Absolute)
                .expect("items")
                .lot_terms(),
            terms: Terms {
                sale: SaleTerms {
                    currency: Currency::seed(),
                    attested: self.attested,
                    opens_at: None,
                    sale_ends_at: ends_in,
                    restart_grace: RESTART_GRACE,
                    room_bids: false,
                    void_policy: VoidPolicy::Reinstate,
                },
                fees: None,
                refusal_bytes_max: REFUSAL_BYTES_MAX,
                refusals_per_minute_max: REFUSALS_PER_MINUTE_MAX,
            },
            anchor: self.ca.anchor().clone(),
            sealer: self.sealer.clone(),
            nonce: [7; 32],
            software: Title::parse("gavel test").expect("a title"),
            ledger_folder: self.folder.path().to_path_buf(),
            checkpoint_folder: None,
            copy_folder: None,
            accept_clock: false,
            shown: Vec::new(),
        }
    }

    /// The witnesses that its next server asks.
    pub(crate) fn witnesses(&self) -> Option<Witnesses> {
        let origin = origin(self.house.as_str(), self.sale.as_str());
        Witnesses::new(self.witnesses.clone(), &origin).expect("a list")
    }

    pub(crate) fn begin(&self) -> Begun {
        self.try_to_begin(Vec::new()).expect("the sale begins")
    }

    /// As if the pki folder too were of another day.
    pub(crate) fn forget_the_key_was_used(&self) {
        self.used.set(false);
    }

    pub(crate) fn try_to_begin(&self, shown: Vec<ShownCheckpoint>) -> Result<Begun, StartFailure> {
        let mark = || {
            self.used.set(true);
            Ok(())
        };
        let sealing = Sealing {
            key: Some(self.sealing.clone()),
            used: self.used.get(),
            mark_used: MarkUsed(Box::new(mark)),
        };
        begin(Setup { shown, ..self.setup() }, sealing)
    }

    /// Starts a server on any free port.
    pub(crate) async fn serve(&self) -> Running {
        let begun = self.begin();
        let secret = P256Secret::generate().expect("a key");
        let now = Clock::start().now();
        let (certificate, _) =
            self.ca.certify_server(&secret.public_key(), &[], now).expect("certifies");
        let settings = Settings {
            listen: "127.0.0.1:0".parse().expect("an address"),
            key: ServerKey::new(certificate, secret),
            anchor: self.ca.anchor().clone(),
            crl: Some(self.crl()),
            witnesses: self.witnesses(),
            exit_on_close: self.exit_on_close,
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

    pub(crate) fn person(&self, name: &str) -> Person {
        self.person_as(name, Role::Bidder)
    }

    pub(crate) fn person_as(&self, name: &str, role: Role) -> Person {
        let secret = P256Secret::generate().expect("a key");
        let grant = Grant {
            name: Name::parse(name).expect("a name"),
            role,
            maker: KeyMaker::Holder,
            lifetime: Span::from_s(86_400),
        };
        let now = Clock::start().now();
        let identity =
            self.ca.certify_person(&secret.public_key(), &grant, now).expect("certifies");
        let address = Address::parse("127.0.0.1:12000").expect("an address");
        let anchor = self.ca.anchor().clone();
        let bid_key = SigningKey::from_bytes(identity.key.bytes());
        Person {
            credential: Credential { address, identity, anchor, secret },
            bid_key,
            sealing: self.sealing_key(),
            origin: origin(self.house.as_str(), self.sale.as_str()),
        }
    }
}

/// Somebody with a certificate and a bid key.
pub(crate) struct Person {
    pub(crate) credential: Credential,
    pub(crate) bid_key: SigningKey,
    sealing: VerifyingKey,
    origin: String,
}

impl Person {
    pub(crate) async fn connect(&self, server: &Running, alpn: &[&[u8]]) -> TlsStream<TcpStream> {
        let tcp = within(TcpStream::connect(server.address)).await.expect("connects");
        within(self.handshake(tcp, alpn)).await.expect("the handshake")
    }

    async fn handshake(
        &self,
        tcp: TcpStream,
        alpn: &[&[u8]],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let clock = Arc::new(WallTime(Clock::start()));
        let mut config = client_config(&self.credential, clock).expect("a configuration");
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        let name = ServerName::from(std::net::IpAddr::from([127, 0, 0, 1]));
        TlsConnector::from(Arc::new(config)).connect(name, tcp).await
    }

    /// A session whose system takes little that it does not read.
    pub(crate) async fn narrow(&self, server: &Running) -> Gavel {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4 * 1024).expect("a small buffer");
        let tcp = within(socket.connect(server.address)).await.expect("connects");
        let stream = within(self.handshake(tcp, &[b"gavel/1"])).await.expect("the handshake");
        let mut gavel = Gavel::new(stream);
        gavel.hello(None).await;
        gavel
    }

    /// Whether the server lets them in no more.
    pub(crate) async fn is_refused(&self, server: &Running) -> bool {
        let tcp = within(TcpStream::connect(server.address)).await.expect("connects");
        // In TLS 1.3 a client hears of the refusal only when it reads.
        let Ok(stream) = within(self.handshake(tcp, &[])).await else { return true };
        let mut text = Text { stream: BufReader::new(stream) };
        text.line().await.is_empty()
    }

    /// A text session, past its greeting.
    pub(crate) async fn text(&self, server: &Running) -> Text {
        let mut text = Text { stream: BufReader::new(self.connect(server, &[]).await) };
        let greeting = text.line().await;
        assert!(greeting.starts_with("Welcome "), "{greeting}");
        text
    }

    /// A `gavel/1` session, welcomed.
    pub(crate) async fn gavel(&self, server: &Running) -> Gavel {
        let mut gavel = self.unwelcomed(server).await;
        gavel.hello(None).await;
        gavel
    }

    pub(crate) async fn unwelcomed(&self, server: &Running) -> Gavel {
        Gavel::new(self.connect(server, &[b"gavel/1"]).await)
    }

    pub(crate) fn enrolment(&self, gavel: &Gavel) -> (EnrolBody, EnrolSignatures) {
        let identity = &self.credential.identity;
        let statement = EnrolmentStatement {
            bid_key: (&self.bid_key).into(),
            bidder: identity.name.clone(),
            cert: Hash::from_bytes(*identity.cert.bytes()),
            role: identity.role,
            sale_hash: gavel.sale_hash,
        };
        let cert_sig =
            self.credential.secret.sign(&statement.certificate_message()).expect("signs");
        let body = EnrolBody {
            bid_key: Key32::from_bytes(*statement.bid_key.bytes()),
            cert: statement.cert,
            role: statement.role,
            sale_hash: statement.sale_hash,
        };
        let sigs = EnrolSignatures {
            bid_sig: Signature64::from_bytes(statement.sign(&self.bid_key)),
            cert_sig: Signature64::from_bytes(cert_sig),
        };
        (body, sigs)
    }

    pub(crate) async fn enrol(&self, gavel: &mut Gavel) -> Receipt {
        let (body, sigs) = self.enrolment(gavel);
        let answer = gavel.ask(|id| Request::Enrol { id, body, sigs }).await;
        self.receipt(gavel, answer)
    }

    pub(crate) fn bid(&self, gavel: &Gavel, lot: &str, amount: u64, n: u64) -> Signed {
        let statement = Statement {
            amount: Amount::new(amount).expect("in range"),
            bid_key: (&self.bid_key).into(),
            bidder: self.credential.identity.name.clone(),
            head: gavel.head,
            lot: LotId::parse(lot).expect("an id"),
            n,
            sale_hash: gavel.sale_hash,
        };
        let signed = SignedBid::sign(statement, &self.bid_key);
        let statement = &signed.statement;
        let body = BidBody::new(
            statement.amount,
            Key32::from_bytes(*statement.bid_key.bytes()),
            HeadBody { root: statement.head.root, size: statement.head.size },
            statement.lot.clone(),
            n,
            statement.sale_hash,
        );
        Signed { body, sig: Signature64::from_bytes(signed.signature) }
    }

    /// The receipt in an answer, checked.
    pub(crate) fn receipt(&self, gavel: &mut Gavel, answer: Answer) -> Receipt {
        let Answer::Entered { receipt } = answer else { panic!("{answer:?}") };
        let receipt = Receipt::parse(&receipt).expect("a receipt");
        let checkpoint = receipt.check(&self.origin, &self.sealing).expect("it stands");
        let checkpoint = checkpoint.checkpoint();
        gavel.head = Head { root: checkpoint.root, size: checkpoint.size };
        receipt
    }
}

/// A bid, ready to be sent once or twice.
#[derive(Clone)]
pub(crate) struct Signed {
    pub(crate) body: BidBody,
    pub(crate) sig: Signature64,
}

/// A text session.
pub(crate) struct Text {
    pub(crate) stream: BufReader<TlsStream<TcpStream>>,
}

impl Text {
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        within(self.stream.write_all(bytes)).await.expect("sends");
        within(self.stream.flush()).await.expect("sends");
    }

    /// The next line, without its end; empty at the end of the connection. That
    /// items open is not told here: it happens about when the first clients come.
    pub(crate) async fn line(&mut self) -> String {
        loop {
            let mut line = String::new();
            let _ = within(self.stream.read_line(&mut line)).await;
            if !line.ends_with(" is open for bids.\n") {
                return line.trim_end_matches('\n').to_owned();
            }
        }
    }

    /// Sends a command and gives its one line of answer, past notices.
    pub(crate) async fn ask(&mut self, command: &str, starts: &str) -> String {
        self.send(format!("{command}\n").as_bytes()).await;
        self.until(|line| line.starts_with(starts)).await
    }

    pub(crate) async fn until(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        loop {
            let line = self.line().await;
            assert!(!line.is_empty(), "the connection ended");
            if wanted(&line) {
                return line;
            }
        }
    }
}

/// A session of `gavel/1`, which keeps the live lines.
pub(crate) struct Gavel {
    stream: BufReader<TlsStream<TcpStream>>,
    next_id: u64,
    pub(crate) head: Head,
    pub(crate) sale_hash: Hash,
    pub(crate) lines: Vec<String>,
    pub(crate) live_next: u64,
    pub(crate) heard_cosigned: bool,
}

impl Gavel {
    fn new(stream: TlsStream<TcpStream>) -> Self {
        Self {
            stream: BufReader::new(stream),
            next_id: 0,
            head: Head { root: Hash::ZERO, size: 0 },
            sale_hash: Hash::ZERO,
            lines: Vec::new(),
            live_next: 0,
            heard_cosigned: false,
        }
    }

    pub(crate) async fn hello(&mut self, note: Option<String>) -> Welcome {
        self.hello_with(note, false).await
    }

    /// Begins as somebody who wants cosigned checkpoints, or not.
    pub(crate) async fn hello_for_cosigned(&mut self, cosigned: bool) -> Welcome {
        self.hello_with(None, cosigned).await
    }

    async fn hello_with(&mut self, note: Option<String>, cosigned: bool) -> Welcome {
        let id = self.id();
        self.send(&Request::Hello { id, sale: None, note, cosigned, quiet: false }).await;
        let ServerMessage::Welcome(welcome) = self.next().await else { panic!("no welcome") };
        let note = &welcome.note;
        let size: u64 = note.lines().nth(1).expect("a size").parse().expect("a number");
        let root = gavel::ledger::note::Note::parse(note).expect("a note").text;
        let root = gavel::ledger::checkpoint::Checkpoint::parse(&root).expect("a checkpoint").root;
        self.head = Head { root, size };
        self.sale_hash = Hash::of(welcome.open.as_bytes());
        self.live_next = size;
        welcome
    }

    pub(crate) fn id(&mut self) -> RequestId {
        self.next_id += 1;
        RequestId::new(self.next_id).expect("in range")
    }

    pub(crate) async fn send(&mut self, request: &Request) {
        self.send_bytes(&request.to_line()).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        within(self.stream.write_all(bytes)).await.expect("sends");
        within(self.stream.flush()).await.expect("sends");
    }

    /// The next message; live lines are checked for gaps and kept.
    pub(crate) async fn next(&mut self) -> ServerMessage {
        self.next_or_end().await.expect("the connection ended")
    }

    /// The next message, from wherever the live lines begin.
    pub(crate) async fn next_unchecked(&mut self) -> Option<ServerMessage> {
        let mut line = String::new();
        match within(self.stream.read_line(&mut line)).await {
            Ok(count) if count > 0 => {
                Some(ServerMessage::parse(line.trim_end()).expect("a message"))
            }
            Ok(_) | Err(_) => None,
        }
    }

    pub(crate) async fn next_or_end(&mut self) -> Option<ServerMessage> {
        let message = self.next_unchecked().await?;
        self.heard_cosigned |= matches!(message, ServerMessage::Cosigned(_));
        if let ServerMessage::Lines(lines) = &message
            && lines.id.is_none()
        {
            assert_eq!(lines.from, self.live_next, "no gap");
            self.live_next += u64::try_from(lines.lines.len()).expect("few");
            self.lines.extend(lines.lines.iter().cloned());
        }
        Some(message)
    }

    /// The answer to a request, past live lines.
    pub(crate) async fn ask(&mut self, request: impl FnOnce(RequestId) -> Request) -> Answer {
        let id = self.id();
        self.send(&request(id)).await;
        self.answer(id).await
    }

    pub(crate) async fn answer(&mut self, wanted: RequestId) -> Answer {
        loop {
            if let ServerMessage::Reply(Reply { id, answer }) = self.next().await
                && id == Some(wanted)
            {
                return answer;
            }
        }
    }

    pub(crate) async fn place(&mut self, signed: &Signed) -> Answer {
        let Signed { body, sig } = signed.clone();
        self.ask(|id| Request::Bid { id, body, sig }).await
    }

    /// Reads until a live line has this kind.
    pub(crate) async fn until_kind(&mut self, kind: &str) -> String {
        let wanted = format!("\"t\":\"{kind}\"");
        loop {
            if let Some(line) = self.lines.iter().find(|line| line.contains(&wanted)) {
                return line.clone();
            }
            self.next().await;
        }
    }
}

/// The seed's items with short timers.
pub(crate) const ITEMS: &str = r#"{
    "1": {"name": "Quilt", "highest_bid": 100, "highest_bidder": null, "duration": 1},
    "2": {"name": "Vase", "highest_bid": 50, "highest_bidder": null, "duration": 1}
}"#;
