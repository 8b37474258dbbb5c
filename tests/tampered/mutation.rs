//! Ledgers that nobody meant: dice change honest ones, cut and join them, and put the chain
//! right again as far as anybody can who has no key.

use std::io::BufRead as _;
use std::sync::OnceLock;

use gavel::auction::name::SaleId;
use gavel::ledger::{SealingKey, origin};
use serde_json::{Map, Value};

use super::dice::Dice;
use super::forge::{mend_chain, seal_as_it_stands};
use super::halls::{evening, hall};
use super::held::{cut_and_closed, rewritten};
use super::running::Running;
use super::world::{Person, at, world};

/// Honest ledgers of one house: the small sale, two other histories of it that the house would
/// have to sign as well, two other sales under its id, and one under another.
pub(crate) fn honest() -> &'static [Vec<u8>] {
    static HONEST: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    HONEST.get_or_init(|| {
        let (hall, evening) = (hall().ledger.clone(), evening().ledger.clone());
        vec![world().ledger.clone(), autumn(), cut_and_closed(), rewritten(), hall, evening]
    })
}

/// A sale of the same house, people and lots under another id.
fn autumn() -> Vec<u8> {
    let (world, folder) = (world(), tempfile::tempdir().expect("a folder"));
    let sale = SaleId::parse("autumn").expect("an id");
    let signing = ed25519_dalek::SigningKey::from_bytes(&[70; 32]);
    let public = signing.verifying_key().to_bytes();
    let (sealer, _) = world.ca.certify_sealer(&public, &sale, at(0)).expect("certifies");
    let key = SealingKey::new(origin(world.house.as_str(), sale.as_str()), signing);
    let mut opening = world.opening();
    (opening.sale, opening.sealers) = (sale, vec![sealer]);
    let lots = world.lots.clone();
    let key = key.expect("a key name");
    let mut running = Running::bear_sale(opening, lots, &[], key, folder.path());
    let (head, sale_hash) = (running.head(), running.house.sale_hash());
    running.frame(|house| {
        let people = [&world.alice, &world.bob].map(|who| who.enrolment(sale_hash));
        let authentic = people.map(|enrolment| {
            enrolment.authenticate(&sale_hash, world.ca.anchor(), &world.house, at(0))
        });
        authentic.map(|enrolled| house.enrol(at(100), &enrolled.expect("is good"))).into()
    });
    running.frame(|house| {
        let bids =
            [(&world.alice, "1", 50, 1), (&world.bob, "1", 55, 1), (&world.bob, "2", 100, 2)];
        let submit = |(who, lot, amount, n): (&Person, &str, u64, u64)| {
            let bid = who.bid(head, sale_hash, lot, amount, n).authenticate().expect("is signed");
            house.submit(at(2_000), 9, bid)
        };
        bids.map(submit).into()
    });
    running.quiet(at(100_000));
    assert!(running.house.is_finished());
    std::fs::read(running.store.path()).expect("reads")
}

/// A ledger that the dice have made of honest ones.
pub(crate) struct Mutant {
    pub(crate) ledger: Vec<u8>,
    /// Of which honest one.
    pub(crate) of: usize,
    /// Whether the house itself has sealed it.
    pub(crate) is_sealed: bool,
    /// What was done.
    pub(crate) story: Vec<String>,
}

impl Mutant {
    /// The mutant of that seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let of = dice.place(honest().len());
        let mut mutant = Self {
            ledger: honest()[of].clone(),
            of,
            is_sealed: false,
            story: vec![format!("ledger {of}")],
        };
        for _ in 0..=dice.below(3) {
            let story = change(&mut mutant.ledger, &mut dice);
            mutant.story.push(story);
        }
        match dice.below(10) {
            0..=3 => {
                mutant.ledger = mended(&mutant.ledger);
                mutant.story.push("the chain mended".to_owned());
            }
            4 => {
                mutant.ledger = seal_as_it_stands(&mended(&mutant.ledger));
                mutant.is_sealed = true;
                mutant.story.push("sealed by the house".to_owned());
            }
            _ => {}
        }
        mutant
    }
}

