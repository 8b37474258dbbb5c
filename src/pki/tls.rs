//! The TLS configurations of server and client.
//!
//! TLS 1.3 only, certificates on both sides, judged by our own rules. Nothing
//! is ever resumed: a resumed session would not show its certificate again and
//! so pass by a revocation. The provider is passed, never installed for the
//! process.

use std::io;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature};
use rustls::pki_types::pem::SectionKind;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error,
    InvalidMessage, OtherError, PeerIncompatible, RootCertStore, ServerConfig, SignatureScheme,
};
use zeroize::Zeroizing;

use super::anchor::Anchor;
use super::credential::{Credential, CredentialFault, key_of};
use super::fault::CertificateFault;
use super::pem;
use super::revocation::Revocations;
use super::signing::{P256Key, P256Secret, SigningFault};
use super::verify::{verify_person, verify_server};
use crate::auction::name::HouseName;
use crate::time::Timestamp;

/// The protocol of our own clients, in ALPN.
pub const ALPN_GAVEL_1: &[u8] = b"gavel/1";

/// A server's key and certificate, as they stand in `server.pem`.
#[derive(Debug)]
pub struct ServerKey {
    certificate: Vec<u8>,
    secret: P256Secret,
}

impl ServerKey {
    /// Takes a certificate's DER and its key.
    pub const fn new(certificate: Vec<u8>, secret: P256Secret) -> Self {
        Self { certificate, secret }
    }

    /// Reads a PEM file that holds a key and a certificate.
    pub fn read(bytes: &[u8]) -> Result<Self, CredentialFault> {
        let key = key_of(bytes)?.ok_or(CredentialFault::NoKey)?;
        let certificate =
            pem::one_or_der(bytes, SectionKind::Certificate).ok_or(CredentialFault::Malformed)?;
        Ok(Self { certificate, secret: P256Secret::from_pkcs8(&key)? })
    }

    /// Writes the file that [`ServerKey::read`] reads.
    pub(super) fn to_pem(&self) -> Zeroizing<String> {
        let mut text = pem::write("PRIVATE KEY", self.secret.pkcs8());
        text.push_str(&pem::write("CERTIFICATE", &self.certificate));
        text
    }

    /// The certificate's DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The public half of the key, which should be the certificate's.
    pub(super) const fn public_key(&self) -> P256Key {
        self.secret.public_key()
    }
}

/// Why a TLS configuration cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsFault {
    /// Key and certificate do not fit each other, or rustls refuses them.
    #[error("the key and the certificate cannot be used for TLS")]
    Key(#[source] Error),
    /// The key cannot be read.
    #[error(transparent)]
    Signing(#[from] SigningFault),
    /// The system names no CA that web servers could be judged by.
    #[error("the system has no CA certificates to judge web servers by")]
    NoWebCas,
}

/// The server's side: a certificate of `house` is asked of every client and
/// judged by [`verify_person`] and `revocations`.
///
/// A client without ALPN is let in, for text commands; one that offers only
/// other protocols is refused.
pub fn server_config(
    key: &ServerKey,
    anchor: Anchor,
    house: HouseName,
    revocations: Arc<Revocations>,
    time: Arc<dyn TimeProvider>,
) -> Result<ServerConfig, TlsFault> {
    let verifier = PersonVerifier { trust: Trust::new(anchor, house), revocations };
    let mut config = ServerConfig::builder_with_details(provider(), time)
        .with_protocol_versions(&[&TLS13])
        .map_err(TlsFault::Key)?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(vec![key.certificate.clone().into()], rustls_key(&key.secret))
        .map_err(TlsFault::Key)?;
    config.alpn_protocols = vec![ALPN_GAVEL_1.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config)
}

/// The client's side: a server is accepted by its house's CA and its URI,
/// whatever address it was reached under.
pub fn client_config(
    credential: &Credential,
    time: Arc<dyn TimeProvider>,
) -> Result<ClientConfig, TlsFault> {
    let trust = Trust::new(credential.anchor.clone(), credential.house().clone());
    let leaf = CertificateDer::from(credential.identity.leaf().to_vec());
    let mut config = ClientConfig::builder_with_details(provider(), time)
        .with_protocol_versions(&[&TLS13])
        .map_err(TlsFault::Key)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ServerVerifier { trust }))
        .with_client_auth_cert(vec![leaf], rustls_key(&credential.secret))
        .map_err(TlsFault::Key)?;
    config.alpn_protocols = vec![ALPN_GAVEL_1.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    Ok(config)
}

