//! Just enough DER to put a signature under bytes.

use gavel::ledger::encoding::{decode_base64, encode_base64};
use gavel::pki::P256Secret;

/// ecdsa-with-SHA256, 1.2.840.10045.4.3.2, as an AlgorithmIdentifier (RFC 5758, section 3.2).
const ECDSA_WITH_SHA256: &[u8] =
    &[0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/// `SEQUENCE { to_be_signed, algorithm, signature }`: a certificate or revocation list, if the
/// bytes are what such a one begins with (RFC 5280, sections 4.1 and 5.1).
pub fn signed_by(secret: &P256Secret, to_be_signed: &[u8]) -> Vec<u8> {
    let signature = secret.sign(to_be_signed).expect("signs");
    let (r, s) = signature.split_at(32);
    let signature = value(0x30, &[integer(r), integer(s)].concat());
    let bits = value(0x03, &[&[0], &signature[..]].concat());
    value(0x30, &[to_be_signed, ECDSA_WITH_SHA256, &bits].concat())
}

/// The first value inside a SEQUENCE: what `signed_by` would sign again.
pub fn to_be_signed(der: &[u8]) -> &[u8] {
    let (_, inside) = header(der);
    let (length, body) = header(&der[inside..]);
    &der[inside..inside + body + length]
}

/// The length of a value's content, and where it begins.
fn header(der: &[u8]) -> (usize, usize) {
    match der[1] {
        short @ 0..0x80 => (short.into(), 2),
        long => {
            let count = usize::from(long & 0x7f);
            let bytes = &der[2..2 + count];
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), 2 + count)
        }
    }
}

/// The blocks of a PEM file, each with its label.
pub fn blocks(pem: &str) -> Vec<(&str, Vec<u8>)> {
    pem.split("-----BEGIN ").skip(1).filter_map(block).collect()
}

fn block(text: &str) -> Option<(&str, Vec<u8>)> {
    let (label, rest) = text.split_once("-----\n")?;
    let body: String = rest.lines().take_while(|line| !line.starts_with('-')).collect();
    Some((label, decode_base64(&body).ok()?))
}

/// PEM, in one long line, as every reader takes it.
pub fn pem(label: &str, der: &[u8]) -> String {
    let body = encode_base64(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = &bytes[zeros..];
    let sign: &[u8] = if digits.first().is_none_or(|first| *first >= 0x80) { &[0] } else { &[] };
    value(0x02, &[sign, digits].concat())
}

fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = match u8::try_from(length) {
        Ok(short @ 0..0x80) => vec![tag, short],
        _ => {
            let bytes = length.to_be_bytes();
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            let digits = &bytes[zeros..];
            let count = u8::try_from(digits.len()).expect("eight at most");
            [&[tag, 0x80 | count], digits].concat()
        }
    };
    [head, content.to_vec()].concat()
}
