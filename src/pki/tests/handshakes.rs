//! Handshakes in memory: who gets in, what the client is told, what the log knows.

use std::sync::Arc;

use rcgen::ExtendedKeyUsagePurpose;
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls::{ClientConfig, ClientConnection, ConnectionCommon, ServerConnection};

use super::super::*;
use super::revoking::revoke;
use super::who_gets_in::wrong_chains;
use super::{TestHouse, house_name, now, other_ca_of_the_same_name, uri};
use crate::time::Timestamp;

#[derive(Debug)]
struct FixedTime(Timestamp);

impl TimeProvider for FixedTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_millis(self.0.unix_ms())))
    }
}

fn time() -> Arc<dyn TimeProvider> {
    Arc::new(FixedTime(now()))
}

struct Outcome {
    server: Result<(), rustls::Error>,
    client: Result<(), rustls::Error>,
    resumable: bool,
    alpn: Option<Vec<u8>>,
}

fn shake(house: &TestHouse, revocations: &Arc<Revocations>, client: ClientConfig) -> Outcome {
    let server = server_config(
        &house.server,
        house.ca.anchor().clone(),
        house_name(),
        Arc::clone(revocations),
        time(),
    );
    let mut server = ServerConnection::new(Arc::new(server.expect("configures"))).expect("begins");
    let name = ServerName::try_from("10.1.2.3").expect("an address");
    let mut client = ClientConnection::new(Arc::new(client), name).expect("begins");
    let (mut server_says, mut client_says) = (Ok(()), Ok(()));
    for _ in 0..8 {
        client_says = client_says.and(pass(&mut server, &mut client));
        server_says = server_says.and(pass(&mut client, &mut server));
    }
    Outcome {
        server: server_says,
        client: client_says,
        resumable: client.tls13_tickets_received() > 0,
        alpn: server.alpn_protocol().map(<[u8]>::to_vec),
    }
}

fn pass<A, B>(
    from: &mut ConnectionCommon<A>,
    to: &mut ConnectionCommon<B>,
) -> Result<(), rustls::Error> {
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes).expect("writes to memory");
    }
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        to.read_tls(&mut rest).expect("reads from memory");
        to.process_new_packets()?;
    }
    Ok(())
}

/// A client that shows `chain` with `key` and believes any server of alice's house.
fn client_showing(house: &TestHouse, chain: Vec<Vec<u8>>, key: &[u8]) -> ClientConfig {
    #[derive(Debug)]
    struct Shows(Option<Arc<rustls::sign::CertifiedKey>>);
    impl rustls::client::ResolvesClientCert for Shows {
        fn resolve(
            &self,
            _hints: &[&[u8]],
            _schemes: &[rustls::SignatureScheme],
        ) -> Option<Arc<rustls::sign::CertifiedKey>> {
            self.0.clone()
        }
        fn has_certs(&self) -> bool {
            self.0.is_some()
        }
    }
    let key = PrivatePkcs8KeyDer::from(key.to_vec()).into();
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).expect("a key");
    let chain: Vec<_> = chain.into_iter().map(Into::into).collect();
    let shown = (!chain.is_empty()).then(|| Arc::new(rustls::sign::CertifiedKey::new(chain, key)));
    let mut config = client_config(&house.alice, time()).expect("configures");
    config.client_auth_cert_resolver = Arc::new(Shows(shown));
    config
}

#[test]
fn the_right_people_shake_hands_without_a_way_to_resume() {
    let house = TestHouse::new();
    let revocations = Arc::new(Revocations::new(house.ca.anchor().clone()));
    let client = client_config(&house.alice, time()).expect("configures");
    let outcome = shake(&house, &revocations, client.clone());
    assert_eq!((outcome.server, outcome.client), (Ok(()), Ok(())));
    assert_eq!(outcome.alpn.as_deref(), Some(ALPN_GAVEL_1));
    assert!(!outcome.resumable);
    let mut textual = client.clone();
    textual.alpn_protocols.clear();
    let outcome = shake(&house, &revocations, textual);
    assert_eq!((outcome.server, outcome.alpn), (Ok(()), None));
    let mut other = client;
    other.alpn_protocols = vec![b"http/1.1".to_vec()];
    assert_eq!(
        shake(&house, &revocations, other).server,
        Err(rustls::Error::NoApplicationProtocol)
    );
}

