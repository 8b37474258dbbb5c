//! `pki/serve/`: all that a server needs, and nothing of the CA's key.
//!
//! | file | holds |
//! |---|---|
//! | `house.json` | the house's name and the address at which it is reached |
//! | `ca.pem` | the CA's certificate |
//! | `server.pem` | the server's key and certificate |
//! | `sealer-<sale>.pem`, `.key` | the certificate and the key that seal one sale |
//! | `sealer-<sale>.lock` | held by the server that seals with the key |
//! | `sealer-<sale>.used` | says that the key may have signed, so that the sale's ledger must exist |
//! | `crl.pem` | the revocation list |

use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use rustls::pki_types::pem::SectionKind;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::anchor::Anchor;
use super::credential::{Address, CredentialFault};
use super::fault::CertificateFault;
use super::identity::{Sealer, ServerIdentity};
use super::keys::{self, FolderLock, KeyFault};
use super::pem;
use super::tls::ServerKey;
use super::verify::{verify_sealer, verify_server};
use crate::auction::name::{HouseName, SaleId};
use crate::limits::{CREDENTIAL_FILE_BYTES_MAX, CRL_FILE_BYTES_MAX};
use crate::time::Timestamp;

/// PKCS#8 of an Ed25519 key up to its 32 bytes (RFC 8410, version 1: the form that openssl 3.0 reads).
const ED25519_PKCS8_PREFIX: &[u8] = &[
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// A house's name and address, as `house.json` has them: `{"house":"estate","server":"10.0.0.1:12000"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Particulars {
    /// The house's name.
    pub house: HouseName,
    /// Where its server is reached.
    pub address: Address,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ParticularsFile {
    house: String,
    server: String,
}

impl Particulars {
    /// Reads a `house.json`.
    pub(super) fn read(path: &Path) -> Result<Self, ServeFault> {
        let bytes = keys::read_public(path, CREDENTIAL_FILE_BYTES_MAX)?;
        let parse = || {
            let file: ParticularsFile = serde_json::from_slice(&bytes).ok()?;
            let house = HouseName::parse(&file.house).ok()?;
            Some(Self { house, address: Address::parse(&file.server).ok()? })
        };
        parse().ok_or_else(|| ServeFault::Damaged { path: path.to_owned() })
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), KeyFault> {
        let file =
            ParticularsFile { house: self.house.to_string(), server: self.address.to_string() };
        let mut text = serde_json::to_vec(&file).expect("plain values have a JSON form");
        text.push(b'\n');
        keys::replace(path, &text)
    }
}

/// Why a server's folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeFault {
    /// A certificate in the folder is not good, or not now.
    #[error("{}: {source}", keys::shown(.path))]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: CertificateFault,
    },
    /// A file is not what its name says.
    #[error("{} is damaged", keys::shown(.path))]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] KeyFault),
    /// The key in a file is not its certificate's.
    #[error("the key for {} belongs to another certificate", keys::shown(.path))]
    KeyMismatch {
        /// The certificate's file.
        path: PathBuf,
    },
    /// The folder is not there.
    #[error("there is no {}: nothing is prepared here", keys::shown(.path))]
    NotPrepared {
        /// The folder.
        path: PathBuf,
    },
}

/// Where a sale's sealing key stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealingKeyState {
    /// Erased: the sale is closed.
    Erased,
    /// Made, and it has signed nothing.
    Fresh,
    /// None was made for this sale.
    Missing,
    /// It may have signed: there must be a ledger.
    Used,
}

/// The sealing credential of one sale.
#[derive(Debug)]
pub struct SealingCredential {
    /// The key.
    pub key: SigningKey,
    /// The certificate's DER.
    pub certificate: Vec<u8>,
    /// What the certificate says.
    pub sealer: Sealer,
}

/// A server's folder.
#[derive(Clone, Debug)]
pub struct ServeFolder {
    path: PathBuf,
}

/// What a server needs to open its door.
#[derive(Debug)]
pub struct Serving {
    /// The house's name and address.
    pub particulars: Particulars,
    /// The house's CA.
    pub anchor: Anchor,
    /// The server's key and certificate.
    pub server: ServerKey,
    /// What the server's certificate says.
    pub identity: ServerIdentity,
}

