//! `gavel prepare`: whatever is missing for a sale, made; a second time, nothing.

use std::path::{Path, PathBuf};

use super::house_folder::{self, HouseArgs};
use super::{Exit, Failure, passphrase, print, sale_file, when};
use crate::auction::name::{HouseName, Name, SaleId};
use crate::clock::Clock;
use crate::ledger::VerifierKey;
use crate::ledger::checkpoint::origin;
use crate::ledger::note::TYPE_ED25519;
use crate::pki::keys::{Passphrase, shown};
use crate::pki::{Address, Preparation, Prepared, SealingKeyState, Thing};
use crate::time::Timestamp;

/// The house's name where nobody gives one.
const HOUSE: &str = "house";
/// Where a server is reached where nobody says.
const ADDRESS: &str = "127.0.0.1:12000";
/// The name of the auctioneer whose credential is made at the house.
const AUCTIONEER: &str = "auctioneer";

/// Make whatever is missing for a sale: CA, server and sealing credential, an auctioneer
///
/// A second time it changes nothing. Publish the CA's fingerprint that it prints: bidders
/// compare it, and a result is checked against it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The sale file, to be checked
    items: Option<PathBuf>,
    /// The sale's id, never used twice [default: the file's, the prepared sale's, else sale-YYYYMMDD]
    #[arg(long, value_name = "ID")]
    sale: Option<SaleId>,
    /// Where bidders reach the server [default: 127.0.0.1:12000]
    #[arg(long, value_name = "HOST:PORT", value_parser = Address::parse)]
    at: Option<Address>,
    /// The house's name, for a new house [default: house]
    #[arg(long = "house", value_name = "NAME")]
    name: Option<HouseName>,
    /// Encrypt a new CA's key under a passphrase typed at the terminal
    #[arg(long, conflicts_with = "passphrase_file")]
    passphrase: bool,
    /// The folder of ledgers
    #[arg(long, value_name = "DIR", default_value = "ledger")]
    ledger: PathBuf,
    #[command(flatten)]
    house: HouseArgs,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let now = Clock::start().now();
    let file = match &args.items {
        Some(path) => Some((path.as_path(), sale_file::read(path)?)),
        None => None,
    };
    let named = match &file {
        Some((path, file)) => house_folder::named_sale(args.sale.as_ref(), file, path)?,
        None => args.sale.clone(),
    };
    let sale = match named {
        Some(sale) => sale,
        None => choose_sale(args, now)?,
    };
    refuse_used_id(args, &sale)?;
    let prepared = prepare(args, &sale, now)?;
    let mut text = made(&prepared);
    if let Some((path, file)) = &file {
        let lots = file.lots.len();
        text.push_str(&format!("{:FIRST$}{}, {lots} lots\n", "sale file", shown(path)));
        for note in &file.notes {
            text.push_str(&format!("{:FIRST$}{note}\n", "note"));
        }
    }
    text.push_str(&facts(&prepared, &sale, standing(args, &sale)?));
    print::results(&text);
    print::talk(&advice(args, &prepared, &sale));
    Ok(Exit::Success)
}

fn prepare(args: &Args, sale: &SaleId, now: Timestamp) -> Result<Prepared, Failure> {
    let folder = args.house.folder();
    let mut wanted = Preparation {
        house: args.name.clone(),
        address: args.at.clone(),
        sale: sale.clone(),
        auctioneer: Name::parse(AUCTIONEER).expect("a constant name"),
    };
    let is_new = !args.house.has_house();
    if is_new {
        let house = || HouseName::parse(HOUSE).expect("a constant name");
        let address = || Address::parse(ADDRESS).expect("a constant address");
        wanted.house.get_or_insert_with(house);
        wanted.address.get_or_insert_with(address);
    }
    if is_new && args.passphrase {
        let passphrase = passphrase::choose()?;
        return Ok(crate::pki::prepare(&folder, &wanted, Some(&passphrase), now)?);
    }
    let prepare =
        |passphrase: Option<&Passphrase>| crate::pki::prepare(&folder, &wanted, passphrase, now);
    args.house.passphrase.open(prepare)
}

/// The sale that is prepared and not closed; else a new id of today.
fn choose_sale(args: &Args, now: Timestamp) -> Result<SaleId, Failure> {
    let sales = house_folder::sales(&args.house.pki)?;
    // A fresh key beside a ledger is a mistake that `serve` explains better.
    let is_open = |sale: &SaleId, state| match state {
        SealingKeyState::Fresh => !house_folder::has_ledger(&args.ledger, sale),
        SealingKeyState::Used => true,
        SealingKeyState::Erased | SealingKeyState::Missing => false,
    };
    let open: Vec<&SaleId> =
        sales.iter().filter(|(sale, state)| is_open(sale, *state)).map(|(sale, _)| sale).collect();
    match open.as_slice() {
        [sale] => Ok((*sale).clone()),
        [] => new_sale(args, &sales, now),
        [_, ..] => Err(house_folder::sale_unclear(&sales).hint("or --sale ID for a new one")),
    }
}

