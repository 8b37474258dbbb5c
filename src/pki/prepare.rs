//! `gavel prepare`: makes whatever is missing for a sale, and nothing else.
//!
//! A CA, the server's credential, the sale's sealing credential, a revocation
//! list, an auctioneer. A second time it changes nothing, and needs neither the
//! CA's key nor its passphrase.

use std::fmt;
use std::path::PathBuf;

use ed25519_dalek::VerifyingKey;

use super::anchor::Anchor;
use super::ca::{Grant, KeyMaker, PERSON_LIFETIME_MAX};
use super::credential::Address;
use super::fault::CertificateFault;
use super::identity::Fingerprint;
use super::keys::{self, Passphrase};
use super::office::{HouseFolder, Office, OfficeFault, Replace};
use super::revocation::Crl;
use super::serving::{Particulars, SealingKeyState, ServeFault, ServeFolder, read_anchor};
use crate::auction::name::{HouseName, Name, Role, SaleId};
use crate::time::Timestamp;

/// What should be there after [`prepare`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preparation {
    /// The house's name; a new house needs it, and one that is there must have it.
    pub house: Option<HouseName>,
    /// Where the server is reached; a new house needs it.
    pub address: Option<Address>,
    /// The sale to be held.
    pub sale: SaleId,
    /// The auctioneer's name, if there is no auctioneer yet.
    pub auctioneer: Name,
}

/// Something that [`prepare`] made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// What.
    pub what: Thing,
    /// In which file.
    pub path: PathBuf,
}

/// What [`prepare`] makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// The auctioneer's credential.
    Auctioneer,
    /// The house's CA.
    Ca,
    /// The revocation list.
    Crl,
    /// The house's name and address for the server.
    Particulars,
    /// The sale's sealing credential.
    Sealer,
    /// The server's credential.
    Server,
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auctioneer => "the auctioneer's credential",
            Self::Ca => "the house's CA",
            Self::Crl => "the revocation list",
            Self::Particulars => "the house's name and address",
            Self::Sealer => "the sale's sealing credential",
            Self::Server => "the server's credential",
        })
    }
}

/// What is there after [`prepare`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The house's name and address.
    pub particulars: Particulars,
    /// The CA's fingerprint, to be published.
    pub ca: Fingerprint,
    /// The CA's certificate.
    pub ca_path: PathBuf,
    /// The public half of the sale's sealing key: whom witnesses and policies must know.
    pub sealing_key: VerifyingKey,
    /// What was made; nothing the second time.
    pub made: Vec<Made>,
    /// The address that stands in the credentials handed out so far, if it changed.
    pub moved_from: Option<Address>,
}

/// Makes what is missing for a sale.
///
/// A server's credential that has expired counts as missing. An address that
/// differs is taken over; it needs no new certificate.
pub fn prepare(
    folder: &HouseFolder,
    wanted: &Preparation,
    passphrase: Option<&Passphrase>,
    now: Timestamp,
) -> Result<Prepared, OfficeFault> {
    let mut work =
        Work { folder, serve: folder.serve(), passphrase, now, office: None, made: vec![] };
    let (anchor, mut particulars) = work.ca(wanted)?;
    if wanted.house.as_ref().is_some_and(|house| *house != particulars.house) {
        return Err(OfficeFault::OtherHouse { house: particulars.house });
    }
    if work.serve.sealing_key_state(&wanted.sale)? == SealingKeyState::Erased {
        return Err(OfficeFault::SaleClosed { sale: wanted.sale.clone() });
    }
    let moved_from = work.address(wanted, &mut particulars)?;
    work.serve_folder(&anchor, &particulars)?;
    work.server(&anchor, &particulars)?;
    let sealing_key = work.sealer(&anchor, &particulars, &wanted.sale)?;
    work.crl(&anchor)?;
    work.auctioneer(&wanted.auctioneer)?;
    let (ca, ca_path) = (anchor.fingerprint(), work.serve.ca_path());
    Ok(Prepared { particulars, ca, ca_path, sealing_key, made: work.made, moved_from })
}

struct Work<'a> {
    folder: &'a HouseFolder,
    serve: ServeFolder,
    passphrase: Option<&'a Passphrase>,
    now: Timestamp,
    /// Opened when something is to be made, not before.
    office: Option<Office>,
    made: Vec<Made>,
}

