//! The live session of staff: the sale above, the commands below, one short word for
//! what is done at every lot.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::desk::{Desk, Ready, open_outcome};
use super::grammar::{FORMS, Wanted};
use crate::auction::act::{Deed, Effect};
use crate::auction::event::Happening;
use crate::auction::lot::Lot;
use crate::auction::name::LotId;
use crate::auction::sale::Sale;
use crate::cli::bid::{is_yes, who_am_i};
use crate::cli::caller::Whom;
use crate::cli::panel::{Boards, Face};
use crate::cli::prompt::{Typed, piped};
use crate::cli::{Exit, Failure, print};
use crate::client::{BidAnswer, Entry, Happened, SessionError};
use crate::clock::Stopwatch;
use crate::limits::{OUTCOME_PATIENCE, SEEN_AFTER};
use crate::record::Order;

/// Where the lines go.
enum Output {
    Face(Face),
    Pipe,
}

struct Live {
    desk: Desk,
    boards: Boards,
    output: Output,
    yes: bool,
    /// The lot that is being sold.
    current: Option<LotId>,
    /// The standing bid of each lot before it last changed, and since when.
    changed: HashMap<LotId, (Option<u64>, Stopwatch)>,
    /// The standing bids as they were last shown.
    shown: HashMap<LotId, u64>,
    /// What waits for a yes.
    doubtful: Option<Wanted>,
    /// The numbers of acts whose answer is awaited.
    awaited: BTreeSet<u64>,
    /// The line that has to be here before what follows from the last act shows.
    landed: Option<u64>,
    refused: bool,
    unknown: bool,
}

/// Where commands are typed.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// At the live screen.
    Screen,
    /// At a bare prompt.
    Prompt,
    /// In a file or another program.
    Pipe,
}

pub(super) async fn run(whom: &Whom, place: Place, yes: bool) -> Result<Exit, Failure> {
    let desk = Desk::open(whom).await?;
    let name = desk.session.identity().name.as_str();
    let (output, typed) = match place {
        Place::Screen | Place::Prompt => {
            let (face, typed) = Face::open(name, matches!(place, Place::Prompt))?;
            (Output::Face(face), typed)
        }
        Place::Pipe => (Output::Pipe, piped()),
    };
    let live = Live {
        boards: Boards::new(&desk.session),
        desk,
        output,
        yes,
        current: None,
        changed: HashMap::new(),
        shown: HashMap::new(),
        doubtful: None,
        awaited: BTreeSet::new(),
        landed: None,
        refused: false,
        unknown: false,
    };
    live.run(typed).await
}

impl Live {
    async fn run(mut self, mut typed: mpsc::Receiver<Typed>) -> Result<Exit, Failure> {
        self.greet().await?;
        loop {
            if let Output::Face(face) = &mut self.output {
                let (session, awaited) = (&self.desk.session, self.awaited.len());
                let current = || self.current.clone();
                face.show(|| Some(self.boards.take(session, awaited)?.selling(current())));
            }
            // Over pipes a command waits for what came of the one before.
            let may_take = matches!(self.output, Output::Face(_)) || self.is_settled();
            tokio::select! {
                // What was typed was typed at the screen as it is, before what comes next.
                biased;
                said = typed.recv(), if may_take => {
                    if let Output::Face(face) = &mut self.output {
                        face.was_answered();
                    }
                    match said {
                        Some(Typed::Line(line)) if is_quit(&line) => break,
                        Some(Typed::Line(line)) => self.obey(&line).await?,
                        Some(Typed::End) | None => break,
                    }
                }
                happened = self.desk.session.next() => {
                    let happened = happened?;
                    self.hear(&happened);
                    let is_over = self.desk.sale().is_some_and(Sale::is_closed);
                    if is_over && matches!(happened, Happened::Lost { .. }) {
                        self.say("The sale has closed, and its server is gone.\n");
                        break;
                    }
                }
            }
        }
        self.leave().await
    }

    async fn greet(&mut self) -> Result<(), Failure> {
        let list = match &self.output {
            Output::Face(face) if face.shows_lots() => String::new(),
            Output::Face(_) | Output::Pipe => self.desk.screen.list(&self.desk.session),
        };
        let text = who_am_i(&self.desk.session) + &list;
        self.say(&format!("{text}HELP lists the commands.\n"));
        self.current = self.desk.only_live_lot();
        self.note_shown();
        // What earlier runs left open is told when its answer comes; nobody waits for it.
        self.desk.session.settle().await?;
        Ok(())
    }

