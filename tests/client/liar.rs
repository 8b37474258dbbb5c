//! A house that lies: one address, one sealing key, and two histories of one sale, of which
//! each person is shown one. Everything that an honest server does to catch itself is left out.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gavel::auction::name::Name;
use gavel::auction::refusal::Code;
use gavel::house::{After, Answer as Decided, House as Core, Pending, Recovery, WelcomeRefusal};
use gavel::ledger::merkle::leaf_hash;
use gavel::ledger::note::Note;
use gavel::ledger::store::{self, Store, Visit};
use gavel::ledger::{Checkpoint, Hash, Receipt, SealingKey, Tree, origin};
use gavel::pki::{Identity, P256Secret, Revocations, ServerKey, server_config, verify_person};
use gavel::record::{BidKey, Enrolment, EnrolmentEvidence, Head, Signed, SignedBid, Statement};
use gavel::wire::encoding::ProofHash;
use gavel::wire::json::{
    Answer, Cosigned, ProvenCosigned, ProvenLine, Reply, Request, RequestId, ServerMessage,
    Welcome, lines_message,
};
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::house::{House, copy_files, now};

/// One history of the sale.
struct Branch {
    core: Core,
    store: Store,
    folder: PathBuf,
}

/// What is shown to whom.
struct Histories {
    branches: Vec<Branch>,
    shown: BTreeMap<Name, usize>,
    /// A cosigned checkpoint that everybody gets who asks for some, and whether it comes behind
    /// the welcome instead of in it.
    cosigned: Option<(String, bool)>,
    /// How the lines in receipts are changed.
    twist: Option<Twist>,
    house: House,
}

/// Another line in the place of a receipt's.
pub(crate) type Twist = fn(&str) -> String;

/// The server of a house that lies.
pub(crate) struct Liar {
    pub(crate) address: SocketAddr,
    histories: Arc<Mutex<Histories>>,
    accept: JoinHandle<()>,
    _folders: Vec<tempfile::TempDir>,
}

