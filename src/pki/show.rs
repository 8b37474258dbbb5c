//! What a file of certificates, a request or a revocation list says, checked
//! before it is told.

use rustls::pki_types::pem::SectionKind;

use super::anchor::Anchor;
use super::credential::{Address, read_head};
use super::fault::CertificateFault;
use super::identity::{Fingerprint, Identity, Sealer, ServerIdentity, Subject};
use super::pem;
use super::request::{RequestFault, read_request};
use super::revocation::{Crl, CrlFault};
use super::verify::{claim_of, verify_person, verify_sealer, verify_server};
use crate::time::Timestamp;

/// What a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A house's CA certificate.
    Ca(Box<Anchor>),
    /// A certificate that a CA issued.
    Certificate(Box<ShownCertificate>),
    /// A revocation list.
    Crl(Crl),
    /// A request that proves its sender's key.
    Request {
        /// SHA-256 of the key's SubjectPublicKeyInfo.
        key: Fingerprint,
    },
}

/// A certificate, and the file around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownCertificate {
    /// Whose it is.
    pub bearer: Bearer,
    /// The CA that issued it.
    pub ca: Fingerprint,
    /// Why it is not good at the asked time, if it is not.
    pub fault: Option<CertificateFault>,
    /// The server that the file's first line names.
    pub address: Option<Address>,
    /// Whether the file holds a private key too.
    pub has_key: bool,
}

/// Whose a certificate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// A person's.
    Person(Identity),
    /// A sale's sealing key's.
    Sealer(Sealer),
    /// A server's.
    Server(ServerIdentity),
}

/// Why there is nothing to tell of a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShowFault {
    /// The certificate is not good at any time.
    #[error(transparent)]
    Certificate(#[from] CertificateFault),
    /// The revocation list is not good.
    #[error(transparent)]
    Crl(#[from] CrlFault),
    /// The CA's certificate is needed to check the file, and is not in it.
    #[error("the file can only be checked with the certificate of its CA")]
    NeedsCa,
    /// The file holds nothing that we know.
    #[error("the file holds no certificate, request or revocation list in PEM")]
    Nothing,
    /// The request is not good.
    #[error(transparent)]
    Request(#[from] RequestFault),
}

/// Tells what a PEM file says at `at`. A certificate or list without its CA's
/// certificate beside it is checked by `trusted`.
pub fn show(bytes: &[u8], trusted: Option<&Anchor>, at: Timestamp) -> Result<Shown, ShowFault> {
    let blocks = pem::read(bytes).ok_or(ShowFault::Nothing)?;
    let has = |kind| blocks.iter().any(|block| block.kind == kind);
    if has(SectionKind::Csr) {
        return Ok(Shown::Request { key: read_request(bytes)?.fingerprint() });
    }
    if has(SectionKind::Crl) {
        return Ok(Shown::Crl(Crl::read(bytes, trusted.ok_or(ShowFault::NeedsCa)?)?));
    }
    let certificates = blocks.iter().filter(|block| block.kind == SectionKind::Certificate);
    let certificates: Vec<&[u8]> = certificates.map(|block| block.der.as_slice()).collect();
    let (leaf, anchor) = match certificates.as_slice() {
        [] => return Err(ShowFault::Nothing),
        [one] => match Anchor::from_der(one) {
            Ok(anchor) => return Ok(Shown::Ca(Box::new(anchor))),
            Err(_) => (*one, trusted.ok_or(ShowFault::NeedsCa)?.clone()),
        },
        [leaf, ca] => (*leaf, Anchor::from_der(ca)?),
        _ => return Err(CertificateFault::ChainTooLong.into()),
    };
    // A certificate that has expired is told as it was when it began to be valid.
    let (subject, valid_from) = claim_of(leaf, &anchor)?;
    let bearer = judge(leaf, &anchor, &subject, valid_from)?;
    Ok(Shown::Certificate(Box::new(ShownCertificate {
        bearer,
        ca: anchor.fingerprint(),
        fault: judge(leaf, &anchor, &subject, at).err(),
        address: read_head(bytes).map(|(_, address)| address),
        has_key: has(SectionKind::PrivateKey),
    })))
}

fn judge(
    leaf: &[u8],
    anchor: &Anchor,
    subject: &Subject,
    at: Timestamp,
) -> Result<Bearer, CertificateFault> {
    let chain = [leaf.to_vec()];
    match subject {
        Subject::Person { house, .. } => {
            verify_person(&chain, anchor, house, at).map(Bearer::Person)
        }
        Subject::Sealer { house, sale } => {
            verify_sealer(leaf, anchor, house, sale, at).map(Bearer::Sealer)
        }
        Subject::Server { house } => verify_server(&chain, anchor, house, at).map(Bearer::Server),
    }
}
