//! A bidder made of messages, who keeps every byte that was sent and believes nothing: what was
//! answered and seen is taken down, and judged when all is over.

use std::collections::HashMap;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use gavel::auction::lot::LotState;
use gavel::auction::money::Amount;
use gavel::auction::name::LotId;
use gavel::auction::refusal::Code;
use gavel::client::KnownSale;
use gavel::ledger::{Hash, Receipt, SignedCheckpoint};
use gavel::pki::Credential;
use gavel::record::{BidKey, EnrolmentStatement, Head, Signed, SignedBid, Statement};
use gavel::wire::encoding::{Key32, Signature64};
use gavel::wire::json::{
    Answer, BidBody, EnrolBody, EnrolSignatures, HeadBody, Lines, Reply, Request, RequestId,
    ServerMessage, Welcome,
};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_rustls::TlsConnector;

use super::dice::Dice;
use super::history::What;
use super::scene::{Phase, Scene};
use super::wire::Wire;

/// So many refusals of a bidder are asked for again: the ledger holds 60 a minute whole, and of
/// one that was only counted nobody knows the code any more.
const REFUSALS_ASKED_MAX: u32 = 30;
/// Of a hundred bids whose answer is lost, so many are never asked for again.
const FORGOTTEN_PERCENT: u64 = 15;

/// A bidder.
pub(crate) struct Bidder {
    name: String,
    credential: Credential,
    tls: TlsConnector,
    scene: Arc<Scene>,
    dice: Dice,
    key: SigningKey,
    sale: Option<KnownSale>,
    head: Option<Head>,
    n: u64,
    enrolled: bool,
    /// Every line before this one was seen.
    known: u64,
    /// Sent, and not answered for good.
    open: Vec<Sent>,
    answered: Option<Sent>,
    refusals: u32,
    next_id: u64,
}

/// Something that was sent.
#[derive(Clone)]
struct Sent {
    op: u64,
    request: Request,
}

/// What is on its way on one connection.
struct Visit {
    wire: Wire,
    connection: u64,
    asked: HashMap<u64, Sent>,
    /// Live lines that were seen without a gap.
    live: (u64, u64),
    asked_to: u64,
}

/// Why a connection has ended.
enum End {
    Lost,
    Left,
    /// The sale is over.
    Done,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Lost
    }
}

impl Bidder {
    pub(crate) fn new(credential: Credential, scene: Arc<Scene>, seed: u64) -> Self {
        let mut key = [0; 32];
        getrandom::fill(&mut key).expect("randomness");
        Self {
            name: credential.identity.name.to_string(),
            tls: super::wire::connector(&credential),
            credential,
            scene,
            dice: Dice::new(seed),
            key: SigningKey::from_bytes(&key),
            sale: None,
            head: None,
            n: 0,
            enrolled: false,
            known: 0,
            open: Vec::new(),
            answered: None,
            refusals: 0,
            next_id: 1,
        }
    }

    /// Takes part until the sale is over.
    pub(crate) async fn take_part(mut self) {
        loop {
            let end = match Wire::connect(&self.credential.address, &self.tls).await {
                Ok(wire) => self.visit(wire).await,
                Err(_) => End::Lost,
            };
            if let End::Done = end {
                return;
            }
            let wait_ms = 20 + self.dice.below(200);
            sleep(Duration::from_millis(wait_ms)).await;
        }
    }

    async fn visit(&mut self, mut wire: Wire) -> End {
        let welcome = match self.greet(&mut wire).await {
            Ok(welcome) => welcome,
            Err(end) => return end,
        };
        let size = self.take_checkpoint(&welcome.note).unwrap_or_default();
        let connection = self.scene.recorder.welcomed(&self.name, size, &welcome.note);
        let mut visit =
            Visit { wire, connection, asked: HashMap::new(), live: (size, size), asked_to: 0 };
        let end = match self.stay(&mut visit).await {
            Ok(end) | Err(end) => end,
        };
        let now = self.scene.now_us();
        self.scene.recorder.left(connection);
        for (_, sent) in visit.asked.drain() {
            self.scene.recorder.unknown(now, sent.op);
            let is_bid = matches!(sent.request, Request::Bid { .. });
            if !(is_bid && self.dice.percent(FORGOTTEN_PERCENT)) {
                self.open.push(sent);
            }
        }
        end
    }

