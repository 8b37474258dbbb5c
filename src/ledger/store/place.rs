//! Where a sale's files are, and how a file comes into being whole.
//!
//! ```text
//! <sale>.jsonl             the ledger
//! <sale>.lock              held from before the first read; never renamed or deleted
//! <sale>.checkpoint        the anchor, here or in a folder on another disk
//! <sale>.cosigned          beside it: the newest checkpoint that witnesses have cosigned
//! <sale>.checkpoint-lock   held where the anchor is in a folder of its own
//! <sale>.jsonl.broken.N    what a start cut off
//! <sale>.copy-lost         these files are a copy that was given up: nobody may go on from them
//! <sale>.private           what the house keeps to itself until the sale has closed
//! *.new                    being written; worthless after a crash
//! ```
//!
//! The folder is made 0700, the locks and the private file 0600: whoever may open a lock file may
//! hold it and keep the house from starting. The ledger, the anchor and the cosigned checkpoint are
//! 0644 (less the umask): every connection gets them whole, there is nothing to hide.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::disk::{Disk, DiskFile, DiskLock, Entry, Readers};
use super::failure::{Cause, Operation, StoreFailure, failed};

/// The places of one sale's files, held by a lock for as long as this lives.
#[derive(Debug)]
pub(super) struct Place {
    disk: Arc<dyn Disk>,
    sale: String,
    folder: PathBuf,
    anchor_folder: PathBuf,
    _locks: Vec<Box<dyn DiskLock>>,
}

impl Place {
    /// Makes the folder where it is missing, and takes the sale's lock in it.
    pub(super) fn lock(
        disk: Arc<dyn Disk>,
        folder: &Path,
        sale: &str,
    ) -> Result<Self, StoreFailure> {
        one_file_name(folder, sale)?;
        make_folder(&*disk, folder)?;
        let lock = take_lock(&*disk, &folder.join(format!("{sale}.lock")))?;
        Ok(Self {
            disk,
            sale: sale.to_owned(),
            folder: folder.to_owned(),
            anchor_folder: folder.to_owned(),
            _locks: vec![lock],
        })
    }

    /// Puts the anchor elsewhere. That folder must exist: a disk that is not
    /// mounted must not look like an anchor that was never written.
    pub(super) fn anchor_in(&mut self, folder: &Path) -> Result<(), StoreFailure> {
        let lock = folder.join(format!("{}.checkpoint-lock", self.sale));
        let lock = take_lock(&*self.disk, &lock)?;
        self._locks.push(lock);
        self.anchor_folder = folder.to_owned();
        Ok(())
    }

    /// Names the files without making any. Locks that are there are taken, so that a server
    /// that runs is seen and none begins meanwhile.
    pub(super) fn look(
        disk: Arc<dyn Disk>,
        folder: &Path,
        sale: &str,
        anchor_folder: Option<&Path>,
    ) -> Result<Self, StoreFailure> {
        one_file_name(folder, sale)?;
        let lock = folder.join(format!("{sale}.lock"));
        let mut locks = Vec::from_iter(lock_if_there(&*disk, &lock)?);
        if let Some(folder) = anchor_folder {
            if !disk.is_folder(folder) {
                return Err(failed(Operation::Inspect, folder)(rustix::io::Errno::NOENT.into()));
            }
            let lock = folder.join(format!("{sale}.checkpoint-lock"));
            locks.extend(lock_if_there(&*disk, &lock)?);
        }
        Ok(Self {
            disk,
            sale: sale.to_owned(),
            folder: folder.to_owned(),
            anchor_folder: anchor_folder.unwrap_or(folder).to_owned(),
            _locks: locks,
        })
    }

    /// Takes the lock of the same sale in another folder, for a copy of its files.
    pub(super) fn beside(&self, disk: Arc<dyn Disk>, folder: &Path) -> Result<Self, StoreFailure> {
        Self::lock(disk, folder, &self.sale)
    }

    /// Names the same sale's files in another folder, as [`Place::look`] does.
    pub(super) fn look_beside(&self, folder: &Path) -> Result<Self, StoreFailure> {
        Self::look(self.shared_disk(), folder, &self.sale, None)
    }

