//! Certificates for a whole list of people: all of them or none.
//!
//! The list is judged first, and one broken row keeps everything from being
//! made. Then, in this order: the files to be written are put aside durably
//! (`pending`), the register takes all certificates in one write, the files
//! are written. A crash at any moment leaves what the next run goes on with.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{HouseFolder, Office, OfficeFault};
use crate::pki::ca::Grant;
use crate::pki::identity::Identity;
use crate::pki::keys::{self, KeyFault};
use crate::pki::pending::{Pending, PendingFile};
use crate::pki::people::{self, ANSWER, BadRow, Judged, Kept, PeopleList, Wish};
use crate::pki::register::{Entry, Issued};
use crate::pki::signing::P256Secret;
use crate::time::Timestamp;

/// Why a list is not carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchFault {
    /// The office cannot do it. Nothing was issued.
    #[error(transparent)]
    Office(#[from] OfficeFault),
    /// Rows are broken. Nothing was issued.
    #[error("{} rows of the list are broken", .bad.len())]
    Rows {
        /// The faults, in the order of their rows.
        bad: Vec<BadRow>,
    },
    /// The certificates are in the register, and not all of their files are written. The next
    /// run writes the rest.
    #[error("not all credentials are written: {source}")]
    Unfinished {
        /// What stood in the way.
        #[source]
        source: KeyFault,
    },
}

/// A person who was issued a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enlisted {
    /// The row's number, if this list has them in one.
    pub row: Option<u64>,
    /// The certificate.
    pub issued: Issued,
    /// The credential, or the answer to a request.
    pub path: PathBuf,
}

impl Enlisted {
    /// Whether the file is an answer, to be joined with a key elsewhere.
    pub fn is_answer(&self) -> bool {
        // A name has no dot.
        self.path.to_string_lossy().ends_with(ANSWER)
    }
}

/// What became of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batched {
    /// Who was issued a certificate.
    pub issued: Vec<Enlisted>,
    /// Who had one before.
    pub kept: Vec<Kept>,
    /// What an earlier run issued that was cut off, and this one wrote.
    pub finished: Vec<Enlisted>,
}

impl HouseFolder {
    /// Holds a list against the register. It needs neither the CA's key nor its passphrase.
    pub fn judge(
        &self,
        list: &PeopleList,
        out: &Path,
        now: Timestamp,
    ) -> Result<Judged, OfficeFault> {
        if keys::is_there(out)? {
            keys::check_folder(out)?;
        }
        Ok(people::judge(list, &self.register()?, out, now)?)
    }

    /// Whether a batch was cut off, whose files [`Office::batch`] will write.
    pub fn has_unfinished_batch(&self) -> Result<bool, OfficeFault> {
        Ok(Pending::is_there(&self.ca())?)
    }
}

impl Office {
    /// Issues what a list asks for and nobody holds yet: credentials for rows without a
    /// request, answers for rows with one, in the folder `out`.
    pub fn batch(
        &mut self,
        list: &PeopleList,
        out: &Path,
        now: Timestamp,
    ) -> Result<Batched, BatchFault> {
        let Judged { new, kept, bad } = self.folder.judge(list, out, now)?;
        if !bad.is_empty() {
            return Err(BatchFault::Rows { bad });
        }
        let unfinished = |source| BatchFault::Unfinished { source };
        let mut batched = Batched { kept, ..Batched::default() };
        let ca = self.folder.ca();
        if let Some(pending) = Pending::read(&ca)? {
            batched.finished = pending.finish(&ca, &self.register, now).map_err(unfinished)?;
        }
        if new.is_empty() {
            return Ok(batched);
        }
        let (issued, pending) = self.make_all(new, out, now)?;
        keys::make_folder(out).and_then(|()| pending.write(&ca)).map_err(OfficeFault::from)?;
        let entry = |enlisted: &Enlisted| Entry::Issued(enlisted.issued.clone());
        // Should this fail, only the register knows whether it came to pass: the next run asks it.
        self.register.enter(issued.iter().map(entry).collect()).map_err(OfficeFault::from)?;
        pending.finish(&ca, &self.register, now).map_err(unfinished)?;
        Ok(Batched { issued, ..batched })
    }

    /// Makes keys and certificates, which nobody has until the register names them.
    fn make_all(
        &self,
        wishes: Vec<Wish>,
        out: &Path,
        now: Timestamp,
    ) -> Result<(Vec<Enlisted>, Pending), OfficeFault> {
        let mut issued = Vec::new();
        let mut files = Vec::new();
        for wish in wishes {
            let name = wish.file_name();
            let (identity, text) = self.make(&wish, now)?;
            let serial = identity.serial.clone();
            let (row, path) = (Some(wish.row), out.join(&name));
            issued.push(Enlisted { row, issued: Issued::person(&identity, now), path });
            files.push(PendingFile { name, serial, text });
        }
        Ok((issued, Pending::new(out, files)?))
    }

