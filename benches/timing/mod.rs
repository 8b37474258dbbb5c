//! How the micro-benchmarks take time, and how they tell it.
//!
//! Each figure is the CPU time of this thread for one operation, as the median and the least of
//! several runs, and beside it as a share of one strict check of an Ed25519 signature, measured
//! first in the same minute: that share says more about another machine than nanoseconds do.

use std::hint::black_box;

use ed25519_dalek::{Signer as _, SigningKey};
use gavel::clock::ThreadTime;
use gavel::loadtest::Conditions;

/// How many runs each figure is the median of.
pub(crate) const RUNS: usize = 9;
/// About what a bidder signs.
const MESSAGE_BYTES: usize = 330;

/// A table of figures, printed as they come.
pub(crate) struct Table {
    check_ns: u64,
}

impl Table {
    /// Prints the conditions and the head of the table.
    pub(crate) fn begin(title: &str) -> Self {
        println!("{title}\nconditions: {}", Conditions::here());
        println!(
            "\n{:<54}{:>12}{:>12}{:>12}",
            "CPU time of one", "median ns", "least ns", "of a check"
        );
        let mut table = Self { check_ns: 0 };
        let key = SigningKey::from_bytes(&[7; 32]);
        let signed = |n: u8| {
            let message = [n; MESSAGE_BYTES];
            (key.sign(&message), message)
        };
        let signed: Vec<_> = (0..=u8::MAX).map(signed).collect();
        let public = key.verifying_key();
        let runs = runs_of(
            signed.len(),
            || (),
            |()| {
                for (signature, message) in &signed {
                    public.verify_strict(message, signature).expect("is good");
                }
            },
        );
        table.check_ns = median(&runs);
        table.row("check of a signature (verify_strict, key parsed)", runs);
        table
    }

    /// Measures `operations` operations at once, run by run; what they need is made before each
    /// run, and dropped after it, off the clock.
    pub(crate) fn measure<T>(
        &self,
        what: &str,
        operations: usize,
        prepare: impl FnMut() -> T,
        run: impl FnMut(&mut T),
    ) {
        self.row(what, runs_of(operations, prepare, run));
    }

    /// Prints what was measured: nanoseconds for one operation, of each run.
    pub(crate) fn row(&self, what: &str, mut runs: Vec<u64>) {
        runs.sort_unstable();
        let (median, least) = (median(&runs), runs.first().copied().unwrap_or(0));
        let share = (median * 1_000).checked_div(self.check_ns).unwrap_or(0);
        let share = format!("{}.{} %", share / 10, share % 10);
        println!("{what:<54}{median:>12}{least:>12}{share:>12}");
    }
}

fn runs_of<T>(
    operations: usize,
    mut prepare: impl FnMut() -> T,
    mut run: impl FnMut(&mut T),
) -> Vec<u64> {
    let mut one_run = || {
        let mut needed = prepare();
        let time = ThreadTime::start();
        run(black_box(&mut needed));
        each(time.elapsed_ns(), operations)
    };
    // The first one finds nothing in the caches.
    one_run();
    (0..RUNS).map(|_| one_run()).collect()
}

/// One operation's share.
pub(crate) fn each(all_ns: u64, operations: usize) -> u64 {
    all_ns / u64::try_from(operations).expect("few")
}

fn median(runs: &[u64]) -> u64 {
    let mut runs = runs.to_vec();
    runs.sort_unstable();
    runs[runs.len() / 2]
}
