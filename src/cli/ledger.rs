//! `gavel ledger show`: a ledger for people to read. It verifies nothing, and says so.
//! `gavel ledger vkey`: its sealing key.

mod vkey;

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::fault::of_io;
use super::{Exit, Failure, print, when};
use crate::auction::act::{Deed, Effect};
use crate::auction::catalogue::{LotTerms, Timer};
use crate::auction::event::{Event, Happening, Outcome, Totals};
use crate::auction::money::Currency;
use crate::auction::name::LotId;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::entry::{Kind, Line};
use crate::ledger::note::Note;
use crate::limits::LINE_BYTES_MAX;
use crate::pki::keys::shown;
use crate::record::{
    AcceptedBid, BidEvidence, Counts, Enrolment, Opening, Order, Record, RecordedAct, Refused,
    Signed, SignedAct,
};
use crate::time::Timestamp;

/// Read a ledger, or name its sealing key
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Show(ShowArgs),
    Vkey(vkey::VkeyArgs),
}

/// Print a ledger line by line, in words; it verifies nothing
#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The ledger file
    #[arg(value_name = "LEDGER")]
    ledger: PathBuf,
    /// Only what is about one lot
    #[arg(long, value_name = "LOT")]
    lot: Option<LotId>,
    /// Leave out seals and ticks
    #[arg(long)]
    brief: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::Show(args) => show(args),
        Command::Vkey(args) => vkey::vkey(args),
    }
}

fn show(args: &ShowArgs) -> Result<Exit, Failure> {
    let failed = |error: std::io::Error| of_io("read", &args.ledger, &error);
    let mut file = BufReader::new(File::open(&args.ledger).map_err(failed)?);
    let mut reader = Reader { currency: Currency::seed(), number: 0 };
    let line_max = u64::try_from(LINE_BYTES_MAX + 2).unwrap_or(u64::MAX);
    let mut unreadable = 0_u64;
    loop {
        let mut raw = Vec::new();
        let taken = (&mut file).take(line_max).read_until(b'\n', &mut raw).map_err(failed)?;
        if taken == 0 {
            break;
        }
        let is_read = match reader.line(&raw, args) {
            Ok(Some(text)) => print::report(&text)?,
            Ok(None) => true,
            Err(text) => {
                unreadable += 1;
                print::report(&text)?
            }
        };
        if !is_read {
            return Ok(Exit::Success);
        }
        reader.number += 1;
    }
    end(&args.ledger, reader.number, unreadable)
}

fn end(ledger: &Path, lines: u64, unreadable: u64) -> Result<Exit, Failure> {
    if unreadable > 0 {
        let message = format!("{unreadable} of {lines} lines of {} cannot be read", shown(ledger));
        return Err(Failure::new(Exit::Wrong, "ledger-wrong", message)
            .hint("gavel verify says what is wrong with them"));
    }
    print::talk(&format!(
        "{lines} lines, not verified: gavel verify {} --trust CA.pem\n",
        shown(ledger)
    ));
    Ok(Exit::Success)
}

/// Puts lines into words; it keeps only the currency of line 0.
struct Reader {
    currency: Currency,
    number: u64,
}

impl Reader {
    /// The line in words, unless it is left out; an error where it cannot be read.
    fn line(&mut self, raw: &[u8], args: &ShowArgs) -> Result<Option<String>, String> {
        let number = self.number;
        let unreadable =
            |error: &dyn std::fmt::Display| format!("{number:>6}  unreadable: {error}\n");
        let raw = raw.strip_suffix(b"\n").ok_or_else(|| unreadable(&"the line has no end"))?;
        let line = Line::parse(raw).map_err(|error| unreadable(&error))?;
        let record = Record::read(&line).map_err(|error| unreadable(&error))?;
        if let Record::Open(opening) = &record {
            self.currency = opening.terms.sale.currency.clone();
        }
        let left_out = args.brief && matches!(line.kind, Kind::Seal | Kind::Tick)
            || args.lot.as_ref().is_some_and(|lot| lot_of(&record) != Some(lot));
        if left_out {
            return Ok(None);
        }
        let words = self.words(&record);
        let at = line.at.map_or_else(String::new, clock);
        Ok(Some(format!("{number:>6}  {at:<27}  {:<9}  {words}\n", line.kind.as_str())))
    }

