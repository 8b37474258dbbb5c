//! Whom a command speaks as, and to which server: the credential and its flags.

use std::path::{Path, PathBuf};

use super::fault::whole;
use super::{Exit, Failure};
use crate::auction::name::SaleId;
use crate::client::{Caller, Following, Memory, Options, Session};
use crate::clock::Clock;
use crate::limits::CREDENTIAL_FILE_BYTES_MAX;
use crate::pki::keys::{self, shown};
use crate::pki::{Address, CertificateFault, Credential, CredentialFault};

/// A credential and where to go with it.
#[derive(Debug, clap::Args)]
pub(crate) struct Whom {
    /// The credential file, as the house made it or `gavel pki accept` joined it
    pub(crate) credential: PathBuf,
    /// The server's address [default: the one in the credential]
    #[arg(long, alias = "connect", value_name = "HOST:PORT", value_parser = Address::parse)]
    server: Option<Address>,
    /// The only sale to take part in [default: the one that runs there]
    #[arg(long, value_name = "ID", value_parser = SaleId::parse)]
    sale: Option<SaleId>,
}

impl Whom {
    /// Connects, and returns once the server has proven itself.
    pub(crate) async fn open(&self, following: Following) -> Result<Session, Failure> {
        let credential = read(&self.credential)?;
        let address = self.server.clone().unwrap_or_else(|| credential.address.clone());
        let caller = Caller::new(credential, Clock::start())
            .map_err(|fault| Failure::usage("bad-credential", whole(&fault)))?;
        let memory = Memory::beside(&self.credential);
        let options = Options { following, sale: self.sale.clone(), reconnect: true };
        Ok(Session::open(caller, address, memory, options).await?)
    }
}

fn read(path: &Path) -> Result<Credential, Failure> {
    let bytes = keys::read_secret(path, CREDENTIAL_FILE_BYTES_MAX)?;
    Credential::read(&bytes, Clock::start().now()).map_err(|fault| of_credential(&fault, path))
}

fn of_credential(fault: &CredentialFault, path: &Path) -> Failure {
    let message = format!("{}: {}", shown(path), whole(fault));
    match fault {
        CredentialFault::Certificate(CertificateFault::Expired { .. }) => {
            Failure::usage("certificate-expired", message).hint(
                "ask the house for a new one: `gavel pki request` with --force, or its answer",
            )
        }
        CredentialFault::Certificate(CertificateFault::NotYetValid { .. }) => {
            Failure::usage("bad-certificate", message).hint("look at this machine's clock")
        }
        CredentialFault::NoKey => Failure::usage("bad-credential", message)
            .hint("`gavel pki accept` joins the house's answer with your key"),
        _ => {
            Failure::usage("bad-credential", message).hint("`gavel pki show FILE` says what it is")
        }
    }
}

/// Runs a client: one thread is plenty for one person.
pub(crate) fn block_on(
    command: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        Failure::operator("no-thread", format!("the system gives no sockets or timers: {error}"))
    })?;
    let result = runtime.block_on(command);
    // A thread that still waits for a keystroke must not hold the exit up.
    runtime.shutdown_background();
    result
}
