//! The text commands, for `openssl s_client -quiet` and `ncat --ssl`, and the
//! wording of every answer.
//!
//! The wording follows the older auction where that serves (SEED, Keep). Every
//! line that refuses something ends with its code in brackets:
//!
//! ```text
//! > BID 1 100
//! < Bid is too low! Current bid is 120. The least that stands is 121: BID 1 121 [too-low]
//! ```

use std::fmt::Write;

use super::frame::LineFault;
use super::lot::LotView;
use super::message::advice;
use crate::auction::event::{Outcome, UnsoldReason};
use crate::auction::lot::LotState;
use crate::auction::money::{Amount, AmountError, Currency};
use crate::auction::name::{HouseName, LotId, Name, Role, SaleId, Title};
use crate::auction::refusal::Code;
use crate::time::Timestamp;

/// What a text line asks. A bid names no bidder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A hand-typed bid: it carries no signature.
    Bid {
        /// On which lot.
        lot: LotId,
        /// How much.
        amount: Amount,
    },
    /// What the commands are.
    Help,
    /// How all lots stand.
    List,
    /// The end of the connection.
    Quit,
    /// How one lot stands.
    Status {
        /// Which lot.
        lot: LotId,
    },
    /// Who the server takes the client for.
    WhoAmI,
}

/// Why a line is no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandFault {
    /// The amount is none.
    #[error("{}", amount_advice(.0))]
    Amount(#[from] AmountError),
    /// The line is blank.
    #[error("An empty line is no command. HELP lists the commands.")]
    Empty,
    /// The line is no text.
    #[error("That line cannot be read: {0}. HELP lists the commands.")]
    Line(#[from] LineFault),
    /// No lot can have that id.
    #[error("There is no such item. LIST shows them all.")]
    NoSuchLot,
    /// The first word is no command.
    #[error("Unknown command. HELP lists the commands.")]
    Unknown,
    /// A command with too few or too many words.
    #[error("Invalid {command} format. Use: {form}")]
    Usage {
        /// The command.
        command: &'static str,
        /// How it is written.
        form: &'static str,
    },
}

fn amount_advice(fault: &AmountError) -> String {
    match fault {
        AmountError::Malformed { example } => format!(
            "Invalid amount. Use: {BID_FORM}, with an amount such as {example}, in plain digits"
        ),
        AmountError::OverCap => advice(Code::OverCap).to_owned(),
    }
}

impl CommandFault {
    /// The code under which the line is refused.
    pub const fn code(&self) -> Code {
        match self {
            Self::Amount(fault) => fault.code(),
            Self::NoSuchLot => Code::NoSuchLot,
            Self::Empty | Self::Line(_) | Self::Unknown | Self::Usage { .. } => Code::BadCommand,
        }
    }

    /// The line that answers it.
    pub fn answer(&self) -> String {
        format!("{self} [{}]\n", self.code())
    }
}

impl Command {
    /// Reads one line; commands in any case, words apart by white space.
    pub fn parse(line: &str, currency: &Currency) -> Result<Self, CommandFault> {
        let mut words = line.split_ascii_whitespace();
        let verb = words.next().ok_or(CommandFault::Empty)?.to_ascii_uppercase();
        let words: Vec<&str> = words.take(WORDS_MAX).collect();
        let bare = |command, name: &'static str| match words.as_slice() {
            [] => Ok(command),
            _ => Err(CommandFault::Usage { command: name, form: name }),
        };
        match verb.as_str() {
            "BID" => match words.as_slice() {
                [lot, amount] => {
                    let amount = currency.parse(amount)?;
                    Ok(Self::Bid { lot: lot_id(lot)?, amount })
                }
                _ => Err(CommandFault::Usage { command: "BID", form: BID_FORM }),
            },
            "HELP" => bare(Self::Help, "HELP"),
            "LIST" => bare(Self::List, "LIST"),
            "QUIT" => bare(Self::Quit, "QUIT"),
            "STATUS" => match words.as_slice() {
                [lot] => Ok(Self::Status { lot: lot_id(lot)? }),
                _ => Err(CommandFault::Usage { command: "STATUS", form: STATUS_FORM }),
            },
            "WHOAMI" => bare(Self::WhoAmI, "WHOAMI"),
            _ => Err(CommandFault::Unknown),
        }
    }
}

/// Ids are lower-case, so upper case can mean nothing else.
fn lot_id(word: &str) -> Result<LotId, CommandFault> {
    LotId::parse(&word.to_ascii_lowercase()).map_err(|_| CommandFault::NoSuchLot)
}

/// Who is connected, as far as the text commands tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name in the certificate.
    pub name: Name,
    /// The role in the certificate.
    pub role: Role,
    /// The house that issued it.
    pub house: HouseName,
    /// Until when it is good.
    pub not_after: Timestamp,
}

