//! How far the witnesses came, for the server's last words.

use super::list::Witness;
use super::rounds::Rounds;
use crate::ledger::SignedCheckpoint;

/// How far the witnesses came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigning {
    /// How many lines the newest checkpoint covers that any of them has cosigned.
    pub size: u64,
    /// Each of them, in the order in which they were given.
    pub witnesses: Vec<WitnessReport>,
}

/// How one witness stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessReport {
    /// Its name.
    pub name: String,
    /// Whether it has cosigned the ledger's last checkpoint.
    pub is_up_to_date: bool,
    /// How many checkpoints it has cosigned since the start.
    pub cosigned: u64,
    /// Why it does not cosign now, if it does not.
    pub trouble: Option<String>,
}

impl Cosigning {
    pub(super) fn of(
        rounds: &Rounds,
        witnesses: &[Witness],
        newest: &SignedCheckpoint,
        told: Option<&SignedCheckpoint>,
    ) -> Self {
        let is_last = rounds.checkpoint().checkpoint() == newest.checkpoint();
        let report = |(place, witness): (usize, &Witness)| {
            let standing = &rounds.standings()[place];
            WitnessReport {
                name: witness.name().to_owned(),
                is_up_to_date: is_last && rounds.has_cosigned(place),
                cosigned: standing.cosigned(),
                trouble: standing.trouble(),
            }
        };
        Self {
            size: told.map_or(0, |told| told.checkpoint().size),
            witnesses: witnesses.iter().enumerate().map(report).collect(),
        }
    }

    /// The names of those who have cosigned the ledger's last checkpoint.
    pub fn up_to_date(&self) -> impl Iterator<Item = &str> {
        let there = self.witnesses.iter().filter(|witness| witness.is_up_to_date);
        there.map(|witness| witness.name.as_str())
    }

    /// Those who have not.
    pub fn missing(&self) -> impl Iterator<Item = &WitnessReport> {
        self.witnesses.iter().filter(|witness| !witness.is_up_to_date)
    }
}
