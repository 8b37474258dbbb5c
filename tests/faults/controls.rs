//! Negative controls: each fault that `src/planted.rs` can plant is caught, and here is by what.
//!
//! | planted | caught by | as |
//! |---|---|---|
//! | `no-sync` | power cuts | acknowledged bids that the disk lacks |
//! | `no-copy-sync` | lost disks | acknowledged bids that the second disk lacks |
//! | `answer-before-sync` | power cuts while the disk is slow | acknowledged bids that the disk lacks |
//! | `seal-before-sync` | power cuts | no restart: the anchor is ahead of the ledger |
//! | `go-on-after-failure` | failing calls | a server that does not end |
//! | `trust-page-cache` | a disk that fails for real, then a power cut | acknowledged bids that the disk lacks, or no restart |
//! | `reorder-lines` | kill points | no restart: the ledger breaks before its anchor |
//! | `swap-answers` | the bidders, under any load | a receipt for something else |

use crate::failing_calls;
use crate::failing_disk::fail_and_cut;
use crate::hall::Program;
use crate::judge::Violation;
use crate::kill_points::killed_in_a_sale;
use crate::power_cuts::cut_in_a_sale;
use crate::second_disks::lose_disks;
use crate::tools::{Tool, have, number};

/// How often each control is run without `GAVEL_CONTROLS`: it is to be caught every time.
const RUNS: u32 = 1;
/// How many faults a control may stand through before it must be caught.
const FAULTS: std::ops::Range<u32> = 0..8;

fn caught(
    plant: &'static str,
    by: impl Fn(&Program) -> Result<usize, Violation>,
    expected: impl Fn(&Violation) -> bool,
) {
    if !have(plant, &[Tool::Planted, Tool::Strace, Tool::Mount]) {
        return;
    }
    let program = Program::planted(plant).expect("is built");
    for run in 0..number("GAVEL_CONTROLS", RUNS) {
        match by(&program) {
            Ok(bids) => panic!("{plant} is not caught in run {run}, after {bids} bids"),
            Err(violation) => {
                assert!(expected(&violation), "{plant} is caught by chance: {violation:?}");
                println!("{plant} is caught: {violation:?}");
            }
        }
    }
}

#[test]
fn without_the_sync_a_power_cut_loses_bids() {
    let by = |program: &Program| cut_in_a_sale(program, FAULTS).map(|told| told.bids);
    caught("no-sync", by, |found| matches!(found, Violation::Lost(_)));
}

#[test]
fn without_the_sync_of_the_copy_a_lost_disk_loses_bids() {
    let by = |program: &Program| lose_disks(program, FAULTS.end).map(|told| told.bids);
    caught("no-copy-sync", by, |found| matches!(found, Violation::Lost(_)));
}

#[test]
fn an_answer_before_the_sync_is_lost_in_a_power_cut() {
    let by = |program: &Program| cut_in_a_sale(program, FAULTS).map(|told| told.bids);
    caught("answer-before-sync", by, |found| matches!(found, Violation::Lost(_)));
}

#[test]
fn a_seal_before_the_sync_keeps_the_house_from_starting() {
    let by = |program: &Program| cut_in_a_sale(program, FAULTS).map(|told| told.bids);
    let expected = |found: &Violation| matches!(found, Violation::DoesNotRestart(said) if said.contains("[rolled-back]"));
    caught("seal-before-sync", by, expected);
}

#[test]
fn a_server_that_goes_on_after_a_failure_is_seen() {
    caught("go-on-after-failure", failing_calls::one_failing_sync, |found| {
        matches!(found, Violation::WentOn(_))
    });
}

#[test]
fn a_recovery_that_believes_the_page_cache_loses_bids() {
    caught("trust-page-cache", fail_and_cut, |found| {
        matches!(found, Violation::Lost(_) | Violation::DoesNotRestart(_))
    });
}

#[test]
fn lines_in_the_wrong_order_are_no_ledger() {
    let by = |program: &Program| killed_in_a_sale(program, FAULTS).map(|told| told.bids);
    caught("reorder-lines", by, |found| matches!(found, Violation::DoesNotRestart(_)));
}

#[test]
fn a_receipt_for_somebody_else_is_not_believed() {
    let by = |program: &Program| killed_in_a_sale(program, FAULTS).map(|told| told.bids);
    caught("swap-answers", by, |found| matches!(found, Violation::Client(_)));
}
