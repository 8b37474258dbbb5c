//! Somebody in the middle whom both sides let in, because the test holds the keys of
//! both: reads every word of a client, and loses or refuses some.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use gavel::auction::refusal::Code;
use gavel::pki::{Credential, P256Secret, Revocations, ServerKey, client_config, server_config};
use gavel::wire::json::{Answer, Reply, Request, ServerMessage};
use rustls::pki_types::ServerName;
use rustls::time_provider::DefaultTimeProvider;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::house::{House, now};

/// What becomes of the next bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It passes.
    Passes,
    /// It passes; the connection is cut once its receipt is on the way back.
    LosesItsReceipt,
    /// It and those after it are answered `busy`, so many times.
    IsBusy(u32),
}

/// A tap on one client's line.
pub(crate) struct Tap {
    pub(crate) address: SocketAddr,
    inner: Arc<Inner>,
    accept: JoinHandle<()>,
}

struct Inner {
    acceptor: TlsAcceptor,
    connector: TlsConnector,
    server: Mutex<SocketAddr>,
    said: Mutex<Vec<String>>,
    fate: Mutex<Fate>,
}

impl Tap {
    /// A tap between the holder of that credential file and the server.
    pub(crate) async fn on(house: &House, credential: &Path, server: SocketAddr) -> Self {
        let bytes = std::fs::read(credential).expect("reads");
        let credential = Credential::read(&bytes, now()).expect("a credential");
        let secret = P256Secret::generate().expect("a key");
        let certified = house.ca.certify_server(&secret.public_key(), &[], now());
        let key = ServerKey::new(certified.expect("certifies").0, secret);
        let anchor = house.ca.anchor().clone();
        let revocations = Arc::new(Revocations::new(anchor.clone()));
        let time = Arc::new(DefaultTimeProvider);
        let name = house.ca.house().clone();
        let front = server_config(&key, anchor, name, revocations, time.clone());
        let back = client_config(&credential, time).expect("a configuration");
        let inner = Arc::new(Inner {
            acceptor: TlsAcceptor::from(Arc::new(front.expect("a configuration"))),
            connector: TlsConnector::from(Arc::new(back)),
            server: Mutex::new(server),
            said: Mutex::default(),
            fate: Mutex::new(Fate::Passes),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::clone(&inner);
        let accept = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let inner = Arc::clone(&shared);
                // A line that breaks is an end like any other.
                tokio::spawn(async move { inner.carry(client).await });
            }
        });
        Self { address, inner, accept }
    }

    /// From now on the server is there.
    pub(crate) fn redirect(&self, server: SocketAddr) {
        *self.inner.server.lock().expect("no panic") = server;
    }

    pub(crate) fn next_bid(&self, fate: Fate) {
        *self.inner.fate.lock().expect("no panic") = fate;
    }

    /// Every line that the client has sent.
    pub(crate) fn said(&self) -> Vec<String> {
        self.inner.said.lock().expect("no panic").clone()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

impl Inner {
    /// One connection, until either side ends it or its fate does.
    async fn carry(&self, client: TcpStream) -> Option<()> {
        let server = *self.server.lock().expect("no panic");
        let server = TcpStream::connect(server).await.ok()?;
        let name = ServerName::try_from("localhost").expect("a name");
        let server = self.connector.connect(name, server).await.ok()?;
        let client = self.acceptor.accept(client).await.ok()?;
        let (from_client, mut to_client) = tokio::io::split(client);
        let (mut from_server, mut to_server) = tokio::io::split(server);
        let mut lines = BufReader::new(from_client).lines();
        let (mut buffer, mut lost) = (vec![0; 64 * 1024], None::<String>);
        loop {
            tokio::select! {
                line = lines.next_line() => {
                    let line = line.ok()??;
                    self.said.lock().expect("no panic").push(line.clone());
                    let fate = if line.contains(r#""m":"bid""#) { self.take_fate() } else { Fate::Passes };
                    if let Fate::IsBusy(_) = fate {
                        to_client.write_all(&busy(&line)).await.ok()?;
                        to_client.flush().await.ok()?;
                        continue;
                    }
                    if fate == Fate::LosesItsReceipt {
                        lost = Some(String::new());
                    }
                    to_server.write_all(format!("{line}\n").as_bytes()).await.ok()?;
                    to_server.flush().await.ok()?;
                }
                count = from_server.read(&mut buffer) => {
                    let bytes = buffer.get(..count.ok().filter(|count| *count > 0)?)?;
                    match &mut lost {
                        Some(lost) => {
                            lost.push_str(&String::from_utf8_lossy(bytes));
                            if lost.contains(r#""receipt""#) {
                                return None;
                            }
                        }
                        None => {
                            to_client.write_all(bytes).await.ok()?;
                            to_client.flush().await.ok()?;
                        }
                    }
                }
            }
        }
    }

    fn take_fate(&self) -> Fate {
        let mut fate = self.fate.lock().expect("no panic");
        let rest = match *fate {
            Fate::IsBusy(times @ 2..) => Fate::IsBusy(times - 1),
            Fate::IsBusy(_) | Fate::LosesItsReceipt | Fate::Passes => Fate::Passes,
        };
        std::mem::replace(&mut *fate, rest)
    }
}

fn busy(line: &str) -> Vec<u8> {
    let id = Request::parse(line).expect("a request").id();
    let answer = Answer::Refused { code: Code::Busy, message: "busy".to_owned(), ask: None };
    ServerMessage::Reply(Reply { id: Some(id), answer }).to_line()
}