    /// The same places, without the locks that this one holds.
    pub(super) fn unlocked(&self) -> Self {
        Self {
            disk: self.shared_disk(),
            sale: self.sale.clone(),
            folder: self.folder.clone(),
            anchor_folder: self.anchor_folder.clone(),
            _locks: Vec::new(),
        }
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// The same disk, for somebody with files of their own.
    pub(super) fn shared_disk(&self) -> Arc<dyn Disk> {
        Arc::clone(&self.disk)
    }

    pub(super) fn ledger(&self) -> PathBuf {
        self.folder.join(format!("{}.jsonl", self.sale))
    }

    pub(super) fn anchor(&self) -> PathBuf {
        self.anchor_folder.join(format!("{}.checkpoint", self.sale))
    }

    pub(super) fn cosigned(&self) -> PathBuf {
        self.anchor_folder.join(format!("{}.cosigned", self.sale))
    }

    pub(super) fn copy_lost(&self) -> PathBuf {
        self.folder.join(format!("{}.copy-lost", self.sale))
    }

    pub(super) fn private(&self) -> PathBuf {
        self.folder.join(format!("{}.private", self.sale))
    }

    /// Makes a fresh file for cut bytes; an earlier one is never written over.
    pub(super) fn fresh_broken(&self) -> Result<(Box<dyn DiskFile>, PathBuf), StoreFailure> {
        let mut number: u64 = 1;
        loop {
            let path = self.folder.join(format!("{}.jsonl.broken.{number}", self.sale));
            match self.disk.create_new(&path, Readers::All) {
                Ok(file) => return Ok((file, path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(failed(Operation::Open, &path)(error)),
            }
        }
    }
}

/// Says whether a plain file is there. A link is none: a rename would replace
/// the link and leave the file it points to behind.
pub(super) fn is_there(disk: &dyn Disk, path: &Path) -> Result<bool, StoreFailure> {
    match disk.entry(path).map_err(failed(Operation::Inspect, path))? {
        None => Ok(false),
        Some(Entry::File) => Ok(true),
        Some(Entry::Other) => {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "not a plain file");
            Err(failed(Operation::Open, path)(error))
        }
    }
}

/// Brings `path` into being, or replaces it, whole or not at all: a new file,
/// filled and synced, renamed to `path`, and the folder synced. The file that
/// comes back is open for appending under its final name.
pub(super) fn put_whole(
    disk: &dyn Disk,
    path: &Path,
    fill: impl FnOnce(&mut dyn DiskFile, &Path) -> Result<(), StoreFailure>,
) -> Result<Box<dyn DiskFile>, StoreFailure> {
    put(disk, path, Readers::All, fill)
}

/// Does the same with a file that only its owner may read.
pub(super) fn put_private(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<(), StoreFailure> {
    put(disk, path, Readers::Owner, |file, new| write(file, bytes, new)).map(drop)
}

/// Takes a file away, for good: the folder is synced. One that is not there is no failure.
pub(super) fn erase(disk: &dyn Disk, path: &Path) -> Result<(), StoreFailure> {
    remove_left_over(disk, path)?;
    sync_folder_of(disk, path)
}

fn put(
    disk: &dyn Disk,
    path: &Path,
    readers: Readers,
    fill: impl FnOnce(&mut dyn DiskFile, &Path) -> Result<(), StoreFailure>,
) -> Result<Box<dyn DiskFile>, StoreFailure> {
    let mut new = path.to_owned().into_os_string();
    new.push(".new");
    let new = PathBuf::from(new);
    remove_left_over(disk, &new)?;
    let mut file = disk.create_new(&new, readers).map_err(failed(Operation::Open, &new))?;
    let filled = fill(&mut *file, &new)
        .and_then(|()| file.sync_all().map_err(failed(Operation::Sync, &new)))
        .and_then(|()| disk.rename(&new, path).map_err(failed(Operation::RenameTo, path)));
    if let Err(failure) = filled {
        // On a full disk this gives the room back; if it fails too, the next start does it.
        drop(disk.remove(&new));
        return Err(failure);
    }
    sync_folder_of(disk, path)?;
    Ok(file)
}

/// Syncs the folder that `path` is in, so that its name is on disk as well.
pub(super) fn sync_folder_of(disk: &dyn Disk, path: &Path) -> Result<(), StoreFailure> {
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    disk.sync_folder(folder).map_err(failed(Operation::Sync, folder))
}

/// Writes all of `bytes`, naming `path` if that fails.
pub(super) fn write(
    file: &mut dyn DiskFile,
    bytes: &[u8],
    path: &Path,
) -> Result<(), StoreFailure> {
    file.write_all(bytes).map_err(failed(Operation::Write, path))
}

fn remove_left_over(disk: &dyn Disk, path: &Path) -> Result<(), StoreFailure> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(failed(Operation::Remove, path)(error))
        }
        _ => Ok(()),
    }
}

