//! The CSV forms (RFC 4180): comma, CRLF, a header, quotes where they are needed.
//!
//! A spreadsheet takes a cell that begins with `=` and the like for a formula, and a lot
//! may be titled so by anybody who consigns one. Such a cell gets a `'` before it. Every
//! row says whether it is final: rows are copied out of their file.

use super::Sheet;
use super::facts::{ActFact, BidFact, LotFacts};
use super::values::{EntryFact, Moment, Money, Party, SellerFact};
use super::{Invoice, InvoiceLine, Settlement, SettlementLine};
use crate::auction::name::is_showable;

/// A heading, and what stands under it.
type Column<R> = (&'static str, fn(&R) -> String);

impl Sheet {
    /// The lots, one a row.
    pub fn lots_csv(&self) -> String {
        table(self, LOTS, self.facts().lots.iter())
    }

    /// Every bid that is recorded whole, one a row.
    pub fn bids_csv(&self) -> String {
        let bids = self.facts().annexes.bids.as_ref();
        table(self, BIDS, bids.iter().flat_map(|bids| &bids.listed))
    }

    /// What the staff did, one act a row.
    pub fn acts_csv(&self) -> String {
        let acts = self.facts().annexes.acts.as_ref();
        table(self, ACTS, acts.iter().flat_map(|acts| &acts.listed))
    }

    /// What the buyers pay, one lot a row.
    pub fn invoices_csv(&self) -> String {
        let invoices = self.facts().invoices.iter();
        let rows: Vec<(&Invoice, &InvoiceLine)> = invoices
            .flat_map(|invoice| invoice.lots.iter().map(move |lot| (invoice, lot)))
            .collect();
        table(self, &invoice_columns(), rows.iter())
    }

    /// What the sellers get, one sold lot a row.
    pub fn settlements_csv(&self) -> String {
        let settlements = self.facts().settlements.iter();
        let rows: Vec<(&Settlement, &SettlementLine)> = settlements
            .flat_map(|settlement| settlement.lots.iter().map(move |lot| (settlement, lot)))
            .collect();
        table(self, &settlement_columns(), rows.iter())
    }
}

const LOTS: &[Column<LotFacts>] = &[
    ("number", |lot| lot.number.to_string()),
    ("lot", |lot| lot.lot.clone()),
    ("title", |lot| lot.title.clone()),
    ("seller", |lot| lot.seller.as_ref().map_or_else(String::new, seller)),
    ("outcome", |lot| lot.outcome.clone()),
    ("winner", |lot| lot.winner.as_ref().map_or_else(String::new, Party::shown)),
    ("hammer_price_minor_units", |lot| minor(lot.hammer_price.as_ref())),
    ("hammer_price", |lot| decimal(lot.hammer_price.as_ref())),
    ("start_minor_units", |lot| minor(Some(&lot.start))),
    ("start", |lot| decimal(Some(&lot.start))),
    ("reserve_minor_units", |lot| minor(reserve(lot))),
    ("reserve", |lot| decimal(reserve(lot))),
    ("reserve_met", |lot| yes_no(lot.reserve.as_ref().and_then(|reserve| reserve.met))),
    ("bids_accepted", |lot| lot.bids_accepted.to_string()),
    ("bids_refused", |lot| lot.bids_refused.to_string()),
    ("bidders", |lot| lot.bidders.to_string()),
    ("signed", |lot| lot.evidence.signed.to_string()),
    ("attested", |lot| lot.evidence.attested.to_string()),
    ("clerk", |lot| lot.evidence.clerk.to_string()),
    ("on_the_houses_word", |lot| yes_no(Some(lot.on_the_houses_word))),
    ("opened_utc", |lot| utc(lot.opened.as_ref())),
    ("opened_unix_ms", |lot| unix_ms(lot.opened.as_ref())),
    ("scheduled_end_utc", |lot| utc(lot.scheduled_end.as_ref())),
    ("scheduled_end_unix_ms", |lot| unix_ms(lot.scheduled_end.as_ref())),
    ("ended_utc", |lot| utc(lot.ended.as_ref())),
    ("ended_unix_ms", |lot| unix_ms(lot.ended.as_ref())),
    ("extensions", |lot| lot.extensions.to_string()),
    ("winning_line", |lot| lot.winning_entry.as_ref().map_or_else(String::new, line)),
    ("winning_sha256", |lot| {
        lot.winning_entry.as_ref().map_or_else(String::new, |entry| entry.sha256.clone())
    }),
    ("voids", |lot| lot.voids.len().to_string()),
    ("withdrawn_because", |lot| {
        lot.withdrawal.as_ref().and_then(|act| act.reason.clone()).unwrap_or_default()
    }),
];

const BIDS: &[Column<BidFact>] = &[
    ("line", |bid| line(&bid.entry)),
    ("at_utc", |bid| utc(Some(&bid.entry.at))),
    ("at_unix_ms", |bid| unix_ms(Some(&bid.entry.at))),
    ("lot", |bid| bid.lot.clone()),
    ("bidder", |bid| bid.bidder.shown()),
    ("amount_minor_units", |bid| minor(Some(&bid.amount))),
    ("amount", |bid| decimal(Some(&bid.amount))),
    ("evidence", |bid| bid.evidence.clone()),
    ("answer", |bid| bid.answer.clone()),
    ("ends_at_utc", |bid| utc(bid.ends_at.as_ref())),
    ("ends_at_unix_ms", |bid| unix_ms(bid.ends_at.as_ref())),
    ("voided_by_line", |bid| bid.voided_by.map_or_else(String::new, |line| line.to_string())),
    ("sha256", |bid| bid.entry.sha256.clone()),
];

const ACTS: &[Column<ActFact>] = &[
    ("line", |act| act.line.to_string()),
    ("at_utc", |act| utc(Some(&act.at))),
    ("at_unix_ms", |act| unix_ms(Some(&act.at))),
    ("who", |act| act.who.clone()),
    ("role", |act| act.role.clone()),
    ("act", |act| act.act.clone()),
    ("lot", |act| act.lot.clone().unwrap_or_default()),
    ("bid_line", |act| act.bid.map_or_else(String::new, |line| line.to_string())),
    ("reason", |act| act.reason.clone().unwrap_or_default()),
];

fn invoice_columns<'a>() -> [Column<(&'a Invoice, &'a InvoiceLine)>; 14] {
    [
        ("invoice", |(invoice, _)| invoice.number.to_string()),
        ("buyer", |(invoice, _)| invoice.buyer.shown()),
        ("lot", |(_, line)| line.lot.clone()),
        ("title", |(_, line)| line.title.clone()),
        ("hammer_minor_units", |(_, line)| minor(Some(&line.hammer))),
        ("hammer", |(_, line)| decimal(Some(&line.hammer))),
        ("premium_minor_units", |(_, line)| minor(Some(&line.premium))),
        ("premium", |(_, line)| decimal(Some(&line.premium))),
        ("tax_minor_units", |(_, line)| minor(Some(&line.tax))),
        ("tax", |(_, line)| decimal(Some(&line.tax))),
        ("total_minor_units", |(_, line)| minor(Some(&line.total))),
        ("total", |(_, line)| decimal(Some(&line.total))),
        ("invoice_total_minor_units", |(invoice, _)| minor(Some(&invoice.total))),
        ("invoice_total", |(invoice, _)| decimal(Some(&invoice.total))),
    ]
}

