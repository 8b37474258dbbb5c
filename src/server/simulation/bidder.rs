//! Somebody who takes part: what they remember over all connections, what they make of what they
//! hear, and what they sign.
//!
//! As the real client does, they send the same bytes until there is an answer, hold every welcome,
//! receipt and line against what they were shown before, and sign upon what they have verified.

use std::collections::BTreeMap;
use std::sync::Arc;

use gavel::client::{Follower, KnownSale};

use super::dice::Dice;
use super::office::{AUCTIONEER, Office};
use super::plan::{amount, nonce, title};
use super::trace::Trace;
use crate::auction::{Amount, Deed, LotId, ReserveOpening};
use crate::house::Welcome;
use crate::ledger::merkle::verify_consistency;
use crate::ledger::receipt::Receipt;
use crate::ledger::{Line, SignedCheckpoint};
use crate::record::{
    self, ActStatement, BidEvidence, BidKey, Enrolment, EnrolmentStatement, Head, Order, Record,
    Signed, SignedAct, SignedBid, Statement,
};
use crate::time::{Span, Timestamp};

/// What was sent and has no answer yet; its bytes never change.
#[derive(Clone, Debug)]
pub(super) enum Payload {
    Enrol(Box<(EnrolmentStatement, Enrolment)>),
    Signed(Box<Signed>, Option<ReserveOpening>),
}

/// Somebody who takes part.
#[derive(Debug)]
pub(super) struct Bidder {
    pub(super) who: usize,
    pub(super) dice: Dice,
    pub(super) sale: Option<Arc<KnownSale>>,
    /// The newest checkpoint that was verified.
    held: Option<SignedCheckpoint>,
    pub(super) enrolled: bool,
    n: u64,
    /// Without an answer, by operation.
    pub(super) open: BTreeMap<u64, Payload>,
    /// The receipts, as they were given.
    pub(super) receipts: BTreeMap<u64, Receipt>,
    /// The first line that was not seen yet.
    pub(super) next: u64,
    early: BTreeMap<u64, Arc<str>>,
    standing: BTreeMap<LotId, Standing>,
    /// Checks every line as the real client does; one of all has one, for it takes its time.
    pub(super) follower: Option<Follower>,
    follows: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    price: u64,
    seq: Option<u64>,
}

/// What a line comes to for a bidder.
#[derive(Clone, Debug)]
pub(super) enum Read {
    Bid { lot: LotId, price: u64, seq: u64 },
    Seal(Box<SignedCheckpoint>),
    Other,
}

/// Reads a line once for everybody.
pub(super) fn read_line(office: &Office, line: &str) -> Read {
    let Ok(line) = Line::parse(line.as_bytes()) else { return Read::Other };
    match Record::read(&line) {
        Ok(Record::Bid(bid)) => match &bid.evidence {
            BidEvidence::Signed(signed) => Read::Bid {
                lot: signed.statement.lot.clone(),
                price: signed.statement.amount.minor_units(),
                seq: line.seq,
            },
            BidEvidence::Attested { .. } | BidEvidence::Clerk(_) => Read::Other,
        },
        Ok(Record::Seal { note }) => {
            let key = office.sealing_public();
            match SignedCheckpoint::verify(&note, &office.origin(), &key) {
                Ok(signed) => Read::Seal(Box::new(signed)),
                Err(_) => Read::Other,
            }
        }
        _ => Read::Other,
    }
}

impl Bidder {
    pub(super) fn new(who: usize, dice: Dice) -> Self {
        Self {
            who,
            dice,
            sale: None,
            held: None,
            enrolled: false,
            n: 0,
            open: BTreeMap::new(),
            receipts: BTreeMap::new(),
            next: 0,
            early: BTreeMap::new(),
            standing: BTreeMap::new(),
            follower: None,
            follows: who == 0,
        }
    }

