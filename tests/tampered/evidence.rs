//! Evidence: whatever an audit calls a fork convicts the house before somebody who has only
//! the CA's certificate, and nothing else does.

use ed25519_dalek::SigningKey;
use gavel::audit::{Accuser, Anchors, ConvictFault, FindingKind, audit, convict};
use gavel::ledger::entry::Kind;
use gavel::ledger::evidence::{Contradiction, Evidence};
use gavel::ledger::merkle::leaf_hash;
use gavel::ledger::{Receipt, SealingKey, Tree};

use super::forge::Forge;
use super::held::{cut_and_closed, rewritten};
use super::world::{at, world};

fn lines(ledger: &[u8]) -> Vec<&[u8]> {
    ledger.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect()
}

/// A receipt for `index` under a checkpoint over the first `size` lines.
fn receipt(ledger: &[u8], index: u64, size: u64, key: &SealingKey, sealer: &[u8]) -> String {
    let lines = lines(ledger);
    let mut tree = Tree::new();
    lines.iter().for_each(|line| tree.append(leaf_hash(line)));
    let entry = lines[usize::try_from(index).expect("small")];
    let receipt = Receipt {
        index,
        proof: tree.inclusion(index, size).expect("within"),
        note: key.sign(size, tree.root_at(size).expect("within")).note().to_owned(),
        entry: String::from_utf8(entry.to_vec()).expect("is UTF-8"),
        sealer: sealer.to_vec(),
    };
    receipt.to_text()
}

/// The sealing certificate that line 0 of the honest ledger names.
fn sealer() -> Vec<u8> {
    Receipt::parse(&world().receipt).expect("is a receipt").sealer
}

fn with_receipt(text: &str) -> Anchors {
    let mut anchors = world().anchors();
    anchors.add_receipt("alice.tlog-proof", text).expect("is a receipt");
    anchors
}

/// The evidence that a second reading gives, in pieces of `bytes` bytes.
fn accuse(ledger: &[u8], anchors: Anchors, bytes: usize) -> Vec<Evidence> {
    let mut accuser = Accuser::new(anchors);
    ledger.chunks(bytes).for_each(|chunk| accuser.feed(chunk));
    accuser.finish().into_iter().map(|accusation| accusation.evidence).collect()
}

/// The one piece of evidence, written, read again, and judged with the CA alone.
fn convicted(ledger: &[u8], anchors: &Anchors) -> Evidence {
    let found = audit(ledger, anchors.clone());
    let is_fork = found.findings.iter().any(|finding| finding.kind == FindingKind::Fork);
    assert!(is_fork, "{:?}", found.findings);
    let evidence = accuse(ledger, anchors.clone(), 1000);
    let [evidence] = &evidence[..] else { panic!("one piece: {evidence:?}") };
    assert_eq!(accuse(ledger, anchors.clone(), usize::MAX).first(), Some(evidence));
    let read = Evidence::parse(&evidence.to_text()).expect("is read again");
    let conviction = convict(&read, world().ca.anchor()).expect("convicts");
    assert_eq!(conviction.sale, world().sale);
    evidence.clone()
}

#[test]
fn a_line_that_became_another_convicts() {
    let (world, forged) = (world(), rewritten());
    let last = world.line_count() - 1;
    let text = receipt(&world.ledger, last - 3, last, &world.sealing_key(), &sealer());
    let evidence = convicted(&forged, &with_receipt(&text));
    assert!(matches!(evidence.contradiction, Contradiction::Lines { .. }), "{evidence:?}");
}

#[test]
fn a_line_that_was_dropped_after_the_receipt_s_convicts_by_the_roots() {
    let (world, forged) = (world(), rewritten());
    let gone = Forge::honest().find(Kind::Refusal, 2_500);
    let index = u64::try_from(gone).expect("small") - 1;
    let size = world.line_count() - 2;
    let text = receipt(&world.ledger, index, size, &world.sealing_key(), &sealer());
    let evidence = convicted(&forged, &with_receipt(&text));
    assert!(matches!(evidence.contradiction, Contradiction::Roots { .. }), "{evidence:?}");
}

