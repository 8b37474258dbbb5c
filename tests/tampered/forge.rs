//! A forger with the house's own sealing key: takes a ledger apart, and chains and
//! seals it again, so that only its meaning is wrong.

use std::collections::BTreeMap;

use gavel::ledger::encoding::encode_base64;
use gavel::ledger::entry::{Draft, Kind, Line};
use gavel::ledger::merkle::leaf_hash;
use gavel::ledger::{Hash, SealingKey, Tree};
use gavel::record::{SignedAct, SignedBid};
use serde_json::{Value, json};

use super::world::{OPENED, World, world};

/// One entry, to be changed.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) kind: Kind,
    pub(crate) ts: u64,
    pub(crate) body: Value,
}

/// Makes the note of a seal over so many lines with that root.
pub(crate) type SealAs = fn(&SealingKey, u64, Hash) -> String;

/// A ledger in pieces. Seals are kept as places and made again.
#[derive(Clone)]
pub(crate) struct Forge {
    pub(crate) pieces: Vec<Piece>,
    /// Seals that are not to be made as the house makes them.
    pub(crate) seals: BTreeMap<usize, SealAs>,
}

impl Piece {
    /// An entry with that body.
    pub(crate) fn new(kind: Kind, ms: u64, body: Value) -> Self {
        Self { kind, ts: ms, body }
    }

    /// Puts another signed act into the entry.
    pub(crate) fn set_act(&mut self, act: &SignedAct) {
        self.body["act"] = value(&act.statement.to_canonical());
        self.body["sig"] = json!(encode_base64(&act.signature));
    }

    /// Puts another signed bid into the entry.
    pub(crate) fn set_bid(&mut self, bid: &SignedBid) {
        self.body["bid"] = value(&bid.statement.to_canonical());
        self.body["sig"] = json!(encode_base64(&bid.signature));
    }

    /// The same entry with that act in it.
    pub(crate) fn acted(mut self, act: &SignedAct) -> Self {
        self.set_act(act);
        self
    }

    /// Takes a key out of the body.
    pub(crate) fn drop_key(&mut self, key: &str) {
        self.body.as_object_mut().expect("a body").remove(key).expect("was there");
    }
}

fn value(canonical: &[u8]) -> Value {
    serde_json::from_slice(canonical).expect("is JSON")
}

impl Forge {
    /// The honest ledger in pieces.
    pub(crate) fn honest() -> Self {
        Self::of(&world().ledger)
    }

    /// Another ledger of the house in pieces.
    pub(crate) fn of(ledger: &[u8]) -> Self {
        let lines = ledger.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let piece = |raw: &[u8]| {
            let line = Line::parse(raw).expect("is honest");
            let ts = line.at.map_or(0, |at| at.unix_ms() - OPENED);
            let body = serde_json::from_str(line.body).expect("is JSON");
            Piece { kind: line.kind, ts, body }
        };
        Self { pieces: lines.map(piece).collect(), seals: BTreeMap::new() }
    }

    /// The place of the first entry of `kind` at `ms`.
    pub(crate) fn find(&self, kind: Kind, ms: u64) -> usize {
        let found = self.pieces.iter().position(|piece| piece.kind == kind && piece.ts == ms);
        found.unwrap_or_else(|| panic!("no {kind} at {ms}: {:?}", self.places()))
    }

    pub(crate) fn places(&self) -> Vec<(Kind, u64)> {
        self.pieces.iter().map(|piece| (piece.kind, piece.ts)).collect()
    }

    /// The place of the first entry of `kind` on that lot.
    pub(crate) fn find_lot(&self, kind: Kind, lot: &str) -> usize {
        let is_it = |piece: &Piece| piece.kind == kind && piece.body["lot"] == lot;
        self.pieces.iter().position(is_it).unwrap_or_else(|| panic!("no {kind} of lot {lot}"))
    }

    /// The entry at `place`, to be changed.
    pub(crate) fn body(&mut self, place: usize) -> &mut Value {
        &mut self.pieces[place].body
    }

    /// Puts an entry at `place`, and gives the place.
    pub(crate) fn put(&mut self, place: usize, piece: Piece) -> usize {
        self.pieces.insert(place, piece);
        place
    }

    /// Puts an entry at `place`.
    pub(crate) fn insert(&mut self, place: usize, draft: &Draft) {
        self.pieces.insert(place, of_draft(draft));
    }

    /// Puts another entry in the place of one.
    pub(crate) fn replace(&mut self, place: usize, draft: &Draft) {
        self.pieces[place] = of_draft(draft);
    }

    /// Chains and seals with the house's own key.
    pub(crate) fn forged(&self) -> Vec<u8> {
        self.sealed_by(&world().sealing_key())
    }

