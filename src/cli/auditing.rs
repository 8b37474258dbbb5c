//! What `verify` and `results` share: the auditor's own files as anchors, and a
//! ledger file fed to the auditor.

use std::fs::File;
use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::fault::of_io;
use super::{Failure, print, sale_file};
use crate::audit::{Accusation, Accuser, Anchors, Audit, Auditor, Trust};
use crate::ledger::Policy;
use crate::limits::{
    CREDENTIAL_FILE_BYTES_MAX, CRL_FILE_BYTES_MAX, NOTE_BYTES_MAX, POLICY_FILE_BYTES_MAX,
    RECEIPT_FILE_BYTES_MAX,
};
use crate::pki::keys::{self, shown};
use crate::pki::{Anchor, Fingerprint};
use crate::record::SaleFile;

/// How much of a ledger is read at once.
const CHUNK_BYTES: usize = 1 << 20;
/// From which length on the audit says how far it is.
const LONG_BYTES: u64 = 32 << 20;

/// A ledger, and what it is audited with.
#[derive(Debug, clap::Args)]
pub(super) struct LedgerArgs {
    /// The ledger file
    #[arg(value_name = "LEDGER")]
    pub(super) ledger: PathBuf,
    /// The CA that you trust: its certificate file, or the fingerprint that the house published
    #[arg(long, value_name = "CA.pem|sha256:HEX")]
    trust: String,
    /// A receipt to hold against the ledger; may be given several times
    #[arg(long, value_name = "FILE", num_args = 1..)]
    receipt: Vec<PathBuf>,
    /// A checkpoint that you remember; may be given several times
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// The items file that the bidders were shown
    #[arg(long, value_name = "FILE")]
    items: Option<PathBuf>,
    /// The witnesses whose cosignatures you require: a tlog-policy file
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
    /// The house's revocation list, to hold against the recorded revocations
    #[arg(long, value_name = "FILE")]
    pub(super) crl: Option<PathBuf>,
}

impl LedgerArgs {
    /// Audits the ledger; keeps its bids for the annexes of a sheet, or does not.
    pub(super) fn audit(&self, keeps_annexes: bool) -> Result<Audit, Failure> {
        let anchors = self.read()?.anchors()?;
        let anchors = if keeps_annexes { anchors.keeping_annexes() } else { anchors };
        let mut auditor = Auditor::new(anchors);
        read_through(open(&self.ledger)?, &self.ledger, |chunk| {
            auditor.feed(chunk);
            Ok(())
        })?;
        Ok(auditor.finish())
    }

    /// Reads the ledger once more, for what convicts its house.
    pub(super) fn accuse(&self) -> Result<Vec<Accusation>, Failure> {
        let mut accuser = Accuser::new(self.read()?.anchors()?);
        read_through(open(&self.ledger)?, &self.ledger, |chunk| {
            accuser.feed(chunk);
            Ok(())
        })?;
        Ok(accuser.finish())
    }

    /// Reads what the auditor brought: each file once.
    pub(super) fn read(&self) -> Result<Brought, Failure> {
        let note_bytes_max = u64::try_from(NOTE_BYTES_MAX).unwrap_or(u64::MAX);
        let texts = |paths: &[PathBuf], bytes_max| {
            let text = |path: &PathBuf| BroughtText::read(path, bytes_max);
            paths.iter().map(text).collect::<Result<Vec<_>, Failure>>()
        };
        Ok(Brought {
            trust: read_trust(&self.trust)?,
            receipts: texts(&self.receipt, RECEIPT_FILE_BYTES_MAX)?,
            checkpoints: texts(&self.checkpoint, note_bytes_max)?,
            items: self.items.as_deref().map(BroughtItems::read).transpose()?,
            crl: self
                .crl
                .as_deref()
                .map(|path| keys::read_public(path, CRL_FILE_BYTES_MAX))
                .transpose()?,
            policy: self.policy.as_deref().map(BroughtPolicy::read).transpose()?,
        })
    }
}

/// What the auditor brought besides the ledger, as it was read.
#[derive(Debug)]
pub(super) struct Brought {
    pub(super) trust: Trust,
    pub(super) receipts: Vec<BroughtText>,
    pub(super) checkpoints: Vec<BroughtText>,
    pub(super) items: Option<BroughtItems>,
    pub(super) crl: Option<Vec<u8>>,
    pub(super) policy: Option<BroughtPolicy>,
}

/// A text, and what the report calls it.
#[derive(Debug)]
pub(super) struct BroughtText {
    pub(super) label: String,
    pub(super) text: String,
}

/// A sale file, and its bytes.
#[derive(Debug)]
pub(super) struct BroughtItems {
    pub(super) file: SaleFile,
    pub(super) bytes: Vec<u8>,
}

/// A policy, and its bytes.
#[derive(Debug)]
pub(super) struct BroughtPolicy {
    pub(super) policy: Policy,
    pub(super) bytes: Vec<u8>,
}

impl BroughtText {
    pub(super) fn read(path: &Path, bytes_max: u64) -> Result<Self, Failure> {
        Ok(Self { label: shown(path), text: read_text(path, bytes_max)? })
    }
}

impl BroughtItems {
    fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = sale_file::bytes(path)?;
        Ok(Self { file: sale_file::parse(path, &bytes)?, bytes })
    }
}

