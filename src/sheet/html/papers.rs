//! The private papers: an invoice for each buyer, a settlement for each seller.
//!
//! Here alone the house's register meets the sheet. Each paper is a file of its own, for
//! the one person it is addressed to, and all of a kind are one more file, for the printer.

use std::collections::BTreeMap;

use super::super::accounts::{Invoice, Settlement};
use super::super::address_book::{AddressBook, Person};
use super::super::facts::Facts;
use super::super::values::{EntryFact, Party, SellerFact};
use super::super::{Money, Sheet};
use super::{Html, document, percent};

/// A private page, and the name of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paper {
    /// The file's name, made of names of the ledger.
    pub file: String,
    /// The page.
    pub html: String,
}

/// All invoices and settlements of a sale, with the names and addresses of the register.
pub fn papers(sheet: &Sheet, register: &AddressBook) -> Vec<Paper> {
    let facts = sheet.facts();
    let won =
        facts.lots.iter().filter_map(|lot| Some((lot.lot.as_str(), lot.winning_entry.as_ref()?)));
    let desk = Desk { sheet, register, won: won.collect() };
    let mut papers = Vec::new();
    let mut all = Html::default();
    for invoice in &facts.invoices {
        let html = desk.invoice(invoice);
        all.0.push_str(&html.0);
        let whom = match &invoice.buyer {
            Party::Name(name) => name.clone(),
            Party::Paddle(paddle) => format!("paddle-{paddle}"),
        };
        let file = format!("invoice-{:03}-{whom}.html", invoice.number);
        papers.push(Paper { file, html: desk.page("Invoice", invoice.number, html) });
    }
    papers.extend(together("invoices.html", "Invoices", facts, all));
    let mut all = Html::default();
    for settlement in &facts.settlements {
        let html = desk.settlement(settlement);
        all.0.push_str(&html.0);
        let whom = match &settlement.seller {
            SellerFact::Name(name) => format!("-{name}"),
            SellerFact::Text(_) => String::new(),
        };
        let file = format!("settlement-{:03}{whom}.html", settlement.number);
        papers.push(Paper { file, html: desk.page("Settlement", settlement.number, html) });
    }
    papers.extend(together("settlements.html", "Settlements", facts, all));
    papers
}

/// All papers of a kind in one file, if there are any.
fn together(file: &str, kind: &str, facts: &Facts, all: Html) -> Option<Paper> {
    let title = format!("{kind}: {}", facts.title);
    (!all.0.is_empty()).then(|| Paper { file: file.to_owned(), html: document(&title, all) })
}

/// How every amount is rounded.
const ROUNDING: &str =
    "Each amount of each lot is rounded half-up to the minor unit, then the lots are summed.";

/// What buyers pay beside the hammer price, in words.
pub(super) fn buyer_rates(facts: &Facts) -> Option<String> {
    let fees = facts.fees.as_ref()?;
    let on = match fees.tax_on.as_str() {
        "premium" => "the premium",
        _ => "hammer price and premium",
    };
    let (premium, tax) = (percent(fees.premium_bps), percent(fees.tax_bps));
    Some(format!("Buyer's premium {premium} of the hammer price, tax {tax} of {on}. {ROUNDING}"))
}

/// What sellers pay, in words.
pub(super) fn seller_rates(facts: &Facts) -> Option<String> {
    let commission = percent(facts.fees.as_ref()?.commission_bps);
    Some(format!("Seller's commission {commission} of the hammer price. {ROUNDING}"))
}

/// Where papers are written: the sheet, and who stands behind its names.
struct Desk<'a> {
    sheet: &'a Sheet,
    register: &'a AddressBook,
    /// The winning entry of each sold lot.
    won: BTreeMap<&'a str, &'a EntryFact>,
}

