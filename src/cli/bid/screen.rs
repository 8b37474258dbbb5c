//! What a screen says: every happening in words, from lines that were checked.

use std::collections::BTreeSet;

use crate::auction::act::Effect;
use crate::auction::event::{Event, Happening, Outcome};
use crate::auction::money::Currency;
use crate::auction::name::{LotId, Name, Role};
use crate::cli::cosigned::Cosigners;
use crate::cli::fault::whole;
use crate::cli::when;
use crate::client::{BidAnswer, Happened, PlacedAct, PlacedBid, Session};
use crate::record::{Order, Record, Refused, Signed};
use crate::wire::lot::LotView;
use crate::wire::message::advice;
use crate::wire::notice::Announcer;
use crate::wire::text;

/// The answer to HELP.
pub(super) const HELP: &str = "Commands, one for each line:
  LIST                     all items
  STATUS <item>            how an item stands
  BID <item> <amount>      sign a bid and send it
  WHOAMI                   who you are here
  HELP                     this
  QUIT                     the end
";

/// What the answer to HELP says besides, where there are keys.
pub(super) const KEYS: &str = "Keys:
  +                        bid the next amount on the marked item
  Tab, Shift-Tab           mark another item
  Up, Down                 what was typed before
  Ctrl-C                   the end
";

/// Words what a session hears, from the moment on at which everything was checked.
#[derive(Debug)]
pub(crate) struct Screen {
    name: Name,
    currency: Currency,
    announcer: Option<Announcer>,
    /// The lots that we lead, to notice when we no longer do.
    leads: BTreeSet<LotId>,
    /// Auditors see what was refused, too (RULES 7).
    sees_refusals: bool,
    cosigners: Cosigners,
    lost: bool,
}

impl Screen {
    /// A screen for the holder of the session's credential.
    pub(crate) fn new(session: &Session) -> Self {
        Self {
            name: session.identity().name.clone(),
            currency: session.sale().opening().terms.sale.currency.clone(),
            announcer: None,
            leads: BTreeSet::new(),
            sees_refusals: session.identity().role == Role::Auditor,
            cosigners: Cosigners::default(),
            lost: false,
        }
    }

    /// The same, with cosigned checkpoints judged in this way.
    pub(crate) fn judging(self, cosigners: Cosigners) -> Self {
        Self { cosigners, ..self }
    }

    /// How cosigned checkpoints are judged.
    pub(crate) const fn cosigners(&self) -> &Cosigners {
        &self.cosigners
    }

    /// The lines that tell what happened; empty where nothing is worth telling.
    pub(crate) fn tell(&mut self, session: &Session, happened: &Happened) -> String {
        match happened {
            Happened::CaughtUp { size } => self.greet(session, *size),
            Happened::Entry(entry) => match (&entry.event, &entry.record) {
                (Some(event), _) => self.announce(session, event),
                (None, Record::Refused(no)) if self.announcer.is_some() && self.sees_refusals => {
                    refused_of(no, &self.currency)
                }
                (None, _) => String::new(),
            },
            Happened::Alarm(alarm) => format!("warning: {}\n", alarm.text(&self.currency)),
            Happened::Connected if std::mem::take(&mut self.lost) => {
                "Connected again.\n".to_owned()
            }
            Happened::Cosigned(cosigned) => self.cosigners.tell(cosigned),
            Happened::Connected | Happened::Enrolled => String::new(),
            // One word about it is enough, however often it fails.
            Happened::Lost { .. } if self.lost => String::new(),
            Happened::Lost { why, .. } => {
                self.lost = true;
                format!("No connection: {}. Trying until it is back.\n", whole(why))
            }
            Happened::Act { act, answer } => acted(act, answer),
            Happened::Bid { bid, answer } => self.answer(session, bid, answer),
            Happened::Refused { id: None, code, message } => {
                format!("The server says: {message} [{code}]\n")
            }
            Happened::Refused { .. } | Happened::Lots { .. } | Happened::Unanswered { .. } => {
                String::new()
            }
        }
    }

    /// The answer to LIST.
    pub(crate) fn list(&self, session: &Session) -> String {
        let lots: Vec<LotView> = standing(session).map(LotView::of).collect();
        text::list(&lots, &self.currency)
    }

    /// The answer to STATUS.
    pub(crate) fn status(&self, session: &Session, lot: &LotId) -> String {
        match view(session, lot) {
            Some(lot) => text::status(&lot, &self.currency),
            None => text::CommandFault::NoSuchLot.answer(),
        }
    }

    /// What is said once every line has been checked.
    fn greet(&mut self, session: &Session, size: u64) -> String {
        let Some(sale) = session.follower().and_then(|follower| follower.standing()) else {
            return String::new();
        };
        self.announcer = Some(Announcer::new(sale));
        self.leads = sale
            .lots()
            .filter(|lot| lot.ends_at().is_some() || lot.opened_at().is_some())
            .filter(|lot| lot.leader().is_some_and(|leader| leader.is(&self.name)))
            .map(|lot| lot.terms().id.clone())
            .collect();
        let opening = session.sale().opening();
        let (title, id, house) = (&opening.title, &opening.sale, &opening.house);
        let state = if sale.is_closed() { "It has closed." } else { "It is running." };
        let identity = session.identity();
        format!(
            "{title} (sale {id} of the house {house}). {state}\n\
             You are {}, {}. All {size} lines of the ledger were checked, from the first on.\n",
            identity.name, identity.role
        )
    }

