//! What each buyer pays and each seller gets (RULES 9).
//!
//! Each part of each line is rounded half-up to the minor unit, and then the lines
//! are summed; `auction::fees` has the arithmetic. Whoever won nothing gets no
//! invoice, and a lot whose seller is not named is the house's own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::facts::LotFacts;
use super::values::{Money, Party, SellerFact};
use crate::auction::fees::{BuyerLine, Fees};
use crate::auction::money::{Amount, Currency};

/// What a buyer pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invoice {
    /// Its number in this sale, from 1.
    pub number: u64,
    /// Who pays.
    pub buyer: Party,
    /// For what.
    pub lots: Vec<InvoiceLine>,
    /// The sums of the lines.
    pub hammer: Money,
    /// Likewise.
    pub premium: Money,
    /// Likewise.
    pub tax: Money,
    /// What is to be paid.
    pub total: Money,
}

/// A lot on an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvoiceLine {
    /// The lot's id.
    pub lot: String,
    /// Its title.
    pub title: String,
    /// The hammer price.
    pub hammer: Money,
    /// The premium on it, rounded half-up.
    pub premium: Money,
    /// The tax, rounded half-up.
    pub tax: Money,
    /// All of it.
    pub total: Money,
}

/// What a seller gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settlement {
    /// Its number in this sale, from 1.
    pub number: u64,
    /// Who is paid.
    pub seller: SellerFact,
    /// The lots that were sold.
    pub lots: Vec<SettlementLine>,
    /// The lots that ended otherwise.
    pub not_sold: Vec<NotSold>,
    /// The sums of the lines.
    pub hammer: Money,
    /// Likewise.
    pub commission: Money,
    /// What is to be paid out.
    pub net: Money,
}

/// A sold lot on a settlement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettlementLine {
    /// The lot's id.
    pub lot: String,
    /// Its title.
    pub title: String,
    /// The hammer price.
    pub hammer: Money,
    /// The commission on it, rounded half-up.
    pub commission: Money,
    /// What is left.
    pub net: Money,
}

/// A lot that goes back to its seller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotSold {
    /// The lot's id.
    pub lot: String,
    /// Its title.
    pub title: String,
    /// How it ended.
    pub outcome: String,
}

/// What the fees of a sale come to: the sums of the lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeTotals {
    /// The buyers' premium.
    pub premium: Money,
    /// The tax that the buyers pay.
    pub tax: Money,
    /// What all buyers pay.
    pub buyers_pay: Money,
    /// The commission on the lots whose seller is named.
    pub commission: Money,
    /// What all named sellers get.
    pub sellers_get: Money,
}

/// All accounts of a sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounts {
    /// What each buyer pays.
    pub invoices: Vec<Invoice>,
    /// What each seller gets.
    pub settlements: Vec<Settlement>,
    /// What the fees come to, if there are any.
    pub totals: Option<FeeTotals>,
}

impl Accounts {
    /// The accounts of the lots that have ended. Numbers follow the order in which lots
    /// ended, so that a number once given stays.
    pub fn of(lots: &[LotFacts], fees: Option<Fees>, currency: &Currency) -> Self {
        let mut ended: Vec<&LotFacts> = lots.iter().filter(|lot| lot.ended.is_some()).collect();
        ended.sort_by_key(|lot| (lot.ended.as_ref().map(|at| at.unix_ms), lot.number));
        let (bought, consigned) = (by_buyer(&ended), by_seller(&ended));
        let book = Book { fees: fees.unwrap_or(Fees::NONE), currency };
        let invoices: Vec<(Invoice, BuyerSum)> = (1..)
            .zip(bought)
            .map(|(number, (buyer, lots))| book.bill(number, buyer, lots))
            .collect();
        let settlements: Vec<(Settlement, SellerSum)> = (1..)
            .zip(consigned)
            .map(|(number, (seller, lots))| book.settle(number, seller, lots))
            .collect();
        let totals = fees.map(|_| book.totals(&invoices, &settlements));
        Self {
            invoices: invoices.into_iter().map(|(invoice, _)| invoice).collect(),
            settlements: settlements.into_iter().map(|(settlement, _)| settlement).collect(),
            totals,
        }
    }
}

/// What the lines of an invoice come to.
#[derive(Clone, Copy, Default)]
struct BuyerSum {
    hammer: u128,
    premium: u128,
    tax: u128,
    total: u128,
}

impl BuyerSum {
    fn add(&mut self, line: BuyerLine) {
        self.hammer += u128::from(line.hammer);
        self.premium += u128::from(line.premium);
        self.tax += u128::from(line.tax);
        self.total += u128::from(line.total());
    }
}

/// What the lines of a settlement come to.
#[derive(Clone, Copy, Default)]
struct SellerSum {
    hammer: u128,
    commission: u128,
}

