//! A real client session, with all that goes through it taken down. What it signs is read back
//! from the folder in which it keeps that before it sends.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use gavel::auction::money::Amount;
use gavel::auction::name::{LotId, Title};
use gavel::auction::refusal::Code;
use gavel::client::{
    BidAnswer, Caller, Following, Happened, Memory, Options, Session, SessionError,
};
use gavel::ledger::encoding::decode_hex;
use gavel::ledger::{Hash, Kind, Receipt};
use gavel::record::{
    ActFields, BidKey, EnrolmentStatement, Head, Order, Signed, SignedAct, SignedBid, Statement,
};
use gavel::wire::json::Request;

use super::history::What;
use super::scene::Scene;

/// A session, and what its owner waits for.
pub(crate) struct Desk {
    pub(crate) session: Session,
    name: String,
    scene: Arc<Scene>,
    connection: u64,
    ledger: Ledger,
}

/// What a person has sent, over all sessions: operations by n, and those without an answer.
#[derive(Default)]
pub(crate) struct Ledger {
    sent: BTreeMap<u64, u64>,
    open: BTreeMap<u64, u64>,
    /// When the first enrolment was about to be sent.
    enrolling_us: Option<u64>,
    enrolment: Option<u64>,
    enrolled: bool,
}

impl Desk {
    /// Connects, enrols, and takes up what earlier sessions left without an answer.
    pub(crate) async fn open(
        caller: &Caller,
        credential: &Path,
        scene: &Arc<Scene>,
        mut ledger: Ledger,
    ) -> Result<Self, (SessionError, Ledger)> {
        let options = Options { following: Following::Everything, sale: None, reconnect: true };
        let address = caller.credential().address.clone();
        let memory = Memory::beside(credential);
        let mut session = match Session::open(caller.clone(), address, memory, options).await {
            Ok(session) => session,
            Err(error) => return Err((error, ledger)),
        };
        let name = caller.credential().identity.name.to_string();
        // It reads all lines again, from the first on.
        let connection = scene.recorder.welcomed(&name, 0, session.newest().note());
        let at_us = *ledger.enrolling_us.get_or_insert_with(|| scene.now_us());
        let enrolled = session.enrol().await;
        let mut desk = Self { session, name, scene: Arc::clone(scene), connection, ledger };
        desk.note_enrolment(at_us, &enrolled);
        let begun = match enrolled {
            // Whoever comes after the close can still read.
            Ok(()) | Err(SessionError::NotEnrolled { code: Code::Closed, .. }) => {
                desk.settle().await
            }
            Err(error) => Err(error),
        };
        match begun {
            Ok(()) => Ok(desk),
            Err(error) => Err((error, desk.leave())),
        }
    }

    /// Takes down that the bid key was to be enrolled from `at_us` on, and what came of it.
    fn note_enrolment(&mut self, at_us: u64, enrolled: &Result<(), SessionError>) {
        let (recorder, folder) = (&self.scene.recorder, self.folder());
        let op = match (self.ledger.enrolment, enrolment(&self.session)) {
            (Some(op), _) => op,
            (None, Some(statement)) => {
                let what = What::enrolment(&statement);
                *self.ledger.enrolment.insert(recorder.invoke(at_us, &self.name, what))
            }
            // It was lost before it had a key.
            (None, None) => return,
        };
        if self.ledger.enrolled {
            return;
        }
        match (enrolled, enrolment_receipt(&folder)) {
            (Ok(()), Some(receipt)) => {
                recorder.ok(self.scene.now_us(), op, &receipt);
                self.ledger.enrolled = true;
            }
            (Err(SessionError::NotEnrolled { code, .. }), _) => {
                recorder.refused(self.scene.now_us(), op, code.as_str());
            }
            // Without a receipt it is the welcome that has shown it.
            (Ok(()), None) | (Err(_), _) => {}
        }
    }

    async fn settle(&mut self) -> Result<(), SessionError> {
        let now = self.scene.now_us();
        for op in self.ledger.open.values() {
            self.scene.recorder.again(now, *op);
        }
        self.session.settle().await.map(drop)
    }

    /// Drops the session where it stands.
    pub(crate) fn leave(self) -> Ledger {
        let now = self.scene.now_us();
        self.scene.recorder.left(self.connection);
        for op in self.ledger.open.values() {
            self.scene.recorder.unknown(now, *op);
        }
        self.ledger
    }

    pub(crate) async fn bid(&mut self, lot: LotId, amount: Amount) -> Result<u64, SessionError> {
        let at_us = self.scene.now_us();
        let n = self.session.send_bid(lot, amount).await?.n;
        Ok(self.sent(at_us, n))
    }

    pub(crate) async fn act(&mut self, order: Order, reason: &str) -> Result<u64, SessionError> {
        let at_us = self.scene.now_us();
        let reason = Title::parse(reason).expect("a reason");
        let n = self.session.send_act(order, Some(reason), None).await?.n;
        Ok(self.sent(at_us, n))
    }