#[test]
fn a_remembered_checkpoint_convicts() {
    let mut anchors = world().anchors();
    anchors.add_checkpoint("newest", &world().checkpoint).expect("is a checkpoint");
    let evidence = convicted(&rewritten(), &anchors);
    assert!(matches!(evidence.contradiction, Contradiction::Roots { .. }), "{evidence:?}");
}

#[test]
fn a_sale_that_was_cut_and_closed_again_is_convicted_by_the_bid_that_it_lost() {
    let (world, forged) = (world(), cut_and_closed());
    let raise = u64::try_from(Forge::honest().find(Kind::Bid, 29_000)).expect("small");
    let text = receipt(&world.ledger, raise, raise + 1, &world.sealing_key(), &sealer());
    convicted(&forged, &with_receipt(&text));
}

#[test]
fn a_close_before_what_was_signed_convicts() {
    let mut short = Forge::honest();
    let close = short.find(Kind::Close, 39_000);
    let long = short.forged();
    // A sale that the house closed at once, and goes on to sign lines of.
    short.pieces.drain(close - 1..close);
    let forged = short.forged();
    let size = u64::try_from(lines(&forged).len()).expect("small");
    let mut forge = Forge::of(&long);
    for _ in 0..4 {
        forge.pieces.insert(close, forge.pieces[close - 1].clone());
    }
    let longer = forge.forged();
    let index = 5;
    let text = receipt(&longer, index, size + 2, &world().sealing_key(), &sealer());
    let evidence = accuse(&forged, with_receipt(&text), 1 << 20);
    let [evidence] = &evidence[..] else { panic!("one piece: {evidence:?}") };
    assert!(matches!(evidence.contradiction, Contradiction::Closed { .. }), "{evidence:?}");
}

#[test]
fn a_second_certified_sealing_key_convicts() {
    let world = world();
    let key = SealingKey::new(
        gavel::ledger::origin(world.house.as_str(), world.sale.as_str()),
        SigningKey::from_bytes(&[78; 32]),
    )
    .expect("a name");
    let public = key.verifying_key().to_bytes();
    let (other, _) = world.ca.certify_sealer(&public, &world.sale, at(0)).expect("certifies");
    let text = receipt(&world.ledger, 11, world.line_count() - 1, &key, &other);
    let evidence = convicted(&world.ledger, &with_receipt(&text));
    assert!(matches!(evidence.contradiction, Contradiction::Sealers { .. }), "{evidence:?}");
}

#[test]
fn nothing_honest_convicts() {
    let world = world();
    let mut anchors = with_receipt(&world.receipt);
    anchors.add_checkpoint("newest", &world.checkpoint).expect("is a checkpoint");
    assert!(accuse(&world.ledger, anchors.clone(), 777).is_empty());
    for cut in (0..world.ledger.len()).step_by(97) {
        let found = accuse(&world.ledger[..cut], anchors.clone(), 4096);
        assert!(found.is_empty(), "an older copy is no lie: {cut}");
    }
}

#[test]
fn what_was_tampered_with_convicts_nobody() {
    let mut anchors = world().anchors();
    anchors.add_checkpoint("newest", &world().checkpoint).expect("is a checkpoint");
    let evidence = convicted(&rewritten(), &anchors);
    let text = evidence.to_text();
    let anchor = world().ca.anchor();
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        if let Ok(read) = Evidence::parse(&changed) {
            assert!(convict(&read, anchor).is_err(), "byte {at} changed, and it still convicts");
        }
    }
    let other =
        gavel::pki::Ca::create(world().house.clone(), at(0)).expect("another CA of that name");
    let judged = convict(&evidence, other.anchor());
    assert!(matches!(judged, Err(ConvictFault::Sealer(_))), "{judged:?}");
}

#[test]
fn swapped_sides_of_the_same_tree_convict_nobody() {
    let mut anchors = world().anchors();
    anchors.add_checkpoint("newest", &world().checkpoint).expect("is a checkpoint");
    let evidence = convicted(&rewritten(), &anchors);
    let same = Evidence { first: evidence.second.clone(), ..evidence.clone() };
    assert!(convict(&same, world().ca.anchor()).is_err());
    let same = Evidence { second: evidence.first.clone(), ..evidence };
    assert!(convict(&same, world().ca.anchor()).is_err());
}
