//! The hall: all bidders, the network between them and the server, and what they wait for next.
//!
//! It goes on by itself in simulated time, also while the server waits for its disk. It hands what
//! arrives to the real gate, and takes what leaves from the real tickets and the real fan-out.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::bidder::{Bidder, Payload, Read, read_line};
use super::dice::Dice;
use super::disk::FakeDisk;
use super::history::{Recorder, What};
use super::line::{Connection, Down, Up, operation};
use super::office::Office;
use super::trace::{Trace, step};
use crate::auction::LotId;
use crate::auction::refusal::Code;
use crate::clock::Clock;
use crate::record::Signed;
use crate::server::fanout::{FanOut, News, Told};
use crate::server::gate::{Checked, Gate};
use crate::server::gavel;
use crate::server::ticket::{Answer, Asked, Query, Say};
use crate::wire::json::ServerMessage;

/// The server, as far as the network reaches it.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) gate: Arc<Gate>,
    pub(super) fanout: Arc<FanOut>,
    pub(super) clock: Clock,
}

/// Everybody but the server.
#[derive(Debug)]
pub(super) struct Hall {
    pub(super) office: Arc<Office>,
    pub(super) trace: Trace,
    dice: Dice,
    disk: Arc<FakeDisk>,
    ledger: PathBuf,
    pub(super) recorder: Recorder,
    lots: Vec<LotId>,
    server: Option<Served>,
    /// Whether something was left at the gate that the floor has not seen.
    knocked: bool,
    queue: BTreeMap<(u64, u64), Due>,
    number: u64,
    connections: BTreeMap<u64, Connection>,
    pub(super) bidders: Vec<Bidder>,
    /// Each bidder's connection, as far as they know.
    lines: Vec<Option<u64>>,
    /// Nobody begins anything new any more, and no connection breaks by itself.
    pub(super) is_quiet: bool,
    /// Lines by number, as they were read first.
    read: BTreeMap<u64, (Arc<str>, Read)>,
    /// The frame that was taken apart last.
    parsed: Option<Parsed>,
}

/// A frame, the number of its first line, and its lines.
type Parsed = (Arc<Told>, u64, Arc<[Arc<str>]>);

/// What is due at a time.
#[derive(Clone, Debug)]
enum Due {
    Dial {
        who: usize,
    },
    Think {
        who: usize,
    },
    AtServer {
        connection: u64,
        up: Up,
    },
    AtClient {
        connection: u64,
        down: Down,
    },
    /// The bidder finds that the connection has ended.
    Lost {
        connection: u64,
    },
    /// The server finds that the connection has ended.
    Gone {
        connection: u64,
    },
}

impl Hall {
    pub(super) fn new(
        office: Arc<Office>,
        trace: Trace,
        mut dice: Dice,
        disk: Arc<FakeDisk>,
        ledger: PathBuf,
        lots: Vec<LotId>,
        who: &[usize],
    ) -> Self {
        let recorder = Recorder::new(office.ca.anchor().der());
        let bidders: Vec<Bidder> = who.iter().map(|who| Bidder::new(*who, dice.fork())).collect();
        let mut hall = Self {
            lines: vec![None; bidders.len()],
            bidders,
            office,
            trace,
            dice,
            disk,
            ledger,
            recorder,
            lots,
            server: None,
            knocked: false,
            queue: BTreeMap::new(),
            number: 0,
            connections: BTreeMap::new(),
            is_quiet: false,
            read: BTreeMap::new(),
            parsed: None,
        };
        for who in 0..hall.bidders.len() {
            let (dial, think) = (hall.dice.below(3_000_000), hall.dice.below(3_000_000));
            hall.at(dial, Due::Dial { who });
            hall.at(think, Due::Think { who });
        }
        hall
    }

    /// When something is due next.
    pub(super) fn next_at_us(&self) -> Option<u64> {
        self.queue.first_key_value().map(|((us, _), _)| *us)
    }

    /// Does everything that is due until then.
    pub(super) fn go_on_until(&mut self, until_us: u64) {
        self.collect();
        while self.next_at_us().is_some_and(|us| us <= until_us) {
            self.go_on();
            self.collect();
        }
        self.trace.turn_to(until_us);
    }