    fn sent(&mut self, at_us: u64, n: u64) -> u64 {
        let op = self.scene.recorder.invoke(at_us, &self.name, What::signed(&self.kept(n)));
        self.ledger.sent.insert(n, op);
        self.ledger.open.insert(n, op);
        n
    }

    /// Hears one thing; gives the number and answer of a bid or act that was answered.
    pub(crate) async fn hear(&mut self) -> Result<Option<(u64, BidAnswer)>, SessionError> {
        let happened = self.session.next().await?;
        Ok(self.take(happened))
    }

    pub(crate) fn take(&mut self, happened: Happened) -> Option<(u64, BidAnswer)> {
        let recorder = &self.scene.recorder;
        match happened {
            Happened::Entry(entry) => {
                let line = [entry.line.as_str()];
                recorder.saw(&self.name, self.connection, false, entry.seq, line);
            }
            Happened::Connected => recorder.note(&self.name, self.session.newest().note()),
            Happened::Alarm(alarm) => self.scene.fail(&self.name, &format!("{alarm:?}")),
            Happened::Bid { bid, answer } => {
                self.answered(bid.n, &answer);
                return Some((bid.n, answer));
            }
            Happened::Act { act, answer } => {
                self.answered(act.n, &answer);
                return Some((act.n, answer));
            }
            _ => {}
        }
        None
    }

    fn answered(&mut self, n: u64, answer: &BidAnswer) {
        let (now, recorder) = (self.scene.now_us(), &self.scene.recorder);
        let Some(op) = self.ledger.sent.get(&n).copied() else {
            return self.scene.fail(&self.name, &format!("an answer to {n}, which it never sent"));
        };
        match answer {
            BidAnswer::Landed { seq } => {
                let path = self.folder().join(format!("receipts/{seq}.tlog-proof"));
                recorder.ok(now, op, &fs::read_to_string(path).expect("a receipt"));
            }
            BidAnswer::Refused { code, .. } => recorder.refused(now, op, code.as_str()),
            BidAnswer::Unknown => return recorder.unknown(now, op),
        }
        self.ledger.open.remove(&n);
    }

    /// What stands in the folder as signed with this number.
    fn kept(&self, n: u64) -> Signed {
        let (open, known) = (format!("unanswered/{n}.json"), format!("signed/{n}.json"));
        if let Ok(line) = fs::read_to_string(self.folder().join(open)) {
            let request = Request::parse(line.trim_end()).expect("a request");
            return signed_in(&request, &self.name);
        }
        let kept = fs::read(self.folder().join(known)).expect("what was signed");
        Signed::from_kept(&kept).expect("what was signed")
    }

    fn folder(&self) -> PathBuf {
        self.session.folder().expect("a memory in a folder").to_owned()
    }
}

/// The enrolment that the session asks for, from its bid key on the disk.
fn enrolment(session: &Session) -> Option<EnrolmentStatement> {
    let folder = session.folder().expect("a memory in a folder");
    let kept = fs::read_to_string(folder.join("bid.key")).ok()?;
    let kept: serde_json::Value = serde_json::from_str(&kept).expect("JSON");
    let seed = decode_hex(kept["seed"].as_str().expect("a seed")).expect("hexadecimal digits");
    let identity = session.identity();
    Some(EnrolmentStatement {
        bid_key: BidKey::from(&SigningKey::from_bytes(&seed)),
        bidder: identity.name.clone(),
        cert: Hash::of(identity.leaf()),
        role: identity.role,
        sale_hash: session.sale().sale_hash(),
    })
}

fn enrolment_receipt(folder: &Path) -> Option<String> {
    let files = fs::read_dir(folder.join("receipts")).ok()?;
    let mut texts =
        files.map(|file| fs::read_to_string(file.expect("lists").path()).expect("reads"));
    let is_it = |text: &String| {
        let receipt = Receipt::parse(text).expect("a receipt");
        receipt.line().is_ok_and(|line| line.kind == Kind::Enrol)
    };
    texts.find(is_it)
}

fn signed_in(request: &Request, name: &str) -> Signed {
    match request {
        Request::Act { body, sig, .. } => {
            let fields = ActFields::of_body(name, body).expect("an act");
            let statement = fields.statement().expect("an act");
            SignedAct { statement, signature: *sig.bytes() }.into()
        }
        Request::Bid { body, sig, .. } => {
            let statement = Statement {
                amount: body.amount().expect("an amount"),
                bid_key: BidKey::from_bytes(*body.bid_key.bytes()),
                bidder: name.parse().expect("a name"),
                head: Head { root: body.head.root, size: body.head.size },
                lot: body.lot.clone(),
                n: body.n,
                sale_hash: body.sale_hash,
            };
            SignedBid { statement, signature: *sig.bytes() }.into()
        }
        other => unreachable!("nothing else is kept: {other:?}"),
    }
}