fn take_lock(disk: &dyn Disk, path: &Path) -> Result<Box<dyn DiskLock>, StoreFailure> {
    disk.lock(path, true).map_err(|error| not_locked(error, path))
}

fn lock_if_there(disk: &dyn Disk, path: &Path) -> Result<Option<Box<dyn DiskLock>>, StoreFailure> {
    match disk.lock(path, false) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some).map_err(|error| not_locked(error, path)),
    }
}

fn not_locked(error: io::Error, path: &Path) -> StoreFailure {
    match error.kind() {
        io::ErrorKind::WouldBlock => StoreFailure::Locked { path: path.to_owned() },
        _ => failed(Operation::Lock, path)(error),
    }
}

/// Makes a folder and those above it, each synced into the one above.
fn make_folder(disk: &dyn Disk, folder: &Path) -> Result<(), StoreFailure> {
    if folder == Path::new("") {
        return Ok(());
    }
    if disk.is_folder(folder) {
        return sync_again(disk, folder);
    }
    if let Some(parent) = folder.parent() {
        make_folder(disk, parent)?;
    }
    match disk.make_folder(folder) {
        // Another server may have been quicker; the lock settles which one goes on.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(failed(Operation::MakeFolder, folder)(error))
        }
        _ => sync_folder_of(disk, folder),
    }
}

/// Syncs a folder that is there into the one above: an earlier start may have made it and died
/// before that, and a power cut would take the folder with all that was synced in it.
fn sync_again(disk: &dyn Disk, folder: &Path) -> Result<(), StoreFailure> {
    match sync_folder_of(disk, folder) {
        // Where it may not even look, the house has made nothing.
        Err(failure) if failure.cause() == Cause::Permission => Ok(()),
        synced => synced,
    }
}

