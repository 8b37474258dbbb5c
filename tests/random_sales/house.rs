//! A random sale through a whole house: signed, recorded, sealed, taken up again after
//! crashes, and audited.

use std::path::Path;

use gavel::auction::{Deed, KeyHash, ReserveOpening};
use gavel::audit::{Anchors, Trust, Verdict, audit};
use gavel::house::{After, Answer, House, Newborn, Pending, Recovery};
use gavel::ledger::Hash;
use gavel::ledger::chain::Chained;
use gavel::ledger::store::{self, Committed, Store, Visit};
use gavel::pki::{RevocationReason, Serial};
use gavel::record::{Authenticated, KeptReserve, Order, Revocation, Signed, commit};
use gavel::time::Timestamp;

use super::ask::{Act, Ask, Roller};
use super::dice::Dice;
use super::office::{folder_in_memory, office};
use super::oracle::{Code, Oracle};
use super::plan::{AUCTIONEER, OPENED_MS, PEOPLE, Plan, amount, at, lot_id};
use super::rules::{compare, deed_of, party_of};

/// Plays one sale to its close; its ledger must be valid.
pub(crate) fn play(seed: u64) {
    let mut dice = Dice::new(seed);
    let plan = Plan::roll(&mut dice);
    let folder = folder_in_memory();
    let mut held = Held::bear(&plan, folder.path());
    let mut roller = Roller::default();
    let mut left = dice.below(80);
    while left > 0 && !held.oracle.closed {
        let (after, ask) = roller.roll(&mut dice, &held.oracle, held.now);
        held.step(&mut dice, after, ask);
        if dice.percent(60) {
            held.commit();
        }
        left -= u64::from(!roller.is_amid_many());
    }
    held.finish();
    held.audit();
}

/// A sale that a house holds, on a disk.
struct Held<'a> {
    house: House,
    /// None while the server is dead.
    store: Option<Store>,
    folder: &'a Path,
    oracle: Oracle,
    /// The house's private list.
    kept: Vec<KeptReserve>,
    now: u64,
    /// The greatest number that each has used.
    n: [u64; PEOPLE.len()],
    /// The certificate key that each name belongs to, and whether it has passed.
    keys: [(KeyHash, bool); PEOPLE.len()],
    revocations: u64,
    /// What was asked since the last frame, and the right answer.
    waiting: Vec<(Pending, Option<Code>)>,
}

impl<'a> Held<'a> {
    /// Brings the sale into being; everybody enrols at its opening.
    fn bear(plan: &Plan, folder: &'a Path) -> Self {
        let kept = plan.lots.iter().enumerate().filter_map(|(place, lot)| {
            let opening = ReserveOpening { reserve: amount(lot.reserve?), nonce: [7; 32] };
            Some(KeptReserve { lot: lot_id(place), opening })
        });
        let kept: Vec<KeptReserve> = kept.collect();
        let commitment = |place, reserve| {
            let opening = ReserveOpening { reserve: amount(reserve), nonce: [7; 32] };
            commit(&office().sale, &lot_id(place), &opening)
        };
        let lots = plan.lot_terms(commitment);
        let opening = office().opening(plan, &lots);
        let locked = store::lock(folder, office().sale.as_str()).expect("locks");
        let (newborn, lines) = Newborn::new(opening, lots, at(0)).expect("a catalogue");
        let (mut store, lines) = locked.create(lines).expect("creates");
        let house = newborn.born(&lines, office().sealing_key(), &kept).expect("is born");
        store.write_anchor(house.checkpoint()).expect("writes the anchor");
        let mut held = Self {
            house,
            store: Some(store),
            folder,
            oracle: Oracle::new(plan),
            kept,
            now: 0,
            n: [0; PEOPLE.len()],
            keys: std::array::from_fn(|who| (office().key_hash(who), false)),
            revocations: 0,
            waiting: Vec::new(),
        };
        held.commit();
        for who in 0..PEOPLE.len() {
            let enrolled = office().enrolled(who, held.house.sale_hash());
            let right = held.oracle.closed.then_some("closed");
            let pending = held.house.enrol(at(0), &enrolled);
            held.waiting.push((pending, right));
            held.drain();
            held.enter_other();
        }
        held.commit();
        held
    }

