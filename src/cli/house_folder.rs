//! The house's folder and its sales, as the operator's commands are told of them.

use std::fs;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::passphrase;
use super::{Failure, fault};
use crate::auction::name::SaleId;
use crate::pki::keys::shown;
use crate::pki::{HouseFolder, Office, SealingKeyState};
use crate::record::SaleFile;

/// The folder where it always is unless somebody says otherwise.
const PKI: &str = "pki";

/// Where the house's keys are, and how the CA's is opened.
#[derive(Debug, clap::Args)]
pub(super) struct HouseArgs {
    /// The house's folder of keys and certificates
    #[arg(long, value_name = "DIR", default_value = PKI)]
    pub(super) pki: PathBuf,
    #[command(flatten)]
    pub(super) passphrase: passphrase::Source,
}

impl HouseArgs {
    pub(super) fn folder(&self) -> HouseFolder {
        HouseFolder::at(self.pki.clone())
    }

    /// Whether a house was made here, or is served from here.
    pub(super) fn has_house(&self) -> bool {
        ["ca/ca.pem", "ca/ca.key", "serve/ca.pem"].iter().any(|file| self.pki.join(file).exists())
    }

    /// Opens the CA.
    pub(super) fn open(&self) -> Result<Office, Failure> {
        let folder = self.folder();
        self.passphrase.open(|passphrase| folder.open(passphrase))
    }

    /// The flag that another command needs to work in the same folder.
    pub(super) fn flag(&self) -> String {
        flag(&self.pki)
    }
}

/// ` --pki DIR`, or nothing where that is the default.
pub(super) fn flag(pki: &Path) -> String {
    if pki == Path::new(PKI) { String::new() } else { format!(" --pki {}", shown(pki)) }
}

/// The sales that were ever prepared here, by id, and where their sealing keys stand.
pub(super) fn sales(pki: &Path) -> Result<Vec<(SaleId, SealingKeyState)>, Failure> {
    let folder = pki.join("serve");
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|error| fault::of_io("read", &folder, &error))?,
    };
    let mut sales = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| fault::of_io("read", &folder, &error))?.file_name();
        let id = name.to_str().and_then(|name| name.strip_prefix("sealer-")?.strip_suffix(".pem"));
        sales.extend(id.and_then(|id| SaleId::parse(id).ok()));
    }
    sales.sort();
    let serve = HouseFolder::at(pki.to_owned()).serve();
    let state = |sale: SaleId| Ok((sale.clone(), serve.sealing_key_state(&sale)?));
    sales.into_iter().map(state).collect()
}

/// The sale that a flag or the file names; both, if they agree.
pub(super) fn named_sale(
    flag: Option<&SaleId>,
    file: &SaleFile,
    path: &Path,
) -> Result<Option<SaleId>, Failure> {
    match (flag, &file.id) {
        (Some(flag), Some(id)) if flag != id => {
            let message = format!("{} is of the sale {id}, and --sale says {flag}", shown(path));
            Err(Failure::usage("flag-contradicts", message)
                .hint(format!("leave --sale out, or give the file of {flag}")))
        }
        (flag, id) => Ok(flag.or(id.as_ref()).cloned()),
    }
}

/// Several sales could be meant: each with how it stands.
pub(super) fn sale_unclear(sales: &[(SaleId, SealingKeyState)]) -> Failure {
    let mut failure = Failure::usage("sale-unclear", "several sales are prepared");
    for (sale, state) in sales {
        let standing = match state {
            SealingKeyState::Fresh => "not opened yet",
            SealingKeyState::Used => "opened, not finished",
            SealingKeyState::Erased => "closed",
            SealingKeyState::Missing => "without a sealing key",
        };
        failure = failure.hint(format!("--sale {sale} ({standing})"));
    }
    failure
}

/// Whether a sale left a trace among the ledgers.
pub(super) fn has_ledger(ledgers: &Path, sale: &SaleId) -> bool {
    let there = |extension| ledgers.join(format!("{sale}.{extension}")).exists();
    there("jsonl") || there("checkpoint")
}

/// Whether only this machine reaches a host.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
