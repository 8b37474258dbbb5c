//! Lists of people: all issued or none, and never twice.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::super::*;
use super::house::{Place, credential, grant, name};
use super::{later, now};
use crate::auction::name::{Name, Role};
use crate::time::Timestamp;

/// A list from rows of `name|role|request|days`, numbered from 2.
fn list(place: &Place, rows: &[&str]) -> PeopleList {
    let row = |(number, text): (u64, &&str)| {
        let cells: Vec<String> = text.split('|').map(str::to_owned).collect();
        let cell = |place: usize| cells.get(place).cloned().unwrap_or_default();
        Row { number, name: cell(0), role: cell(1), request: cell(2), days: cell(3) }
    };
    PeopleList { folder: place.requests(), rows: (2..).zip(rows).map(row).collect() }
}

impl Place {
    fn requests(&self) -> PathBuf {
        self.bidders("requests")
    }

    fn out(&self) -> PathBuf {
        self.house.people()
    }

    fn batch(&self, rows: &[&str], at: Timestamp) -> Result<Batched, BatchFault> {
        self.office().batch(&list(self, rows), &self.out(), at)
    }

    /// The faults of a list, which must change nothing, as `row column reason`.
    fn faults(&self, rows: &[&str], at: Timestamp) -> Vec<String> {
        let before = self.everything();
        let fault = self.batch(rows, at).expect_err("is refused");
        let BatchFault::Rows { bad } = fault else { panic!("{fault}") };
        assert_eq!(self.everything(), before, "nothing is written");
        let tell = |bad: &BadRow| format!("{} {} {}", bad.row, bad.fault.column(), bad.fault);
        bad.iter().map(tell).collect()
    }
}

fn names(issued: &[Enlisted]) -> Vec<&str> {
    issued.iter().map(|one| holder(one).0.as_str()).collect()
}

