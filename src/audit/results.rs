//! What the sale came to, lot by lot, and what that rests on (RULES 9).
//!
//! Made from a replay that found nothing wrong, and reached only through
//! [`Audited`](super::Audited).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::annexes::Annexes;
use super::annexes::Evidence;
use super::people::People;
use super::replay::Replay;
use super::tally::{LotTally, StaffAct, Trace};
use crate::auction::catalogue::LotTerms;
use crate::auction::event::Totals;
use crate::auction::fees::Fees;
use crate::auction::lot::{Lot, LotState};
use crate::auction::money::{Amount, Currency};
use crate::auction::name::{HouseName, LotId, Name, SaleId, Title};
use crate::auction::refusal::Code;
use crate::ledger::hash::Hash;
use crate::ledger::merkle::Frontier;
use crate::pki::{Crl, Fingerprint};
use crate::time::Timestamp;

/// The results of a sale.
#[derive(Clone, Debug)]
pub struct Results {
    /// The house.
    pub house: HouseName,
    /// The sale's id.
    pub sale: SaleId,
    /// The sale's title.
    pub title: Title,
    /// The currency of all amounts.
    pub currency: Currency,
    /// What buyers and sellers pay beside the hammer price, if anything.
    pub fees: Option<Fees>,
    /// SHA-256 of the trusted CA certificate.
    pub ca: Fingerprint,
    /// SHA-256 of the sealing certificate.
    pub sealer: Fingerprint,
    /// SHA-256 of line 0: which sale this is.
    pub sale_hash: Hash,
    /// The hash of the catalogue in line 0.
    pub catalogue: Hash,
    /// The software that opened the ledger.
    pub software: Title,
    /// When the sale opened.
    pub opened: Timestamp,
    /// When it closed; none while it runs.
    pub closed: Option<Timestamp>,
    /// Whether the sale has closed, and the last line is the seal over the close.
    pub is_finished: bool,
    /// Lines of the ledger.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
    /// Each lot, in catalogue order.
    pub lots: Vec<LotResult>,
    /// What the closed lots come to.
    pub totals: Totals,
    /// Bids that were refused and are recorded, by code.
    pub refused: BTreeMap<Code, u64>,
    /// What staff did, in the ledger's order.
    pub acts: Vec<StaffAct>,
    /// When the server was away: from, to.
    pub outages: Vec<(Timestamp, Timestamp)>,
    /// How often the clocks had parted.
    pub clock_entries: u64,
    /// How long bids waited from reading to their number: the largest and the 99th
    /// percentile, in microseconds.
    pub lag_us: Option<(u64, u64)>,
    /// What rests on less than a bidder's signature.
    pub headlines: Headlines,
    /// The bids one by one, if the auditor was asked to keep them.
    pub annexes: Option<Annexes>,
}

/// What one lot came to.
#[derive(Clone, Debug)]
pub struct LotResult {
    /// Its place in the catalogue, from 1.
    pub number: usize,
    /// What was offered.
    pub terms: Arc<LotTerms>,
    /// Where it stands.
    pub state: LotState,
    /// The line of the bid that stood last: it won, leads, or did not meet the reserve.
    pub leading: Option<Trace>,
    /// What the winning bid rests on, or the leading one while the lot is open.
    pub evidence: Option<Evidence>,
    /// Whether the house made the certificate key behind that bid.
    pub is_of_house_made_key: bool,
    /// Accepted bids with their bidder's signature.
    pub bids_signed: u64,
    /// Accepted bids on the house's word.
    pub bids_attested: u64,
    /// Accepted bids that staff entered for the room.
    pub bids_clerk: u64,
    /// Refused bids that are recorded.
    pub bids_refused: u64,
    /// Different bidders with an accepted bid.
    pub bidders: usize,
    /// When it opened.
    pub opened: Option<Timestamp>,
    /// The end before any extension.
    pub scheduled_end: Option<Timestamp>,
    /// How often a bid extended it.
    pub extensions: u64,
    /// The reserves in the order in which they were committed to, once they were revealed.
    pub reserves: Vec<Amount>,
    /// Whether the price that stood last meets the reserve, where there is one.
    pub reserve_met: Option<bool>,
}

impl LotResult {
    /// How many bids were accepted.
    pub const fn bids_accepted(&self) -> u64 {
        self.bids_signed + self.bids_attested + self.bids_clerk
    }

    /// Whether the bid that won or leads is the house's word only.
    pub fn is_on_word(&self) -> bool {
        self.evidence == Some(Evidence::Attested)
    }

    /// When it closed.
    pub const fn closed(&self) -> Option<Timestamp> {
        match &self.state {
            LotState::Closed { at, .. } => Some(*at),
            LotState::Open { .. } | LotState::Paused { .. } | LotState::Pending => None,
        }
    }
}

