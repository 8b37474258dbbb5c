//! A sale's files as they are read at a start, before anything is written.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Disk, DiskFile, Local};
use super::failure::{Operation, StoreFailure, failed};
use super::further::{self, Compared, GoesOn};
use super::place::{self, Place};
use super::scan::{Scan, ScanError, Visit};
use super::{beyond, scan};
use crate::ledger::chain::Hashed;
use crate::ledger::entry::Line;
use crate::limits::{NOTE_BYTES_MAX, PRIVATE_FILE_BYTES_MAX};

/// The files of one sale. With [`Locked`](super::Locked) they can be written too.
#[derive(Debug)]
pub struct Files {
    pub(super) place: Place,
    beside: Option<Beside>,
}

/// A copy of the ledger, and how the two compare.
#[derive(Debug)]
struct Beside {
    place: Place,
    compared: Option<Compared>,
    /// Whether the ledger is read from the copy.
    is_source: bool,
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
    Ok(Files::of(Place::look(Arc::new(Local), folder, sale, anchor_folder)?))
}

impl Files {
    pub(super) fn of(place: Place) -> Self {
        Self { place, beside: None }
    }

    /// Looks at the copy in `folder` too; it need not be there yet.
    pub fn with_copy(mut self, folder: &Path) -> Result<Self, StoreFailure> {
        let place = self.place.look_beside(folder)?;
        self.hold_to_copy(&place)?;
        Ok(self)
    }

    /// Finds out which of the two goes further.
    pub(super) fn hold_to_copy(&mut self, copy: &Place) -> Result<(), StoreFailure> {
        let (own, other) = (self.place.ledger(), copy.ledger());
        let there =
            place::is_there(self.place.disk(), &own)? && place::is_there(copy.disk(), &other)?;
        let compare = || further::compare((self.place.disk(), &own), (copy.disk(), &other));
        let compared = if there { Some(compare()?) } else { None };
        if compared.is_some_and(|compared| compared.filled && compared.parts_at == 0) {
            // Not one line in common: that is another sale's, or line 0 is damaged.
            return Err(StoreFailure::Exists { path: other });
        }
        let is_source = compared.is_some_and(|compared| compared.goes_on == GoesOn::Copy);
        self.beside = Some(Beside { place: copy.unlocked(), compared, is_source });
        Ok(())
    }

    /// Reads the ledger from the other one of ledger and copy, where both go on and differently;
    /// `false` where there is no choice.
    pub fn turn_to_other(&mut self) -> bool {
        match &mut self.beside {
            Some(Beside { compared: Some(compared), is_source, .. })
                if compared.goes_on == GoesOn::Both =>
            {
                *is_source = !*is_source;
                true
            }
            _ => false,
        }
    }

    /// The place that the ledger is read from: its own, or the copy's where that goes further.
    pub(super) fn source(&self) -> &Place {
        match &self.beside {
            Some(Beside { place, is_source: true, .. }) => place,
            _ => &self.place,
        }
    }

    /// The one of ledger and copy that is not read from, if there are both, and how they compare.
    pub(super) fn other(&self) -> Option<(&Place, Compared)> {
        let Beside { place, compared, is_source } = self.beside.as_ref()?;
        Some((if *is_source { &self.place } else { place }, (*compared)?))
    }

    /// Whether a copy of the ledger is there, though its own file need not be.
    pub fn copy_exists(&self) -> Result<bool, StoreFailure> {
        match &self.beside {
            Some(Beside { place, .. }) => place::is_there(place.disk(), &place.ledger()),
            None => Ok(false),
        }
    }

    /// Where the anchor of the copy is, or will be, and its text if it is there.
    pub fn copy_anchor(&self) -> Result<Option<(PathBuf, String)>, StoreFailure> {
        let Some(Beside { place, .. }) = &self.beside else { return Ok(None) };
        let path = place.anchor();
        let text = read_text(place.disk(), &path)?;
        Ok(text.map(|text| (path, text)))
    }

