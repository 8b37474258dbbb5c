//! The play itself: steps in their order, what is due between them, and what
//! each came to.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};

use super::expect::{Came, Mismatch, Place, Seen};
use super::failure::PlayFailure;
use super::opening;
use super::read::CLOCK_BEHIND;
use super::running::{FoundLedger, Running};
use super::scenario::{Scenario, Step, What, Wish};
use super::stage::Stage;
use crate::auction::act::Deed;
use crate::auction::catalogue::VoidPolicy;
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Name, Title};
use crate::auction::refusal::Code;
use crate::auction::reserve::ReserveOpening;
use crate::house::Answer;
use crate::limits::REHEARSAL_SPAN_MAX;
use crate::pki::Anchor;
use crate::record::{self, Order};
use crate::time::{Span, Timestamp};

/// What a play came to.
#[derive(Debug)]
pub struct Played {
    /// What came otherwise than expected; nothing, where all is well.
    pub mismatches: Vec<Mismatch>,
    /// How many steps of the script did not come as expected.
    pub steps_unlike: usize,
    /// The lots as they ended; none, where the server did not come back.
    pub lots: Vec<PlayedLot>,
    /// Whether the sale has closed; else lots are left that no time will ever close.
    pub is_closed: bool,
    /// The certificate of the throw-away CA.
    pub anchor: Anchor,
    /// The ledger.
    pub ledger: PathBuf,
}

/// A lot after the play.
#[derive(Clone, Debug)]
pub struct PlayedLot {
    /// Its id.
    pub id: LotId,
    /// Its title.
    pub title: Title,
    /// How it stands.
    pub seen: Seen,
}

/// Plays a scenario; its ledger comes to lie in `folder`, which holds none of that sale yet.
/// `seed` is random: keys and the nonces of reserves are made of it.
///
/// # Errors
/// [`PlayFailure`], where disk or keys fail: never for what the scenario expects.
pub fn play(scenario: &Scenario, folder: &Path, seed: [u8; 32]) -> Result<Played, PlayFailure> {
    let stage = Stage::set(scenario, seed)?;
    let running = Running::bear(&stage, scenario, folder)?;
    let mut play = Play {
        scenario,
        folder,
        stage,
        server: Server::There(Box::new(running)),
        wall_ahead_ms: 0,
        standing: HashMap::new(),
        lowered: 0,
        mismatches: Vec::new(),
        steps_unlike: 0,
    };
    let hashes = scenario.hashes.iter().enumerate();
    play.mismatches.extend(hashes.filter_map(|(index, hash)| hash.check(index + 1)));
    play.steps()?;
    play.run_on()?;
    Ok(play.ended())
}

/// A play in its course.
struct Play<'a> {
    scenario: &'a Scenario,
    folder: &'a Path,
    stage: Stage,
    server: Server,
    /// How far the wall clock is ahead of the official one.
    wall_ahead_ms: i64,
    /// The entries of the bids that stand on each other, by lot: what an auctioneer sees.
    standing: HashMap<LotId, Vec<u64>>,
    /// How many reserves were tried to be lowered.
    lowered: usize,
    mismatches: Vec<Mismatch>,
    steps_unlike: usize,
}

/// What is signed.
enum Message<'w> {
    Act { order: Order, opened: Option<ReserveOpening> },
    Bid { lot: &'w LotId, amount: Amount },
}

enum Server {
    /// It died then, and all that fell due before was done.
    Away {
        since: Timestamp,
    },
    There(Box<Running>),
}

