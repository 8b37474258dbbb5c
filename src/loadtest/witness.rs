//! Witnesses for a load test: real ones, each a process of its own, as far from
//! the server as its operator would keep them.

use std::path::Path;
use std::process::Command;

use super::process::{Process, ProcessFault};
use super::venue::free_address;
use super::{LoadFailure, Plan};
use crate::pki::Address;
use crate::pki::keys;

const WITNESS: &str = "a witness";

/// Witnesses that run; they end with this value.
pub(super) struct WitnessProcesses {
    running: Vec<Process>,
    /// How the server is told of them.
    pub(super) flags: Vec<String>,
}

impl WitnessProcesses {
    /// Starts as many as the plan has, to cosign the ledger whose verifier key is `log`.
    pub(super) async fn start(plan: &Plan, log: &str) -> Result<Self, LoadFailure> {
        let (mut running, mut flags) = (Vec::new(), Vec::new());
        let logs = plan.folder.join("logs.txt");
        if plan.witnesses > 0 {
            keys::create(&logs, format!("log {log}\n").as_bytes())?;
        }
        for place in 1..=plan.witnesses {
            let name = format!("witness-{place}");
            let key = plan.folder.join(format!("{name}.key"));
            let vkey = keygen(&plan.program, &name, &key)?;
            let address = free_address().map_err(LoadFailure::Port)?;
            let mut process = run(plan, &address, &key, &logs)?;
            process.ready(&address).await?;
            flags.push(format!("http://{address}={vkey}"));
            running.push(process);
        }
        Ok(Self { running, flags })
    }

    /// Stops them in good order.
    pub(super) async fn stop(self) -> Result<(), ProcessFault> {
        for process in self.running {
            process.stop().await?;
        }
        Ok(())
    }
}

/// Makes a key; gives its verifier key.
fn keygen(program: &Path, name: &str, key: &Path) -> Result<String, ProcessFault> {
    let name = format!("{name}.example");
    let mut command = Command::new(program);
    let made = command.args(["witness", "keygen", &name, "--out"]).arg(key).output();
    let made = made.map_err(|source| ProcessFault::Start { who: WITNESS, source })?;
    if made.status.success() {
        return Ok(String::from_utf8_lossy(&made.stdout).trim_end().to_owned());
    }
    let words = String::from_utf8_lossy(&made.stderr).into_owned();
    Err(ProcessFault::Ended { who: WITNESS, status: made.status, words })
}

fn run(plan: &Plan, address: &Address, key: &Path, logs: &Path) -> Result<Process, ProcessFault> {
    let mut command = Command::new(&plan.program);
    command.args(["witness", "--listen", &address.to_string(), "--key"]).arg(key);
    command.arg("--logs").arg(logs);
    Process::start(WITNESS, &mut command, key.with_extension("log"))
}