impl BroughtPolicy {
    /// Reads a policy file (C2SP tlog-policy).
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = keys::read_public(path, POLICY_FILE_BYTES_MAX)?;
        let policy = Policy::parse(&bytes).map_err(|error| {
            Failure::usage("bad-policy", format!("{}, {error}", shown(path)))
                .hint("a policy is as c2sp.org/tlog-policy has it; docs/witness.md shows one")
        })?;
        Ok(Self { policy, bytes })
    }
}

impl Brought {
    /// What an audit starts from.
    pub(super) fn anchors(&self) -> Result<Anchors, Failure> {
        let mut anchors = Anchors::new(self.trust.clone());
        for BroughtText { label, text } in &self.receipts {
            anchors.add_receipt(label, text).map_err(|error| bad_receipt(label, &error))?;
        }
        for BroughtText { label, text } in &self.checkpoints {
            anchors.add_checkpoint(label, text).map_err(|error| bad_checkpoint(label, &error))?;
        }
        if let Some(items) = &self.items {
            anchors = anchors.with_items(items.file.clone());
        }
        if let Some(crl) = &self.crl {
            anchors = anchors.with_crl(crl.clone());
        }
        if let Some(policy) = &self.policy {
            anchors = anchors.with_policy(policy.policy.clone());
        }
        Ok(anchors)
    }
}

/// A file that was given as a receipt is none.
pub(super) fn bad_receipt(label: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::usage("bad-receipt", format!("{label}: {why}"))
        .hint("receipts end in .tlog-proof and lie in the folder beside a credential")
}

/// A file that was given as a checkpoint is none.
pub(super) fn bad_checkpoint(label: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::usage("bad-checkpoint", format!("{label}: {why}"))
        .hint("give the house's <sale>.checkpoint, or head.checkpoint from beside a credential")
}

/// Reads a text file of at most `bytes_max` bytes.
pub(super) fn read_text(path: &Path, bytes_max: u64) -> Result<String, Failure> {
    let bytes = keys::read_public(path, bytes_max)?;
    String::from_utf8(bytes).map_err(|_| {
        Failure::usage("file-unreadable", format!("{} is not UTF-8 text", shown(path)))
    })
}

/// The CA to trust: a fingerprint, or a file that holds its certificate.
pub(super) fn read_trust(text: &str) -> Result<Trust, Failure> {
    match Fingerprint::parse(text) {
        Ok(fingerprint) => Ok(Trust::Fingerprint(fingerprint)),
        Err(_) if text.to_ascii_lowercase().starts_with("sha256:") => {
            Err(Failure::usage("bad-trust", "this is not a SHA-256 fingerprint")
                .hint("write sha256: and 64 hexadecimal digits, as the house published them"))
        }
        Err(_) => Ok(Trust::Certificate(Box::new(read_anchor(Path::new(text))?))),
    }
}

/// The one CA certificate in a file: PEM or DER, or the PEM of a credential.
pub(super) fn read_anchor(path: &Path) -> Result<Anchor, Failure> {
    let bytes = keys::read_public(path, CREDENTIAL_FILE_BYTES_MAX).map_err(|fault| {
        let is_missing = fault.is_missing();
        let failure = Failure::from(fault);
        if is_missing {
            failure.hint("--trust takes the house's ca.pem, or sha256: and the fingerprint that it published")
        } else {
            failure
        }
    })?;
    let wrong = Anchor::from_pem(&bytes);
    let found: Vec<Anchor> = CertificateDer::pem_slice_iter(&bytes)
        .filter_map(Result::ok)
        .filter_map(|der| Anchor::from_der(&der).ok())
        .collect();
    match (wrong, found.as_slice()) {
        (Ok(anchor), _) => Ok(anchor),
        (Err(_), [anchor]) => Ok(anchor.clone()),
        (Err(fault), []) => Err(Failure::usage("bad-trust", format!("{}: {fault}", shown(path))).hint(
            "give the house's ca.pem, a credential, or the fingerprint that the house published",
        )),
        (Err(_), _) => Err(Failure::usage(
            "bad-trust",
            format!("{} holds several CA certificates", shown(path)),
        )),
    }
}

fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| of_io("read", path, &error))
}

/// Reads the file at `path` to its end, piece by piece.
pub(super) fn read_through(
    mut file: File,
    path: &Path,
    mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| of_io("read", path, &error);
    let length = file.metadata().map_err(failed)?.len();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut progress = Progress::over(length);
    loop {
        let taken = file.read(&mut chunk).map_err(failed)?;
        if taken == 0 {
            return Ok(());
        }
        take(&chunk[..taken])?;
        progress.advance(taken);
    }
}

/// Says on a terminal how far a long audit is, every tenth of it.
struct Progress {
    length: u64,
    done: u64,
    tenths_said: u64,
}

impl Progress {
    fn over(length: u64) -> Self {
        let quiet = length < LONG_BYTES || !std::io::stderr().is_terminal();
        Self { length, done: 0, tenths_said: if quiet { 10 } else { 0 } }
    }

    fn advance(&mut self, bytes: usize) {
        self.done = self.done.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        let tenths = self.done.saturating_mul(10) / self.length.max(1);
        if tenths > self.tenths_said && tenths < 10 {
            self.tenths_said = tenths;
            print::talk(&format!("audited {}0 %\n", tenths));
        }
    }
}