impl Play<'_> {
    fn steps(&mut self) -> Result<(), PlayFailure> {
        let scenario = self.scenario;
        let mut waiting: VecDeque<&Step> = scenario.steps.iter().collect();
        while let Some(step) = waiting.pop_front() {
            self.wait_for(opening().plus(step.read_at), &mut waiting)?;
            self.take(step)?;
        }
        Ok(())
    }

    /// Does what falls due until `at`. It waits for what was read before it, though it is
    /// judged later: load closes nobody out (RULES 1.3).
    fn wait_for(
        &mut self,
        at: Timestamp,
        waiting: &mut VecDeque<&Step>,
    ) -> Result<(), PlayFailure> {
        let was_read_before =
            |time: Timestamp| move |step: &&Step| opening().plus(step.read_at) < time;
        while waiting.iter().any(was_read_before(at))
            && let Some(due) = self.due().filter(|due| *due <= at)
        {
            let early = waiting.iter().position(was_read_before(due));
            match early.and_then(|place| waiting.remove(place)) {
                Some(step) => self.take(step)?,
                None => self.advance(due)?,
            }
        }
        self.advance(at)
    }

    fn due(&self) -> Option<Timestamp> {
        match &self.server {
            Server::Away { .. } => None,
            Server::There(running) => running.due(),
        }
    }

    fn advance(&mut self, now: Timestamp) -> Result<(), PlayFailure> {
        match &mut self.server {
            Server::Away { .. } => Ok(()),
            Server::There(running) => running.advance(now),
        }
    }

    /// Takes one step, and holds what came against what it expects.
    fn take(&mut self, step: &Step) -> Result<(), PlayFailure> {
        let at = opening().plus(step.read_at);
        let came = match &step.what {
            What::Clock { wall_ms } => self.jump(at, *wall_ms)?,
            What::Crash => self.crash(at),
            What::Restart { accept_clock } => self.restart(at, *accept_clock)?,
            What::Send { who, wish, reason } => self.send(step, who, wish, reason.as_ref())?,
        };
        let place = step.place();
        let mut unlike: Vec<Mismatch> = step.expected.against(&place, came).into_iter().collect();
        let lot = step.lot.iter().map(|lot| (lot, &step.expected.lot));
        let lots = step.expected.lots.iter().map(|(lot, expected)| (lot, expected));
        for (lot, expected) in lot.chain(lots) {
            unlike.extend(expected.against(&place, lot, self.seen(lot).as_ref()));
        }
        self.steps_unlike += usize::from(!unlike.is_empty());
        self.mismatches.append(&mut unlike);
        Ok(())
    }

    fn seen(&self, lot: &LotId) -> Option<Seen> {
        match &self.server {
            Server::Away { .. } => None,
            Server::There(running) => running.sale().lot(lot).map(Seen::of),
        }
    }

    // ---- The machine ----

    /// The wall clock jumps; official time keeps its own pace (RULES 1.4).
    fn jump(&mut self, at: Timestamp, wall_ms: i64) -> Result<Came, PlayFailure> {
        let official_ms = i64::try_from(at.since(opening()).ms()).unwrap_or(i64::MAX);
        self.wall_ahead_ms = wall_ms.saturating_sub(official_ms);
        let wall = self.wall(at);
        if let Server::There(running) = &mut self.server {
            running.note_clock(at, wall, false)?;
        }
        Ok(Came::Taken)
    }

    fn wall(&self, at: Timestamp) -> Timestamp {
        let ahead = Span::from_ms(self.wall_ahead_ms.unsigned_abs());
        if self.wall_ahead_ms >= 0 {
            at.plus(ahead)
        } else {
            let ms = at.unix_ms().saturating_sub(ahead.ms());
            Timestamp::from_unix_ms(ms).unwrap_or(Timestamp::ZERO)
        }
    }

    /// House and store go; what was written stays.
    fn crash(&mut self, at: Timestamp) -> Came {
        self.server = Server::Away { since: at };
        Came::Taken
    }

    /// Takes the sale up again from the ledger's bytes, as a start does. `at` is the official
    /// time then; a wall clock behind the ledger needs the operator's word.
    fn restart(&mut self, at: Timestamp, accept_clock: bool) -> Result<Came, PlayFailure> {
        let Server::Away { since } = self.server else { return Ok(Came::Taken) };
        let found = FoundLedger::read(&self.stage, self.scenario, self.folder)?;
        let wall = self.wall(at);
        let is_behind = wall < found.last();
        if is_behind && !accept_clock {
            return Ok(Came::Refused(CLOCK_BEHIND));
        }
        let mut running = Running::restart(found, &self.stage, self.scenario, since, at)?;
        if is_behind {
            running.note_clock(at, wall, true)?;
        } else {
            // Official time begins anew from the wall clock: that is what it says now.
            self.wall_ahead_ms = 0;
            running.note_clock(at, at, false)?;
        }
        self.server = Server::There(Box::new(running));
        Ok(Came::Taken)
    }

    // ---- People ----

    /// Signs what is sent as its sender's client would, and submits it.
    fn send(
        &mut self,
        step: &Step,
        who: &Name,
        wish: &Wish,
        reason: Option<&Title>,
    ) -> Result<Came, PlayFailure> {
        let message = match self.message(wish) {
            Ok(message) => message,
            Err(code) => return Ok(Came::Refused(code.as_str())),
        };
        let Server::There(running) = &mut self.server else { return Ok(Came::Away) };
        let seen = running.standpoint();
        let (signed, opened) = match message {
            Message::Bid { lot, amount } => (self.stage.bid(who, seen, lot, amount), None),
            Message::Act { order, opened } => {
                (self.stage.act(who, seen, order, reason.cloned()), opened)
            }
        };
        let (at, waited) = (opening().plus(step.read_at), step.t.ms() - step.read_at.ms());
        match running.submit(at, Span::from_ms(waited), signed, opened)? {
            Answer::Entered(receipt) => {
                self.note_standing(wish, receipt.index);
                Ok(Came::Taken)
            }
            Answer::Earlier(_) => Ok(Came::Taken),
            Answer::Refused { code, .. } => Ok(Came::Refused(code.as_str())),
        }
    }

    /// What is to be signed, by what its sender sees of the lots; or the code under which
    /// what was typed goes no further.
    fn message<'w>(&mut self, wish: &'w Wish) -> Result<Message<'w>, Code> {
        let act = |deed| Message::Act { order: Order::Deed(deed), opened: None };
        Ok(match wish {
            Wish::Bid { lot, amount } => Message::Bid { lot, amount: (*amount)? },
            Wish::Do(deed) => act(deed.clone()),
            Wish::Enter { lot, party, amount } => {
                let (lot, party, amount) = (lot.clone(), party.clone(), (*amount)?);
                Message::Act { order: Order::Enter { lot, party, amount }, opened: None }
            }
            Wish::Hammer { lot, bids } => {
                act(Deed::Hammer { lot: lot.clone(), seen: self.bid_seen(lot, *bids) })
            }
            Wish::Lower { lot, reserve } => {
                self.lowered += 1;
                let opening = self.stage.hide(lot, self.lowered, (*reserve)?);
                let commitment = record::commit(&self.scenario.sale, lot, &opening);
                let deed = Deed::Reserve { lot: lot.clone(), commitment };
                Message::Act { order: Order::Deed(deed), opened: Some(opening) }
            }
            Wish::Void { lot, bids } => {
                act(Deed::Void { lot: lot.clone(), seen: self.bid_seen(lot, *bids) })
            }
        })
    }

    /// The entry of the bid that stood when so many stood on each other, as a signer names
    /// it. Of more than there are, none stood: line 0 is no bid.
    fn bid_seen(&self, lot: &LotId, bids: Option<usize>) -> Option<u64> {
        let standing = self.standing.get(lot).map(Vec::as_slice).unwrap_or_default();
        match bids {
            None => standing.last().copied(),
            Some(0) => None,
            Some(bids) => Some(standing.get(bids - 1).copied().unwrap_or(0)),
        }
    }

    /// Keeps what an auctioneer sees: which bids stand on each other.
    fn note_standing(&mut self, wish: &Wish, seq: u64) {
        match wish {
            Wish::Bid { lot, .. } | Wish::Enter { lot, .. } => {
                self.standing.entry(lot.clone()).or_default().push(seq);
            }
            Wish::Void { lot, .. } => {
                let standing = self.standing.entry(lot.clone()).or_default();
                match self.scenario.file.void_policy {
                    VoidPolicy::Reinstate => drop(standing.pop()),
                    VoidPolicy::Reopen => standing.clear(),
                }
            }
            Wish::Do(_) | Wish::Hammer { .. } | Wish::Lower { .. } => {}
        }
    }

    // ---- The end ----

    /// Lets time pass until the sale closes, or nothing is left that time would change.
    fn run_on(&mut self) -> Result<(), PlayFailure> {
        let Server::There(running) = &mut self.server else { return Ok(()) };
        let latest = opening().plus(REHEARSAL_SPAN_MAX);
        while let Some(next) = running.next_change(latest) {
            running.advance(next)?;
        }
        running.seal()
    }

    fn ended(mut self) -> Played {
        for (lot, expected) in &self.scenario.result {
            let seen = self.seen(lot);
            self.mismatches.extend(expected.against(&Place::Result, lot, seen.as_ref()));
        }
        let (lots, is_closed) = match &self.server {
            Server::Away { .. } => (Vec::new(), false),
            Server::There(running) => {
                let lots = running.sale().lots().map(|lot| PlayedLot {
                    id: lot.terms().id.clone(),
                    title: lot.terms().name.clone(),
                    seen: Seen::of(lot),
                });
                (lots.collect(), running.sale().is_closed())
            }
        };
        Played {
            mismatches: self.mismatches,
            steps_unlike: self.steps_unlike,
            lots,
            is_closed,
            anchor: self.stage.anchor().clone(),
            ledger: self.folder.join(format!("{}.jsonl", self.scenario.sale)),
        }
    }
}
