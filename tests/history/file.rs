//! A history as a file of JSON lines, so that a run that failed can be looked at and judged again.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use super::History;

/// Writes a history, one event a line.
pub(crate) fn write_history(history: &History, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for event in &history.events {
        serde_json::to_writer(&mut file, event)?;
        file.write_all(b"\n")?;
    }
    file.flush()
}

/// Reads what [`write_history`] wrote.
pub(crate) fn read_history(path: &Path) -> io::Result<History> {
    let mut events = Vec::new();
    for line in BufReader::new(File::open(path)?).lines() {
        events.push(serde_json::from_str(&line?)?);
    }
    Ok(History { events })
}
