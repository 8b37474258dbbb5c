//! A client's place in one sale: all that outlives a connection. What it
//! remembers, how far it has followed the ledger, and what it signs with.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::alarm::{Alarm, odd_bid, odd_enrolment};
use super::bidding::{Pen, Proven};
use super::cosigned::Cosigned;
use super::early::Early;
use super::follow::{Entry, FollowFault, Follower, Held};
use super::greeting::{Greeted, KnownSale, OwnEnrolment, head_of};
use super::memory::{MemoryFault, SaleMemory};
use super::session::Following;
use crate::clock::Stopwatch;
use crate::ledger::SignedCheckpoint;
use crate::limits::REMEMBER_EVERY;
use crate::pki::Identity;
use crate::record::{Head, Record};
use crate::time::{Span, Timestamp};
use crate::wire::json::Lines;

/// A client's place in one sale.
pub(super) struct Place {
    pub(super) sale: Arc<KnownSale>,
    pub(super) memory: SaleMemory,
    pub(super) pen: Option<Pen>,
    /// The newest checkpoint that was verified and may be signed upon.
    newest: SignedCheckpoint,
    follower: Option<Follower>,
    /// The newest cosigned checkpoint that was held against the ledger.
    cosigned: Option<Cosigned>,
    /// A newer one over lines that are not all here yet.
    awaited: Option<Cosigned>,
    /// Whether one came with the welcome that nobody was told of.
    is_cosigned_news: bool,
    /// Live lines that came before those between were there.
    early: Early,
    /// The lines that an alarm was raised about.
    alarmed: BTreeSet<u64>,
    remembered: Stopwatch,
    official: (Timestamp, Stopwatch),
}

/// What a batch of lines comes to.
pub(super) enum News {
    Entry(Box<Entry>),
    Alarm(Alarm),
    Cosigned(Box<Cosigned>),
}

/// What the house showed last, when it is caught.
#[derive(Debug)]
pub(super) enum Shown {
    Line(String),
    Note(String),
}

/// Why lines were not taken in.
#[derive(Debug)]
pub(super) enum PlaceFault {
    Follow { fault: FollowFault, shown: Shown },
    Memory(MemoryFault),
}

impl Shown {
    fn of(signed: &SignedCheckpoint) -> Self {
        Self::Note(signed.note().to_owned())
    }
}

impl From<MemoryFault> for PlaceFault {
    fn from(fault: MemoryFault) -> Self {
        Self::Memory(fault)
    }
}

impl Place {
    /// Takes a place after the first welcome.
    pub(super) fn new(
        sale: Arc<KnownSale>,
        memory: SaleMemory,
        following: Following,
        identity: &Identity,
        greeted: Greeted,
        now: Timestamp,
    ) -> Result<Self, PlaceFault> {
        let Greeted { newest, frontier, cosigned, .. } = greeted;
        let follower = match following {
            Following::Everything => Some(Follower::from_the_start(Arc::clone(&sale))),
            Following::Onward => Some(Follower::from_tree(Arc::clone(&sale), frontier)),
            Following::Nothing => None,
        };
        let pen = memory.kept_bid_key(&identity.cert)?.map(Pen::new);
        // One that is damaged proves nothing and gives way to the next.
        let kept = memory.cosigned()?.and_then(|note| sale.cosigned(&note).ok().flatten());
        let mut place = Self {
            sale,
            memory,
            pen,
            newest,
            follower,
            cosigned: kept,
            awaited: None,
            is_cosigned_news: false,
            early: Early::default(),
            alarmed: BTreeSet::new(),
            remembered: Stopwatch::start(),
            official: (now, Stopwatch::start()),
        };
        place.memory.keep_open_line(place.sale.open_line(), &place.sale.opening().sale)?;
        place.settle_upon_newest()?;
        place.take_over(cosigned)?;
        Ok(place)
    }

    /// Goes on after another welcome of the same sale.
    pub(super) fn resume(&mut self, greeted: Greeted, now: Timestamp) -> Result<(), PlaceFault> {
        self.newest = greeted.newest;
        self.official = (now, Stopwatch::start());
        self.early.clear();
        self.settle_upon_newest()?;
        self.take_over(greeted.cosigned)
    }

