//! A house on disk: prepared, certifying, issuing, revoking.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::*;
use super::{house_name, later, now, sale};
use crate::auction::name::{HouseName, Name, Role, SaleId};
use crate::time::Timestamp;

pub(in crate::pki) struct Place {
    pub(in crate::pki) temp: tempfile::TempDir,
    pub(in crate::pki) house: HouseFolder,
}

impl Place {
    fn new() -> Self {
        let temp = tempfile::tempdir().expect("a folder");
        let house = HouseFolder::at(temp.path().join("pki"));
        Self { temp, house }
    }

    fn prepare(&self, at: Timestamp) -> Result<Prepared, OfficeFault> {
        prepare(&self.house, &wanted(), None, at)
    }

    pub(in crate::pki) fn prepared() -> Self {
        let place = Self::new();
        place.prepare(now()).expect("prepares");
        place
    }

    pub(in crate::pki) fn office(&self) -> Office {
        self.house.open(None).expect("opens")
    }

    /// A folder of a bidder's own.
    pub(in crate::pki) fn bidders(&self, who: &str) -> PathBuf {
        let folder = self.temp.path().join(who);
        keys::make_folder(&folder).expect("makes");
        folder
    }

    /// Whatever is in the folder of the test, hidden files too, with its bytes.
    pub(in crate::pki) fn everything(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.temp.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("lists") {
                let path = entry.expect("lists").path();
                if path.is_dir() {
                    folders.push(path.clone());
                    found.insert(path, Vec::new());
                } else {
                    found.insert(path.clone(), std::fs::read(&path).expect("reads"));
                }
            }
        }
        found
    }

    /// Every file of the house with its bytes.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let folders = ["ca", "serve", "people"].map(|name| self.temp.path().join("pki").join(name));
        let extensions = ["pem", "key", "json", "jsonl", "used"];
        let mut files = Vec::new();
        for folder in &folders {
            for extension in extensions {
                for path in keys::files_with_extension(folder, extension).expect("lists") {
                    let bytes = keys::read_secret(&path, 1 << 20).expect("0600").to_vec();
                    files.push((path, bytes));
                }
            }
        }
        files
    }
}

fn wanted() -> Preparation {
    Preparation {
        house: Some(house_name()),
        address: Some(address("10.0.0.1:12000")),
        sale: sale(),
        auctioneer: name("auctioneer"),
    }
}

pub(in crate::pki) fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

pub(in crate::pki) fn grant(text: &str) -> Grant {
    Grant { name: name(text), ..super::grant() }
}

pub(in crate::pki) fn credential(path: &Path, at: Timestamp) -> Credential {
    let bytes = keys::read_secret(path, 1 << 20).expect("reads");
    Credential::read(&bytes, at).expect("a credential")
}

#[test]
fn preparing_makes_what_is_missing_and_the_second_time_nothing() {
    let place = Place::new();
    let prepared = place.prepare(now()).expect("prepares");
    let made: Vec<Thing> = prepared.made.iter().map(|made| made.what).collect();
    use Thing::{Auctioneer, Ca, Crl, Particulars, Sealer, Server};
    assert_eq!(made, [Ca, Particulars, Server, Sealer, Crl, Auctioneer]);
    for made in &prepared.made {
        assert!(keys::is_there(&made.path).expect("looks"), "{}", made.what);
    }
    let before = place.files();
    assert_eq!(before.len(), 12);
    let again = place.prepare(later(1)).expect("prepares");
    assert_eq!((again.made, again.ca), (vec![], prepared.ca));
    assert_eq!(place.files(), before);

    let serving = place.house.serve().open(now()).expect("opens");
    assert_eq!(serving.anchor.fingerprint(), prepared.ca);
    assert_eq!(serving.particulars, prepared.particulars);
    let path = place.house.people().join("auctioneer.pem");
    let auctioneer = credential(&path, now());
    assert_eq!(auctioneer.identity.role, Role::Auctioneer);
    assert!(auctioneer.identity.house_made_key);
    assert_eq!(auctioneer.address, address("10.0.0.1:12000"));
}

