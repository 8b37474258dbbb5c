//! Every wrong certificate is refused, for its own reason.

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};

use super::super::*;
use super::{
    TestHouse, grant, house_name, later, now, odd_by, other_ca_of_the_same_name, sale, uri,
};
use crate::auction::name::{HouseName, Role, SaleId};
use crate::time::{Span, Timestamp};

/// Each wrong certificate of issue 2, point 5, that `verify_person` must refuse.
pub(super) fn wrong_chains(house: &TestHouse) -> Vec<(&'static str, Vec<Vec<u8>>, &'static str)> {
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

/// The CA was made while the clock ran ahead.
#[test]
fn a_certificate_older_than_its_ca_is_shown_as_it_is_judged() {
    let house = TestHouse::new();
    let put_back = Timestamp::from_unix_ms(now().unix_ms() - 300_000).expect("in range");
    let secret = P256Secret::generate().expect("randomness");
    let identity = house.ca.certify_person(&secret.public_key(), &grant(), put_back);
    let identity = identity.expect("both are valid for a day by then");
    let TestHouse { alice, .. } = house;
    let credential = Credential { identity: identity.clone(), secret, ..alice };
    match show(credential.to_pem().as_bytes(), None, now()) {
        Ok(Shown::Certificate(shown)) => {
            assert_eq!((shown.bearer, shown.fault), (Bearer::Person(identity), None));
        }
        other => panic!("{other:?}"),
    }
}
