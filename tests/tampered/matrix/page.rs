//! Holds `docs/threat-model.md` against the table: the same rows with the same verdicts, and no
//! link to a row that is not there.
//!
//! `GAVEL_WRITE_THREAT_MODEL=1 cargo test --test audit page` writes the rows anew.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Expected, GROUPS, Group, Row, rows};

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/threat-model.md")
}

fn page() -> String {
    std::fs::read_to_string(path()).expect("the page is in the tree")
}

/// The rows of a group as the page has them.
fn table(group: &Group) -> String {
    let head =
        "| row | what was done | made | given | verdict | found |\n|---|---|---|---|---|---|\n";
    head.to_owned() + &group.rows.iter().map(line).collect::<String>()
}

fn line(row: &Row) -> String {
    let Row { id, threat, made, given, expected, .. } = row;
    let given: Vec<String> = given.iter().map(ToString::to_string).collect();
    let verdict = expected.verdict().as_str();
    let exit = expected.exit_code();
    let found = match expected {
        Expected::Valid { unchecked } => format!("nothing; it says \"{unchecked}\""),
        Expected::Invalid(_) | Expected::Incomplete(_) => expected.mark(),
    };
    let given = given.join(", ");
    format!(
        "| <a id=\"{id}\"></a>`{id}` | {threat} | {made} | {given} | {verdict}, exit {exit} | {found} |\n"
    )
}

/// The page with the rows of every group put between their marks.
fn written(page: &str) -> String {
    let mut written = String::new();
    let mut rest = page;
    for group in GROUPS {
        let opening = format!("<!-- rows: {} -->\n", group.name);
        let (before, after) = rest.split_once(&opening).expect("the group's place");
        let (_, after) = after.split_once("<!-- /rows -->").expect("its end");
        written.extend([before, &opening, &table(group), "<!-- /rows -->"]);
        rest = after;
    }
    written + rest
}

#[test]
fn the_page_has_the_rows_of_the_table() {
    let page = page();
    let written = written(&page);
    if std::env::var_os("GAVEL_WRITE_THREAT_MODEL").is_some() {
        std::fs::write(path(), written).expect("writes");
        return;
    }
    for (number, (on_page, should)) in page.lines().zip(written.lines()).enumerate() {
        assert_eq!(on_page, should, "line {}", number + 1);
    }
    assert_eq!(page, written);
}

/// What a heading is linked by.
fn slug(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}

#[test]
fn every_link_on_the_page_leads_to_a_row_or_a_heading() {
    let page = page();
    let ids: BTreeSet<String> = rows().map(|row| row.id.to_owned()).collect();
    let headings = page.lines().filter(|line| line.starts_with("##"));
    let headings: BTreeSet<String> =
        headings.map(|line| slug(line.trim_start_matches('#').trim())).collect();
    let mut linked = BTreeSet::new();
    for link in page.split("](#").skip(1) {
        let (to, _) = link.split_once(')').expect("a link ends");
        assert!(ids.contains(to) || headings.contains(to), "nothing is called {to}");
        linked.insert(to.to_owned());
    }
    for text in page.split("[").skip(1) {
        let Some((shown, to)) = text.split_once("](#") else { continue };
        let to = to.split_once(')').map_or("", |(to, _)| to);
        assert!(!ids.contains(to) || shown == to, "{shown} is linked to {to}");
    }
    for group in GROUPS {
        let is_of_group = |id: &&String| linked.contains(*id) && id.starts_with(group.name);
        assert!(ids.iter().any(|id| is_of_group(&id)), "nobody links to {}", group.name);
    }
}

/// Beside the rows the page names exit codes and findings in its own words.
#[test]
fn every_code_that_the_page_names_is_one() {
    let page = page();
    for text in page.split("GV-").skip(1) {
        let code = format!("GV-{}", &text[..3]);
        assert!(gavel::audit::FindingKind::with_code(&code).is_some(), "{code}");
    }
}
