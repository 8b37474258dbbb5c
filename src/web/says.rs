//! What page and bridge say to each other: JSON objects with a `type`, each one WebSocket message.
//!
//! A page asks for a bid by lot and amount and for an act by verb and lot, under an id of its own,
//! so that after a lost socket it knows again what became of it:
//!
//! ```json
//! {"type":"bid","id":"5f-1","lot":"7","amount":12500}
//! ```
//!
//! The bridge tells facts and no sentences: words are the page's, in one language or another. Where
//! it does say something in words, they come beside a code. Amounts are minor units, times
//! milliseconds since 1970, both at most 2^53-1.

use serde::{Deserialize, Serialize};

use super::board::{LotBoard, SaleBoard, Step};
use super::news::News;
use super::own::Own;
use crate::limits::WEB_ID_BYTES_MAX;

/// What a page asks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Asks {
    /// Bid.
    Bid {
        /// The page's own id for it.
        id: Id,
        /// On which lot.
        lot: String,
        /// How many minor units.
        amount: u64,
    },
    /// The bid that was held back is meant.
    Confirm {
        /// Which.
        id: Id,
    },
    /// The bid that was held back is not meant.
    Cancel {
        /// Which.
        id: Id,
    },
    /// Do an act of staff.
    Act {
        /// The page's own id for it.
        id: Id,
        /// What.
        verb: Verb,
        /// On which lot.
        #[serde(default)]
        lot: Option<String>,
        /// The standing bid's entry, as the screen showed it.
        #[serde(default)]
        seen: Option<u64>,
        /// What to say, or why.
        #[serde(default)]
        text: Option<String>,
    },
    /// What the official time is.
    Time {
        /// Given back with the answer.
        ask: u64,
    },
    /// How a lot's price rose.
    Steps {
        /// Which lot.
        lot: String,
    },
    /// A receipt, to be saved.
    Receipt {
        /// The entry that it proves.
        seq: u64,
    },
}

/// What staff can do from a page. The rest is there by `gavel control`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verb {
    /// Close what has no bid; running times finish.
    CloseSale,
    /// Sell a lot at the bid that is named.
    Hammer,
    /// Open a lot.
    Open,
    /// Close a lot without a sale.
    Pass,
    /// Stop its time.
    Pause,
    /// Let it go on.
    Resume,
    /// Tell everybody something.
    Say,
    /// Take the highest bid back.
    Void,
    /// Give fair warning.
    Warn,
}

/// An id that a page gives to what it asks: short, plain, shown nowhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Id(String);

impl TryFrom<String> for Id {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = (1..=WEB_ID_BYTES_MAX).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            Ok(Self(text))
        } else {
            Err("an id is 1 to 64 letters, digits and dashes")
        }
    }
}

impl Asks {
    /// Reads one message.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// What a page is told.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(super) enum Told<'a> {
    /// Whose page it is, of which sale: what never changes. It begins every connection.
    Hello(&'a SaleBoard),
    /// How lots stand.
    Lots {
        /// The lots, in the catalogue's order.
        lots: &'a [LotBoard],
    },
    /// Everything up to the present was told.
    Ready,
    /// Something happened in the sale.
    News {
        /// What.
        news: &'a News,
    },
    /// One of our own bids or acts, and what became of it.
    Own {
        /// Which, and its state.
        own: &'a Own,
    },
    /// How the bridge and the house stand.
    Link(&'a Link),
    /// What was checked.
    Ledger(&'a LedgerBoard),
    /// Something under our name that we did not do, or that the house refuses us.
    Alarm {
        /// In words.
        text: &'a str,
    },
    /// The official time.
    Time {
        /// The question.
        ask: u64,
        /// The time.
        official: u64,
    },
    /// How a lot's price rose.
    Steps {
        /// Which lot.
        lot: &'a str,
        /// The bids, oldest first.
        steps: Vec<&'a Step>,
    },
    /// A receipt, as a file to be saved; none if it is not here.
    Receipt {
        /// The entry that it proves.
        seq: u64,
        /// The file's text.
        text: Option<String>,
    },
}

impl Told<'_> {
    /// The message.
    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers can be written")
    }
}

/// How the bridge and the house stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub(super) enum Link {
    /// Every line is here, and the connection stands.
    Up,
    /// The connection stands; lines that are there are still being checked.
    Checking,
    /// The connection is lost, and tried again.
    Down {
        /// Why.
        why: String,
    },
    /// It will not come back: the house does not let us in, or was caught.
    Ended {
        /// Why.
        why: String,
    },
}

/// What was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct LedgerBoard {
    /// How many lines of the ledger, from the first on.
    pub(super) lines: u64,
    /// How many of them the newest checkpoint covers.
    pub(super) signed_lines: u64,
    /// Its root.
    pub(super) root: String,
    /// How many lines the newest cosigned checkpoint covers, if there is one.
    pub(super) cosigned_lines: Option<u64>,
    /// Who is named as having cosigned it; their keys are not checked here.
    pub(super) cosigners: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_ask_in_one_form_each() {
        let good = [
            r#"{"type":"bid","id":"5f-1","lot":"7","amount":12500}"#,
            r#"{"type":"act","id":"a","verb":"hammer","lot":"7","seen":12}"#,
            r#"{"type":"act","id":"a","verb":"close-sale"}"#,
            r#"{"type":"confirm","id":"5f-1"}"#,
            r#"{"type":"time","ask":1}"#,
        ];
        for text in good {
            assert!(Asks::read(text).is_some(), "{text}");
        }
        let bad = [
            "",
            "null",
            "[]",
            r#"{"type":"sign","id":"a"}"#,
            r#"{"type":"bid","id":"a","lot":"7","amount":1.5}"#,
            r#"{"type":"bid","id":"a","lot":"7","amount":-1}"#,
            r#"{"type":"bid","id":"","lot":"7","amount":1}"#,
            r#"{"type":"bid","id":"a b","lot":"7","amount":1}"#,
            r#"{"type":"bid","id":"a","lot":"7","amount":1,"bidder":"bob"}"#,
            r#"{"type":"act","id":"a","verb":"reissue"}"#,
        ];
        for text in bad {
            assert!(Asks::read(text).is_none(), "{text}");
        }
    }
}
