//! P-256 keys and their signatures over enrolments.
//!
//! Signatures are 64 bytes, r then s, with the lower of the two s that would
//! verify: so one signature has one form, and nobody can make a second one
//! from it (LEDGER 1).

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    UnparsedPublicKey,
};
use zeroize::Zeroizing;

use super::identity::Fingerprint;

/// SubjectPublicKeyInfo of an uncompressed P-256 point, up to the point itself (RFC 5480).
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const POINT_BYTES: usize = 65;

/// The order of the group, n.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
/// n / 2 rounded down: the greatest low s.
const ORDER_HALF: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];

/// A P-256 public key: its uncompressed point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct P256Key([u8; POINT_BYTES]);

impl P256Key {
    /// Takes a DER SubjectPublicKeyInfo in its one canonical form: named curve, uncompressed.
    pub fn from_spki(der: &[u8]) -> Option<Self> {
        der.strip_prefix(&SPKI_PREFIX).and_then(Self::from_point)
    }

    fn from_point(point: &[u8]) -> Option<Self> {
        let point: [u8; POINT_BYTES] = point.try_into().ok()?;
        (point[0] == 4).then_some(Self(point))
    }

    /// The key as DER SubjectPublicKeyInfo.
    pub fn spki(&self) -> Vec<u8> {
        [&SPKI_PREFIX[..], &self.0[..]].concat()
    }

    /// SHA-256 of the SubjectPublicKeyInfo.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.spki())
    }

    /// The uncompressed point.
    pub(super) const fn point(&self) -> &[u8; POINT_BYTES] {
        &self.0
    }
}

impl fmt::Debug for P256Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P256Key({})", self.fingerprint())
    }
}

/// A P-256 private key.
pub struct P256Secret {
    pair: EcdsaKeyPair,
    pkcs8: Zeroizing<Vec<u8>>,
    public: P256Key,
}

impl P256Secret {
    /// Makes a new key from the operating system's randomness.
    pub fn generate() -> Result<Self, SigningFault> {
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .map_err(|_| SigningFault::Randomness)?;
        Self::from_pkcs8(pkcs8.as_ref())
    }

    /// Takes a PKCS#8 DER private key on P-256.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, SigningFault> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
            .map_err(|_| SigningFault::NotAKey)?;
        let public =
            P256Key::from_point(pair.public_key().as_ref()).ok_or(SigningFault::NotAKey)?;
        Ok(Self { pair, pkcs8: Zeroizing::new(der.to_vec()), public })
    }

    /// The private key as PKCS#8 DER.
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public key.
    pub const fn public_key(&self) -> P256Key {
        self.public
    }

    /// Signs SHA-256 of `message`: r then s, with low s.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningFault> {
        let signature =
            self.pair.sign(&SystemRandom::new(), message).map_err(|_| SigningFault::Randomness)?;
        let mut signature: [u8; 64] =
            signature.as_ref().try_into().map_err(|_| SigningFault::NotAKey)?;
        let (_, s) = signature.split_at_mut(32);
        if *s > ORDER_HALF[..] {
            negate(s);
        }
        Ok(signature)
    }
}

impl fmt::Debug for P256Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P256Secret({})", self.public.fingerprint())
    }
}

/// Why a P-256 key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningFault {
    /// The bytes are no P-256 private key.
    #[error("this is not a P-256 private key in PKCS#8")]
    NotAKey,
    /// The operating system gave no randomness.
    #[error("the operating system gives no randomness")]
    Randomness,
}

/// Says whether `signature` (r then s) is `key`'s over SHA-256 of `message`; high s is refused.
pub fn verify_p256(key: &P256Key, message: &[u8], signature: &[u8; 64]) -> bool {
    signature[32..] <= ORDER_HALF[..]
        && UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.point())
            .verify(message, signature)
            .is_ok()
}

/// Replaces s by n - s.
fn negate(s: &mut [u8]) {
    let mut borrow = false;
    for (digit, order) in s.iter_mut().zip(ORDER).rev() {
        let (without, first) = order.overflowing_sub(*digit);
        let (with, second) = without.overflowing_sub(u8::from(borrow));
        *digit = with;
        borrow = first || second;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_have_low_s_and_verify() {
        let secret = P256Secret::generate().expect("randomness");
        for message in 0..32_u8 {
            let signature = secret.sign(&[message]).expect("signs");
            assert!(verify_p256(&secret.public_key(), &[message], &signature));
            assert!(!verify_p256(&secret.public_key(), b"other", &signature));
            let mut high = signature;
            negate(&mut high[32..]);
            assert!(!verify_p256(&secret.public_key(), &[message], &high), "high s");
            // The other form is a true signature too: only the rule keeps it out.
            assert!(
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, secret.public_key().point())
                    .verify(&[message], &high)
                    .is_ok()
            );
        }
    }

    #[test]
    fn a_key_survives_its_encodings() {
        let secret = P256Secret::generate().expect("randomness");
        let again = P256Secret::from_pkcs8(secret.pkcs8()).expect("reads");
        assert_eq!(again.public_key(), secret.public_key());
        assert_eq!(P256Key::from_spki(&secret.public_key().spki()), Some(secret.public_key()));
        assert_eq!(P256Key::from_spki(b"junk"), None);
        assert!(P256Secret::from_pkcs8(b"junk").is_err());
    }

    #[test]
    fn zero_signatures_are_refused() {
        let key = P256Secret::generate().expect("randomness").public_key();
        assert!(!verify_p256(&key, b"x", &[0; 64]));
    }
}
