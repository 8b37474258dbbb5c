//! What a check found: one line for each thing, and what to do about it.

use serde_json::{Value, json};

use crate::cli::paint::{Ink, Palette};
use crate::cli::{Exit, Failure, print};

/// How a thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// As it should be.
    Good,
    /// The sale can be held, but somebody should look at it.
    Doubtful,
    /// It would stop the sale, or spoil it.
    Bad,
}

impl Standing {
    const fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Doubtful => "warn",
            Self::Bad => "FAIL",
        }
    }

    const fn ink(self) -> Ink {
        match self {
            Self::Good => Ink::Good,
            Self::Doubtful => Ink::Warning,
            Self::Bad => Ink::Bad,
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    what: &'static str,
    pub(super) standing: Standing,
    fact: String,
    code: Option<&'static str>,
    hints: Vec<String>,
}

/// All that was looked at, in order.
#[derive(Debug, Default)]
pub(in crate::cli::serve) struct Report {
    pub(super) lines: Vec<Line>,
}

impl Report {
    pub(in crate::cli::serve) fn good(&mut self, what: &'static str, fact: impl Into<String>) {
        self.add(what, Standing::Good, fact.into(), "");
    }

    pub(in crate::cli::serve) fn doubtful(
        &mut self,
        what: &'static str,
        fact: impl Into<String>,
        hint: &str,
    ) {
        self.add(what, Standing::Doubtful, fact.into(), hint);
    }

    pub(super) fn bad(&mut self, what: &'static str, fact: impl Into<String>, hint: &str) {
        self.add(what, Standing::Bad, fact.into(), hint);
    }

    pub(super) fn add(&mut self, what: &'static str, standing: Standing, fact: String, hint: &str) {
        let hints = if hint.is_empty() { Vec::new() } else { vec![hint.to_owned()] };
        self.lines.push(Line { what, standing, fact, code: None, hints });
    }

    /// Gives what there is, or enters the failure that `serve` would end with.
    pub(super) fn take<T>(
        &mut self,
        what: &'static str,
        result: Result<T, impl Into<Failure>>,
    ) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(failure) => {
                let failure = failure.into();
                self.lines.push(Line {
                    what,
                    standing: Standing::Bad,
                    fact: failure.message().to_owned(),
                    code: Some(failure.code()),
                    hints: failure.hints().to_vec(),
                });
                None
            }
        }
    }

    fn count(&self, standing: Standing) -> usize {
        self.lines.iter().filter(|line| line.standing == standing).count()
    }

    /// Whether a sale can be held.
    fn is_ready(&self) -> bool {
        self.count(Standing::Bad) == 0
    }

    pub(super) fn exit(&self) -> Exit {
        if self.is_ready() { Exit::Success } else { Exit::Operator }
    }

    pub(super) fn print(&self, as_json: bool) -> Result<(), Failure> {
        if as_json {
            return print::report(&format!("{}\n", self.json())).map(drop);
        }
        let palette = Palette::of_stdout();
        for line in &self.lines {
            let word = format!("{:6}", line.standing.word());
            let code = line.code.map_or_else(String::new, |code| format!(" [{code}]"));
            let rest = format!("{:14}{}{code}", line.what, line.fact);
            palette.line(&[palette.ink(line.standing.ink(), &word), palette.plain(&rest)]);
            for hint in &line.hints {
                palette.line(&[palette.plain(&format!("{:20}hint: {hint}", ""))]);
            }
        }
        palette.line(&[palette.plain(&format!("\n{}", self.summary()))]);
        Ok(())
    }

    fn summary(&self) -> String {
        let count = |number: usize, what: &str| match number {
            1 => format!("1 {what}"),
            number => format!("{number} {what}s"),
        };
        let warnings = self.count(Standing::Doubtful);
        match (self.count(Standing::Bad), warnings) {
            (0, 0) => "ready: nothing stands in the way".to_owned(),
            (0, _) => format!("ready, with {}", count(warnings, "warning")),
            (bad, _) => {
                format!("not ready: {}, {}", count(bad, "failure"), count(warnings, "warning"))
            }
        }
    }

    fn json(&self) -> Value {
        let line = |line: &Line| {
            json!({
                "check": line.what,
                "standing": line.standing.word().to_ascii_lowercase(),
                "fact": line.fact,
                "code": line.code,
                "hints": line.hints,
            })
        };
        json!({
            "gavel": env!("CARGO_PKG_VERSION"),
            "ready": self.is_ready(),
            "exit_code": self.exit().code(),
            "checks": self.lines.iter().map(line).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_makes_a_sale_unready_and_warnings_do_not() {
        let mut report = Report::default();
        report.good("clock", "says so");
        assert_eq!(report.summary(), "ready: nothing stands in the way");
        report.doubtful("people", "bob is late", "renew");
        assert_eq!(
            (report.summary(), report.exit()),
            ("ready, with 1 warning".into(), Exit::Success)
        );
        let failure = Failure::usage("no-sale", "none").hint("prepare");
        assert_eq!(report.take("sale", Err::<(), _>(failure)), None);
        assert_eq!(report.summary(), "not ready: 1 failure, 1 warning");
        assert_eq!(report.exit(), Exit::Operator);
        let json = report.json();
        assert_eq!((&json["ready"], &json["exit_code"]), (&json!(false), &json!(6)));
        assert_eq!(json["checks"][2]["standing"], "fail");
        assert_eq!(json["checks"][2]["hints"], json!(["prepare"]));
        assert_eq!(json["checks"][2]["code"], "no-sale");
    }
}
