//! Where everything that is asked of the sale gets its number and its time.
//!
//! One short lock stamps an arrival and queues it, and the same lock tells the
//! floor up to when lots may close: the head's time, or now if nothing waits. So
//! no load can close anybody out (RULES 1.3). Signatures are checked on a
//! pool meanwhile; the floor takes arrivals in their order once they are.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::checks::Checks;
use super::ticket::{Query, Ticket};
use crate::auction::name::{LotId, Name};
use crate::auction::refusal::Code;
use crate::auction::reserve::ReserveOpening;
use crate::clock::{Clock, Stopwatch};
use crate::limits::{ARRIVALS_MAX, ARRIVALS_PER_NAME_MAX};
use crate::record::{AttestedBid, Authenticated, Enrolled, Forged, Revocation, Signed};
use crate::time::{Span, Timestamp};

/// An input after its check, ready to be judged.
#[derive(Debug)]
pub(super) enum Checked {
    Attested { session: Box<Authenticated<Enrolled>>, bid: Authenticated<AttestedBid> },
    Signed { signed: Box<Authenticated<Signed>>, opening: Option<ReserveOpening> },
    Enrolled(Box<Authenticated<Enrolled>>),
    Forged(Forged),
    Refused(Code),
    Revoked(Box<Revocation>),
}

/// An input with its place in the order; its check may still be going on.
#[derive(Debug)]
pub(super) struct Arrival {
    /// The official time at which its line was read.
    pub(super) at: Timestamp,
    /// Since when it waits.
    pub(super) since: Stopwatch,
    /// Who is told what becomes of it; nobody for a revocation.
    pub(super) ticket: Option<Ticket>,
    /// The lot whose standing goes with the answer.
    pub(super) lot: Option<LotId>,
    /// Whose share of the queue it takes; nobody's for a revocation.
    name: Option<Name>,
    checked: Arc<OnceLock<Checked>>,
}

impl Arrival {
    /// The input, once it was seen to be ready.
    pub(super) fn into_parts(
        self,
    ) -> (Timestamp, Stopwatch, Option<Ticket>, Option<LotId>, Checked) {
        let Self { at, since, ticket, lot, name: _, checked } = self;
        let checked = Arc::try_unwrap(checked)
            .ok()
            .and_then(OnceLock::into_inner)
            .expect("the floor takes only arrivals whose check is done");
        (at, since, ticket, lot, checked)
    }
}

/// Too much waits already: the answer is `busy`. The ticket comes back.
#[derive(Debug)]
pub(super) struct Full(pub(super) Ticket);

/// The queue before the floor.
#[derive(Debug)]
pub(super) struct Gate {
    clock: Clock,
    queue: Mutex<Queue>,
    wake: Condvar,
    checks: Checks,
}

#[derive(Debug)]
struct Queue {
    arrivals: VecDeque<Arrival>,
    /// How many of them each name has.
    shares: HashMap<Name, usize>,
    queries: VecDeque<Query>,
    /// No arrival and no closing before this time.
    last: Timestamp,
    stopping: bool,
}

/// What the floor finds at the gate.
#[derive(Debug)]
pub(super) struct Found {
    /// Up to when time may act: nothing read before this waits.
    pub(super) horizon: Timestamp,
    /// What is asked about the sale as it stands.
    pub(super) queries: Vec<Query>,
    /// Nothing waits, and nothing more will come.
    pub(super) done: bool,
}

impl Gate {
    /// A gate on the official clock; no arrival gets a time before `last`.
    ///
    /// # Errors
    /// The system refuses a thread for the checks.
    pub(super) fn new(clock: Clock, last: Timestamp) -> io::Result<Self> {
        let queue = Queue {
            arrivals: VecDeque::new(),
            shares: HashMap::new(),
            queries: VecDeque::new(),
            last,
            stopping: false,
        };
        let checks = Checks::new()?;
        Ok(Self { clock, queue: Mutex::new(queue), wake: Condvar::new(), checks })
    }

