//! `gavel serve --check`: everything that the evening needs, tested before it, with
//! nothing started and nothing changed.
//!
//! It asks what `serve` itself asks at a start, by the same functions, and goes on
//! where `serve` would end; what only an evening shows, it measures against a day
//! after the sale's end.

mod disk;
mod people;
mod report;

use std::os::unix::fs::PermissionsExt as _;

use super::{
    Args, Gathered, banner, expiry, fault, gather, listen_address, read_crl, runtime, terms,
    witnesses,
};
use crate::auction::name::SaleId;
use crate::cli::{Exit, Failure, sale_file, when};
use crate::clock::Clock;
use crate::limits::{CLOCK_MIN_MS, SALE_TIME_END_MS};
use crate::pki::keys::shown;
use crate::pki::{Crl, HouseFolder, ServeFolder, Serving};
use crate::record::SaleFile;
use crate::server::{Looked, Outlook, look};
use crate::time::{Span, Timestamp};
pub(super) use report::Report;

/// How long a sale is taken to run that has no end of its own.
const UNKNOWN_END: Span = Span::from_s(24 * 3600);

/// Looks at everything, prints what was found, and gives the exit code.
pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let now = Clock::start().now();
    let file = sale_file::read(&args.items)?;
    terms::check_flags(args, &file)?;
    let mut report = Report::default();
    look_at_file(args, &file, &mut report);
    look_at_clock(now, &mut report);
    let folder = HouseFolder::at(args.pki.clone()).serve();
    let serving = report.take("house", folder.open(now));
    if let Some(serving) = &serving {
        let (house, ca) = (&serving.particulars.house, serving.anchor.fingerprint());
        report.good("house", format!("{house}, CA sha256:{ca}"));
    }
    let sale = report.take("sale", terms::choose_sale(args, &file));
    if let Some(serving) = &serving {
        let evening = Evening { args, file: &file, now, folder: &folder, serving };
        evening.look(sale.as_ref(), &mut report);
    }
    disk::keys(args, sale.as_ref(), &mut report);
    disk::folders(args, sale.as_ref(), &mut report);
    report.print(args.json)?;
    Ok(report.exit())
}

fn look_at_file(args: &Args, file: &SaleFile, report: &mut Report) {
    let count = file.lots.len();
    let lots = if count == 1 { "1 lot".to_owned() } else { format!("{count} lots") };
    let currency = file.currency.code().unwrap_or("no currency");
    report.good("sale file", format!("{}: {lots}, {currency}", shown(&args.items)));
    for note in &file.notes {
        report.doubtful("sale file", note, "");
    }
    let mode = std::fs::metadata(&args.items).map(|metadata| metadata.permissions().mode());
    if file.reserved().is_some() && mode.is_ok_and(|mode| mode & 0o077 != 0) {
        let hint = format!("chmod 600 {}", shown(&args.items));
        report.doubtful("sale file", "others can read it, and with it the hidden reserves", &hint);
    }
}

/// Official time begins at this clock, so it should not be years off; whether it is behind
/// the ledger, or a certificate, those who read them say.
fn look_at_clock(now: Timestamp, report: &mut Report) {
    let fact = when::moment(now);
    if (CLOCK_MIN_MS..SALE_TIME_END_MS).contains(&now.unix_ms()) {
        report.good("clock", format!("{fact}: compare it with another, official time begins here"));
    } else {
        report.bad("clock", format!("{fact} cannot be right"), "set it: timedatectl set-ntp true");
    }
}

/// The hours of a sale that can be held.
#[derive(Clone, Copy, Debug)]
struct Hours {
    /// When lots without a bid close; staff close them where it is absent.
    sale_ends_at: Option<Timestamp>,
}

/// An evening at a house that is prepared.
struct Evening<'a> {
    args: &'a Args,
    file: &'a SaleFile,
    now: Timestamp,
    folder: &'a ServeFolder,
    serving: &'a Serving,
}

