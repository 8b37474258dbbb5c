//! What was sent, against what stands: each once, where it was said to stand, in the order of
//! real time, and nothing else.

use std::collections::{BTreeMap, HashSet};

use super::super::{Event, History, Source, Violation};
use super::ledger::{Ledger, signed_in};
use super::seals::Seals;
use super::{Checked, unreadable};
use gavel::audit::prove;
use gavel::ledger::{Line, Receipt};
use gavel::pki::Anchor;
use gavel::record::{BidKey, Record, Signed};

/// Everything that was sent, by number.
pub(super) struct Operations<'a> {
    by_number: BTreeMap<u64, Operation<'a>>,
    again: usize,
}

/// Something that was sent, and what its sender was told.
struct Operation<'a> {
    invoked_us: u64,
    signed: &'a str,
    answer: Option<Answer<'a>>,
    receipt: Option<Receipt>,
}

/// The first answer to it.
struct Answer<'a> {
    at_us: u64,
    is: Said<'a>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Said<'a> {
    Ok { receipt: &'a str },
    Refused { code: &'a str },
}

impl<'a> Operations<'a> {
    /// Gathers what each operation came to.
    pub(super) fn of(history: &'a History, found: &mut Vec<Violation>) -> Self {
        let mut all = Self { by_number: BTreeMap::new(), again: 0 };
        for event in &history.events {
            let (at_us, op, said) = match event {
                Event::Invoke { at_us, op, what, .. } => {
                    all.invoke(*op, *at_us, &what.signed, found);
                    continue;
                }
                Event::Ok { at_us, op, receipt } => (*at_us, *op, Some(Said::Ok { receipt })),
                Event::Refused { at_us, op, code } => (*at_us, *op, Some(Said::Refused { code })),
                Event::Again { at_us, op } => {
                    all.again += 1;
                    (*at_us, *op, None)
                }
                Event::Unknown { at_us, op } => (*at_us, *op, None),
                _ => continue,
            };
            match all.by_number.get_mut(&op) {
                Some(known) if known.invoked_us <= at_us => {
                    if let Some(said) = said {
                        known.answered(op, at_us, said, found);
                    }
                }
                _ => found.push(Violation::NoSuchOperation { op }),
            }
        }
        all
    }

    fn invoke(&mut self, op: u64, at_us: u64, signed: &'a str, found: &mut Vec<Violation>) {
        let new = Operation { invoked_us: at_us, signed, answer: None, receipt: None };
        if self.by_number.insert(op, new).is_some() {
            found.push(unreadable(format!("operation {op} is sent twice for the first time")));
        }
    }

    pub(super) fn check(
        &self,
        ledger: &Ledger<'_>,
        anchor: &Anchor,
        seals: &mut Seals<'_>,
        found: &mut Vec<Violation>,
    ) {
        for (op, operation) in &self.by_number {
            operation.check_standing(*op, ledger, found);
            if let Some(receipt) = &operation.receipt {
                match prove(receipt, anchor) {
                    Ok(proven) => {
                        let checkpoint = proven.sealed.checkpoint();
                        seals.signed(checkpoint, &Source::Receipt { op: *op }, found);
                    }
                    Err(why) => {
                        found.push(Violation::BadReceipt { op: *op, why: why.to_string() });
                    }
                }
            }
        }
        self.check_senders(ledger, found);
        self.check_order(ledger, found);
    }

    /// No entry comes out of nothing.
    fn check_senders(&self, ledger: &Ledger<'_>, found: &mut Vec<Violation>) {
        let sent: HashSet<&str> = self.by_number.values().map(|sent| sent.signed).collect();
        let entries = ledger.taken.iter().chain(&ledger.refused);
        let unsent = entries.filter(|(signed, _)| !sent.contains(signed.as_str()));
        let mut lines: Vec<u64> = unsent.flat_map(|(_, lines)| lines.iter().copied()).collect();
        lines.extend(&ledger.unsigned);
        lines.sort_unstable();
        found.extend(lines.into_iter().map(|seq| Violation::FromNobody { seq }));
    }

    /// What was answered before something else was sent stands before it.
    fn check_order(&self, ledger: &Ledger<'_>, found: &mut Vec<Violation>) {
        let stands = |signed: &str| {
            let lines = ledger.taken.get(signed).or_else(|| ledger.refused.get(signed));
            lines.and_then(|lines| lines.first().copied())
        };
        let standing = self.by_number.iter();
        let standing = standing.filter_map(|(op, sent)| Some((*op, stands(sent.signed)?, sent)));
        let standing: Vec<_> = standing.collect();
        let mut sent: Vec<_> =
            standing.iter().map(|(op, seq, it)| (it.invoked_us, *op, *seq)).collect();
        let answered = |(op, seq, it): &(u64, u64, &Operation<'_>)| {
            it.answer.as_ref().map(|answer| (answer.at_us, *op, *seq))
        };
        let mut answered: Vec<_> = standing.iter().filter_map(answered).collect();
        sent.sort_unstable();
        answered.sort_unstable();
        let mut answered = answered.into_iter().peekable();
        let mut newest: Option<(u64, u64)> = None;
        for (at_us, later, later_seq) in sent {
            while let Some((_, op, seq)) = answered.next_if(|(answered, ..)| *answered < at_us) {
                newest = newest.max(Some((seq, op)));
            }
            if let Some((earlier_seq, earlier)) = newest
                && earlier_seq > later_seq
            {
                found.push(Violation::Reordered { earlier, earlier_seq, later, later_seq });
            }
        }
    }

    /// The acknowledged operations: number, time, line.
    pub(super) fn acknowledged(&self) -> impl Iterator<Item = (u64, u64, &Receipt)> {
        self.by_number
            .iter()
            .filter_map(|(op, it)| Some((*op, it.answer.as_ref()?.at_us, it.receipt.as_ref()?)))
    }

    pub(super) fn count(&self, checked: &mut Checked) {
        let answers = || self.by_number.values().map(|it| it.answer.as_ref().map(|it| it.is));
        let count = |fits: fn(&Option<Said<'_>>) -> bool| answers().filter(fits).count();
        checked.operations = self.by_number.len();
        checked.acknowledged = count(|said| matches!(said, Some(Said::Ok { .. })));
        checked.refused = count(|said| matches!(said, Some(Said::Refused { .. })));
        checked.unknown = count(|said| said.is_none());
        checked.again = self.again;
    }
}

impl<'a> Operation<'a> {
    fn answered(&mut self, op: u64, at_us: u64, said: Said<'a>, found: &mut Vec<Violation>) {
        if let Some(first) = &self.answer {
            if !is_same(&first.is, &said) {
                let (first, second) = (text_of(&first.is), text_of(&said));
                found.push(Violation::TwoAnswers { op, first, second });
            }
            return;
        }
        if let Said::Ok { receipt } = said {
            match Receipt::parse(receipt) {
                Ok(receipt) => self.receipt = Some(receipt),
                Err(why) => found.push(Violation::BadReceipt { op, why: why.to_string() }),
            }
        }
        self.answer = Some(Answer { at_us, is: said });
    }

    fn check_standing(&self, op: u64, ledger: &Ledger<'_>, found: &mut Vec<Violation>) {
        let lines = ledger.taken.get(self.signed).map(Vec::as_slice).unwrap_or_default();
        let refused = ledger.refused.get(self.signed).map(Vec::as_slice).unwrap_or_default();
        let mut entered = lines.iter().chain(refused);
        if let (Some(first), Some(second)) = (entered.next(), entered.next()) {
            found.push(Violation::Twice { op, first: *first, second: *second });
        }
        match (self.answer.as_ref().map(|answer| answer.is), lines) {
            (Some(Said::Refused { code }), [seq, ..]) => {
                let code = code.to_owned();
                found.push(Violation::RefusedStands { op, code, seq: *seq });
            }
            (Some(Said::Ok { .. }), lines) => {
                if let Some(receipt) = &self.receipt {
                    self.check_receipt(op, receipt, lines, ledger, found);
                }
            }
            (Some(Said::Refused { .. }) | None, _) => {}
        }
    }

    fn check_receipt(
        &self,
        op: u64,
        receipt: &Receipt,
        lines: &[u64],
        ledger: &Ledger<'_>,
        found: &mut Vec<Violation>,
    ) {
        if !says(&receipt.entry, self.signed, ledger) {
            let why = "it is for something else than what was sent".to_owned();
            found.push(Violation::BadReceipt { op, why });
            return;
        }
        let (seq, stands_there) = (receipt.index, ledger.line(receipt.index));
        if stands_there == Some(&receipt.entry) {
            return;
        }
        found.push(match lines {
            [stands, ..] if *stands != seq => Violation::Moved { op, said: seq, stands: *stands },
            [..] if stands_there.is_some_and(|line| is_alike(line, &receipt.entry)) => {
                Violation::Changed { op, seq }
            }
            [..] => Violation::Lost { op, seq },
        });
    }
}

/// Whether a receipt's entry holds exactly what was signed.
fn says(entry: &str, signed: &str, ledger: &Ledger<'_>) -> bool {
    signed_in(entry, ledger.sale.sale_hash()).is_some_and(|what| what == signed)
}

/// Whether a line stands for the same statement as an entry, and says something else; or can no
/// longer be read at all.
fn is_alike(line: &str, entry: &str) -> bool {
    match (slot_of(line), slot_of(entry)) {
        (Slot::Unreadable, _) => true,
        (one, other) => one == other,
    }
}

/// By what a statement is known, whatever it says: its key and number.
#[derive(PartialEq, Eq)]
enum Slot {
    Of(Option<BidKey>, u64),
    Nobodys,
    Unreadable,
}

fn slot_of(line: &str) -> Slot {
    let record = Line::parse(line.as_bytes()).ok().and_then(|line| Record::read(&line).ok());
    let of = |signed: &Signed| Slot::Of(Some(*signed.claim().bid_key), signed.claim().n);
    match record {
        Some(Record::Bid(bid)) => bid.evidence.signed().map_or(Slot::Nobodys, |it| of(&it)),
        Some(Record::Act(recorded)) => of(&recorded.act.into()),
        Some(Record::Enrol(enrolment)) => Slot::Of(enrolment.bid_key().copied(), 0),
        Some(_) => Slot::Nobodys,
        None => Slot::Unreadable,
    }
}

fn is_same(first: &Said<'_>, second: &Said<'_>) -> bool {
    match (first, second) {
        // The tree may have grown in between: the proof is another, the entry is not.
        (Said::Ok { receipt: first }, Said::Ok { receipt: second }) => {
            match (Receipt::parse(first), Receipt::parse(second)) {
                (Ok(first), Ok(second)) => {
                    (first.index, first.entry) == (second.index, second.entry)
                }
                _ => false,
            }
        }
        (first, second) => first == second,
    }
}

fn text_of(said: &Said<'_>) -> String {
    match said {
        Said::Ok { receipt } => match Receipt::parse(receipt) {
            Ok(receipt) => format!("line {}: {}", receipt.index, receipt.entry),
            Err(why) => format!("a receipt that cannot be read: {why}"),
        },
        Said::Refused { code } => (*code).to_owned(),
    }
}