    /// Stamps an input of `name` and queues it; its check runs on the pool.
    pub(super) fn enter(
        self: &Arc<Self>,
        name: &Name,
        ticket: Ticket,
        lot: Option<LotId>,
        check: impl FnOnce(Timestamp) -> Checked + Send + 'static,
    ) -> Result<(), Full> {
        let mut queue = self.lock();
        if queue.stopping || queue.arrivals.len() >= ARRIVALS_MAX || !queue.share(name) {
            return Err(Full(ticket));
        }
        let (at, slot) = queue.push(&self.clock, Some(name), Some(ticket), lot);
        drop(queue);
        let gate = Arc::clone(self);
        self.checks.push(move || {
            let checked = check(at);
            let _ = slot.set(checked);
            drop(slot);
            gate.nudge();
        });
        Ok(())
    }

    /// Stamps a revocation and queues it, however much waits already.
    pub(super) fn revoke(&self, revocation: Revocation) {
        let mut queue = self.lock();
        if !queue.stopping {
            let (_, slot) = queue.push(&self.clock, None, None, None);
            let _ = slot.set(Checked::Revoked(Box::new(revocation)));
            drop(slot);
            self.wake.notify_one();
        }
    }

    /// Queues a question about the sale as it stands; it comes back if too many wait already.
    pub(super) fn ask(&self, query: Query) -> Result<(), Box<Query>> {
        let mut queue = self.lock();
        if queue.stopping || queue.queries.len() >= ARRIVALS_MAX {
            return Err(Box::new(query));
        }
        queue.queries.push_back(query);
        self.wake.notify_one();
        Ok(())
    }

    /// Queues one of the house's own few questions, however many wait already; it comes back if
    /// the server stops.
    pub(super) fn ask_first(&self, query: Query) -> Result<(), Box<Query>> {
        let mut queue = self.lock();
        if queue.stopping {
            return Err(Box::new(query));
        }
        queue.queries.push_front(query);
        self.wake.notify_one();
        Ok(())
    }

    /// Takes nothing more; what waits is still worked off.
    pub(super) fn stop(&self) {
        self.lock().stopping = true;
        self.wake.notify_one();
    }

