//! On the holder's own machine: a key and a request for it, and the house's
//! answer joined to the key. The key never leaves.

use std::path::{Path, PathBuf};

use super::credential::{Answer, Credential, CredentialFault, key_of};
use super::identity::{Fingerprint, Identity};
use super::keys::{self, KeyFault};
use super::request::{RequestFault, make_request};
use super::signing::{P256Secret, SigningFault};
use crate::auction::name::Name;
use crate::limits::CREDENTIAL_FILE_BYTES_MAX;
use crate::time::Timestamp;

/// Why a request cannot be made or an answer not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HolderFault {
    /// The answer is not good, or the credential in a file.
    #[error("{}: {source}", keys::shown(.path))]
    Credential {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: CredentialFault,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] KeyFault),
    /// A file stands where the credential is to be, and it is none.
    #[error("{} is no credential whose key could be used again: {source}", keys::shown(.path))]
    InTheWay {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: CredentialFault,
    },
    /// The key cannot be made.
    #[error(transparent)]
    Key(#[from] SigningFault),
    /// No key in the folder is the one that the answer certifies.
    #[error("no key in {} is the one that the answer certifies (fingerprint {key})", keys::shown(.folder))]
    NoKey {
        /// The folder that was looked through.
        folder: PathBuf,
        /// SHA-256 of the certified key.
        key: Fingerprint,
    },
    /// The request cannot be made.
    #[error(transparent)]
    Request(#[from] RequestFault),
}

/// A request, ready for the house.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requested {
    /// The request, which goes to the house.
    pub request: PathBuf,
    /// The key, which stays; the credential if that has it already.
    pub key: PathBuf,
    /// SHA-256 of the key's SubjectPublicKeyInfo, to be compared by telephone or in person.
    pub fingerprint: Fingerprint,
    /// Whether the key was there before.
    pub key_was_there: bool,
}

/// Writes `<name>.request.pem` in `folder`, for the key in `<name>.key` or, to renew it, in the
/// credential `<name>.pem`; where neither is there, a key is made.
pub fn request(folder: &Path, name: &Name) -> Result<Requested, HolderFault> {
    let (key, credential) =
        (folder.join(format!("{name}.key")), folder.join(format!("{name}.pem")));
    let (has_key, has_credential) = (keys::is_there(&key)?, keys::is_there(&credential)?);
    let (key, secret) = match (has_key, has_credential) {
        (true, _) => (key.clone(), read_key(&key)?),
        (false, true) => {
            let (_, secret) = read_credential(&credential)?;
            (credential, secret)
        }
        (false, false) => {
            let made = P256Secret::generate()?;
            keys::create(&key, keys::seal_key(made.pkcs8(), None)?.as_bytes())?;
            (key, made)
        }
    };
    let request = folder.join(format!("{name}.request.pem"));
    keys::replace(&request, make_request(name, &secret)?.as_bytes())?;
    let fingerprint = secret.public_key().fingerprint();
    Ok(Requested { request, key, fingerprint, key_was_there: has_key || has_credential })
}

/// An answer that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The credential.
    pub path: PathBuf,
    /// Who its holder is.
    pub identity: Identity,
    /// The CA's fingerprint, to be compared with what the house publishes.
    pub ca: Fingerprint,
    /// Whether the credential was complete before.
    pub was_complete: bool,
}

/// Joins the house's answer with the key in `folder` that it certifies, as
/// `<name>.pem`, and erases the key's own file.
///
/// A credential of another key is never overwritten: its key may have bid. Nor is one of another
/// house: the same key may have been certified by both.
pub fn accept(answer: &Path, folder: &Path, now: Timestamp) -> Result<Accepted, HolderFault> {
    let bytes = keys::read_public(answer, CREDENTIAL_FILE_BYTES_MAX)?;
    let fault = |source| HolderFault::Credential { path: answer.to_owned(), source };
    let parsed = Answer::read(&bytes).map_err(fault)?;
    let identity = parsed.check(now).map_err(|source| fault(source.into()))?;
    let path = folder.join(format!("{}.pem", identity.name));
    let ca = parsed.anchor.fingerprint();
    let (key_path, secret) = if keys::is_there(&path)? {
        let (held, secret) = read_credential(&path)?;
        if held.leaf == identity.leaf() {
            return Ok(Accepted { path, identity, ca, was_complete: true });
        }
        if secret.public_key() != identity.public_key || held.anchor != parsed.anchor {
            return Err(KeyFault::Exists { path }.into());
        }
        (path.clone(), secret)
    } else {
        find_key(folder, &identity)?
    };
    let credential = Credential::join(parsed, secret, now).map_err(fault)?;
    keys::replace(&path, credential.to_pem().as_bytes())?;
    if key_path != path {
        keys::erase(&key_path)?;
    }
    Ok(Accepted { path, identity, ca, was_complete: false })
}

/// The key that a certificate is for: in `<name>.key`, else in any `.key` file of the folder,
/// since the house may have certified another name than was asked for.
fn find_key(folder: &Path, identity: &Identity) -> Result<(PathBuf, P256Secret), HolderFault> {
    let own = folder.join(format!("{}.key", identity.name));
    if keys::is_there(&own)? {
        let secret = read_key(&own)?;
        if secret.public_key() == identity.public_key {
            return Ok((own, secret));
        }
    }
    // Files that cannot be read are other programs' keys.
    keys::files_with_extension(folder, "key")?
        .into_iter()
        .filter_map(|path| read_key(&path).ok().map(|secret| (path, secret)))
        .find(|(_, secret)| secret.public_key() == identity.public_key)
        .ok_or_else(|| HolderFault::NoKey { folder: folder.to_owned(), key: identity.key })
}

fn read_key(path: &Path) -> Result<P256Secret, HolderFault> {
    let text = keys::read_secret(path, CREDENTIAL_FILE_BYTES_MAX)?;
    Ok(P256Secret::from_pkcs8(&keys::open_key(path, &text, None)?)?)
}

/// Certificates and key of a credential, without judging them.
fn read_credential(path: &Path) -> Result<(Answer, P256Secret), HolderFault> {
    let bytes = keys::read_secret(path, CREDENTIAL_FILE_BYTES_MAX)?;
    let read = || {
        let key = key_of(&bytes)?.ok_or(CredentialFault::NoKey)?;
        Ok((Answer::read(&bytes)?, P256Secret::from_pkcs8(&key)?))
    };
    read().map_err(|source| HolderFault::InTheWay { path: path.to_owned(), source })
}
