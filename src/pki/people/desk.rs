//! One row after the other: what it says by itself, and whether that may be granted.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::{Kept, PeopleList, Row, RowFault, Wish};
use crate::auction::name::{Name, Role};
use crate::limits::CREDENTIAL_FILE_BYTES_MAX;
use crate::pki::ca::{KeyMaker, PERSON_LIFETIME_MAX};
use crate::pki::identity::Fingerprint;
use crate::pki::keys::{self, KeyFault};
use crate::pki::register::{Holder, Issued, Register, Standing};
use crate::pki::request::{asked_name, read_request};
use crate::pki::revocation::RevocationReason;
use crate::pki::signing::P256Key;
use crate::time::{Span, Timestamp};

const DAY_S: u64 = 24 * 3600;

/// What a row comes to that has no fault.
pub(super) enum Outcome {
    Kept(Kept),
    New(Wish),
}

/// Where the rows of one list are held against its folder, the register and each other.
pub(super) struct Desk<'a> {
    list: &'a PeopleList,
    out: &'a Path,
    there: HashSet<OsString>,
    history: History<'a>,
    /// Which row has a name or a key first.
    names: HashMap<Name, u64>,
    keys: HashMap<Fingerprint, u64>,
}

impl<'a> Desk<'a> {
    pub(super) fn open(
        list: &'a PeopleList,
        register: &'a Register,
        out: &'a Path,
        now: Timestamp,
    ) -> Result<Self, KeyFault> {
        Ok(Self {
            list,
            out,
            there: keys::many::file_names(out)?,
            history: History::of(register, now),
            names: HashMap::new(),
            keys: HashMap::new(),
        })
    }

    /// Reads a row by itself; all that is wrong in it.
    pub(super) fn read(&mut self, row: &Row) -> Result<Wish, Vec<RowFault>> {
        let mut faults = Vec::new();
        let mut note = |fault| faults.push(fault);
        let name = self.name(row).map_err(&mut note).ok();
        let role = role(&row.role).map_err(&mut note).ok();
        let key = self.key(row, name.as_ref()).map_err(&mut note).ok();
        let lifetime = lifetime(&row.days).map_err(&mut note).ok();
        match (name, role, key, lifetime) {
            (Some(name), Some(role), Some(key), Some(lifetime)) => {
                let maker = key.map_or(KeyMaker::House, |key| self.history.maker_of(&key));
                Ok(Wish { row: row.number, name, role, lifetime, key, maker })
            }
            _ => Err(faults),
        }
    }

    fn name(&mut self, row: &Row) -> Result<Name, RowFault> {
        let name = Name::parse(&row.name).map_err(RowFault::Name)?;
        match first(&mut self.names, name.clone(), row.number) {
            Some(row) => Err(RowFault::DoubledName { row }),
            None => Ok(name),
        }
    }

    fn key(&mut self, row: &Row, name: Option<&Name>) -> Result<Option<P256Key>, RowFault> {
        if row.request.is_empty() {
            return Ok(None);
        }
        let path = self.list.folder.join(&row.request);
        let bytes = keys::read_public(&path, CREDENTIAL_FILE_BYTES_MAX)?;
        let key = read_request(&bytes)?;
        if let (Some(name), Some(asked)) = (name, asked_name(&bytes))
            && *name != asked
        {
            return Err(RowFault::OtherName { asked });
        }
        match first(&mut self.keys, key.fingerprint(), row.number) {
            Some(row) => Err(RowFault::DoubledKey { row }),
            None => Ok(Some(key)),
        }
    }

