//! Certificates, requests and revocation lists in DER. Bytes as they are: only what the house's CA
//! signed is taken. And the same bytes under a good signature of that CA: whatever such a
//! certificate holds, it is of one kind and names what it may.

#![no_main]

use std::collections::HashSet;
use std::sync::LazyLock;

use gavel::auction::name::is_showable;
use gavel::pki::{
    Anchor, Bearer, Crl, Fingerprint, P256Secret, Shown, read_request, show, verify_person,
    verify_sealer, verify_sealer_ever, verify_server,
};
use gavel_fuzz::der::{pem, signed_by};
use gavel_fuzz::house::{anchor, ca_secret, folder, house, later, sale};
use libfuzzer_sys::fuzz_target;

static ANCHOR: LazyLock<Anchor> = LazyLock::new(anchor);
static SECRET: LazyLock<P256Secret> = LazyLock::new(ca_secret);
static ISSUED: LazyLock<HashSet<Fingerprint>> = LazyLock::new(|| {
    let register = folder().register().expect("a register");
    register.issued().map(|issued| issued.cert).collect()
});

fuzz_target!(|der: &[u8]| {
    if let Some(kinds) = kinds(der) {
        assert_eq!(kinds, 1, "one certificate is taken for several");
        assert!(ISSUED.contains(&Fingerprint::of(der)), "the CA never signed this");
    }
    if let Ok(other) = Anchor::from_der(der) {
        assert_eq!(other.der(), der);
        assert_eq!(Anchor::from_pem(other.to_pem().as_bytes()).as_ref(), Ok(&other));
        assert_eq!(kinds(der), None, "a CA is no leaf");
    }
    if let Ok(key) = read_request(der) {
        assert_eq!(gavel::pki::P256Key::from_spki(&key.spki()), Some(key));
    }
    check_list(der);

    let signed = signed_by(&SECRET, der);
    if let Some(kinds) = kinds(&signed) {
        assert_eq!(kinds, 1, "one certificate is taken for several");
        check_shown(&signed);
    }
    check_list(&signed);
});

/// As how many kinds a certificate is taken; none if it is not.
fn kinds(der: &[u8]) -> Option<usize> {
    let (chain, at) = ([der.to_vec()], later());
    let person = verify_person(&chain, &ANCHOR, &house(), at);
    if let Ok(person) = &person {
        assert_eq!((&person.house, person.leaf()), (&house(), der));
        assert_eq!(person.check_time(at), Ok(()));
        assert_eq!(person.cert, Fingerprint::of(der));
        let with_ca = [der.to_vec(), ANCHOR.der().to_vec()];
        assert!(verify_person(&with_ca, &ANCHOR, &house(), at).is_ok());
    }
    let server = verify_server(&chain, &ANCHOR, &house(), at);
    let sealer = verify_sealer(der, &ANCHOR, &house(), &sale(), at);
    if sealer.is_ok() {
        let ever = verify_sealer_ever(der, &ANCHOR, &house(), &sale());
        assert_eq!(ever.as_ref().ok(), sealer.as_ref().ok());
    }
    let taken = [person.is_ok(), server.is_ok(), sealer.is_ok()];
    let kinds = taken.into_iter().filter(|taken| *taken).count();
    (kinds > 0).then_some(kinds)
}

/// What is taken is also shown, and nothing that is shown reaches a terminal unseen.
fn check_shown(der: &[u8]) {
    let text = pem("CERTIFICATE", der);
    let shown = show(text.as_bytes(), Some(&ANCHOR), later()).expect("what is taken is shown");
    let Shown::Certificate(shown) = shown else { panic!("{shown:?}") };
    assert_eq!(shown.fault, None);
    let name = match &shown.bearer {
        Bearer::Person(person) => person.name.to_string(),
        Bearer::Sealer(sealer) => sealer.sale.to_string(),
        Bearer::Server(server) => server.house.to_string(),
    };
    assert!(name.chars().all(is_showable));
}

fn check_list(der: &[u8]) {
    if let Ok(list) = Crl::read(der, &ANCHOR) {
        let again = Crl::read(pem("X509 CRL", der).as_bytes(), &ANCHOR).expect("reads as PEM");
        assert_eq!(again, list);
        assert!(list.number <= gavel::limits::INTEGER_MAX);
    }
}
