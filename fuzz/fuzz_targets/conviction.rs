//! Evidence put together by a liar who has everything that an honest house ever signed, in
//! whatever order and with whatever changes: it never convicts.

#![no_main]

use std::sync::LazyLock;

use gavel::audit::convict;
use gavel::ledger::evidence::{Contradiction, Evidence, ProvenEntry, SealedTree};
use gavel::ledger::{Hash, Line};
use gavel::record::Record;
use gavel_fuzz::keys::sealing_key;
use gavel_fuzz::played::{Ledger, Played};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

static PLAYED: LazyLock<Played> = LazyLock::new(Played::read);

#[derive(Arbitrary, Debug)]
struct Lie {
    ledger: u8,
    first_size: u16,
    second_size: u16,
    index: u16,
    other_index: u16,
    claim: Claim,
    edits: Vec<Edit>,
}

#[derive(Arbitrary, Debug)]
enum Claim {
    Closed,
    Lines,
    Roots { gives: u16 },
    Sealers,
}

#[derive(Arbitrary, Debug)]
enum Edit {
    /// Another entry in the place of one.
    Entry { second: bool, index: u16 },
    /// One byte of an entry is another.
    EntryByte { second: bool, at: u16, byte: u8 },
    /// The number that is claimed.
    Index(u64),
    /// Another root is given.
    Gives { leaf: u16 },
    /// A hash more, the root of some size.
    Longer { second: bool, at: u8, size: u16 },
    /// A hash less.
    Shorter { second: bool, at: u8 },
    /// One bit of a hash is another.
    Flip { second: bool, at: u8, bit: u8 },
    /// The two trees the other way round.
    Exchange,
}

fuzz_target!(init: check_control(), |lie: Lie| {
    // The forked ledger is the last one: its house is not honest.
    let honest = PLAYED.ledgers.len() - 1;
    let ledger = &PLAYED.ledgers[usize::from(lie.ledger) % honest];
    let mut evidence = lie.evidence(ledger);
    lie.edits.iter().for_each(|edit| edit.apply(ledger, &mut evidence));
    if let Ok(read) = Evidence::parse(&evidence.to_text()) {
        assert_eq!(read, evidence);
    }
    let verdict = convict(&evidence, &PLAYED.anchor);
    assert!(verdict.is_err(), "an honest house is convicted: {evidence:?}");
});

/// What is put together in the same way of two histories does convict.
fn check_control() {
    let (honest, forked) = (&PLAYED.ledgers[0], &PLAYED.ledgers[PLAYED.ledgers.len() - 1]);
    let size = honest.tree.size();
    let index = (0..size).find(|index| honest.tree.leaf(*index) != forked.tree.leaf(*index));
    let index = index.expect("they differ");
    let evidence = Evidence {
        first: sealed(honest, size),
        second: sealed(forked, size),
        contradiction: Contradiction::Lines {
            index,
            first: proven(honest, index, size),
            second: proven(forked, index, size),
        },
    };
    convict(&evidence, &PLAYED.anchor).expect("a house that forked is convicted");
}

/// A size of the ledger; small wishes are counted from its end, where the close stands.
fn size_of(ledger: &Ledger, wish: u16) -> u64 {
    let size = ledger.tree.size();
    if wish < 4 { size - u64::from(wish) } else { u64::from(wish) % size + 1 }
}

/// Any tree of the ledger, signed: a house signs more of them than stand in the file.
fn sealed(ledger: &Ledger, size: u64) -> SealedTree {
    let root = ledger.tree.root_at(size).expect("within");
    let raw = ledger.lines().next().expect("a line");
    let line = Line::parse(raw).expect("a line");
    let Ok(Record::Open(opening)) = Record::read(&line) else { panic!("line 0 opens") };
    SealedTree {
        note: sealing_key().sign(size, root).note().to_owned(),
        sealer: opening.sealers[0].clone(),
    }
}

fn entry(ledger: &Ledger, index: u64) -> String {
    let index = usize::try_from(index % ledger.tree.size()).expect("small");
    String::from_utf8(ledger.lines().nth(index).expect("within").to_vec()).expect("is UTF-8")
}

fn proven(ledger: &Ledger, index: u64, size: u64) -> ProvenEntry {
    let index = index % size;
    let proof = ledger.tree.inclusion(index, size).expect("within");
    ProvenEntry { entry: entry(ledger, index), proof }
}

