//! Tests: every wrong certificate is refused for its own reason, by the checks
//! alone and in a handshake.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
    date_time_ymd,
};
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls::{ClientConfig, ClientConnection, ConnectionCommon, ServerConnection};

use super::*;
use crate::auction::name::{HouseName, Name, Role, SaleId};
use crate::time::{Span, Timestamp};

/// A house with a server, a sealer and alice, at a fixed time.
struct TestHouse {
    ca: Ca,
    server: ServerKey,
    alice: Credential,
}

fn now() -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000).expect("in range")
}

fn later(days: u64) -> Timestamp {
    now().plus(Span::from_s(days * 24 * 3600))
}

fn house_name() -> HouseName {
    HouseName::parse("estate").expect("a name")
}

fn sale() -> SaleId {
    SaleId::parse("spring").expect("an id")
}

fn grant() -> Grant {
    Grant {
        name: Name::parse("alice").expect("a name"),
        role: Role::Bidder,
        maker: KeyMaker::Holder,
        lifetime: PERSON_LIFETIME_MAX,
    }
}

impl TestHouse {
    fn new() -> Self {
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

    fn issuer(&self) -> Issuer<'static, KeyPair> {
        let mut params = CertificateParams::default();
        params.distinguished_name = ca_name();
        let key = KeyPair::try_from(&PrivatePkcs8KeyDer::from(self.ca.pkcs8())).expect("a key");
        Issuer::new(params, key)
    }

    /// A certificate by this house's CA that is right but for what `change` does to it.
    fn odd(&self, change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        odd_by(&self.issuer(), change).0
    }

    fn judge(&self, chain: &[Vec<u8>]) -> Result<Identity, CertificateFault> {
        verify_person(chain, self.ca.anchor(), &house_name(), now())
    }
}

fn ca_name() -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "estate");
    name.push(DnType::CommonName, "gavel CA");
    name
}

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().expect("ASCII"))
}

