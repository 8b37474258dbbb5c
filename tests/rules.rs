//! Plays the rule scripts in `tests/rules/*.txt`; their grammar is in the README
//! beside them. Every script goes through [`check`], so that a change of the API
//! changes this file and no script.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use gavel::auction::{
    Amount, Bid, Catalogue, Currency, Event, Happening, Increments, Input, Lot, LotId, LotState,
    LotTerms, Name, Outcome, Role, Sale, SaleTerms, Seller, Timer, Title, Totals, Unfit,
    UnsoldReason, VoidPolicy,
};
use gavel::time::{Span, Timestamp};

/// Midnight of the day on which every script plays.
const MIDNIGHT_MS: u64 = 1_700_006_400_000;

#[test]
fn every_script_plays_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    let mut played = 0;
    let mut failures = String::new();
    for file in std::fs::read_dir(folder).expect("the folder of scripts") {
        let path = file.expect("an entry of the folder").path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let text = std::fs::read_to_string(&path).expect("a script");
            played += 1;
            if let Err(failure) = check(&text) {
                writeln!(failures, "{}:{failure}\n", path.display()).expect("a String takes it");
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(played >= 10, "only {played} scripts were found");
}

#[test]
fn a_script_that_is_wrong_is_told_where() {
    let head = "lot 1 start 5 step 1 first-bid 60s\nopen 12:00:00\n";
    let failure = |line: &str| check(&format!("{head}{line}")).expect_err("the script is wrong");
    assert!(failure("12:00:01 ada bids 1 5 -> closed").starts_with("3: 12:00:01 ada bids"));
    assert!(failure("12:00:01 ada bids 1 5 -> stands, price 6").contains("came: stands, open"));
    assert!(failure("12:00:01 ada bids 1 5").contains("no `->`"));
    assert!(failure("12:00:01 ada shouts -> stands").contains("no step"));
    assert!(failure("12:00:01 lot 1 -> price 5").contains("came: open"));
    assert!(failure("12:00 ada bids 1 5 -> stands").contains("no time"));
    assert!(check("lot 1 first-bid 60s start 5").expect_err("no opening").contains("never opens"));
}

/// Plays one script; the error begins with the line's number.
fn check(text: &str) -> Result<(), String> {
    let mut script = Script::default();
    for (i, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("").trim();
        if !line.is_empty() {
            script.line(line).map_err(|why| format!("{}: {line}\n  {why}", i + 1))?;
        }
    }
    script.sale.map(|_| ()).ok_or_else(|| "1: the sale never opens".to_owned())
}

/// What a script has said so far.
#[derive(Default)]
struct Script {
    sale_words: HashMap<String, String>,
    lots: Vec<LotTerms>,
    roles: HashMap<String, Role>,
    sale: Option<Sale>,
    /// The number of the last bid's entry.
    entries: u64,
    /// What time has caused.
    caused: Vec<Event>,
}

impl Script {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["sale", rest @ ..] if self.sale.is_none() => {
                self.sale_words.extend(pairs(rest)?);
                Ok(())
            }
            ["lot", id, rest @ ..] if self.sale.is_none() => {
                self.lots.push(lot_terms(id, &pairs(rest)?)?);
                Ok(())
            }
            ["role", who, role] if self.sale.is_none() => {
                self.roles.insert((*who).to_owned(), Role::parse(role).map_err(text)?);
                Ok(())
            }
            ["open", at] if self.sale.is_none() => {
                let terms = sale_terms(&self.sale_words)?;
                let lots = std::mem::take(&mut self.lots);
                let catalogue = Catalogue::new(terms, lots).map_err(text)?;
                self.sale = Some(Sale::open(Arc::new(catalogue), time(at)?));
                Ok(())
            }
            _ => self.step(line),
        }
    }

    fn step(&mut self, line: &str) -> Result<(), String> {
        let (asked, expected) = line.split_once("->").ok_or("no `->` in the step")?;
        let mut words: Vec<&str> = asked.split_whitespace().collect();
        let at = time(words.remove(0))?;
        let forged = words.first() == Some(&"forged");
        if forged {
            words.remove(0);
        }
        let facts = self.facts(at, forged, &words)?;
        let expected: Vec<&str> = expected.split(',').map(str::trim).collect();
        let holds = facts.first().map(String::as_str) == expected.first().copied()
            && expected.iter().all(|wanted| facts.iter().any(|fact| fact == wanted));
        if holds { Ok(()) } else { Err(format!("came: {}", facts.join(", "))) }
    }

    /// Everything that is true after the step, the answer first.
    fn facts(
        &mut self,
        at: Timestamp,
        forged: bool,
        words: &[&str],
    ) -> Result<Vec<String>, String> {
        let roles = &self.roles;
        let sale = self.sale.as_mut().ok_or("the sale has not opened")?;
        let until = match words {
            ["back", "after", "outage", "since", from] => time(from)?,
            _ => at,
        };
        if !forged {
            drain(sale, until, &mut self.caused);
        }
        let input = match words {
            ["lot", id] => return Ok(lot_facts(sale.lot(&lot_id(id)?).ok_or("no such lot")?)),
            ["enrolment"] => {
                let fits = sale.check_time(at);
                if fits.is_ok() {
                    sale.elapse(at);
                }
                return Ok(fits.map_or_else(unfit, |()| vec!["entered".to_owned()]));
            }
            ["nothing", "due"] => return Ok(vec![due_fact(sale)]),
            [who, "bids", lot, amount] => {
                self.entries += 1;
                let bid = bid(roles, who, lot, amount)?;
                Input::Bid { bid, seq: self.entries, reserve_met: None }
            }
            ["wall", "clock", "says", wall] => Input::Clock { wall: time(wall)?, accepted: false },
            ["wall", "clock", "accepted", wall] => {
                Input::Clock { wall: time(wall)?, accepted: true }
            }
            ["back", "after", "outage", "since", from] => Input::Outage { from: time(from)? },
            ["lot", id, "opens"] => Input::LotOpen { lot: lot_id(id)? },
            ["lot", id, "closes"] => Input::LotClose { lot: lot_id(id)?, reserves: Vec::new() },
            ["sale", "closes"] => Input::Close,
            ["tick"] => Input::Tick,
            _ => return Err(format!("no step reads `{}`", words.join(" "))),
        };
        let by_time = matches!(
            input,
            Input::LotOpen { .. } | Input::LotClose { .. } | Input::Close | Input::Tick
        );
        if by_time && !forged {
            let came = self.caused.iter().find(|event| event.at == at && event.input() == input);
            return Ok(came.map_or_else(|| vec!["no".to_owned()], event_facts));
        }
        let lot = match &input {
            Input::Bid { bid, .. } => Some(bid.lot.clone()),
            _ => None,
        };
        let mut facts = match sale.decide(at, input) {
            Ok(event) => {
                sale.apply(&event);
                event_facts(&event)
            }
            Err(why) => unfit(why),
        };
        facts.extend(lot.and_then(|id| sale.lot(&id).map(lot_facts)).unwrap_or_default());
        Ok(facts)
    }
}

