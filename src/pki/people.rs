//! A list of people, each row held against the register before anything is made.
//!
//! A row gives a name and, if it likes, a role, a request and days. What the
//! list asks for is new, or was issued before, or the row is broken; every
//! broken row is told with its column, so that a list is mended in one go.

mod desk;

use std::fmt;
use std::path::{Path, PathBuf};

use desk::{Desk, Outcome};

use super::ca::KeyMaker;
use super::keys::{self, KeyFault};
use super::register::{Holder, Issued, Register};
use super::request::RequestFault;
use super::signing::P256Key;
use crate::auction::name::{Name, NameError, Role};
use crate::time::{Span, Timestamp};

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
    let mut desk = Desk::open(list, register, out, now)?;
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
