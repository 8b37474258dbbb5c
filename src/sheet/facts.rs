//! What a sheet says, as the structs of its JSON form; `docs/results.md` tells each field.
//!
//! Every field is always there, `null` where there is nothing to say. An amount
//! is whole minor units and a decimal text, a time RFC 3339 in UTC and Unix
//! milliseconds; no number is a float.

use serde::{Deserialize, Serialize};

use super::accounts::{FeeTotals, Invoice, Settlement};
use super::values::{EntryFact, List, Moment, Money, Party, SellerFact};

/// What `t` says.
pub const KIND: &str = "gavel-results";
/// What `v` says.
pub const VERSION: u64 = 1;

/// All that a sheet says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// [`KIND`].
    pub t: String,
    /// [`VERSION`].
    pub v: u64,
    /// The house.
    pub house: String,
    /// The sale's id.
    pub sale: String,
    /// The sale's title.
    pub title: String,
    /// The currency of all amounts.
    pub currency: CurrencyFacts,
    /// Whether the sale has closed and its close is sealed.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// What the audit behind the sheet came to, with what its auditor had.
    pub audit: AuditFacts,
    /// Which keys it rests on.
    pub keys: KeyFacts,
    /// The hash of the catalogue in line 0.
    pub catalogue: String,
    /// The ledger.
    pub ledger: LedgerFacts,
    /// When the sale opened.
    pub opened: Moment,
    /// When it closed.
    pub closed: Option<Moment>,
    /// How often the clocks had parted.
    pub clock: ClockFacts,
    /// How long bids waited for their number.
    pub lag_us: Option<LagFacts>,
    /// What buyers and sellers pay beside the hammer price.
    pub fees: Option<FeeFacts>,
    /// What rests on less than a bidder's own signature.
    pub headlines: HeadlineFacts,
    /// The lots in catalogue order.
    pub lots: Vec<LotFacts>,
    /// What the sale came to.
    pub totals: TotalFacts,
    /// What each buyer pays.
    pub invoices: Vec<Invoice>,
    /// What each seller gets.
    pub settlements: Vec<Settlement>,
    /// Lists.
    pub annexes: AnnexFacts,
}

impl Facts {
    /// The same without what is listed only where somebody asks for it.
    #[must_use]
    pub fn without_lists(&self) -> Self {
        let mut facts = self.clone();
        (facts.annexes.bids, facts.annexes.acts, facts.annexes.clocks) = (None, None, None);
        facts
    }
}

/// A currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurrencyFacts {
    /// Three letters; none for a file in the seed's form.
    pub code: Option<String>,
    /// How many digits its minor unit has.
    pub minor_digits: u8,
}

/// What an audit came to. It depends on what the auditor brought, not on the ledger alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditFacts {
    /// `valid` or `incomplete`: of an invalid ledger there is no sheet.
    pub verdict: String,
    /// What is open, if it is incomplete.
    pub open: Vec<OpenFact>,
    /// What was not checked, or cannot be proven.
    pub unchecked: Vec<String>,
    /// Names whose certificate a given revocation list revokes from before a bid that stands.
    pub revoked_unrecorded: Vec<UnrecordedFact>,
}

/// A finding that leaves the results open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenFact {
    /// The code that `gavel explain` knows.
    pub code: String,
    /// Its name.
    pub name: String,
    /// At which line.
    pub line: Option<u64>,
    /// What exactly.
    pub detail: String,
}

/// A revocation of which the ledger does not speak.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnrecordedFact {
    /// Whose certificate.
    pub name: String,
    /// Since when it is revoked.
    pub revoked: Moment,
    /// The last bid of that name.
    pub last_bid: Moment,
}

/// Which keys a sheet rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFacts {
    /// The CA certificate's fingerprint.
    pub ca: String,
    /// The sealing certificate's fingerprint.
    pub sealer: String,
}

