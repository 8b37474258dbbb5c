//! What the ledger's format costs a bid: its line, its place in chain and tree, its receipt.
//!
//! ```text
//! cargo bench --bench format
//! ```

mod timing;

use std::hint::black_box;

use ed25519_dalek::SigningKey;
use gavel::auction::money::Amount;
use gavel::auction::name::{LotId, Name};
use gavel::clock::Clock;
use gavel::ledger::{Chain, Draft, Hash, Line, Receipt, SealingKey, Tree, canonical, origin};
use gavel::loadtest::{TrialHouse, free_address};
use gavel::record::{
    AcceptedBid, BidEvidence, BidKey, Head, Record, SignedBid, Statement, draft_bid,
};
use gavel::time::Timestamp;

use timing::Table;

/// How many lines one run takes.
const LINES: usize = 1_000;
/// How large the tree is that proofs come from: a long sale's.
const LEAVES: u64 = 1_000_000;

fn main() {
    let table = Table::begin("The format of the ledger");
    let bids: Vec<AcceptedBid> = (1..=1_000).map(accepted).collect();
    let drafts: Vec<Draft> = bids.iter().map(|bid| draft_bid(bid, start())).collect();
    let mut chain = Chain::new();
    let append = |draft: &Draft| chain.append(draft.clone()).expect("is good").bytes().to_vec();
    let lines: Vec<Vec<u8>> = drafts.iter().map(append).collect();
    assert_eq!(lines.len(), LINES);
    println!("(a line of {} bytes)", lines[LINES / 2].len());
    reading(&table, &lines);
    writing(&table, &bids, &drafts);
    proving(&table, &lines[LINES / 2]);
}

fn reading(table: &Table, lines: &[Vec<u8>]) {
    let over = |what: &str, one: &dyn Fn(&[u8])| {
        table.measure(what, LINES, || (), |()| lines.iter().for_each(|line| one(line)));
    };
    over("canonical form of a line", &|line| canonical::check(line).expect("is canonical"));
    over("Line::parse, canonical form included", &|line| {
        black_box(Line::parse(line).expect("is a line"));
    });
    over("Hash::of a line", &|line| {
        black_box(Hash::of(line));
    });
    let parsed: Vec<Line<'_>> =
        lines.iter().map(|line| Line::parse(line).expect("is a line")).collect();
    table.measure(
        "Record::read of a parsed line",
        LINES,
        || (),
        |()| {
            for line in &parsed {
                black_box(Record::read(line).expect("is a record"));
            }
        },
    );
}

fn writing(table: &Table, bids: &[AcceptedBid], drafts: &[Draft]) {
    table.measure(
        "signed bytes of a statement",
        LINES,
        || (),
        |()| {
            for bid in bids {
                let BidEvidence::Signed(signed) = &bid.evidence else {
                    unreachable!("all are signed")
                };
                black_box(signed.statement.message());
            }
        },
    );
    table.measure(
        "canonical form of an accepted bid",
        LINES,
        || (),
        |()| {
            for bid in bids {
                black_box(draft_bid(bid, start()));
            }
        },
    );
    let fresh = || (Chain::new(), drafts.to_vec());
    table.measure("Chain::append, tree included", LINES, fresh, |(chain, drafts)| {
        for draft in drafts.drain(..) {
            black_box(chain.append(draft).expect("is good"));
        }
    });
    table.measure("Tree::append", LINES, Tree::new, |tree| {
        (0..1_000).for_each(|leaf| tree.append(leaf_hash(leaf)));
    });
}

fn proving(table: &Table, line: &[u8]) {
    let mut tree = Tree::new();
    (0..LEAVES).for_each(|leaf| tree.append(leaf_hash(leaf)));
    let indices = || (0..1_000).map(|n| LEAVES - 1 - n * 7);
    let proof = |index| tree.inclusion(index, LEAVES).expect("is in the tree");
    table.measure(
        "inclusion proof of a late line of 1,000,000",
        LINES,
        || (),
        |()| {
            indices().for_each(|index| drop(black_box(proof(index))));
        },
    );
    table.measure(
        "root of 1,000,000 lines",
        LINES,
        || (),
        |()| {
            for _ in 0..LINES {
                black_box(tree.root());
            }
        },
    );
    let (key, sealer) = sealing();
    table.measure(
        "checkpoint, signed and written",
        LINES,
        || (),
        |()| {
            (0..1_000).for_each(|size| drop(black_box(key.sign(size, leaf_hash(size)))));
        },
    );
    let receipt = Receipt {
        index: LEAVES - 1,
        proof: proof(LEAVES - 1),
        note: key.sign(LEAVES, tree.root()).note().to_owned(),
        entry: String::from_utf8(line.to_vec()).expect("is text"),
        sealer,
    };
    println!("(a receipt of {} bytes)", receipt.to_text().len());
    table.measure(
        "text of a receipt",
        LINES,
        || (),
        |()| {
            for _ in 0..LINES {
                black_box(receipt.to_text());
            }
        },
    );
}

/// Leaves that are no lines: of a line, hashing it costs the same again as `Hash::of`.
fn leaf_hash(leaf: u64) -> Hash {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&leaf.to_be_bytes());
    Hash::from_bytes(bytes)
}

/// A house's own sealing key, and its certificate.
fn sealing() -> (SealingKey, Vec<u8>) {
    let (folder, now) = (tempfile::tempdir().expect("a folder"), Clock::start().now());
    let address = free_address().expect("a port");
    let house = TrialHouse::make(folder.path(), "format", address, now).expect("a house");
    let sealing =
        house.pki().serve().sealing_credential(house.sale(), house.anchor(), house.name(), now);
    let sealing = sealing.expect("a sealing key");
    let origin = origin(house.name().as_str(), house.sale().as_str());
    (SealingKey::new(origin, sealing.key).expect("a key's name"), sealing.certificate)
}

fn accepted(n: u64) -> AcceptedBid {
    let key = SigningKey::from_bytes(&[7; 32]);
    let statement = Statement {
        amount: Amount::new(10_000 + n).expect("an amount"),
        bid_key: BidKey::from(&key),
        bidder: Name::parse("bidder-00042").expect("a name"),
        head: Head { root: leaf_hash(n), size: 100_000 + n },
        lot: LotId::parse("417").expect("a lot id"),
        n,
        sale_hash: Hash::of(b"line 0"),
    };
    AcceptedBid {
        evidence: BidEvidence::Signed(SignedBid::sign(statement, &key)),
        ends_at: Some(start()),
        reserve_met: None,
        lag_us: 1_234,
    }
}

fn start() -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000).expect("a time")
}
