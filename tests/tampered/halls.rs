//! Two honest sales with staff, played through the house: what is forged is taken from them.

use std::path::Path;
use std::sync::OnceLock;

use gavel::auction::act::Deed;
use gavel::auction::catalogue::{LotTerms, Seller, Timer, VoidPolicy};
use gavel::auction::fees::{Fees, Rate, TaxOn};
use gavel::auction::increments::Increments;
use gavel::auction::reserve::ReserveOpening;
use gavel::audit::{Verdict, audit};
use gavel::house::Pending;
use gavel::record::{Head, KeptReserve, Opening, Signed, catalogue_hash, commit};
use gavel::time::{Span, Timestamp};

use super::running::Running;
use super::staff::{Hall, amount, id, lower, opening, paddle, people, reissue, title};
use super::world::{Person, at, name, world};

/// The openings of the hall's reserves: of lot 2 the one from its catalogue, and the lower.
pub(crate) const OF_CLOCK: (u64, u8) = (500, 0xa1);
pub(crate) const OF_VASE: (u64, u8) = (900, 0xa2);
pub(crate) const OF_VASE_LOWERED: (u64, u8) = (250, 0xb2);
pub(crate) const OF_RUG: (u64, u8) = (2_000, 0xa4);
pub(crate) const OF_CHAIR: (u64, u8) = (700, 0xa5);

/// The sale with everything: reserves, a room, voids under `reinstate`, closed by staff.
pub(crate) fn hall() -> &'static Hall {
    static HALL: OnceLock<Hall> = OnceLock::new();
    HALL.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let reserves = [("1", OF_CLOCK), ("2", OF_VASE), ("4", OF_RUG), ("5", OF_CHAIR)].map(kept);
        Play::new(hall_opening(), hall_lots(), &reserves, folder.path()).hall()
    })
}

/// The other one: no room, voids under `reopen`, an end of the sale, staggered lots, and a
/// house that was away for a while.
pub(crate) fn evening() -> &'static Hall {
    static EVENING: OnceLock<Hall> = OnceLock::new();
    EVENING.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let play = Play::new(evening_opening(), evening_lots(), &[], folder.path());
        play.evening(folder.path())
    })
}

fn kept((lot, (reserve, nonce)): (&str, (u64, u8))) -> KeptReserve {
    KeptReserve { lot: id(lot), opening: opening(reserve, nonce) }
}

fn lot(lot: &str, timer: Timer) -> LotTerms {
    LotTerms {
        id: id(lot),
        name: title("A lot"),
        start: amount(100),
        increments: Increments::new(vec![(0, 10), (1_000, 50)]).expect("a table"),
        timer,
        soft_window: Span::from_s(10),
        soft_extend: Span::from_s(10),
        hard_end: None,
        seller: None,
        estimate: None,
        without_reserve: false,
        reserve_commit: None,
    }
}

fn until(ms: u64) -> Timer {
    Timer::Schedule { opens_at: None, ends_at: at(ms) }
}

fn hall_lots() -> Vec<LotTerms> {
    let reserve = |lot: &str, (reserve, nonce): (u64, u8)| {
        Some(commit(&world().sale, &id(lot), &opening(reserve, nonce)))
    };
    let dora = Some(Seller::Person(name("dora")));
    let bid_clock = Timer::FirstBid { duration: Span::from_s(30) };
    vec![
        LotTerms { reserve_commit: reserve("1", OF_CLOCK), ..lot("1", bid_clock) },
        LotTerms { reserve_commit: reserve("2", OF_VASE), ..lot("2", Timer::Manual) },
        LotTerms { hard_end: Some(at(65_000)), ..lot("3", until(60_000)) },
        LotTerms { reserve_commit: reserve("4", OF_RUG), ..lot("4", until(60_000)) },
        LotTerms { reserve_commit: reserve("5", OF_CHAIR), ..lot("5", Timer::Manual) },
        lot("6", until(60_000)),
        LotTerms { seller: dora, ..lot("7", until(70_000)) },
        LotTerms { without_reserve: true, ..lot("8", Timer::Manual) },
        lot("9", until(60_000)),
        lot("10", Timer::Manual),
    ]
}

fn hall_opening() -> Opening {
    let rate = |bps| Rate::from_bps(bps).expect("a rate");
    let lots = hall_lots();
    let mut opening = world().opening();
    opening.terms.sale.room_bids = true;
    opening.terms.sale.attested = false;
    opening.terms.fees = Some(Fees {
        premium: rate(2_000),
        tax: rate(1_900),
        tax_on: TaxOn::Premium,
        commission: rate(1_000),
    });
    opening.terms.refusal_bytes_max = 65_536;
    opening.terms.refusals_per_minute_max = 20;
    Opening { lot_count: 10, catalogue: catalogue_hash(&lots), ..opening }
}

