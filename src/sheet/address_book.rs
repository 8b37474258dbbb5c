//! The house's private register: who stands behind a name, for invoices and settlements.
//!
//! `pki/register.csv`, made by hand or by a spreadsheet, never by gavel:
//!
//! ```text
//! name,full_name,address,email,vat_id,account
//! (house),Meridian Auctions Ltd,"1 Hall Street
//! Harwich",accounts@meridian.example,GB123456789,
//! alice,Alice Archer,"12 Mill Lane
//! Colchester",alice@example.org,,
//! paddle:17,Bert Boyle,"The Quay, Harwich",,,
//! ```
//!
//! `name` is a name as certificates have it, `paddle:` and a paddle, or `(house)`, which
//! is who writes the invoices. The other columns may be missing, in any order. The
//! ledger never holds any of it, and no public form takes a [`AddressBook`].

use std::collections::BTreeMap;
use std::fmt;

use super::values::{Party, SellerFact};
use crate::auction::name::{Name, is_showable};
use crate::limits::NAMES_CELL_BYTES_MAX;

/// The columns that a register may have.
const COLUMNS: [&str; 6] = ["name", "full_name", "address", "email", "vat_id", "account"];
/// What stands for the house itself.
const HOUSE: &str = "(house)";
const PADDLE: &str = "paddle:";

/// Why a register cannot be used; rows are counted as a spreadsheet does, the header is row 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {row}: {fault}")]
pub struct AddressBookFault {
    /// The row.
    pub row: usize,
    /// What is wrong with it.
    pub fault: RowFault,
}

/// What is wrong with a row of a register.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowFault {
    /// A cell has more than an address needs.
    #[error("{column} is longer than {NAMES_CELL_BYTES_MAX} bytes")]
    Cell {
        /// In which column.
        column: &'static str,
    },
    /// A cell holds a character that may not be shown.
    #[error("{column} holds a control or text-direction character")]
    Characters {
        /// In which column.
        column: &'static str,
    },
    /// A column is not a register's.
    #[error("there is no column {column:?}: the columns are {}", COLUMNS.join(", "))]
    Column {
        /// Its heading.
        column: String,
    },
    /// A column is there twice.
    #[error("the column {column} is there twice")]
    ColumnTwice {
        /// Which.
        column: &'static str,
    },
    /// The row is not CSV.
    #[error("it is not CSV in UTF-8 with as many cells as there are columns")]
    Csv,
    /// The name is none.
    #[error(
        "{name:?} is not a name as certificates have it, nor paddle: and a paddle, nor (house)"
    )]
    Name {
        /// What stands there.
        name: String,
    },
    /// There is no column of names.
    #[error("the column name is missing")]
    NoNames,
    /// A name is there twice.
    #[error("{name} is there twice")]
    Twice {
        /// Which.
        name: String,
    },
}

/// Who stands behind a name. Empty texts are not known.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// The name in full.
    pub full_name: String,
    /// The address, in lines.
    pub address: String,
    /// The e-mail address.
    pub email: String,
    /// The number for value added tax.
    pub vat_id: String,
    /// The account to which a settlement is paid.
    pub account: String,
}

/// Without what is private.
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person(..)")
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    House,
    Name(String),
    Paddle(String),
}

/// Names and addresses of the house's customers, and its own.
#[derive(Clone, Debug, Default)]
pub struct AddressBook {
    people: BTreeMap<Key, Person>,
}

impl AddressBook {
    /// Reads a register in CSV, separated by commas or, as spreadsheets of some
    /// countries write it, by semicolons.
    pub fn read(bytes: &[u8]) -> Result<Self, AddressBookFault> {
        let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let comma = !first.contains(&b';');
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .delimiter(if comma { b',' } else { b';' })
            .from_reader(text);
        let mut rows = (1..).zip(reader.records());
        let at = |row| move |fault| AddressBookFault { row, fault };
        let header = match rows.next() {
            Some((row, record)) => {
                record.map_err(|_| RowFault::Csv).and_then(|r| columns(&r)).map_err(at(row))?
            }
            None => return Err(at(1)(RowFault::NoNames)),
        };
        let mut register = Self::default();
        for (row, record) in rows {
            let taken = record.map_err(|_| RowFault::Csv).and_then(|r| register.take(&header, &r));
            taken.map_err(at(row))?;
        }
        Ok(register)
    }

    /// How many are in it.
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// Whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// Who stands behind a buyer.
    pub fn buyer(&self, buyer: &Party) -> Option<&Person> {
        self.people.get(&match buyer {
            Party::Name(name) => Key::Name(name.clone()),
            Party::Paddle(paddle) => Key::Paddle(paddle.clone()),
        })
    }

    /// Who stands behind a seller; a free text is in no register.
    pub fn seller(&self, seller: &SellerFact) -> Option<&Person> {
        match seller {
            SellerFact::Name(name) => self.people.get(&Key::Name(name.clone())),
            SellerFact::Text(_) => None,
        }
    }

    /// The house itself.
    pub fn house(&self) -> Option<&Person> {
        self.people.get(&Key::House)
    }

