//! Judges certificates at a given time.
//!
//! webpki checks the signature, the dates, CA:FALSE and critical extensions.
//! It takes a certificate without extended key usage, ignores the anchor's
//! dates and would follow an intermediate below an anchor whose path length is
//! 0; so the rest of the profile is checked here (LEDGER 3).

use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::asn1_rs::{FromDer, Oid};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry::OID_X509_EXT_EXTENDED_KEY_USAGE;
use x509_parser::prelude::{ASN1Time, X509Certificate, X509Version};

use super::anchor::Anchor;
use super::fault::CertificateFault;
use super::identity::{Fingerprint, Identity, Sealer, Serial, ServerIdentity, Subject};
use super::signing::P256Key;
use crate::auction::name::{HouseName, SaleId, is_showable};
use crate::limits::PEER_CHAIN_BYTES_MAX;
use crate::time::Timestamp;

/// id-kp-serverAuth, 1.3.6.1.5.5.7.3.1.
const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
/// id-kp-clientAuth, 1.3.6.1.5.5.7.3.2.
const CLIENT_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];
/// Sealing a sale's ledger, 2.25.566998788829889311.
const SEALING: &[u8] = &[0x69, 0x87, 0xef, 0x98, 0xcc, 0xcf, 0xa2, 0xa1, 0x86, 0x1f];
/// The mark of a key that the house made, 2.25.566998788829889311.1; its value is NULL.
const HOUSE_MADE_KEY: &[u8] = &[0x69, 0x87, 0xef, 0x98, 0xcc, 0xcf, 0xa2, 0xa1, 0x86, 0x1f, 0x01];
/// SubjectPublicKeyInfo of an Ed25519 key, up to the key itself (RFC 8410).
const ED25519_SPKI_PREFIX: &[u8] =
    &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Judges a person's chain, leaf first, at `at`.
pub fn verify_person(
    chain: &[Vec<u8>],
    anchor: &Anchor,
    house: &HouseName,
    at: Timestamp,
) -> Result<Identity, CertificateFault> {
    let leaf = Leaf::check(chain, anchor, CLIENT_AUTH, at)?;
    let Subject::Person { house: own, role, name } = leaf.subject(house)? else {
        return Err(CertificateFault::OtherUsage);
    };
    let public_key = leaf.p256_key()?;
    Ok(Identity {
        house: own,
        name,
        role,
        not_before: leaf.not_before(),
        not_after: leaf.not_after(),
        cert: leaf.fingerprint(),
        key: public_key.fingerprint(),
        public_key,
        house_made_key: leaf.has_house_made_key(),
        chain: chain.to_vec(),
        serial: leaf.serial,
    })
}

/// Judges a server's chain, leaf first, at `at`: by the house in its URI,
/// whatever address or name it was reached under.
pub fn verify_server(
    chain: &[Vec<u8>],
    anchor: &Anchor,
    house: &HouseName,
    at: Timestamp,
) -> Result<ServerIdentity, CertificateFault> {
    let leaf = Leaf::check(chain, anchor, SERVER_AUTH, at)?;
    let Subject::Server { house: own } = leaf.subject(house)? else {
        return Err(CertificateFault::OtherUsage);
    };
    Ok(ServerIdentity {
        house: own,
        key: leaf.p256_key()?,
        not_before: leaf.not_before(),
        not_after: leaf.not_after(),
        cert: leaf.fingerprint(),
        serial: leaf.serial,
    })
}

/// Judges the certificate of a sale's sealing key at `at`.
pub fn verify_sealer(
    der: &[u8],
    anchor: &Anchor,
    house: &HouseName,
    sale: &SaleId,
    at: Timestamp,
) -> Result<Sealer, CertificateFault> {
    let chain = [der.to_vec()];
    let leaf = Leaf::check(&chain, anchor, SEALING, at)?;
    let Subject::Sealer { house: own, sale: sealed } = leaf.subject(house)? else {
        return Err(CertificateFault::OtherUsage);
    };
    if sealed != *sale {
        return Err(CertificateFault::OtherSale { sale: sealed });
    }
    Ok(Sealer {
        house: own,
        sale: sealed,
        key: leaf.ed25519_key()?,
        not_before: leaf.not_before(),
        not_after: leaf.not_after(),
        cert: leaf.fingerprint(),
        serial: leaf.serial,
    })
}

