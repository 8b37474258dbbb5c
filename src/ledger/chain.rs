//! The chain of lines and the tree over them, growing at one end.
//!
//! `prev` lets anybody walk the file with `sha256sum` and `jq`; it adds no
//! strength over the tree (LEDGER 2). Nothing is hashed twice: appending hashes
//! the one new line, for the chain and as a leaf.

use super::canonical::{CanonicalError, check_at, to_canonical};
use super::checkpoint::SignedCheckpoint;
use super::entry::{Draft, Kind, Line, write_line};
use super::hash::Hash;
use super::merkle::{Tree, leaf_hash};
use crate::limits::LINE_BYTES_MAX;
use crate::time::Timestamp;

/// Why a line has no place at the end of the chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// Another number than the next one.
    #[error("line number {found} where {expected} must stand")]
    Seq {
        /// The number of the next line.
        expected: u64,
        /// The number that the line gives itself.
        found: u64,
    },
    /// Not the hash of the line before.
    #[error("prev is {found}, the line before has {expected}")]
    Prev {
        /// The hash of the line before.
        expected: Hash,
        /// The hash that the line names.
        found: Hash,
    },
    /// An earlier time than the line before.
    #[error("time goes back from {last} to {found}")]
    Time {
        /// The newest time in the chain.
        last: Timestamp,
        /// The time that the line names.
        found: Timestamp,
    },
    /// A draft whose line no reader would take.
    #[error("the new line is not canonical")]
    Draft(#[from] CanonicalError),
    /// A draft of a seal, or a checkpoint that is not over exactly this chain.
    #[error("a seal that is not over the {size} lines before it")]
    Seal {
        /// How many lines there are.
        size: u64,
    },
}

impl ChainError {
    /// The name of the auditor's finding (THREATS, "Bytes" and "Log").
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Seq { .. } => "seq",
            Self::Prev { .. } => "hash",
            Self::Time { .. } => "time",
            Self::Draft(error) => error.kind(),
            Self::Seal { .. } => "root",
        }
    }
}

/// A line with its place in the chain, not yet on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chained {
    kind: Kind,
    seq: u64,
    at: Option<Timestamp>,
    bytes: Vec<u8>,
    leaf: Hash,
}

impl Chained {
    /// What the line is about.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Its number in the file, from 0.
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// Its official time; a seal has none.
    pub const fn at(&self) -> Option<Timestamp> {
        self.at
    }

    /// The line without its LF.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its leaf hash in the tree.
    pub const fn leaf(&self) -> Hash {
        self.leaf
    }
}

/// What the next line must link to: number, hash and time. All that a reader
/// needs who follows a file without keeping its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Links {
    seq: u64,
    prev: Hash,
    last_at: Option<Timestamp>,
}

impl Links {
    /// The links before line 0.
    pub const fn new() -> Self {
        Self { seq: 0, prev: Hash::ZERO, last_at: None }
    }

    /// The number of the next line: how many lines there are.
    pub const fn size(&self) -> u64 {
        self.seq
    }

    /// The hash that the next line must name.
    pub const fn prev(&self) -> Hash {
        self.prev
    }

    /// The newest time of a line.
    pub const fn last_at(&self) -> Option<Timestamp> {
        self.last_at
    }

    /// Checks number and hash of the next line: where they are wrong the file
    /// breaks (LEDGER 2, Start).
    pub fn check(&self, line: &Line<'_>) -> Result<(), ChainError> {
        if line.seq != self.seq {
            return Err(ChainError::Seq { expected: self.seq, found: line.seq });
        }
        if line.prev != self.prev {
            return Err(ChainError::Prev { expected: self.prev, found: line.prev });
        }
        Ok(())
    }

    /// Checks that the next line's time does not go back.
    pub fn check_time(&self, at: Option<Timestamp>) -> Result<(), ChainError> {
        match (self.last_at, at) {
            (Some(last), Some(found)) if found < last => Err(ChainError::Time { last, found }),
            _ => Ok(()),
        }
    }

    /// Goes on to the line after `raw`, the checked next line.
    pub fn advance(&mut self, raw: &[u8], at: Option<Timestamp>) {
        self.advance_to(Hash::of(raw), at);
    }

    /// Does the same where the line is hashed already.
    pub fn advance_hashed(&mut self, hashed: Hashed, at: Option<Timestamp>) {
        self.advance_to(hashed.line, at);
    }