    fn is_settled(&self) -> bool {
        let next = self.desk.session.follower().map_or(0, |follower| follower.next());
        self.awaited.is_empty() && self.landed.is_none_or(|seq| seq < next)
    }

    async fn leave(mut self) -> Result<Exit, Failure> {
        // For all of them together: a server that is gone is lost again and again.
        match timeout(Duration::from(OUTCOME_PATIENCE), self.settle()).await {
            Ok(settled) => settled?,
            Err(_) => return Err(open_outcome()),
        }
        self.desk.close().await?;
        Ok(match (self.unknown, self.refused, &self.output) {
            (true, _, _) => Exit::Inconclusive,
            (false, true, Output::Pipe) => Exit::Refused,
            (false, _, _) => Exit::Success,
        })
    }

    async fn settle(&mut self) -> Result<(), Failure> {
        while !self.is_settled() {
            let happened = self.desk.session.next().await?;
            self.hear(&happened);
        }
        Ok(())
    }

    fn say(&mut self, text: &str) {
        match &mut self.output {
            Output::Face(face) if !text.is_empty() => face.print(text),
            Output::Face(_) => {}
            Output::Pipe => {
                print::is_read(text);
            }
        }
    }

    // ---- What happens ----

    fn hear(&mut self, happened: &Happened) {
        let text = self.desk.hear(happened);
        self.say(&text);
        match happened {
            Happened::Act { act, answer } => {
                self.awaited.remove(&act.n);
                if let BidAnswer::Landed { seq } = answer {
                    self.landed = self.landed.max(Some(*seq));
                }
                self.refused |= matches!(answer, BidAnswer::Refused { .. });
                self.unknown |= matches!(answer, BidAnswer::Unknown);
            }
            Happened::Entry(entry) => {
                self.note_change(entry);
                if let Some(event) = &entry.event {
                    self.follow(&event.what);
                }
            }
            _ => {}
        }
    }

    /// The bids that stand when the session begins are on the screen already.
    fn note_shown(&mut self) {
        let Some(sale) = self.desk.sale() else { return };
        let shown =
            sale.lots().filter_map(|lot| Some((lot.terms().id.clone(), lot.standing()?.seq)));
        self.shown = shown.collect();
    }

    fn note_change(&mut self, entry: &Entry) {
        let lot = match entry.event.as_ref().map(|event| &event.what) {
            Some(Happening::BidAccepted { bid, .. }) => &bid.lot,
            Some(Happening::Acted { act, effect: Effect::Voided { .. } }) => {
                let Some(lot) = act.deed.lot() else { return };
                lot
            }
            _ => return,
        };
        let stands = self.desk.sale().and_then(|sale| sale.lot(lot)).and_then(Lot::standing);
        let before = match stands.map(|high| high.seq) {
            Some(seq) => self.shown.insert(lot.clone(), seq),
            None => self.shown.remove(lot),
        };
        self.changed.insert(lot.clone(), (before, Stopwatch::start()));
    }

    /// At the prompt a hammer or void means the bid that was on the screen for long enough to
    /// be read; if another has come, the house answers `bid-in`.
    fn as_seen(&self, wanted: Wanted) -> Wanted {
        let Wanted::Act { order: Order::Deed(deed), reason } = wanted else { return wanted };
        let seen_of = |lot: &LotId, seen: Option<u64>| match self.changed.get(lot) {
            Some((before, since)) if since.elapsed_us() < SEEN_AFTER.ms() * 1000 => *before,
            Some(_) | None => seen,
        };
        let deed = match deed {
            Deed::Hammer { lot, seen } => Deed::Hammer { seen: seen_of(&lot, seen), lot },
            Deed::Void { lot, seen } => Deed::Void { seen: seen_of(&lot, seen), lot },
            other => other,
        };
        Wanted::Act { order: Order::Deed(deed), reason }
    }

