//! Enrolments: a certificate's holder binds a bid key to a name for one sale
//! (LEDGER 3, "Enrolment").
//!
//! Both keys sign the same statement, each under its own domain, so that
//! neither signature can stand for the other:
//!
//! ```text
//! gavel/enrol/v1\n{"bid_key":"<hex>","bidder":"alice","cert":"<hex>","role":"bidder","sale_hash":"<hex>"}
//! gavel/enrol-bidkey/v1\n{"bid_key":"<hex>",..}
//! ```

use ed25519_dalek::{Signer, SigningKey};

use super::authenticated::Authenticated;
use super::statement::{BadSignature, BidKey};
use super::v1;
use crate::auction::name::{HouseName, Name, Role};
use crate::ledger::{Hash, to_canonical};
use crate::limits::CERT_BASE64_BYTES_MAX;
use crate::pki::{Anchor, CertificateFault, Identity, verify_p256, verify_person};
use crate::time::Timestamp;

/// What stands before the statement that the certificate's key signs (ECDSA P-256, SHA-256).
pub const ENROL_DOMAIN: &[u8] = b"gavel/enrol/v1\n";
/// What stands before the statement that the bid key signs (Ed25519).
pub const ENROL_BID_KEY_DOMAIN: &[u8] = b"gavel/enrol-bidkey/v1\n";

/// What both keys of an enrolment say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolmentStatement {
    /// The key that will sign bids.
    pub bid_key: BidKey,
    /// The name in the certificate.
    pub bidder: Name,
    /// SHA-256 of the leaf certificate's DER.
    pub cert: Hash,
    /// The role in the certificate.
    pub role: Role,
    /// In which sale: SHA-256 of its ledger's line 0.
    pub sale_hash: Hash,
}

impl EnrolmentStatement {
    /// The bytes that the certificate's key signs.
    pub fn certificate_message(&self) -> Vec<u8> {
        [ENROL_DOMAIN, &self.to_canonical()].concat()
    }

    /// The bytes that the bid key signs.
    pub fn bid_key_message(&self) -> Vec<u8> {
        [ENROL_BID_KEY_DOMAIN, &self.to_canonical()].concat()
    }

    /// The bid key's signature; the certificate's is made where its key is kept.
    pub fn sign(&self, key: &SigningKey) -> [u8; 64] {
        key.sign(&self.bid_key_message()).to_bytes()
    }

    /// The statement as canonical JSON.
    pub fn to_canonical(&self) -> Vec<u8> {
        to_canonical(&v1::EnrolmentStatement::from(self))
    }
}

/// A name enters the sale; nobody has checked it yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// The name, as the certificate must have it.
    pub bidder: Name,
    /// The role, as the certificate must have it.
    pub role: Role,
    /// The certificate chain's DER, leaf first, without the CA.
    pub chain: Vec<Vec<u8>>,
    /// What the enrolment rests on.
    pub evidence: EnrolmentEvidence,
}

/// What an enrolment rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnrolmentEvidence {
    /// Both keys signed the statement.
    Signed {
        /// The key that will sign bids.
        bid_key: BidKey,
        /// The bid key's signature.
        bid_sig: [u8; 64],
        /// The certificate key's signature, r and s.
        cert_sig: [u8; 64],
    },
    /// The house saw the chain on a TLS session; there is no bid key.
    Attested,
}

/// An enrolment with the identity that its certificate proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// The enrolment as it is recorded.
    pub enrolment: Enrolment,
    /// Who that is.
    pub identity: Identity,
}

/// Says what is wrong with a P-256 signature that did not verify.
fn p256_fault(signature: &[u8; 64]) -> BadSignature {
    let (r, s) = signature.split_at(32);
    if r == [0; 32] || s == [0; 32] || s > P256_LOW_S_MAX.as_slice() {
        BadSignature::Malformed
    } else {
        BadSignature::Mismatch
    }
}