/// The ledger that a sheet was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerFacts {
    /// SHA-256 of line 0: which sale this is.
    pub sale_hash: String,
    /// How many lines it has.
    pub lines: u64,
    /// The root of the tree over them.
    pub root: String,
    /// The software that opened it.
    pub software: String,
}

/// The clock entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockFacts {
    /// How many there are.
    pub entries: u64,
    /// At how many the operator went on with a clock behind the ledger.
    pub accepted: u64,
}

/// How long bids waited from reading to their number, in microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LagFacts {
    /// The longest.
    pub max: u64,
    /// The 99th percentile.
    pub p99: u64,
}

/// The rates of a sale, in basis points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeFacts {
    /// What the buyer pays on the hammer price.
    pub premium_bps: u64,
    /// The tax that the buyer pays.
    pub tax_bps: u64,
    /// On what: `premium` or `hammer+premium`.
    pub tax_on: String,
    /// What the seller pays on the hammer price.
    pub commission_bps: u64,
}

/// What rests on less than a bidder's own signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadlineFacts {
    /// Lots won, or led so far, on the house's word only.
    pub lots_on_the_houses_word: Vec<String>,
    /// Lots won, or led so far, by a bid that staff entered for somebody in the room.
    pub lots_of_room_bids: Vec<String>,
    /// Lots won, or led so far, by a bid behind which is a certificate key that the house made.
    pub lots_of_house_made_keys: Vec<String>,
    /// The names in the open.
    pub people: PeopleFacts,
    /// Refusals `reused-n` that rest on a number which was only counted.
    pub reused_n_on_the_houses_word: u64,
}

/// What a reader must know of the names in a ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeopleFacts {
    /// Bidders whose certificate key the house made.
    pub house_made_keys: Vec<String>,
    /// Staff whose certificate key the house made.
    pub staff_with_house_made_keys: Vec<String>,
    /// Names with more than one bid key or more than one certificate key.
    pub several_keys: Vec<SeveralFact>,
}

/// A name with more keys than one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeveralFact {
    /// The name.
    pub name: String,
    /// How many bid keys were enrolled under it.
    pub bid_keys: u64,
    /// How many certificate keys it belonged to, one after the other.
    pub certificate_keys: u64,
    /// The lines at which the auctioneer passed it to another certificate key.
    pub reissues: Vec<u64>,
}

/// One lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LotFacts {
    /// Its place in the catalogue, from 1.
    pub number: u64,
    /// Its id.
    pub lot: String,
    /// Its title.
    pub title: String,
    /// Who sells it.
    pub seller: Option<SellerFact>,
    /// What it was thought to bring.
    pub estimate: Option<EstimateFacts>,
    /// The least first bid.
    pub start: Money,
    /// Whether it was offered without reserve, by the catalogue's own word.
    pub without_reserve: bool,
    /// Its hidden reserve, if it had one.
    pub reserve: Option<ReserveFacts>,
    /// `sold`, `unsold/no-bids`, `unsold/reserve-not-met`, `withdrawn`; while it has not
    /// ended `pending`, `open` or `paused`.
    pub outcome: String,
    /// Who won it.
    pub winner: Option<Party>,
    /// At what price.
    pub hammer_price: Option<Money>,
    /// The bid that won it.
    pub winning_entry: Option<EntryFact>,
    /// The bid that leads while it is open.
    pub standing: Option<StandingFacts>,
    /// Whether that bid, winning or leading, is the house's word only.
    pub on_the_houses_word: bool,
    /// How many bids were accepted.
    pub bids_accepted: u64,
    /// How many refused bids are recorded.
    pub bids_refused: u64,
    /// How many different bidders have an accepted bid.
    pub bidders: u64,
    /// What the accepted bids rest on.
    pub evidence: EvidenceFacts,
    /// When it opened.
    pub opened: Option<Moment>,
    /// Its end before any extension.
    pub scheduled_end: Option<Moment>,
    /// When it ended.
    pub ended: Option<Moment>,
    /// How often a bid extended it.
    pub extensions: u64,
    /// The bids that were taken back, and why.
    pub voids: Vec<ActFact>,
    /// Why it was withdrawn.
    pub withdrawal: Option<ActFact>,
}

