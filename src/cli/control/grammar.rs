//! What staff type, and what they mean by it: pure, held against the sale as it stands.
//!
//! The words are the same on the command line and in the live session. There a lot may be
//! left out, which means the one that is being sold, and a few short words do the daily
//! work: `n` opens the next lot, `w` gives fair warning, `h` hammers, `p` passes.

use crate::auction::act::{Deed, KeyHash};
use crate::auction::lot::{Lot, LotState};
use crate::auction::money::{Amount, Currency};
use crate::auction::name::{LotId, Name, Party, Title};
use crate::auction::sale::Sale;
use crate::cli::when;
use crate::record::Order;
use crate::time::Timestamp;

/// How every command is written.
pub(super) const FORMS: &str = "\
  open LOT                     open a lot              (n: the next one)
  warn [LOT]                   give fair warning       (w)
  hammer LOT [PRICE]           close it; PRICE is the one that you saw   (h)
  pass LOT                     close it without a sale (p)
  bid PADDLE LOT AMOUNT        enter a bid for the room; @NAME for a person
  pause LOT [REASON]           stop its time
  resume LOT                   let it go on
  void LOT REASON              take the highest bid back
  withdraw LOT REASON          take the lot back
  extend LOT WHEN REASON       move its end: 5m from its end, or 2026-11-24T20:00:00Z
  reserve LOT AMOUNT REASON    lower its hidden reserve
  say TEXT                     tell everybody
  reissue NAME KEY REASON      let a name pass to another key: a certificate's file, or sha256:HEX
  close-sale                   close what has no bid; running times finish
";

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// An act.
    Act {
        /// What.
        order: Order,
        /// Why.
        reason: Option<Title>,
    },
    /// A lower reserve: its commitment needs random bytes.
    Reserve {
        /// Of which lot.
        lot: LotId,
        /// How much.
        amount: Amount,
        /// Why.
        reason: Option<Title>,
    },
    /// A name passes to another key, whose old one the ledger tells.
    Reissue {
        /// Which name.
        name: Name,
        /// A file or `sha256:HEX`.
        key: String,
        /// Why.
        reason: Option<Title>,
    },
}

/// What a command begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Bid,
    CloseSale,
    Extend,
    Hammer,
    Next,
    Open,
    Pass,
    Pause,
    Reissue,
    Reserve,
    Resume,
    Say,
    Void,
    Warn,
    Withdraw,
}

/// The verb, which needs no sale to be known, and the words after it.
pub(super) fn verb<'a, 'w>(words: &'a [&'w str]) -> Result<(Verb, &'a [&'w str]), Unclear> {
    let (verb, rest) = words.split_first().unwrap_or((&"", &[]));
    let verb = match verb.to_ascii_lowercase().as_str() {
        "bid" => Verb::Bid,
        "close-sale" => Verb::CloseSale,
        "extend" => Verb::Extend,
        "h" | "hammer" => Verb::Hammer,
        "n" | "next" => Verb::Next,
        "open" => Verb::Open,
        "p" | "pass" => Verb::Pass,
        "pause" => Verb::Pause,
        "reissue" => Verb::Reissue,
        "reserve" => Verb::Reserve,
        "resume" => Verb::Resume,
        "say" => Verb::Say,
        "void" => Verb::Void,
        "w" | "warn" => Verb::Warn,
        "withdraw" => Verb::Withdraw,
        other => return Err(Unclear::Unknown { word: shown(other) }),
    };
    Ok((verb, rest))
}

/// Why a line is no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unclear {
    #[error("unknown command `{word}`")]
    Unknown { word: String },
    #[error("use: {form}")]
    Form { form: &'static str },
    #[error("there is no lot `{lot}` in this sale")]
    NoSuchLot { lot: String },
    #[error("no lot is being sold: name one")]
    NoCurrentLot,
    #[error("no lot waits to be opened")]
    NothingPending,
    #[error("a bid stands that would be sold: hammer the lot, or void the bid")]
    WouldSell,
    #[error("the reserve is not met, so nobody would win it: `pass` closes the lot all the same")]
    WouldPass,
    #[error("{0}")]
    Text(String),
    #[error("another bid has come in: {now} stands, not {seen}")]
    BidIn { seen: String, now: String },
}

/// The sale as staff see it.
pub(super) struct View<'a> {
    pub(super) sale: &'a Sale,
    pub(super) current: Option<&'a LotId>,
    pub(super) now: Timestamp,
}

