//! A sale's files as they are read at a start, before anything is written.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{DiskFile, Local};
use super::failure::{Operation, StoreFailure, failed};
use super::place::{self, Place};
use super::scan::{Scan, ScanError, Visit};
use super::{beyond, scan};
use crate::ledger::entry::Line;
use crate::limits::{NOTE_BYTES_MAX, PRIVATE_FILE_BYTES_MAX};

/// The files of one sale. With [`Locked`](super::Locked) they can be written too.
#[derive(Debug)]
pub struct Files {
    pub(super) place: Place,
}

/// Names the files of a sale to be read only, and makes nothing.
///
/// # Errors
/// [`StoreFailure::Locked`] if a server runs the sale; the anchor's folder must be there.
pub fn look(
    folder: &Path,
    sale: &str,
    anchor_folder: Option<&Path>,
) -> Result<Files, StoreFailure> {
    Ok(Files { place: Place::look(Arc::new(Local), folder, sale, anchor_folder)? })
}

impl Files {
    /// Where the ledger is, or will be.
    pub fn ledger_path(&self) -> PathBuf {
        self.place.ledger()
    }

    /// Where the anchor is, or will be.
    pub fn anchor_path(&self) -> PathBuf {
        self.place.anchor()
    }

    /// Says whether the ledger is there.
    pub fn exists(&self) -> Result<bool, StoreFailure> {
        place::is_there(self.place.disk(), &self.place.ledger())
    }

    /// The text of the anchor, if there is one.
    pub fn anchor(&self) -> Result<Option<String>, StoreFailure> {
        let path = self.place.anchor();
        let Some(file) = self.open_if_there(&path)? else { return Ok(None) };
        let mut text = String::new();
        let bounded = &mut file.take(super::count(NOTE_BYTES_MAX + 1));
        bounded.read_to_string(&mut text).map_err(failed(Operation::Read, &path))?;
        Ok(Some(text))
    }

    /// Where the newest cosigned checkpoint is, or will be.
    pub fn cosigned_path(&self) -> PathBuf {
        self.place.cosigned()
    }

    /// The newest checkpoint that witnesses have cosigned, if there is one; whether it is one is
    /// for the caller to check.
    pub fn cosigned(&self) -> Result<Option<String>, StoreFailure> {
        let path = self.place.cosigned();
        let Some(file) = self.open_if_there(&path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let bounded = &mut file.take(super::count(NOTE_BYTES_MAX + 1));
        bounded.read_to_end(&mut bytes).map_err(failed(Operation::Read, &path))?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// What the house keeps to itself, if it keeps anything.
    pub fn private(&self) -> Result<Option<Vec<u8>>, StoreFailure> {
        let path = self.place.private();
        let Some(file) = self.open_if_there(&path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let bounded = &mut file.take(PRIVATE_FILE_BYTES_MAX);
        bounded.read_to_end(&mut bytes).map_err(failed(Operation::Read, &path))?;
        Ok(Some(bytes))
    }

    /// Reads the ledger up to its end or its first break, and shows `visit` each line before it.
    pub fn scan<E>(
        &self,
        visit: impl FnMut(&[u8], &Line<'_>) -> Result<Visit, E>,
    ) -> Result<Scan, ScanError<E>> {
        scan::scan(self.place.disk(), &self.place.ledger(), visit)
    }

    /// Gives the first note after the break that `accept` takes; the caller's
    /// `accept` asks for the house's signature over a size beyond what is kept.
    pub fn find_note_beyond(
        &self,
        scan: &Scan,
        accept: impl FnMut(&str) -> bool,
    ) -> Result<Option<String>, StoreFailure> {
        beyond::find(self.place.disk(), &self.place.ledger(), scan.bytes, accept)
    }

    fn open_if_there(&self, path: &Path) -> Result<Option<Box<dyn DiskFile>>, StoreFailure> {
        if !place::is_there(self.place.disk(), path)? {
            return Ok(None);
        }
        self.place.disk().open(path).map(Some).map_err(failed(Operation::Open, path))
    }
}
