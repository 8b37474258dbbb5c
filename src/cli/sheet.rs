//! The sheet of a sale: its parts as text, and the JSON that has all of them.

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use super::when;
use crate::auction::catalogue::Seller;
use crate::auction::event::Outcome;
use crate::auction::lot::LotState;
use crate::auction::money::{Amount, Currency};
use crate::auction::name::{Party, Title};
use crate::audit::{Audited, LotResult, Results, Trace};
use crate::time::Timestamp;

/// A longer title is cut in a table; the JSON has it whole.
const TITLE_CHARS_SHOWN: usize = 36;

/// Which sale this is, and which ledger and keys it stands on.
pub(super) fn header(results: &Results) -> String {
    let closed = results.closed.map_or("not yet".to_owned(), when::moment);
    let mut text = format!(
        "{title}\nsale      {sale} of house {house}\nopened    {opened}\nclosed    {closed}\n\
         sealed by sha256:{sealer}\ncatalogue {catalogue}\nroot      {root}\n          over {size} lines\n",
        title = results.title.as_str(),
        sale = results.sale,
        house = results.house,
        opened = when::moment(results.opened),
        sealer = results.sealer,
        catalogue = results.catalogue,
        root = results.root,
        size = results.size,
    );
    for (from, to) in &results.outages {
        let away = when::length(to.since(*from));
        text.push_str(&format!("outage    {away}, until {}\n", when::moment(*to)));
    }
    if results.clock_entries > 0 {
        let entries = results.clock_entries;
        text.push_str(&format!(
            "clock     {entries} entries: wall clock and official time had parted\n"
        ));
    }
    text
}

/// What each lot came to.
pub(super) fn lots(results: &Results) -> String {
    let header =
        ["LOT", "TITLE", "OUTCOME", "WINNER", "PRICE", "BIDS", "REFUSED", "BIDDERS", "EVIDENCE"];
    let mut table = plain_table(&header);
    for index in [4, 5, 6, 7] {
        align_right(&mut table, index);
    }
    for lot in &results.lots {
        let (outcome, winner, price) = outcome(lot);
        let price = price.map_or(String::new(), |price| results.currency.display(price));
        table.add_row([
            lot.terms.id.to_string(),
            cut(&lot.terms.name),
            outcome.to_owned(),
            winner.map_or(String::new(), Party::to_string),
            price,
            lot.bids_accepted().to_string(),
            lot.bids_refused.to_string(),
            lot.bidders.to_string(),
            evidence(lot),
        ]);
    }
    table.trim_fmt() + "\n"
}

/// When each lot opened and ended.
pub(super) fn times(results: &Results) -> String {
    let header = ["LOT", "SELLER", "START", "OPENED", "SCHEDULED END", "ENDED", "EXTENSIONS"];
    let mut table = plain_table(&header);
    align_right(&mut table, 2);
    align_right(&mut table, 6);
    let moment = |at: Option<Timestamp>| at.map_or(String::new(), when::moment);
    for lot in &results.lots {
        table.add_row([
            lot.terms.id.to_string(),
            lot.terms.seller.as_ref().map_or(String::new(), seller),
            results.currency.display(lot.terms.start),
            moment(lot.opened),
            moment(lot.scheduled_end),
            moment(lot.closed()),
            lot.extensions.to_string(),
        ]);
    }
    table.trim_fmt() + "\n"
}

/// Which line won each lot, to be found again in the ledger.
pub(super) fn proofs(results: &Results) -> String {
    let mut table = plain_table(&["LOT", "WINNING LINE", "SHA-256 OF THE LINE"]);
    align_right(&mut table, 1);
    for lot in &results.lots {
        if let Some(Trace { seq, hash, .. }) = lot.leading {
            table.add_row([lot.terms.id.to_string(), seq.to_string(), hash.to_string()]);
        }
    }
    if table.is_empty() { String::new() } else { table.trim_fmt() + "\n" }
}