    fn advance_to(&mut self, hash: Hash, at: Option<Timestamp>) {
        self.seq += 1;
        self.prev = hash;
        self.last_at = self.last_at.max(at);
    }
}

/// A line's bytes, hashed for the chain and as a leaf: half the work of a replay, and none of it
/// needs the lines before.
#[derive(Clone, Copy, Debug)]
pub struct Hashed {
    line: Hash,
    leaf: Hash,
}

impl Hashed {
    /// Hashes a line without its LF.
    pub fn of(raw: &[u8]) -> Self {
        Self { line: Hash::of(raw), leaf: leaf_hash(raw) }
    }

    /// Its SHA-256, as the next line's `prev` and `sha256sum` have it.
    pub const fn line(&self) -> Hash {
        self.line
    }

    /// Its leaf hash in the tree.
    pub const fn leaf(&self) -> Hash {
        self.leaf
    }
}

impl Default for Links {
    fn default() -> Self {
        Self::new()
    }
}

/// The chain and the whole tree over it, in memory.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    links: Links,
    tree: Tree,
}

impl Chain {
    /// A chain without lines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the draft its place at the end. An error leaves the chain as it
    /// was: it means a bug above, and that the line would have been refused by
    /// every reader.
    pub fn append(&mut self, draft: Draft) -> Result<Chained, ChainError> {
        if draft.kind == Kind::Seal {
            return Err(ChainError::Seal { size: self.size() });
        }
        self.push(draft.kind, Some(draft.at), &draft.body)
    }

