//! One checkpoint and the cosignatures that have come for it, as one note: the
//! house's line first, then the witnesses' in the order in which they were given.

use crate::ledger::note::{Note, NoteSignature};
use crate::ledger::{CosignerKey, SignedCheckpoint};
use crate::limits::NOTE_BYTES_MAX;

/// A checkpoint and what has come for it.
#[derive(Clone, Debug)]
pub(super) struct Gathering {
    checkpoint: SignedCheckpoint,
    /// Each witness's line, once it has come.
    lines: Vec<Option<NoteSignature>>,
    /// Lines of an earlier run's witnesses, which nobody here can check and nobody may lose.
    others: Vec<NoteSignature>,
}

impl Gathering {
    /// Begins with a checkpoint that nobody has cosigned, for so many witnesses.
    pub(super) fn of(checkpoint: &SignedCheckpoint, witnesses: usize) -> Self {
        let lines = vec![None; witnesses];
        Self { checkpoint: checkpoint.alone(), lines, others: Vec::new() }
    }

    /// Goes on with what an earlier run had gathered.
    pub(super) fn resumed(cosigned: &SignedCheckpoint, keys: &[CosignerKey]) -> Self {
        let mut gathering = Self::of(cosigned, keys.len());
        let Ok(note) = Note::parse(cosigned.note()) else { return gathering };
        for (line, key) in gathering.lines.iter_mut().zip(keys) {
            // A line that does not stand is not kept.
            let found = key.cosigned(&note).unwrap_or_default();
            *line = found.map(|cosignature| cosignature.line);
        }
        let origin = &cosigned.checkpoint().origin;
        gathering.others = note.signatures;
        gathering.others.retain(|line| {
            let known = keys.iter().any(|key| key.vkey().is_named_by(line));
            line.name != *origin && !known
        });
        gathering
    }

    /// The checkpoint by itself.
    pub(super) const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// How many lines it covers.
    pub(super) const fn size(&self) -> u64 {
        self.checkpoint.checkpoint().size
    }

    /// Whether a witness's cosignature is there.
    pub(super) fn has(&self, witness: usize) -> bool {
        self.lines[witness].is_some()
    }

    /// Whether any is there.
    pub(super) fn is_cosigned(&self) -> bool {
        self.lines.iter().any(Option::is_some)
    }

    /// Takes in the cosignature of a witness, which was checked.
    pub(super) fn add(&mut self, witness: usize, line: NoteSignature) {
        self.lines[witness] = Some(line);
    }

    /// All of it as one note.
    pub(super) fn note(&self) -> SignedCheckpoint {
        let lines = self.lines.iter().flatten();
        let whole = self.checkpoint.with_lines(lines.clone().chain(&self.others));
        match whole.note().len() <= NOTE_BYTES_MAX {
            true => whole,
            false => self.checkpoint.with_lines(lines),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{checkpoint, keys, sealer, witness};
    use super::*;

    fn names(note: &SignedCheckpoint) -> Vec<String> {
        let note = Note::parse(note.note()).expect("a note");
        note.signatures.into_iter().map(|line| line.name).collect()
    }

    #[test]
    fn the_house_comes_first_and_the_witnesses_in_the_order_given() {
        let sealed = checkpoint(7);
        let mut gathering = Gathering::of(&sealed, 3);
        assert_eq!(gathering.note(), sealed);
        for place in [2, 0] {
            let line = witness(place).cosign(&sealed.checkpoint().to_string(), 5);
            gathering.add(place.into(), line);
        }
        let note = gathering.note();
        assert_eq!(names(&note), ["house/sale", "w0", "w2"]);
        let key = sealer().verifying_key();
        let checked = SignedCheckpoint::verify_cosigned(note.note(), "house/sale", &key);
        assert_eq!(checked.as_ref(), Ok(&note));
        let lines = Note::parse(note.note()).expect("a note");
        for (place, key) in keys(3).iter().enumerate() {
            assert_eq!(key.cosigned(&lines).expect("stands").is_some(), place != 1);
        }
    }

    #[test]
    fn a_later_run_keeps_what_stands_and_what_it_cannot_check() {
        let sealed = checkpoint(7);
        let text = sealed.checkpoint().to_string();
        let wrong = witness(1).cosign("another\n", 5);
        let lines = [witness(0).cosign(&text, 5), wrong, witness(2).cosign(&text, 5)];
        let earlier = sealed.with_lines(&lines);
        let resumed = Gathering::resumed(&earlier, &keys(2));
        assert_eq!((resumed.has(0), resumed.has(1)), (true, false));
        assert_eq!(names(&resumed.note()), ["house/sale", "w0", "w2"]);
        assert_eq!(resumed.checkpoint(), &sealed);
    }

    #[test]
    fn what_nobody_can_check_gives_way_where_a_note_would_be_too_long() {
        let sealed = checkpoint(7);
        let other = NoteSignature {
            name: "w9".to_owned(),
            key_id: [9; 4],
            signature: vec![9; NOTE_BYTES_MAX],
        };
        let ours = witness(0).cosign(&sealed.checkpoint().to_string(), 5);
        let resumed = Gathering::resumed(&sealed.with_lines(&[ours, other]), &keys(1));
        assert_eq!(names(&resumed.note()), ["house/sale", "w0"]);
    }
}
