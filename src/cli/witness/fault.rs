//! What keeps a witness from starting or running, and what to do about it.

use crate::cli::fault::whole;
use crate::cli::serve::fault::{of_listen, of_system};
use crate::cli::{Exit, Failure};
use crate::pki::keys::KeyFault;
use crate::witness::key::WitnessKeyFault;
use crate::witness::{FolderFault, OpenFault, ServerFailure, StateError};

/// What to do when a state is gone: there is one way only.
const RETIRE: &str = "a witness whose state is lost or old must never cosign again: retire it, make another \
                      with gavel witness keygen, and tell those who name its key in their policies";

pub(super) fn of_key(found: WitnessKeyFault) -> Failure {
    let message = whole(&found);
    match found {
        WitnessKeyFault::File(fault) => fault.into(),
        WitnessKeyFault::Name(_) => Failure::usage("bad-witness-name", message)
            .hint("take an address without https:// that is yours, as in seller.example/witness"),
        _ => Failure::usage("bad-witness-key", message)
            .hint("give the file that gavel witness keygen wrote; a sale's sealing key is none"),
    }
}

pub(super) fn of_open(found: &OpenFault) -> Failure {
    match found {
        OpenFault::Folder(fault) => of_folder(fault),
        _ => Failure::operator("too-many-logs", whole(found))
            .hint("take logs that are closed off the list, or make another witness for new ones"),
    }
}

pub(super) fn of_folder(found: &FolderFault) -> Failure {
    let message = whole(found);
    match found {
        FolderFault::Missing { .. } => Failure::operator("witness-state-missing", message)
            .hint("if it is kept elsewhere: --state DIR")
            .hint(RETIRE),
        FolderFault::Busy { .. } => Failure::operator("witness-running", message)
            .hint("stop that one first: two on one state would contradict each other"),
        FolderFault::State { source: StateError::OtherWitness { .. }, .. } => {
            Failure::operator("witness-state-other", message)
                .hint("give the folder that was made with this key: --state DIR")
                .hint(RETIRE)
        }
        FolderFault::State { .. } => {
            Failure::operator("witness-state-damaged", message).hint(RETIRE)
        }
        FolderFault::File(fault @ KeyFault::Exists { .. }) => {
            Failure::usage("file-exists", whole(fault))
                .hint("a state belongs to one key for ever: give another folder with --state DIR")
        }
        FolderFault::File(fault @ KeyFault::Loose { .. }) => Failure::usage("loose-mode", message)
            .hint(fault.mend().unwrap_or_default())
            .hint("whoever could write there could have set the state back"),
        _ => unwritten(message),
    }
}

pub(super) fn of_server(failure: ServerFailure) -> Failure {
    match &failure {
        ServerFailure::Listen { address, source } => of_listen(*address, source),
        ServerFailure::State(_) => unwritten(whole(&failure)),
        ServerFailure::System(error) => of_system(error),
        _ => Failure::operator("server-stopped", whole(&failure)).hint(
            "this is a fault of gavel: please report it; starting again goes on from the state",
        ),
    }
}

/// What is on the disk is found out by reading it again.
fn unwritten(message: String) -> Failure {
    Failure::new(Exit::Operator, "witness-write", message)
        .hint("nothing was answered that is not on the disk; starting again goes on from there")
        .hint("look at the folder's modes (ls -ld), its room (df -h) and the disk (dmesg)")
}

pub(super) fn of_signals(failure: &crate::server::ServerFailure) -> Failure {
    Failure::operator("server-stopped", whole(failure))
        .hint("look at this user's limits (ulimit -a)")
}