    /// Appends the seal line of a checkpoint over exactly the lines so far.
    pub fn append_seal(&mut self, sealed: &SignedCheckpoint) -> Result<Chained, ChainError> {
        #[derive(serde::Serialize)]
        struct Body<'a> {
            note: &'a str,
        }
        let checkpoint = sealed.checkpoint();
        if checkpoint.size != self.size() || checkpoint.root != self.root() {
            return Err(ChainError::Seal { size: self.size() });
        }
        let body = to_canonical(&Body { note: sealed.note() });
        self.push(Kind::Seal, None, &body)
    }

    fn push(
        &mut self,
        kind: Kind,
        at: Option<Timestamp>,
        body: &[u8],
    ) -> Result<Chained, ChainError> {
        self.links.check_time(at)?;
        let seq = self.links.size();
        // The fields around the body are canonical by construction.
        check_at(body, LINE_BYTES_MAX, 2)?;
        let bytes = write_line(kind, seq, self.links.prev(), at, body);
        if bytes.len() > LINE_BYTES_MAX {
            return Err(CanonicalError::LongText { bytes_max: LINE_BYTES_MAX }.into());
        }
        let leaf = self.extend(Hashed::of(&bytes), at);
        Ok(Chained { kind, seq, at, bytes, leaf })
    }

    /// Takes the next line of an existing file; `raw` are its bytes without LF.
    /// An error leaves the chain as it was.
    pub fn replay(&mut self, line: &Line<'_>, raw: &[u8]) -> Result<(), ChainError> {
        self.replay_hashed(line, Hashed::of(raw))
    }

    /// Does the same where the line's bytes are hashed already.
    pub fn replay_hashed(&mut self, line: &Line<'_>, hashed: Hashed) -> Result<(), ChainError> {
        self.links.check(line)?;
        self.links.check_time(line.at)?;
        self.extend(hashed, line.at);
        Ok(())
    }

    fn extend(&mut self, hashed: Hashed, at: Option<Timestamp>) -> Hash {
        self.links.advance_hashed(hashed, at);
        self.tree.append(hashed.leaf);
        hashed.leaf
    }

    /// How many lines there are.
    pub const fn size(&self) -> u64 {
        self.links.size()
    }

    /// The root of the tree over all lines.
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// The tree over all lines.
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The newest time of a line.
    pub const fn last_at(&self) -> Option<Timestamp> {
        self.links.last_at()
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::super::checkpoint::SealingKey;
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_unix_ms(ms).expect("in range")
    }

    fn tick(ms: u64) -> Draft {
        Draft { kind: Kind::Tick, at: at(ms), body: b"{}".to_vec() }
    }

    fn key() -> SealingKey {
        SealingKey::new("house/sale".to_owned(), SigningKey::from_bytes(&[7; 32])).expect("a name")
    }

    /// Four lines: two ticks, the seal over them, a tick.
    fn chained() -> (Chain, Vec<Chained>) {
        let mut chain = Chain::new();
        let mut lines =
            vec![chain.append(tick(5)).expect("fits"), chain.append(tick(5)).expect("fits")];
        let sealed = key().sign(chain.size(), chain.root());
        lines.push(chain.append_seal(&sealed).expect("over this chain"));
        lines.push(chain.append(tick(6)).expect("fits"));
        (chain, lines)
    }

    #[test]
    fn a_chain_replays_to_itself() {
        let (chain, lines) = chained();
        let mut again = Chain::new();
        for line in &lines {
            let read = Line::parse(line.bytes()).expect("a line");
            assert_eq!((read.kind, read.seq, read.at), (line.kind(), line.seq(), line.at()));
            again.replay(&read, line.bytes()).expect("the next line");
            assert_eq!(again.tree().leaf(line.seq()), Some(line.leaf()));
        }
        assert_eq!((again.size(), again.root(), again.last_at()), (4, chain.root(), Some(at(6))));
    }

    #[test]
    fn line_0_follows_zeros() {
        let (_, lines) = chained();
        let zeros = "0".repeat(64);
        let first = format!(r#"{{"body":{{}},"prev":"{zeros}","seq":0,"t":"tick","ts":5,"v":1}}"#);
        assert_eq!(lines[0].bytes(), first.as_bytes());
        let second = Line::parse(lines[1].bytes()).expect("a line");
        assert_eq!(second.prev, Hash::of(first.as_bytes()));
    }

    #[test]
    fn a_line_elsewhere_is_named() {
        let (_, lines) = chained();
        let kind = |order: &[usize], swap: (&str, &str)| {
            let mut chain = Chain::new();
            for index in order {
                let text = str::from_utf8(lines[*index].bytes()).expect("UTF-8");
                let text = text.replace(swap.0, swap.1);
                let read = Line::parse(text.as_bytes()).expect("a line");
                if let Err(error) = chain.replay(&read, text.as_bytes()) {
                    return error.kind();
                }
            }
            "ok"
        };
        assert_eq!(kind(&[0, 1, 2, 3], ("", "")), "ok");
        assert_eq!(kind(&[0, 2], ("", "")), "seq");
        assert_eq!(kind(&[0, 0], ("", "")), "seq");
        assert_eq!(kind(&[0, 1], ("\"ts\":5", "\"ts\":4")), "hash");
        let mut chain = Chain::new();
        chain.append(tick(5)).expect("fits");
        let early = write_line(Kind::Tick, 1, chain.links.prev(), Some(at(4)), b"{}");
        let early = chain.replay(&Line::parse(&early).expect("a line"), &early);
        assert_eq!(early, Err(ChainError::Time { last: at(5), found: at(4) }));
        assert_eq!(chain.size(), 1);
    }

    #[test]
    fn nothing_is_appended_that_a_reader_would_refuse() {
        let (mut chain, _) = chained();
        let draft = |body: &str| Draft { body: body.as_bytes().to_vec(), ..tick(6) };
        let deep = format!("{}1{}", "{\"a\":".repeat(8), "}".repeat(8));
        let long = format!("{{\"a\":[{}1]}}", "1,".repeat(8 * 1024 - 60));
        let bad =
            ["", "[]", "7", "{} ", r#"{"b":1,"a":1}"#, r#"{},"c":1"#, r#"{"a":1e2}"#, &deep, &long];
        for body in bad {
            assert!(chain.append(draft(body)).is_err(), "{} bytes", body.len());
        }
        assert!(matches!(chain.append(tick(5)), Err(ChainError::Time { .. })));
        let seal = Draft { kind: Kind::Seal, ..tick(6) };
        assert_eq!(chain.append(seal), Err(ChainError::Seal { size: 4 }));
        assert_eq!(chain.size(), 4);
    }

    #[test]
    fn a_seal_is_over_exactly_the_chain() {
        let (mut chain, lines) = chained();
        let sealed = key().sign(3, chain.tree().root_at(3).expect("within"));
        assert_eq!(chain.append_seal(&sealed), Err(ChainError::Seal { size: 4 }));
        let sealed = key().sign(4, Hash::ZERO);
        assert_eq!(chain.append_seal(&sealed), Err(ChainError::Seal { size: 4 }));
        let text = str::from_utf8(lines[2].bytes()).expect("UTF-8");
        assert!(text.starts_with(r#"{"body":{"note":"house/sale\n2\n"#), "{text}");
    }
}
