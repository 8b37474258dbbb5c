//! A maximum that the bidder's own client holds (RULES 10): what it does next on
//! its lot, one ask at a time.
//!
//! Pure: a lot's standing and the answers to bids go in, the next bid comes out.
//! **The maximum itself goes nowhere else.** A house that knew it could run the price
//! up to it, and so could whoever reads its ledger, its logs, or a stolen folder: so
//! it is never sent, never signed and never remembered. All that leaves this type is
//! the ask of the moment, and only where that is no more than the maximum. It is no
//! part of any message:
//!
//! ```compile_fail
//! fn leaves(told: impl serde::Serialize) {}
//! fn tell(maximum: gavel::client::Maximum) { leaves(maximum) }
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::bidding::BidAnswer;
use crate::auction::event::{Outcome, UnsoldReason};
use crate::auction::lot::LotState;
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Name, Party};
use crate::auction::refusal::Code;
use crate::limits::BIDS_ANEW_MAX;
use crate::wire::lot::LotView;

/// How far somebody goes on one lot, and how far that has got.
pub struct Maximum {
    us: Name,
    lot: LotId,
    amount: Amount,
    /// Bids on the lot whose answer is missing, each with the lot as it stood when it was
    /// sent; bids of earlier runs have none.
    awaited: BTreeMap<u64, Option<LotView>>,
    /// How many lines of the ledger must have been followed before it makes sense to look.
    least_size: u64,
    /// A standing of the lot that others have left behind; our lines do not show it yet.
    behind: Option<LotView>,
    /// How many bids in a row were refused for what should have passed.
    refused: u32,
    barred: Option<Code>,
    /// The entries of our bids on the lot, to notice when one is voided.
    entered: BTreeSet<u64>,
    voided: bool,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Bid this: the ask, which is no more than the maximum.
    Bid(Amount),
    /// Nothing, for now.
    Wait(Wait),
    /// Nothing ever again.
    Over(End),
}

/// Why nothing is bid now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// An answer to a bid is missing: until it is here, another might bid twice.
    Answer,
    /// The ask is above the maximum. It may fall again, when a bid is voided.
    Beyond,
    /// We lead, and never raise against ourselves, not even under the reserve.
    Leading,
    /// Lines that we know to be there have not arrived.
    Lines,
    /// The lot has not opened.
    NotOpen,
    /// The lot is paused.
    Paused,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// We have won, at this price.
    Won(Amount),
    /// Somebody else has won.
    Outbid {
        /// Who.
        by: Party,
        /// At what price.
        price: Amount,
    },
    /// Nobody has won.
    Unsold(UnsoldReason),
    /// The lot was taken back.
    Withdrawn,
    /// A bid of ours was voided: whoever runs the sale does not want it, and a program does
    /// not argue.
    Voided,
    /// Bids are refused for a reason that does not pass.
    Barred(Code),
}

/// What a refusal means for the next bid.
enum Meaning {
    /// The lot is not what it was: look again when that shows.
    LotHasChanged,
    /// It says nothing about the lot: sign another bid, a little later.
    Anew,
    /// The next bid would be refused as well.
    Lasting,
}

impl Maximum {
    /// `us` will go as far as `amount` on `lot`.
    pub const fn new(us: Name, lot: LotId, amount: Amount) -> Self {
        Self {
            us,
            lot,
            amount,
            awaited: BTreeMap::new(),
            least_size: 0,
            behind: None,
            refused: 0,
            barred: None,
            entered: BTreeSet::new(),
            voided: false,
        }
    }

    /// The lot.
    pub const fn lot(&self) -> &LotId {
        &self.lot
    }

    /// The maximum, for the bidder's own eyes.
    pub const fn amount(&self) -> Amount {
        self.amount
    }

    /// The numbers of the bids whose answer is missing.
    pub fn awaited(&self) -> impl Iterator<Item = u64> {
        self.awaited.keys().copied()
    }

    /// Why nothing more can be bid on the lot, if that is so.
    pub const fn barred(&self) -> Option<Code> {
        self.barred
    }

    /// Whether it is not yet known, or does not show yet, what became of our bids.
    pub fn is_open(&self, size: u64) -> bool {
        !self.awaited.is_empty() || size < self.least_size
    }

