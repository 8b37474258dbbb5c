//! A desk with a ledger and the CA that made it, and the program to run there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::hall::Plan;

/// A folder with a ledger and the CA that made it.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    pub(crate) fn of(plan: &Plan) -> Self {
        let held = plan.hold();
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("autumn.jsonl"), &held.ledger).expect("writes");
        fs::write(folder.path().join("ca.der"), held.ca.anchor().der()).expect("writes");
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn gavel(&self, what: &str, rest: &[&str]) -> Output {
        gavel_in(self.folder.path(), &[&[what, "autumn.jsonl", "--trust", "ca.der"], rest].concat())
    }

    /// Runs it, expects an exit code, and gives what was printed.
    #[track_caller]
    pub(crate) fn run(&self, what: &str, rest: &[&str], code: i32) -> (String, String) {
        let output = self.gavel(what, rest);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (said, talk) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{what} {rest:?}\n{said}{talk}");
        (said, talk)
    }
}

/// Runs the program in a folder.
pub(crate) fn gavel_in(folder: &Path, args: &[&str]) -> Output {
    let mut gavel = Command::new(env!("CARGO_BIN_EXE_gavel"));
    gavel.current_dir(folder).args(args).output().expect("runs")
}