    /// Holds a wish against what the register has of the name and of the key.
    pub(super) fn hold(&self, wish: Wish) -> Result<Outcome, RowFault> {
        let theirs = self.history.names.get(&wish.name).map_or(&[][..], Vec::as_slice);
        let live = || theirs.iter().filter(|(_, standing)| *standing == Standing::Live);
        if let Some((issued, _)) = live().find(|(issued, _)| wish.is_granted_by(issued)) {
            return Ok(Outcome::Kept(Kept { row: wish.row, issued: (*issued).clone() }));
        }
        if let Some((issued, _)) = live().next_back() {
            return Err(other_than(&wish, issued));
        }
        if let Some((_, Standing::Revoked { .. })) = theirs.last() {
            return Err(RowFault::Revoked);
        }
        self.check_key(&wish)?;
        let file = wish.file_name();
        if self.there.contains(OsStr::new(&file)) {
            return Err(RowFault::FileThere { path: self.out.join(file) });
        }
        Ok(Outcome::New(wish))
    }

    fn check_key(&self, wish: &Wish) -> Result<(), RowFault> {
        let certificates = wish.key.and_then(|key| self.history.keys.get(&key.fingerprint()));
        for (issued, standing) in certificates.into_iter().flatten() {
            match (standing, &issued.holder) {
                (Standing::Revoked { reason: RevocationReason::KeyCompromise, .. }, _) => {
                    return Err(RowFault::Compromised);
                }
                (Standing::Live, Holder::Person { name, .. }) => {
                    return Err(RowFault::KeyOf { name: name.clone() });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Notes who came first; the row of the first if that was another.
fn first<K: Eq + std::hash::Hash>(seen: &mut HashMap<K, u64>, key: K, row: u64) -> Option<u64> {
    match seen.entry(key) {
        Entry::Occupied(entry) => Some(*entry.get()),
        Entry::Vacant(entry) => {
            entry.insert(row);
            None
        }
    }
}

fn role(cell: &str) -> Result<Role, RowFault> {
    if cell.is_empty() { Ok(Role::Bidder) } else { Role::parse(cell).map_err(RowFault::Role) }
}

fn lifetime(cell: &str) -> Result<Span, RowFault> {
    if cell.is_empty() {
        return Ok(PERSON_LIFETIME_MAX);
    }
    let digits = cell.bytes().all(|byte| byte.is_ascii_digit());
    let days = cell.parse().ok().filter(|days: &u64| digits && (1..=90).contains(days));
    days.map(|days| Span::from_s(days * DAY_S)).ok_or(RowFault::Days)
}

/// In what a name's certificate differs from the wish.
fn other_than(wish: &Wish, issued: &Issued) -> RowFault {
    match (&issued.holder, &wish.key) {
        (Holder::Person { role, .. }, _) if *role != wish.role => {
            RowFault::OtherRole { held: *role }
        }
        (_, None) => RowFault::OwnKey,
        (_, Some(_)) => RowFault::OtherKey,
    }
}

/// The people's certificates in the register, by name and by key, the oldest first.
struct History<'a> {
    names: HashMap<Name, Vec<(&'a Issued, Standing)>>,
    keys: HashMap<Fingerprint, Vec<(&'a Issued, Standing)>>,
}

impl<'a> History<'a> {
    /// Who made the key of a request: once the house has, it stays so, whoever asks.
    fn maker_of(&self, key: &P256Key) -> KeyMaker {
        let certificates = self.keys.get(&key.fingerprint());
        let by_house = |(issued, _): &(&Issued, Standing)| {
            matches!(issued.holder, Holder::Person { maker: KeyMaker::House, .. })
        };
        let by_house = certificates.into_iter().flatten().any(by_house);
        if by_house { KeyMaker::House } else { KeyMaker::Holder }
    }

    fn of(register: &'a Register, now: Timestamp) -> Self {
        let mut history = Self { names: HashMap::new(), keys: HashMap::new() };
        for (issued, standing) in register.standings(now) {
            if let Holder::Person { name, .. } = &issued.holder {
                history.names.entry(name.clone()).or_default().push((issued, standing));
                history.keys.entry(issued.key).or_default().push((issued, standing));
            }
        }
        history
    }
}
