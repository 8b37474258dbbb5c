//! What keeps a sale from starting or running, and what to do about it.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::path::Path;

use super::Args;
use crate::auction::name::SaleId;
use crate::cli::Failure;
use crate::cli::fault::whole;
use crate::cli::house_folder::flag;
use crate::house::RecoveryRefusal;
use crate::ledger::store::{Cause, CopyLost, Hindrance, StoreFailure};
use crate::pki::keys::{KeyFault, shown};
use crate::record::SaleFileError;
use crate::server::{FloorFailure, ServerFailure, StartFailure};

/// Why a sale did not start.
pub(super) fn of_start(failure: &StartFailure, args: &Args) -> Failure {
    let message = whole(failure);
    match failure {
        StartFailure::CatalogueChanged { .. } => Failure::usage("catalogue-changed", message)
            .hint(format!("bring {} back as it was when the sale began", shown(&args.items)))
            .hint("other lots are another sale: gavel prepare --sale ID"),
        StartFailure::Birth(_) => Failure::usage("sale-file", message)
            .hint(format!("change {} accordingly", shown(&args.items))),
        StartFailure::Reserves { .. } => reserves(message),
        StartFailure::ClockBehind { .. } => Failure::operator("clock-behind", message)
            .hint("correct the clock, or give --accept-clock; the ledger then records both times"),
        StartFailure::Copy(failure) => of_copy(failure, message),
        StartFailure::Store(failure) if is_on_copy(failure.path(), args) => {
            of_copy(failure, message)
        }
        StartFailure::LostCopy => Failure::operator("copy-lost", message)
            .hint("go on where the sale went on: bids after this copy's end were acknowledged")
            .hint(
                "if nothing else is left, SALE.copy-lost beside the ledger keeps it from starting",
            ),
        StartFailure::Hindered(why) => of_hindrance(*why, message),
        StartFailure::Rewound { .. } => Failure::operator("rewound", message)
            .hint("bring the newest copy of the ledger back, with its .checkpoint file")
            .hint("where the copy of --copy is named, the sale went on from it: go on there")
            .hint("if there is none, this sale is over: a new one, gavel prepare --sale ID"),
        StartFailure::NoSealingKey | StartFailure::Recovery(RecoveryRefusal::NoSealingKey) => {
            Failure::operator("sealing-key-missing", message)
                .hint("bring pki/serve/sealer-SALE.key back from where it was kept")
        }
        StartFailure::SealingKey(_) => Failure::operator("file-unwritable", message)
            .hint("look at the modes and the room of pki/serve"),
        StartFailure::Origin => Failure::usage("no-sale", message).hint("give another --sale ID"),
        StartFailure::Refused { source, .. } => of_recovery(source, message),
        StartFailure::Recovery(refusal) => of_recovery(refusal, message),
        StartFailure::Store(failure) => of_store(failure, args),
    }
}

fn of_hindrance(why: Hindrance, message: String) -> Failure {
    match why {
        Hindrance::LedgerMissing => Failure::operator("ledger-missing", message)
            .hint("bring the ledger back into its folder, or name that with --ledger DIR")
            .hint("with --copy DIR there is a whole one in DIR: `gavel serve` there goes on")
            .hint("a sale is never opened twice: for a new one, gavel prepare --sale ID"),
        Hindrance::OpeningDamaged => whole_copy(Failure::operator("ledger-damaged", message)),
        Hindrance::AnchorNotReached | Hindrance::LargerSealBeyond => {
            whole_copy(Failure::operator("rolled-back", message))
        }
        Hindrance::AnchorMissing => Failure::operator("anchor-missing", message)
            .hint("bring the .checkpoint file back; with --checkpoint-dir, name that folder again"),
    }
}

