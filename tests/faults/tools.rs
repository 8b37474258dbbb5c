//! What a machine must have for a fault to be injected. Where it is missing that is said in a
//! plain line, unless `GAVEL_NEED` asks for it: then the test fails instead.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::disk;
use crate::hall::Program;

/// Something that a test needs and a machine may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// strace(1), which stops, kills or fails a program at a chosen system call.
    Strace,
    /// mount(8) of an image on a loop device and of memory, for which it takes root.
    Mount,
    /// faketime(1), under which a program's clock says what it is told to.
    Faketime,
    /// The program with faults planted in it, which `cargo test` does not build.
    Planted,
    /// Network namespaces, by ip(8), for whoever may make them.
    Namespaces,
}

impl Tool {
    /// Its name in `GAVEL_NEED`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Strace => "strace",
            Self::Mount => "mount",
            Self::Faketime => "faketime",
            Self::Planted => "planted",
            Self::Namespaces => "netns",
        }
    }

    fn is_here(self) -> bool {
        match self {
            Self::Strace => runs("strace", "-V"),
            Self::Mount => disk::can_mount(),
            Self::Faketime => runs("faketime", "--version"),
            Self::Planted => Program::planted("no-sync").is_some(),
            Self::Namespaces => is_root() && runs("ip", "-V"),
        }
    }
}

/// Whether everything is here that `test` needs; what is not is said.
pub(crate) fn have(test: &str, tools: &[Tool]) -> bool {
    let needed = env::var("GAVEL_NEED").unwrap_or_default();
    tools.iter().all(|tool| {
        let here = tool.is_here();
        let name = tool.name();
        assert!(here || !needed.split(',').any(|need| need == name), "{name} is not here");
        if !here {
            println!("skipped: {test}: {name} is not here");
        }
        here
    })
}

/// How much of something is wanted: a number from the environment.
pub(crate) fn number(name: &str, default: u32) -> u32 {
    env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Whether the tests run as root.
pub(crate) fn is_root() -> bool {
    // The owner of what the kernel shows of a process is who runs it.
    fs::metadata(Path::new("/proc/self"))
        .is_ok_and(|found| std::os::unix::fs::MetadataExt::uid(&found) == 0)
}

fn runs(program: &str, argument: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(argument).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[test]
fn what_no_machine_has_is_said() {
    assert!(!runs("no-such-program", "-V"));
    let _ = (have("itself", &[Tool::Strace]), is_root());
}