fn odd_by(
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

fn other_ca_of_the_same_name() -> Ca {
    Ca::create(house_name(), now()).expect("makes a CA")
}

/// Each wrong certificate of issue 2, point 5, that `verify_person` must refuse.
fn wrong_chains(house: &TestHouse) -> Vec<(&'static str, Vec<Vec<u8>>, &'static str)> {
    use ExtendedKeyUsagePurpose::{ClientAuth, EmailProtection, ServerAuth};
    let issuer = house.issuer();
    let by = |change: fn(&mut CertificateParams)| vec![odd_by(&issuer, change).0];
    let (sealer, _) = house.ca.certify_sealer(&[7; 32], &sale(), now()).expect("certifies");
    let other = other_ca_of_the_same_name();
    let key = P256Secret::generate().expect("randomness").public_key();
    let strangers = other.certify_person(&key, &grant(), now()).expect("certifies").chain;
    let with_their_ca = vec![strangers[0].clone(), other.anchor().der().to_vec()];
    let (intermediate, intermediate_key) = odd_by(&issuer, |p| {
        p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        p.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    });
    let below = {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "alice");
        odd_by(&Issuer::new(params, intermediate_key), |_| {}).0
    };
    let right = by(|_| {}).remove(0);
    let two = |second: &[u8]| vec![right.clone(), second.to_vec()];
    vec![
        ("no certificate", vec![], "no-certificate"),
        ("another CA of the same name", strangers, "untrusted-ca"),
        ("another CA of the same name, sent along", with_their_ca, "untrusted-ca"),
        ("expired", by(|p| p.not_after = date_time_ymd(2027, 1, 2)), "expired"),
        ("not yet valid", by(|p| p.not_before = date_time_ymd(2027, 2, 1)), "not-yet-valid"),
        ("server certificate", vec![house.server.certificate().to_vec()], "other-usage"),
        ("sealing certificate", vec![sealer], "other-usage"),
        ("the CA itself", vec![house.ca.anchor().der().to_vec()], "not-a-leaf"),
        ("no usage", by(|p| p.extended_key_usages = vec![]), "no-usage"),
        ("another usage", by(|p| p.extended_key_usages = vec![EmailProtection]), "other-usage"),
        (
            "two usages",
            by(|p| p.extended_key_usages = vec![ClientAuth, ServerAuth]),
            "several-usages",
        ),
        ("one usage twice", by(|p| p.extended_key_usages = vec![ClientAuth; 2]), "several-usages"),
        ("no names", by(|p| p.subject_alt_names = vec![]), "no-uri"),
        (
            "only a DNS name",
            by(|p| {
                p.subject_alt_names = vec![SanType::DnsName("alice".try_into().expect("ASCII"))]
            }),
            "no-uri",
        ),
        (
            "two URIs",
            by(|p| p.subject_alt_names.push(uri("gavel://estate/bidder/bob"))),
            "several-uris",
        ),
        (
            "another house",
            by(|p| p.subject_alt_names = vec![uri("gavel://other/bidder/alice")]),
            "other-house",
        ),
        (
            "a server's URI",
            by(|p| p.subject_alt_names = vec![uri("gavel://estate/server")]),
            "other-usage",
        ),
        (
            "a bad name",
            by(|p| p.subject_alt_names = vec![uri("gavel://estate/bidder/Alice")]),
            "bad-name",
        ),
        (
            "a name with control characters",
            by(|p| p.subject_alt_names = vec![uri("gavel://estate/bidder/a\u{1b}[2J")]),
            "bad-name",
        ),
        (
            "a bad role",
            by(|p| p.subject_alt_names = vec![uri("gavel://estate/king/alice")]),
            "bad-name",
        ),
        (
            "a web address",
            by(|p| p.subject_alt_names = vec![uri("https://estate/bidder/alice")]),
            "bad-name",
        ),
        (
            "a common name with control characters",
            by(|p| p.distinguished_name.push(DnType::CommonName, "a\u{1b}[2J\r\n")),
            "unshowable",
        ),
        ("no basic constraints", by(|p| p.is_ca = IsCa::NoCa), "not-a-leaf"),
        (
            "an unknown critical extension",
            by(|p| {
                let mut extension = CustomExtension::from_oid_content(&[1, 2, 3], vec![5, 0]);
                extension.set_criticality(true);
                p.custom_extensions.push(extension);
            }),
            "unsupported",
        ),
        ("below an intermediate CA", vec![below.clone(), intermediate.clone()], "chain-too-long"),
        ("below an intermediate CA, alone", vec![below], "untrusted-ca"),
        ("a stray certificate", two(&intermediate), "chain-too-long"),
        ("three certificates", vec![right.clone(); 3], "chain-too-long"),
        ("64 KiB of certificates", two(&[0x30; 64 * 1024]), "too-large"),
        ("junk", vec![b"junk".to_vec()], "malformed"),
        ("nothing", vec![vec![]], "malformed"),
        ("a byte too many", vec![[&right[..], b"\0"].concat()], "malformed"),
        ("a byte too few", vec![right[..right.len() - 1].to_vec()], "malformed"),
    ]
}

#[test]
fn wrong_people_are_refused_each_for_their_reason() {
    let house = TestHouse::new();
    for (what, chain, kind) in wrong_chains(&house) {
        let fault = house.judge(&chain).expect_err(what);
        assert_eq!(fault.kind(), kind, "{what}: {fault}");
        assert!(!fault.to_string().contains('\u{1b}'), "{what}");
        assert!(!format!("{fault:?}").contains('\u{1b}'), "{what}");
    }
}

#[test]
fn the_right_person_is_taken() {
    let house = TestHouse::new();
    let identity = house.judge(&house.alice.identity.chain).expect("takes");
    assert_eq!(identity, house.alice.identity);
    assert_eq!((identity.name.as_str(), identity.role), ("alice", Role::Bidder));
    assert!(!identity.house_made_key);
    let with_ca = [identity.chain[0].clone(), house.ca.anchor().der().to_vec()];
    house.judge(&with_ca).expect("takes the CA sent along");
    house.judge(&[house.odd(|_| {})]).expect("the table's pattern is right");
    let mut at_house = grant();
    at_house.maker = KeyMaker::House;
    let key = P256Secret::generate().expect("randomness").public_key();
    let made = house.ca.certify_person(&key, &at_house, now()).expect("certifies");
    assert!(made.house_made_key);
}

