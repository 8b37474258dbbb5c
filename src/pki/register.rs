//! The register of a CA: every certificate it made, every revocation, every list.
//!
//! `issued.jsonl` has one JSON object a line and is written before what it
//! records is given away, so no certificate exists that is not in it:
//!
//! ```text
//! {"t":"issued","at":1800000000000,"cert":"ab..","key":"cd..","kind":"person","maker":"holder",
//!  "name":"alice","not_after":1807776000000,"not_before":1799913600000,"role":"bidder","serial":"5e.."}
//! {"t":"revoked","at":1800000100000,"reason":"key-compromise","serial":"5e.."}
//! {"t":"crl","at":1800000100000,"next_update":1802592100000,"number":2}
//! ```

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ca::KeyMaker;
use super::identity::{Fingerprint, Identity, Serial};
use super::keys::{self, KeyFault};
use super::revocation::{CrlEntry, RevocationReason};
use crate::auction::name::{Name, Role, SaleId};
use crate::limits::REGISTER_FILE_BYTES_MAX;
use crate::time::Timestamp;

/// Whom a certificate was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A person.
    Person {
        /// Their name.
        name: Name,
        /// What they may do.
        role: Role,
        /// Who made their key.
        maker: KeyMaker,
    },
    /// The sealing key of a sale.
    Sealer {
        /// Which sale.
        sale: SaleId,
    },
    /// The server.
    Server,
}

/// A certificate that the CA made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// When.
    pub at: Timestamp,
    /// For whom.
    pub holder: Holder,
    /// Its serial.
    pub serial: Serial,
    /// SHA-256 of its DER.
    pub cert: Fingerprint,
    /// SHA-256 of the key's SubjectPublicKeyInfo, or of an Ed25519 key's 32 bytes.
    pub key: Fingerprint,
    /// From when it is valid.
    pub not_before: Timestamp,
    /// The last second in which it is valid.
    pub not_after: Timestamp,
}

impl Issued {
    /// The entry for a person's certificate.
    pub(super) fn person(identity: &Identity, at: Timestamp) -> Self {
        let maker = if identity.house_made_key { KeyMaker::House } else { KeyMaker::Holder };
        let holder = Holder::Person { name: identity.name.clone(), role: identity.role, maker };
        Self {
            at,
            holder,
            serial: identity.serial.clone(),
            cert: identity.cert,
            key: identity.key,
            not_before: identity.not_before,
            not_after: identity.not_after,
        }
    }

    /// Whether it was made for a person of that name.
    pub(super) fn is_of(&self, wanted: &Name) -> bool {
        matches!(&self.holder, Holder::Person { name, .. } if name == wanted)
    }
}

/// How a certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has expired.
    Expired,
    /// It is good.
    Live,
    /// It is revoked.
    Revoked {
        /// Since when.
        at: Timestamp,
        /// Why.
        reason: RevocationReason,
    },
}

/// One line of the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Crl { at: Timestamp, number: u64, next_update: Timestamp },
    Issued(Issued),
    Revoked { at: Timestamp, serial: Serial, reason: RevocationReason },
}

/// Why a register cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterFault {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] KeyFault),
    /// A line is not the register's.
    #[error("line {line} of the register {} is damaged", keys::shown(.path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

/// A CA's register, as it stands on disk.
#[derive(Debug)]
pub struct Register {
    path: PathBuf,
    entries: Vec<Entry>,
}

