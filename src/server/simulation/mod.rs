//! Whole sales in simulated time, with everything breaking that may break, by the fall of seeded
//! dice: the real start, house, store, floor and gate, on a disk, a network and clocks that are not.
//!
//! ```text
//!   bidders --late, broken lines--> gate --> floor --> house, store --> disk: written | durable
//!      ^                                      |                          crashes, power cuts,
//!      +------ answers, frames of lines ------+                          EIO, ENOSPC, torn and lost bytes
//! ```
//!
//! One thread plays one sale, and nothing but the seed decides what happens; only signatures are
//! checked elsewhere, and waited for. What took place is judged when the sale is over
//! ([`verdict`]). A seed that fails is printed, and `GAVEL_SEED=n` plays it again step by step:
//!
//! ```text
//! GAVEL_SIMULATIONS=1000 cargo test --lib simulation
//! GAVEL_SEED=17 cargo test --lib simulation -- --nocapture
//! ```
//!
//! It plays both ends, so it names the client and the auditor, as its judge in `tests/history`
//! does, by the crate's public paths.

mod bidder;
mod controls;
mod dice;
mod disk;
mod hall;
#[path = "../../../tests/history/mod.rs"]
mod history;
mod inode;
mod line;
mod mounted;
mod office;
mod plan;
mod process;
mod trace;
mod verdict;
mod world;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use controls::Fault;
use office::office;
use world::play;

use crate::ledger::hash::Hash;

/// What a simulated sale came to.
#[derive(Debug)]
struct Outcome {
    violations: Vec<String>,
    /// Of every step.
    digest: Hash,
    steps: u64,
    told: String,
    lives: u64,
    deaths: u64,
    failures: u64,
    lines: usize,
    acknowledged: usize,
}

/// Plays the sales of these seeds on every core, in order as far as they go.
fn play_all(seeds: u64, mut each: impl FnMut(u64, Outcome) + Send) {
    let next = AtomicU64::new(1);
    let each = Mutex::new(&mut each);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > seeds {
                        return;
                    }
                    let outcome = play(seed, &office(), None, false);
                    each.lock().expect("nobody panics here")(seed, outcome);
                }
            });
        }
    });
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn no_fault_of_disk_network_or_clock_breaks_a_promise() {
    if let Some(seed) = number("GAVEL_SEED") {
        let outcome = play(seed, &office(), None, true);
        println!("{}", outcome.told);
        assert!(outcome.violations.is_empty(), "seed {seed}: {:#?}", outcome.violations);
        return;
    }
    let seeds = number("GAVEL_SIMULATIONS").unwrap_or(40);
    let mut failed = Vec::new();
    let mut sum = [0; 6];
    let mut stories = BTreeMap::new();
    play_all(seeds, |seed, outcome| {
        let Outcome { lives, deaths, failures, steps, .. } = outcome;
        let count = |length: usize| u64::try_from(length).expect("fits");
        let more =
            [lives, deaths, failures, steps, count(outcome.lines), count(outcome.acknowledged)];
        for (sum, more) in sum.iter_mut().zip(more) {
            *sum += more;
        }
        stories.insert(seed, *outcome.digest.bytes());
        if !outcome.violations.is_empty() {
            failed.push((seed, outcome.violations));
        }
    });
    let [lives, deaths, failures, steps, lines, acknowledged] = sum;
    println!(
        "{seeds} simulated sales: {lives} starts, {deaths} crashes of which {failures} by a failing \
         disk, {steps} steps, {lines} lines, {acknowledged} acknowledged: {} violations",
        failed.len()
    );
    // The same in every process.
    let stories: Vec<[u8; 32]> = stories.into_values().collect();
    println!("sha256 of all their stories: {}", Hash::of(stories.as_flattened()));
    failed.sort();
    for (seed, violations) in &failed {
        println!("GAVEL_SEED={seed} cargo test --lib simulation -- --nocapture\n{violations:#?}");
    }
    assert!(failed.is_empty(), "{} of {seeds} seeds fail", failed.len());
    assert!(deaths > seeds && failures > seeds / 4, "too little breaks to prove anything");
    assert!(acknowledged > 10 * seeds, "too little is acknowledged to prove anything");
}

#[test]
fn a_seed_tells_the_same_story_again_whatever_the_keys_are() {
    let other_keys = std::sync::Arc::new(office::Office::new());
    // In 182 the floor waits for the disk while it judges, and others arrive meanwhile.
    for seed in [3, 182] {
        let first = play(seed, &office(), None, false);
        let again = play(seed, &office(), None, false);
        assert_eq!((first.digest, first.steps), (again.digest, again.steps), "seed {seed}");
        let elsewhere = play(seed, &other_keys, None, false);
        assert_eq!((first.digest, first.steps), (elsewhere.digest, elsewhere.steps), "seed {seed}");
    }
}
