//! Who speaks: certificates, keys, revocation and the TLS configurations.
//!
//! A house has one CA. It certifies a server, people and the sealing key of
//! each sale (DESIGN 2, LEDGER 3). Identity is the one URI in a certificate's
//! subject alternative names, `gavel://<house>/<role>/<name>`; the common name
//! only repeats it for other programs and is never read.
//!
//! [`verify_person`], [`verify_server`] and [`verify_sealer`] judge a
//! certificate at a time that is given to them, so that the auditor can ask
//! about an entry's time as the handshake asks about now. Nothing here reads a
//! clock, opens a socket, prints, or knows a rule of the auction. Files are
//! touched in [`keys`] only.

mod anchor;
mod ca;
mod credential;
mod fault;
mod holder;
mod identity;
mod office;
mod pem;
mod pending;
mod people;
mod prepare;
mod register;
mod request;
mod revocation;
mod serving;
mod show;
mod signing;
mod tls;
mod verify;

pub mod keys;

pub use anchor::Anchor;
pub use ca::{CRL_LIFETIME, Ca, CaFault, Grant, KeyMaker, PERSON_LIFETIME_MAX};
pub use credential::{Address, AddressError, Credential, CredentialFault};
pub use fault::CertificateFault;
pub use holder::{Accepted, HolderFault, Requested, accept, request};
pub use identity::{
    Fingerprint, FingerprintError, Identity, Sealer, Serial, SerialError, ServerIdentity,
};
pub use office::{
    BatchFault, Batched, Certified, CrlMade, Enlisted, HouseFolder, NewKey, Office, OfficeFault,
    RenewFault, Renewal, Renewed, Replace, Revoked, ServerRenewed, Which,
};
pub use people::{BadRow, Column, Judged, Kept, PeopleList, Row, RowFault, Wish};
pub use prepare::{Made, Preparation, Prepared, Thing, prepare};
pub use register::{Holder, Issued, Register, RegisterFault, Standing};
pub use request::{RequestFault, make_request, read_request};
pub use revocation::{Crl, CrlEntry, CrlFault, CrlUpdate, RevocationReason, Revocations};
pub use serving::{
    Particulars, SealingCredential, SealingKeyState, ServeFault, ServeFolder, Serving,
};
pub use show::{Bearer, ShowFault, Shown, ShownCertificate, show};
pub use signing::{P256Key, P256Secret, SigningFault, verify_p256};
pub use tls::{
    ALPN_GAVEL_1, ServerKey, TlsFault, client_config, fault_of, fault_of_io, server_config,
    web_client_config,
};
pub use verify::{ed25519_key_in, verify_person, verify_sealer, verify_sealer_ever, verify_server};

#[cfg(test)]
mod tests;
