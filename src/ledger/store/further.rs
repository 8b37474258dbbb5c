//! Which of a ledger and its copy goes further.
//!
//! Both disks are given each frame at the same moment, so a crash may leave either of them a frame
//! behind, or with half of one. A start begins from the one that has more whole lines; where they
//! part, what the other still holds is for others to judge ([`Files::find_note_in_other`]).
//!
//! [`Files::find_note_in_other`]: super::Files::find_note_in_other

use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use super::disk::{Disk, DiskFile};
use super::failure::{Operation, StoreFailure, failed};
use crate::limits::LINE_BYTES_MAX;

/// How a ledger and its copy compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Compared {
    /// Whether the copy has a whole line where the ledger has none.
    pub(super) copy_is_further: bool,
    /// How many bytes are the same in both.
    pub(super) common: u64,
    /// Where the first line begins that is not the same in both.
    pub(super) parts_at: u64,
}

/// Compares two files that are there, byte by byte from their beginnings.
pub(super) fn compare(
    (disk, own): (&dyn Disk, &Path),
    (copy_disk, copy): (&dyn Disk, &Path),
) -> Result<Compared, StoreFailure> {
    let mut files = [open(disk, own)?, open(copy_disk, copy)?];
    let (mut common, mut parts_at) = (0, 0);
    let paths = [own, copy];
    loop {
        let [one, other] = &mut files;
        let one = one.fill_buf().map_err(failed(Operation::Read, paths[0]))?;
        let other = other.fill_buf().map_err(failed(Operation::Read, paths[1]))?;
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
    let [own_goes_on, copy_goes_on] = files.map(has_line_end);
    let own_goes_on = own_goes_on.map_err(failed(Operation::Read, own))?;
    let copy_goes_on = copy_goes_on.map_err(failed(Operation::Read, copy))?;
    Ok(Compared { copy_is_further: copy_goes_on && !own_goes_on, common, parts_at })
}

fn open(disk: &dyn Disk, path: &Path) -> Result<BufReader<Box<dyn DiskFile>>, StoreFailure> {
    let file = disk.open(path).map_err(failed(Operation::Open, path))?;
    Ok(BufReader::with_capacity(super::READ_BYTES, file))
}

/// Whether a line ends within the longest line.
fn has_line_end(file: BufReader<Box<dyn DiskFile>>) -> io::Result<bool> {
    let mut rest = Vec::new();
    file.take(super::count(LINE_BYTES_MAX + 1)).read_until(b'\n', &mut rest)?;
    Ok(rest.ends_with(b"\n"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::disk::Local;
    use super::*;

    #[test]
    fn who_has_more_whole_lines_goes_further() {
        let folder = tempfile::tempdir().expect("temp dir");
        let (own, copy) = (folder.path().join("own"), folder.path().join("copy"));
        let check = |one: &[u8], other: &[u8], copy_is_further: bool, parts_at: usize| {
            fs::write(&own, one).expect("writes");
            fs::write(&copy, other).expect("writes");
            let compared = compare((&Local, &own), (&Local, &copy)).expect("reads");
            assert_eq!(compared.copy_is_further, copy_is_further, "{compared:?}");
            assert_eq!(compared.parts_at, super::super::count(parts_at), "{compared:?}");
        };
        check(b"", b"", false, 0);
        check(b"a\nb\n", b"a\nb\n", false, 4);
        check(b"a\n", b"a\nb\n", true, 2);
        check(b"a\nb", b"a\nb\n", true, 2);
        check(b"a\n\0\0\0", b"a\nb\n", true, 2);
        check(b"a\nb\n", b"a\n", false, 2);
        check(b"a\n", b"a\nb", false, 2);
        check(b"a\nb\n", b"a\nc\nd\n", false, 2);
        check(b"", b"a\n", true, 0);
        // Over the end of the readers' buffers, and where one ends with one.
        for length in [super::super::READ_BYTES, 3 * super::super::READ_BYTES + 5] {
            let mut long = b"a\n".repeat(length / 2);
            long.resize(length, b'x');
            let more = [&long[..], b"\n"].concat();
            let whole = length / 2 * 2;
            check(&long, &more, true, whole);
            check(&more, &long, false, whole);
            check(&more, &more, false, length + 1);
        }
    }
}
