//! A batch on its way from the register to its files: `ca/batch.json`.
//!
//! All certificates of a list go into the register in one write, and each into
//! a file of its own. Before that write, all the files stand here, durably. So
//! a crash leaves a batch that the register does not know, which was never made
//! and is erased, or one that the next run brings to its end. Nobody is issued
//! two certificates, and no key is lost.
//!
//! ```text
//! {"files":[{"name":"alice.pem","serial":"5e..","text":"# gavel credential: .."}],
//!  "folder":"2f686f6d65..","tag":"9f.."}
//! ```
//!
//! `folder` is the path's bytes in hex, since a path need not be UTF-8.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::identity::{Serial, decode_hex, encode_hex};
use super::keys::{self, KeyFault, many};
use super::office::{Enlisted, OfficeFault};
use super::register::{Issued, Register, Standing};
use crate::limits::BATCH_FILE_BYTES_MAX;
use crate::time::Timestamp;

/// A batch whose files are not all written.
pub(super) struct Pending {
    folder: PathBuf,
    tag: String,
    files: Vec<PendingFile>,
}

/// A file that a batch is to write.
pub(super) struct PendingFile {
    pub(super) name: String,
    pub(super) serial: Serial,
    /// It may hold a key.
    pub(super) text: Zeroizing<String>,
}

impl Pending {
    /// A batch that is to write `files` into `folder`.
    pub(super) fn new(folder: &Path, files: Vec<PendingFile>) -> Result<Self, KeyFault> {
        let mut unique = [0; 8];
        getrandom::fill(&mut unique).map_err(|_| KeyFault::Randomness)?;
        Ok(Self { folder: many::absolute(folder)?, tag: encode_hex(&unique), files })
    }

    /// Whether a batch was cut off.
    pub(super) fn is_there(ca_folder: &Path) -> Result<bool, KeyFault> {
        keys::is_there(&place(ca_folder))
    }

    /// The batch that was cut off, if one was.
    pub(super) fn read(ca_folder: &Path) -> Result<Option<Self>, OfficeFault> {
        // What a crash left half written was never begun.
        keys::erase(&beside(ca_folder))?;
        let path = place(ca_folder);
        let bytes = match keys::read_secret(&path, BATCH_FILE_BYTES_MAX) {
            Err(fault) if fault.is_missing() => return Ok(None),
            other => other?,
        };
        parse(&bytes).map(Some).ok_or(OfficeFault::BatchDamaged { path })
    }

    /// Puts it on disk, before the register names what it holds.
    pub(super) fn write(&self, ca_folder: &Path) -> Result<(), KeyFault> {
        let file = |file: &PendingFile| FileLine {
            name: file.name.clone(),
            serial: file.serial.to_string(),
            text: file.text.to_string(),
        };
        let line = BatchLine {
            files: self.files.iter().map(file).collect(),
            folder: encode_hex(self.folder.as_os_str().as_bytes()),
            tag: self.tag.clone(),
        };
        let text = serde_json::to_vec(&line).expect("plain values have a JSON form");
        let text = Zeroizing::new(text);
        let path = place(ca_folder);
        keys::check_size(&path, &text, BATCH_FILE_BYTES_MAX)?;
        many::replace_through(&path, &beside(ca_folder), &text)
    }

    /// Writes the files of those certificates that are good, and forgets the batch. If it was
    /// cut off before the register knew it, there are none.
    pub(super) fn finish(
        self,
        ca_folder: &Path,
        register: &Register,
        now: Timestamp,
    ) -> Result<Vec<Enlisted>, KeyFault> {
        let good = register.standings(now).filter(|(_, standing)| *standing == Standing::Live);
        let good: HashMap<&Serial, &Issued> =
            good.map(|(issued, _)| (&issued.serial, issued)).collect();
        let due = self.files.iter().filter_map(|file| Some((file, *good.get(&file.serial)?)));
        let due: Vec<(&PendingFile, &Issued)> = due.collect();
        if !due.is_empty() {
            keys::make_folder(&self.folder)?;
            let files = due.iter().map(|(file, _)| (file.name.as_str(), file.text.as_bytes()));
            many::create_all(&self.folder, &self.tag, &files.collect::<Vec<_>>())?;
        }
        keys::erase(&place(ca_folder))?;
        let enlisted = |(file, issued): (&PendingFile, &Issued)| Enlisted {
            row: None,
            issued: issued.clone(),
            path: self.folder.join(&file.name),
        };
        Ok(due.into_iter().map(enlisted).collect())
    }
}

fn place(ca_folder: &Path) -> PathBuf {
    ca_folder.join("batch.json")
}

fn beside(ca_folder: &Path) -> PathBuf {
    ca_folder.join("batch.json.new")
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchLine {
    files: Vec<FileLine>,
    folder: String,
    tag: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileLine {
    name: String,
    serial: String,
    text: String,
}

impl Drop for FileLine {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}

fn parse(bytes: &[u8]) -> Option<Pending> {
    let line: BatchLine = serde_json::from_slice(bytes).ok()?;
    let file = |mut file: FileLine| {
        let text = Zeroizing::new(std::mem::take(&mut file.text));
        let serial = Serial::parse(&file.serial).ok()?;
        Some(PendingFile { name: std::mem::take(&mut file.name), serial, text })
    };
    Some(Pending {
        folder: PathBuf::from(OsStr::from_bytes(&decode_hex(&line.folder)?)),
        tag: line.tag,
        files: line.files.into_iter().map(file).collect::<Option<_>>()?,
    })
}
