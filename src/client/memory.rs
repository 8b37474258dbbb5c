//! What a client remembers of a sale: the folder beside its credential.
//!
//! Keyed by CA, house and sale id, so that a house can neither pass a second
//! sale off as the first nor make a client forget what it was shown:
//!
//! ```text
//! alice.gavel/<CA fingerprint>/<house>/latest            the sale visited last
//! alice.gavel/<CA fingerprint>/<house>/<sale>/open.json  line 0
//!                                             head.checkpoint  the newest tree seen (verify --checkpoint takes it)
//!                                             cosigned   the newest tree that witnesses have cosigned (likewise)
//!                                             bid.key    the bid key and the certificate that enrolled it
//!                                             n          the last number taken
//!                                             unanswered/<n>.json   bids whose outcome is open
//!                                             signed/<n>.json       what was signed, once it is known
//!                                             receipts/<seq>.tlog-proof  and with a hash behind the number,
//!                                                                   where there are several of a line
//!                                             evidence/<hash>/  what a house contradicted itself with, once
//! ```
//!
//! Each is on the disk before it is relied on. Several commands may share a
//! folder: numbers are taken under a lock, and a head never gives way to a
//! smaller one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::auction::name::{HouseName, SaleId};
use crate::ledger::encoding::{decode_hex, encode_hex};
use crate::ledger::note::Note;
use crate::ledger::{Checkpoint, Hash, SignedCheckpoint};
use crate::limits::INTEGER_MAX;
use crate::pki::keys::{self, KeyFault, shown};
use crate::pki::{Anchor, Fingerprint};
use crate::record::Signed;
use crate::wire::json::Request;

/// The most bytes of a file that is read back: a line, a key, a request.
const FILE_BYTES_MAX: u64 = 64 * 1024;
const OPEN: &str = "open.json";
const HEAD: &str = "head.checkpoint";
const COSIGNED: &str = "cosigned";
const BID_KEY: &str = "bid.key";
const N: &str = "n";
const UNANSWERED: &str = "unanswered";
const SIGNED: &str = "signed";
const RECEIPTS: &str = "receipts";
const EVIDENCE: &str = "evidence";

/// Where a client keeps what it remembers.
#[derive(Clone, Debug)]
pub enum Memory {
    /// In a folder.
    Folder(PathBuf),
    /// Nowhere beyond the session: for load tests and throw-away bidders.
    Volatile,
}

/// Why the memory cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryFault {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] KeyFault),
    /// The operating system refuses.
    #[error("cannot {action} {}", shown(.path))]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} is damaged", shown(.path))]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Every number is used up.
    #[error("every number of this bid key is used up")]
    NoNumberLeft,
    /// The operating system gives no randomness for a key.
    #[error("the operating system gives no randomness")]
    Randomness,
}

impl Memory {
    /// The folder beside a credential file: `alice.gavel` for `alice.pem`.
    pub fn beside(credential: &Path) -> Self {
        Self::Folder(credential.with_extension("gavel"))
    }

    /// The sale of this house that was visited last.
    pub(super) fn latest(
        &self,
        ca: &Anchor,
        house: &HouseName,
    ) -> Result<Option<SaleId>, MemoryFault> {
        let Self::Folder(root) = self else { return Ok(None) };
        let path = house_folder(root, ca, house).join("latest");
        let Some(bytes) = read(&path)? else { return Ok(None) };
        let id = std::str::from_utf8(&bytes).ok().and_then(|text| SaleId::parse(text.trim()).ok());
        id.map(Some).ok_or(MemoryFault::Damaged { path })
    }

    /// What is remembered of one sale.
    pub(super) fn sale(&self, ca: &Anchor, house: &HouseName, sale: &SaleId) -> SaleMemory {
        let keep = match self {
            Self::Folder(root) => Keep::Folder(house_folder(root, ca, house).join(sale.as_str())),
            Self::Volatile => Keep::Volatile(BTreeMap::new()),
        };
        SaleMemory { keep, head_size: 0 }
    }
}

fn house_folder(root: &Path, ca: &Anchor, house: &HouseName) -> PathBuf {
    root.join(ca.fingerprint().to_string()).join(house.as_str())
}

/// What is remembered of one sale.
#[derive(Debug)]
pub(super) struct SaleMemory {
    keep: Keep,
    /// How large the remembered head is, as far as this process knows.
    head_size: u64,
}