    /// Gives the file that is not read from, of ledger and copy, if there are both and `accept`
    /// takes a note of it after the place where the two part.
    pub fn find_note_in_other(
        &self,
        accept: impl FnMut(&str) -> bool,
    ) -> Result<Option<(PathBuf, String)>, StoreFailure> {
        let Some((other, compared)) = self.other() else { return Ok(None) };
        let path = other.ledger();
        let note = beyond::find(other.disk(), &path, compared.parts_at, accept)?;
        Ok(note.map(|note| (path, note)))
    }

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

    /// The text of the anchor, if there is one. Where the ledger is read from the copy and has none,
    /// it is the copy's: a crash may have come before the first.
    pub fn anchor(&self) -> Result<Option<String>, StoreFailure> {
        match read_text(self.place.disk(), &self.place.anchor())? {
            Some(anchor) => Ok(Some(anchor)),
            None => read_text(self.source().disk(), &self.source().anchor()),
        }
    }

    /// Whether these files are a copy that was given up while the sale went on.
    pub fn is_lost_copy(&self) -> Result<bool, StoreFailure> {
        place::is_there(self.place.disk(), &self.place.copy_lost())
    }

    /// Where the newest cosigned checkpoint is, or will be.
    pub fn cosigned_path(&self) -> PathBuf {
        self.place.cosigned()
    }

    /// The newest checkpoint that witnesses have cosigned, if there is one; whether it is one is
    /// for the caller to check.
    pub fn cosigned(&self) -> Result<Option<String>, StoreFailure> {
        let path = self.place.cosigned();
        let Some(file) = open_if_there(self.place.disk(), &path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let bounded = &mut file.take(super::count(NOTE_BYTES_MAX + 1));
        bounded.read_to_end(&mut bytes).map_err(failed(Operation::Read, &path))?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// What the house keeps to itself, if it keeps anything.
    pub fn private(&self) -> Result<Option<Vec<u8>>, StoreFailure> {
        let path = self.source().private();
        let Some(file) = open_if_there(self.source().disk(), &path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let bounded = &mut file.take(PRIVATE_FILE_BYTES_MAX);
        bounded.read_to_end(&mut bytes).map_err(failed(Operation::Read, &path))?;
        Ok(Some(bytes))
    }

    /// Reads the ledger up to its end or its first break, and shows `visit` each line before it.
    pub fn scan<E: Send>(
        &self,
        mut visit: impl FnMut(&[u8], &Line<'_>) -> Result<Visit, E> + Send,
    ) -> Result<Scan, ScanError<E>> {
        let visit = |raw: &[u8], line: &Line<'_>, (), _| visit(raw, line);
        self.scan_prepared(|_, _| (), visit)
    }

    /// Does the same, and gives `visit` what `prepare` has worked out of each line by itself, on
    /// every core, and the line's hashes.
    pub fn scan_prepared<T: Send, E: Send>(
        &self,
        prepare: impl Fn(&[u8], &Line<'_>) -> T + Sync,
        visit: impl FnMut(&[u8], &Line<'_>, T, Hashed) -> Result<Visit, E> + Send,
    ) -> Result<Scan, ScanError<E>> {
        scan::scan(self.source().disk(), &self.source().ledger(), prepare, visit)
    }

    /// Gives the first note after the break that `accept` takes; the caller's
    /// `accept` asks for the house's signature over a size beyond what is kept.
    pub fn find_note_beyond(
        &self,
        scan: &Scan,
        accept: impl FnMut(&str) -> bool,
    ) -> Result<Option<String>, StoreFailure> {
        beyond::find(self.source().disk(), &self.source().ledger(), scan.bytes, accept)
    }
}

fn open_if_there(disk: &dyn Disk, path: &Path) -> Result<Option<Box<dyn DiskFile>>, StoreFailure> {
    if !place::is_there(disk, path)? {
        return Ok(None);
    }
    disk.open(path).map(Some).map_err(failed(Operation::Open, path))
}

/// The text of a note, cut where it is longer than any.
fn read_text(disk: &dyn Disk, path: &Path) -> Result<Option<String>, StoreFailure> {
    let Some(file) = open_if_there(disk, path)? else { return Ok(None) };
    let mut text = String::new();
    let bounded = &mut file.take(super::count(NOTE_BYTES_MAX + 1));
    bounded.read_to_string(&mut text).map_err(failed(Operation::Read, path))?;
    Ok(Some(text))
}