impl Work<'_> {
    fn office(&mut self) -> Result<&mut Office, OfficeFault> {
        let office = match self.office.take() {
            Some(office) => office,
            None => self.folder.open(self.passphrase)?,
        };
        Ok(self.office.insert(office))
    }

    fn note(&mut self, what: Thing, path: PathBuf) {
        self.made.push(Made { what, path });
    }

    /// The CA of the house: the one here, the one kept elsewhere, or a new one.
    fn ca(&mut self, wanted: &Preparation) -> Result<(Anchor, Particulars), OfficeFault> {
        if self.folder.has_ca()? {
            let particulars = Particulars::read(&self.folder.ca().join("house.json"))?;
            return Ok((self.folder.anchor()?, particulars));
        }
        if keys::is_there(&self.serve.ca_path())? {
            let particulars = Particulars::read(&self.serve.house_path())?;
            return Ok((self.serve.anchor()?, particulars));
        }
        let (Some(house), Some(address)) = (&wanted.house, &wanted.address) else {
            return Err(OfficeFault::NewHouse);
        };
        let particulars = Particulars { house: house.clone(), address: address.clone() };
        let office = self.folder.found(particulars.clone(), self.passphrase, self.now)?;
        let anchor = office.anchor().clone();
        self.office = Some(office);
        self.note(Thing::Ca, self.folder.ca_path());
        Ok((anchor, particulars))
    }

    /// Takes over a new address, in the CA's folder if that is here.
    fn address(
        &mut self,
        wanted: &Preparation,
        particulars: &mut Particulars,
    ) -> Result<Option<Address>, OfficeFault> {
        let Some(address) = wanted.address.clone().filter(|a| *a != particulars.address) else {
            return Ok(None);
        };
        let old = std::mem::replace(&mut particulars.address, address);
        if self.folder.has_ca()? {
            particulars.write(&self.folder.ca().join("house.json"))?;
        }
        Ok(Some(old))
    }

    fn serve_folder(
        &mut self,
        anchor: &Anchor,
        particulars: &Particulars,
    ) -> Result<(), OfficeFault> {
        keys::make_folder(self.serve.path())?;
        let path = self.serve.ca_path();
        if !keys::is_there(&path)? {
            keys::create(&path, anchor.to_pem().as_bytes())?;
        } else if read_anchor(&path)? != *anchor {
            return Err(OfficeFault::OtherCa { path });
        }
        let path = self.serve.house_path();
        if !keys::is_there(&path)? || Particulars::read(&path)? != *particulars {
            particulars.write(&path)?;
            self.note(Thing::Particulars, path);
        }
        Ok(())
    }

    fn server(&mut self, anchor: &Anchor, particulars: &Particulars) -> Result<(), OfficeFault> {
        let path = self.serve.server_path();
        if keys::is_there(&path)? {
            match self.serve.server(anchor, &particulars.house, self.now) {
                Err(ServeFault::Certificate {
                    source: CertificateFault::Expired { .. }, ..
                }) => {}
                other => return other.map(|_| ()).map_err(OfficeFault::from),
            }
        }
        let now = self.now;
        self.office()?.make_server(now)?;
        self.note(Thing::Server, path);
        Ok(())
    }

    fn sealer(
        &mut self,
        anchor: &Anchor,
        particulars: &Particulars,
        sale: &SaleId,
    ) -> Result<VerifyingKey, OfficeFault> {
        let path = self.serve.sealer_path(sale, "pem");
        let key = self.serve.sealing_key_state(sale)?;
        let now = self.now;
        if !keys::is_there(&path)? || key == SealingKeyState::Missing {
            self.office()?.make_sealer(sale, now)?;
            self.note(Thing::Sealer, path);
        }
        let sealing = self.serve.sealing_credential(sale, anchor, &particulars.house, now)?;
        Ok(sealing.key.verifying_key())
    }

    /// Makes a list if the server has none, or one older than the register's.
    fn crl(&mut self, anchor: &Anchor) -> Result<(), OfficeFault> {
        let here = match self.serve.crl()? {
            Some(bytes) => Some(Crl::read(&bytes, anchor)?),
            None => None,
        };
        let outdated = |number: u64| -> Result<bool, OfficeFault> {
            if !self.folder.has_ca()? {
                return Ok(false);
            }
            let register = self.folder.register()?;
            Ok(register.crl_is_due() || register.crl_number() > number)
        };
        if let Some(crl) = here
            && !outdated(crl.number)?
        {
            return Ok(());
        }
        let now = self.now;
        self.office()?.make_crl(now)?;
        self.note(Thing::Crl, self.serve.crl_path());
        Ok(())
    }

    /// Makes an auctioneer unless there is one. With the CA elsewhere, that is known only there.
    fn auctioneer(&mut self, name: &Name) -> Result<(), OfficeFault> {
        if !self.folder.has_ca()? || self.folder.register()?.has_live(Role::Auctioneer, self.now) {
            return Ok(());
        }
        let grant = Grant {
            name: name.clone(),
            role: Role::Auctioneer,
            maker: KeyMaker::House,
            lifetime: PERSON_LIFETIME_MAX,
        };
        let now = self.now;
        let certified = self.office()?.issue(grant, Replace::Refuse, now)?;
        self.note(Thing::Auctioneer, certified.path);
        Ok(())
    }
}