/// Judges the certificate of a sale's sealing key without a time, for what has none: at the first
/// moment at which both it and its CA were valid.
pub fn verify_sealer_ever(
    der: &[u8],
    anchor: &Anchor,
    house: &HouseName,
    sale: &SaleId,
) -> Result<Sealer, CertificateFault> {
    let (_, valid_from) = claim_of(der, anchor)?;
    verify_sealer(der, anchor, house, sale, valid_from)
}

/// The Ed25519 key in a certificate, whoever issued it and whatever it is for; none if it has
/// another key or is none.
pub fn ed25519_key_in(der: &[u8]) -> Option<[u8; 32]> {
    let cert = parse(der).ok()?;
    cert.public_key().raw.strip_prefix(ED25519_SPKI_PREFIX)?.try_into().ok()
}

/// What a certificate says that it is, and from when both it and its CA are valid: it can be the
/// older one, if a clock was put back in between. Nobody's word is checked.
pub(super) fn claim_of(
    der: &[u8],
    anchor: &Anchor,
) -> Result<(Subject, Timestamp), CertificateFault> {
    let cert = parse(der)?;
    let not_before = asn1_timestamp(cert.validity().not_before);
    Ok((Subject::parse(only_uri(&cert)?)?, not_before.max(anchor.not_before())))
}

/// A leaf that the anchor issued, valid and of the asked usage; its name is still to be read.
struct Leaf<'a> {
    cert: X509Certificate<'a>,
    serial: Serial,
}

impl<'a> Leaf<'a> {
    fn check(
        chain: &'a [Vec<u8>],
        anchor: &Anchor,
        usage: &'static [u8],
        at: Timestamp,
    ) -> Result<Self, CertificateFault> {
        let (der, above) = chain.split_first().ok_or(CertificateFault::NoCertificate)?;
        if chain.iter().map(Vec::len).sum::<usize>() > PEER_CHAIN_BYTES_MAX {
            return Err(CertificateFault::TooLarge);
        }
        anchor.check_time(at)?;
        check_above(above, anchor)?;
        let cert = parse(der)?;
        check_path(der, anchor, usage, at).map_err(|error| path_fault(&error, &cert, usage))?;
        check_profile(&cert, usage)?;
        let serial =
            Serial::from_der_integer(cert.raw_serial()).ok_or(CertificateFault::Malformed)?;
        Ok(Self { cert, serial })
    }

    /// What the one URI names, if it is of `house`.
    fn subject(&self, house: &HouseName) -> Result<Subject, CertificateFault> {
        let subject = Subject::parse(only_uri(&self.cert)?)?;
        if subject.house() == house {
            Ok(subject)
        } else {
            Err(CertificateFault::OtherHouse { house: subject.house().clone() })
        }
    }

    fn p256_key(&self) -> Result<P256Key, CertificateFault> {
        P256Key::from_spki(self.cert.public_key().raw).ok_or(CertificateFault::WrongKey)
    }

    fn ed25519_key(&self) -> Result<[u8; 32], CertificateFault> {
        let key = self.cert.public_key().raw.strip_prefix(ED25519_SPKI_PREFIX);
        key.and_then(|key| key.try_into().ok()).ok_or(CertificateFault::WrongKey)
    }

    fn has_house_made_key(&self) -> bool {
        self.cert.extensions().iter().any(|ext| ext.oid.as_bytes() == HOUSE_MADE_KEY)
    }

    fn not_before(&self) -> Timestamp {
        asn1_timestamp(self.cert.validity().not_before)
    }

    fn not_after(&self) -> Timestamp {
        asn1_timestamp(self.cert.validity().not_after)
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.cert.as_raw())
    }
}

/// Only the CA itself may follow the leaf; it may be left out.
fn check_above(above: &[Vec<u8>], anchor: &Anchor) -> Result<(), CertificateFault> {
    match above {
        [] => Ok(()),
        [ca] if ca == anchor.der() => Ok(()),
        [other] => {
            let other = parse(other)?;
            if other.subject().as_raw() == other.issuer().as_raw() {
                Err(CertificateFault::UntrustedCa)
            } else {
                Err(CertificateFault::ChainTooLong)
            }
        }
        _ => Err(CertificateFault::ChainTooLong),
    }
}

fn check_path(
    der: &[u8],
    anchor: &Anchor,
    usage: &'static [u8],
    at: Timestamp,
) -> Result<(), webpki::Error> {
    let der = CertificateDer::from(der);
    EndEntityCert::try_from(&der)?
        .verify_for_usage(
            &[webpki::aws_lc_rs::ECDSA_P256_SHA256],
            std::slice::from_ref(anchor.trust()),
            &[],
            UnixTime::since_unix_epoch(std::time::Duration::from_secs(at.unix_s())),
            KeyUsage::required(usage),
            None,
            None,
        )
        .map(|_| ())
}

