//! Who is slow or holds places gets so much time and no more; the clock is the test's.

use std::net::{Ipv4Addr, SocketAddr};

use ed25519_dalek::SigningKey;
use gavel::clock::Clock;
use gavel::ledger::WitnessKey;
use gavel::limits::WITNESS_CONNECTIONS_MAX;
use gavel::witness::{Logs, Server, StateFolder, Witness};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A witness in this process.
struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    end: JoinHandle<()>,
    _temp: tempfile::TempDir,
}

impl Running {
    async fn start() -> Self {
        let temp = tempfile::tempdir().expect("a folder");
        let key = WitnessKey::new("w", SigningKey::from_bytes(&[9; 32])).expect("a key");
        let folder = temp.path().join("state");
        StateFolder::create(&folder, key.public()).expect("makes");
        let logs = Logs::read(b"", key.public()).expect("a list");
        let witness = Witness::open(key, logs, &folder).expect("opens");
        let listen = (Ipv4Addr::LOCALHOST, 0).into();
        let server = Server::bind(listen, witness, Clock::start()).await.expect("listens");
        let address = server.address();
        let (stop, stopped) = oneshot::channel();
        let run = async move {
            let stopped = async { drop(stopped.await) };
            server.run(stopped).await.expect("runs");
        };
        Self { address, stop, end: tokio::spawn(run), _temp: temp }
    }

    async fn send(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.expect("connects");
        stream.write_all(bytes).await.expect("sends");
        stream
    }

    async fn stop(self) {
        self.stop.send(()).expect("runs still");
        self.end.await.expect("ends");
    }
}

/// All that comes until the other side closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    // A reset is an end too.
    let _ = stream.read_to_string(&mut text).await;
    text
}

#[tokio::test(start_paused = true)]
async fn half_a_head_and_half_a_body_are_not_waited_for_for_ever() {
    let running = Running::start().await;
    let mut silent = running.send(b"").await;
    let mut head = running.send(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-").await;
    let whole = b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 9\r\n\r\nold 0";
    let mut body = running.send(whole).await;
    assert!(rest(&mut body).await.starts_with("HTTP/1.1 408"));
    assert_eq!(rest(&mut silent).await, "");
    let said = rest(&mut head).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_is_given_up_when_nothing_more_comes() {
    let running = Running::start().await;
    let mut kept = running.send(b"GET / HTTP/1.1\r\nHost: w\r\n\r\n").await;
    let text = rest(&mut kept).await;
    assert!(text.starts_with("HTTP/1.1 404"), "{text}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_place_waits_until_a_silent_one_is_dropped() {
    let running = Running::start().await;
    let mut silent = Vec::new();
    for _ in 0..WITNESS_CONNECTIONS_MAX {
        silent.push(running.send(b"").await);
    }
    let request = b"GET / HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n";
    let mut late = running.send(request).await;
    assert!(rest(&mut late).await.starts_with("HTTP/1.1 404"));
    assert_eq!(rest(&mut silent[0]).await, "", "the first has been given up");
    running.stop().await;
}
