//! Which witness is asked for what, and when; what its answer comes to; when the
//! cosignatures are told. Pure: time and answers are passed in.
//!
//! A round is one checkpoint, asked of every witness at once. The next begins
//! with a newer checkpoint, a second later at the earliest, and never waits for
//! a witness as long as another has cosigned:
//!
//! ```text
//! newest      120      134    150          161
//! round       |120.....|134........|150....|161
//! quick       ask-ok   ask-ok      ask-ok  ask-ok
//! slow        ask--------ok ask------ok ask---    late for its round, never in the way
//! dead        ask-x  ask-x      ask-x              asked again after longer and longer waits
//! ```

use super::gathering::Gathering;
use crate::ledger::note::Note;
use crate::ledger::witnessing::Answer;
use crate::ledger::{CosignerKey, SignedCheckpoint};
use crate::limits::{
    COSIGN_EVERY, COSIGN_GATHER, LAST_COSIGN_TRIES_MAX, WITNESS_RETRY_MAX, WITNESS_RETRY_MIN,
    WITNESS_SIZES_IN_A_ROW_MAX,
};
use crate::time::{Span, Timestamp};

/// A witness that is asked now for a cosignature of the round's checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    /// Which witness, by its place.
    pub(super) witness: usize,
    /// How many lines it has cosigned, as far as we know: the proof begins there.
    pub(super) from: u64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(super) enum Heard {
    /// The witness answered.
    Answer(Answer),
    /// It did not, or what it answered cannot be read.
    Nothing(String),
    /// It was not asked after all.
    NotAsked,
}

/// What the operator is told of a witness: changes only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It cosigns, for the first time or again.
    Cosigns,
    /// It does not, and is asked again later.
    Trouble(String),
    /// It claims to know another history of this ledger: what it has seen signed must show it.
    AtOdds(Claim),
}

/// What a witness says against the ledger, signed by nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// It has cosigned more lines than there are.
    Larger {
        /// How many.
        size: u64,
    },
    /// The checkpoint does not continue what it has cosigned.
    Inconsistent,
}

/// How one witness stands.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    key: CosignerKey,
    /// How many lines it has cosigned, as far as we know.
    size: u64,
    /// The checkpoint that it is being asked for.
    asked: Option<SignedCheckpoint>,
    /// When it may be asked again.
    not_before: Timestamp,
    /// How often it has failed in a row.
    failures: u32,
    /// How often in a row it named another size than we took it to know.
    sizes_in_a_row: u32,
    trouble: Option<String>,
    claim: Option<Claim>,
    cosigned: u64,
}

impl Standing {
    fn new(key: CosignerKey) -> Self {
        Self {
            key,
            size: 0,
            asked: None,
            not_before: Timestamp::ZERO,
            failures: 0,
            sizes_in_a_row: 0,
            trouble: None,
            claim: None,
            cosigned: 0,
        }
    }

    /// How many checkpoints it has cosigned.
    pub(super) const fn cosigned(&self) -> u64 {
        self.cosigned
    }

    /// Why it does not cosign now, if it does not.
    pub(super) fn trouble(&self) -> Option<String> {
        match self.claim {
            Some(Claim::Larger { size }) => {
                Some(format!("it claims to have cosigned {size} lines of this ledger"))
            }
            Some(Claim::Inconsistent) => {
                Some("it claims to have cosigned other lines of this ledger".to_owned())
            }
            None => self.trouble.clone(),
        }
    }

    fn fail(&mut self, now: Timestamp, reason: String) -> Option<News> {
        let doubled = WITNESS_RETRY_MIN.ms().saturating_mul(1 << self.failures.min(16));
        self.failures += 1;
        self.sizes_in_a_row = 0;
        self.not_before = now.plus(Span::from_ms(doubled).min(WITNESS_RETRY_MAX));
        let is_news = self.trouble.as_ref() != Some(&reason);
        self.trouble = Some(reason.clone());
        is_news.then_some(News::Trouble(reason))
    }

    /// Takes up a witness again whose claim came to nothing: after a while, and longer each time.
    fn pardon(&mut self, now: Timestamp) {
        if let Some(reason) = self.trouble().filter(|_| self.claim.is_some()) {
            self.claim = None;
            self.size = 0;
            self.fail(now, reason);
        }
    }

