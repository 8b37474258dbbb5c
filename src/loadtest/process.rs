//! The server of a load test as a process of its own.

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

/// Why the server does not run as it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessFault {
    /// It cannot be started.
    #[error("the server cannot be started")]
    Start(#[source] io::Error),
    /// It ended when it should not have, or not well.
    #[error("the server ended ({status}); its last words: {words}")]
    Ended {
        /// How.
        status: ExitStatus,
        /// The end of its log.
        words: String,
    },
    /// It does not do what is awaited.
    #[error("the server did not {what} in {span}; its last words: {words}")]
    TimedOut {
        /// What was awaited.
        what: &'static str,
        /// For how long.
        span: Span,
        /// The end of its log.
        words: String,
    },
}

/// The server's process; it ends with this value.
#[derive(Debug)]
pub(super) struct ServerProcess {
    child: Child,
    log: PathBuf,
}

impl ServerProcess {
    /// Starts `gavel serve` on the house in the plan's folder.
    pub(super) fn start(
        plan: &Plan,
        items: &Path,
        address: &Address,
    ) -> Result<Self, ProcessFault> {
        let log = plan.folder.join("server.log");
        let file = File::create(&log).map_err(ProcessFault::Start)?;
        let child = Command::new(&plan.program)
            .arg("serve")
            .arg(items)
            .arg("--pki")
            .arg(plan.folder.join("pki"))
            .arg("--ledger")
            .arg(plan.folder.join("ledger"))
            .args(["--listen", &address.to_string(), "--json-logs"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .map_err(ProcessFault::Start)?;
        Ok(Self { child, log })
    }

    /// Waits until it listens.
    pub(super) async fn ready(&mut self, address: &Address) -> Result<(), ProcessFault> {
        let wait = Stopwatch::start();
        loop {
            if let Some(status) = self.child.try_wait().map_err(ProcessFault::Start)? {
                return Err(ProcessFault::Ended { status, words: self.last_words() });
            }
            if TcpStream::connect((address.host(), address.port())).await.is_ok() {
                return Ok(());
            }
            self.look_again(wait, "listen", LOAD_START_TIMEOUT).await?;
        }
    }

    /// Asks it to stop and waits until it has, in good order; gives the median of
    /// its own syncs in microseconds, if its last words tell.
    pub(super) async fn stop(mut self) -> Result<Option<u64>, ProcessFault> {
        if let Some(id) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // One that has gone already shows below.
            let _ = kill_process(id, Signal::TERM);
        }
        let wait = Stopwatch::start();
        loop {
            match self.child.try_wait().map_err(ProcessFault::Start)? {
                Some(status) if status.success() => return Ok(self.sync_p50_us()),
                Some(status) => {
                    return Err(ProcessFault::Ended { status, words: self.last_words() });
                }
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
            return Err(ProcessFault::TimedOut { what, span, words: self.last_words() });
        }
        tokio::time::sleep(LOOK_EVERY).await;
        Ok(())
    }

    /// CPU time of all its threads since its start; `None` where the system does not tell.
    pub(super) fn cpu_us(&self) -> Option<u64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        cpu_ticks(&stat)?.checked_mul(1_000_000)?.checked_div(clock_ticks_per_second())
    }

    fn sync_p50_us(&self) -> Option<u64> {
        let log = fs::read_to_string(&self.log).ok()?;
        log.lines().rev().find_map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            line.get("sync_p50_us")?.as_u64()
        })
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join(" | ")
    }
}

impl Drop for ServerProcess {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_stands_behind_any_name() {
        let stat = "7 (a) b 3) S 1 7 7 0 -1 4194304 90 0 0 0 250 31 0 0 20 0 4 0 99 1 2";
        assert_eq!(cpu_ticks(stat), Some(281));
        assert_eq!(cpu_ticks("7 (a) S 1"), None);
        assert_eq!(cpu_ticks(""), None);
    }
}
