//! What each reader saw: the final ledger's own lines, none left out, and after each reconnect
//! all of them from the first to where the reader stands.

use std::collections::{HashMap, HashSet, VecDeque};

use super::super::{Event, Run, Violation};
use super::ledger::Ledger;
use super::{number, place, unreadable};

/// Everybody who read.
pub(super) struct Readers<'a> {
    ledger: &'a Ledger<'a>,
    readers: HashMap<&'a str, Reader>,
    connections: HashMap<u64, Connection>,
    /// Lines that somebody saw and that the final ledger does not have.
    others: HashSet<(u64, usize)>,
    lines_seen: u64,
}

#[derive(Default)]
struct Reader {
    /// Every line before this one was seen.
    known: u64,
    /// What was seen beyond a gap that may still be filled.
    beyond: Vec<(u64, u64)>,
}

struct Connection {
    live_next: u64,
    /// What comes next for each question; they are worked off one after the other.
    asked_next: VecDeque<u64>,
}

impl<'a> Readers<'a> {
    pub(super) fn new(ledger: &'a Ledger<'a>) -> Self {
        Self {
            ledger,
            readers: HashMap::new(),
            connections: HashMap::new(),
            others: HashSet::new(),
            lines_seen: 0,
        }
    }

    /// Takes an event, if it is about what a reader saw.
    pub(super) fn take(&mut self, event: &'a Event, found: &mut Vec<Violation>) {
        match event {
            Event::Welcomed { process, connection, size } => {
                self.readers.entry(process).or_default();
                let fresh = Connection { live_next: *size, asked_next: VecDeque::new() };
                if self.connections.insert(*connection, fresh).is_some() {
                    found.push(unreadable(format!("connection {connection} is welcomed twice")));
                }
            }
            Event::Asked { connection, from, .. } => {
                self.at(*connection, found, |known| known.asked_next.push_back(*from));
            }
            Event::Skipped { connection, next, .. } => {
                self.at(*connection, found, |known| known.live_next = *next);
            }
            Event::Saw { process, connection, asked, run } => {
                self.check_place(process, *connection, *asked, *run, found);
                self.check_bytes(process, *connection, *run, found);
                self.readers.entry(process).or_default().saw(*run);
                self.lines_seen += run.to - run.from;
            }
            Event::CaughtUp { process, connection, next } => {
                self.check_caught_up(process, *connection, *next, found);
            }
            _ => {}
        }
    }

    fn at(
        &mut self,
        connection: u64,
        found: &mut Vec<Violation>,
        change: impl FnOnce(&mut Connection),
    ) {
        match self.connections.get_mut(&connection) {
            Some(known) => change(known),
            None => found.push(unreadable(format!("nobody welcomed connection {connection}"))),
        }
    }

    fn check_place(
        &mut self,
        process: &str,
        connection: u64,
        asked: bool,
        run: Run,
        found: &mut Vec<Violation>,
    ) {
        let mut expected = run.from;
        self.at(connection, found, |known| {
            expected = if asked {
                // What nobody asked for is a gap too.
                let next = known.asked_next.front_mut();
                next.map_or(u64::MAX, |next| std::mem::replace(next, run.to))
            } else {
                std::mem::replace(&mut known.live_next, run.to)
            };
        });
        if expected != run.from {
            let process = process.to_owned();
            found.push(Violation::Gap { process, connection, expected, found: run.from });
        }
    }

    fn check_bytes(
        &mut self,
        process: &str,
        connection: u64,
        run: Run,
        found: &mut Vec<Violation>,
    ) {
        let mut said = false;
        for seq in run.from..run.to {
            if self.ledger.variants.get(place(seq)) == Some(&run.variant) {
                continue;
            }
            self.others.insert((seq, run.variant));
            if !std::mem::replace(&mut said, true) {
                let process = process.to_owned();
                found.push(Violation::SawOther { process, connection, seq });
            }
        }
    }

    fn check_caught_up(
        &mut self,
        process: &'a str,
        connection: u64,
        next: u64,
        found: &mut Vec<Violation>,
    ) {
        let mut came = None;
        self.at(connection, found, |known| came = known.asked_next.pop_front());
        let reader = self.readers.entry(process).or_default();
        let gap = match (came, reader.beyond.first()) {
            (Some(came), _) if came < next => Some((came, next)),
            (_, Some((beyond, _))) => Some((reader.known, *beyond)),
            (Some(_) | None, None) if reader.known < next => Some((reader.known, next)),
            (Some(_) | None, None) => None,
        };
        if let Some((expected, beyond)) = gap {
            let process = process.to_owned();
            found.push(Violation::Gap { process, connection, expected, found: beyond });
            // Said once, not again at each connection that follows.
            reader.known = reader.known.max(next);
            reader.join();
        }
    }

    /// Whether somebody saw this line, which the final ledger does not have.
    pub(super) fn was_told(&self, seq: u64, variant: usize) -> bool {
        self.others.contains(&(seq, variant))
    }

    pub(super) fn count(&self) -> (usize, u64) {
        (self.connections.len(), self.lines_seen)
    }
}

impl Reader {
    fn saw(&mut self, run: Run) {
        let at = self.beyond.partition_point(|(from, _)| *from < run.from);
        self.beyond.insert(at, (run.from, run.to));
        self.join();
    }

    /// Takes in what now follows without a gap.
    fn join(&mut self) {
        let reached = self.beyond.iter().take_while(|(from, to)| {
            let follows = *from <= self.known;
            if follows {
                self.known = self.known.max(*to);
            }
            follows
        });
        let reached = reached.count();
        self.beyond.drain(..reached);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_closed_by_what_was_missing() {
        let mut reader = Reader::default();
        let run = |from, to| Run { from, to, variant: 0 };
        for seen in [run(5, 9), run(0, 2), run(9, 12)] {
            reader.saw(seen);
        }
        assert_eq!((reader.known, reader.beyond.len()), (2, 2));
        reader.saw(run(2, 6));
        assert_eq!((reader.known, number(reader.beyond.len())), (12, 0));
    }
}
