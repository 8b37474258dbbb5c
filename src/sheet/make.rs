//! From the results of an audit to what a sheet says.

use super::accounts::Accounts;
use super::facts::{
    ActFact, AnnexFacts, AuditFacts, BidFact, ClockFact, ClockFacts, CurrencyFacts, EstimateFacts,
    EvidenceFacts, Facts, FeeFacts, HeadlineFacts, KIND, KeyFacts, LagFacts, LedgerFacts, LotFacts,
    OpenFact, OutageFact, PeopleFacts, RefusalFact, ReserveFacts, SeveralFact, StandingFacts,
    TotalFacts, UnrecordedFact, VERSION,
};
use super::values::{EntryFact, List, Moment, Money, Party as PartyFact, SellerFact};
use crate::auction::act::Deed;
use crate::auction::catalogue::Seller;
use crate::auction::event::Outcome;
use crate::auction::fees::{Fees, TaxOn};
use crate::auction::lot::{High, LotState};
use crate::auction::money::{Amount, Currency};
use crate::auction::name::{LotId, Party, Title};
use crate::auction::refusal::Code;
use crate::audit::{
    Annexes, Answer, Audited, BidEntry, Evidence, Finding, LotResult, People, Results, SeveralKeys,
    StaffAct, Trace,
};
use crate::ledger::hash::Hash;
use crate::time::Timestamp;

/// All that an audit found, in the words of a sheet.
pub(super) fn facts(audited: &Audited) -> Facts {
    let results = audited.results();
    let currency = &results.currency;
    let lots: Vec<LotFacts> =
        results.lots.iter().map(|lot| lot_facts(lot, &results.acts, currency)).collect();
    let accounts = Accounts::of(&lots, results.fees, currency);
    Facts {
        t: KIND.to_owned(),
        v: VERSION,
        house: results.house.to_string(),
        sale: results.sale.to_string(),
        title: results.title.to_string(),
        currency: CurrencyFacts {
            code: currency.code().map(str::to_owned),
            minor_digits: currency.minor_digits(),
        },
        is_final: results.is_finished,
        audit: audit_facts(audited),
        keys: KeyFacts {
            ca: format!("sha256:{}", results.ca),
            sealer: format!("sha256:{}", results.sealer),
        },
        catalogue: results.catalogue.to_string(),
        ledger: LedgerFacts {
            sale_hash: results.sale_hash.to_string(),
            lines: results.size,
            root: results.root.to_string(),
            software: results.software.to_string(),
        },
        opened: results.opened.into(),
        closed: results.closed.map(Moment::from),
        clock: ClockFacts {
            entries: results.clock_entries,
            accepted: results.headlines.clocks_accepted,
        },
        lag_us: results.lag_us.map(|(max, p99)| LagFacts { max, p99 }),
        fees: results.fees.map(fee_facts),
        headlines: headline_facts(results),
        totals: total_facts(&lots, &accounts, currency),
        lots,
        invoices: accounts.invoices,
        settlements: accounts.settlements,
        annexes: annex_facts(results),
    }
}

fn audit_facts(audited: &Audited) -> AuditFacts {
    let open = |finding: &Finding| OpenFact {
        code: finding.kind.code().to_owned(),
        name: finding.kind.name().to_owned(),
        line: finding.line,
        detail: finding.detail.clone(),
    };
    let unrecorded = audited.results().headlines.revoked_unrecorded.iter();
    AuditFacts {
        verdict: if audited.is_final() { "valid" } else { "incomplete" }.to_owned(),
        open: audited.open().iter().map(open).collect(),
        unchecked: audited.unchecked().to_vec(),
        revoked_unrecorded: unrecorded
            .map(|(name, revoked, last_bid)| UnrecordedFact {
                name: name.to_string(),
                revoked: (*revoked).into(),
                last_bid: (*last_bid).into(),
            })
            .collect(),
    }
}

fn fee_facts(fees: Fees) -> FeeFacts {
    let tax_on = match fees.tax_on {
        TaxOn::Premium => "premium",
        TaxOn::HammerAndPremium => "hammer+premium",
    };
    FeeFacts {
        premium_bps: fees.premium.bps(),
        tax_bps: fees.tax.bps(),
        tax_on: tax_on.to_owned(),
        commission_bps: fees.commission.bps(),
    }
}

fn headline_facts(results: &Results) -> HeadlineFacts {
    let headlines = &results.headlines;
    HeadlineFacts {
        lots_on_the_houses_word: texts(&headlines.lots_on_word),
        lots_of_room_bids: texts(&headlines.lots_of_room_bids),
        lots_of_house_made_keys: texts(&headlines.lots_of_house_made_keys),
        people: PeopleFacts::from(&headlines.people),
        reused_n_on_the_houses_word: headlines.reused_n_on_word,
    }
}

