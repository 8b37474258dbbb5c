//! A house's CA: makes certificates of the four profiles, and revocation lists.
//!
//! | certificate | key | usage | the one URI | valid for |
//! |---|---|---|---|---|
//! | CA | P-256 | CA:TRUE, path length 0, keyCertSign, cRLSign | - | 10 years |
//! | server | P-256 | serverAuth | `gavel://<house>/server` | 90 days |
//! | person | P-256 | clientAuth | `gavel://<house>/<role>/<name>` | 90 days at most |
//! | sealer | Ed25519 | 2.25.566998788829889311 | `gavel://<house>/sealer/<sale>` | 1 year |
//!
//! All begin to be valid 24 hours before they are made, for laptops whose
//! clocks are wrong. What is made is judged by `verify` before it is given
//! away. Which certificates exist is the register's affair.

use std::net::IpAddr;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, PublicKeyData, RevokedCertParams, SanType, SerialNumber, SignatureAlgorithm,
    date_time_ymd,
};
use rustls::pki_types::PrivatePkcs8KeyDer;

use super::anchor::Anchor;
use super::fault::CertificateFault;
use super::identity::{Identity, Sealer, ServerIdentity, Subject};
use super::pem;
use super::revocation::{CrlEntry, RevocationReason};
use super::signing::{P256Key, P256Secret, SigningFault};
use super::verify::{verify_person, verify_sealer, verify_server};
use crate::auction::name::{HouseName, Name, Role, SaleId};
use crate::time::{Span, Timestamp};

const DAY: Span = Span::from_s(24 * 3600);
/// How long before its making a certificate begins to be valid.
const BACKDATED: Span = DAY;
const CA_LIFETIME: Span = Span::from_s(3652 * 24 * 3600);
const SERVER_LIFETIME: Span = Span::from_s(90 * 24 * 3600);
const SEALER_LIFETIME: Span = Span::from_s(365 * 24 * 3600);
/// The longest life of a person's certificate.
pub const PERSON_LIFETIME_MAX: Span = Span::from_s(90 * 24 * 3600);
/// How long after a revocation list the next one is due.
pub const CRL_LIFETIME: Span = Span::from_s(30 * 24 * 3600);

const SEALING: &[u64] = &[2, 25, 566_998_788_829_889_311];
const HOUSE_MADE_KEY: &[u64] = &[2, 25, 566_998_788_829_889_311, 1];
const DER_NULL: &[u8] = &[5, 0];
/// The last second that a certificate can name (RFC 5280, section 4.1.2.5).
const LAST_SECOND: u64 = 253_402_300_799;

/// Why a certificate or list cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CaFault {
    /// The key is not the one of the CA's certificate.
    #[error("the key is not that of the CA's certificate")]
    KeyMismatch,
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] SigningFault),
    /// A person's certificate may not live that long.
    #[error("a person's certificate is valid for 1 to 90 days")]
    Lifetime,
    /// What was made is not good, as when the CA has expired.
    #[error(transparent)]
    Unusable(#[from] CertificateFault),
    /// The library refuses.
    #[error("the certificate cannot be made")]
    Unwritable(#[from] rcgen::Error),
}

/// Whether a person's key was made by themselves or at the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyMaker {
    /// At the house, which could have kept a copy; the certificate says so.
    House,
    /// By the holder, who alone has it.
    Holder,
}

impl KeyMaker {
    /// The maker's name in the register.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::House => "house",
            Self::Holder => "holder",
        }
    }

    /// Takes a maker's name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::House, Self::Holder].into_iter().find(|maker| maker.as_str() == text)
    }
}

/// What the house grants to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Their name.
    pub name: Name,
    /// What they may do.
    pub role: Role,
    /// Who made their key.
    pub maker: KeyMaker,
    /// For how long, 1 to 90 days.
    pub lifetime: Span,
}

/// A house's CA with its key.
#[derive(Debug)]
pub struct Ca {
    anchor: Anchor,
    house: HouseName,
    issuer: Issuer<'static, KeyPair>,
}

