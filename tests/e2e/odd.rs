//! Certificates that no office would issue, made with the house's real CA key or
//! with a stranger's, and clients that show them whatever the server asked for.

use std::fmt;
use std::sync::Arc;

use gavel::pki::Credential;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    SanType, SerialNumber, date_time_ymd,
};
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::{default_provider, sign::any_supported_type};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

/// Something that signs certificates in the name of the house's CA.
pub(crate) struct Forge {
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate chain, leaf first, and the key that goes with it.
pub(crate) struct Shown {
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) key: Vec<u8>,
}

impl Forge {
    /// Signs with `pkcs8`, under the name of the CA of `estate`.
    pub(crate) fn new(pkcs8: &[u8]) -> Self {
        let key = KeyPair::try_from(&PrivatePkcs8KeyDer::from(pkcs8)).expect("a key");
        Self { issuer: Issuer::new(ca_params(0), key) }
    }

    /// Another CA that has the same name.
    pub(crate) fn stranger() -> Self {
        Self { issuer: Issuer::new(ca_params(0), new_key()) }
    }

    /// Certifies a new key.
    pub(crate) fn certify(&self, params: &CertificateParams) -> Shown {
        let key = new_key();
        let leaf = params.signed_by(&key, &self.issuer).expect("signs").der().to_vec();
        Shown { chain: vec![leaf], key: key.serialize_der() }
    }

    /// Certifies a new key as a CA that then certifies the leaf.
    pub(crate) fn certify_below(&self, params: &CertificateParams) -> Shown {
        let key = new_key();
        let mut between = ca_params(0);
        between.distinguished_name.push(DnType::CommonName, "deputy CA");
        let above = between.signed_by(&key, &self.issuer).expect("signs").der().to_vec();
        let mut shown = Self { issuer: Issuer::new(between, key) }.certify(params);
        shown.chain.push(above);
        shown
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key")
}

fn ca_params(path_length: u8) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "estate");
    params.distinguished_name.push(DnType::CommonName, "gavel CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2090, 1, 1);
    params
}

/// What a good person's certificate says; a test spoils one thing of it.
pub(crate) fn person(uris: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "estate");
    params.distinguished_name.push(DnType::CommonName, "mallory");
    params.subject_alt_names =
        uris.iter().map(|uri| SanType::URI((*uri).try_into().expect("ASCII"))).collect();
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2090, 1, 1);
    params.serial_number = Some(SerialNumber::from(vec![0x13, 0x37]));
    params
}

/// Puts `text` into the subject as its common name.
pub(crate) fn call(params: &mut CertificateParams, text: &str) {
    params.distinguished_name.push(DnType::CommonName, DnValue::Utf8String(text.to_owned()));
}

/// Makes the certificate longer by so many bytes.
pub(crate) fn stuff(params: &mut CertificateParams, bytes: usize) {
    let filler = [vec![0x04, 0x83], length(bytes).to_vec(), vec![0x41; bytes]].concat();
    params.custom_extensions.push(CustomExtension::from_oid_content(&[2, 25, 1], filler));
}

/// A DER length in three bytes.
fn length(bytes: usize) -> [u8; 3] {
    let [.., a, b, c] = u32::try_from(bytes).expect("short enough").to_be_bytes();
    [a, b, c]
}

impl From<&Credential> for Shown {
    fn from(credential: &Credential) -> Self {
        Self { chain: credential.identity.chain.clone(), key: credential.secret.pkcs8().to_vec() }
    }
}

/// A client that shows `shown`, or nothing, and takes any server.
pub(crate) fn client(shown: Option<&Shown>) -> ClientConfig {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])
        .expect("TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(TakesAnyServer));
    match shown {
        None => config.with_no_client_auth(),
        Some(Shown { chain, key }) => {
            let chain = chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
            let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.clone()));
            let key = any_supported_type(&key).expect("a key");
            config
                .with_client_cert_resolver(Arc::new(Shows(Arc::new(CertifiedKey::new(chain, key)))))
        }
    }
}

#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesClientCert for Shows {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

struct TakesAnyServer;

impl fmt::Debug for TakesAnyServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TakesAnyServer")
    }
}

impl ServerCertVerifier for TakesAnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}