impl Register {
    /// Reads the register of a CA's folder; a missing one is empty.
    pub(super) fn read(ca_folder: &Path) -> Result<Self, RegisterFault> {
        let path = ca_folder.join("issued.jsonl");
        let bytes = match keys::read_secret(&path, REGISTER_FILE_BYTES_MAX) {
            Err(fault) if fault.is_missing() => return Ok(Self { path, entries: Vec::new() }),
            other => other?,
        };
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let read = |(index, line)| {
            parse(line).ok_or(RegisterFault::Damaged { path: path.clone(), line: index + 1 })
        };
        let entries = lines.enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Self { path, entries })
    }

    /// Adds entries, on disk first: all of them or none.
    pub(super) fn enter(&mut self, new: Vec<Entry>) -> Result<(), RegisterFault> {
        let mut text = Vec::new();
        for entry in self.entries.iter().chain(&new) {
            let line =
                serde_json::to_vec(&Line::from(entry)).expect("plain values have a JSON form");
            text.extend_from_slice(&line);
            text.push(b'\n');
        }
        // A register that nobody reads again is worse than a certificate that is not made.
        keys::check_size(&self.path, &text, REGISTER_FILE_BYTES_MAX)?;
        keys::replace(&self.path, &text)?;
        self.entries.extend(new);
        Ok(())
    }

    /// Every certificate, in the order in which they were made.
    pub fn issued(&self) -> impl Iterator<Item = &Issued> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Issued(issued) => Some(issued),
            Entry::Crl { .. } | Entry::Revoked { .. } => None,
        })
    }

    /// How a certificate stands at `now`.
    pub fn standing(&self, issued: &Issued, now: Timestamp) -> Standing {
        let revoked = self.revoked().find(|entry| entry.serial == issued.serial);
        stand(issued, revoked.as_ref(), now)
    }

    /// Every certificate and how it stands at `now`, in the order in which they were made.
    pub fn standings(&self, now: Timestamp) -> impl Iterator<Item = (&Issued, Standing)> {
        // The first revocation counts, as in `standing`.
        let mut revoked = HashMap::new();
        for entry in self.revoked() {
            revoked.entry(entry.serial.clone()).or_insert(entry);
        }
        self.issued().map(move |issued| (issued, stand(issued, revoked.get(&issued.serial), now)))
    }

    /// The live certificates of a name.
    pub fn live_of(&self, name: &Name, now: Timestamp) -> impl Iterator<Item = &Issued> {
        self.live(now).filter(move |issued| issued.is_of(name))
    }

    /// Whether somebody holds a live certificate of `role`.
    pub(super) fn has_live(&self, wanted: Role, now: Timestamp) -> bool {
        self.live(now)
            .any(|issued| matches!(issued.holder, Holder::Person { role, .. } if role == wanted))
    }

    /// What is revoked, for the next list.
    pub(super) fn revoked(&self) -> impl Iterator<Item = CrlEntry> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Revoked { at, serial, reason } => {
                Some(CrlEntry { serial: serial.clone(), revoked_at: *at, reason: *reason })
            }
            Entry::Crl { .. } | Entry::Issued(_) => None,
        })
    }

    /// The number of the newest list; 0 before the first.
    pub fn crl_number(&self) -> u64 {
        self.entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Crl { number, .. } => Some(*number),
                Entry::Issued(_) | Entry::Revoked { .. } => None,
            })
            .max()
            .unwrap_or(0)
    }

    /// Whether something was revoked since the newest list.
    pub(super) fn crl_is_due(&self) -> bool {
        let newest = self.entries.iter().rposition(|entry| matches!(entry, Entry::Crl { .. }));
        let since = newest.map_or(0, |index| index + 1);
        newest.is_none()
            || self.entries[since..].iter().any(|entry| matches!(entry, Entry::Revoked { .. }))
    }

    fn live(&self, now: Timestamp) -> impl Iterator<Item = &Issued> {
        let standings = self.standings(now);
        standings.filter_map(|(issued, standing)| (standing == Standing::Live).then_some(issued))
    }
}

fn stand(issued: &Issued, revoked: Option<&CrlEntry>, now: Timestamp) -> Standing {
    if let Some(entry) = revoked {
        Standing::Revoked { at: entry.revoked_at, reason: entry.reason }
    } else if now.unix_s() > issued.not_after.unix_s() {
        Standing::Expired
    } else {
        Standing::Live
    }
}

/// A line as JSON has it.
#[derive(Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Crl { at: u64, next_update: u64, number: u64 },
    Issued(IssuedLine),
    Revoked { at: u64, reason: String, serial: String },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuedLine {
    at: u64,
    cert: String,
    key: String,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    maker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    not_after: u64,
    not_before: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sale: Option<String>,
    serial: String,
}

impl From<&Entry> for Line {
    fn from(entry: &Entry) -> Self {
        match entry {
            Entry::Crl { at, number, next_update } => {
                Self::Crl { at: at.unix_ms(), next_update: next_update.unix_ms(), number: *number }
            }
            Entry::Issued(issued) => Self::Issued(issued.into()),
            Entry::Revoked { at, serial, reason } => Self::Revoked {
                at: at.unix_ms(),
                reason: reason.to_string(),
                serial: serial.to_string(),
            },
        }
    }
}

impl From<&Issued> for IssuedLine {
    fn from(issued: &Issued) -> Self {
        let mut line = Self {
            at: issued.at.unix_ms(),
            cert: issued.cert.to_string(),
            key: issued.key.to_string(),
            kind: "server".to_owned(),
            maker: None,
            name: None,
            not_after: issued.not_after.unix_ms(),
            not_before: issued.not_before.unix_ms(),
            role: None,
            sale: None,
            serial: issued.serial.to_string(),
        };
        match &issued.holder {
            Holder::Person { name, role, maker } => {
                line.kind = "person".to_owned();
                line.maker = Some(maker.as_str().to_owned());
                line.name = Some(name.to_string());
                line.role = Some(role.to_string());
            }
            Holder::Sealer { sale } => {
                line.kind = "sealer".to_owned();
                line.sale = Some(sale.to_string());
            }
            Holder::Server => {}
        }
        line
    }
}