    /// The checkpoint for a `hello`.
    pub(super) fn note(&self) -> Option<String> {
        self.held.as_ref().map(|held| held.note().to_owned())
    }

    // ---- What is heard ----

    /// Holds a welcome against what was shown before.
    pub(super) fn welcome(&mut self, office: &Office, welcome: &Welcome, trace: &Trace) {
        let open = String::from_utf8_lossy(&welcome.open);
        match &self.sale {
            Some(sale) if sale.open_line() == open => {}
            Some(_) => trace.violation("FORK: another line 0".to_owned()),
            None => match KnownSale::read(&open, office.ca.anchor(), &office.house) {
                Ok(sale) => {
                    let sale = Arc::new(sale);
                    self.follower =
                        self.follows.then(|| Follower::from_the_start(Arc::clone(&sale)));
                    self.sale = Some(sale);
                }
                Err(fault) => trace.violation(format!("a welcome is not believed: {fault}")),
            },
        }
        let newest = &welcome.checkpoint;
        if let Some(held) = &self.held {
            let (old, new) = (held.checkpoint(), newest.checkpoint());
            let same = old.size == new.size && old.root == new.root;
            let extends = old.size < new.size
                && verify_consistency(old.size, new.size, &welcome.proof, old.root, new.root)
                    .is_ok();
            if !same && !extends {
                let fork = format!("FORK: {} shown after {}", new.size, old.size);
                trace.violation(fork);
            }
        }
        self.hold(newest, trace);
    }

    /// Takes a receipt for one of our own.
    pub(super) fn receipt(&mut self, office: &Office, op: u64, receipt: &Receipt, trace: &Trace) {
        match receipt.check(&office.origin(), &office.sealing_public()) {
            Ok(signed) => self.hold(&signed, trace),
            Err(fault) => trace.violation(format!("a receipt does not verify: {fault}")),
        }
        match self.receipts.get(&op) {
            Some(before) if before.entry != receipt.entry || before.index != receipt.index => {
                trace.violation(format!("two receipts of operation {op} differ"));
            }
            _ => drop(self.receipts.insert(op, receipt.clone())),
        }
        if let Some(Payload::Enrol(_)) = self.open.remove(&op) {
            self.enrolled = true;
        }
    }

    /// Takes a newer checkpoint over, and holds the lines against it.
    fn hold(&mut self, signed: &SignedCheckpoint, trace: &Trace) {
        if let Some(follower) = &mut self.follower
            && let Err(fault) = follower.hold_to(signed)
        {
            trace.violation(format!("a checkpoint against the lines: {fault}"));
        }
        let size = |signed: &SignedCheckpoint| signed.checkpoint().size;
        if self.held.as_ref().is_none_or(|held| size(held) < size(signed)) {
            self.held = Some(signed.clone());
        }
    }

    /// Takes a line that came, in its place.
    pub(super) fn line(
        &mut self,
        seq: u64,
        line: &Arc<str>,
        mut read: impl FnMut(u64, &str) -> Read,
        trace: &Trace,
    ) {
        if seq >= self.next {
            self.early.insert(seq, Arc::clone(line));
        }
        while let Some(line) = self.early.remove(&self.next) {
            if let Some(follower) = &mut self.follower
                && let Err(fault) = follower.take(&line)
            {
                trace.violation(format!("a line is not believed: {fault}"));
                self.follower = None;
            }
            match read(self.next, &line) {
                Read::Bid { lot, price, seq } => {
                    self.standing.insert(lot, Standing { price, seq: Some(seq) });
                }
                Read::Seal(signed) => self.hold(&signed, trace),
                Read::Other => {}
            }
            self.next += 1;
        }
    }

    /// The connection has ended: what came too early comes again.
    pub(super) fn forget_early(&mut self) {
        self.early.clear();
    }

    // ---- What is signed ----

