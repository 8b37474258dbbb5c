//! The key that seals a ledger, by its first line alone: for those who judge its checkpoints
//! without knowing a sale.

use super::anchors::Trust;
use super::finding::{Finding, FindingKind};
use super::signatures::sealing_key;
use crate::ledger::checkpoint::origin;
use crate::ledger::note::TYPE_ED25519;
use crate::ledger::{Line, VerifierKey};
use crate::pki::verify_sealer;
use crate::record::Record;
use crate::time::Timestamp;

/// The verifier key of the seals of the ledger that begins with `line`, if the trusted CA has
/// certified it for that sale. Whether the rest of the ledger is sound is not asked.
pub fn sealing_vkey(line: &[u8], trust: &Trust) -> Result<VerifierKey, Finding> {
    let wrong = |kind, why: &dyn std::fmt::Display| Finding::at(0, kind, why);
    let line = Line::parse(line).map_err(|error| wrong(FindingKind::Schema, &error))?;
    let record = Record::read(&line).map_err(|error| wrong(FindingKind::Schema, &error))?;
    let Record::Open(opening) = record else {
        return Err(wrong(FindingKind::Schema, &"a ledger begins with an open entry"));
    };
    let untrusted = |why: &dyn std::fmt::Display| wrong(FindingKind::Untrusted, why);
    let anchor = trust.resolve(&opening.ca).map_err(|why| untrusted(&why))?;
    let der = opening.sealers.first().ok_or_else(|| untrusted(&"no sealing certificate"))?;
    let at = line.at.unwrap_or(Timestamp::ZERO);
    let sealer = verify_sealer(der, &anchor, &opening.house, &opening.sale, at)
        .map_err(|fault| untrusted(&format!("the sealing certificate: {fault}")))?;
    let weak = |why: &dyn std::fmt::Display| wrong(FindingKind::Signature, why);
    let key = sealing_key(&sealer).map_err(|why| weak(&why))?;
    let name = origin(opening.house.as_str(), opening.sale.as_str());
    VerifierKey::new(&name, TYPE_ED25519, &key).map_err(|why| weak(&why))
}
