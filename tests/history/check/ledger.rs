//! The final ledger: its lines, who signed which of them, its tree at every size, and what the
//! auditor makes of it.

use std::collections::{BTreeMap, HashMap};

use super::super::{Violation, What, outcome_text};
use super::{Lines, Snapshot, number, unreadable};
use gavel::auction::lot::LotState;
use gavel::audit::{Anchors, Audit, Trust, Verdict, audit};
use gavel::client::KnownSale;
use gavel::ledger::encoding::decode_hex;
use gavel::ledger::merkle::leaf_hash;
use gavel::ledger::{Frontier, Hash, Line};
use gavel::pki::Anchor;
use gavel::record::{Enrolment, EnrolmentStatement, Record};

/// The final ledger.
pub(super) struct Ledger<'a> {
    pub(super) lines: Vec<&'a str>,
    pub(super) variants: Vec<usize>,
    pub(super) sale: KnownSale,
    /// What was signed for an entry, with the lines that hold it.
    pub(super) taken: HashMap<String, Vec<u64>>,
    /// What was signed and is recorded as refused.
    pub(super) refused: HashMap<String, Vec<u64>>,
    /// Bids and acts by whom nobody signed.
    pub(super) unsigned: Vec<u64>,
    /// The notes of the seals, by their lines.
    pub(super) seals: Vec<(u64, String)>,
    /// The roots of the trees of 0, 1, .. lines.
    pub(super) roots: Vec<Hash>,
    audit: Audit,
    outcomes: BTreeMap<String, String>,
}

impl<'a> Ledger<'a> {
    pub(super) fn read(
        told: &Lines<'a>,
        last: &Snapshot,
        anchor: &Anchor,
    ) -> Result<Self, Violation> {
        let lines: Vec<&str> = (0..)
            .zip(&last.variants)
            .map(|(seq, variant)| told.line(seq, *variant).expect("its runs were checked"))
            .collect();
        let audit = audit(&bytes_of(&lines, &last.tail), trust(anchor));
        let mut ledger = Self {
            sale: sale_of(&lines, anchor)?,
            variants: last.variants.clone(),
            taken: HashMap::new(),
            refused: HashMap::new(),
            unsigned: Vec::new(),
            seals: Vec::new(),
            roots: roots_of(&lines),
            outcomes: outcomes_of(&audit),
            lines,
            audit,
        };
        for seq in 0..ledger.lines.len() {
            ledger.take(seq);
        }
        Ok(ledger)
    }

    /// Notes who signed a line, if anybody had to. What cannot be read the auditor finds.
    fn take(&mut self, seq: usize) {
        let entry = entry_of(self.lines[seq], self.sale.sale_hash());
        let seq = number(seq);
        match entry {
            Entry::Taken(Some(signed)) => self.taken.entry(signed).or_default().push(seq),
            Entry::Taken(None) => self.unsigned.push(seq),
            Entry::Refused(signed) => self.refused.entry(signed).or_default().push(seq),
            Entry::Seal(note) => self.seals.push((seq, note)),
            Entry::Other => {}
        }
    }

    pub(super) fn line(&self, seq: u64) -> Option<&'a str> {
        self.lines.get(usize::try_from(seq).ok()?).copied()
    }

    pub(super) fn root(&self, size: u64) -> Option<Hash> {
        self.roots.get(usize::try_from(size).ok()?).copied()
    }

    pub(super) fn check_winner(
        &self,
        source: &str,
        lot: &str,
        said: &str,
        found: &mut Vec<Violation>,
    ) {
        let audited = self.outcomes.get(lot).cloned().unwrap_or_else(|| "nothing".to_owned());
        if audited != said {
            let (source, lot, said) = (source.to_owned(), lot.to_owned(), said.to_owned());
            found.push(Violation::OtherWinner { source, lot, said, audited });
        }
    }

    pub(super) fn check_verdict(&self, found: &mut Vec<Violation>) {
        let verdict = self.audit.verdict();
        if verdict != Verdict::Valid {
            let findings = self.audit.findings.iter().take(5);
            let findings = findings.map(|finding| format!("{finding:?}")).collect();
            found.push(Violation::NotValid { verdict: verdict.as_str().to_owned(), findings });
        }
    }
}

