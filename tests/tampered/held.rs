//! What the auditor brings along: receipts, checkpoints, the items file, the
//! revocation list.

use gavel::auction::fees::Fees;
use gavel::auction::money::Amount;
use gavel::auction::name::{SaleId, Title};
use gavel::audit::{Anchors, FindingKind, Verdict, audit};
use gavel::ledger::entry::Kind;
use gavel::ledger::merkle::leaf_hash;
use gavel::ledger::{Receipt, Tree};
use gavel::pki::{CrlEntry, Fingerprint, RevocationReason};
use gavel::record::SaleFile;
use serde_json::json;

use super::forge::Forge;
use super::world::{World, at, expect, name, world};

fn with_receipt(text: &str) -> Anchors {
    let mut anchors = world().anchors();
    anchors.add_receipt("alice.tlog-proof", text).expect("is a receipt");
    anchors
}

/// The honest sale, rewritten by the house from Bob's second bid on, and closed.
pub(crate) fn rewritten() -> Vec<u8> {
    let mut forge = Forge::honest();
    let line = forge.find(Kind::Refusal, 2_500);
    forge.pieces.remove(line);
    forge.forged()
}

/// Where Alice's raise stands, which [`cut_and_closed`] leaves out, and her receipt for it.
pub(crate) fn raise_and_its_receipt() -> (usize, String) {
    let forge = Forge::honest();
    let raise = forge.find(Kind::Bid, 29_000);
    let sealer = forge.pieces[0].body["sealers"][0].as_str().expect("a certificate");
    let sealer = gavel::ledger::encoding::decode_base64(sealer).expect("is base64");
    let index = u64::try_from(raise).expect("small");
    (raise, receipt_of(&world().ledger, index, &world().sealing_key(), sealer))
}

/// The honest sale without its last bid, closed as the rules then want it.
pub(crate) fn cut_and_closed() -> Vec<u8> {
    let mut forge = Forge::honest();
    let raise = forge.find(Kind::Bid, 29_000);
    forge.pieces.remove(raise);
    for piece in forge.pieces.iter_mut().filter(|piece| piece.ts == 39_000) {
        piece.ts = 31_000;
        if piece.kind == Kind::LotClose {
            piece.body["winner"] = json!("bob");
            piece.body["price"] = json!(60);
        } else {
            piece.body["hammer_total"] = json!(160);
        }
    }
    forge.forged()
}

#[test]
fn what_agrees_is_said() {
    let world = world();
    let mut anchors = with_receipt(&world.receipt);
    anchors.add_checkpoint("newest", &world.checkpoint).expect("is a checkpoint");
    let audit = audit(&world.ledger, anchors.with_items(SaleFile::of_items(world.lots.clone())));
    assert_eq!(audit.verdict(), Verdict::Valid, "{:?}", audit.findings);
    for said in ["1 receipt:", "1 checkpoint:", "items file"] {
        assert!(
            audit.checked.iter().any(|line| line.contains(said)),
            "{said}: {:?}",
            audit.checked
        );
    }
    assert!(!audit.unchecked.iter().any(|said| said.contains("another ledger may exist")));
}

/// A receipt for `index` under a checkpoint over the whole ledger.
pub(crate) fn receipt_of(
    ledger: &[u8],
    index: u64,
    key: &gavel::ledger::SealingKey,
    sealer: Vec<u8>,
) -> String {
    let lines: Vec<&[u8]> = ledger.split(|byte| *byte == b'\n').filter(|l| !l.is_empty()).collect();
    let mut tree = Tree::new();
    lines.iter().for_each(|line| tree.append(leaf_hash(line)));
    let entry = lines[usize::try_from(index).expect("small")];
    let receipt = Receipt {
        index,
        proof: tree.inclusion(index, tree.size()).expect("within"),
        note: key.sign(tree.size(), tree.root()).note().to_owned(),
        entry: String::from_utf8(entry.to_vec()).expect("is UTF-8"),
        sealer,
    };
    receipt.to_text()
}

/// What convicts the house where the tail was cut agrees with what it cut it from.
#[test]
fn a_receipt_for_the_last_bid_agrees() {
    let (_, receipt) = raise_and_its_receipt();
    let audit = audit(&world().ledger, with_receipt(&receipt));
    assert_eq!(audit.verdict(), Verdict::Valid, "{:?}", audit.findings);
}

