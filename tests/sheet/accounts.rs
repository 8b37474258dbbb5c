//! Invoices and settlements of one sale, worked by hand to the minor unit.
//!
//! Premium 12.5 %, tax 7.5 %, commission 2.5 %; hammer prices 1.60, 4.04, 3.00.
//!
//! ```text
//!                   premium          tax on the premium    tax on both       commission
//! lot 1   1.60      20.0   -> 0.20   1.5    -> 0.02        13.5   -> 0.14     4.0 -> 0.04
//! lot 2   4.04      50.5   -> 0.51   3.825  -> 0.04        34.125 -> 0.34    10.1 -> 0.10
//! lot 3   3.00      37.5   -> 0.38   2.85   -> 0.03        25.35  -> 0.25     7.5 -> 0.08
//! ```
//!
//! The premium of the sum, 8.64, would be 1.08; the sum of the premiums is 1.09.

use gavel::auction::fees::TaxOn;
use gavel::sheet::{Invoice, Money, Party, SellerFact, Settlement};

use super::hall::worked;

fn minor(money: &Money) -> u64 {
    money.minor_units.expect("is small")
}

/// Number, buyer, each line's hammer, premium, tax and total, and the sums.
fn invoice(invoice: &Invoice) -> (u64, String, Vec<[u64; 4]>, [u64; 4]) {
    let line = |hammer, premium, tax, total| [hammer, premium, tax, total].map(minor);
    let lines =
        invoice.lots.iter().map(|lot| line(&lot.hammer, &lot.premium, &lot.tax, &lot.total));
    let sums = line(&invoice.hammer, &invoice.premium, &invoice.tax, &invoice.total);
    (invoice.number, invoice.buyer.shown(), lines.collect(), sums)
}

/// Number, seller, each line's hammer, commission and net, and the sums.
fn settlement(settlement: &Settlement) -> (u64, String, Vec<[u64; 3]>, [u64; 3]) {
    let line = |hammer, commission, net| [hammer, commission, net].map(minor);
    let lines = settlement.lots.iter().map(|lot| line(&lot.hammer, &lot.commission, &lot.net));
    let sums = line(&settlement.hammer, &settlement.commission, &settlement.net);
    (settlement.number, settlement.seller.as_str().to_owned(), lines.collect(), sums)
}

#[test]
fn tax_on_the_premium() {
    let sheet = worked(TaxOn::Premium).hold().sheet();
    let facts = sheet.facts();
    // Lot 2 ended first, so Bob has invoice 1.
    let bob = (1, "bob".to_owned(), vec![[404, 51, 4, 459]], [404, 51, 4, 459]);
    let alice =
        (2, "alice".to_owned(), vec![[160, 20, 2, 182], [300, 38, 3, 341]], [460, 58, 5, 523]);
    assert_eq!(facts.invoices.iter().map(invoice).collect::<Vec<_>>(), [bob, alice]);
    let carol = (1, "carol".to_owned(), vec![[160, 4, 156], [404, 10, 394]], [564, 14, 550]);
    let estate = (2, "the estate of a gentleman".to_owned(), vec![[300, 8, 292]], [300, 8, 292]);
    assert_eq!(facts.settlements.iter().map(settlement).collect::<Vec<_>>(), [carol, estate]);
    let not_sold = &facts.settlements[0].not_sold;
    assert_eq!((not_sold[0].lot.as_str(), not_sold[0].outcome.as_str()), ("4", "unsold/no-bids"));
    let fees = facts.totals.fees.as_ref().expect("the sale has fees");
    assert_eq!(minor(&facts.totals.hammer), 864);
    let sums = [&fees.premium, &fees.tax, &fees.buyers_pay, &fees.commission, &fees.sellers_get];
    assert_eq!(sums.map(minor), [109, 9, 982, 22, 842]);
    assert_eq!(fees.buyers_pay.decimal, "9.82");
}

#[test]
fn tax_on_hammer_price_and_premium() {
    let sheet = worked(TaxOn::HammerAndPremium).hold().sheet();
    let facts = sheet.facts();
    let bob = (1, "bob".to_owned(), vec![[404, 51, 34, 489]], [404, 51, 34, 489]);
    let alice =
        (2, "alice".to_owned(), vec![[160, 20, 14, 194], [300, 38, 25, 363]], [460, 58, 39, 557]);
    assert_eq!(facts.invoices.iter().map(invoice).collect::<Vec<_>>(), [bob, alice]);
    let fees = facts.totals.fees.as_ref().expect("the sale has fees");
    assert_eq!([&fees.tax, &fees.buyers_pay].map(minor), [73, 1_046]);
    // Sellers pay no tax: what they get is the same.
    assert_eq!([&fees.commission, &fees.sellers_get].map(minor), [22, 842]);
}

#[test]
fn a_sale_without_fees_has_invoices_over_the_hammer_price() {
    let mut plan = worked(TaxOn::Premium);
    plan.fees = None;
    let sheet = plan.hold().sheet();
    let facts = sheet.facts();
    assert_eq!((&facts.fees, &facts.totals.fees), (&None, &None));
    assert_eq!(
        invoice(&facts.invoices[1]),
        (2, "alice".to_owned(), vec![[160, 0, 0, 160], [300, 0, 0, 300]], [460, 0, 0, 460])
    );
    assert_eq!(minor(&facts.settlements[0].net), 564);
}

#[test]
fn a_number_once_given_stays_while_the_sale_goes_on() {
    let mut plan = worked(TaxOn::Premium);
    plan.until = 7_000;
    let sheet = plan.hold().sheet();
    let facts = sheet.facts();
    assert_eq!(
        (sheet.status(), facts.is_final, facts.closed.is_none()),
        ("provisional", false, true)
    );
    let bob = facts.invoices.first().expect("lot 2 has ended");
    assert_eq!((bob.number, &bob.buyer), (1, &Party::Name("bob".to_owned())));
    assert_eq!(facts.invoices.len(), 1, "nobody pays for a lot that is open");
    let carol = facts.settlements.first().expect("she sold lot 2");
    assert_eq!((&carol.seller, carol.lots.len()), (&SellerFact::Name("carol".to_owned()), 1));
    let [vase, _, clock, spoon] = facts.lots.as_slice() else { panic!("four lots") };
    assert_eq!((vase.outcome.as_str(), &vase.winner), ("open", &None));
    assert_eq!(clock.standing.as_ref().map(|high| high.bidder.shown()), Some("alice".to_owned()));
    assert_eq!((spoon.outcome.as_str(), facts.totals.unfinished), ("open", 3));
}
