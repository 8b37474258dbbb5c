//! JSON objects read member by member, in the order of the file.
//!
//! A map would sort the members and swallow a doubled key.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// One member: its key, and the value as it stands in the file.
pub(super) type Member<'a> = (String, &'a RawValue);

/// Reads an object of at most `most` members; doubled keys are all there.
pub(super) fn members(text: &str, most: usize) -> Result<Vec<Member<'_>>, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let members = Members { most }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(members)
}

/// The first key that is there twice.
pub(super) fn doubled<'a>(members: &'a [Member<'_>]) -> Option<&'a str> {
    let mut keys: Vec<&str> = members.iter().map(|(key, _)| key.as_str()).collect();
    keys.sort_unstable();
    keys.array_windows().find(|[one, next]| one == next).map(|[key, _]| *key)
}

struct Members {
    most: usize,
}

impl<'de> DeserializeSeed<'de> for Members {
    type Value = Vec<Member<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Vec<Member<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            if members.len() == self.most {
                return Err(A::Error::custom(format_args!("more than {} members", self.most)));
            }
            members.push(member);
        }
        Ok(members)
    }
}
