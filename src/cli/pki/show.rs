//! `gavel pki show`: what a certificate, credential, request or list says.

use std::path::{Path, PathBuf};

use crate::cli::{Exit, Failure, print, when};
use crate::clock::Clock;
use crate::limits::{CREDENTIAL_FILE_BYTES_MAX, CRL_FILE_BYTES_MAX};
use crate::pki::keys::{self, shown};
use crate::pki::{Anchor, Bearer, Crl, Shown, ShownCertificate, show};
use crate::time::Timestamp;

/// Show what a certificate, credential, request or revocation list says, once it is checked
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file, in PEM
    file: PathBuf,
    /// The certificate of the CA [default: the one in the file, else pki/serve/ca.pem]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// The house's own CA, as its server has it.
const CA: &str = "pki/serve/ca.pem";

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let now = Clock::start().now();
    let bytes = keys::read_public(&args.file, CRL_FILE_BYTES_MAX)?;
    let trusted = trusted(args.ca.as_deref())?;
    let text = match show(&bytes, trusted.as_ref(), now)? {
        Shown::Ca(anchor) => ca(&anchor, now),
        Shown::Certificate(certificate) => self::certificate(&certificate),
        Shown::Crl(list) => crl(&list, now),
        Shown::Request { key } => {
            line("file", "certificate request; it proves its sender's key")
                + &line("key", &format!("sha256:{key}"))
        }
    };
    print::results(&text);
    Ok(Exit::Success)
}

fn trusted(given: Option<&Path>) -> Result<Option<Anchor>, Failure> {
    let path = match given {
        Some(path) => path,
        None if Path::new(CA).exists() => Path::new(CA),
        None => return Ok(None),
    };
    let bytes = keys::read_public(path, CREDENTIAL_FILE_BYTES_MAX)?;
    let anchor = Anchor::from_pem(&bytes)
        .map_err(|fault| Failure::usage("bad-certificate", format!("{}: {fault}", shown(path))))?;
    Ok(Some(anchor))
}

fn ca(anchor: &Anchor, now: Timestamp) -> String {
    let standing = match anchor.check_time(now) {
        Ok(()) => "good".to_owned(),
        Err(fault) => fault.to_string(),
    };
    line("file", "certificate of a house's CA")
        + &line("valid", &span(anchor.not_before(), anchor.not_after()))
        + &line("standing", &standing)
        + &line("fingerprint", &format!("sha256:{}", anchor.fingerprint()))
}

fn certificate(shown: &ShownCertificate) -> String {
    let (whose, serial, not_before, not_after, fingerprint) = match &shown.bearer {
        Bearer::Person(person) => (
            format!("{}, {} of the house {}", person.name, person.role, person.house),
            &person.serial,
            person.not_before,
            person.not_after,
            person.cert,
        ),
        Bearer::Sealer(sealer) => (
            format!("sealer of the sale {} of the house {}", sealer.sale, sealer.house),
            &sealer.serial,
            sealer.not_before,
            sealer.not_after,
            sealer.cert,
        ),
        Bearer::Server(server) => (
            format!("server of the house {}", server.house),
            &server.serial,
            server.not_before,
            server.not_after,
            server.cert,
        ),
    };
    let file = if shown.has_key { "certificate with its private key" } else { "certificate" };
    let standing = shown.fault.as_ref().map_or_else(
        || "good, as far as the file can tell; it may be revoked".to_owned(),
        ToString::to_string,
    );
    line("file", file)
        + &line("holder", &whose)
        + &line("valid", &span(not_before, not_after))
        + &line("standing", &standing)
        + &key(&shown.bearer)
        + &line("serial", serial.as_str())
        + &line("certificate", &format!("sha256:{fingerprint}"))
        + &line("house's CA", &format!("sha256:{}", shown.ca))
        + &shown.address.as_ref().map_or_else(String::new, |at| line("server", &at.to_string()))
}

fn key(bearer: &Bearer) -> String {
    match bearer {
        Bearer::Person(person) => {
            let maker =
                if person.house_made_key { "made by the house" } else { "made by its holder" };
            line("key", &format!("sha256:{} ({maker})", person.key))
        }
        Bearer::Server(server) => line("key", &format!("sha256:{}", server.key.fingerprint())),
        Bearer::Sealer(_) => String::new(),
    }
}

fn crl(list: &Crl, now: Timestamp) -> String {
    let standing = if list.next_update < now { "the next list is overdue" } else { "good" };
    let mut text = line("file", "revocation list of a house's CA")
        + &line("number", &list.number.to_string())
        + &line("valid", &span(list.this_update, list.next_update))
        + &line("standing", standing)
        + &line("revoked", &list.entries.len().to_string());
    for entry in &list.entries {
        let at = when::moment(entry.revoked_at);
        text.push_str(&line("", &format!("{} {at}, {}", entry.serial, entry.reason)));
    }
    text
}

fn span(from: Timestamp, to: Timestamp) -> String {
    format!("{} to {}", when::moment(from), when::moment(to))
}

fn line(name: &str, value: &str) -> String {
    format!("{name:13}{value}\n")
}