    fn words(&self, record: &Record) -> String {
        match record {
            Record::Open(opening) => open(opening),
            Record::Lot(lot) => self.lot(lot),
            Record::Enrol(enrolment) => enrol(enrolment),
            Record::Act(recorded) => self.recorded(recorded),
            Record::Bid(accepted) => self.bid(accepted),
            Record::Refused(refused) => self.refused(refused),
            Record::Counted(counts) => counted(counts),
            Record::Revoke(revocation) => format!(
                "certificate {} ({}), by list number {}",
                revocation.serial, revocation.reason, revocation.crl_number
            ),
            Record::Event(event) => self.event(event),
            Record::Seal { note } => seal(note),
        }
    }

    fn lot(&self, lot: &LotTerms) -> String {
        let start = self.currency.display(lot.start);
        let timer = match &lot.timer {
            Timer::FirstBid { duration } => format!("{duration} from the first bid"),
            Timer::Schedule { ends_at, .. } => format!("until {}", when::moment(*ends_at)),
            Timer::Manual => "until it is hammered".to_owned(),
        };
        format!("{} \"{}\", from {start}, {timer}", lot.id, lot.name.as_str())
    }

    fn bid(&self, accepted: &AcceptedBid) -> String {
        let evidence = match &accepted.evidence {
            BidEvidence::Signed(bid) => format!("signed, number {}", bid.statement.n),
            BidEvidence::Attested { .. } => "on the house's word".to_owned(),
            BidEvidence::Clerk(room) => {
                format!("in the room, signed by {}", room.act().statement.bidder)
            }
        };
        let (bidder, lot) = (accepted.evidence.party(), accepted.evidence.lot());
        let amount = self.currency.display(accepted.evidence.amount());
        format!("{bidder} bids {amount} on lot {lot}, {evidence}{}", end_of(accepted.ends_at))
    }

    fn refused(&self, refused: &Refused) -> String {
        let asked = match &refused.signed {
            Signed::Act(act) => self.act(act),
            Signed::Bid(bid) => {
                let statement = &bid.statement;
                let amount = self.currency.display(statement.amount);
                format!("{} bids {amount} on lot {}", statement.bidder, statement.lot)
            }
        };
        format!("{asked}, number {}: {}", refused.signed.claim().n, refused.code)
    }

    /// What staff ordered, and why.
    fn act(&self, act: &SignedAct) -> String {
        let statement = &act.statement;
        let by = &statement.bidder;
        let done = match &statement.order {
            Order::Enter { party, lot, amount } => {
                let amount = self.currency.display(*amount);
                format!("{by} enters {amount} for {party} on lot {lot}")
            }
            Order::Deed(deed) => {
                let lot = deed.lot().map(|lot| format!(" lot {lot}")).unwrap_or_default();
                let what = match deed {
                    Deed::Extend { ends_at, .. } => format!(" until {}", clock(*ends_at)),
                    Deed::Reissue { name, .. } => format!(" {name}"),
                    Deed::Say { text, .. } => format!(" \"{text}\""),
                    Deed::Closing
                    | Deed::Hammer { .. }
                    | Deed::Open { .. }
                    | Deed::Pause { .. }
                    | Deed::Reserve { .. }
                    | Deed::Resume { .. }
                    | Deed::Void { .. }
                    | Deed::Withdraw { .. } => String::new(),
                };
                format!("{by} orders {}{lot}{what}", deed.as_str())
            }
        };
        let why = statement.reason.as_ref().map(|reason| format!(" ({reason})"));
        done + &why.unwrap_or_default()
    }

    fn recorded(&self, recorded: &RecordedAct) -> String {
        let followed = match &recorded.effect {
            Effect::Hammered { outcome, .. } => format!(": {}", self.outcome(outcome)),
            Effect::Opened { ends_at } | Effect::Resumed { ends_at } => end_of(*ends_at),
            Effect::Paused { left: Some(left) } => format!(", {left} left"),
            Effect::Voided { standing, ends_at, .. } => {
                let standing = standing
                    .map_or(", no bid stands".to_owned(), |seq| format!(", line {seq} stands"));
                standing + &end_of(*ends_at)
            }
            Effect::Closing
            | Effect::Extended
            | Effect::Paused { left: None }
            | Effect::Reissued
            | Effect::ReserveLowered { .. }
            | Effect::Said
            | Effect::Withdrawn { .. } => String::new(),
        };
        self.act(&recorded.act) + &followed
    }