/// Named files, in a folder or in this process alone.
#[derive(Debug)]
enum Keep {
    Folder(PathBuf),
    Volatile(BTreeMap<String, Vec<u8>>),
}

/// `bid.key`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptKey<'a> {
    cert: &'a str,
    seed: &'a str,
}

impl SaleMemory {
    /// Where it is, if it is in a folder.
    pub(super) fn folder(&self) -> Option<&Path> {
        match &self.keep {
            Keep::Folder(path) => Some(path),
            Keep::Volatile(_) => None,
        }
    }

    /// Line 0 as it was first shown.
    pub(super) fn open_line(&self) -> Result<Option<String>, MemoryFault> {
        self.keep.text(OPEN)
    }

    /// Remembers line 0, and this sale as the one visited last.
    pub(super) fn keep_open_line(&mut self, line: &str, sale: &SaleId) -> Result<(), MemoryFault> {
        if self.keep.read(OPEN)?.is_none() {
            self.keep.write(OPEN, line.as_bytes())?;
        }
        let Some(house) = self.folder().and_then(Path::parent) else { return Ok(()) };
        let latest = house.join("latest");
        let text = format!("{sale}\n");
        if read(&latest)?.is_none_or(|kept| *kept != text.as_bytes()) {
            keys::replace(&latest, text.as_bytes())?;
        }
        Ok(())
    }

    /// The newest checkpoint's note.
    pub(super) fn head(&self) -> Result<Option<String>, MemoryFault> {
        self.keep.text(HEAD)
    }

    /// Remembers a checkpoint, unless a larger one is remembered already.
    pub(super) fn keep_head(&mut self, newest: &SignedCheckpoint) -> Result<(), MemoryFault> {
        let size = newest.checkpoint().size;
        if size <= self.head_size {
            return Ok(());
        }
        let _lock = self.keep.lock()?;
        let kept = self.keep.text(HEAD)?.and_then(|note| size_of(&note));
        if kept.is_none_or(|kept| kept < size) {
            self.keep.write(HEAD, newest.note().as_bytes())?;
        }
        self.head_size = size;
        Ok(())
    }

    /// The newest cosigned checkpoint's note.
    pub(super) fn cosigned(&self) -> Result<Option<String>, MemoryFault> {
        self.keep.text(COSIGNED)
    }

    /// Remembers a cosigned checkpoint, unless another command has remembered a larger one.
    pub(super) fn keep_cosigned(&mut self, cosigned: &SignedCheckpoint) -> Result<(), MemoryFault> {
        let _lock = self.keep.lock()?;
        let kept = self.keep.text(COSIGNED)?.and_then(|note| size_of(&note));
        if kept.is_none_or(|kept| kept <= cosigned.checkpoint().size) {
            self.keep.write(COSIGNED, cosigned.note().as_bytes())?;
        }
        Ok(())
    }

    /// The bid key that was made for the certificate `cert`, if there is one.
    pub(super) fn kept_bid_key(
        &self,
        cert: &Fingerprint,
    ) -> Result<Option<SigningKey>, MemoryFault> {
        let Some(bytes) = self.keep.read(BID_KEY)? else { return Ok(None) };
        let kept: KeptKey<'_> =
            serde_json::from_slice(&bytes).map_err(|_| self.damaged(BID_KEY))?;
        if kept.cert != cert.to_string() {
            return Ok(None);
        }
        let seed = decode_hex(kept.seed).map_err(|_| self.damaged(BID_KEY))?;
        Ok(Some(SigningKey::from_bytes(&Zeroizing::new(seed))))
    }

    /// The bid key for the certificate `cert`; a new one if there is none.
    pub(super) fn make_bid_key(&mut self, cert: &Fingerprint) -> Result<SigningKey, MemoryFault> {
        let _lock = self.keep.lock()?;
        if let Some(key) = self.kept_bid_key(cert)? {
            return Ok(key);
        }
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(|_| MemoryFault::Randomness)?;
        let (cert, hex) = (cert.to_string(), Zeroizing::new(encode_hex(&*seed)));
        let kept = serde_json::to_vec(&KeptKey { cert: &cert, seed: &hex });
        let bytes = Zeroizing::new(kept.expect("texts can be written"));
        self.keep.write(BID_KEY, &bytes)?;
        Ok(SigningKey::from_bytes(&seed))
    }

