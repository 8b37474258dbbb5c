//! `gavel fetch`: bring a sale's ledger, checked as it is written.

use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::caller::{Whom, block_on};
use super::cosigned::await_the_last;
use super::fault::{of_io, whole};
use super::{Exit, Failure, print};
use crate::client::{Following, Happened, Session};
use crate::pki::keys::shown;

/// Bring a sale's ledger, every line and seal checked as it is written
///
/// An earlier copy is replaced if the new one continues it. If witnesses cosign the sale, its
/// newest cosigned checkpoint is put beside it, as FILE.cosigned.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    whom: Whom,
    /// Where to write it
    file: PathBuf,
}

/// A file that takes another's place once it is whole.
struct Part {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    block_on(fetch(&args.whom, &args.file))
}

async fn fetch(whom: &Whom, path: &Path) -> Result<Exit, Failure> {
    let mut session = whom.open(Following::Everything).await?;
    let mut part = Part::beside(path)?;
    let lines = match bring(&mut session, &mut part).await {
        Ok(lines) => lines,
        Err(failure) => {
            part.throw_away();
            return Err(failure);
        }
    };
    let bytes = part.bytes;
    part.continue_in_place_of(path)?;
    let cosigned = bring_cosigned(&mut session, path).await?;
    print::results(&summary(&session, path, lines, bytes, cosigned.as_deref()));
    session.close().await?;
    Ok(Exit::Success)
}

/// Writes the newest cosigned checkpoint beside the ledger, if there is one; gives its place. Of
/// a sale that has closed it may come a moment after the last line.
async fn bring_cosigned(session: &mut Session, ledger: &Path) -> Result<Option<PathBuf>, Failure> {
    if has_closed(session) && session.cosigned().is_some() {
        await_the_last(session, |_| ()).await?;
    }
    let Some(cosigned) = session.cosigned() else { return Ok(None) };
    let path = cosigned_beside(ledger);
    let mut part = Part::beside(&path)?;
    part.write(cosigned.checkpoint().note().trim_end_matches('\n'))?;
    part.take_the_place_of(&path)?;
    Ok(Some(path))
}

/// `estate.jsonl.cosigned` for `estate.jsonl`.
fn cosigned_beside(ledger: &Path) -> PathBuf {
    let mut name = ledger.file_name().unwrap_or_default().to_owned();
    name.push(".cosigned");
    ledger.with_file_name(name)
}

fn has_closed(session: &Session) -> bool {
    let standing = session.follower().and_then(|follower| follower.standing());
    standing.is_some_and(|standing| standing.is_closed())
}

/// Writes each line once it is checked, up to the present.
async fn bring(session: &mut Session, part: &mut Part) -> Result<u64, Failure> {
    let (mut lines, mut lost) = (0, false);
    loop {
        match session.next().await? {
            Happened::Entry(entry) => {
                part.write(&entry.line)?;
                lines = entry.seq + 1;
            }
            Happened::CaughtUp { size } if size == lines => return Ok(lines),
            Happened::Alarm(alarm) => {
                let currency = &session.sale().opening().terms.sale.currency;
                print::talk(&format!("warning: {}\n", alarm.text(currency)));
            }
            Happened::Lost { why, .. } if !lost => {
                lost = true;
                print::talk(&format!("No connection: {}. Trying until it is back.\n", whole(&why)));
            }
            _ => {}
        }
    }
}

fn summary(
    session: &Session,
    path: &Path,
    lines: u64,
    bytes: u64,
    cosigned_path: Option<&Path>,
) -> String {
    let (sale, newest) = (session.sale(), session.newest().checkpoint());
    let opening = sale.opening();
    let state = if has_closed(session) {
        "closed and sealed; nothing will follow".to_owned()
    } else {
        format!("still running; sealed up to line {}", newest.size)
    };
    let ca = session.credential().anchor.fingerprint();
    let mut text = format!(
        "{}: the ledger of sale {} of the house {}\n\
         lines      {lines} ({bytes} bytes), every one checked\n\
         state      {state}\n\
         root       {} (over {} lines)\n",
        shown(path),
        opening.sale,
        opening.house,
        newest.root,
        newest.size,
    );
    if let Some((path, cosigned)) = cosigned_path.zip(session.cosigned()) {
        let (size, names) = (cosigned.size(), cosigned.names().join(", "));
        let row = format!("{}: the first {size} lines, by {names} (keys not given)", shown(path));
        text.push_str(&format!("cosigned   {row}\n"));
    }
    text.push_str(&format!("verify it  gavel verify {} --trust sha256:{ca}", shown(path)));
    if let Some(path) = cosigned_path {
        text.push_str(&format!(" --checkpoint {}", shown(path)));
    }
    if let Some(folder) = session.folder() {
        let head = folder.join("head.checkpoint");
        text.push_str(&format!(" --checkpoint {}", shown(&head)));
    }
    text + "\n"
}

impl Part {
    fn beside(path: &Path) -> Result<Self, Failure> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".part-{}", std::process::id()));
        let part = path.with_file_name(name);
        let file = File::create(&part).map_err(|error| of_io("write", &part, &error))?;
        Ok(Self { path: part, file: BufWriter::new(file), bytes: 0 })
    }

    fn write(&mut self, line: &str) -> Result<(), Failure> {
        let written = self.file.write_all(line.as_bytes());
        let written = written.and_then(|()| self.file.write_all(b"\n"));
        self.bytes += u64::try_from(line.len()).unwrap_or(u64::MAX).saturating_add(1);
        written.map_err(|error| of_io("write", &self.path, &error))
    }

    /// Takes the place of an earlier file that is how this one begins, and of no other.
    fn continue_in_place_of(mut self, path: &Path) -> Result<(), Failure> {
        self.file.flush().map_err(|error| of_io("write", &self.path, &error))?;
        if !continues(&self.path, path)? {
            self.throw_away();
            let message = format!("{} is there and is no earlier copy of this ledger", shown(path));
            return Err(Failure::usage("file-exists", message)
                .hint("compare the two, or give another file name"));
        }
        self.take_the_place_of(path)
    }

    /// Syncs the file and renames it.
    fn take_the_place_of(mut self, path: &Path) -> Result<(), Failure> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(|error| of_io("write", &self.path, &error))?;
        fs::rename(&self.path, path).map_err(|error| of_io("write", path, &error))?;
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let synced = File::open(folder).and_then(|opened| opened.sync_all());
        synced.map_err(|error| of_io("write", folder, &error))
    }

    fn throw_away(self) {
        // What stays behind is only a part, and named so.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether the file at `old`, if there is one, is how the one at `new` begins.
fn continues(new: &Path, old: &Path) -> Result<bool, Failure> {
    let mut old_file = match File::open(old) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(of_io("read", old, &error)),
    };
    let mut new_file = File::open(new).map_err(|error| of_io("read", new, &error))?;
    let (mut old_bytes, mut new_bytes) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        let count = old_file.read(&mut old_bytes).map_err(|error| of_io("read", old, &error))?;
        if count == 0 {
            return Ok(true);
        }
        match new_file.read_exact(&mut new_bytes[..count]) {
            Ok(()) if new_bytes[..count] == old_bytes[..count] => {}
            Ok(()) => return Ok(false),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(of_io("read", new, &error)),
        }
    }
}
