//! The design's arrows, clocks, printing and files, as a test.
//!
//! It reads the sources as text: every path that begins with `crate::`, also
//! inside braces, is an arrow from the file's module to the module it names. The
//! same checks run over planted sins, so that a check that cannot fail is found.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which top-level module may name which others (DESIGN 1). Everything may use
/// limits and time; cli and main name everything.
const ARROWS: &[(&str, &[&str])] = &[
    ("limits", &[]),
    ("time", &[]),
    ("clock", &[]),
    // Only under its feature, and only where a real fault would be.
    ("planted", &[]),
    ("auction", &[]),
    ("ledger", &["planted"]),
    ("pki", &["auction::name"]),
    ("record", &["ledger", "auction", "pki"]),
    ("roster", &["record", "ledger", "pki", "auction"]),
    ("house", &["roster", "record", "ledger", "pki", "auction"]),
    ("audit", &["roster", "record", "ledger", "pki", "auction"]),
    ("sheet", &["audit", "auction", "ledger"]),
    ("wire", &["auction", "ledger"]),
    ("client", &["wire", "roster", "record", "ledger", "pki", "auction", "clock"]),
    ("server", &["house", "wire", "record", "ledger", "pki", "auction", "clock", "planted"]),
    ("witness", &["ledger", "pki::keys", "clock"]),
    ("rehearse", &["house", "record", "ledger", "pki", "auction"]),
    // A page orders acts; it reads no record.
    ("web", &["client", "wire", "auction", "clock", "record::Order"]),
    ("loadtest", &["client", "audit", "wire", "record", "ledger", "pki", "auction", "clock"]),
];

/// Where a word may stand, and nowhere else.
const WORDS: &[(&[&str], &[&str], &str)] = &[
    (
        &["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now"],
        &["clock.rs", "clock/turned.rs"],
        "reads a clock outside clock.rs",
    ),
    (
        &[
            "println!",
            "eprintln!",
            "print!",
            "eprint!",
            "process::exit",
            "env::var",
            "env::args",
            "io::stdout",
            "io::stderr",
        ],
        &["cli/", "main.rs"],
        "prints, exits or reads the environment outside cli",
    ),
    (
        &["std::fs", "fs::File", "File::open", "File::create", "OpenOptions"],
        &["ledger/store", "pki/keys", "client/memory", "server/files", "loadtest/", "cli/"],
        "touches files where the design does not let it",
    ),
    (
        &["tokio::"],
        &[
            "server/",
            "client/",
            "witness/door",
            "loadtest/",
            "web/desk",
            "web/door",
            "web/socket",
            "cli/",
        ],
        "uses tokio in a pure part",
    ),
    (
        &["serde::", "serde_json::"],
        &[
            "ledger/",
            "record/",
            "pki/",
            "wire/",
            "client/",
            "server/",
            "audit/",
            "sheet/",
            "rehearse/",
            "loadtest/",
            "web/",
            "cli/",
        ],
        "uses serde where types are plain",
    ),
    (
        &["todo!(", "unimplemented!(", "#[ignore", "allow(clippy", "dbg!("],
        &[],
        "is left open or switched off",
    ),
];

/// Longest file and its reason: past it, split along a noun.
const FILE_LINES_MAX: usize = 600;

#[test]
fn the_arrows_of_the_design_hold() {
    let sins = sources().iter().flat_map(|(name, text)| arrows_of(name, text)).collect::<Vec<_>>();
    assert!(sins.is_empty(), "{}", sins.join("\n"));
}

#[test]
fn words_stand_only_where_they_may() {
    let sins = sources().iter().flat_map(|(name, text)| words_of(name, text)).collect::<Vec<_>>();
    assert!(sins.is_empty(), "{}", sins.join("\n"));
}

#[test]
fn files_are_short_and_say_why_they_exist() {
    let mut sins = Vec::new();
    for (name, text) in sources() {
        if text.lines().count() > FILE_LINES_MAX {
            sins.push(format!("{name} is past {FILE_LINES_MAX} lines: split it along a noun"));
        }
        if !text.starts_with("//!") {
            sins.push(format!("{name} does not begin with why it exists"));
        }
    }
    assert!(sins.is_empty(), "{}", sins.join("\n"));
}

