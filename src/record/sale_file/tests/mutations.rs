//! Files that went wrong anywhere: none panics, and none loads that could not be sold by.

use proptest::prelude::*;

use super::*;

/// A valid file with one stretch of it cut out, doubled or replaced.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop_oneof![
        Just("null".to_owned()),
        Just("0".to_owned()),
        Just("-1".to_owned()),
        Just("1e999".to_owned()),
        Just("9007199254740992".to_owned()),
        Just("99999999999999999999999".to_owned()),
        Just("{}".to_owned()),
        Just("[]".to_owned()),
        Just("[".repeat(300)),
        Just(r#""\ud800""#.to_owned()),
        Just(r#""2099-12-31T23:59:59Z""#.to_owned()),
        "[\\PC]{0,8}",
    ];
    let source = prop_oneof![Just(ESTATE), Just(CHARITY), Just(SEED)];
    (source, any::<prop::sample::Index>(), 0_usize..40, pieces, 0_u8..3).prop_map(
        |(source, from, length, piece, how)| {
            let bytes = source.as_bytes();
            let from = from.index(bytes.len());
            let to = (from + length).min(bytes.len());
            let middle = match how {
                0 => piece.into_bytes(),
                1 => bytes[from..to].repeat(2),
                _ => Vec::new(),
            };
            [&bytes[..from], &middle, &bytes[to..]].concat()
        },
    )
}

/// The file's values, one replaced by another of its values.
fn shuffled() -> impl Strategy<Value = String> {
    let source = prop_oneof![Just(ESTATE), Just(CHARITY), Just(SEED)];
    (source, any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(
        |(source, from, to)| {
            let mut tokens: Vec<&str> =
                source.split_inclusive([',', ':', '[', ']', '{', '}']).collect();
            let (from, to) = (from.index(tokens.len()), to.index(tokens.len()));
            tokens[to] = tokens[from];
            tokens.concat()
        },
    )
}

proptest! {
    #[test]
    fn no_file_panics_and_what_loads_can_be_sold_by(bytes in mutated(), opening in 0_u64..1 << 53) {
        let opening = Timestamp::from_unix_ms(opening).expect("in range");
        for times in [Times::Absolute, Times::FromOpening(opening)] {
            if let Ok(file) = read_sale_file(&bytes, times) {
                let catalogue = Catalogue::new(file.sale_terms(false), file.lot_terms());
                prop_assert!(catalogue.is_ok());
                let _ = file.check_hours(opening);
            }
        }
    }

    #[test]
    fn no_value_in_anothers_place_panics(text in shuffled()) {
        if let Err(error) = read(&text) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
