//! Each way to spoil a history, with the violation that it must be found as.

use gavel::ledger::encoding::encode_hex;
use gavel::ledger::merkle::leaf_hash;
use gavel::ledger::{Frontier, Hash, Kind as LineKind, Line, Receipt};

use super::super::history::{Event, Run, Source, Violation};
use super::workshop::{Landed, Workshop, place};

pub(super) type Spoil = fn(&mut Workshop) -> Violation;

/// Each way to spoil a history, whether nothing but that kind is found then, and how.
pub(super) const WAYS: &[(&str, bool, Spoil)] = &[
    ("an acknowledged bid is left out", false, Workshop::lose),
    ("the ledger's end is lost", false, Workshop::truncate),
    ("two bids change places", false, Workshop::swap),
    ("a digit of an entry is changed", false, Workshop::change),
    ("an entry cannot be read any more", false, Workshop::garble),
    ("a bid stands twice", false, Workshop::double),
    ("a later bid is put before an earlier one", true, Workshop::reorder),
    ("a bid is entered that nobody sent", false, Workshop::invent),
    ("who sent it says that they did not", true, Workshop::deny),
    ("what was refused is entered", true, Workshop::refuse),
    ("a bid is acknowledged and refused", true, Workshop::answer_twice),
    ("a bid is acknowledged on another line when asked again", false, Workshop::answer_elsewhere),
    ("an answer to nothing", true, Workshop::answer_nothing),
    ("a receipt's signature is spoilt", true, Workshop::spoil_receipt),
    ("a receipt for somebody else's bid", true, Workshop::other_receipt),
    ("a checkpoint's signature is spoilt", true, Workshop::spoil_note),
    ("two trees of one size are signed", false, Workshop::sign_twice),
    ("a tree beyond the ledger is signed", true, Workshop::sign_beyond),
    ("a reader was shown another line", true, Workshop::show_other),
    ("a live line is left out", true, Workshop::skip_live),
    ("a line that was asked for is left out", true, Workshop::skip_asked),
    ("a reconnect leaves a hole", true, Workshop::leave_hole),
    ("a restart takes back what was told", false, Workshop::fork),
    ("a restart takes back what was sealed", true, Workshop::cut_sealed),
    ("an answer goes out before the line is written", true, Workshop::answer_early),
    ("the server names another winner", true, Workshop::other_winner),
    ("the ledger ends in a torn line", true, Workshop::tear),
    ("nobody knows whom to trust", true, Workshop::distrust),
];

impl Workshop {
    fn lose(&mut self) -> Violation {
        let Landed { op, seq, .. } = self.middle();
        self.edit_ledger(|lines| drop(lines.remove(place(seq))));
        Violation::Lost { op, seq }
    }

    fn truncate(&mut self) -> Violation {
        let landed = self.landed();
        let Landed { op, seq, .. } = landed[landed.len() - 1];
        self.edit_ledger(|lines| lines.truncate(place(seq)));
        Violation::Lost { op, seq }
    }

    fn swap(&mut self) -> Violation {
        let landed = self.landed();
        let (one, other) = (&landed[1], &landed[landed.len() - 2]);
        self.edit_ledger(|lines| lines.swap(place(one.seq), place(other.seq)));
        Violation::Moved { op: one.op, said: one.seq, stands: other.seq }
    }

    fn change(&mut self) -> Violation {
        let Landed { op, seq, .. } = self.middle();
        self.edit_ledger(|lines| {
            let line = &mut lines[place(seq)];
            *line = line.replacen("\"lag_us\":", "\"lag_us\":7", 1);
        });
        Violation::Changed { op, seq }
    }

    fn garble(&mut self) -> Violation {
        let Landed { op, seq, .. } = self.middle();
        self.edit_ledger(|lines| lines[place(seq)].replace_range(0..1, "\0"));
        Violation::Changed { op, seq }
    }

    fn double(&mut self) -> Violation {
        let Landed { op, seq, .. } = self.middle();
        let mut second = 0;
        self.edit_ledger(|lines| {
            second = lines.len();
            lines.push(lines[place(seq)].clone());
        });
        Violation::Twice { op, first: seq, second: u64::try_from(second).expect("fits") }
    }

    fn reorder(&mut self) -> Violation {
        let landed = self.landed();
        let (first, last) = (&landed[0], &landed[1]);
        // All that was sent before moves behind, so that it is these two that disagree.
        let shift_us = self.last_us();
        for event in &mut self.history.events {
            if let Event::Invoke { at_us, .. }
            | Event::Again { at_us, .. }
            | Event::Ok { at_us, .. }
            | Event::Refused { at_us, .. }
            | Event::Unknown { at_us, .. }
            | Event::Snapshot { at_us, .. } = event
            {
                *at_us += shift_us;
            }
        }
        self.edit_op(last.op, |event| {
            match event {
                Event::Invoke { at_us, .. } => *at_us = 1,
                Event::Ok { at_us, .. } => *at_us = 2,
                _ => {}
            }
            true
        });
        self.edit_op(first.op, |event| {
            if let Event::Invoke { at_us, .. } = event {
                *at_us = 3;
            }
            true
        });
        let (earlier_seq, later_seq) = (last.seq, first.seq);
        Violation::Reordered { earlier: last.op, earlier_seq, later: first.op, later_seq }
    }