impl From<&People> for PeopleFacts {
    fn from(people: &People) -> Self {
        let several = |several: &SeveralKeys| SeveralFact {
            name: several.name.to_string(),
            bid_keys: several.bid_keys,
            certificate_keys: several.certificate_keys,
            reissues: several.reissues.clone(),
        };
        Self {
            house_made_keys: texts(&people.house_made_keys),
            staff_with_house_made_keys: texts(&people.staff_with_house_made_keys),
            several_keys: people.several_keys.iter().map(several).collect(),
        }
    }
}

// ---- Lots ----

fn lot_facts(lot: &LotResult, acts: &[StaffAct], currency: &Currency) -> LotFacts {
    let terms = &lot.terms;
    let money = |amount: Amount| Money::of(currency, amount);
    let entry = lot.leading.map(EntryFact::from);
    let (winner, hammer_price) = won(&lot.state).unzip();
    let is_sold = winner.is_some();
    let standing = led(&lot.state).map(|high| StandingFacts {
        bidder: party(&high.bidder),
        price: money(high.price),
        entry: entry.clone(),
    });
    LotFacts {
        number: u64::try_from(lot.number).unwrap_or(u64::MAX),
        lot: terms.id.to_string(),
        title: terms.name.to_string(),
        seller: terms.seller.as_ref().map(seller),
        estimate: terms
            .estimate
            .map(|(low, high)| EstimateFacts { low: money(low), high: money(high) }),
        start: money(terms.start),
        without_reserve: terms.without_reserve,
        reserve: terms.reserve_commit.map(|commitment| ReserveFacts {
            commitment: Hash::from_bytes(*commitment.bytes()).to_string(),
            revealed: lot.reserves.iter().map(|reserve| money(*reserve)).collect(),
            met: lot.reserve_met,
        }),
        outcome: outcome(&lot.state).to_owned(),
        winner: winner.map(party),
        hammer_price: hammer_price.map(money),
        winning_entry: entry.filter(|_| is_sold),
        standing,
        on_the_houses_word: lot.is_on_word(),
        bids_accepted: lot.bids_accepted(),
        bids_refused: lot.bids_refused,
        bidders: u64::try_from(lot.bidders).unwrap_or(u64::MAX),
        evidence: EvidenceFacts {
            signed: lot.bids_signed,
            attested: lot.bids_attested,
            clerk: lot.bids_clerk,
        },
        opened: lot.opened.map(Moment::from),
        scheduled_end: lot.scheduled_end.map(Moment::from),
        ended: lot.closed().map(Moment::from),
        extensions: lot.extensions,
        voids: of_lot(acts, &terms.id, |deed| matches!(deed, Deed::Void { .. })),
        withdrawal: of_lot(acts, &terms.id, |deed| matches!(deed, Deed::Withdraw { .. })).pop(),
    }
}

/// The acts of one kind on a lot.
fn of_lot(acts: &[StaffAct], lot: &LotId, is_kind: fn(&Deed) -> bool) -> Vec<ActFact> {
    let of_it = |act: &&StaffAct| is_kind(&act.act.deed) && act.act.deed.lot() == Some(lot);
    acts.iter().filter(of_it).map(act_fact).collect()
}

fn act_fact(done: &StaffAct) -> ActFact {
    let act = &done.act;
    let bid = match &act.deed {
        Deed::Hammer { seen, .. } | Deed::Void { seen, .. } => *seen,
        Deed::Closing
        | Deed::Extend { .. }
        | Deed::Open { .. }
        | Deed::Pause { .. }
        | Deed::Reissue { .. }
        | Deed::Reserve { .. }
        | Deed::Resume { .. }
        | Deed::Say { .. }
        | Deed::Withdraw { .. } => None,
    };
    ActFact {
        line: done.seq,
        at: done.at.into(),
        who: act.by.to_string(),
        role: act.role.to_string(),
        act: act.deed.as_str().to_owned(),
        lot: act.deed.lot().map(LotId::to_string),
        bid,
        reason: act.reason.as_ref().map(Title::to_string),
    }
}

/// Who won a lot, and at what price.
const fn won(state: &LotState) -> Option<(&Party, Amount)> {
    match state {
        LotState::Closed { outcome: Outcome::Sold { to, hammer_price }, .. } => {
            Some((to, *hammer_price))
        }
        LotState::Closed { outcome: Outcome::Unsold(_) | Outcome::Withdrawn, .. }
        | LotState::Open { .. }
        | LotState::Paused { .. }
        | LotState::Pending => None,
    }
}

/// Who leads a lot that has not ended.
const fn led(state: &LotState) -> Option<&High> {
    match state {
        LotState::Open { high, .. } | LotState::Paused { high, .. } => high.as_ref(),
        LotState::Closed { .. } | LotState::Pending => None,
    }
}