fn of_recovery(refusal: &RecoveryRefusal, message: String) -> Failure {
    match refusal {
        RecoveryRefusal::AnchorSignature(_) => Failure::operator("anchor-damaged", message)
            .hint("bring the .checkpoint file back from a copy"),
        RecoveryRefusal::Hindered { why, .. } => of_hindrance(*why, message),
        RecoveryRefusal::NoSealingKey => Failure::operator("sealing-key-missing", message)
            .hint("bring pki/serve/sealer-SALE.key back from where it was kept"),
        RecoveryRefusal::OtherSale { .. } => Failure::operator("other-sale", message)
            .hint("give the folders that belong together: --ledger DIR and --pki DIR")
            .hint("if they do, line 0 is damaged: bring a whole copy back"),
        RecoveryRefusal::OtherSealingKey => Failure::operator("key-mismatch", message)
            .hint("bring back the sealing key that the sale was opened with"),
        RecoveryRefusal::Reserve(_) => reserves(message),
        RecoveryRefusal::OtherVersion { .. } => Failure::operator("newer-ledger", message)
            .hint("go on with the version of gavel that wrote it"),
        RecoveryRefusal::Catalogue(_)
        | RecoveryRefusal::Chain { .. }
        | RecoveryRefusal::NoCatalogue
        | RecoveryRefusal::Rules { .. }
        | RecoveryRefusal::Seal { .. }
        | RecoveryRefusal::SealSignature(_)
        | RecoveryRefusal::Sealer(_) => whole_copy(Failure::operator("ledger-damaged", message)),
    }
}

/// What opens the hidden reserves is nowhere but in the private file.
fn reserves(message: String) -> Failure {
    Failure::operator("reserves-missing", message).hint(
        "bring ledger/SALE.private back from a copy: without it no lot with a reserve can end",
    )
}

fn whole_copy(failure: Failure) -> Failure {
    failure
        .hint("nothing was changed; keep the file, and bring a whole copy back")
        .hint("`gavel verify` says which copy is whole; clients have them by `gavel fetch`")
}

/// Why the sealing key cannot be held.
pub(super) fn of_sealing_lock(fault: KeyFault) -> Failure {
    match &fault {
        KeyFault::Busy { path } => locked(path, format!("another server holds {}", shown(path))),
        _ => fault.into(),
    }
}

fn locked(path: &Path, message: String) -> Failure {
    Failure::operator("ledger-locked", message)
        .hint(format!("stop that server first; `fuser {}` names its process", shown(path)))
}

/// What the disk, or another server, did.
fn of_store(failure: &StoreFailure, args: &Args) -> Failure {
    let message = whole(failure);
    match failure {
        StoreFailure::Locked { path } => return locked(path, message),
        StoreFailure::Exists { .. } => {
            return Failure::operator("ledger-exists", message)
                .hint("start again: the server then goes on with that ledger");
        }
        _ => {}
    }
    match failure.cause() {
        Cause::OtherServer => Failure::operator("ledger-changed", message)
            .hint("find out who writes to it before the server starts again"),
        Cause::DiskFull => Failure::operator("disk-full", message).hint(format!(
            "make room (df -h {} says how much there is) and start again: the sale goes on",
            shown(&args.ledger)
        )),
        Cause::ReadOnly => Failure::operator("read-only", message)
            .hint("mount it for writing and start again, or give another folder with --ledger DIR"),
        Cause::Permission => Failure::operator("no-permission", message)
            .hint(format!("ls -ld {} says who may", shown(failure.path()))),
        Cause::Missing => Failure::operator("file-missing", message)
            .hint("a folder given with --checkpoint-dir must be there: mount its disk, or make it"),
        Cause::Other => Failure::operator("ledger-write", message).hint(
            "look at the disk (dmesg), then start again: the sale goes on from what is on it",
        ),
    }
}

/// Why the server stopped by itself, or never listened.
pub(super) fn of_server(failure: &ServerFailure, args: &Args) -> Failure {
    let message = whole(failure);
    match failure {
        ServerFailure::Floor(FloorFailure::Forked { .. }) => Failure::operator("forked", message)
            .hint(
                "do not start again before you know why: keep this ledger and what the other holds",
            ),
        ServerFailure::Floor(FloorFailure::Store(failure)) => of_store(failure, args),
        ServerFailure::FloorGone => Failure::operator("server-stopped", message).hint(
            "this is a fault of gavel: please report it; starting again goes on with the sale",
        ),
        ServerFailure::Ledger { .. } => Failure::operator("file-unreadable", message)
            .hint("look at the folder's modes (ls -ld) and at the disk (dmesg), then start again"),
        ServerFailure::Listen { address, source } => of_listen(*address, source),
        ServerFailure::System(error) => of_system(error),
        ServerFailure::Tls(_) => Failure::operator("key-mismatch", message)
            .hint("move pki/serve/server.pem away and run `gavel prepare`"),
    }
}

