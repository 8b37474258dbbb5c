//! What is said of the copy on a second disk: nothing while it is kept up, and once it is lost,
//! that, over and over.

use std::path::PathBuf;

use crate::clock::Stopwatch;
use crate::ledger::store::{CopyLost, Store};
use crate::limits::COPY_LOST_EVERY;

/// How a copy stands at the end of a run.
#[derive(Debug)]
pub enum CopyEnd {
    /// Everything is in it.
    Kept(PathBuf),
    /// It was given up.
    Lost(CopyLost),
}

/// The floor's eye on the copy.
#[derive(Debug)]
pub(super) struct SecondDisk {
    lost: Option<CopyLost>,
    said: Stopwatch,
}

impl SecondDisk {
    pub(super) fn new() -> Self {
        Self { lost: None, said: Stopwatch::start() }
    }

    /// Says at once that the copy is lost, and again and again.
    pub(super) fn look(&mut self, store: &mut Store) {
        if let Some(lost) = store.take_copy_lost() {
            say(&lost);
            *self = Self { lost: Some(lost), said: Stopwatch::start() };
        }
        if let Some(lost) = &self.lost
            && self.said.elapsed_us() >= COPY_LOST_EVERY.ms() * 1000
        {
            say(lost);
            self.said = Stopwatch::start();
        }
    }

    /// How the copy stands; `None` if none was asked for.
    pub(super) fn end(mut self, store: &mut Store) -> Option<CopyEnd> {
        self.look(store);
        let kept = store.copy().map(|path| CopyEnd::Kept(path.to_owned()));
        self.lost.map(CopyEnd::Lost).or(kept)
    }
}

fn say(lost: &CopyLost) {
    let CopyLost { path, lines, why } = lost;
    tracing::error!(
        copy = %path.display(), lines, why = why as &dyn std::error::Error,
        "THE COPY IS LOST: the sale goes on with one disk, and the copy ends at those lines"
    );
}
