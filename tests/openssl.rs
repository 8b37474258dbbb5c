//! openssl as an outside reader of what the house makes, and as a maker of
//! requests. Where there is no openssl, that is said and nothing is tested.

use std::path::Path;
use std::process::Command;

use gavel::auction::name::{HouseName, Name, Role, SaleId};
use gavel::pki::{
    Address, Grant, HouseFolder, KeyMaker, PERSON_LIFETIME_MAX, Preparation, Replace,
    RevocationReason, Which, accept, keys, prepare, request,
};
use gavel::time::Timestamp;

const AT: &str = "1800000000";

fn now() -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000).expect("in range")
}

fn has_openssl() -> bool {
    let found = Command::new("openssl").arg("version").output().is_ok_and(|o| o.status.success());
    if !found {
        println!("skipped: there is no openssl here");
    }
    found
}

/// Runs openssl in `folder`; gives whether it was content, and all that it said.
fn openssl(folder: &Path, line: &str) -> (bool, String) {
    let output = Command::new("openssl")
        .args(line.split_whitespace())
        .current_dir(folder)
        .output()
        .expect("openssl runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn content(folder: &Path, line: &str) -> String {
    let (fine, said) = openssl(folder, line);
    assert!(fine, "openssl {line}: {said}");
    said
}

fn prepared(root: &Path, passphrase: Option<&keys::Passphrase>) -> HouseFolder {
    let folder = HouseFolder::at(root.join("pki"));
    let wanted = Preparation {
        house: Some(HouseName::parse("estate").expect("a name")),
        address: Some(Address::parse("auction.example:12000").expect("an address")),
        sale: SaleId::parse("spring").expect("an id"),
        auctioneer: Name::parse("auctioneer").expect("a name"),
    };
    prepare(&folder, &wanted, passphrase, now()).expect("prepares");
    folder
}

fn alice() -> Grant {
    Grant {
        name: Name::parse("alice").expect("a name"),
        role: Role::Bidder,
        maker: KeyMaker::Holder,
        lifetime: PERSON_LIFETIME_MAX,
    }
}

#[test]
fn openssl_reads_and_verifies_all_that_the_house_makes() {
    if !has_openssl() {
        return;
    }
    let temp = tempfile::tempdir().expect("a folder");
    let house = prepared(temp.path(), None);
    let (pki, strict) = (temp.path().join("pki"), format!("-x509_strict -attime {AT}"));
    for (file, purpose) in [
        ("serve/server.pem", "-purpose sslserver -verify_hostname auction.example"),
        ("people/auctioneer.pem", "-purpose sslclient"),
        ("serve/sealer-spring.pem", "-purpose any"),
    ] {
        content(&pki, &format!("verify {strict} {purpose} -CAfile serve/ca.pem {file}"));
        let text = content(&pki, &format!("x509 -in {file} -noout -text"));
        assert!(text.contains("URI:gavel://estate/") && text.contains("CA:FALSE"), "{text}");
    }
    content(&pki, &format!("verify {strict} -CAfile people/auctioneer.pem people/auctioneer.pem"));
    for key in ["ca/ca.key", "serve/server.pem", "serve/sealer-spring.key", "people/auctioneer.pem"]
    {
        content(&pki, &format!("pkey -in {key} -noout"));
    }
    let name = Name::parse("auctioneer").expect("a name");
    let mut office = house.open(None).expect("opens");
    office.revoke(&Which::Name(name), RevocationReason::KeyCompromise, now()).expect("revokes");
    assert!(content(&pki, "crl -in serve/crl.pem -CAfile serve/ca.pem -noout").contains("OK"));
    let check = "-crl_check -CRLfile serve/crl.pem -CAfile serve/ca.pem";
    content(&pki, &format!("verify {strict} {check} serve/server.pem"));
    let (fine, said) = openssl(&pki, &format!("verify {strict} {check} people/auctioneer.pem"));
    assert!(!fine && said.contains("revoked"), "{said}");
}

#[test]
fn openssl_opens_a_ca_key_by_its_passphrase_and_closes_one_for_us() {
    if !has_openssl() {
        return;
    }
    let temp = tempfile::tempdir().expect("a folder");
    let passphrase = keys::Passphrase::new("horse".into());
    let house = prepared(temp.path(), passphrase.as_ref());
    let ca = temp.path().join("pki/ca");
    content(&ca, "pkey -in ca.key -passin pass:horse -noout");
    assert!(!openssl(&ca, "pkey -in ca.key -passin pass:wrong -noout").0);
    content(&ca, "pkcs8 -topk8 -in ca.key -passin pass:horse -passout pass:mule -out new.key");
    std::fs::rename(ca.join("new.key"), ca.join("ca.key")).expect("renames");
    house.open(keys::Passphrase::new("mule".into()).as_ref()).expect("opens");
}

#[test]
fn openssl_checks_our_requests_and_we_sign_its() {
    if !has_openssl() {
        return;
    }
    let temp = tempfile::tempdir().expect("a folder");
    let house = prepared(temp.path(), None);
    let mut office = house.open(None).expect("opens");
    let ours = request(temp.path(), &alice().name).expect("requests");
    content(temp.path(), "req -in alice.request.pem -verify -noout");
    office.sign(&ours.request, alice(), Replace::Refuse, now()).expect("signs");

    let theirs = temp.path().join("theirs");
    keys::make_folder(&theirs).expect("makes");
    content(
        &theirs,
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout my.key \
         -out my.request.pem -subj /CN=root -addext subjectAltName=URI:gavel://estate/server",
    );
    let path = theirs.join("my.request.pem");
    let signed = office.sign(&path, alice(), Replace::Revoke, now()).expect("signs");
    let accepted = accept(&signed.path, &theirs, now()).expect("accepts");
    assert_eq!(accepted.identity.role, Role::Bidder);
    content(&theirs, "pkey -in alice.pem -noout");
    for other in ["-newkey ec -pkeyopt ec_paramgen_curve:P-384", "-newkey rsa:2048"] {
        content(&theirs, &format!("req -new {other} -nodes -keyout o.key -out o.pem -subj /CN=x"));
        let fault = office.sign(&theirs.join("o.pem"), alice(), Replace::Revoke, now());
        assert!(fault.is_err_and(|fault| fault.to_string().contains("not P-256")));
    }
}
