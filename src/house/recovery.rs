//! A sale taken up again from its ledger: replay, then the decision to go on,
//! to finish, or to refuse (LEDGER 2, "Start").
//!
//! Bidders' signatures are not checked here, that is `verify`'s work. Bytes,
//! chain, tree, rules, the roots of all seals, the newest seal's signature and
//! the anchor are.

use ed25519_dalek::VerifyingKey;

use super::House;
use super::replay::{Lots, Next, Replay, Stated};
use super::reserves::{MissingReserve, Reserves};
use crate::auction::catalogue::LotTerms;
use crate::auction::event::Input;
use crate::auction::name::{HouseName, SaleId};
use crate::ledger::chain::{Chain, ChainError, Hashed};
use crate::ledger::checkpoint::{Checkpoint, CheckpointError, SealingKey, SignedCheckpoint};
use crate::ledger::entry::{Kind, Line, LineError};
use crate::ledger::store::{Continuation, End, Found, Hindrance, Present, Start, start};
use crate::pki::{Anchor, CertificateFault, verify_sealer};
use crate::record::{CatalogueFault, KeptReserve, Opening, Record};
use crate::time::Timestamp;

/// Why a ledger is not taken up again. The operator's affair: nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryRefusal {
    /// The file ends before its catalogue does, though a ledger is born whole.
    #[error("the ledger has no whole catalogue: it was cut after its birth")]
    NoCatalogue,
    /// Line 0 does not begin the sale that was asked for.
    #[error("the ledger is of sale {sale} of house {house}, under another CA or another name")]
    OtherSale {
        /// The sale that line 0 names.
        sale: SaleId,
        /// The house that line 0 names.
        house: HouseName,
    },
    /// The sealer's certificate in line 0 does not verify.
    #[error("the sealer's certificate in line 0 does not verify: {0}")]
    Sealer(#[source] CertificateFault),
    /// The lot lines are not those that line 0 commits to.
    #[error("the lots do not fit line 0: {0}")]
    Catalogue(#[from] CatalogueFault),
    /// A line is out of place in the chain.
    #[error("line {seq}: {fault}")]
    Chain {
        /// The line.
        seq: u64,
        /// What is wrong.
        fault: ChainError,
    },
    /// A whole line is of another version of the format: cutting it off like a broken one
    /// would lose what was acknowledged.
    #[error("line {seq} is not known to this version of gavel: {why}")]
    OtherVersion {
        /// The line.
        seq: u64,
        /// What is not known of it.
        #[source]
        why: LineError,
    },
    /// A line parses and chains, but the rules or the roster say no.
    #[error("line {seq}: {why}")]
    Rules {
        /// The line.
        seq: u64,
        /// What is wrong.
        why: String,
    },
    /// A seal is over another tree than the one before it.
    #[error("line {seq}: the seal is not over the lines before it")]
    Seal {
        /// The line.
        seq: u64,
    },
    /// The newest seal's signature does not verify.
    #[error("the newest seal does not verify: {0}")]
    SealSignature(#[source] CheckpointError),
    /// The anchor file is not a checkpoint of this sale.
    #[error("the anchor does not verify: {0}")]
    AnchorSignature(#[source] CheckpointError),
    /// Lines are lost or damaged that the house has sealed.
    #[error("{why} ({kept} whole lines are left)")]
    Hindered {
        /// What stands in the way.
        why: Hindrance,
        /// The lines kept.
        kept: u64,
    },
    /// The sale has not finished and its sealing key is not there.
    #[error("the sale has not finished, and its sealing key is missing")]
    NoSealingKey,
    /// The sealing key is not the one that line 0 names.
    #[error("the sealing key is not the one that line 0 names")]
    OtherSealingKey,
    /// A hidden reserve is not known any more.
    #[error(transparent)]
    Reserve(#[from] MissingReserve),
}

/// What a line says, worked out of it alone, on any thread: its record, and the statement in it.
/// Nothing, if its body does not parse.
#[derive(Debug)]
pub struct Prepared(Option<(Record, Option<Stated>)>);

impl Prepared {
    /// Reads a line.
    pub fn of(line: &Line<'_>) -> Self {
        let record = Record::read(line).ok();
        Self(record.map(|record| {
            let stated = Stated::of(&record);
            (record, stated)
        }))
    }
}

/// A replay of a ledger, line by line.
#[derive(Debug)]
pub struct Recovery {
    anchor: Anchor,
    house: HouseName,
    sale: SaleId,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Empty,
    Lots(Box<Lots>),
    Running(Box<Replay>),
}

/// What was recovered, before anything is written.
#[derive(Debug)]
pub struct Recovered {
    replay: Replay,
    newest: Option<SignedCheckpoint>,
}

impl Recovery {
    /// Begins a replay of the ledger of `sale`, judged under the house's own CA.
    pub const fn new(anchor: Anchor, house: HouseName, sale: SaleId) -> Self {
        Self { anchor, house, sale, stage: Stage::Empty }
    }

    /// Takes the next whole line; `raw` is the line without LF.
    ///
    /// # Errors
    /// A refusal: the line parses and chains, and is wrong. A line whose body does not
    /// parse is `Ok(false)`: a break, like a torn one.
    pub fn take(&mut self, raw: &[u8], line: &Line<'_>) -> Result<bool, RecoveryRefusal> {
        self.take_prepared(raw, line, Prepared::of(line), Hashed::of(raw))
    }

    /// Does the same with what was worked out of the line elsewhere.
    ///
    /// # Errors
    /// As for [`Recovery::take`].
    pub fn take_prepared(
        &mut self,
        raw: &[u8],
        line: &Line<'_>,
        prepared: Prepared,
        hashed: Hashed,
    ) -> Result<bool, RecoveryRefusal> {
        let Prepared(Some((record, stated))) = prepared else { return Ok(false) };
        let stage = std::mem::replace(&mut self.stage, Stage::Empty);
        self.stage = match (stage, record) {
            (Stage::Empty, Record::Open(opening)) => self.open(raw, line, *opening)?,
            (Stage::Lots(mut lots), Record::Lot(lot)) => {
                lots.take(raw, line, *lot)?;
                if lots.is_whole() {
                    Stage::Running(Box::new(lots.run()?))
                } else {
                    Stage::Lots(lots)
                }
            }
            (Stage::Running(mut replay), record) => {
                let next = Next { raw, line, hashed };
                replay.take(next, record, stated, &self.anchor)?;
                Stage::Running(replay)
            }
            (Stage::Empty | Stage::Lots(_), _) => return Err(RecoveryRefusal::NoCatalogue),
        };
        Ok(true)
    }

    fn open(
        &self,
        raw: &[u8],
        line: &Line<'_>,
        opening: Opening,
    ) -> Result<Stage, RecoveryRefusal> {
        let ours = opening.sale == self.sale && opening.house == self.house;
        if !ours || opening.ca != self.anchor.der() {
            return Err(RecoveryRefusal::OtherSale { sale: opening.sale, house: opening.house });
        }
        let at = line.at.unwrap_or(Timestamp::ZERO);
        let sealer = opening.sealers.first().ok_or(RecoveryRefusal::NoCatalogue)?;
        let sealer = verify_sealer(sealer, &self.anchor, &self.house, &self.sale, at)
            .map_err(RecoveryRefusal::Sealer)?;
        let sealer = VerifyingKey::from_bytes(&sealer.key)
            .map_err(|_| RecoveryRefusal::Sealer(CertificateFault::Malformed))?;
        let mut chain = Chain::new();
        chain.replay(line, raw).map_err(|fault| RecoveryRefusal::Chain { seq: 0, fault })?;
        let lots = Vec::new();
        Ok(Stage::Lots(Box::new(Lots { opening, open_line: raw.into(), sealer, lots, at, chain })))
    }

    /// Ends the replay.
    ///
    /// # Errors
    /// The catalogue is not whole, or the newest seal does not verify.
    pub fn finish(self) -> Result<Recovered, RecoveryRefusal> {
        let Stage::Running(replay) = self.stage else { return Err(RecoveryRefusal::NoCatalogue) };
        let newest = replay.newest_seal()?;
        Ok(Recovered { replay: *replay, newest })
    }
}

impl Recovered {
    /// The sale's line 0.
    pub const fn opening(&self) -> &Opening {
        &self.replay.opening
    }

    /// The lots of the ledger, to hold a catalogue file against.
    pub fn lots(&self) -> impl Iterator<Item = &LotTerms> {
        self.replay.sale.lots().map(crate::auction::lot::Lot::terms)
    }

    /// The time of the last entry: a wall clock before it needs the operator's word.
    pub const fn last(&self) -> Timestamp {
        self.replay.sale.last()
    }

    /// How many lines were recovered.
    pub fn size(&self) -> u64 {
        self.replay.chain.size()
    }

    /// What the ledger ends in.
    pub fn end(&self) -> End {
        match (self.replay.sale.is_closed(), self.replay.last_kind) {
            (true, Kind::Seal) => End::SealOverClose,
            (true, _) => End::Close,
            (false, _) => End::Running,
        }
    }

    /// Whether a note found beyond a break is this sale's valid seal over more lines
    /// than were kept: acknowledged lines are damaged then.
    pub fn is_outsealed_by(&self, note: &str) -> bool {
        self.checkpoint(note).is_ok_and(|seal| seal.checkpoint().size > self.size())
    }

    /// Checks a cosigned checkpoint of this sale.
    ///
    /// # Errors
    /// It is none that this sale's key signed.
    pub fn checkpoint(&self, note: &str) -> Result<SignedCheckpoint, CheckpointError> {
        SignedCheckpoint::verify_cosigned(note, &self.replay.origin(), &self.replay.sealer)
    }

    /// Whether the kept lines are those that a checkpoint of this sale was signed over. If they
    /// are not, the house has signed lines that are gone, or others.
    pub fn contains(&self, signed: &SignedCheckpoint) -> bool {
        let Checkpoint { size, root, .. } = signed.checkpoint();
        self.replay.chain.tree().root_at(*size) == Some(*root)
    }

    /// Says how the sale goes on, from what was found: the anchor's text, whether the
    /// file goes on after the kept lines, and whether a larger seal lies there.
    ///
    /// # Errors
    /// Every refusal of LEDGER 2, "Start"; the files must then stay as they are.
    pub fn continuation(
        &self,
        anchor_note: Option<&str>,
        broken: bool,
        larger_seal_beyond: bool,
    ) -> Result<Continuation, RecoveryRefusal> {
        let found = Found::Ledger(Present {
            opening_whole: true,
            sealed: self.newest.is_some(),
            broken,
            larger_seal_beyond,
            anchor: self.replay.anchor_found(anchor_note)?,
            end: self.end(),
        });
        match start(&found) {
            Start::Continue(continuation) => Ok(continuation),
            Start::Refuse(why) => Err(RecoveryRefusal::Hindered { why, kept: self.size() }),
            Start::Create => Err(RecoveryRefusal::NoCatalogue),
        }
    }

    /// Serves a finished sale.
    ///
    /// # Errors
    /// [`RecoveryRefusal::NoSealingKey`] if the sale is not finished.
    pub fn serve_finished(self) -> Result<House, RecoveryRefusal> {
        match self.newest.clone() {
            Some(newest) if self.end() == End::SealOverClose => {
                Ok(self.replay.house(None, newest, false, Reserves::default()))
            }
            _ => Err(RecoveryRefusal::NoSealingKey),
        }
    }

    /// Checks that `key` is the one that line 0 names, before anything is written.
    ///
    /// # Errors
    /// [`RecoveryRefusal::OtherSealingKey`] if it is not.
    pub fn check_key(&self, key: &SealingKey) -> Result<(), RecoveryRefusal> {
        if key.verifying_key() == self.replay.sealer {
            Ok(())
        } else {
            Err(RecoveryRefusal::OtherSealingKey)
        }
    }

    /// Checks that the hidden reserves of all lots that have not ended are known, before
    /// anything is written.
    ///
    /// # Errors
    /// [`RecoveryRefusal::Reserve`] if one is not.
    pub fn check_reserves(&self, reserves: &[KeptReserve]) -> Result<(), RecoveryRefusal> {
        self.reserves(reserves).map(|_| ())
    }

    fn reserves(&self, kept: &[KeptReserve]) -> Result<Reserves, RecoveryRefusal> {
        Ok(Reserves::of(&self.replay.opening.sale, &self.replay.sale, kept)?)
    }

    /// Goes on with an unfinished sale at `now`, once the recovered lines were written
    /// anew and synced: signs the checkpoint over all of them, whose seal line is the
    /// first new one, and enters the outage before anything that fell due meanwhile.
    /// The owner writes the anchor before the frame.
    ///
    /// # Errors
    /// [`RecoveryRefusal::OtherSealingKey`] if `key` is not the sale's, and
    /// [`RecoveryRefusal::Reserve`] as for [`Recovered::check_reserves`].
    pub fn go_on(
        self,
        key: SealingKey,
        now: Timestamp,
        reserves: &[KeptReserve],
    ) -> Result<House, RecoveryRefusal> {
        let since = self.last();
        self.go_on_since(key, since, now, reserves)
    }

    /// Goes on like [`Recovered::go_on`] where it is known until when the house did all that
    /// fell due, though it entered nothing: a rehearsal knows when it let the server die.
    /// Where something fell due after the last entry, nobody can have known that.
    ///
    /// # Errors
    /// As for [`Recovered::go_on`].
    pub fn go_on_since(
        self,
        key: SealingKey,
        since: Timestamp,
        now: Timestamp,
        reserves: &[KeptReserve],
    ) -> Result<House, RecoveryRefusal> {
        self.check_key(&key)?;
        let reserves = self.reserves(reserves)?;
        let replay = self.replay;
        let newest = key.sign(replay.chain.size(), replay.chain.root());
        let mut house = replay.house(Some(key), newest, true, reserves);
        house.notes.insert(house.chain.size(), house.newest.note().into());
        if !house.sale.is_closed() {
            let last = house.sale.last();
            let from =
                if house.due().is_none_or(|due| due > since) { since.max(last) } else { last };
            let to = now.max(from);
            let outage = house
                .sale
                .decide(to, Input::Outage { from })
                .expect("an outage since all was done that fell due is taken");
            house.enter_event(outage);
        }
        Ok(house)
    }
}
