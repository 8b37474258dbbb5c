//! The CA certificate that somebody decided to trust.

use rustls::pki_types::pem::SectionKind;
use rustls::pki_types::{CertificateDer, TrustAnchor};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::fault::CertificateFault;
use super::identity::{Fingerprint, check_validity};
use super::pem;
use super::signing::P256Key;
use super::verify::asn1_timestamp;
use crate::limits::PEER_CHAIN_BYTES_MAX;
use crate::time::Timestamp;

/// A house's CA certificate, checked to be one: CA:TRUE, path length 0,
/// keyCertSign and cRLSign, P-256, signed by itself. Its dates are judged at
/// use, because webpki ignores those of an anchor.
#[derive(Clone, Debug)]
pub struct Anchor {
    der: Vec<u8>,
    key: P256Key,
    not_before: Timestamp,
    not_after: Timestamp,
    trust: TrustAnchor<'static>,
}

impl Anchor {
    /// Takes a DER certificate if it is a house's CA.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateFault> {
        if der.len() > PEER_CHAIN_BYTES_MAX {
            return Err(CertificateFault::TooLarge);
        }
        let (rest, cert) =
            X509Certificate::from_der(der).map_err(|_| CertificateFault::Malformed)?;
        if !rest.is_empty() {
            return Err(CertificateFault::Malformed);
        }
        let key = P256Key::from_spki(cert.public_key().raw).ok_or(CertificateFault::NotACa)?;
        let self_signed = cert.subject().as_raw() == cert.issuer().as_raw()
            && cert.verify_signature(None).is_ok();
        if !self_signed || !may_issue(&cert)? {
            return Err(CertificateFault::NotACa);
        }
        let trust = webpki::anchor_from_trusted_cert(&CertificateDer::from(der))
            .map_err(|_| CertificateFault::Malformed)?
            .to_owned();
        Ok(Self {
            der: der.to_vec(),
            key,
            not_before: asn1_timestamp(cert.validity().not_before),
            not_after: asn1_timestamp(cert.validity().not_after),
            trust,
        })
    }

    /// Takes a file that holds one certificate, as PEM or DER.
    pub fn from_pem(bytes: &[u8]) -> Result<Self, CertificateFault> {
        let der =
            pem::one_or_der(bytes, SectionKind::Certificate).ok_or(CertificateFault::Malformed)?;
        Self::from_der(&der)
    }

    /// The certificate's DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate as PEM.
    pub fn to_pem(&self) -> String {
        pem::write("CERTIFICATE", &self.der).to_string()
    }

    /// SHA-256 of the DER: what a house publishes.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.der)
    }

    /// From when the certificate is valid.
    pub const fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last second in which it is valid.
    pub const fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The CA's public key.
    pub const fn key(&self) -> P256Key {
        self.key
    }

    /// Says whether the CA's own certificate is valid at `at`.
    pub fn check_time(&self, at: Timestamp) -> Result<(), CertificateFault> {
        check_validity(self.not_before, self.not_after, at).map_err(|fault| match fault {
            CertificateFault::Expired { not_after } => CertificateFault::CaExpired { not_after },
            CertificateFault::NotYetValid { not_before } => {
                CertificateFault::CaNotYetValid { not_before }
            }
            other => other,
        })
    }

    pub(super) const fn trust(&self) -> &TrustAnchor<'static> {
        &self.trust
    }
}

impl PartialEq for Anchor {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Anchor {}

/// Whether a certificate has a CA's constraints and usages, as LEDGER 3 asks.
fn may_issue(cert: &X509Certificate<'_>) -> Result<bool, CertificateFault> {
    let constraints = cert.basic_constraints().map_err(|_| CertificateFault::Malformed)?;
    let usage = cert.key_usage().map_err(|_| CertificateFault::Malformed)?;
    let issues = constraints.is_some_and(|c| c.value.ca && c.value.path_len_constraint == Some(0));
    Ok(issues && usage.is_some_and(|u| u.value.key_cert_sign() && u.value.crl_sign()))
}
