//! Revoked certificates: the CA's list, and the set that a running server asks.
//!
//! A list that is empty, damaged, signed by somebody else or older than the one
//! in force changes nothing: a server never forgets a revocation because a file
//! went wrong (DESIGN 2).

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::pki_types::pem::SectionKind;
use x509_parser::prelude::{CertificateRevocationList, FromDer, RevokedCertificate};
use x509_parser::x509::SubjectPublicKeyInfo;

use super::anchor::Anchor;
use super::identity::{Fingerprint, Serial};
use super::pem;
use super::verify::asn1_timestamp;
use crate::limits::{CRL_FILE_BYTES_MAX, INTEGER_MAX};
use crate::time::Timestamp;

/// Why a certificate was revoked, of the reasons of RFC 5280, section 5.3.1,
/// those that a house has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevocationReason {
    /// The person no longer belongs to whom they bid for.
    AffiliationChanged,
    /// The person no longer takes part.
    CessationOfOperation,
    /// The key is lost or in other hands.
    KeyCompromise,
    /// The house withdraws the right to bid.
    PrivilegeWithdrawn,
    /// A new certificate took its place.
    Superseded,
    /// No reason given.
    #[default]
    Unspecified,
}

impl RevocationReason {
    /// All reasons, in the order of their names.
    pub const ALL: [Self; 6] = [
        Self::AffiliationChanged,
        Self::CessationOfOperation,
        Self::KeyCompromise,
        Self::PrivilegeWithdrawn,
        Self::Superseded,
        Self::Unspecified,
    ];

    /// The reason's name on the command line and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AffiliationChanged => "affiliation-changed",
            Self::CessationOfOperation => "cessation-of-operation",
            Self::KeyCompromise => "key-compromise",
            Self::PrivilegeWithdrawn => "privilege-withdrawn",
            Self::Superseded => "superseded",
            Self::Unspecified => "unspecified",
        }
    }

    /// Takes a reason's name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }

    const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::KeyCompromise,
            3 => Self::AffiliationChanged,
            4 => Self::Superseded,
            5 => Self::CessationOfOperation,
            9 => Self::PrivilegeWithdrawn,
            _ => Self::Unspecified,
        }
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One revoked certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlEntry {
    /// Which certificate.
    pub serial: Serial,
    /// Since when, in whole seconds.
    pub revoked_at: Timestamp,
    /// Why.
    pub reason: RevocationReason,
}

/// A certificate revocation list whose signature by the house's CA was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crl {
    /// The CRL number, which rises with each list.
    pub number: u64,
    /// SHA-256 of the DER.
    pub hash: Fingerprint,
    /// When the list was made.
    pub this_update: Timestamp,
    /// By when the next one is due.
    pub next_update: Timestamp,
    /// What is revoked.
    pub entries: Vec<CrlEntry>,
}

impl Crl {
    /// Reads a PEM or DER list and checks that `anchor`'s key signed it.
    pub fn read(bytes: &[u8], anchor: &Anchor) -> Result<Self, CrlFault> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(CrlFault::Empty);
        }
        if u64::try_from(bytes.len()).is_ok_and(|length| length > CRL_FILE_BYTES_MAX) {
            return Err(CrlFault::TooLarge);
        }
        let der = pem::one_or_der(bytes, SectionKind::Crl).ok_or(CrlFault::Malformed)?;
        let (rest, list) =
            CertificateRevocationList::from_der(&der).map_err(|_| CrlFault::Malformed)?;
        if !rest.is_empty() {
            return Err(CrlFault::Malformed);
        }
        check_signature(&list, anchor)?;
        // A list for some certificates only, or a delta, says so in a critical extension.
        if list.extensions().iter().any(|ext| ext.critical) {
            return Err(CrlFault::Partial);
        }
        let number = list.crl_number().and_then(|number| u64::try_from(number).ok());
        let number = number.filter(|number| *number <= INTEGER_MAX);
        let entries: Option<Vec<CrlEntry>> = list.iter_revoked_certificates().map(entry).collect();
        Ok(Self {
            number: number.ok_or(CrlFault::NoNumber)?,
            hash: Fingerprint::of(&der),
            this_update: asn1_timestamp(list.last_update()),
            next_update: list.next_update().map(asn1_timestamp).ok_or(CrlFault::Malformed)?,
            entries: entries.ok_or(CrlFault::Malformed)?,
        })
    }
}