/// What a lot was thought to bring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EstimateFacts {
    /// The lower end.
    pub low: Money,
    /// The upper end.
    pub high: Money,
}

/// A hidden reserve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReserveFacts {
    /// The commitment in the catalogue.
    pub commitment: String,
    /// The reserves that were opened, in the order in which they were committed to: the
    /// last one was in force at the end.
    pub revealed: Vec<Money>,
    /// Whether the price that stands, or stood at the end, meets it.
    pub met: Option<bool>,
}

/// A bid that leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandingFacts {
    /// Whose.
    pub bidder: Party,
    /// The price.
    pub price: Money,
    /// Where it stands.
    pub entry: Option<EntryFact>,
}

/// What accepted bids rest on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceFacts {
    /// Their bidder's signature.
    pub signed: u64,
    /// The house's word.
    pub attested: u64,
    /// The signature of a clerk who entered them for somebody in the room.
    pub clerk: u64,
}

/// What a member of the staff did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActFact {
    /// Its line.
    pub line: u64,
    /// When.
    pub at: Moment,
    /// Who.
    pub who: String,
    /// In which role.
    pub role: String,
    /// What, such as `void`.
    pub act: String,
    /// On which lot.
    pub lot: Option<String>,
    /// The line of the bid that it is about.
    pub bid: Option<u64>,
    /// Why.
    pub reason: Option<String>,
}

/// What a sale came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TotalFacts {
    /// Lots in the catalogue.
    pub offered: u64,
    /// Lots sold.
    pub sold: u64,
    /// Lots unsold.
    pub unsold: u64,
    /// Lots withdrawn.
    pub withdrawn: u64,
    /// Lots that have not ended.
    pub unfinished: u64,
    /// Sold out of those offered and not withdrawn, in hundredths of a percent, half-up.
    pub sell_through_bps: Option<u64>,
    /// The hammer prices together.
    pub hammer: Money,
    /// What the fees come to.
    pub fees: Option<FeeTotals>,
}

/// The lists at the end of a sheet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnexFacts {
    /// Every bid that is recorded whole; none where nobody asked for the list.
    pub bids: Option<List<BidFact>>,
    /// Refusals by code.
    pub refusals: Vec<RefusalFact>,
    /// What the staff did.
    pub acts: Option<List<ActFact>>,
    /// When the server was away.
    pub outages: Vec<OutageFact>,
    /// When the clocks had parted.
    pub clocks: Option<List<ClockFact>>,
}

/// A bid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BidFact {
    /// Where it stands.
    pub entry: EntryFact,
    /// On which lot.
    pub lot: String,
    /// Who bid.
    pub bidder: Party,
    /// How much.
    pub amount: Money,
    /// `signed`, `attested` or `clerk`.
    pub evidence: String,
    /// `accepted`, or the code of the refusal.
    pub answer: String,
    /// The lot's end after an accepted bid.
    pub ends_at: Option<Moment>,
    /// The line of the act that took it back.
    pub voided_by: Option<u64>,
}

/// Refusals under one code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusalFact {
    /// The code.
    pub code: String,
    /// How many are recorded whole, signature and all.
    pub recorded: u64,
    /// How many are only counted, on the house's word.
    pub counted: u64,
}

/// A time when the server was away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutageFact {
    /// The time of the last entry before it.
    pub from: Moment,
    /// When it ended.
    pub to: Moment,
    /// How long it was.
    pub away_ms: u64,
}

/// A note that the clocks had parted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockFact {
    /// Its line.
    pub line: u64,
    /// The official time.
    pub at: Moment,
    /// What the wall clock said.
    pub wall: Moment,
    /// Whether the operator accepted it at a start.
    pub accepted: bool,
}