#[test]
fn only_p256_keys_are_people() {
    let house = TestHouse::new();
    for algorithm in [&rcgen::PKCS_ED25519, &rcgen::PKCS_ECDSA_P384_SHA384] {
        let key = KeyPair::generate_for(algorithm).expect("randomness");
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(2027, 1, 1);
        params.not_after = date_time_ymd(2027, 3, 1);
        params.is_ca = IsCa::ExplicitNoCa;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.subject_alt_names = vec![uri("gavel://estate/bidder/alice")];
        let der = params.signed_by(&key, &house.issuer()).expect("signs").der().to_vec();
        assert_eq!(house.judge(&[der]), Err(CertificateFault::WrongKey));
    }
}

#[test]
fn dates_are_judged_at_the_given_time_and_for_the_ca_too() {
    let house = TestHouse::new();
    let chain = &house.alice.identity.chain;
    let judge = |at| verify_person(chain, house.ca.anchor(), &house_name(), at);
    let not_after = house.alice.identity.not_after;
    let not_before = house.alice.identity.not_before;
    assert_eq!(not_before.plus(Span::from_s(24 * 3600)), now());
    assert_eq!(not_after, later(90));
    judge(not_before).expect("valid from its first second");
    judge(not_after.plus(Span::from_ms(999))).expect("valid to its last second's end");
    let second = Span::from_s(1);
    assert_eq!(judge(not_after.plus(second)), Err(CertificateFault::Expired { not_after }));
    let before = Timestamp::from_unix_ms(not_before.unix_ms() - 1).expect("in range");
    // The CA is no older than alice here.
    assert!(matches!(judge(before), Err(CertificateFault::CaNotYetValid { .. })));
    assert!(matches!(judge(later(3653)), Err(CertificateFault::CaExpired { .. })));
    assert!(house.alice.identity.check_time(later(91)).is_err());
}

#[test]
fn no_leaf_outlives_its_ca_or_ninety_days() {
    let house = TestHouse::new();
    let key = P256Secret::generate().expect("randomness").public_key();
    let late = house.ca.certify_person(&key, &grant(), later(3600)).expect("certifies");
    assert_eq!(late.not_after, house.ca.anchor().not_after());
    assert!(matches!(
        house.ca.certify_person(&key, &grant(), later(3653)),
        Err(CaFault::Unusable(CertificateFault::CaExpired { .. }))
    ));
    for days in [0, 91] {
        let grant = Grant { lifetime: Span::from_s(days * 24 * 3600), ..grant() };
        assert_eq!(house.ca.certify_person(&key, &grant, now()), Err(CaFault::Lifetime));
    }
}

#[test]
fn sealers_seal_one_sale() {
    let house = TestHouse::new();
    let key = ed25519_dalek::SigningKey::from_bytes(&[3; 32]).verifying_key().to_bytes();
    let (der, sealer) = house.ca.certify_sealer(&key, &sale(), now()).expect("certifies");
    assert_eq!((sealer.key, &sealer.sale), (key, &sale()));
    let judge = |der: &[u8], house_name: &HouseName, sale: &SaleId| {
        verify_sealer(der, house.ca.anchor(), house_name, sale, now())
    };
    let other_sale = SaleId::parse("autumn").expect("an id");
    let other_house = HouseName::parse("other").expect("a name");
    let fault = |result: Result<Sealer, CertificateFault>| result.map_err(|f| f.kind());
    assert_eq!(fault(judge(&der, &house_name(), &other_sale)), Err("other-sale"));
    assert_eq!(fault(judge(&der, &other_house, &sale())), Err("other-house"));
    let person = &house.alice.identity.chain[0];
    assert_eq!(fault(judge(person, &house_name(), &sale())), Err("other-usage"));
    let strange = other_ca_of_the_same_name();
    let (strange, _) = strange.certify_sealer(&key, &sale(), now()).expect("certifies");
    assert_eq!(fault(judge(&strange, &house_name(), &sale())), Err("untrusted-ca"));
    let p256 = house.odd(|p| {
        p.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::Other(vec![2, 25, 566_998_788_829_889_311])];
        p.subject_alt_names = vec![uri("gavel://estate/sealer/spring")];
    });
    assert_eq!(fault(judge(&p256, &house_name(), &sale())), Err("wrong-key"));
}

