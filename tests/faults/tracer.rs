//! strace(1) as the hand that fails: it kills, fails or slows a program at a chosen system call.
//!
//! It counts the calls of each thread by themselves: the first calls of a start are the main
//! thread's (birth, or recovery), later ones the floor's. The server stays our own child (`-D`), so
//! that its exit code is seen as it is. Writes to other files than the sale's are not counted.

use std::path::PathBuf;

use crate::hall::Hall;

/// What is done at which call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Injection {
    /// The process dies before its thread's `n`-th such call is done.
    Kill { call: &'static str, n: u32 },
    /// The `n`-th such call of a thread is not done and fails so.
    Fail { call: &'static str, n: u32, error: &'static str },
    /// Every such call takes so long, as on a slow disk.
    Slow { call: &'static str, ms: u32 },
}

impl Injection {
    /// The words before the program's own.
    pub(crate) fn words(&self, hall: &Hall) -> Vec<String> {
        let (call, inject) = self.expression();
        let mut words: Vec<String> =
            ["strace", "-D", "-f", "-qq", "-o", "/dev/null"].map(ToOwned::to_owned).to_vec();
        words.extend(["-e".to_owned(), format!("trace={call}"), "-e".to_owned(), inject]);
        // Only the sale's files are synced and renamed; much else is written.
        if call == "write" {
            for path in watched(hall) {
                words.extend(["-P".to_owned(), path.to_str().expect("UTF-8").to_owned()]);
            }
        }
        words
    }

    pub(crate) fn expression(&self) -> (&'static str, String) {
        match self {
            Self::Kill { call, n } => (call, format!("inject={call}:signal=SIGKILL:when={n}")),
            Self::Fail { call, n, error } => {
                (call, format!("inject={call}:error={error}:when={n}"))
            }
            Self::Slow { call, ms } => (call, format!("inject={call}:delay_enter={ms}ms")),
        }
    }
}

/// The files to which writes count.
pub(crate) fn watched(hall: &Hall) -> Vec<PathBuf> {
    let sale = ["jsonl", "jsonl.new", "checkpoint", "checkpoint.new", "private", "private.new"];
    let mut paths: Vec<PathBuf> = sale.iter().map(|ending| hall.file(ending)).collect();
    paths.push(hall.folder().join("pki").join("serve").join("sealer-faults.key"));
    paths
}