const fn outcome(state: &LotState) -> &'static str {
    match state {
        LotState::Closed { outcome, .. } => outcome.as_str(),
        LotState::Open { .. } => "open",
        LotState::Paused { .. } => "paused",
        LotState::Pending => "pending",
    }
}

/// A bidder as a sheet has them.
fn party(bidder: &Party) -> PartyFact {
    match bidder {
        Party::Named(name) => PartyFact::Name(name.to_string()),
        Party::Paddle(paddle) => PartyFact::Paddle(paddle.to_string()),
    }
}

fn seller(seller: &Seller) -> SellerFact {
    match seller {
        Seller::Person(name) => SellerFact::Name(name.to_string()),
        Seller::Text(text) => SellerFact::Text(text.to_string()),
    }
}

fn total_facts(lots: &[LotFacts], accounts: &Accounts, currency: &Currency) -> TotalFacts {
    let count = |wanted: fn(&LotFacts) -> bool| {
        u64::try_from(lots.iter().filter(|lot| wanted(lot)).count()).unwrap_or(u64::MAX)
    };
    let offered = count(|_| true);
    let sold = count(|lot| lot.winner.is_some());
    let unsold = count(|lot| lot.outcome.starts_with("unsold"));
    let withdrawn = count(|lot| lot.outcome == "withdrawn");
    let stayed = offered.saturating_sub(withdrawn);
    let prices = lots.iter().filter_map(|lot| lot.hammer_price.as_ref()?.minor_units);
    TotalFacts {
        offered,
        sold,
        unsold,
        withdrawn,
        unfinished: offered.saturating_sub(sold + unsold + withdrawn),
        sell_through_bps: (sold * 20_000 + stayed).checked_div(2 * stayed),
        hammer: Money::new(currency, prices.map(u128::from).sum()),
        fees: accounts.totals.clone(),
    }
}

// ---- Annexes ----

fn annex_facts(results: &Results) -> AnnexFacts {
    let kept = results.annexes.as_ref();
    let outage = |(from, to): &(Timestamp, Timestamp)| OutageFact {
        from: Moment::from(*from),
        to: Moment::from(*to),
        away_ms: to.since(*from).ms(),
    };
    AnnexFacts {
        bids: kept.map(|annexes| bid_list(annexes, &results.currency)),
        refusals: refusals(results),
        acts: kept
            .map(|_| List { listed: results.acts.iter().map(act_fact).collect(), left_out: 0 }),
        outages: results.outages.iter().map(outage).collect(),
        clocks: kept.map(clock_list),
    }
}

fn bid_list(annexes: &Annexes, currency: &Currency) -> List<BidFact> {
    let bid = |bid: &BidEntry| {
        let (answer, ends_at) = match bid.answer {
            Answer::Accepted { ends_at } => ("accepted", ends_at),
            Answer::Refused(code) => (code.as_str(), None),
        };
        BidFact {
            entry: bid.trace.into(),
            lot: bid.lot.to_string(),
            bidder: party(&bid.bidder),
            amount: Money::of(currency, bid.amount),
            evidence: evidence(bid.evidence).to_owned(),
            answer: answer.to_owned(),
            ends_at: ends_at.map(Moment::from),
            voided_by: bid.voided_by,
        }
    };
    let listed = annexes.bids.iter().map(bid).collect();
    List { listed, left_out: annexes.bids_left_out }
}

const fn evidence(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Attested => "attested",
        Evidence::Clerk => "clerk",
        Evidence::Signed => "signed",
    }
}

fn clock_list(annexes: &Annexes) -> List<ClockFact> {
    let clocks = annexes.clocks.iter().map(|clock| ClockFact {
        line: clock.seq,
        at: clock.at.into(),
        wall: clock.wall.into(),
        accepted: clock.accepted,
    });
    List { listed: clocks.collect(), left_out: annexes.clocks_left_out }
}

fn refusals(results: &Results) -> Vec<RefusalFact> {
    let of = |counts: &std::collections::BTreeMap<Code, u64>, code| {
        counts.get(&code).copied().unwrap_or(0)
    };
    let counts = Code::ALL.into_iter().map(|code| RefusalFact {
        code: code.as_str().to_owned(),
        recorded: of(&results.refused, code),
        counted: of(&results.headlines.counted_only, code),
    });
    counts.filter(|counts| counts.recorded > 0 || counts.counted > 0).collect()
}

impl From<Trace> for EntryFact {
    fn from(trace: Trace) -> Self {
        Self { line: trace.seq, sha256: trace.hash.to_string(), at: trace.at.into() }
    }
}

fn texts(items: &[impl std::fmt::Display]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}