#[test]
fn only_a_houses_ca_is_an_anchor() {
    let house = TestHouse::new();
    let ca = house.ca.anchor();
    assert_eq!(Anchor::from_pem(ca.to_pem().as_bytes()).as_ref(), Ok(ca));
    assert_eq!(Anchor::from_pem(ca.der()).as_ref(), Ok(ca));
    let odd = |change: fn(&mut CertificateParams)| {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        change(&mut params);
        let key = KeyPair::generate().expect("randomness");
        Anchor::from_der(params.self_signed(&key).expect("signs").der()).map(|_| ())
    };
    assert_eq!(odd(|_| {}), Ok(()));
    let wrong: [fn(&mut CertificateParams); 6] = [
        |p| p.is_ca = IsCa::NoCa,
        |p| p.is_ca = IsCa::ExplicitNoCa,
        |p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
        |p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(1)),
        |p| p.key_usages = vec![],
        |p| p.key_usages = vec![KeyUsagePurpose::KeyCertSign],
    ];
    for change in wrong {
        assert_eq!(odd(change), Err(CertificateFault::NotACa));
    }
    let leaf = &house.alice.identity.chain[0];
    assert_eq!(Anchor::from_der(leaf).map(|_| ()), Err(CertificateFault::NotACa));
    let mut forged = ca.der().to_vec();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    assert_eq!(Anchor::from_der(&forged).map(|_| ()), Err(CertificateFault::NotACa));
    assert_eq!(Anchor::from_pem(b"junk").map(|_| ()), Err(CertificateFault::Malformed));
}

// ---- Handshakes, in memory ----

#[derive(Debug)]
struct FixedTime(Timestamp);

impl TimeProvider for FixedTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_millis(self.0.unix_ms())))
    }
}

fn time() -> Arc<dyn TimeProvider> {
    Arc::new(FixedTime(now()))
}

struct Outcome {
    server: Result<(), rustls::Error>,
    client: Result<(), rustls::Error>,
    resumable: bool,
    alpn: Option<Vec<u8>>,
}

fn shake(house: &TestHouse, revocations: &Arc<Revocations>, client: ClientConfig) -> Outcome {
    let server = server_config(
        &house.server,
        house.ca.anchor().clone(),
        house_name(),
        Arc::clone(revocations),
        time(),
    );
    let mut server = ServerConnection::new(Arc::new(server.expect("configures"))).expect("begins");
    let name = ServerName::try_from("10.1.2.3").expect("an address");
    let mut client = ClientConnection::new(Arc::new(client), name).expect("begins");
    let (mut server_says, mut client_says) = (Ok(()), Ok(()));
    for _ in 0..8 {
        client_says = client_says.and(pass(&mut server, &mut client));
        server_says = server_says.and(pass(&mut client, &mut server));
    }
    Outcome {
        server: server_says,
        client: client_says,
        resumable: client.tls13_tickets_received() > 0,
        alpn: server.alpn_protocol().map(<[u8]>::to_vec),
    }
}

fn pass<A, B>(
    from: &mut ConnectionCommon<A>,
    to: &mut ConnectionCommon<B>,
) -> Result<(), rustls::Error> {
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes).expect("writes to memory");
    }
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        to.read_tls(&mut rest).expect("reads from memory");
        to.process_new_packets()?;
    }
    Ok(())
}

/// A client that shows `chain` with `key` and believes any server of alice's house.
fn client_showing(house: &TestHouse, chain: Vec<Vec<u8>>, key: &[u8]) -> ClientConfig {
    #[derive(Debug)]
    struct Shows(Option<Arc<rustls::sign::CertifiedKey>>);
    impl rustls::client::ResolvesClientCert for Shows {
        fn resolve(
            &self,
            _hints: &[&[u8]],
            _schemes: &[rustls::SignatureScheme],
        ) -> Option<Arc<rustls::sign::CertifiedKey>> {
            self.0.clone()
        }
        fn has_certs(&self) -> bool {
            self.0.is_some()
        }
    }
    let key = PrivatePkcs8KeyDer::from(key.to_vec()).into();
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).expect("a key");
    let chain: Vec<_> = chain.into_iter().map(Into::into).collect();
    let shown = (!chain.is_empty()).then(|| Arc::new(rustls::sign::CertifiedKey::new(chain, key)));
    let mut config = client_config(&house.alice, time()).expect("configures");
    config.client_auth_cert_resolver = Arc::new(Shows(shown));
    config
}

