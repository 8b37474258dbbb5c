//! `gavel pki list`: what the house's CA ever certified, and how it stands.

use comfy_table::{Table, presets};
use serde_json::json;

use super::revoke::holder;
use crate::cli::house_folder::HouseArgs;
use crate::cli::{Exit, Failure, print, when};
use crate::clock::Clock;
use crate::pki::{Holder, Issued, KeyMaker, Standing};
use crate::time::Timestamp;

/// List the certificates that the house issued
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    house: HouseArgs,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let register = args.house.folder().register()?;
    let now = Clock::start().now();
    let rows = register.standings(now);
    if args.json {
        let lines: String = rows.map(|(issued, standing)| json(issued, standing) + "\n").collect();
        print::results(&lines);
    } else {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["HOLDER", "KEY MADE BY", "VALID UNTIL", "STANDING", "SERIAL"]);
        for (issued, standing) in rows {
            table.add_row(row(issued, standing));
        }
        let lines = table.trim_fmt();
        print::results(
            &lines.lines().map(|line| format!("{}\n", line.trim_start())).collect::<String>(),
        );
    }
    Ok(Exit::Success)
}

fn row(issued: &Issued, standing: Standing) -> [String; 5] {
    let maker = match &issued.holder {
        Holder::Person { maker, .. } => maker.as_str(),
        Holder::Sealer { .. } | Holder::Server => KeyMaker::House.as_str(),
    };
    let standing = match standing {
        Standing::Expired => "expired".to_owned(),
        Standing::Live => "good".to_owned(),
        Standing::Revoked { at, reason } => format!("revoked {}, {reason}", when::moment(at)),
    };
    let until = when::moment(issued.not_after);
    [holder(issued), maker.to_owned(), until, standing, issued.serial.to_string()]
}

fn json(issued: &Issued, standing: Standing) -> String {
    let (kind, name, role, sale, maker) = match &issued.holder {
        Holder::Person { name, role, maker } => {
            ("person", Some(name.as_str()), Some(role.as_str()), None, maker.as_str())
        }
        Holder::Sealer { sale } => ("sealer", None, None, Some(sale.as_str()), "house"),
        Holder::Server => ("server", None, None, None, "house"),
    };
    let (standing, revoked) = match standing {
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
        "revoked_at": revoked.map(|(at, _)| ms(at)),
        "reason": revoked.map(|(_, reason)| reason.as_str()),
    })
    .to_string()
}
