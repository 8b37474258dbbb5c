//! The sheet of a sale as tables for a terminal, part by part.

use comfy_table::{CellAlignment, Table, presets};

use crate::sheet::{LotFacts, Moment, Party, PeopleFacts, SellerFact, Sheet};

/// A longer title is cut in a table; the other forms have it whole.
const TITLE_CHARS_SHOWN: usize = 36;

/// Which sale this is, and which ledger and keys it stands on.
pub(super) fn header(sheet: &Sheet) -> String {
    let facts = sheet.facts();
    let mut text = format!(
        "{title}\nsale      {sale} of house {house}\nopened    {opened}\nclosed    {closed}\n\
         sealed by {sealer}\ncatalogue {catalogue}\nroot      {root}\n          over {lines} lines\n",
        title = facts.title,
        sale = facts.sale,
        house = facts.house,
        opened = facts.opened.shown(),
        closed = facts.closed.as_ref().map_or("not yet".to_owned(), Moment::shown),
        sealer = facts.keys.sealer,
        catalogue = facts.catalogue,
        root = facts.ledger.root,
        lines = facts.ledger.lines,
    );
    for outage in &facts.annexes.outages {
        let away = super::when::length(crate::time::Span::from_ms(outage.away_ms));
        text.push_str(&format!("outage    {away}, until {}\n", outage.to.shown()));
    }
    if facts.clock.entries > 0 {
        let entries = facts.clock.entries;
        text.push_str(&format!(
            "clock     {entries} entries: wall clock and official time had parted\n"
        ));
    }
    text
}

/// What each lot came to.
pub(super) fn lots(sheet: &Sheet) -> String {
    let header =
        ["LOT", "TITLE", "OUTCOME", "WINNER", "PRICE", "BIDS", "REFUSED", "BIDDERS", "EVIDENCE"];
    let mut table = plain_table(&header, &[4, 5, 6, 7]);
    for lot in &sheet.facts().lots {
        let standing = lot.standing.as_ref();
        let winner = lot.winner.as_ref().or(standing.map(|standing| &standing.bidder));
        let price = lot.hammer_price.as_ref().or(standing.map(|standing| &standing.price));
        table.add_row([
            lot.lot.clone(),
            cut(&lot.title),
            lot.outcome.clone(),
            winner.map_or_else(String::new, Party::shown),
            price.map_or_else(String::new, |price| sheet.money(price)),
            lot.bids_accepted.to_string(),
            lot.bids_refused.to_string(),
            lot.bidders.to_string(),
            evidence(lot),
        ]);
    }
    table.trim_fmt() + "\n"
}

/// When each lot opened and ended.
pub(super) fn times(sheet: &Sheet) -> String {
    let header = ["LOT", "SELLER", "START", "OPENED", "SCHEDULED END", "ENDED", "EXTENSIONS"];
    let mut table = plain_table(&header, &[2, 6]);
    let moment = |at: &Option<Moment>| at.as_ref().map_or_else(String::new, Moment::shown);
    for lot in &sheet.facts().lots {
        table.add_row([
            lot.lot.clone(),
            lot.seller.as_ref().map_or("", SellerFact::as_str).to_owned(),
            sheet.money(&lot.start),
            moment(&lot.opened),
            moment(&lot.scheduled_end),
            moment(&lot.ended),
            lot.extensions.to_string(),
        ]);
    }
    table.trim_fmt() + "\n"
}

/// Which line won each lot, to be found again in the ledger.
pub(super) fn proofs(sheet: &Sheet) -> String {
    let mut table = plain_table(&["LOT", "WINNING LINE", "SHA-256 OF THE LINE"], &[1]);
    for lot in &sheet.facts().lots {
        let leading = lot.standing.as_ref().and_then(|standing| standing.entry.as_ref());
        if let Some(entry) = lot.winning_entry.as_ref().or(leading) {
            table.add_row([lot.lot.clone(), entry.line.to_string(), entry.sha256.clone()]);
        }
    }
    shown(&table)
}

