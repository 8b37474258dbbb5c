//! Takes down what happens, from many threads at once. Whoever sends takes the time before it
//! sends, and whoever hears takes it afterwards: so that an operation's time is never told as
//! shorter than it was.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use super::{Event, History, Run, What};
use gavel::auction::event::Outcome;
use gavel::ledger::encoding::{encode_base64, encode_hex};

/// Takes down a history.
#[derive(Debug)]
pub(crate) struct Recorder {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<Event>,
    /// The different lines of each number.
    lines: Vec<Vec<String>>,
    /// Runs that may grow, by connection: live ones, and those that were asked for.
    open: HashMap<(u64, bool), (String, Run)>,
    operations: u64,
    connections: u64,
}

impl Recorder {
    /// Begins a history under the CA with this certificate (DER).
    pub(crate) fn new(ca: &[u8]) -> Self {
        let events = vec![Event::Trust { ca: encode_base64(ca) }];
        Self { state: Mutex::new(State { events, ..State::default() }) }
    }

    /// Something is about to be sent; gives the operation's number.
    pub(crate) fn invoke(&self, at_us: u64, process: &str, what: What) -> u64 {
        let mut state = self.state();
        state.operations += 1;
        let op = state.operations;
        state.events.push(Event::Invoke { at_us, op, process: process.to_owned(), what });
        op
    }

    /// The same bytes are about to be sent once more.
    pub(crate) fn again(&self, at_us: u64, op: u64) {
        self.state().events.push(Event::Again { at_us, op });
    }

    /// It was answered by a receipt.
    pub(crate) fn ok(&self, at_us: u64, op: u64, receipt: &str) {
        self.state().events.push(Event::Ok { at_us, op, receipt: receipt.to_owned() });
    }

    /// It was refused. `busy` is no refusal: it is unknown then.
    pub(crate) fn refused(&self, at_us: u64, op: u64, code: &str) {
        self.state().events.push(Event::Refused { at_us, op, code: code.to_owned() });
    }

    /// No answer will come to what was sent.
    pub(crate) fn unknown(&self, at_us: u64, op: u64) {
        self.state().events.push(Event::Unknown { at_us, op });
    }

    /// A connection was welcomed; gives its number.
    pub(crate) fn welcomed(&self, process: &str, size: u64, note: &str) -> u64 {
        let mut state = self.state();
        state.connections += 1;
        let connection = state.connections;
        let source = format!("welcome {connection}");
        state.events.push(Event::Note { source, note: note.to_owned() });
        state.events.push(Event::Welcomed { process: process.to_owned(), connection, size });
        connection
    }

    /// All lines from one on are asked for.
    pub(crate) fn asked(&self, process: &str, connection: u64, from: u64) {
        let mut state = self.state();
        state.end_run((connection, true));
        state.events.push(Event::Asked { process: process.to_owned(), connection, from });
    }

    /// Lines came.
    pub(crate) fn saw<'a>(
        &self,
        process: &str,
        connection: u64,
        asked: bool,
        from: u64,
        lines: impl IntoIterator<Item = &'a str>,
    ) {
        let mut state = self.state();
        for (seq, line) in (from..).zip(lines) {
            let variant = state.variant(seq, line);
            state.extend((connection, asked), process, Run { from: seq, to: seq + 1, variant });
        }
    }

    /// The server skips live lines.
    pub(crate) fn skipped(&self, process: &str, connection: u64, next: u64) {
        let mut state = self.state();
        state.end_run((connection, false));
        state.events.push(Event::Skipped { process: process.to_owned(), connection, next });
    }

    /// All lines that were asked for have come.
    pub(crate) fn caught_up(&self, process: &str, connection: u64, next: u64) {
        let mut state = self.state();
        state.end_run((connection, false));
        state.end_run((connection, true));
        state.events.push(Event::CaughtUp { process: process.to_owned(), connection, next });
    }

    /// The connection has ended.
    pub(crate) fn left(&self, connection: u64) {
        let mut state = self.state();
        state.end_run((connection, false));
        state.end_run((connection, true));
    }

    /// Somebody was shown a signed checkpoint.
    pub(crate) fn note(&self, source: &str, note: &str) {
        let (source, note) = (source.to_owned(), note.to_owned());
        self.state().events.push(Event::Note { source, note });
    }

    /// The ledger's file, while no server runs.
    pub(crate) fn snapshot(&self, at_us: u64, file: &[u8]) {
        let mut state = self.state();
        let (mut runs, mut rest) = (Vec::<Run>::new(), file);
        for seq in 0.. {
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { break };
            // What is no text is as torn as what has no end.
            let Ok(line) = std::str::from_utf8(&rest[..end]) else { break };
            let variant = state.variant(seq, line);
            match runs.last_mut() {
                Some(run) if run.variant == variant => run.to = seq + 1,
                _ => runs.push(Run { from: seq, to: seq + 1, variant }),
            }
            rest = &rest[end + 1..];
        }
        state.events.push(Event::Snapshot { at_us, runs, tail: encode_hex(rest) });
    }

    /// What somebody says a lot came to.
    pub(crate) fn winner(&self, source: &str, lot: &str, outcome: &Outcome) {
        let (source, lot) = (source.to_owned(), lot.to_owned());
        let outcome = super::outcome_text(outcome);
        self.state().events.push(Event::Winner { source, lot, outcome });
    }

    /// The history so far.
    pub(crate) fn history(&self) -> History {
        let mut state = self.state();
        let mut open: Vec<(u64, bool)> = state.open.keys().copied().collect();
        open.sort_unstable();
        for key in open {
            state.end_run(key);
        }
        History { events: state.events.clone() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while it writes")
    }
}

impl State {
    /// Which of the lines of this number it is.
    fn variant(&mut self, seq: u64, line: &str) -> usize {
        let place = usize::try_from(seq).expect("fits");
        if self.lines.len() <= place {
            self.lines.resize(place + 1, Vec::new());
        }
        let known = &mut self.lines[place];
        if let Some(variant) = known.iter().position(|known| known == line) {
            return variant;
        }
        let variant = known.len();
        known.push(line.to_owned());
        self.events.push(Event::Line { seq, variant, line: line.to_owned() });
        variant
    }

    fn extend(&mut self, key: (u64, bool), process: &str, next: Run) {
        if let Some((_, run)) = self.open.get_mut(&key)
            && (run.to, run.variant) == (next.from, next.variant)
        {
            run.to = next.to;
            return;
        }
        self.end_run(key);
        self.open.insert(key, (process.to_owned(), next));
    }

    fn end_run(&mut self, (connection, asked): (u64, bool)) {
        if let Some((process, run)) = self.open.remove(&(connection, asked)) {
            self.events.push(Event::Saw { process, connection, asked, run });
        }
    }
}