    /// Chains by hand: the house's own chain would refuse some of these lines.
    pub(crate) fn sealed_by(&self, key: &SealingKey) -> Vec<u8> {
        let mut end = End::default();
        let lines = self.pieces.iter().map(|piece| end.line(piece, &self.seals, key));
        lines.collect::<Vec<_>>().concat()
    }
}

/// The end of a chain that is forged line by line.
#[derive(Clone)]
pub(crate) struct End {
    tree: Tree,
    prev: Hash,
    seq: usize,
}

impl Default for End {
    fn default() -> Self {
        Self { tree: Tree::new(), prev: Hash::ZERO, seq: 0 }
    }
}

impl End {
    /// The next line, with its LF.
    pub(crate) fn line(
        &mut self,
        piece: &Piece,
        seals: &BTreeMap<usize, SealAs>,
        key: &SealingKey,
    ) -> Vec<u8> {
        let (prev, seq) = (self.prev.to_string(), self.seq);
        let mut line = json!({"prev": prev, "seq": seq, "t": piece.kind.as_str(), "v": 1});
        if piece.kind == Kind::Seal {
            let seal_as = seals.get(&seq).copied().unwrap_or(honest_seal);
            line["body"] = json!({"note": seal_as(key, self.tree.size(), self.tree.root())});
        } else {
            line["body"] = piece.body.clone();
            line["ts"] = json!(OPENED + piece.ts);
        }
        // Canonical: serde_json's own maps are sorted.
        self.take(serde_json::to_vec(&line).expect("writes"))
    }

    /// Bytes as the next line, whatever they are.
    fn take(&mut self, mut line: Vec<u8>) -> Vec<u8> {
        self.prev = Hash::of(&line);
        self.tree.append(leaf_hash(&line));
        self.seq += 1;
        line.push(b'\n');
        line
    }

    /// The line with the hash of the one before, where it names one.
    fn chain(&self, mut line: Vec<u8>) -> Vec<u8> {
        const PREV: &[u8] = b"\"prev\":\"";
        let prev = self.prev.to_string().into_bytes();
        let key = line.windows(PREV.len()).position(|bytes| bytes == PREV);
        let named = key.and_then(|key| line.get_mut(key + PREV.len()..)?.get_mut(..prev.len()));
        if let Some(named) = named.filter(|named| !named.eq_ignore_ascii_case(&prev)) {
            named.copy_from_slice(&prev);
        }
        line
    }
}

/// Chains and seals lines with the house's own key as they are, also those that are none.
pub(crate) fn seal_as_it_stands(ledger: &[u8]) -> Vec<u8> {
    let (mut end, key) = (End::default(), world().sealing_key());
    let mut sealed = Vec::new();
    for line in ledger.split_inclusive(|byte| *byte == b'\n') {
        let Some(line) = line.strip_suffix(b"\n") else {
            sealed.extend_from_slice(line);
            break;
        };
        let is_seal = Line::parse(line).is_ok_and(|line| line.kind == Kind::Seal);
        let chained = if is_seal {
            end.line(&Piece::new(Kind::Seal, 0, Value::Null), &BTreeMap::new(), &key)
        } else {
            let line = end.chain(line.to_vec());
            end.take(line)
        };
        sealed.extend(chained);
    }
    sealed
}

/// Numbers lines again and makes each name the hash of the one before, as anybody can who has
/// no key: what is sealed and signed stays as it was.
pub(crate) fn mend_chain(lines: &mut [String]) {
    let mut prev = Hash::ZERO;
    for (seq, line) in lines.iter_mut().enumerate() {
        let mut fields: Value = serde_json::from_str(line).expect("is JSON");
        fields["prev"] = json!(prev.to_string());
        fields["seq"] = json!(seq);
        *line = fields.to_string();
        prev = Hash::of(line.as_bytes());
    }
}

fn honest_seal(key: &SealingKey, size: u64, root: Hash) -> String {
    key.sign(size, root).note().to_owned()
}

fn of_draft(draft: &Draft) -> Piece {
    let body = serde_json::from_slice(&draft.body).expect("is JSON");
    Piece { kind: draft.kind, ts: draft.at.unix_ms() - OPENED, body }
}

impl World {
    pub(crate) fn line_count(&self) -> u64 {
        let lines = self.ledger.iter().filter(|byte| **byte == b'\n').count();
        u64::try_from(lines).expect("small")
    }
}

#[test]
fn a_forger_who_changes_nothing_makes_the_same_ledger() {
    assert_eq!(Forge::honest().forged(), world().ledger);
    assert_eq!(seal_as_it_stands(&world().ledger), world().ledger);
}
