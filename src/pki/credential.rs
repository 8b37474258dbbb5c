//! A person's credential: one PEM file with key, certificate and CA.
//!
//! The first line stands outside the PEM blocks, where openssl skips it, and
//! says where to go, so that `gavel bid alice.pem` needs no flag and
//! `openssl s_client -cert alice.pem -key alice.pem -CAfile alice.pem` works:
//!
//! ```text
//! # gavel credential: house estate, server auction.example:12000
//! -----BEGIN PRIVATE KEY-----
//! ..
//! -----BEGIN CERTIFICATE-----      (the person's)
//! ..
//! -----BEGIN CERTIFICATE-----      (the CA's)
//! ..
//! ```

use std::fmt;
use std::net::Ipv6Addr;

use rustls::pki_types::pem::SectionKind;
use zeroize::Zeroizing;

use super::anchor::Anchor;
use super::fault::CertificateFault;
use super::identity::Identity;
use super::pem;
use super::signing::{P256Secret, SigningFault};
use super::verify::verify_person;
use crate::auction::name::HouseName;
use crate::time::Timestamp;

/// Where a server is reached: a host name or address, and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    host: String,
    port: u16,
}

impl Address {
    /// Takes `HOST:PORT`; an IPv6 address stands in brackets.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (host, port) = text.rsplit_once(':').ok_or(AddressError)?;
        let port = port.parse::<u16>().ok().filter(|p| *p != 0).ok_or(AddressError)?;
        if let Some(inner) = host.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(AddressError)?;
            let address: Ipv6Addr = inner.parse().map_err(|_| AddressError)?;
            return Ok(Self { host: address.to_string(), port });
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        let fits = !host.is_empty() && host.len() <= 253 && host.bytes().all(plain);
        if fits { Ok(Self { host: host.to_owned(), port }) } else { Err(AddressError) }
    }

    /// The host name or address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// The text is not `HOST:PORT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an address is HOST:PORT, as in auction.example:12000 or [::1]:12000")]
pub struct AddressError;

/// What a person speaks with: their key, their certificate and their house.
#[derive(Debug)]
pub struct Credential {
    /// Where the house's server is reached, unless somebody says otherwise.
    pub address: Address,
    /// Who the certificate says they are.
    pub identity: Identity,
    /// The house's CA.
    pub anchor: Anchor,
    /// The key of the certificate.
    pub secret: P256Secret,
}

impl Credential {
    /// Reads a credential file and checks at `at` that all parts of it belong together.
    pub fn read(bytes: &[u8], at: Timestamp) -> Result<Self, CredentialFault> {
        let answer = Answer::read(bytes)?;
        let key = key_of(bytes)?.ok_or(CredentialFault::NoKey)?;
        Self::join(answer, P256Secret::from_pkcs8(&key)?, at)
    }

    /// Joins the house's answer to a request with the key that asked.
    pub(super) fn join(
        answer: Answer,
        secret: P256Secret,
        at: Timestamp,
    ) -> Result<Self, CredentialFault> {
        let identity = answer.check(at)?;
        let Answer { address, anchor, .. } = answer;
        if identity.public_key == secret.public_key() {
            Ok(Self { address, identity, anchor, secret })
        } else {
            Err(CredentialFault::KeyMismatch)
        }
    }

    /// The house.
    pub const fn house(&self) -> &HouseName {
        &self.identity.house
    }

    /// Writes the file that [`Credential::read`] reads.
    pub fn to_pem(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(head(self.house(), &self.address));
        text.push_str(&pem::write("PRIVATE KEY", self.secret.pkcs8()));
        text.push_str(&pem::write("CERTIFICATE", self.identity.leaf()));
        text.push_str(&self.anchor.to_pem());
        text
    }
}

/// What the house answers to a request: a credential without the key.
pub(super) struct Answer {
    pub(super) house: HouseName,
    pub(super) address: Address,
    pub(super) leaf: Vec<u8>,
    pub(super) anchor: Anchor,
}