    fn announce(&mut self, session: &Session, event: &Event) -> String {
        // What happened before everything was checked is history, not news.
        let Some(announcer) = &mut self.announcer else { return String::new() };
        let mut text = announcer.announce(event).map_or_else(String::new, |line| line + "\n");
        match &event.what {
            Happening::BidAccepted { bid, .. } if bid.party().is(&self.name) => {
                self.leads.insert(bid.lot.clone());
            }
            Happening::BidAccepted { bid, .. } if self.leads.remove(&bid.lot) => {
                if let Some(lot) = view(session, &bid.lot) {
                    let (lot, ask) = (&lot.lot, self.currency.display(lot.ask));
                    text.push_str(&format!("You are outbid on item {lot}. The ask is {ask}.\n"));
                }
            }
            Happening::LotClosed { lot, outcome, .. } => text += &self.won(lot, outcome),
            Happening::Acted { act, effect } => match (act.deed.lot(), effect) {
                (Some(lot), Effect::Hammered { outcome, .. }) => text += &self.won(lot, outcome),
                (Some(lot), Effect::Voided { .. }) => text += &self.after_void(session, lot),
                _ => {}
            },
            _ => {}
        }
        text
    }

    fn won(&self, lot: &LotId, outcome: &Outcome) -> String {
        match outcome {
            Outcome::Sold { to, hammer_price } if to.is(&self.name) => {
                let price = self.currency.display(*hammer_price);
                format!("You have won item {lot} with {price}.\n")
            }
            Outcome::Sold { .. } | Outcome::Unsold(_) | Outcome::Withdrawn => String::new(),
        }
    }

    /// Who leads now that a bid was voided: it may be us again, or no longer.
    fn after_void(&mut self, session: &Session, lot: &LotId) -> String {
        let led = self.leads.remove(lot);
        let Some(view) = view(session, lot) else { return String::new() };
        match view.high() {
            Some((leader, price)) if leader.is(&self.name) => {
                self.leads.insert(lot.clone());
                let price = self.currency.display(price);
                format!("Your bid of {price} on item {lot} stands again: you lead.\n")
            }
            Some(_) | None if led => format!("Your bid on item {lot} was voided.\n"),
            Some(_) | None => String::new(),
        }
    }

    /// The answer to a bid.
    pub(super) fn answer(&self, session: &Session, bid: &PlacedBid, answer: &BidAnswer) -> String {
        let lot = view(session, &bid.lot);
        match (answer, lot) {
            (BidAnswer::Landed { seq }, Some(lot)) => {
                text::bid_accepted(bid.amount, &lot, *seq, &self.currency)
            }
            (BidAnswer::Refused { code, ask, .. }, lot) => {
                text::refused(*code, *ask, lot.as_ref(), &self.currency)
            }
            (BidAnswer::Landed { .. } | BidAnswer::Unknown, _) => {
                earlier(bid, answer, &self.currency)
            }
        }
    }
}

/// A refusal that the ledger records, for those who see them.
fn refused_of(no: &Refused, currency: &Currency) -> String {
    let who = &no.signed.claim().bidder;
    let what = match (no.signed.bid(), &no.signed) {
        (Some(bid), _) => format!("a bid of {} on item {}", currency.display(bid.amount), bid.lot),
        (None, Signed::Act(act)) => match &act.statement.order {
            Order::Deed(deed) => format!("the act {}", deed.as_str()),
            Order::Enter { .. } => "a bid for the room".to_owned(),
        },
        (None, Signed::Bid(_)) => "a bid".to_owned(),
    };
    format!("{who}: {what} was refused. [{}]\n", no.code)
}

/// The answer to an act: what it led to is told like everything that happens.
fn acted(act: &PlacedAct, answer: &BidAnswer) -> String {
    let what = match &act.order {
        Order::Deed(deed) => deed.as_str(),
        Order::Enter { .. } => "bid",
    };
    match answer {
        BidAnswer::Landed { seq } => format!("Done: {what}. It is entry {seq} of the ledger.\n"),
        BidAnswer::Refused { code, ask: Some(ask), .. } => {
            format!("Refused: {what}. {} The ask is {ask} minor units. [{code}]\n", advice(*code))
        }
        BidAnswer::Refused { code, ask: None, .. } => {
            format!("Refused: {what}. {} [{code}]\n", advice(*code))
        }
        BidAnswer::Unknown => format!(
            "Open: nobody can say yet whether {what} counts. It is kept and asked for again.\n"
        ),
    }
}

/// The answer to a bid, naming the bid.
pub(super) fn earlier(bid: &PlacedBid, answer: &BidAnswer, currency: &Currency) -> String {
    let bid = format!("your bid of {} on item {}", currency.display(bid.amount), bid.lot);
    match answer {
        BidAnswer::Landed { seq } => format!("Accepted: {bid}. It is entry {seq} of the ledger.\n"),
        BidAnswer::Refused { code, .. } => format!("Refused: {bid}. {} [{code}]\n", advice(*code)),
        BidAnswer::Unknown => format!(
            "Open: nobody can say yet whether {bid} counts. It is kept and asked for again.\n"
        ),
    }
}

/// The answer to WHOAMI.
pub(crate) fn who_am_i(session: &Session) -> String {
    let identity = session.identity();
    format!(
        "You are {}, {} at house {}. Your certificate is good until {}.\n",
        identity.name,
        identity.role,
        identity.house,
        when::moment(identity.not_after)
    )
}

/// Whether an answer to a question is a yes.
pub(crate) fn is_yes(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// A lot as the checked lines have it.
pub(crate) fn view(session: &Session, lot: &LotId) -> Option<LotView> {
    session.follower()?.standing()?.lot(lot).map(LotView::of)
}

fn standing(session: &Session) -> impl Iterator<Item = &crate::auction::lot::Lot> {
    let sale = session.follower().and_then(|follower| follower.standing());
    sale.into_iter().flat_map(|sale| sale.lots())
}