impl Ca {
    /// Makes a new CA for `house`.
    pub fn create(house: HouseName, now: Timestamp) -> Result<Self, CaFault> {
        let secret = P256Secret::generate()?;
        let key = key_pair(&secret)?;
        let mut params = dated(now, now.plus(CA_LIFETIME))?;
        params.distinguished_name = ca_name(&house);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let anchor = Anchor::from_der(params.self_signed(&key)?.der())?;
        Self::open(house, anchor, secret.pkcs8())
    }

    /// Joins a CA's certificate with its key.
    pub fn open(house: HouseName, anchor: Anchor, pkcs8: &[u8]) -> Result<Self, CaFault> {
        let secret = P256Secret::from_pkcs8(pkcs8)?;
        if secret.public_key() != anchor.key() {
            return Err(CaFault::KeyMismatch);
        }
        let mut params = CertificateParams::default();
        params.distinguished_name = ca_name(&house);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self { issuer: Issuer::new(params, key_pair(&secret)?), anchor, house })
    }

    /// The CA's certificate.
    pub const fn anchor(&self) -> &Anchor {
        &self.anchor
    }

    /// The house.
    pub const fn house(&self) -> &HouseName {
        &self.house
    }

    /// The private key as PKCS#8 DER.
    pub(super) fn pkcs8(&self) -> &[u8] {
        self.issuer.key().serialized_der()
    }

    /// Certifies a person's key under a name and a role.
    pub fn certify_person(
        &self,
        key: &P256Key,
        grant: &Grant,
        now: Timestamp,
    ) -> Result<Identity, CaFault> {
        if grant.lifetime < DAY || grant.lifetime > PERSON_LIFETIME_MAX {
            return Err(CaFault::Lifetime);
        }
        let (house, name) = (self.house.clone(), grant.name.clone());
        let mut params = self.leaf(name.as_str(), grant.lifetime, now)?;
        params.subject_alt_names = vec![uri(&Subject::Person { house, role: grant.role, name })?];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        match grant.maker {
            KeyMaker::Holder => {}
            KeyMaker::House => params
                .custom_extensions
                .push(CustomExtension::from_oid_content(HOUSE_MADE_KEY, DER_NULL.to_vec())),
        }
        let der = self.sign(&params, &Certified::p256(key))?;
        Ok(verify_person(&[der], &self.anchor, &self.house, now)?)
    }

    /// Certifies a server's key. The names are for other programs; ours go by the URI.
    pub fn certify_server(
        &self,
        key: &P256Key,
        names: &[&str],
        now: Timestamp,
    ) -> Result<(Vec<u8>, ServerIdentity), CaFault> {
        let mut params = self.leaf("gavel server", SERVER_LIFETIME, now)?;
        params.subject_alt_names = vec![uri(&Subject::Server { house: self.house.clone() })?];
        for name in names {
            params.subject_alt_names.push(match name.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName((*name).try_into()?),
            });
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let chain = [self.sign(&params, &Certified::p256(key))?];
        let identity = verify_server(&chain, &self.anchor, &self.house, now)?;
        let [der] = chain;
        Ok((der, identity))
    }

    /// Certifies the Ed25519 key that will seal one sale.
    pub fn certify_sealer(
        &self,
        key: &[u8; 32],
        sale: &SaleId,
        now: Timestamp,
    ) -> Result<(Vec<u8>, Sealer), CaFault> {
        let mut params = self.leaf("gavel sealer", SEALER_LIFETIME, now)?;
        let subject = Subject::Sealer { house: self.house.clone(), sale: sale.clone() };
        params.subject_alt_names = vec![uri(&subject)?];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(SEALING.to_vec())];
        let der = self.sign(&params, &Certified { algorithm: &rcgen::PKCS_ED25519, key })?;
        let sealer = verify_sealer(&der, &self.anchor, &self.house, sale, now)?;
        Ok((der, sealer))
    }

    /// Signs the list of revoked certificates, as PEM.
    pub fn sign_crl(
        &self,
        number: u64,
        entries: &[CrlEntry],
        now: Timestamp,
    ) -> Result<String, CaFault> {
        let epoch = date_time_ymd(1970, 1, 1);
        let params = CertificateRevocationListParams {
            this_update: epoch + since_1970(now),
            next_update: epoch + since_1970(now.plus(CRL_LIFETIME)),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: entries.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = params.signed_by(&self.issuer)?;
        Ok(pem::write("X509 CRL", list.der()).to_string())
    }

    /// What all leaves have in common. None outlives the CA.
    fn leaf(
        &self,
        common_name: &str,
        lifetime: Span,
        now: Timestamp,
    ) -> Result<CertificateParams, CaFault> {
        let mut params = dated(now, now.plus(lifetime).min(self.anchor.not_after()))?;
        params.distinguished_name = name(&self.house, common_name);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        Ok(params)
    }

    fn sign(&self, params: &CertificateParams, key: &Certified<'_>) -> Result<Vec<u8>, CaFault> {
        Ok(params.signed_by(key, &self.issuer)?.der().to_vec())
    }
}

