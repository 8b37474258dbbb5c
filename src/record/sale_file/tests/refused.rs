//! Each rule of RULES 3 by a file that breaks it, named by lot, key and reason.

use super::*;

/// SEED.md, defect 21: the file was not checked.
#[test]
fn defect_21_every_fault_is_named_by_lot_key_and_reason() {
    for (item, expected) in [
        (r#"{"name":"x","highest_bid":"5","duration":1}"#, "key \"highest_bid\": a whole"),
        (r#"{"name":"x","highest_bid":-1,"duration":1}"#, "key \"highest_bid\": a whole"),
        (r#"{"name":"x","highest_bid":5.0,"duration":1}"#, "key \"highest_bid\": a whole"),
        (
            r#"{"name":"x","highest_bid":9007199254740991,"duration":1}"#,
            "key \"highest_bid\": no bid",
        ),
        (r#"{"name":"x","highest_bid":5,"duration":-3}"#, "key \"duration\": a whole"),
        (r#"{"name":"x","highest_bid":5,"duration":0}"#, "key \"duration\": 0 seconds"),
        (r#"{"name":"x","highest_bid":5,"duration":99999999}"#, "key \"duration\": 99999999"),
        (r#"{"name":"x","highest_bid":5,"duration":1e2}"#, "key \"duration\": a whole"),
        (r#"{"name":5,"highest_bid":5,"duration":1}"#, "key \"name\": a text"),
        (r#"{"name":"","highest_bid":5,"duration":1}"#, "key \"name\": a title"),
        (r#"{"name":"a\u001b[2J","highest_bid":5,"duration":1}"#, "key \"name\": a title"),
        (r#"{"highest_bid":5,"duration":1}"#, "key \"name\": the key is missing"),
        (r#"{"name":"x","duration":1}"#, "key \"highest_bid\": the key is missing"),
        (r#"{"name":"x","highest_bid":5}"#, "key \"duration\": the key is missing"),
        (
            r#"{"name":"x","highest_bid":5,"duration":1,"duration":2}"#,
            "key \"duration\": the key is there twice",
        ),
        (r#"{"name":"x","highest_bid":5,"duration":1,"start":2}"#, "key \"start\": the key is"),
        (r#"{"name":"x","highest_bid":5,"duration":1,"hammer":2}"#, "key \"hammer\": the key is"),
        ("[1]", "an object is expected"),
    ] {
        let error = read(&format!(r#"{{"1":{item}}}"#)).expect_err(item);
        assert_eq!(error.lot.as_deref(), Some("1"), "{item}");
        assert!(error.to_string().contains(expected), "{item}: {error}");
    }
}

#[test]
fn defect_21_ids_have_one_form_and_stand_once() {
    let item = r#"{"name":"x","highest_bid":5,"duration":1}"#;
    for id in ["01", "", "a", "-1", "1 ", "12345678901234567"] {
        refused(&format!(r#"{{"{id}":{item}}}"#), Some(id), None, "an id is");
    }
    let twice = "the id is there twice";
    refused(&format!(r#"{{"1":{item},"2":{item},"1":{item}}}"#), Some("1"), None, twice);
    refused(&format!(r#"{{"1":{item},"\u0031":{item}}}"#), Some("1"), None, twice);
    let full =
        |ids: &str| format!(r#"{{"sale":{{"currency":{{"code":"EUR"}}}},"lots":{{{ids}}}}}"#);
    refused(&full(&format!(r#""a":{item},"a":{item}"#)), Some("a"), None, twice);
    for id in ["A", "a_b", "-a", "", "a2345678901234567", "é"] {
        refused(&full(&format!(r#""{id}":{item}"#)), Some(id), None, "a lot id is");
    }
}

#[test]
fn keys_that_contradict_each_other_are_refused() {
    let ends = r#""ends_at":"2027-01-01T00:00:00Z""#;
    let stagger = r#""first_lot_ends_at":"2027-01-01T00:00:00Z","stagger_ms":1"#;
    for (keys, key, reason) in [
        (r#""timer":"manual","duration":9"#.to_owned(), "duration", "has no duration"),
        (r#""timer":"schedule","duration":9"#.to_owned(), "duration", "has no duration"),
        (format!(r#""timer":"manual",{ends}"#), "ends_at", "no fixed hours"),
        (format!(r#""timer":"first-bid","duration":9,{ends}"#), "ends_at", "no fixed hours"),
        (format!(r#""duration":9,{ends}"#), "duration", "another end"),
        (r#""duration":9,"reserve":500,"without_reserve":true"#.to_owned(), "reserve", "without"),
        (r#""duration":9,"estimate":[6,5]"#.to_owned(), "estimate", "5 is below 6"),
    ] {
        refused(&file("", &format!("{LOT},{keys}")), Some("1"), Some(key), reason);
        refused(&file(&format!(",{keys}"), LOT), None, Some(key), reason);
    }
    refused(&file(&format!(",{ends},{stagger}"), LOT), None, Some("ends_at"), "another end");
    refused(&file(&format!(",\"duration\":9,{stagger}"), LOT), None, Some("duration"), "another");
    refused(
        &file("", &format!(r#"{LOT},"highest_bid":9,"duration":9"#)),
        Some("1"),
        Some("start"),
        "highest_bid",
    );
    refused(&file(r#","stagger_ms":5"#, LOT), None, Some("stagger_ms"), "first_lot_ends_at");
    let first = r#","first_lot_ends_at":"2027-01-01T00:00:00Z""#;
    refused(&file(first, LOT), None, Some("first_lot_ends_at"), "stagger_ms");
}

#[test]
fn every_bad_value_of_a_lot_is_named() {
    for (keys, key, reason) in [
        (r#""start":0"#, "start", "1 to 2^53-1"),
        (r#""start":-5"#, "start", "minor units"),
        (r#""start":5.5"#, "start", "minor units"),
        (r#""start":"5.00""#, "start", "minor units"),
        (r#""start":9007199254740992"#, "start", "1 to 2^53-1"),
        (r#""start":null"#, "start", "minor units"),
        (r#""increments":[]"#, "increments", "at least one row"),
        (r#""increments":[[5,1]]"#, "increments", "begins at 0"),
        (r#""increments":[[0,1],[9,1],[9,2]]"#, "increments", "rise"),
        (r#""increments":[[0,0]]"#, "increments", "zero"),
        (r#""increments":[[0,-1]]"#, "increments", "[[from, step], ..]"),
        (r#""increments":[[0,1,2]]"#, "increments", "[[from, step], ..]"),
        (r#""increments":{"0":1}"#, "increments", "[[from, step], ..]"),
        (r#""reserve":99"#, "reserve", "99 is below the start, 100"),
        (r#""reserve":0"#, "reserve", "1 to 2^53-1"),
        (r#""reserve":null"#, "reserve", "minor units"),
        (r#""reserve_commit":"sha256:00""#, "reserve_commit", "put the amount in `reserve`"),
        (r#""without_reserve":1"#, "without_reserve", "true or false"),
        (r#""seller":"""#, "seller", "a title"),
        (r#""seller":"\u202eada""#, "seller", "a title"),
        (r#""seller":null"#, "seller", "a text"),
        (r#""estimate":[5]"#, "estimate", "[from, to]"),
        (r#""estimate":[0,5]"#, "estimate", "1 to 2^53-1"),
        (r#""timer":"auto""#, "timer", "\"first-bid\""),
        (r#""duration":0"#, "duration", "0 seconds"),
        (r#""duration":31622401"#, "duration", "31622401 seconds"),
        (r#""soft_window_ms":31622400001"#, "soft_window_ms", "at most"),
        (r#""soft_extend_ms":-1"#, "soft_extend_ms", "not negative"),
        (r#""hard_end":"tonight""#, "hard_end", "offset from UTC"),
        (r#""hard_end":1796115600000"#, "hard_end", "a time as a text"),
        (r#""ends_at":"2027-01-01T20:00:00""#, "ends_at", "offset from UTC"),
        (r#""ends_at_ms":5"#, "ends_at_ms", "unknown"),
        (r#""hammer":5"#, "hammer", "unknown"),
        (r#""currency":{"code":"USD"}"#, "currency", "stands in `sale`"),
        (r#""sale_ends_at":"2027-01-01T00:00:00Z""#, "sale_ends_at", "stands in `sale`"),
        (r#""stagger_ms":5"#, "stagger_ms", "stands in `sale`"),
        (r#""seller":"ada","seller":"bob""#, "seller", "twice"),
    ] {
        let kept = LOT.split_inclusive(',').filter(|own| !own.contains(&format!("\"{key}\"")));
        let own: String = if key == "increments" {
            r#""name":"x","start":100,"#.to_owned()
        } else {
            kept.collect::<String>().trim_end_matches(',').to_owned() + ","
        };
        refused(
            &file(r#","timer":"manual""#, &format!("{own}{keys}")),
            Some("1"),
            Some(key),
            reason,
        );
    }
    for (keys, missing) in [
        (r#""start":5,"increments":[[0,1]]"#, "name"),
        (r#""name":"x","increments":[[0,1]]"#, "start"),
        (r#""name":"x","start":5"#, "increments"),
    ] {
        let text = file(r#","timer":"manual""#, keys);
        refused(&text, Some("1"), Some(missing), "missing");
    }
    refused(&file("", LOT), Some("1"), Some("timer"), "nothing says how the lot ends");
    let no_end = format!(r#"{LOT},"timer":"schedule""#);
    refused(&file("", &no_end), Some("1"), Some("ends_at"), "missing");
    let no_duration = format!(r#"{LOT},"timer":"first-bid""#);
    refused(&file("", &no_duration), Some("1"), Some("duration"), "missing");
}

#[test]
fn every_bad_value_of_the_sale_is_named() {
    for (keys, key, reason) in [
        (r#""id":"Big Sale""#, "id", "sale id"),
        (r#""title":"a\nb""#, "title", "a title"),
        (r#""opens_at":"2027-01-01""#, "opens_at", "offset from UTC"),
        (r#""opens_at":"1970-01-01T00:00:00Z""#, "opens_at", "2000 to 2099"),
        (r#""sale_ends_at":true"#, "sale_ends_at", "a time"),
        (r#""restart_grace_ms":86400001"#, "restart_grace_ms", "at most 86400000"),
        (r#""room_bids":"yes""#, "room_bids", "true or false"),
        (r#""void_policy":"forget""#, "void_policy", "\"reinstate\""),
        (r#""fees":5"#, "fees", "an object"),
        (r#""fees":{"premium_bps":10001}"#, "fees.premium_bps", "10001 basis points"),
        (r#""fees":{"tax_bps":500}"#, "fees.tax_on", "missing"),
        (r#""fees":{"tax_on":"hammer"}"#, "fees.tax_on", "\"premium\""),
        (r#""fees":{"levy_bps":1}"#, "fees.levy_bps", "unknown"),
        (r#""fees":{"tax_bps":1,"tax_bps":2,"tax_on":"premium"}"#, "fees.tax_bps", "twice"),
        (r#""highest_bid":5"#, "highest_bid", "stands in a lot"),
        (r#""sale_ends_ms":5"#, "sale_ends_ms", "unknown"),
        (r#""reserve_commit":"x""#, "reserve_commit", "put the amount"),
        (r#""colour":"red""#, "colour", "unknown"),
        (r#""room_bids":true,"room_bids":true"#, "room_bids", "twice"),
    ] {
        refused(&file(&format!(",\"timer\":\"manual\",{keys}"), LOT), None, Some(key), reason);
    }
}

#[test]
fn the_currency_is_one_of_iso_4217_with_its_own_digits() {
    let with = |currency: &str| {
        let lot = r#"{"name":"x","start":1,"increments":[[0,1]]}"#;
        format!(r#"{{"sale":{{"timer":"manual"{currency}}},"lots":{{"1":{lot}}}}}"#)
    };
    for (code, digits) in [("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("XCG", 2)] {
        for given in [String::new(), format!(",\"minor_digits\":{digits}")] {
            let text = with(&format!(r#","currency":{{"code":"{code}"{given}}}"#));
            let currency = read(&text).expect(code).currency;
            assert_eq!((currency.code(), currency.minor_digits()), (Some(code), digits));
        }
    }
    for (currency, key, reason) in [
        ("", "currency", "missing"),
        (r#","currency":"EUR""#, "currency", "an object"),
        (r#","currency":{}"#, "currency.code", "missing"),
        (r#","currency":{"code":null,"minor_digits":0}"#, "currency.code", "a text"),
        (r#","currency":{"code":"ABC"}"#, "currency.code", "\"ABC\" is no currency"),
        (r#","currency":{"code":"eur"}"#, "currency.code", "\"eur\" is no currency"),
        (r#","currency":{"code":"XAU"}"#, "currency.code", "no currency"),
        (r#","currency":{"code":"EUR","minor_digits":0}"#, "currency.minor_digits", "has 2"),
        (r#","currency":{"code":"EUR","symbol":"€"}"#, "currency.symbol", "unknown"),
    ] {
        refused(&with(currency), None, Some(key), reason);
    }
    let old = read(&with(r#","currency":{"code":"HRK"}"#)).expect("reads");
    assert_eq!(old.notes, ["the currency HRK was replaced by EUR"]);
}

#[test]
fn hours_in_which_nobody_could_bid_are_refused() {
    let late = r#""ends_at":"2027-01-02T00:00:00Z""#;
    let sale = |keys: &str| format!(",{keys}");
    let lot = |keys: &str| format!("{LOT},{keys}");
    refused(
        &file(&sale(r#""opens_at":"2027-01-02T00:00:00Z""#), &lot(late)),
        Some("1"),
        Some("ends_at"),
        "not after the opening",
    );
    refused(
        &file(
            &sale(r#""opens_at":"2027-01-02T00:00:00Z","sale_ends_at":"2027-01-01T00:00:00Z""#),
            &lot(r#""duration":5"#),
        ),
        None,
        Some("sale_ends_at"),
        "not after the opening",
    );
    refused(
        &file(
            &sale(r#""sale_ends_at":"2027-01-01T00:00:00Z""#),
            &lot(&format!(r#"{late},"opens_at":"2027-01-01T12:00:00Z""#)),
        ),
        Some("1"),
        Some("opens_at"),
        "before the lot opens",
    );
    refused(
        &file("", &lot(&format!(r#"{late},"hard_end":"2027-01-01T00:00:00Z""#))),
        Some("1"),
        Some("hard_end"),
        "before the end",
    );
    refused(
        &file(
            &sale(r#""opens_at":"2027-01-02T00:00:00Z""#),
            &lot(r#""duration":5,"hard_end":"2027-01-01T00:00:00Z""#),
        ),
        Some("1"),
        Some("hard_end"),
        "not after the opening",
    );
}