/// Does everything due at or before `until`, as whoever drives a sale must.
fn drain(sale: &mut Sale, until: Timestamp, caused: &mut Vec<Event>) {
    while let Some((at, input)) = sale.due().filter(|(at, _)| *at <= until) {
        let event = sale.decide(at, input).expect("what is due fits");
        assert_eq!(sale.decide(event.at, event.input()).as_ref(), Ok(&event));
        sale.apply(&event);
        caused.push(event);
    }
}

// ---- What is true, in words ----

fn event_facts(event: &Event) -> Vec<String> {
    match &event.what {
        Happening::Acted { .. } => vec!["done".to_owned()],
        Happening::LotResumed { ends_at, .. } => vec!["yes".to_owned(), end_fact(*ends_at)],
        Happening::BidAccepted { .. } => vec!["stands".to_owned()],
        Happening::LotOpened { ends_at, .. } => vec!["yes".to_owned(), end_fact(*ends_at)],
        Happening::LotClosed { outcome, .. } => vec![outcome_fact(outcome)],
        Happening::Ticked => vec!["yes".to_owned()],
        Happening::ClockNoted { .. } | Happening::OutageEnded { .. } => vec!["noted".to_owned()],
        Happening::SaleClosed(totals) => totals_facts(*totals),
    }
}

