//! Whom client and server take, and what a client does when the server goes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gavel::client::{Caller, Following, Happened, Memory, Options, Session};
use gavel::clock::Clock;
use gavel::pki::{Address, CertificateFault, Credential, fault_of_io};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::version::TLS13;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::super::wire::{Alpn, Wire, honest};
use super::super::world::{Plan, World, soon};

/// Why an honest client of `credential` turns away from a server.
async fn turned_away(address: std::net::SocketAddr, credential: &Credential) -> CertificateFault {
    match Wire::connect(address, honest(credential, Alpn::Gavel)).await {
        Ok(_) => panic!("the client took a server that is not its house's"),
        Err(error) => fault_of_io(&error).unwrap_or_else(|| panic!("{error}")),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_15_the_client_checks_the_server_and_only_tls_1_3_is_spoken() {
    let (world, hall) = World::open_new(Plan::default()).await;
    let alice = world.person("alice");
    // A server of another CA that calls itself the same house.
    let (_other, other_hall) = World::open_new(Plan::default()).await;
    assert_eq!(turned_away(other_hall.address, &alice).await, CertificateFault::UntrustedCa);

    // A fellow bidder who plays the server with a certificate of the right CA.
    let mallory = world.person("mallory");
    let chain = vec![CertificateDer::from(mallory.identity.leaf().to_vec())];
    let key = PrivatePkcs8KeyDer::from(mallory.secret.pkcs8().to_vec()).into();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])
        .expect("TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a key");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let fake = listener.local_addr().expect("an address");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let play = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("accepts");
        let _ = acceptor.accept(stream).await;
    });
    assert_eq!(turned_away(fake, &alice).await, CertificateFault::OtherUsage);
    play.await.expect("no panic");

    // What our client offers: TLS 1.3 and nothing else.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let address = listener.local_addr().expect("an address");
    let eavesdrop = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("accepts");
        let mut head = [0; 5];
        stream.read_exact(&mut head).await.expect("a record");
        let mut hello = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
        stream.read_exact(&mut hello).await.expect("a ClientHello");
        hello
    });
    assert!(Wire::connect(address, honest(&alice, Alpn::Gavel)).await.is_err());
    let hello = eavesdrop.await.expect("no panic");
    // supported_versions (43), three bytes long, with one version in two bytes: 0x0304.
    let only_1_3 = [0x00, 0x2b, 0x00, 0x03, 0x02, 0x03, 0x04];
    assert!(hello.windows(only_1_3.len()).any(|bytes| bytes == only_1_3), "{hello:02x?}");

    // The server takes nothing older either: who_gets_in.rs has the 1.2 hello byte by byte.
    let mut socket = TcpStream::connect(hall.address).await.expect("connects");
    socket.write_all(b"LIST\n").await.expect("sends");
    let mut heard = Vec::new();
    let _ = soon("the end", socket.read_to_end(&mut heard)).await;
    assert!(!String::from_utf8_lossy(&heard).contains("Lot"), "nothing is said without TLS");
    hall.stop().await;
    other_hall.stop().await;
}

/// Nanoseconds that the calling thread has spent on a processor.
fn thread_cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    text.split(' ').next().and_then(|ns| ns.parse().ok()).expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_19_a_client_without_its_server_waits_and_does_not_spin() {
    let (world, hall) = World::open_new(Plan::default()).await;
    let alice = world.person("alice");
    let address = Address::parse(&hall.address.to_string()).expect("an address");
    let (connected, is_connected) = tokio::sync::oneshot::channel();
    // A thread that does nothing else, so that its processor time is the client's.
    let watch = std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(lose_the_server(alice, address, connected))
    });
    is_connected.await.expect("connects");
    hall.stop().await;
    let (busy, waits) = watch.join().expect("no panic");
    assert!(busy < Duration::from_millis(500), "{busy:?} of processor time in two seconds");
    assert!((1..=5).contains(&waits.len()), "it tries now and then: {waits:?}");
    assert!(waits.is_sorted(), "less and less often: {waits:?}");
}

/// Connects, and after the connection is lost watches two seconds of attempts to
/// get another: the processor time they took, and the waits between them.
async fn lose_the_server(
    alice: Credential,
    address: Address,
    connected: tokio::sync::oneshot::Sender<()>,
) -> (Duration, Vec<u64>) {
    let caller = Caller::new(alice, Clock::start()).expect("a key");
    let options = Options { following: Following::Onward, sale: None, reconnect: true };
    let mut session =
        Session::open(caller, address, Memory::Volatile, options).await.expect("connects");
    connected.send(()).expect("is waited for");
    let mut waits = Vec::new();
    while waits.is_empty() {
        if let Happened::Lost { wait, .. } = session.next().await.expect("it reconnects") {
            waits.push(wait.ms());
        }
    }
    let (begun, before) = (Instant::now(), thread_cpu_ns());
    while let Some(left) = Duration::from_secs(2).checked_sub(begun.elapsed()) {
        let next = tokio::time::timeout(left, session.next()).await;
        if let Ok(Ok(Happened::Lost { wait, .. })) = next {
            waits.push(wait.ms());
        }
    }
    (Duration::from_nanos(thread_cpu_ns() - before), waits)
}