impl Evening<'_> {
    fn look(&self, sale: Option<&SaleId>, report: &mut Report) {
        let looked = sale.map(|sale| self.witnesses(sale, report)).unwrap_or_default();
        let gathered = sale.and_then(|sale| {
            let gathered = gather(self.args, self.folder, self.serving, sale, self.file, self.now);
            report.take("sale", gathered)
        });
        let gathered = gathered.map(|mut gathered| {
            gathered.setup.shown = witnesses::shown(&looked);
            gathered
        });
        let sealed_until = gathered.as_ref().and_then(|gathered| gathered.sealed_until);
        let hours = gathered.and_then(|gathered| self.outlook(gathered, report));
        let ends_at = self.ends_at(hours);
        if let Some(note) = hours.and_then(|hours| terms::stays_open(self.file, hours.sale_ends_at))
        {
            report.doubtful("sale file", note, "");
        }
        for perishable in expiry::certificates(self.serving, sealed_until) {
            self.expires(&perishable, "certificates", ends_at, report);
        }
        let crl = report.take("revocations", read_crl(self.folder, self.serving));
        if let Some(crl) = &crl {
            self.list(crl, ends_at, report);
        }
        let until = expiry::evening_end(ends_at);
        people::look(self.args, self.file, crl.as_ref(), (self.now, until), report);
        if let Some(address) = report.take("address", listen_address(self.args, self.serving)) {
            report.good("address", format!("{address}, {}", banner::reach(address)));
        }
        witnesses::report(&looked, report);
    }

    /// What the witnesses remember of the sale.
    fn witnesses(&self, sale: &SaleId, report: &mut Report) -> Vec<Looked> {
        let house = &self.serving.particulars.house;
        let witnesses = report.take("witnesses", witnesses::of(self.args, house, sale)).flatten();
        let Some(witnesses) = witnesses else { return Vec::new() };
        let runtime = report.take("witnesses", runtime());
        let look = |runtime| witnesses::look(Some(&witnesses), house, sale, &runtime);
        runtime.map(look).unwrap_or_default()
    }

    /// How the sale would begin; gives the hours that would hold.
    fn outlook(&self, gathered: Gathered, report: &mut Report) -> Option<Hours> {
        let sale = gathered.setup.sale.clone();
        let sale_ends_at = gathered.setup.terms.sale.sale_ends_at;
        let used = gathered.key_used();
        let outlook = look(gathered.setup, gathered.key, used)
            .map_err(|failure| fault::of_start(&failure, self.args));
        disk::left_over(self.args, &sale, report);
        match report.take("ledger", outlook)? {
            Outlook::New => {
                report.good("sale", format!("{sale}, new: its ledger begins with the start"));
                Some(Hours { sale_ends_at })
            }
            Outlook::Finished => {
                let fact = format!("{sale} is closed: only its receipts and its ledger are served");
                report.bad("sale", fact, "another sale needs another id: gavel prepare --sale ID");
                None
            }
            Outlook::GoesOn { lines, last, is_broken, opening } => {
                let last = when::moment(last);
                report.good(
                    "sale",
                    format!("{sale}, goes on after {lines} lines, the last of {last}"),
                );
                if is_broken {
                    let fact = "it ends in a half-written line, which the start puts aside";
                    report.doubtful("ledger", fact, "");
                }
                for key in self.file.differs_from(&opening) {
                    let fact = format!("the file's {key} is not the ledger's, which holds");
                    let hint = "bring the file back as it was when the sale began";
                    report.doubtful("sale file", fact, hint);
                }
                Some(Hours { sale_ends_at: opening.terms.sale.sale_ends_at })
            }
        }
    }

    /// When the sale ends, as far as anybody can say.
    fn ends_at(&self, hours: Option<Hours>) -> Timestamp {
        let known = hours.and_then(|hours| self.file.latest_end(hours.sale_ends_at));
        let begins = self.file.opens_at.map_or(self.now, |opens_at| opens_at.max(self.now));
        known.unwrap_or_else(|| begins.plus(UNKNOWN_END)).max(self.now)
    }

    /// A certificate must outlive the evening; days ahead, its end is worth a word.
    fn expires(
        &self,
        perishable: &expiry::Perishable,
        what: &'static str,
        ends_at: Timestamp,
        report: &mut Report,
    ) {
        let horizon = expiry::horizon(self.now, ends_at);
        match perishable.trouble(self.now, horizon) {
            None => {
                let until = when::moment(perishable.until);
                report.good(what, format!("{} is good until {until}", perishable.what));
            }
            Some(trouble) if perishable.until < expiry::evening_end(ends_at) => {
                report.bad(what, format!("{trouble}; {}", self.needed(ends_at)), perishable.advice);
            }
            Some(trouble) => report.doubtful(what, trouble, perishable.advice),
        }
    }

    fn needed(&self, ends_at: Timestamp) -> String {
        format!("it is needed until {}", when::moment(expiry::evening_end(ends_at)))
    }

    /// The server goes on with a list that is overdue, so that is no failure; nobody knows
    /// whom it should have named.
    fn list(&self, crl: &Crl, ends_at: Timestamp, report: &mut Report) {
        let perishable = expiry::list(crl);
        let age = when::length(self.now.since(crl.this_update));
        let fact = format!("number {}, {age} old, {} revoked", crl.number, crl.entries.len());
        if crl.this_update > self.now {
            let made = when::moment(crl.this_update);
            let fact =
                format!("number {} was made {made}, and it is not that late yet", crl.number);
            report.doubtful(
                "revocations",
                fact,
                "one of two clocks is wrong: look at this one first",
            );
            return;
        }
        match perishable.trouble(self.now, expiry::horizon(self.now, ends_at)) {
            None => {
                let due = when::moment(perishable.until);
                report.good("revocations", format!("{fact}, next due {due}"));
            }
            Some(trouble) => {
                report.doubtful("revocations", format!("{fact}; {trouble}"), perishable.advice);
            }
        }
    }
}
