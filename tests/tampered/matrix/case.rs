//! A forged ledger with what the auditor holds against it.

use std::fmt;

use gavel::audit::{Accuser, Anchors, Audit, Auditor, Trust, convict};
use gavel::ledger::Policy;
use gavel::record::SaleFile;
use gavel::sheet::{Claim, Sheet};

use crate::forge::Forge;
use crate::halls::{evening, hall};
use crate::world::world;

/// Who could have made a forged ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// Anybody with a copy: bytes were changed, and nobody signed anything.
    Raw,
    /// The house: chained and sealed again with its real key.
    Resigned,
    /// Nobody: the ledger is honest, and what is held against it is not.
    Untouched,
}

/// What an auditor can have beside the ledger and the CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    Receipt,
    Checkpoint,
    Items,
    Crl,
    Policy,
    Results,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "raw",
            Self::Resigned => "re-signed",
            Self::Untouched => "honest",
        })
    }
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Receipt => "a receipt",
            Self::Checkpoint => "a checkpoint",
            Self::Items => "the items file",
            Self::Crl => "a revocation list",
            Self::Policy => "a policy",
            Self::Results => "a sheet of results",
        })
    }
}

/// One of these things.
pub(crate) enum Brought {
    Receipt(String),
    Checkpoint(String),
    Items(Box<SaleFile>),
    Crl(Vec<u8>),
    Policy(Policy),
    Results(String),
}

impl Brought {
    const fn kind(&self) -> Given {
        match self {
            Self::Receipt(_) => Given::Receipt,
            Self::Checkpoint(_) => Given::Checkpoint,
            Self::Items(_) => Given::Items,
            Self::Crl(_) => Given::Crl,
            Self::Policy(_) => Given::Policy,
            Self::Results(_) => Given::Results,
        }
    }
}

/// A forged ledger.
pub(crate) struct Case {
    pub(crate) made: Made,
    pub(crate) ledger: Vec<u8>,
    /// So many MiB of one more line stand behind the ledger.
    endless_mebibytes: usize,
    /// Where the first finding must be; none where it is about the whole.
    pub(crate) line: Option<u64>,
    pub(crate) brought: Vec<Brought>,
}

impl Case {
    /// Bytes that anybody could have written, wrong at that line.
    pub(crate) fn raw(ledger: impl Into<Vec<u8>>, line: impl Into<Option<usize>>) -> Self {
        Self::new(Made::Raw, ledger.into(), line.into())
    }

    /// A ledger that the house chains and seals again, wrong at that line.
    pub(crate) fn resigned(forge: &Forge, line: impl Into<Option<usize>>) -> Self {
        Self::new(Made::Resigned, forge.forged(), line.into())
    }

    /// The honest small sale, which what is held contradicts at that line.
    pub(crate) fn untouched(line: impl Into<Option<usize>>) -> Self {
        Self::new(Made::Untouched, world().ledger.clone(), line.into())
    }

    /// A ledger that was made with the house's help, wrong at that line.
    pub(crate) fn by_the_house(ledger: Vec<u8>, line: impl Into<Option<usize>>) -> Self {
        Self::new(Made::Resigned, ledger, line.into())
    }

    fn new(made: Made, ledger: Vec<u8>, line: Option<usize>) -> Self {
        let line = line.map(|line| u64::try_from(line).expect("small"));
        Self { made, ledger, endless_mebibytes: 0, line, brought: Vec::new() }
    }

    /// The same with a last line that goes on for so long.
    pub(crate) fn endless(self, mebibytes: usize) -> Self {
        Self { endless_mebibytes: mebibytes, ..self }
    }

    pub(crate) const fn is_endless(&self) -> bool {
        self.endless_mebibytes > 0
    }

    /// The same for an auditor who brings that.
    pub(crate) fn with(mut self, brought: Brought) -> Self {
        self.brought.push(brought);
        self
    }

    /// What the auditor has.
    pub(crate) fn given(&self) -> Vec<Given> {
        self.brought.iter().map(Brought::kind).collect()
    }

    /// Audits it, fed in pieces of so many bytes.
    pub(crate) fn audit(&self, trust: Trust, piece_bytes: usize) -> Audit {
        let mut auditor = Auditor::new(self.anchors(trust));
        self.ledger.chunks(piece_bytes).for_each(|piece| auditor.feed(piece));
        let mebibyte = vec![b'['; 1 << 20];
        (0..self.endless_mebibytes).for_each(|_| auditor.feed(&mebibyte));
        self.brought.iter().fold(auditor.finish(), hold_results)
    }

    /// What convicts the house before somebody who has the CA's certificate alone.
    pub(crate) fn convictions(&self) -> usize {
        let ca = world().ca.anchor();
        let mut accuser = Accuser::new(self.anchors(Trust::Certificate(Box::new(ca.clone()))));
        accuser.feed(&self.ledger);
        let evidence = accuser.finish().into_iter().map(|accusation| accusation.evidence);
        evidence.filter(|evidence| convict(evidence, ca).is_ok()).count()
    }

    fn anchors(&self, trust: Trust) -> Anchors {
        let mut anchors = Anchors::new(trust);
        for brought in &self.brought {
            anchors = match brought {
                Brought::Receipt(text) => {
                    anchors.add_receipt("held.tlog-proof", text).expect("is a receipt");
                    anchors
                }
                Brought::Checkpoint(note) => {
                    anchors.add_checkpoint("held.checkpoint", note).expect("is a checkpoint");
                    anchors
                }
                Brought::Items(items) => anchors.with_items(items.as_ref().clone()),
                Brought::Crl(list) => anchors.with_crl(list.clone()),
                Brought::Policy(policy) => anchors.with_policy(policy.clone()),
                Brought::Results(_) => anchors,
            };
        }
        anchors
    }
}

/// Holds a sheet against a ledger that has passed.
fn hold_results(audit: Audit, brought: &Brought) -> Audit {
    let (Brought::Results(sheet), Some(audited)) = (brought, audit.audited()) else {
        return audit;
    };
    let claim = Claim::read(sheet.as_bytes()).expect("is a sheet");
    let comparison = claim.compare(&Sheet::of(audited));
    let differences: Vec<String> = comparison.differences.iter().map(ToString::to_string).collect();
    audit.with_sheet("results.json", &differences, comparison.unlisted)
}

/// The small sale, changed: `change` gives the line at which it must be found.
pub(crate) fn spring(change: impl FnOnce(&mut Forge) -> usize) -> Case {
    changed(&world().ledger, change)
}

/// The sale with staff, changed.
pub(crate) fn in_hall(change: impl FnOnce(&mut Forge) -> usize) -> Case {
    changed(&hall().ledger, change)
}

/// The sale that ends by the clock, changed.
pub(crate) fn in_evening(change: impl FnOnce(&mut Forge) -> usize) -> Case {
    changed(&evening().ledger, change)
}

fn changed(honest: &[u8], change: impl FnOnce(&mut Forge) -> usize) -> Case {
    let mut forge = Forge::of(honest);
    let line = change(&mut forge);
    Case::resigned(&forge, line)
}
