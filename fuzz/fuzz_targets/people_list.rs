//! A list of people, held against the house's register: each row is new, or was issued before, or
//! is broken, and no name is issued twice.

#![no_main]

use std::collections::HashSet;
use std::sync::LazyLock;

use gavel::auction::name::is_showable;
use gavel::pki::{HouseFolder, PeopleList, Row};
use gavel_fuzz::house;
use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<HouseFolder> = LazyLock::new(house::folder);
/// The most rows of one run.
const ROWS_MAX: usize = 64;

fuzz_target!(|text: &str| {
    let rows: Vec<Row> = (2..).zip(text.lines().take(ROWS_MAX)).map(row).collect();
    let list = PeopleList { folder: house::path().join("requests"), rows };
    let out = house::path().join("people");
    let judged = FOLDER.judge(&list, &out, house::later()).expect("the register reads");
    let mut names = HashSet::new();
    for wish in &judged.new {
        assert!(names.insert(wish.name.clone()), "{} twice", wish.name);
    }
    let mut rows = HashSet::new();
    let good =
        judged.new.iter().map(|wish| wish.row).chain(judged.kept.iter().map(|kept| kept.row));
    assert!(good.into_iter().all(|row| rows.insert(row)), "a row has two outcomes");
    for bad in &judged.bad {
        assert!(!rows.contains(&bad.row), "row {} is good and broken", bad.row);
        let said = bad.fault.to_string();
        assert!(said.chars().all(is_showable), "{said:?}");
    }
    rows.extend(judged.bad.iter().map(|bad| bad.row));
    assert_eq!(rows.len(), list.rows.len(), "a row without an outcome");
});

fn row((number, line): (u64, &str)) -> Row {
    let mut cells = line.split(',').map(str::to_owned);
    let mut cell = || cells.next().unwrap_or_default();
    let (name, role, request, days) = (cell(), cell(), cell(), cell());
    // Other files of this machine are none of a list's business here.
    let request = match request.as_str() {
        "" => String::new(),
        "r" => "alice.request.pem".to_owned(),
        _ => "nobody.request.pem".to_owned(),
    };
    Row { number, name, role, request, days }
}