/// What rests on less than a bidder's own signature, said first.
#[derive(Clone, Debug, Default)]
pub struct Headlines {
    /// Lots won, or led so far, by a bid that is the house's word only.
    pub lots_on_word: Vec<LotId>,
    /// Lots won, or led so far, by a bid that staff entered for somebody in the room.
    pub lots_of_room_bids: Vec<LotId>,
    /// Lots won, or led so far, by a bid behind which is a certificate key that the house made.
    pub lots_of_house_made_keys: Vec<LotId>,
    /// The names in the open.
    pub people: People,
    /// Refusals that are only counted, by code: the house's word.
    pub counted_only: BTreeMap<Code, u64>,
    /// Recorded refusals `reused-n` that rest on a number which was only counted.
    pub reused_n_on_word: u64,
    /// Clocks behind the ledger that the operator accepted at a start.
    pub clocks_accepted: u64,
    /// Names whose certificate the given list revokes from a time before a bid of
    /// theirs that stands, without a word of it in the ledger: the name, since when,
    /// the last bid.
    pub revoked_unrecorded: Vec<(Name, Timestamp, Timestamp)>,
}

impl Results {
    pub(super) fn of(replay: &Replay, tree: &Frontier, crl: Option<&Crl>) -> Self {
        let (opening, keys, tally) = (replay.opening(), replay.keys(), replay.tally());
        let sale = replay.sale();
        let lots: Vec<LotResult> = sale
            .lots()
            .zip(sale.catalogue().lots())
            .zip(&tally.lots)
            .enumerate()
            .map(|(place, ((lot, terms), counted))| lot_result(place, lot, terms, counted))
            .collect();
        Self {
            house: opening.house.clone(),
            sale: opening.sale.clone(),
            title: opening.title.clone(),
            currency: opening.terms.sale.currency.clone(),
            fees: opening.terms.fees,
            ca: keys.anchor.fingerprint(),
            sealer: keys.sealer.cert,
            sale_hash: keys.sale_hash,
            catalogue: opening.catalogue,
            software: opening.software.clone(),
            opened: replay.opened_at(),
            closed: tally.closed_at,
            is_finished: replay.is_sealed(),
            size: tree.size(),
            root: tree.root(),
            totals: sale.totals(),
            refused: tally.refused.clone(),
            acts: tally.acts.clone(),
            outages: tally.outages.clone(),
            clock_entries: tally.clock_entries,
            lag_us: tally.lag_us(),
            headlines: headlines(replay, &lots, crl),
            annexes: tally.annexes.clone(),
            lots,
        }
    }
}

fn lot_result(place: usize, lot: &Lot, terms: &Arc<LotTerms>, counted: &LotTally) -> LotResult {
    // A lot that ended unsold has a last bid, and nobody won by it.
    let leading = counted.leading().filter(|_| lot.leader().is_some());
    LotResult {
        number: place + 1,
        terms: Arc::clone(terms),
        state: lot.state().clone(),
        leading: counted.leading().map(|leading| leading.trace),
        evidence: leading.map(|bid| bid.evidence),
        is_of_house_made_key: leading.is_some_and(|bid| bid.is_of_house_made_key),
        bids_signed: counted.signed,
        bids_attested: counted.attested,
        bids_clerk: counted.clerk,
        bids_refused: counted.refused,
        bidders: counted.bidders.len(),
        opened: lot.opened_at(),
        scheduled_end: lot.scheduled_end(),
        extensions: lot.extensions(),
        reserves: lot.revealed_reserves().to_vec(),
        reserve_met: lot.reserve_met(),
    }
}

fn headlines(replay: &Replay, lots: &[LotResult], crl: Option<&Crl>) -> Headlines {
    let tally = replay.tally();
    let those = |wanted: fn(&LotResult) -> bool| {
        lots.iter().filter(|lot| wanted(lot)).map(|lot| lot.terms.id.clone()).collect()
    };
    Headlines {
        lots_on_word: those(LotResult::is_on_word),
        lots_of_room_bids: those(|lot| lot.evidence == Some(Evidence::Clerk)),
        lots_of_house_made_keys: those(|lot| lot.is_of_house_made_key),
        people: tally.people.people(),
        counted_only: tally.counted.clone(),
        reused_n_on_word: tally.reused_n_on_word,
        clocks_accepted: tally.clocks_accepted,
        revoked_unrecorded: crl.map(|crl| revoked_unrecorded(replay, crl)).unwrap_or_default(),
    }
}

fn revoked_unrecorded(replay: &Replay, crl: &Crl) -> Vec<(Name, Timestamp, Timestamp)> {
    let tally = replay.tally();
    let listed: HashMap<_, _> =
        crl.entries.iter().map(|entry| (&entry.serial, entry.revoked_at)).collect();
    let recorded: HashSet<_> = tally.revocations.iter().map(|known| &known.serial).collect();
    let signed = tally.keys.values().map(|key| (&key.name, &key.serial, key.last_bid_at));
    let attested = tally
        .attested
        .iter()
        .flat_map(|(name, all)| all.iter().map(move |seen| (name, &seen.serial, seen.last_bid_at)));
    let mut found: Vec<_> = signed
        .chain(attested)
        .filter_map(|(name, serial, last_bid_at)| {
            let revoked_at = *listed.get(serial)?;
            let last_bid_at = last_bid_at.filter(|at| *at > revoked_at)?;
            (!recorded.contains(serial)).then(|| (name.clone(), revoked_at, last_bid_at))
        })
        .collect();
    found.sort();
    found
}