    fn outcome(&self, outcome: &Outcome) -> String {
        match outcome {
            Outcome::Sold { to, hammer_price } => {
                format!("sold to {to} for {}", self.currency.display(*hammer_price))
            }
            Outcome::Unsold(_) | Outcome::Withdrawn => outcome.as_str().to_owned(),
        }
    }

    fn event(&self, event: &Event) -> String {
        match &event.what {
            Happening::LotOpened { lot, ends_at } => format!("lot {lot} opens{}", end_of(*ends_at)),
            Happening::LotResumed { lot, ends_at } => {
                format!("lot {lot} goes on{}", end_of(*ends_at))
            }
            Happening::LotClosed { lot, outcome, .. } => {
                format!("lot {lot} closes: {}", self.outcome(outcome))
            }
            Happening::Ticked => "nothing for a while".to_owned(),
            Happening::ClockNoted { wall, accepted } => {
                let accepted = if *accepted { ", accepted by the operator" } else { "" };
                format!("the wall clock says {}{accepted}", clock(*wall))
            }
            Happening::OutageEnded { from } => {
                format!("the server was away for {}", event.at.since(*from))
            }
            Happening::SaleClosed(totals) => {
                let Totals { sold, unsold, withdrawn, .. } = totals;
                format!("the sale closes: {sold} sold, {unsold} unsold, {withdrawn} withdrawn")
            }
            // Lines of their own kinds hold these.
            Happening::Acted { .. } | Happening::BidAccepted { .. } => String::new(),
        }
    }
}

fn open(opening: &Opening) -> String {
    format!(
        "\"{}\": sale {} of house {}, {} lots",
        opening.title.as_str(),
        opening.sale,
        opening.house,
        opening.lot_count
    )
}

fn enrol(enrolment: &Enrolment) -> String {
    let (name, role) = (&enrolment.bidder, enrolment.role);
    match enrolment.bid_key() {
        Some(key) => format!("{name} ({role}) with the bid key {key:.16}…"),
        None => format!("{name} ({role}), seen by the house, without a bid key"),
    }
}

fn counted(counts: &Counts) -> String {
    let codes = counts.counts.iter().map(|(code, count)| format!("{count} {code}"));
    format!("only counted: {}", codes.collect::<Vec<_>>().join(", "))
}

fn seal(note: &str) -> String {
    let claim = Note::parse(note).ok().and_then(|note| Checkpoint::parse(&note.text).ok());
    match claim {
        Some(claim) => format!("over {} lines, root {:.16}…", claim.size, claim.root),
        None => "not a checkpoint".to_owned(),
    }
}

fn end_of(ends_at: Option<Timestamp>) -> String {
    ends_at.map_or_else(String::new, |at| format!(", ends {}", clock(at)))
}

/// `2026-11-22 18:30:05.123 UTC`: in a ledger the milliseconds matter.
fn clock(at: Timestamp) -> String {
    let text = at.to_string();
    text.strip_suffix('Z').map_or(text.clone(), |text| text.replace('T', " ") + " UTC")
}

fn lot_of(record: &Record) -> Option<&LotId> {
    match record {
        Record::Lot(lot) => Some(&lot.id),
        Record::Bid(accepted) => Some(accepted.evidence.lot()),
        Record::Act(recorded) => recorded.act.statement.lot(),
        Record::Refused(refused) => refused.signed.lot(),
        Record::Event(event) => match &event.what {
            Happening::BidAccepted { bid, .. } => Some(&bid.lot),
            Happening::LotOpened { lot, .. }
            | Happening::LotResumed { lot, .. }
            | Happening::LotClosed { lot, .. } => Some(lot),
            Happening::Acted { act, .. } => act.deed.lot(),
            Happening::Ticked
            | Happening::ClockNoted { .. }
            | Happening::OutageEnded { .. }
            | Happening::SaleClosed(_) => None,
        },
        Record::Open(_)
        | Record::Enrol(_)
        | Record::Counted(_)
        | Record::Revoke(_)
        | Record::Seal { .. } => None,
    }
}
