//! Lists of people as spreadsheets export them: CSV, read cell by cell.
//!
//! The first row names the columns. Commas, semicolons and tabs separate, a
//! BOM and CRLF are taken, blank rows are skipped. Quotes must be where
//! RFC 4180 has them: an open one would swallow the rows after it unseen.

use std::collections::HashSet;
use std::path::Path;

use crate::cli::Failure;
use crate::limits::{PEOPLE_FILE_BYTES_MAX, PEOPLE_ROWS_MAX};
use crate::pki::keys::{self, shown};
use crate::pki::{Column, PeopleList, Row};

/// What may stand between cells; the first under which the first row names people.
const SEPARATORS: [char; 3] = [',', ';', '\t'];

/// A list as its file has it.
#[derive(Debug)]
pub(super) struct Sheet {
    pub(super) list: PeopleList,
    /// Rows that could not be read.
    pub(super) odd: Vec<OddRow>,
    /// The columns that were left out, as the first row names them.
    pub(super) ignored: Vec<String>,
}

/// A row that could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OddRow {
    pub(super) row: u64,
    pub(super) fault: FormFault,
}

/// Why a row cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FormFault {
    #[error("cells: {found}; the first row has {wanted}")]
    Cells { found: usize, wanted: usize },
    #[error("a quote stands inside a cell, or one is not closed")]
    Quotes,
    #[error("something stands in a column that the first row does not name")]
    Unnamed,
}

/// Reads a list. The columns in `ignore` are left out; any other that is not ours is refused,
/// since a slip in a column's name would give everybody what is usual instead.
pub(super) fn read(path: &Path, ignore: &[String]) -> Result<Sheet, Failure> {
    let bytes = keys::read_public(path, PEOPLE_FILE_BYTES_MAX)?;
    let text = text_of(&bytes).ok_or_else(|| {
        of(path, "it is not UTF-8")
            .hint("save it again as \"CSV UTF-8\", as spreadsheets call the form")
    })?;
    let (header, rows) = records(&text).ok_or_else(|| {
        of(path, "the first row names no column `name`")
            .hint("the first row is like name,role,request,days: all but `name` may be left out")
    })?;
    if rows.len() > PEOPLE_ROWS_MAX {
        return Err(of(path, format!("it has more than {PEOPLE_ROWS_MAX} rows"))
            .hint("cut it into several lists; each is carried out by itself"));
    }
    let columns = columns(path, &header, ignore)?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut sheet =
        Sheet { list: PeopleList { folder, rows: vec![] }, odd: vec![], ignored: vec![] };
    for (cell, place) in header.cells.iter().zip(&columns) {
        if *place == Place::Ignored {
            sheet.ignored.push(cell.clone());
        }
    }
    for record in rows {
        match record.fit(&columns) {
            Ok(row) => sheet.list.rows.push(row),
            Err(fault) => sheet.odd.push(OddRow { row: record.row, fault }),
        }
    }
    Ok(sheet)
}

fn of(path: &Path, what: impl std::fmt::Display) -> Failure {
    Failure::usage("people-file", format!("{}: {what}", shown(path)))
}

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Ignored,
    Ours(Column),
    Unnamed,
}

fn columns(path: &Path, header: &Record, ignore: &[String]) -> Result<Vec<Place>, Failure> {
    let mut unknown = Vec::new();
    let mut taken = HashSet::new();
    let mut places = Vec::new();
    for cell in &header.cells {
        let ours = Column::ALL.into_iter().find(|column| is_named(cell, column.as_str()));
        places.push(match ours {
            _ if cell.is_empty() => Place::Unnamed,
            _ if ignore.iter().any(|name| is_named(cell, name)) => Place::Ignored,
            Some(column) if taken.insert(column.as_str()) => Place::Ours(column),
            Some(column) => {
                return Err(of(path, format!("two columns are named `{column}`"))
                    .hint("name another one otherwise, and leave it out by --ignore"));
            }
            None => {
                unknown.push(format!("--ignore {}", shown(Path::new(cell))));
                Place::Ignored
            }
        });
    }
    if unknown.is_empty() {
        Ok(places)
    } else {
        Err(of(path, "it has columns that are not name, role, request or days").hint(format!(
            "if none is one of those misspelt, leave them out: {}",
            unknown.join(" ")
        )))
    }
}

fn is_named(cell: &str, name: &str) -> bool {
    cell.to_lowercase() == name.trim().to_lowercase()
}

