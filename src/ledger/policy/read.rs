//! Reads a policy file, line by line: what a line names stands on an earlier one.

use std::collections::{BTreeMap, BTreeSet};

use super::{Member, Policy, PolicyError, PolicyFault, PolicyKey, PolicyWitness};
use crate::ledger::cosignature::CosignerKey;
use crate::ledger::note::TYPE_ED25519;
use crate::ledger::vkey::{TYPE_COSIGNATURE, VerifierKey, VkeyError};
use crate::limits::POLICY_NAMES_MAX;

pub(super) fn policy(text: &[u8]) -> Result<Policy, PolicyError> {
    let mut reading = Reading::default();
    let line = each_line(text, |raw| reading.line(raw))?;
    let fault = PolicyError { line, fault: PolicyFault::NoQuorum };
    let Reading { logs, members, quorum, .. } = reading;
    Ok(Policy { logs, members, quorum: quorum.ok_or(fault)? })
}

/// Reads a file of nothing but `log` lines, whose keys must all be such as can be checked here.
pub(super) fn logs(text: &[u8]) -> Result<Vec<VerifierKey>, PolicyError> {
    let mut reading = Reading::default();
    each_line(text, |raw| {
        reading.line(raw)?;
        if !reading.members.is_empty() || reading.quorum.is_some() {
            return Err(PolicyFault::OnlyLogs);
        }
        match reading.logs.last().map(VerifierKey::signature_type) {
            None | Some(TYPE_ED25519) => Ok(()),
            Some(signature_type) => Err(PolicyFault::UnknownType { signature_type }),
        }
    })?;
    Ok(reading.logs)
}

/// Gives each line without its end to `read`; says how many there are.
fn each_line(
    text: &[u8],
    mut read: impl FnMut(&[u8]) -> Result<(), PolicyFault>,
) -> Result<usize, PolicyError> {
    let mut line = 0;
    for raw in text.split_inclusive(|byte| *byte == b'\n') {
        line += 1;
        let fault = |fault| PolicyError { line, fault };
        let raw = raw.strip_suffix(b"\n").ok_or(fault(PolicyFault::NoLineEnd))?;
        read(raw).map_err(fault)?;
    }
    Ok(line)
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    logs: Vec<VerifierKey>,
    members: Vec<Member>,
    /// Where each name is defined.
    names: BTreeMap<Vec<u8>, usize>,
    /// Who is a member of some group.
    taken: BTreeSet<usize>,
    quorum: Option<Option<usize>>,
}

impl Reading {
    fn line(&mut self, raw: &[u8]) -> Result<(), PolicyFault> {
        if raw.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return Err(PolicyFault::Control);
        }
        let words = raw.split(|byte| matches!(byte, b' ' | b'\t'));
        let words: Vec<&[u8]> = words.filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", rest @ ..] => self.log(rest),
            [b"witness", rest @ ..] => self.witness(rest),
            [b"group", rest @ ..] => self.group(rest),
            [b"quorum", rest @ ..] => self.quorum(rest),
            _ => Err(PolicyFault::Keyword),
        }
    }

    fn log(&mut self, words: &[&[u8]]) -> Result<(), PolicyFault> {
        let ([key] | [key, _]) = words else {
            return Err(PolicyFault::Form { form: "log VKEY [URL]" });
        };
        let key = verifier_key(key)?;
        if matches!(key.signature_type(), TYPE_COSIGNATURE) {
            return Err(PolicyFault::KeyType);
        }
        if self.logs.iter().any(|log| log.material() == key.material()) {
            return Err(PolicyFault::DuplicateKey);
        }
        if self.logs.len() == POLICY_NAMES_MAX {
            return Err(PolicyFault::TooMany);
        }
        self.logs.push(key);
        Ok(())
    }

    fn witness(&mut self, words: &[&[u8]]) -> Result<(), PolicyFault> {
        let (name, key, url) = match words {
            [name, key] => (name, key, None),
            [name, key, url] => (name, key, Some(shown(url))),
            _ => return Err(PolicyFault::Form { form: "witness NAME VKEY [URL]" }),
        };
        let key = verifier_key(key)?;
        if self.known_keys().any(|known| known.material() == key.material()) {
            return Err(PolicyFault::DuplicateKey);
        }
        let key = match key.signature_type() {
            TYPE_ED25519 => return Err(PolicyFault::KeyType),
            _ => match CosignerKey::of(key.clone()) {
                Some(cosigner) => PolicyKey::Cosigner(cosigner),
                None => PolicyKey::Unknown(key),
            },
        };
        let witness = PolicyWitness { name: shown(name), key, url };
        self.define(name, Member::Witness(Box::new(witness)))
    }

    fn known_keys(&self) -> impl Iterator<Item = &VerifierKey> {
        self.members.iter().filter_map(|member| match member {
            Member::Witness(witness) => Some(match &witness.key {
                PolicyKey::Cosigner(key) => key.vkey(),
                PolicyKey::Unknown(key) => key,
            }),
            Member::Group { .. } => None,
        })
    }

    fn group(&mut self, words: &[&[u8]]) -> Result<(), PolicyFault> {
        let [name, threshold, names @ ..] = words else {
            return Err(PolicyFault::Form { form: "group NAME all|any|NUMBER NAME.." });
        };
        let mut members = Vec::new();
        for member in names {
            let index = self.defined(member)?;
            if !self.taken.insert(index) {
                return Err(PolicyFault::MemberTwice { name: shown(member) });
            }
            members.push(index);
        }
        let threshold = match *threshold {
            b"all" => members.len(),
            b"any" => 1,
            number => decimal(number).ok_or(PolicyFault::Threshold)?,
        };
        if threshold < 1 || threshold > members.len() {
            return Err(PolicyFault::Threshold);
        }
        self.define(name, Member::Group { name: shown(name), threshold, members })
    }

    fn quorum(&mut self, words: &[&[u8]]) -> Result<(), PolicyFault> {
        let [name] = words else { return Err(PolicyFault::Form { form: "quorum NAME|none" }) };
        if self.quorum.is_some() {
            return Err(PolicyFault::QuorumTwice);
        }
        let quorum = if *name == b"none" { None } else { Some(self.defined(name)?) };
        self.quorum = Some(quorum);
        Ok(())
    }

    fn defined(&self, name: &[u8]) -> Result<usize, PolicyFault> {
        let undefined = || PolicyFault::Undefined { name: shown(name) };
        self.names.get(name).copied().ok_or_else(undefined)
    }

    fn define(&mut self, name: &[u8], member: Member) -> Result<(), PolicyFault> {
        if self.members.len() == POLICY_NAMES_MAX {
            return Err(PolicyFault::TooMany);
        }
        if name == b"none" || self.names.contains_key(name) {
            return Err(PolicyFault::NameTaken);
        }
        self.names.insert(name.to_vec(), self.members.len());
        self.members.push(member);
        Ok(())
    }
}

fn verifier_key(word: &[u8]) -> Result<VerifierKey, PolicyFault> {
    let text = str::from_utf8(word).map_err(|_| VkeyError::Shape)?;
    Ok(VerifierKey::parse(text)?)
}

fn decimal(word: &[u8]) -> Option<usize> {
    let text = str::from_utf8(word).ok()?;
    crate::ledger::checkpoint::decimal(text).and_then(|number| usize::try_from(number).ok())
}

/// Octets for people.
fn shown(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}
