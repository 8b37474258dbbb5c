//! The start of a sale: its birth, or its recovery (LEDGER 2, "Birth", "Start").
//!
//! Everything here happens before anybody can connect. What is refused leaves the
//! files as they were.

use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;

use crate::auction::catalogue::LotTerms;
use crate::auction::name::{HouseName, SaleId, Title};
use crate::clock::Clock;
use crate::house::{
    After, BirthFault, House, Newborn, Prepared, Recovered, Recovery, RecoveryRefusal,
};
use crate::ledger::chain::Chained;
use crate::ledger::store::{
    self, Continuation, Files, Found, Hindrance, Locked, Scan, ScanError, Start, Store,
    StoreFailure, Visit,
};
use crate::ledger::{SealingKey, SignedCheckpoint, origin};
use crate::pki::Anchor;
use crate::pki::keys::KeyFault;
use crate::record::{self, KeptReserve, Opening, Terms};
use crate::time::Timestamp;

/// The sale as its operator wants it.
#[derive(Debug)]
pub struct Setup {
    /// The house.
    pub house: HouseName,
    /// The sale.
    pub sale: SaleId,
    /// What the sale is called.
    pub title: Title,
    /// The lots, in catalogue order, without commitments.
    pub lots: Vec<LotTerms>,
    /// What hides and opens the reserve of each lot that has one. A sale that goes on has
    /// its own; only the amounts are compared then.
    pub reserves: Vec<KeptReserve>,
    /// The terms of a sale that begins now; one that goes on keeps its own.
    pub terms: Terms,
    /// The house's CA.
    pub anchor: Anchor,
    /// The sealing certificate's DER.
    pub sealer: Vec<u8>,
    /// 32 random bytes for line 0.
    pub nonce: [u8; 32],
    /// Which program writes.
    pub software: Title,
    /// Where the ledger is kept.
    pub ledger_folder: PathBuf,
    /// Where the anchor is kept, if not beside the ledger.
    pub checkpoint_folder: Option<PathBuf>,
    /// Where a copy of the ledger is kept, on another disk.
    pub copy_folder: Option<PathBuf>,
    /// Whether the operator accepts a wall clock before the ledger's last entry.
    pub accept_clock: bool,
    /// The checkpoints that the witnesses show: they remember what this disk may have lost.
    pub shown: Vec<ShownCheckpoint>,
}

/// A checkpoint of the sale as somebody shows it, checked by nobody yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownCheckpoint {
    /// Who shows it, for the operator.
    pub by: String,
    /// Its note.
    pub note: String,
}

/// The sealing key's files.
#[derive(Debug)]
pub struct Sealing<'a> {
    /// The key; none once it was erased.
    pub key: Option<SigningKey>,
    /// Whether it is marked used.
    pub used: bool,
    /// Marks it used, durably.
    pub mark_used: MarkUsed<'a>,
}

/// Marks the sealing key used, durably, before it signs anything.
pub struct MarkUsed<'a>(pub Box<dyn Fn() -> Result<(), KeyFault> + 'a>);

impl std::fmt::Debug for MarkUsed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MarkUsed")
    }
}

/// A sale that is ready for its floor.
#[derive(Debug)]
pub struct Begun {
    /// The house.
    pub house: House,
    /// Its disk.
    pub store: Store,
    /// What opens the hidden reserves.
    pub reserves: Vec<KeptReserve>,
    /// The newest cosigned checkpoint, from an earlier run.
    pub cosigned: Option<SignedCheckpoint>,
    /// The official clock.
    pub clock: Clock,
    /// How it began.
    pub how: How,
}

impl Begun {
    /// What line 0 of the sale's ledger says.
    pub fn opening(&self) -> &Opening {
        self.house.opening()
    }

    /// Where the ledger is.
    pub fn ledger(&self) -> &Path {
        self.store.path()
    }
}

/// How a sale began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// It is new.
    Born,
    /// It has finished; only its ledger and receipts are served.
    Finished,
    /// It goes on where its ledger ends.
    WentOn {
        /// How many lines were recovered.
        lines: u64,
        /// Where half-written bytes were put aside.
        cut: Option<PathBuf>,
        /// The time of the last recovered entry.
        last: Timestamp,
    },
}