impl ServeFolder {
    /// Names a folder. Nothing is read yet.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Reads and checks what a server needs at `now`.
    pub fn open(&self, now: Timestamp) -> Result<Serving, ServeFault> {
        if !keys::is_there(&self.house_path())? {
            return Err(ServeFault::NotPrepared { path: self.path.clone() });
        }
        keys::check_folder(&self.path)?;
        let particulars = Particulars::read(&self.house_path())?;
        let anchor = self.anchor()?;
        let (server, identity) = self.server(&anchor, &particulars.house, now)?;
        Ok(Serving { particulars, anchor, server, identity })
    }

    /// The revocation list's bytes, to be offered to [`super::Revocations`]; `None` if there is none.
    pub fn crl(&self) -> Result<Option<Vec<u8>>, KeyFault> {
        match keys::read_public(&self.crl_path(), CRL_FILE_BYTES_MAX) {
            Err(fault) if fault.is_missing() => Ok(None),
            other => other.map(Some),
        }
    }

    /// Where the sealing key of `sale` stands.
    pub fn sealing_key_state(&self, sale: &SaleId) -> Result<SealingKeyState, KeyFault> {
        // What an interrupted erasing left is a key no more.
        let key = !keys::is_erased(&self.sealer_path(sale, "key"))?;
        let used = keys::is_there(&self.sealer_path(sale, "used"))?;
        Ok(match (key, used) {
            (true, false) => SealingKeyState::Fresh,
            (true, true) => SealingKeyState::Used,
            (false, true) => SealingKeyState::Erased,
            (false, false) => SealingKeyState::Missing,
        })
    }

    /// Keeps every other server from the sealing key of `sale`, until it is dropped. The
    /// ledger's own lock is not enough: in two ledger folders, two servers that started at
    /// the same moment would both find the key fresh, and sign two trees of one size.
    pub fn hold_sealing_key(&self, sale: &SaleId) -> Result<FolderLock, KeyFault> {
        keys::lock_file(&self.sealer_path(sale, "lock"))
    }

    /// Reads the sealing key and certificate of `sale`, judged at `at`.
    pub fn sealing_credential(
        &self,
        sale: &SaleId,
        anchor: &Anchor,
        house: &HouseName,
        at: Timestamp,
    ) -> Result<SealingCredential, ServeFault> {
        let path = self.sealer_path(sale, "pem");
        let bytes = keys::read_public(&path, CREDENTIAL_FILE_BYTES_MAX)?;
        let certificate = pem::one_or_der(&bytes, SectionKind::Certificate)
            .ok_or_else(|| ServeFault::Damaged { path: path.clone() })?;
        let sealer = verify_sealer(&certificate, anchor, house, sale, at)
            .map_err(|source| ServeFault::Certificate { path: path.clone(), source })?;
        let key = self.sealing_key(sale)?;
        if key.verifying_key().to_bytes() == sealer.key {
            Ok(SealingCredential { key, certificate, sealer })
        } else {
            Err(ServeFault::KeyMismatch { path })
        }
    }

    /// Notes, durably, that the sealing key of `sale` may have signed. Before its first signature.
    pub fn mark_sealing_key_used(&self, sale: &SaleId) -> Result<(), KeyFault> {
        let mark = self.sealer_path(sale, "used");
        match keys::create(&mark, b"") {
            // Who made it may have been ended before it was there to stay.
            Err(KeyFault::Exists { .. }) => keys::sync_folder_of(&mark),
            other => other,
        }
    }

    /// Erases the sealing key of a closed sale; its mark and its certificate stay.
    pub fn erase_sealing_key(&self, sale: &SaleId) -> Result<(), KeyFault> {
        self.mark_sealing_key_used(sale)?;
        keys::erase(&self.sealer_path(sale, "key"))
    }

    /// Copies all that a server needs for `sale` into another folder, each file whole and synced.
    /// Of a sealing key that was erased, only its mark and its certificate come.
    pub fn copy_to(&self, other: &Self, sale: &SaleId) -> Result<(), KeyFault> {
        keys::make_folder(&other.path)?;
        keys::sync_folder_of(&other.path)?;
        let state = self.sealing_key_state(sale)?;
        if state == SealingKeyState::Used {
            // Before the key: it must not stand there as one that has signed nothing.
            other.mark_sealing_key_used(sale)?;
        }
        for name in ["house.json", "ca.pem", "crl.pem"] {
            copy_if_there(&self.path.join(name), &other.path.join(name), CRL_FILE_BYTES_MAX)?;
        }
        let secrets = [(self.server_path(), other.server_path())];
        let certificate = (self.sealer_path(sale, "pem"), other.sealer_path(sale, "pem"));
        let key = (self.sealer_path(sale, "key"), other.sealer_path(sale, "key"));
        let has_key = matches!(state, SealingKeyState::Fresh | SealingKeyState::Used);
        for (from, to) in secrets.into_iter().chain([certificate]).chain(has_key.then_some(key)) {
            copy_if_there(&from, &to, CREDENTIAL_FILE_BYTES_MAX)?;
        }
        if state == SealingKeyState::Erased { other.erase_sealing_key(sale) } else { Ok(()) }
    }

