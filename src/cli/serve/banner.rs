//! What the operator reads when a sale starts and when its server stops.

use std::net::SocketAddr;
use std::path::Path;

use super::{Args, copy, terms, witnesses};
use crate::auction::money::Amount;
use crate::auction::name::SaleId;
use crate::cli::when;
use crate::pki::keys::shown;
use crate::pki::{Fingerprint, Serving};
use crate::record::{Opening, SaleFile};
use crate::server::{Begun, FloorEnd, How, Witness};

/// The facts of a start, kept for the server's last words.
#[derive(Debug)]
pub(super) struct Banner {
    ca: Fingerprint,
    how: How,
    lines: Vec<(&'static str, String)>,
    join: String,
}

impl Banner {
    pub(super) fn of(args: &Args, file: &SaleFile, begun: &Begun, serving: &Serving) -> Self {
        let opening = begun.opening();
        let ca = serving.anchor.fingerprint();
        let mut lines = vec![
            ("house", opening.house.to_string()),
            ("sale", sale(opening, &begun.how)),
            ("house's CA", format!("sha256:{ca}")),
            ("lots", lots(terms::ends_by_default(args, file), opening, &begun.how)),
        ];
        lines.extend(currency(opening));
        lines.extend(opens(opening, &begun.how));
        if begun.how != How::Finished {
            lines.push(("bids", bids(opening).to_owned()));
        }
        lines.push(("ledger", shown(begun.ledger())));
        if let Some(folder) = &args.copy {
            lines.push(("copy", shown(folder)));
        }
        if !args.witness.is_empty() {
            let names: Vec<&str> = args.witness.iter().map(Witness::name).collect();
            lines.push(("witnesses", names.join(", ")));
        }
        lines.extend(went_on(args, file, opening, &begun.how));
        let join = format!("`gavel bid CREDENTIAL`, which goes to {}", serving.particulars.address);
        Self { ca, how: begun.how.clone(), lines, join }
    }

    /// All of it, once the address is known.
    pub(super) fn text(&self, address: SocketAddr) -> String {
        let mut text = String::new();
        for (name, value) in &self.lines {
            text.push_str(&line(name, value));
        }
        text.push_str(&line("listens on", &format!("{address}, {}", reach(address))));
        text.push_str(&line("join", &self.join));
        let stop = match self.how {
            How::Born | How::WentOn { .. } => "Ctrl-C; the sale can go on later",
            How::Finished => "Ctrl-C",
        };
        text.push_str(&line("stop", stop));
        text
    }
}

fn sale(opening: &Opening, how: &How) -> String {
    let standing = match how {
        How::Born => "new",
        How::Finished => "closed; its receipts and its ledger are served",
        How::WentOn { .. } => "goes on",
    };
    if opening.title.as_str() == opening.sale.as_str() {
        format!("{} ({standing})", opening.sale)
    } else {
        format!("{}, \"{}\" ({standing})", opening.sale, opening.title)
    }
}

fn lots(by_default: bool, opening: &Opening, how: &How) -> String {
    let count = opening.lot_count;
    let Some(at) = opening.terms.sale.sale_ends_at.filter(|_| *how != How::Finished) else {
        return count.to_string();
    };
    let at = when::moment(at);
    let by = match (how, by_default) {
        (How::Born, true) => ", 24 h after the start since no --ends-in was given",
        (How::WentOn { .. }, _) => ", or later by as long as the server was away",
        (How::Born | How::Finished, _) => "",
    };
    format!("{count}; those without any bid close unsold {at}{by}")
}

/// The currency, where there is one.
fn currency(opening: &Opening) -> Option<(&'static str, String)> {
    let currency = &opening.terms.sale.currency;
    currency.code().map(|code| {
        let unit = currency.decimal(Amount::new(1).expect("1 is an amount"));
        ("currency", format!("{code}, in steps of {unit}"))
    })
}

/// When lots may open, if not at once.
fn opens(opening: &Opening, how: &How) -> Option<(&'static str, String)> {
    let opens_at = opening.terms.sale.opens_at?;
    (*how == How::Born).then(|| ("opens", when::moment(opens_at)))
}

const fn bids(opening: &Opening) -> &'static str {
    match (opening.terms.sale.attested, opening.terms.sale.room_bids) {
        (false, false) => "signed by their bidders only",
        (false, true) => "signed by their bidders, or by staff for the room",
        (true, false) => "signed, or typed by hand on the house's word alone (--allow-unsigned)",
        (true, true) => {
            "signed, by staff for the room too, or typed by hand on the house's word alone \
             (--allow-unsigned)"
        }
    }
}

/// What an operator must know of a sale that goes on.
fn went_on(
    args: &Args,
    file: &SaleFile,
    opening: &Opening,
    how: &How,
) -> Vec<(&'static str, String)> {
    let How::WentOn { lines, cut, last } = how else { return Vec::new() };
    let mut facts =
        vec![("recovered", format!("{lines} lines, the last of {}", when::moment(*last)))];
    if let Some(path) = cut {
        facts.push(("put aside", format!("{}, half-written when it stopped", shown(path))));
    }
    let mut ignored = Vec::new();
    if args.ends_in.is_some() {
        ignored.push("--ends-in");
    }
    if args.allow_unsigned && !opening.terms.sale.attested {
        ignored.push("--allow-unsigned");
    }
    if args.title.as_ref().is_some_and(|title| *title != opening.title) {
        ignored.push("--title");
    }
    let differs = file.differs_from(opening);
    let of_file: Vec<String> = differs.iter().map(|key| format!("the file's {key}")).collect();
    ignored.extend(of_file.iter().map(String::as_str));
    if !ignored.is_empty() {
        let flags = ignored.join(", ");
        facts
            .push(("note", format!("the terms stay as the ledger has them: {flags} does nothing")));
    }
    facts
}

pub(super) fn reach(address: SocketAddr) -> &'static str {
    if address.ip().is_loopback() {
        "which only this machine reaches; for others: gavel prepare --at HOST:PORT"
    } else if address.ip().is_unspecified() {
        "on every network that this machine is in"
    } else {
        "which everybody reaches who reaches that address"
    }
}

/// How the sale stands, and what to do next.
pub(super) fn last_words(
    args: &Args,
    sale: &SaleId,
    ledger: &Path,
    end: &FloorEnd,
    banner: &Banner,
) -> String {
    let (lines, ledger) = (end.lines, shown(ledger));
    let mut cosigned = witnesses::last_words(end.cosigning.as_ref());
    cosigned.push_str(&copy::last_words(end.copy.as_ref()));
    if end.finished {
        let verify = format!("gavel verify {ledger} --trust sha256:{}", banner.ca);
        let closed = if banner.how == How::Finished { "is closed" } else { "has closed" };
        format!("the sale {sale} {closed}, {lines} lines in {ledger}\n{cosigned}next: {verify}\n")
    } else {
        let command = super::command(args, sale);
        format!(
            "the sale {sale} is not finished, {lines} lines in {ledger}\n{cosigned}to go on: {command}\n"
        )
    }
}

fn line(name: &str, value: &str) -> String {
    format!("{name:13}{value}\n")
}
