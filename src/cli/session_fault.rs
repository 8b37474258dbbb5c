//! What goes wrong between a client and a server, and what to do about it.

use std::path::PathBuf;

use super::fault::whole;
use super::{Exit, Failure};
use crate::client::{ConnectError, GreetingFault, MemoryFault, Refusal, SessionError};
use crate::pki::CertificateFault;
use crate::pki::keys::shown;

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        let message = whole(&error);
        match error {
            SessionError::Connect(error) => of_connect(&error, message),
            SessionError::Lost { .. } | SessionError::Silent | SessionError::Offline => {
                Failure::new(Exit::Unreachable, "connection-lost", message)
                    .hint("try again; a bid without an answer is kept and asked for then")
            }
            SessionError::OtherSale { .. } => Self::usage("other-sale", message)
                .hint("leave --sale out to see which sale runs there"),
            SessionError::NotWelcome { code, .. } | SessionError::NotEnrolled { code, .. } => {
                Failure::new(Exit::Refused, code.as_str(), message)
            }
            SessionError::Greeting { fault, evidence } => of_greeting(&fault, evidence, message),
            SessionError::Follow { evidence, .. } => {
                with_evidence(Failure::new(Exit::Wrong, "ledger-contradicts", message), evidence)
            }
            SessionError::Receipt { evidence, .. } => {
                with_evidence(Failure::new(Exit::Wrong, "not-proven", message), evidence)
                    .hint("nothing proves that it landed: have the ledger audited by gavel verify")
            }
            SessionError::Checkpoint(_) => Failure::new(Exit::Wrong, "not-proven", message)
                .hint("bid no more; have the house's ledger audited: gavel fetch, gavel verify"),
            SessionError::Protocol { .. } => {
                Failure::new(Exit::Unreachable, "protocol-broken", message)
                    .hint("server and client may be of different versions: compare gavel --version")
            }
            SessionError::Memory(fault) => of_memory(fault, message),
            SessionError::Signing(_) => Self::operator("no-randomness", message),
        }
    }
}

fn of_connect(error: &ConnectError, message: String) -> Failure {
    let failure = |code| Failure::new(Exit::Unreachable, code, &message);
    match error {
        ConnectError::Resolve { .. } => failure("host-unknown")
            .hint("check the name, or give the address with --server HOST:PORT"),
        ConnectError::Reach { .. } | ConnectError::TimedOut { .. } => failure("unreachable")
            .hint("is the server running, and is this its address? --server HOST:PORT gives another")
            .hint("between machines, a firewall may stand in the way of the port"),
        ConnectError::NotTls { .. } | ConnectError::NotGavel { .. } => failure("not-a-server")
            .hint("another program answers there: check the address, --server HOST:PORT"),
        ConnectError::HungUp { .. } => failure("hung-up")
            .hint("the server may be full, stopping, or refusing this certificate: try again, or ask the house"),
        ConnectError::TheirCertificate { fault } => of_their_certificate(fault, failure("server-untrusted")),
        ConnectError::OurCertificate { why } => of_our_certificate(*why, &failure),
        ConnectError::Tls { .. } => failure("connection-lost").hint("try again"),
    }
}

fn of_their_certificate(fault: &CertificateFault, failure: Failure) -> Failure {
    match fault {
        CertificateFault::UntrustedCa | CertificateFault::OtherHouse { .. } => failure
            .hint("this is not the server of your credential's house: check the address")
            .hint("if the house has a new CA, it must give you a new credential"),
        CertificateFault::Expired { .. } => {
            failure.hint("tell the house: `gavel prepare` renews the server's certificate")
        }
        CertificateFault::NotYetValid { .. } => failure.hint("look at this machine's clock"),
        _ => failure.hint("somebody else may be answering in the house's place: tell the house"),
    }
}

fn of_our_certificate(why: Refusal, failure: &impl Fn(&'static str) -> Failure) -> Failure {
    match why {
        Refusal::Expired => failure("certificate-expired")
            .hint("ask the house for a new one; if yours is still good, a clock is wrong"),
        Refusal::Revoked => {
            failure("certificate-revoked").hint("the house revoked it: ask the house why")
        }
        Refusal::UnknownCa => failure("certificate-unknown")
            .hint("your credential is of another CA than this server: ask the house for a new one"),
        Refusal::Other => failure("certificate-refused")
            .hint("`gavel pki show FILE` says what your certificate is"),
    }
}

fn of_greeting(fault: &GreetingFault, evidence: Option<PathBuf>, message: String) -> Failure {
    if fault.is_contradiction() {
        with_evidence(Failure::new(Exit::Wrong, "fork", message), evidence)
    } else {
        Failure::new(Exit::Wrong, "sale-untrusted", message)
            .hint("do not bid there; ask the house which sale this is")
    }
}

fn with_evidence(failure: Failure, evidence: Option<PathBuf>) -> Failure {
    let failure = match evidence {
        Some(folder) => failure.hint(format!("the evidence is kept in {}", shown(&folder))),
        None => failure,
    };
    failure.hint("bid no more there; show the evidence to the other bidders and to an auditor")
}

fn of_memory(fault: MemoryFault, message: String) -> Failure {
    match fault {
        MemoryFault::File(fault) => fault.into(),
        MemoryFault::Io { action, path, source } => super::fault::of_io(action, &path, &source),
        MemoryFault::Damaged { path } => Failure::operator("memory-damaged", message).hint(format!(
            "bring it back from a copy; else move {} away: a new bid key is made then, and a fork can no longer be noticed",
            shown(path.parent().unwrap_or(&path))
        )),
        MemoryFault::NoNumberLeft | MemoryFault::Randomness => {
            Failure::operator("no-randomness", message)
        }
    }
}