fn holder(one: &Enlisted) -> (&Name, KeyMaker) {
    match &one.issued.holder {
        Holder::Person { name, maker, .. } => (name, *maker),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_list_is_issued_once_and_only_what_is_new_in_it_again() {
    let place = Place::prepared();
    let requested = request(&place.requests(), &name("carl")).expect("requests");
    let rows = ["ada", "bob|clerk||30", "carl||carl.request.pem"];
    let batched = place.batch(&rows, now()).expect("issues");
    assert_eq!(names(&batched.issued), ["ada", "bob", "carl"]);
    let [ada, bob, carl] = batched.issued.try_into().expect("three");
    let ada = credential(&ada.path, now());
    assert_eq!((ada.identity.role, ada.identity.house_made_key), (Role::Bidder, true));
    let bob = credential(&bob.path, now());
    assert_eq!((bob.identity.role, bob.identity.not_after), (Role::Clerk, later(30)));
    assert!(carl.is_answer() && carl.path.ends_with("carl.answer.pem"));
    assert_eq!((carl.issued.key, holder(&carl).1), (requested.fingerprint, KeyMaker::Holder));
    accept(&carl.path, &place.requests(), now()).expect("carl has the key");

    let before = place.everything();
    let again = place.batch(&rows, later(1)).expect("changes nothing");
    assert_eq!((again.issued.len(), again.kept.len(), again.finished.len()), (0, 3, 0));
    assert_eq!(place.everything(), before);
    let more = [&rows[..], &["dora"]].concat();
    let batched = place.batch(&more, later(1)).expect("issues");
    assert_eq!((names(&batched.issued), batched.kept.len()), (vec!["dora"], 3));
    let mut after = place.everything();
    let changed: Vec<PathBuf> = before
        .into_iter()
        .filter_map(|(path, bytes)| (after.remove(&path) != Some(bytes)).then_some(path))
        .collect();
    assert!(matches!(&changed[..], [register] if register.ends_with("ca/issued.jsonl")));
    assert!(after.into_keys().eq([place.out().join("dora.pem")]));
}

#[test]
fn five_hundred_people_are_five_hundred_certificates() {
    let place = Place::prepared();
    let people: Vec<String> = (0..500).map(|number| format!("bidder-{number}")).collect();
    let rows: Vec<&str> = people.iter().map(String::as_str).collect();
    let batched = place.batch(&rows, now()).expect("issues");
    assert_eq!(names(&batched.issued), rows);
    let files = keys::files_with_extension(&place.out(), "pem").expect("lists");
    assert_eq!(files.len(), 501, "the auctioneer's is there too");
    let register = place.house.register().expect("reads");
    let live: std::collections::HashSet<_> = register
        .standings(now())
        .filter(|(_, standing)| *standing == Standing::Live)
        .map(|(issued, _)| issued.cert)
        .collect();
    let certificate = |path: &PathBuf| credential(path, now()).identity.cert;
    assert!(files.iter().all(|path| live.contains(&certificate(path))));
    assert_eq!(register.issued().count(), 503);
    assert_eq!(place.batch(&rows, now()).expect("changes nothing").kept.len(), 500);
}

#[test]
fn every_broken_row_is_told_and_one_keeps_everything_from_being_made() {
    let place = Place::prepared();
    request(&place.requests(), &name("ada")).expect("requests");
    let faults = place.faults(
        &[
            "good",
            "Bad Name",
            "king|king",
            "good",
            "short|||0",
            "long|||91",
            "odd|||+9",
            "many|king||x",
            "gone||gone.request.pem",
            "ada||ada.request.pem",
            "adam||ada.request.pem",
            "auctioneer",
        ],
        now(),
    );
    let mut told = String::new();
    for fault in &faults {
        let end = fault.find(place.requests().to_str().expect("UTF-8")).unwrap_or(fault.len());
        writeln!(told, "{}", &fault[..end]).expect("a string");
    }
    assert_eq!(
        told,
        "\
3 name a name is 1 to 32 of a-z, 0-9, _ and -, and begins with a letter or digit
4 role a role is one of bidder, auctioneer, clerk, observer, auditor
5 name the name stands in row 2 already
6 days days are a whole number from 1 to 90
7 days days are a whole number from 1 to 90
8 days days are a whole number from 1 to 90
9 role a role is one of bidder, auctioneer, clerk, observer, auditor
9 days days are a whole number from 1 to 90
10 request cannot read \n\
12 request the request asks for the name ada: a wrong file, or to be signed by itself
13 role the name has a certificate as auctioneer already
"
    );
}

#[test]
fn names_and_keys_with_a_past_are_not_issued_anew() {
    let place = Place::prepared();
    let asked = |who: &str| {
        let folder = place.bidders(who);
        let requested = request(&folder, &name("x")).expect("requests");
        (requested.fingerprint, format!("../{who}/x.request.pem"))
    };
    let ((_, first), (_, second)) = (asked("one"), asked("two"));
    let key = |path: &str| place.requests().join(path);
    let mut office = place.office();
    let odd = grant("x");
    office.sign(&key(&first), odd.clone(), Replace::Refuse, now()).expect("signs");
    office.issue(grant("ada"), Replace::Refuse, now()).expect("issues");
    office.issue(grant("mallory"), Replace::Refuse, now()).expect("issues");
    let reason = RevocationReason::PrivilegeWithdrawn;
    office.revoke(&Which::Name(name("mallory")), reason, now()).expect("revokes");
    drop(office);
    let rows = |text: &str| place.faults(&[text], now());
    assert_eq!(
        rows("x"),
        ["2 request the name has a certificate for a key that its holder made: name its request"]
    );
    let other = format!("x||{second}");
    assert_eq!(rows(&other), ["2 request the name has a certificate for another key than this"]);
    let same = format!("x||{first}");
    assert_eq!(place.batch(&[&same], now()).expect("is unchanged").kept.len(), 1);
    assert_eq!(rows("ada|clerk"), ["2 role the name has a certificate as bidder already"]);
    let revoked = "2 name the name's certificate was revoked, and a list gives nobody a new one";
    assert_eq!(rows("mallory"), [revoked]);

    // Requests that name nobody, as other programs may make them, are known by their keys.
    let write = |file: &str, secret: &P256Secret| {
        let pem = nameless_request(secret);
        keys::replace(&key(file), pem.as_bytes()).expect("writes");
    };
    let (own, leaked) =
        (P256Secret::generate().expect("a key"), P256Secret::generate().expect("a key"));
    write("own.pem", &own);
    write("leaked.pem", &leaked);
    let twice = ["eva||own.pem", "fay||own.pem"];
    assert_eq!(
        place.faults(&twice, now()),
        ["3 request the request is for the same key as that of row 2"]
    );
    place.batch(&twice[..1], now()).expect("issues");
    assert_eq!(rows("fay||own.pem"), ["2 request the request's key is certified as eva's already"]);
    place.batch(&["gil||leaked.pem"], now()).expect("issues");
    let reason = RevocationReason::KeyCompromise;
    place.office().revoke(&Which::Name(name("gil")), reason, now()).expect("revokes");
    assert_eq!(
        rows("hal||leaked.pem"),
        ["2 request the key was revoked as compromised, and is never certified again"]
    );
}

fn nameless_request(secret: &P256Secret) -> String {
    let der = rustls::pki_types::PrivatePkcs8KeyDer::from(secret.pkcs8());
    let key = rcgen::KeyPair::try_from(&der).expect("a key");
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.serialize_request(&key).expect("writes").pem().expect("writes")
}

#[test]
fn files_are_never_overwritten_and_who_expired_is_new_again() {
    let place = Place::prepared();
    place.batch(&["ada", "bob"], now()).expect("issues");
    let path = place.out().join("ada.pem");
    let there = format!("2 name {} is there already and is not overwritten", keys::shown(&path));
    assert_eq!(place.faults(&["ada"], later(91)), [there]);
    std::fs::remove_file(&path).expect("was handed over");
    let batched = place.batch(&["ada"], later(91)).expect("issues");
    assert_eq!(names(&batched.issued), ["ada"]);
    // Handed over and deleted, it is nothing to be made again.
    std::fs::remove_file(&path).expect("was handed over");
    assert_eq!(place.batch(&["ada"], later(92)).expect("is unchanged").kept.len(), 1);
}

#[test]
fn a_key_that_the_house_made_stays_so_whoever_asks_for_it() {
    let place = Place::prepared();
    let ada = place.office().issue(grant("ada"), Replace::Refuse, now()).expect("issues");
    let secret = credential(&ada.path, now()).secret;
    let path = place.requests().join("ada.request.pem");
    let text = make_request(&name("ada"), &secret).expect("writes");
    keys::replace(&path, text.as_bytes()).expect("writes");
    assert_eq!(place.batch(&["ada||ada.request.pem"], now()).expect("is unchanged").kept.len(), 1);
    let batched = place.batch(&["ada||ada.request.pem"], later(91)).expect("issues");
    assert!(batched.issued[0].is_answer());
    assert_eq!(holder(&batched.issued[0]).1, KeyMaker::House);
    let signed = place.office().sign(&path, grant("ada"), Replace::Revoke, later(91));
    assert!(signed.expect("signs").identity.house_made_key);
}