    /// The lot that staff opened last is the one that is being sold, until it has ended.
    fn follow(&mut self, what: &Happening) {
        if let Happening::Acted { act, effect: Effect::Opened { .. } } = what
            && let Deed::Open { lot } = &act.deed
        {
            self.current = Some(lot.clone());
        }
        if self.current.as_ref().is_some_and(|lot| !self.desk.is_live(lot)) {
            self.current = None;
        }
    }

    // ---- What is asked ----

    async fn obey(&mut self, line: &str) -> Result<(), Failure> {
        if let Some(wanted) = self.doubtful.take() {
            if is_yes(line) {
                return self.order(wanted).await;
            }
            self.say("Nothing was done.\n");
            return Ok(());
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [] => Ok(()),
            [verb] if verb.eq_ignore_ascii_case("help") => {
                let keys = match &self.output {
                    Output::Face(face) if face.shows_lots() => KEYS,
                    Output::Face(_) | Output::Pipe => "",
                };
                self.say(&format!("Commands, one for each line:\n{FORMS}{OTHERS}{keys}"));
                Ok(())
            }
            [verb] if verb.eq_ignore_ascii_case("list") => {
                let list = self.desk.screen.list(&self.desk.session);
                self.say(&list);
                Ok(())
            }
            [verb, rest @ ..] if verb.eq_ignore_ascii_case("status") => {
                self.status(rest);
                Ok(())
            }
            [verb, lot] if verb.eq_ignore_ascii_case("lot") => {
                self.choose(lot);
                Ok(())
            }
            words => self.act(words).await,
        }
    }

    fn status(&mut self, words: &[&str]) {
        let lot = match words {
            [] => self.current.clone(),
            [lot, ..] => LotId::parse(&lot.to_ascii_lowercase()).ok(),
        };
        let text = match lot {
            Some(lot) => self.desk.screen.status(&self.desk.session, &lot),
            None => "Name a lot: status LOT\n".to_owned(),
        };
        self.say(&text);
    }

    fn choose(&mut self, lot: &str) {
        match LotId::parse(&lot.to_ascii_lowercase()).ok().filter(|lot| self.desk.is_live(lot)) {
            Some(lot) => {
                self.say(&format!("Lot {lot} is the one that is being sold.\n"));
                self.current = Some(lot);
            }
            None => self.say("That is no lot that is open or paused.\n"),
        }
    }

    async fn act(&mut self, words: &[&str]) -> Result<(), Failure> {
        let wanted = match self.desk.read(words, self.current.as_ref()) {
            Ok(wanted) if matches!(self.output, Output::Face(_)) => self.as_seen(wanted),
            Ok(wanted) => wanted,
            Err(why) => {
                self.refused = true;
                self.say(&format!("{why}. HELP lists the commands.\n"));
                return Ok(());
            }
        };
        match self.desk.question(&wanted).filter(|_| !self.yes) {
            None => self.order(wanted).await,
            Some(question) if matches!(self.output, Output::Face(_)) => {
                self.say(&format!("{question} Enter it? [yes/no]\n"));
                self.doubtful = Some(wanted);
                Ok(())
            }
            Some(question) => {
                self.refused = true;
                self.say(&format!("{question} Nothing was done; --yes allows it.\n"));
                Ok(())
            }
        }
    }

    /// Signs and sends; what is wrong with the order is said, and the session goes on.
    async fn order(&mut self, wanted: Wanted) -> Result<(), Failure> {
        let (order, reason, opening): Ready = match self.desk.prepare(wanted) {
            Ok(ready) => ready,
            Err(failure) => {
                self.refused = true;
                self.say(&failure.told());
                return Ok(());
            }
        };
        match self.desk.session.send_act(order, reason, opening).await {
            Ok(placed) => {
                self.awaited.insert(placed.n);
                Ok(())
            }
            Err(error @ (SessionError::Offline | SessionError::NotEnrolled { .. })) => {
                self.refused = true;
                self.say(&format!("Nothing was done: {error}.\n"));
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

const OTHERS: &str = "\
  lot LOT                      sell this one now: commands without a lot mean it
  list, status [LOT], help, quit
";

const KEYS: &str = "\
Keys, each of which writes a command that Enter sends:
  F2 open the next, F3 warn, F4 hammer, F5 pass, F6 pause or resume the marked lot
  Tab, Shift-Tab sell another lot; Up, Down what was typed before; Ctrl-C the end
";

fn is_quit(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "quit" | "q" | "exit")
}
