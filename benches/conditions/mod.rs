//! On what a benchmark measures.

use std::fs;

/// Says on what machine, and beside how much other work, something is measured.
pub(super) fn print() {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("conditions: {processors} processors, load before {}", load.trim());
}
