//! Revocation lists come in force, and bad ones change nothing.

use std::sync::Arc;

use super::super::*;
use super::{TestHouse, now, other_ca_of_the_same_name};

pub(super) fn revoke(house: &TestHouse, revocations: &Revocations, number: u64) {
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