/// What the sale came to.
pub(super) fn totals(results: &Results) -> String {
    let (offered, totals) = (results.lots.len(), results.totals);
    let offered_lots = u64::try_from(offered).unwrap_or(u64::MAX);
    let share = totals.sold.saturating_mul(1000).checked_div(offered_lots).unwrap_or(0);
    let hammer = money_total(&results.currency, totals.hammer_total);
    let mut text = format!(
        "offered   {offered} lots: {} sold, {} unsold ({}.{} % sold)\nhammer    {hammer}\n",
        totals.sold,
        totals.unsold,
        share / 10,
        share % 10,
    );
    if !results.refused.is_empty() {
        let codes: Vec<String> =
            results.refused.iter().map(|(code, count)| format!("{count} {code}")).collect();
        text.push_str(&format!("refused   {}\n", codes.join(", ")));
    }
    if let Some((max, p99)) = results.lag_us {
        text.push_str(&format!(
            "waiting   bids waited at most {} ms for their number, 99 of 100 at most {} ms\n",
            decimal_ms(max),
            decimal_ms(p99),
        ));
    }
    text
}

/// What rests on less than a bidder's own signature; empty where nothing does.
pub(super) fn headlines(results: &Results) -> String {
    let headlines = &results.headlines;
    let mut points = Vec::new();
    let mut say = |text: String| points.push(format!("  ! {text}\n"));
    if !headlines.lots_on_word.is_empty() {
        say(format!(
            "won on the house's word, without a signature: lot {}",
            join(&headlines.lots_on_word)
        ));
    }
    if !headlines.lots_of_house_made_keys.is_empty() {
        let lots = join(&headlines.lots_of_house_made_keys);
        say(format!("won by somebody whose certificate key the house made: lot {lots}"));
    }
    if !headlines.house_made_keys.is_empty() {
        say(format!(
            "the house made the certificate keys of: {}",
            join(&headlines.house_made_keys)
        ));
    }
    for (name, keys) in &headlines.several_keys {
        say(format!(
            "{name} enrolled {keys} bid keys: other devices, or somebody else with the certificate"
        ));
    }
    for (code, count) in &headlines.counted_only {
        say(format!("{count} refused as {code} are only counted, on the house's word"));
    }
    if headlines.reused_n_on_word > 0 {
        say(format!("{} refusals reused-n rest on such a count", headlines.reused_n_on_word));
    }
    if headlines.clocks_accepted > 0 {
        say(format!(
            "the operator went on {} times with a clock behind the ledger",
            headlines.clocks_accepted
        ));
    }
    for (name, since, last) in &headlines.revoked_unrecorded {
        say(format!(
            "{name}'s certificate is revoked since {}, the ledger does not say so, and a bid of {} stands",
            when::moment(*since),
            when::moment(*last),
        ));
    }
    if points.is_empty() { String::new() } else { points.concat() + "\n" }
}

/// All of it for programs.
pub(super) fn json(audited: &Audited) -> Value {
    let results = audited.results();
    let lots: Vec<Value> =
        results.lots.iter().map(|lot| lot_json(lot, &results.currency)).collect();
    let totals = results.totals;
    let outages: Vec<Value> = results
        .outages
        .iter()
        .map(|(from, to)| json!({"from": from.unix_ms(), "to": to.unix_ms()}))
        .collect();
    json!({
        "final": audited.is_final(),
        "house": results.house.as_str(),
        "sale": results.sale.as_str(),
        "title": results.title.as_str(),
        "currency": {
            "code": results.currency.code(),
            "minor_digits": results.currency.minor_digits(),
        },
        "ca": format!("sha256:{}", results.ca),
        "sealer": format!("sha256:{}", results.sealer),
        "software": results.software.as_str(),
        "catalogue": results.catalogue.to_string(),
        "opened_at": results.opened.unix_ms(),
        "closed_at": results.closed.map(Timestamp::unix_ms),
        "lines": results.size,
        "root": results.root.to_string(),
        "lots": lots,
        "totals": {
            "offered": results.lots.len(),
            "sold": totals.sold,
            "unsold": totals.unsold,
            "hammer": totals.hammer_total.and_then(Amount::new).map(|total| money(&results.currency, total)),
        },
        "refused": codes(&results.refused),
        "outages": outages,
        "clock_entries": results.clock_entries,
        "lag_us": results.lag_us.map(|(max, p99)| json!({"max": max, "p99": p99})),
        "headlines": headlines_json(results),
    })
}

