//! Evidence that a client can make by itself when a server contradicts what it
//! remembers. Whoever fetches the ledger that it shows can make the rest
//! (`gavel verify --checkpoint --evidence`).

use crate::ledger::evidence::SealedTree;
use crate::ledger::merkle::old_root_given;
use crate::ledger::note::Note;
use crate::ledger::{Checkpoint, Contradiction, Evidence, Hash, Line, SignedCheckpoint};
use crate::record::Record;
use crate::wire::json::Welcome;

/// What convicts the house before anybody who has its CA's certificate, as a file's text: the
/// proof that it sent tells which other tree its newest one continues. `held` was signed for the
/// line 0 that the welcome shows, and the welcome's own note was checked.
pub(super) fn convicting(held: &SignedCheckpoint, welcome: &Welcome) -> Option<String> {
    let line = Line::parse(welcome.open.as_bytes()).ok()?;
    let Ok(Record::Open(opening)) = Record::read(&line) else { return None };
    let sealer = opening.sealers.first()?;
    let shown = Checkpoint::parse(&Note::parse(&welcome.note).ok()?.text).ok()?;
    let proof: Vec<Hash> = welcome.proof.iter().flatten().map(|hash| hash.0).collect();
    let gives = old_root_given(held.checkpoint().size, shown.size, &proof, shown.root)?;
    let tree = |note: &str| SealedTree { note: note.to_owned(), sealer: sealer.clone() };
    let evidence = Evidence {
        first: tree(held.note()),
        second: tree(&welcome.note),
        contradiction: Contradiction::Roots { gives, proof },
    };
    evidence.check(held.checkpoint(), &shown).is_ok().then(|| evidence.to_text())
}