#[test]
fn another_sale_needs_another_sealer_only() {
    let place = Place::prepared();
    let autumn = SaleId::parse("autumn").expect("an id");
    let wish = Preparation { house: None, address: None, sale: autumn, ..wanted() };
    let prepared = prepare(&place.house, &wish, None, now()).expect("prepares");
    assert_eq!(prepared.made.iter().map(|made| made.what).collect::<Vec<_>>(), [Thing::Sealer]);
    let wish = Preparation { house: Some(HouseName::parse("other").expect("a name")), ..wanted() };
    let fault = prepare(&place.house, &wish, None, now());
    assert!(matches!(fault, Err(OfficeFault::OtherHouse { house }) if house == house_name()));
    let wish = Preparation { house: None, address: None, ..wanted() };
    let nowhere = HouseFolder::at(place.temp.path().join("elsewhere"));
    let fault = prepare(&nowhere, &wish, None, now());
    assert!(matches!(fault, Err(OfficeFault::NewHouse)));
}

#[test]
fn a_new_address_needs_no_new_certificate() {
    let place = Place::prepared();
    let moved = Preparation { address: Some(address("10.9.9.9:1")), ..wanted() };
    let prepared = prepare(&place.house, &moved, None, now()).expect("prepares");
    assert_eq!(prepared.made.iter().map(|m| m.what).collect::<Vec<_>>(), [Thing::Particulars]);
    assert_eq!(prepared.moved_from, Some(address("10.0.0.1:12000")));
    let serving = place.house.serve().open(now()).expect("opens");
    assert_eq!(serving.particulars.address, address("10.9.9.9:1"));
    assert_eq!(place.office().particulars().address, address("10.9.9.9:1"));
}

#[test]
fn an_expired_server_certificate_is_made_anew() {
    let place = Place::prepared();
    assert!(place.house.serve().open(later(91)).is_err());
    let prepared = place.prepare(later(91)).expect("prepares");
    let made: Vec<Thing> = prepared.made.iter().map(|made| made.what).collect();
    assert_eq!(made, [Thing::Server, Thing::Auctioneer]);
    place.house.serve().open(later(91)).expect("opens");
}

#[test]
fn a_server_needs_nothing_of_the_ca() {
    let place = Place::prepared();
    let (ca, away) = (place.temp.path().join("pki/ca"), place.temp.path().join("away"));
    std::fs::rename(&ca, &away).expect("moves");
    place.house.serve().open(now()).expect("opens");
    assert_eq!(place.prepare(now()).expect("prepares").made, []);
    let other = Preparation { sale: SaleId::parse("autumn").expect("an id"), ..wanted() };
    let fault = prepare(&place.house, &other, None, now());
    assert!(matches!(fault, Err(OfficeFault::NoCa { .. })));
}

#[test]
fn a_passphrase_is_asked_for_only_when_the_ca_signs() {
    let place = Place::new();
    let passphrase = keys::Passphrase::new("correct horse".into());
    prepare(&place.house, &wanted(), passphrase.as_ref(), now()).expect("prepares");
    assert_eq!(place.prepare(now()).expect("needs no key").made, []);
    place.house.register().expect("needs no key");
    let fault = place.house.open(None).expect_err("needs the passphrase");
    assert!(matches!(fault, OfficeFault::File(keys::KeyFault::PassphraseNeeded { .. })));
    place.house.open(passphrase.as_ref()).expect("opens");
}

#[test]
fn the_sealing_key_lives_from_fresh_to_erased() {
    let place = Place::prepared();
    let serve = place.house.serve();
    let anchor = serve.open(now()).expect("opens").anchor;
    let read = || serve.sealing_credential(&sale(), &anchor, &house_name(), now());
    let state = || serve.sealing_key_state(&sale()).expect("looks");
    let key = read().expect("reads").key;
    assert_eq!(state(), SealingKeyState::Fresh);
    serve.mark_sealing_key_used(&sale()).expect("marks");
    serve.mark_sealing_key_used(&sale()).expect("is marked");
    assert_eq!(state(), SealingKeyState::Used);
    assert_eq!(read().expect("reads").key, key);
    assert_eq!(place.prepare(now()).expect("changes nothing").made, []);
    serve.erase_sealing_key(&sale()).expect("erases");
    serve.erase_sealing_key(&sale()).expect("is erased");
    assert_eq!(state(), SealingKeyState::Erased);
    assert!(read().is_err());
    assert!(matches!(place.prepare(now()), Err(OfficeFault::SaleClosed { .. })));
    let other = SaleId::parse("autumn").expect("an id");
    assert_eq!(serve.sealing_key_state(&other).expect("looks"), SealingKeyState::Missing);
}

