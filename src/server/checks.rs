//! The checks of signatures that wait for a core.
//!
//! Rayon's threads do them, in the order in which they came. While there are more than the cores
//! can do, a thread that has done one takes the next: to wake a thread for each would cost a
//! twentieth of what the check does.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Check = Box<dyn FnOnce() + Send>;

/// Those that nobody does yet.
#[derive(Default)]
pub(super) struct Checks(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    checks: VecDeque<Check>,
    /// How many threads take from them.
    takers: usize,
}

impl Checks {
    /// Has a check done, behind those that wait.
    pub(super) fn push(self: &Arc<Self>, check: impl FnOnce() + Send + 'static) {
        let mut waiting = self.lock();
        waiting.checks.push_back(Box::new(check));
        if waiting.takers < rayon::current_num_threads() {
            waiting.takers += 1;
            drop(waiting);
            let checks = Arc::clone(self);
            rayon::spawn(move || checks.take_all());
        }
    }

    /// Does what waits, until nothing does.
    fn take_all(&self) {
        while let Some(check) = self.next() {
            check();
        }
    }

    fn next(&self) -> Option<Check> {
        let mut waiting = self.lock();
        let next = waiting.checks.pop_front();
        // Under the same lock: whoever pushes from here on sees that this thread takes no more.
        waiting.takers -= usize::from(next.is_none());
        next
    }

    /// A panic elsewhere stops the process; the queue itself is whole at any time.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checks").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn every_check_is_done_however_they_come() {
        let checks = Arc::new(Checks::default());
        let (done, all) = mpsc::channel();
        for round in 0..20 {
            for n in 0..50 {
                let done = done.clone();
                checks.push(move || done.send(round * 50 + n).expect("the test listens"));
            }
            // Now and then the threads have run out of work.
            let mut found: Vec<i32> = all.iter().take(50).collect();
            found.sort_unstable();
            assert_eq!(found, (round * 50..round * 50 + 50).collect::<Vec<_>>());
        }
        assert!(checks.lock().checks.is_empty());
    }
}
