//! How a command ends: exit codes and the one form of an error.

use std::fmt;
use std::process::ExitCode;

use super::print;
use crate::auction::name::is_showable;

/// The exit codes, the same for every command (DESIGN 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; for an audit: valid and closed.
    Success,
    /// An audit found something wrong.
    Wrong,
    /// Usage or unreadable input.
    Usage,
    /// Sound so far but not conclusive; the outcome of a bid is unknown.
    Inconclusive,
    /// Refused by the auction.
    Refused,
    /// Cannot connect.
    Unreachable,
    /// The operator's trouble: disk, lock, damage.
    Operator,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Wrong => 1,
            Self::Usage => 2,
            Self::Inconclusive => 3,
            Self::Refused => 4,
            Self::Unreachable => 5,
            Self::Operator => 6,
        }
    }
}

/// Why a command could not do its work: what happened, and what to do next.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    code: &'static str,
    message: String,
    hints: Vec<String>,
}

impl Failure {
    /// A failure with a code that `gavel explain` knows; `message` states the fact.
    pub(crate) fn new(exit: Exit, code: &'static str, message: impl fmt::Display) -> Self {
        Self { exit, code, message: message.to_string(), hints: Vec::new() }
    }

    /// Wrong usage or unreadable input.
    pub(crate) fn usage(code: &'static str, message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, code, message)
    }

    /// The operator's trouble.
    pub(crate) fn operator(code: &'static str, message: impl fmt::Display) -> Self {
        Self::new(Exit::Operator, code, message)
    }

    /// What happened, and what to do next, for a session that goes on.
    pub(crate) fn told(&self) -> String {
        let hints: String = self.hints.iter().map(|hint| format!("hint: {hint}\n")).collect();
        format!("{} [{}]\n{hints}", self.message, self.code)
    }

    /// The same with another exit code: what it means depends on when it happens.
    #[must_use]
    pub(crate) fn with_exit(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// The code that `gavel explain` knows.
    pub(crate) const fn code(&self) -> &'static str {
        self.code
    }

    /// What happened.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// What to do next.
    pub(crate) fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Adds what to do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hints.push(hint.to_string());
        self
    }
}

/// Prints a failure, if there is one, and gives the exit code.
pub(super) fn finish(result: Result<Exit, Failure>) -> ExitCode {
    let failure = match result {
        Ok(exit) => return ExitCode::from(exit.code()),
        Err(failure) => failure,
    };
    let mut text = format!("error: {} [{}]\n", failure.message, failure.code);
    for hint in &failure.hints {
        text.push_str(&format!("hint: {hint}\n"));
    }
    print::talk(&text);
    ExitCode::from(failure.exit.code())
}

/// Prints clap's own help or usage error.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
    // clap repeats arguments as they are, with what they would do to a terminal.
    let is_plain =
        |argument: std::ffi::OsString| argument.to_string_lossy().chars().all(is_showable);
    if std::env::args_os().all(is_plain) {
        let _ = error.print();
    } else {
        print::talk(&error.to_string());
    }
    ExitCode::from(exit.code())
}
