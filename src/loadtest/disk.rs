//! How long the disk takes to sync, and what that costs: without it no latency can be judged, and
//! no way to write a ledger chosen.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use hdrhistogram::Histogram;
use rustix::fs::{FallocateFlags, OFlags, fallocate};
use serde::Serialize;

use super::report::Percentiles;
use crate::clock::{Stopwatch, ThreadTime};

/// How many syncs are measured.
const SYNCS: usize = 200;
/// About a frame of a few bids.
const BYTES: usize = 4 * 1024;

/// Appends to a file beside the ledger and syncs it, again and again, as the ledger's store does.
pub(super) fn sync_percentiles(folder: &Path) -> io::Result<Percentiles> {
    let mut histogram = Histogram::<u64>::new_with_max(60_000_000, 3).expect("the bounds");
    let syncs = sync(folder, SyncWay::Appended, BYTES, SYNCS)?;
    syncs.waits_ns.iter().for_each(|ns| histogram.saturating_record(ns / 1000));
    Ok(Percentiles::of(&histogram))
}

/// A way to have bytes at the end of a file on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncWay {
    /// Append and `fdatasync`: what the ledger's store does.
    Appended,
    /// Append to a file opened with `O_DSYNC`: one system call for both.
    SyncedWrite,
    /// Append and `fdatasync`, into room that was set aside before beyond the file's length.
    SetAside,
    /// Overwrite zeros that were written and synced before, and `fdatasync`: the length stays, so
    /// that a file system has nothing of its own to note. A ledger would end in zeros.
    Zeroed,
}

impl SyncWay {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Appended, Self::SyncedWrite, Self::SetAside, Self::Zeroed];

    /// Makes the file that is written in this way, with room for so many bytes.
    fn open(self, path: &Path, room_bytes: usize) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.create_new(true).append(true);
        match self {
            Self::Appended => options.open(path),
            Self::SyncedWrite => {
                let flag = i32::try_from(OFlags::DSYNC.bits()).map_err(io::Error::other)?;
                options.custom_flags(flag).open(path)
            }
            Self::SetAside => {
                let file = options.open(path)?;
                let bytes = u64::try_from(room_bytes).map_err(io::Error::other)?;
                fallocate(&file, FallocateFlags::KEEP_SIZE, 0, bytes)?;
                file.sync_all()?;
                Ok(file)
            }
            Self::Zeroed => {
                fs::write(path, vec![0; room_bytes])?;
                let file = OpenOptions::new().write(true).open(path)?;
                file.sync_all()?;
                Ok(file)
            }
        }
    }
}

impl fmt::Display for SyncWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Appended => "append, fdatasync",
            Self::SyncedWrite => "append with O_DSYNC",
            Self::SetAside => "append into room set aside, fdatasync",
            Self::Zeroed => "overwrite zeros, fdatasync",
        })
    }
}

/// Writes and syncs in one way.
pub(super) struct Syncs {
    /// How long each took, in their order.
    pub(super) waits_ns: Vec<u64>,
    /// The CPU time of the thread that wrote and waited, for all of them.
    pub(super) cpu_ns: u64,
}

/// Writes so many bytes to a file in `folder` and syncs them, so many times.
pub(super) fn sync(folder: &Path, way: SyncWay, bytes: usize, syncs: usize) -> io::Result<Syncs> {
    let path = folder.join("disk.probe");
    let mut file = way.open(&path, bytes.saturating_mul(syncs))?;
    let frame = vec![0x20; bytes];
    let mut waits_ns = Vec::with_capacity(syncs);
    let time = ThreadTime::start();
    for _ in 0..syncs {
        let wait = Stopwatch::start();
        file.write_all(&frame)?;
        if way != SyncWay::SyncedWrite {
            file.sync_data()?;
        }
        waits_ns.push(wait.elapsed_ns());
    }
    let cpu_ns = time.elapsed_ns();
    drop(file);
    fs::remove_file(&path)?;
    Ok(Syncs { waits_ns, cpu_ns })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_writes_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        for way in SyncWay::ALL {
            let syncs = sync(folder.path(), way, 100, 3).expect("syncs");
            assert_eq!(syncs.waits_ns.len(), 3, "{way}");
            assert!(syncs.cpu_ns > 0, "{way}");
            assert_eq!(fs::read_dir(folder.path()).expect("reads").count(), 0, "{way}");
        }
    }

    #[test]
    fn room_set_aside_does_not_show_in_the_length_and_zeros_do() {
        let folder = tempfile::tempdir().expect("a folder");
        for (way, before) in [(SyncWay::Appended, 0), (SyncWay::SetAside, 0), (SyncWay::Zeroed, 9)]
        {
            let path = folder.path().join(way.to_string());
            let mut file = way.open(&path, 9).expect("opens");
            assert_eq!(file.metadata().expect("is there").len(), before, "{way}");
            file.write_all(b"line\n").expect("writes");
            assert!(fs::read(&path).expect("reads").starts_with(b"line\n"), "{way}");
        }
    }
}