impl SellerSum {
    /// A commission is at most all of the hammer price.
    const fn net(self) -> u128 {
        self.hammer - self.commission
    }
}

/// The rates, and the currency in which they are written down.
struct Book<'a> {
    fees: Fees,
    currency: &'a Currency,
}

impl Book<'_> {
    fn money(&self, minor_units: impl Into<u128>) -> Money {
        Money::new(self.currency, minor_units.into())
    }

    fn bill(&self, number: u64, buyer: &Party, lots: Vec<&LotFacts>) -> (Invoice, BuyerSum) {
        let mut sum = BuyerSum::default();
        let line = |lot: &LotFacts| {
            let line = self.fees.buyer_line(hammer_price(lot)?);
            sum.add(line);
            Some(InvoiceLine {
                lot: lot.lot.clone(),
                title: lot.title.clone(),
                hammer: self.money(line.hammer),
                premium: self.money(line.premium),
                tax: self.money(line.tax),
                total: self.money(line.total()),
            })
        };
        let lots = lots.into_iter().filter_map(line).collect();
        let invoice = Invoice {
            number,
            buyer: buyer.clone(),
            lots,
            hammer: self.money(sum.hammer),
            premium: self.money(sum.premium),
            tax: self.money(sum.tax),
            total: self.money(sum.total),
        };
        (invoice, sum)
    }

    fn settle(
        &self,
        number: u64,
        seller: &SellerFact,
        lots: Vec<&LotFacts>,
    ) -> (Settlement, SellerSum) {
        let (mut sum, mut sold, mut not_sold) = (SellerSum::default(), Vec::new(), Vec::new());
        for lot in lots {
            let (id, title) = (lot.lot.clone(), lot.title.clone());
            let Some(price) = hammer_price(lot) else {
                not_sold.push(NotSold { lot: id, title, outcome: lot.outcome.clone() });
                continue;
            };
            let commission = u128::from(self.fees.commission_on(price));
            let line = SellerSum { hammer: u128::from(price.minor_units()), commission };
            sum.hammer += line.hammer;
            sum.commission += line.commission;
            sold.push(SettlementLine {
                lot: id,
                title,
                hammer: self.money(line.hammer),
                commission: self.money(line.commission),
                net: self.money(line.net()),
            });
        }
        let settlement = Settlement {
            number,
            seller: seller.clone(),
            lots: sold,
            not_sold,
            hammer: self.money(sum.hammer),
            commission: self.money(sum.commission),
            net: self.money(sum.net()),
        };
        (settlement, sum)
    }

    fn totals(
        &self,
        invoices: &[(Invoice, BuyerSum)],
        settlements: &[(Settlement, SellerSum)],
    ) -> FeeTotals {
        let bought = |of: fn(&BuyerSum) -> u128| invoices.iter().map(|(_, sum)| of(sum)).sum();
        let sold = |of: fn(&SellerSum) -> u128| settlements.iter().map(|(_, sum)| of(sum)).sum();
        let money = |minor_units: u128| self.money(minor_units);
        FeeTotals {
            premium: money(bought(|sum| sum.premium)),
            tax: money(bought(|sum| sum.tax)),
            buyers_pay: money(bought(|sum| sum.total)),
            commission: money(sold(|sum| sum.commission)),
            sellers_get: money(sold(|sum| sum.net())),
        }
    }
}

/// The hammer price of a sold lot, as the rules had it.
fn hammer_price(lot: &LotFacts) -> Option<Amount> {
    lot.hammer_price.as_ref().and_then(|price| price.minor_units).and_then(Amount::new)
}

fn by_buyer<'a>(ended: &[&'a LotFacts]) -> Vec<(&'a Party, Vec<&'a LotFacts>)> {
    grouped(ended.iter().filter_map(|lot| lot.winner.as_ref().map(|winner| (winner, *lot))))
}

fn by_seller<'a>(ended: &[&'a LotFacts]) -> Vec<(&'a SellerFact, Vec<&'a LotFacts>)> {
    grouped(ended.iter().filter_map(|lot| lot.seller.as_ref().map(|seller| (seller, *lot))))
}

/// The lots of each, in catalogue order; whoever comes first stays first.
fn grouped<'a, K: Ord>(
    lots: impl Iterator<Item = (&'a K, &'a LotFacts)>,
) -> Vec<(&'a K, Vec<&'a LotFacts>)> {
    let mut groups: Vec<(&K, Vec<&LotFacts>)> = Vec::new();
    let mut places: BTreeMap<&K, usize> = BTreeMap::new();
    for (key, lot) in lots {
        let place = *places.entry(key).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, lots)) => lots.push(lot),
            None => groups.push((key, vec![lot])),
        }
    }
    groups.iter_mut().for_each(|(_, lots)| lots.sort_by_key(|lot| lot.number));
    groups
}
