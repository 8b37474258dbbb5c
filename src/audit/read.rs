//! What a line is by itself, found for many lines on every core.

use rayon::prelude::*;

use super::judge::{Entry, Read};
use super::lines::Lines;
use super::signatures::{self, Checked, Keys};
use crate::ledger::chain::Hashed;
use crate::ledger::entry::{Line, LineError};
use crate::record::{BidKey, ReadyKeys, Record};
use crate::time::Timestamp;

/// Reads whole lines, and checks what is signed in them; under `keys`, once there are some.
pub(super) fn read_all(
    lines: &Lines,
    keys: Option<&Keys>,
    ready_keys: &ReadyKeys,
) -> Vec<Result<Read, LineError>> {
    let places = (0..lines.len()).into_par_iter();
    places.map(|place| read(lines.line(place), keys, ready_keys)).collect()
}

fn read(raw: &[u8], keys: Option<&Keys>, ready_keys: &ReadyKeys) -> Result<Read, LineError> {
    let line = Line::parse(raw)?;
    let Line { kind, seq, prev, at, body } = line;
    let check = |record| {
        // A seal alone has no time, and none is needed to check one.
        let at = at.unwrap_or(Timestamp::ZERO);
        signatures::check(record, at, keys, ready_keys)
    };
    let checked = Record::read(&line).map(check);
    let entry = Entry { kind, seq, at, body_bytes: body.len(), hashed: Hashed::of(raw) };
    Ok(Read { entry, prev, checked })
}

/// The bid keys that were enrolled in such lines, with good signatures.
pub(super) fn enrolled_in(lines: &[Result<Read, LineError>]) -> impl Iterator<Item = &BidKey> {
    lines.iter().filter_map(|line| match line {
        Ok(Read { checked: Ok(Checked::Enrolment(enrolment)), .. }) => {
            enrolment.as_ref().as_ref().ok()?.enrolment.bid_key()
        }
        Ok(_) | Err(_) => None,
    })
}
