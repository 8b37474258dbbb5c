//! The replay of a ledger at a start: the same roster and rules as ever, line by line.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ed25519_dalek::VerifyingKey;

use super::answers::sealer_end;
use super::bids::No;
use super::recovery::RecoveryRefusal;
use super::reserves::Reserves;
use super::{House, Known, OpenFrame, Own, bid_key_of};
use crate::auction::act::Word;
use crate::auction::catalogue::LotTerms;
use crate::auction::event::{Event, Happening};
use crate::auction::name::LotId;
use crate::auction::refusal::{Code, Unfit};
use crate::auction::reserve::{Promise, ReserveOpening};
use crate::auction::sale::Sale;
use crate::ledger::chain::{Chain, Hashed};
use crate::ledger::checkpoint::{Checkpoint, SealingKey, SignedCheckpoint};
use crate::ledger::entry::{Kind, Line};
use crate::ledger::hash::Hash;
use crate::ledger::note::Note;
use crate::ledger::store::AnchorFound;
use crate::pki::Anchor;
use crate::record::{
    self, AcceptedBid, BidEvidence, Enrolment, EnrolmentFault, Head, Opening, Record, RecordedAct,
    Refused, Signed,
};
use crate::roster::Roster;
use crate::time::Timestamp;

#[derive(Debug)]
pub(super) struct Lots {
    pub(super) opening: Opening,
    pub(super) open_line: Arc<[u8]>,
    pub(super) sealer: VerifyingKey,
    pub(super) lots: Vec<LotTerms>,
    pub(super) at: Timestamp,
    pub(super) chain: Chain,
}

impl Lots {
    pub(super) fn take(
        &mut self,
        raw: &[u8],
        line: &Line<'_>,
        lot: LotTerms,
    ) -> Result<(), RecoveryRefusal> {
        self.chain
            .replay(line, raw)
            .map_err(|fault| RecoveryRefusal::Chain { seq: line.seq, fault })?;
        self.lots.push(lot);
        Ok(())
    }

    pub(super) fn is_whole(&self) -> bool {
        u64::try_from(self.lots.len()).is_ok_and(|lots| lots == self.opening.lot_count)
    }

    pub(super) fn run(self) -> Result<Replay, RecoveryRefusal> {
        let catalogue = record::catalogue(&self.opening, self.lots)?;
        let sale_hash = Hash::of(&self.open_line);
        Ok(Replay {
            roster: Roster::new(sale_hash, &self.opening.terms),
            sale: Sale::open(Arc::new(catalogue), self.at),
            opening: self.opening,
            open_line: self.open_line,
            sale_hash,
            sealer: self.sealer,
            chain: self.chain,
            answers: HashMap::new(),
            own: HashMap::new(),
            notes: BTreeMap::new(),
            last_kind: Kind::Lot,
        })
    }
}

/// The next line, and what was worked out of it.
#[derive(Clone, Copy)]
pub(super) struct Next<'a> {
    pub(super) raw: &'a [u8],
    pub(super) line: &'a Line<'a>,
    pub(super) hashed: Hashed,
}

/// The bid or act in a line, and by what the same bytes are known again.
#[derive(Debug)]
pub(super) struct Stated {
    signed: Signed,
    digest: Hash,
}

impl Stated {
    pub(super) fn of(record: &Record) -> Option<Self> {
        let signed = match record {
            Record::Bid(accepted) => accepted.evidence.signed()?,
            Record::Act(recorded) => Signed::Act(recorded.act.clone()),
            Record::Refused(refused) => refused.signed.clone(),
            _ => return None,
        };
        Some(Self { digest: signed.digest(), signed })
    }
}

#[derive(Debug)]
pub(super) struct Replay {
    pub(super) opening: Opening,
    pub(super) open_line: Arc<[u8]>,
    pub(super) sale_hash: Hash,
    pub(super) sealer: VerifyingKey,
    pub(super) roster: Roster,
    pub(super) sale: Sale,
    pub(super) chain: Chain,
    pub(super) answers: HashMap<Hash, Known>,
    pub(super) own: HashMap<crate::auction::name::Name, Vec<Own>>,
    pub(super) notes: BTreeMap<u64, Arc<str>>,
    pub(super) last_kind: Kind,
}