    fn make(
        &self,
        wish: &Wish,
        now: Timestamp,
    ) -> Result<(Identity, Zeroizing<String>), OfficeFault> {
        let Wish { name, role, maker, lifetime, .. } = wish.clone();
        let grant = Grant { name, role, maker, lifetime };
        if let Some(key) = &wish.key {
            let identity = self.ca.certify_person(key, &grant, now)?;
            let text = self.answer(&identity).to_pem();
            return Ok((identity, Zeroizing::new(text)));
        }
        let secret = P256Secret::generate()?;
        let identity = self.ca.certify_person(&secret.public_key(), &grant, now)?;
        let credential = self.credential(identity, secret);
        let text = credential.to_pem();
        Ok((credential.identity, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::CREDENTIAL_FILE_BYTES_MAX;
    use crate::pki::Credential;
    use crate::pki::people::Row;
    use crate::pki::register::Standing;
    use crate::pki::tests::house::Place;
    use crate::pki::tests::now;

    const NAMES: [&str; 3] = ["ada", "bob", "carl"];

    fn list() -> PeopleList {
        let row =
            |(number, name): (u64, &str)| Row { number, name: name.to_owned(), ..Row::default() };
        PeopleList { folder: PathBuf::new(), rows: (2..).zip(NAMES).map(row).collect() }
    }

    /// Where a run is cut off, as by `kill -9`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    enum Cut {
        BeforeItIsPutAside,
        BeforeTheRegister,
        BeforeTheFiles,
        AmongTheFiles,
        BeforeItIsForgotten,
    }

    fn cut_off(place: &Place, cut: Cut) {
        let (mut office, out) = (place.office(), place.house.people());
        let ca = place.house.ca();
        let judged = place.house.judge(&list(), &out, now()).expect("judges");
        let (issued, pending) = office.make_all(judged.new, &out, now()).expect("makes");
        if cut == Cut::BeforeItIsPutAside {
            std::fs::write(ca.join("batch.json.new"), "{\"files\":[{\"na").expect("writes");
            return;
        }
        pending.write(&ca).expect("writes");
        if cut >= Cut::BeforeTheFiles {
            let entry = |one: &Enlisted| Entry::Issued(one.issued.clone());
            office.register.enter(issued.iter().map(entry).collect()).expect("enters");
        }
        if cut >= Cut::AmongTheFiles {
            let aside = std::fs::read(ca.join("batch.json")).expect("reads");
            pending.finish(&ca, &office.register, now()).expect("finishes");
            keys::replace(&ca.join("batch.json"), &aside).expect("writes");
        }
        if cut == Cut::AmongTheFiles {
            std::fs::remove_file(&issued[1].path).expect("removes");
        }
    }

    #[test]
    fn a_run_that_was_cut_off_is_brought_to_its_end_and_nobody_issued_twice() {
        for cut in [
            Cut::BeforeItIsPutAside,
            Cut::BeforeTheRegister,
            Cut::BeforeTheFiles,
            Cut::AmongTheFiles,
            Cut::BeforeItIsForgotten,
        ] {
            let place = Place::prepared();
            cut_off(&place, cut);
            let out = place.house.people();
            let batched = place.office().batch(&list(), &out, now()).expect("goes on");
            let is_known = cut >= Cut::BeforeTheFiles;
            let (issued, finished) = if is_known { (0, 3) } else { (3, 0) };
            assert_eq!(
                (batched.issued.len(), batched.finished.len()),
                (issued, finished),
                "{cut:?}"
            );
            let register = place.house.register().expect("reads");
            assert_eq!(register.issued().count(), 3 + NAMES.len(), "{cut:?}");
            for name in NAMES {
                let path = out.join(format!("{name}.pem"));
                let bytes = keys::read_secret(&path, CREDENTIAL_FILE_BYTES_MAX).expect("reads");
                let cert = Credential::read(&bytes, now()).expect("a credential").identity.cert;
                let is_theirs =
                    |(one, standing): (&Issued, _)| one.cert == cert && standing == Standing::Live;
                assert!(register.standings(now()).any(is_theirs), "{cut:?}");
            }
            let left = place.everything();
            let is_left = |path: &PathBuf| path.to_string_lossy().contains("batch");
            assert!(!left.keys().any(is_left), "{cut:?}: no copy of a key is left");
            assert_eq!(left.keys().filter(|path| path.starts_with(&out)).count(), 5, "{cut:?}");
            place.office().batch(&list(), &out, now()).expect("changes nothing");
            assert_eq!(place.everything(), left, "{cut:?}");
        }
    }

    #[test]
    fn what_was_revoked_or_is_in_the_way_since_is_not_written() {
        let place = Place::prepared();
        cut_off(&place, Cut::BeforeTheFiles);
        let out = place.house.people();
        let (which, reason) = (
            crate::pki::Which::Name(crate::pki::tests::house::name("ada")),
            crate::pki::RevocationReason::Superseded,
        );
        place.office().revoke(&which, reason, now()).expect("revokes");
        keys::replace(&out.join("bob.pem"), b"another's").expect("writes");
        let others = PeopleList { rows: list().rows.split_off(1), ..list() };
        let fault = place.office().batch(&others, &out, now()).expect_err("bob's is in the way");
        assert!(
            matches!(fault, BatchFault::Unfinished { source: KeyFault::Exists { .. } }),
            "{fault}"
        );
        std::fs::remove_file(out.join("bob.pem")).expect("moves");
        let batched = place.office().batch(&others, &out, now()).expect("goes on");
        assert!(
            batched
                .finished
                .iter()
                .map(|one| one.path.file_name())
                .eq([Some("bob.pem".as_ref()), Some("carl.pem".as_ref())])
        );
        assert!(!out.join("ada.pem").exists());
    }

    #[test]
    fn a_damaged_rest_is_told() {
        let place = Place::prepared();
        cut_off(&place, Cut::BeforeTheFiles);
        keys::replace(&place.house.ca().join("batch.json"), b"{}").expect("writes");
        let fault = place.office().batch(&list(), &place.house.people(), now());
        let fault = fault.expect_err("is refused");
        assert!(matches!(fault, BatchFault::Office(OfficeFault::BatchDamaged { .. })), "{fault}");
    }
}
