//! Why a certificate is not taken.
//!
//! No text of a certificate stands in these messages, except names that were
//! parsed by `auction::name`: whatever a stranger writes into a certificate
//! must not reach a log or a terminal.

use crate::auction::name::{HouseName, SaleId};
use crate::time::Timestamp;

/// Why a certificate is not taken; each reason of its own, for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// The name in the URI is none that this house could have given.
    #[error("the certificate's URI is not of the form gavel://<house>/<role>/<name>")]
    BadName,
    /// The CA's own certificate has expired.
    #[error("the house's CA certificate expired at {not_after}")]
    CaExpired {
        /// The last second in which it was valid.
        not_after: Timestamp,
    },
    /// The CA's own certificate is not yet valid.
    #[error("the house's CA certificate is not valid before {not_before}")]
    CaNotYetValid {
        /// From when it is valid.
        not_before: Timestamp,
    },
    /// More certificates than a leaf and the CA that issued it.
    #[error("the certificate chain is too long: only the house's CA itself issues certificates")]
    ChainTooLong,
    /// The certificate has expired.
    #[error("the certificate expired at {not_after}")]
    Expired {
        /// The last second in which it was valid.
        not_after: Timestamp,
    },
    /// The bytes are no certificate, or not in the one encoding.
    #[error("the certificate cannot be read")]
    Malformed,
    /// No certificate was presented.
    #[error("no certificate was presented")]
    NoCertificate,
    /// The certificate has no extended key usage.
    #[error("the certificate has no extended key usage")]
    NoUsage,
    /// The certificate has no URI.
    #[error("the certificate has no URI and so names nobody")]
    NoUri,
    /// The given CA certificate is no CA certificate of a house.
    #[error("this is not the certificate of a house's CA")]
    NotACa,
    /// A CA certificate, or one that does not say that it is none, was used as a leaf.
    #[error("the certificate does not say that it is no CA")]
    NotALeaf,
    /// The certificate is not yet valid.
    #[error("the certificate is not valid before {not_before}")]
    NotYetValid {
        /// From when it is valid.
        not_before: Timestamp,
    },
    /// The certificate is of another house.
    #[error("the certificate is of another house, {house}")]
    OtherHouse {
        /// Which.
        house: HouseName,
    },
    /// The sealing certificate is of another sale.
    #[error("the certificate is of another sale, {sale}")]
    OtherSale {
        /// Which.
        sale: SaleId,
    },
    /// The certificate was made for something else, as by its usage or its URI.
    #[error("the certificate was made for another use")]
    OtherUsage,
    /// The certificate is revoked.
    #[error("the certificate is revoked")]
    Revoked,
    /// The certificate has more than one URI.
    #[error("the certificate has more than one URI")]
    SeveralUris,
    /// The certificate has more than one extended key usage.
    #[error("the certificate has more than one extended key usage")]
    SeveralUsages,
    /// The chain is larger than [`crate::limits::PEER_CHAIN_BYTES_MAX`].
    #[error("the certificate chain is too large")]
    TooLarge,
    /// The subject holds characters that would disturb a terminal.
    #[error("the certificate's subject holds characters that cannot be shown")]
    Unshowable,
    /// The certificate asks for something that this version does not know.
    #[error("the certificate has a critical extension or an algorithm that is not supported")]
    Unsupported,
    /// Another CA signed it, whatever that CA calls itself.
    #[error("the certificate was not issued by this house's CA")]
    UntrustedCa,
    /// The key is not of the kind that the profile asks for.
    #[error("the certificate's key is not of the kind that its use asks for")]
    WrongKey,
}

impl CertificateFault {
    /// A short name of the reason, for logs that programs read.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::BadName => "bad-name",
            Self::CaExpired { .. } => "ca-expired",
            Self::CaNotYetValid { .. } => "ca-not-yet-valid",
            Self::ChainTooLong => "chain-too-long",
            Self::Expired { .. } => "expired",
            Self::Malformed => "malformed",
            Self::NoCertificate => "no-certificate",
            Self::NoUri => "no-uri",
            Self::NoUsage => "no-usage",
            Self::NotACa => "not-a-ca",
            Self::NotALeaf => "not-a-leaf",
            Self::NotYetValid { .. } => "not-yet-valid",
            Self::OtherHouse { .. } => "other-house",
            Self::OtherSale { .. } => "other-sale",
            Self::OtherUsage => "other-usage",
            Self::Revoked => "revoked",
            Self::SeveralUris => "several-uris",
            Self::SeveralUsages => "several-usages",
            Self::TooLarge => "too-large",
            Self::Unshowable => "unshowable",
            Self::Unsupported => "unsupported",
            Self::UntrustedCa => "untrusted-ca",
            Self::WrongKey => "wrong-key",
        }
    }
}