impl Replay {
    pub(super) fn take(
        &mut self,
        next: Next<'_>,
        record: Record,
        stated: Option<Stated>,
        anchor: &Anchor,
    ) -> Result<(), RecoveryRefusal> {
        let Next { line, hashed, .. } = next;
        let seq = line.seq;
        let rules = |why: String| RecoveryRefusal::Rules { seq, why };
        match record {
            Record::Seal { note } => self.seal(seq, &note)?,
            record => {
                let at = line.at.ok_or_else(|| rules("the line has no time".into()))?;
                self.enter(next, at, record, stated.as_ref(), anchor).map_err(rules)?;
            }
        }
        self.last_kind = line.kind;
        let replayed = self.chain.replay_hashed(line, hashed);
        replayed.map_err(|fault| RecoveryRefusal::Chain { seq, fault })
    }

    fn seal(&mut self, seq: u64, note: &str) -> Result<(), RecoveryRefusal> {
        let checkpoint = unverified(note).ok_or(RecoveryRefusal::Seal { seq })?;
        if checkpoint.size != seq || checkpoint.root != self.chain.root() {
            return Err(RecoveryRefusal::Seal { seq });
        }
        self.roster.apply_seal(Head { root: checkpoint.root, size: checkpoint.size });
        self.notes.insert(checkpoint.size, note.into());
        Ok(())
    }

    fn enter(
        &mut self,
        next: Next<'_>,
        at: Timestamp,
        record: Record,
        stated: Option<&Stated>,
        anchor: &Anchor,
    ) -> Result<(), String> {
        let Next { raw, line, .. } = next;
        match record {
            Record::Event(event) => self.happen(&event),
            Record::Act(recorded) => self.act(line.seq, at, &recorded, stated),
            Record::Bid(accepted) => self.bid(line.seq, at, &accepted, stated),
            Record::Enrol(enrolment) => self.enrol(raw, line.seq, at, *enrolment, anchor),
            Record::Refused(refused) => self.refused(at, &refused, line.body.len(), stated),
            Record::Counted(counts) => {
                self.outside_the_rules(at)?;
                self.roster.apply_counts(&counts);
                Ok(())
            }
            Record::Revoke(revocation) => {
                self.outside_the_rules(at)?;
                self.roster.apply_revocation(revocation.serial);
                Ok(())
            }
            Record::Open(_) | Record::Lot(_) | Record::Seal { .. } => {
                Err("a second beginning".into())
            }
        }
    }

    fn outside_the_rules(&mut self, at: Timestamp) -> Result<(), String> {
        self.sale.check_time(at).map_err(|fault| fault.to_string())?;
        self.sale.elapse(at);
        Ok(())
    }

    fn happen(&mut self, event: &Event) -> Result<(), String> {
        if let Happening::LotClosed { lot, reserves, .. } = &event.what {
            self.check_openings(lot, reserves)?;
        }
        let decided = self.sale.decide(event.at, event.input()).map_err(|no| no.to_string())?;
        if decided != *event {
            return Err("the rules lead to something else".into());
        }
        self.sale.apply(event);
        Ok(())
    }

    fn check_openings(&self, lot: &LotId, openings: &[ReserveOpening]) -> Result<(), String> {
        let promises = self.sale.lot(lot).map(|lot| lot.promises()).unwrap_or_default();
        let commitments = promises.iter().map(Promise::commitment);
        record::check_openings(&self.opening.sale, lot, commitments, openings)
            .map_err(|wrong| wrong.to_string())
    }

    fn bid(
        &mut self,
        seq: u64,
        at: Timestamp,
        accepted: &AcceptedBid,
        stated: Option<&Stated>,
    ) -> Result<(), String> {
        let role = match (&accepted.evidence, stated) {
            (BidEvidence::Attested { bidder, .. }, _) => self.roster.judge_attested(at, bidder),
            (_, Some(stated)) => self.roster.judge_signed(at, &stated.signed),
            (_, None) => Err(Code::BadSignature),
        };
        let role = role.map_err(|code| format!("the roster answers {code}"))?;
        self.happen(&accepted.event(role, seq, at))?;
        if let Some(stated) = stated {
            self.answered(stated, Known::Accepted { seq });
        }
        Ok(())
    }

    fn act(
        &mut self,
        seq: u64,
        at: Timestamp,
        recorded: &RecordedAct,
        stated: Option<&Stated>,
    ) -> Result<(), String> {
        let stated = stated.ok_or("an act without its statement")?;
        let answers = |code| format!("the roster answers {code}");
        let role = self.roster.judge_signed(at, &stated.signed).map_err(answers)?;
        let event = recorded.event(role, at).ok_or("the act enters a bid")?;
        if let (Some(lot), Word::Openings(openings)) =
            (recorded.act.statement.lot(), recorded.effect.word())
        {
            self.check_openings(lot, &openings)?;
        }
        let order = &recorded.act.statement.order;
        self.roster.judge_order(order).map_err(answers)?;
        self.happen(&event)?;
        self.roster.apply_order(order);
        self.answered(stated, Known::Accepted { seq });
        Ok(())
    }

