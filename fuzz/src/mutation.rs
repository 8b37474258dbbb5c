//! Changes of made-up ledgers ([`crate::forge`]) that keep their form: entries come, go and change
//! places, and single values change into others that could stand there. Changed at random most
//! bytes are keys, hashes and certificates, and a ledger would fall at its first signature.

use serde_json::{Value, json};

/// What stands there, a change of it would only spoil: [`crate::forge`] makes most of it anew.
const LEFT_ALONE: &[&str] = &[
    "bid_sig",
    "ca",
    "catalogue",
    "cert_sig",
    "chain",
    "note",
    "root",
    "sale_hash",
    "sealers",
    "sig",
];

/// Changes a text in one way, chosen by `seed`; none if it has no entry.
pub fn mutate(text: &str, seed: u32) -> Option<String> {
    let mut dice = Dice(seed.into());
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let count = lines.len();
    if count == 0 {
        return None;
    }
    for _ in 0..=dice.below(3) {
        let (one, other) = (dice.below(lines.len()), dice.below(lines.len()));
        match dice.below(16) {
            0 if lines.len() > 1 => drop(lines.remove(one)),
            1 => lines.insert(one, lines[other].clone()),
            2 => lines.swap(one, other),
            3 => {
                let moved = lines.remove(one);
                lines.insert(other.min(lines.len()), moved);
            }
            4 => lines.insert(one, "seal 0 {}".to_owned()),
            5 => retime(&mut lines, one, other, &mut dice),
            6 => kind_of_other(&mut lines, one, other),
            _ => change_value(&mut lines, one, &mut dice),
        }
    }
    Some(lines.join("\n"))
}

/// A generator of numbers for choices (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is above 0.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("small");
        usize::try_from(self.next() % end).expect("small")
    }
}

fn parts(line: &str) -> Option<(&str, u64, &str)> {
    let (kind, rest) = line.split_once(' ')?;
    let (ms, body) = rest.split_once(' ')?;
    Some((kind, ms.parse().ok()?, body))
}

/// Another time, near its own or that of another entry.
fn retime(lines: &mut [String], one: usize, other: usize, dice: &mut Dice) {
    let Some((_, other_ms, _)) = parts(&lines[other]) else { return };
    let Some((kind, ms, body)) = parts(&lines[one]) else { return };
    let ms = match dice.below(6) {
        0 => ms.saturating_add(1),
        1 => ms.saturating_sub(1),
        2 => other_ms,
        3 => other_ms.saturating_add(1),
        4 => ms.saturating_add(10_000),
        _ => ms.saturating_sub(10_000),
    };
    lines[one] = format!("{kind} {ms} {body}");
}

/// The type of one entry over the body of another.
fn kind_of_other(lines: &mut [String], one: usize, other: usize) {
    let (Some((kind, ..)), Some((_, ms, body))) = (parts(&lines[other]), parts(&lines[one])) else {
        return;
    };
    lines[one] = format!("{kind} {ms} {body}");
}

/// One value of an entry becomes another, goes, or comes from another entry.
fn change_value(lines: &mut [String], one: usize, dice: &mut Dice) {
    let bodies: Vec<Value> =
        lines.iter().filter_map(|line| serde_json::from_str(parts(line)?.2).ok()).collect();
    let Some((kind, ms, body)) = parts(&lines[one]) else { return };
    let Ok(mut body) = serde_json::from_str::<Value>(body) else { return };
    let mut paths = Vec::new();
    gather(&body, "", &mut paths);
    if paths.is_empty() {
        return;
    }
    let path = paths.swap_remove(dice.below(paths.len()));
    // What stands under the same key elsewhere.
    let key = path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut others = Vec::new();
    bodies.iter().for_each(|body| of_key(body, &key, &mut others));
    let from_other = (!others.is_empty()).then(|| others.swap_remove(dice.below(others.len())));
    match (dice.below(8), body.pointer_mut(&path)) {
        (0, _) => remove(&mut body, &path),
        (1, Some(_)) => add(&mut body, &path, &bodies, dice),
        (2..=4, Some(value)) => {
            if let Some(other) = from_other {
                *value = other;
            }
        }
        (_, Some(value)) => *value = near(value, dice),
        (_, None) => {}
    }
    lines[one] = format!("{kind} {ms} {body}");
}

/// The places of all values but those that are left alone.
fn gather(value: &Value, path: &str, paths: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object.iter().filter(|(key, _)| !LEFT_ALONE.contains(&key.as_str()))
            {
                paths.push(format!("{path}/{key}"));
                gather(value, &format!("{path}/{key}"), paths);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                paths.push(format!("{path}/{index}"));
                gather(value, &format!("{path}/{index}"), paths);
            }
        }
        _ => {}
    }
}

/// All values under a key, however deep.
fn of_key(value: &Value, key: &str, found: &mut Vec<Value>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get(key).cloned());
            object.values().for_each(|value| of_key(value, key, found));
        }
        Value::Array(list) => list.iter().for_each(|value| of_key(value, key, found)),
        _ => {}
    }
}

fn remove(body: &mut Value, path: &str) {
    let Some((parent, key)) = path.rsplit_once('/') else { return };
    match body.pointer_mut(parent) {
        Some(Value::Object(object)) => drop(object.remove(key)),
        Some(Value::Array(list)) => {
            if let Some(index) = key.parse().ok().filter(|index: &usize| *index < list.len()) {
                list.remove(index);
            }
        }
        _ => {}
    }
}

/// A member more beside the one at `path`, as some other entry has it.
fn add(body: &mut Value, path: &str, bodies: &[Value], dice: &mut Dice) {
    let Some((parent, _)) = path.rsplit_once('/') else { return };
    let from = &bodies[dice.below(bodies.len())];
    let from = from.pointer(parent).unwrap_or(from);
    match (body.pointer_mut(parent), from) {
        (Some(Value::Object(object)), Value::Object(from)) if !from.is_empty() => {
            let (key, value) = from.iter().nth(dice.below(from.len())).expect("within");
            object.entry(key.clone()).or_insert_with(|| value.clone());
        }
        (Some(Value::Array(list)), Value::Array(from)) if !from.is_empty() => {
            list.push(from[dice.below(from.len())].clone());
        }
        _ => {}
    }
}

/// A value of the same kind.
fn near(value: &Value, dice: &mut Dice) -> Value {
    match value {
        Value::Bool(is) => json!(!is),
        Value::Number(number) => {
            let number = number.as_u64().unwrap_or_default();
            json!(match dice.below(8) {
                0 => 0,
                1 => 1,
                2 => number.saturating_sub(1),
                3 => number.saturating_mul(2),
                4 => number / 2,
                5 => (1 << 53) - 1,
                6 => number.saturating_add(10),
                _ => number.saturating_add(1),
            })
        }
        Value::String(text) => {
            let mut text = text.clone();
            match dice.below(4) {
                0 => drop(text.pop()),
                1 => text.push('1'),
                2 => text.clear(),
                _ => text.push_str(&text.clone()),
            }
            json!(text)
        }
        Value::Array(list) => json!(list.iter().rev().collect::<Vec<_>>()),
        other => other.clone(),
    }
}
