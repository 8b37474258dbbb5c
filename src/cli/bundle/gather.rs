//! What goes into a bundle besides the ledger: every file is read once, so that what is
//! audited is what is kept, and is called by its name in the bundle from then on.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::Path;

use crate::audit::{AnchorError, Trust};
use crate::cli::Failure;
use crate::cli::auditing::{Brought, BroughtText, LedgerArgs, bad_checkpoint, bad_receipt};
use crate::cli::fault::of_io;
use crate::ledger::checkpoint::{Checkpoint, CheckpointError};
use crate::ledger::entry::Line;
use crate::ledger::note::Note;
use crate::ledger::receipt::Receipt;
use crate::limits::{LINE_BYTES_MAX, NOTE_BYTES_MAX};
use crate::pki::keys::{self, shown};
use crate::pki::{Anchor, Fingerprint};
use crate::record::{Opening, Record};

/// How the ledger is called where line 0 does not name a sale.
const NAMELESS: &str = "ledger";
/// What stands in every private key in PEM (RFC 7468, sections 10 and 11), and at the beginning
/// of a witness's.
const PRIVATE_KEYS: [&[u8]; 2] = [b"PRIVATE KEY-----", b"PRIVATE+KEY+"];

/// A ledger file that is about to be audited.
#[derive(Debug)]
pub(super) struct Ledger<'a> {
    pub(super) path: &'a Path,
    pub(super) file: File,
    /// What line 0 says, before anybody checked it.
    pub(super) claim: Option<Opening>,
}

/// A file that goes into the bundle as it is.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) what: String,
}

/// All that goes into the bundle from outside, named as it will be there.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) brought: Brought,
    /// The checkpoints that nobody gave: where they were found.
    pub(super) found: Vec<String>,
    pub(super) pieces: Vec<Piece>,
    /// The flags by which `gavel verify` takes them, in the bundle.
    pub(super) flags: Vec<String>,
}

impl<'a> Ledger<'a> {
    pub(super) fn open(path: &'a Path) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| of_io("read", path, &error);
        let mut file = File::open(path).map_err(failed)?;
        let (mut beginning, most) = (Vec::new(), u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX));
        (&file).take(most + 1).read_to_end(&mut beginning).map_err(failed)?;
        file.rewind().map_err(failed)?;
        refuse_keys(&shown(path), &beginning)?;
        let line = beginning.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let claim = match Line::parse(line).ok().and_then(|line| Record::read(&line).ok()) {
            Some(Record::Open(opening)) => Some(*opening),
            _ => None,
        };
        Ok(Self { path, file, claim })
    }

    /// The name of its files in the bundle; a sale's id is fit for one.
    pub(super) fn stem(&self) -> &str {
        self.claim.as_ref().map_or(NAMELESS, |opening| opening.sale.as_str())
    }

    /// The trusted CA's certificate; by a fingerprint, it is the one in line 0 or none.
    fn anchor(&self, trust: &Trust) -> Option<Anchor> {
        let named = self.claim.as_ref().map(|opening| opening.ca.as_slice());
        match trust {
            Trust::Certificate(anchor) => Some(anchor.as_ref().clone()),
            Trust::Fingerprint(trusted) => named
                .filter(|der| Fingerprint::of(der) == *trusted)
                .and_then(|der| Anchor::from_der(der).ok()),
        }
    }

    /// The house's newest checkpoint and the newest that witnesses cosigned, where they stand
    /// beside the ledger as the server leaves them.
    fn checkpoints_beside(&self) -> Result<Vec<(String, BroughtText)>, Failure> {
        let Some(claim) = &self.claim else { return Ok(Vec::new()) };
        let bytes_max = u64::try_from(NOTE_BYTES_MAX).unwrap_or(u64::MAX);
        let mut found = Vec::new();
        for ending in ["checkpoint", "cosigned"] {
            let name = format!("{}.{ending}", claim.sale);
            let path = self.path.with_file_name(&name);
            if keys::is_there(&path)? {
                found.push((name, BroughtText::read(&path, bytes_max)?));
            }
        }
        Ok(found)
    }
}

impl Gathered {
    /// Reads what was given, and the checkpoints beside the ledger where none was given.
    pub(super) fn read(args: &LedgerArgs, ledger: &Ledger<'_>) -> Result<Self, Failure> {
        let mut brought = args.read()?;
        let given = std::mem::take(&mut brought.checkpoints);
        let is_given = !given.is_empty();
        let checkpoints = match is_given {
            true => given.into_iter().map(|given| (String::new(), given)).collect(),
            false => ledger.checkpoints_beside()?,
        };
        let beside = checkpoints.iter().filter(|_| !is_given);
        let found = beside.map(|(_, text)| text.label.clone()).collect();
        let mut gathered = Self { brought, found, pieces: Vec::new(), flags: Vec::new() };
        gathered.take_trust(ledger);
        let mut names = BTreeSet::new();
        for (name, text) in checkpoints {
            gathered.take_checkpoint(name, text, ledger.stem(), &mut names)?;
        }
        gathered.take_receipts(&mut names)?;
        gathered.take_items()?;
        gathered.take_crl(args)?;
        gathered.take_policy(args)?;
        Ok(gathered)
    }

    fn take_trust(&mut self, ledger: &Ledger<'_>) {
        let trust = match ledger.anchor(&self.brought.trust) {
            Some(anchor) => {
                // Made from the certificate: a credential that was given holds a key as well.
                let bytes = anchor.to_pem().into_bytes();
                self.add("ca.pem", bytes, "the certificate of the house's CA");
                self.brought.trust = Trust::Certificate(Box::new(anchor));
                "ca.pem".to_owned()
            }
            None => format!("sha256:{}", self.brought.trust.fingerprint()),
        };
        self.flags.push(format!("--trust {trust}"));
    }

