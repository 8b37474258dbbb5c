//! Plays the sales that the targets need, and writes them and the seeds of every corpus.
//!
//! `seeds` takes no argument. It plays once: sales that are there stay, so that inputs which
//! failed beside them fail again. Keys and certificates are made as the sales are played, and
//! nothing of it is ever committed. Texts without keys stand in `fuzz/seeds/`.

// The sales of the tests against forged ledgers. They are written for those tests, which use
// more of them.
#[expect(dead_code, reason = "the tests use what the generator does not")]
#[path = "../../../tests/tampered"]
mod tampered {
    pub(crate) mod forge;
    pub(crate) mod halls;
    pub(crate) mod running;
    pub(crate) mod staff;
    pub(crate) mod world;
}
#[path = "seeds/controls.rs"]
mod controls;
#[path = "seeds/corpus.rs"]
mod corpus;
#[path = "seeds/people.rs"]
mod people;
#[path = "seeds/sales.rs"]
mod sales;

use std::fs;
use std::path::Path;

use gavel_fuzz::played::{self, Played};

fn main() {
    let folder = played::folder();
    if !folder.join("ca.der").exists() {
        fs::create_dir_all(&folder).expect("makes the folder");
        people::write(&folder);
        sales::write(&folder);
    }
    let played = Played::read();
    controls::check(&played);
    corpus::write(&played);
}

/// Writes a file, and its folder if there is none.
fn write(path: &Path, bytes: &[u8]) {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).expect("makes the folder");
    }
    fs::write(path, bytes).expect("writes");
}
