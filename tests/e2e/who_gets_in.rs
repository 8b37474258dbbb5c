//! Who gets in: one row for each way to be refused, over real handshakes, each
//! with its reason in the log and nothing of the certificate raw in it.

use std::net::SocketAddr;

use gavel::pki::{P256Secret, ServerKey};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd};
use rustls::ClientConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::log;
use super::odd::{Forge, Shown, call, client, person, stuff};
use super::wire::Wire;
use super::world::{Hall, Plan, World, name, now, soon};

const MALLORY: &str = "gavel://estate/bidder/mallory";

/// A client that must be refused for `reason`: it hears not one byte of the sale.
async fn refused(hall: &Hall, row: &str, reason: &str, config: ClientConfig) {
    let mark = log::mark();
    let socket = TcpStream::connect(hall.address).await.expect("the port is open");
    let local = socket.local_addr().expect("an address");
    if let Ok(mut wire) = Wire::over(socket, config).await {
        // In TLS 1.3 the client is done before the server has judged it.
        let _ = wire.try_send(b"LIST\n").await;
        let heard = wire.line().await;
        assert_eq!(heard, None, "{row}: was let in");
    }
    let line = log::wait_for(mark, &[&format!("peer={local}"), "refused"]).await;
    assert!(line.contains(&format!("reason={reason}")), "{row}: {line}");
    assert_plain(row, mark, local);
}

fn assert_plain(row: &str, mark: log::Mark, local: SocketAddr) {
    for line in log::since(mark, &[&format!("peer={local}")]) {
        assert!(log::is_plain(&line), "{row}: the log holds raw characters: {line:?}");
        assert!(!line.contains("mallory"), "{row}: the log repeats a stranger's words: {line}");
    }
}

/// The person of [`MALLORY`], spoiled.
fn spoiled(spoil: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = person(&[MALLORY]);
    spoil(&mut params);
    params
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_odd_certificate_is_refused_for_what_is_odd_in_it() {
    let (world, hall) = World::open_new(Plan::default()).await;
    let forge = Forge::new(&world.ca_key());
    // The forge itself is sound: unspoiled, its certificate opens the door.
    let sound = client(Some(&forge.certify(&person(&[MALLORY]))));
    let mut wire = Wire::connect(hall.address, sound).await.expect("connects");
    assert!(wire.line().await.is_some_and(|line| line.starts_with("Welcome mallory!")));

    let rows: Vec<(&str, &str, CertificateParams)> = vec![
        ("expired", "expired", spoiled(|p| p.not_after = date_time_ymd(2021, 1, 1))),
        ("not yet valid", "not-yet-valid", spoiled(|p| p.not_before = date_time_ymd(2089, 1, 1))),
        ("no EKU", "no-usage", spoiled(|p| p.extended_key_usages.clear())),
        (
            "two EKUs",
            "several-usages",
            spoiled(|p| p.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth)),
        ),
        (
            "clientAuth twice",
            "several-usages",
            spoiled(|p| p.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth)),
        ),
        (
            "any usage",
            "other-usage",
            spoiled(|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any]),
        ),
        ("no SAN", "no-uri", person(&[])),
        ("two URI SANs", "several-uris", person(&[MALLORY, "gavel://estate/bidder/alice"])),
        ("the same URI twice", "several-uris", person(&[MALLORY, MALLORY])),
        ("another house", "other-house", person(&["gavel://castle/bidder/mallory"])),
        ("a person's usage, a server's URI", "other-usage", person(&["gavel://estate/server"])),
        (
            "CN with control characters",
            "unshowable",
            spoiled(|p| call(p, "mallory\x1b[2J\x07\r\nx")),
        ),
        ("CN that turns the text around", "unshowable", spoiled(|p| call(p, "mallory\u{202e}"))),
        (
            "a CA",
            "not-a-leaf",
            spoiled(|p| {
                p.is_ca = IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
            }),
        ),
        ("no word on being a CA", "not-a-leaf", spoiled(|p| p.is_ca = IsCa::NoCa)),
        ("20 KB", "too-large", spoiled(|p| stuff(p, 20_000))),
        ("64 KiB", "too-large", spoiled(|p| stuff(p, 64 * 1024))),
    ];
    for (row, reason, params) in rows {
        refused(&hall, row, reason, client(Some(&forge.certify(&params)))).await;
    }
    for uri in [
        "gavel://estate/bidder/Mallory",
        "gavel://estate/bidder/",
        "gavel://estate/bidder/mallory/x",
        "gavel://estate/bidder/mallory?x",
        "gavel://estate/bidder/mall ory",
        "gavel://estate/bidder/mallory\nalice",
        "gavel://estate/bidder/mallory\x1b]0;x\x07",
        "gavel://estate/bidder/mallory-mallory-mallory-mallory-ma",
        "gavel://estate/bidder/-mallory",
        "gavel://estate/bidder/%6dallory",
        "gavel://estate/king/mallory",
        "gavel://estate/mallory",
        "gavel://estate:12000/bidder/mallory",
        "gavel://mallory@estate/bidder/mallory",
        "GAVEL://estate/bidder/mallory",
        "https://estate/bidder/mallory",
        "mallory",
        "",
    ] {
        refused(&hall, uri, "bad-name", client(Some(&forge.certify(&person(&[uri]))))).await;
    }
    hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_that_is_not_the_houses_is_refused() {
    let (world, hall) = World::open_new(Plan::default()).await;
    let forge = Forge::new(&world.ca_key());
    let good = person(&[MALLORY]);
    refused(&hall, "no certificate", "no-certificate", client(None)).await;

    let stranger = Forge::stranger().certify(&good);
    refused(&hall, "another CA of the same name", "untrusted-ca", client(Some(&stranger))).await;
    let mut with_ca = Forge::stranger().certify(&good);
    with_ca.chain.push(world.anchor().der().to_vec());
    refused(&hall, "another CA, and ours in the chain", "untrusted-ca", client(Some(&with_ca)))
        .await;
    let key = KeyPair::generate().expect("a key");
    let own = good.self_signed(&key).expect("signs").der().to_vec();
    let own = Shown { chain: vec![own], key: key.serialize_der() };
    refused(&hall, "self-signed", "untrusted-ca", client(Some(&own))).await;

    let below = forge.certify_below(&good);
    refused(&hall, "a CA between", "chain-too-long", client(Some(&below))).await;
    let mut long = forge.certify(&good);
    long.chain.extend(vec![world.anchor().der().to_vec(); 3]);
    refused(&hall, "the CA three times", "chain-too-long", client(Some(&long))).await;
    let mut huge = forge.certify(&good);
    let filler = forge.certify(&spoiled_by_size(60_000)).chain.remove(0);
    huge.chain.extend([filler.clone(), filler]);
    refused(&hall, "a chain of 120 KB", "too-large", client(Some(&huge))).await;
    let ca = Shown { chain: vec![world.anchor().der().to_vec()], key: world.ca_key() };
    refused(&hall, "the CA itself", "not-a-leaf", client(Some(&ca))).await;
    hall.stop().await;
}