/// Why an address cannot be listened on.
pub(in crate::cli) fn of_listen(address: SocketAddr, error: &Error) -> Failure {
    match error.kind() {
        ErrorKind::AddrInUse => {
            Failure::operator("address-in-use", format!("{address} is in use by another program"))
                .hint("stop it (ss -ltnp names it), or give --listen ADDR:PORT")
        }
        ErrorKind::PermissionDenied => {
            let message = format!("this user may not listen on {address}");
            Failure::operator("address-unusable", message).hint("take a port from 1024 on")
        }
        _ => Failure::operator(
            "address-unusable",
            format!("{address} is no address of this machine to listen on"),
        )
        .hint(format!(
            "behind a router, listen on all addresses: --listen 0.0.0.0:{}",
            address.port()
        )),
    }
}

/// A text that is no address, or a name that nobody knows.
pub(in crate::cli) fn no_address(text: &str) -> Failure {
    let message = format!("no address is found for {}", shown(Path::new(text)));
    Failure::usage("address-unusable", message)
        .hint("give an address and a port, as in --listen 0.0.0.0:12000 or --listen [::1]:12000")
}

pub(in crate::cli) fn of_system(error: &Error) -> Failure {
    Failure::operator("server-stopped", format!("the system refuses threads or signals: {error}"))
        .hint("look at this user's limits (ulimit -a)")
}

/// A sale that is not prepared; `named_by` is the file that names it, if no flag does.
pub(super) fn not_prepared(sale: &SaleId, named_by: Option<&Path>, pki: &Path) -> Failure {
    let what = named_by.map_or_else(|| format!("--sale {sale}"), shown);
    Failure::usage("no-sale", format!("the sale {sale} is not prepared in {}", shown(pki)))
        .hint(format!("gavel prepare {what}{}", flag(pki)))
}

/// Hours that are past, or a slip in a year.
pub(super) fn of_hours(error: &SaleFileError, args: &Args) -> Failure {
    Failure::usage("sale-file", format!("{}: {error}", shown(&args.items)))
        .hint("a sale begins with hours that are ahead of it: change the file")
}

pub(super) fn key_not_erased(fault: &KeyFault) -> Failure {
    Failure::operator("key-not-erased", whole(fault))
        .hint("erase it by hand: shred -u on the .key file that the message names")
}

/// The second disk does not answer, and has a copy of the key.
pub(super) fn key_left_on_copy(path: &Path) -> Failure {
    let message = format!("the disk of {} does not answer", shown(path));
    Failure::operator("key-not-erased", message)
        .hint(format!("once it does, erase the sealing key there: shred -u {}", shown(path)))
}

/// The sale went on without its second disk.
pub(super) fn copy_lost(lost: &CopyLost, finished: bool) -> Failure {
    let message = format!(
        "the copy is lost since line {}: {} (the sale itself is whole)",
        lost.lines,
        whole(&lost.why)
    );
    let failure = Failure::operator("copy-lost", message);
    if finished {
        failure.hint("keep the ledger elsewhere too; shred -u the sealing key on that disk")
    } else {
        failure
            .hint("mend the disk or take another, and start again: the copy is then made anew")
            .hint("never go on from the lost copy: it ends before bids that were acknowledged")
    }
}

fn is_on_copy(path: &Path, args: &Args) -> bool {
    args.copy.as_ref().is_some_and(|folder| path.starts_with(folder))
}

/// The second disk could not take the copy.
fn of_copy(failure: &StoreFailure, message: String) -> Failure {
    match failure {
        StoreFailure::Locked { path } => Failure::operator("copy-unusable", message)
            .hint(format!("a server runs on the copy; `fuser {}` names its process", shown(path)))
            .hint("if that sale went on there, stop it, and go on from the copy"),
        _ => Failure::operator("copy-unusable", message)
            .hint("mend that disk, give another with --copy DIR, or start without --copy"),
    }
}