    fn invent(&mut self) -> Violation {
        let Landed { seq, .. } = self.middle();
        let mut at = 0;
        self.edit_ledger(|lines| {
            at = lines.len();
            let line = lines[place(seq)].replacen("\"amount\":", "\"amount\":9", 1);
            lines.push(line);
        });
        Violation::FromNobody { seq: u64::try_from(at).expect("fits") }
    }

    fn deny(&mut self) -> Violation {
        let Landed { op, seq, .. } = self.middle();
        self.edit_op(op, |_| false);
        Violation::FromNobody { seq }
    }

    fn refuse(&mut self) -> Violation {
        let Landed { op, seq, .. } = self.middle();
        let code = "too-low".to_owned();
        self.edit_op(op, |event| {
            if let Event::Ok { at_us, op, .. } = event {
                *event = Event::Refused { at_us: *at_us, op: *op, code: code.clone() };
            }
            true
        });
        Violation::RefusedStands { op, code, seq }
    }

    fn answer_twice(&mut self) -> Violation {
        let Landed { op, receipt, .. } = self.middle();
        let code = "too-low".to_owned();
        let at_us = self.last_us();
        self.history.events.push(Event::Refused { at_us, op, code: code.clone() });
        let read = Receipt::parse(&receipt).expect("a receipt");
        let first = format!("line {}: {}", read.index, read.entry);
        Violation::TwoAnswers { op, first, second: code }
    }

    fn answer_elsewhere(&mut self) -> Violation {
        let Landed { op, receipt, .. } = self.middle();
        let mut read = Receipt::parse(&receipt).expect("a receipt");
        let first = format!("line {}: {}", read.index, read.entry);
        read.index += 1;
        let second = format!("line {}: {}", read.index, read.entry);
        let at_us = self.last_us();
        self.history.events.push(Event::Ok { at_us, op, receipt: read.to_text() });
        Violation::TwoAnswers { op, first, second }
    }

    fn answer_nothing(&mut self) -> Violation {
        let (op, at_us) = (1 << 40, self.last_us());
        self.history.events.push(Event::Refused { at_us, op, code: "too-low".to_owned() });
        Violation::NoSuchOperation { op }
    }

    fn spoil_receipt(&mut self) -> Violation {
        let Landed { op, receipt, .. } = self.middle();
        self.set_receipt(op, &spoilt_signature(&receipt));
        Violation::BadReceipt { op, why: String::new() }
    }

    fn other_receipt(&mut self) -> Violation {
        let landed = self.landed();
        let (one, other) = (&landed[1], &landed[2]);
        self.set_receipt(one.op, &other.receipt);
        Violation::BadReceipt { op: one.op, why: String::new() }
    }

    fn spoil_note(&mut self) -> Violation {
        let (note, source) = self.note_mut();
        *note = spoilt_signature(note);
        let source = Source::Note { source: source.clone() };
        Violation::BadNote { source, why: String::new() }
    }

    fn sign_twice(&mut self) -> Violation {
        let Landed { op, receipt, .. } = self.middle();
        let note = Receipt::parse(&receipt).expect("a receipt").note;
        let size: u64 = note.lines().nth(1).and_then(|size| size.parse().ok()).expect("a size");
        // Nobody else may have been shown the true one before, or they are the first.
        let is_shown = |event: &Event| match event {
            Event::Note { note, .. } => note.lines().nth(1) == Some(&size.to_string()),
            Event::Ok { op: other, receipt, .. } => {
                *other != op
                    && Receipt::parse(receipt)
                        .is_ok_and(|it| it.note.lines().nth(1) == Some(&size.to_string()))
            }
            _ => false,
        };
        self.history.events.retain(|event| !is_shown(event));
        let note = self.key.sign(size, Hash::of(b"another tree")).note().to_owned();
        let source = "the other door".to_owned();
        self.history.events.push(Event::Note { source: source.clone(), note });
        let (first, second) = (Source::Receipt { op }, Source::Note { source });
        Violation::TwoSeals { size, first, second }
    }

    fn sign_beyond(&mut self) -> Violation {
        let size = u64::try_from(self.lines(0).len()).expect("fits") + 1;
        let note = self.key.sign(size, Hash::of(b"a tree to come")).note().to_owned();
        let source = "the last word".to_owned();
        self.history.events.push(Event::Note { source: source.clone(), note });
        Violation::SealOffTree { size, source: Source::Note { source } }
    }

    fn show_other(&mut self) -> Violation {
        let (process, connection, run) = self.run_mut(false);
        let seq = run.to - 1;
        run.to = seq;
        let other = self.line(seq, 0).replacen(":", ": ", 1);
        let variant = self.variant(seq, &other);
        let at = self.history.events.iter().position(|event| {
            matches!(event, Event::Saw { connection: saw, asked: false, run, .. }
                if *saw == connection && run.to == seq)
        });
        let run = Run { from: seq, to: seq + 1, variant };
        let shown = Event::Saw { process: process.clone(), connection, asked: false, run };
        self.history.events.insert(at.expect("it is there") + 1, shown);
        // Lines come before who saw them.
        self.history.events.sort_by_key(|event| !matches!(event, Event::Line { .. }));
        Violation::SawOther { process, connection, seq }
    }