    fn step(&mut self, dice: &mut Dice, after: u64, ask: Ask) {
        self.now += after;
        if !matches!(ask, Ask::Outage { .. }) {
            self.drain();
        }
        match ask {
            Ask::Bid { who, lot, amount } => self.bid(who, lot, amount),
            Ask::Enter { who, party, lot, amount: typed } => {
                let order = Order::Enter {
                    party: party_of(party),
                    lot: lot_id(lot),
                    amount: amount(typed),
                };
                let right = self.oracle.judge_bid(who, true, party, lot, typed);
                let signed = self.sign(who, order, true);
                if self.submit(who, signed, None, right) {
                    let seq = self.standing_seq(lot);
                    self.oracle.bid(self.now, seq, party, lot, typed);
                }
            }
            Ask::Act { who, act, reasoned } => {
                let crash = !self.oracle.closed && dice.percent(4);
                if crash {
                    self.commit();
                }
                self.act(who, act, reasoned, dice.percent(50));
                if crash && !self.oracle.closed {
                    let away = dice.below(5_000);
                    self.die_amid_a_frame(away);
                }
            }
            Ask::Clock { wall_ahead_ms, accepted } => self.clock(wall_ahead_ms, accepted),
            Ask::Outage { ago_ms } => {
                self.commit();
                if !self.oracle.closed {
                    self.go_on(ago_ms.min(5_000));
                }
            }
            Ask::Other => self.revoke(),
            Ask::Silence => {}
        }
        self.pass(0);
    }

    /// Time passes, and causes what falls due.
    fn pass(&mut self, ms: u64) {
        self.now += ms;
        self.house.advance(at(self.now));
        self.drain();
        self.compare();
    }

    /// The oracle does what the house does by itself.
    fn drain(&mut self) {
        while let Some((due, cause)) = self.oracle.next().filter(|(due, _)| *due <= self.now) {
            self.oracle.happen(due, cause);
        }
    }

    // ---- What is asked ----

    fn bid(&mut self, who: usize, lot: usize, typed: u64) {
        let party = super::ask::Bidder::Person(who);
        let right = self.oracle.judge_bid(who, false, party, lot, typed);
        self.n[who] += 1;
        let signed = office().bid(&self.house, who, self.n[who], lot, typed);
        if self.submit(who, signed, None, right) {
            let seq = self.standing_seq(lot);
            self.oracle.bid(self.now, seq, party, lot, typed);
        }
    }

    fn act(&mut self, who: usize, act: Act, reasoned: bool, honest: bool) {
        let mut right = self.oracle.judge_act(self.now, who, act, reasoned);
        let mut deed = deed_of(act);
        let mut opening = None;
        match (act, &mut deed) {
            (Act::Lower { lot, reserve }, Deed::Reserve { commitment, .. }) => {
                let lowered = ReserveOpening { reserve: amount(reserve), nonce: [7; 32] };
                *commitment = commit(&office().sale, &lot_id(lot), &lowered);
                opening = Some(lowered);
            }
            (Act::Reissue { whom }, Deed::Reissue { old_key, new_key, .. }) => {
                let (now, _) = self.keys[whom];
                *new_key = KeyHash([self.n[who].to_be_bytes()[7]; 32]);
                *old_key = if honest { now } else { KeyHash([0; 32]) };
                right = right.or((!honest).then_some("no-such-name"));
                if right.is_none() && !self.keys[who].1 {
                    self.keys[whom] = (*new_key, true);
                }
            }
            _ => {}
        }
        let signed = self.sign(who, Order::Deed(deed), reasoned);
        if self.submit(who, signed, opening, right) {
            self.oracle.act(self.now, act);
        }
    }

    fn sign(&mut self, who: usize, order: Order, reasoned: bool) -> Authenticated<Signed> {
        self.n[who] += 1;
        office().act(&self.house, who, self.n[who], order, reasoned)
    }

    /// Submits it as the server's floor does; true if it is to be taken.
    fn submit(
        &mut self,
        who: usize,
        signed: Authenticated<Signed>,
        opening: Option<ReserveOpening>,
        by_rules: Option<Code>,
    ) -> bool {
        let right = if self.keys[who].1 { Some("revoked") } else { by_rules };
        let now = at(self.now);
        self.house.advance(now);
        if let (Some(opening), Some(lot)) = (opening, signed.lot()) {
            let lowers = self.house.would_lower(now, &signed, &opening);
            assert_eq!(lowers, right.is_none());
            if lowers {
                self.kept.push(KeptReserve { lot: lot.clone(), opening });
            }
        }
        let closed = self.oracle.closed;
        let pending = self.house.submit_with(now, 5, signed, opening);
        self.waiting.push((pending, right));
        // A refusal is recorded, and so an entry of its own.
        if right.is_some() && !closed {
            self.oracle.other(self.now);
        }
        right.is_none()
    }

    fn standing_seq(&self, lot: usize) -> u64 {
        let lot = self.house.sale().lot(&lot_id(lot)).expect("the lot is there");
        lot.standing().expect("the oracle says that a bid stands").seq
    }

    fn clock(&mut self, ahead: i64, accepted: bool) {
        let wall = (OPENED_MS + self.now).checked_add_signed(ahead);
        let wall = wall.and_then(Timestamp::from_unix_ms).expect("in range");
        let right = !self.oracle.closed && self.oracle.is_apart(ahead, accepted);
        assert_eq!(self.house.note_clock(at(self.now), wall, accepted), right);
        if right {
            self.oracle.note_clock(self.now, ahead);
        }
    }

