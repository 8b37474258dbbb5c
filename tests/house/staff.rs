//! A sale with staff, hidden reserves and bids from the room, driven by hand.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use gavel::auction::act::{Deed, KeyHash};
use gavel::auction::catalogue::{LotTerms, Timer};
use gavel::auction::increments::Increments;
use gavel::auction::money::Amount;
use gavel::auction::name::{LotId, Name, Party, Role, Title};
use gavel::auction::refusal::Code;
use gavel::auction::reserve::ReserveOpening;
use gavel::audit::{Anchors, Trust, Verdict, audit};
use gavel::house::Answer;
use gavel::ledger::entry::{Kind, Line};
use gavel::record::{
    ActStatement, Authenticated, BidKey, KeptReserve, Order, Signed, SignedAct, commit,
};
use gavel::time::Span;
use tempfile::TempDir;

use super::world::{Running, World, at, folder_in_memory};

/// The reserves: numbers that nothing else in a ledger looks like.
pub(crate) const RESERVES: [(&str, u64); 3] = [("1", 80_317), ("2", 70_219), ("5", 90_713)];

/// Everybody in the hall. Alice has lost her key; the second Alice is she, with another one.
const PEOPLE: [(&str, &str, Role); 7] = [
    ("ada", "ada", Role::Auctioneer),
    ("cleo", "cleo", Role::Clerk),
    ("alice", "alice", Role::Bidder),
    ("bob", "bob", Role::Bidder),
    ("olga", "olga", Role::Observer),
    ("zoe", "zoe", Role::Auditor),
    ("alice-2", "alice", Role::Bidder),
];

pub(crate) fn id(text: &str) -> LotId {
    LotId::parse(text).expect("a lot id")
}

pub(crate) fn amount(minor_units: u64) -> Amount {
    Amount::new(minor_units).expect("an amount")
}

pub(crate) fn title(text: &str) -> Title {
    Title::parse(text).expect("a title")
}

pub(crate) fn paddle(text: &str) -> Party {
    Party::Paddle(Name::parse(text).expect("a paddle"))
}

/// What opens a commitment, by its amount and a nonce that is told from others.
pub(crate) fn opening(reserve: u64, nonce: u8) -> ReserveOpening {
    ReserveOpening { reserve: amount(reserve), nonce: [nonce; 32] }
}

fn lots() -> Vec<LotTerms> {
    let scheduled = Timer::Schedule { opens_at: None, ends_at: at(60_000) };
    let timers = [
        ("1", Timer::FirstBid { duration: Span::from_s(30) }),
        ("2", Timer::Manual),
        ("3", scheduled),
        ("4", scheduled),
        ("5", Timer::Manual),
        ("6", Timer::Manual),
    ];
    let lot = |(lot, timer): (&str, Timer)| LotTerms {
        id: id(lot),
        name: title("A lot"),
        start: amount(100),
        increments: Increments::constant(10).expect("a step"),
        timer,
        soft_window: Span::from_s(10),
        soft_extend: Span::from_s(10),
        hard_end: None,
        seller: None,
        estimate: None,
        without_reserve: lot == "4",
        reserve_commit: None,
    };
    timers.into_iter().map(lot).collect()
}

/// A house with staff and hidden reserves.
pub(crate) fn staffed() -> World {
    let mut world = World::of(&PEOPLE, lots());
    world.terms.sale.room_bids = true;
    world.terms.sale.sale_ends_at = Some(at(100_000));
    world.terms.refusals_per_minute_max = 20;
    for (nonce, (lot, reserve)) in (0xa0..).zip(RESERVES) {
        let opening = opening(reserve, nonce);
        let lot = id(lot);
        let terms = world.lots.iter_mut().find(|terms| terms.id == lot).expect("a lot");
        terms.reserve_commit = Some(commit(&world.sale, &lot, &opening));
        world.reserves.push(KeptReserve { lot, opening });
    }
    world
}

/// A staffed sale in its course.
pub(crate) struct Hall {
    pub(crate) world: Arc<World>,
    pub(crate) running: Running,
    pub(crate) folder: TempDir,
    /// The last number that each has used.
    n: BTreeMap<String, u64>,
}

impl Hall {
    /// The sale is born, and all but the second Alice have enrolled.
    pub(crate) fn open() -> Self {
        Self::of(staffed())
    }

    pub(crate) fn of(world: World) -> Self {
        let folder = folder_in_memory();
        let running = world.bear(folder.path());
        let mut hall = Self { world: Arc::new(world), running, folder, n: BTreeMap::new() };
        for called in ["ada", "cleo", "alice", "bob", "olga", "zoe"] {
            entered(&hall.enrol(10, called));
        }
        hall
    }

    /// The sale in another folder, taken up again; numbers go on from `n`.
    pub(crate) fn taken_up(world: Arc<World>, folder: TempDir, now: u64, n: u64) -> Self {
        let running = world.go_on(folder.path(), at(now)).expect("goes on");
        let n = PEOPLE.iter().map(|(called, ..)| ((*called).to_owned(), n)).collect();
        Self { world, running, folder, n }
    }