/// Why a sale cannot start. The operator's affair.
#[derive(Debug, thiserror::Error)]
pub enum StartFailure {
    /// The catalogue is not the ledger's.
    #[error("the sale file was changed: lot {lot} is not as the ledger has it")]
    CatalogueChanged {
        /// The first lot that differs.
        lot: String,
    },
    /// The lots do not make a sale.
    #[error(transparent)]
    Birth(#[from] BirthFault),
    /// The file with what opens the hidden reserves is missing or damaged.
    #[error("what opens the hidden reserves cannot be read: {reason}")]
    Reserves {
        /// What is wrong with it.
        reason: String,
    },
    /// The wall clock is before the ledger's last entry.
    #[error("the clock says {wall}, and the ledger's last entry is of {last}")]
    ClockBehind {
        /// The wall clock.
        wall: Timestamp,
        /// The ledger's last entry.
        last: Timestamp,
    },
    /// The copy of the ledger cannot be kept.
    #[error("the copy of the ledger cannot be kept")]
    Copy(#[source] StoreFailure),
    /// The ledger is a copy that was given up while the sale went on.
    #[error("this is a copy that was given up while the sale went on: it ends early")]
    LostCopy,
    /// There was a ledger once, or something else forbids the start.
    #[error(transparent)]
    Hindered(#[from] Hindrance),
    /// Somebody holds a checkpoint signed by this sale's key that the ledger does not contain.
    #[error(
        "{by} holds a checkpoint of {size} lines signed by this sale's key that this ledger of \
         {lines} lines does not contain: the ledger was rewound"
    )]
    Rewound {
        /// Who.
        by: String,
        /// How many lines that checkpoint covers.
        size: u64,
        /// How many lines are here.
        lines: u64,
    },
    /// The sealing key is not there.
    #[error("the sealing key of this sale is missing")]
    NoSealingKey,
    /// The sealing key cannot be used or marked.
    #[error("the sealing key cannot be marked used, or copied")]
    SealingKey(#[from] KeyFault),
    /// The origin is no key name.
    #[error("the house's and the sale's names do not make a key name")]
    Origin,
    /// The ledger is refused.
    #[error("line {line} of the ledger is refused: {source}")]
    Refused {
        /// The line.
        line: u64,
        /// Why.
        #[source]
        source: RecoveryRefusal,
    },
    /// The ledger does not allow going on.
    #[error(transparent)]
    Recovery(#[from] RecoveryRefusal),
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreFailure),
}

/// Takes the lock and begins the sale, or goes on with it.
///
/// # Errors
/// See [`StartFailure`]; a refusal touches nothing.
pub fn begin(setup: Setup, sealing: Sealing<'_>) -> Result<Begun, StartFailure> {
    let locked = store::lock(&setup.ledger_folder, setup.sale.as_str())?;
    begin_under(locked, setup, sealing)
}

/// Begins under a lock that is held already, on whatever disk that is.
pub(super) fn begin_under(
    mut locked: Locked,
    setup: Setup,
    sealing: Sealing<'_>,
) -> Result<Begun, StartFailure> {
    if let Some(folder) = &setup.checkpoint_folder {
        locked = locked.anchor_in(folder)?;
    }
    if let Some(folder) = &setup.copy_folder {
        locked = locked.copy_in(folder).map_err(StartFailure::Copy)?;
    }
    if locked.is_lost_copy()? {
        return Err(StartFailure::LostCopy);
    }
    if locked.exists()? { go_on(setup, sealing, locked) } else { bear(setup, sealing, locked) }
}

fn bear(setup: Setup, sealing: Sealing<'_>, locked: Locked) -> Result<Begun, StartFailure> {
    let Unborn { key, clock, newborn, lines, reserves } =
        conceive(setup, sealing.key, sealing.used, &locked)?;
    if !reserves.is_empty() {
        locked.write_private(&record::write_reserves(&reserves))?;
    }
    let (mut store, lines) = locked.create(lines)?;
    (sealing.mark_used.0)()?;
    let mut house = newborn.born(&lines, key, &reserves)?;
    store.write_anchor(house.checkpoint())?;
    commit(&mut house, &mut store)?;
    Ok(Begun { house, store, reserves, cosigned: None, clock, how: How::Born })
}

/// All of a birth before its first byte is written.
pub(super) struct Unborn {
    key: SealingKey,
    clock: Clock,
    newborn: Newborn,
    lines: Vec<Chained>,
    reserves: Vec<KeptReserve>,
}

/// Judges whether a sale can be born, and changes nothing.
pub(super) fn conceive(
    mut setup: Setup,
    key: Option<SigningKey>,
    key_used: bool,
    files: &Files,
) -> Result<Unborn, StartFailure> {
    let anchor = files.anchor()?.is_some() || files.copy_exists()?;
    match store::start(&Found::Nothing { anchor, key_used }) {
        Start::Create => {}
        Start::Refuse(why) => return Err(why.into()),
        Start::Continue(_) => return Err(Hindrance::LedgerMissing.into()),
    }
    let key = sealing_key(&setup, key)?;
    for ShownCheckpoint { by, note } in shown(&setup, files)? {
        let signed = SignedCheckpoint::verify_cosigned(&note, key.origin(), &key.verifying_key());
        if let Ok(signed) = signed {
            let size = signed.checkpoint().size;
            return Err(StartFailure::Rewound { by, size, lines: 0 });
        }
    }
    let clock = Clock::start();
    commit_to_reserves(&mut setup);
    let (newborn, lines) =
        Newborn::new(opening(&setup), setup.lots, clock.now()).map_err(BirthFault::from)?;
    Ok(Unborn { key, clock, newborn, lines, reserves: setup.reserves })
}

/// All checkpoints that the ledger must contain if this sale's key signed them: the witnesses',
/// and the one that an earlier run left beside the anchor.
fn shown(setup: &Setup, files: &Files) -> Result<Vec<ShownCheckpoint>, StoreFailure> {
    let by = |path: &Path, note| ShownCheckpoint { by: path.display().to_string(), note };
    let kept = files.cosigned()?.map(|note| by(&files.cosigned_path(), note));
    let copy = files.copy_anchor()?.map(|(path, note)| by(&path, note));
    Ok(setup.shown.iter().cloned().chain(kept).chain(copy).collect())
}

/// Puts the commitments into the lots that have a reserve.
fn commit_to_reserves(setup: &mut Setup) {
    for KeptReserve { lot, opening } in &setup.reserves {
        if let Some(terms) = setup.lots.iter_mut().find(|terms| terms.id == *lot) {
            terms.reserve_commit = Some(record::commit(&setup.sale, lot, opening));
        }
    }
}

fn opening(setup: &Setup) -> Opening {
    Opening {
        sale: setup.sale.clone(),
        house: setup.house.clone(),
        title: setup.title.clone(),
        nonce: setup.nonce,
        terms: setup.terms.clone(),
        lot_count: u64::try_from(setup.lots.len()).unwrap_or(u64::MAX),
        catalogue: record::catalogue_hash(&setup.lots),
        sealers: vec![setup.sealer.clone()],
        ca: setup.anchor.der().to_vec(),
        software: setup.software.clone(),
    }
}

fn sealing_key(setup: &Setup, key: Option<SigningKey>) -> Result<SealingKey, StartFailure> {
    let key = key.ok_or(StartFailure::NoSealingKey)?;
    SealingKey::new(origin(setup.house.as_str(), setup.sale.as_str()), key)
        .map_err(|_| StartFailure::Origin)
}

/// A ledger that was read and judged, before anything is written.
pub(super) struct Judged {
    pub(super) recovered: Recovered,
    pub(super) scan: Scan,
    pub(super) continuation: Continuation,
    pub(super) reserves: Vec<KeptReserve>,
    cosigned: Option<SignedCheckpoint>,
}

/// Judges ledger or copy; where both go on and differently, the one that no seal contradicts.
pub(super) fn judge_either(setup: &Setup, files: &mut Files) -> Result<Judged, StartFailure> {
    match judge(setup, files) {
        Err(first @ StartFailure::Rewound { .. }) if files.turn_to_other() => {
            judge(setup, files).map_err(|_| first)
        }
        judged => judged,
    }
}

/// Judges whether a sale can go on, and changes nothing.
pub(super) fn judge(setup: &Setup, files: &Files) -> Result<Judged, StartFailure> {
    let (recovered, scan) = replay(setup, files)?;
    let larger_seal = files.find_note_beyond(&scan, |note| recovered.is_outsealed_by(note))?;
    let anchor = files.anchor()?;
    let continuation = recovered.continuation(
        anchor.as_deref(),
        scan.broken().is_some(),
        larger_seal.is_some(),
    )?;
    hold_to_what_is_shown(setup, files, &recovered)?;
    hold_to_the_other(files, &recovered)?;
    // One that is damaged is worth nothing and replaced by the next.
    let cosigned = files.cosigned()?.and_then(|note| recovered.checkpoint(&note).ok());
    let reserves = kept_reserves(files)?;
    check_catalogue(setup, &recovered, &reserves)?;
    Ok(Judged { recovered, scan, continuation, reserves, cosigned })
}

/// What others remember outlives a disk that was set back with its anchor. What this sale's key
/// did not sign proves nothing.
fn hold_to_what_is_shown(
    setup: &Setup,
    files: &Files,
    recovered: &Recovered,
) -> Result<(), StartFailure> {
    for ShownCheckpoint { by, note } in shown(setup, files)? {
        let Ok(signed) = recovered.checkpoint(&note) else { continue };
        if !recovered.contains(&signed) {
            let (size, lines) = (signed.checkpoint().size, recovered.size());
            return Err(StartFailure::Rewound { by, size, lines });
        }
    }
    Ok(())
}

/// Ledger and copy may part only in what was never sealed.
fn hold_to_the_other(files: &Files, recovered: &Recovered) -> Result<(), StartFailure> {
    let contradicts =
        |note: &str| recovered.checkpoint(note).is_ok_and(|signed| !recovered.contains(&signed));
    let Some((path, note)) = files.find_note_in_other(contradicts)? else { return Ok(()) };
    let size = recovered.checkpoint(&note).map_or(0, |signed| signed.checkpoint().size);
    let (by, lines) = (path.display().to_string(), recovered.size());
    Err(StartFailure::Rewound { by, size, lines })
}

fn go_on(setup: Setup, sealing: Sealing<'_>, locked: Locked) -> Result<Begun, StartFailure> {
    let mut locked = locked;
    let judged = judge_either(&setup, &mut locked)?;
    match judged.continuation {
        Continuation::Finished => {
            let mut store = locked.rewrite(judged.scan)?;
            store.erase_private()?;
            // Nothing is entered any more, so a wall clock behind the ledger needs no word;
            // but official time still begins no earlier than the last entry.
            let (clock, _) = clock_after(judged.recovered.last(), true)?;
            let house = judged.recovered.serve_finished()?;
            let (reserves, cosigned) = (Vec::new(), judged.cosigned);
            Ok(Begun { house, store, reserves, cosigned, clock, how: How::Finished })
        }
        Continuation::SealClose | Continuation::SealThenOutage { .. } => {
            resume(&setup, sealing, locked, judged)
        }
    }
}

fn replay(setup: &Setup, files: &Files) -> Result<(Recovered, Scan), StartFailure> {
    let mut recovery = Recovery::new(setup.anchor.clone(), setup.house.clone(), setup.sale.clone());
    let scan = files.scan_prepared(
        |_, line| Prepared::of(line),
        |raw, line, prepared, hashed| {
            let whole = recovery.take_prepared(raw, line, prepared, hashed)?;
            Ok(if whole { Visit::Keep } else { Visit::Break })
        },
    );
    let scan = scan.map_err(|failure| match failure {
        ScanError::Store(failure) => StartFailure::Store(failure),
        ScanError::OtherVersion { line, source } => StartFailure::Refused {
            line,
            source: RecoveryRefusal::OtherVersion { seq: line, why: source },
        },
        ScanError::Refused { line, source } => StartFailure::Refused { line, source },
    })?;
    Ok((recovery.finish()?, scan))
}

/// What it takes to go on: the right key, a clock that is not behind, every reserve.
pub(super) fn ready(
    setup: &Setup,
    key: Option<SigningKey>,
    judged: &Judged,
) -> Result<(SealingKey, Clock, Option<Timestamp>), StartFailure> {
    let key = sealing_key(setup, key)?;
    let (clock, wall) = clock_after(judged.recovered.last(), setup.accept_clock)?;
    judged.recovered.check_key(&key)?;
    judged.recovered.check_reserves(&judged.reserves)?;
    Ok((key, clock, wall))
}

fn resume(
    setup: &Setup,
    sealing: Sealing<'_>,
    locked: Locked,
    judged: Judged,
) -> Result<Begun, StartFailure> {
    let (key, clock, wall) = ready(setup, sealing.key, &judged)?;
    let Judged { recovered, scan, reserves, cosigned, .. } = judged;
    let last = recovered.last();
    let mut store = locked.rewrite(scan)?;
    (sealing.mark_used.0)()?;
    let lines = recovered.size();
    let mut house = recovered.go_on(key, clock.now(), &reserves)?;
    if let Some(wall) = wall {
        house.note_clock(clock.now(), wall, true);
    }
    store.write_anchor(house.checkpoint())?;
    commit(&mut house, &mut store)?;
    let cut = store.cut().map(Path::to_path_buf);
    let how = How::WentOn { lines, cut, last };
    Ok(Begun { house, store, reserves, cosigned, clock, how })
}

/// The official clock after `last`; with a wall clock before it, only on the operator's
/// word, and then the wall clock's time to record (RULES 1.4).
fn clock_after(last: Timestamp, accept: bool) -> Result<(Clock, Option<Timestamp>), StartFailure> {
    let clock = Clock::start();
    let wall = clock.now();
    if wall >= last {
        Ok((clock, None))
    } else if accept {
        Ok((Clock::starting_at(last), Some(wall)))
    } else {
        Err(StartFailure::ClockBehind { wall, last })
    }
}

/// What opens the hidden reserves, from the private file; nothing where there is none.
fn kept_reserves(files: &Files) -> Result<Vec<KeptReserve>, StartFailure> {
    let Some(bytes) = files.private()? else { return Ok(Vec::new()) };
    record::read_reserves(&bytes)
        .map_err(|error| StartFailure::Reserves { reason: error.to_string() })
}

/// Holds the sale file against the lots in the ledger, reserves by their amounts.
fn check_catalogue(
    setup: &Setup,
    recovered: &Recovered,
    reserves: &[KeptReserve],
) -> Result<(), StartFailure> {
    let mut ledger = recovered.lots();
    for shown in &setup.lots {
        let changed = || StartFailure::CatalogueChanged { lot: shown.id.to_string() };
        let lot = ledger.next().ok_or_else(changed)?;
        let reserve_commit = lot.reserve_commit;
        if *lot != (LotTerms { reserve_commit, ..shown.clone() })
            || !is_same_reserve(setup, lot, reserves)
        {
            return Err(changed());
        }
    }
    match ledger.next() {
        Some(lot) => Err(StartFailure::CatalogueChanged { lot: lot.id.to_string() }),
        None => Ok(()),
    }
}

/// Whether the file's reserve is the one that the ledger committed to. Once the lots have
/// ended the private file is gone, and only that there was a reserve can be compared.
fn is_same_reserve(setup: &Setup, lot: &LotTerms, kept: &[KeptReserve]) -> bool {
    let shown = setup.reserves.iter().find(|shown| shown.lot == lot.id);
    let commits = |kept: &&KeptReserve| {
        kept.lot == lot.id
            && Some(record::commit(&setup.sale, &lot.id, &kept.opening)) == lot.reserve_commit
    };
    match (shown, kept.iter().find(commits)) {
        (Some(shown), Some(kept)) => shown.opening.reserve == kept.opening.reserve,
        (shown, _) => shown.is_some() == lot.reserve_commit.is_some(),
    }
}

/// Writes what the start has entered. Nobody listens yet.
fn commit(house: &mut House, store: &mut Store) -> Result<(), StoreFailure> {
    let mut frame = house.take_frame();
    while !frame.is_empty() {
        let lines = store.commit(frame)?;
        frame = match house.committed(lines) {
            After::Released(_) => Vec::new(),
            After::SealFirst(seal) => seal,
        };
    }
    Ok(())
}