    /// Compares the enrolments under our name with our own.
    pub(super) fn compare(&mut self, own: &[OwnEnrolment], identity: &Identity) -> Vec<Alarm> {
        let bid_key = self.pen.as_ref().map(Pen::bid_key);
        if let Some(pen) = &mut self.pen {
            pen.enrolled |= own.iter().any(|own| own.bid_key == bid_key);
        }
        let new = own.iter().filter(|own| self.alarmed.insert(own.seq));
        new.filter_map(|own| odd_enrolment(own, &identity.key, bid_key.as_ref())).collect()
    }

    /// Remembers the newest checkpoint and holds the lines against it.
    fn settle_upon_newest(&mut self) -> Result<(), PlaceFault> {
        self.memory.keep_head(&self.newest)?;
        let newest = self.newest.clone();
        self.hold_to(&newest).map(drop)
    }

    fn hold_to(&mut self, signed: &SignedCheckpoint) -> Result<Held, PlaceFault> {
        match &mut self.follower {
            Some(follower) => follower
                .hold_to(signed)
                .map_err(|fault| PlaceFault::Follow { fault, shown: Shown::of(signed) }),
            None => Ok(Held::TooOld),
        }
    }

    // ---- Cosigned checkpoints ----

    /// The newest cosigned checkpoint that was held against the ledger.
    pub(super) const fn cosigned(&self) -> Option<&Cosigned> {
        self.cosigned.as_ref()
    }

    /// Takes one over that the welcome's checkpoint was proven to continue.
    fn take_over(&mut self, proven: Option<Cosigned>) -> Result<(), PlaceFault> {
        let Some(proven) = proven else { return Ok(()) };
        self.hold_to(proven.checkpoint())?;
        if proven.is_more_than(self.cosigned.as_ref()) {
            self.keep_cosigned(proven)?;
            self.is_cosigned_news = true;
        }
        Ok(())
    }

    /// The one that came with the welcome, once.
    pub(super) fn take_proven(&mut self) -> Option<Cosigned> {
        std::mem::take(&mut self.is_cosigned_news).then(|| self.cosigned.clone()).flatten()
    }

    /// Holds one against the lines; gives it if it is newer, or keeps it until the lines are here.
    pub(super) fn hold_cosigned(
        &mut self,
        cosigned: Cosigned,
    ) -> Result<Option<Cosigned>, PlaceFault> {
        let held = self.hold_to(cosigned.checkpoint())?;
        if !cosigned.is_more_than(self.cosigned.as_ref()) {
            return Ok(None);
        }
        match held {
            Held::Matches => {
                self.keep_cosigned(cosigned.clone())?;
                Ok(Some(cosigned))
            }
            Held::Awaited => {
                self.awaited = Some(cosigned);
                Ok(None)
            }
            Held::TooOld => Ok(None),
        }
    }

    fn keep_cosigned(&mut self, cosigned: Cosigned) -> Result<(), MemoryFault> {
        // The house must never be able to show less than what others have signed for it.
        self.memory.keep_head(&self.newest)?;
        self.memory.keep_cosigned(cosigned.checkpoint())?;
        self.cosigned = Some(cosigned);
        Ok(())
    }

    /// The lines have come that it waited for, and have passed it.
    fn keep_awaited(&mut self) -> Result<Option<Cosigned>, PlaceFault> {
        let next = self.follower.as_ref().map_or(0, Follower::next);
        match self.awaited.take_if(|awaited| awaited.size() <= next) {
            Some(cosigned) => self.hold_cosigned(cosigned),
            None => Ok(None),
        }
    }

    // ---- Heads and lines ----

    /// The newest checkpoint that was verified.
    pub(super) const fn newest(&self) -> &SignedCheckpoint {
        &self.newest
    }

    /// The tree to sign upon, once it is on the disk.
    pub(super) fn head(&mut self) -> Result<Head, MemoryFault> {
        self.memory.keep_head(&self.newest)?;
        Ok(head_of(&self.newest))
    }

    /// The lines that were followed so far.
    pub(super) const fn follower(&self) -> Option<&Follower> {
        self.follower.as_ref()
    }

    /// The sale's official time, as far as one can know it here.
    pub(super) fn official_now(&self) -> Timestamp {
        let (then, since) = &self.official;
        then.plus(Span::from_ms(since.elapsed_us() / 1000))
    }

    /// The first line that is missing before `next`, if one is.
    pub(super) fn missing_before(&self, next: u64) -> Option<u64> {
        self.follower.as_ref().map(Follower::next).filter(|mine| *mine < next)
    }

    /// The first line that is missing before those that are here already.
    pub(super) fn gap(&self) -> Option<u64> {
        self.missing_before(self.early.first()?)
    }

