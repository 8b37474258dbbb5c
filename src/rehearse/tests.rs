//! What only the inside of a play can ask: inputs that come while something is due.

use super::running::{FoundLedger, Running};
use super::stage::Stage;
use super::{Scenario, opening};
use crate::auction::act::Deed;
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Name, Title};
use crate::house::Answer;
use crate::record::{self, Order};
use crate::time::{Span, Timestamp};

const RESERVED: &[u8] = br#"{
    "id": "reserved", "title": "Reserved", "currency": {"code": null, "minor_digits": 0},
    "roles": {"anna": "auctioneer"},
    "lots": {"1": {"name": "Vase", "start": 1, "increments": [[0, 1]], "reserve": 50, "ends_at_ms": 60000}},
    "script": [{"t": 0, "do": "SAY", "who": "anna", "text": "Welcome"}]
}"#;

fn after_s(s: u64) -> Timestamp {
    opening().plus(Span::from_s(s))
}

#[test]
fn what_opens_a_lower_reserve_is_kept_while_ticks_and_a_seal_are_owed() {
    let scenario = Scenario::read(RESERVED).expect("is playable");
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = Stage::set(&scenario, [7; 32]).expect("certifies");
    let mut running = Running::bear(&stage, &scenario, folder.path()).expect("is born");
    let (lot, anna) = (LotId::parse("1").expect("an id"), Name::parse("anna").expect("a name"));
    // Ticks have been due for 15 seconds, as where the floor is behind.
    for (number, reserve) in [(1, 40), (2, 30)] {
        let opening = stage.hide(&lot, number, Amount::new(reserve).expect("an amount"));
        let commitment = record::commit(&scenario.sale, &lot, &opening);
        let order = Order::Deed(Deed::Reserve { lot: lot.clone(), commitment });
        let reason = Title::parse("the seller agrees").ok();
        let signed = stage.act(&anna, running.standpoint(), order, reason);
        let at = after_s(25 * u64::try_from(number).expect("small"));
        let answer = running.submit(at, Span::ZERO, signed, Some(opening)).expect("the disk holds");
        assert!(matches!(answer, Answer::Entered(_)), "{answer:?}");
    }
    drop(running);
    let found = FoundLedger::read(&stage, &scenario, folder.path()).expect("is whole");
    let (since, now) = (after_s(50), after_s(55));
    let mut running = Running::restart(found, &stage, &scenario, since, now).expect("goes on");
    running.advance(after_s(300)).expect("the disk holds");
    assert!(running.sale().is_closed());
    let lot = running.sale().lot(&lot).expect("a lot");
    assert_eq!(lot.revealed_reserves().last().copied().map(Amount::minor_units), Some(30));
}
