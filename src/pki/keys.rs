//! Files of keys: their modes, atomic writes, erasing, and the passphrase of a
//! CA's key.
//!
//! A file of keys is 0600 in a folder of ours that is 0700. What is looser is
//! refused at use with the command that mends it, as ssh does. A file is
//! replaced by writing a new one beside it, syncing it, renaming it over and
//! syncing the folder, so that a crash leaves the old or the new one whole.

pub(super) mod many;

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use pkcs8::pkcs5::pbes2;
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef, SecretDocument};
use rustix::fs::{FlockOperation, flock};
use zeroize::Zeroizing;

use super::identity::encode_hex;
use super::pem;

const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;
const OTHERS: u32 = 0o077;
/// What OWASP asks of PBKDF2 with SHA-256; openssl 3.0 cannot read scrypt of like strength.
const PASSPHRASE_ROUNDS: u32 = 600_000;
const ENCRYPTED_LABEL: &str = "ENCRYPTED PRIVATE KEY";
const PLAIN_LABEL: &str = "PRIVATE KEY";

/// Why a file of keys cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// Somebody else works in the folder.
    #[error("another gavel command works in {}", shown(.path))]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// The file exists and is not overwritten.
    #[error("{} exists already and is not overwritten", shown(.path))]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refuses.
    #[error("cannot {action} {}", shown(.path))]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Others may read or change it.
    #[error("{} is open to others (mode {mode:03o})", shown(.path))]
    Loose {
        /// The file or folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What they should be.
        wanted: u32,
    },
    /// The file does not hold a key of the expected form.
    #[error("{} does not hold a private key in PKCS#8 PEM", shown(.path))]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// The key is encrypted, and no passphrase was given.
    #[error("the key in {} needs its passphrase", shown(.path))]
    PassphraseNeeded {
        /// The file.
        path: PathBuf,
    },
    /// The operating system gave no randomness.
    #[error("the operating system gives no randomness")]
    Randomness,
    /// The file is larger than anything that belongs there.
    #[error("{} is larger than {bytes_max} bytes", shown(.path))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        bytes_max: u64,
    },
    /// The passphrase does not open the key.
    #[error("the passphrase does not open the key in {}", shown(.path))]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
}

impl KeyFault {
    /// The command that mends it, where there is one.
    pub fn mend(&self) -> Option<String> {
        match self {
            Self::Loose { path, wanted, .. } => Some(format!("chmod {wanted:o} {}", shown(path))),
            _ => None,
        }
    }

    /// Whether the file simply is not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

/// A passphrase of a CA's key. Wiped when dropped, never printed.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes a passphrase; `None` for an empty one, which would only look like protection.
    pub fn new(text: String) -> Option<Self> {
        (!text.is_empty()).then(|| Self(Zeroizing::new(text)))
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase")
    }
}

