//! The files of a sheet: what is published, and what is private.
//!
//! Public files take the modes that the system gives; private ones are their owner's
//! only, in a folder of their own, as keys are.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::fault::of_io;
use super::{Failure, print};
use crate::limits::NAMES_FILE_BYTES_MAX;
use crate::pki::keys::{self, shown};
use crate::sheet::{AddressBook, Sheet};

/// Where the house's register lies, unless somebody says otherwise.
const REGISTER: &str = "pki/register.csv";
/// How much of a file tells whether it is an earlier sheet of the same form.
const BEGINNING_BYTES: usize = 15;

/// A public form of a sheet.
pub(super) struct PublicForm {
    /// The name of its file.
    pub(super) file: &'static str,
    /// What it holds.
    pub(super) what: &'static str,
    /// How it is made.
    pub(super) make: fn(&Sheet) -> String,
}

impl PublicForm {
    const fn new(file: &'static str, what: &'static str, make: fn(&Sheet) -> String) -> Self {
        Self { file, what, make }
    }
}

/// Every public form, the one that the others are made from first.
pub(super) const PUBLIC_FORMS: [PublicForm; 7] = [
    PublicForm::new("results.json", "all of them, for programs", Sheet::json),
    PublicForm::new("results.html", "a page to read and print", Sheet::page),
    PublicForm::new("lots.csv", "the lots", Sheet::lots_csv),
    PublicForm::new("bids.csv", "every bid", Sheet::bids_csv),
    PublicForm::new("acts.csv", "what the staff did", Sheet::acts_csv),
    PublicForm::new("invoices.csv", "what buyers pay", Sheet::invoices_csv),
    PublicForm::new("settlements.csv", "what sellers get", Sheet::settlements_csv),
];

/// Writes every public form into a folder.
pub(super) fn publish_all(folder: &Path, sheet: &Sheet) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| of_io("make the folder", folder, &error))?;
    PUBLIC_FORMS.iter().try_for_each(|form| publish(&folder.join(form.file), &(form.make)(sheet)))
}

/// Writes a public file whole. An earlier one is replaced if it begins alike, so that a slip
/// of the finger never takes a ledger.
pub(super) fn publish(path: &Path, text: &str) -> Result<(), Failure> {
    if !begins_alike(path, text)? {
        let message = format!("{} is there and is no earlier sheet of that form", shown(path));
        return Err(
            Failure::usage("file-exists", message).hint("move it away, or give another file name")
        );
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".part-{}", std::process::id()));
    let part = path.with_file_name(name);
    let written = File::create(&part).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    if let Err(error) = written.and_then(|()| fs::rename(&part, path)) {
        // What stays behind is only a part, and named so.
        let _ = fs::remove_file(&part);
        return Err(of_io("write", path, &error));
    }
    print::talk(&format!("wrote {}\n", shown(path)));
    Ok(())
}

fn begins_alike(path: &Path, text: &str) -> Result<bool, Failure> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(of_io("read", path, &error)),
    };
    let (mut begin, most) = (Vec::new(), u64::try_from(BEGINNING_BYTES).unwrap_or(u64::MAX));
    file.take(most).read_to_end(&mut begin).map_err(|error| of_io("read", path, &error))?;
    Ok(text.as_bytes().starts_with(&begin))
}

/// Writes invoices and settlements into a folder that is its owner's only.
pub(super) fn hand_out(
    folder: &Path,
    sheet: &Sheet,
    register: &AddressBook,
) -> Result<(), Failure> {
    keys::make_folder(folder)?;
    let papers = crate::sheet::papers(sheet, register);
    for paper in &papers {
        keys::replace(&folder.join(&paper.file), paper.html.as_bytes())?;
    }
    let count = papers.len();
    print::talk(&format!("wrote {count} private files into {}\n", shown(folder)));
    Ok(())
}

/// Reads the house's register; the usual one may be missing.
pub(super) fn register(given: Option<&Path>) -> Result<AddressBook, Failure> {
    let path = given.unwrap_or(Path::new(REGISTER));
    let bytes = match keys::read_public(path, NAMES_FILE_BYTES_MAX) {
        Err(fault) if fault.is_missing() && given.is_none() => {
            print::talk(&format!(
                "there is no {REGISTER}: the papers bear the names of the certificates\n"
            ));
            return Ok(AddressBook::default());
        }
        other => other?,
    };
    warn_if_loose(path)?;
    AddressBook::read(&bytes).map_err(|fault| {
        Failure::usage("bad-register", format!("{}: {fault}", shown(path)))
            .hint("pki/README.md says what stands in it")
    })
}

fn warn_if_loose(path: &Path) -> Result<(), Failure> {
    let metadata = fs::metadata(path).map_err(|error| of_io("look at", path, &error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let path = shown(path);
        print::talk(&format!(
            "warning: {path} is open to others (mode {mode:03o}) and holds names and addresses\n\
             hint: chmod 600 {path}\n"
        ));
    }
    Ok(())
}
