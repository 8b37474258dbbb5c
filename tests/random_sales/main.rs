//! Random sales on a virtual clock, each from a seed: what the rules make of them is held
//! against an oracle written from RULES alone, against a replay, and, through a whole house
//! and its ledger, against the auditor.
//!
//! A failure prints its seed; `GAVEL_SEED=<seed> cargo test --test random_sales` plays that
//! sale alone.

mod ask;
mod dice;
mod house;
mod lot;
mod office;
mod oracle;
mod plan;
mod rules;

/// Plays the sales of `seeds`, or the one of `GAVEL_SEED` alone.
fn play(seeds: std::ops::Range<u64>, mut one: impl FnMut(u64)) {
    let only = std::env::var("GAVEL_SEED").ok().map(|seed| seed.parse().expect("a number"));
    for seed in only.map_or(seeds, |seed| seed..seed + 1) {
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| one(seed)));
        if let Err(why) = told {
            eprintln!("GAVEL_SEED={seed} plays this sale again");
            std::panic::resume_unwind(why);
        }
    }
}

/// Whatever may come of what is asked: each must come often enough for the test to mean much.
const EVERYTHING: [&str; 41] = [
    // Refusals, and why else nothing is entered.
    "already-leading",
    "bid-in",
    "closed",
    "no-bid",
    "no-bid-kept",
    "no-drift",
    "no-reason",
    "no-room-bids",
    "no-such-lot",
    "not-later",
    "not-open",
    "not-paused",
    "not-pending",
    "open-lots",
    "paused",
    "reserve-not-lowered",
    "role",
    "sale-closed",
    "seller",
    "too-low",
    "without-reserve",
    // What happens.
    "bid",
    "clock",
    "closing",
    "extend",
    "lot-opened",
    "lot-resumed",
    "open",
    "outage",
    "pause",
    "reissue",
    "reserve",
    "resume",
    "room-bid",
    "say",
    "sold",
    "tick",
    "unsold/no-bids",
    "unsold/reserve-not-met",
    "void",
    "withdraw",
];

#[test]
fn ten_thousand_random_sales_are_as_the_oracle_says() {
    let mut tally = rules::Tally::new();
    play(0..10_000, |seed| rules::play(seed, &mut tally));
    if std::env::var_os("GAVEL_SEED").is_none() {
        let rare: Vec<_> = EVERYTHING.iter().filter(|what| tally.get(*what) < Some(&20)).collect();
        assert!(rare.is_empty(), "the dice roll too few of {rare:?} in {tally:#?}");
    }
}

#[test]
fn random_sales_through_a_house_leave_valid_ledgers() {
    play(0..300, house::play);
}
