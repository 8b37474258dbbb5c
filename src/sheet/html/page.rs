//! The sheet that is published: for the hall's wall, the file, a court.

use super::super::Sheet;
use super::super::facts::{BidFact, Facts, LotFacts};
use super::super::values::{List, Party};
use super::{Html, annexes, clock, document, papers, percent, qr};
use crate::limits::PAGE_BIDS_MAX;

impl Sheet {
    /// The sheet as one printable HTML page. It holds no names but those of the ledger.
    pub fn page(&self) -> String {
        let facts = self.facts();
        let mut body = Html::default();
        self.head(&mut body);
        self.figures(&mut body);
        self.lots(&mut body);
        self.accounts(&mut body);
        course(facts, &mut body);
        proof(facts, &mut body);
        caveats(facts, &mut body);
        self.annexes(&mut body);
        document(&format!("Results: {}", facts.title), body)
    }

    fn head(&self, html: &mut Html) {
        let facts = self.facts();
        html.mark("<header>\n").around("<p class=\"house\">", &facts.house, "</p>\n");
        html.around("<h1>", &facts.title, "</h1>\n<p class=\"soft\">Sale ").text(&facts.sale);
        html.mark(", opened ").text(&facts.opened.shown());
        if let Some(closed) = &facts.closed {
            html.mark(", closed ").text(&closed.shown());
        }
        html.mark("</p>\n</header>\n");
        self.status_mark(html);
    }

    /// Says whether what follows is final, before anything else.
    pub(super) fn status_mark(&self, html: &mut Html) {
        match self.caveat() {
            None => html.mark(
                "<p class=\"mark\"><strong>Final</strong> &ndash; the sale has closed, and the \
                 audit of its ledger found nothing wrong.</p>\n",
            ),
            Some(caveat) => html
                .mark("<p class=\"mark provisional\"><strong>Provisional</strong> &ndash; ")
                .text(caveat)
                .mark(". These are not the final results.</p>\n"),
        };
    }