fn totals_facts(totals: Totals) -> Vec<String> {
    let total = match totals.hammer_total {
        Some(total) => format!("total {total}"),
        None => "total beyond the cap".to_owned(),
    };
    vec![format!("{} sold", totals.sold), format!("{} unsold", totals.unsold), total]
}

fn unfit(why: Unfit) -> Vec<String> {
    match why {
        Unfit::Refused(refusal) => {
            let mut facts = vec![refusal.code().as_str().replace('-', " ")];
            if let gavel::auction::Refusal::TooLow { least } = refusal {
                facts.push(format!("least {least}"));
            }
            facts
        }
        Unfit::Reserve(fault) => vec![fault.to_string()],
        Unfit::TimeReversed { last } => vec![format!("time goes back to before {}", clock(last))],
        Unfit::Overdue { due } => vec![format!("overdue since {}", clock(due))],
        Unfit::NotDue => vec!["not due".to_owned()],
        Unfit::NoDrift => vec!["not newly apart".to_owned()],
        Unfit::SaleClosed => vec!["sale closed".to_owned()],
    }
}

fn lot_facts(lot: &Lot) -> Vec<String> {
    let state = match lot.state() {
        LotState::Pending => vec!["pending".to_owned()],
        LotState::Open { ends_at, .. } => vec!["open".to_owned(), end_fact(*ends_at)],
        LotState::Paused { left, .. } => {
            let left = left.map_or_else(|| "no end".to_owned(), |left| format!("{left} left"));
            vec!["paused".to_owned(), left]
        }
        LotState::Closed { outcome, at } => {
            let at = format!("closed at {}", clock(*at));
            vec!["closed".to_owned(), outcome_fact(outcome), at]
        }
    };
    let price = lot.price().map_or("no price".to_owned(), |price| format!("price {price}"));
    let leader = lot.leader().map_or("no leader".to_owned(), |leader| format!("leader {leader}"));
    let ask = format!("ask {}", lot.ask());
    let counts =
        [format!("bids {}", lot.bids_accepted()), format!("extended {}", lot.extensions())];
    let opened = lot.opened_at().map(|at| format!("opened at {}", clock(at)));
    let scheduled = lot.scheduled_end().map(|at| format!("scheduled end {}", clock(at)));
    state
        .into_iter()
        .chain([price, leader, ask])
        .chain(counts)
        .chain(opened)
        .chain(scheduled)
        .collect()
}

fn end_fact(ends_at: Option<Timestamp>) -> String {
    ends_at.map_or_else(|| "no end".to_owned(), |end| format!("ends {}", clock(end)))
}

fn outcome_fact(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Sold { to, hammer_price } => format!("sold to {to} at {hammer_price}"),
        Outcome::Unsold(UnsoldReason::NoBids) => "unsold without bids".to_owned(),
        Outcome::Unsold(UnsoldReason::ReserveNotMet) => "unsold under the reserve".to_owned(),
        Outcome::Withdrawn => "withdrawn".to_owned(),
    }
}

fn due_fact(sale: &Sale) -> String {
    match sale.due() {
        Some((at, input)) => format!("{input:?} at {}", clock(at)),
        None => "yes".to_owned(),
    }
}

fn clock(at: Timestamp) -> String {
    let ms = at.unix_ms() - MIDNIGHT_MS;
    let (s, ms) = (ms / 1000, ms % 1000);
    let whole = format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
    if ms == 0 { whole } else { format!("{whole}.{ms:03}") }
}

// ---- Reading ----

fn sale_terms(words: &HashMap<String, String>) -> Result<SaleTerms, String> {
    let at = |key: &str| words.get(key).map(|word| time(word)).transpose();
    let grace = words.get("grace").map(|word| span(word)).transpose()?;
    Ok(SaleTerms {
        currency: Currency::seed(),
        attested: false,
        opens_at: at("opens")?,
        sale_ends_at: at("ends")?,
        restart_grace: grace.unwrap_or(gavel::limits::RESTART_GRACE),
        room_bids: false,
        void_policy: VoidPolicy::Reinstate,
    })
}

