//! What is no violation, and what chance makes of a history.

use gavel::ledger::encoding::encode_hex;

use super::super::dice::Dice;
use super::super::history::{Event, check};
use super::workshop::Workshop;

impl Workshop {
    /// A start may cut off what nobody was told, torn or whole.
    pub(super) fn check_harmless(&self) {
        let mut cut = self.clone();
        let from_last = cut.snapshots().len() - 1;
        let mut lines = cut.lines(from_last);
        lines.push("a line of which nobody was told".to_owned());
        cut.set_lines(from_last, &lines);
        let first = cut.snapshots()[0];
        if let Event::Snapshot { tail, .. } = &mut cut.history.events[first] {
            *tail = encode_hex(b"and half of the next");
        }
        assert_eq!(check(&cut.history).violations, []);
    }

    pub(super) fn check_random(&self, seed: u64) {
        let mut spoilt = self.clone();
        let what = spoilt.spoil_at_random(&mut Dice::new(seed));
        let checked = check(&spoilt.history);
        assert!(!checked.violations.is_empty(), "seed {seed}: nothing is found after: {what}");
    }

    pub(super) fn spoil_at_random(&mut self, dice: &mut Dice) -> String {
        let landed = self.landed();
        let one = dice.pick(&landed).clone();
        let mut lines = self.lines(0);
        let (at, other) = (dice.place(lines.len()), dice.place(lines.len()));
        let said = match dice.below(9) {
            0 => {
                let byte = dice.place(lines[at].len());
                lines[at] = with_byte_changed(&lines[at], byte, dice);
                format!("byte {byte} of line {at} is changed")
            }
            1 => {
                lines.remove(at);
                format!("line {at} is left out")
            }
            2 => {
                lines.insert(other, lines[at].clone());
                format!("line {at} stands at {other} too")
            }
            3 if at != other => {
                lines.swap(at, other);
                format!("lines {at} and {other} change places")
            }
            4 => {
                lines.truncate(at);
                format!("the ledger ends before line {at}")
            }
            5 => {
                let byte = dice.place(one.receipt.len());
                self.set_receipt(one.op, &with_byte_changed(&one.receipt, byte, dice));
                format!("byte {byte} of the receipt of {} is changed", one.op)
            }
            6 => {
                self.edit_op(one.op, |event| {
                    if let Event::Invoke { what, .. } = event {
                        what.signed.push(' ');
                    }
                    true
                });
                format!("{} sent something else", one.op)
            }
            7 => {
                self.edit_op(one.op, |_| false);
                format!("nobody sent {}", one.op)
            }
            _ => {
                let (note, source) = self.note_mut();
                let byte = dice.place(note.len());
                *note = with_byte_changed(note, byte, dice);
                format!("byte {byte} of the note {source} is changed")
            }
        };
        self.set_lines(0, &lines);
        said
    }
}

/// Another byte in the place of one, so that the text stays a text.
fn with_byte_changed(text: &str, byte: usize, dice: &mut Dice) -> String {
    let (at, old) = text.char_indices().take_while(|(at, _)| *at <= byte).last().expect("a text");
    let new = loop {
        let new = *dice.pick(&['0', '7', 'a', 'F', '"', '\\', '{', ' ', '+', '=']);
        if new != old {
            break new;
        }
    };
    format!("{}{new}{}", &text[..at], &text[at + old.len_utf8()..])
}