    fn figures(&self, html: &mut Html) {
        let totals = &self.facts().totals;
        html.mark("<dl class=\"figures\">\n");
        let mut figure = |term: &'static str, value: &str| {
            html.around("<div><dt>", term, "</dt>").around("<dd>", value, "</dd></div>\n");
        };
        figure("Lots offered", &totals.offered.to_string());
        figure("Sold", &totals.sold.to_string());
        figure("Unsold", &totals.unsold.to_string());
        if totals.withdrawn > 0 {
            figure("Withdrawn", &totals.withdrawn.to_string());
        }
        if totals.unfinished > 0 {
            figure("Not ended", &totals.unfinished.to_string());
        }
        if let Some(bps) = totals.sell_through_bps {
            figure("Sell-through", &percent(bps));
        }
        figure("Hammer total", &self.money(&totals.hammer));
        if let Some(fees) = &totals.fees {
            figure("Buyers pay", &self.money(&fees.buyers_pay));
            figure("Sellers get", &self.money(&fees.sellers_get));
        }
        html.mark("</dl>\n");
    }

    fn lots(&self, html: &mut Html) {
        html.mark(
            "<h2>Lots</h2>\n<table><thead><tr><th>Lot</th><th>Title</th><th>Outcome</th>\
             <th>Winner</th><th class=\"n\">Hammer price</th><th class=\"n\">Bids</th></tr></thead>\n<tbody>\n",
        );
        for lot in &self.facts().lots {
            html.mark("<tr>").cell(&lot.lot).mark("<td>").text(&lot.title);
            let terms = self.terms(lot);
            if !terms.is_empty() {
                html.around("<small>", &terms, "</small>");
            }
            let (outcome, why) = lot.outcome.split_once('/').unwrap_or((&lot.outcome, ""));
            html.mark("</td><td>").text(outcome);
            if !why.is_empty() {
                html.around("<small>", &why.replace('-', " "), "</small>");
            }
            for reason in reasons(lot) {
                html.around("<small>", &reason, "</small>");
            }
            html.mark("</td>");
            self.winner(lot, html);
            html.figure(&lot.bids_accepted.to_string()).mark("</tr>\n");
        }
        html.mark("</tbody></table>\n");
        if self.facts().lots.iter().any(|lot| lot.on_the_houses_word) {
            html.mark(
                "<p class=\"note\">* The bid carries no signature: the house&rsquo;s word is its \
                 only evidence.</p>\n",
            );
        }
    }

    /// Who won and at what price, or who leads.
    fn winner(&self, lot: &LotFacts, html: &mut Html) {
        let star = if lot.on_the_houses_word { " *" } else { "" };
        match (&lot.winner, &lot.hammer_price, &lot.standing) {
            (Some(winner), Some(price), _) => {
                html.cell(&(winner.shown() + star)).figure(&self.money(price));
            }
            (_, _, Some(standing)) => {
                html.mark("<td>").text(&(standing.bidder.shown() + star));
                html.mark("<small>leads</small></td><td class=\"n\">");
                html.text(&self.money(&standing.price)).mark("</td>");
            }
            (_, _, None) => {
                html.cell("").figure("");
            }
        }
    }

    /// What stands small under a title.
    fn terms(&self, lot: &LotFacts) -> String {
        let mut terms = Vec::new();
        if let Some(seller) = &lot.seller {
            terms.push(format!("seller {}", seller.as_str()));
        }
        if let Some(estimate) = &lot.estimate {
            let (low, high) = (&estimate.low, &estimate.high);
            terms.push(format!("estimate {} to {}", low.decimal, self.money(high)));
        }
        terms.push(format!("start {}", self.money(&lot.start)));
        if lot.without_reserve {
            terms.push("without reserve".to_owned());
        }
        if let Some(reserve) = &lot.reserve {
            let amount = reserve.revealed.last().map(|amount| format!(" {}", self.money(amount)));
            let met = match reserve.met {
                Some(true) => ", met",
                Some(false) => ", not met",
                None => "",
            };
            terms.push(format!("reserve{}{met}", amount.unwrap_or_default()));
        }
        terms.join(" · ")
    }

    fn accounts(&self, html: &mut Html) {
        let facts = self.facts();
        if facts.invoices.is_empty() && facts.settlements.is_empty() {
            return;
        }
        html.mark("<h2>Accounts</h2>\n");
        for rates in [papers::buyer_rates(facts), papers::seller_rates(facts)].iter().flatten() {
            html.around("<p class=\"note\">", rates, "</p>\n");
        }
        self.invoices(html);
        self.settlements(html);
    }

    fn invoices(&self, html: &mut Html) {
        let (facts, money) = (self.facts(), |money| self.money(money));
        if facts.invoices.is_empty() {
            return;
        }
        html.mark(
            "<table><caption>Buyers</caption><thead><tr><th>No.</th><th>Buyer</th><th>Lots</th>\
             <th class=\"n\">Hammer</th><th class=\"n\">Premium</th><th class=\"n\">Tax</th>\
             <th class=\"n\">To pay</th></tr></thead>\n<tbody>\n",
        );
        for invoice in &facts.invoices {
            let lots: Vec<&str> = invoice.lots.iter().map(|line| line.lot.as_str()).collect();
            html.mark("<tr>").cell(&invoice.number.to_string()).cell(&invoice.buyer.shown());
            html.cell(&lots.join(", ")).figure(&money(&invoice.hammer));
            html.figure(&money(&invoice.premium)).figure(&money(&invoice.tax));
            html.figure(&money(&invoice.total)).mark("</tr>\n");
        }
        html.mark("</tbody>");
        if let Some(fees) = &facts.totals.fees {
            html.mark("<tfoot><tr><td colspan=\"3\">Together</td>");
            html.figure(&money(&facts.totals.hammer)).figure(&money(&fees.premium));
            html.figure(&money(&fees.tax)).figure(&money(&fees.buyers_pay));
            html.mark("</tr></tfoot>");
        }
        html.mark("</table>\n");
    }

    fn settlements(&self, html: &mut Html) {
        let (facts, money) = (self.facts(), |money| self.money(money));
        if facts.settlements.is_empty() {
            return;
        }
        html.mark(
            "<table><caption>Sellers</caption><thead><tr><th>No.</th><th>Seller</th><th>Sold</th>\
             <th>Not sold</th><th class=\"n\">Hammer</th><th class=\"n\">Commission</th>\
             <th class=\"n\">To pay out</th></tr></thead>\n<tbody>\n",
        );
        for settlement in &facts.settlements {
            let sold: Vec<&str> = settlement.lots.iter().map(|line| line.lot.as_str()).collect();
            let not: Vec<&str> = settlement.not_sold.iter().map(|lot| lot.lot.as_str()).collect();
            html.mark("<tr>").cell(&settlement.number.to_string());
            html.cell(settlement.seller.as_str()).cell(&sold.join(", ")).cell(&not.join(", "));
            html.figure(&money(&settlement.hammer)).figure(&money(&settlement.commission));
            html.figure(&money(&settlement.net)).mark("</tr>\n");
        }
        html.mark("</tbody>");
        if let Some(fees) = &facts.totals.fees {
            html.mark("<tfoot><tr><td colspan=\"5\">Together</td>");
            html.figure(&money(&fees.commission)).figure(&money(&fees.sellers_get));
            html.mark("</tr></tfoot>");
        }
        html.mark("</table>\n");
    }

    fn annexes(&self, html: &mut Html) {
        let annexes = &self.facts().annexes;
        html.mark("<section class=\"annexes\">\n<h2>Annexes</h2>\n");
        annexes::events(self.facts(), html);
        if let Some(bids) = &annexes.bids {
            self.bids(bids, html);
        }
        html.mark("</section>\n");
    }

    fn bids(&self, bids: &List<BidFact>, html: &mut Html) {
        html.mark("<h3>Bids</h3>\n");
        let all = u64::try_from(bids.listed.len()).unwrap_or(u64::MAX) + bids.left_out;
        let shown = &bids.listed[..bids.listed.len().min(PAGE_BIDS_MAX)];
        if u64::try_from(shown.len()) != Ok(all) {
            let text =
                format!("The first {} of {all}; the others stand in the ledger.", shown.len());
            html.around("<p class=\"note\">", &text, "</p>\n");
        }
        html.mark(
            "<table class=\"tight\"><caption>Times are UTC.</caption><thead><tr><th>Line</th>\
             <th>Time</th><th>Lot</th><th>Bidder</th><th class=\"n\">Amount</th><th>Evidence</th>\
             <th>Answer</th></tr></thead>\n<tbody>\n",
        );
        for bid in shown {
            html.mark("<tr>").code(&bid.entry.line.to_string());
            let at = bid.entry.at.utc.replace('T', " ").replace('Z', "");
            html.around("<td class=\"t\">", &at, "</td>");
            html.cell(&bid.lot).cell(&bid.bidder.shown()).figure(&self.money(&bid.amount));
            html.cell(&bid.evidence).mark("<td>").text(&bid.answer);
            if let Some(line) = bid.voided_by {
                html.text(&format!(", voided by line {line}"));
            }
            html.mark("</td></tr>\n");
        }
        html.mark("</tbody></table>\n");
    }
}