fn evening_lots() -> Vec<LotTerms> {
    // Staggered by ten seconds; the fifth is sold by hand.
    let staggered = ["1", "2", "3", "4"].into_iter().zip([20_000, 30_000, 40_000, 50_000]);
    let mut lots: Vec<LotTerms> = staggered.map(|(id, ends)| lot(id, until(ends))).collect();
    lots.push(lot("5", Timer::Manual));
    lots
}

fn evening_opening() -> Opening {
    let lots = evening_lots();
    let mut opening = world().opening();
    opening.terms.sale.sale_ends_at = Some(at(25_000));
    opening.terms.sale.void_policy = VoidPolicy::Reopen;
    opening.terms.refusals_per_minute_max = 20;
    Opening { lot_count: 5, catalogue: catalogue_hash(&lots), ..opening }
}

/// A sale in its course. What is taken waits for the next `sync`.
struct Play {
    hall: Hall,
    running: Running,
    waiting: Vec<Pending>,
}

impl Play {
    fn new(opening: Opening, lots: Vec<LotTerms>, reserves: &[KeptReserve], folder: &Path) -> Self {
        let key = world().sealing_key();
        let running = Running::bear_sale(opening, lots, reserves, key, folder);
        let hall = Hall {
            sale_hash: running.house.sale_hash(),
            head: Head { size: running.head().size, ..running.head() },
            ledger: Vec::new(),
        };
        let mut play = Self { hall, running, waiting: Vec::new() };
        let people = people();
        for (ms, person) in
            (1..).zip([&people.ada, &people.cleo, &people.alice, &people.bob, &people.dora])
        {
            play.enrol(at(100 * ms), person);
        }
        play.sync();
        play
    }

    fn enrol(&mut self, when: Timestamp, person: &Person) {
        let sale_hash = self.hall.sale_hash;
        let enrolled = person
            .enrolment(sale_hash)
            .authenticate(&sale_hash, world().ca.anchor(), &world().house, at(0))
            .expect("is good");
        self.waiting.push(self.running.house.enrol(when, &enrolled));
    }

    fn take(&mut self, ms: u64, signed: impl Into<Signed>) {
        let signed = signed.into().authenticate().expect("is signed");
        self.waiting.push(self.running.house.submit(at(ms), 7, signed));
    }

    fn lower(&mut self, ms: u64, who: &Person, n: u64, lot: &str, opening: ReserveOpening) {
        let signed = Signed::from(self.hall.act(who, n, lower(lot, &opening)));
        let signed = signed.authenticate().expect("is signed");
        self.waiting.push(self.running.house.submit_with(at(ms), 7, signed, Some(opening)));
    }

    fn act(&mut self, ms: u64, who: &Person, n: u64, deed: Deed) {
        self.take(ms, self.hall.act(who, n, deed));
    }

    fn bid(&mut self, ms: u64, who: &Person, n: u64, lot: &str, amount: u64) {
        self.take(ms, self.hall.bid(who, lot, amount, n));
    }

    /// The line of the bid that stands.
    fn seen(&self, lot: &str) -> Option<u64> {
        self.running.house.sale().lot(&id(lot))?.standing().map(|high| high.seq)
    }

    fn sync(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        self.running.frame(|_| waiting);
    }

    fn finish(mut self) -> Hall {
        self.sync();
        self.running.quiet(at(200_000));
        assert!(self.running.house.is_finished());
        let ledger = std::fs::read(self.running.store.path()).expect("reads");
        Hall { ledger, ..self.hall }
    }

