//! `gavel pki batch` by the real program: five hundred people, a broken row
//! among them, and `kill -9` in the middle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use serde_json::Value;

const PEOPLE: usize = 500;

struct House {
    temp: tempfile::TempDir,
}

impl House {
    fn prepared() -> Self {
        let house = Self { temp: tempfile::tempdir().expect("a folder") };
        let names: Vec<String> = (0..PEOPLE).map(|number| format!("bidder-{number}")).collect();
        house.write(&format!("name\n{}\n", names.join("\n")));
        house.gavel(&["prepare", "--house", "estate", "--sale", "spring"], 0);
        house
    }

    fn path(&self, place: &str) -> PathBuf {
        self.temp.path().join(place)
    }

    fn write(&self, list: &str) {
        fs::write(self.path("people.csv"), list).expect("writes");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gavel"));
        command.args(arguments).current_dir(self.temp.path()).stdin(Stdio::null());
        command
    }

    /// Runs a command that must end with that code, and gives what it printed.
    fn gavel(&self, arguments: &[&str], code: i32) -> String {
        let Output { status, stdout, stderr } =
            self.command(arguments).output().expect("the program runs");
        let stderr = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(code), "{arguments:?}: {stderr}");
        String::from_utf8(stdout).expect("UTF-8")
    }

    /// Runs the list and counts its rows by their outcome.
    fn batch(&self, code: i32) -> BTreeMap<String, usize> {
        let mut outcomes = BTreeMap::new();
        for line in self.gavel(BATCH, code).lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            let outcome = line["outcome"].as_str().expect("a string").to_owned();
            *outcomes.entry(outcome).or_default() += 1;
        }
        outcomes
    }

    fn files(&self, folder: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        files(&self.path(folder))
    }

    /// Everybody has one certificate, and one file of it.
    fn check(&self) {
        let mut serials = BTreeMap::new();
        for line in self.gavel(&["pki", "list", "--json"], 0).lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            let name = line["name"].as_str().unwrap_or_default().to_owned();
            if name.starts_with("bidder-") {
                assert_eq!(line["standing"], "good");
                let serial = line["serial"].as_str().expect("a string").to_owned();
                assert_eq!(serials.insert(name, serial), None, "nobody has two");
            }
        }
        assert_eq!(serials.len(), PEOPLE);
        let wanted: BTreeSet<PathBuf> =
            serials.keys().map(|name| self.path(&format!("new/{name}.pem"))).collect();
        assert!(self.files("new").into_keys().eq(wanted), "nothing else is left");
        // The files are the ones of the certificates in the register.
        for (name, serial) in serials.iter().take(5) {
            let shown = self.gavel(&["pki", "show", &format!("new/{name}.pem")], 0);
            assert!(shown.contains(serial), "{name}: {shown}");
        }
        assert!(!self.files("pki/ca").into_keys().any(|path| path.ends_with("batch.json")));
    }
}

const BATCH: &[&str] = &["pki", "batch", "people.csv", "--out", "new", "--json"];

/// All files below a folder with their bytes, hidden ones too.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.expect("lists").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = fs::read(&path).expect("reads");
            found.insert(path, bytes);
        }
    }
    found
}

fn outcomes(wanted: &[(&str, usize)]) -> BTreeMap<String, usize> {
    wanted.iter().map(|(outcome, count)| ((*outcome).to_owned(), *count)).collect()
}

#[test]
fn five_hundred_people_are_issued_once_and_all_or_none() {
    let house = House::prepared();
    let list = fs::read_to_string(house.path("people.csv")).expect("reads");
    let before = house.files(".");
    for odd in ["Bidder", "bidder-7"] {
        house.write(&format!("{list}{odd}\n"));
        let told = house.gavel(BATCH, 2);
        assert_eq!(told.lines().count(), 1, "{odd}: {told}");
        assert!(told.contains("\"row\":502"), "{told}");
        house.write(&list);
        assert_eq!(house.files("."), before, "{odd}: nothing is written");
    }
    assert_eq!(house.batch(0), outcomes(&[("issued", PEOPLE)]));
    house.check();
    let before = house.files(".");
    assert_eq!(house.batch(0), outcomes(&[("unchanged", PEOPLE)]));
    assert_eq!(house.files("."), before, "the second time nothing is written");
}

#[test]
fn a_batch_that_is_killed_is_brought_to_its_end_by_the_next() {
    let files_are = |count| {
        move |house: &House| {
            let entries = fs::read_dir(house.path("new")).into_iter().flatten().flatten();
            entries.filter(|entry| entry.path().extension().is_some()).count() >= count
        }
    };
    let put_aside = |house: &House| house.path("pki/ca/batch.json").exists();
    kill_when(&put_aside);
    kill_when(&files_are(1));
    kill_when(&files_are(PEOPLE / 2));
}

fn kill_when(moment: &dyn Fn(&House) -> bool) {
    let house = House::prepared();
    let mut command = house.command(BATCH);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("spawns");
    // Should it be done before it is seen, there is nothing to go on with, which is as good.
    while !moment(&house) && child.try_wait().expect("looks").is_none() {
        thread::yield_now();
    }
    child.kill().expect("kills");
    child.wait().expect("is gone");
    let counts = house.batch(0);
    let count = |outcome: &str| counts.get(outcome).copied().unwrap_or_default();
    assert_eq!(count("issued") + count("unchanged"), PEOPLE, "{counts:?}");
    assert!([0, PEOPLE].contains(&count("finished")), "{counts:?}");
    house.check();
    assert_eq!(house.batch(0), outcomes(&[("unchanged", PEOPLE)]));
}
