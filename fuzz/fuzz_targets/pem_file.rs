//! The files that people hand to each other: credentials, answers, requests, revocation lists, CA
//! certificates. Whatever stands in them there is an answer, and a credential that is taken is
//! written again as one that says the same.

#![no_main]

use std::sync::LazyLock;

use gavel::pki::{Anchor, Credential, Crl, Shown, read_request, show};
use gavel_fuzz::house::{anchor, later};
use libfuzzer_sys::fuzz_target;

static ANCHOR: LazyLock<Anchor> = LazyLock::new(anchor);

fuzz_target!(|bytes: &[u8]| {
    let shown = show(bytes, Some(&ANCHOR), later());
    if let Ok(credential) = Credential::read(bytes, later()) {
        let text = credential.to_pem();
        let again = Credential::read(text.as_bytes(), later()).expect("reads what it wrote");
        assert_eq!(again.address, credential.address);
        assert_eq!(again.identity, credential.identity);
        assert_eq!(again.anchor, credential.anchor);
        assert_eq!(again.secret.public_key(), credential.identity.public_key);
        let Ok(Shown::Certificate(shown)) = &shown else { panic!("{shown:?}") };
        assert_eq!((shown.fault.as_ref(), shown.has_key), (None, true));
    }
    if let Ok(Shown::Request { key }) = &shown {
        assert_eq!(read_request(bytes).map(|read| read.fingerprint()).as_ref(), Ok(key));
    }
    if let Ok(Shown::Crl(list)) = &shown {
        assert_eq!(Crl::read(bytes, &ANCHOR).as_ref(), Ok(list));
    }
    if let Ok(Shown::Ca(ca)) = &shown {
        assert_eq!(Anchor::from_pem(bytes).as_ref(), Ok(ca.as_ref()));
        assert_eq!(Anchor::from_der(ca.der()).as_ref(), Ok(ca.as_ref()));
    }
    check_key(bytes);
});

/// A key's file has one key or is refused, and never asks for a passphrase that it does not need.
fn check_key(bytes: &[u8]) {
    let path = std::path::Path::new("some.key");
    if let Ok(pkcs8) = gavel::pki::keys::open_key(path, bytes, None)
        && let Ok(secret) = gavel::pki::P256Secret::from_pkcs8(&pkcs8)
    {
        let again = gavel::pki::P256Secret::from_pkcs8(secret.pkcs8()).expect("reads again");
        assert_eq!(again.public_key(), secret.public_key());
    }
}
