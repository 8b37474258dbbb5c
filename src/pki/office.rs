//! `pki/`, where a house keeps its CA, and what the house does there: certify,
//! issue, revoke, list.
//!
//! `ca/` holds the CA's certificate and key and the register; it may live on
//! another machine. `serve/` is the server's. `people/` holds credentials whose
//! keys were made here, and the answers of a batch. The register is written
//! before anything is given away.

mod batch;
mod renew;

use std::path::{Path, PathBuf};

pub use self::batch::{BatchFault, Batched, Enlisted};
pub use self::renew::{NewKey, RenewFault, Renewal, Renewed, ServerRenewed};
use super::anchor::Anchor;
use super::ca::{CRL_LIFETIME, Ca, CaFault, Grant, KeyMaker};
use super::credential::{Answer, Credential};
use super::identity::{Fingerprint, Identity, Serial};
use super::keys::{self, FolderLock, KeyFault, Passphrase};
use super::pem;
use super::register::{Entry, Holder, Issued, Register, RegisterFault, Standing};
use super::request::{RequestFault, read_request};
use super::revocation::{Crl, CrlEntry, CrlFault, RevocationReason};
use super::serving::{Particulars, ServeFault, ServeFolder, read_anchor};
use super::signing::{P256Key, P256Secret, SigningFault};
use super::tls::ServerKey;
use crate::auction::name::{HouseName, Name, SaleId};
use crate::limits::CREDENTIAL_FILE_BYTES_MAX;
use crate::time::Timestamp;

