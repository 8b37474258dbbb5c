//! The page for whoever opens a bundle in ten years and has never heard of gavel.

use super::folder::{Entry, SUMS};
use crate::audit::{Audit, FindingKind, Verdict};
use crate::cli::verify::{exit_of, verdict};
use crate::record::Opening;
use crate::sheet::{Moment, Sheet};

/// How wide the page is: any terminal, any printer.
const WIDTH: usize = 78;
/// Where the second column begins.
const COLUMN: usize = 26;

/// What the page is written from.
pub(super) struct Readme<'a> {
    pub(super) ledger: &'a str,
    /// How `gavel verify` is told what was held against the ledger.
    pub(super) flags: &'a [String],
    /// What line 0 says, before anybody checked it.
    pub(super) claim: Option<&'a Opening>,
    pub(super) audit: &'a Audit,
    pub(super) entries: &'a [Entry],
}

impl Readme<'_> {
    /// The whole page.
    pub(super) fn text(&self) -> String {
        let parts = [
            self.title(),
            self.verdict(),
            self.files(),
            self.without_gavel(),
            self.with_gavel(),
            self.unchecked(),
            elsewhere(),
        ];
        parts.join("\n")
    }

    fn title(&self) -> String {
        let mut text = heading("THE LEDGER OF AN AUCTION, AND ALL THAT IS NEEDED TO CHECK IT");
        if self.audit.verdict() == Verdict::Invalid {
            text.push_str(&banner(
                "INVALID: this ledger did not pass its audit. It does not prove what it says.",
            ));
        }
        text.push_str(&self.sale());
        let file = &self.audit.file;
        text.push_str(&row("ledger", &format!("{}, {} bytes", self.ledger, file.bytes)));
        text.push_str(&row("", &format!("sha256:{}", file.sha256)));
        text.push_str(&row("house's CA", &format!("sha256:{}", self.audit.ca)));
        text.push('\n');
        text.push_str(&paragraph(
            "In a sale of this kind each bidder signs each bid, and the house writes every one \
             into the ledger, each line chained to the one before and all of them under its seal. \
             So anybody can find out again, from the files here, who won what at which price by \
             which rules, and whether a line was altered since. Times are the house's own claim. \
             That the certificates have expired by now is no fault: each is judged at the time \
             of its line.",
        ));
        text
    }

    /// Which sale it is: as it was audited, or as line 0 alone says.
    fn sale(&self) -> String {
        let sheet = self.audit.audited().map(Sheet::of);
        let Some(facts) = sheet.as_ref().map(Sheet::facts) else { return self.claimed_sale() };
        let closed = facts.closed.as_ref().map_or("not yet".to_owned(), Moment::shown);
        [
            row("title", &facts.title),
            row("sale", &facts.sale),
            row("house", &facts.house),
            row("opened", &facts.opened.shown()),
            row("closed", &closed),
            row("sealing certificate", &facts.keys.sealer),
            row("root", &facts.ledger.root),
            row("", &format!("over {} lines", facts.ledger.lines)),
        ]
        .concat()
    }

    fn claimed_sale(&self) -> String {
        let Some(claim) = self.claim else {
            return paragraph(
                "The first line of the ledger, which names the sale, cannot be read.",
            );
        };
        [
            paragraph("What the first line of the ledger says, on its own word:"),
            row("title", claim.title.as_str()),
            row("sale", claim.sale.as_str()),
            row("house", claim.house.as_str()),
        ]
        .concat()
    }

    fn verdict(&self) -> String {
        let (word, _, why) = verdict(self.audit);
        let mut text = heading("WHAT THE AUDIT CAME TO");
        let rest = match self.audit.verdict() {
            Verdict::Valid => "The results here are final.",
            Verdict::Invalid => {
                "DO NOT RELY ON IT. There are no results in this folder, since nobody can say what \
                 they are. verify.txt says line by line what was found, and where there is one the \
                 innocent cause; the ledger is kept so that others can judge."
            }
            Verdict::Incomplete if self.audit.audited().is_some() => {
                "THE RESULTS HERE ARE PROVISIONAL. verify.txt says what is missing."
            }
            Verdict::Incomplete => "There are no results here. verify.txt says what is missing.",
        };
        text.push_str(&paragraph(&format!("{word}: {why}. {rest}")));
        text
    }

    fn files(&self) -> String {
        let mut text = heading("WHAT EACH FILE IS");
        for entry in self.entries {
            text.push_str(&row(&entry.name, &entry.what));
        }
        text.push_str(&row("README.txt", "this page"));
        text.push_str(&row(SUMS, "the SHA-256 of every other file"));
        text
    }

    fn without_gavel(&self) -> String {
        let mut text = heading("TO CHECK IT WITHOUT GAVEL");
        text.push_str(&paragraph("That no file was altered since, in this folder:"));
        text.push_str(&format!("\n    sha256sum -c {SUMS}\n\n"));
        text.push_str(&paragraph(
            "That the ledger is what it says: section 15 of ledger-format.md checks all but the \
             rules of the auction with a shell, sha256sum, jq, openssl and a little Python. In a \
             folder of its own, for it leaves files behind:",
        ));
        text.push_str(&format!("\n    cp {} ledger.jsonl\n", self.ledger));
        text.push_str(&format!("    CA_SHA256={}\n\n", self.audit.ca));
        text.push_str(&paragraph(
            "The whole page is enough to write a program that checks the rules as well.",
        ));
        text
    }

    fn with_gavel(&self) -> String {
        let mut text = heading("TO CHECK IT WITH GAVEL");
        text.push_str(&paragraph(
            "VERSION says which gavel made this folder; later ones read old ledgers. In this \
             folder",
        ));
        text.push_str(&format!("\n    gavel verify {}", self.ledger));
        for flag in self.flags {
            text.push_str(&format!(" \\\n        {flag}"));
        }
        text.push_str("\n\n");
        let exit = exit_of(self.audit.verdict()).code();
        text.push_str(&paragraph(&format!(
            "prints what stands in verify.txt, and with --json what stands in verify.json, and \
             ends with exit code {exit} (0 valid and closed, 1 found wrong, 3 sound so far but not \
             conclusive).",
        )));
        if self.audit.audited().is_some() {
            text.push_str(&paragraph(
                "With --results results.json it holds the results against the ledger as well, \
                 field by field.",
            ));
        }
        if self.audit.findings.iter().any(|finding| finding.kind == FindingKind::Fork) {
            text.push_str(&paragraph(
                "With --evidence FILE it writes what convicts the house of two histories.",
            ));
        }
        text.push_str(&paragraph(
            "What counts is the same with --trust sha256: and the fingerprint of the house's CA \
             from another source than this folder.",
        ));
        text
    }

    fn unchecked(&self) -> String {
        let mut text = heading("WHAT WAS NOT CHECKED, OR CANNOT BE PROVEN BY ANY LEDGER");
        text.push_str(&points(self.audit.unchecked.iter().map(String::as_str)));
        text
    }
}