    /// Does the next thing.
    pub(super) fn go_on(&mut self) {
        let Some(((us, _), due)) = self.queue.pop_first() else { return };
        self.trace.turn_to(us);
        match due {
            Due::Dial { who } => self.dial(who),
            Due::Think { who } => self.think(who),
            Due::AtServer { connection, up } => self.arrive(connection, up),
            Due::AtClient { connection, down } => self.hear(connection, down),
            Due::Lost { connection } => self.lose(connection),
            Due::Gone { connection } => self.end_at_server(connection),
        }
    }

    /// Whether something was left at the gate since it was asked last.
    pub(super) fn take_knock(&mut self) -> bool {
        std::mem::take(&mut self.knocked)
    }

    // ---- The server comes and goes ----

    pub(super) fn open(&mut self, server: Served) {
        self.server = Some(server);
    }

    /// The server's process has ended: some of what it had said may have left, some not.
    pub(super) fn close(&mut self) {
        let connections: Vec<u64> = self.connections.keys().copied().collect();
        for connection in connections {
            if self.dice.percent(50) {
                self.collect_from(connection);
            }
            self.cut_off(connection);
        }
        self.server = None;
        self.knocked = false;
    }

    /// The server has ended in good order: all that it had said has left.
    pub(super) fn close_in_order(&mut self) {
        self.collect();
        let connections: Vec<u64> = self.connections.keys().copied().collect();
        for connection in connections {
            self.end_at_server(connection);
            let lost_us = self.now_us() + self.latency_us();
            let down_at_us = self.connections[&connection].down_at_us;
            self.at(lost_us.max(down_at_us + 1), Due::Lost { connection });
        }
        self.server = None;
        self.knocked = false;
    }

    fn cut_off(&mut self, connection: u64) {
        let last_us = self.now_us() + self.dice.below(30_000);
        let slow = self.dice.percent(10);
        let lost_us = last_us + self.dice.between(1, if slow { 10_000_000 } else { 800_000 });
        let Some(line) = self.connections.get_mut(&connection) else { return };
        line.has_server = false;
        line.down_until_us = last_us;
        self.at(lost_us, Due::Lost { connection });
    }

    // ---- The bidders' ends ----

    fn dial(&mut self, who: usize) {
        if self.lines[who].is_some() {
            return;
        }
        if self.server.is_none() {
            let again_us = self.now_us() + self.dice.between(50_000, 900_000);
            return self.at(again_us, Due::Dial { who });
        }
        self.number += 1;
        let connection = self.number;
        step!(self.trace, "{} calls ({connection})", self.name(who));
        self.connections.insert(connection, Connection::new(who));
        self.lines[who] = Some(connection);
        let note = self.bidders[who].note();
        self.send_up(connection, Up::Hello { note });
    }

    fn think(&mut self, who: usize) {
        let again_us = self.now_us() + self.dice.between(150_000, 3_000_000);
        self.at(again_us, Due::Think { who });
        let Some(connection) = self.lines[who] else { return };
        let Some(clock) = self.server.as_ref().map(|server| server.clock) else { return };
        if self.connections[&connection].recorded.is_none() {
            return;
        }
        if !self.is_quiet && self.dice.percent(6) {
            step!(self.trace, "{}'s connection breaks ({connection})", self.name(who));
            let gone_us = self.now_us() + self.dice.below(2_000_000);
            self.at(gone_us, Due::Gone { connection });
            return self.lose(connection);
        }
        let (bidder, office) = (&mut self.bidders[who], &self.office);
        let wish = if self.is_quiet {
            bidder.last_wish(office, &self.lots)
        } else {
            bidder.wish(office, &self.lots, clock.now())
        };
        if let Some(payload) = wish {
            self.submit(who, connection, payload);
        }
    }

    fn submit(&mut self, who: usize, connection: u64, payload: Payload) {
        let what = match &payload {
            Payload::Enrol(enrolment) => What::enrolment(&enrolment.0),
            Payload::Signed(signed, _) => What::signed(signed),
        };
        let op = self.recorder.invoke(self.now_us(), &self.name(who), what);
        step!(self.trace, "{} sends {op}: {}", self.name(who), told(&payload));
        self.bidders[who].open.insert(op, payload.clone());
        self.send_up(connection, Up::Submit { op, payload });
    }