    /// What to send next, if anything comes to mind.
    pub(super) fn wish(
        &mut self,
        office: &Office,
        lots: &[LotId],
        now: Timestamp,
    ) -> Option<Payload> {
        let sale_hash = self.sale.as_ref()?.sale_hash();
        if !self.enrolled {
            let enrols = self.open.is_empty();
            return enrols.then(|| Payload::Enrol(Box::new(office.enrolment(self.who, sale_hash))));
        }
        if self.open.len() > 3 {
            return None;
        }
        if self.who != AUCTIONEER {
            return self.bid(office, lots);
        }
        let lot = self.dice.pick(lots).clone();
        let seen = self.standing.get(&lot).and_then(|standing| standing.seq);
        let deed = match self.dice.below(24) {
            0..4 => Deed::Pause { lot },
            4..8 => Deed::Resume { lot },
            8..11 => {
                let ms = self.dice.below(20_000);
                Deed::Extend { lot, ends_at: now.plus(Span::from_ms(ms)) }
            }
            11..14 => Deed::Void { lot, seen },
            14..17 => Deed::Say { lot: Some(lot), text: title("Going once") },
            17..19 => return self.lower(office, lot),
            19 => Deed::Withdraw { lot },
            20 => Deed::Hammer { lot, seen },
            _ => return None,
        };
        self.act(office, deed, None)
    }

    /// What ends the sale: the auctioneer's wish when everybody comes to an end.
    pub(super) fn last_wish(&mut self, office: &Office, lots: &[LotId]) -> Option<Payload> {
        let can = self.who == AUCTIONEER && self.enrolled && self.open.is_empty();
        if !can {
            return None;
        }
        let lot = self.dice.pick(lots).clone();
        let seen = self.standing.get(&lot).and_then(|standing| standing.seq);
        let deed = if self.dice.percent(40) { Deed::Closing } else { Deed::Hammer { lot, seen } };
        self.act(office, deed, None)
    }

    fn bid(&mut self, office: &Office, lots: &[LotId]) -> Option<Payload> {
        let lot = self.dice.pick(lots).clone();
        let price = self.standing.get(&lot).map_or(40, |standing| standing.price);
        let amount: Amount = amount(price.saturating_sub(2).max(1) + self.dice.below(14));
        let statement = Statement {
            amount,
            bid_key: BidKey::from(office.bid_key(self.who)),
            bidder: office.identity(self.who).name.clone(),
            head: self.head()?,
            lot,
            n: self.next_n(),
            sale_hash: self.sale.as_ref()?.sale_hash(),
        };
        let signed = SignedBid::sign(statement, office.bid_key(self.who));
        Some(Payload::Signed(Box::new(signed.into()), None))
    }

    fn lower(&mut self, office: &Office, lot: LotId) -> Option<Payload> {
        let reserve = amount(1 + self.dice.below(60));
        let opening = ReserveOpening { reserve, nonce: nonce(&mut self.dice) };
        let commitment = record::commit(&office.sale, &lot, &opening);
        self.act(office, Deed::Reserve { lot, commitment }, Some(opening))
    }

    fn act(
        &mut self,
        office: &Office,
        deed: Deed,
        opening: Option<ReserveOpening>,
    ) -> Option<Payload> {
        let statement = ActStatement {
            bid_key: BidKey::from(office.bid_key(self.who)),
            bidder: office.identity(self.who).name.clone(),
            head: self.head()?,
            n: self.next_n(),
            order: Order::Deed(deed),
            reason: Some(title("so it is")),
            sale_hash: self.sale.as_ref()?.sale_hash(),
        };
        let signed = SignedAct::sign(statement, office.bid_key(self.who));
        Some(Payload::Signed(Box::new(signed.into()), opening))
    }

    fn head(&self) -> Option<Head> {
        let held = self.held.as_ref()?.checkpoint();
        Some(Head { root: held.root, size: held.size })
    }

    fn next_n(&mut self) -> u64 {
        self.n += 1;
        self.n
    }
}