fn elsewhere() -> String {
    let mut text = heading("WHAT MUST BE KEPT ELSEWHERE");
    text.push_str(&paragraph(&format!(
        "Whoever can change one file here can change all of them together, {SUMS} and this page \
         too. What tells then is only what comes from another source:"
    )));
    text.push_str(&points([
        "the fingerprint of the house's CA, as the house published it when the sale was held",
        "the SHA-256 of SHA256SUMS itself, noted when this folder was made",
        "receipts and checkpoints that bidders kept, and what witnesses signed: each of them \
         convicts a house that wrote the ledger anew",
    ]));
    text.push_str(&paragraph(
        "Names and addresses of buyers and sellers, and the invoices that bear them, are not in \
         this folder: the house keeps them apart.",
    ));
    text
}

fn banner(text: &str) -> String {
    let stars = "*".repeat(WIDTH);
    format!("{stars}\n{text}\n{stars}\n\n")
}

fn points<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().map(|text| wrapped("  - ", 4, text)).collect()
}

fn heading(text: &str) -> String {
    format!("{text}\n{}\n\n", "-".repeat(text.len()))
}

fn paragraph(text: &str) -> String {
    wrapped("", 0, text)
}

/// A name, and what there is to say about it in the second column.
fn row(name: &str, text: &str) -> String {
    wrapped(&format!("{name:<COLUMN$}"), COLUMN, text)
}

/// Words in lines of at most [`WIDTH`] characters, a longer word by itself; the first line
/// begins with `first`, the others with `indent` spaces.
fn wrapped(first: &str, indent: usize, text: &str) -> String {
    let mut page = String::new();
    let mut line = first.to_owned();
    let mut is_fresh = true;
    for word in text.split_whitespace() {
        let is_full = line.chars().count() + 1 + word.chars().count() > WIDTH;
        if is_full && !is_fresh {
            page.push_str(line.trim_end());
            page.push('\n');
            line = " ".repeat(indent);
            is_fresh = true;
        }
        if !is_fresh || line.chars().count() > indent {
            line.push(' ');
        }
        line.push_str(word);
        is_fresh = false;
    }
    page.push_str(line.trim_end());
    page.push('\n');
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_wrapped_at_words() {
        let text = wrapped("  - ", 4, &"seven77 ".repeat(12));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("  - seven77 ") && lines[0].len() <= WIDTH);
        assert!(lines[1].starts_with("    seven77") && !lines[1].ends_with(' '));
        assert_eq!(row("a", ""), "a\n");
        let long = "x".repeat(WIDTH);
        assert_eq!(paragraph(&long), format!("{long}\n"));
        let beyond = wrapped(&"n".repeat(COLUMN + 4), COLUMN, "what it is");
        assert_eq!(beyond, format!("{} what it is\n", "n".repeat(COLUMN + 4)));
    }
}
