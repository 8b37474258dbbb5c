//! Trust policies (C2SP tlog-policy): whose word makes a checkpoint good enough.
//!
//! ```text
//! log estate/2026+1c9a3f42+AXm6...
//! witness seller seller.example+8d2b0f6e+BGx1...
//! witness press  press.example+03c5a1d9+BKp0...
//! group either any seller press
//! quorum either
//! ```
//!
//! Names are octets and nothing more (tlog-policy, "Character set").

mod read;

use super::cosignature::{Cosignature, CosignerKey};
use super::note::Note;
use super::vkey::{VerifierKey, WrongSignature};

/// Why a text is not a policy, by its line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct PolicyError {
    /// Which line, from 1; the last one where the whole lacks something.
    pub line: usize,
    /// What is wrong with it.
    pub fault: PolicyFault,
}

/// What is wrong in a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyFault {
    /// A control character other than tab and line feed.
    #[error("a control character")]
    Control,
    /// The last line has no line feed.
    #[error("the last line has no line end")]
    NoLineEnd,
    /// A line that begins with none of the four words.
    #[error("a line begins with log, witness, group or quorum")]
    Keyword,
    /// Too few or too many words for the line's first one.
    #[error("the form is {form}")]
    Form {
        /// How such a line is written.
        form: &'static str,
    },
    /// A key that cannot be read.
    #[error("the key: {0}")]
    Key(#[from] super::vkey::VkeyError),
    /// A witness's key under `log`, or the other way round.
    #[error("the key is of a type for other signatures")]
    KeyType,
    /// The same public key twice under `log`, or twice under `witness`.
    #[error("the same public key stands on an earlier line")]
    DuplicateKey,
    /// A name that is defined already, or `none`.
    #[error("the name is taken")]
    NameTaken,
    /// A name that no earlier line defines.
    #[error("no earlier line defines {name}")]
    Undefined {
        /// The name, as far as it can be shown.
        name: String,
    },
    /// A member of two groups, or twice of one.
    #[error("{name} is a member of a group already")]
    MemberTwice {
        /// The name, as far as it can be shown.
        name: String,
    },
    /// A threshold that is not a number from 1 to the number of members.
    #[error("the threshold is `any`, `all` or a number from 1 to the number of members")]
    Threshold,
    /// A second quorum.
    #[error("a second quorum line")]
    QuorumTwice,
    /// No quorum.
    #[error("there is no quorum line")]
    NoQuorum,
    /// Another line in a file that lists logs alone.
    #[error("a list of logs has no other line than log VKEY [URL]")]
    OnlyLogs,
    /// A log's key whose signatures cannot be checked here.
    #[error("signatures of type 0x{signature_type:02x} cannot be checked here")]
    UnknownType {
        /// The type (signed-note, "Signature types").
        signature_type: u8,
    },
    /// More names than a policy needs.
    #[error("more logs, or more witnesses and groups, than are taken")]
    TooMany,
}

/// A log, or a witness, with where it may be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyWitness {
    /// Its name within the policy.
    pub name: String,
    /// Its public key; of a type that cannot be checked here it never counts.
    pub key: PolicyKey,
    /// Where it takes checkpoints (tlog-witness, the submission prefix), if the policy says.
    pub url: Option<String>,
}

/// The public key of a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyKey {
    /// One whose cosignatures are checked.
    Cosigner(CosignerKey),
    /// One of a type that is not known here, such as ML-DSA-44 (0x06).
    Unknown(VerifierKey),
}

/// Who counts: a witness, or so many of a group's members.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Member {
    Witness(Box<PolicyWitness>),
    Group { name: String, threshold: usize, members: Vec<usize> },
}

/// Whose signature and whose cosignatures a checkpoint needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<VerifierKey>,
    /// Each one's members stand before it, so that there are no circles.
    members: Vec<Member>,
    /// Who is required; none for `quorum none`.
    quorum: Option<usize>,
}

/// What a policy says of one checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Whose cosignatures stand, by the policy's names, in its order.
    pub cosigned: Vec<(String, Cosignature)>,
    /// What is missing, in words; empty if the quorum is met.
    pub missing: Vec<String>,
}

impl Judgement {
    /// Whether the quorum is met.
    pub fn is_met(&self) -> bool {
        self.missing.is_empty()
    }
}

impl Policy {
    /// Reads a policy file (tlog-policy, "Policy file syntax and structure").
    pub fn parse(text: &[u8]) -> Result<Self, PolicyError> {
        read::policy(text)
    }

    /// Reads a file that lists logs and nothing else, in a policy's syntax: whom a witness serves.
    /// Every key must be such as can be checked here.
    pub fn parse_logs(text: &[u8]) -> Result<Vec<VerifierKey>, PolicyError> {
        read::logs(text)
    }

    /// Whether the policy takes checkpoints of the log with this key. One that lists no log
    /// leaves that to whoever applies it.
    pub fn takes_log(&self, key: &VerifierKey) -> bool {
        let is_it =
            |log: &VerifierKey| log.material() == key.material() && log.name() == key.name();
        self.logs.is_empty() || self.logs.iter().any(is_it)
    }

    /// The logs that it lists.
    pub fn logs(&self) -> &[VerifierKey] {
        &self.logs
    }

    /// The witnesses that it names, in its order.
    pub fn witnesses(&self) -> impl Iterator<Item = &PolicyWitness> {
        self.members.iter().filter_map(|member| match member {
            Member::Witness(witness) => Some(witness.as_ref()),
            Member::Group { .. } => None,
        })
    }

    /// Whether any witness is required at all.
    pub const fn requires_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// Judges the cosignatures under a checkpoint; the log's own signature is the caller's to
    /// check. A wrong line of a known witness spoils the whole note.
    pub fn judge(&self, note: &Note) -> Result<Judgement, WrongSignature> {
        let mut judgement = Judgement::default();
        let mut stands = Vec::with_capacity(self.members.len());
        for member in &self.members {
            stands.push(match member {
                Member::Witness(witness) => {
                    let cosignature = match &witness.key {
                        PolicyKey::Cosigner(key) => key.cosigned(note)?,
                        PolicyKey::Unknown(_) => None,
                    };
                    let is_there = cosignature.is_some();
                    let named = cosignature.map(|found| (witness.name.clone(), found));
                    judgement.cosigned.extend(named);
                    is_there
                }
                Member::Group { threshold, members, .. } => count(members, &stands) >= *threshold,
            });
        }
        if let Some(quorum) = self.quorum.filter(|quorum| !stands[*quorum]) {
            self.tell_missing(quorum, &stands, &mut judgement.missing);
        }
        Ok(judgement)
    }

    /// Says of a member that does not count what it lacks, and of its members likewise.
    fn tell_missing(&self, index: usize, stands: &[bool], missing: &mut Vec<String>) {
        match &self.members[index] {
            Member::Witness(witness) => missing.push(match &witness.key {
                PolicyKey::Cosigner(_) => format!("{} has not cosigned", witness.name),
                PolicyKey::Unknown(key) => format!(
                    "{}: signatures of type 0x{:02x} cannot be checked here",
                    witness.name,
                    key.signature_type()
                ),
            }),
            Member::Group { name, threshold, members } => {
                let (has, of) = (count(members, stands), members.len());
                missing.push(format!("{name} needs {threshold} of its {of}, and has {has}"));
                for member in members.iter().filter(|member| !stands[**member]) {
                    self.tell_missing(*member, stands, missing);
                }
            }
        }
    }
}

fn count(members: &[usize], stands: &[bool]) -> usize {
    members.iter().filter(|member| stands[**member]).count()
}

#[cfg(test)]
mod tests;
