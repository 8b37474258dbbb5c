//! One sale before its opening, by the fall of the dice.

use std::path::PathBuf;

use super::dice::Dice;
use super::office::Office;
use super::trace::BEGAN_MS;
use crate::auction::{
    Amount, Currency, Increments, LotId, LotTerms, ReserveOpening, SaleTerms, Timer, Title,
    VoidPolicy,
};
use crate::limits::REFUSAL_BYTES_MAX;
use crate::record::{KeptReserve, Terms};
use crate::server::Setup;
use crate::time::{Span, Timestamp};

/// Where the ledger is.
pub(super) const LEDGER_FOLDER: &str = "/sale/ledger";
/// Where the anchor is, in some sales.
pub(super) const ANCHOR_FOLDER: &str = "/anchor";
/// Where the sealing key is marked used.
pub(super) const KEY_FOLDER: &str = "/keys";

/// A sale.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) lots: Vec<LotTerms>,
    pub(super) reserves: Vec<KeptReserve>,
    terms: Terms,
    nonce: [u8; 32],
    /// How many of the bidders come.
    pub(super) bidders: usize,
    /// When everybody begins to come to an end, and nothing breaks any more.
    pub(super) quiet_from_us: u64,
    /// How often something may break.
    pub(super) faults: u64,
    /// Whether the anchor is on a disk of its own.
    pub(super) has_anchor_folder: bool,
}

impl Plan {
    pub(super) fn roll(dice: &mut Dice) -> Self {
        let length_ms = *dice.pick(&[15_000, 30_000, 60_000]);
        let count = 1 + dice.below(4);
        let lots: Vec<LotTerms> = (0..count).map(|place| lot(place, length_ms, dice)).collect();
        let reserve = |lot: &LotTerms| {
            let reserve = lot.start.minor_units() + dice.below(60);
            let kept = dice.percent(50) && !lot.without_reserve;
            let opening = ReserveOpening { reserve: amount(reserve), nonce: nonce(dice) };
            kept.then(|| KeptReserve { lot: lot.id.clone(), opening })
        };
        let reserves = lots.iter().filter_map(reserve).collect();
        let sale = SaleTerms {
            currency: Currency::seed(),
            attested: false,
            opens_at: dice.percent(20).then(|| at(dice.below(5_000))),
            sale_ends_at: Some(at(length_ms)),
            restart_grace: Span::from_ms(dice.below(4_000)),
            room_bids: false,
            void_policy: *dice.pick(&[VoidPolicy::Reinstate, VoidPolicy::Reopen]),
        };
        let refusals_per_minute_max = *dice.pick(&[2, 60]);
        Self {
            lots,
            reserves,
            terms: Terms {
                sale,
                fees: None,
                refusal_bytes_max: REFUSAL_BYTES_MAX,
                refusals_per_minute_max,
            },
            nonce: nonce(dice),
            bidders: 2 + dice.place(4),
            quiet_from_us: (length_ms + 10_000) * 1000,
            faults: 3 + dice.below(12),
            has_anchor_folder: dice.percent(40),
        }
    }

    /// As an operator would give it to the server.
    pub(super) fn setup(&self, office: &Office, accept_clock: bool) -> Setup {
        Setup {
            house: office.house.clone(),
            sale: office.sale.clone(),
            title: title("Spring sale"),
            lots: self.lots.clone(),
            reserves: self.reserves.clone(),
            terms: self.terms.clone(),
            anchor: office.ca.anchor().clone(),
            sealer: office.sealer.clone(),
            nonce: self.nonce,
            software: title("gavel simulated"),
            ledger_folder: PathBuf::from(LEDGER_FOLDER),
            checkpoint_folder: self.has_anchor_folder.then(|| PathBuf::from(ANCHOR_FOLDER)),
            // A copy has a thread of its own.
            copy_folder: None,
            accept_clock,
            shown: Vec::new(),
        }
    }
}

fn lot(place: u64, length_ms: u64, dice: &mut Dice) -> LotTerms {
    let timer = if dice.percent(60) {
        Timer::FirstBid { duration: Span::from_ms(dice.between(3_000, length_ms)) }
    } else {
        let opens = dice.percent(40).then(|| dice.below(length_ms / 4));
        let ends = dice.between(length_ms / 2, length_ms);
        Timer::Schedule { opens_at: opens.map(at), ends_at: at(ends) }
    };
    let soft = dice.percent(60);
    LotTerms {
        id: LotId::parse(&(place + 1).to_string()).expect("digits"),
        name: title("A thing"),
        start: amount(1 + dice.below(50)),
        increments: Increments::constant(1 + dice.below(4)).expect("a table"),
        timer,
        soft_window: Span::from_ms(if soft { dice.below(8_000) } else { 0 }),
        soft_extend: Span::from_ms(if soft { dice.below(8_000) } else { 0 }),
        hard_end: dice.percent(20).then(|| at(length_ms + dice.below(9_000))),
        seller: None,
        estimate: None,
        without_reserve: dice.percent(30),
        reserve_commit: None,
    }
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(BEGAN_MS + ms).expect("in range")
}

pub(super) fn amount(minor_units: u64) -> Amount {
    Amount::new(minor_units).expect("in range")
}

pub(super) fn title(text: &str) -> Title {
    Title::parse(text).expect("a title")
}

/// 32 bytes.
pub(super) fn nonce(dice: &mut Dice) -> [u8; 32] {
    let mut bytes = [0; 32];
    for eight in bytes.chunks_exact_mut(8) {
        eight.copy_from_slice(&dice.next().to_be_bytes());
    }
    bytes
}
