//! Folders, files and the room on their disks.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

use super::report::{Report, Standing};
use crate::auction::name::SaleId;
use crate::cli::Failure;
use crate::cli::fault::of_io;
use crate::cli::serve::Args;
use crate::cli::serve::copy::SecondDisk;
use crate::limits::{SALE_ROOM_BYTES, SALE_ROOM_MIN_BYTES};
use crate::pki::keys::{self, KeyFault, shown};

/// Looks at the folders that the server writes to.
pub(super) fn folders(args: &Args, sale: Option<&SaleId>, report: &mut Report) {
    let ledger = sale.map(|sale| args.ledger.join(format!("{sale}.jsonl")));
    let held = ledger.as_deref().and_then(|path| fs::metadata(path).ok());
    let held = held.map_or(0, |metadata| metadata.len());
    if let Some(folder) = report.take("ledgers", writable(&args.ledger)) {
        let (standing, fact) = room(&folder, held);
        let fact = format!("{}, {fact}", shown(&args.ledger));
        let hint = format!("make room: df -h {} says how much there is", shown(&folder));
        report.add("ledgers", standing, fact, if standing == Standing::Good { "" } else { &hint });
    }
    if let Some(folder) = &args.checkpoint_dir
        && report.take("checkpoints", there(folder).and_then(|()| writable(folder))).is_some()
    {
        report.good("checkpoints", format!("{}, can be written", shown(folder)));
    }
    copy(args, held, report);
    // The marks of the sealing key, and its end.
    report.take("keys", writable(&args.pki.join("serve")));
}

/// Looks at the second disk, if one is asked for.
fn copy(args: &Args, held: u64, report: &mut Report) {
    let Some(Some(copy)) = report.take("copy", SecondDisk::of(args)) else { return };
    let Some(folder) = report.take("copy", writable(&copy.ledgers())) else { return };
    let (standing, fact) = room(&folder, held);
    let hint = format!("make room: df -h {} says how much there is", shown(&folder));
    let hint = if standing == Standing::Good { "" } else { &hint };
    report.add("copy", standing, format!("{}, {fact}", shown(&copy.ledgers())), hint);
    if !copy.is_another_disk(&args.ledger) {
        let fact = "it is on the same disk as the ledger, and is lost with it";
        report.doubtful("copy", fact, "give --copy a folder on another disk");
    }
}

/// A folder that the server does not make.
fn there(folder: &Path) -> Result<(), Failure> {
    fs::metadata(folder).map(drop).map_err(|error| {
        of_io("look at", folder, &error)
            .hint("a folder given with --checkpoint-dir must be there: mount its disk, or make it")
    })
}

/// The folder, or the one in which it would be made, if this user may write there.
fn writable(folder: &Path) -> Result<PathBuf, Failure> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if !here.exists() {
        return match here.parent() {
            Some(parent) => writable(parent),
            None => Err(of_io("look at", here, &std::io::ErrorKind::NotFound.into())),
        };
    }
    match access(here, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Ok(here.to_owned()),
        Err(error) => Err(of_io("write in", here, &error.into())),
    }
}

/// How much room there is beside a ledger of `held` bytes, which a start writes anew.
fn room(folder: &Path, held: u64) -> (Standing, String) {
    match statvfs(folder) {
        Ok(disk) => judge_room(disk.f_bavail.saturating_mul(disk.f_frsize), held),
        Err(error) => {
            (Standing::Doubtful, format!("how much room there is cannot be said: {error}"))
        }
    }
}

fn judge_room(free: u64, held: u64) -> (Standing, String) {
    let [needed, least] =
        [SALE_ROOM_BYTES, SALE_ROOM_MIN_BYTES].map(|room| room.saturating_add(held));
    let standing = if free < least {
        Standing::Bad
    } else if free < needed {
        Standing::Doubtful
    } else {
        Standing::Good
    };
    let (free, needed) = (amount(free), amount(needed));
    (standing, format!("{free} free; a long sale with many bids takes up to {needed}"))
}