/// The first line of a text connection.
pub fn greeting(caller: &Caller, sale: &SaleId, title: &Title) -> String {
    let sale = if title.as_str() == sale.as_str() {
        format!("sale {sale}")
    } else {
        format!("{title} (sale {sale})")
    };
    format!("Welcome {}! This is {sale}. HELP lists the commands.\n", caller.name)
}

/// The answer to HELP.
pub fn help(attested: bool) -> String {
    let bid = if attested {
        "bid by hand; the evidence is the house's word (`gavel bid` signs its bids)"
    } else {
        "bid by hand; refused here: this sale takes signed bids only, by `gavel bid`"
    };
    format!(
        "Commands, one for each line:\n  \
         LIST                     all items\n  \
         STATUS <item_id>         how an item stands\n  \
         {BID_FORM}   {bid}\n  \
         WHOAMI                   who the server takes you for\n  \
         HELP                     this\n  \
         QUIT                     the end\n"
    )
}

/// The answer to WHOAMI.
pub fn who_am_i(caller: &Caller) -> String {
    let Caller { name, role, house, not_after } = caller;
    format!(
        "You are {name}, {role} at house {house}. Your certificate is good until {not_after}.\n"
    )
}

/// The answer to QUIT.
pub const GOODBYE: &str = "Goodbye.\n";

/// Stands before a list that takes the place of notices a slow reader has missed.
pub const SKIPPED: &str =
    "You read too slowly and have missed some lines. How everything stands:\n";

/// The answer to LIST.
pub fn list(lots: &[LotView], currency: &Currency) -> String {
    let mut text = format!("Items ({}):\n", lots.len());
    for lot in lots {
        let state = match &lot.state {
            LotState::Closed { .. } => "ENDED",
            LotState::Open { .. } => "ACTIVE",
            LotState::Paused { .. } => "PAUSED",
            LotState::Pending => "PENDING",
        };
        let bidder = leader(lot);
        let price = standing_price(lot, currency);
        let (id, name) = (&lot.lot, name_of(lot));
        let _ = writeln!(text, "{id}. {name} [{state}] - Current highest bid: {price} by {bidder}");
    }
    text
}

/// The answer to STATUS for a lot that exists.
pub fn status(lot: &LotView, currency: &Currency) -> String {
    let ask = currency.display(lot.ask);
    match &lot.state {
        LotState::Closed { outcome, .. } => format!("{}\n", ended(outcome, currency)),
        LotState::Open { ends_at, .. } => {
            let end = match ends_at {
                Some(at) => format!("It ends at {at}."),
                None if lot.manual => "The auctioneer ends it.".to_owned(),
                None => "Its time starts with the first bid.".to_owned(),
            };
            format!("{} {end}\n", standing(lot, currency))
        }
        LotState::Paused { left, .. } => {
            let left = left.map(|left| format!(" {left} are left.")).unwrap_or_default();
            format!("{} It is paused.{left}\n", standing(lot, currency))
        }
        LotState::Pending => {
            format!("This item is not open yet. The least that will stand is {ask}.\n")
        }
    }
}

/// Who leads at what price, whether that meets the reserve, and what would stand.
fn standing(lot: &LotView, currency: &Currency) -> String {
    let (price, bidder) = (standing_price(lot, currency), leader(lot));
    let reserve = match lot.reserve_met {
        Some(true) => " Reserve met.",
        Some(false) => " Reserve not met.",
        None => "",
    };
    let ask = currency.display(lot.ask);
    format!("Current highest bid is {price} by {bidder}.{reserve} The least that stands is {ask}.")
}

fn leader(lot: &LotView) -> String {
    lot.high().map_or("None".to_owned(), |(leader, _)| leader.to_string())
}

/// The answer to a bid that stands, on the lot as it stands after it.
pub fn bid_accepted(amount: Amount, lot: &LotView, seq: u64, currency: &Currency) -> String {
    format!(
        "Bid accepted! You bid {} on item {} ({}). It is entry {seq} of the ledger.\n",
        currency.display(amount),
        lot.lot,
        name_of(lot)
    )
}

/// The answer to anything refused. `lot` is the lot that was meant, if it exists.
pub fn refused(
    code: Code,
    least: Option<Amount>,
    lot: Option<&LotView>,
    currency: &Currency,
) -> String {
    let said = match (code, least, lot) {
        (Code::TooLow, Some(least), Some(lot)) => format!(
            "Bid is too low! Current bid is {}. The least that stands is {}: BID {} {}",
            standing_price(lot, currency),
            currency.display(least),
            lot.lot,
            currency.decimal(least)
        ),
        (Code::Closed, _, Some(LotView { state: LotState::Closed { outcome, .. }, .. })) => {
            ended(outcome, currency)
        }
        (Code::NoSuchLot, _, _) => CommandFault::NoSuchLot.to_string(),
        _ => advice(code).to_owned(),
    };
    format!("{said} [{code}]\n")
}

