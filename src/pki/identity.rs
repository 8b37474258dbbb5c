//! What a checked certificate says, and the small values it is named by.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::fault::CertificateFault;
use super::signing::P256Key;
use crate::auction::name::{HouseName, Name, Role, SaleId};
use crate::time::Timestamp;

/// A SHA-256 that names a certificate, a key or a CRL.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Hashes `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Takes a hash as it is.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash itself.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads hex as people copy it: with or without `sha256:`, in either case,
    /// with or without the colons that `openssl x509 -fingerprint` prints.
    pub fn parse(text: &str) -> Result<Self, FingerprintError> {
        let text = text.trim();
        let digits = match text.get(..7) {
            Some(prefix) if prefix.eq_ignore_ascii_case("sha256:") => &text[7..],
            Some(_) | None => text,
        };
        let digits: String = digits.split(':').collect::<String>().to_ascii_lowercase();
        let bytes = decode_hex(&digits).ok_or(FingerprintError)?;
        bytes.try_into().map(Self).map_err(|_| FingerprintError)
    }
}

/// 64 lower-case hex digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&encode_hex(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// The text is not a SHA-256 fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is 64 hex digits, as in sha256:<hex>")]
pub struct FingerprintError;

/// A certificate's serial number: lower-case hex without leading zero bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(Arc<str>);

impl Serial {
    /// The longest serial of RFC 5280, section 4.1.2.2.
    const BYTES_MAX: usize = 20;

    /// Takes the content bytes of the DER integer; `None` for zero, negative or too long ones.
    pub fn from_der_integer(raw: &[u8]) -> Option<Self> {
        if raw.first().is_none_or(|first| *first >= 0x80) {
            return None;
        }
        let zeros = raw.iter().take_while(|byte| **byte == 0).count();
        let magnitude = &raw[zeros..];
        let fits = !magnitude.is_empty() && magnitude.len() <= Self::BYTES_MAX;
        fits.then(|| Self(encode_hex(magnitude).into()))
    }

    /// Reads the form that [`Serial::as_str`] gives, and no other.
    pub fn parse(text: &str) -> Result<Self, SerialError> {
        let bytes = decode_hex(text).ok_or(SerialError)?;
        let fits = !bytes.is_empty() && bytes.len() <= Self::BYTES_MAX && bytes[0] != 0;
        if fits { Ok(Self(text.into())) } else { Err(SerialError) }
    }

    /// The serial in lower-case hex.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The serial as big-endian bytes.
    pub fn bytes(&self) -> Vec<u8> {
        decode_hex(&self.0).expect("a serial is made of hex digits")
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serial({self})")
    }
}

/// The text is not a serial in its one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a serial is 2 to 40 lower-case hex digits that do not begin with 00")]
pub struct SerialError;

/// A person, as a certificate checked by [`super::verify_person`] names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The house whose CA vouches for them.
    pub house: HouseName,
    /// Their name.
    pub name: Name,
    /// What they may do.
    pub role: Role,
    /// The certificate's serial, by which it can be revoked.
    pub serial: Serial,
    /// From when the certificate is valid, in whole seconds.
    pub not_before: Timestamp,
    /// The last second in which it is valid.
    pub not_after: Timestamp,
    /// SHA-256 of the certificate's DER.
    pub cert: Fingerprint,
    /// SHA-256 of the key's SubjectPublicKeyInfo.
    pub key: Fingerprint,
    /// The key itself.
    pub public_key: P256Key,
    /// Whether the house made the key, so that it could have kept it.
    pub house_made_key: bool,
    /// The certificates as presented, leaf first.
    pub chain: Vec<Vec<u8>>,
}

impl Identity {
    /// The DER of their own certificate.
    pub fn leaf(&self) -> &[u8] {
        self.chain.first().map_or(&[], Vec::as_slice)
    }

    /// Says whether the certificate is valid at `at`; what every bid asks again.
    pub fn check_time(&self, at: Timestamp) -> Result<(), CertificateFault> {
        check_validity(self.not_before, self.not_after, at)
    }
}

/// A server, as a certificate checked by [`super::verify_server`] names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerIdentity {
    /// The house it serves.
    pub house: HouseName,
    /// The certificate's serial.
    pub serial: Serial,
    /// From when the certificate is valid.
    pub not_before: Timestamp,
    /// The last second in which it is valid.
    pub not_after: Timestamp,
    /// SHA-256 of the certificate's DER.
    pub cert: Fingerprint,
    /// The server's key.
    pub key: P256Key,
}

/// The sealing key of one sale, as a certificate checked by
/// [`super::verify_sealer`] names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealer {
    /// The house that seals.
    pub house: HouseName,
    /// The only sale that the key may seal.
    pub sale: SaleId,
    /// The Ed25519 public key.
    pub key: [u8; 32],
    /// The certificate's serial.
    pub serial: Serial,
    /// From when the certificate is valid.
    pub not_before: Timestamp,
    /// The last second in which it is valid.
    pub not_after: Timestamp,
    /// SHA-256 of the certificate's DER.
    pub cert: Fingerprint,
}