fn new_sale(
    args: &Args,
    sales: &[(SaleId, SealingKeyState)],
    now: Timestamp,
) -> Result<SaleId, Failure> {
    let day = when::compact_day(now);
    let ids = (2_u32..=99).map(|number| format!("sale-{day}-{number}"));
    std::iter::once(format!("sale-{day}"))
        .chain(ids)
        .filter_map(|id| SaleId::parse(&id).ok())
        .filter(|sale| sales.iter().all(|(known, _)| known != sale))
        .find(|sale| !house_folder::has_ledger(&args.ledger, sale))
        .ok_or_else(|| {
            Failure::usage("sale-unclear", "no id is left for a sale of today")
                .hint("give one with --sale ID")
        })
}

/// A ledger without its sealing key cannot be helped by a new key: line 0 names the old one.
fn refuse_used_id(args: &Args, sale: &SaleId) -> Result<(), Failure> {
    let state = args.house.folder().serve().sealing_key_state(sale)?;
    if state == SealingKeyState::Missing && house_folder::has_ledger(&args.ledger, sale) {
        let message = format!("the sale {sale} has a ledger in {}", shown(&args.ledger));
        return Err(Failure::operator("ledger-exists", message)
            .hint("an id is never used twice: give a new one with --sale ID")
            .hint("to go on with that sale, bring its sealing key back to pki/serve"));
    }
    Ok(())
}

fn made(prepared: &Prepared) -> String {
    if prepared.made.is_empty() {
        return "everything is there; nothing was changed\n".to_owned();
    }
    let line = |what: Thing, path: &Path| format!("made {what:<35}{}\n", shown(path));
    prepared.made.iter().map(|made| line(made.what, &made.path)).collect()
}

/// The width of the first column.
const FIRST: usize = 13;

/// What a person who prepares must know of the sale.
fn standing(args: &Args, sale: &SaleId) -> Result<&'static str, Failure> {
    Ok(match args.house.folder().serve().sealing_key_state(sale)? {
        SealingKeyState::Used => ", opened and not finished; --sale ID prepares another",
        SealingKeyState::Erased | SealingKeyState::Fresh | SealingKeyState::Missing => "",
    })
}

fn facts(prepared: &Prepared, sale: &SaleId, standing: &str) -> String {
    let house = &prepared.particulars.house;
    let address = &prepared.particulars.address;
    let origin = origin(house.as_str(), sale.as_str());
    let key = VerifierKey::new(&origin, TYPE_ED25519, &prepared.sealing_key);
    let key = key.expect("a house and a sale name a key, and no secret has a weak one");
    format!(
        "{:FIRST$}{house}\n{:FIRST$}{sale}{standing}\n{:FIRST$}{address}\n{:FIRST$}sha256:{}\n\
         {:FIRST$}{key}\n",
        "house", "sale", "address", "fingerprint", prepared.ca, "sealing key"
    )
}

fn advice(args: &Args, prepared: &Prepared, sale: &SaleId) -> String {
    let address = &prepared.particulars.address;
    let mut text = String::from(
        "\nPublish the fingerprint of the CA, so that everybody knows it from elsewhere than you:\n\
         bidders compare it, and `gavel verify LEDGER --trust sha256:HEX` judges the result by it.\n\
         The sealing key is what witnesses and trust policies name: docs/witness.md.\n",
    );
    if let Some(old) = &prepared.moved_from {
        text.push_str(&format!(
            "Credentials handed out before name {old}: tell their holders the new address.\n"
        ));
    }
    if house_folder::is_loopback(address.host()) {
        text.push_str(&format!(
            "Only this machine reaches {address}; for bidders on others: gavel prepare --at HOST:PORT\n"
        ));
    }
    let items = args.items.as_deref().map_or_else(|| "items.json".to_owned(), shown);
    let pki = args.house.flag();
    let only = house_folder::sales(&args.house.pki).is_ok_and(|sales| sales.len() == 1);
    let sale = if only { String::new() } else { format!(" --sale {sale}") };
    let ledger = if args.ledger == Path::new("ledger") {
        String::new()
    } else {
        format!(" --ledger {}", shown(&args.ledger))
    };
    text.push_str(&format!(
        "next:\n  gavel pki sign FILE --as NAME{pki}    for each bidder who ran `gavel pki request NAME`\n  \
         gavel serve {items}{sale}{pki}{ledger}\n"
    ));
    text
}