    /// Takes the next number; nobody gets it again. Numbers go on when the bid key changes.
    pub(super) fn take_n(&mut self) -> Result<u64, MemoryFault> {
        let _lock = self.keep.lock()?;
        let last = match self.keep.text(N)? {
            Some(text) => text.trim().parse().map_err(|_| self.damaged(N))?,
            None => 0,
        };
        let n = Some(last).filter(|n| *n < INTEGER_MAX).ok_or(MemoryFault::NoNumberLeft)? + 1;
        self.keep.write(N, format!("{n}\n").as_bytes())?;
        Ok(n)
    }

    /// The bids and acts whose outcome is open, by their numbers.
    pub(super) fn unanswered(&self) -> Result<Vec<Request>, MemoryFault> {
        let mut bids = Vec::new();
        for name in self.keep.list(UNANSWERED)? {
            let text = self.keep.text(&name)?.ok_or_else(|| self.damaged(&name))?;
            let request = Request::parse(text.trim_end()).map_err(|_| self.damaged(&name))?;
            match &request {
                Request::Act { body, .. } => bids.push((body.n, request)),
                Request::Bid { body, .. } => bids.push((body.n, request)),
                _ => return Err(self.damaged(&name)),
            }
        }
        bids.sort_by_key(|(n, _)| *n);
        Ok(bids.into_iter().map(|(_, request)| request).collect())
    }

    /// Remembers a bid or act that is about to be sent.
    pub(super) fn keep_unanswered(&mut self, n: u64, bid: &Request) -> Result<(), MemoryFault> {
        self.keep.write(&unanswered_name(n), &bid.to_line())
    }

    /// Takes a bid or act whose outcome is known from those that are sent again. What was
    /// signed stays: of a refusal nobody else may have it, and a receipt is held against it.
    pub(super) fn settle_unanswered(&mut self, signed: &Signed) -> Result<(), MemoryFault> {
        let n = signed.claim().n;
        match &self.keep {
            Keep::Folder(_) => self.keep.write(&format!("{SIGNED}/{n}.json"), &signed.to_kept())?,
            // As with receipts.
            Keep::Volatile(_) => {}
        }
        self.keep.remove(&unanswered_name(n))
    }

    /// Keeps a receipt. It never takes the place of another one for the same line: a house that
    /// has forked would have its client destroy what convicts it.
    pub(super) fn keep_receipt(&mut self, seq: u64, text: &str) -> Result<(), MemoryFault> {
        if let Keep::Volatile(_) = &self.keep {
            // Nobody could read it again; a load test would only fill the memory.
            return Ok(());
        }
        let name = format!("{RECEIPTS}/{seq}.tlog-proof");
        match self.keep.read(&name)? {
            Some(kept) if *kept == text.as_bytes() => Ok(()),
            Some(_) => {
                let other =
                    format!("{RECEIPTS}/{seq}-{:.16}.tlog-proof", Hash::of(text.as_bytes()));
                self.keep.write(&other, text.as_bytes())
            }
            None => self.keep.write(&name, text.as_bytes()),
        }
    }

    /// The receipt that was kept for a line, if there is one.
    pub(super) fn receipt(&self, seq: u64) -> Result<Option<String>, MemoryFault> {
        self.keep.text(&format!("{RECEIPTS}/{seq}.tlog-proof"))
    }

    /// Keeps what a house contradicted itself with; gives the folder. Each
    /// contradiction has its own, named for what is in it: a house that has been
    /// caught with two trees cannot bury them under a lesser fault.
    pub(super) fn keep_evidence(
        &mut self,
        files: &[(&str, &str)],
    ) -> Result<Option<PathBuf>, MemoryFault> {
        let all: Vec<&str> = files.iter().flat_map(|(name, text)| [*name, "\n", *text]).collect();
        let inner = format!("{EVIDENCE}/{:.16}", Hash::of(all.concat().as_bytes()));
        for (name, text) in files {
            self.keep.write(&format!("{inner}/{name}"), text.as_bytes())?;
        }
        Ok(self.folder().map(|folder| folder.join(inner)))
    }

