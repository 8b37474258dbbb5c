//! Evidence against a house: what parses is written again as the same bytes, and nothing convicts
//! a house of two trees of one and the same ledger.

#![no_main]

use std::sync::LazyLock;

use gavel::audit::convict;
use gavel::ledger::Evidence;
use gavel_fuzz::played::Played;
use libfuzzer_sys::fuzz_target;

static PLAYED: LazyLock<Played> = LazyLock::new(Played::read);

fuzz_target!(|text: &str| {
    let Ok(evidence) = Evidence::parse(text) else { return };
    assert_eq!(evidence.to_text(), text);
    let Ok(conviction) = convict(&evidence, &PLAYED.anchor) else { return };
    let trees = [&conviction.first.0, &conviction.second.0];
    for ledger in &PLAYED.ledgers {
        let is_its = trees.map(|tree| ledger.tree.root_at(tree.size) == Some(tree.root));
        assert_ne!(is_its, [true; 2], "an honest house is convicted");
    }
});