/// The only worker in a folder, until it is dropped.
#[derive(Debug)]
pub struct FolderLock(#[expect(dead_code, reason = "the open file is the lock")] File);

/// Locks a folder of ours against other gavel commands, without waiting.
pub fn lock_folder(folder: &Path) -> Result<FolderLock, KeyFault> {
    lock_file(&folder.join(".lock")).map_err(|fault| match fault {
        KeyFault::Busy { .. } => KeyFault::Busy { path: folder.to_owned() },
        other => other,
    })
}

/// Locks a file that exists for nothing else, without waiting.
pub fn lock_file(path: &Path) -> Result<FolderLock, KeyFault> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(FILE_MODE)
        .open(path)
        .map_err(KeyFault::io("lock", path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(FolderLock(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(KeyFault::Busy { path: path.to_owned() }),
        Err(error) => Err(KeyFault::io("lock", path)(error.into())),
    }
}

/// Makes a folder for its owner only, or checks that it is one.
pub fn make_folder(folder: &Path) -> Result<(), KeyFault> {
    make_outer_folder(folder)?;
    check_folder(folder)
}

/// Makes a folder for its owner only. One that is there may be open to others, as a
/// checkout's `pki/` is: no secret lies in it directly, only in folders of its own.
pub fn make_outer_folder(folder: &Path) -> Result<(), KeyFault> {
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(folder)
        .map_err(KeyFault::io("make the folder", folder))
}

/// Checks that a folder is its owner's only.
pub fn check_folder(folder: &Path) -> Result<(), KeyFault> {
    let metadata = fs::metadata(folder).map_err(KeyFault::io("look at", folder))?;
    check_mode(folder, &metadata, FOLDER_MODE)
}

/// Checks that a file is its owner's only, without reading it.
pub fn check_file(path: &Path) -> Result<(), KeyFault> {
    let metadata = fs::metadata(path).map_err(KeyFault::io("look at", path))?;
    check_mode(path, &metadata, FILE_MODE)
}

/// Whether there is a file at `path`.
pub fn is_there(path: &Path) -> Result<bool, KeyFault> {
    path.try_exists().map_err(KeyFault::io("look at", path))
}

/// The files of a folder with an extension, in the order of their names.
pub fn files_with_extension(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, KeyFault> {
    let entries = fs::read_dir(folder).map_err(KeyFault::io("look into", folder))?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()
        .map_err(KeyFault::io("look into", folder))?;
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    Ok(paths)
}

/// Reads a file that others may not read.
pub fn read_secret(path: &Path, bytes_max: u64) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
    let file = File::open(path).map_err(KeyFault::io("read", path))?;
    let metadata = file.metadata().map_err(KeyFault::io("look at", path))?;
    check_mode(path, &metadata, FILE_MODE)?;
    read_bounded(&file, path, bytes_max).map(Zeroizing::new)
}

/// Reads a file that everybody may read.
pub fn read_public(path: &Path, bytes_max: u64) -> Result<Vec<u8>, KeyFault> {
    let file = File::open(path).map_err(KeyFault::io("read", path))?;
    read_bounded(&file, path, bytes_max)
}

/// Writes a file for its owner only, in place of any that is there.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), KeyFault> {
    let beside = write_beside(path, bytes)?;
    let renamed = fs::rename(&beside, path).map_err(KeyFault::io("write", path));
    finish(&beside, path, renamed)
}

/// Writes a file for its owner only, unless there is one.
pub fn create(path: &Path, bytes: &[u8]) -> Result<(), KeyFault> {
    let beside = write_beside(path, bytes)?;
    // A link, unlike a rename, never takes the place of another file.
    let linked = fs::hard_link(&beside, path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => KeyFault::Exists { path: path.to_owned() },
        _ => KeyFault::io("write", path)(error),
    });
    finish(&beside, path, linked)
}

/// Whether [`erase`] has done its work on a file, or all of it but the removing.
pub fn is_erased(path: &Path) -> Result<bool, KeyFault> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        other => other.map_err(KeyFault::io("read", path))?,
    };
    // A PEM file begins with text.
    let mut first = [0];
    let read = (&file).read(&mut first).map_err(KeyFault::io("read", path))?;
    Ok(read == 0 || first == [0])
}

/// Overwrites a file with zeros and removes it. A file that is gone is erased already.
pub fn erase(path: &Path) -> Result<(), KeyFault> {
    let opened = OpenOptions::new().write(true).open(path);
    let mut file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(KeyFault::io("erase", path))?,
    };
    let wipe = |file: &mut File| {
        let length = file.metadata()?.len();
        io::copy(&mut io::repeat(0).take(length), file)?;
        file.sync_all()?;
        fs::remove_file(path)
    };
    wipe(&mut file).map_err(KeyFault::io("erase", path))?;
    sync_folder_of(path)
}

