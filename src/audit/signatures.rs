//! The costly part of the audit: everything that a signature or a certificate
//! says about one line, without any state but the sale's keys.
//!
//! It is apart so that many lines can be checked at once; what a line means in
//! its place is the replay's affair.

use ed25519_dalek::VerifyingKey;

use super::anchors::Anchors;
use super::finding::{Finding, FindingKind};
use crate::auction::name::HouseName;
use crate::ledger::checkpoint::{CheckpointError, SignedCheckpoint, origin};
use crate::ledger::hash::Hash;
use crate::pki::{Anchor, CertificateFault, Sealer, verify_sealer};
use crate::record::{
    AcceptedBid, Authenticated, BadSignature, Enrolled, EnrolmentFault, Opening, ReadyKeys, Record,
    RecordedAct, Refused,
};
use crate::time::Timestamp;

/// The keys that a sale's lines are judged under, traced back to the trusted CA.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    pub(super) anchor: Anchor,
    pub(super) house: HouseName,
    pub(super) origin: String,
    pub(super) sale_hash: Hash,
    pub(super) sealer: Sealer,
    pub(super) sealing_key: VerifyingKey,
}

impl Keys {
    /// Traces the keys of line 0 back to the trusted CA, at the opening's time.
    pub(super) fn trace(
        opening: &Opening,
        sale_hash: Hash,
        at: Timestamp,
        anchors: &Anchors,
    ) -> Result<Self, Finding> {
        let untrusted = |why: &dyn std::fmt::Display| Finding::at(0, FindingKind::Untrusted, why);
        let anchor = anchors.trust.resolve(&opening.ca).map_err(|why| untrusted(&why))?;
        let der = opening.sealers.first().ok_or_else(|| untrusted(&"no sealing certificate"))?;
        let sealer = verify_sealer(der, &anchor, &opening.house, &opening.sale, at)
            .map_err(|fault| sealer_finding(&fault))?;
        let sealing_key = sealing_key(&sealer).map_err(|why| {
            Finding::at(0, FindingKind::Signature, format!("the sealing key: {why}"))
        })?;
        Ok(Self {
            anchor,
            house: opening.house.clone(),
            origin: origin(opening.house.as_str(), opening.sale.as_str()),
            sale_hash,
            sealer,
            sealing_key,
        })
    }
}

fn sealer_finding(fault: &CertificateFault) -> Finding {
    let kind =
        if is_about_time(fault) { FindingKind::CertificateTime } else { FindingKind::Untrusted };
    Finding::at(0, kind, format!("the sealing certificate: {fault}"))
}

const fn is_about_time(fault: &CertificateFault) -> bool {
    matches!(
        fault,
        CertificateFault::Expired { .. }
            | CertificateFault::NotYetValid { .. }
            | CertificateFault::CaExpired { .. }
            | CertificateFault::CaNotYetValid { .. }
    )
}

/// The sealing key of a certificate; a small-order key would take forged seals.
pub(super) fn sealing_key(sealer: &Sealer) -> Result<VerifyingKey, BadSignature> {
    let key = VerifyingKey::from_bytes(&sealer.key).map_err(|_| BadSignature::Malformed)?;
    if key.is_weak() { Err(BadSignature::Malformed) } else { Ok(key) }
}

/// A line's record with what its signatures and certificates prove.
#[derive(Clone, Debug)]
pub(super) enum Checked {
    Enrolment(Box<Result<Authenticated<Enrolled>, EnrolmentFault>>),
    Act {
        recorded: Box<RecordedAct>,
        signature: Result<(), BadSignature>,
    },
    Bid {
        accepted: Box<AcceptedBid>,
        signature: Result<(), BadSignature>,
    },
    Refused {
        refused: Box<Refused>,
        signature: Result<(), BadSignature>,
    },
    Seal(Result<SignedCheckpoint, CheckpointError>),
    /// It carries no signature.
    Unsigned(Record),
    /// It was read before there were keys that it can be checked under.
    Unchecked(Record),
}

/// Checks what can be checked about a record by itself.
pub(super) fn check(
    record: Record,
    at: Timestamp,
    keys: Option<&Keys>,
    ready_keys: &ReadyKeys,
) -> Checked {
    match (record, keys) {
        (Record::Enrol(enrolment), Some(keys)) => Checked::Enrolment(Box::new(
            enrolment.authenticate(&keys.sale_hash, &keys.anchor, &keys.house, at),
        )),
        (Record::Seal { note }, Some(keys)) => {
            Checked::Seal(SignedCheckpoint::verify(&note, &keys.origin, &keys.sealing_key))
        }
        (record @ (Record::Enrol(_) | Record::Seal { .. }), None) => Checked::Unchecked(record),
        (Record::Act(recorded), _) => {
            let signature = ready_keys.check_act(&recorded.act);
            Checked::Act { recorded, signature }
        }
        (Record::Bid(accepted), _) => {
            let signature = ready_keys.check_evidence(&accepted.evidence);
            Checked::Bid { accepted, signature }
        }
        (Record::Refused(refused), _) => {
            let signature = ready_keys.check(&refused.signed);
            Checked::Refused { refused, signature }
        }
        (
            record @ (Record::Open(_)
            | Record::Lot(_)
            | Record::Counted(_)
            | Record::Revoke(_)
            | Record::Event(_)),
            _,
        ) => Checked::Unsigned(record),
    }
}