impl Answer {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, CredentialFault> {
        let (house, address) = read_head(bytes).ok_or(CredentialFault::NoHead)?;
        let blocks = pem::read(bytes).ok_or(CredentialFault::Malformed)?;
        let certificates = blocks.iter().filter(|b| b.kind == SectionKind::Certificate);
        let certificates: Vec<&[u8]> = certificates.map(|b| b.der.as_slice()).collect();
        let [leaf, ca] = certificates[..] else {
            return Err(CredentialFault::Certificates { count: certificates.len() });
        };
        let (leaf, anchor) = (leaf.to_vec(), Anchor::from_der(ca)?);
        Ok(Self { house, address, leaf, anchor })
    }

    /// Judges the certificate at `at`.
    pub(super) fn check(&self, at: Timestamp) -> Result<Identity, CertificateFault> {
        verify_person(std::slice::from_ref(&self.leaf), &self.anchor, &self.house, at)
    }

    pub(super) fn to_pem(&self) -> String {
        let leaf = pem::write("CERTIFICATE", &self.leaf);
        format!("{}{}{}", head(&self.house, &self.address), *leaf, self.anchor.to_pem())
    }
}

/// Why a credential file is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialFault {
    /// The certificate is not good, or not now.
    #[error(transparent)]
    Certificate(#[from] CertificateFault),
    /// Not exactly two certificates, the person's and the CA's.
    #[error("the file holds {count} certificates instead of two, the person's and the CA's")]
    Certificates {
        /// How many.
        count: usize,
    },
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] SigningFault),
    /// The certificate is another key's.
    #[error("the certificate belongs to another key")]
    KeyMismatch,
    /// A PEM block is damaged.
    #[error("the file is damaged: it is not PEM")]
    Malformed,
    /// The first line does not name house and server.
    #[error("the first line does not read `# gavel credential: house NAME, server HOST:PORT`")]
    NoHead,
    /// There is no private key in it.
    #[error("the file holds no private key")]
    NoKey,
    /// There is more than one private key in it.
    #[error("the file holds more than one private key")]
    SeveralKeys,
}

/// The private key in a PEM file, if there is one.
pub(super) fn key_of(bytes: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, CredentialFault> {
    let blocks = pem::read(bytes).ok_or(CredentialFault::Malformed)?;
    let mut keys = blocks.into_iter().filter(|block| block.kind == SectionKind::PrivateKey);
    match (keys.next(), keys.next()) {
        (key, None) => Ok(key.map(|block| block.der)),
        (_, Some(_)) => Err(CredentialFault::SeveralKeys),
    }
}

fn head(house: &HouseName, address: &Address) -> String {
    format!("# gavel credential: house {house}, server {address}\n")
}

pub(super) fn read_head(bytes: &[u8]) -> Option<(HouseName, Address)> {
    let line = bytes.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?.trim_end_matches('\r');
    let (house, address) =
        line.strip_prefix("# gavel credential: house ")?.split_once(", server ")?;
    Some((HouseName::parse(house).ok()?, Address::parse(address).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_host_and_a_port() {
        for good in ["auction.example:12000", "10.0.0.1:1", "[::1]:12000", "localhost:65535"] {
            assert_eq!(Address::parse(good).map(|a| a.to_string()), Ok(good.into()));
        }
        for bad in [
            "",
            "host",
            "host:",
            ":1",
            "host:0",
            "host:65536",
            "::1:1",
            "[x]:1",
            "a b:1",
            "a\u{1b}:1",
        ] {
            assert_eq!(Address::parse(bad), Err(AddressError), "{bad:?}");
        }
    }

    #[test]
    fn the_first_line_names_house_and_server() {
        let address = Address::parse("[::1]:12000").expect("an address");
        let house = HouseName::parse("estate").expect("a name");
        let text = head(&house, &address);
        assert_eq!(read_head(text.as_bytes()), Some((house, address)));
        assert_eq!(read_head(b"# gavel credential: house \x1b, server a:1"), None);
        assert_eq!(read_head(b""), None);
    }
}
