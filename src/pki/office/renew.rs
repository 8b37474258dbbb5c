//! Certificates made anew before they expire: the same name and role and, as a
//! rule, the same key.
//!
//! In a sale that is running a name belongs to the certificate key that it
//! enrolled with (LEDGER 3): with the same key its holder simply goes on and
//! enrols a new bid key, with another one the auctioneer must reissue the name.
//! So another key is taken only where somebody says so. The old certificate
//! stays good until it expires or is revoked.
//!
//! A sealer is not renewed: line 0 of a ledger names the one that it has.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Office, OfficeFault};
use crate::auction::name::Name;
use crate::limits::CREDENTIAL_FILE_BYTES_MAX;
use crate::pki::ca::Grant;
use crate::pki::credential::{Answer, CredentialFault, key_of};
use crate::pki::identity::Identity;
use crate::pki::keys::{self, KeyFault};
use crate::pki::people::ANSWER;
use crate::pki::register::{Entry, Holder, Issued, Standing};
use crate::pki::request::read_request;
use crate::pki::serving::{ServeFault, read_anchor};
use crate::pki::signing::{P256Key, P256Secret};
use crate::time::{Span, Timestamp};

/// Whether a renewed certificate may be for another key than the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewKey {
    /// Yes: a running sale must reissue the name.
    Allow,
    /// No.
    Refuse,
}

/// What is to be renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// Whose certificate.
    pub name: Name,
    /// A request, or a credential; the one in `people/` if none is named.
    pub file: Option<PathBuf>,
    /// For how long.
    pub lifetime: Span,
    /// Whether the key may be another one.
    pub new_key: NewKey,
}

/// A person's certificate that was renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// What the new one says.
    pub identity: Identity,
    /// The credential, or the answer to a request.
    pub path: PathBuf,
    /// Which of the two: a credential has the key in it.
    pub has_key: bool,
    /// Whether the key is another one than before.
    pub key_changed: bool,
    /// The name's older certificates that are still good.
    pub still_good: Vec<Issued>,
}

/// A server's certificate that was renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRenewed {
    /// The new one.
    pub issued: Issued,
    /// The server's credential.
    pub path: PathBuf,
    /// The older ones that are still good.
    pub still_good: Vec<Issued>,
}

/// Why a certificate is not renewed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenewFault {
    /// The file is no credential.
    #[error("{}: {source}", keys::shown(.path))]
    Credential {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: CredentialFault,
    },
    /// The key is not on this machine.
    #[error("the key of {name} is not here: there is no {}", keys::shown(.path))]
    KeyElsewhere {
        /// Whose.
        name: Name,
        /// Where a key that was made here would be.
        path: PathBuf,
    },
    /// The office cannot do it.
    #[error(transparent)]
    Office(#[from] OfficeFault),
    /// The key is another one than the certificate's.
    #[error("the key is not the one of {name}'s certificate")]
    OtherKey {
        /// Whose.
        name: Name,
    },
    /// Somebody else has the key.
    #[error("the key is certified as {name}'s")]
    OthersKey {
        /// Whose.
        name: Name,
    },
    /// The certificate was taken back.
    #[error("{name}'s certificate is revoked")]
    Revoked {
        /// Whose.
        name: Name,
    },
}

impl From<KeyFault> for RenewFault {
    fn from(fault: KeyFault) -> Self {
        Self::Office(fault.into())
    }
}

/// What a file gives: a key that was asked for, or one with which to write a credential.
enum Given {
    Request(P256Key),
    Secret(P256Secret),
}

impl Given {
    const fn key(&self) -> P256Key {
        match self {
            Self::Request(key) => *key,
            Self::Secret(secret) => secret.public_key(),
        }
    }
}

impl Office {
    /// Makes a new certificate for a name that has one, and writes `<name>.answer.pem` beside
    /// the request, or the credential in its own place.
    pub fn renew(&mut self, renewal: &Renewal, now: Timestamp) -> Result<Renewed, RenewFault> {
        let name = &renewal.name;
        let old = self.newest(name, now)?;
        let (file, given) = self.given(renewal)?;
        let key_changed = self.judge_key(renewal, &old, &given, now)?;
        let still_good = self.register.live_of(name, now).cloned().collect();
        let identity = self.renewed(&given.key(), &old, renewal, now)?;
        let (path, text, has_key) = match given {
            Given::Request(_) => {
                let path = file.with_file_name(format!("{name}{ANSWER}"));
                (path, Zeroizing::new(self.answer(&identity).to_pem()), false)
            }
            Given::Secret(secret) => {
                (file, self.credential(identity.clone(), secret).to_pem(), true)
            }
        };
        keys::replace(&path, text.as_bytes())?;
        Ok(Renewed { identity, path, has_key, key_changed, still_good })
    }

