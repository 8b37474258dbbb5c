//! The sale played again: roster and rules, the very ones that the live house
//! asks, over what the ledger says was done.
//!
//! A line that the roster or its signature condemns is reported and the replay
//! goes on; so several forged bids are all found. At the first line that the
//! rules condemn their replay ends, for from there on every line would only echo
//! it; seals, signatures and enrolments are judged to the end.

mod statements;

use std::sync::Arc;

use statements::roster_kind;

use super::finding::{Finding, FindingKind, Findings};
use super::judge::{Entry, record_finding};
use super::rules::{self, Wrong};
use super::signatures::{self, Checked, Keys};
use super::tally::Tally;
use crate::auction::event::{Event, Happening};
use crate::auction::lot::Lot;
use crate::auction::name::LotId;
use crate::auction::reserve::{Promise, ReserveOpening};
use crate::auction::sale::Sale;
use crate::ledger::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::ledger::entry::Kind;
use crate::ledger::merkle::Frontier;
use crate::record::{
    self, Authenticated, Counts, Enrolled, EnrolmentFault, Head, Opening, ReadyKeys, Record,
    RecordError, Revocation,
};
use crate::roster::Roster;
use crate::time::Timestamp;

/// Where an entry stands: over which tree, after what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The tree over the lines before it.
    pub(super) tree: &'a Frontier,
    /// The type of the line before it.
    pub(super) after: Option<Kind>,
    /// The newest time before it; a seal has none of its own.
    pub(super) last_at: Option<Timestamp>,
}

/// A sale in replay.
#[derive(Clone, Debug)]
pub(super) struct Replay {
    opening: Opening,
    keys: Arc<Keys>,
    roster: Roster,
    sale: Sale,
    tally: Tally,
    opened_at: Timestamp,
    /// The rules are no longer asked: their state is unknown since a wrong line.
    derailed: bool,
    /// A seal has followed a seal: only a restart does that, and notes its outage next.
    restarting: bool,
    end: End,
}

/// How near the ledger is to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Running,
    Closed,
    Sealed,
    /// Something follows where nothing may; it was reported.
    Overrun,
}

impl Replay {
    pub(super) fn new(opening: Opening, keys: Arc<Keys>, sale: Sale, keeps_annexes: bool) -> Self {
        let roster = Roster::new(keys.sale_hash, &opening.terms);
        let tally = Tally::new(sale.lots().len(), keeps_annexes);
        let opened_at = sale.last();
        Self {
            opening,
            keys,
            roster,
            sale,
            tally,
            opened_at,
            derailed: false,
            restarting: false,
            end: End::Running,
        }
    }

    pub(super) const fn opening(&self) -> &Opening {
        &self.opening
    }

    pub(super) const fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    pub(super) const fn sale(&self) -> &Sale {
        &self.sale
    }

    pub(super) const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Whether the rules are no longer asked, since a line that they do not allow.
    pub(super) const fn is_derailed(&self) -> bool {
        self.derailed
    }

    /// The time of line 0.
    pub(super) const fn opened_at(&self) -> Timestamp {
        self.opened_at
    }

    /// Whether the sale has closed in this ledger.
    pub(super) fn is_closed(&self) -> bool {
        self.end != End::Running
    }

    /// Whether its close is sealed as well.
    pub(super) fn is_sealed(&self) -> bool {
        self.end == End::Sealed
    }

    /// Stops asking the rules: what the sale's state is now, nobody can say.
    pub(super) const fn derail(&mut self) {
        self.derailed = true;
    }