impl Desk<'_> {
    fn page(&self, kind: &str, number: u64, html: Html) -> String {
        let facts = self.sheet.facts();
        document(&format!("{kind} {}/{number}", facts.sale), html)
    }

    fn money(&self, money: &Money) -> String {
        self.sheet.money(money)
    }

    fn invoice(&self, invoice: &Invoice) -> Html {
        let mut html = Html::default();
        self.head("Invoice", invoice.number, &mut html);
        let name = invoice.buyer.shown();
        self.parties("To", &name, self.register.buyer(&invoice.buyer), &mut html);
        html.mark(
            "<table><thead><tr><th>Lot</th><th>Title</th><th class=\"n\">Hammer price</th>\
             <th class=\"n\">Premium</th><th class=\"n\">Tax</th><th class=\"n\">Total</th></tr></thead>\n\
             <tbody>\n",
        );
        for line in &invoice.lots {
            html.mark("<tr>").cell(&line.lot).cell(&line.title).figure(&self.money(&line.hammer));
            html.figure(&self.money(&line.premium)).figure(&self.money(&line.tax));
            html.figure(&self.money(&line.total)).mark("</tr>\n");
        }
        html.mark("</tbody></table>\n<table class=\"sum\"><tbody>\n");
        self.sum("Hammer prices", &invoice.hammer, &mut html);
        self.sum("Buyer's premium", &invoice.premium, &mut html);
        self.sum("Tax", &invoice.tax, &mut html);
        self.sum("To pay", &invoice.total, &mut html);
        html.mark("</tbody></table>\n");
        if let Some(house) = self.register.house().filter(|house| !house.account.is_empty()) {
            html.around("<p>To be paid to: ", &house.account, "</p>\n");
        }
        let lots: Vec<&str> = invoice.lots.iter().map(|line| line.lot.as_str()).collect();
        self.foot(buyer_rates(self.sheet.facts()), &lots, &mut html);
        html
    }

    fn settlement(&self, settlement: &Settlement) -> Html {
        let mut html = Html::default();
        self.head("Settlement", settlement.number, &mut html);
        let (seller, person) =
            (settlement.seller.as_str(), self.register.seller(&settlement.seller));
        self.parties("For", seller, person, &mut html);
        html.mark(
            "<table><thead><tr><th>Lot</th><th>Title</th><th class=\"n\">Hammer price</th>\
             <th class=\"n\">Commission</th><th class=\"n\">Net</th></tr></thead>\n<tbody>\n",
        );
        for line in &settlement.lots {
            html.mark("<tr>").cell(&line.lot).cell(&line.title).figure(&self.money(&line.hammer));
            html.figure(&self.money(&line.commission)).figure(&self.money(&line.net));
            html.mark("</tr>\n");
        }
        for lot in &settlement.not_sold {
            html.mark("<tr>").cell(&lot.lot).cell(&lot.title);
            html.around("<td class=\"n\" colspan=\"3\">", &lot.outcome, "</td></tr>\n");
        }
        html.mark("</tbody></table>\n<table class=\"sum\"><tbody>\n");
        self.sum("Hammer prices", &settlement.hammer, &mut html);
        self.sum("Seller's commission", &settlement.commission, &mut html);
        self.sum("To be paid out", &settlement.net, &mut html);
        html.mark("</tbody></table>\n");
        if let Some(person) = person.filter(|person| !person.account.is_empty()) {
            html.around("<p>To be paid out to: ", &person.account, "</p>\n");
        }
        let lots: Vec<&str> = settlement.lots.iter().map(|line| line.lot.as_str()).collect();
        self.foot(seller_rates(self.sheet.facts()), &lots, &mut html);
        html
    }

    fn head(&self, kind: &'static str, number: u64, html: &mut Html) {
        let facts = self.sheet.facts();
        let house = self.register.house().map_or("", |house| house.full_name.as_str());
        let house = if house.is_empty() { &facts.house } else { house };
        html.mark("<article class=\"paper\">\n<header>\n");
        html.around("<p class=\"house\">", house, "</p>\n<h1>").text(kind);
        html.text(&format!(" {}/{number}", facts.sale)).mark("</h1>\n<p class=\"soft\">");
        html.text(&facts.title);
        if let Some(closed) = &facts.closed {
            html.mark(", closed ").text(&closed.shown());
        }
        html.mark("</p>\n</header>\n");
        if !self.sheet.is_final() {
            self.sheet.status_mark(html);
        }
    }

    /// Who it is for and who it is from.
    fn parties(&self, to: &'static str, name: &str, person: Option<&Person>, html: &mut Html) {
        html.mark("<div class=\"letter\">\n");
        address(to, name, person, html);
        address("From", &self.sheet.facts().house, self.register.house(), html);
        html.mark("</div>\n");
    }

    fn sum(&self, what: &'static str, money: &Money, html: &mut Html) {
        html.mark("<tr>").cell(what).figure(&self.money(money)).mark("</tr>\n");
    }

    /// The rates, and where in the ledger each price stands.
    fn foot(&self, rates: Option<String>, lots: &[&str], html: &mut Html) {
        let facts = self.sheet.facts();
        if let Some(rates) = rates {
            html.around("<p class=\"note\">", &rates, "</p>\n");
        }
        html.mark(
            "<p class=\"note\">Where the prices stand in the ledger, line and SHA-256:</p>\n",
        );
        html.mark("<table class=\"tight\"><tbody>\n");
        for (lot, entry) in lots.iter().filter_map(|lot| Some((lot, self.won.get(lot)?))) {
            html.mark("<tr>").around("<td>lot ", lot, "</td>");
            html.code(&entry.line.to_string()).code(&entry.sha256).mark("</tr>\n");
        }
        html.around("<tr><td>root</td><td></td><td class=\"code\">", &facts.ledger.root, "</td>");
        html.mark("</tr>\n</tbody></table>\n</article>\n");
    }
}

/// An address, as far as it is known.
fn address(heading: &'static str, name: &str, person: Option<&Person>, html: &mut Html) {
    html.around("<div><div class=\"note\">", heading, "</div>\n<div class=\"address\">");
    let full_name = person.map_or("", |person| person.full_name.as_str());
    html.around("<strong>", if full_name.is_empty() { name } else { full_name }, "</strong>");
    for text in person.iter().flat_map(|person| [&person.address, &person.email]) {
        if !text.is_empty() {
            html.mark("\n").text(&text.replace("\r\n", "\n"));
        }
    }
    html.mark("</div>");
    if let Some(person) = person.filter(|person| !person.vat_id.is_empty()) {
        html.around("<div class=\"note\">VAT id ", &person.vat_id, "</div>");
    }
    if !full_name.is_empty() {
        html.around("<div class=\"note\">in the sale: ", name, "</div>");
    }
    html.mark("</div>\n");
}