/// The text with line ends of one kind. A line end inside a cell is none that we take.
fn text_of(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).ok()?;
    Some(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// A row of cells.
#[derive(Debug)]
struct Record {
    /// As a spreadsheet counts: blank rows too, and a cell of several lines is in one row.
    row: u64,
    cells: Vec<String>,
    quotes_fit: bool,
}

impl Record {
    fn fit(&self, columns: &[Place]) -> Result<Row, FormFault> {
        if !self.quotes_fit {
            return Err(FormFault::Quotes);
        }
        if self.cells.len() != columns.len() {
            return Err(FormFault::Cells { found: self.cells.len(), wanted: columns.len() });
        }
        let mut row = Row { number: self.row, ..Row::default() };
        for (cell, place) in self.cells.iter().zip(columns) {
            let slot = match place {
                Place::Ignored => continue,
                Place::Unnamed if cell.is_empty() => continue,
                Place::Unnamed => return Err(FormFault::Unnamed),
                Place::Ours(Column::Days) => &mut row.days,
                Place::Ours(Column::Name) => &mut row.name,
                Place::Ours(Column::Request) => &mut row.request,
                Place::Ours(Column::Role) => &mut row.role,
            };
            slot.clone_from(cell);
        }
        Ok(row)
    }
}

/// The first row and the others, under the separator that makes sense of the first.
fn records(text: &str) -> Option<(Record, Vec<Record>)> {
    SEPARATORS.into_iter().find_map(|separator| {
        let mut records = Records::of(text, separator);
        let header = records.next().filter(|header| {
            header.quotes_fit
                && header.cells.iter().any(|cell| is_named(cell, Column::Name.as_str()))
        })?;
        // One more than is taken, so that a longer list is known.
        Some((header, records.take(PEOPLE_ROWS_MAX + 1).collect()))
    })
}

/// The rows of a text that are not blank.
struct Records<'a> {
    text: &'a str,
    separator: char,
    reader: csv::Reader<&'a [u8]>,
    /// Up to where the text is read, and the next row's number.
    at: usize,
    row: u64,
}

impl<'a> Records<'a> {
    fn of(text: &'a str, separator: char) -> Self {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(u8::try_from(separator).expect("separators are ASCII"))
            .terminator(csv::Terminator::Any(b'\n'))
            .from_reader(text.as_bytes());
        Self { text, separator, reader, at: 0, row: 1 }
    }

    fn read(&mut self) -> Option<Record> {
        let mut found = csv::StringRecord::new();
        let read = self.reader.read_record(&mut found);
        if !read.expect("UTF-8 in memory reads, with any number of cells") {
            return None;
        }
        let end = usize::try_from(self.reader.position().byte()).expect("within the text");
        let raw = self.text.get(self.at..end).unwrap_or_default();
        self.at = end;
        // Rows without any cell are skipped by the reader, not by those who count.
        let own = raw.trim_start_matches('\n');
        let blank = u64::try_from(raw.len() - own.len()).expect("within the text");
        let row = self.row + blank;
        self.row = row + 1;
        let quotes_fit = quotes_fit(own, self.separator);
        let cells = found.iter().map(|cell| cell.trim().to_owned()).collect();
        Some(Record { row, cells, quotes_fit })
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            let record = self.read()?;
            if record.cells.iter().any(|cell| !cell.is_empty()) {
                return Some(record);
            }
        }
    }
}

