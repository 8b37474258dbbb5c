//! Forgeries that nobody thought of: entries left out, doubled and exchanged, every
//! value of every entry replaced, all chained and sealed again. The auditor must
//! judge each of them without a panic.

use gavel::audit::{Verdict, audit};
use gavel::ledger::entry::Kind;
use rayon::prelude::*;
use serde_json::{Value, json};

use super::forge::Forge;
use super::world::world;

fn judge(forge: &Forge) -> Verdict {
    audit(&forge.forged(), world().anchors()).verdict()
}

#[test]
fn entries_left_out_doubled_and_exchanged() {
    let honest = Forge::honest();
    let count = honest.pieces.len();
    (0..count).into_par_iter().for_each(|one| {
        let mut without = honest.clone();
        without.pieces.remove(one);
        judge(&without);
        let mut doubled = honest.clone();
        doubled.pieces.insert(one, honest.pieces[one].clone());
        let verdict = judge(&doubled);
        let piece = &honest.pieces[one];
        let may_stand_twice = matches!(piece.kind, Kind::Seal | Kind::Revoke)
            || piece.kind == Kind::Enrol && piece.body["evidence"] == "attested";
        assert!(may_stand_twice || verdict == Verdict::Invalid, "{one} doubled: {verdict:?}");
        for other in 0..one {
            let mut exchanged = honest.clone();
            exchanged.pieces.swap(one, other);
            judge(&exchanged);
        }
        let mut cut = honest.clone();
        cut.pieces.truncate(one);
        assert_ne!(judge(&cut), Verdict::Valid, "cut before {one}");
    });
}

#[test]
fn every_value_replaced() {
    let honest = Forge::honest();
    let strange = [
        json!(0),
        json!(1),
        json!(9_007_199_254_740_991_u64),
        json!(""),
        json!("1"),
        json!("bob"),
        json!("0".repeat(64)),
        json!(true),
        json!([]),
        json!({}),
    ];
    // A seal's body is made again, so there is nothing to replace.
    let places: Vec<usize> =
        (0..honest.pieces.len()).filter(|at| honest.pieces[*at].kind != Kind::Seal).collect();
    places.into_par_iter().for_each(|place| {
        for path in paths(&honest.pieces[place].body, String::new()) {
            for value in &strange {
                let mut forge = honest.clone();
                let target = forge.pieces[place].body.pointer_mut(&path).expect("was there");
                if target == value {
                    continue;
                }
                *target = value.clone();
                let verdict = judge(&forge);
                // What the house measured or chose itself, and nobody else signed.
                let own_word =
                    ["/lag_us", "/wall", "/reason", "/crl_number", "/crl_hash", "/serial"];
                let is_own_word = own_word.contains(&path.as_str());
                assert!(
                    is_own_word || verdict == Verdict::Invalid,
                    "{} {path} = {value}: {verdict:?}",
                    forge.pieces[place].kind
                );
            }
        }
        for ms in [0, 1, 1_000_000] {
            let mut forge = honest.clone();
            forge.pieces[place].ts = ms;
            judge(&forge);
        }
    });
}

/// The JSON pointers of everything in a body, the body itself left out.
fn paths(value: &Value, path: String) -> Vec<String> {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    let deeper = below.into_iter().flat_map(|(key, value)| {
        let path = format!("{path}/{key}");
        let mut all = vec![path.clone()];
        all.extend(paths(value, path));
        all
    });
    deeper.collect()
}