/// Writes a PKCS#8 key as PEM, encrypted (PBES2, RFC 8018) if there is a passphrase.
pub fn seal_key(
    pkcs8: &[u8],
    passphrase: Option<&Passphrase>,
) -> Result<Zeroizing<String>, KeyFault> {
    let Some(Passphrase(passphrase)) = passphrase else {
        return Ok(pem::write(PLAIN_LABEL, pkcs8));
    };
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    getrandom::fill(&mut salt).map_err(|_| KeyFault::Randomness)?;
    getrandom::fill(&mut iv).map_err(|_| KeyFault::Randomness)?;
    let parameters =
        pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(PASSPHRASE_ROUNDS, &salt, iv)
            .expect("a salt of 16 bytes is allowed");
    let encrypted = PrivateKeyInfoRef::try_from(pkcs8)
        .and_then(|key| key.encrypt_with_params(parameters, passphrase.as_bytes()))
        .expect("keys made here are PKCS#8");
    Ok(pem::write(ENCRYPTED_LABEL, encrypted.as_bytes()))
}

/// Reads the key that [`seal_key`] wrote to `path`, or that openssl wrote in this form.
pub fn open_key(
    path: &Path,
    text: &[u8],
    passphrase: Option<&Passphrase>,
) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
    let not_a_key = || KeyFault::NotAKey { path: path.to_owned() };
    let text = std::str::from_utf8(text).map_err(|_| not_a_key())?;
    let (label, document) = SecretDocument::from_pem(text).map_err(|_| not_a_key())?;
    match (label, passphrase) {
        (PLAIN_LABEL, _) => Ok(document.to_bytes()),
        (ENCRYPTED_LABEL, None) => Err(KeyFault::PassphraseNeeded { path: path.to_owned() }),
        (ENCRYPTED_LABEL, Some(Passphrase(passphrase))) => {
            let encrypted = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes());
            encrypted
                .map_err(|_| not_a_key())?
                .decrypt(passphrase.as_bytes())
                .map(|plain| plain.to_bytes())
                .map_err(|_| KeyFault::WrongPassphrase { path: path.to_owned() })
        }
        _ => Err(not_a_key()),
    }
}

/// A path as it may stand in a message or be pasted into a shell.
pub fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain =
        |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | '=' | ':');
    if text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.escape_debug().to_string().replace("\\'", "'\\''"))
    }
}

fn check_mode(path: &Path, metadata: &fs::Metadata, wanted: u32) -> Result<(), KeyFault> {
    let mode = metadata.permissions().mode() & 0o777;
    if mode & OTHERS == 0 {
        Ok(())
    } else {
        Err(KeyFault::Loose { path: path.to_owned(), mode, wanted })
    }
}

fn read_bounded(file: &File, path: &Path, bytes_max: u64) -> Result<Vec<u8>, KeyFault> {
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(KeyFault::io("read", path))?;
    check_size(path, &bytes, bytes_max)?;
    Ok(bytes)
}

/// Checks that what was read from `path`, or is to be written there, is as much as may be.
pub(super) fn check_size(path: &Path, bytes: &[u8], bytes_max: u64) -> Result<(), KeyFault> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= bytes_max) {
        Ok(())
    } else {
        Err(KeyFault::TooLarge { path: path.to_owned(), bytes_max })
    }
}