impl Lie {
    fn evidence(&self, ledger: &Ledger) -> Evidence {
        let (one, other) = (size_of(ledger, self.first_size), size_of(ledger, self.second_size));
        let index = u64::from(self.index) % other;
        let contradiction = match self.claim {
            Claim::Roots { gives } => Contradiction::Roots {
                gives: ledger.tree.root_at(size_of(ledger, gives)).expect("within"),
                proof: ledger.tree.consistency(one.min(other), other).expect("within"),
            },
            Claim::Lines => Contradiction::Lines {
                index,
                first: proven(ledger, self.other_index.into(), one),
                second: proven(ledger, index, other),
            },
            Claim::Closed => {
                let close = ledger.tree.size() - 2;
                let index = if self.index.is_multiple_of(2) { close % other } else { index };
                Contradiction::Closed { index, close: proven(ledger, index, other) }
            }
            Claim::Sealers => Contradiction::Sealers { opening: proven(ledger, 0, other) },
        };
        let (first, second) = (sealed(ledger, one), sealed(ledger, other));
        Evidence { first, second, contradiction }
    }
}

impl Edit {
    fn apply(&self, ledger: &Ledger, evidence: &mut Evidence) {
        match self {
            Self::Entry { second, index } => {
                if let Some(proven) = entry_of(evidence, *second) {
                    proven.entry = entry(ledger, (*index).into());
                }
            }
            Self::EntryByte { second, at, byte } => {
                if let Some(proven) = entry_of(evidence, *second) {
                    let mut bytes = std::mem::take(&mut proven.entry).into_bytes();
                    let at = usize::from(*at) % bytes.len();
                    bytes[at] = *byte;
                    proven.entry = String::from_utf8_lossy(&bytes).into_owned();
                }
            }
            Self::Index(number) => match &mut evidence.contradiction {
                Contradiction::Lines { index, .. } | Contradiction::Closed { index, .. } => {
                    // As a file can name it.
                    *index = number % (1 << 53);
                }
                Contradiction::Roots { .. } | Contradiction::Sealers { .. } => {}
            },
            Self::Gives { leaf } => {
                if let Contradiction::Roots { gives, .. } = &mut evidence.contradiction {
                    let leaf = u64::from(*leaf) % ledger.tree.size();
                    *gives = ledger.tree.leaf(leaf).expect("within");
                }
            }
            Self::Longer { second, at, size } => {
                let hash = ledger.tree.root_at(size_of(ledger, *size)).expect("within");
                if let Some(proof) = proof_of(evidence, *second) {
                    let at = usize::from(*at) % (proof.len() + 1);
                    proof.insert(at, hash);
                }
            }
            Self::Shorter { second, at } => {
                if let Some(proof) = proof_of(evidence, *second)
                    && let Some(at) = usize::from(*at).checked_rem(proof.len())
                {
                    proof.remove(at);
                }
            }
            Self::Flip { second, at, bit } => {
                if let Some(proof) = proof_of(evidence, *second)
                    && let Some(at) = usize::from(*at).checked_rem(proof.len())
                {
                    let mut bytes = *proof[at].bytes();
                    bytes[usize::from(bit / 8)] ^= 1 << (bit % 8);
                    proof[at] = Hash::from_bytes(bytes);
                }
            }
            Self::Exchange => std::mem::swap(&mut evidence.first, &mut evidence.second),
        }
    }
}

fn entry_of(evidence: &mut Evidence, second: bool) -> Option<&mut ProvenEntry> {
    match &mut evidence.contradiction {
        Contradiction::Roots { .. } => None,
        Contradiction::Lines { second: other, .. } if second => Some(other),
        Contradiction::Lines { first: proven, .. }
        | Contradiction::Closed { close: proven, .. }
        | Contradiction::Sealers { opening: proven } => Some(proven),
    }
}

fn proof_of(evidence: &mut Evidence, second: bool) -> Option<&mut Vec<Hash>> {
    match &mut evidence.contradiction {
        Contradiction::Roots { proof, .. } => Some(proof),
        Contradiction::Lines { second: other, .. } if second => Some(&mut other.proof),
        Contradiction::Lines { first: proven, .. }
        | Contradiction::Closed { close: proven, .. }
        | Contradiction::Sealers { opening: proven } => Some(&mut proven.proof),
    }
}