#[test]
fn an_erasing_cut_off_before_the_file_is_removed_is_an_erasing() {
    let place = Place::prepared();
    let serve = place.house.serve();
    serve.mark_sealing_key_used(&sale()).expect("marks");
    let path = serve.path().join(format!("sealer-{}.key", sale()));
    let length = std::fs::metadata(&path).expect("is there").len();
    for zeros in [length, 0] {
        std::fs::write(&path, vec![0; usize::try_from(zeros).expect("short")]).expect("writes");
        assert_eq!(serve.sealing_key_state(&sale()).expect("looks"), SealingKeyState::Erased);
    }
    serve.erase_sealing_key(&sale()).expect("erases");
    assert!(!path.exists());
}

#[test]
fn one_server_holds_a_sealing_key() {
    let place = Place::prepared();
    let serve = place.house.serve();
    let held = serve.hold_sealing_key(&sale()).expect("holds");
    assert!(matches!(serve.hold_sealing_key(&sale()), Err(keys::KeyFault::Busy { .. })));
    let other = SaleId::parse("autumn").expect("an id");
    serve.hold_sealing_key(&other).expect("another sale has its own");
    drop(held);
    serve.hold_sealing_key(&sale()).expect("is free again");
}

#[test]
fn a_key_is_requested_signed_and_accepted_without_leaving_its_holder() {
    let place = Place::prepared();
    let alices = place.bidders("alice");
    let requested = request(&alices, &name("alice")).expect("requests");
    let again = request(&alices, &name("alice")).expect("requests");
    assert_eq!((again.fingerprint, again.key_was_there), (requested.fingerprint, true));

    let mut office = place.office();
    let signed =
        office.sign(&requested.request, grant("alice"), Replace::Refuse, now()).expect("signs");
    assert_eq!(signed.identity.key, requested.fingerprint);
    assert_eq!((signed.replaced.len(), &signed.crl), (0, &None));
    assert_eq!(signed.path, alices.join("alice.answer.pem"));
    assert!(!signed.identity.house_made_key);

    let nobodys = place.bidders("nobody");
    let fault = accept(&signed.path, &nobodys, now()).expect_err("has no key");
    assert!(matches!(fault, HolderFault::NoKey { key, .. } if key == requested.fingerprint));
    let folder = place.bidders("elsewhere");
    keys::replace(&folder.join("alice.pem"), b"a photograph").expect("writes");
    let fault = accept(&signed.path, &folder, now()).expect_err("something is in the way");
    assert!(matches!(fault, HolderFault::InTheWay { .. }));
    let accepted = accept(&signed.path, &alices, now()).expect("accepts");
    assert!(!accepted.was_complete && accepted.ca == office.anchor().fingerprint());
    assert!(!keys::is_there(&requested.key).expect("looks"), "the credential is the only copy");
    assert!(accept(&signed.path, &alices, now()).expect("accepts").was_complete);
    let alice = credential(&accepted.path, now());
    assert_eq!(alice.identity, signed.identity);

    let fault = Credential::read(&keys::read_public(&signed.path, 1 << 20).expect("reads"), now());
    assert_eq!(fault.expect_err("has no key"), CredentialFault::NoKey);
}

#[test]
fn a_key_asks_again_out_of_its_credential_and_one_house_never_overwrites_another() {
    let (place, other) = (Place::prepared(), Place::prepared());
    let alices = place.bidders("alice");
    let requested = request(&alices, &name("alice")).expect("requests");
    let sign = |place: &Place, path: &Path| {
        place.office().sign(path, grant("alice"), Replace::Revoke, later(1)).expect("signs")
    };
    let first = sign(&place, &requested.request);
    let accepted = accept(&first.path, &alices, later(1)).expect("accepts");
    let again = request(&alices, &name("alice")).expect("requests");
    assert_eq!((again.fingerprint, again.key_was_there), (requested.fingerprint, true));
    assert_eq!(again.key, accepted.path);

    let held = keys::read_secret(&accepted.path, 1 << 20).expect("reads");
    let others = sign(&other, &again.request);
    let fault = accept(&others.path, &alices, later(1)).expect_err("is of another house");
    assert!(matches!(fault, HolderFault::File(keys::KeyFault::Exists { .. })));
    assert_eq!(*keys::read_secret(&accepted.path, 1 << 20).expect("reads"), *held);
    let second = sign(&place, &again.request);
    let renewed = accept(&second.path, &alices, later(1)).expect("accepts");
    assert!(!renewed.was_complete);
    let credential = credential(&renewed.path, later(1));
    assert_eq!(credential.identity, second.identity);
    assert_eq!(credential.identity.key, requested.fingerprint);
    keys::replace(&alices.join("bob.pem"), b"a photograph").expect("writes");
    let fault = request(&alices, &name("bob")).expect_err("something is in the way");
    assert!(matches!(fault, HolderFault::InTheWay { .. }));
}