/// What buyers pay and sellers get; empty where the sale has no fees.
pub(super) fn accounts(sheet: &Sheet) -> String {
    let facts = sheet.facts();
    if facts.fees.is_none() {
        return String::new();
    }
    let header = ["INVOICE", "BUYER", "LOTS", "HAMMER", "PREMIUM", "TAX", "TO PAY"];
    let mut bought = plain_table(&header, &[0, 2, 3, 4, 5, 6]);
    for invoice in &facts.invoices {
        bought.add_row([
            invoice.number.to_string(),
            invoice.buyer.shown(),
            invoice.lots.len().to_string(),
            sheet.money(&invoice.hammer),
            sheet.money(&invoice.premium),
            sheet.money(&invoice.tax),
            sheet.money(&invoice.total),
        ]);
    }
    let header = ["SETTLEMENT", "SELLER", "LOTS", "HAMMER", "COMMISSION", "TO PAY OUT"];
    let mut sold = plain_table(&header, &[0, 2, 3, 4, 5]);
    for settlement in &facts.settlements {
        sold.add_row([
            settlement.number.to_string(),
            cut(settlement.seller.as_str()),
            settlement.lots.len().to_string(),
            sheet.money(&settlement.hammer),
            sheet.money(&settlement.commission),
            sheet.money(&settlement.net),
        ]);
    }
    let parts = [shown(&bought), shown(&sold)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// What the sale came to.
pub(super) fn totals(sheet: &Sheet) -> String {
    let (facts, totals) = (sheet.facts(), &sheet.facts().totals);
    let mut text = format!(
        "offered   {} lots: {} sold, {} unsold",
        totals.offered, totals.sold, totals.unsold
    );
    for (count, what) in [(totals.withdrawn, "withdrawn"), (totals.unfinished, "not ended")] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    if let Some(bps) = totals.sell_through_bps {
        text.push_str(&format!(" ({}.{:02} % sold)", bps / 100, bps % 100));
    }
    text.push_str(&format!("\nhammer    {}\n", sheet.money(&totals.hammer)));
    if let Some(fees) = &totals.fees {
        text.push_str(&format!(
            "buyers    pay {}: premium {}, tax {}\nsellers   get {}: commission {}\n",
            sheet.money(&fees.buyers_pay),
            sheet.money(&fees.premium),
            sheet.money(&fees.tax),
            sheet.money(&fees.sellers_get),
            sheet.money(&fees.commission),
        ));
    }
    let recorded = facts.annexes.refusals.iter().filter(|refusal| refusal.recorded > 0);
    let codes: Vec<String> =
        recorded.map(|refusal| format!("{} {}", refusal.recorded, refusal.code)).collect();
    if !codes.is_empty() {
        text.push_str(&format!("refused   {}\n", codes.join(", ")));
    }
    if let Some(lag) = &facts.lag_us {
        text.push_str(&format!("waiting   {}\n", lag.shown()));
    }
    text
}

/// What rests on less than a bidder's own signature; empty where nothing does.
pub(super) fn headlines(sheet: &Sheet) -> String {
    marked(&sheet.facts().points())
}

/// What a reader must know of the names in a ledger that has no results.
pub(super) fn people(people: &PeopleFacts) -> String {
    let points = marked(&people.points());
    if points.is_empty() {
        points
    } else {
        format!("Names, as far as they were checked:\n{points}")
    }
}

fn marked(points: &[String]) -> String {
    let points: String = points.iter().map(|point| format!("  ! {point}\n")).collect();
    if points.is_empty() { points } else { points + "\n" }
}

/// A table with a plain header, some columns of it to the right.
fn plain_table(header: &[&str], right: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.iter().copied());
    for index in right {
        if let Some(column) = table.column_mut(*index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A table, or nothing without rows.
fn shown(table: &Table) -> String {
    if table.is_empty() { String::new() } else { table.trim_fmt() + "\n" }
}

fn evidence(lot: &LotFacts) -> String {
    let evidence = &lot.evidence;
    match (evidence.signed, evidence.attested, evidence.clerk) {
        (0, 0, 0) => String::new(),
        (_, 0, 0) => "signed".to_owned(),
        (0, _, 0) => "house's word".to_owned(),
        (0, 0, _) => "entered by a clerk".to_owned(),
        (signed, attested, clerk) => {
            let counts = [(signed, "signed"), (attested, "house's word"), (clerk, "by a clerk")];
            let counts = counts.into_iter().filter(|(count, _)| *count > 0);
            counts.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
        }
    }
}

fn cut(title: &str) -> String {
    match title.char_indices().nth(TITLE_CHARS_SHOWN) {
        Some((end, _)) => format!("{}…", title[..end].trim_end()),
        None => title.to_owned(),
    }
}