#[test]
fn the_right_people_shake_hands_without_a_way_to_resume() {
    let house = TestHouse::new();
    let revocations = Arc::new(Revocations::new(house.ca.anchor().clone()));
    let client = client_config(&house.alice, time()).expect("configures");
    let outcome = shake(&house, &revocations, client.clone());
    assert_eq!((outcome.server, outcome.client), (Ok(()), Ok(())));
    assert_eq!(outcome.alpn.as_deref(), Some(ALPN_GAVEL_1));
    assert!(!outcome.resumable);
    let mut textual = client.clone();
    textual.alpn_protocols.clear();
    let outcome = shake(&house, &revocations, textual);
    assert_eq!((outcome.server, outcome.alpn), (Ok(()), None));
    let mut other = client;
    other.alpn_protocols = vec![b"http/1.1".to_vec()];
    assert_eq!(
        shake(&house, &revocations, other).server,
        Err(rustls::Error::NoApplicationProtocol)
    );
}

#[test]
fn wrong_people_are_refused_in_the_handshake_and_the_log_knows_why() {
    let house = TestHouse::new();
    let revocations = Arc::new(Revocations::new(house.ca.anchor().clone()));
    let key = P256Secret::generate().expect("randomness");
    for (what, chain, kind) in wrong_chains(&house) {
        let client = client_showing(&house, chain, key.pkcs8());
        let error = shake(&house, &revocations, client).server.expect_err(what);
        let fault = fault_of(&error).unwrap_or_else(|| panic!("{what}: {error:?}"));
        assert_eq!(fault.kind(), kind, "{what}");
    }
}

#[test]
fn alerts_name_the_reason_to_the_client() {
    use rustls::AlertDescription::{
        CertificateExpired, CertificateRequired, CertificateRevoked, UnknownCA,
    };
    let house = TestHouse::new();
    let revocations = Arc::new(Revocations::new(house.ca.anchor().clone()));
    let key = P256Secret::generate().expect("randomness");
    for (what, chain, kind) in wrong_chains(&house) {
        let alert = match kind {
            "no-certificate" => CertificateRequired,
            "untrusted-ca" => UnknownCA,
            "expired" | "not-yet-valid" => CertificateExpired,
            _ => continue,
        };
        let outcome = shake(&house, &revocations, client_showing(&house, chain, key.pkcs8()));
        assert_eq!(outcome.client, Err(rustls::Error::AlertReceived(alert)), "{what}");
    }
    revoke(&house, &revocations, 1);
    let client = client_config(&house.alice, time()).expect("configures");
    let outcome = shake(&house, &revocations, client);
    assert_eq!(outcome.client, Err(rustls::Error::AlertReceived(CertificateRevoked)));
    assert_eq!(outcome.server.map_err(|e| fault_of(&e)), Err(Some(CertificateFault::Revoked)));
}

#[test]
fn a_stolen_certificate_without_its_key_is_worth_nothing() {
    let house = TestHouse::new();
    let revocations = Arc::new(Revocations::new(house.ca.anchor().clone()));
    let key = P256Secret::generate().expect("randomness");
    let chain = house.alice.identity.chain.clone();
    let outcome = shake(&house, &revocations, client_showing(&house, chain, key.pkcs8()));
    assert!(outcome.server.is_err());
}