/// A public key as rcgen takes it.
struct Certified<'a> {
    algorithm: &'static SignatureAlgorithm,
    key: &'a [u8],
}

impl<'a> Certified<'a> {
    fn p256(key: &'a P256Key) -> Self {
        Self { algorithm: &rcgen::PKCS_ECDSA_P256_SHA256, key: key.point() }
    }
}

impl PublicKeyData for Certified<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.key
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

fn dated(now: Timestamp, not_after: Timestamp) -> Result<CertificateParams, CaFault> {
    let epoch = date_time_ymd(1970, 1, 1);
    let mut params = CertificateParams::default();
    let begin = now.unix_ms().saturating_sub(BACKDATED.ms());
    params.not_before =
        epoch + since_1970(Timestamp::from_unix_ms(begin).unwrap_or(Timestamp::ZERO));
    params.not_after = epoch + since_1970(not_after);
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).map_err(|_| SigningFault::Randomness)?;
    serial[0] &= 0x7f;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

/// The time since 1970; later ones than a certificate can name become the last.
fn since_1970(at: Timestamp) -> Duration {
    Duration::from_secs(at.unix_s().min(LAST_SECOND))
}

fn name(house: &HouseName, common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, house.as_str());
    name.push(DnType::CommonName, common_name);
    name
}

fn ca_name(house: &HouseName) -> DistinguishedName {
    name(house, "gavel CA")
}

fn uri(subject: &Subject) -> Result<SanType, CaFault> {
    Ok(SanType::URI(subject.to_string().try_into()?))
}

fn key_pair(secret: &P256Secret) -> Result<KeyPair, CaFault> {
    Ok(KeyPair::try_from(&PrivatePkcs8KeyDer::from(secret.pkcs8()))?)
}

fn revoked(entry: &CrlEntry) -> RevokedCertParams {
    let reason = match entry.reason {
        RevocationReason::AffiliationChanged => rcgen::RevocationReason::AffiliationChanged,
        RevocationReason::CessationOfOperation => rcgen::RevocationReason::CessationOfOperation,
        RevocationReason::KeyCompromise => rcgen::RevocationReason::KeyCompromise,
        RevocationReason::PrivilegeWithdrawn => rcgen::RevocationReason::PrivilegeWithdrawn,
        RevocationReason::Superseded => rcgen::RevocationReason::Superseded,
        // RFC 5280 wants this reason left out rather than written.
        RevocationReason::Unspecified => rcgen::RevocationReason::Unspecified,
    };
    RevokedCertParams {
        serial_number: SerialNumber::from_slice(&entry.serial.bytes()),
        revocation_time: date_time_ymd(1970, 1, 1) + since_1970(entry.revoked_at),
        reason_code: Some(reason),
        invalidity_date: None,
    }
}