    /// What to do on the lot as it stands after the first `size` lines of the ledger.
    pub fn next(&mut self, lot: &LotView, size: u64) -> Next {
        if self.behind.as_ref().is_some_and(|behind| behind != lot) {
            self.behind = None;
        }
        if let Some(code) = self.barred {
            return Next::Over(End::Barred(code));
        }
        match &lot.state {
            // The ledger's last word, whatever answers are still missing.
            LotState::Closed { outcome, .. } => Next::Over(self.end(outcome)),
            _ if self.voided => Next::Over(End::Voided),
            _ if !self.awaited.is_empty() => Next::Wait(Wait::Answer),
            _ if size < self.least_size || self.behind.is_some() => Next::Wait(Wait::Lines),
            LotState::Pending => Next::Wait(Wait::NotOpen),
            LotState::Paused { .. } => Next::Wait(Wait::Paused),
            LotState::Open { .. } if lot.high().is_some_and(|(bidder, _)| self.is_us(bidder)) => {
                Next::Wait(Wait::Leading)
            }
            LotState::Open { .. } if lot.ask > self.amount => Next::Wait(Wait::Beyond),
            LotState::Open { .. } => Next::Bid(lot.ask),
        }
    }

    fn is_us(&self, bidder: &Party) -> bool {
        bidder.is(&self.us)
    }

    fn end(&self, outcome: &Outcome) -> End {
        match outcome {
            Outcome::Sold { to, hammer_price } if self.is_us(to) => End::Won(*hammer_price),
            Outcome::Sold { to, hammer_price } => {
                End::Outbid { by: to.clone(), price: *hammer_price }
            }
            Outcome::Unsold(reason) => End::Unsold(*reason),
            Outcome::Withdrawn => End::Withdrawn,
        }
    }

    /// Notes bid `n` as sent, on the lot as it stood; `None` for one of an earlier run.
    pub fn sent(&mut self, n: u64, lot: Option<LotView>) {
        self.awaited.insert(n, lot);
    }

    /// Takes in what became of bid `n`, once the first `size` lines are followed.
    pub fn answered(&mut self, n: u64, answer: &BidAnswer, size: u64) {
        match answer {
            BidAnswer::Unknown => {}
            BidAnswer::Landed { seq } => {
                self.awaited.remove(&n);
                self.refused = 0;
                self.entered.insert(*seq);
                self.least_size = self.least_size.max(seq + 1);
            }
            BidAnswer::Refused { code, .. } => {
                let Some(lot) = self.awaited.remove(&n) else { return };
                self.refused(*code, lot, size);
            }
        }
    }

    /// Takes in that the bid of entry `seq` was voided.
    pub fn voided(&mut self, seq: u64) {
        self.voided |= self.entered.contains(&seq);
    }

    fn refused(&mut self, code: Code, lot: Option<LotView>, size: u64) {
        match (meaning(code), lot) {
            (Meaning::LotHasChanged, lot) => {
                self.refused = 0;
                self.behind = lot;
            }
            // That an earlier run's bid was refused bars nothing: this run has not asked.
            (Meaning::Anew | Meaning::Lasting, None) => {}
            (Meaning::Anew, Some(_)) if self.refused < BIDS_ANEW_MAX => {
                self.refused += 1;
                self.least_size = self.least_size.max(size + 1);
            }
            (Meaning::Anew | Meaning::Lasting, Some(_)) => self.barred = Some(code),
        }
    }
}

/// The maximum is left out: what is printed for debugging ends up in logs.
impl fmt::Debug for Maximum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Maximum")
            .field("lot", &self.lot)
            .field("awaited", &self.awaited)
            .field("least_size", &self.least_size)
            .finish_non_exhaustive()
    }
}

/// Whether whoever hears this code is refused on every lot, not on this one alone.
pub const fn bars_everywhere(code: Code) -> bool {
    matches!(meaning(code), Meaning::Lasting) && !matches!(code, Code::NoSuchLot | Code::Seller)
}