    fn hear(&mut self, connection: u64, down: Down) {
        let Some(line) = self.connections.get(&connection) else { return };
        if !line.has_client || self.now_us() > line.down_until_us {
            return;
        }
        let who = line.who;
        match down {
            Down::Welcome { welcome, tail } => {
                let size = welcome.checkpoint.checkpoint().size;
                step!(self.trace, "{} is welcomed at {size}", self.name(who));
                let note = welcome.checkpoint.note();
                let recorded = self.recorder.welcomed(&self.name(who), size, note);
                if let Some(line) = self.connections.get_mut(&connection) {
                    line.recorded = Some(recorded);
                }
                self.bidders[who].welcome(&self.office, &welcome, &self.trace);
                self.take_lines(who, connection, false, size, &tail);
                self.catch_up(who, connection);
                self.send_again(who, connection);
            }
            Down::Lines { asked, from, lines } => {
                self.take_lines(who, connection, asked, from, &lines);
            }
            Down::Sent { next, note } => {
                let recorded = self.recorded(connection);
                self.recorder.caught_up(&self.name(who), recorded, next);
                self.recorder.note(&format!("since {recorded}"), &note);
            }
            Down::Receipt { op, receipt } => {
                step!(self.trace, "{} is given {op} on line {}", self.name(who), receipt.index);
                self.recorder.ok(self.now_us(), op, &receipt.to_text());
                self.bidders[who].receipt(&self.office, op, &receipt, &self.trace);
            }
            Down::Refused { op, code: Code::Busy } => {
                step!(self.trace, "{} is told busy for {op}", self.name(who));
                self.resend(who, connection, op);
            }
            Down::Refused { op, code } => {
                step!(self.trace, "{} is refused {op}: {code}", self.name(who));
                if self.bidders[who].open.remove(&op).is_some() {
                    self.recorder.refused(self.now_us(), op, &code.to_string());
                }
            }
        }
    }

    fn catch_up(&mut self, who: usize, connection: u64) {
        let (seq, recorded) = (self.bidders[who].next, self.recorded(connection));
        self.recorder.asked(&self.name(who), recorded, seq);
        self.send_up(connection, Up::Since { seq });
    }

    fn send_again(&mut self, who: usize, connection: u64) {
        let open: Vec<u64> = self.bidders[who].open.keys().copied().collect();
        for op in open {
            self.resend(who, connection, op);
        }
    }

    fn resend(&mut self, who: usize, connection: u64, op: u64) {
        let Some(payload) = self.bidders[who].open.get(&op).cloned() else { return };
        step!(self.trace, "{} sends {op} again", self.name(who));
        self.recorder.again(self.now_us(), op);
        self.send_up(connection, Up::Submit { op, payload });
    }

    fn take_lines(
        &mut self,
        who: usize,
        connection: u64,
        asked: bool,
        from: u64,
        lines: &[Arc<str>],
    ) {
        let recorded = self.recorded(connection);
        let text = lines.iter().map(|line| &**line);
        self.recorder.saw(&self.name(who), recorded, asked, from, text);
        let Self { bidders, office, read, trace, .. } = self;
        for (seq, line) in (from..).zip(lines) {
            let known = |seq: u64, text: &str| match read.get(&seq) {
                Some((known, what)) if **known == *text => what.clone(),
                _ => {
                    let what = read_line(office, text);
                    read.insert(seq, (text.into(), what.clone()));
                    what
                }
            };
            bidders[who].line(seq, line, known, trace);
        }
    }

    fn lose(&mut self, connection: u64) {
        let Some(line) = self.connections.get_mut(&connection) else { return };
        if !std::mem::replace(&mut line.has_client, false) {
            return;
        }
        let who = line.who;
        if let Some(recorded) = line.recorded {
            self.recorder.left(recorded);
        }
        step!(self.trace, "{} has lost the line ({connection})", self.name(who));
        self.lines[who] = None;
        self.bidders[who].forget_early();
        let again_us = self.now_us() + self.dice.between(10_000, 900_000);
        self.at(again_us, Due::Dial { who });
    }

