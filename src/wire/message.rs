//! What a refusal says to people, and what it tells them to do.
//!
//! One sentence or two for each code, the same on both wires; it never repeats
//! bytes that a client sent.

use crate::auction::money::{Amount, Currency};
use crate::auction::refusal::Code;

/// What to tell a bidder who hears `code`; `least` is the lot's ask where that is the reason.
pub fn refusal(code: Code, least: Option<Amount>, currency: &Currency) -> String {
    match (code, least) {
        (Code::TooLow, Some(least)) => format!(
            "The bid is too low. The least that stands is {}: bid {} or more.",
            currency.display(least),
            currency.decimal(least)
        ),
        _ => advice(code).to_owned(),
    }
}

/// What the code means and what helps, without a number.
pub const fn advice(code: Code) -> &'static str {
    match code {
        Code::AlreadyLeading => {
            "You already lead this lot. Wait until somebody bids more before you bid again."
        }
        Code::BadAmount => {
            "That is no amount. Write plain digits, with a point for the minor units if the \
             currency has them."
        }
        Code::BadCommand => {
            "The server does not know that request. See HELP, or docs/protocol.md for gavel/1."
        }
        Code::BadSignature => {
            "The signature does not verify under the key that the message names. Sign the exact \
             bytes of docs/protocol.md again, with the name and certificate of this connection."
        }
        Code::BidIn => {
            "Another bid stands than the one that you saw, so nothing was done. Look again, then \
             decide again."
        }
        Code::Busy => {
            "The server cannot take more now. Whether it counts is open: send the same bytes again."
        }
        Code::Closed => "The lot has closed. Nothing more is taken on it.",
        Code::Expired => {
            "The certificate under which the bid key was enrolled has expired. Ask the house for a \
             renewed one and enrol a new bid key."
        }
        Code::KeyEnrolled => {
            "That bid key is enrolled already, under another name or certificate. Make a new bid key."
        }
        Code::NameTaken => {
            "Somebody else's certificate key enrolled under your name first. Tell the auctioneer, \
             who can reissue the name."
        }
        Code::NoBid => {
            "No bid stands on the lot that could be voided, or too many before it were voided in a \
             row."
        }
        Code::NoReason => "This act changes an outcome: say why, in a few words.",
        Code::NoRoomBids => {
            "This sale takes no bids from the room: its terms, fixed in line 0, do not allow it."
        }
        Code::NoSuchLot => "There is no such lot in this sale. LIST names them all.",
        Code::NoSuchName => {
            "That name does not belong to that certificate key in this sale, or the new key is the \
             same one. `gavel pki show` prints a certificate's key."
        }
        Code::NotEnrolled => {
            "That bid key is not enrolled under your name in this sale. Enrol it first."
        }
        Code::NotOpen => "The lot has not opened yet. Bid again once it is open.",
        Code::NotLater => "An end is only moved forward: name a time after the lot's end.",
        Code::NotPaused => "The lot is not paused, so it cannot be resumed.",
        Code::NotPending => "The lot has opened before. Only a lot that has not opened is opened.",
        Code::OpenLots => {
            "A bid stands on an open lot that no time will close. Hammer, void or withdraw it first."
        }
        Code::OverCap => {
            "The amount is beyond 9007199254740991 minor units, the greatest there is."
        }
        Code::Paused => "The lot is paused. Bid again once it is resumed.",
        Code::ReserveNotLowered => {
            "A hidden reserve can only be lowered, on a lot that has one, and the act must come \
             with what opens its commitment."
        }
        Code::ReusedN => {
            "That number n was used before with other bytes. Sign the bid again with a greater n."
        }
        Code::Revoked => "The certificate has been revoked. Ask the house what to do.",
        Code::Role => {
            "Your role may not do this. Bidders bid; clerks open, pause, resume, say and enter bids from \
             the room; auctioneers do all that staff do."
        }
        Code::Seller => "You sell this lot, and a seller may not bid on it.",
        Code::SlowDown => "Too many requests. Wait a second, then send less often.",
        Code::StaleHead => {
            "The bid names a tree that is none of the newest sealed ones. Take in the newest seal \
             lines and sign the bid again, with a greater n."
        }
        Code::TooLow => {
            "The bid is too low. Ask for the lot's status to see the least that stands."
        }
        Code::TooManyKeys => {
            "Your name has enrolled as many bid keys as a sale allows. Use one of those."
        }
        Code::Unsigned => {
            "This sale takes signed bids only: use `gavel bid CREDENTIAL`, which signs them. \
             (Hand-typed bids pass only where the house runs the sale with --allow-unsigned, and \
             never under a name that has enrolled a bid key.)"
        }
        Code::WithoutReserve => {
            "The lot is offered without reserve and has a bid: it cannot be withdrawn any more."
        }
        Code::WrongSale => {
            "That is for another sale than the one that runs here. Say hello without a note to see \
             which one this is."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_low_says_the_least_in_the_form_that_passes() {
        let euro = Currency::new(Some("EUR"), 2).expect("a currency");
        let least = Amount::new(123_450).expect("in range");
        let said = refusal(Code::TooLow, Some(least), &euro);
        assert!(said.contains("1,234.50 EUR"), "{said}");
        assert!(said.contains("bid 1234.50 or more"), "{said}");
    }

    #[test]
    fn every_code_has_its_own_advice() {
        for (i, a) in Code::ALL.into_iter().enumerate() {
            assert!(Code::ALL.into_iter().skip(i + 1).all(|b| advice(a) != advice(b)), "{a}");
        }
    }
}