#[test]
fn wrong_servers_are_refused_by_the_client() {
    let house = TestHouse::new();
    let key = P256Secret::generate().expect("randomness");
    let judge = |der: &[u8]| {
        verify_server(&[der.to_vec()], house.ca.anchor(), &house_name(), now())
            .map_err(|fault| fault.kind())
    };
    judge(house.server.certificate()).expect("takes");
    assert_eq!(judge(&house.alice.identity.chain[0]), Err("other-usage"));
    let server_like = |name: &'static str| {
        house.odd(move |p| {
            p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            p.subject_alt_names = vec![uri(name)];
        })
    };
    assert_eq!(judge(&server_like("gavel://other/server")), Err("other-house"));
    assert_eq!(judge(&server_like("gavel://estate/bidder/alice")), Err("other-usage"));
    let other = other_ca_of_the_same_name();
    let (der, _) = other.certify_server(&key.public_key(), &[], now()).expect("certifies");
    assert_eq!(judge(&der), Err("untrusted-ca"));
    let strange = TestHouse { server: ServerKey::new(der, key), ..TestHouse::new() };
    let revocations = Arc::new(Revocations::new(strange.ca.anchor().clone()));
    let client = client_config(&house.alice, time()).expect("configures");
    let error = shake(&strange, &revocations, client).client.expect_err("refuses");
    assert_eq!(fault_of(&error), Some(CertificateFault::UntrustedCa));
}

#[test]
fn the_server_speaks_tls_1_3_only_with_hybrid_keys_first() {
    let house = TestHouse::new();
    let revocations = Arc::new(Revocations::new(house.ca.anchor().clone()));
    let client = client_config(&house.alice, time()).expect("configures");
    let groups: Vec<_> = client.crypto_provider().kx_groups.iter().map(|g| g.name()).collect();
    assert_eq!(groups[0], rustls::NamedGroup::X25519MLKEM768);
    assert_eq!(TLS13.version, rustls::ProtocolVersion::TLSv1_3);
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    drop(shake(&house, &revocations, client));
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}

// ---- Revocation ----

fn revoke(house: &TestHouse, revocations: &Revocations, number: u64) {
    let entry = CrlEntry {
        serial: house.alice.identity.serial.clone(),
        revoked_at: now(),
        reason: RevocationReason::KeyCompromise,
    };
    let list = house.ca.sign_crl(number, &[entry], now()).expect("signs");
    revocations.offer(list.as_bytes()).expect("takes");
}

#[test]
fn a_list_comes_in_force_and_bad_ones_keep_the_old_state() {
    let house = TestHouse::new();
    let revocations = Revocations::new(house.ca.anchor().clone());
    let serial = &house.alice.identity.serial;
    assert!(!revocations.is_revoked(serial));
    revoke(&house, &revocations, 5);
    assert!(revocations.is_revoked(serial));
    let in_force = revocations.crl().expect("in force");
    assert_eq!((in_force.number, in_force.this_update), (5, now()));
    assert_eq!(in_force.next_update, now().plus(CRL_LIFETIME));
    assert_eq!(in_force.entries[0].reason, RevocationReason::KeyCompromise);

    let list = |ca: &Ca, number| ca.sign_crl(number, &[], now()).expect("signs").into_bytes();
    let mut flipped = list(&house.ca, 9);
    let middle = flipped.len() / 2;
    flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
    let bad: [(&[u8], &[CrlFault]); 7] = [
        (b"", &[CrlFault::Empty]),
        (b" \n", &[CrlFault::Empty]),
        (b"garbage", &[CrlFault::Malformed]),
        (&flipped, &[CrlFault::Malformed, CrlFault::WrongSigner]),
        (&list(&other_ca_of_the_same_name(), 9), &[CrlFault::WrongSigner]),
        (&list(&house.ca, 4), &[CrlFault::Older { number: 4, in_force: 5 }]),
        (&list(&house.ca, 5), &[CrlFault::SameNumber { number: 5 }]),
    ];
    for (bytes, faults) in bad {
        let fault = revocations.offer(bytes).expect_err("refuses");
        assert!(faults.contains(&fault), "{fault}");
        assert_eq!(revocations.crl(), Some(Arc::clone(&in_force)));
        assert!(revocations.is_revoked(serial));
    }
    let newer = list(&house.ca, 6);
    let update = revocations.offer(&newer).expect("takes");
    assert!(matches!(update, CrlUpdate::Newer { added, .. } if added.is_empty()));
    assert!(revocations.is_revoked(serial), "revoked once is revoked for good");
    assert_eq!(revocations.offer(&newer), Ok(CrlUpdate::Unchanged));
}