    fn recorded(&self, connection: u64) -> u64 {
        self.connections[&connection].recorded.expect("it was welcomed")
    }

    pub(super) fn name(&self, who: usize) -> String {
        self.office.identity(self.bidders[who].who).name.to_string()
    }

    // ---- The server's ends ----

    fn arrive(&mut self, connection: u64, up: Up) {
        let (Some(line), Some(server)) = (self.connections.get(&connection), &self.server) else {
            return;
        };
        if !line.has_server {
            return;
        }
        let identity = self.office.identity(self.bidders[line.who].who);
        let gate = &server.gate;
        let asked = match up {
            Up::Hello { note } => {
                let (name, ticket) = (identity.name.clone(), line.hello_ticket(note.is_some()));
                gate.ask(Query::Welcome { name, note, cosigned: false, ticket })
            }
            Up::Since { seq } => gate.ask(Query::Lines { seq, ticket: line.lines_ticket() }),
            Up::Submit { op, payload } => {
                let (ticket, office) = (line.ticket(op), Arc::clone(&self.office));
                let entered = match payload {
                    Payload::Signed(signed, opening) => {
                        let check = move |_| gavel::check(*signed, opening, &OnceLock::new());
                        gate.enter(&identity.name, ticket, None, check)
                    }
                    Payload::Enrol(enrolment) => {
                        gate.enter(&identity.name, ticket, None, move |at| {
                            let (statement, enrolment) = *enrolment;
                            let (hash, anchor) = (statement.sale_hash, office.ca.anchor());
                            match enrolment.authenticate(&hash, anchor, &office.house, at) {
                                Ok(enrolled) => Checked::Enrolled(Box::new(enrolled)),
                                Err(fault) => Checked::Refused(gavel::code_of(&fault)),
                            }
                        })
                    }
                };
                if let Err(full) = entered {
                    full.0.refuse(Code::Busy);
                }
                // The floor may look at the gate again in the middle of a round, after a wait for
                // the disk: what it finds there must not depend on how fast the pool was.
                gate.settle();
                Ok(())
            }
        };
        if let Err(query) = asked {
            query.refuse(Code::Busy);
        }
        self.knocked = true;
    }

    fn end_at_server(&mut self, connection: u64) {
        if let Some(line) = self.connections.get_mut(&connection) {
            line.has_server = false;
        }
    }

    /// Takes all that has been said, and sends it on its way.
    pub(super) fn collect(&mut self) {
        let connections: Vec<u64> = self.connections.keys().copied().collect();
        for connection in connections {
            self.collect_from(connection);
        }
        self.connections.retain(|_, line| line.has_server || line.has_client);
    }

    fn collect_from(&mut self, connection: u64) {
        let mut says = Vec::new();
        let Some(line) = self.connections.get_mut(&connection) else { return };
        if !line.has_server {
            return;
        }
        let mut streams = Vec::new();
        while let Ok(outgoing) = line.outgoing.try_recv() {
            let Say::Answer { asked, answer } = outgoing.say else { continue };
            if let Answer::Welcome { cursor, .. } = &answer {
                line.cursor = Some(*cursor);
            }
            match answer {
                Answer::Lines { from, next, bytes, note } => {
                    streams.push((from, next, bytes, note));
                }
                answer => says.push((asked, answer)),
            }
        }
        let frames = match (&mut line.cursor, &self.server) {
            (Some(cursor), Some(server)) => match server.fanout.take(cursor, usize::MAX) {
                News::Frames(frames) => frames,
                News::Lost => {
                    self.trace.violation("a frame was lost on a line that was read".to_owned());
                    Vec::new()
                }
            },
            _ => Vec::new(),
        };
        for (asked, answer) in says {
            self.say(connection, &asked, answer);
        }
        for frame in frames {
            let (from, lines) = self.parse(&frame);
            self.send_down(connection, Down::Lines { asked: false, from, lines });
        }
        for (from, next, bytes, note) in streams {
            let lines = split(&self.disk.read_range(&self.ledger, bytes));
            for (from, lines) in (from..).step_by(7).zip(lines.chunks(7)) {
                self.send_down(connection, Down::Lines { asked: true, from, lines: lines.into() });
            }
            self.send_down(connection, Down::Sent { next, note });
        }
    }