fn lot_json(lot: &LotResult, currency: &Currency) -> Value {
    let (outcome, winner, price) = outcome(lot);
    json!({
        "number": lot.number,
        "lot": lot.terms.id.as_str(),
        "title": lot.terms.name.as_str(),
        "seller": lot.terms.seller.as_ref().map(seller),
        "start": money(currency, lot.terms.start),
        "outcome": outcome,
        "winner": winner.map(Party::to_string),
        "price": price.map(|price| money(currency, price)),
        "bids_accepted": lot.bids_accepted(),
        "bids_refused": lot.bids_refused,
        "bidders": lot.bidders,
        "evidence": {"signed": lot.bids_signed, "attested": lot.bids_attested},
        "on_the_houses_word": lot.is_on_word,
        "opened_at": lot.opened.map(Timestamp::unix_ms),
        "scheduled_end": lot.scheduled_end.map(Timestamp::unix_ms),
        "closed_at": lot.closed().map(Timestamp::unix_ms),
        "extensions": lot.extensions,
        "winning_entry": lot.leading.map(|trace| json!({
            "seq": trace.seq,
            "sha256": trace.hash.to_string(),
            "at": trace.at.unix_ms(),
        })),
    })
}

fn headlines_json(results: &Results) -> Value {
    let headlines = &results.headlines;
    let several: Vec<Value> = headlines
        .several_keys
        .iter()
        .map(|(name, keys)| json!({"name": name.as_str(), "bid_keys": keys}))
        .collect();
    let unrecorded: Vec<Value> = headlines
        .revoked_unrecorded
        .iter()
        .map(|(name, since, last)| {
            json!({"name": name.as_str(), "revoked_at": since.unix_ms(), "last_bid_at": last.unix_ms()})
        })
        .collect();
    json!({
        "lots_on_the_houses_word": texts(&headlines.lots_on_word),
        "lots_of_house_made_keys": texts(&headlines.lots_of_house_made_keys),
        "house_made_keys": texts(&headlines.house_made_keys),
        "several_bid_keys": several,
        "refusals_only_counted": codes(&headlines.counted_only),
        "reused_n_on_the_houses_word": headlines.reused_n_on_word,
        "clocks_accepted": headlines.clocks_accepted,
        "revoked_unrecorded": unrecorded,
    })
}

fn plain_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.iter().copied());
    table
}

fn align_right(table: &mut Table, index: usize) {
    if let Some(column) = table.column_mut(index) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// How a lot stands, who leads or has won it, and at what price.
fn outcome(lot: &LotResult) -> (&'static str, Option<&Party>, Option<Amount>) {
    match &lot.state {
        LotState::Closed { outcome: Outcome::Sold { to, hammer_price }, .. } => {
            ("sold", Some(to), Some(*hammer_price))
        }
        LotState::Closed { outcome, .. } => (outcome.as_str(), None, None),
        LotState::Paused { high: Some(high), .. } => {
            ("paused", Some(&high.bidder), Some(high.price))
        }
        LotState::Paused { high: None, .. } => ("paused", None, None),
        LotState::Open { high: Some(high), .. } => ("open", Some(&high.bidder), Some(high.price)),
        LotState::Open { high: None, .. } => ("open", None, None),
        LotState::Pending => ("pending", None, None),
    }
}

fn evidence(lot: &LotResult) -> String {
    match (lot.bids_signed, lot.bids_attested) {
        (0, 0) => String::new(),
        (_, 0) => "signed".to_owned(),
        (0, _) => "house's word".to_owned(),
        (signed, attested) => format!("{signed} signed, {attested} house's word"),
    }
}

fn seller(seller: &Seller) -> String {
    match seller {
        Seller::Person(name) => name.to_string(),
        Seller::Text(text) => text.as_str().to_owned(),
    }
}

fn money(currency: &Currency, amount: Amount) -> Value {
    json!({"minor_units": amount.minor_units(), "decimal": currency.decimal(amount)})
}

fn money_total(currency: &Currency, total: Option<u64>) -> String {
    match total {
        Some(0) => "0".to_owned(),
        Some(total) => {
            Amount::new(total).map_or_else(|| total.to_string(), |total| currency.display(total))
        }
        None => "more than can be written".to_owned(),
    }
}

fn decimal_ms(us: u64) -> String {
    format!("{}.{:02}", us / 1000, us / 10 % 100)
}

fn cut(title: &Title) -> String {
    let text = title.as_str();
    match text.char_indices().nth(TITLE_CHARS_SHOWN) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

fn join(items: &[impl std::fmt::Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn texts(items: &[impl std::fmt::Display]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

fn codes(counts: &std::collections::BTreeMap<crate::auction::refusal::Code, u64>) -> Value {
    counts.iter().map(|(code, count)| (code.as_str().to_owned(), json!(count))).collect()
}