    fn take_checkpoint(
        &mut self,
        name: String,
        given: BroughtText,
        stem: &str,
        names: &mut BTreeSet<String>,
    ) -> Result<(), Failure> {
        let (size, cosignatures) =
            read_checkpoint(&given.text).map_err(|error| bad_checkpoint(&given.label, &error))?;
        let label = match name.is_empty() {
            true => unused(names, &format!("{stem}-{size}"), "checkpoint"),
            false => name,
        };
        let cosignatures = match cosignatures {
            0 => "without other signatures".to_owned(),
            1 => "with another signature, which only a policy checks".to_owned(),
            count => format!("with {count} other signatures, which only a policy checks"),
        };
        let what = format!("a checkpoint of the first {size} lines, {cosignatures}");
        self.add(&label, given.text.clone().into_bytes(), &what);
        self.flags.push(format!("--checkpoint {label}"));
        self.brought.checkpoints.push(BroughtText { label, text: given.text });
        Ok(())
    }

    fn take_receipts(&mut self, names: &mut BTreeSet<String>) -> Result<(), Failure> {
        for given in std::mem::take(&mut self.brought.receipts) {
            let receipt = Receipt::parse(&given.text)
                .map_err(|error| bad_receipt(&given.label, &AnchorError::from(error)))?;
            let label = unused(names, &format!("receipts/{}", receipt.index), "tlog-proof");
            let what = format!("a receipt for line {}", receipt.index);
            self.add(&label, given.text.clone().into_bytes(), &what);
            self.flags.push(format!("--receipt {label}"));
            self.brought.receipts.push(BroughtText { label, text: given.text });
        }
        Ok(())
    }

    fn take_items(&mut self) -> Result<(), Failure> {
        let Some(items) = &self.brought.items else { return Ok(()) };
        let bytes = items.bytes.clone();
        self.add("items.json", bytes, "the sale file, as the house or the auditor gave it");
        self.flags.push("--items items.json".to_owned());
        Ok(())
    }

    fn take_crl(&mut self, args: &LedgerArgs) -> Result<(), Failure> {
        let Some(crl) = &self.brought.crl else { return Ok(()) };
        refuse_keys(&args.crl.as_deref().map(shown).unwrap_or_default(), crl)?;
        let is_pem = crl.trim_ascii_start().starts_with(b"-----BEGIN");
        let name = if is_pem { "crl.pem" } else { "crl.der" };
        let bytes = crl.clone();
        self.add(name, bytes, "the CA's list of revoked certificates");
        self.flags.push(format!("--crl {name}"));
        Ok(())
    }

    fn take_policy(&mut self, args: &LedgerArgs) -> Result<(), Failure> {
        let Some(policy) = &self.brought.policy else { return Ok(()) };
        refuse_keys(&args.policy.as_deref().map(shown).unwrap_or_default(), &policy.bytes)?;
        let bytes = policy.bytes.clone();
        self.add("policy.txt", bytes, "the witnesses whose cosignatures were required");
        self.flags.push("--policy policy.txt".to_owned());
        Ok(())
    }

    fn add(&mut self, name: &str, bytes: Vec<u8>, what: &str) {
        self.pieces.push(Piece { name: name.to_owned(), bytes, what: what.to_owned() });
    }

    /// Whether the sale file tells of reserves, which are secret until their lots have ended.
    pub(super) fn tells_reserves(&self) -> bool {
        let items = self.brought.items.as_ref();
        items.is_some_and(|items| items.file.lots.iter().any(|lot| lot.reserve.is_some()))
    }
}

/// How many lines a checkpoint is over, and how many signatures it bears beside the house's.
fn read_checkpoint(text: &str) -> Result<(u64, usize), AnchorError> {
    let note = Note::parse(text).map_err(CheckpointError::from)?;
    let size = Checkpoint::parse(&note.text)?.size;
    Ok((size, note.signatures.len().saturating_sub(1)))
}

/// A name that none before it had: `5.tlog-proof`, `5-2.tlog-proof`, ...
fn unused(names: &mut BTreeSet<String>, stem: &str, ending: &str) -> String {
    let numbered = (2..).map(|number: u64| format!("{stem}-{number}.{ending}"));
    let mut all = std::iter::once(format!("{stem}.{ending}")).chain(numbered);
    all.find(|name| names.insert(name.clone())).expect("numbers do not end")
}

/// A slip of the finger must not hand out a key.
fn refuse_keys(label: &str, bytes: &[u8]) -> Result<(), Failure> {
    let stands = |mark: &&[u8]| bytes.windows(mark.len()).any(|window| window == *mark);
    if PRIVATE_KEYS.iter().any(stands) {
        let message = format!("{label} holds a private key, and a bundle is for others to read");
        return Err(Failure::usage("holds-a-key", message).hint("give the file that was meant"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_never_get_one_name() {
        let mut names = BTreeSet::new();
        let mut next = || unused(&mut names, "receipts/5", "tlog-proof");
        assert_eq!(next(), "receipts/5.tlog-proof");
        assert_eq!(next(), "receipts/5-2.tlog-proof");
        assert_eq!(next(), "receipts/5-3.tlog-proof");
    }

    #[test]
    fn no_private_key_passes() {
        for label in ["", "EC ", "ENCRYPTED "] {
            let pem = format!("text\n-----BEGIN {label}PRIVATE KEY-----\nMIIB\n");
            assert!(refuse_keys("x", pem.as_bytes()).is_err_and(|f| f.code() == "holds-a-key"));
        }
        assert!(refuse_keys("x", b"PRIVATE+KEY+w1.example+1c9a3f42+AXm6").is_err());
        refuse_keys("x", b"-----BEGIN X509 CRL-----").expect("is none");
    }
}
