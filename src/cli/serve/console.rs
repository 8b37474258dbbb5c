//! The console: one line for each thing that happens, as text or JSON, on stderr.

use std::io::IsTerminal as _;

use tracing::level_filters::LevelFilter;

use crate::server::Summary;

/// Sends the server's lines to stderr.
pub(super) fn start(json: bool) {
    // A second start in one process keeps the first's lines.
    let _ = if json {
        tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(LevelFilter::INFO)
            .with_writer(std::io::stderr)
            .try_init()
    } else {
        let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::INFO)
            .with_target(false)
            .with_ansi(colours)
            .with_writer(std::io::stderr)
            .try_init()
    };
}

/// The final metrics as one line for programs.
pub(super) fn metrics(summary: &Summary) {
    tracing::info!(
        requests = summary.requests,
        entered = summary.entered,
        refused = summary.refused,
        elapsed_us = summary.elapsed_us,
        mean_us = summary.mean_us,
        p50_us = summary.p50_us,
        p99_us = summary.p99_us,
        max_us = summary.max_us,
        lines = summary.lines,
        syncs = summary.syncs,
        sync_p50_us = summary.sync_p50_us,
        "final metrics"
    );
}
