//! The folder of a bundle: written beside its place, and moved there once it is whole.
//!
//! Every file is synced and its SHA-256 taken from the bytes that were written, never from
//! what a disk gives back. What was begun and not finished is removed.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::cli::fault::of_io;
use crate::ledger::hash::Hash;
use crate::pki::keys::{KeyFault, shown};

/// The sums of all other files, as `sha256sum -c` reads them.
pub(super) const SUMS: &str = "SHA256SUMS";

/// A file of the folder.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its path in the folder.
    pub(super) name: String,
    /// What it is, for people.
    pub(super) what: String,
    hash: Hash,
}

/// A folder that is being filled.
#[derive(Debug)]
pub(super) struct Folder {
    /// Where it goes.
    target: PathBuf,
    /// Where it is filled.
    part: PathBuf,
    entries: Vec<Entry>,
}

/// A file of the folder that is being written.
#[derive(Debug)]
pub(super) struct NewFile {
    name: String,
    path: PathBuf,
    file: BufWriter<File>,
}

impl Folder {
    /// Begins a folder that will stand at `target`, where nothing may be.
    pub(super) fn for_target(target: &Path) -> Result<Self, Failure> {
        let permissions = check_free(target)?;
        let mut unique = [0; 4];
        getrandom::fill(&mut unique).map_err(|_| KeyFault::Randomness)?;
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(format!(".part-{:08x}", u32::from_be_bytes(unique)));
        let part = target.with_file_name(name);
        fs::create_dir(&part).map_err(|error| of_io("make the folder", &part, &error))?;
        let folder = Self { target: target.to_owned(), part, entries: Vec::new() };
        if let Some(permissions) = permissions {
            fs::set_permissions(&folder.part, permissions)
                .map_err(|error| of_io("write", &folder.part, &error))?;
        }
        Ok(folder)
    }

    /// What was written so far.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Begins a file, in a folder of the folder if its name says so.
    pub(super) fn begin(&self, name: &str) -> Result<NewFile, Failure> {
        let path = self.part.join(name);
        let inner = path.parent().unwrap_or(&self.part);
        fs::create_dir_all(inner).map_err(|error| of_io("make the folder", inner, &error))?;
        let file = File::create_new(&path).map_err(|error| of_io("write", &path, &error))?;
        Ok(NewFile { name: name.to_owned(), path, file: BufWriter::new(file) })
    }

    /// Ends a file whose bytes have the SHA-256 `hash`.
    pub(super) fn end(&mut self, file: NewFile, hash: Hash, what: String) -> Result<(), Failure> {
        let NewFile { name, path, mut file } = file;
        let synced = file.flush().and_then(|()| file.get_ref().sync_all());
        synced.map_err(|error| of_io("write", &path, &error))?;
        self.entries.push(Entry { name, what, hash });
        Ok(())
    }

    /// Writes a whole file.
    pub(super) fn write(
        &mut self,
        name: &str,
        bytes: &[u8],
        what: impl Into<String>,
    ) -> Result<(), Failure> {
        let mut file = self.begin(name)?;
        file.write(bytes)?;
        self.end(file, Hash::of(bytes), what.into())
    }

    /// Writes the sums and moves the folder to its place; gives the SHA-256 of the sums.
    pub(super) fn finish(mut self) -> Result<Hash, Failure> {
        let sums = self.sums();
        self.write(SUMS, sums.as_bytes(), "")?;
        self.sync()?;
        fs::rename(&self.part, &self.target).map_err(|error| match error.kind() {
            ErrorKind::DirectoryNotEmpty | ErrorKind::NotADirectory => taken(&self.target),
            _ => of_io("write", &self.target, &error),
        })?;
        sync(self.target.parent().unwrap_or(&self.target))?;
        Ok(Hash::of(sums.as_bytes()))
    }

    /// A line for each file, by the order of their names: sum, two spaces, name.
    fn sums(&self) -> String {
        let mut lines: Vec<(&str, Hash)> =
            self.entries.iter().map(|entry| (entry.name.as_str(), entry.hash)).collect();
        lines.sort_unstable();
        lines.iter().map(|(name, hash)| format!("{hash}  {name}\n")).collect()
    }