/// The side of a client of web servers: each is judged by its host name and by the CAs that the
/// system trusts, or by none where there are only addresses without TLS.
pub fn web_client_config(judges: bool) -> Result<ClientConfig, TlsFault> {
    let mut roots = RootCertStore::empty();
    if judges {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(TlsFault::NoWebCas);
        }
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(TlsFault::Key)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// Why a handshake failed, if it was for the peer's certificate.
///
/// rustls picks the alert by its own kinds of error, so a fault with a kind of
/// its own travels as that and is named again here; the others travel whole.
pub fn fault_of(error: &Error) -> Option<CertificateFault> {
    match error {
        Error::NoCertificatesPresented => Some(CertificateFault::NoCertificate),
        Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => {
            Some(CertificateFault::Expired { not_after: timestamp(*not_after) })
        }
        Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. }) => {
            Some(CertificateFault::NotYetValid { not_before: timestamp(*not_before) })
        }
        Error::InvalidCertificate(CertificateError::Revoked) => Some(CertificateFault::Revoked),
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            Some(CertificateFault::UntrustedCa)
        }
        Error::InvalidCertificate(CertificateError::BadEncoding) => {
            Some(CertificateFault::Malformed)
        }
        Error::InvalidCertificate(CertificateError::Other(OtherError(cause))) => {
            cause.downcast_ref().cloned()
        }
        Error::InvalidMessage(
            InvalidMessage::CertificatePayloadTooLarge | InvalidMessage::HandshakePayloadTooLarge,
        ) => Some(CertificateFault::TooLarge),
        _ => None,
    }
}

/// [`fault_of`] for the error that a TLS stream gives.
pub fn fault_of_io(error: &io::Error) -> Option<CertificateFault> {
    error.get_ref()?.downcast_ref().and_then(fault_of)
}

/// What both verifiers judge by.
#[derive(Debug)]
struct Trust {
    anchor: Anchor,
    house: HouseName,
    provider: Arc<CryptoProvider>,
}

impl Trust {
    fn new(anchor: Anchor, house: HouseName) -> Self {
        Self { anchor, house, provider: provider() }
    }

    fn verify_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }
}

#[derive(Debug)]
struct PersonVerifier {
    trust: Trust,
    revocations: Arc<Revocations>,
}

impl ClientCertVerifier for PersonVerifier {
    // No hints: with one, a client of another house would send nothing, and the log no reason.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let Trust { anchor, house, .. } = &self.trust;
        let chain = chain(end_entity, intermediates);
        let identity = verify_person(&chain, anchor, house, timestamp(now))
            .map_err(|fault| tls_error(fault, now))?;
        if self.revocations.is_revoked(&identity.serial) {
            return Err(tls_error(CertificateFault::Revoked, now));
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::Tls12NotOfferedOrEnabled.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.trust.verify_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

#[derive(Debug)]
struct ServerVerifier {
    trust: Trust,
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Trust { anchor, house, .. } = &self.trust;
        let chain = chain(end_entity, intermediates);
        verify_server(&chain, anchor, house, timestamp(now))
            .map(|_| ServerCertVerified::assertion())
            .map_err(|fault| tls_error(fault, now))
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::Tls12NotOfferedOrEnabled.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.trust.verify_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn rustls_key(secret: &P256Secret) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(secret.pkcs8().to_vec()).into()
}

fn chain(end_entity: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> Vec<Vec<u8>> {
    std::iter::once(end_entity).chain(intermediates).map(|der| der.to_vec()).collect()
}

/// Gives `fault` the kind for which rustls sends the right alert.
fn tls_error(fault: CertificateFault, time: UnixTime) -> Error {
    let kind = match fault {
        CertificateFault::Expired { not_after } => {
            CertificateError::ExpiredContext { time, not_after: unix_time(not_after) }
        }
        CertificateFault::NotYetValid { not_before } => {
            CertificateError::NotValidYetContext { time, not_before: unix_time(not_before) }
        }
        CertificateFault::Malformed => CertificateError::BadEncoding,
        CertificateFault::Revoked => CertificateError::Revoked,
        CertificateFault::UntrustedCa => CertificateError::UnknownIssuer,
        other => CertificateError::Other(OtherError(Arc::new(other))),
    };
    Error::InvalidCertificate(kind)
}

fn timestamp(time: UnixTime) -> Timestamp {
    Timestamp::from_unix_ms(time.as_secs().saturating_mul(1000)).unwrap_or(Timestamp::ZERO)
}

fn unix_time(time: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(time.unix_s()))
}