    /// Judges an entry, and takes it in.
    pub(super) fn take(
        &mut self,
        entry: &Entry,
        checked: Result<Checked, RecordError>,
        place: &Place<'_>,
        findings: &mut Findings,
    ) {
        let mut report =
            |(kind, detail): Wrong| findings.push(Finding::at(entry.seq, kind, detail));
        self.check_place(entry.kind, place).unwrap_or_else(&mut report);
        let at = entry.at.or(place.last_at).unwrap_or(Timestamp::ZERO);
        let checked = match checked {
            Ok(Checked::Unchecked(record)) => {
                signatures::check(record, at, Some(&self.keys), &ReadyKeys::default())
            }
            Ok(checked) => checked,
            Err(error) => {
                self.derail();
                return findings.push(record_finding(entry.seq, &error));
            }
        };
        let judged = match checked {
            Checked::Seal(seal) => self.seal(seal, at, place),
            Checked::Enrolment(enrolment) => self.enrol(*enrolment, at),
            Checked::Bid { accepted, signature } => {
                let wrong = self.bid(entry, at, &accepted, signature);
                wrong.into_iter().for_each(&mut report);
                Ok(())
            }
            Checked::Act { recorded, signature } => {
                let wrong = self.act(entry.seq, at, &recorded, signature);
                wrong.into_iter().for_each(&mut report);
                Ok(())
            }
            Checked::Refused { refused, signature } => self.refused(entry, at, &refused, signature),
            Checked::Unsigned(record) | Checked::Unchecked(record) => {
                self.unsigned(entry.seq, record, at, place)
            }
        };
        judged.unwrap_or_else(report);
    }

    /// What may stand here at all, whatever it says.
    fn check_place(&mut self, kind: Kind, place: &Place<'_>) -> Result<(), Wrong> {
        if place.after == Some(Kind::Lot) && kind != Kind::Seal && self.tally.seals == 0 {
            let detail = format!("the first seal must follow the catalogue, not a {kind}");
            return Err((FindingKind::Seal, detail));
        }
        self.check_after_seals(kind, place)?;
        match (self.end, kind) {
            (End::Running, Kind::Close) => self.end = End::Closed,
            (End::Running, _) | (End::Overrun, _) => {}
            (End::Closed, Kind::Seal) => self.end = End::Sealed,
            (End::Closed, _) => {
                self.end = End::Overrun;
                self.derail();
                let detail = format!("a {kind} follows the close, where only its seal may");
                return Err((FindingKind::Closed, detail));
            }
            (End::Sealed, _) => {
                self.end = End::Overrun;
                self.derail();
                let detail = format!("a {kind} follows the seal over the close");
                return Err((FindingKind::Closed, detail));
            }
        }
        Ok(())
    }

    /// Two seals follow each other only where the house was restarted between them.
    /// Otherwise it could seal until every head that bidders know has left the window.
    fn check_after_seals(&mut self, kind: Kind, place: &Place<'_>) -> Result<(), Wrong> {
        if kind == Kind::Seal {
            self.restarting |= place.after == Some(Kind::Seal) && self.end == End::Running;
            return Ok(());
        }
        if std::mem::take(&mut self.restarting) && kind != Kind::Outage {
            let detail = format!("two seals and then a {kind}: a restart notes its outage");
            return Err((FindingKind::Seal, detail));
        }
        Ok(())
    }

    // ---- Seals ----

    fn seal(
        &mut self,
        seal: Result<SignedCheckpoint, CheckpointError>,
        at: Timestamp,
        place: &Place<'_>,
    ) -> Result<(), Wrong> {
        self.tally.seals += 1;
        let seal = seal.map_err(|error| {
            (FindingKind::named(error.kind()).unwrap_or(FindingKind::Seal), error.to_string())
        })?;
        let sealed = seal.checkpoint();
        let (size, root) = (place.tree.size(), place.tree.root());
        if sealed.size != size || sealed.root != root {
            let detail = format!(
                "it is over {} lines with the root {}; the {size} lines before it have {root}",
                sealed.size, sealed.root
            );
            return Err((FindingKind::Root, detail));
        }
        self.roster.apply_seal(Head { root, size });
        let not_after = self.keys.sealer.not_after;
        // Certificates are judged in whole seconds, the last one included.
        if at.unix_s() > not_after.unix_s() {
            let detail = format!("the sealing certificate expired at {not_after}");
            return Err((FindingKind::CertificateTime, detail));
        }
        Ok(())
    }

    // ---- Who ----