    /// Makes the names last, those in folders of the folder first.
    fn sync(&self) -> Result<(), Failure> {
        let mut folders: Vec<&Path> =
            self.entries.iter().filter_map(|entry| Path::new(&entry.name).parent()).collect();
        folders.sort_unstable();
        folders.dedup();
        folders.iter().rev().try_for_each(|inner| sync(&self.part.join(inner)))
    }
}

impl NewFile {
    /// Writes the next bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.write_all(bytes).map_err(|error| of_io("write", &self.path, &error))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Gone already once it was moved; what cannot be removed is only a part, and named so.
        let _ = fs::remove_dir_all(&self.part);
    }
}

/// Checks that a folder can take that place. An empty one there gives it its permissions.
fn check_free(target: &Path) -> Result<Option<fs::Permissions>, Failure> {
    if target.file_name().is_none() {
        return Err(taken(target));
    }
    let metadata = match fs::symlink_metadata(target) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(of_io("look at", target, &error)),
    };
    let is_free = metadata.is_dir()
        && fs::read_dir(target).map_err(|error| of_io("read", target, &error))?.next().is_none();
    if is_free { Ok(Some(metadata.permissions())) } else { Err(taken(target)) }
}

fn taken(target: &Path) -> Failure {
    let message = format!("{} is there, and is no empty folder", shown(target));
    Failure::usage("file-exists", message)
        .hint("name a folder that is not there yet: a bundle is never added to")
}

fn sync(folder: &Path) -> Result<(), Failure> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let synced = File::open(folder).and_then(|opened| opened.sync_all());
    synced.map_err(|error| of_io("write", folder, &error))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("reads");
        entries.map(|e| e.expect("reads").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_folder_stands_whole_or_not_at_all() {
        let outer = tempfile::tempdir().expect("a folder");
        let target = outer.path().join("kept");
        let mut folder = Folder::for_target(&target).expect("begins");
        folder.write("b/two.txt", b"two", "").expect("writes");
        assert!(!target.exists());
        drop(folder);
        assert!(names_in(outer.path()).is_empty(), "what was begun is gone");

        let mut folder = Folder::for_target(&target).expect("begins");
        folder.write("b/two.txt", b"two", "").expect("writes");
        folder.write("a.txt", b"one", "").expect("writes");
        assert!(folder.write("a.txt", b"again", "").is_err(), "no name is taken twice");
        let sum = folder.finish().expect("finishes");
        let sums = fs::read(target.join(SUMS)).expect("is there");
        assert_eq!(Hash::of(&sums), sum);
        let (one, two) = (Hash::of(b"one"), Hash::of(b"two"));
        assert_eq!(sums, format!("{one}  a.txt\n{two}  b/two.txt\n").into_bytes());
        assert_eq!(names_in(outer.path()), ["kept"]);
        assert!(Folder::for_target(&target).is_err());
    }

    #[test]
    fn nothing_that_stands_there_is_touched() {
        let outer = tempfile::tempdir().expect("a folder");
        for at in [".", "..", "/", ""] {
            assert!(Folder::for_target(Path::new(at)).is_err(), "{at:?}");
        }
        let file = outer.path().join("file");
        fs::write(&file, b"x").expect("writes");
        assert!(Folder::for_target(&file).is_err());
        let link = outer.path().join("link");
        std::os::unix::fs::symlink(outer.path(), &link).expect("links");
        assert!(Folder::for_target(&link).is_err());
        let parentless = outer.path().join("none/of/these");
        assert!(Folder::for_target(&parentless).is_err());
        // Somebody puts a file there while the folder is filled.
        let target = outer.path().join("kept");
        let folder = Folder::for_target(&target).expect("begins");
        fs::create_dir(&target).expect("makes");
        fs::write(target.join("theirs"), b"x").expect("writes");
        assert!(folder.finish().is_err_and(|failure| failure.code() == "file-exists"));
        assert_eq!(names_in(&target), ["theirs"]);
    }

    #[test]
    fn an_empty_folder_keeps_its_mode() {
        let outer = tempfile::tempdir().expect("a folder");
        let target = outer.path().join("private");
        fs::create_dir(&target).expect("makes");
        fs::set_permissions(&target, fs::Permissions::from_mode(0o700)).expect("sets");
        let folder = Folder::for_target(&target).expect("begins");
        folder.finish().expect("finishes");
        let mode = fs::metadata(&target).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
