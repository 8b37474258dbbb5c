//! `gavel pki list`: what the house's CA ever certified, and how it stands.

use std::collections::HashMap;

use comfy_table::{Table, presets};
use serde_json::json;

use super::certify::DAY_S;
use super::revoke::holder;
use crate::cli::house_folder::HouseArgs;
use crate::cli::{Exit, Failure, print, when};
use crate::clock::Clock;
use crate::pki::{Holder, Issued, KeyMaker, Register, Standing};
use crate::time::{Span, Timestamp};

/// List the certificates that the house issued
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only good ones that expire within so many days, the soonest first
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=3652))]
    expiring: Option<u64>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    house: HouseArgs,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let register = args.house.folder().register()?;
    let now = Clock::start().now();
    let mut lines = lines(&register, now);
    if let Some(days) = args.expiring {
        let until = now.plus(Span::from_s(days * DAY_S));
        lines.retain(|line| line.standing == Standing::Live && line.issued.not_after <= until);
        lines.sort_by_key(|line| line.issued.not_after);
        if lines.is_empty() {
            none(args, days);
            return Ok(Exit::Success);
        }
    }
    print::results(&if args.json {
        lines.iter().map(|line| json(line) + "\n").collect()
    } else {
        table(&lines)
    });
    Ok(Exit::Success)
}

/// A certificate, how it stands, and until when its holder has another that lasts longer.
struct Line<'a> {
    issued: &'a Issued,
    standing: Standing,
    renewed_until: Option<Timestamp>,
}

fn lines(register: &Register, now: Timestamp) -> Vec<Line<'_>> {
    let standings: Vec<(&Issued, Standing)> = register.standings(now).collect();
    let mut last: HashMap<String, Timestamp> = HashMap::new();
    for (issued, standing) in &standings {
        if *standing == Standing::Live {
            let until = last.entry(holder(issued)).or_insert(issued.not_after);
            *until = issued.not_after.max(*until);
        }
    }
    let renewed = |issued: &Issued| {
        let until = last.get(&holder(issued)).copied();
        until.filter(|until| *until > issued.not_after)
    };
    let line = |(issued, standing)| Line { issued, standing, renewed_until: renewed(issued) };
    standings.into_iter().map(line).collect()
}

fn none(args: &Args, days: u64) {
    let day = if days == 1 { "a day".to_owned() } else { format!("{days} days") };
    let text = format!("no certificate that is good expires within {day}\n");
    // A program reads no lines where there are none.
    if args.json { print::talk(&text) } else { print::results(&text) }
}

fn table(lines: &[Line<'_>]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["HOLDER", "KEY MADE BY", "VALID UNTIL", "STANDING", "SERIAL"]);
    for line in lines {
        table.add_row(row(line));
    }
    table.trim_fmt().lines().map(|line| format!("{}\n", line.trim_start())).collect()
}

fn row(line: &Line<'_>) -> [String; 5] {
    let issued = line.issued;
    let maker = match &issued.holder {
        Holder::Person { maker, .. } => maker.as_str(),
        Holder::Sealer { .. } | Holder::Server => KeyMaker::House.as_str(),
    };
    let standing = match (line.standing, line.renewed_until) {
        (Standing::Expired, _) => "expired".to_owned(),
        (Standing::Live, None) => "good".to_owned(),
        (Standing::Live, Some(until)) => format!("good, renewed until {}", when::moment(until)),
        (Standing::Revoked { at, reason }, _) => format!("revoked {}, {reason}", when::moment(at)),
    };
    let until = when::moment(issued.not_after);
    [holder(issued), maker.to_owned(), until, standing, issued.serial.to_string()]
}

fn json(line: &Line<'_>) -> String {
    let issued = line.issued;
    let (kind, name, role, sale, maker) = match &issued.holder {
        Holder::Person { name, role, maker } => {
            ("person", Some(name.as_str()), Some(role.as_str()), None, maker.as_str())
        }
        Holder::Sealer { sale } => ("sealer", None, None, Some(sale.as_str()), "house"),
        Holder::Server => ("server", None, None, None, "house"),
    };
    let (standing, revoked) = match line.standing {
        Standing::Expired => ("expired", None),
        Standing::Live => ("good", None),
        Standing::Revoked { at, reason } => ("revoked", Some((at, reason))),
    };
    let ms = Timestamp::unix_ms;
    json!({
        "kind": kind,
        "name": name,
        "role": role,
        "sale": sale,
        "key_made_by": maker,
        "serial": issued.serial.as_str(),
        "certificate": issued.cert.to_string(),
        "key": issued.key.to_string(),
        "issued_at": ms(issued.at),
        "not_before": ms(issued.not_before),
        "not_after": ms(issued.not_after),
        "standing": standing,
        "renewed_until": line.renewed_until.map(ms),
        "revoked_at": revoked.map(|(at, _)| ms(at)),
        "reason": revoked.map(|(_, reason)| reason.as_str()),
    })
    .to_string()
}