/// Changes a ledger in one way or another, and says how.
fn change(ledger: &mut Vec<u8>, dice: &mut Dice) -> String {
    if ledger.is_empty() {
        return "nothing left".to_owned();
    }
    if dice.percent(50) { change_bytes(ledger, dice) } else { change_lines(ledger, dice) }
}

fn change_bytes(ledger: &mut Vec<u8>, dice: &mut Dice) -> String {
    let at = dice.place(ledger.len());
    let to = (at + 1 + dice.place(64)).min(ledger.len());
    match dice.below(8) {
        0 => {
            let bit = dice.below(8);
            ledger[at] ^= 1 << bit;
            format!("bit {bit} of byte {at} flipped")
        }
        1 => {
            ledger[at] = u8::try_from(dice.below(256)).expect("a byte");
            format!("byte {at} set to {}", ledger[at])
        }
        2 => {
            ledger[at] = *dice.pick(b"\"\\{}[],:\n0129-.eE\0\r \x80");
            format!("byte {at} set to {:?}", char::from(ledger[at]))
        }
        3 => {
            let digit = b'0' + u8::try_from(dice.below(10)).expect("a digit");
            match ledger[at..].iter().position(u8::is_ascii_digit) {
                Some(ahead) => ledger[at + ahead] = digit,
                None => ledger.push(digit),
            }
            format!("the next digit after byte {at} set to {}", char::from(digit))
        }
        4 => {
            ledger.drain(at..to);
            format!("bytes {at} to {to} deleted")
        }
        5 => {
            let piece = ledger[at..to].to_vec();
            let place = dice.place(ledger.len());
            ledger.splice(place..place, piece);
            format!("bytes {at} to {to} doubled at {place}")
        }
        6 => {
            ledger.truncate(at);
            format!("cut at byte {at}")
        }
        _ => {
            let of = dice.place(honest().len());
            let other = &honest()[of];
            let place = dice.place(other.len());
            ledger.splice(at.., other[place..].iter().copied());
            format!("from byte {at} on that of ledger {of} from byte {place}")
        }
    }
}

fn change_lines(ledger: &mut Vec<u8>, dice: &mut Dice) -> String {
    let mut lines: Vec<Vec<u8>> = split(ledger);
    let (one, other) = (dice.place(lines.len()), dice.place(lines.len()));
    let of = dice.place(honest().len());
    let strange = split(&honest()[of]);
    let from = dice.place(strange.len());
    let story = match dice.below(8) {
        0 => {
            lines.remove(one);
            format!("line {one} deleted")
        }
        1 => {
            lines.swap(one, other);
            format!("lines {one} and {other} swapped")
        }
        2 => {
            lines.insert(one, lines[other].clone());
            format!("line {other} doubled at {one}")
        }
        3 => {
            let line = lines.remove(one);
            lines.insert(other.min(lines.len()), line);
            format!("line {one} moved to {other}")
        }
        4 => {
            lines.truncate(one);
            format!("cut before line {one}")
        }
        5 => {
            lines[one] = strange[from].clone();
            format!("line {one} replaced by line {from} of ledger {of}")
        }
        6 => {
            lines.insert(one, strange[from].clone());
            format!("line {from} of ledger {of} inserted at {one}")
        }
        _ => {
            lines.splice(one.., strange[from..].iter().cloned());
            format!("from line {one} on that of ledger {of} from line {from}")
        }
    };
    *ledger = lines.concat();
    story
}

/// Lines with their LF; the last one may have none.
fn split(mut ledger: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    while !ledger.is_empty() {
        let mut line = Vec::new();
        ledger.read_until(b'\n', &mut line).expect("reads from memory");
        lines.push(line);
    }
    lines
}

/// The chain put right as far as the lines are JSON objects.
fn mended(ledger: &[u8]) -> Vec<u8> {
    let Ok(text) = str::from_utf8(ledger) else { return ledger.to_vec() };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let is_object = |line: &&String| serde_json::from_str::<Map<String, Value>>(line).is_ok();
    let whole = lines.iter().take_while(is_object).count();
    mend_chain(&mut lines[..whole]);
    (lines.join("\n") + "\n").into_bytes()
}