fn ended(outcome: &Outcome, currency: &Currency) -> String {
    match outcome {
        Outcome::Sold { to, hammer_price } => {
            format!("This item has ended. {to} won it with {}.", currency.display(*hammer_price))
        }
        Outcome::Unsold(UnsoldReason::NoBids) => {
            "This item has ended. Nobody won it: there was no bid.".to_owned()
        }
        Outcome::Unsold(UnsoldReason::ReserveNotMet) => {
            "This item has ended. Nobody won it: the reserve was not met.".to_owned()
        }
        Outcome::Withdrawn => "This item was withdrawn.".to_owned(),
    }
}

/// The price that stands; before any bid, what has to be exceeded, where that is
/// a number (in the seed's form it is the file's `highest_bid`).
fn standing_price(lot: &LotView, currency: &Currency) -> String {
    match lot.high() {
        Some((_, price)) => currency.display(price),
        None if *currency == Currency::seed() => (lot.ask.minor_units() - 1).to_string(),
        None => "none".to_owned(),
    }
}

fn name_of(lot: &LotView) -> &str {
    lot.name.as_ref().map_or("?", Title::as_str)
}

const BID_FORM: &str = "BID <item_id> <amount>";
const STATUS_FORM: &str = "STATUS <item_id>";
/// One more than any command takes.
const WORDS_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auction::name::Party;

    fn parse(line: &str) -> Result<Command, CommandFault> {
        Command::parse(line, &Currency::seed())
    }

    fn view(state: LotState) -> LotView {
        LotView {
            lot: LotId::parse("1").expect("an id"),
            name: Some(Title::parse("Quilt").expect("a title")),
            state,
            ask: Amount::new(121).expect("in range"),
            bids: 0,
            reserve_met: None,
            manual: false,
        }
    }

    #[test]
    fn commands_are_read_in_any_case_and_spacing() {
        let lot = LotId::parse("1").expect("an id");
        let amount = Amount::new(100).expect("in range");
        assert_eq!(parse("list"), Ok(Command::List));
        assert_eq!(parse("  Bid \t1   100 "), Ok(Command::Bid { lot: lot.clone(), amount }));
        assert_eq!(parse("STATUS 1"), Ok(Command::Status { lot }));
        assert_eq!(parse("whoami"), Ok(Command::WhoAmI));
    }

    #[test]
    fn every_other_line_has_its_own_answer() {
        let check = |line: &str, expected: &str| {
            let fault = parse(line).expect_err("no command");
            assert_eq!(fault.answer(), format!("{expected}\n"), "{line:?}");
        };
        check("", "An empty line is no command. HELP lists the commands. [bad-command]");
        check("\t ", "An empty line is no command. HELP lists the commands. [bad-command]");
        check("FROB", "Unknown command. HELP lists the commands. [bad-command]");
        check("BID 1", "Invalid BID format. Use: BID <item_id> <amount> [bad-command]");
        check("BID 1 2 3", "Invalid BID format. Use: BID <item_id> <amount> [bad-command]");
        check("STATUS", "Invalid STATUS format. Use: STATUS <item_id> [bad-command]");
        check("STATUS ../x", "There is no such item. LIST shows them all. [no-such-lot]");
        check(
            "BID 1 1_0_7",
            "Invalid amount. Use: BID <item_id> <amount>, with an amount such as 150, in plain \
             digits [bad-amount]",
        );
        let fault = parse(&format!("BID 1 {}", "9".repeat(16))).expect_err("too much");
        assert_eq!(fault.code(), Code::OverCap);
    }

    #[test]
    fn the_seeds_wording_is_kept() {
        let alice = Party::Named(Name::parse("alice").expect("a name"));
        let price = Amount::new(120).expect("in range");
        let high = Some(crate::auction::lot::High { bidder: alice.clone(), price, seq: 7 });
        let at = Timestamp::from_unix_ms(1_790_000_000_000).expect("in range");
        let currency = Currency::seed();
        let fresh = view(LotState::Open { ends_at: None, high: None });
        let led = view(LotState::Open { ends_at: Some(at), high });
        let outcome = Outcome::Sold { to: alice, hammer_price: price };
        let sold = view(LotState::Closed { outcome, at });
        assert_eq!(
            list(&[fresh, led.clone(), sold.clone()], &currency),
            "Items (3):\n\
             1. Quilt [ACTIVE] - Current highest bid: 120 by None\n\
             1. Quilt [ACTIVE] - Current highest bid: 120 by alice\n\
             1. Quilt [ENDED] - Current highest bid: 120 by alice\n"
        );
        assert!(status(&led, &currency).starts_with("Current highest bid is 120 by alice. "));
        assert_eq!(status(&sold, &currency), "This item has ended. alice won it with 120.\n");
        assert_eq!(
            refused(Code::TooLow, Amount::new(121), Some(&led), &currency),
            "Bid is too low! Current bid is 120. The least that stands is 121: BID 1 121 \
             [too-low]\n"
        );
    }
}
