//! The checks of signatures that wait for a core, and the threads that do them.
//!
//! One thread for each core takes them in the order in which they came, and sleeps while there are
//! none. Rayon's would spin for a while each time before they sleep, in the hope of more: where
//! bids come one by one that cost the server more than a twentieth of its time.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

type Check = Box<dyn FnOnce() + Send>;

/// Checks that nobody does yet. Its threads end with it.
pub(super) struct Checks(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    more: Condvar,
}

#[derive(Default)]
struct Waiting {
    checks: VecDeque<Check>,
    /// How many threads sleep.
    asleep: usize,
    /// No more will come.
    closed: bool,
}

impl Checks {
    /// With a thread for each core that this process may use.
    ///
    /// # Errors
    /// The system refuses a thread.
    pub(super) fn new() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let checks = Self(Arc::clone(&shared));
        for number in 0..cores {
            let taking = Arc::clone(&shared);
            thread::Builder::new()
                .name(format!("check-{number}"))
                .spawn(move || taking.take_all())?;
        }
        Ok(checks)
    }

    /// Has a check done, behind those that wait.
    pub(super) fn push(&self, check: impl FnOnce() + Send + 'static) {
        let mut waiting = self.0.lock();
        waiting.checks.push_back(Box::new(check));
        let wakes = waiting.asleep > 0;
        drop(waiting);
        if wakes {
            self.0.more.notify_one();
        }
    }
}

impl Drop for Checks {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.more.notify_all();
    }
}

impl Shared {
    /// Does what waits, until no more will come.
    fn take_all(&self) {
        let _alone = Aborts;
        while let Some(check) = self.next() {
            check();
        }
    }

    fn next(&self) -> Option<Check> {
        let mut waiting = self.lock();
        loop {
            if let Some(check) = waiting.checks.pop_front() {
                return Some(check);
            }
            if waiting.closed {
                return None;
            }
            waiting.asleep += 1;
            waiting = self.more.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            waiting.asleep -= 1;
        }
    }

    /// A panic stops the process; the queue itself is whole at any time.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the process at a panic: the bid whose check it was would keep all others waiting.
struct Aborts;

impl Drop for Aborts {
    fn drop(&mut self) {
        if thread::panicking() {
            std::process::abort();
        }
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
        let checks = Checks::new().expect("threads");
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
        assert!(checks.0.lock().checks.is_empty());
    }

    #[test]
    fn its_threads_end_with_it_and_leave_nothing_undone() {
        let checks = Checks::new().expect("threads");
        let shared = Arc::downgrade(&checks.0);
        let (done, all) = mpsc::channel();
        for n in 0..100 {
            let done = done.clone();
            checks.push(move || done.send(n).expect("the test listens"));
        }
        drop((checks, done));
        assert_eq!(all.iter().count(), 100);
        while shared.strong_count() > 0 {
            thread::yield_now();
        }
    }
}