/// Writes and syncs a new file in `path`'s folder and says where.
fn write_beside(path: &Path, bytes: &[u8]) -> Result<PathBuf, KeyFault> {
    let mut unique = [0; 8];
    getrandom::fill(&mut unique).map_err(|_| KeyFault::Randomness)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", encode_hex(&unique)));
    let write = || {
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    match write() {
        Ok(()) => Ok(beside),
        Err(error) => {
            remove_leftover(&beside);
            Err(KeyFault::io("write", path)(error))
        }
    }
}

fn finish(beside: &Path, path: &Path, moved: Result<(), KeyFault>) -> Result<(), KeyFault> {
    remove_leftover(beside);
    moved?;
    sync_folder_of(path)
}

/// Removes a file that nobody will read. Should that fail, it does no harm.
fn remove_leftover(path: &Path) {
    let _ = fs::remove_file(path);
}

/// Makes a rename, link or removal of `path` last.
pub(super) fn sync_folder_of(path: &Path) -> Result<(), KeyFault> {
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => Path::new("/"),
    };
    File::open(folder).and_then(|file| file.sync_all()).map_err(KeyFault::io("sync", folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: u64 = 1024;

    pub(super) fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).expect("is there").permissions().mode() & 0o777
    }

    pub(super) fn names_in(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("reads");
        entries.map(|e| e.expect("reads").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn files_are_their_owners_only_and_nothing_is_left_beside_them() {
        let temp = tempfile::tempdir().expect("a folder");
        let folder = temp.path().join("pki/ca");
        make_folder(&folder).expect("makes");
        assert_eq!(mode_of(&folder), 0o700);
        assert_eq!(mode_of(&temp.path().join("pki")), 0o700);
        let path = folder.join("x.key");
        create(&path, b"one").expect("creates");
        assert_eq!(mode_of(&path), 0o600);
        assert!(matches!(create(&path, b"two"), Err(KeyFault::Exists { .. })));
        assert_eq!(**read_secret(&path, MAX).expect("reads"), *b"one");
        replace(&path, b"three").expect("replaces");
        assert_eq!(**read_secret(&path, MAX).expect("reads"), *b"three");
        assert_eq!(names_in(&folder), ["x.key"]);
        erase(&path).expect("erases");
        erase(&path).expect("is erased already");
        assert!(read_secret(&path, MAX).is_err_and(|fault| fault.is_missing()));
    }

    #[test]
    fn loose_modes_are_refused_with_the_command_that_mends_them() {
        let temp = tempfile::tempdir().expect("a folder");
        let path = temp.path().join("it's a key");
        create(&path, b"x").expect("creates");
        for mode in [0o640, 0o604, 0o644, 0o660, 0o610] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("sets");
            let fault = read_secret(&path, MAX).expect_err("refuses");
            let mend = fault.mend().expect("can be mended");
            assert!(mend.starts_with("chmod 600 '") && mend.ends_with("it'\\''s a key'"), "{mend}");
        }
        fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o750)).expect("sets");
        let fault = check_folder(temp.path()).expect_err("refuses");
        assert!(fault.mend().is_some_and(|mend| mend.starts_with("chmod 700 ")));
    }

    #[test]
    fn large_files_are_not_read() {
        let temp = tempfile::tempdir().expect("a folder");
        let path = temp.path().join("x");
        create(&path, &[0; 1025]).expect("creates");
        assert!(matches!(read_public(&path, MAX), Err(KeyFault::TooLarge { .. })));
    }

    #[test]
    fn one_command_at_a_time_works_in_a_folder() {
        let temp = tempfile::tempdir().expect("a folder");
        let lock = lock_folder(temp.path()).expect("locks");
        assert!(matches!(lock_folder(temp.path()), Err(KeyFault::Busy { .. })));
        drop(lock);
        lock_folder(temp.path()).expect("locks again");
    }

    #[test]
    fn a_passphrase_closes_a_key() {
        let secret = super::super::signing::P256Secret::generate().expect("randomness");
        let path = Path::new("ca.key");
        let right = Passphrase::new("right".into());
        let text = seal_key(secret.pkcs8(), right.as_ref()).expect("seals");
        let opened = open_key(path, text.as_bytes(), right.as_ref()).expect("opens");
        assert_eq!(*opened, secret.pkcs8());
        let wrong = Passphrase::new("wrong".into());
        let opened = open_key(path, text.as_bytes(), wrong.as_ref());
        assert!(matches!(opened, Err(KeyFault::WrongPassphrase { .. })));
        let opened = open_key(path, text.as_bytes(), None);
        assert!(matches!(opened, Err(KeyFault::PassphraseNeeded { .. })));
        assert!(matches!(open_key(path, b"junk", None), Err(KeyFault::NotAKey { .. })));
        let plain = seal_key(secret.pkcs8(), None).expect("writes");
        assert_eq!(*open_key(path, plain.as_bytes(), None).expect("reads"), secret.pkcs8());
        assert!(Passphrase::new(String::new()).is_none());
    }

    #[test]
    fn paths_are_shown_without_control_characters() {
        assert_eq!(shown(Path::new("/a/b-c.pem")), "/a/b-c.pem");
        assert_eq!(shown(Path::new("a b")), "'a b'");
        assert!(!shown(Path::new("a\u{1b}[2J")).contains('\u{1b}'));
    }
}