impl Liar {
    /// Takes an honest house's ledger, whose server has stopped, up again as two histories.
    pub(crate) async fn of(house: House) -> Self {
        let folders: Vec<_> = (0..2).map(|_| tempfile::tempdir().expect("a folder")).collect();
        let branches = folders
            .iter()
            .map(|folder| {
                copy_files(house.folder.path(), folder.path());
                Branch::take_up(&house, folder.path())
            })
            .collect();
        let acceptor = acceptor(&house);
        let histories =
            Histories { branches, shown: BTreeMap::new(), cosigned: None, twist: None, house };
        let histories = Arc::new(Mutex::new(histories));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::clone(&histories);
        let accept = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, histories) = (acceptor.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = talk(stream, histories).await;
                    }
                });
            }
        });
        Self { address, histories, accept, _folders: folders }
    }

    /// From now on this person is shown that history.
    pub(crate) fn show(&self, name: &str, branch: usize) {
        let name = Name::parse(name).expect("a name");
        self.with(|histories| histories.shown.insert(name, branch));
    }

    /// From now on everybody gets this cosigned checkpoint, in the welcome or behind it.
    pub(crate) fn show_cosigned(&self, note: &str, behind: bool) {
        self.with(|histories| histories.cosigned = Some((note.to_owned(), behind)));
    }

    /// From now on receipts are of other lines, sealed by the house's key all the same.
    pub(crate) fn twist(&self, twist: Option<Twist>) {
        self.with(|histories| histories.twist = twist);
    }

    /// The ledger of one history as it lies on the disk.
    pub(crate) fn ledger(&self, branch: usize) -> PathBuf {
        self.with(|histories| histories.branches[branch].folder.join("estate-2026.jsonl"))
    }

    /// The newest checkpoint of one history, written and sealed to its end.
    pub(crate) fn checkpoint(&self, branch: usize) -> String {
        self.with(|histories| {
            let branch = &mut histories.branches[branch];
            branch.commit(None);
            branch.core.checkpoint().note().to_owned()
        })
    }

    /// The sealing key, as a witness lists it.
    pub(crate) fn vkey(&self) -> String {
        self.with(|histories| {
            let house = &histories.house;
            let origin = origin(house.name.as_str(), house.sale.as_str());
            SealingKey::new(origin, house.sealing.clone()).expect("a key").vkey()
        })
    }

    /// The size of a checkpoint, and the proof that one history has from there to its newest.
    pub(crate) fn proof(&self, branch: usize, note: &str) -> (u64, Vec<Hash>) {
        let size = size_of(note);
        self.with(|histories| {
            let branch = &histories.branches[branch];
            let newest = branch.core.checkpoint().checkpoint().size;
            (size, branch.tree().consistency(size, newest).expect("is longer"))
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Histories) -> T) -> T {
        work(&mut self.histories.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

impl Branch {
    fn take_up(house: &House, folder: &Path) -> Self {
        let locked = store::lock(folder, house.sale.as_str()).expect("locks");
        let mut recovery =
            Recovery::new(house.ca.anchor().clone(), house.name.clone(), house.sale.clone());
        let scan = locked
            .scan(|raw, line| {
                recovery.take(raw, line).map(|whole| if whole { Visit::Keep } else { Visit::Break })
            })
            .expect("is a ledger");
        let recovered = recovery.finish().expect("is whole");
        let store = locked.rewrite(scan).expect("rewrites");
        let origin = origin(house.name.as_str(), house.sale.as_str());
        let key = SealingKey::new(origin, house.sealing.clone()).expect("a key");
        let core = recovered.go_on(key, now(), &[]).expect("goes on");
        let mut branch = Self { core, store, folder: folder.to_path_buf() };
        branch.commit(None);
        branch
    }

    /// Writes what is open, and says what one decision came to.
    fn commit(&mut self, pending: Option<Pending>) -> Option<Decided> {
        let mut frame = self.core.take_frame();
        loop {
            let lines = match frame.is_empty() {
                true => Vec::new(),
                false => self.store.commit(frame).expect("commits"),
            };
            match self.core.committed(lines) {
                After::SealFirst(seal) => frame = seal,
                After::Released(released) => {
                    return pending.map(|pending| self.core.answer(&released, pending));
                }
            }
        }
    }

    /// Writes what is open, and tells what one decision came to.
    fn told(
        &mut self,
        id: RequestId,
        pending: Pending,
        change: impl Fn(Receipt) -> Receipt,
    ) -> Vec<u8> {
        let receipt = match self.commit(Some(pending)).expect("something was decided") {
            Decided::Entered(receipt) => *receipt,
            Decided::Earlier(proof) => {
                let line = self.lines().swap_remove(usize::try_from(proof.seq).expect("small"));
                proof.receipt(String::from_utf8(line).expect("UTF-8"))
            }
            Decided::Refused { code, .. } => return reply(id, refused(code)),
        };
        reply(id, Answer::Entered { receipt: change(receipt).to_text() })
    }

    fn lines(&self) -> Vec<Vec<u8>> {
        let bytes = std::fs::read(self.folder.join("estate-2026.jsonl")).expect("a ledger");
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(<[u8]>::to_vec).collect()
    }

    fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        self.lines().iter().for_each(|line| tree.append(leaf_hash(line)));
        tree
    }

    /// A welcome as the honest house gives it; to a note of the other history too, with the
    /// proof that this tree has for that size.
    fn welcome(&self, id: RequestId, name: &Name, note: Option<&str>) -> Welcome {
        let (welcome, proof) = match self.core.welcome(name, note) {
            Ok(welcome) => {
                let proof = welcome.proof.clone();
                (welcome, proof)
            }
            Err(WelcomeRefusal::NotInOurTree { size }) => {
                let welcome = self.core.welcome(name, None).expect("asks for nothing");
                let proof = self.proof(size, welcome.checkpoint.checkpoint().size);
                (welcome, proof)
            }
            Err(WelcomeRefusal::NotOurs) => panic!("another key's note"),
        };
        let text = |line: &[u8]| String::from_utf8(line.to_vec()).expect("UTF-8");
        let hashes = |hashes: &[_]| hashes.iter().copied().map(ProofHash).collect::<Vec<_>>();
        Welcome {
            id,
            open: text(&welcome.open),
            note: welcome.checkpoint.note().to_owned(),
            frontier: hashes(&welcome.frontier),
            proof: note.map(|_| hashes(&proof)),
            lines: welcome
                .own
                .iter()
                .map(|(index, line, proof)| ProvenLine {
                    index: *index,
                    line: text(line),
                    proof: hashes(proof),
                })
                .collect(),
            cosigned: None,
            now: now(),
        }
    }

    /// The proof between two sizes of this history.
    fn proof(&self, from: u64, to: u64) -> Vec<Hash> {
        self.tree().consistency(from, to).unwrap_or_default()
    }

    fn cosigned(&self, note: &str, to: &str) -> ProvenCosigned {
        let proof = self.proof(size_of(note), size_of(to)).into_iter().map(ProofHash).collect();
        ProvenCosigned { note: note.to_owned(), proof }
    }
}

impl Histories {
    /// What the person hears, in the history that is shown to them.
    fn answer(&mut self, who: &Identity, request: Request) -> Vec<u8> {
        let index = self.shown.get(&who.name).copied().unwrap_or_default();
        let branch = &mut self.branches[index];
        match request {
            Request::Hello { id, note, cosigned: wanted, .. } => {
                let mut welcome = branch.welcome(id, &who.name, note.as_deref());
                let shown = self.cosigned.as_ref().filter(|_| wanted);
                if let Some((note, false)) = shown {
                    welcome.cosigned = Some(branch.cosigned(note, &welcome.note));
                }
                let size = usize::try_from(size_of(&welcome.note)).expect("small");
                let tail = branch.lines().split_off(size);
                let mut said = ServerMessage::Welcome(welcome).to_line();
                if !tail.is_empty() {
                    let from = u64::try_from(size).expect("small");
                    said.extend(lines_message(None, from, tail.iter().map(Vec::as_slice)));
                }
                if let Some((note, true)) = shown {
                    let note = note.clone();
                    said.extend(ServerMessage::Cosigned(Cosigned { note }).to_line());
                }
                said
            }
            Request::Since { id, seq } => {
                let lines = branch.lines();
                let next = u64::try_from(lines.len()).expect("small");
                let rest = &lines[usize::try_from(seq).expect("small").min(lines.len())..];
                let mut said =
                    lines_message(Some(id), seq, rest.iter().map(Vec::as_slice)).to_vec();
                let note = branch.core.checkpoint().note().to_owned();
                said.extend(reply(id, Answer::Sent { next, note }));
                said
            }
            Request::Enrol { id, body, sigs } => {
                let enrolment = Enrolment {
                    bidder: who.name.clone(),
                    role: who.role,
                    chain: who.chain.clone(),
                    evidence: EnrolmentEvidence::Signed {
                        bid_key: BidKey::from_bytes(*body.bid_key.bytes()),
                        bid_sig: *sigs.bid_sig.bytes(),
                        cert_sig: *sigs.cert_sig.bytes(),
                    },
                };
                let (sale, anchor) = (branch.core.sale_hash(), self.house.ca.anchor());
                let enrolled = enrolment.authenticate(&sale, anchor, &self.house.name, now());
                let pending = branch.core.enrol(now(), &enrolled.expect("is signed"));
                let (twist, house) = (self.twist, &self.house);
                branch.told(id, pending, |receipt| changed(receipt, twist, house))
            }
            Request::Bid { id, body, sig } => {
                let statement = Statement {
                    amount: body.amount().expect("an amount"),
                    bid_key: BidKey::from_bytes(*body.bid_key.bytes()),
                    bidder: who.name.clone(),
                    head: Head { root: body.head.root, size: body.head.size },
                    lot: body.lot,
                    n: body.n,
                    sale_hash: body.sale_hash,
                };
                let bid = Signed::from(SignedBid { statement, signature: *sig.bytes() });
                let bid = bid.authenticate().expect("is signed");
                let pending = branch.core.submit_with(now(), 0, bid, None);
                let (twist, house) = (self.twist, &self.house);
                branch.told(id, pending, |receipt| changed(receipt, twist, house))
            }
            Request::Quit { id } => reply(id, Answer::Done),
            other => reply(other.id(), refused(Code::Busy)),
        }
    }
}

fn size_of(note: &str) -> u64 {
    Checkpoint::parse(&Note::parse(note).expect("a note").text).expect("a checkpoint").size
}

/// A receipt for another line in the place of this one's, under a tree made for it.
fn changed(receipt: Receipt, twist: Option<Twist>, house: &House) -> Receipt {
    let Some(twist) = twist else { return receipt };
    let entry = twist(&receipt.entry);
    assert_ne!(entry, receipt.entry, "the twist changes something");
    let mut tree = Tree::new();
    (0..receipt.index).for_each(|_| tree.append(leaf_hash(b"whatever")));
    tree.append(leaf_hash(entry.as_bytes()));
    let origin = origin(house.name.as_str(), house.sale.as_str());
    let key = SealingKey::new(origin, house.sealing.clone()).expect("a key");
    let note = key.sign(tree.size(), tree.root()).note().to_owned();
    let proof = tree.inclusion(receipt.index, tree.size()).expect("is in it");
    Receipt { entry, note, proof, ..receipt }
}

fn refused(code: Code) -> Answer {
    Answer::Refused { code, message: String::new(), ask: None }
}

fn reply(id: RequestId, answer: Answer) -> Vec<u8> {
    ServerMessage::Reply(Reply { id: Some(id), answer }).to_line()
}

async fn talk(stream: TlsStream<TcpStream>, histories: Arc<Mutex<Histories>>) -> Option<()> {
    let chain: Vec<Vec<u8>> =
        stream.get_ref().1.peer_certificates()?.iter().map(|der| der.to_vec()).collect();
    let who = {
        let histories = histories.lock().unwrap_or_else(PoisonError::into_inner);
        let house = &histories.house;
        verify_person(&chain, house.ca.anchor(), &house.name, now()).ok()?
    };
    let (reader, mut writer) = tokio::io::split(stream);
    let mut lines = BufReader::new(reader).lines();
    while let Some(line) = lines.next_line().await.ok()? {
        let request = Request::parse(&line).expect("our own client speaks");
        let said = {
            let mut histories = histories.lock().unwrap_or_else(PoisonError::into_inner);
            histories.answer(&who, request)
        };
        writer.write_all(&said).await.ok()?;
        writer.flush().await.ok()?;
    }
    Some(())
}

fn acceptor(house: &House) -> TlsAcceptor {
    let secret = P256Secret::generate().expect("a key");
    let (certificate, _) =
        house.ca.certify_server(&secret.public_key(), &[], now()).expect("certifies");
    let (anchor, time) = (house.ca.anchor().clone(), Arc::new(WallTime));
    let revocations = Arc::new(Revocations::new(anchor.clone()));
    let key = ServerKey::new(certificate, secret);
    let config = server_config(&key, anchor, house.name.clone(), revocations, time);
    TlsAcceptor::from(Arc::new(config.expect("a configuration")))
}

#[derive(Debug)]
struct WallTime;

impl TimeProvider for WallTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(now().unix_s())))
    }
}