fn spoiled_by_size(bytes: usize) -> CertificateParams {
    spoiled(|params| stuff(params, bytes))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_certificate_of_the_wrong_kind_or_without_its_key_is_refused() {
    let (world, hall) = World::open_new(Plan::default()).await;
    let serve = world.folder.serve();
    let pem = gavel::pki::keys::read_secret(&world.server_path(), 100_000).expect("reads");
    let server = ServerKey::read(&pem).expect("a key");
    let key = private_key(&pem);
    let server = Shown { chain: vec![server.certificate().to_vec()], key };
    refused(&hall, "the server's certificate", "other-usage", client(Some(&server))).await;

    let sealing = serve
        .sealing_credential(&world.sale, &world.anchor(), &world.house, now())
        .expect("a sealing key");
    let p256 = P256Secret::generate().expect("a key").pkcs8().to_vec();
    let sealer = Shown { chain: vec![sealing.certificate], key: p256.clone() };
    refused(&hall, "the sealer's certificate", "other-usage", client(Some(&sealer))).await;

    let alice = world.person("alice");
    let stolen = Shown { chain: alice.identity.chain.clone(), key: p256 };
    refused(&hall, "alice's certificate without her key", "handshake", client(Some(&stolen))).await;

    let mut other = client(Some(&Shown::from(&alice)));
    other.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    refused(&hall, "another protocol", "handshake", other).await;
    assert_eq!(alice.identity.name, name("alice"));
    hall.stop().await;
}

/// The PKCS#8 in a PEM file.
fn private_key(pem: &[u8]) -> Vec<u8> {
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use rustls::pki_types::pem::PemObject;
    PrivatePkcs8KeyDer::from_pem_slice(pem).expect("a key").secret_pkcs8_der().to_vec()
}

/// A ClientHello that speaks TLS 1.2 and no newer: no supported_versions.
fn client_hello_1_2() -> Vec<u8> {
    let mut hello = vec![0x03, 0x03];
    hello.extend([0x42; 32]);
    hello.push(0);
    // ECDHE_ECDSA with AES_128_GCM, ECDHE_RSA with AES_128_GCM.
    hello.extend([0x00, 0x04, 0xc0, 0x2b, 0xc0, 0x2f, 0x01, 0x00]);
    let extensions: &[u8] = &[
        0x00, 0x0a, 0x00, 0x04, 0x00, 0x02, 0x00, 0x17, // supported_groups: secp256r1
        0x00, 0x0b, 0x00, 0x02, 0x01, 0x00, // ec_point_formats: uncompressed
        0x00, 0x0d, 0x00, 0x04, 0x00, 0x02, 0x04, 0x03, // signature_algorithms
        0x00, 0x17, 0x00, 0x00, // extended_master_secret
    ];
    hello.extend([0, u8::try_from(extensions.len()).expect("short")]);
    hello.extend(extensions);
    let length = u8::try_from(hello.len()).expect("short");
    let mut record = vec![0x16, 0x03, 0x01, 0, length + 4, 0x01, 0, 0, length];
    record.extend(hello);
    record
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_1_2_and_what_is_no_tls_are_refused() {
    let (_world, hall) = World::open_new(Plan::default()).await;
    let check = async |row: &str, said: &[u8], reason: &str| {
        let mark = log::mark();
        let mut socket = TcpStream::connect(hall.address).await.expect("the port is open");
        let local = socket.local_addr().expect("an address");
        socket.write_all(said).await.expect("sends");
        let mut heard = Vec::new();
        let _ = soon("the end", socket.read_to_end(&mut heard)).await;
        assert!(heard.is_empty() || heard[0] == 0x15, "{row}: more than an alert: {heard:?}");
        let line = log::wait_for(mark, &[&format!("peer={local}"), "refused", reason]).await;
        assert!(log::is_plain(&line), "{row}: {line:?}");
    };
    check("TLS 1.2", &client_hello_1_2(), "reason=handshake").await;
    check("plain text", b"LIST\nBID 1 100\n\x1b[2J\n", "reason=handshake").await;
    check("a browser without TLS", b"GET / HTTP/1.1\r\n\r\n", "reason=handshake").await;
    check("bytes", &[0xff; 64], "reason=handshake").await;
    hall.stop().await;
}
