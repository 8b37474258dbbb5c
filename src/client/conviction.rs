//! Evidence that a client can make by itself when a server contradicts what it
//! remembers. Whoever fetches the ledger that it shows can make the rest
//! (`gavel verify --checkpoint --evidence`).

use ed25519_dalek::VerifyingKey;

use crate::ledger::evidence::SealedTree;
use crate::ledger::merkle::old_root_given;
use crate::ledger::{Contradiction, Evidence, Hash, Line, SignedCheckpoint, origin};
use crate::pki::ed25519_key_in;
use crate::record::Record;
use crate::wire::encoding::ProofHash;
use crate::wire::json::Welcome;

/// What convicts the house before anybody who has its CA's certificate, as a file's text: the
/// proof that it sent tells which other tree its newest one continues. `older` is the note of the
/// tree that it should continue, signed for the line 0 that the welcome shows; this and the
/// welcome's own note were checked.
pub(super) fn convicting(older: &str, proof: &[ProofHash], welcome: &Welcome) -> Option<String> {
    let line = Line::parse(welcome.open.as_bytes()).ok()?;
    let Ok(Record::Open(opening)) = Record::read(&line) else { return None };
    let sealer = opening.sealers.first()?;
    let key = VerifyingKey::from_bytes(&ed25519_key_in(sealer)?).ok()?;
    let origin = origin(opening.house.as_str(), opening.sale.as_str());
    let signed = |note: &str| SignedCheckpoint::verify_cosigned(note, &origin, &key).ok();
    let (older, newer) = (signed(older)?, signed(&welcome.note)?);
    let (held, shown) = (older.checkpoint(), newer.checkpoint());
    let proof: Vec<Hash> = proof.iter().map(|hash| hash.0).collect();
    let gives = old_root_given(held.size, shown.size, &proof, shown.root)?;
    let tree = |signed: &SignedCheckpoint| SealedTree {
        note: signed.bare_note(&key),
        sealer: sealer.clone(),
    };
    let evidence = Evidence {
        first: tree(&older),
        second: tree(&newer),
        contradiction: Contradiction::Roots { gives, proof },
    };
    evidence.check(held, shown).is_ok().then(|| evidence.to_text())
}