#[test]
fn the_house_decides_name_and_role_and_the_holder_still_finds_the_key() {
    let place = Place::prepared();
    let alices = place.bidders("alice");
    let requested = request(&alices, &name("al")).expect("requests");
    let clerk = Grant { role: Role::Clerk, ..grant("alice") };
    let signed =
        place.office().sign(&requested.request, clerk, Replace::Refuse, now()).expect("signs");
    let accepted = accept(&signed.path, &alices, now()).expect("accepts");
    assert_eq!(accepted.identity.role, Role::Clerk);
    assert_eq!(accepted.path, alices.join("alice.pem"));
}

#[test]
fn a_second_good_certificate_under_a_name_revokes_the_first_or_is_refused() {
    let place = Place::prepared();
    let mut office = place.office();
    let first = office.issue(grant("bob"), Replace::Refuse, now()).expect("issues");
    let fault = office.issue(grant("bob"), Replace::Refuse, later(1)).expect_err("is taken");
    assert!(
        matches!(&fault, OfficeFault::Live { serial, .. } if *serial == first.identity.serial),
        "{fault}"
    );
    let second = office.issue(grant("bob"), Replace::Revoke, later(1)).expect("replaces");
    assert_eq!(second.replaced, std::slice::from_ref(&first.identity.serial));
    let made = second.crl.expect("a list");
    assert_eq!(made.crl.number, 2);
    assert_eq!(made.crl.entries[0].reason, RevocationReason::Superseded);
    let revocations = Revocations::new(office.anchor().clone());
    let bytes = place.house.serve().crl().expect("reads").expect("is there");
    revocations.offer(&bytes).expect("takes");
    assert!(revocations.is_revoked(&first.identity.serial));
    assert!(!revocations.is_revoked(&second.identity.serial));
    // An expired certificate is in nobody's way.
    office.issue(grant("bob"), Replace::Refuse, later(92)).expect("issues");
}

#[test]
fn revoking_writes_the_register_and_the_list() {
    let place = Place::prepared();
    let mut office = place.office();
    let bob = office.issue(grant("bob"), Replace::Refuse, now()).expect("issues").identity;
    let by_name = Which::Name(name("bob"));
    let reason = RevocationReason::KeyCompromise;
    let revoked = office.revoke(&by_name, reason, later(1)).expect("revokes");
    assert_eq!(revoked.certificates[0].serial, bob.serial);
    assert_eq!(revoked.list.paths.len(), 2);
    assert_eq!(revoked.list.crl.entries[0].revoked_at, later(1));
    assert!(matches!(office.revoke(&by_name, reason, later(1)), Err(OfficeFault::NotIssued)));
    let by_serial = Which::Serial(bob.serial.clone());
    let fault = office.revoke(&by_serial, reason, later(2)).expect_err("is revoked");
    assert!(matches!(fault, OfficeFault::AlreadyRevoked { at } if at == later(1)));
    let list = office.make_crl(later(3)).expect("writes");
    assert_eq!((list.crl.number, list.crl.entries.len()), (3, 1));
    drop(office);
    let register = place.house.register().expect("reads");
    let issued: Vec<_> = register.issued().collect();
    assert_eq!(issued.len(), 4);
    let standing = register.standing(issued[3], later(3));
    assert_eq!(standing, Standing::Revoked { at: later(1), reason });
}

#[test]
fn a_list_that_a_crash_left_unwritten_is_made_by_the_next_preparing() {
    let place = Place::prepared();
    let serve = place.house.serve();
    let old = serve.crl().expect("reads").expect("is there");
    place.office().make_crl(now()).expect("writes");
    keys::replace(&serve.crl_path(), &old).expect("writes");
    let made = place.prepare(now()).expect("prepares").made;
    assert_eq!(made.iter().map(|made| made.what).collect::<Vec<_>>(), [Thing::Crl]);
}

#[test]
fn only_one_command_works_in_the_ca() {
    let place = Place::prepared();
    let office = place.office();
    let fault = place.house.open(None).expect_err("is busy");
    assert!(matches!(fault, OfficeFault::File(keys::KeyFault::Busy { .. })));
    drop(office);
    place.office();
}