impl View<'_> {
    fn currency(&self) -> &Currency {
        &self.sale.catalogue().terms().currency
    }

    /// Reads the words of one command.
    pub(super) fn read(&self, words: &[&str]) -> Result<Wanted, Unclear> {
        let (verb, rest) = verb(words)?;
        match verb {
            Verb::Bid => self.bid(rest),
            Verb::CloseSale if rest.is_empty() => Ok(deed(Deed::Closing, None)),
            Verb::CloseSale => Err(Unclear::Form { form: "close-sale" }),
            Verb::Extend => self.extend(rest),
            Verb::Hammer => self.hammer(rest),
            Verb::Next => self.next(rest),
            Verb::Open => self.on_lot(rest, "open LOT", |lot| Deed::Open { lot }),
            Verb::Pass => self.pass(rest),
            Verb::Pause => self.reasoned(rest, |lot, _| Deed::Pause { lot }),
            Verb::Reissue => reissue(rest),
            Verb::Reserve => self.reserve(rest),
            Verb::Resume => self.on_lot(rest, "resume LOT", |lot| Deed::Resume { lot }),
            Verb::Say => self.say(rest),
            Verb::Void => self.reasoned(rest, |lot, seen| Deed::Void { lot, seen }),
            Verb::Warn => self.warn(rest),
            Verb::Withdraw => self.reasoned(rest, |lot, _| Deed::Withdraw { lot }),
        }
    }

    /// The lot that is named first, or the one that is being sold; and what follows.
    fn lot<'w, 'a>(&self, words: &'a [&'w str]) -> Result<(&Lot, &'a [&'w str]), Unclear> {
        let named = words.split_first().and_then(|(first, rest)| {
            let id = LotId::parse(&first.to_ascii_lowercase()).ok()?;
            Some((self.sale.lot(&id)?, rest))
        });
        match (named, self.current) {
            (Some(named), _) => Ok(named),
            (None, Some(id)) => {
                self.sale.lot(id).map(|lot| (lot, words)).ok_or(Unclear::NoCurrentLot)
            }
            (None, None) => Err(match words.first() {
                Some(word) => Unclear::NoSuchLot { lot: shown(word) },
                None => Unclear::NoCurrentLot,
            }),
        }
    }

    fn on_lot(
        &self,
        words: &[&str],
        form: &'static str,
        make: impl Fn(LotId) -> Deed,
    ) -> Result<Wanted, Unclear> {
        let (lot, rest) = self.lot(words)?;
        if rest.is_empty() { Ok(deed(make(id(lot)), None)) } else { Err(Unclear::Form { form }) }
    }

    fn reasoned(
        &self,
        words: &[&str],
        make: impl Fn(LotId, Option<u64>) -> Deed,
    ) -> Result<Wanted, Unclear> {
        let (lot, rest) = self.lot(words)?;
        // A number that is no lot was meant as one: nothing is done to the current lot then.
        let digits = |word: &&&str| word.bytes().all(|b| b.is_ascii_digit());
        if let Some(word) = rest.first().filter(digits).filter(|_| rest.len() == words.len()) {
            return Err(Unclear::NoSuchLot { lot: shown(word) });
        }
        let seen = lot.standing().map(|high| high.seq);
        Ok(deed(make(id(lot), seen), reason(rest)?))
    }

    fn next(&self, rest: &[&str]) -> Result<Wanted, Unclear> {
        if !rest.is_empty() {
            return Err(Unclear::Form { form: "n" });
        }
        let pending = |lot: &&Lot| matches!(lot.state(), LotState::Pending);
        let lot = self.sale.lots().find(pending).ok_or(Unclear::NothingPending)?;
        Ok(deed(Deed::Open { lot: id(lot) }, None))
    }

    fn warn(&self, words: &[&str]) -> Result<Wanted, Unclear> {
        let (lot, rest) = self.lot(words)?;
        if !rest.is_empty() {
            return Err(Unclear::Form { form: "warn [LOT]" });
        }
        let said = match lot.price() {
            Some(price) => format!("Fair warning at {}.", self.currency().display(price)),
            None => "Fair warning: there is no bid.".to_owned(),
        };
        let text = Title::parse(&said).map_err(|error| Unclear::Text(error.to_string()))?;
        Ok(deed(Deed::Say { lot: Some(id(lot)), text }, None))
    }

    /// Closes the lot at the bid that is seen. A price that is named must be that bid's.
    fn hammer(&self, words: &[&str]) -> Result<Wanted, Unclear> {
        let (lot, rest) = self.lot(words)?;
        match rest {
            [] => {}
            [price] => self.check_price(lot, price)?,
            _ => return Err(Unclear::Form { form: "hammer LOT [PRICE]" }),
        }
        if lot.standing().is_some() && lot.reserve_met() == Some(false) {
            return Err(Unclear::WouldPass);
        }
        let seen = lot.standing().map(|high| high.seq);
        Ok(deed(Deed::Hammer { lot: id(lot), seen }, None))
    }

    fn check_price(&self, lot: &Lot, typed: &str) -> Result<(), Unclear> {
        let seen = self.amount(typed)?;
        if lot.price() == Some(seen) {
            return Ok(());
        }
        let display = |amount| self.currency().display(amount);
        let now = lot.price().map_or("no bid".to_owned(), display);
        Err(Unclear::BidIn { seen: display(seen), now })
    }

    fn pass(&self, words: &[&str]) -> Result<Wanted, Unclear> {
        let (lot, rest) = self.lot(words)?;
        if !rest.is_empty() {
            return Err(Unclear::Form { form: "pass LOT" });
        }
        if lot.standing().is_some() && lot.reserve_met() != Some(false) {
            return Err(Unclear::WouldSell);
        }
        let seen = lot.standing().map(|high| high.seq);
        Ok(deed(Deed::Hammer { lot: id(lot), seen }, None))
    }

    fn bid(&self, words: &[&str]) -> Result<Wanted, Unclear> {
        let form = "bid PADDLE LOT AMOUNT, or bid @NAME LOT AMOUNT";
        let [who, rest @ .., amount] = words else { return Err(Unclear::Form { form }) };
        let lot = match rest {
            [] => self.current.cloned().ok_or(Unclear::NoCurrentLot)?,
            [_] => id(self.lot(rest)?.0),
            _ => return Err(Unclear::Form { form }),
        };
        let name = |text: &str| {
            Name::parse(&text.to_ascii_lowercase())
                .map_err(|error| Unclear::Text(error.to_string()))
        };
        let party = match who.strip_prefix('@') {
            Some(person) => Party::Named(name(person)?),
            None => Party::Paddle(name(who)?),
        };
        let amount = self.amount(amount)?;
        Ok(Wanted::Act { order: Order::Enter { party, lot, amount }, reason: None })
    }

    fn extend(&self, words: &[&str]) -> Result<Wanted, Unclear> {
        let form = "extend LOT WHEN REASON";
        let (lot, rest) = self.lot(words)?;
        let [at, why @ ..] = rest else { return Err(Unclear::Form { form }) };
        let ends_at = match (when::parse_span(at), at.parse::<jiff::Timestamp>()) {
            (Ok(span), _) => lot.ends_at().unwrap_or(self.now).plus(span),
            (_, Ok(time)) => u64::try_from(time.as_millisecond())
                .ok()
                .and_then(Timestamp::from_unix_ms)
                .ok_or(Unclear::Form { form })?,
            (Err(_), Err(_)) => return Err(Unclear::Form { form }),
        };
        Ok(deed(Deed::Extend { lot: id(lot), ends_at }, reason(why)?))
    }

    fn reserve(&self, words: &[&str]) -> Result<Wanted, Unclear> {
        let (lot, rest) = self.lot(words)?;
        let [amount, why @ ..] = rest else {
            return Err(Unclear::Form { form: "reserve LOT AMOUNT REASON" });
        };
        Ok(Wanted::Reserve { lot: id(lot), amount: self.amount(amount)?, reason: reason(why)? })
    }

    fn say(&self, words: &[&str]) -> Result<Wanted, Unclear> {
        let text = reason(words)?.ok_or(Unclear::Form { form: "say TEXT" })?;
        Ok(deed(Deed::Say { lot: None, text }, None))
    }

    fn amount(&self, typed: &str) -> Result<Amount, Unclear> {
        self.currency().parse(typed).map_err(|error| Unclear::Text(error.to_string()))
    }
}