    fn skip_live(&mut self) -> Violation {
        let (process, connection, run) = self.run_mut(false);
        let expected = run.from;
        run.from += 1;
        Violation::Gap { process, connection, expected, found: expected + 1 }
    }

    fn skip_asked(&mut self) -> Violation {
        let (process, connection, run) = self.run_mut(true);
        let expected = run.from;
        run.from += 1;
        Violation::Gap { process, connection, expected, found: expected + 1 }
    }

    /// The reader asks from too far on, and nobody notices that lines are missing in between.
    fn leave_hole(&mut self) -> Violation {
        let (process, connection, run) = self.run_mut(true);
        let expected = run.from;
        run.from += 2;
        let found = run.from;
        for event in &mut self.history.events {
            match event {
                Event::Asked { connection: asked, from, .. } if *asked == connection => {
                    *from = found.max(*from);
                }
                // What it knew by then ends where it should have asked from.
                Event::Saw { process: who, connection: at, run, .. }
                    if *who == process && *at < connection =>
                {
                    run.to = run.to.min(expected);
                    run.from = run.from.min(run.to);
                }
                _ => {}
            }
        }
        Violation::Gap { process, connection, expected, found }
    }

    fn fork(&mut self) -> Violation {
        let count = self.snapshots().len();
        let before = self.lines(count - 1).len();
        let landed = self.landed();
        let told = landed.iter().rfind(|landed| place(landed.seq) < before).expect("a bid");
        for from_last in 0..count - 1 {
            let mut lines = self.lines(from_last);
            let line = &mut lines[place(told.seq)];
            *line = line.replacen("\"lag_us\":", "\"lag_us\":7", 1);
            self.set_lines(from_last, &lines);
        }
        Violation::Forked { restart: 1, seq: told.seq }
    }

    /// The tail that was cut holds a seal over itself: so it was on the disk.
    fn cut_sealed(&mut self) -> Violation {
        let from_last = self.snapshots().len() - 1;
        let mut lines = self.lines(from_last);
        let size = u64::try_from(lines.len()).expect("fits");
        lines.push("{\"a line\":\"of which nobody was told\"}".to_owned());
        let mut tree = Frontier::new();
        lines.iter().for_each(|line| tree.append(leaf_hash(line.as_bytes())));
        let signed = self.key.sign(size + 1, tree.root());
        let body = serde_json::json!({ "note": signed.note() }).to_string();
        let prev = Hash::of(lines[place(size)].as_bytes());
        let seal = Line { kind: LineKind::Seal, seq: size + 1, prev, at: None, body: &body };
        lines.push(String::from_utf8(seal.to_bytes()).expect("JSON"));
        self.set_lines(from_last, &lines);
        Violation::Forked { restart: 1, seq: size }
    }

    fn answer_early(&mut self) -> Violation {
        let from_last = self.snapshots().len() - 1;
        let mut written = self.lines(from_last);
        let landed = self.landed();
        let first = self.snapshots()[0];
        let Event::Snapshot { at_us, .. } = self.history.events[first] else {
            panic!("a snapshot stands there");
        };
        // An answer may be taken from the wire after the server is gone, and the file read.
        let in_time = |it: &&Landed| place(it.seq) < written.len() && it.at_us <= at_us;
        let early = landed.iter().rfind(in_time).expect("a bid");
        written.truncate(place(early.seq));
        self.set_lines(from_last, &written);
        Violation::AheadOfDisk { op: early.op, seq: early.seq, restart: 1 }
    }

    fn other_winner(&mut self) -> Violation {
        let winner = self.history.events.iter_mut().find_map(|event| match event {
            Event::Winner { source, lot, outcome } => Some((source.clone(), lot.clone(), outcome)),
            _ => None,
        });
        let (source, lot, outcome) = winner.expect("a winner");
        let audited = std::mem::replace(outcome, "sold to mallory at 1".to_owned());
        Violation::OtherWinner { source, lot, said: outcome.clone(), audited }
    }

    fn tear(&mut self) -> Violation {
        let last = self.snapshots().len() - 1;
        let place = self.snapshots()[last];
        if let Event::Snapshot { tail, .. } = &mut self.history.events[place] {
            *tail = encode_hex(b"{\"body\":{");
        }
        Violation::NotValid { verdict: String::new(), findings: Vec::new() }
    }

    fn distrust(&mut self) -> Violation {
        self.history.events.retain(|event| !matches!(event, Event::Trust { .. }));
        Violation::Unreadable { why: String::new() }
    }
}

/// A note, or a receipt that ends in one, whose last signature has one bit less.
fn spoilt_signature(text: &str) -> String {
    let end = text.trim_end();
    let at = end.len() - 20;
    let new = if &end[at..=at] == "A" { "B" } else { "A" };
    format!("{}{new}{}\n", &end[..at], &end[at + 1..])
}
