//! Looks for seals in what lies after a break.
//!
//! If the house ever signed a tree larger than what is kept, somebody may hold
//! a receipt under it, and going on from the break would make a fork of an
//! honest mistake (LEDGER 2, Start). The bytes there are damaged by definition,
//! so nothing is expected of them: every `"note":"` counts, wherever it stands.
//! Whether a note is validly signed is for the caller to say.

use std::io::{self, Read, SeekFrom};
use std::path::Path;

use super::disk::Disk;
use super::failure::{Operation, StoreFailure, failed};
use crate::limits::NOTE_BYTES_MAX;

const OPENING: &[u8] = br#""note":""#;

/// The longest note as it stands in a line, with quotes: its characters are escaped by at most two bytes.
const ESCAPED_BYTES_MAX: usize = 2 * NOTE_BYTES_MAX + 2;

/// Gives the first note at or after byte `from` that `accept` takes.
pub(super) fn find(
    disk: &dyn Disk,
    path: &Path,
    from: u64,
    accept: impl FnMut(&str) -> bool,
) -> Result<Option<String>, StoreFailure> {
    let mut file = disk.open(path).map_err(failed(Operation::Open, path))?;
    file.seek(SeekFrom::Start(from)).map_err(failed(Operation::Read, path))?;
    find_in(file, accept).map_err(failed(Operation::Read, path))
}

fn find_in(
    mut reader: impl Read,
    mut accept: impl FnMut(&str) -> bool,
) -> io::Result<Option<String>> {
    let mut window: Vec<u8> = Vec::new();
    let mut last = false;
    while !last {
        let read = (&mut reader).take(super::count(super::READ_BYTES)).read_to_end(&mut window)?;
        last = read == 0;
        let mut at = 0;
        while let Some(note_at) = next_opening(&window, at) {
            let rest = window.get(note_at..).unwrap_or_default();
            if rest.len() < ESCAPED_BYTES_MAX && !last {
                break;
            }
            if let Some(note) = read_note(rest)
                && accept(&note)
            {
                return Ok(Some(note));
            }
            // The quote that opened this one may begin the next opening.
            at = note_at - 1;
        }
        // What may still become a note stays: one that reaches the window's end, or half an opening.
        let half_opening = window.len().saturating_sub(OPENING.len() - 1);
        let keep_from = next_opening(&window, at)
            .map_or(half_opening.max(at), |note_at| note_at - OPENING.len());
        window.drain(..keep_from);
    }
    Ok(None)
}

/// Where the text after the next opening quote begins.
fn next_opening(window: &[u8], at: usize) -> Option<usize> {
    let found = window.get(at..)?.windows(OPENING.len()).position(|bytes| bytes == OPENING)?;
    Some(at + found + OPENING.len())
}

/// Reads a JSON string whose opening quote has been read; `None` if it is none.
fn read_note(rest: &[u8]) -> Option<String> {
    let rest = rest.get(..ESCAPED_BYTES_MAX.min(rest.len()))?;
    let mut escaped = false;
    let end = rest.iter().position(|byte| match (escaped, byte) {
        (true, _) => {
            escaped = false;
            false
        }
        (false, b'\\') => {
            escaped = true;
            false
        }
        (false, byte) => *byte == b'"',
    })?;
    let quoted = [b"\"", rest.get(..end)?, b"\""].concat();
    serde_json::from_slice(&quoted).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<String> {
        let mut notes = Vec::new();
        let none = find_in(bytes, |note| {
            notes.push(note.to_owned());
            false
        });
        assert_eq!(none.expect("reads"), None);
        notes
    }

    #[test]
    fn finds_notes_among_damage() {
        let check = |bytes: &[u8], notes: &[&str]| assert_eq!(all(bytes), notes);
        check(b"", &[]);
        check(br#""note":""#, &[]);
        check(br#""note":"torn"#, &[]);
        check(br#""note":"""#, &[""]);
        check(br#"{"body":{"note":"a\nb\n"},"prev"#, &["a\nb\n"]);
        check(b"\0\0\"note\":\"x\"\xff\xff\"note\":\"y\"", &["x", "y"]);
        check(br#""note":"q\"q\\","note":"z""#, &["q\"q\\", "z"]);
        check(b"\"note\":\"bad \xff utf-8\" \"note\":\"good\"", &["good"]);
        check(br#""note":"torn "note":"whole""#, &["torn ", "whole"]);
        check(br#""note":"note":"whole""#, &["note", "whole"]);
    }

    #[test]
    fn finds_a_note_wherever_the_window_ends() {
        let note = "n".repeat(NOTE_BYTES_MAX);
        let seal = format!("\"note\":\"{note}\"");
        let window = super::super::READ_BYTES;
        let coarse = (window - seal.len() - 2..window).step_by(211);
        for before in coarse.chain(window - 12..window + 2) {
            let mut bytes = vec![b' '; before];
            bytes.extend_from_slice(seal.as_bytes());
            bytes.extend_from_slice(b" \"note\":\"end\"");
            assert_eq!(all(&bytes), [note.as_str(), "end"], "after {before} bytes");
        }
    }

    #[test]
    fn an_endless_string_is_no_note_and_fills_no_memory() {
        let mut bytes = OPENING.to_vec();
        bytes.resize(1_000_000, b'n');
        bytes.extend_from_slice(br#"" "note":"end""#);
        assert_eq!(all(&bytes), ["end"]);
    }

    #[test]
    fn stops_at_the_note_that_is_taken() {
        let found = find_in(&br#""note":"a" "note":"b" "note":"c""#[..], |note| note == "b");
        assert_eq!(found.expect("reads").as_deref(), Some("b"));
    }
}
