//! The desk: one task that owns the session, hears what happens, and tells every page.
//!
//! What pages are told is only what was checked: the lots come from the replay of the lines, the
//! outcome of a bid from a receipt that stood. What they ask is obeyed in `orders.rs`.

mod orders;

use std::collections::{HashMap, VecDeque};
use std::error::Error;
use std::pin::pin;

use hyper::body::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::board::{LotBoard, SaleBoard, Step};
use super::news::{News, Reporter};
use super::own::{OwnList, State, What};
use super::says::{Asks, Id, LedgerBoard, Link, Told};
use crate::auction::act::{Deed, Effect};
use crate::auction::event::{Event, Happening};
use crate::auction::lot::Lot;
use crate::auction::money::Currency;
use crate::auction::name::{LotId, Name, Role};
use crate::auction::sale::Sale;
use crate::client::{BidAnswer, BidOn, Entry, Happened, Session, SessionError};
use crate::clock::Stopwatch;
use crate::limits::{
    WEB_ALARMS_MAX, WEB_LEDGER_EVERY, WEB_LOTS_IN_A_MESSAGE, WEB_NEWS_MAX, WEB_PAGES_MAX,
    WEB_STEPS_MAX, WEB_TOLD_WAITING_MAX,
};
use crate::wire::message::refusal;

/// What comes to the desk from the door.
pub(super) enum Command {
    /// A page is there.
    Join(oneshot::Sender<Joined>),
    /// A page asks.
    Asked {
        /// Which page.
        page: u64,
        /// What.
        asks: Asks,
        /// Since it was asked.
        since: Stopwatch,
    },
}

/// What a page begins with.
pub(super) struct Joined {
    /// Its number.
    pub(super) page: u64,
    /// What it is told at once.
    pub(super) first: Vec<Utf8Bytes>,
    /// What it is told from then on. It ends for a page that takes it too slowly.
    pub(super) live: mpsc::Receiver<Utf8Bytes>,
}

struct Page {
    number: u64,
    told: mpsc::Sender<Utf8Bytes>,
}

/// Owns the session.
pub(super) struct Desk {
    session: Session,
    board: SaleBoard,
    currency: Currency,
    me: Name,
    role: Role,
    /// There once every line was checked: what was before is history, not news.
    reporter: Option<Reporter>,
    news: VecDeque<News>,
    /// What was cried out about, for pages that come later.
    alarms: VecDeque<String>,
    steps: HashMap<LotId, VecDeque<Step>>,
    bid_on: BidOn,
    own: OwnList,
    held: Option<orders::Held>,
    /// What pages have given up on, so that it is not signed if it comes all the same.
    withdrawn: VecDeque<Id>,
    pages: Vec<Page>,
    next_page: u64,
    link: Link,
    /// Why the connection was lost last.
    why: String,
    ledger: LedgerBoard,
    /// Why the session has ended.
    fault: Option<SessionError>,
}

impl Desk {
    /// A desk for a session that was just opened.
    pub(super) fn new(session: Session) -> Self {
        Self {
            board: SaleBoard::of(&session),
            currency: session.sale().opening().terms.sale.currency.clone(),
            me: session.identity().name.clone(),
            role: session.identity().role,
            reporter: None,
            news: VecDeque::new(),
            alarms: VecDeque::new(),
            steps: HashMap::new(),
            bid_on: BidOn::nothing(session.identity().name.clone()),
            own: OwnList::default(),
            held: None,
            withdrawn: VecDeque::new(),
            pages: Vec::new(),
            next_page: 0,
            link: Link::Checking,
            why: String::new(),
            ledger: ledger(&session),
            fault: None,
            session,
        }
    }

