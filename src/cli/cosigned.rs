//! What is said of cosigned checkpoints: how far they go, whose lines stand under
//! them, and what a policy makes of that.

use std::time::Duration;

use tokio::time::timeout;

use super::Failure;
use crate::client::{Cosigned, Happened, Session, SessionError};
use crate::ledger::Policy;
use crate::limits::COSIGNED_PATIENCE;

/// Words cosigned checkpoints, and says nothing twice.
#[derive(Debug, Default)]
pub(crate) struct Cosigners {
    policy: Option<Policy>,
    /// What was said last of those who have cosigned.
    said: String,
}

/// What is known of who has cosigned.
struct Known {
    words: String,
    /// Whether the policy's quorum stands; without a policy nobody knows.
    is_met: bool,
}

impl Cosigners {
    /// Judges them by a policy; one that lists logs must list this sale's.
    pub(crate) fn by(policy: Policy, session: &Session) -> Result<Self, Failure> {
        let log = session.sale().vkey();
        if log.as_ref().is_ok_and(|log| policy.takes_log(log)) {
            return Ok(Self { policy: Some(policy), said: String::new() });
        }
        let message = "the policy does not list the key that seals this sale's ledger";
        let failure = Failure::usage("bad-policy", message);
        Err(match log {
            Ok(log) => failure.hint(format!("its line would be: log {log}")),
            Err(_) => failure,
        })
    }

    /// A line for a newer checkpoint, if others have cosigned it than the one before.
    pub(crate) fn tell(&mut self, cosigned: &Cosigned) -> String {
        let known = self.know(cosigned);
        if known.words == self.said {
            return String::new();
        }
        let line = format!("cosigned: the first {} lines, {}\n", cosigned.size(), known.words);
        self.said = known.words;
        line
    }

    /// The last word, over `lines` lines: what the newest checkpoint comes to, and whether the
    /// policy is met for all of them. Without a policy nothing is asked for.
    pub(crate) fn conclude(&self, cosigned: Option<&Cosigned>, lines: u64) -> (String, bool) {
        let Some(cosigned) = cosigned else {
            let is_enough = self.policy.as_ref().is_none_or(|policy| !policy.requires_witnesses());
            let words = if is_enough { "" } else { "cosigned: nothing; the quorum is NOT met\n" };
            return (words.to_owned(), is_enough);
        };
        let known = self.know(cosigned);
        let is_whole = cosigned.size() >= lines;
        let extent = match is_whole {
            true => format!("all {lines} lines"),
            false => format!("the first {} of {lines} lines", cosigned.size()),
        };
        let is_enough = self.policy.is_none() || (known.is_met && is_whole);
        (format!("cosigned: {extent}, {}\n", known.words), is_enough)
    }

    fn know(&self, cosigned: &Cosigned) -> Known {
        let Some(policy) = &self.policy else {
            let words = format!("by {} (keys not given)", listed(&cosigned.names()));
            return Known { words, is_met: false };
        };
        let Ok(judgement) = cosigned.judge(policy) else {
            let words = "with a signature that its witness has not made; the quorum is NOT met";
            return Known { words: words.to_owned(), is_met: false };
        };
        let by: Vec<String> = judgement.cosigned.iter().map(|(name, _)| name.clone()).collect();
        let is_met = judgement.is_met();
        let quorum = match is_met {
            true => "the policy's quorum is met".to_owned(),
            false => format!("the quorum is NOT met: {}", judgement.missing.join("; ")),
        };
        Known { words: format!("by {}; {quorum}", listed(&by)), is_met }
    }

    /// Whether there is anything to wait for at a sale's end.
    pub(crate) const fn awaits(&self) -> bool {
        self.policy.is_some()
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
}

/// Waits for the cosigned checkpoint over a closed sale's lines: it comes a moment after the
/// close, if it comes. What happens meanwhile goes to `hear`.
pub(crate) async fn await_the_last(
    session: &mut Session,
    mut hear: impl FnMut(&Happened),
) -> Result<(), SessionError> {
    let wanted = session.newest().checkpoint().size;
    let is_there =
        |session: &Session| session.cosigned().is_some_and(|cosigned| cosigned.size() >= wanted);
    let wait = async {
        while !is_there(session) {
            let happened = session.next().await?;
            hear(&happened);
            if let Happened::Lost { .. } = happened {
                break;
            }
        }
        Ok(())
    };
    timeout(Duration::from(COSIGNED_PATIENCE), wait).await.unwrap_or(Ok(()))
}