    fn answered(&mut self, stated: &Stated, known: Known) {
        self.roster.spend(&stated.signed.claim());
        self.answers.insert(stated.digest, known);
    }

    fn enrol(
        &mut self,
        raw: &[u8],
        seq: u64,
        at: Timestamp,
        enrolment: Enrolment,
        anchor: &Anchor,
    ) -> Result<(), String> {
        let house = &self.opening.house;
        let enrolled = enrolment
            .authenticate(&self.sale_hash, anchor, house, at)
            .map_err(|fault: EnrolmentFault| fault.to_string())?;
        self.roster
            .judge_enrolment(at, &enrolled)
            .map_err(|code| format!("the roster answers {code}"))?;
        self.outside_the_rules(at)?;
        self.roster.apply_enrolment(&enrolled);
        let own = Own {
            seq,
            line: raw.into(),
            cert: enrolled.identity.cert,
            bid_key: bid_key_of(&enrolled.enrolment),
        };
        self.own.entry(enrolled.identity.name.clone()).or_default().push(own);
        Ok(())
    }

    fn refused(
        &mut self,
        at: Timestamp,
        refused: &Refused,
        bytes: usize,
        stated: Option<&Stated>,
    ) -> Result<(), String> {
        let stated = stated.ok_or("a refusal without its statement")?;
        let no = self.judge(at, refused);
        let known = match no.as_ref().map(|no| (no.code(), no.known())) {
            Some((code, known)) if code == refused.code => known,
            Some((code, _)) => return Err(format!("the refusal should be {code}")),
            None => return Err("it was good, and was refused".into()),
        };
        self.outside_the_rules(at)?;
        self.roster.apply_refusal(at, &stated.signed.claim(), bytes);
        self.answers.insert(stated.digest, known);
        Ok(())
    }

    /// Why a bid or act with a good signature is refused, if it is.
    fn judge(&self, at: Timestamp, refused: &Refused) -> Option<No> {
        let role = match self.roster.judge_signed(at, &refused.signed) {
            Ok(role) => role,
            Err(code) => return Some(code.into()),
        };
        match self.sale.decide(at, refused.input(role)) {
            Err(Unfit::Refused(refusal)) => Some(refusal.into()),
            Ok(_) => refused
                .signed
                .order()
                .and_then(|order| self.roster.judge_order(order).err())
                .map(No::from),
            Err(_) => None,
        }
    }

    pub(super) fn newest_seal(&self) -> Result<Option<SignedCheckpoint>, RecoveryRefusal> {
        let origin = self.origin();
        let verify = |note: &Arc<str>| SignedCheckpoint::verify(note, &origin, &self.sealer);
        self.notes
            .last_key_value()
            .map(|(_, note)| verify(note))
            .transpose()
            .map_err(RecoveryRefusal::SealSignature)
    }

    pub(super) fn origin(&self) -> String {
        crate::ledger::checkpoint::origin(self.opening.house.as_str(), self.opening.sale.as_str())
    }

    pub(super) fn anchor_found(&self, note: Option<&str>) -> Result<AnchorFound, RecoveryRefusal> {
        let Some(note) = note else { return Ok(AnchorFound::Missing) };
        let anchor = SignedCheckpoint::verify_cosigned(note, &self.origin(), &self.sealer)
            .map_err(RecoveryRefusal::AnchorSignature)?;
        let anchor = anchor.checkpoint();
        let reached = self.chain.tree().root_at(anchor.size) == Some(anchor.root);
        Ok(if reached { AnchorFound::Reached } else { AnchorFound::NotReached })
    }
}

impl Replay {
    pub(super) fn house(
        self,
        key: Option<SealingKey>,
        newest: SignedCheckpoint,
        seal_owed: bool,
        reserves: Reserves,
    ) -> House {
        House {
            sealer_end: sealer_end(&self.opening),
            reserves,
            sale_hash: self.sale_hash,
            opening: Arc::new(self.opening),
            open_line: self.open_line,
            roster: self.roster,
            sale: self.sale,
            chain: self.chain,
            key,
            sealer: self.sealer,
            newest,
            seal_owed,
            frame: OpenFrame::default(),
            held: Vec::new(),
            answers: self.answers,
            counted_answers: HashMap::new(),
            own: self.own,
            notes: self.notes,
        }
    }
}

/// What a seal's note says, before its signature is checked.
fn unverified(note: &str) -> Option<Checkpoint> {
    let note = Note::parse(note).ok()?;
    Checkpoint::parse(&note.text).ok()
}
