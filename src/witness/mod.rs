//! A witness (C2SP tlog-witness): for the logs that it is told to serve, it cosigns checkpoints
//! that contain every one that it cosigned before, and keeps what contradicts them.
//!
//! ```text
//! door --one request--> recorder: judge, then the disk, then the answer
//! ```
//!
//! [`decide`] is pure. One thread, the recorder, owns [`Witness`], and so key, state and folder: a
//! cosignature leaves it only when the state that holds it is on the disk. What is async here
//! carries bytes to and fro. It serves any log of this form and knows no auction.

mod door;
mod folder;
mod judge;
pub mod key;
mod logs;
mod recorder;
mod state;

pub use door::{Server, ServerFailure};
pub use folder::{FolderFault, StateFolder};
pub use judge::{Decision, Suspicion, decide};
pub use logs::{Logs, LogsError};
pub use recorder::{OpenFault, Reply, Witness};
pub use state::{Record, State, StateError};
