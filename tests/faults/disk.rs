//! A disk whose power can be cut: ext4 in an image file on a loop device.
//!
//! What a program wrote and did not sync is in the page cache of the inner file system; the loop
//! device has seen nothing of it, so it is not in the image either. Whoever copies the image while
//! nothing is synced, and mounts the copy, has the disk as it is after the power has failed: with a
//! journal to be replayed and without whatever was only in memory. The journal is committed every
//! 300 s and not every 5, so that nothing reaches the disk that nobody asked for; what the kernel
//! writes back by itself after 30 s is older than any run here between two cuts.
//!
//! The image stands for a disk without a cache of its own: what the file system has sent counts as
//! kept. A missing flush of the device is therefore not seen here, a missing sync always is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How large the disk is: a few sales, and a copy in a moment.
const IMAGE_BYTES: u64 = 16 << 20;
const OPTIONS: &str = "loop,commit=300,data=ordered,noatime,errors=remount-ro";

/// A mounted file system that is unmounted in the end, also when a test fails. The loop device is
/// its mount's own and goes with it.
#[derive(Debug)]
pub(crate) struct Mounted {
    at: PathBuf,
}

impl Mounted {
    pub(crate) fn new(words: &[&str], at: &Path) -> Self {
        fs::create_dir_all(at).expect("a folder");
        run("mount", &[words, &[text(at)]].concat());
        Self { at: at.to_owned() }
    }

    /// Mounts it again with other options.
    pub(crate) fn again(&self, options: &str) {
        run("mount", &["-o", &format!("remount,{options}"), text(&self.at)]);
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let plain = Command::new("umount").arg(&self.at).output();
        if !plain.is_ok_and(|output| output.status.success()) {
            // Somebody still looks into it: it goes once they do not.
            let _ = Command::new("umount").arg("-l").arg(&self.at).output();
        }
    }
}

/// A disk in an image file.
pub(crate) struct Disk {
    image: PathBuf,
    at: PathBuf,
    mounted: Option<Mounted>,
}

impl Disk {
    /// Makes the image in one folder and mounts it on another.
    pub(crate) fn new(folder: &Path, at: &Path) -> Self {
        let image = folder.join("disk.img");
        let file = fs::File::create(&image).expect("an image");
        file.set_len(IMAGE_BYTES).expect("has room");
        // Small blocks, so that few lines fill one; all tables are written now.
        let tables = "lazy_itable_init=0,lazy_journal_init=0,nodiscard";
        run("mkfs.ext4", &["-q", "-F", "-b", "1024", "-E", tables, text(&image)]);
        // Every block has its place now; what is not needed can be given back by `trim`.
        let whole = fs::read(&image).expect("reads");
        fs::write(&image, whole).expect("has room");
        let mounted = Some(Mounted::new(&["-o", OPTIONS, text(&image)], at));
        Self { image, at: at.to_owned(), mounted }
    }

    /// Sees that all that was prepared is on the disk, before anything fails.
    pub(crate) fn settle(&self) {
        run("sync", &["-f", text(&self.at)]);
    }

    /// Gives what is free back to whatever holds the image.
    pub(crate) fn trim(&self) {
        self.settle();
        run("fstrim", &[text(&self.at)]);
    }

    /// Cuts the power, and brings the disk back. Nobody may be using it: a process that was killed
    /// is as gone as with the power, and its unsynced writes are as much in memory alone. The new
    /// disk's image is made in `folder`.
    pub(crate) fn cut_power(&mut self, folder: &Path) {
        let cut = folder.join("disk.cut");
        loop {
            let before = self.writes();
            fs::copy(&self.image, &cut).expect("copies");
            // A copy during which the kernel wrote is of no moment.
            if self.writes() == before {
                break;
            }
        }
        // What this writes goes to the image that nobody will read.
        self.mounted = None;
        self.image = folder.join("disk.img");
        fs::rename(&cut, &self.image).expect("renames");
        self.mounted = Some(Mounted::new(&["-o", OPTIONS, text(&self.image)], &self.at));
    }

    /// How many writes the loop device has taken.
    fn writes(&self) -> u64 {
        let mounts = fs::read_to_string("/proc/mounts").expect("reads");
        let at = text(&self.at);
        let line = mounts.lines().rev().find(|line| line.split(' ').nth(1) == Some(at));
        let device = line.and_then(|line| line.split(' ').next()).expect("is mounted");
        let name = device.rsplit('/').next().expect("named");
        let stat = fs::read_to_string(format!("/sys/block/{name}/stat")).expect("reads");
        let writes = stat.split_whitespace().nth(4).expect("the fifth field");
        writes.parse().expect("a number")
    }
}

/// Whether this machine lets us do all that.
pub(crate) fn can_mount() -> bool {
    let Ok(folder) = tempfile::tempdir() else { return false };
    let image = folder.path().join("probe.img");
    let made = fs::File::create(&image).and_then(|file| file.set_len(4 << 20));
    let steps: [&[&str]; 3] = [
        &["mkfs.ext4", "-q", "-F", text(&image)],
        &["mount", "-o", "loop", text(&image), text(folder.path())],
        &["umount", text(folder.path())],
    ];
    made.is_ok()
        && steps.iter().all(|step| {
            let output = Command::new(step[0]).args(&step[1..]).output();
            output.is_ok_and(|output| output.status.success())
        })
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn run(program: &str, words: &[&str]) {
    let output = Command::new(program).args(words).output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {words:?}: {said}");
}