    fn claims(&mut self, claim: Claim) -> Option<News> {
        self.claim = Some(claim);
        Some(News::AtOdds(claim))
    }
}

/// All rounds of a sale, one at a time.
#[derive(Debug)]
pub(super) struct Rounds {
    standings: Vec<Standing>,
    gathering: Gathering,
    began: Timestamp,
    /// When the round's first cosignature came that has not been told.
    untold_since: Option<Timestamp>,
    told: Option<Timestamp>,
    /// The last checkpoint is near: its round begins at once.
    in_haste: bool,
}

impl Rounds {
    /// Begins with the newest checkpoint, and what an earlier run has gathered for it.
    pub(super) fn new(
        keys: Vec<CosignerKey>,
        newest: &SignedCheckpoint,
        earlier: Option<&SignedCheckpoint>,
        now: Timestamp,
    ) -> Self {
        let earlier = earlier.filter(|earlier| earlier.checkpoint() == newest.checkpoint());
        let gathering = match earlier {
            Some(earlier) => Gathering::resumed(earlier, &keys),
            None => Gathering::of(newest, keys.len()),
        };
        let standings = keys.into_iter().map(Standing::new).collect();
        Self { standings, gathering, began: now, untold_since: None, told: None, in_haste: false }
    }

    /// The checkpoint of this round, by itself.
    pub(super) const fn checkpoint(&self) -> &SignedCheckpoint {
        self.gathering.checkpoint()
    }

    /// The witnesses, in their order.
    pub(super) fn standings(&self) -> &[Standing] {
        &self.standings
    }

    /// Whether a witness has cosigned the checkpoint of this round.
    pub(super) fn has_cosigned(&self, witness: usize) -> bool {
        self.gathering.has(witness)
    }

    /// Begins the next round with `newest` if it is time.
    pub(super) fn begin(&mut self, now: Timestamp, newest: &SignedCheckpoint) {
        if newest.checkpoint().size > self.gathering.size() && self.may_begin(now) {
            self.gathering = Gathering::of(newest, self.standings.len());
            self.began = now;
            self.untold_since = None;
        }
    }

    /// Whether a newer checkpoint would begin a round now.
    pub(super) fn may_begin(&self, now: Timestamp) -> bool {
        self.in_haste || (self.is_settled() && now >= self.next_round())
    }

    const fn next_round(&self) -> Timestamp {
        self.began.plus(COSIGN_EVERY)
    }

    /// What has come was told, or nothing can come any more without a new question.
    fn is_settled(&self) -> bool {
        self.untold_since.is_none() && (self.gathering.is_cosigned() || !self.is_under_way())
    }

    /// Whether an answer about this round's checkpoint is awaited.
    fn is_under_way(&self) -> bool {
        let size = self.gathering.size();
        let about_this = |asked: &SignedCheckpoint| asked.checkpoint().size == size;
        self.standings.iter().any(|standing| standing.asked.as_ref().is_some_and(about_this))
    }

    /// Who is to be asked now; they count as asked from here on.
    pub(super) fn asks(&mut self, now: Timestamp) -> Vec<Ask> {
        let mut asks = Vec::new();
        for witness in 0..self.standings.len() {
            if self.wants(witness) && now >= self.standings[witness].not_before {
                let standing = &mut self.standings[witness];
                standing.asked = Some(self.gathering.checkpoint().clone());
                asks.push(Ask { witness, from: standing.size });
            }
        }
        asks
    }

    /// Whether a witness's cosignature is missing and may be asked for.
    fn wants(&self, witness: usize) -> bool {
        let standing = &self.standings[witness];
        let is_free = standing.asked.is_none() && standing.claim.is_none();
        is_free && !self.gathering.has(witness) && standing.size <= self.gathering.size()
    }

    /// Takes up a witness again, once what it shows was held against the ledger.
    pub(super) fn pardon(&mut self, now: Timestamp, witness: usize) {
        self.standings[witness].pardon(now);
    }