    /// Serves pages until `stop` is done. A session that ends before leaves the desk open, so that
    /// pages show why.
    pub(super) async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        stop: impl Future<Output = ()>,
    ) -> Result<(), SessionError> {
        let mut stop = pin!(stop);
        let mut look = interval(WEB_LEDGER_EVERY.into());
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some(command) = commands.recv() => self.take(command).await,
                happened = self.session.next(), if self.fault.is_none() => match happened {
                    Ok(happened) => self.hear(happened).await,
                    Err(error) => self.fail(error),
                },
                _ = look.tick() => self.tell_ledger(),
            }
            self.tell_link();
        }
        match self.fault {
            Some(fault) => Err(fault),
            None => self.session.close().await,
        }
    }

    async fn take(&mut self, command: Command) {
        match command {
            Command::Join(reply) => self.welcome(reply),
            Command::Asked { page, asks, since } => self.obey(page, asks, since).await,
        }
    }

    /// Without an enrolment one can still look; anything else that is not passing is the end.
    fn fail(&mut self, error: SessionError) {
        let why = whole(&error);
        if matches!(error, SessionError::NotEnrolled { .. }) {
            self.cry(why);
            return;
        }
        self.why = why;
        for own in self.own.lose_sight() {
            self.tell(&Told::Own { own: &own });
        }
        self.fault = Some(error);
    }

    // ---- Pages ----

    fn welcome(&mut self, reply: oneshot::Sender<Joined>) {
        self.pages.retain(|page| !page.told.is_closed());
        if self.pages.len() >= WEB_PAGES_MAX {
            return;
        }
        let (told, live) = mpsc::channel(WEB_TOLD_WAITING_MAX);
        let number = self.next_page;
        self.next_page += 1;
        if reply.send(Joined { page: number, first: self.snapshot(), live }).is_ok() {
            self.pages.push(Page { number, told });
        }
    }

    /// Everything that a page has to know.
    fn snapshot(&self) -> Vec<Utf8Bytes> {
        let mut all = vec![
            message(&Told::Hello(&self.board)),
            message(&Told::Link(&self.link)),
            message(&Told::Ledger(&self.ledger)),
        ];
        all.extend(self.alarms.iter().map(|text| message(&Told::Alarm { text })));
        if self.reporter.is_none() {
            return all;
        }
        let lots: Vec<LotBoard> = self.lots().collect();
        let chunks = lots.chunks(WEB_LOTS_IN_A_MESSAGE);
        all.extend(chunks.map(|lots| message(&Told::Lots { lots })));
        all.extend(self.own.iter().map(|own| message(&Told::Own { own })));
        all.extend(self.news.iter().map(|news| message(&Told::News { news })));
        all.push(message(&Told::Ready));
        all
    }

    /// Tells every page; one that has no room left is let go, and comes again.
    fn tell(&mut self, told: &Told<'_>) {
        if self.pages.is_empty() {
            return;
        }
        let text = message(told);
        self.pages.retain(|page| page.told.try_send(text.clone()).is_ok());
    }

    /// Tells what nobody must miss, now and to whoever comes later.
    fn cry(&mut self, text: String) {
        self.tell(&Told::Alarm { text: &text });
        if self.alarms.len() == WEB_ALARMS_MAX {
            self.alarms.pop_front();
        }
        self.alarms.push_back(text);
    }

    fn tell_one(&mut self, number: u64, told: &Told<'_>) {
        let text = message(told);
        self.pages.retain(|page| page.number != number || page.told.try_send(text.clone()).is_ok());
    }

    /// Changes one of our own bids or acts, and tells it.
    fn change(&mut self, key: u64, change: impl FnOnce(&mut super::own::Own)) {
        if let Some(own) = self.own.change(key, change).cloned() {
            self.tell(&Told::Own { own: &own });
        }
    }

    fn tell_link(&mut self) {
        let link = match &self.fault {
            Some(_) => Link::Ended { why: self.why.clone() },
            None if !self.session.is_connected() => Link::Down { why: self.why.clone() },
            None if self.reporter.is_none() => Link::Checking,
            None => Link::Up,
        };
        if link != self.link {
            self.link = link.clone();
            self.tell(&Told::Link(&link));
        }
    }

    fn tell_ledger(&mut self) {
        let now = ledger(&self.session);
        if now != self.ledger {
            self.tell(&Told::Ledger(&now));
            self.ledger = now;
        }
    }

    // ---- The sale as it stands ----

    fn sale(&self) -> Option<&Sale> {
        self.session.follower().and_then(|follower| follower.standing())
    }

    fn lots(&self) -> impl Iterator<Item = LotBoard> {
        self.sale().into_iter().flat_map(Sale::lots).map(|lot| self.lot(lot))
    }

    fn lot(&self, lot: &Lot) -> LotBoard {
        LotBoard::of(lot, &self.me, self.bid_on.standing(lot))
    }

    // ---- What happens ----

    async fn hear(&mut self, happened: Happened) {
        match happened {
            Happened::CaughtUp { .. } => self.begin().await,
            Happened::Connected if self.reporter.is_some() => self.enrol().await,
            Happened::Entry(entry) => self.hear_entry(&entry),
            Happened::Bid { bid, answer } => self.hear_answer(bid.n, answer),
            Happened::Act { act, answer } => self.hear_answer(act.n, answer),
            Happened::Lost { why, .. } => {
                self.why = whole(&why);
                for own in self.own.lose_sight() {
                    self.tell(&Told::Own { own: &own });
                }
            }
            Happened::Alarm(alarm) => {
                let text = alarm.text(&self.currency);
                self.cry(text);
            }
            Happened::Refused { id: None, message, .. } => {
                self.cry(message);
            }
            Happened::Connected
            | Happened::Cosigned(_)
            | Happened::Enrolled
            | Happened::Lots { .. }
            | Happened::Refused { .. }
            | Happened::Unanswered { .. } => {}
        }
    }

    /// Every line was checked: ask what became of earlier bids, enrol, and let pages begin anew.
    async fn begin(&mut self) {
        let sale = self.session.follower().and_then(|follower| follower.standing());
        self.reporter = Some(Reporter::new(self.me.clone(), sale));
        self.board = SaleBoard::of(&self.session);
        self.ledger = ledger(&self.session);
        match self.session.settle().await {
            Ok(bids) => {
                for bid in bids {
                    let lot = bid.lot.as_str().to_owned();
                    let what = What::Bid { lot, amount: bid.amount.minor_units() };
                    self.own.add(None, what, State::Unknown).n = Some(bid.n);
                }
            }
            Err(error) => self.fail(error),
        }
        self.enrol().await;
        self.pages.clear();
    }

    async fn enrol(&mut self) {
        let signs = matches!(self.role, Role::Auctioneer | Role::Bidder | Role::Clerk);
        if !signs || self.sale().is_none_or(Sale::is_closed) {
            return;
        }
        match self.session.send_enrol().await {
            Ok(()) | Err(SessionError::Offline) => {}
            Err(error) => self.fail(error),
        }
    }

    fn hear_answer(&mut self, n: u64, answer: BidAnswer) {
        let Some(key) = self.own.numbered(n) else { return };
        match answer {
            BidAnswer::Landed { seq } => {
                if self.own.landed(key, seq).is_some() {
                    // A page that holds both would show one bid twice: it begins anew.
                    self.pages.clear();
                }
                self.change(key, |_| ());
            }
            BidAnswer::Refused { code, ask, .. } => {
                let text = refusal(code, ask, &self.currency);
                self.change(key, |own| {
                    own.state = State::Refused;
                    (own.code, own.text) = (Some(code.as_str()), Some(text));
                });
            }
            BidAnswer::Unknown => self.change(key, |own| own.state = State::Unknown),
        }
    }

    fn hear_entry(&mut self, entry: &Entry) {
        let Some(event) = &entry.event else { return };
        self.note(entry.seq, event);
        let sale = self.session.follower().and_then(|follower| follower.standing());
        let Some(reporter) = &mut self.reporter else { return };
        let Some(news) = reporter.tell(entry.seq, event, sale) else { return };
        let lots: Vec<LotBoard> = match news.lot().and_then(|lot| LotId::parse(lot).ok()) {
            _ if news.moves_every_lot() => self.lots().collect(),
            Some(lot) => self
                .sale()
                .and_then(|sale| sale.lot(&lot))
                .map(|lot| self.lot(lot))
                .into_iter()
                .collect(),
            None => Vec::new(),
        };
        for lots in lots.chunks(WEB_LOTS_IN_A_MESSAGE) {
            self.tell(&Told::Lots { lots });
        }
        self.tell(&Told::News { news: &news });
        if self.news.len() == WEB_NEWS_MAX {
            self.news.pop_front();
        }
        self.news.push_back(news);
    }

    /// Remembers prices and our own bids, also of what was before this session.
    fn note(&mut self, seq: u64, event: &Event) {
        self.bid_on.hear(event);
        match &event.what {
            Happening::BidAccepted { bid, .. } => {
                let (mine, amount) = (bid.party().is(&self.me), bid.amount.minor_units());
                let at = event.at.unix_ms();
                let steps = self.steps.entry(bid.lot.clone()).or_default();
                if steps.len() == WEB_STEPS_MAX {
                    steps.pop_front();
                }
                steps.push_back(Step { seq, at, amount, mine, void: false });
                if mine {
                    let what = What::Bid { lot: bid.lot.as_str().to_owned(), amount };
                    if let Some(own) = self.own.entered(seq, at, what).cloned() {
                        self.tell(&Told::Own { own: &own });
                    }
                }
            }
            Happening::Acted { act, effect: Effect::Voided { .. } } => {
                let Deed::Void { lot, seen } = &act.deed else { return };
                let steps = self.steps.get_mut(lot).into_iter().flatten();
                steps.filter(|step| Some(step.seq) == *seen).for_each(|step| step.void = true);
                if let Some(own) = seen.and_then(|seq| self.own.voided(seq)).cloned() {
                    self.tell(&Told::Own { own: &own });
                }
            }
            _ => {}
        }
    }
}

fn message(told: &Told<'_>) -> Utf8Bytes {
    // A text's bytes are shared by all pages that get it.
    Utf8Bytes::try_from(Bytes::from(told.to_text())).expect("a text is UTF-8")
}

fn ledger(session: &Session) -> LedgerBoard {
    let newest = session.newest().checkpoint();
    let cosigned = session.cosigned();
    LedgerBoard {
        lines: session.follower().map_or(0, |follower| follower.next()),
        signed_lines: newest.size,
        root: newest.root.to_string(),
        cosigned_lines: cosigned.map(|cosigned| cosigned.size()),
        cosigners: cosigned.map(|cosigned| cosigned.names()).unwrap_or_default(),
    }
}

/// An error with everything behind it, fit to be shown.
fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text.retain(crate::auction::name::is_showable);
    text
}