    fn take(&mut self, header: &[&'static str], row: &csv::StringRecord) -> Result<(), RowFault> {
        let mut cells = [""; COLUMNS.len()];
        for (column, cell) in header.iter().zip(row) {
            check(column, cell)?;
            let place = COLUMNS.iter().position(|known| known == column);
            if let Some(place) = place.and_then(|place| cells.get_mut(place)) {
                *place = cell.trim();
            }
        }
        // An empty row at the end is a spreadsheet's habit.
        if cells.iter().all(|cell| cell.is_empty()) {
            return Ok(());
        }
        let [name, full_name, address, email, vat_id, account] = cells.map(str::to_owned);
        let person = Person { full_name, address, email, vat_id, account };
        match self.people.insert(key(&name)?, person) {
            None => Ok(()),
            Some(_) => Err(RowFault::Twice { name }),
        }
    }
}

/// The columns of a header.
fn columns(header: &csv::StringRecord) -> Result<Vec<&'static str>, RowFault> {
    let mut columns = Vec::new();
    for heading in header {
        let known = COLUMNS.into_iter().find(|known| heading.trim().eq_ignore_ascii_case(known));
        let column = known.ok_or_else(|| RowFault::Column { column: heading.trim().to_owned() })?;
        if columns.contains(&column) {
            return Err(RowFault::ColumnTwice { column });
        }
        columns.push(column);
    }
    if columns.contains(&"name") { Ok(columns) } else { Err(RowFault::NoNames) }
}

fn check(column: &'static str, cell: &str) -> Result<(), RowFault> {
    if cell.len() > NAMES_CELL_BYTES_MAX {
        return Err(RowFault::Cell { column });
    }
    let may_stand = |c: char| is_showable(c) || (column == "address" && matches!(c, '\n' | '\r'));
    if cell.chars().all(may_stand) { Ok(()) } else { Err(RowFault::Characters { column }) }
}

fn key(name: &str) -> Result<Key, RowFault> {
    let wrong = |_| RowFault::Name { name: name.to_owned() };
    match name.strip_prefix(PADDLE) {
        _ if name == HOUSE => Ok(Key::House),
        Some(paddle) => {
            Name::parse(paddle).map(|paddle| Key::Paddle(paddle.to_string())).map_err(wrong)
        }
        None => Name::parse(name).map(|name| Key::Name(name.to_string())).map_err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, row: usize, fault: RowFault) {
        let refused = AddressBook::read(text.as_bytes()).expect_err("no register");
        assert_eq!(refused, AddressBookFault { row, fault }, "{text:?}");
    }

    fn name(text: &str) -> Party {
        Party::Name(text.to_owned())
    }

    #[test]
    fn the_example_is_read() {
        let text = include_str!("address_book.rs");
        let example: String = text
            .lines()
            .skip_while(|line| *line != "//! ```text")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .map(|line| line.trim_start_matches("//! ").to_owned() + "\n")
            .collect();
        let register = AddressBook::read(example.as_bytes()).expect("is a register");
        assert_eq!(register.len(), 3);
        let alice = register.buyer(&name("alice")).expect("is there");
        assert_eq!(alice.address, "12 Mill Lane\nColchester");
        assert_eq!(register.house().map(|house| house.vat_id.as_str()), Some("GB123456789"));
        assert!(register.buyer(&Party::Paddle("17".to_owned())).is_some());
        assert!(register.buyer(&name("17")).is_none());
        assert!(register.seller(&SellerFact::Text("alice".to_owned())).is_none());
        assert_eq!(format!("{alice:?}"), "Person(..)");
    }

    #[test]
    fn what_spreadsheets_write_is_read() {
        let text = "\u{feff}Name;Email\r\nalice;a@example.org\r\n;\r\n";
        let register = AddressBook::read(text.as_bytes()).expect("is a register");
        let alice = register.buyer(&name("alice")).expect("is there");
        assert_eq!((alice.email.as_str(), alice.full_name.as_str()), ("a@example.org", ""));
        assert!(AddressBook::read(b"name\n").expect("is a register").is_empty());
    }

    #[test]
    fn what_is_wrong_is_named_by_row() {
        check("", 1, RowFault::NoNames);
        check("email\n", 1, RowFault::NoNames);
        check("name,phone\n", 1, RowFault::Column { column: "phone".to_owned() });
        check("name,name\n", 1, RowFault::ColumnTwice { column: "name" });
        check("name,email\nalice\n", 2, RowFault::Csv);
        check("name\nalice\nAlice\n", 3, RowFault::Name { name: "Alice".to_owned() });
        check("name\npaddle:\n", 2, RowFault::Name { name: "paddle:".to_owned() });
        check("name\nalice\nbob\nalice\n", 4, RowFault::Twice { name: "alice".to_owned() });
        let long = format!("name,address\nalice,{}\n", "x".repeat(1025));
        check(&long, 2, RowFault::Cell { column: "address" });
        check("name,email\na,\"x\ny\"\n", 2, RowFault::Characters { column: "email" });
        check("name,address\na,\u{1b}[2J\n", 2, RowFault::Characters { column: "address" });
        assert!(AddressBook::read(b"name\n\xff\n").is_err());
    }
}
