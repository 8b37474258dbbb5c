//! Work on a thread and a runtime of its own: what a crowd keeps from going on shall be the
//! server, and not the bidders' tasks beside it.

use std::io;
use std::thread::{Builder, JoinHandle};

use tokio::task::spawn_blocking;

/// Work that goes on aside.
pub(super) struct Aside<T>(JoinHandle<T>);

impl<T: Send + 'static> Aside<T> {
    /// Begins it.
    pub(super) fn begin<F: Future<Output = T>>(
        name: &str,
        work: impl FnOnce() -> F + Send + 'static,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let run = move || runtime.block_on(work());
        Ok(Self(Builder::new().name(name.to_owned()).spawn(run)?))
    }

    /// Waits for its end; nothing if it broke down.
    pub(super) async fn end(self) -> Option<T> {
        spawn_blocking(move || self.0.join()).await.ok()?.ok()
    }
}