fn check_signature(list: &CertificateRevocationList<'_>, anchor: &Anchor) -> Result<(), CrlFault> {
    let spki = anchor.key().spki();
    let (_, key) = SubjectPublicKeyInfo::from_der(&spki).map_err(|_| CrlFault::WrongSigner)?;
    list.verify_signature(&key).map_err(|_| CrlFault::WrongSigner)
}

fn entry(revoked: &RevokedCertificate<'_>) -> Option<CrlEntry> {
    let reason = revoked.reason_code().map_or(0, |(_, code)| code.0);
    Some(CrlEntry {
        serial: Serial::from_der_integer(revoked.raw_serial())?,
        revoked_at: asn1_timestamp(revoked.revocation_date),
        reason: RevocationReason::from_code(reason),
    })
}

/// Why a revocation list is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CrlFault {
    /// There is nothing in the file.
    #[error("the revocation list is empty")]
    Empty,
    /// The bytes are no list.
    #[error("the revocation list cannot be read")]
    Malformed,
    /// The list has no number up to 2^53-1, so that nobody can tell an old one or record it.
    #[error("the revocation list has no number that a ledger can hold")]
    NoNumber,
    /// A list with a greater number is in force.
    #[error("the revocation list is number {number}, older than number {in_force} in force")]
    Older {
        /// Its number.
        number: u64,
        /// The number in force.
        in_force: u64,
    },
    /// The list does not cover all certificates of the house.
    #[error("the revocation list covers only a part of the house's certificates")]
    Partial,
    /// Another list of the same number is in force.
    #[error("the revocation list differs from the one in force under the same number {number}")]
    SameNumber {
        /// The number of both.
        number: u64,
    },
    /// The file is larger than [`CRL_FILE_BYTES_MAX`].
    #[error("the revocation list is too large")]
    TooLarge,
    /// The house's CA did not sign it.
    #[error("the revocation list is not signed by this house's CA")]
    WrongSigner,
}

/// What a list did to the state in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CrlUpdate {
    /// The list is in force now; these entries were not there before.
    Newer {
        /// The list.
        crl: Arc<Crl>,
        /// What it revokes anew.
        added: Vec<CrlEntry>,
    },
    /// It was in force already.
    Unchanged,
}

/// The revocations in force; asked by every handshake and changed under them.
#[derive(Debug)]
pub struct Revocations {
    anchor: Anchor,
    state: ArcSwap<State>,
}

#[derive(Debug, Default)]
struct State {
    crl: Option<Arc<Crl>>,
    serials: HashSet<Serial>,
}

impl Revocations {
    /// Begins with nothing revoked, for lists signed by `anchor`.
    pub fn new(anchor: Anchor) -> Self {
        Self { anchor, state: ArcSwap::default() }
    }

    /// Puts a newer list in force; any other leaves the state as it is. What was
    /// revoked once stays revoked, also if a newer list leaves it out.
    ///
    /// One caller at a time: the server's watcher.
    pub fn offer(&self, bytes: &[u8]) -> Result<CrlUpdate, CrlFault> {
        let crl = Arc::new(Crl::read(bytes, &self.anchor)?);
        let state = self.state.load_full();
        if let Some(in_force) = &state.crl {
            let (number, current) = (crl.number, in_force.number);
            if number < current {
                return Err(CrlFault::Older { number, in_force: current });
            }
            if number == current {
                let same = crl.hash == in_force.hash;
                return if same {
                    Ok(CrlUpdate::Unchanged)
                } else {
                    Err(CrlFault::SameNumber { number })
                };
            }
        }
        let mut serials = state.serials.clone();
        let added = crl.entries.iter().filter(|e| serials.insert(e.serial.clone())).cloned();
        let added = added.collect();
        self.state.store(Arc::new(State { crl: Some(Arc::clone(&crl)), serials }));
        Ok(CrlUpdate::Newer { crl, added })
    }

    /// Whether a certificate is revoked now.
    pub fn is_revoked(&self, serial: &Serial) -> bool {
        self.state.load().serials.contains(serial)
    }

    /// The list in force, if there is one yet.
    pub fn crl(&self) -> Option<Arc<Crl>> {
        self.state.load().crl.clone()
    }
}
