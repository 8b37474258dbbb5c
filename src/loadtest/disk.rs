//! How long the disk takes to sync, without which no latency can be judged.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use hdrhistogram::Histogram;

use super::report::Percentiles;
use crate::clock::Stopwatch;

/// How many syncs are measured.
const SYNCS: usize = 200;
/// About a frame of a few bids.
const BYTES: usize = 4 * 1024;

/// Appends to a file beside the ledger and syncs it, again and again, as the ledger's store does.
pub(super) fn sync_percentiles(folder: &Path) -> io::Result<Percentiles> {
    let path = folder.join("disk.probe");
    let mut file = fs::OpenOptions::new().create_new(true).append(true).open(&path)?;
    let mut histogram = Histogram::<u64>::new_with_max(60_000_000, 3).expect("the bounds");
    for _ in 0..SYNCS {
        let wait = Stopwatch::start();
        file.write_all(&[0x20; BYTES])?;
        file.sync_data()?;
        histogram.saturating_record(wait.elapsed_us());
    }
    drop(file);
    fs::remove_file(&path)?;
    Ok(Percentiles::of(&histogram))
}