/// Whether a row's quotes stand where RFC 4180 has them: around a cell, doubled inside.
fn quotes_fit(raw: &str, separator: char) -> bool {
    #[derive(PartialEq)]
    enum In {
        Start,
        Plain,
        Quoted,
        Closed,
    }
    let mut place = In::Start;
    for character in raw.chars() {
        place = match (place, character) {
            (In::Quoted, '"') => In::Closed,
            (In::Quoted, _) | (In::Start | In::Closed, '"') => In::Quoted,
            (In::Plain, '"') => return false,
            (In::Start | In::Plain | In::Closed, '\n') => In::Start,
            (In::Start | In::Plain | In::Closed, end) if end == separator => In::Start,
            (In::Closed, _) => return false,
            (In::Start | In::Plain, _) => In::Plain,
        };
    }
    place != In::Quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `text` and gives each row as `number: name/role/request/days`.
    fn check(text: &[u8], ignore: &[&str], rows: &[&str], odd: &[(u64, FormFault)]) {
        let temp = tempfile::tempdir().expect("a folder");
        let path = temp.path().join("people.csv");
        std::fs::write(&path, text).expect("writes");
        let ignore: Vec<String> = ignore.iter().map(|name| (*name).to_owned()).collect();
        let sheet = read(&path, &ignore).expect("reads");
        let tell = |row: &Row| {
            format!("{}: {}/{}/{}/{}", row.number, row.name, row.role, row.request, row.days)
        };
        assert_eq!(sheet.list.rows.iter().map(tell).collect::<Vec<_>>(), rows);
        let odd: Vec<OddRow> =
            odd.iter().map(|(row, fault)| OddRow { row: *row, fault: *fault }).collect();
        assert_eq!(sheet.odd, odd);
        assert_eq!(sheet.list.folder, temp.path());
    }

    fn refusal(text: &[u8], ignore: &[&str]) -> String {
        let temp = tempfile::tempdir().expect("a folder");
        let path = temp.path().join("people.csv");
        std::fs::write(&path, text).expect("writes");
        let ignore: Vec<String> = ignore.iter().map(|name| (*name).to_owned()).collect();
        format!("{:?}", read(&path, &ignore).expect_err("refuses"))
    }

    #[test]
    fn the_forms_that_spreadsheets_write_are_one() {
        let rows = ["2: ada/clerk//30", "3: bob//bob.request.pem/"];
        for text in [
            &b"name,role,request,days\nada,clerk,,30\nbob,,bob.request.pem,\n"[..],
            b"\xef\xbb\xbfName,ROLE,request,Days\r\nada,clerk,,30\r\nbob,,bob.request.pem,\r\n",
            b"name;role;request;days\r\nada;clerk;;30\r\nbob;;bob.request.pem;",
            b"name\trole\trequest\tdays\nada\tclerk\t\t30\nbob\t\tbob.request.pem\t\n",
            b"\"name\",\"role\",\"request\",\"days\"\n\"ada\",clerk,,30\nbob,,bob.request.pem,\n",
            b"days,request,role,name,,\n30,,clerk, ada ,,\n,bob.request.pem,,bob,,\n",
            b"name,role,request,days\rada,clerk,,30\rbob,,bob.request.pem,\r",
        ] {
            check(text, &[], &rows, &[]);
        }
        check(b"name\nada\n", &[], &["2: ada///"], &[]);
        check(b"name\n", &[], &[], &[]);
    }

    #[test]
    fn rows_are_counted_as_a_spreadsheet_counts() {
        let text =
            b"\n\nname,note\r\n\r\nada,\"two\r\nlines, \"\"quoted\"\"\"\r\n,\r\n\r\nbob,x\r\n\r\n";
        check(text, &["Note"], &["5: ada///", "8: bob///"], &[]);
    }

    #[test]
    fn rows_that_cannot_be_read_are_told_by_number() {
        let cells = |found| FormFault::Cells { found, wanted: 2 };
        check(
            b"name,role\nada\nbob,clerk,x\ncarl,\n",
            &[],
            &["4: carl///"],
            &[(2, cells(1)), (3, cells(3))],
        );
        check(b"name,\nada,x\n", &[], &[], &[(2, FormFault::Unnamed)]);
        let odd = [(3, FormFault::Quotes)];
        check(b"name,note\nada,x\nbob,\"y\ncarl,z\n", &["note"], &["2: ada///"], &odd);
        check(
            b"name,note\nada,x\nbob,5\" nail\ncarl,z\n",
            &["note"],
            &["2: ada///", "4: carl///"],
            &odd,
        );
        check(
            b"name,note\nada,x\nbob,\"y\ncarl,\"z\ndora,q\n",
            &["note"],
            &["2: ada///", "4: dora///"],
            &odd,
        );
    }

    #[test]
    fn columns_that_could_be_misspelt_are_not_passed_over() {
        let fault = refusal(b"name,rolle,E-Mail,Full name\nada,clerk,,\n", &["e-mail"]);
        assert!(fault.contains("--ignore rolle --ignore 'Full name'"), "{fault}");
        check(b"name,rolle\nada,clerk\n", &["Rolle"], &["2: ada///"], &[]);
        check(b"name,role\nada,seller\n", &["role"], &["2: ada///"], &[]);
        for text in [&b""[..], b"ada,clerk\n", b"na\"me,role\nada,\n", b"name|role\nada|clerk\n"] {
            assert!(refusal(text, &[]).contains("no column"), "{text:?}");
        }
        assert!(refusal(b"name,days,Days\nada,,\n", &[]).contains("two columns"));
        assert!(refusal(b"name\nK\xf6nig\n", &[]).contains("UTF-8"));
        assert!(refusal(b"\xff\xfen\0a\0m\0e\0", &[]).contains("UTF-8"));
    }

    #[test]
    fn a_list_has_a_greatest_length() {
        let list = |rows: usize| format!("name\n{}", "ada\n".repeat(rows));
        assert!(refusal(list(PEOPLE_ROWS_MAX + 1).as_bytes(), &[]).contains("10000 rows"));
        let bytes_max = usize::try_from(PEOPLE_FILE_BYTES_MAX).expect("fits");
        assert!(refusal(&vec![b'\n'; bytes_max + 1], &[]).contains("larger"));
    }
}