    /// Line 0 is kept and cannot be used.
    pub(super) fn damaged_open_line(&self) -> MemoryFault {
        self.damaged(OPEN)
    }

    /// The newest checkpoint is kept and cannot be used.
    pub(super) fn damaged_head(&self) -> MemoryFault {
        self.damaged(HEAD)
    }

    fn damaged(&self, name: &str) -> MemoryFault {
        let path = self.folder().map_or_else(|| PathBuf::from(name), |folder| folder.join(name));
        MemoryFault::Damaged { path }
    }
}

fn unanswered_name(n: u64) -> String {
    format!("{UNANSWERED}/{n}.json")
}

/// The size in a note that was verified before it was kept.
fn size_of(note: &str) -> Option<u64> {
    Some(Checkpoint::parse(&Note::parse(note).ok()?.text).ok()?.size)
}

impl Keep {
    /// Keeps other commands out until the result is dropped.
    fn lock(&self) -> Result<Option<File>, MemoryFault> {
        let Self::Folder(folder) = self else { return Ok(None) };
        make_folder(folder)?;
        let path = folder.join(".lock");
        let io = |source| MemoryFault::Io { action: "lock", path: path.clone(), source };
        let file = File::options().create(true).append(true).open(&path).map_err(io)?;
        file.lock().map_err(io)?;
        Ok(Some(file))
    }

    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, MemoryFault> {
        match self {
            Self::Folder(folder) => read(&folder.join(name)),
            Self::Volatile(files) => Ok(files.get(name).cloned().map(Zeroizing::new)),
        }
    }

    fn text(&self, name: &str) -> Result<Option<String>, MemoryFault> {
        let Some(bytes) = self.read(name)? else { return Ok(None) };
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => Err(MemoryFault::Damaged { path: self.path(name) }),
        }
    }

    /// Writes a file as a whole, synced with its folder.
    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), MemoryFault> {
        let path = self.path(name);
        match self {
            Self::Folder(_) => {
                make_folder(path.parent().unwrap_or(&path))?;
                Ok(keys::replace(&path, bytes)?)
            }
            Self::Volatile(files) => {
                files.insert(name.to_owned(), bytes.to_owned());
                Ok(())
            }
        }
    }

    fn remove(&mut self, name: &str) -> Result<(), MemoryFault> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                match fs::remove_file(&path) {
                    Err(source) if source.kind() != io::ErrorKind::NotFound => {
                        Err(MemoryFault::Io { action: "remove", path, source })
                    }
                    Ok(()) | Err(_) => Ok(()),
                }
            }
            Self::Volatile(files) => {
                files.remove(name);
                Ok(())
            }
        }
    }

    /// The names of the files in a folder, as `folder/file`.
    fn list(&self, inner: &str) -> Result<Vec<String>, MemoryFault> {
        match self {
            Self::Folder(_) => list(&self.path(inner), inner),
            Self::Volatile(files) => {
                let begin = format!("{inner}/");
                Ok(files.keys().filter(|name| name.starts_with(&begin)).cloned().collect())
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join(name),
            Self::Volatile(_) => PathBuf::from(name),
        }
    }
}

/// Makes a folder and sees that a crash cannot take it away again.
fn make_folder(folder: &Path) -> Result<(), MemoryFault> {
    if keys::is_there(folder)? {
        return Ok(keys::check_folder(folder)?);
    }
    keys::make_folder(folder)?;
    // The folder for a piece of evidence, its subject, its sale, house, CA, and the credential's own.
    for ancestor in folder.ancestors().take(7).filter(|path| !path.as_os_str().is_empty()) {
        let synced = File::open(ancestor).and_then(|opened| opened.sync_all());
        synced.map_err(|source| MemoryFault::Io {
            action: "sync",
            path: ancestor.to_owned(),
            source,
        })?;
    }
    Ok(())
}

fn list(path: &Path, inner: &str) -> Result<Vec<String>, MemoryFault> {
    let io = |source| MemoryFault::Io { action: "list", path: path.to_owned(), source };
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(io)?.file_name();
        // Files that a crash left half written have other names.
        if let Some(name) = name.to_str().filter(|name| name.ends_with(".json")) {
            names.push(format!("{inner}/{name}"));
        }
    }
    Ok(names)
}

fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, MemoryFault> {
    match keys::read_secret(path, FILE_BYTES_MAX) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(fault) if fault.is_missing() => Ok(None),
        Err(fault) => Err(fault.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::SealingKey;

    fn memories() -> (tempfile::TempDir, [SaleMemory; 2]) {
        let folder = tempfile::tempdir().expect("a folder");
        let on_disk = Keep::Folder(folder.path().join("a/house/sale"));
        let both = [on_disk, Keep::Volatile(BTreeMap::new())];
        (folder, both.map(|keep| SaleMemory { keep, head_size: 0 }))
    }

    #[test]
    fn numbers_rise_and_are_never_given_twice() {
        let (folder, [mut kept, mut volatile]) = memories();
        let keep = Keep::Folder(folder.path().join("a/house/sale"));
        let mut other_command = SaleMemory { keep, head_size: 0 };
        for n in [1, 3, 5] {
            assert_eq!(kept.take_n().expect("a number"), n);
            assert_eq!(other_command.take_n().expect("a number"), n + 1);
        }
        assert_eq!((1, 2), (volatile.take_n().expect("1"), volatile.take_n().expect("2")));
    }

    #[test]
    fn a_damaged_number_is_no_fresh_start() {
        let (_folder, [mut kept, _]) = memories();
        kept.keep.write(N, b"7x\n").expect("writes");
        assert!(matches!(kept.take_n(), Err(MemoryFault::Damaged { .. })));
    }

    #[test]
    fn a_bid_key_belongs_to_one_certificate() {
        let (_folder, memories) = memories();
        for mut memory in memories {
            let (old, renewed) = (Fingerprint::of(b"old"), Fingerprint::of(b"renewed"));
            let first = memory.make_bid_key(&old).expect("a key");
            assert_eq!(memory.make_bid_key(&old).expect("a key"), first);
            assert_ne!(memory.make_bid_key(&renewed).expect("a key"), first);
        }
    }

    #[test]
    fn a_head_never_gives_way_to_a_smaller_one() {
        let (_folder, memories) = memories();
        let key = SealingKey::new("h/s".to_owned(), SigningKey::from_bytes(&[7; 32]));
        let key = key.expect("a key");
        for mut memory in memories {
            for size in [5, 3] {
                memory.head_size = 0;
                memory.keep_head(&key.sign(size, Hash::of(b"root"))).expect("keeps");
            }
            assert_eq!(memory.head().expect("reads").as_deref().and_then(size_of), Some(5));
        }
    }

    #[test]
    fn no_receipt_takes_the_place_of_another() {
        let (_folder, [mut kept, mut volatile]) = memories();
        for text in ["one", "one", "another", "one"] {
            kept.keep_receipt(7, text).expect("keeps");
            volatile.keep_receipt(7, text).expect("keeps nothing");
        }
        let folder = kept.folder().expect("a folder").join(RECEIPTS);
        let mut texts: Vec<String> = fs::read_dir(&folder)
            .expect("lists")
            .map(|entry| fs::read_to_string(entry.expect("an entry").path()).expect("reads"))
            .collect();
        texts.sort();
        assert_eq!(texts, ["another", "one"]);
        assert_eq!(fs::read_to_string(folder.join("7.tlog-proof")).expect("reads"), "one");
    }

    #[test]
    fn no_evidence_takes_the_place_of_other_evidence() {
        let (_folder, [mut kept, _]) = memories();
        let mut keep = |text| kept.keep_evidence(&[("shown.checkpoint", text)]).expect("keeps");
        let (fork, rollback) = (keep("a fork").expect("there"), keep("a rollback").expect("there"));
        let read = |folder: &Path| fs::read_to_string(folder.join("shown.checkpoint"));
        assert_eq!(read(&fork).expect("reads"), "a fork");
        assert_eq!(read(&rollback).expect("reads"), "a rollback");
        assert_eq!(keep("a fork"), Some(fork), "the same again fills no disk");
    }

    #[cfg(unix)]
    #[test]
    fn what_others_could_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_folder, [mut kept, _]) = memories();
        kept.make_bid_key(&Fingerprint::of(b"cert")).expect("a key");
        let path = kept.keep.path(BID_KEY);
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("loosens");
        assert!(matches!(
            kept.make_bid_key(&Fingerprint::of(b"cert")),
            Err(MemoryFault::File(KeyFault::Loose { .. }))
        ));
    }
}
