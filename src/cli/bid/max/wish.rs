//! `--max LOT AMOUNT` as it is typed.

use crate::auction::money::Currency;
use crate::auction::name::{LotId, Name};
use crate::auction::refusal::Code;
use crate::cli::{Exit, Failure};
use crate::client::Maximum;

/// One `--max`: what an amount is depends on the sale's currency.
pub(in crate::cli::bid) struct Wish {
    lot: LotId,
    amount: String,
}

/// Takes the values of `--max`, two for each.
pub(in crate::cli::bid) fn read(words: &[String]) -> Result<Vec<Wish>, Failure> {
    let mut wishes: Vec<Wish> = Vec::new();
    for pair in words.chunks(2) {
        let [lot, amount] = pair else { continue };
        // Ids are lower-case, so upper case can mean nothing else.
        let lot = LotId::parse(&lot.to_ascii_lowercase()).map_err(|_| no_such_lot(lot))?;
        if wishes.iter().any(|wish| wish.lot == lot) {
            let message = format!("two maxima for item {lot}: one is enough");
            return Err(Failure::usage(Code::BadCommand.as_str(), message));
        }
        wishes.push(Wish { lot, amount: amount.clone() });
    }
    Ok(wishes)
}

pub(super) fn no_such_lot(lot: &str) -> Failure {
    let message = format!("there is no item {lot} in this sale");
    Failure::new(Exit::Refused, Code::NoSuchLot.as_str(), message)
        .hint("`gavel bid CREDENTIAL LIST` shows them all")
}

impl Wish {
    /// Reads the amount, and makes it the maximum of `us`.
    pub(super) fn maximum(&self, us: &Name, currency: &Currency) -> Result<Maximum, Failure> {
        let amount = currency.parse(&self.amount).map_err(|fault| {
            let message = format!("the maximum for item {}: {fault}", self.lot);
            Failure::usage(fault.code().as_str(), message)
        })?;
        Ok(Maximum::new(us.clone(), self.lot.clone(), amount))
    }
}
