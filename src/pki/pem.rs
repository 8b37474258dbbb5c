//! PEM, the text form of keys and certificates (RFC 7468).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::{PemObject, SectionKind};
use zeroize::{Zeroize, Zeroizing};

/// A block of a PEM file. Its bytes are wiped when it is dropped.
pub(super) struct Block {
    pub(super) kind: SectionKind,
    pub(super) der: Zeroizing<Vec<u8>>,
}

/// Reads the blocks of a PEM file in order; text between them is skipped.
/// `None` if a block is damaged.
pub(super) fn read(bytes: &[u8]) -> Option<Vec<Block>> {
    struct Any(SectionKind, Vec<u8>);
    impl PemObject for Any {
        fn from_pem(kind: SectionKind, der: Vec<u8>) -> Option<Self> {
            Some(Self(kind, der))
        }
    }
    Any::pem_slice_iter(bytes)
        .map(|block| {
            let Any(kind, der) = block.ok()?;
            Some(Block { kind, der: Zeroizing::new(der) })
        })
        .collect()
}

/// Writes one block, 64 characters to a line. Wiped when it is dropped, as it may be a key.
pub(super) fn write(label: &str, der: &[u8]) -> Zeroizing<String> {
    let mut body = STANDARD.encode(der);
    let mut text = Zeroizing::new(format!("-----BEGIN {label}-----\n"));
    for (index, character) in body.chars().enumerate() {
        if index > 0 && index.is_multiple_of(64) {
            text.push('\n');
        }
        text.push(character);
    }
    body.zeroize();
    text.push_str("\n-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

/// Takes DER as it is and PEM by its one block of `kind`; `None` if there is not exactly one.
pub(super) fn one_or_der(bytes: &[u8], kind: SectionKind) -> Option<Vec<u8>> {
    // DER of all that we read begins with a SEQUENCE.
    if bytes.first() == Some(&0x30) {
        return Some(bytes.to_vec());
    }
    let blocks = read(bytes)?;
    let mut wanted = blocks.iter().filter(|block| block.kind == kind);
    match (wanted.next(), wanted.next()) {
        (Some(block), None) => Some(block.der.to_vec()),
        (Some(_) | None, Some(_) | None) => None,
    }
}
