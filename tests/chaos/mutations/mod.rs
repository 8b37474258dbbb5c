//! The checker is checked: a good history, recorded from a real sale with restarts, is changed in
//! every way that a violation is for, and each is found as its own. Nothing passes.

mod random;
mod ways;
mod workshop;

use rayon::prelude::*;

use self::ways::{Spoil, WAYS};
use self::workshop::Workshop;
use super::history::{Checked, Kind, Violation, check};
use super::plan::Plan;
use super::run::run;

/// How many histories are changed at random; `GAVEL_HISTORY_MUTATIONS` asks for more.
const RANDOM_MUTATIONS: u64 = 40;

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_spoil_a_history_is_found_as_what_it_is() {
    // Something has to happen before the first restart, and little: it is checked many times.
    let (calm_bids, requests_per_second_max) = (12, 40);
    let plan = Plan { calm_bids, requests_per_second_max, ..Plan::small(6, 2, 2) };
    let recorded = run(&plan).await;
    assert_eq!(recorded.failures, [""; 0], "{plan:?}");
    let good = Workshop { history: recorded.history, key: recorded.hall.sealing_key };
    super::judged(&good.history, &plan);
    let mut found: Vec<Kind> = WAYS.par_iter().map(|way| check_way(&good, way)).collect();
    found.sort();
    found.dedup();
    assert_eq!(found, Kind::ALL, "a kind that no mutation has shown");
    good.check_harmless();
    let rounds = std::env::var("GAVEL_HISTORY_MUTATIONS").map(|text| text.parse());
    let rounds = rounds.unwrap_or(Ok(RANDOM_MUTATIONS)).expect("a number");
    (0..rounds).into_par_iter().for_each(|round| good.check_random(plan.seed ^ (round << 48)));
}

fn check_way(good: &Workshop, (name, alone, spoil): &(&str, bool, Spoil)) -> Kind {
    let mut spoilt = good.clone();
    let expected = spoil(&mut spoilt);
    let Checked { violations, .. } = check(&spoilt.history);
    // What exactly the parser says is its own affair.
    let is_it = |found: &&Violation| match (found, &expected) {
        (Violation::BadReceipt { op, .. }, Violation::BadReceipt { op: wanted, .. }) => {
            op == wanted
        }
        (Violation::BadNote { source, .. }, Violation::BadNote { source: wanted, .. }) => {
            source == wanted
        }
        (Violation::NotValid { .. }, Violation::NotValid { .. }) => true,
        (Violation::Unreadable { .. }, Violation::Unreadable { .. }) => true,
        (found, expected) => *found == expected,
    };
    assert!(violations.iter().any(|found| is_it(&found)), "{name}: {expected:?}: {violations:#?}");
    let others = violations.iter().filter(|found| found.kind() != expected.kind());
    assert!(!alone || others.count() == 0, "{name}: {violations:#?}");
    expected.kind()
}
