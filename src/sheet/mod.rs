//! The sheet of a sale: its results in every form (RULES 9).
//!
//! Pure. A [`Sheet`] is made only from an [`Audited`] ledger, and every form is made from
//! it: the JSON, whose structs it is, the CSV files, the printable page, and in `cli` the
//! tables of a terminal. It knows no names but those of the ledger. The house's private
//! [`AddressBook`] is handed in for [`papers`] alone, which go to buyers and sellers; what
//! is published has no way to it.
//!
//! A sheet that somebody hands over is a [`Claim`]: it can be compared with the sheet of
//! a ledger, and nothing prints it.

mod accounts;
mod address_book;
mod claim;
mod facts;
mod html;
mod make;
mod points;
mod spreadsheet;
mod values;

pub use accounts::{
    Accounts, FeeTotals, Invoice, InvoiceLine, NotSold, Settlement, SettlementLine,
};
pub use address_book::{AddressBook, AddressBookFault, Person, RowFault};
pub use claim::{Claim, ClaimFault, Comparison, Difference};
pub use facts::*;
pub use html::{Paper, papers};
pub use values::{EntryFact, List, Moment, Money, Party, SellerFact};

use crate::auction::money::Currency;
use crate::audit::Audited;

/// The results of a sale, ready for every form.
///
/// ```compile_fail
/// use gavel::auction::money::Currency;
/// use gavel::sheet::{Facts, Sheet};
/// fn unaudited(facts: Facts, currency: Currency) -> Sheet {
///     Sheet { facts, currency }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Sheet {
    facts: Facts,
    currency: Currency,
}

impl Sheet {
    /// The sheet of an audited ledger.
    pub fn of(audited: &Audited) -> Self {
        Self { facts: make::facts(audited), currency: audited.results().currency.clone() }
    }

    /// What it says.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// An amount for people.
    pub fn money(&self, money: &Money) -> String {
        money.shown(&self.currency)
    }

    /// The JSON form, from which the others are made: the same for the same ledger and audit.
    pub fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.facts).expect("plain values have a form");
        text.push('\n');
        text
    }

    /// Whether nothing is open, neither in the sale nor in the audit.
    pub fn is_final(&self) -> bool {
        self.facts.is_final && self.facts.audit.verdict == "valid"
    }

    /// The word that marks every form.
    pub fn status(&self) -> &'static str {
        if self.is_final() { "final" } else { "provisional" }
    }

    /// Why it is only provisional; none for a final one.
    pub fn caveat(&self) -> Option<&'static str> {
        match (self.facts.is_final, self.is_final()) {
            (_, true) => None,
            (true, false) => Some("the sale has closed, and its audit was not conclusive"),
            (false, false) => Some("the sale has not closed in this ledger"),
        }
    }
}