/// The fuzz targets are a workspace of their own; what they fuzz is what is shipped.
#[test]
fn the_fuzz_targets_lock_the_versions_that_are_shipped() {
    let shipped = locked("Cargo.lock");
    let own = ["arbitrary", "derive_arbitrary", "gavel-fuzz", "libfuzzer-sys"];
    let fuzzed = locked("fuzz/Cargo.lock");
    assert!(fuzzed.len() > 100, "the lock file is where it should be");
    let odd = fuzzed.iter().filter(|(name, version)| {
        !own.contains(&name.as_str()) && !shipped.contains(&(name.clone(), version.clone()))
    });
    let odd: Vec<_> = odd.collect();
    assert!(odd.is_empty(), "copy Cargo.lock to fuzz/, then check the targets: {odd:?}");
}

/// The packages of a lock file, each with its version.
fn locked(path: &str) -> BTreeSet<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = fs::read_to_string(path).expect("a lock file reads");
    let value = |line: &str, key: &str| {
        let value = line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')?;
        Some(value.to_owned())
    };
    let mut lines = text.lines().peekable();
    let mut packages = BTreeSet::new();
    while let Some(line) = lines.next() {
        if let (Some(name), Some(next)) = (value(line, "name"), lines.peek()) {
            packages.extend(value(next, "version").map(|version| (name, version)));
        }
    }
    packages
}

#[test]
fn planted_sins_are_found() {
    let arrows = [
        ("auction/lot.rs", "use crate::ledger::hash::Hash;"),
        ("audit/mod.rs", "use crate::house::House;"),
        ("audit/mod.rs", "use crate::{\n    roster::Roster,\n    house::{House, Pending},\n};"),
        ("audit/mod.rs", "use crate::ledger::store::Store;"),
        ("audit/mod.rs", "use crate::ledger::{hash::Hash, store::Store};"),
        ("audit/mod.rs", "fn f() { crate::clock::Clock::start(); }"),
        ("ledger/chain.rs", "use crate::auction::name::Name;"),
        ("pki/ca.rs", "use crate::auction::money::Amount;"),
        ("pki/ca.rs", "use crate::auction::{name::Name, money::Amount};"),
        ("wire/json.rs", "use crate::{record::Statement};"),
        ("witness/judge.rs", "use crate::record::Record;"),
        ("witness/door.rs", "use crate::pki::HouseFolder;"),
        ("server/floor.rs", "use crate::witness::Witness;"),
        ("web/desk.rs", "use crate::record::Record;"),
        ("web/desk.rs", "use crate::pki::Credential;"),
    ];
    for (name, text) in arrows {
        assert!(!arrows_of(name, text).is_empty(), "{name}: {text}");
    }
    let words = [
        ("auction/sale.rs", "let now = std::time::Instant::now();"),
        ("server/floor.rs", "let now = SystemTime::now();"),
        ("server/session.rs", "println!(\"hello\");"),
        ("audit/mod.rs", "std::fs::read(path)"),
        ("house/mod.rs", "tokio::spawn(async {});"),
        ("auction/money.rs", "#[derive(serde::Serialize)]"),
    ];
    for (name, text) in words {
        assert_eq!(words_of(name, text).len(), 1, "{name}: {text}");
    }
    let allowed = "use crate::ledger::hash::Hash;\nuse crate::{roster::Roster, record::Record};";
    assert!(arrows_of("audit/mod.rs", allowed).is_empty());
    let tests = "fn a() {}\n#[cfg(test)]\nmod tests { fn f() { std::fs::read(\"x\"); } }";
    assert!(words_of("audit/mod.rs", tests).is_empty());
}

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    rust_files(&root, &mut paths);
    assert!(paths.len() > 10, "the sources are where they should be");
    paths
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).expect("under src").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("a source file reads"))
        })
        .collect()
}