    /// An entry that is none of the rules' affair: somebody else's revocation.
    fn revoke(&mut self) {
        self.revocations += 1;
        let revocation = Revocation {
            serial: Serial::parse(&format!("01{:04x}", self.revocations)).expect("a serial"),
            reason: RevocationReason::Superseded,
            crl_number: self.revocations,
            crl_hash: Hash::of(b"a list"),
        };
        assert_eq!(self.house.revoke(at(self.now), &revocation), !self.oracle.closed);
        self.enter_other();
    }

    fn enter_other(&mut self) {
        if !self.oracle.closed {
            self.oracle.other(self.now);
        }
    }

    // ---- Frames and crashes ----

    fn write(&mut self, frame: Vec<Chained>) -> Vec<Committed> {
        let store = self.store.as_mut().expect("the server lives");
        if frame.is_empty() { vec![] } else { store.commit(frame).expect("commits") }
    }

    /// Writes and syncs the frame, and holds the answers against the right ones.
    fn commit(&mut self) {
        let mut frame = self.house.take_frame();
        loop {
            let lines = self.write(frame);
            match self.house.committed(lines) {
                After::SealFirst(seal) => frame = seal,
                After::Released(released) => {
                    for (pending, right) in self.waiting.drain(..) {
                        let code = match self.house.answer(&released, pending) {
                            Answer::Entered(_) => None,
                            Answer::Refused { code, .. } => Some(code.as_str()),
                            Answer::Earlier(_) => panic!("nothing was sent twice"),
                        };
                        assert_eq!(code, right);
                    }
                    return;
                }
            }
        }
    }

    /// The disk takes the frame up to the act, and nothing of what the act made fall due.
    fn die_amid_a_frame(&mut self, away: u64) {
        let mut undone = self.oracle.clone();
        let mut caused = 0;
        while let Some((due, cause)) = undone.next().filter(|(due, _)| *due <= self.now) {
            undone.happen(due, cause);
            caused += 1;
        }
        let mut frame = self.house.take_frame();
        frame.truncate(frame.len() - caused);
        self.write(frame);
        self.waiting.clear();
        self.go_on(away);
    }

    /// The server dies, and another takes the sale up again so much later.
    fn go_on(&mut self, away: u64) {
        self.now += away;
        let from = self.oracle.last;
        self.oracle.outage(from, self.now);
        // With the dead server's store goes its lock.
        self.store = None;
        let office = office();
        let locked = store::lock(self.folder, office.sale.as_str()).expect("locks");
        let anchor = office.ca.anchor().clone();
        let mut recovery = Recovery::new(anchor, office.name.clone(), office.sale.clone());
        let scan = locked
            .scan(|raw, line| {
                recovery.take(raw, line).map(|whole| if whole { Visit::Keep } else { Visit::Break })
            })
            .expect("an honest ledger");
        let recovered = recovery.finish().expect("is whole");
        self.store = Some(locked.rewrite(scan).expect("rewrites"));
        self.house =
            recovered.go_on(office.sealing_key(), at(self.now), &self.kept).expect("goes on");
        self.commit();
    }

    // ---- The end ----

    /// The auctioneer brings the sale to its close.
    fn finish(&mut self) {
        while !self.oracle.closed {
            for lot in 0..self.oracle.lots.len() {
                if self.oracle.lots[lot].waits_for_the_hammer() {
                    let act = Act::Hammer { lot, seen: self.oracle.lots[lot].standing_seq() };
                    self.act(AUCTIONEER, act, true, true);
                    self.pass(1);
                }
            }
            if !self.oracle.closed {
                self.act(AUCTIONEER, Act::Closing, true, true);
            }
            self.pass(60_000);
            self.commit();
        }
        self.commit();
        assert!(self.house.is_finished());
    }

    /// The auditor finds nothing wrong, and comes to the same result.
    fn audit(&self) {
        let store = self.store.as_ref().expect("the server lives");
        let ledger = std::fs::read(store.path()).expect("reads");
        let trust = Trust::Certificate(Box::new(office().ca.anchor().clone()));
        let audit = audit(&ledger, Anchors::new(trust));
        assert_eq!(audit.verdict(), Verdict::Valid, "{:?}", audit.findings);
        let results = audit.audited().expect("it is valid").results();
        let sale = self.house.sale();
        assert_eq!(results.totals, sale.totals());
        for (audited, live) in results.lots.iter().zip(sale.lots()) {
            assert_eq!(&audited.state, live.state());
            assert_eq!(audited.reserves, live.revealed_reserves());
        }
        let accepted: u64 = results.lots.iter().map(|lot| lot.bids_signed + lot.bids_clerk).sum();
        assert_eq!(accepted, sale.lots().map(gavel::auction::Lot::bids_accepted).sum::<u64>());
    }

    fn compare(&self) {
        for (lot, right) in self.house.sale().lots().zip(&self.oracle.lots) {
            compare(lot, right, at(self.now));
        }
        assert_eq!(self.house.sale().is_closed(), self.oracle.closed);
        assert_eq!(self.house.sale().last(), at(self.oracle.last));
    }
}