    /// Waits until something can be done, at the latest until `until`.
    pub(super) fn wait(&self, until: Timestamp) -> Found {
        let mut queue = self.lock();
        loop {
            let now = self.clock.now().max(queue.last);
            let ready = queue.arrivals.front().is_some_and(is_ready);
            let done = queue.stopping && queue.arrivals.is_empty();
            // Time may not pass by a head that is still being checked: to come back for what
            // it keeps from falling due would only take the checkers' processor.
            let held = queue.arrivals.front().is_some_and(|head| head.at < until);
            let due = now >= until && !held;
            if ready || done || due || !queue.queries.is_empty() {
                let horizon = queue.horizon(now);
                return Found { horizon, queries: queue.queries.drain(..).collect(), done };
            }
            // Rounded up: waking a moment early would only mean to wait again.
            let wait = Duration::from(until.since(now)) + Duration::from(Span::from_ms(1));
            queue = self.wake.wait_timeout(queue, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The next arrival, if its check is done.
    pub(super) fn take(&self) -> Option<Arrival> {
        self.lock().pop_ready()
    }

    /// Whether arrivals wait, checked or not.
    pub(super) fn is_waited_at(&self) -> bool {
        !self.lock().arrivals.is_empty()
    }

    /// Waits until the check of every arrival is done, so that what a simulation finds at the gate
    /// does not depend on how fast the pool was.
    #[cfg(test)]
    pub(super) fn settle(&self) {
        let mut queue = self.lock();
        while !queue.arrivals.iter().all(is_ready) {
            queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn nudge(&self) {
        // Under the lock, so that the floor cannot miss it between looking and waiting.
        let _queue = self.lock();
        self.wake.notify_one();
    }

    /// A panic elsewhere stops the process; the queue itself is whole at any time.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn push(
        &mut self,
        clock: &Clock,
        name: Option<&Name>,
        ticket: Option<Ticket>,
        lot: Option<LotId>,
    ) -> (Timestamp, Arc<OnceLock<Checked>>) {
        let at = clock.now().max(self.last);
        self.last = at;
        let slot = Arc::new(OnceLock::new());
        let checked = Arc::clone(&slot);
        let (since, name) = (Stopwatch::start(), name.cloned());
        self.arrivals.push_back(Arrival { at, since, ticket, lot, name, checked });
        (at, slot)
    }

    /// Takes one more place for `name`, unless it has its share.
    fn share(&mut self, name: &Name) -> bool {
        let taken = self.shares.entry(name.clone()).or_insert(0);
        let fits = *taken < ARRIVALS_PER_NAME_MAX;
        *taken += usize::from(fits);
        fits
    }

    /// The next arrival, if its check is done; its name's place is free again.
    fn pop_ready(&mut self) -> Option<Arrival> {
        let arrival = self.arrivals.pop_front_if(|first| is_ready(first))?;
        if let Some(name) = &arrival.name
            && let Some(taken) = self.shares.get_mut(name)
        {
            *taken -= 1;
            if *taken == 0 {
                self.shares.remove(name);
            }
        }
        Some(arrival)
    }

    /// With an empty queue, whatever comes later gets a time at or after `now`.
    fn horizon(&mut self, now: Timestamp) -> Timestamp {
        match self.arrivals.front() {
            Some(head) => head.at,
            None => {
                self.last = now;
                now
            }
        }
    }
}

fn is_ready(arrival: &Arrival) -> bool {
    // The checker has let go of its half, so that the floor can take the whole.
    arrival.checked.get().is_some() && Arc::strong_count(&arrival.checked) == 1
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).expect("a name")
    }

    #[test]
    fn nobody_takes_more_than_a_share_of_the_queue() {
        let clock = Clock::start();
        let gate = Arc::new(Gate::new(clock, clock.now()).expect("threads"));
        let (out, _answers) = tokio::sync::mpsc::channel(1);
        let enter = |who: &str| {
            let asked = super::super::ticket::Asked::Text;
            let ticket = Ticket { asked, out: out.clone(), place: None };
            gate.enter(&name(who), ticket, None, |_| Checked::Refused(Code::Unsigned)).is_ok()
        };
        assert!((0..ARRIVALS_PER_NAME_MAX).all(|_| enter("alice")));
        assert!(!enter("alice"), "her share is taken");
        assert!(enter("bob"), "his is not");
        let mut taken = 0;
        while taken <= ARRIVALS_PER_NAME_MAX {
            taken += usize::from(gate.take().is_some());
        }
        assert!(gate.lock().shares.is_empty(), "every place is given back");
        assert!(enter("alice"));
    }

    #[test]
    fn the_floor_sleeps_while_the_head_of_the_queue_is_checked() {
        let clock = Clock::start();
        let gate = Arc::new(Gate::new(clock, clock.now()).expect("threads"));
        let (checked, check) = mpsc::channel();
        let (out, _answers) = tokio::sync::mpsc::channel(1);
        let ticket = Ticket { asked: super::super::ticket::Asked::Text, out, place: None };
        let entered = gate.enter(&name("alice"), ticket, None, move |_| {
            check.recv().expect("the test says when");
            Checked::Refused(Code::Unsigned)
        });
        assert!(entered.is_ok());
        let head = gate.lock().arrivals.front().expect("it waits").at;
        let floor = Arc::clone(&gate);
        let (found, finding) = mpsc::channel();
        // Something falls due behind the head.
        let until = head.plus(Span::from_ms(1));
        std::thread::spawn(move || found.send(floor.wait(until).horizon));
        let early = finding.recv_timeout(Duration::from_millis(50));
        assert!(early.is_err(), "came back for nothing");
        checked.send(()).expect("the check waits");
        assert_eq!(finding.recv().expect("comes back"), head, "no further than the head");
        assert!(gate.take().is_some());
    }
}
