//! A witness policy (C2SP tlog-policy): what it says of a checkpoint is what a second, naive
//! reading of the same file says, whoever cosigned.

#![no_main]

use std::collections::HashMap;

use gavel::ledger::Policy;
use gavel::ledger::note::Note;
use gavel_fuzz::keys::witness_key;
use libfuzzer_sys::fuzz_target;

/// How many witnesses there are that may cosign: their keys stand in the dictionary.
const WITNESSES: u8 = 6;
const TEXT: &str = "test-house/spring\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

// The first byte says who cosigned.
fuzz_target!(|bytes: &[u8]| {
    let Some((cosigners, file)) = bytes.split_first() else { return };
    let Ok(policy) = Policy::parse(file) else { return };
    let has = |number: u8| cosigners & (1 << number) != 0;
    let lines = (0..WITNESSES).filter(|number| has(*number));
    let lines = lines.map(|number| witness_key(number).cosign(TEXT, 1_700_000_000));
    let note = Note { text: TEXT.to_owned(), signatures: lines.collect() };
    let judgement = policy.judge(&note).expect("all cosignatures stand");

    let naive = Naive::read(std::str::from_utf8(file).ok(), has);
    if let Some(naive) = naive {
        assert_eq!(judgement.is_met(), naive.is_met(), "{judgement:?}");
    }
    let cosigned: Vec<&str> = judgement.cosigned.iter().map(|(name, _)| name.as_str()).collect();
    let named: Vec<&str> = policy.witnesses().map(|witness| witness.name.as_str()).collect();
    assert!(cosigned.iter().all(|name| named.contains(name)));
    assert!(policy.requires_witnesses() || judgement.is_met());

    let nobody = policy.judge(&Note { text: TEXT.to_owned(), signatures: Vec::new() });
    let nobody = nobody.expect("no line is wrong");
    assert_eq!(nobody.is_met(), !policy.requires_witnesses());
    assert!(nobody.cosigned.is_empty());
});

/// Whether each name counts, read without any of the checks.
struct Naive {
    counts: HashMap<String, bool>,
    quorum: String,
}

impl Naive {
    fn read(file: Option<&str>, has: impl Fn(u8) -> bool) -> Option<Self> {
        let known: HashMap<String, u8> = (0..WITNESSES)
            .map(|number| (witness_key(number).public().vkey().to_string(), number))
            .collect();
        let (mut counts, mut quorum) = (HashMap::new(), String::new());
        for line in file?.lines() {
            let words: Vec<&str> =
                line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
            match words.as_slice() {
                ["witness", name, key, ..] => {
                    let counted = known.get(*key).is_some_and(|number| has(*number));
                    counts.insert((*name).to_owned(), counted);
                }
                ["group", name, threshold, members @ ..] => {
                    let met = members.iter().filter(|member| counts[**member]).count();
                    let least = match *threshold {
                        "all" => members.len(),
                        "any" => 1,
                        number => number.parse().ok()?,
                    };
                    counts.insert((*name).to_owned(), met >= least);
                }
                ["quorum", name] => quorum = (*name).to_owned(),
                _ => {}
            }
        }
        Some(Self { counts, quorum })
    }

    fn is_met(&self) -> bool {
        self.quorum == "none" || self.counts[&self.quorum]
    }
}
