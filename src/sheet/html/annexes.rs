//! The lists at the end of a page, but for the bids.

use super::super::facts::{ActFact, Facts};
use super::{Html, clock};

/// Staff acts, refusals, outages, clock entries.
pub(super) fn events(facts: &Facts, html: &mut Html) {
    let annexes = &facts.annexes;
    if let Some(acts) = annexes.acts.as_ref().filter(|acts| !acts.listed.is_empty()) {
        staff(&acts.listed, html);
    }
    if !annexes.refusals.is_empty() {
        html.mark(
            "<h3>Refusals</h3>\n<table class=\"tight\"><caption>Recorded ones stand in the ledger \
             with their signature; the others are counted, on the house&rsquo;s word.</caption>\
             <thead><tr><th>Code</th><th class=\"n\">Recorded</th><th class=\"n\">Counted</th></tr>\
             </thead>\n<tbody>\n",
        );
        for refusal in &annexes.refusals {
            html.mark("<tr>").cell(&refusal.code).figure(&refusal.recorded.to_string());
            html.figure(&refusal.counted.to_string()).mark("</tr>\n");
        }
        html.mark("</tbody></table>\n");
    }
    times(facts, html);
}

fn staff(acts: &[ActFact], html: &mut Html) {
    html.mark(
        "<h3>Acts of the staff</h3>\n<table class=\"tight\"><caption>Times are UTC.</caption>\
         <thead><tr><th>Line</th><th>Time</th><th>Who</th><th>Act</th><th>Lot</th><th>Reason</th></tr>\
         </thead>\n<tbody>\n",
    );
    for act in acts {
        html.mark("<tr>").code(&act.line.to_string()).cell(&clock(Some(&act.at)));
        html.cell(&format!("{}, {}", act.who, act.role)).cell(&act.act);
        html.cell(act.lot.as_deref().unwrap_or_default());
        html.cell(act.reason.as_deref().unwrap_or_default()).mark("</tr>\n");
    }
    html.mark("</tbody></table>\n");
}

/// When the server was away, how far the clocks had parted, how long bids waited.
fn times(facts: &Facts, html: &mut Html) {
    html.mark("<h3>Times</h3>\n<ul class=\"note\">\n");
    for outage in &facts.annexes.outages {
        html.mark("<li>The server was away from ").text(&outage.from.shown()).mark(" to ");
        html.text(&outage.to.shown()).mark("; open lots kept that time.</li>\n");
    }
    if facts.annexes.outages.is_empty() {
        html.mark("<li>The server was never away.</li>\n");
    }
    html.around("<li>Wall clock and official time ", &parted(facts.clock.entries), ".</li>\n");
    for clock in facts.annexes.clocks.iter().flat_map(|clocks| &clocks.listed) {
        html.mark("<li>At ")
            .text(&clock.at.utc)
            .mark(" the wall clock said ")
            .text(&clock.wall.utc);
        html.text(if clock.accepted { ", and the operator went on" } else { "" });
        html.text(&format!(" (line {}).", clock.line)).mark("</li>\n");
    }
    if let Some(lag) = &facts.lag_us {
        html.around("<li>Waiting: ", &lag.shown(), ".</li>\n");
    }
    html.mark("</ul>\n");
}

fn parted(count: u64) -> String {
    match count {
        0 => "never parted".to_owned(),
        1 => "parted once".to_owned(),
        _ => format!("parted {count} times"),
    }
}