fn parse(line: &[u8]) -> Option<Entry> {
    match serde_json::from_slice(line).ok()? {
        Line::Crl { at, next_update, number } => Some(Entry::Crl {
            at: Timestamp::from_unix_ms(at)?,
            number,
            next_update: Timestamp::from_unix_ms(next_update)?,
        }),
        Line::Issued(line) => parse_issued(&line).map(Entry::Issued),
        Line::Revoked { at, reason, serial } => Some(Entry::Revoked {
            at: Timestamp::from_unix_ms(at)?,
            serial: Serial::parse(&serial).ok()?,
            reason: RevocationReason::parse(&reason)?,
        }),
    }
}

fn parse_issued(line: &IssuedLine) -> Option<Issued> {
    let maker = line.maker.as_deref().map(KeyMaker::parse);
    let holder = match (line.kind.as_str(), &line.name, &line.role, maker, &line.sale) {
        ("person", Some(name), Some(role), Some(maker), None) => Holder::Person {
            name: Name::parse(name).ok()?,
            role: Role::parse(role).ok()?,
            maker: maker?,
        },
        ("sealer", None, None, None, Some(sale)) => {
            Holder::Sealer { sale: SaleId::parse(sale).ok()? }
        }
        ("server", None, None, None, None) => Holder::Server,
        _ => return None,
    };
    Some(Issued {
        at: Timestamp::from_unix_ms(line.at)?,
        holder,
        serial: Serial::parse(&line.serial).ok()?,
        cert: Fingerprint::parse(&line.cert).ok()?,
        key: Fingerprint::parse(&line.key).ok()?,
        not_before: Timestamp::from_unix_ms(line.not_before)?,
        not_after: Timestamp::from_unix_ms(line.not_after)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_unix_ms(ms).expect("in range")
    }

    fn issued(serial: &str, holder: Holder) -> Issued {
        Issued {
            at: at(5),
            holder,
            serial: Serial::parse(serial).expect("a serial"),
            cert: Fingerprint::of(b"cert"),
            key: Fingerprint::of(b"key"),
            not_before: at(1000),
            not_after: at(9000),
        }
    }

    fn alice() -> Name {
        Name::parse("alice").expect("a name")
    }

    #[test]
    fn what_was_entered_is_read_again() {
        let temp = tempfile::tempdir().expect("a folder");
        let mut register = Register::read(temp.path()).expect("empty");
        let person = Holder::Person { name: alice(), role: Role::Bidder, maker: KeyMaker::House };
        let sale = SaleId::parse("spring").expect("an id");
        let reason = RevocationReason::Superseded;
        let serial = Serial::parse("01").expect("a serial");
        register.enter(vec![Entry::Issued(issued("01", person.clone()))]).expect("enters");
        let more = vec![
            Entry::Issued(issued("02", person)),
            Entry::Issued(issued("03", Holder::Server)),
            Entry::Issued(issued("04", Holder::Sealer { sale })),
            Entry::Revoked { at: at(6), serial, reason },
            Entry::Crl { at: at(6), number: 3, next_update: at(7) },
        ];
        register.enter(more).expect("enters");
        let again = Register::read(temp.path()).expect("reads");
        assert_eq!(again.entries, register.entries);
        assert_eq!(again.crl_number(), 3);
        let live =
            |now| again.live_of(&alice(), now).map(|i| i.serial.to_string()).collect::<Vec<_>>();
        assert_eq!(live(at(9999)), ["02"]);
        assert!(live(at(10_000)).is_empty());
        assert!(again.has_live(Role::Bidder, at(5)) && !again.has_live(Role::Clerk, at(5)));
        let first = again.issued().next().expect("is there");
        assert_eq!(again.standing(first, at(20_000)), Standing::Revoked { at: at(6), reason });
        for (issued, standing) in again.standings(at(9999)) {
            assert_eq!(standing, again.standing(issued, at(9999)));
        }
    }

    #[test]
    fn a_damaged_register_is_refused_with_its_line() {
        let temp = tempfile::tempdir().expect("a folder");
        let crl = r#"{"t":"crl","at":1,"next_update":2,"number":3}"#;
        for bad in [
            "junk",
            r#"{"t":"crl","at":1,"next_update":2,"number":3,"more":1}"#,
            r#"{"t":"revoked","at":1,"reason":"whim","serial":"01"}"#,
            r#"{"t":"revoked","at":1,"reason":"superseded","serial":"00"}"#,
        ] {
            let text = format!("{crl}\n{bad}\n");
            keys::replace(&temp.path().join("issued.jsonl"), text.as_bytes()).expect("writes");
            let fault = Register::read(temp.path()).expect_err(bad);
            assert!(matches!(fault, RegisterFault::Damaged { line: 2, .. }), "{bad}: {fault}");
        }
    }
}