fn settlement_columns<'a>() -> [Column<(&'a Settlement, &'a SettlementLine)>; 12] {
    [
        ("settlement", |(settlement, _)| settlement.number.to_string()),
        ("seller", |(settlement, _)| seller(&settlement.seller)),
        ("lot", |(_, line)| line.lot.clone()),
        ("title", |(_, line)| line.title.clone()),
        ("hammer_minor_units", |(_, line)| minor(Some(&line.hammer))),
        ("hammer", |(_, line)| decimal(Some(&line.hammer))),
        ("commission_minor_units", |(_, line)| minor(Some(&line.commission))),
        ("commission", |(_, line)| decimal(Some(&line.commission))),
        ("net_minor_units", |(_, line)| minor(Some(&line.net))),
        ("net", |(_, line)| decimal(Some(&line.net))),
        ("settlement_net_minor_units", |(settlement, _)| minor(Some(&settlement.net))),
        ("settlement_net", |(settlement, _)| decimal(Some(&settlement.net))),
    ]
}

fn table<'a, R: 'a>(
    sheet: &Sheet,
    columns: &[Column<R>],
    rows: impl Iterator<Item = &'a R>,
) -> String {
    let currency = sheet.facts().currency.code.clone().unwrap_or_default();
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let in_memory = "a row in memory, as long as the header, is written";
    let headings = ["status", "sale", "currency"].into_iter();
    let headings = headings.chain(columns.iter().map(|(heading, _)| *heading));
    writer.write_record(headings).expect(in_memory);
    for row in rows {
        let every = [sheet.status(), &sheet.facts().sale, &currency].map(guarded).into_iter();
        let cells = columns.iter().map(|(_, cell)| guarded(&cell(row)));
        writer.write_record(every.chain(cells)).expect(in_memory);
    }
    let bytes = writer.into_inner().expect(in_memory);
    String::from_utf8(bytes).expect("texts and separators are UTF-8")
}

/// A cell that no spreadsheet takes for a formula, without control characters.
fn guarded(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let shown = cell.chars().map(|c| if is_showable(c) { c } else { char::REPLACEMENT_CHARACTER });
    is_formula.then_some('\'').into_iter().chain(shown).collect()
}

fn seller(seller: &SellerFact) -> String {
    seller.as_str().to_owned()
}

/// The reserve in force at the end.
fn reserve(lot: &LotFacts) -> Option<&Money> {
    lot.reserve.as_ref().and_then(|reserve| reserve.revealed.last())
}

fn minor(money: Option<&Money>) -> String {
    money.and_then(|money| money.minor_units).map_or_else(String::new, |units| units.to_string())
}

fn decimal(money: Option<&Money>) -> String {
    money.map_or_else(String::new, |money| money.decimal.clone())
}

fn utc(at: Option<&Moment>) -> String {
    at.map_or_else(String::new, |at| at.utc.clone())
}

fn unix_ms(at: Option<&Moment>) -> String {
    at.map_or_else(String::new, |at| at.unix_ms.to_string())
}

fn line(entry: &EntryFact) -> String {
    entry.line.to_string()
}

fn yes_no(answer: Option<bool>) -> String {
    answer.map_or("", |yes| if yes { "yes" } else { "no" }).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (cell, safe) in [
            ("=1+1", "'=1+1"),
            ("+49 30", "'+49 30"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\u{fffd}x"),
            ("\rx", "'\u{fffd}x"),
            ("a=b", "a=b"),
            ("", ""),
            ("Öl", "Öl"),
        ] {
            assert_eq!(guarded(cell), safe);
        }
    }
}
