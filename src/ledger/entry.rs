//! One line of the ledger: the fields that every entry has, around an opaque body.
//!
//! ```text
//! {"body":{..},"prev":"64 hex digits","seq":7,"t":"bid","ts":1700000000123,"v":1}
//! ```
//!
//! A seal alone has no `ts`: nothing random and no time stands in it, so a lost
//! one is made again byte for byte (LEDGER 1 and 2).

use std::fmt;
use std::io::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::canonical::{CanonicalError, from_canonical};
use super::form::Form;
use super::hash::Hash;
use super::scanner::Scanner;
use crate::limits::LINE_BYTES_MAX;
use crate::time::Timestamp;

/// The version of the format that is written and read.
pub const VERSION: u64 = 1;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $text:literal,)+) => {
        /// What an entry is about: its field `t`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$doc])* $kind,)+
        }

        impl Kind {
            /// All kinds, in the order in which the format lists them.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// The kind as the ledger writes it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $text,)+
                }
            }

            /// Takes the kind as the ledger writes it.
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$kind),)+
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// Line 0: the sale and its terms.
    Open = "open",
    /// One lot of the catalogue.
    Lot = "lot",
    /// A key or session of a person comes into the sale.
    Enrol = "enrol",
    /// An accepted bid.
    Bid = "bid",
    /// A refused bid, or counts of them.
    Refusal = "refusal",
    /// A lot opens.
    LotOpen = "lot_open",
    /// A lot closes.
    LotClose = "lot_close",
    /// Nothing happened for a while.
    Tick = "tick",
    /// The wall clock and the official time parted.
    Clock = "clock",
    /// The house was away.
    Outage = "outage",
    /// A certificate was revoked.
    Revoke = "revoke",
    /// Staff pause a lot.
    Pause = "pause",
    /// Staff resume a lot.
    Resume = "resume",
    /// Staff extend a lot.
    Extend = "extend",
    /// Staff void a bid.
    Void = "void",
    /// Staff withdraw a lot.
    Withdraw = "withdraw",
    /// Staff set a reserve.
    Reserve = "reserve",
    /// A name passes to another key.
    Reissue = "reissue",
    /// Staff say something to the hall.
    Say = "say",
    /// Staff close the sale; the closings follow.
    Closing = "closing",
    /// The sale is closed.
    Close = "close",
    /// A checkpoint over everything before it.
    Seal = "seal",
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An entry that has no place in the chain yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What it is about; never a seal, which only a checkpoint makes.
    pub kind: Kind,
    /// Its official time.
    pub at: Timestamp,
    /// Its body: a canonical JSON object.
    pub body: Vec<u8>,
}

/// Why bytes are not a line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// Not in canonical form, or without the fields of an entry.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// Another version of the format.
    #[error("version {found} of the format, this reads version {VERSION}")]
    Version {
        /// The version that the line names.
        found: u64,
    },
    /// A `t` that the format does not know.
    #[error("an entry of unknown type \"{found}\"")]
    UnknownKind {
        /// The type that the line names.
        found: String,
    },
    /// An entry without its time.
    #[error("an entry of type {kind} without \"ts\"")]
    TimeMissing {
        /// The type of the entry.
        kind: Kind,
    },
    /// A seal with a time.
    #[error("a seal with \"ts\"")]
    SealWithTime,
}

impl LineError {
    /// The name of the auditor's finding (THREATS, "Bytes").
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Canonical(error) => error.kind(),
            Self::Version { .. }
            | Self::UnknownKind { .. }
            | Self::TimeMissing { .. }
            | Self::SealWithTime => "schema",
        }
    }

    /// Whether it is whole and of another version of the format: what it says may have
    /// been acknowledged, so nobody may take it for damage (LEDGER 2, Start).
    pub const fn is_of_another_version(&self) -> bool {
        match self {
            Self::Version { .. } | Self::UnknownKind { .. } => true,
            Self::Canonical(_) | Self::TimeMissing { .. } | Self::SealWithTime => false,
        }
    }
}

/// One line, read; it borrows the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// What it is about.
    pub kind: Kind,
    /// Its number in the file, from 0.
    pub seq: u64,
    /// The SHA-256 of the line before it.
    pub prev: Hash,
    /// Its official time; a seal has none.
    pub at: Option<Timestamp>,
    /// Its body: a canonical JSON object.
    pub body: &'a str,
}

/// A line without the bytes that it was read from, for whoever keeps those elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outline {
    kind: Kind,
    seq: u64,
    prev: Hash,
    at: Option<Timestamp>,
    body_bytes: usize,
}

