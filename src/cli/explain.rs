//! `gavel explain`: what any code that gavel prints means.

use super::codes;
use super::{Exit, Failure, print};
use crate::auction::refusal::Code;
use crate::audit::{FindingKind, Weight};

/// Explain a code: an audit's finding, a refusal, an error
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The code, such as GV-110, too-low or disk-full; all of them if left out
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let Some(code) = &args.code else {
        print::results(&all());
        return Ok(Exit::Success);
    };
    let explained = explain(code);
    if explained.is_empty() {
        return Err(Failure::usage("unknown-code", format!("there is no code {code}"))
            .hint("gavel explain lists all of them"));
    }
    print::results(&explained.join("\n"));
    Ok(Exit::Success)
}

/// Every meaning of a code: `revoked` is a refusal and the name of a finding.
fn explain(code: &str) -> Vec<String> {
    let wanted = code.trim().trim_matches(['[', ']']).to_ascii_lowercase();
    let finding = FindingKind::with_code(&wanted).or_else(|| FindingKind::named(&wanted));
    let refusal = Code::parse(&wanted);
    let error = codes::CODES.iter().find(|(known, _)| *known == wanted);
    let mut meanings = Vec::new();
    meanings.extend(finding.map(explain_finding));
    meanings.extend(refusal.map(|code| format!("{code}: a refusal\n{}\n", refused(code))));
    meanings.extend(error.map(|(code, meaning)| format!("{code}: an error\n{meaning}\n")));
    meanings
}

fn explain_finding(kind: FindingKind) -> String {
    let weight = match kind.weight() {
        Weight::Wrong => "the ledger is INVALID (exit 1)",
        Weight::Open => "the ledger is INCOMPLETE, if nothing else is wrong (exit 3)",
    };
    let mut text = format!(
        "{} {kind}: a finding of an audit\n{}\nWith it {weight}.\n",
        kind.code(),
        kind.meaning()
    );
    if let Some(cause) = kind.innocent_cause() {
        text.push_str(&format!("It may be innocent: {cause}\n"));
    }
    text
}

fn all() -> String {
    let findings = FindingKind::ALL.iter().map(|kind| format!("  {}  {kind}\n", kind.code()));
    let refusals = Code::ALL.iter().map(|code| format!("  {code}\n"));
    let errors = codes::CODES.iter().map(|(code, _)| format!("  {code}\n"));
    format!(
        "Findings of an audit:\n{}\nRefusals:\n{}\nErrors:\n{}",
        findings.collect::<String>(),
        refusals.collect::<String>(),
        errors.collect::<String>(),
    )
}

/// What a refused bidder should know.
const fn refused(code: Code) -> &'static str {
    match code {
        Code::AlreadyLeading => {
            "You lead this lot already; a leader may not bid against himself. Wait for another bid."
        }
        Code::BadAmount => {
            "The amount is not a plain number above zero, or has more decimals than the currency: no \
             sign, no separators, no leading zero."
        }
        Code::BadCommand => {
            "The server does not know this command or message. HELP lists the commands."
        }
        Code::BadSignature => {
            "The bid is not signed by the bid key that it names. Nothing was entered under your number."
        }
        Code::BidIn => {
            "Another bid stands than the one that the act named: nothing was done. Look again."
        }
        Code::Busy => {
            "The server could not take more at that moment. This is no answer: the outcome is unknown \
             until you send the same bytes again."
        }
        Code::Closed => "The lot, or the sale, had closed when the bid was read.",
        Code::Expired => {
            "The certificate behind your enrolment has expired. Ask the house for a new one."
        }
        Code::KeyEnrolled => {
            "This bid key is enrolled already. A renewed certificate enrols a new bid key."
        }
        Code::NameTaken => {
            "Your name belongs to another certificate's key in this sale: to your first one, or to \
             somebody else's. Only the auctioneer can pass it on."
        }
        Code::NoBid => {
            "No bid stands on the lot that could be voided; 64 at most are voided one after the other."
        }
        Code::NoReason => "An act that changes an outcome must say why: --reason TEXT.",
        Code::NoRoomBids => "The sale file does not allow bids from the room (room_bids).",
        Code::NoSuchLot => "The sale has no lot of that number. LIST shows all of them.",
        Code::NoSuchName => {
            "The name to reissue does not belong to the old key in this sale, or the new key is the \
             same."
        }
        Code::NotEnrolled => {
            "Your bid key is not enrolled in this sale. `gavel bid` enrols it by itself."
        }
        Code::NotLater => "EXTEND moves a lot's end forward only.",
        Code::NotPaused => "Only a paused lot is resumed.",
        Code::NotPending => "Only a lot that has not opened yet is opened.",
        Code::OpenLots => {
            "A sale is not closed while a bid stands on an open lot without an end: hammer it first."
        }
        Code::NotOpen => "The lot has not opened yet.",
        Code::OverCap => "The amount is beyond 2^53-1 minor units, which no ledger can hold.",
        Code::Paused => "The lot is paused. Wait until it is resumed; its time stands still.",
        Code::ReserveNotLowered => {
            "A hidden reserve is only lowered, never raised or added, at most 31 times, and the act \
             comes with what opens the new commitment."
        }
        Code::ReusedN => {
            "Your bid key has used this number, or a later one, before. Another of your devices may \
             bid with the same key."
        }
        Code::Revoked => "The certificate behind your enrolment was revoked. Speak to the house.",
        Code::Role => {
            "Your certificate's role may not do this. Bidders bid; clerks open, pause, resume, say and \
             enter room bids; auctioneers do everything that staff do."
        }
        Code::Seller => "You sell this lot, and sellers may not bid on their own.",
        Code::SlowDown => "Too many requests in a short time. Wait a little and send it again.",
        Code::StaleHead => {
            "The bid names a checkpoint that this ledger does not have among its last ones. Connect \
             again; if it stays, the house may have shown you another ledger: keep your receipts."
        }
        Code::TooLow => "The amount is below the ask. An equal bid is too low as well.",
        Code::TooManyKeys => "Your name has enrolled as many bid keys as a sale allows.",
        Code::Unsigned => {
            "The sale takes signed bids only, or your name has a bid key. `gavel bid` signs; a typed \
             BID cannot."
        }
        Code::WithoutReserve => "A lot offered without reserve is not withdrawn once it has a bid.",
        Code::WrongSale => "The bid is signed for another sale.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained() {
        let findings = FindingKind::ALL.iter().flat_map(|kind| [kind.code(), kind.name()]);
        let refusals = Code::ALL.iter().map(|code| code.as_str());
        let errors = codes::CODES.iter().map(|(code, _)| *code);
        for code in findings.chain(refusals).chain(errors) {
            assert!(!explain(code).is_empty(), "{code}");
        }
        assert!(!explain("[GV-101]").is_empty(), "as it is printed");
        assert!(explain("nonsense").is_empty());
    }

    #[test]
    fn a_code_of_two_kinds_is_explained_as_both() {
        assert_eq!(explain("revoked").len(), 2);
    }
}