/// A sale id is one name: nothing that leads out of the folder.
fn one_file_name(folder: &Path, sale: &str) -> Result<(), StoreFailure> {
    let mut parts = Path::new(sale).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(name)), None) if name == sale => Ok(()),
        _ => {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "a sale id is one file name");
            Err(failed(Operation::Open, &folder.join("?"))(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::sync::Mutex;

    use super::super::disk::Local;
    use super::*;

    fn local() -> Arc<dyn Disk> {
        Arc::new(Local)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("is there").permissions().mode() & 0o777
    }

    #[test]
    fn the_folder_is_private_and_one_server_holds_it() {
        let root = tempfile::tempdir().expect("temp dir");
        let folder = root.path().join("a/b");
        let place = Place::lock(local(), &folder, "s").expect("locks");
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&root.path().join("a")), 0o700);
        assert_eq!(mode(&folder.join("s.lock")), 0o600);
        let second = Place::lock(local(), &folder, "s");
        assert!(matches!(second, Err(StoreFailure::Locked { path }) if path.ends_with("s.lock")));
        Place::lock(local(), &folder, "t").expect("another sale has its own lock");
        drop(place);
        Place::lock(local(), &folder, "s").expect("the lock ends with its holder");
        assert!(folder.join("s.lock").exists());
    }

    /// This machine's disk, and which folders were synced.
    #[derive(Debug, Default)]
    struct Watched(Mutex<Vec<PathBuf>>);

    impl Disk for Watched {
        fn sync_folder(&self, path: &Path) -> io::Result<()> {
            self.0.lock().expect("nobody panics").push(path.to_owned());
            Local.sync_folder(path)
        }
        fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
            Local.entry(path)
        }
        fn is_folder(&self, path: &Path) -> bool {
            Local.is_folder(path)
        }
        fn make_folder(&self, path: &Path) -> io::Result<()> {
            Local.make_folder(path)
        }
        fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
            Local.open(path)
        }
        fn create_new(&self, path: &Path, readers: Readers) -> io::Result<Box<dyn DiskFile>> {
            Local.create_new(path, readers)
        }
        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            Local.rename(from, to)
        }
        fn remove(&self, path: &Path) -> io::Result<()> {
            Local.remove(path)
        }
        fn lock(&self, path: &Path, make: bool) -> io::Result<Box<dyn DiskLock>> {
            Local.lock(path, make)
        }
    }

    /// A simulated sale lost all of its lines: a start was ended between making the folder and
    /// syncing it, the next one found it there, and then the power failed.
    #[test]
    fn a_folder_that_an_earlier_start_has_made_is_synced_before_anything_is_in_it() {
        let root = tempfile::tempdir().expect("temp dir");
        let folder = root.path().join("made");
        fs::create_dir(&folder).expect("makes it, as a start that was ended then");
        let watched = Arc::new(Watched::default());
        drop(Place::lock(Arc::clone(&watched) as _, &folder, "s").expect("locks"));
        let synced = watched.0.lock().expect("nobody panics");
        assert_eq!(synced.as_slice(), [root.path()]);
    }

    #[test]
    fn two_ledger_folders_cannot_share_one_anchor() {
        let root = tempfile::tempdir().expect("temp dir");
        let mut one = Place::lock(local(), &root.path().join("1"), "s").expect("locks");
        let mut two = Place::lock(local(), &root.path().join("2"), "s").expect("locks");
        one.anchor_in(root.path()).expect("locks the anchor");
        assert!(matches!(two.anchor_in(root.path()), Err(StoreFailure::Locked { .. })));
        let unmounted = root.path().join("unmounted");
        assert!(matches!(two.anchor_in(&unmounted), Err(StoreFailure::Io { .. })));
        assert!(!unmounted.exists());
    }

    #[test]
    fn looking_makes_nothing_and_sees_a_server_that_runs() {
        let root = tempfile::tempdir().expect("temp dir");
        let folder = root.path().join("a");
        drop(Place::look(local(), &folder, "s", None).expect("nothing is there"));
        assert!(!folder.exists());
        let unmounted = root.path().join("unmounted");
        assert!(matches!(
            Place::look(local(), &folder, "s", Some(&unmounted)),
            Err(StoreFailure::Io { operation: Operation::Inspect, .. })
        ));
        let place = Place::lock(local(), &folder, "s").expect("locks");
        assert!(matches!(
            Place::look(local(), &folder, "s", None),
            Err(StoreFailure::Locked { .. })
        ));
        drop(place);
        let looked = Place::look(local(), &folder, "s", Some(root.path())).expect("looks");
        assert_eq!(looked.anchor(), root.path().join("s.checkpoint"));
        assert_eq!(fs::read_dir(root.path()).expect("readable").count(), 1);
    }

    #[test]
    fn a_sale_id_leads_nowhere_else() {
        let root = tempfile::tempdir().expect("temp dir");
        for sale in ["", ".", "..", "a/b", "/a", "a/", "../a"] {
            assert!(Place::lock(local(), root.path(), sale).is_err(), "{sale}");
        }
        assert_eq!(fs::read_dir(root.path()).expect("readable").count(), 0);
    }

    #[test]
    fn a_file_comes_whole_or_not_at_all() {
        let root = tempfile::tempdir().expect("temp dir");
        let path = root.path().join("x");
        fs::write(root.path().join("x.new"), "left over by a crash").expect("writes");
        put_whole(&Local, &path, |file, new| write(file, b"one", new)).expect("puts");
        assert_eq!(fs::read(&path).expect("readable"), b"one");
        let failure = put_whole(&Local, &path, |file, new| {
            write(file, b"half", new)?;
            Err(StoreFailure::Changed { path: new.to_owned() })
        });
        assert!(matches!(failure, Err(StoreFailure::Changed { .. })));
        assert_eq!(fs::read(&path).expect("readable"), b"one");
        assert_eq!(fs::read_dir(root.path()).expect("readable").count(), 1);
    }

    #[test]
    fn a_link_is_no_ledger() {
        let root = tempfile::tempdir().expect("temp dir");
        let link = root.path().join("s.jsonl");
        symlink(root.path().join("elsewhere"), &link).expect("links");
        assert!(is_there(&Local, &link).is_err());
        assert!(!is_there(&Local, &root.path().join("t.jsonl")).expect("looks"));
    }
}
