//! A throw-away house for a trial: real certificates, made in one go.

use std::path::{Path, PathBuf};

use crate::auction::name::{HouseName, Name, Role, SaleId};
use crate::ledger::{SealingKey, origin};
use crate::limits::CREDENTIAL_FILE_BYTES_MAX;
use crate::pki::keys::{self, KeyFault};
use crate::pki::{
    Address, Anchor, Ca, CaFault, CertificateFault, Credential, Fingerprint, Grant, HouseFolder,
    KeyMaker, OfficeFault, P256Secret, PERSON_LIFETIME_MAX, Preparation, ServeFault, SigningFault,
    prepare,
};
use crate::time::Timestamp;

/// Why the throw-away house cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrialFault {
    /// Preparing it fails.
    #[error(transparent)]
    Office(#[from] OfficeFault),
    /// Its files cannot be read back.
    #[error(transparent)]
    File(#[from] KeyFault),
    /// Its CA does not certify.
    #[error(transparent)]
    Ca(#[from] CaFault),
    /// Its CA cannot be read back.
    #[error(transparent)]
    Certificate(#[from] CertificateFault),
    /// What the server needs cannot be read back.
    #[error(transparent)]
    Serve(#[from] ServeFault),
    /// A key cannot be made.
    #[error(transparent)]
    Key(#[from] SigningFault),
}

/// A house with its CA open, prepared for one sale. Its certificates stand in no
/// register: nobody will revoke them.
#[derive(Debug)]
pub struct TrialHouse {
    folder: PathBuf,
    address: Address,
    sale: SaleId,
    ca: Ca,
}

impl TrialHouse {
    /// Prepares a house and a sale, both named `name`, in `folder`.
    pub fn make(
        folder: &Path,
        name: &str,
        address: Address,
        now: Timestamp,
    ) -> Result<Self, TrialFault> {
        let house = HouseName::parse(name).expect("a house's name");
        let sale = SaleId::parse(name).expect("a sale's id");
        let pki = folder.join("pki");
        let wanted = Preparation {
            house: Some(house.clone()),
            address: Some(address.clone()),
            sale: sale.clone(),
            auctioneer: Name::parse("auctioneer").expect("a name"),
        };
        let prepared = prepare(&HouseFolder::at(pki.clone()), &wanted, None, now)?;
        let pem = keys::read_public(&prepared.ca_path, CREDENTIAL_FILE_BYTES_MAX)?;
        let path = pki.join("ca").join("ca.key");
        let text = keys::read_secret(&path, CREDENTIAL_FILE_BYTES_MAX)?;
        let key = keys::open_key(&path, &text, None)?;
        let ca = Ca::open(house, Anchor::from_pem(&pem)?, &key)?;
        Ok(Self { folder: folder.to_owned(), address, sale, ca })
    }

    /// Makes a key and has it certified as its holder's own.
    pub fn credential(
        &self,
        name: Name,
        role: Role,
        now: Timestamp,
    ) -> Result<Credential, TrialFault> {
        let secret = P256Secret::generate()?;
        let grant = Grant { name, role, maker: KeyMaker::Holder, lifetime: PERSON_LIFETIME_MAX };
        let identity = self.ca.certify_person(&secret.public_key(), &grant, now)?;
        let (address, anchor) = (self.address.clone(), self.ca.anchor().clone());
        Ok(Credential { address, identity, anchor, secret })
    }

    /// Makes a credential and writes it as `NAME.pem` into the house's folder.
    pub fn credential_file(
        &self,
        name: Name,
        role: Role,
        now: Timestamp,
    ) -> Result<(Credential, PathBuf), TrialFault> {
        let path = self.folder.join(format!("{name}.pem"));
        let credential = self.credential(name, role, now)?;
        keys::create(&path, credential.to_pem().as_bytes())?;
        Ok((credential, path))
    }

    /// The folder of keys and certificates, as `gavel serve --pki` takes it.
    pub fn pki(&self) -> HouseFolder {
        HouseFolder::at(self.folder.join("pki"))
    }

    /// The folder of ledgers.
    pub fn ledgers(&self) -> PathBuf {
        self.folder.join("ledger")
    }

    /// The ledger of the sale.
    pub fn ledger(&self) -> PathBuf {
        self.ledgers().join(format!("{}.jsonl", self.sale))
    }

    /// The verifier key of the ledger, for witnesses; to be asked before the sale closes.
    pub fn log_vkey(&self, now: Timestamp) -> Result<String, TrialFault> {
        let folder = self.pki().serve();
        let sealing = folder.sealing_credential(&self.sale, self.anchor(), self.name(), now)?;
        let origin = origin(self.name().as_str(), self.sale.as_str());
        let key = SealingKey::new(origin, sealing.key).expect("house and sale make a key name");
        Ok(key.vkey())
    }

    /// Where the server is reached.
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// The sale.
    pub const fn sale(&self) -> &SaleId {
        &self.sale
    }

    /// The house's name.
    pub const fn name(&self) -> &HouseName {
        self.ca.house()
    }

    /// The CA's certificate.
    pub const fn anchor(&self) -> &Anchor {
        self.ca.anchor()
    }

    /// The CA's fingerprint, by which the result is judged.
    pub fn fingerprint(&self) -> Fingerprint {
        self.ca.anchor().fingerprint()
    }
}