/// Why an enrolment is not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EnrolmentFault {
    /// The chain does not prove anybody at that time.
    #[error("the certificate is not taken: {0}")]
    Certificate(#[from] CertificateFault),
    /// The certificate has another name or role than the enrolment.
    #[error("the certificate is of {role} {name}")]
    OtherPerson {
        /// The name in the certificate.
        name: Name,
        /// The role in the certificate.
        role: Role,
    },
    /// The bid key has not signed this enrolment.
    #[error("the bid key has not signed this enrolment: {0}")]
    BidKeySignature(#[source] BadSignature),
    /// The certificate's key has not signed this enrolment.
    #[error("the certificate's key has not signed this enrolment: {0}")]
    CertificateSignature(#[source] BadSignature),
}

impl EnrolmentFault {
    /// The kind of finding, by its name in the auditor's list.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Certificate(fault) => match fault {
                CertificateFault::Expired { .. }
                | CertificateFault::NotYetValid { .. }
                | CertificateFault::CaExpired { .. }
                | CertificateFault::CaNotYetValid { .. } => "certificate-time",
                _ => "untrusted",
            },
            Self::OtherPerson { .. } => "enrolment",
            Self::BidKeySignature(why) | Self::CertificateSignature(why) => match why {
                BadSignature::Malformed => "signature",
                BadSignature::Mismatch => "enrolment",
            },
        }
    }
}

impl EnrolmentEvidence {
    fn check(
        &self,
        statement: &EnrolmentStatement,
        identity: &Identity,
    ) -> Result<(), EnrolmentFault> {
        let Self::Signed { bid_key, bid_sig, cert_sig } = self else {
            return Ok(());
        };
        bid_key
            .verify(&statement.bid_key_message(), bid_sig)
            .map_err(EnrolmentFault::BidKeySignature)?;
        if verify_p256(&identity.public_key, &statement.certificate_message(), cert_sig) {
            Ok(())
        } else {
            Err(EnrolmentFault::CertificateSignature(p256_fault(cert_sig)))
        }
    }
}

impl Enrolment {
    /// Checks the chain at `at`, that it proves this name and role in `house`, and
    /// both signatures. What passes also fits a line of the ledger.
    pub fn authenticate(
        self,
        sale_hash: &Hash,
        anchor: &Anchor,
        house: &HouseName,
        at: Timestamp,
    ) -> Result<Authenticated<Enrolled>, EnrolmentFault> {
        if self.chain.iter().any(|der| der.len() > CERT_DER_BYTES_MAX) {
            return Err(CertificateFault::TooLarge.into());
        }
        let identity = verify_person(&self.chain, anchor, house, at)?;
        if identity.name != self.bidder || identity.role != self.role {
            return Err(EnrolmentFault::OtherPerson { name: identity.name, role: identity.role });
        }
        if let Some(statement) = self.statement(&identity, sale_hash) {
            self.evidence.check(&statement, &identity)?;
        }
        Ok(Authenticated::vouch(Enrolled { enrolment: self, identity }))
    }

    /// The bid key, unless the enrolment is attested.
    pub const fn bid_key(&self) -> Option<&BidKey> {
        match &self.evidence {
            EnrolmentEvidence::Signed { bid_key, .. } => Some(bid_key),
            EnrolmentEvidence::Attested => None,
        }
    }

    fn statement(&self, identity: &Identity, sale_hash: &Hash) -> Option<EnrolmentStatement> {
        self.bid_key().map(|bid_key| EnrolmentStatement {
            bid_key: *bid_key,
            bidder: self.bidder.clone(),
            cert: Hash::from_bytes(*identity.cert.bytes()),
            role: self.role,
            sale_hash: *sale_hash,
        })
    }
}

/// The longest certificate that a ledger line can hold in base64.
const CERT_DER_BYTES_MAX: usize = CERT_BASE64_BYTES_MAX / 4 * 3;

/// Half of P-256's order, rounded down: the greatest low s.
const P256_LOW_S_MAX: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];
