//! Scenarios from JSON. Nothing of one is played before all of it was read.

mod pairs;
mod step;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::error::ScenarioError;
use super::expect::LotExpected;
use super::hashes;
use super::opening;
use super::scenario::{Scenario, Step, What};
use crate::auction::name::{LotId, Name, Role, SaleId, Title};
use crate::limits::{SCENARIO_FILE_BYTES_MAX, SCENARIO_STEPS_MAX};
use crate::record::{SaleFile, read_scenario_sale};
use pairs::Pairs;

pub(super) use step::CLOCK_BEHIND;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<'a> {
    id: String,
    title: String,
    #[serde(rename = "why")]
    _why: Option<String>,
    #[serde(borrow)]
    currency: &'a RawValue,
    #[serde(default)]
    roles: Pairs<String>,
    sale: Option<&'a RawValue>,
    lots: &'a RawValue,
    #[serde(default)]
    hashes: Option<Value>,
    script: Vec<&'a RawValue>,
    #[serde(default)]
    result: Pairs<Pairs<Value>>,
}

pub(super) fn scenario(bytes: &[u8]) -> Result<Scenario, ScenarioError> {
    if u64::try_from(bytes.len()).map_or(true, |length| length > SCENARIO_FILE_BYTES_MAX) {
        let reason = format!("the scenario is longer than {SCENARIO_FILE_BYTES_MAX} bytes");
        return Err(ScenarioError::form(reason));
    }
    let file: File<'_> = serde_json::from_slice(bytes)
        .map_err(|error| ScenarioError::form(format!("this is no scenario: {error}")))?;
    let sale = SaleId::parse(&file.id.to_ascii_lowercase())
        .map_err(|error| ScenarioError::key("id", error.to_string()))?;
    let title = Title::parse(&file.title)
        .map_err(|error| ScenarioError::key("title", error.to_string()))?;
    let roles = file.roles.0.iter().map(role).collect::<Result<_, _>>()?;
    let sold_by = sale_file(&file)?;
    let steps = steps(&file.script, &sold_by)?;
    let hashes = hashes::read(file.hashes.unwrap_or_else(|| Value::Array(Vec::new())))
        .map_err(|reason| ScenarioError::key("hashes", reason))?;
    let result = file.result.0.into_iter().map(|entry| result(entry, &sold_by));
    let result = result.collect::<Result<_, _>>()?;
    Ok(Scenario { id: file.id, sale, title, file: sold_by, roles, hashes, steps, result })
}

fn role((name, role): &(String, String)) -> Result<(Name, Role), ScenarioError> {
    let key = || format!("roles.{name}");
    let parsed = Name::parse(name).map_err(|error| ScenarioError::key(key(), error.to_string()))?;
    let role = Role::parse(role).map_err(|error| ScenarioError::key(key(), error.to_string()))?;
    Ok((parsed, role))
}

fn sale_file(file: &File<'_>) -> Result<SaleFile, ScenarioError> {
    let sale = file.sale.map_or("{}", RawValue::get);
    let sold_by = read_scenario_sale(sale, file.lots.get(), file.currency.get(), opening())?;
    match (&sold_by.id, &sold_by.title) {
        (Some(_), _) => Err(ScenarioError::key("id", "in a scenario it stands beside `sale`")),
        (None, Some(_)) => {
            Err(ScenarioError::key("title", "in a scenario it stands beside `sale`"))
        }
        (None, None) => Ok(sold_by),
    }
}

/// The steps by their time; those of one time stay in the order given.
fn steps(script: &[&RawValue], sold_by: &SaleFile) -> Result<Vec<Step>, ScenarioError> {
    if script.len() > SCENARIO_STEPS_MAX {
        let reason = format!("more than {SCENARIO_STEPS_MAX} steps");
        return Err(ScenarioError::key("script", reason));
    }
    let read = |(index, text): (usize, &&RawValue)| step::read(index + 1, text.get(), sold_by);
    let mut steps: Vec<Step> = script.iter().enumerate().map(read).collect::<Result<_, _>>()?;
    steps.sort_by_key(|step| step.t);
    check_crashes(&steps)?;
    Ok(steps)
}

/// Only a server that has died comes back, and only one that is there dies.
fn check_crashes(steps: &[Step]) -> Result<(), ScenarioError> {
    let mut is_away = false;
    for step in steps {
        let was_away = is_away;
        let fits = match &step.what {
            What::Crash => {
                is_away = true;
                !was_away
            }
            What::Restart { .. } => {
                // One that is expected to be refused leaves it away.
                is_away = step.expected.ok == Some(false);
                was_away
            }
            What::Clock { .. } | What::Send { .. } => true,
        };
        if !fits {
            let reason =
                if was_away { "the server is away already" } else { "the server is there" };
            return Err(ScenarioError::Step { step: step.number, reason: reason.to_owned() });
        }
    }
    Ok(())
}

fn result(
    (lot, expected): (String, Pairs<Value>),
    sold_by: &SaleFile,
) -> Result<(LotId, LotExpected), ScenarioError> {
    let key = || format!("result.{lot}");
    let id = known_lot(&lot, sold_by).map_err(|reason| ScenarioError::key(key(), reason))?;
    let expected = lot_expected(expected).map_err(|reason| ScenarioError::key(key(), reason))?;
    Ok((id, expected))
}

fn lot_expected(members: Pairs<Value>) -> Result<LotExpected, String> {
    let mut expected = LotExpected::default();
    for (key, value) in members.0 {
        expected.take(&key, value)?;
    }
    Ok(expected)
}

/// A lot of the sale: what is expected of another could never come.
fn known_lot(text: &str, sold_by: &SaleFile) -> Result<LotId, String> {
    let id = LotId::parse(text).map_err(|error| error.to_string())?;
    if sold_by.lots.iter().any(|lot| lot.terms.id == id) {
        Ok(id)
    } else {
        Err(format!("the sale has no lot {id}"))
    }
}