impl Outline {
    /// The line again, over the bytes that it was read from.
    pub(super) fn over<'a>(&self, bytes: &'a [u8]) -> Line<'a> {
        let Self { kind, seq, prev, at, body_bytes } = *self;
        let body = bytes.get(BODY_OFFSET..BODY_OFFSET + body_bytes).unwrap_or_default();
        let body = std::str::from_utf8(body).unwrap_or_default();
        Line { kind, seq, prev, at, body }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<'a> {
    #[serde(borrow)]
    body: &'a RawValue,
    prev: Hash,
    seq: u64,
    t: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<u64>,
    v: u64,
}

impl<'a> Line<'a> {
    /// Reads a line without its LF: canonical form, the fields, nothing else.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, LineError> {
        Self::read(bytes).map_or_else(|| Self::parse_generally(bytes), Ok)
    }

    /// Reads a line in one walk: what stands around the body can be written in one way only.
    /// None for what has a fault, which [`Line::parse_generally`] names.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() > LINE_BYTES_MAX {
            return None;
        }
        let text = str::from_utf8(bytes).ok()?;
        let (body, tail) = text.split_at_checked(Scanner::new(text).line_to_body_end().ok()?)?;
        let mut form = Form::new(tail);
        form.literal(",\"prev\":\"")?;
        let prev = form.hash()?;
        form.literal("\",\"seq\":")?;
        let seq = form.integer()?;
        form.literal(",\"t\":\"")?;
        let kind = Kind::parse(form.word()?)?;
        let at = if kind == Kind::Seal {
            None
        } else {
            form.literal(",\"ts\":")?;
            Some(Timestamp::from_unix_ms(form.integer()?)?)
        };
        form.literal(",\"v\":")?;
        if form.integer()? != VERSION {
            return None;
        }
        form.literal("}")?;
        form.end()?;
        Some(Self { kind, seq, prev, at, body: body.get(BODY_OFFSET..)? })
    }

    fn parse_generally(bytes: &'a [u8]) -> Result<Self, LineError> {
        let fields: Fields<'a> = from_canonical(bytes).map_err(|error| of_version(bytes, error))?;
        if fields.v != VERSION {
            return Err(LineError::Version { found: fields.v });
        }
        let body = fields.body.get();
        if !body.starts_with('{') {
            return Err(CanonicalError::NotAnObject { offset: BODY_OFFSET }.into());
        }
        let Some(kind) = Kind::parse(fields.t) else {
            return Err(LineError::UnknownKind { found: fields.t.to_owned() });
        };
        match (kind, fields.ts) {
            (Kind::Seal, Some(_)) => return Err(LineError::SealWithTime),
            (Kind::Seal, None) | (_, Some(_)) => {}
            (_, None) => return Err(LineError::TimeMissing { kind }),
        }
        let at = fields.ts.and_then(Timestamp::from_unix_ms);
        Ok(Self { kind, seq: fields.seq, prev: fields.prev, at, body })
    }

    /// All of it but the bytes.
    pub(super) const fn outline(&self) -> Outline {
        let Self { kind, seq, prev, at, body } = *self;
        Outline { kind, seq, prev, at, body_bytes: body.len() }
    }

    /// Writes the line as its one form, without LF.
    pub fn to_bytes(&self) -> Vec<u8> {
        write_line(self.kind, self.seq, self.prev, self.at, self.body.as_bytes())
    }
}

/// Another version may have other fields; that it is one is said first.
fn of_version(bytes: &[u8], error: CanonicalError) -> LineError {
    #[derive(Deserialize)]
    struct Versioned {
        v: u64,
    }
    match (&error, serde_json::from_slice(bytes)) {
        (CanonicalError::Schema { .. }, Ok(Versioned { v })) if v != VERSION => {
            LineError::Version { found: v }
        }
        _ => error.into(),
    }
}

const BODY_OFFSET: usize = r#"{"body":"#.len();
/// What a line needs at the most behind its body.
const TAIL_BYTES: usize = 192;

