//! The server of a load test, and its witnesses, as processes of their own.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::param::clock_ticks_per_second;
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;

use super::Plan;
use crate::clock::Stopwatch;
use crate::limits::{LOAD_START_TIMEOUT, LOAD_STOP_TIMEOUT};
use crate::pki::Address;
use crate::time::Span;

/// How often the process is looked at while something is awaited of it.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How many of the server's last words an error repeats.
const LAST_LINES: usize = 5;

/// Why a process does not run as it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessFault {
    /// It cannot be started.
    #[error("{who} cannot be started")]
    Start {
        /// Which.
        who: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended when it should not have, or not well.
    #[error("{who} ended ({status}); its last words: {words}")]
    Ended {
        /// Which.
        who: &'static str,
        /// How.
        status: ExitStatus,
        /// The end of its log.
        words: String,
    },
    /// It does not do what is awaited.
    #[error("{who} did not {what} in {span}; its last words: {words}")]
    TimedOut {
        /// Which.
        who: &'static str,
        /// What was awaited.
        what: &'static str,
        /// For how long.
        span: Span,
        /// The end of its log.
        words: String,
    },
}

/// A process that runs; it ends with this value.
#[derive(Debug)]
pub(super) struct Process {
    who: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `gavel serve` on the house in the plan's folder, with these witnesses.
    pub(super) fn serve(
        plan: &Plan,
        items: &Path,
        address: &Address,
        witnesses: &[String],
    ) -> Result<Self, ProcessFault> {
        let mut command = Command::new(&plan.program);
        command
            .arg("serve")
            .arg(items)
            .arg("--pki")
            .arg(plan.folder.join("pki"))
            .arg("--ledger")
            .arg(plan.folder.join("ledger"))
            .args(["--listen", &address.to_string(), "--json-logs"])
            .args(witnesses.iter().flat_map(|witness| ["--witness", witness]));
        Self::start("the server", &mut command, plan.folder.join("server.log"))
    }

    /// Starts a program whose console goes to the file `log`.
    pub(super) fn start(
        who: &'static str,
        command: &mut Command,
        log: PathBuf,
    ) -> Result<Self, ProcessFault> {
        let failed = |source| ProcessFault::Start { who, source };
        let file = File::create(&log).map_err(failed)?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file).spawn();
        Ok(Self { who, child: child.map_err(failed)?, log })
    }

    /// Waits until it listens.
    pub(super) async fn ready(&mut self, address: &Address) -> Result<(), ProcessFault> {
        let wait = Stopwatch::start();
        loop {
            if let Some(status) = self.try_wait()? {
                return Err(self.ended(status));
            }
            if TcpStream::connect((address.host(), address.port())).await.is_ok() {
                return Ok(());
            }
            self.look_again(wait, "listen", LOAD_START_TIMEOUT).await?;
        }
    }

    /// Asks it to stop and waits until it has, in good order; gives what it said.
    pub(super) async fn stop(mut self) -> Result<Said, ProcessFault> {
        if let Some(id) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // One that has gone already shows below.
            let _ = kill_process(id, Signal::TERM);
        }
        let wait = Stopwatch::start();
        loop {
            match self.try_wait()? {
                Some(status) if status.success() => return Ok(Said(self.log())),
                Some(status) => return Err(self.ended(status)),
                None => self.look_again(wait, "stop", LOAD_STOP_TIMEOUT).await?,
            }
        }
    }

    async fn look_again(
        &self,
        since: Stopwatch,
        what: &'static str,
        span: Span,
    ) -> Result<(), ProcessFault> {
        if since.elapsed_us() / 1000 > span.ms() {
            let words = self.last_words();
            return Err(ProcessFault::TimedOut { who: self.who, what, span, words });
        }
        tokio::time::sleep(LOOK_EVERY).await;
        Ok(())
    }

    /// CPU time of all its threads since its start; `None` where the system does not tell.
    pub(super) fn cpu_us(&self) -> Option<u64> {
        self.meter().cpu_us()
    }

    /// Reads its CPU time for somebody else.
    pub(super) fn meter(&self) -> Meter {
        Meter { id: self.child.id() }
    }

    /// How much of its memory is resident, in KiB; `None` where the system does not tell.
    pub(super) fn resident_kib(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        resident_kib(&status)
    }

    fn try_wait(&mut self) -> Result<Option<ExitStatus>, ProcessFault> {
        self.child.try_wait().map_err(|source| ProcessFault::Start { who: self.who, source })
    }

    fn ended(&self, status: ExitStatus) -> ProcessFault {
        ProcessFault::Ended { who: self.who, status, words: self.last_words() }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join(" | ")
    }
}

/// Reads a process's CPU time.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    id: u32,
}

impl Meter {
    /// That of the process with this number.
    pub const fn of(id: u32) -> Self {
        Self { id }
    }

    /// Its CPU time since its start, in microseconds, as exact as the system's ticks (mostly a
    /// hundredth of a second); `None` where the system does not tell.
    pub fn cpu_us(self) -> Option<u64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id)).ok()?;
        cpu_ticks(&stat)?.checked_mul(1_000_000)?.checked_div(clock_ticks_per_second())
    }
}

/// All that a process has said on its console, a JSON object for each line.
pub(super) struct Said(String);

impl Said {
    /// The median of the server's own syncs in microseconds, if its last words tell.
    pub(super) fn sync_p50_us(&self) -> Option<u64> {
        self.numbers("sync_p50_us").last()
    }

    /// How many checkpoints each witness has cosigned, by the server's last words.
    pub(super) fn cosigned(&self) -> Vec<u64> {
        self.numbers("cosigned").collect()
    }

    fn numbers(&self, key: &str) -> impl Iterator<Item = u64> {
        self.0.lines().filter_map(move |line| {
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            line.get(key)?.as_u64()
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has gone already, as a rule.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// User and system time in `/proc/PID/stat`: fields 14 and 15, counted after the
/// name, which is in brackets and may hold anything (proc_pid_stat(5)).
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_ascii_whitespace().skip(11);
    let (user, system): (u64, u64) = (times.next()?.parse().ok()?, times.next()?.parse().ok()?);
    user.checked_add(system)
}

/// `VmRSS` in `/proc/PID/status` (proc_pid_status(5)): what is in memory, in KiB.
fn resident_kib(status: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    value.trim().strip_suffix("kB")?.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_stands_in_its_line() {
        let status = "Name:\tgavel\nVmHWM:\t  900 kB\nVmRSS:\t  812 kB\nRssAnon:\t 1 kB\n";
        assert_eq!(resident_kib(status), Some(812));
        assert_eq!(resident_kib("Name:\tgavel\n"), None);
    }

    #[test]
    fn cpu_time_stands_behind_any_name() {
        let stat = "7 (a) b 3) S 1 7 7 0 -1 4194304 90 0 0 0 250 31 0 0 20 0 4 0 99 1 2";
        assert_eq!(cpu_ticks(stat), Some(281));
        assert_eq!(cpu_ticks("7 (a) S 1"), None);
        assert_eq!(cpu_ticks(""), None);
    }
}