    async fn greet(&mut self, wire: &mut Wire) -> Result<Welcome, End> {
        let hello =
            Request::Hello { id: self.id(), sale: None, note: None, cosigned: false, quiet: false };
        wire.send(&hello.to_line()).await?;
        let ServerMessage::Welcome(welcome) = wire.next().await? else { return Err(End::Lost) };
        if self.sale.is_none() {
            let Credential { anchor, .. } = &self.credential;
            match KnownSale::read(&welcome.open, anchor, self.credential.house()) {
                Ok(sale) => self.sale = Some(sale),
                Err(why) => self.scene.fail(&self.name, &why.to_string()),
            }
        }
        Ok(welcome)
    }

    async fn stay(&mut self, visit: &mut Visit) -> Result<End, End> {
        let scene = Arc::clone(&self.scene);
        let mut ended = pin!(scene.ended());
        self.ask_for_lines(visit, self.known).await?;
        if !self.enrolled && self.open.iter().all(|sent| !is_enrolment(sent)) {
            self.enrol(visit).await?;
        }
        self.send_open(visit).await?;
        let mut next_act = self.next_act();
        loop {
            tokio::select! {
                message = visit.wire.next() => self.hear(visit, message?).await?,
                () = sleep_until(next_act) => {
                    next_act = self.next_act();
                    if self.scene.is(Phase::Bidding) {
                        self.act(visit).await?;
                    } else {
                        self.send_open(visit).await?;
                    }
                }
                () = &mut ended => {
                    return self.ask_who_has_won(visit).await;
                }
            }
        }
    }

    fn next_act(&mut self) -> Instant {
        let mean_ms = u64::try_from(self.scene.plan.pause().as_millis()).expect("short").max(1);
        Instant::now() + Duration::from_millis(self.dice.below(2 * mean_ms))
    }

    // ---- Sending ----

    /// Does one of the things that people do.
    async fn act(&mut self, visit: &mut Visit) -> Result<(), End> {
        if !self.enrolled {
            return self.send_open(visit).await;
        }
        let lots = self.scene.lots();
        let lot = self.dice.pick(&lots).clone();
        let price = self.scene.price(&lot);
        match self.dice.below(100) {
            0..70 => {
                let amount = price + 1 + self.dice.below(20);
                self.bid(visit, lot, amount, None).await
            }
            70..82 => {
                let amount = 1 + self.dice.below(price.max(1));
                self.bid(visit, lot, amount, None).await
            }
            82..87 => self.bid(visit, lot, price + 1, Some(1)).await,
            87..91 => self.bid(visit, lot, price + 1, Some(2)).await,
            91..94 => {
                let quit = Request::Quit { id: self.id() };
                visit.wire.send(&quit.to_line()).await?;
                Err(End::Left)
            }
            94..97 => match self.answered.clone() {
                Some(sent) => self.send_again(visit, sent).await,
                None => self.send_open(visit).await,
            },
            _ => self.ask_for_lines(visit, self.known.saturating_sub(20)).await,
        }
    }

    /// Bids; with `cut`, only the so-manieth part of the request goes out, and the bidder is gone.
    async fn bid(
        &mut self,
        visit: &mut Visit,
        lot: LotId,
        amount: u64,
        cut: Option<usize>,
    ) -> Result<(), End> {
        let (Some(sale), Some(head)) = (&self.sale, self.head) else { return Ok(()) };
        self.n += 1;
        let statement = Statement {
            amount: Amount::new(amount).expect("small"),
            bid_key: BidKey::from(&self.key),
            bidder: self.credential.identity.name.clone(),
            head,
            lot,
            n: self.n,
            sale_hash: sale.sale_hash(),
        };
        let signed = SignedBid::sign(statement, &self.key);
        let id = self.id();
        let request = bid_request(id, &signed);
        let what = What::signed(&Signed::Bid(signed));
        let op = self.scene.recorder.invoke(self.scene.now_us(), &self.name, what);
        let line = request.to_line();
        visit.asked.insert(id.into(), Sent { op, request });
        match cut {
            None => Ok(visit.wire.send(&line).await?),
            Some(part) => {
                visit.wire.send(&line[..line.len() / part]).await?;
                Err(End::Lost)
            }
        }
    }