    pub(crate) fn enrol(&mut self, ms: u64, called: &str) -> Answer {
        let enrolled = self.world.enrolled(called, &self.running);
        self.running.one(|house| house.enrol(at(ms), &enrolled))
    }

    fn next_n(&mut self, called: &str) -> u64 {
        let n = self.n.entry(called.to_owned()).or_insert(0);
        *n += 1;
        *n
    }

    pub(crate) fn bid(&mut self, ms: u64, called: &str, lot: &str, amount: u64) -> Answer {
        let n = self.next_n(called);
        let bid = self.world.bid(&self.running, called, lot, amount, n);
        self.running.one(|house| house.submit(at(ms), 1, bid))
    }

    /// Signs an order under the next number, with the newest head and a reason or none.
    pub(crate) fn order(
        &mut self,
        called: &str,
        order: Order,
        reason: Option<&str>,
    ) -> Authenticated<Signed> {
        let n = self.next_n(called);
        let person = self.world.person(called);
        let statement = ActStatement {
            bid_key: BidKey::from(&person.bid_key),
            bidder: person.identity.name.clone(),
            head: self.running.head(),
            n,
            order,
            reason: reason.map(title),
            sale_hash: self.running.house.sale_hash(),
        };
        SignedAct::sign(statement, &person.bid_key).authenticate().expect("is signed")
    }

    /// As [`Hall::order`], with a reason where one is needed.
    pub(crate) fn sign(&mut self, called: &str, deed: Deed) -> Authenticated<Signed> {
        let reason = deed.needs_reason().then_some("for a good reason");
        self.order(called, Order::Deed(deed), reason)
    }

    pub(crate) fn act(&mut self, ms: u64, called: &str, deed: Deed) -> Answer {
        let signed = self.sign(called, deed);
        self.submit(ms, &signed)
    }

    pub(crate) fn submit(&mut self, ms: u64, signed: &Authenticated<Signed>) -> Answer {
        self.running.one(|house| house.submit(at(ms), 1, signed.clone()))
    }

    /// A bid for somebody in the room.
    pub(crate) fn enter(&mut self, ms: u64, lot: &str, party: Party, price: u64) -> Answer {
        let order = Order::Enter { party, lot: id(lot), amount: amount(price) };
        let signed = self.order("cleo", order, None);
        self.submit(ms, &signed)
    }

    /// The line of the bid that stands on a lot.
    pub(crate) fn seen(&self, lot: &str) -> Option<u64> {
        self.running.house.sale().lot(&id(lot))?.standing().map(|high| high.seq)
    }

    /// What lowers a lot's reserve.
    pub(crate) fn lower(&self, lot: &str, opening: &ReserveOpening) -> Deed {
        let commitment = commit(&self.world.sale, &id(lot), opening);
        Deed::Reserve { lot: id(lot), commitment }
    }

    /// What gives Alice's name to her other key.
    pub(crate) fn reissue(&self) -> Deed {
        let key = |called: &str| KeyHash(*self.world.person(called).identity.key.bytes());
        Deed::Reissue {
            name: Name::parse("alice").expect("a name"),
            old_key: key("alice"),
            new_key: key("alice-2"),
        }
    }

    pub(crate) fn ledger(&self) -> Vec<u8> {
        std::fs::read(self.running.store.path()).expect("reads")
    }

    /// Plays to the end, and lets the auditor and a recovery judge the whole.
    pub(crate) fn finish(mut self, now: u64) {
        self.running.quiet(at(now));
        assert!(self.running.house.is_finished());
        let ledger = self.ledger();
        let anchors = Anchors::new(Trust::Certificate(Box::new(self.world.ca.anchor().clone())));
        let audit = audit(&ledger, anchors);
        assert_eq!(audit.verdict(), Verdict::Valid, "{:?}", audit.findings);
        drop(self.running);
        self.world.recover(self.folder.path()).expect("a finished ledger");
    }
}

/// The type of the line that an answer's receipt is for, and the line's number.
#[track_caller]
pub(crate) fn entered(answer: &Answer) -> (Kind, u64) {
    match answer {
        Answer::Entered(receipt) => {
            let line = Line::parse(receipt.entry.as_bytes()).expect("a line");
            assert_eq!(line.seq, receipt.index);
            (line.kind, line.seq)
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn refused(answer: &Answer) -> Code {
    match answer {
        Answer::Refused { code, .. } => *code,
        other => panic!("{other:?}"),
    }
}

/// The types of a ledger's lines, and their bodies.
pub(crate) fn lines(ledger: &[u8]) -> Vec<(Kind, String)> {
    let lines = ledger.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let read = |raw: &[u8]| {
        let line = Line::parse(raw).expect("a line");
        (line.kind, line.body.to_owned())
    };
    lines.map(read).collect()
}

/// Copies what a crash leaves of a sale into a folder of its own.
pub(crate) fn crashed(from: &Path, ledger: &[u8]) -> TempDir {
    let folder = folder_in_memory();
    std::fs::write(folder.path().join("spring.jsonl"), ledger).expect("writes");
    let anchor = std::fs::read(from.join("spring.checkpoint")).expect("reads");
    std::fs::write(folder.path().join("spring.checkpoint"), anchor).expect("writes");
    folder
}