#[test]
fn wrong_people_are_refused_in_the_handshake_and_the_log_knows_why() {
    let house = TestHouse::new();
    let revocations = Arc::new(Revocations::new(house.ca.anchor().clone()));
    let key = P256Secret::generate().expect("randomness");
    for (what, chain, kind) in wrong_chains(&house) {
        let client = client_showing(&house, chain, key.pkcs8());
        let error = shake(&house, &revocations, client).server.expect_err(what);
        let fault = fault_of(&error).unwrap_or_else(|| panic!("{what}: {error:?}"));
        assert_eq!(fault.kind(), kind, "{what}");
    }
}

#[test]
fn alerts_name_the_reason_to_the_client() {
    use rustls::AlertDescription::{
        CertificateExpired, CertificateRequired, CertificateRevoked, UnknownCA,
    };
    let house = TestHouse::new();
    let revocations = Arc::new(Revocations::new(house.ca.anchor().clone()));
    let key = P256Secret::generate().expect("randomness");
    for (what, chain, kind) in wrong_chains(&house) {
        let alert = match kind {
            "no-certificate" => CertificateRequired,
            "untrusted-ca" => UnknownCA,
            "expired" | "not-yet-valid" => CertificateExpired,
            _ => continue,
        };
        let outcome = shake(&house, &revocations, client_showing(&house, chain, key.pkcs8()));
        assert_eq!(outcome.client, Err(rustls::Error::AlertReceived(alert)), "{what}");
    }
    revoke(&house, &revocations, 1);
    let client = client_config(&house.alice, time()).expect("configures");
    let outcome = shake(&house, &revocations, client);
    assert_eq!(outcome.client, Err(rustls::Error::AlertReceived(CertificateRevoked)));
    assert_eq!(outcome.server.map_err(|e| fault_of(&e)), Err(Some(CertificateFault::Revoked)));
}

#[test]
fn a_stolen_certificate_without_its_key_is_worth_nothing() {
    let house = TestHouse::new();
    let revocations = Arc::new(Revocations::new(house.ca.anchor().clone()));
    let key = P256Secret::generate().expect("randomness");
    let chain = house.alice.identity.chain.clone();
    let outcome = shake(&house, &revocations, client_showing(&house, chain, key.pkcs8()));
    assert!(outcome.server.is_err());
}

#[test]
fn wrong_servers_are_refused_by_the_client() {
    let house = TestHouse::new();
    let key = P256Secret::generate().expect("randomness");
    let judge = |der: &[u8]| {
        verify_server(&[der.to_vec()], house.ca.anchor(), &house_name(), now())
            .map_err(|fault| fault.kind())
    };
    judge(house.server.certificate()).expect("takes");
    assert_eq!(judge(&house.alice.identity.chain[0]), Err("other-usage"));
    let server_like = |name: &'static str| {
        house.odd(move |p| {
            p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            p.subject_alt_names = vec![uri(name)];
        })
    };
    assert_eq!(judge(&server_like("gavel://other/server")), Err("other-house"));
    assert_eq!(judge(&server_like("gavel://estate/bidder/alice")), Err("other-usage"));
    let other = other_ca_of_the_same_name();
    let (der, _) = other.certify_server(&key.public_key(), &[], now()).expect("certifies");
    assert_eq!(judge(&der), Err("untrusted-ca"));
    let strange = TestHouse { server: ServerKey::new(der, key), ..TestHouse::new() };
    let revocations = Arc::new(Revocations::new(strange.ca.anchor().clone()));
    let client = client_config(&house.alice, time()).expect("configures");
    let error = shake(&strange, &revocations, client).client.expect_err("refuses");
    assert_eq!(fault_of(&error), Some(CertificateFault::UntrustedCa));
}

#[test]
fn the_server_speaks_tls_1_3_only_with_hybrid_keys_first() {
    let house = TestHouse::new();
    let revocations = Arc::new(Revocations::new(house.ca.anchor().clone()));
    let client = client_config(&house.alice, time()).expect("configures");
    let groups: Vec<_> = client.crypto_provider().kx_groups.iter().map(|g| g.name()).collect();
    assert_eq!(groups[0], rustls::NamedGroup::X25519MLKEM768);
    assert_eq!(TLS13.version, rustls::ProtocolVersion::TLSv1_3);
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    drop(shake(&house, &revocations, client));
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}
