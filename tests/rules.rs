//! Plays the rule scripts in `tests/rules/*.txt`; their grammar is in the README
//! beside them. Every script goes through [`check`], so that a change of the API
//! changes this file and no script.

#[path = "rules/facts.rs"]
mod facts;
#[path = "rules/play.rs"]
mod play;
#[path = "rules/reading.rs"]
mod reading;
#[path = "rules/reserves.rs"]
mod reserves;
#[path = "rules/script.rs"]
mod script;

use std::fmt::Write as _;
use std::path::Path;

use script::Script;

#[test]
fn every_script_plays_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    let mut played = 0;
    let mut failures = String::new();
    for file in std::fs::read_dir(folder).expect("the folder of scripts") {
        let path = file.expect("an entry of the folder").path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let text = std::fs::read_to_string(&path).expect("a script");
            played += 1;
            if let Err(failure) = check(&text) {
                writeln!(failures, "{}:{failure}\n", path.display()).expect("a String takes it");
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(played >= 10, "only {played} scripts were found");
}

#[test]
fn a_script_that_is_wrong_is_told_where() {
    let head = "lot 1 start 5 step 1 first-bid 60s\nopen 12:00:00\n";
    let failure = |line: &str| check(&format!("{head}{line}")).expect_err("the script is wrong");
    assert!(failure("12:00:01 ada bids 1 5 -> closed").starts_with("3: 12:00:01 ada bids"));
    assert!(failure("12:00:01 ada bids 1 5 -> stands, price 6").contains("came: stands, open"));
    assert!(failure("12:00:01 ada bids 1 5").contains("no `->`"));
    assert!(failure("12:00:01 ada shouts -> stands").contains("no step"));
    assert!(failure("12:00:01 lot 1 -> price 5").contains("came: open"));
    assert!(failure("12:00:01 ada hammers 1 seen -> role").contains("an act saw"));
    assert!(failure("12:00:01 ada bids 1 5 saying yes -> stands").contains("amount"));
    assert!(failure("lot 2 start 5 -> open").contains("no time"));
    assert!(failure("12:00 ada bids 1 5 -> stands").contains("no time"));
    assert!(check("lot 1 first-bid 60s start 5").expect_err("no opening").contains("never opens"));
}

/// Plays one script; the error begins with the line's number.
fn check(text: &str) -> Result<(), String> {
    let mut script = Script::default();
    for (i, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("").trim();
        if !line.is_empty() {
            script.line(line).map_err(|why| format!("{}: {line}\n  {why}", i + 1))?;
        }
    }
    let play = script.play.ok_or("1: the sale never opens")?;
    play.replay().map_err(|why| format!("1: {why}"))
}