    /// Where the revocation list stands.
    pub fn crl_path(&self) -> PathBuf {
        self.path.join("crl.pem")
    }

    /// Where the CA's certificate stands.
    pub fn ca_path(&self) -> PathBuf {
        self.path.join("ca.pem")
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn house_path(&self) -> PathBuf {
        self.path.join("house.json")
    }

    pub(super) fn server_path(&self) -> PathBuf {
        self.path.join("server.pem")
    }

    pub(super) fn sealer_path(&self, sale: &SaleId, extension: &str) -> PathBuf {
        self.path.join(format!("sealer-{sale}.{extension}"))
    }

    pub(super) fn anchor(&self) -> Result<Anchor, ServeFault> {
        read_anchor(&self.ca_path())
    }

    pub(super) fn server(
        &self,
        anchor: &Anchor,
        house: &HouseName,
        now: Timestamp,
    ) -> Result<(ServerKey, ServerIdentity), ServeFault> {
        let path = self.server_path();
        let bytes = keys::read_secret(&path, CREDENTIAL_FILE_BYTES_MAX)?;
        let key = ServerKey::read(&bytes).map_err(|fault| match fault {
            CredentialFault::KeyMismatch => ServeFault::KeyMismatch { path: path.clone() },
            _ => ServeFault::Damaged { path: path.clone() },
        })?;
        let identity = verify_server(&[key.certificate().to_vec()], anchor, house, now)
            .map_err(|source| ServeFault::Certificate { path: path.clone(), source })?;
        if identity.key == key.public_key() {
            Ok((key, identity))
        } else {
            Err(ServeFault::KeyMismatch { path })
        }
    }

    pub(super) fn sealing_key(&self, sale: &SaleId) -> Result<SigningKey, ServeFault> {
        let path = self.sealer_path(sale, "key");
        let text = keys::read_secret(&path, CREDENTIAL_FILE_BYTES_MAX)?;
        let pkcs8 = keys::open_key(&path, &text, None)?;
        let seed = pkcs8.strip_prefix(ED25519_PKCS8_PREFIX);
        let seed: Option<Zeroizing<[u8; 32]>> =
            seed.and_then(|seed| seed.try_into().ok()).map(Zeroizing::new);
        seed.map(|seed| SigningKey::from_bytes(&seed)).ok_or(ServeFault::Damaged { path })
    }

    /// Makes the sealing key of `sale`, or takes the one that a crash left without certificate.
    pub(super) fn make_sealing_key(&self, sale: &SaleId) -> Result<SigningKey, ServeFault> {
        let path = self.sealer_path(sale, "key");
        if !keys::is_there(&path)? {
            let mut seed = Zeroizing::new([0; 32]);
            getrandom::fill(&mut *seed).map_err(|_| KeyFault::Randomness)?;
            let pkcs8 = Zeroizing::new([ED25519_PKCS8_PREFIX, seed.as_slice()].concat());
            keys::create(&path, keys::seal_key(&pkcs8, None)?.as_bytes())?;
        }
        self.sealing_key(sale)
    }
}

/// Copies a file for its owner only, in place of any that is there.
fn copy_if_there(from: &Path, to: &Path, bytes_max: u64) -> Result<(), KeyFault> {
    match keys::read_public(from, bytes_max) {
        Err(fault) if fault.is_missing() => Ok(()),
        Err(fault) => Err(fault),
        Ok(bytes) => {
            let bytes = Zeroizing::new(bytes);
            // Each replacing of a key leaves its old bytes somewhere on the disk.
            let there = keys::read_public(to, bytes_max).map(Zeroizing::new);
            if there.is_ok_and(|there| there == bytes) && keys::check_file(to).is_ok() {
                return Ok(());
            }
            keys::replace(to, &bytes)
        }
    }
}

pub(super) fn read_anchor(path: &Path) -> Result<Anchor, ServeFault> {
    let bytes = keys::read_public(path, CREDENTIAL_FILE_BYTES_MAX)?;
    Anchor::from_pem(&bytes)
        .map_err(|source| ServeFault::Certificate { path: path.to_owned(), source })
}
