//! What both forms of the sale file say; `refused` has what they must not say.

mod mutations;
mod refused;

use super::sale::SALE_WIDE;
use super::*;
use crate::auction::catalogue::{Seller, Timer};
use crate::auction::fees::TaxOn;

const ESTATE: &str = include_str!("../../../../examples/estate.json");
const CHARITY: &str = include_str!("../../../../examples/charity.json");
const SEED: &str = include_str!("../../../../items.json");

fn read(text: &str) -> Result<SaleFile, SaleFileError> {
    read_sale_file(text.as_bytes(), Times::Absolute)
}

/// A file with a euro sale of these further keys, and lot 1 with these.
fn file(sale: &str, lot: &str) -> String {
    format!(r#"{{"sale":{{"currency":{{"code":"EUR"}}{sale}}},"lots":{{"1":{{{lot}}}}}}}"#)
}

const LOT: &str = r#""name":"x","start":100,"increments":[[0,50]]"#;

/// The one lot of a file with these keys beside name, start and increments.
fn lot(sale: &str, keys: &str) -> FileLot {
    let text = file(sale, &format!("{LOT}{keys}"));
    let mut lots = read(&text).unwrap_or_else(|error| panic!("{text}: {error}")).lots;
    lots.remove(0)
}

fn refused(text: &str, lot: Option<&str>, key: Option<&str>, reason: &str) {
    let error = read(text).expect_err(text);
    assert_eq!((error.lot.as_deref(), error.key.as_deref()), (lot, key), "{text}: {error}");
    assert!(error.reason.contains(reason), "{text}: {error}");
}

fn at(text: &str) -> Timestamp {
    let time: jiff::Timestamp = text.parse().expect("a time");
    Timestamp::from_unix_ms(u64::try_from(time.as_millisecond()).expect("after 1970"))
        .expect("fits")
}

fn amount(minor_units: u64) -> Amount {
    Amount::new(minor_units).expect("an amount")
}

#[test]
fn the_seeds_own_items_load_in_file_order() {
    let file = read(SEED).expect("the seed's file");
    assert!(file.is_seed_form && file.notes.is_empty());
    assert_eq!((file.currency.code(), file.fees), (None, None));
    let lots = file.lot_terms();
    let names: Vec<&str> = lots.iter().map(|lot| lot.name.as_str()).collect();
    assert_eq!((names[0], names[4]), ("Saleena's Soul", "Sanju Samson"));
    assert_eq!(lots[2].id.as_str(), "3");
    assert_eq!(lots[2].start.minor_units(), 1001);
    assert_eq!(lots[2].increments.rows(), [(0, 1)]);
    assert_eq!(lots[2].timer, Timer::FirstBid { duration: Span::from_s(30) });
    assert_eq!((lots[2].soft_window, lots[2].soft_extend), (Span::ZERO, Span::ZERO));
}

#[test]
fn lots_keep_the_files_order_not_the_ids() {
    let item = r#"{"name":"x","highest_bid":0,"duration":1}"#;
    let ids_of = |file: &str| -> Vec<String> {
        let lots = read(file).expect("reads").lots;
        lots.iter().map(|lot| lot.terms.id.to_string()).collect()
    };
    assert_eq!(ids_of(&format!(r#"{{"10":{item},"2":{item},"0":{item}}}"#)), ["10", "2", "0"]);
    let full = format!(
        r#"{{"lots":{{"b":{item},"10":{item},"2":{item}}},"sale":{{"currency":{{"code":"EUR"}}}}}}"#
    );
    assert_eq!(ids_of(&full), ["b", "10", "2"]);
}

#[test]
fn files_that_are_neither_form_are_refused_whole() {
    for bytes in [&b"{}"[..], b"", b"[]", b"5", b"\xff", b"\xef\xbb\xbf{}", b"{\"1\":{}", b"{} x"] {
        let error = read_sale_file(bytes, Times::Absolute).expect_err("no sale file");
        assert_eq!((error.lot, error.key), (None, None));
    }
    refused(r#"{"sale":{}}"#, None, Some("lots"), "missing");
    refused(r#"{"lots":{}}"#, None, Some("sale"), "missing");
    refused(r#"{"sale":{},"lots":{},"sale":{}}"#, None, Some("sale"), "twice");
    refused(r#"{"sale":{},"lots":{},"1":{}}"#, None, Some("1"), "beside");
    refused(r#"{"sale":[],"lots":{}}"#, None, Some("sale"), "an object");
    refused(r#"{"sale":{},"lots":[]}"#, None, Some("lots"), "an object");
    refused(r#"{"sale":{},"lots":{}}"#, None, None, "no lot");
    refused(r#"{"sale":{},"lots":{"1":5}}"#, Some("1"), None, "an object");
}

#[test]
fn what_the_file_says_cannot_move_a_cursor() {
    let error = read(r#"{"\u001b[2J":{"name":"x"}}"#).expect_err("a bad id").to_string();
    assert!(!error.contains('\u{1b}'), "{error:?}");
}

#[test]
fn the_estate_sale_loads() {
    let file = read(ESTATE).expect("examples/estate.json");
    assert_eq!(file.id.as_ref().map(SaleId::as_str), Some("thornbury-2027"));
    assert_eq!(file.title.as_ref().map(Title::as_str), Some("The contents of Thornbury Lodge"));
    assert_eq!((file.currency.code(), file.currency.minor_digits()), (Some("GBP"), 2));
    assert_eq!(file.opens_at, Some(at("2027-03-06T09:00:00Z")));
    assert_eq!(file.restart_grace, Some(Span::from_s(300)));
    assert_eq!((file.sale_ends_at, file.room_bids, file.is_seed_form), (None, false, false));
    let fees = file.fees.expect("fees");
    assert_eq!((fees.premium.bps(), fees.tax_on), (2_400, TaxOn::Premium));
    let ends: Vec<Timestamp> = file
        .lots
        .iter()
        .map(|lot| match lot.terms.timer {
            Timer::Schedule { opens_at: None, ends_at } => ends_at,
            other => panic!("{other:?}"),
        })
        .collect();
    let first = at("2027-03-13T18:00:00Z");
    let step = |count: u64| first.plus(Span::from_s(45 * count));
    // The last lot has its own end.
    assert_eq!(ends, [step(0), step(1), step(2), step(3), step(4), at("2027-03-13T20:00:00Z")]);
    let reserves: Vec<Option<u64>> =
        file.lots.iter().map(|lot| lot.reserve.map(Amount::minor_units)).collect();
    assert_eq!(reserves, [Some(85_000), None, Some(18_000), None, None, Some(320_000)]);
    assert!(file.lots[1].terms.without_reserve && !file.lots[4].terms.without_reserve);
    assert_eq!(file.lots[4].terms.increments.rows(), [(0, 200)]);
    assert_eq!(file.lots[5].terms.soft_window, Span::from_s(300));
    assert_eq!(file.reserved().map(|lot| lot.terms.id.as_str()), Some("1"));
    assert_eq!(file.notes.len(), 1, "{:?}", file.notes);
    assert!(file.notes[0].starts_with("lot 4: the seller, \"A neighbour of the Lodge\""));
}

#[test]
fn the_charity_evening_loads() {
    let file = read(CHARITY).expect("examples/charity.json");
    assert_eq!((file.currency.code(), file.currency.minor_digits()), (Some("EUR"), 2));
    assert_eq!(file.sale_ends_at, Some(at("2027-02-20T22:30:00Z")));
    assert_eq!((file.room_bids, file.void_policy), (true, VoidPolicy::Reopen));
    let lots = file.lot_terms();
    assert!(lots[..4].iter().all(|lot| lot.timer == Timer::Manual));
    assert!(matches!(lots[0].seller, Some(Seller::Person(_))));
    assert_eq!(lots[2].start, amount(1_000));
    assert_eq!(lots[4].start, amount(500));
    assert_eq!(lots[4].timer, Timer::FirstBid { duration: Span::from_s(600) });
    assert_eq!(lots[4].soft_window, Span::ZERO);
}

#[test]
fn what_nobody_says_is_the_default() {
    let text = file("", &format!("{LOT},\"duration\":30"));
    let file = read(&text).expect("reads");
    assert_eq!((file.id.is_none(), file.title.is_none(), file.fees), (true, true, None));
    assert_eq!((file.room_bids, file.void_policy), (false, VoidPolicy::Reinstate));
    assert_eq!(file.sale_terms(true).restart_grace, RESTART_GRACE);
    let terms = &file.lots[0].terms;
    assert_eq!((terms.soft_window, terms.soft_extend), (Span::from_s(120), Span::from_s(120)));
    assert_eq!((terms.hard_end, terms.estimate, terms.without_reserve), (None, None, false));
    assert_eq!((&terms.seller, file.lots[0].reserve), (&None, None));
}

#[test]
fn a_lots_own_key_wins_over_the_sales() {
    let sale = r#","duration":60,"soft_window_ms":1000,"soft_extend_ms":2000,"seller":"ada",
        "estimate":[5,6],"reserve":700,"hard_end":"2027-01-02T00:00:00Z""#;
    let given = lot(sale, "");
    assert_eq!(given.terms.timer, Timer::FirstBid { duration: Span::from_s(60) });
    assert_eq!(given.terms.soft_window, Span::from_s(1));
    assert_eq!(given.reserve, Some(amount(700)));
    let own = lot(
        sale,
        r#","duration":5,"soft_window_ms":0,"soft_extend_ms":0,"seller":"Bob & sons",
           "estimate":[7,8],"reserve":800,"hard_end":"2027-01-03T00:00:00Z""#,
    );
    assert_eq!(own.terms.timer, Timer::FirstBid { duration: Span::from_s(5) });
    assert_eq!((own.terms.soft_window, own.terms.soft_extend), (Span::ZERO, Span::ZERO));
    assert!(matches!(own.terms.seller, Some(Seller::Text(_))));
    assert_eq!(
        (own.terms.estimate, own.reserve),
        (Some((amount(7), amount(8))), Some(amount(800)))
    );
    assert_eq!(own.terms.hard_end, Some(at("2027-01-03T00:00:00Z")));
    assert_eq!(lot(sale, r#","without_reserve":true"#).reserve, None);
    let without = r#","duration":60,"without_reserve":true"#;
    assert!(lot(without, "").terms.without_reserve);
    assert!(!lot(without, r#","reserve":800"#).terms.without_reserve);
    assert!(!lot(without, r#","without_reserve":false"#).terms.without_reserve);
    // Its name, too, though few sales would give one to all lots.
    let named = file(r#","name":"a goat","start":1,"increments":[[0,1]],"timer":"manual""#, "");
    assert_eq!(read(&named).expect("reads").lots[0].terms.name.as_str(), "a goat");
}

#[test]
fn the_end_of_a_lot_is_said_by_its_timer_or_by_what_needs_one() {
    let end = at("2027-01-01T00:00:00Z");
    let ends = r#","ends_at":"2027-01-01T00:00:00Z""#;
    let schedule = Timer::Schedule { opens_at: None, ends_at: end };
    let first_bid = Timer::FirstBid { duration: Span::from_s(9) };
    for (sale, keys, timer) in [
        ("", ends, schedule),
        (ends, "", schedule),
        ("", r#","duration":9"#, first_bid),
        (r#","duration":9"#, "", first_bid),
        (r#","timer":"manual""#, "", Timer::Manual),
        ("", r#","timer":"manual""#, Timer::Manual),
        // The lot's own word, whatever the sale says.
        (r#","timer":"manual""#, r#","duration":9"#, first_bid),
        (r#","duration":8"#, ends, schedule),
        (ends, r#","timer":"manual""#, Timer::Manual),
        (ends, r#","duration":9"#, first_bid),
        (ends, r#","timer":"schedule""#, schedule),
        (r#","timer":"first-bid","duration":9"#, "", first_bid),
        (r#","timer":"first-bid""#, r#","duration":9"#, first_bid),
        (r#","first_lot_ends_at":"2027-01-01T00:00:00Z","stagger_ms":5"#, "", schedule),
        (r#","first_lot_ends_at":"2026-12-31T00:00:00Z","stagger_ms":0"#, ends, schedule),
        (
            ends,
            r#","opens_at":"2026-12-31T00:00:00Z""#,
            Timer::Schedule { opens_at: Some(at("2026-12-31T00:00:00Z")), ends_at: end },
        ),
    ] {
        assert_eq!(lot(sale, keys).terms.timer, timer, "{sale} {keys}");
    }
    let hard = r#","timer":"manual","hard_end":"2027-01-01T00:00:00Z""#;
    refused(&file(hard, LOT), None, Some("hard_end"), "staff end");
    let sale = r#","ends_at":"2027-01-01T00:00:00Z","hard_end":"2027-01-01T00:00:00Z""#;
    assert_eq!(lot(sale, r#","timer":"manual""#).terms.hard_end, None);
}

#[test]
fn a_sale_begins_before_its_hours_are_past() {
    let file = read(ESTATE).expect("the example");
    let key = |now: &str| file.check_hours(at(now)).map_err(|error| (error.lot, error.key));
    assert_eq!(key("2027-03-01T00:00:00Z"), Ok(()));
    // An opening that is past opens at once.
    assert_eq!(key("2027-03-07T00:00:00Z"), Ok(()));
    let lot_1 = |key: &str| Err((Some("1".to_owned()), Some(key.to_owned())));
    assert_eq!(key("2027-03-13T18:00:00Z"), lot_1("ends_at"));
    assert_eq!(key("2026-03-01T00:00:00Z"), Err((None, Some("opens_at".to_owned()))));
    assert_eq!(read(SEED).expect("the seed's").check_hours(at("2027-01-01T00:00:00Z")), Ok(()));
}

#[test]
fn the_latest_end_is_that_of_the_last_lot() {
    let estate = read(ESTATE).expect("the example");
    assert_eq!(estate.latest_end(None), Some(at("2027-03-13T23:00:00Z")));
    let charity = read(CHARITY).expect("the example");
    // The cake's timer may begin at the last moment.
    assert_eq!(charity.latest_end(charity.sale_ends_at), Some(at("2027-02-20T22:40:00Z")));
    let manual = read(&file(r#","timer":"manual""#, LOT)).expect("reads");
    assert_eq!(manual.latest_end(None), None);
}

#[test]
fn what_its_writer_may_not_mean_is_noted_once() {
    let lots: Vec<String> = (1..=3)
        .map(|id| format!(r#""{id}":{{{LOT},"seller":"Ada's aunt","soft_window_ms":120}}"#))
        .collect();
    let sale = r#""currency":{"code":"EUR"},"ends_at":"2027-01-02T00:00:00Z",
        "sale_ends_at":"2027-01-01T00:00:00Z""#;
    let text = format!(r#"{{"sale":{{{sale}}},"lots":{{{}}}}}"#, lots.join(","));
    let notes = read(&text).expect("reads").notes;
    assert_eq!(
        notes,
        [
            "lot 1 and 2 others: the seller, \"Ada's aunt\", is not a certificate's name: it bars \
             nobody from bidding",
            "lot 1 and 2 others: the end comes after the sale's: without a bid it closes with the \
             sale",
            "lot 1 and 2 others: the soft close is below a second: its keys are milliseconds",
        ]
    );
}

#[test]
fn scenarios_go_through_the_same_reader() {
    let opening = at("2030-01-01T00:00:00Z");
    let read =
        |sale: &str, lots: &str, currency: &str| read_scenario_sale(sale, lots, currency, opening);
    let none = r#"{"code": null, "minor_digits": 0}"#;
    let classic =
        r#"{"1": {"name": "x", "highest_bid": 50, "highest_bidder": null, "duration": 9}}"#;
    let file = read(r#"{"sale_ends_ms": 200000}"#, classic, none).expect("the seed's keys");
    assert_eq!(file.sale_ends_at, Some(opening.plus(Span::from_s(200))));
    assert_eq!((file.currency, file.is_seed_form), (Currency::seed(), false));
    assert_eq!(file.lots[0].terms.soft_window, Span::ZERO);
    let lots = r#"{"2": {"name": "x", "ends_at_ms": 630000, "hard_end_ms": 900000}}"#;
    let sale = r#"{"start": 1000, "increments": [[0, 100]], "opens_at_ms": 0}"#;
    let file = read(sale, lots, r#"{"code": "EUR", "minor_digits": 2}"#).expect("reads");
    assert_eq!(file.lots[0].terms.hard_end, Some(opening.plus(Span::from_s(900))));
    let fault = |sale: &str, lots: &str, currency: &str| {
        read(sale, lots, currency).map(drop).map_err(|error| (error.lot, error.key))
    };
    let of_sale = |key: &str| Err((None, Some(key.to_owned())));
    assert_eq!(fault(r#"{"ends_at": "2030-01-01T00:00:00Z"}"#, lots, none), of_sale("ends_at"));
    assert_eq!(fault(r#"{"currency": {"code": "EUR"}}"#, lots, none), of_sale("currency"));
    assert_eq!(fault("{", lots, none), of_sale("sale"));
    assert_eq!(fault("{}", "[]", none), of_sale("lots"));
    assert_eq!(fault("{}", lots, r#"{"code": null}"#), of_sale("currency.minor_digits"));
    assert_eq!(
        fault("{}", lots, r#"{"code": "EUR", "minor_digits": 3}"#),
        of_sale("currency.minor_digits")
    );
}

#[test]
fn a_reserve_is_not_printed() {
    let text = format!("{:?}", lot("", r#","duration":5,"reserve":4711"#));
    assert!(!text.contains("4711"), "{text}");
}

/// The shared scenarios' sale file, where `GAVEL_SCENARIOS` names their folder.
#[test]
fn the_published_estate_catalogue_loads_with_reserves() {
    let Ok(folder) = std::env::var("GAVEL_SCENARIOS") else {
        println!("GAVEL_SCENARIOS is not set: catalogue-estate.json is not read");
        return;
    };
    let path = std::path::Path::new(&folder).join("catalogue-estate.json");
    let text = std::fs::read_to_string(&path).expect("catalogue-estate.json");
    refused(&text, Some("1"), Some("reserve_commit"), "put the amount in `reserve`");
    let placeholder = r#""reserve_commit":"sha256:…""#;
    assert_eq!(text.matches(placeholder).count(), 3);
    let file = read(&text.replace(placeholder, r#""reserve":150000"#)).expect("with reserves");
    assert_eq!(file.lots.iter().filter(|lot| lot.reserve.is_some()).count(), 3);
    assert_eq!(file.id.map(|id| id.to_string()).as_deref(), Some("estate-ames-2026"));
    let last = Timer::Schedule { opens_at: None, ends_at: at("2026-12-08T18:02:00Z") };
    assert_eq!(file.lots[4].terms.timer, last);
}

/// Every JSON example of a sale file in the pages loads.
#[test]
fn the_examples_in_the_pages_load() {
    let pages = [
        include_str!("../../../../README.md"),
        include_str!("../../../../examples/README.md"),
        include_str!("../mod.rs"),
    ];
    let mut loaded = 0;
    for page in pages {
        let page = page.replace("//! ", "").replace("//!", "");
        for block in page.split("```json\n").skip(1) {
            let block = block.split("```").next().unwrap_or_default();
            for text in block.split("\n\n").filter(|text| !text.trim().is_empty()) {
                read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
                loaded += 1;
            }
        }
    }
    assert_eq!(loaded, 5);
}

/// The page's tables name the keys that the reader takes, each where it takes it.
#[test]
fn the_page_names_every_key() {
    let page = include_str!("../../../../examples/README.md");
    let (_, tables) = page.split_once("## Only in `sale`").expect("a table");
    let (of_sale, of_lot) = tables.split_once("## In a lot").expect("another");
    let keys = |table: &str| -> Vec<String> {
        let cells = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
        let words = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
        words.map(str::to_owned).collect()
    };
    let (of_sale, of_lot) = (keys(of_sale), keys(of_lot));
    assert_eq!((of_sale.len(), of_lot.len()), (SALE_WIDE.len() + 3, 16));
    assert!(SALE_WIDE.iter().all(|key| of_sale.iter().any(|named| named == key)));
    for (key, text) in of_sale
        .iter()
        .map(|key| (key, file(&format!(",\"{key}\":[]"), LOT)))
        .chain(of_lot.iter().map(|key| (key, file("", &format!("{LOT},\"{key}\":[]")))))
    {
        let error = read(&text).expect_err(key);
        assert!(!error.reason.contains("unknown"), "{key}: {error}");
    }
}