/// Who is behind a line.
enum Entry {
    /// What was signed for it, if anything was.
    Taken(Option<String>),
    Refused(String),
    Seal(String),
    Other,
}

fn entry_of(line: &str, sale_hash: Hash) -> Entry {
    let record = Line::parse(line.as_bytes()).ok().and_then(|line| Record::read(&line).ok());
    let text = |what: What| what.signed;
    match record {
        Some(Record::Bid(bid)) => {
            Entry::Taken(bid.evidence.signed().map(|signed| text(What::signed(&signed))))
        }
        Some(Record::Act(recorded)) => Entry::Taken(Some(text(What::signed(&recorded.act.into())))),
        Some(Record::Enrol(enrolment)) => {
            Entry::Taken(enrolment_of(&enrolment, sale_hash).map(text))
        }
        Some(Record::Refused(refused)) => Entry::Refused(text(What::signed(&refused.signed))),
        Some(Record::Seal { note }) => Entry::Seal(note),
        _ => Entry::Other,
    }
}

/// What was signed for a line that was taken.
pub(super) fn signed_in(line: &str, sale_hash: Hash) -> Option<String> {
    match entry_of(line, sale_hash) {
        Entry::Taken(signed) => signed,
        Entry::Refused(_) | Entry::Seal(_) | Entry::Other => None,
    }
}

fn trust(anchor: &Anchor) -> Anchors {
    Anchors::new(Trust::Certificate(Box::new(anchor.clone())))
}

fn bytes_of(lines: &[&str], tail: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines {
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    }
    for pair in tail.as_bytes().chunks(2) {
        let digits = std::str::from_utf8(pair).expect("ASCII");
        bytes.extend_from_slice(&decode_hex::<1>(digits).expect("hexadecimal digits"));
    }
    bytes
}

fn sale_of(lines: &[&str], anchor: &Anchor) -> Result<KnownSale, Violation> {
    let open = lines.first().ok_or_else(|| unreadable("an empty ledger".to_owned()))?;
    let line = Line::parse(open.as_bytes()).map_err(|why| unreadable(why.to_string()))?;
    let house = match Record::read(&line) {
        Ok(Record::Open(opening)) => opening.house,
        other => return Err(unreadable(format!("line 0 opens no sale: {other:?}"))),
    };
    KnownSale::read(open, anchor, &house).map_err(|why| unreadable(why.to_string()))
}

fn roots_of(lines: &[&str]) -> Vec<Hash> {
    let mut tree = Frontier::new();
    let mut roots = vec![tree.root()];
    for line in lines {
        tree.append(leaf_hash(line.as_bytes()));
        roots.push(tree.root());
    }
    roots
}

fn outcomes_of(audit: &Audit) -> BTreeMap<String, String> {
    let lots = audit.audited().map(|audited| audited.results().lots.as_slice());
    let lots = lots.unwrap_or_default().iter().filter_map(|lot| match &lot.state {
        LotState::Closed { outcome, .. } => Some((lot.terms.id.to_string(), outcome_text(outcome))),
        LotState::Open { .. } | LotState::Paused { .. } | LotState::Pending => None,
    });
    lots.collect()
}

fn enrolment_of(enrolment: &Enrolment, sale_hash: Hash) -> Option<What> {
    let statement = EnrolmentStatement {
        bid_key: *enrolment.bid_key()?,
        bidder: enrolment.bidder.clone(),
        cert: Hash::of(enrolment.chain.first()?),
        role: enrolment.role,
        sale_hash,
    };
    Some(What::enrolment(&statement))
}