/// Why bids on a lot were taken back, and why it was withdrawn.
fn reasons(lot: &LotFacts) -> impl Iterator<Item = String> {
    lot.voids.iter().chain(&lot.withdrawal).map(|act| {
        let bid = act.bid.map(|line| format!(" of line {line}")).unwrap_or_default();
        let reason = act.reason.as_deref().unwrap_or("no reason was given");
        format!("{}{bid} by {}: {reason}", act.act, act.who)
    })
}

/// When each lot opened and ended, and what its bids rest on.
fn course(facts: &Facts, html: &mut Html) {
    html.mark(
        "<h2>How each lot went</h2>\n<table class=\"tight\"><caption>Times are UTC. Accepted bids \
         by evidence: signed by the bidder, on the house&rsquo;s word, entered by a clerk.</caption>\
         <thead><tr><th>Lot</th><th>Opened</th><th>Scheduled end</th><th>Ended</th>\
         <th class=\"n\">Extended</th><th class=\"n\">Signed</th><th class=\"n\">Word</th>\
         <th class=\"n\">Clerk</th><th class=\"n\">Refused</th><th class=\"n\">Bidders</th></tr></thead>\n\
         <tbody>\n",
    );
    for lot in &facts.lots {
        html.mark("<tr>").cell(&lot.lot).cell(&clock(lot.opened.as_ref()));
        html.cell(&clock(lot.scheduled_end.as_ref())).cell(&clock(lot.ended.as_ref()));
        let evidence = &lot.evidence;
        let counts = [lot.extensions, evidence.signed, evidence.attested, evidence.clerk];
        for count in counts.into_iter().chain([lot.bids_refused, lot.bidders]) {
            html.figure(&count.to_string());
        }
        html.mark("</tr>\n");
    }
    html.mark("</tbody></table>\n");
}

