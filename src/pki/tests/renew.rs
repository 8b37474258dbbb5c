//! Certificates made anew before the old ones expire.

use std::path::{Path, PathBuf};

use super::super::*;
use super::house::{Place, credential, grant, name};
use super::{later, now};
use crate::auction::name::Role;

fn renewal(who: &str, file: Option<&Path>) -> Renewal {
    Renewal {
        name: name(who),
        file: file.map(Path::to_owned),
        lifetime: PERSON_LIFETIME_MAX,
        new_key: NewKey::Refuse,
    }
}

/// Alice, a clerk with a key of her own: her folder, and what she accepted.
fn alice(place: &Place) -> (PathBuf, PathBuf) {
    let folder = place.bidders("alice");
    let requested = request(&folder, &name("alice")).expect("requests");
    let clerk = Grant { role: Role::Clerk, ..grant("alice") };
    let signed = place.office().sign(&requested.request, clerk, Replace::Refuse, now());
    let accepted = accept(&signed.expect("signs").path, &folder, now()).expect("accepts");
    (folder, accepted.path)
}

#[test]
fn a_holder_renews_with_the_key_in_the_credential() {
    let place = Place::prepared();
    let (folder, path) = alice(&place);
    let old = credential(&path, now()).identity;
    let requested = request(&folder, &name("alice")).expect("requests");
    let renewed = place
        .office()
        .renew(&renewal("alice", Some(&requested.request)), later(80))
        .expect("renews");
    assert_eq!((renewed.identity.key, renewed.identity.role), (old.key, Role::Clerk));
    assert_eq!(renewed.identity.not_after, later(170));
    assert!(!renewed.key_changed && !renewed.has_key && !renewed.identity.house_made_key);
    assert!(renewed.still_good.iter().map(|issued| &issued.serial).eq([&old.serial]));
    accept(&renewed.path, &folder, later(80)).expect("accepts");
    assert_eq!(credential(&path, later(100)).identity, renewed.identity);
    // Whoever holds two good ones loses both with the name.
    let reason = RevocationReason::KeyCompromise;
    let revoked = place.office().revoke(&Which::Name(name("alice")), reason, later(80));
    assert_eq!(revoked.expect("revokes").certificates.len(), 2);
    let again = renewal("alice", Some(&requested.request));
    let fault = place.office().renew(&again, later(81)).expect_err("is revoked");
    assert!(matches!(fault, RenewFault::Revoked { .. }), "{fault}");
    let signed = place.office().sign(&requested.request, grant("eve"), Replace::Refuse, later(81));
    assert!(matches!(signed, Err(OfficeFault::Compromised)));
}

#[test]
fn a_key_made_here_is_renewed_here_as_long_as_it_is_here() {
    let place = Place::prepared();
    let issued = place.office().issue(grant("bob"), Replace::Refuse, now()).expect("issues");
    let renewed = place.office().renew(&renewal("bob", None), later(1)).expect("renews");
    assert_eq!((&renewed.path, renewed.has_key), (&issued.path, true));
    assert_eq!(renewed.identity.key, issued.identity.key);
    let held = credential(&issued.path, later(1));
    assert!(held.identity == renewed.identity && held.identity.house_made_key);

    // Handed over, the house asks for a request, and the mark stays.
    let folder = place.bidders("bob");
    std::fs::rename(&issued.path, folder.join("bob.pem")).expect("moves");
    let fault = place.office().renew(&renewal("bob", None), later(1)).expect_err("is away");
    assert!(matches!(fault, RenewFault::KeyElsewhere { .. }), "{fault}");
    let requested = request(&folder, &name("bob")).expect("requests");
    let wish = renewal("bob", Some(&requested.request));
    let renewed = place.office().renew(&wish, later(95)).expect("renews what has expired too");
    assert!(renewed.identity.house_made_key && !renewed.key_changed);
    accept(&renewed.path, &folder, later(95)).expect("accepts");
    // Where holder and house are one, the credential will do.
    let wish = renewal("bob", Some(&folder.join("bob.pem")));
    assert!(place.office().renew(&wish, later(96)).expect("renews").has_key);
}

#[test]
fn another_key_is_taken_only_where_somebody_says_so() {
    let place = Place::prepared();
    let (_, path) = alice(&place);
    let folder = place.bidders("new");
    let requested = request(&folder, &name("alice")).expect("requests");
    let refused = renewal("alice", Some(&requested.request));
    let before = place.everything();
    let fault = place.office().renew(&refused, later(1)).expect_err("is another key");
    assert!(matches!(fault, RenewFault::OtherKey { .. }), "{fault}");
    let wish = Renewal { new_key: NewKey::Allow, ..refused.clone() };
    let others = Renewal { name: name("auctioneer"), file: Some(path.clone()), ..wish.clone() };
    let fault = place.office().renew(&others, later(1)).expect_err("is alice's");
    assert!(matches!(fault, RenewFault::OthersKey { name: who } if who == name("alice")));
    let nobodys = Renewal { name: name("nobody"), ..wish.clone() };
    let fault = place.office().renew(&nobodys, later(1)).expect_err("has none");
    assert!(matches!(fault, RenewFault::Office(OfficeFault::NotIssued)), "{fault}");
    assert_eq!(place.everything(), before, "nothing is written");

    let renewed = place.office().renew(&wish, later(1)).expect("renews");
    assert!(renewed.key_changed && renewed.identity.key == requested.fingerprint);
    // Both are alice's now.
    assert!(!place.office().renew(&refused, later(2)).expect("renews").key_changed);
    let by_old = place.office().renew(&renewal("alice", Some(&path)), later(2)).expect("renews");
    assert!(!by_old.key_changed);
    assert_eq!(by_old.still_good.len(), 3);
}

#[test]
fn a_credential_of_another_house_is_left_as_it_is() {
    let (place, other) = (Place::prepared(), Place::prepared());
    let (folder, path) = alice(&place);
    let requested = request(&folder, &name("alice")).expect("requests");
    let signed = other.office().sign(&requested.request, grant("alice"), Replace::Refuse, now());
    signed.expect("signs");
    let held = std::fs::read(&path).expect("reads");
    let fault = other.office().renew(&renewal("alice", Some(&path)), now()).expect_err("differs");
    assert!(matches!(fault, RenewFault::Office(OfficeFault::OtherCa { .. })), "{fault}");
    assert_eq!(std::fs::read(&path).expect("reads"), held);
}

#[test]
fn the_servers_certificate_is_renewed_before_it_expires() {
    let place = Place::prepared();
    let serve = place.house.serve();
    let old = serve.open(now()).expect("opens").identity;
    let renewed = place.office().renew_server(later(80)).expect("renews");
    assert!(renewed.still_good.iter().map(|issued| &issued.serial).eq([&old.serial]));
    let new = serve.open(later(100)).expect("opens").identity;
    assert_eq!((&new.serial, new.not_after), (&renewed.issued.serial, later(170)));
    std::fs::remove_file(&renewed.path).expect("moves");
    let fault = place.office().renew_server(later(80)).expect_err("is not here");
    assert!(matches!(fault, OfficeFault::Serve(ServeFault::NotPrepared { .. })), "{fault}");
}