    /// Takes in what came of an ask; `newest_size` is how many lines the newest checkpoint covers.
    pub(super) fn heard(
        &mut self,
        now: Timestamp,
        witness: usize,
        heard: Heard,
        newest_size: u64,
    ) -> Option<News> {
        let standing = &mut self.standings[witness];
        let asked = standing.asked.take()?;
        let answer = match heard {
            Heard::NotAsked => return None,
            Heard::Nothing(reason) => return standing.fail(now, reason),
            Heard::Answer(answer) => answer,
        };
        let refused = match answer {
            Answer::Cosigned(lines) => {
                let note = Note { text: asked.checkpoint().to_string(), signatures: lines };
                return self.cosigned(now, witness, &asked, &note);
            }
            Answer::OtherSize { known_size: size } if size > newest_size => {
                return standing.claims(Claim::Larger { size });
            }
            Answer::OtherSize { known_size }
                if known_size != standing.size
                    && standing.sizes_in_a_row < WITNESS_SIZES_IN_A_ROW_MAX =>
            {
                standing.size = known_size;
                standing.sizes_in_a_row += 1;
                return None;
            }
            Answer::Inconsistent => return standing.claims(Claim::Inconsistent),
            Answer::OtherSize { .. } => "it does not say how far it has cosigned (409)",
            Answer::Malformed => "it takes the request for malformed (400)",
            Answer::NotSigned => {
                "it knows another key for this ledger than the sale's sealing key (403)"
            }
            Answer::UnknownLog => {
                "it does not know this ledger (404): its operator has to list the sale's sealing \
                 key, as `gavel prepare` prints it"
            }
        };
        standing.fail(now, refused.to_owned())
    }

    fn cosigned(
        &mut self,
        now: Timestamp,
        witness: usize,
        asked: &SignedCheckpoint,
        note: &Note,
    ) -> Option<News> {
        let standing = &mut self.standings[witness];
        let cosignature = match standing.key.cosigned(note) {
            Ok(Some(cosignature)) => cosignature,
            Ok(None) => return standing.fail(now, "it cosigns with another key".to_owned()),
            Err(wrong) => {
                return standing.fail(now, format!("what it sends is no cosignature: {wrong}"));
            }
        };
        standing.size = asked.checkpoint().size;
        standing.failures = 0;
        standing.sizes_in_a_row = 0;
        standing.cosigned += 1;
        let is_news = standing.trouble.take().is_some() || standing.cosigned == 1;
        if standing.size == self.gathering.size() {
            self.gathering.add(witness, cosignature.line);
            self.untold_since.get_or_insert(now);
        }
        is_news.then_some(News::Cosigns)
    }

    /// The checkpoint with its cosignatures, if there are more of them to tell and it is time.
    pub(super) fn tell(&mut self, now: Timestamp) -> Option<SignedCheckpoint> {
        if self.tells_at().is_none_or(|at| now < at) {
            return None;
        }
        self.untold_since = None;
        self.told = Some(now);
        Some(self.gathering.note())
    }

    fn tells_at(&self) -> Option<Timestamp> {
        let since = self.untold_since?;
        let gathered = if self.is_under_way() { since.plus(COSIGN_GATHER) } else { since };
        let spaced = self.told.map_or(Timestamp::ZERO, |told| told.plus(COSIGN_EVERY));
        // The last word is not held back.
        Some(if self.in_haste { gathered } else { gathered.max(spaced) })
    }

    /// Prepares for the last checkpoint: its round begins at once, and whoever has failed is
    /// asked once more without a wait.
    pub(super) fn hurry(&mut self) {
        self.in_haste = true;
        for standing in &mut self.standings {
            standing.failures = 0;
            standing.not_before = Timestamp::ZERO;
        }
    }

    /// Whether every witness that may still cosign `newest` has done so, and all of it was told.
    pub(super) fn is_complete(&self, newest: &SignedCheckpoint) -> bool {
        let missing = |(place, standing): (usize, &Standing)| {
            let may = standing.claim.is_none() && standing.failures < LAST_COSIGN_TRIES_MAX;
            may && !self.gathering.has(place)
        };
        self.gathering.size() == newest.checkpoint().size
            && self.untold_since.is_none()
            && !self.standings.iter().enumerate().any(missing)
    }

    /// When something is due by time alone.
    pub(super) fn wakes_at(&self, now: Timestamp) -> Option<Timestamp> {
        let waits = (0..self.standings.len()).filter(|witness| self.wants(*witness));
        let retry = waits.map(|witness| self.standings[witness].not_before).min();
        let round = (self.is_settled() && now < self.next_round()).then(|| self.next_round());
        [retry, self.tells_at(), round].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests;