    async fn enrol(&mut self, visit: &mut Visit) -> Result<(), End> {
        let Some(sale) = &self.sale else { return Ok(()) };
        let identity = &self.credential.identity;
        let statement = EnrolmentStatement {
            bid_key: BidKey::from(&self.key),
            bidder: identity.name.clone(),
            cert: Hash::of(identity.leaf()),
            role: identity.role,
            sale_hash: sale.sale_hash(),
        };
        let cert_sig = self.credential.secret.sign(&statement.certificate_message());
        let sigs = EnrolSignatures {
            bid_sig: Signature64::from_bytes(statement.sign(&self.key)),
            cert_sig: Signature64::from_bytes(cert_sig.expect("signs")),
        };
        let EnrolmentStatement { bid_key, cert, role, sale_hash, .. } = statement;
        let bid_key = Key32::from_bytes(*bid_key.bytes());
        let id = self.id();
        let body = EnrolBody { bid_key, cert, role, sale_hash };
        let request = Request::Enrol { id, body, sigs };
        let what = What::enrolment(&statement);
        let op = self.scene.recorder.invoke(self.scene.now_us(), &self.name, what);
        let line = request.to_line();
        visit.asked.insert(id.into(), Sent { op, request });
        Ok(visit.wire.send(&line).await?)
    }

    /// Sends again whatever has no answer and is not on its way.
    async fn send_open(&mut self, visit: &mut Visit) -> Result<(), End> {
        while let Some(sent) = self.open.pop() {
            self.send_again(visit, sent).await?;
        }
        Ok(())
    }

    async fn send_again(&mut self, visit: &mut Visit, mut sent: Sent) -> Result<(), End> {
        let new = self.id();
        match &mut sent.request {
            Request::Bid { id, .. } | Request::Enrol { id, .. } => *id = new,
            other => unreachable!("nothing else is kept: {other:?}"),
        }
        self.scene.recorder.again(self.scene.now_us(), sent.op);
        let line = sent.request.to_line();
        visit.asked.insert(new.into(), sent);
        Ok(visit.wire.send(&line).await?)
    }

    async fn ask_for_lines(&mut self, visit: &mut Visit, seq: u64) -> Result<(), End> {
        self.scene.recorder.asked(&self.name, visit.connection, seq);
        visit.asked_to = seq;
        let since = Request::Since { id: self.id(), seq };
        Ok(visit.wire.send(&since.to_line()).await?)
    }

    fn id(&mut self) -> RequestId {
        self.next_id += 1;
        RequestId::new(self.next_id).expect("few requests")
    }

    // ---- Hearing ----

    async fn hear(&mut self, visit: &mut Visit, message: ServerMessage) -> Result<(), End> {
        match message {
            ServerMessage::Lines(lines) => {
                self.see(visit, &lines);
                Ok(())
            }
            ServerMessage::Reply(Reply { id: Some(id), answer: Answer::Sent { next, note } }) => {
                self.catch_up(visit, next, &note, id);
                Ok(())
            }
            ServerMessage::Reply(Reply { id: Some(id), answer }) => {
                match (visit.asked.remove(&id.into()), answer) {
                    (Some(sent), answer) => self.answer(sent, answer),
                    // To a `since` or `list`, by a server that is about to stop.
                    (None, Answer::Refused { code: Code::Busy, .. }) => return Err(End::Lost),
                    (None, answer) => self.scene.fail(&self.name, &format!("unasked: {answer:?}")),
                }
                Ok(())
            }
            // The server says why it ends the connection.
            ServerMessage::Reply(Reply { id: None, .. }) => Err(End::Lost),
            ServerMessage::Snapshot(snapshot) => {
                self.scene.recorder.skipped(&self.name, visit.connection, snapshot.next);
                visit.live = (snapshot.next, snapshot.next);
                self.ask_for_lines(visit, self.known).await
            }
            ServerMessage::Cosigned(_) | ServerMessage::Welcome(_) => {
                self.scene.fail(&self.name, "a message that nobody asked for");
                Ok(())
            }
        }
    }

    fn see(&mut self, visit: &mut Visit, lines: &Lines) {
        let texts = lines.lines.iter().map(String::as_str);
        let (asked, from) = (lines.id.is_some(), lines.from);
        self.scene.recorder.saw(&self.name, visit.connection, asked, from, texts);
        let to = from + u64::try_from(lines.lines.len()).expect("few");
        if asked {
            visit.asked_to = to;
        } else {
            visit.live.1 = to;
            if self.known >= visit.live.0 {
                self.known = self.known.max(to);
            }
        }
    }