    /// Makes a new key and certificate for the server, in place of those that are there.
    pub fn renew_server(&mut self, now: Timestamp) -> Result<ServerRenewed, OfficeFault> {
        let serve = self.folder.serve();
        let (path, ca_path) = (serve.server_path(), serve.ca_path());
        if !keys::is_there(&path)? {
            return Err(ServeFault::NotPrepared { path: serve.path().to_owned() }.into());
        }
        if read_anchor(&ca_path)? != *self.anchor() {
            return Err(OfficeFault::OtherCa { path: ca_path });
        }
        let good = self.register.standings(now).filter(|(_, standing)| *standing == Standing::Live);
        let still_good = good.map(|(issued, _)| issued).filter(|issued| is_servers(issued));
        let still_good = still_good.cloned().collect();
        let issued = self.make_server(now)?;
        Ok(ServerRenewed { issued, path, still_good })
    }

    /// The certificate to be renewed: the name's newest that is good, else its newest.
    fn newest(&self, name: &Name, now: Timestamp) -> Result<Issued, RenewFault> {
        if let Some(live) = self.register.live_of(name, now).last() {
            return Ok(live.clone());
        }
        let theirs = self.register.standings(now).filter(|(issued, _)| issued.is_of(name));
        match theirs.last() {
            Some((issued, Standing::Expired | Standing::Live)) => Ok(issued.clone()),
            Some((_, Standing::Revoked { .. })) => Err(RenewFault::Revoked { name: name.clone() }),
            None => Err(OfficeFault::NotIssued.into()),
        }
    }

    fn given(&self, renewal: &Renewal) -> Result<(PathBuf, Given), RenewFault> {
        let name = &renewal.name;
        let own = self.folder.people().join(format!("{name}.pem"));
        if renewal.file.is_none() && !keys::is_there(&own)? {
            return Err(RenewFault::KeyElsewhere { name: name.clone(), path: own });
        }
        let path = renewal.file.clone().unwrap_or(own);
        let bytes = Zeroizing::new(keys::read_public(&path, CREDENTIAL_FILE_BYTES_MAX)?);
        if let Ok(Some(_)) = key_of(&bytes) {
            let secret = self.secret_of(&path)?;
            return Ok((path, Given::Secret(secret)));
        }
        let key = read_request(&bytes).map_err(OfficeFault::from)?;
        Ok((path, Given::Request(key)))
    }

    /// The key of a credential of this house.
    fn secret_of(&self, path: &Path) -> Result<P256Secret, RenewFault> {
        let bytes = keys::read_secret(path, CREDENTIAL_FILE_BYTES_MAX)?;
        let read = || {
            let key = key_of(&bytes)?.ok_or(CredentialFault::NoKey)?;
            Ok((Answer::read(&bytes)?, P256Secret::from_pkcs8(&key)?))
        };
        let fault = |source| RenewFault::Credential { path: path.to_owned(), source };
        let (answer, secret) = read().map_err(fault)?;
        if answer.anchor == *self.anchor() {
            Ok(secret)
        } else {
            Err(OfficeFault::OtherCa { path: path.to_owned() }.into())
        }
    }

    /// Whether the key is another one than before, if it may be.
    fn judge_key(
        &self,
        renewal: &Renewal,
        old: &Issued,
        given: &Given,
        now: Timestamp,
    ) -> Result<bool, RenewFault> {
        let (name, key) = (&renewal.name, given.key().fingerprint());
        self.check_not_compromised(&given.key())?;
        let mut live = self.register.live_of(name, now);
        if key == old.key || live.any(|issued| issued.key == key) {
            return Ok(false);
        }
        let good = self.register.standings(now).filter(|(_, standing)| *standing == Standing::Live);
        for (issued, _) in good.filter(|(issued, _)| issued.key == key) {
            if let Holder::Person { name, .. } = &issued.holder {
                return Err(RenewFault::OthersKey { name: name.clone() });
            }
        }
        // A credential would be overwritten that is not the name's.
        match (renewal.new_key, given) {
            (NewKey::Allow, Given::Request(_)) => Ok(true),
            _ => Err(RenewFault::OtherKey { name: name.clone() }),
        }
    }

    fn renewed(
        &mut self,
        key: &P256Key,
        old: &Issued,
        renewal: &Renewal,
        now: Timestamp,
    ) -> Result<Identity, OfficeFault> {
        let Holder::Person { role, .. } = old.holder else { return Err(OfficeFault::NotIssued) };
        let (name, lifetime) = (renewal.name.clone(), renewal.lifetime);
        let grant = Grant { name, role, maker: self.maker_of(key), lifetime };
        let identity = self.ca.certify_person(key, &grant, now)?;
        self.register.enter(vec![Entry::Issued(Issued::person(&identity, now))])?;
        Ok(identity)
    }
}

fn is_servers(issued: &Issued) -> bool {
    matches!(issued.holder, Holder::Server)
}