/// Reads `sha256:` and 64 hexadecimal digits.
pub(super) fn key_hash(text: &str) -> Option<KeyHash> {
    let hash = crate::ledger::hash::Hash::parse(text.strip_prefix("sha256:")?).ok()?;
    Some(KeyHash(*hash.bytes()))
}

fn reissue(words: &[&str]) -> Result<Wanted, Unclear> {
    let [name, key, why @ ..] = words else {
        return Err(Unclear::Form { form: "reissue NAME KEY REASON" });
    };
    let name = Name::parse(name).map_err(|error| Unclear::Text(error.to_string()))?;
    Ok(Wanted::Reissue { name, key: (*key).to_owned(), reason: reason(why)? })
}

const fn deed(deed: Deed, reason: Option<Title>) -> Wanted {
    Wanted::Act { order: Order::Deed(deed), reason }
}

fn id(lot: &Lot) -> LotId {
    lot.terms().id.clone()
}

/// What is left of the line says why; nothing where nothing is left.
fn reason(words: &[&str]) -> Result<Option<Title>, Unclear> {
    if words.is_empty() {
        return Ok(None);
    }
    let text = Title::parse(&words.join(" "));
    text.map(Some).map_err(|error| Unclear::Text(error.to_string()))
}

fn shown(word: &str) -> String {
    word.chars().filter(|c| crate::auction::name::is_showable(*c)).take(40).collect()
}

#[cfg(test)]
mod tests;