    fn hall(mut self) -> Hall {
        let who = people();
        let (ada, cleo, alice, bob) = (&who.ada, &who.cleo, &who.alice, &who.bob);
        // Lot 1: under its reserve Alice raises her own bid; Bob's first is voided.
        self.bid(1_200, alice, 1, "1", 100);
        self.bid(1_300, bob, 1, "1", 600);
        self.act(1_400, ada, 10, Deed::Void { lot: id("1"), seen: self.seen("1") });
        self.bid(1_500, alice, 2, "1", 120);
        self.bid(1_600, bob, 2, "1", 550);
        // Lot 2: sold to a paddle, once its reserve is lowered.
        self.act(2_000, cleo, 10, Deed::Open { lot: id("2") });
        self.take(2_100, self.hall.enter(cleo, 20, paddle(), "2", 300));
        self.lower(2_200, ada, 20, "2", opening(OF_VASE_LOWERED.0, OF_VASE_LOWERED.1));
        self.act(2_300, ada, 30, Deed::Hammer { lot: id("2"), seen: self.seen("2") });
        self.sync();
        // Lot 3: paused for ten seconds.
        self.bid(3_000, alice, 3, "3", 100);
        self.act(3_100, cleo, 30, Deed::Pause { lot: id("3") });
        self.bid(3_200, bob, 3, "3", 110);
        self.act(13_100, cleo, 40, Deed::Resume { lot: id("3") });
        self.sync();
        // Lots 4 to 8: under the reserve, withdrawn, extended, refused and hammered.
        self.bid(14_000, alice, 4, "4", 150);
        self.act(14_100, ada, 40, Deed::Withdraw { lot: id("5") });
        self.act(14_200, ada, 50, Deed::Extend { lot: id("6"), ends_at: at(80_000) });
        self.act(14_300, ada, 60, Deed::Open { lot: id("8") });
        self.bid(14_400, bob, 4, "8", 100);
        self.act(14_500, ada, 70, Deed::Withdraw { lot: id("8") });
        self.act(14_600, ada, 80, Deed::Hammer { lot: id("8"), seen: self.seen("8") });
        self.act(14_700, cleo, 50, Deed::Say { lot: Some(id("6")), text: title("A fine rug.") });
        self.sync();
        // Alice's name passes to her other key; lot 9 is paused until the sale is closed.
        self.act(15_000, ada, 90, reissue(&name("alice"), alice, &who.alice_again));
        self.enrol(at(15_100), &who.alice_again);
        self.bid(15_200, alice, 5, "6", 100);
        self.bid(15_300, &who.alice_again, 1, "9", 100);
        self.act(15_400, cleo, 60, Deed::Pause { lot: id("9") });
        self.sync();
        self.act(40_000, ada, 100, Deed::Closing);
        self.sync();
        // Lot 3 reaches its hard end, moved by the pause; lot 9 loses a bid near its end.
        self.bid(66_000, bob, 5, "3", 120);
        self.bid(79_000, bob, 6, "9", 110);
        self.act(83_000, ada, 110, Deed::Void { lot: id("9"), seen: self.seen("9") });
        self.finish()
    }

    /// The house dies, and is back at `now`.
    fn restart(mut self, folder: &Path, now: u64) -> Self {
        self.sync();
        let Self { hall, running, waiting } = self;
        drop(running);
        Self { hall, running: Running::restart(world(), folder, at(now)), waiting }
    }

    fn evening(mut self, folder: &Path) -> Hall {
        let who = people();
        let (ada, cleo, alice, bob) = (&who.ada, &who.cleo, &who.alice, &who.bob);
        self.bid(1_000, alice, 1, "1", 100);
        self.bid(1_100, bob, 1, "3", 100);
        self.bid(1_200, alice, 2, "3", 110);
        // The first bid does not come back: the lot begins again.
        self.act(1_300, ada, 10, Deed::Void { lot: id("3"), seen: self.seen("3") });
        self.bid(1_400, bob, 2, "3", 100);
        self.bid(1_500, alice, 3, "4", 100);
        self.bid(15_000, bob, 3, "1", 105);
        self.sync();
        // Past the end of the sale: lot 2 has closed, lot 4 loses its bid and closes too.
        self.act(26_000, ada, 20, Deed::Void { lot: id("4"), seen: self.seen("4") });
        self.act(27_000, cleo, 10, Deed::Pause { lot: id("3") });
        self.sync();
        self.act(45_000, cleo, 20, Deed::Resume { lot: id("3") });
        self.restart(folder, 50_000).finish()
    }
}

/// What was refused, by code, and how many acts were taken.
fn facts(hall: &Hall) -> (Vec<(&'static str, u64)>, usize) {
    let audit = audit(&hall.ledger, world().anchors());
    assert_eq!(audit.verdict(), Verdict::Valid, "{:?}", audit.findings);
    let results = audit.audited().expect("is clean").results();
    let refused = results.refused.iter().map(|(code, count)| (code.as_str(), *count)).collect();
    (refused, results.acts.len())
}

#[test]
fn the_halls_are_valid() {
    let refused = vec![("paused", 1), ("revoked", 1), ("without-reserve", 1)];
    assert_eq!(facts(hall()), (refused, 15));
    assert_eq!(facts(evening()), (vec![("too-low", 1)], 4));
}
