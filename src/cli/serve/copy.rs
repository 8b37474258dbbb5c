//! `--copy DIR`: a second disk with everything that goes on with the sale.
//!
//! The folder becomes a house of its own: `gavel serve` in it, on any machine, goes on where the
//! ledger ends. The server's papers and the sale file come here at the start; the ledger, the
//! anchor and the reserves are kept up by the store (docs/operations.md).

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use super::{Args, fault};
use crate::auction::name::SaleId;
use crate::cli::fault::of_io;
use crate::cli::{Exit, Failure};
use crate::limits::{COPY_TIMEOUT, SALE_FILE_BYTES_MAX};
use crate::pki::keys::{self, KeyFault, shown};
use crate::pki::{HouseFolder, ServeFolder};
use crate::server::CopyEnd;

/// A folder on another disk, ready to take the copy.
#[derive(Clone, Debug)]
pub(super) struct SecondDisk {
    folder: PathBuf,
}

impl SecondDisk {
    /// The folder that `--copy` names. It must be there: a disk that is not mounted must not be
    /// taken for an empty one.
    pub(super) fn of(args: &Args) -> Result<Option<Self>, Failure> {
        let Some(folder) = &args.copy else { return Ok(None) };
        let metadata = fs::metadata(folder).map_err(|error| {
            of_io("look at", folder, &error)
                .with_exit(Exit::Operator)
                .hint("mount the disk of --copy, or make the folder")
        })?;
        if !metadata.is_dir() {
            let message = format!("{} is no folder", shown(folder));
            return Err(Failure::usage("copy-unusable", message).hint("--copy takes a folder"));
        }
        let copy = Self { folder: folder.clone() };
        let anchor_is_there =
            args.checkpoint_dir.as_ref().is_some_and(|anchor| is_same(&copy.ledgers(), anchor));
        if anchor_is_there
            || is_same(&copy.ledgers(), &args.ledger)
            || is_same(&copy.pki(), &args.pki)
        {
            let message = format!("{} is where the sale itself is kept", shown(folder));
            return Err(Failure::usage("copy-unusable", message)
                .hint("give --copy a folder on another disk, and --checkpoint-dir another one"));
        }
        copy.check_owner(args)?;
        Ok(Some(copy))
    }

    /// Refuses the folder of another house, or of another sale: its files would be replaced.
    fn check_owner(&self, args: &Args) -> Result<(), Failure> {
        let name = args.items.file_name().unwrap_or(args.items.as_os_str());
        let pairs = [
            (args.pki.join("serve/ca.pem"), self.pki().join("serve/ca.pem")),
            (args.items.clone(), self.folder.join(name)),
        ];
        for (own, there) in pairs {
            if !keys::is_there(&there)? {
                continue;
            }
            let read = |path: &Path| keys::read_public(path, SALE_FILE_BYTES_MAX);
            if read(&there)? != read(&own)? {
                let message = format!("{} is not that of this sale", shown(&there));
                return Err(Failure::usage("copy-unusable", message)
                    .hint("give each sale a folder of its own on the second disk")
                    .hint(format!("if it is, and was only edited: rm {}", shown(&there))));
            }
        }
        let serve = self.pki().join("serve");
        if keys::is_there(&serve)? { Ok(keys::check_folder(&serve)?) } else { Ok(()) }
    }

    /// The folder of ledgers on the second disk.
    pub(super) fn ledgers(&self) -> PathBuf {
        self.folder.join("ledger")
    }

    fn pki(&self) -> PathBuf {
        self.folder.join("pki")
    }

    fn serve(&self) -> ServeFolder {
        HouseFolder::at(self.pki()).serve()
    }

    /// Whether it is a disk of its own, as far as the system tells.
    pub(super) fn is_another_disk(&self, ledgers: &Path) -> bool {
        let here = ledgers.ancestors().find_map(|folder| {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            fs::metadata(folder).ok()
        });
        match (fs::metadata(&self.folder), here) {
            (Ok(copy), Some(here)) => copy.dev() != here.dev(),
            _ => false,
        }
    }

    /// Brings the server's papers and the sale file, before anything is signed; the sealing key is
    /// marked used by then, and comes as that.
    pub(super) fn bring_papers(
        &self,
        args: &Args,
        from: &ServeFolder,
        sale: &SaleId,
    ) -> Result<(), KeyFault> {
        if !self.is_another_disk(&args.ledger) {
            tracing::warn!(
                folder = %shown(&self.folder),
                "the copy is on the same disk as the ledger, and is lost with it"
            );
        }
        keys::make_outer_folder(&self.pki())?;
        from.copy_to(&self.serve(), sale)?;
        let name = args.items.file_name().unwrap_or(args.items.as_os_str());
        let items = keys::read_public(&args.items, SALE_FILE_BYTES_MAX)?;
        keys::replace(&self.folder.join(name), &items)
    }

    /// Erases the copy of the sealing key, but waits for no disk that does not answer.
    pub(super) fn erase_sealing_key(&self, sale: &SaleId) -> Result<(), Failure> {
        if !self.pki().join("serve").exists() {
            // Nothing was ever brought: the sale had finished before.
            return Ok(());
        }
        let (folder, named) = (self.serve(), sale.clone());
        let (erased, done) = mpsc::channel();
        std::thread::spawn(move || erased.send(folder.erase_sealing_key(&named)));
        match done.recv_timeout(COPY_TIMEOUT.into()) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(fault)) => Err(fault::key_not_erased(&fault)),
            Err(_) => {
                let path = self.pki().join("serve").join(format!("sealer-{sale}.key"));
                Err(fault::key_left_on_copy(&path))
            }
        }
    }
}

/// Whether two names lead to one folder.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(one).is_some_and(|found| real(other) == Some(found))
}

/// How it stands at the end of a run.
pub(super) fn last_words(copy: Option<&CopyEnd>) -> String {
    match copy {
        None => String::new(),
        Some(CopyEnd::Kept(path)) => format!("copy: whole, in {}\n", shown(path)),
        Some(CopyEnd::Lost(lost)) => {
            let (path, lines) = (shown(&lost.path), lost.lines);
            format!("THE COPY IS LOST: {path} ends at {lines} lines ({})\n", lost.why)
        }
    }
}