/// What all of it can be checked against.
fn proof(facts: &Facts, html: &mut Html) {
    html.mark("<h2>Proof</h2>\n<div class=\"proof\"><div>\n<dl class=\"list\">\n");
    html.term("Root of the ledger", &facts.ledger.root);
    html.term("over so many lines", &facts.ledger.lines.to_string());
    html.term("Line 0", &facts.ledger.sale_hash).term("Catalogue", &facts.catalogue);
    html.term("CA certificate", &facts.keys.ca).term("Sealing certificate", &facts.keys.sealer);
    html.term("Opened by", &facts.ledger.software);
    html.mark("</dl>\n<p class=\"note\">Whoever has the ledger checks this sheet with: ");
    html.around("<span class=\"code\">gavel verify LEDGER --trust ", &facts.keys.ca, "</span>. ");
    html.mark("The code holds the root.</p>\n</div>\n");
    html.0.push_str(&qr::code(&facts.ledger.root, "the root of the ledger").0);
    html.mark("</div>\n");
    let won: Vec<_> =
        facts.lots.iter().filter_map(|lot| lot.winning_entry.as_ref().zip(Some(lot))).collect();
    if won.is_empty() {
        return;
    }
    html.mark(
        "<h3>Winning entries</h3>\n<table class=\"tight\"><thead><tr><th>Lot</th><th>Winner</th>\
         <th>Line</th><th>SHA-256 of the line</th></tr></thead>\n<tbody>\n",
    );
    for (entry, lot) in won {
        html.mark("<tr>").cell(&lot.lot);
        html.cell(&lot.winner.as_ref().map_or_else(String::new, Party::shown));
        html.code(&entry.line.to_string()).code(&entry.sha256).mark("</tr>\n");
    }
    html.mark("</tbody></table>\n");
}

/// What rests on less than a signature, what is open, what was not checked.
fn caveats(facts: &Facts, html: &mut Html) {
    let points = facts.points();
    if !points.is_empty() {
        html.mark("<h2>What rests on less than a bidder&rsquo;s signature</h2>\n");
        list(&points, html);
    }
    let open = facts.audit.open.iter().map(|open| {
        let line = open.line.map(|line| format!(", line {line}")).unwrap_or_default();
        format!("{} {}{line}: {}", open.code, open.name, open.detail)
    });
    let open: Vec<String> = open.collect();
    if !open.is_empty() {
        html.mark("<h2>What the audit left open</h2>\n");
        list(&open, html);
    }
    html.mark("<h2>What was not checked, or cannot be proven by any ledger</h2>\n");
    list(&facts.audit.unchecked, html);
}

fn list(points: &[String], html: &mut Html) {
    html.mark("<ul class=\"note\">\n");
    for point in points {
        html.around("<li>", point, "</li>\n");
    }
    html.mark("</ul>\n");
}