/// The full form says more than lots, and that a lot has a reserve.
#[test]
fn the_terms_are_those_that_were_shown() {
    let world = world();
    let shown = || SaleFile { is_seed_form: false, ..SaleFile::of_items(world.lots.clone()) };
    let held = |shown: SaleFile| audit(&world.ledger, world.anchors().with_items(shown));
    assert_eq!(held(shown()).verdict(), Verdict::Valid, "{:?}", held(shown()).findings);
    for (what, other) in [
        ("another opening", SaleFile { opens_at: Some(at(9)), ..shown() }),
        ("another end", SaleFile { sale_ends_at: Some(at(9)), ..shown() }),
        ("another title", SaleFile { title: Some(Title::parse("Other").expect("one")), ..shown() }),
        ("another id", SaleFile { id: Some(SaleId::parse("other").expect("one")), ..shown() }),
        ("room bids", SaleFile { room_bids: true, ..shown() }),
        ("fees", SaleFile { fees: Some(Fees::NONE), ..shown() }),
    ] {
        expect(what, &held(other), FindingKind::Items, Some(0));
    }
    let mut reserved = shown();
    reserved.lots[1].reserve = Amount::new(1_000_000);
    expect("a reserve", &held(reserved), FindingKind::Items, Some(2));
}

pub(crate) fn crl(world: &World, number: u64, serials: &[&gavel::pki::Serial]) -> Vec<u8> {
    crl_since(world, number, serials, 1_000)
}

fn crl_since(world: &World, number: u64, serials: &[&gavel::pki::Serial], ms: u64) -> Vec<u8> {
    let entry = |serial: &&gavel::pki::Serial| CrlEntry {
        serial: (*serial).clone(),
        revoked_at: at(ms),
        reason: RevocationReason::Superseded,
    };
    let entries: Vec<CrlEntry> = serials.iter().map(entry).collect();
    world.ca.sign_crl(number, &entries, at(50_000)).expect("signs").into_bytes()
}

#[test]
fn a_newer_list_that_holds_what_the_ledger_records_is_taken() {
    let world = world();
    let list = crl(world, 8, &[&world.carol.identity.serial]);
    let audit = audit(&world.ledger, world.anchors().with_crl(list));
    assert_eq!(audit.verdict(), Verdict::Valid, "{:?}", audit.findings);
}

#[test]
fn the_recorded_list_itself_is_taken() {
    let world = world();
    let list = crl(world, 7, &[&world.carol.identity.serial]);
    let der = gavel::pki::Crl::read(&list, world.ca.anchor()).expect("reads").hash;
    let mut forge = Forge::honest();
    let line = forge.find(Kind::Revoke, 30_000);
    forge.pieces[line].body["crl_hash"] = json!(Fingerprint::to_string(&der));
    let audit = audit(&forge.forged(), world.anchors().with_crl(list));
    assert_eq!(audit.verdict(), Verdict::Valid, "{:?}", audit.findings);
}

#[test]
fn a_revocation_that_the_house_kept_to_itself_is_said() {
    let world = world();
    let list = crl(world, 8, &[&world.carol.identity.serial, &world.alice.identity.serial]);
    let audit = audit(&world.ledger, world.anchors().with_crl(list));
    let results = audit.audited().expect("is clean").results();
    let said = &results.headlines.revoked_unrecorded;
    assert_eq!(said.as_slice(), [(name("alice"), at(1_000), at(29_000))]);
}

#[test]
fn so_is_one_of_somebody_whose_bids_are_unsigned() {
    let world = world();
    let mut forge = Forge::honest();
    let line = forge.find(Kind::Revoke, 30_000);
    forge.pieces.drain(line..=line + 1);
    let list = crl_since(world, 8, &[&world.carol.identity.serial], 0);
    let audit = audit(&forge.forged(), world.anchors().with_crl(list));
    let results = audit.audited().unwrap_or_else(|| panic!("{:?}", audit.findings)).results();
    let said = &results.headlines.revoked_unrecorded;
    assert_eq!(said.as_slice(), [(name("carol"), at(0), at(1_000))]);
}
