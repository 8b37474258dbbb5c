//! Tests of the whole: a house with odd certificates, handshakes in memory,
//! revocation, and the folders of a house.

mod batch;
mod handshakes;
pub(super) mod house;
mod renew;
mod revoking;
mod who_gets_in;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType, SerialNumber, date_time_ymd,
};
use rustls::pki_types::PrivatePkcs8KeyDer;

use super::*;
use crate::auction::name::{HouseName, Name, Role, SaleId};
use crate::time::{Span, Timestamp};

/// A house with a server, a sealer and alice, at a fixed time.
pub(super) struct TestHouse {
    pub(super) ca: Ca,
    pub(super) server: ServerKey,
    pub(super) alice: Credential,
}

pub(super) fn now() -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000).expect("in range")
}

pub(super) fn later(days: u64) -> Timestamp {
    now().plus(Span::from_s(days * 24 * 3600))
}

pub(super) fn house_name() -> HouseName {
    HouseName::parse("estate").expect("a name")
}

pub(super) fn sale() -> SaleId {
    SaleId::parse("spring").expect("an id")
}

pub(super) fn grant() -> Grant {
    Grant {
        name: Name::parse("alice").expect("a name"),
        role: Role::Bidder,
        maker: KeyMaker::Holder,
        lifetime: PERSON_LIFETIME_MAX,
    }
}

impl TestHouse {
    pub(super) fn new() -> Self {
        let ca = Ca::create(house_name(), now()).expect("makes a CA");
        let secret = P256Secret::generate().expect("randomness");
        let names = ["localhost", "127.0.0.1", "::1"];
        let (der, _) = ca.certify_server(&secret.public_key(), &names, now()).expect("certifies");
        let server = ServerKey::new(der, secret);
        let secret = P256Secret::generate().expect("randomness");
        let identity = ca.certify_person(&secret.public_key(), &grant(), now()).expect("certifies");
        let address = Address::parse("localhost:12000").expect("an address");
        let alice = Credential { address, identity, anchor: ca.anchor().clone(), secret };
        Self { ca, server, alice }
    }

    pub(super) fn issuer(&self) -> Issuer<'static, KeyPair> {
        let mut params = CertificateParams::default();
        params.distinguished_name = ca_name();
        let key = KeyPair::try_from(&PrivatePkcs8KeyDer::from(self.ca.pkcs8())).expect("a key");
        Issuer::new(params, key)
    }

    /// A certificate by this house's CA that is right but for what `change` does to it.
    pub(super) fn odd(&self, change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        odd_by(&self.issuer(), change).0
    }

    pub(super) fn judge(&self, chain: &[Vec<u8>]) -> Result<Identity, CertificateFault> {
        verify_person(chain, self.ca.anchor(), &house_name(), now())
    }
}

fn ca_name() -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "estate");
    name.push(DnType::CommonName, "gavel CA");
    name
}

pub(super) fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().expect("ASCII"))
}

pub(super) fn odd_by(
    issuer: &Issuer<'static, KeyPair>,
    change: impl FnOnce(&mut CertificateParams),
) -> (Vec<u8>, KeyPair) {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "alice");
    params.not_before = date_time_ymd(2027, 1, 1);
    params.not_after = date_time_ymd(2027, 3, 1);
    params.serial_number = Some(SerialNumber::from(7));
    params.is_ca = IsCa::ExplicitNoCa;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.subject_alt_names = vec![uri("gavel://estate/bidder/alice")];
    change(&mut params);
    let key = KeyPair::generate().expect("randomness");
    let der = params.signed_by(&key, issuer).expect("signs").der().to_vec();
    (der, key)
}

pub(super) fn other_ca_of_the_same_name() -> Ca {
    Ca::create(house_name(), now()).expect("makes a CA")
}