    fn say(&mut self, connection: u64, asked: &Asked, answer: Answer) {
        let down = match (operation(asked), answer) {
            (Some(op), Answer::Entered { proof, entry, .. }) => {
                let line = serde_json::from_slice(entry.bytes()).expect("a JSON string");
                Down::Receipt { op, receipt: Box::new(proof.receipt(line)) }
            }
            (Some(op), Answer::Earlier { proof, line }) => {
                let line = self.disk.read_range(&self.ledger, line);
                let receipt = proof.receipt(String::from_utf8_lossy(&line).into_owned());
                Down::Receipt { op, receipt: Box::new(receipt) }
            }
            (Some(op), Answer::Refused { code, .. }) => Down::Refused { op, code },
            (None, Answer::Welcome { welcome, tail, .. }) => {
                let tail = split(&self.disk.read_range(&self.ledger, tail));
                Down::Welcome { welcome: Arc::from(welcome), tail }
            }
            // A server that stops sends busy: the bidder calls again.
            (None, Answer::Refused { code: Code::Busy, .. }) => return,
            (_, answer) => {
                return self.trace.violation(format!("an answer to nothing: {answer:?}"));
            }
        };
        self.send_down(connection, down);
    }

    /// Takes a frame apart, once for everybody.
    fn parse(&mut self, told: &Arc<Told>) -> (u64, Arc<[Arc<str>]>) {
        if let Some((known, from, lines)) = &self.parsed
            && Arc::ptr_eq(known, told)
        {
            return (*from, Arc::clone(lines));
        }
        let text = std::str::from_utf8(&told.lines).expect("JSON");
        let Ok(ServerMessage::Lines(message)) = ServerMessage::parse(text.trim_end()) else {
            panic!("a frame is a message of lines: {text}");
        };
        let lines: Arc<[Arc<str>]> =
            message.lines.iter().map(|line| line.as_str().into()).collect();
        self.parsed = Some((Arc::clone(told), message.from, Arc::clone(&lines)));
        (message.from, lines)
    }

    // ---- The way between ----

    fn send_up(&mut self, connection: u64, up: Up) {
        let arrives_us = self.now_us() + self.latency_us();
        let Some(line) = self.connections.get_mut(&connection) else { return };
        line.up_at_us = arrives_us.max(line.up_at_us + 1);
        let at_us = line.up_at_us;
        self.at(at_us, Due::AtServer { connection, up });
    }

    fn send_down(&mut self, connection: u64, down: Down) {
        let arrives_us = self.now_us() + self.latency_us();
        let Some(line) = self.connections.get_mut(&connection) else { return };
        line.down_at_us = arrives_us.max(line.down_at_us + 1);
        let at_us = line.down_at_us;
        self.at(at_us, Due::AtClient { connection, down });
    }

    fn latency_us(&mut self) -> u64 {
        match self.dice.below(100) {
            0..85 => self.dice.between(500, 30_000),
            85..97 => self.dice.between(30_000, 300_000),
            _ => self.dice.between(300_000, 3_000_000),
        }
    }

    fn at(&mut self, us: u64, due: Due) {
        self.number += 1;
        self.queue.insert((us, self.number), due);
    }

    fn now_us(&self) -> u64 {
        self.trace.now_us()
    }
}

/// Whole lines of a file, each without its LF.
fn split(bytes: &[u8]) -> Vec<Arc<str>> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().map(Arc::from).collect()
}

/// What is sent, in words without keys and hashes.
fn told(payload: &Payload) -> String {
    let Payload::Signed(signed, _) = payload else { return "an enrolment".to_owned() };
    match &**signed {
        Signed::Bid(bid) => {
            let statement = &bid.statement;
            format!("{} on {} ({})", statement.amount.minor_units(), statement.lot, statement.n)
        }
        Signed::Act(act) => {
            let kind = format!("{:?}", act.statement.order);
            let kind = kind.split([' ', '{', ')']).next().unwrap_or_default().to_owned();
            format!("{kind} ({})", act.statement.n)
        }
    }
}