    fn enrol(
        &mut self,
        enrolment: Result<Authenticated<Enrolled>, EnrolmentFault>,
        at: Timestamp,
    ) -> Result<(), Wrong> {
        self.outside_the_rules(at)?;
        let enrolled = enrolment.map_err(|fault| {
            (FindingKind::named(fault.kind()).unwrap_or(FindingKind::Enrolment), fault.to_string())
        })?;
        self.roster
            .judge_enrolment(at, &enrolled)
            .map_err(|code| (roster_kind(code), format!("the roster's answer is {code}")))?;
        self.roster.apply_enrolment(&enrolled);
        self.tally.enrol(&enrolled);
        Ok(())
    }

    /// An entry that the rules do not cause: it may stand where nothing is overdue.
    fn outside_the_rules(&mut self, at: Timestamp) -> Result<(), Wrong> {
        if self.derailed {
            return Ok(());
        }
        match self.sale.check_time(at) {
            Ok(()) => {
                self.sale.elapse(at);
                Ok(())
            }
            Err(unfit) => {
                self.derail();
                Err(rules::unfit_time(unfit))
            }
        }
    }

    // ---- What carries no signature ----

    fn unsigned(
        &mut self,
        seq: u64,
        record: Record,
        at: Timestamp,
        place: &Place<'_>,
    ) -> Result<(), Wrong> {
        match record {
            Record::Event(event) => self.event(seq, &event, place),
            Record::Counted(counts) => self.counted(&counts, at),
            Record::Revoke(revocation) => self.revoke(revocation, at),
            Record::Open(_) => Err((FindingKind::Rules, "a second opening in mid-sale".to_owned())),
            Record::Lot(_) => Err((FindingKind::Rules, "a lot is added in mid-sale".to_owned())),
            Record::Act(_)
            | Record::Bid(_)
            | Record::Enrol(_)
            | Record::Refused(_)
            | Record::Seal { .. } => Ok(()),
        }
    }

    fn event(&mut self, seq: u64, event: &Event, place: &Place<'_>) -> Result<(), Wrong> {
        if let Happening::OutageEnded { .. } = event.what
            && place.after != Some(Kind::Seal)
        {
            self.derail();
            let detail = "a restart seals what it recovered before it notes the outage";
            return Err((FindingKind::Outage, detail.to_owned()));
        }
        let opened = match &event.what {
            Happening::LotClosed { lot, reserves, .. } => self.check_openings(lot, reserves),
            _ => Ok(()),
        };
        self.happen(event).and(opened)?;
        self.tally.event(seq, event);
        Ok(())
    }

    /// Holds what opens a lot's reserve against the commitments that were made to it.
    fn check_openings(&self, lot: &LotId, openings: &[ReserveOpening]) -> Result<(), Wrong> {
        let promises = self.sale.lot(lot).map(Lot::promises).unwrap_or_default();
        let commitments = promises.iter().map(Promise::commitment);
        record::check_openings(&self.opening.sale, lot, commitments, openings)
            .map_err(|wrong| (FindingKind::Reserve, wrong.to_string()))
    }

    /// Asks the rules about an event, and takes it in if it is theirs.
    fn happen(&mut self, event: &Event) -> Result<(), Wrong> {
        if self.derailed {
            return Ok(());
        }
        match rules::check(&self.sale, event) {
            Ok(()) => {
                self.sale.apply(event);
                Ok(())
            }
            Err(wrong) => {
                self.derail();
                Err(wrong)
            }
        }
    }

    fn counted(&mut self, counts: &Counts, at: Timestamp) -> Result<(), Wrong> {
        self.outside_the_rules(at)?;
        self.tally.count(counts);
        match counts.keys.iter().find(|(key, _)| self.roster.n_used(key).is_none()) {
            Some((key, _)) => {
                Err((FindingKind::Roster, format!("the counted bid key {key} is not enrolled")))
            }
            None => {
                self.roster.apply_counts(counts);
                Ok(())
            }
        }
    }

    fn revoke(&mut self, revocation: Revocation, at: Timestamp) -> Result<(), Wrong> {
        self.outside_the_rules(at)?;
        self.roster.apply_revocation(revocation.serial.clone());
        self.tally.revoke(revocation);
        Ok(())
    }
}