/// `1.2 GB`, as df -H counts.
fn amount(bytes: u64) -> String {
    const GB: u64 = 1_000_000_000;
    const MB: u64 = 1_000_000;
    if bytes >= GB {
        format!("{}.{} GB", bytes / GB, bytes % GB / (GB / 10))
    } else {
        format!("{} MB", bytes / MB)
    }
}

/// Looks at the modes of all files that hold a secret.
pub(super) fn keys(args: &Args, sale: Option<&SaleId>, report: &mut Report) {
    let Some(paths) = report.take("keys", secrets(&args.pki, &args.ledger, sale)) else { return };
    let loose = loose(&paths);
    if loose.is_empty() && !paths.is_empty() {
        let count = paths.len();
        report.good("keys", format!("{count} files of keys, none of them open to others"));
    }
    for fault in loose {
        report.take("keys", Err::<(), _>(fault));
    }
}

fn loose(paths: &[PathBuf]) -> Vec<KeyFault> {
    paths.iter().filter_map(|path| keys::check_file(path).err()).collect()
}

/// The files that hold a secret, as far as they are on this machine.
fn secrets(pki: &Path, ledgers: &Path, sale: Option<&SaleId>) -> Result<Vec<PathBuf>, KeyFault> {
    let mut paths = vec![pki.join("serve/server.pem"), pki.join("ca/issued.jsonl")];
    paths.extend(sale.map(|sale| ledgers.join(format!("{sale}.private"))));
    paths.retain(|path| path.exists());
    for (folder, extension) in [("serve", "key"), ("ca", "key"), ("people", "pem")] {
        let folder = pki.join(folder);
        if folder.exists() {
            paths.extend(keys::files_with_extension(&folder, extension)?);
        }
    }
    Ok(paths)
}

/// What earlier starts cut off a sale's ledger.
pub(super) fn left_over(args: &Args, sale: &SaleId, report: &mut Report) {
    let begins = format!("{sale}.jsonl.broken.");
    let entries = fs::read_dir(&args.ledger).into_iter().flatten().flatten();
    let is_cut = |name: &str| name.starts_with(&begins);
    let count = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_cut)).count();
    if count > 0 {
        report.good("ledger", format!("{count} half-written ends of it lie beside it: keep them"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_judged_with_the_ledger_that_is_written_anew() {
        let standing = |free, held| judge_room(free, held).0;
        assert_eq!(standing(SALE_ROOM_BYTES, 0), Standing::Good);
        assert_eq!(standing(SALE_ROOM_BYTES, 1), Standing::Doubtful);
        assert_eq!(standing(SALE_ROOM_MIN_BYTES, 0), Standing::Doubtful);
        assert_eq!(standing(SALE_ROOM_MIN_BYTES, 1), Standing::Bad);
        assert_eq!(standing(u64::MAX, u64::MAX), Standing::Good);
        assert_eq!([amount(0), amount(64 << 20), amount(1 << 30)], ["0 MB", "67 MB", "1.0 GB"]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_judged_by_the_one_it_would_be_in() {
        let root = tempfile::tempdir().expect("a folder");
        let writes = writable(&root.path().join("a/b/c")).expect("would be made");
        assert_eq!(writes, root.path());
        assert!(there(&root.path().join("a")).is_err());
    }

    #[test]
    fn files_of_keys_are_found_and_looked_at() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().expect("a folder");
        let pki = root.path().join("pki");
        for folder in ["serve", "people"] {
            keys::make_folder(&pki.join(folder)).expect("makes");
        }
        for file in ["serve/server.pem", "serve/ca.pem", "serve/sealer-s.key", "people/ada.pem"] {
            keys::create(&pki.join(file), b"x").expect("creates");
        }
        let found = secrets(&pki, root.path(), None).expect("looks");
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(loose(&found).is_empty());
        let open = fs::Permissions::from_mode(0o644);
        fs::set_permissions(pki.join("people/ada.pem"), open).expect("sets");
        assert!(matches!(loose(&found).as_slice(), [KeyFault::Loose { .. }]));
    }
}
