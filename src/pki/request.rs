//! Certificate requests (PKCS#10, RFC 2986): only their public key is taken.
//!
//! A request may ask for any name, usage or extension; the house decides those
//! itself. It must prove that its sender holds the key, which must be P-256.

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::SectionKind;
use x509_parser::prelude::{FromDer, X509CertificationRequest};

use super::pem;
use super::signing::{P256Key, P256Secret};
use crate::auction::name::Name;
use crate::limits::PEER_CHAIN_BYTES_MAX;

/// Why a request is not taken, or cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestFault {
    /// The bytes are no request.
    #[error("this is not a certificate request")]
    Malformed,
    /// The request is not signed by the key in it.
    #[error("the request does not prove that its sender holds the key")]
    NoProof,
    /// The request cannot be written.
    #[error("the request cannot be made")]
    Unwritable(#[source] rcgen::Error),
    /// The key is not P-256.
    #[error("the request's key is not P-256; make it with `gavel pki request`")]
    WrongKey,
}

/// Writes a request for `secret` as PEM. The name in it is for human readers.
pub fn make_request(name: &Name, secret: &P256Secret) -> Result<String, RequestFault> {
    let write = || {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name.as_str());
        let key = KeyPair::try_from(&PrivatePkcs8KeyDer::from(secret.pkcs8()))?;
        params.serialize_request(&key)?.pem()
    };
    write().map_err(RequestFault::Unwritable)
}

/// Takes the public key of a PEM or DER request, after checking that its sender holds it.
pub fn read_request(bytes: &[u8]) -> Result<P256Key, RequestFault> {
    let der = pem::one_or_der(bytes, SectionKind::Csr).ok_or(RequestFault::Malformed)?;
    if der.len() > PEER_CHAIN_BYTES_MAX {
        return Err(RequestFault::Malformed);
    }
    let (rest, request) =
        X509CertificationRequest::from_der(&der).map_err(|_| RequestFault::Malformed)?;
    if !rest.is_empty() {
        return Err(RequestFault::Malformed);
    }
    let key = P256Key::from_spki(request.certification_request_info.subject_pki.raw)
        .ok_or(RequestFault::WrongKey)?;
    request.verify_signature().map_err(|_| RequestFault::NoProof)?;
    Ok(key)
}

/// The name that a request asks for, if it is one that a house could give. It gives its sender
/// no right to it, but tells requests apart that were mixed up.
pub(super) fn asked_name(bytes: &[u8]) -> Option<Name> {
    let der = pem::one_or_der(bytes, SectionKind::Csr)?;
    let (_, request) = X509CertificationRequest::from_der(&der).ok()?;
    let name = request.certification_request_info.subject.iter_common_name().next()?.as_str();
    Name::parse(name.ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_gives_its_key_and_nothing_else() {
        let secret = P256Secret::generate().expect("randomness");
        let name = Name::parse("alice").expect("a name");
        let request = make_request(&name, &secret).expect("writes");
        assert_eq!(read_request(request.as_bytes()), Ok(secret.public_key()));
        assert_eq!(asked_name(request.as_bytes()), Some(name));
        assert_eq!(asked_name(b"junk"), None);
    }

    #[test]
    fn a_request_may_ask_for_anything() {
        let key = KeyPair::generate().expect("randomness");
        let mut params = CertificateParams::new(vec!["evil.example".into()]).expect("a name");
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.custom_extensions =
            vec![rcgen::CustomExtension::from_oid_content(&[1, 2, 3], vec![5, 0])];
        let request = params.serialize_request(&key).expect("writes").pem().expect("writes");
        let taken = read_request(request.as_bytes()).expect("takes the key");
        assert_eq!(taken.point()[..], *key.public_key_raw());
    }

    #[test]
    fn requests_without_proof_or_with_another_key_are_refused() {
        let secret = P256Secret::generate().expect("randomness");
        let name = Name::parse("alice").expect("a name");
        let request = make_request(&name, &secret).expect("writes");
        let mut der = pem::one_or_der(request.as_bytes(), SectionKind::Csr).expect("reads");
        let last = der.len() - 1;
        der[last] ^= 1;
        assert_eq!(read_request(&der), Err(RequestFault::NoProof));
        for algorithm in [&rcgen::PKCS_ED25519, &rcgen::PKCS_ECDSA_P384_SHA384] {
            let key = KeyPair::generate_for(algorithm).expect("randomness");
            let request = CertificateParams::default().serialize_request(&key).expect("writes");
            assert_eq!(read_request(request.der()), Err(RequestFault::WrongKey));
        }
        for junk in [&b""[..], b"junk", &der[..40], &[0x30; 100]] {
            assert_eq!(read_request(junk), Err(RequestFault::Malformed));
        }
    }
}
