//! Each way not to get in has its own name.

use gavel::auction::name::HouseName;
use gavel::client::{ConnectError, Memory, Refusal, SessionError};
use gavel::pki::{Address, Ca, CertificateFault, RevocationReason};
use gavel::time::Timestamp;

use crate::house::{House, caller, now, open, within};

async fn refusal(house: &House, credential: gavel::pki::Credential, at: Address) -> ConnectError {
    let _ = house;
    match open(&caller(credential), at, Memory::Volatile).await {
        Err(SessionError::Connect(error)) => error,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("let in"),
    }
}

#[tokio::test]
async fn nobody_there() {
    let house = House::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("listens");
    let at = Address::parse(&listener.local_addr().expect("an address").to_string());
    drop(listener);
    let error = refusal(&house, house.credential("alice"), at.expect("an address")).await;
    assert!(matches!(error, ConnectError::Reach { .. }), "{error:?}");
}

#[tokio::test]
async fn no_such_host() {
    let house = House::new();
    let at = Address::parse("no-such-host.invalid:1").expect("an address");
    let error = refusal(&house, house.credential("alice"), at).await;
    assert!(matches!(error, ConnectError::Resolve { .. }), "{error:?}");
}

#[tokio::test]
async fn not_tls() {
    let house = House::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let at = Address::parse(&listener.local_addr().expect("an address").to_string());
    let answer = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.expect("somebody");
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    });
    let error = refusal(&house, house.credential("alice"), at.expect("an address")).await;
    assert!(matches!(error, ConnectError::NotTls { .. }), "{error:?}");
    within(answer).await.expect("no panic");
}

#[tokio::test]
async fn another_ca_of_the_same_name() {
    let (house, other) = (House::new(), House::new());
    let server = house.serve().await;
    let error = refusal(&other, other.credential("alice"), server.at()).await;
    let ConnectError::TheirCertificate { fault } = error else { panic!("{error:?}") };
    assert_eq!(fault, CertificateFault::UntrustedCa);
    server.stop().await;
}

#[tokio::test]
async fn another_house_is_another_ca() {
    let house = House::new();
    let other = Ca::create(HouseName::parse("other").expect("a name"), now()).expect("a CA");
    let other = House::of(other);
    let server = other.serve().await;
    let error = refusal(&house, house.credential("alice"), server.at()).await;
    assert!(matches!(error, ConnectError::TheirCertificate { .. }), "{error:?}");
    server.stop().await;
}

#[tokio::test]
async fn their_certificate_has_expired() {
    let days_91 = 91 * 24 * 3600 * 1000;
    let then = Timestamp::from_unix_ms(now().unix_ms() - days_91).expect("in range");
    let house = House::of(House::ca_made_at(then));
    let server = house.serve_certified_at(then).await;
    let error = refusal(&house, house.credential("alice"), server.at()).await;
    let said = error.to_string();
    let ConnectError::TheirCertificate { fault } = error else { panic!("{error:?}") };
    assert!(matches!(fault, CertificateFault::Expired { .. }), "{fault:?}");
    assert!(said.contains("server's certificate") && said.contains("expired"), "{said}");
    server.stop().await;
}

#[tokio::test]
async fn our_certificate_has_expired() {
    let week = 7 * 24 * 3600 * 1000;
    let then = Timestamp::from_unix_ms(now().unix_ms() - week).expect("in range");
    let house = House::of(House::ca_made_at(then));
    let server = house.serve().await;
    let error = refusal(&house, house.credential_from("alice", then), server.at()).await;
    assert!(matches!(error, ConnectError::OurCertificate { why: Refusal::Expired }), "{error:?}");
    server.stop().await;
}

#[tokio::test]
async fn our_certificate_is_revoked() {
    let house = House::new();
    let alice = house.credential("alice");
    let entries = [gavel::pki::CrlEntry {
        serial: alice.identity.serial.clone(),
        revoked_at: now(),
        reason: RevocationReason::KeyCompromise,
    }];
    let crl = house.ca.sign_crl(1, &entries, now()).expect("signs");
    std::fs::write(house.crl(), crl).expect("writes");
    let server = house.serve().await;
    let error = refusal(&house, alice, server.at()).await;
    assert!(matches!(error, ConnectError::OurCertificate { why: Refusal::Revoked }), "{error:?}");
    server.stop().await;
}