/// Names webpki's refusal in our words.
fn path_fault(
    error: &webpki::Error,
    cert: &X509Certificate<'_>,
    usage: &'static [u8],
) -> CertificateFault {
    use webpki::Error;
    match error {
        Error::CertExpired { .. } | Error::InvalidCertValidity => {
            CertificateFault::Expired { not_after: asn1_timestamp(cert.validity().not_after) }
        }
        Error::CertNotValidYet { .. } => {
            CertificateFault::NotYetValid { not_before: asn1_timestamp(cert.validity().not_before) }
        }
        Error::CaUsedAsEndEntity => CertificateFault::NotALeaf,
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => {
            check_usage(cert, usage).err().unwrap_or(CertificateFault::OtherUsage)
        }
        Error::UnknownIssuer
        | Error::InvalidSignatureForPublicKey
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            CertificateFault::UntrustedCa
        }
        Error::UnsupportedCriticalExtension
        | Error::UnsupportedCertVersion
        | Error::UnsupportedSignatureAlgorithmContext(_) => CertificateFault::Unsupported,
        _ => CertificateFault::Malformed,
    }
}

/// What webpki does not ask: CA:FALSE said aloud, exactly one usage, a subject fit to be shown.
fn check_profile(cert: &X509Certificate<'_>, usage: &'static [u8]) -> Result<(), CertificateFault> {
    if cert.version() != X509Version::V3 {
        return Err(CertificateFault::Unsupported);
    }
    let constraints = cert.basic_constraints().map_err(|_| CertificateFault::Malformed)?;
    if constraints.is_none_or(|constraints| constraints.value.ca) {
        return Err(CertificateFault::NotALeaf);
    }
    check_usage(cert, usage)?;
    let showable = |text: &str| text.chars().all(is_showable);
    let mut attributes = cert.subject().iter_attributes();
    if attributes.all(|attribute| attribute.as_str().is_ok_and(showable)) {
        Ok(())
    } else {
        Err(CertificateFault::Unshowable)
    }
}

/// x509-parser forgets repeated usages, so they are counted in the extension's own bytes.
fn check_usage(cert: &X509Certificate<'_>, usage: &'static [u8]) -> Result<(), CertificateFault> {
    let extension = cert
        .get_extension_unique(&OID_X509_EXT_EXTENDED_KEY_USAGE)
        .map_err(|_| CertificateFault::Malformed)?
        .ok_or(CertificateFault::NoUsage)?;
    let (rest, usages) =
        <Vec<Oid<'_>>>::from_der(extension.value).map_err(|_| CertificateFault::Malformed)?;
    match usages.as_slice() {
        _ if !rest.is_empty() => Err(CertificateFault::Malformed),
        [] => Err(CertificateFault::NoUsage),
        [only] if only.as_bytes() == usage => Ok(()),
        [_] => Err(CertificateFault::OtherUsage),
        _ => Err(CertificateFault::SeveralUsages),
    }
}

fn only_uri<'a>(cert: &'a X509Certificate<'_>) -> Result<&'a str, CertificateFault> {
    let names = cert.subject_alternative_name().map_err(|_| CertificateFault::Malformed)?;
    let names = names.map_or(&[][..], |extension| &extension.value.general_names);
    let mut uris = names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    match (uris.next(), uris.next()) {
        (None, _) => Err(CertificateFault::NoUri),
        (Some(uri), None) => Ok(uri),
        (Some(_), Some(_)) => Err(CertificateFault::SeveralUris),
    }
}

fn parse(der: &[u8]) -> Result<X509Certificate<'_>, CertificateFault> {
    let (rest, cert) = X509Certificate::from_der(der).map_err(|_| CertificateFault::Malformed)?;
    let readable = |ext: &ParsedExtension<'_>| !matches!(ext, ParsedExtension::ParseError { .. });
    if rest.is_empty() && cert.extensions().iter().all(|ext| readable(ext.parsed_extension())) {
        Ok(cert)
    } else {
        Err(CertificateFault::Malformed)
    }
}

/// A certificate's time; what lies before 1970 is taken as 1970.
pub(super) fn asn1_timestamp(time: ASN1Time) -> Timestamp {
    u64::try_from(time.timestamp())
        .ok()
        .and_then(|seconds| Timestamp::from_unix_ms(seconds.saturating_mul(1000)))
        .unwrap_or(Timestamp::ZERO)
}