const fn meaning(code: Code) -> Meaning {
    match code {
        // Somebody was faster, or the lot's state has changed meanwhile.
        Code::AlreadyLeading | Code::Closed | Code::NotOpen | Code::Paused | Code::TooLow => {
            Meaning::LotHasChanged
        }
        // Another command of ours took a later number; a rush of seals; too many requests.
        Code::Busy | Code::ReusedN | Code::SlowDown | Code::StaleHead => Meaning::Anew,
        Code::BadAmount
        | Code::BadCommand
        | Code::BadSignature
        | Code::BidIn
        | Code::Expired
        | Code::KeyEnrolled
        | Code::NameTaken
        | Code::NoBid
        | Code::NoReason
        | Code::NoRoomBids
        | Code::NoSuchLot
        | Code::NoSuchName
        | Code::NotEnrolled
        | Code::NotLater
        | Code::NotPaused
        | Code::NotPending
        | Code::OpenLots
        | Code::OverCap
        | Code::ReserveNotLowered
        | Code::Revoked
        | Code::Role
        | Code::Seller
        | Code::TooManyKeys
        | Code::Unsigned
        | Code::WithoutReserve
        | Code::WrongSale => Meaning::Lasting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auction::lot::High;
    use crate::time::Timestamp;

    /// Followed lines, where their number does not matter.
    const SIZE: u64 = 10;

    fn amount(minor_units: u64) -> Amount {
        Amount::new(minor_units).expect("in range")
    }

    fn name(text: &str) -> Name {
        Name::parse(text).expect("a name")
    }

    fn party(text: &str) -> Party {
        Party::Named(name(text))
    }

    /// Alice's maximum of 140 on lot 1.
    fn alices() -> Maximum {
        Maximum::new(name("alice"), LotId::parse("1").expect("an id"), amount(140))
    }

    fn view(state: LotState, ask: u64, bids: u64) -> LotView {
        let lot = LotId::parse("1").expect("an id");
        LotView { lot, name: None, state, ask: amount(ask), bids, reserve_met: None, manual: false }
    }

    fn fresh(ask: u64) -> LotView {
        view(LotState::Open { ends_at: None, high: None }, ask, 0)
    }

    /// Led by `bidder` with `price`, the ask one more.
    fn led(bidder: &str, price: u64) -> LotView {
        let high = Some(High { bidder: party(bidder), price: amount(price), seq: price });
        view(LotState::Open { ends_at: None, high }, price + 1, price)
    }

    fn closed(outcome: Outcome) -> LotView {
        let at = Timestamp::from_unix_ms(1_790_000_000_000).expect("in range");
        view(LotState::Closed { outcome, at }, 141, 3)
    }

    fn refused(code: Code) -> BidAnswer {
        BidAnswer::Refused { code, message: String::new(), ask: None }
    }

    #[test]
    fn it_bids_the_ask_whenever_somebody_else_leads_and_never_beyond_the_maximum() {
        let check = |lot: LotView, expected: Next| {
            assert_eq!(alices().next(&lot, SIZE), expected, "{lot:?}");
        };
        check(view(LotState::Pending, 101, 0), Next::Wait(Wait::NotOpen));
        check(fresh(101), Next::Bid(amount(101)));
        check(fresh(140), Next::Bid(amount(140)));
        check(fresh(141), Next::Wait(Wait::Beyond));
        check(led("bob", 120), Next::Bid(amount(121)));
        check(led("bob", 139), Next::Bid(amount(140)));
        check(led("bob", 140), Next::Wait(Wait::Beyond));
        check(led("alice", 120), Next::Wait(Wait::Leading));
        // By hand, beyond the maximum: that is no reason to raise.
        check(led("alice", 500), Next::Wait(Wait::Leading));
    }

    #[test]
    fn the_end_is_the_ledgers() {
        let sold = |to, price| Outcome::Sold { to: party(to), hammer_price: amount(price) };
        let check = |outcome: Outcome, expected: End| {
            let mut maximum = alices();
            // Also while an answer is missing, which cannot change it any more.
            maximum.sent(1, Some(fresh(101)));
            assert_eq!(maximum.next(&closed(outcome), SIZE), Next::Over(expected));
        };
        check(sold("alice", 120), End::Won(amount(120)));
        check(sold("bob", 141), End::Outbid { by: party("bob"), price: amount(141) });
        check(Outcome::Unsold(UnsoldReason::NoBids), End::Unsold(UnsoldReason::NoBids));
    }

    #[test]
    fn a_second_bid_waits_for_the_answer_and_for_the_line() {
        let mut maximum = alices();
        maximum.sent(1, Some(fresh(101)));
        assert_eq!(maximum.next(&fresh(101), SIZE), Next::Wait(Wait::Answer));
        // Even where others go on meanwhile.
        assert_eq!(maximum.next(&led("bob", 110), SIZE), Next::Wait(Wait::Answer));
        maximum.answered(1, &BidAnswer::Unknown, SIZE);
        assert_eq!(maximum.next(&led("bob", 110), SIZE), Next::Wait(Wait::Answer));
        maximum.answered(1, &BidAnswer::Landed { seq: 12 }, SIZE);
        assert!(maximum.is_open(12) && !maximum.is_open(13));
        assert_eq!(maximum.next(&fresh(101), 12), Next::Wait(Wait::Lines));
        assert_eq!(maximum.next(&led("alice", 101), 13), Next::Wait(Wait::Leading));
        assert_eq!(maximum.next(&led("bob", 102), 14), Next::Bid(amount(103)));
    }

    #[test]
    fn who_was_slower_looks_again_once_it_shows() {
        let mut maximum = alices();
        maximum.sent(1, Some(fresh(101)));
        maximum.answered(1, &refused(Code::TooLow), SIZE);
        assert_eq!(maximum.next(&fresh(101), SIZE + 5), Next::Wait(Wait::Lines));
        assert_eq!(maximum.next(&led("bob", 105), SIZE + 6), Next::Bid(amount(106)));
        // What made it too late was here before the answer.
        maximum.sent(2, Some(led("bob", 105)));
        maximum.answered(2, &refused(Code::TooLow), SIZE);
        assert_eq!(maximum.next(&led("carol", 110), SIZE), Next::Bid(amount(111)));
        // The standing that was left behind comes back: the bid above it was voided.
        assert_eq!(maximum.next(&led("bob", 105), SIZE), Next::Bid(amount(106)));
    }

    #[test]
    fn a_bid_of_an_earlier_run_is_settled_before_another_is_made() {
        let mut maximum = alices();
        maximum.sent(3, None);
        maximum.sent(4, None);
        assert_eq!(maximum.next(&fresh(101), SIZE), Next::Wait(Wait::Answer));
        maximum.answered(3, &refused(Code::Role), SIZE);
        assert_eq!(maximum.awaited().collect::<Vec<_>>(), [4]);
        maximum.answered(4, &refused(Code::TooLow), SIZE);
        assert_eq!(maximum.next(&fresh(101), SIZE), Next::Bid(amount(101)));
    }

    #[test]
    fn what_passes_is_tried_again_with_the_next_line_but_not_for_ever() {
        let mut maximum = alices();
        let mut size = SIZE;
        for n in 0..u64::from(BIDS_ANEW_MAX) {
            assert_eq!(maximum.next(&fresh(101), size), Next::Bid(amount(101)));
            maximum.sent(n, Some(fresh(101)));
            maximum.answered(n, &refused(Code::StaleHead), size);
            assert_eq!(maximum.next(&fresh(101), size), Next::Wait(Wait::Lines));
            size += 1;
        }
        maximum.sent(99, Some(fresh(101)));
        maximum.answered(99, &refused(Code::StaleHead), size);
        let end = Next::Over(End::Barred(Code::StaleHead));
        assert_eq!(maximum.next(&fresh(101), size + 1), end);
    }

    #[test]
    fn what_does_not_pass_ends_it() {
        for code in Code::ALL {
            let mut maximum = alices();
            maximum.sent(1, Some(fresh(101)));
            maximum.answered(1, &refused(code), SIZE);
            let next = maximum.next(&led("bob", 110), SIZE + 1);
            let lasts = matches!(meaning(code), Meaning::Lasting);
            let expected =
                if lasts { Next::Over(End::Barred(code)) } else { Next::Bid(amount(111)) };
            assert_eq!(next, expected, "{code}");
        }
        assert!(bars_everywhere(Code::Revoked) && !bars_everywhere(Code::TooLow));
        assert!(!bars_everywhere(Code::Seller));
    }

    #[test]
    fn a_bid_of_ours_that_is_voided_ends_it() {
        let mut maximum =
            Maximum::new(name("alice"), LotId::parse("1").expect("an id"), amount(300));
        maximum.sent(1, Some(fresh(100)));
        maximum.answered(1, &BidAnswer::Landed { seq: 7 }, 8);
        maximum.voided(6);
        assert_eq!(maximum.next(&led("bob", 90), 9), Next::Bid(amount(91)), "somebody else's");
        maximum.voided(7);
        assert_eq!(maximum.next(&led("bob", 90), 9), Next::Over(End::Voided));
    }

    #[test]
    fn what_is_printed_for_debugging_does_not_tell_the_maximum() {
        let maximum = Maximum::new(name("alice"), alices().lot, amount(7_391_846));
        assert!(!format!("{maximum:?}").contains("7391846"));
    }
}
