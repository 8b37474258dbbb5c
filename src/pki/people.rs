//! A list of people, each row held against the register before anything is made.
//!
//! A row gives a name and, if it likes, a role, a request and days. What the
//! list asks for is new, or was issued before, or the row is broken; every
//! broken row is told with its column, so that a list is mended in one go.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use super::ca::{KeyMaker, PERSON_LIFETIME_MAX};
use super::identity::Fingerprint;
use super::keys::{self, KeyFault};
use super::register::{Holder, Issued, Register, Standing};
use super::request::{RequestFault, asked_name, read_request};
use super::revocation::RevocationReason;
use super::signing::P256Key;
use crate::auction::name::{Name, NameError, Role};
use crate::limits::CREDENTIAL_FILE_BYTES_MAX;
use crate::time::{Span, Timestamp};

const DAY_S: u64 = 24 * 3600;
/// How the file of an answer to a request ends.
pub(super) const ANSWER: &str = ".answer.pem";

/// A list as it was read, its cells not judged yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeopleList {
    /// The folder in which the paths of requests begin.
    pub folder: PathBuf,
    /// The rows, in their order.
    pub rows: Vec<Row>,
}

/// A row's cells; an empty one stands for what is usual.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The row's number, as a spreadsheet counts.
    pub number: u64,
    /// The name.
    pub name: String,
    /// The role; a bidder's if empty.
    pub role: String,
    /// The file of the request; the house makes the key if empty.
    pub request: String,
    /// For how many days; the most there are if empty.
    pub days: String,
}

/// The columns of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// For how many days.
    Days,
    /// Under which name.
    Name,
    /// A request's file.
    Request,
    /// In which role.
    Role,
}

impl Column {
    /// All columns.
    pub const ALL: [Self; 4] = [Self::Name, Self::Role, Self::Request, Self::Days];

    /// The column's name in a list's first row.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Days => "days",
            Self::Name => "name",
            Self::Request => "request",
            Self::Role => "role",
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a row cannot be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowFault {
    /// The key was revoked as compromised.
    #[error("the key was revoked as compromised, and is never certified again")]
    Compromised,
    /// The days are no number from 1 to 90.
    #[error("days are a whole number from 1 to 90")]
    Days,
    /// Another row has the name.
    #[error("the name stands in row {row} already")]
    DoubledName {
        /// Which row.
        row: u64,
    },
    /// Another row has the key.
    #[error("the request is for the same key as that of row {row}")]
    DoubledKey {
        /// Which row.
        row: u64,
    },
    /// The file to be written is there.
    #[error("{} is there already and is not overwritten", keys::shown(.path))]
    FileThere {
        /// Which file.
        path: PathBuf,
    },
    /// Somebody else holds a certificate for the key.
    #[error("the request's key is certified as {name}'s already")]
    KeyOf {
        /// Who.
        name: Name,
    },
    /// The name is none.
    #[error(transparent)]
    Name(NameError),
    /// The name has a certificate for another key than the request's.
    #[error("the name has a certificate for another key than this")]
    OtherKey,
    /// The request asks for another name than the row's.
    #[error("the request asks for the name {asked}: a wrong file, or to be signed by itself")]
    OtherName {
        /// Which.
        asked: Name,
    },
    /// The name has a certificate in another role.
    #[error("the name has a certificate as {held} already")]
    OtherRole {
        /// Which role.
        held: Role,
    },
    /// The name has a certificate for a key that its holder made, and the row names no request.
    #[error("the name has a certificate for a key that its holder made: name its request")]
    OwnKey,
    /// The request is not good.
    #[error(transparent)]
    Request(#[from] RequestFault),
    /// The request's file cannot be read.
    #[error(transparent)]
    RequestFile(#[from] KeyFault),
    /// The name's last certificate was taken back.
    #[error("the name's certificate was revoked, and a list gives nobody a new one")]
    Revoked,
    /// The role is none.
    #[error(transparent)]
    Role(NameError),
}

impl RowFault {
    /// In which column the fault lies.
    pub const fn column(&self) -> Column {
        match self {
            Self::Days => Column::Days,
            Self::DoubledName { .. } | Self::FileThere { .. } | Self::Name(_) | Self::Revoked => {
                Column::Name
            }
            Self::Compromised
            | Self::DoubledKey { .. }
            | Self::KeyOf { .. }
            | Self::OtherKey
            | Self::OtherName { .. }
            | Self::OwnKey
            | Self::Request(_)
            | Self::RequestFile(_) => Column::Request,
            Self::OtherRole { .. } | Self::Role(_) => Column::Role,
        }
    }
}

/// A fault, and in which row it lies.
#[derive(Debug)]
pub struct BadRow {
    /// The row's number.
    pub row: u64,
    /// What is wrong.
    pub fault: RowFault,
}

/// What a row asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The row's number.
    pub row: u64,
    /// Under which name.
    pub name: Name,
    /// In which role.
    pub role: Role,
    /// For how long.
    pub lifetime: Span,
    /// The key of the request; the house makes one where there is none.
    pub key: Option<P256Key>,
    /// Who made the key, or will.
    pub maker: KeyMaker,
}

impl Wish {
    /// The file that the person is given.
    pub(super) fn file_name(&self) -> String {
        match self.key {
            None => format!("{}.pem", self.name),
            Some(_) => format!("{}{ANSWER}", self.name),
        }
    }

    fn is_granted_by(&self, issued: &Issued) -> bool {
        let Holder::Person { role, maker, .. } = &issued.holder else { return false };
        let same_key = match self.key {
            None => *maker == KeyMaker::House,
            Some(key) => issued.key == key.fingerprint(),
        };
        *role == self.role && same_key
    }
}

/// A row whose person holds already what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The row's number.
    pub row: u64,
    /// The certificate.
    pub issued: Issued,
}

/// What a list comes to.
#[derive(Debug, Default)]
pub struct Judged {
    /// What is to be issued.
    pub new: Vec<Wish>,
    /// What was issued before.
    pub kept: Vec<Kept>,
    /// The faults, in the order of their rows.
    pub bad: Vec<BadRow>,
}

/// Holds a list against the register; `out` is where its files are to stand.
pub(super) fn judge(
    list: &PeopleList,
    register: &Register,
    out: &Path,
    now: Timestamp,
) -> Result<Judged, KeyFault> {
    let mut desk = Desk {
        list,
        out,
        there: keys::many::file_names(out)?,
        history: History::of(register, now),
        names: HashMap::new(),
        keys: HashMap::new(),
    };
    let mut judged = Judged::default();
    for row in &list.rows {
        let outcome = desk.read(row).and_then(|wish| desk.hold(wish).map_err(|one| vec![one]));
        match outcome {
            Ok(Outcome::New(wish)) => judged.new.push(wish),
            Ok(Outcome::Kept(kept)) => judged.kept.push(kept),
            Err(faults) => {
                judged
                    .bad
                    .extend(faults.into_iter().map(|fault| BadRow { row: row.number, fault }));
            }
        }
    }
    Ok(judged)
}

enum Outcome {
    Kept(Kept),
    New(Wish),
}

struct Desk<'a> {
    list: &'a PeopleList,
    out: &'a Path,
    there: HashSet<OsString>,
    history: History<'a>,
    /// Which row has a name or a key first.
    names: HashMap<Name, u64>,
    keys: HashMap<Fingerprint, u64>,
}

impl Desk<'_> {
    /// Reads a row by itself; all that is wrong in it.
    fn read(&mut self, row: &Row) -> Result<Wish, Vec<RowFault>> {
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
    fn hold(&self, wish: Wish) -> Result<Outcome, RowFault> {
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
