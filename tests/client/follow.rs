//! A follower takes the house's file and no forgery of it.

use std::sync::Arc;

use gavel::client::{FollowFault, Follower, KnownSale, Memory};
use gavel::time::Span;

use crate::house::{House, amount, caught_up, lot, open, until, within};

/// A short sale's ledger, and the house that made it.
async fn a_ledger() -> (House, Vec<String>) {
    let mut house = House::new();
    house.ends_in = Some(Span::from_ms(400));
    let server = house.serve().await;
    let mut alice =
        open(&house.caller("alice"), server.at(), Memory::Volatile).await.expect("opens");
    caught_up(&mut alice).await;
    within(alice.bid(lot("1"), amount(150))).await.expect("an answer");
    until(&mut alice, |happened| match happened {
        gavel::client::Happened::Entry(entry) if entry.line.contains("\"t\":\"lot_close\"") => {
            Some(())
        }
        _ => None,
    })
    .await;
    server.stop().await;
    let lines = house.ledger().lines().map(str::to_owned).collect();
    (house, lines)
}

fn follower(house: &House, open_line: &str) -> Follower {
    let sale = KnownSale::read(open_line, house.ca.anchor(), house.ca.house()).expect("known");
    Follower::from_the_start(Arc::new(sale))
}

fn follow(house: &House, open_line: &str, lines: &[String]) -> Result<(), FollowFault> {
    let mut follower = follower(house, open_line);
    lines.iter().try_for_each(|line| follower.take(line).map(|_| ()))
}

#[tokio::test]
async fn every_changed_byte_before_the_last_seal_is_found() {
    let (house, lines) = a_ledger().await;
    follow(&house, &lines[0], &lines).expect("the honest file is taken");
    for at in 0..lines.len() {
        for offset in (0..lines[at].len()).step_by(7) {
            let mut forged = lines.clone();
            let mut bytes = forged[at].clone().into_bytes();
            bytes[offset] = if bytes[offset] == b'1' { b'2' } else { b'1' };
            // Bytes that are no text never come as far as here.
            let Ok(text) = String::from_utf8(bytes) else { continue };
            forged[at] = text;
            assert!(follow(&house, &lines[0], &forged).is_err(), "line {at}, byte {offset}");
        }
    }
}

#[tokio::test]
async fn dropped_doubled_and_swapped_lines_are_found() {
    let (house, lines) = a_ledger().await;
    for at in 0..lines.len() - 1 {
        let mut dropped = lines.clone();
        dropped.remove(at);
        assert!(follow(&house, &lines[0], &dropped).is_err(), "line {at} dropped");
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at].clone());
        assert!(follow(&house, &lines[0], &doubled).is_err(), "line {at} doubled");
        let mut swapped = lines.clone();
        swapped.swap(at, at + 1);
        assert!(follow(&house, &lines[0], &swapped).is_err(), "line {at} swapped");
    }
}

#[tokio::test]
async fn a_root_that_the_house_signed_elsewhere_is_a_fork() {
    let (house, lines) = a_ledger().await;
    let other = gavel::ledger::SealingKey::new(
        "meridian/estate-2026".to_owned(),
        ed25519_dalek::SigningKey::from_bytes(&[42; 32]),
    )
    .expect("the house's own key");
    let elsewhere = other.sign(5, gavel::ledger::Hash::of(b"another tree"));
    let mut ahead = follower(&house, &lines[0]);
    ahead.hold_to(&elsewhere).expect("not there yet");
    let fault = lines.iter().find_map(|line| ahead.take(line).err());
    assert!(matches!(fault, Some(FollowFault::Root { size: 5 })), "{fault:?}");
    let mut behind = follower(&house, &lines[0]);
    lines.iter().take(5).for_each(|line| drop(behind.take(line).expect("taken")));
    assert!(matches!(behind.hold_to(&elsewhere), Err(FollowFault::Root { size: 5 })));
}