fn rust_files(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder reads") {
        let path = entry.expect("an entry reads").path();
        if path.is_dir() {
            rust_files(&path, paths);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            paths.push(path);
        }
    }
}

fn module_of(name: &str) -> &str {
    name.split(['/', '.']).next().unwrap_or(name)
}

/// What production code says: comments and the test module left out.
fn code(text: &str) -> String {
    let production = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
    let no_comment = |line: &str| {
        let line = line.trim_start();
        if line.starts_with("//") { String::new() } else { line.to_owned() }
    };
    production.lines().map(no_comment).collect::<Vec<_>>().join("\n")
}

fn arrows_of(name: &str, text: &str) -> Vec<String> {
    let module = module_of(name);
    if matches!(module, "cli" | "main" | "lib") {
        return Vec::new();
    }
    let Some((_, allowed)) = ARROWS.iter().find(|(from, _)| *from == module) else {
        return vec![format!("{name}: the design has no module {module}")];
    };
    let named: BTreeSet<String> = crate_paths(&code(text)).into_iter().collect();
    named
        .into_iter()
        .filter(|path| !arrow_allowed(module, allowed, path))
        .map(|path| format!("{name} names crate::{path}: {module} may not"))
        .collect()
}

fn arrow_allowed(module: &str, allowed: &[&str], path: &str) -> bool {
    let to = path.split("::").next().unwrap_or(path);
    if to == module || matches!(to, "limits" | "time") {
        return true;
    }
    // The auditor shares the format, never the writer that it must catch.
    let writer = path == "ledger::store" || path.starts_with("ledger::store::");
    if module == "audit" && writer {
        return false;
    }
    let inside = |grant: &str| path == grant || path.starts_with(&format!("{grant}::"));
    allowed.iter().any(|grant| inside(grant))
}

/// Every path after `crate::`, with braces multiplied out.
fn crate_paths(code: &str) -> Vec<String> {
    code.match_indices("crate::")
        .filter(|(at, _)| !code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        .flat_map(|(at, found)| paths_from(&code[at + found.len()..]).0)
        .collect()
}

/// Reads one use tree; gives its paths and how many bytes it took.
fn paths_from(text: &str) -> (Vec<String>, usize) {
    let word_end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (word, rest) = text.split_at(word_end);
    if let Some(tail) = rest.strip_prefix("::").filter(|_| !word.is_empty()) {
        let (tails, taken) = paths_from(tail);
        let paths = tails.iter().map(|tail| format!("{word}::{tail}")).collect();
        return (paths, word_end + 2 + taken);
    }
    if !word.is_empty() || !rest.starts_with('{') {
        return (
            vec![word.to_owned()],
            word_end.max(usize::from(!rest.is_empty() && word.is_empty())),
        );
    }
    let mut paths = Vec::new();
    let mut at = 1;
    while at < text.len() {
        let here = &text[at..];
        let skipped = here.len() - here.trim_start_matches([' ', '\n', ',']).len();
        at += skipped;
        if text[at..].starts_with('}') || text[at..].is_empty() {
            return (paths, at + 1);
        }
        let (found, taken) = paths_from(&text[at..]);
        paths.extend(found);
        at += taken.max(1);
    }
    (paths, at)
}

/// Whether a whole file is a test module: it may touch files.
fn is_test(name: &str) -> bool {
    name.contains("/tests/")
        || name.ends_with("/tests.rs")
        || name.ends_with("/properties.rs")
        || name.contains("/simulation/")
}

fn words_of(name: &str, text: &str) -> Vec<String> {
    let code = if is_test(name) { String::new() } else { code(text) };
    WORDS
        .iter()
        .filter(|(words, places, _)| {
            let may = places.iter().any(|place| name.starts_with(place));
            !may && words.iter().any(|word| has_word(&code, word))
        })
        .map(|(_, _, sin)| format!("{name} {sin}"))
        .collect()
}

/// Whether `word` stands in `code` and is not the tail of a longer one (`eprint!` in `println!`).
fn has_word(code: &str, word: &str) -> bool {
    let tail = |at: usize| code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    code.match_indices(word).any(|(at, _)| !tail(at))
}
