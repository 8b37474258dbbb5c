//! Which of a ledger and its copy goes further.
//!
//! Both disks are given each frame at the same moment, so a crash may leave either of them a frame
//! behind, or with half of one; and either disk may lose or spoil its tail. A start begins from
//! the one that goes on, by a line that follows, where the other has none. Where both go on, and
//! differently, the seals decide ([`Files::turn_to_other`]).
//!
//! [`Files::turn_to_other`]: super::Files::turn_to_other

use std::io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::disk::{Disk, DiskFile};
use super::failure::{Operation, StoreFailure, failed};
use crate::ledger::entry::Line;
use crate::ledger::hash::Hash;
use crate::limits::LINE_BYTES_MAX;

/// How a ledger and its copy compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Compared {
    /// Who has a line that follows the last one that both have.
    pub(super) goes_on: GoesOn,
    /// How many bytes are the same in both.
    pub(super) common: u64,
    /// Where the first line begins that is not the same in both.
    pub(super) parts_at: u64,
    /// Whether there are bytes in both.
    pub(super) filled: bool,
}

/// Who goes on where the two part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GoesOn {
    /// Nobody, or the ledger alone.
    Own,
    /// The copy alone.
    Copy,
    /// Both, each in its own way.
    Both,
}

/// Compares two files that are there, byte by byte from their beginnings.
pub(super) fn compare(
    (disk, own): (&dyn Disk, &Path),
    (copy_disk, copy): (&dyn Disk, &Path),
) -> Result<Compared, StoreFailure> {
    let mut files = [open(disk, own)?, open(copy_disk, copy)?];
    let (mut common, mut parts_at) = (0, 0);
    let mut filled;
    loop {
        let [one, other] = &mut files;
        let one = one.fill_buf().map_err(failed(Operation::Read, own))?;
        let other = other.fill_buf().map_err(failed(Operation::Read, copy))?;
        filled = common > 0 || !(one.is_empty() || other.is_empty());
        let same = one.iter().zip(other).take_while(|(one, other)| one == other).count();
        if let Some(last) = one[..same].iter().rposition(|byte| *byte == b'\n') {
            parts_at = common + super::count(last + 1);
        }
        let parted = same == 0 || same < one.len().min(other.len());
        common += super::count(same);
        files.iter_mut().for_each(|file| file.consume(same));
        if parted {
            break;
        }
    }
    let own = follows(disk, own, parts_at).map_err(failed(Operation::Read, own))?;
    let copy = follows(copy_disk, copy, parts_at).map_err(failed(Operation::Read, copy))?;
    let goes_on = match (own, copy) {
        (true, true) => GoesOn::Both,
        (false, true) => GoesOn::Copy,
        (_, false) => GoesOn::Own,
    };
    Ok(Compared { goes_on, common, parts_at, filled })
}

fn open(disk: &dyn Disk, path: &Path) -> Result<BufReader<Box<dyn DiskFile>>, StoreFailure> {
    let file = disk.open(path).map_err(failed(Operation::Open, path))?;
    Ok(BufReader::with_capacity(super::READ_BYTES, file))
}

/// Whether a line stands at `parts_at` that follows the one before it.
fn follows(disk: &dyn Disk, path: &Path, parts_at: u64) -> io::Result<bool> {
    let longest = super::count(LINE_BYTES_MAX + 1);
    let begin = parts_at.saturating_sub(longest);
    let mut file = disk.open(path)?;
    file.seek(SeekFrom::Start(begin))?;
    let mut reader = BufReader::new(file);
    let mut before = Vec::new();
    (&mut reader).take(parts_at - begin).read_to_end(&mut before)?;
    let mut next = Vec::new();
    (&mut reader).take(longest).read_until(b'\n', &mut next)?;
    let Some(next) = next.strip_suffix(b"\n").and_then(|text| Line::parse(text).ok()) else {
        return Ok(false);
    };
    let Some(before) = before.strip_suffix(b"\n") else {
        return Ok(next.seq == 0 && next.prev == Hash::ZERO);
    };
    let last = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_next = Line::parse(last).is_ok_and(|last| last.seq + 1 == next.seq);
    Ok(is_next && next.prev == Hash::of(last))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::disk::Local;
    use super::*;
    use crate::ledger::chain::Chain;
    use crate::ledger::entry::{Draft, Kind};
    use crate::time::Timestamp;

    /// A chain of lines, the last of another time.
    fn lines(count: u64, last: u64) -> Vec<u8> {
        let mut chain = Chain::new();
        let mut bytes = Vec::new();
        for seq in 0..count {
            let ms = if seq + 1 == count { last } else { 1_000 };
            let at = Timestamp::from_unix_ms(ms).expect("in range");
            let draft = Draft { kind: Kind::Tick, at, body: b"{}".to_vec() };
            bytes.extend_from_slice(chain.append(draft).expect("canonical").bytes());
            bytes.push(b'\n');
        }
        bytes
    }

    #[test]
    fn who_has_a_line_that_follows_goes_further() {
        let folder = tempfile::tempdir().expect("temp dir");
        let (own, copy) = (folder.path().join("own"), folder.path().join("copy"));
        let check = |one: &[u8], other: &[u8], goes_on: GoesOn, parts_at: usize| {
            fs::write(&own, one).expect("writes");
            fs::write(&copy, other).expect("writes");
            let compared = compare((&Local, &own), (&Local, &copy)).expect("reads");
            assert_eq!(compared.goes_on, goes_on, "{compared:?}");
            assert_eq!(compared.parts_at, super::super::count(parts_at), "{compared:?}");
            assert_eq!(compared.filled, !one.is_empty() && !other.is_empty());
        };
        // 900 lines are more than the readers take at once.
        for count in [1, 2, 900] {
            let (short, long) = (lines(count, 1_000), lines(count + 1, 1_000));
            let (parts, tail) = (short.len(), &long[short.len()..]);
            check(&short, &short, GoesOn::Own, parts);
            check(&short, &long, GoesOn::Copy, parts);
            check(&long, &short, GoesOn::Own, parts);
            let torn = [&short[..], &tail[..9]].concat();
            check(&torn, &long, GoesOn::Copy, parts);
            check(&long, &torn, GoesOn::Own, parts);
            let spoilt = [&short[..], b"\0\0\n\0\n"].concat();
            check(&spoilt, &long, GoesOn::Copy, parts);
            check(&spoilt, &torn, GoesOn::Own, parts);
            check(&long, &lines(count + 1, 2_000), GoesOn::Both, parts);
        }
        check(b"", b"", GoesOn::Own, 0);
        check(b"", &lines(1, 1_000), GoesOn::Copy, 0);
        check(&lines(1, 1_000), &lines(1, 2_000), GoesOn::Both, 0);
    }
}
