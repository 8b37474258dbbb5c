//! A collector as the server holds it: a task of its own, which is told when the
//! floor has stopped and says when it is done.

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::Witnesses;
use super::collector::{Collector, Ends};
use super::report::Cosigning;
use crate::house::House;

/// A collector that has not begun.
#[derive(Debug)]
pub(in crate::server) struct Prepared {
    collector: Collector,
    stopped: oneshot::Sender<Box<House>>,
}

/// A collector at work.
#[derive(Debug)]
pub(in crate::server) struct Errand {
    settled: watch::Receiver<bool>,
    stopped: oneshot::Sender<Box<House>>,
    task: JoinHandle<Cosigning>,
}

impl Prepared {
    pub(in crate::server) fn new(witnesses: Witnesses, ends: Ends) -> Self {
        let (stopped, when_stopped) = oneshot::channel();
        Self { collector: Collector::new(witnesses, ends, when_stopped), stopped }
    }

    pub(in crate::server) fn begin(self) -> Errand {
        let settled = self.collector.settled();
        Errand { settled, stopped: self.stopped, task: tokio::spawn(self.collector.run()) }
    }
}

impl Errand {
    /// Turns true once a closed sale's last checkpoint is waited for no longer.
    pub(in crate::server) fn settled(&self) -> watch::Receiver<bool> {
        self.settled.clone()
    }

    /// Asks for the last cosignatures of the house that its floor has left; bounded in time.
    pub(in crate::server) async fn end(self, house: Box<House>) -> Option<Cosigning> {
        self.stopped.send(house).ok()?;
        self.task.await.ok()
    }

    /// Leaves it at that: a house that has failed says nothing more.
    pub(in crate::server) fn give_up(&self) {
        self.task.abort();
    }
}