    fn catch_up(&mut self, visit: &mut Visit, next: u64, note: &str, id: RequestId) {
        self.scene.recorder.caught_up(&self.name, visit.connection, next);
        self.scene.recorder.note(&format!("since {} of {}", u64::from(id), self.name), note);
        self.take_checkpoint(note);
        self.known = self.known.max(visit.asked_to);
        if self.known >= visit.live.0 {
            self.known = self.known.max(visit.live.1);
        }
    }

    fn answer(&mut self, sent: Sent, answer: Answer) {
        let now = self.scene.now_us();
        match answer {
            Answer::Entered { receipt } => {
                self.scene.recorder.ok(now, sent.op, &receipt);
                self.enrolled |= is_enrolment(&sent);
                self.take_receipt(&receipt);
                if let Request::Bid { body, .. } = &sent.request
                    && let Ok(amount) = body.amount()
                {
                    self.scene.hear_price(&body.lot, amount.minor_units());
                    self.scene.count_bid();
                }
                self.answered = Some(sent);
            }
            Answer::Refused { code: Code::Busy | Code::SlowDown, .. } => {
                self.scene.recorder.unknown(now, sent.op);
                self.open.push(sent);
            }
            Answer::Refused { code, ask, .. } => {
                self.scene.recorder.refused(now, sent.op, code.as_str());
                if let (Request::Bid { body, .. }, Some(ask)) = (&sent.request, ask) {
                    self.scene.hear_price(&body.lot, ask.minor_units() - 1);
                }
                self.refusals += 1;
                if self.refusals < REFUSALS_ASKED_MAX {
                    self.answered = Some(sent);
                }
            }
            other => self.scene.fail(&self.name, &format!("an answer to a bid: {other:?}")),
        }
    }

    fn take_receipt(&mut self, text: &str) {
        let receipt = Receipt::parse(text).ok();
        if let (Some(receipt), Some(sale)) = (receipt, &self.sale)
            && let Ok(signed) = sale.receipt(&receipt)
        {
            self.take_head(&signed);
        }
    }

    /// Takes a checkpoint as the newest that was verified; gives its size.
    fn take_checkpoint(&mut self, note: &str) -> Option<u64> {
        match self.sale.as_ref()?.checkpoint(note) {
            Ok(signed) => {
                self.take_head(&signed);
                Some(signed.checkpoint().size)
            }
            Err(why) => {
                self.scene.fail(&self.name, &why.to_string());
                None
            }
        }
    }

    fn take_head(&mut self, signed: &SignedCheckpoint) {
        let checkpoint = signed.checkpoint();
        if self.head.is_none_or(|head| head.size < checkpoint.size) {
            self.head = Some(Head { root: checkpoint.root, size: checkpoint.size });
        }
    }

    async fn ask_who_has_won(&mut self, visit: &mut Visit) -> Result<End, End> {
        let list = Request::List { id: self.id(), after: None };
        visit.wire.send(&list.to_line()).await?;
        loop {
            match visit.wire.next().await? {
                ServerMessage::Reply(Reply { answer: Answer::Lots { lots, .. }, .. }) => {
                    for lot in lots {
                        if let LotState::Closed { outcome, .. } = &lot.state {
                            let lot = lot.lot.to_string();
                            self.scene.recorder.winner(&self.name, &lot, outcome);
                        } else {
                            self.scene.fail(&self.name, &format!("has not closed: {lot:?}"));
                        }
                    }
                    return Ok(End::Done);
                }
                other => self.hear(visit, other).await?,
            }
        }
    }
}

fn is_enrolment(sent: &Sent) -> bool {
    matches!(sent.request, Request::Enrol { .. })
}

fn bid_request(id: RequestId, signed: &SignedBid) -> Request {
    let Statement { amount, bid_key, head, lot, n, sale_hash, .. } = &signed.statement;
    let head = HeadBody { root: head.root, size: head.size };
    let key = Key32::from_bytes(*bid_key.bytes());
    let body = BidBody::new(*amount, key, head, lot.clone(), *n, *sale_hash);
    Request::Bid { id, body, sig: Signature64::from_bytes(signed.signature) }
}