/// What the one URI of a certificate names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Person { house: HouseName, role: Role, name: Name },
    Sealer { house: HouseName, sale: SaleId },
    Server { house: HouseName },
}

impl Subject {
    /// Reads `gavel://<house>/server`, `/sealer/<sale>` or `/<role>/<name>`.
    pub(super) fn parse(uri: &str) -> Result<Self, CertificateFault> {
        let bad = |_| CertificateFault::BadName;
        let path = uri.strip_prefix("gavel://").ok_or(CertificateFault::BadName)?;
        let parts: Vec<&str> = path.split('/').collect();
        let house = HouseName::parse(parts[0]).map_err(bad)?;
        match parts[1..] {
            ["server"] => Ok(Self::Server { house }),
            ["sealer", sale] => Ok(Self::Sealer { house, sale: SaleId::parse(sale).map_err(bad)? }),
            [role, name] => Ok(Self::Person {
                house,
                role: Role::parse(role).map_err(bad)?,
                name: Name::parse(name).map_err(bad)?,
            }),
            _ => Err(CertificateFault::BadName),
        }
    }

    /// The house in the URI.
    pub(super) const fn house(&self) -> &HouseName {
        match self {
            Self::Person { house, .. } | Self::Sealer { house, .. } | Self::Server { house } => {
                house
            }
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person { house, role, name } => write!(f, "gavel://{house}/{role}/{name}"),
            Self::Sealer { house, sale } => write!(f, "gavel://{house}/sealer/{sale}"),
            Self::Server { house } => write!(f, "gavel://{house}/server"),
        }
    }
}

/// Judges dates by whole seconds, both ends included (RFC 5280, section 4.1.2.5).
pub(super) fn check_validity(
    not_before: Timestamp,
    not_after: Timestamp,
    at: Timestamp,
) -> Result<(), CertificateFault> {
    if at.unix_s() < not_before.unix_s() {
        Err(CertificateFault::NotYetValid { not_before })
    } else if at.unix_s() > not_after.unix_s() {
        Err(CertificateFault::Expired { not_after })
    } else {
        Ok(())
    }
}

pub(super) fn encode_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_as_people_copy_them() {
        let print = Fingerprint::of(b"x");
        let hex = print.to_string();
        let colons: Vec<String> = print.bytes().iter().map(|b| format!("{b:02X}")).collect();
        for text in
            [hex.clone(), format!("sha256:{hex}"), format!(" SHA256:{}\n", colons.join(":"))]
        {
            assert_eq!(Fingerprint::parse(&text), Ok(print), "{text}");
        }
        for bad in ["", "sha256:", &hex[1..], &format!("{hex}0"), "é", "sha1:00"] {
            assert_eq!(Fingerprint::parse(bad), Err(FingerprintError), "{bad}");
        }
    }

    #[test]
    fn serials_have_one_form() {
        assert_eq!(Serial::from_der_integer(&[0, 0x80]).map(|s| s.to_string()), Some("80".into()));
        assert_eq!(Serial::from_der_integer(&[0x0a]).map(|s| s.to_string()), Some("0a".into()));
        for bad in [&[][..], &[0], &[0x80], &[1; 21]] {
            assert_eq!(Serial::from_der_integer(bad), None, "{bad:?}");
        }
        assert!(Serial::parse("0a").is_ok());
        for bad in ["", "a", "00", "000a", "0A", "zz", &"11".repeat(21)] {
            assert_eq!(Serial::parse(bad), Err(SerialError), "{bad}");
        }
    }

    #[test]
    fn uris_have_one_form() {
        for good in [
            "gavel://house/server",
            "gavel://a.b/bidder/alice",
            "gavel://a/auctioneer/x",
            "gavel://a/sealer/2026.x",
        ] {
            assert_eq!(Subject::parse(good).map(|s| s.to_string()), Ok(good.into()));
        }
        for bad in [
            "",
            "gavel://",
            "gavel://house",
            "gavel://house/",
            "gavel://house/server/",
            "gavel://house/bidder/",
            "gavel://house/bidder/alice/x",
            "gavel://house/bidder/Alice",
            "gavel://house/bidder/alice\u{1b}",
            "gavel://house/king/alice",
            "gavel://House/bidder/alice",
            "GAVEL://house/bidder/alice",
            "https://house/bidder/alice",
            "gavel://house/bidder/al%69ce",
            "gavel://house/bidder/alice?x",
        ] {
            assert_eq!(Subject::parse(bad), Err(CertificateFault::BadName), "{bad:?}");
        }
    }
}