/// Why the house's office cannot do what is asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OfficeFault {
    /// The certificate is revoked already.
    #[error("the certificate is revoked since {at}")]
    AlreadyRevoked {
        /// Since when.
        at: Timestamp,
    },
    /// What a batch that was cut off had left to write cannot be read.
    #[error("{} is damaged: what it was to write is lost", keys::shown(.path))]
    BatchDamaged {
        /// The file.
        path: PathBuf,
    },
    /// The CA refuses.
    #[error(transparent)]
    Ca(#[from] CaFault),
    /// A key of a CA without its certificate, or the other way round.
    #[error("{} holds only a part of a CA", keys::shown(.path))]
    CaIncomplete {
        /// The folder.
        path: PathBuf,
    },
    /// The key was revoked as compromised.
    #[error("the key was revoked as compromised, and is never certified again")]
    Compromised,
    /// The revocation list that was made is not good.
    #[error(transparent)]
    Crl(#[from] CrlFault),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] KeyFault),
    /// The key in the CA's folder cannot be used.
    #[error(transparent)]
    Key(#[from] SigningFault),
    /// The name has a good certificate already.
    #[error("{name} has a certificate, serial {serial}, valid until {not_after}")]
    Live {
        /// The name.
        name: Name,
        /// The certificate's serial.
        serial: Serial,
        /// The last second in which it is valid.
        not_after: Timestamp,
    },
    /// The house is to be made, and nobody said its name or address.
    #[error("a new house needs a name and the address HOST:PORT of its server")]
    NewHouse,
    /// There is no CA here.
    #[error("there is no CA in {}", keys::shown(.path))]
    NoCa {
        /// The folder.
        path: PathBuf,
    },
    /// No such certificate was made here.
    #[error("the register holds no such certificate")]
    NotIssued,
    /// The folders of the CA and of the server are of different CAs.
    #[error("{} is of another CA than this", keys::shown(.path))]
    OtherCa {
        /// The server's copy.
        path: PathBuf,
    },
    /// The folder is of another house.
    #[error("this is the house {house}")]
    OtherHouse {
        /// Which.
        house: HouseName,
    },
    /// The register cannot be used.
    #[error(transparent)]
    Register(#[from] RegisterFault),
    /// The request is not good.
    #[error(transparent)]
    Request(#[from] RequestFault),
    /// The id was used by a sale that is closed.
    #[error("the sale {sale} is closed, and an id is never used again")]
    SaleClosed {
        /// Which.
        sale: SaleId,
    },
    /// The server's folder cannot be used.
    #[error(transparent)]
    Serve(#[from] ServeFault),
}

/// The folder of a house: `ca/`, `serve/`, `people/`.
#[derive(Clone, Debug)]
pub struct HouseFolder {
    root: PathBuf,
}

impl HouseFolder {
    /// Names a folder. Nothing is read yet.
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// The server's part.
    pub fn serve(&self) -> ServeFolder {
        ServeFolder::at(self.root.join("serve"))
    }

    /// Where the credentials stand whose keys were made here.
    pub fn people(&self) -> PathBuf {
        self.root.join("people")
    }

    /// Opens the CA. No other command works in it meanwhile.
    pub fn open(&self, passphrase: Option<&Passphrase>) -> Result<Office, OfficeFault> {
        self.check_ca()?;
        let lock = keys::lock_folder(&self.ca())?;
        let particulars = Particulars::read(&self.ca().join("house.json"))?;
        let anchor = self.anchor()?;
        let path = self.ca().join("ca.key");
        let text = keys::read_secret(&path, CREDENTIAL_FILE_BYTES_MAX)?;
        let pkcs8 = keys::open_key(&path, &text, passphrase)?;
        let ca = Ca::open(particulars.house.clone(), anchor, &pkcs8)?;
        let register = Register::read(&self.ca())?;
        Ok(Office { folder: self.clone(), particulars, ca, register, _lock: lock })
    }

    /// The register. It needs neither the CA's key nor its passphrase.
    pub fn register(&self) -> Result<Register, OfficeFault> {
        self.check_ca()?;
        Ok(Register::read(&self.ca())?)
    }

    /// Makes a new CA for a house that has none.
    pub(super) fn found(
        &self,
        particulars: Particulars,
        passphrase: Option<&Passphrase>,
        now: Timestamp,
    ) -> Result<Office, OfficeFault> {
        keys::make_outer_folder(&self.root)?;
        keys::make_folder(&self.ca())?;
        let lock = keys::lock_folder(&self.ca())?;
        let ca = Ca::create(particulars.house.clone(), now)?;
        particulars.write(&self.ca().join("house.json"))?;
        // The key first: a certificate without its key would look like a CA kept elsewhere.
        let key = keys::seal_key(ca.pkcs8(), passphrase)?;
        keys::create(&self.ca().join("ca.key"), key.as_bytes())?;
        keys::create(&self.ca_path(), ca.anchor().to_pem().as_bytes())?;
        let register = Register::read(&self.ca())?;
        Ok(Office { folder: self.clone(), particulars, ca, register, _lock: lock })
    }

    pub(super) fn ca(&self) -> PathBuf {
        self.root.join("ca")
    }

    pub(super) fn ca_path(&self) -> PathBuf {
        self.ca().join("ca.pem")
    }

    pub(super) fn anchor(&self) -> Result<Anchor, OfficeFault> {
        Ok(read_anchor(&self.ca_path())?)
    }

    /// Whether a whole CA is here; half a one is a fault.
    pub(super) fn has_ca(&self) -> Result<bool, OfficeFault> {
        let (path, key) = (self.ca(), self.ca().join("ca.key"));
        match (keys::is_there(&self.ca_path())?, keys::is_there(&key)?) {
            (true, true) => Ok(true),
            (false, false) => Ok(false),
            (true, false) | (false, true) => Err(OfficeFault::CaIncomplete { path }),
        }
    }

    fn check_ca(&self) -> Result<(), OfficeFault> {
        if !self.has_ca()? {
            return Err(OfficeFault::NoCa { path: self.ca() });
        }
        Ok(keys::check_folder(&self.ca())?)
    }
}

/// Whether a second good certificate under a name may take the first one's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// No: the name must be free.
    Refuse,
    /// Yes: the first is revoked as superseded.
    Revoke,
}

/// A certificate that was made for a person, and the file that carries it.
#[derive(Debug)]
pub struct Certified {
    /// What it says.
    pub identity: Identity,
    /// The answer for the holder, or the credential if the key was made here.
    pub path: PathBuf,
    /// The certificates that it replaced.
    pub replaced: Vec<Serial>,
    /// The list that revokes those.
    pub crl: Option<CrlMade>,
}

/// A revocation list that was made, and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlMade {
    /// The list.
    pub crl: Crl,
    /// The CA's copy, and the server's if that is on this machine.
    pub paths: Vec<PathBuf>,
}

/// Which certificates are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All good ones of a name.
    Name(Name),
    /// The one with a serial.
    Serial(Serial),
}

/// What a revocation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// The certificates.
    pub certificates: Vec<Issued>,
    /// The list that says so.
    pub list: CrlMade,
}

/// A house's CA, opened.
#[derive(Debug)]
pub struct Office {
    folder: HouseFolder,
    particulars: Particulars,
    ca: Ca,
    register: Register,
    _lock: FolderLock,
}

impl Office {
    /// The CA's certificate.
    pub const fn anchor(&self) -> &Anchor {
        self.ca.anchor()
    }

    /// The house's name and address.
    pub const fn particulars(&self) -> &Particulars {
        &self.particulars
    }

    /// What was issued and revoked.
    pub const fn register(&self) -> &Register {
        &self.register
    }

    /// Takes the public key of a request, which its sender must prove to hold,
    /// certifies it as `grant` says, and writes `<name>.answer.pem` beside the request.
    pub fn sign(
        &mut self,
        request: &Path,
        grant: Grant,
        replace: Replace,
        now: Timestamp,
    ) -> Result<Certified, OfficeFault> {
        let bytes = keys::read_public(request, CREDENTIAL_FILE_BYTES_MAX)?;
        let key = read_request(&bytes)?;
        let path = request.with_file_name(format!("{}.answer.pem", grant.name));
        self.check_not_compromised(&key)?;
        let grant = Grant { maker: self.maker_of(&key), ..grant };
        let (identity, replaced) = self.certify(&key, &grant, replace, now)?;
        keys::replace(&path, self.answer(&identity).to_pem().as_bytes())?;
        let crl = self.list_replaced(&replaced, now)?;
        Ok(Certified { identity, path, replaced, crl })
    }

    /// Makes key and certificate here and writes the credential to `people/<name>.pem`.
    /// The certificate says that the house made the key.
    pub fn issue(
        &mut self,
        grant: Grant,
        replace: Replace,
        now: Timestamp,
    ) -> Result<Certified, OfficeFault> {
        let people = self.folder.people();
        keys::make_folder(&people)?;
        let path = people.join(format!("{}.pem", grant.name));
        let secret = P256Secret::generate()?;
        let grant = Grant { maker: KeyMaker::House, ..grant };
        let (identity, replaced) = self.certify(&secret.public_key(), &grant, replace, now)?;
        let credential = self.credential(identity, secret);
        keys::replace(&path, credential.to_pem().as_bytes())?;
        let crl = self.list_replaced(&replaced, now)?;
        Ok(Certified { identity: credential.identity, path, replaced, crl })
    }

    /// Revokes certificates and writes a new list.
    pub fn revoke(
        &mut self,
        which: &Which,
        reason: RevocationReason,
        now: Timestamp,
    ) -> Result<Revoked, OfficeFault> {
        let certificates = self.find(which, now)?;
        let revoke =
            |issued: &Issued| Entry::Revoked { at: now, serial: issued.serial.clone(), reason };
        self.register.enter(certificates.iter().map(revoke).collect())?;
        let list = self.make_crl(now)?;
        Ok(Revoked { certificates, list })
    }

    /// Writes a new revocation list, as before the old one expires.
    pub fn make_crl(&mut self, now: Timestamp) -> Result<CrlMade, OfficeFault> {
        let number = self.register.crl_number() + 1;
        let next_update = now.plus(CRL_LIFETIME);
        let entries: Vec<CrlEntry> = self.register.revoked().collect();
        let text = self.ca.sign_crl(number, &entries, now)?;
        let crl = Crl::read(text.as_bytes(), self.anchor())?;
        self.register.enter(vec![Entry::Crl { at: now, number, next_update }])?;
        let mut paths = vec![self.folder.ca().join("crl.pem")];
        let serve = self.folder.serve();
        if keys::is_there(serve.path())? {
            paths.push(serve.crl_path());
        }
        for path in &paths {
            keys::replace(path, text.as_bytes())?;
        }
        Ok(CrlMade { crl, paths })
    }

    /// Makes a server's key and certificate.
    pub(super) fn make_server(&mut self, now: Timestamp) -> Result<Issued, OfficeFault> {
        let secret = P256Secret::generate()?;
        let host = self.particulars.address.host();
        let local = ["localhost", "127.0.0.1", "::1"].into_iter().filter(|name| *name != host);
        let names: Vec<&str> = std::iter::once(host).chain(local).collect();
        let (der, identity) = self.ca.certify_server(&secret.public_key(), &names, now)?;
        let issued = Issued {
            at: now,
            holder: Holder::Server,
            serial: identity.serial,
            cert: identity.cert,
            key: identity.key.fingerprint(),
            not_before: identity.not_before,
            not_after: identity.not_after,
        };
        self.register.enter(vec![Entry::Issued(issued.clone())])?;
        let server = ServerKey::new(der, secret);
        keys::replace(&self.folder.serve().server_path(), server.to_pem().as_bytes())?;
        Ok(issued)
    }

    /// Makes the sealing key and certificate of a sale.
    pub(super) fn make_sealer(&mut self, sale: &SaleId, now: Timestamp) -> Result<(), OfficeFault> {
        let serve = self.folder.serve();
        let key = serve.make_sealing_key(sale)?.verifying_key().to_bytes();
        let (der, sealer) = self.ca.certify_sealer(&key, sale, now)?;
        self.register.enter(vec![Entry::Issued(Issued {
            at: now,
            holder: Holder::Sealer { sale: sale.clone() },
            serial: sealer.serial,
            cert: sealer.cert,
            key: Fingerprint::of(&key),
            not_before: sealer.not_before,
            not_after: sealer.not_after,
        })])?;
        let text = pem::write("CERTIFICATE", &der);
        Ok(keys::replace(&serve.sealer_path(sale, "pem"), text.as_bytes())?)
    }

    /// Who made a key that a request is for: once the house has, it stays so, whoever asks.
    fn maker_of(&self, key: &P256Key) -> KeyMaker {
        let key = key.fingerprint();
        let by_house = |issued: &Issued| {
            let by_house = matches!(issued.holder, Holder::Person { maker: KeyMaker::House, .. });
            by_house && issued.key == key
        };
        if self.register.issued().any(by_house) { KeyMaker::House } else { KeyMaker::Holder }
    }

    /// Whoever has a key that was revoked as compromised could ask for it to be certified anew.
    fn check_not_compromised(&self, key: &P256Key) -> Result<(), OfficeFault> {
        let key = key.fingerprint();
        let compromised = |entry: &CrlEntry| entry.reason == RevocationReason::KeyCompromise;
        let mut serials = self.register.revoked().filter(compromised).map(|entry| entry.serial);
        let of_key = |serial: Serial| {
            self.register.issued().any(|issued| issued.serial == serial && issued.key == key)
        };
        if serials.any(of_key) { Err(OfficeFault::Compromised) } else { Ok(()) }
    }

    fn answer(&self, identity: &Identity) -> Answer {
        Answer {
            house: identity.house.clone(),
            address: self.particulars.address.clone(),
            leaf: identity.leaf().to_vec(),
            anchor: self.anchor().clone(),
        }
    }

    fn credential(&self, identity: Identity, secret: P256Secret) -> Credential {
        let address = self.particulars.address.clone();
        Credential { address, identity, anchor: self.anchor().clone(), secret }
    }

    /// Certifies a person's key, in the register first; revokes what it replaces there.
    fn certify(
        &mut self,
        key: &P256Key,
        grant: &Grant,
        replace: Replace,
        now: Timestamp,
    ) -> Result<(Identity, Vec<Serial>), OfficeFault> {
        let live: Vec<&Issued> = self.register.live_of(&grant.name, now).collect();
        if let (Replace::Refuse, [first, ..]) = (replace, live.as_slice()) {
            return Err(OfficeFault::Live {
                name: grant.name.clone(),
                serial: first.serial.clone(),
                not_after: first.not_after,
            });
        }
        let replaced: Vec<Serial> = live.into_iter().map(|issued| issued.serial.clone()).collect();
        let identity = self.ca.certify_person(key, grant, now)?;
        let reason = RevocationReason::Superseded;
        let mut entries = vec![Entry::Issued(Issued::person(&identity, now))];
        entries.extend(replaced.iter().cloned().map(|serial| Entry::Revoked {
            at: now,
            serial,
            reason,
        }));
        self.register.enter(entries)?;
        Ok((identity, replaced))
    }

    fn list_replaced(
        &mut self,
        replaced: &[Serial],
        now: Timestamp,
    ) -> Result<Option<CrlMade>, OfficeFault> {
        if replaced.is_empty() { Ok(None) } else { self.make_crl(now).map(Some) }
    }

    fn find(&self, which: &Which, now: Timestamp) -> Result<Vec<Issued>, OfficeFault> {
        let found: Vec<Issued> = match which {
            Which::Name(name) => self.register.live_of(name, now).cloned().collect(),
            Which::Serial(serial) => {
                self.register.issued().filter(|issued| issued.serial == *serial).cloned().collect()
            }
        };
        for issued in &found {
            if let Standing::Revoked { at, .. } = self.register.standing(issued, now) {
                return Err(OfficeFault::AlreadyRevoked { at });
            }
        }
        if found.is_empty() { Err(OfficeFault::NotIssued) } else { Ok(found) }
    }
}