/// Writes a line without LF.
pub(super) fn write_line(
    kind: Kind,
    seq: u64,
    prev: Hash,
    at: Option<Timestamp>,
    body: &[u8],
) -> Vec<u8> {
    let mut line = Vec::with_capacity(BODY_OFFSET + body.len() + TAIL_BYTES);
    line.extend_from_slice(br#"{"body":"#);
    line.extend_from_slice(body);
    line.extend_from_slice(br#","prev":""#);
    line.extend_from_slice(&prev.hex());
    let mut write = |piece: fmt::Arguments<'_>| {
        line.write_fmt(piece).expect("a vector takes whatever is written");
    };
    write(format_args!(r#"","seq":{seq},"t":"{kind}""#));
    if let Some(at) = at {
        write(format_args!(r#","ts":{}"#, at.unix_ms()));
    }
    write(format_args!(r#","v":{VERSION}}}"#));
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PREV: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn line(tail: &str) -> String {
        format!(r#"{{"body":{{"lot":"vase"}},"prev":"{PREV}",{tail}}}"#)
    }

    fn kind_of(text: &str) -> &'static str {
        Line::parse(text.as_bytes()).map_or_else(|error| error.kind(), |_| "ok")
    }

    #[test]
    fn a_line_has_its_fields_and_no_other() {
        let good = line(r#""seq":7,"t":"lot_open","ts":1700000000123,"v":1"#);
        let read = Line::parse(good.as_bytes()).expect("a line");
        assert_eq!((read.kind, read.seq, read.body), (Kind::LotOpen, 7, r#"{"lot":"vase"}"#));
        assert_eq!(read.at, Timestamp::from_unix_ms(1_700_000_000_123));
        assert_eq!(read.to_bytes(), good.as_bytes());
        let bad = [
            r#""seq":7,"t":"lot_open","v":1"#,
            r#""seq":7,"t":"seal","ts":5,"v":1"#,
            r#""seq":7,"t":"sealed","ts":5,"v":1"#,
            r#""seq":7,"t":"lot_open","ts":5,"v":2"#,
            r#""seq":7,"t":"lot_open","ts":5"#,
            r#""seq":7,"t":"lot_open","ts":5,"v":1,"w":1"#,
            r#""seq":"7","t":"lot_open","ts":5,"v":1"#,
            r#""seq":7,"t":"lot\\open","ts":5,"v":1"#,
        ];
        for tail in bad {
            assert_eq!(kind_of(&line(tail)), "schema", "{tail}");
        }
        assert_eq!(kind_of(&line(r#""seq":7,"t":"seal","v":1"#)), "ok");
        assert_eq!(kind_of(&good.replace(PREV, &PREV.to_uppercase())), "canonical");
        assert_eq!(kind_of(&good.replace(PREV, &PREV[1..])), "schema");
        assert_eq!(kind_of(&good.replace(r#"{"lot":"vase"}"#, r#"["vase"]"#)), "schema");
        assert_eq!(kind_of(&good.replace(r#"{"lot":"vase"}"#, "7")), "schema");
        assert_eq!(kind_of(&good.replace("1700000000123", "17e2")), "number");
    }

    #[test]
    fn another_version_is_told_from_damage() {
        let is_other = |tail: &str| {
            let error = Line::parse(line(tail).as_bytes()).expect_err(tail);
            error.is_of_another_version()
        };
        assert!(is_other(r#""seq":7,"t":"sealed","ts":5,"v":1"#));
        assert!(is_other(r#""seq":7,"t":"tick","ts":5,"v":2"#));
        assert!(is_other(r#""seq":7,"t":"tick","tai":5,"v":2,"w":"x""#), "with other fields");
        assert!(!is_other(r#""seq":7,"t":"tick","ts":5,"v":1,"w":"x""#));
        assert!(!is_other(r#""seq":7,"t":"tick","ts":5,"v":2 "#), "not canonical");
        assert!(!is_other(r#""seq":7,"t":"tick","ts":5,"v":"2""#));
        assert!(!is_other(r#""seq":7,"t":"seal","ts":5,"v":1"#));
    }

    #[test]
    fn a_body_is_kept_to_the_byte() {
        for body in ["{}", r#"{"a":{"b":[1,"\"}"]},"c":"é"}"#] {
            let good =
                line(r#""seq":7,"t":"tick","ts":5,"v":1"#).replace(r#"{"lot":"vase"}"#, body);
            assert_eq!(Line::parse(good.as_bytes()).expect("a line").body, body);
        }
    }

    #[test]
    fn kinds_have_one_spelling() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(*kind));
        }
        assert_eq!(Kind::parse("Seal"), None);
    }

    proptest! {
        #[test]
        fn a_mutated_line_is_refused_or_is_itself(
            at in any::<prop::sample::Index>(), byte in any::<u8>(), how in 0..3, seal: bool,
        ) {
            let tail = if seal { r#""seq":7,"t":"seal","v":1"# } else { r#""seq":7,"t":"bid","ts":10,"v":1"# };
            let mut bytes = line(tail).into_bytes();
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => { bytes.remove(at); }
            }
            prop_assert_eq!(Line::parse(&bytes), Line::parse_generally(&bytes));
            prop_assert_eq!(Line::read(&bytes), Line::parse_generally(&bytes).ok());
            if let Ok(read) = Line::parse(&bytes) {
                prop_assert_eq!(read.to_bytes(), bytes);
            }
        }
    }
}
