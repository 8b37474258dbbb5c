//! Why a session cannot go on; each reason with its own remedy.

use std::path::PathBuf;

use super::bidding::ReceiptFault;
use super::channel::ChannelFault;
use super::connect::ConnectError;
use super::follow::FollowFault;
use super::greeting::GreetingFault;
use super::memory::MemoryFault;
use super::place::PlaceFault;
use crate::auction::name::SaleId;
use crate::auction::refusal::Code;
use crate::ledger::CheckpointError;
use crate::pki::SigningFault;

/// Why a session cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection was lost.
    #[error("{why}")]
    Lost {
        /// How.
        why: String,
    },
    /// The server says nothing any more.
    #[error("the server has fallen silent")]
    Silent,
    /// There is no connection now; the session is trying to get one.
    #[error("there is no connection to the server now")]
    Offline,
    /// The server runs another sale.
    #[error("the server does not run the sale {sale}")]
    OtherSale {
        /// The sale that we want.
        sale: SaleId,
    },
    /// The server refuses to begin.
    #[error("the server refuses: {message}")]
    NotWelcome {
        /// Why.
        code: Code,
        /// What it says, fit to be shown.
        message: String,
    },
    /// The server's welcome is not believed.
    #[error("{fault}")]
    Greeting {
        /// What is wrong.
        fault: GreetingFault,
        /// Where the evidence is kept, if it is.
        evidence: Option<PathBuf>,
    },
    /// A line of the ledger is not believed.
    #[error("{fault}")]
    Follow {
        /// What is wrong.
        fault: FollowFault,
        /// Where the evidence is kept, if it is.
        evidence: Option<PathBuf>,
    },
    /// A receipt is not believed.
    #[error("the server's receipt does not stand: {fault}")]
    Receipt {
        /// What is wrong.
        fault: ReceiptFault,
        /// Where the receipt is kept, with what was signed, if they are.
        evidence: Option<PathBuf>,
    },
    /// A checkpoint is not believed.
    #[error("the server's checkpoint does not stand: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The server breaks the protocol.
    #[error("the server breaks the protocol: {reason}")]
    Protocol {
        /// How.
        reason: String,
    },
    /// The bid key was not taken.
    #[error("the bid key was not enrolled: {message}")]
    NotEnrolled {
        /// Why.
        code: Code,
        /// What the server says, fit to be shown.
        message: String,
    },
    /// The memory fails.
    #[error(transparent)]
    Memory(#[from] MemoryFault),
    /// The certificate's key cannot sign.
    #[error(transparent)]
    Signing(#[from] SigningFault),
}

impl SessionError {
    /// Whether the next connection may do better.
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Connect(error) => error.is_passing(),
            Self::Lost { .. } | Self::Silent | Self::Offline => true,
            Self::NotWelcome { code, .. } => matches!(code, Code::Busy | Code::SlowDown),
            Self::OtherSale { .. }
            | Self::Greeting { .. }
            | Self::Follow { .. }
            | Self::Receipt { .. }
            | Self::Checkpoint(_)
            | Self::Protocol { .. }
            | Self::NotEnrolled { .. }
            | Self::Memory(_)
            | Self::Signing(_) => false,
        }
    }
}

impl From<ChannelFault> for SessionError {
    fn from(fault: ChannelFault) -> Self {
        match fault {
            ChannelFault::Broken(_) | ChannelFault::Ended => Self::Lost { why: fault.to_string() },
            ChannelFault::Line(_) | ChannelFault::Message(_) => {
                Self::Protocol { reason: fault.to_string() }
            }
        }
    }
}

impl From<PlaceFault> for SessionError {
    fn from(fault: PlaceFault) -> Self {
        match fault {
            PlaceFault::Memory(fault) => Self::Memory(fault),
            PlaceFault::Follow { fault, .. } => Self::Follow { fault, evidence: None },
        }
    }
}