    /// A checkpoint that came with a receipt or at the end of a fetch: the lines are held against it.
    pub(super) fn note_signed(&mut self, signed: SignedCheckpoint) -> Result<(), PlaceFault> {
        self.hold_to(&signed)?;
        // Whoever follows signs upon what the lines have shown, others upon what was signed.
        if self.follower.is_none() && head_of(&signed).size > head_of(&self.newest).size {
            self.newest = signed;
        }
        Ok(())
    }

    /// Keeps a receipt and what it says about the tree.
    pub(super) fn keep_receipt(&mut self, proven: Proven, text: &str) -> Result<(), PlaceFault> {
        self.memory.keep_receipt(proven.seq, text)?;
        self.note_signed(proven.checkpoint)
    }

    /// Checks lines and says what they come to. Lines that are here already are
    /// passed over, lines that come too early wait.
    pub(super) fn take(
        &mut self,
        lines: Lines,
        identity: &Identity,
        mut tell: impl FnMut(News),
    ) -> Result<(), PlaceFault> {
        let mut entries = Vec::new();
        let followed = self.follow(lines, &mut entries);
        // What was checked before a fault is told all the same.
        for entry in entries {
            let alarm = self.look_for_our_name(&entry, identity);
            tell(News::Entry(Box::new(entry)));
            if let Some(alarm) = alarm {
                tell(News::Alarm(alarm));
            }
        }
        followed?;
        self.take_seal()?;
        if let Some(cosigned) = self.keep_awaited()? {
            tell(News::Cosigned(Box::new(cosigned)));
        }
        Ok(())
    }

    fn follow(&mut self, lines: Lines, entries: &mut Vec<Entry>) -> Result<(), PlaceFault> {
        let Some(follower) = &mut self.follower else { return Ok(()) };
        for (seq, line) in (lines.from..).zip(lines.lines) {
            if seq > follower.next() {
                self.early.hold(seq, line);
                continue;
            }
            let mut line = (seq == follower.next()).then_some(line);
            while let Some(due) = line {
                let entry = follower
                    .take(&due)
                    .map_err(|fault| PlaceFault::Follow { fault, shown: Shown::Line(due) })?;
                line = self.early.take(follower.next());
                entries.push(entry);
            }
        }
        let next = follower.next();
        self.early.forget_up_to(next);
        Ok(())
    }

    fn look_for_our_name(&mut self, entry: &Entry, identity: &Identity) -> Option<Alarm> {
        match (&entry.record, entry.at) {
            (Record::Enrol(enrolment), Some(at)) if enrolment.bidder == identity.name => {
                let own = self.sale.own(entry.seq, at, enrolment);
                self.compare(&[own], identity).pop()
            }
            _ => {
                let bid_key = self.pen.as_ref().map(Pen::bid_key);
                odd_bid(entry, &identity.name, bid_key.as_ref())
            }
        }
    }

    /// Takes the newest seal over as the head, and remembers it now and then.
    fn take_seal(&mut self) -> Result<(), PlaceFault> {
        let Some(sealed) = self.follower.as_ref().and_then(Follower::sealed) else {
            return Ok(());
        };
        if head_of(sealed).size > head_of(&self.newest).size {
            self.newest = sealed.clone();
            if self.remembered.elapsed_us() / 1000 >= REMEMBER_EVERY.ms() {
                self.remembered = Stopwatch::start();
                self.memory.keep_head(&self.newest)?;
            }
        }
        Ok(())
    }

    /// Keeps what the house contradicted itself with.
    pub(super) fn keep_evidence(
        &mut self,
        fault: &FollowFault,
        shown: &Shown,
    ) -> Result<Option<PathBuf>, MemoryFault> {
        let next = self.follower.as_ref().map_or(0, Follower::next);
        let note_name = format!("signed-{}.checkpoint", head_of(&self.newest).size);
        let (shown_name, text) = match shown {
            Shown::Line(line) => (format!("line-{next}.json"), line),
            Shown::Note(note) => ("shown.checkpoint".to_owned(), note),
        };
        let mut files = vec![(&*note_name, self.newest.note()), (&*shown_name, text.as_str())];
        let promised = match (fault, &self.follower) {
            (FollowFault::Root { size }, Some(follower)) => follower.promised(*size),
            _ => None,
        };
        files.extend(promised.map(|promised| ("promised.checkpoint", promised.note())));
        self.memory.keep_evidence(&files)
    }
}