#[test]
fn credentials_that_do_not_fit_together_are_refused() {
    let place = Place::prepared();
    let mut office = place.office();
    let read = |who: &str| {
        let path = place.house.people().join(format!("{who}.pem"));
        String::from_utf8(keys::read_secret(&path, 1 << 20).expect("reads").to_vec()).expect("text")
    };
    office.issue(grant("alice"), Replace::Refuse, now()).expect("issues");
    office.issue(grant("bob"), Replace::Refuse, now()).expect("issues");
    let (alice, bob) = (read("alice"), read("bob"));
    let key_end = "-----END PRIVATE KEY-----\n";
    let at = alice.find(key_end).expect("a key") + key_end.len();
    let (alices_key, alices_rest) = alice.split_at(at);
    let bobs_rest = &bob[bob.find(key_end).expect("a key") + key_end.len()..];
    let cases = [
        (alice.clone(), None),
        (alice.replace('\n', "\r\n"), None),
        (format!("{alices_key}{bobs_rest}"), Some(CredentialFault::KeyMismatch)),
        (format!("{alices_key}{alice}"), Some(CredentialFault::SeveralKeys)),
        (alices_key.to_owned(), Some(CredentialFault::Certificates { count: 0 })),
        (format!("{alice}{alices_rest}"), Some(CredentialFault::Certificates { count: 4 })),
        (alice.replacen('#', "", 1), Some(CredentialFault::NoHead)),
        (alice.replace("END CERT", "END SERT"), Some(CredentialFault::Malformed)),
        (
            alice.replace("house estate", "house other"),
            Some(CertificateFault::OtherHouse { house: house_name() }.into()),
        ),
        (String::new(), Some(CredentialFault::NoHead)),
    ];
    for (text, fault) in cases {
        assert_eq!(Credential::read(text.as_bytes(), now()).err(), fault, "{text}");
    }
    let expired = Credential::read(alice.as_bytes(), later(91)).expect_err("has expired");
    assert!(matches!(expired, CredentialFault::Certificate(CertificateFault::Expired { .. })));
}

#[test]
fn files_are_shown_for_what_they_are() {
    let place = Place::prepared();
    let alices = place.bidders("alice");
    let requested = request(&alices, &name("alice")).expect("requests");
    let mut office = place.office();
    let answer =
        office.sign(&requested.request, grant("alice"), Replace::Refuse, now()).expect("signs");
    let ca = office.anchor().clone();
    let tell =
        |path: &Path, at| show(&keys::read_public(path, 1 << 20).expect("reads"), Some(&ca), at);
    let serve = place.house.serve();
    assert_eq!(tell(&serve.ca_path(), now()), Ok(Shown::Ca(Box::new(ca.clone()))));
    let key = requested.fingerprint;
    assert_eq!(tell(&requested.request, now()), Ok(Shown::Request { key }));
    assert!(matches!(tell(&serve.crl_path(), now()), Ok(Shown::Crl(Crl { number: 1, .. }))));
    let certificate = |path: &Path, at| match tell(path, at) {
        Ok(Shown::Certificate(certificate)) => *certificate,
        other => panic!("{other:?}"),
    };
    let shown = certificate(&answer.path, now());
    assert_eq!((shown.has_key, shown.fault), (false, None));
    assert_eq!(shown.bearer, Bearer::Person(answer.identity));
    assert_eq!(shown.address, Some(address("10.0.0.1:12000")));
    let auctioneers = place.house.people().join("auctioneer.pem");
    let shown = certificate(&auctioneers, later(91));
    assert!(shown.has_key);
    assert!(matches!(shown.fault, Some(CertificateFault::Expired { .. })));
    let servers = certificate(&place.temp.path().join("pki/serve/server.pem"), now());
    assert!(matches!(servers.bearer, Bearer::Server(_)));
    let sealers = certificate(&place.temp.path().join("pki/serve/sealer-spring.pem"), now());
    assert!(matches!(sealers.bearer, Bearer::Sealer(_)));
    assert_eq!(show(b"junk", None, now()), Err(ShowFault::Nothing));
    let server = keys::read_public(&place.temp.path().join("pki/serve/server.pem"), 1 << 20);
    assert_eq!(show(&server.expect("reads"), None, now()), Err(ShowFault::NeedsCa));
}