fn lot_terms(id: &str, words: &HashMap<String, String>) -> Result<LotTerms, String> {
    let at = |key: &str| words.get(key).map(|word| time(word)).transpose();
    let timer = match (words.get("first-bid"), at("ends")?) {
        (Some(duration), None) => Timer::FirstBid { duration: span(duration)? },
        (None, Some(ends_at)) => Timer::Schedule { opens_at: at("opens")?, ends_at },
        (None, None) => Timer::Manual,
        (Some(_), Some(_)) => return Err("a lot has `first-bid` or `ends`, not both".to_owned()),
    };
    let (window, extend) = match words.get("soft").map(|word| word.split_once('/')) {
        Some(Some((window, extend))) => (span(window)?, span(extend)?),
        Some(None) => return Err("`soft` is WINDOW/EXTENSION".to_owned()),
        None => (Span::ZERO, Span::ZERO),
    };
    let seller = words.get("seller").map(|word| Name::parse(word).map_err(text)).transpose()?;
    Ok(LotTerms {
        id: lot_id(id)?,
        name: Title::parse("A thing").map_err(text)?,
        start: amount(words.get("start").ok_or("a lot has a `start`")?)?,
        increments: increments(words.get("step").map_or("1", String::as_str))?,
        timer,
        soft_window: window,
        soft_extend: extend,
        hard_end: at("hard")?,
        seller: seller.map(Seller::Person),
        estimate: None,
        without_reserve: false,
        reserve_commit: None,
    })
}

fn increments(word: &str) -> Result<Increments, String> {
    let number = |word: &str| word.parse::<u64>().map_err(text);
    let rows: Result<Vec<_>, String> = word
        .split(',')
        .map(|row| match row.split_once(':') {
            Some((from, step)) => Ok((number(from)?, number(step)?)),
            None => Ok((0, number(row)?)),
        })
        .collect();
    Increments::new(rows?).map_err(text)
}

fn bid(roles: &HashMap<String, Role>, who: &str, lot: &str, typed: &str) -> Result<Bid, String> {
    let role = roles.get(who).copied().unwrap_or(Role::Bidder);
    let bidder = Name::parse(who).map_err(text)?;
    Ok(Bid::own(bidder, role, lot_id(lot)?, amount(typed)?))
}

fn pairs(words: &[&str]) -> Result<HashMap<String, String>, String> {
    let (pairs, rest) = words.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.iter().map(|[key, value]| ((*key).to_owned(), (*value).to_owned())).collect())
    } else {
        Err("the words are no pairs of key and value".to_owned())
    }
}

fn amount(word: &str) -> Result<Amount, String> {
    Currency::seed().parse(word).map_err(text)
}

fn lot_id(word: &str) -> Result<LotId, String> {
    LotId::parse(word).map_err(text)
}

/// `120s`, `90ms`.
fn span(word: &str) -> Result<Span, String> {
    let number = |digits: &str| digits.parse::<u64>().map_err(text);
    match word.strip_suffix("ms") {
        Some(ms) => Ok(Span::from_ms(number(ms)?)),
        None => Ok(Span::from_s(number(word.strip_suffix('s').ok_or("a span is 1s or 1ms")?)?)),
    }
}

/// `HH:MM:SS` or `HH:MM:SS.mmm`.
fn time(word: &str) -> Result<Timestamp, String> {
    let (whole, ms) = word.split_once('.').unwrap_or((word, "000"));
    let parts: Vec<u64> =
        whole.split(':').chain([ms]).filter_map(|part| part.parse().ok()).collect();
    match parts.as_slice() {
        &[h, m, s, parsed_ms] if ms.len() == 3 => {
            let of_day_ms = ((h * 60 + m) * 60 + s) * 1000 + parsed_ms;
            Timestamp::from_unix_ms(MIDNIGHT_MS + of_day_ms).ok_or_else(|| "far off".to_owned())
        }
        _ => Err(format!("`{word}` is no time: write 12:00:05 or 12:00:05.250")),
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
