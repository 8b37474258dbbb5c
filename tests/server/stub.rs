//! A witness for tests: as honest as can be, or odd in one of many ways. It keeps
//! the size and root of what it has cosigned, and nothing else.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ed25519_dalek::SigningKey;
use gavel::ledger::merkle::verify_consistency;
use gavel::ledger::witnessing::{AddCheckpoint, Answer};
use gavel::ledger::{Hash, SignedCheckpoint, WitnessKey};
use gavel::limits::WITNESS_ANSWER_BYTES_MAX;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// How a witness answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As the protocol has it.
    Honest,
    /// So, but late.
    Slow(Duration),
    /// It reads and says nothing.
    Hangs,
    /// It hangs up on everybody.
    HangsUp,
    /// It cosigns something else.
    SignsWrongly,
    /// It cosigns with another key.
    SignsAsAnother,
    /// It names another size each time.
    NamesSizes,
    /// It claims to have cosigned so many lines.
    IsAhead(u64),
    /// It says that the tree is another.
    IsInconsistent,
    /// It answers with a status and these bytes.
    Says(u16, Vec<u8>),
    /// It answers with bytes that are no HTTP.
    Raw(Vec<u8>),
}

impl Manner {
    /// More than anybody should read.
    pub(crate) fn endless() -> Self {
        Self::Says(200, vec![b'x'; WITNESS_ANSWER_BYTES_MAX + 1])
    }
}

/// What a witness remembers.
#[derive(Debug, Default)]
struct Memory {
    size: u64,
    root: Option<Hash>,
    /// What it shows to monitors.
    shown: Option<String>,
    /// The sizes that it was asked for, in order.
    asked: Vec<u64>,
}

#[derive(Debug)]
struct Inner {
    key: WitnessKey,
    manner: watch::Sender<Manner>,
    memory: Mutex<Memory>,
}

/// A witness that listens on loopback until it is dropped.
pub(crate) struct Stub {
    inner: Arc<Inner>,
    scheme: &'static str,
    address: std::net::SocketAddr,
    accept: JoinHandle<()>,
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

impl Stub {
    /// A witness `w<place>`.
    pub(crate) async fn new(place: u8, manner: Manner) -> Self {
        Self::listening(place, manner, None).await
    }

    /// The same behind TLS.
    pub(crate) async fn over_tls(place: u8, manner: Manner, tls: ServerConfig) -> Self {
        Self::listening(place, manner, Some(Arc::new(tls).into())).await
    }

    async fn listening(place: u8, manner: Manner, tls: Option<TlsAcceptor>) -> Self {
        let secret = SigningKey::from_bytes(&[place + 1; 32]);
        let key = WitnessKey::new(&format!("w{place}"), secret).expect("a name");
        let manner = watch::Sender::new(manner);
        let inner = Arc::new(Inner { key, manner, memory: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let address = listener.local_addr().expect("an address");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let all = Arc::clone(&inner);
        let accept = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (inner, tls) = (Arc::clone(&all), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => inner.serve(stream).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                inner.serve(stream).await;
                            }
                        }
                    }
                });
            }
        });
        Self { inner, scheme, address, accept }
    }

    /// How it is named on the command line.
    pub(crate) fn flag(&self) -> String {
        format!("{}://{}/at={}", self.scheme, self.address, self.inner.key.public().vkey())
    }

    pub(crate) fn key(&self) -> &WitnessKey {
        &self.inner.key
    }

    /// Makes it behave otherwise from here on.
    pub(crate) fn turn(&self, manner: Manner) {
        self.inner.manner.send_replace(manner);
    }

    /// What it shows to monitors from here on.
    pub(crate) fn show(&self, signed: &SignedCheckpoint) {
        self.inner.memory().shown = Some(signed.note().to_owned());
    }

    /// How many lines it has cosigned.
    pub(crate) fn size(&self) -> u64 {
        self.inner.memory().size
    }

    /// The sizes of the trees that it was asked to cosign.
    pub(crate) fn asked(&self) -> Vec<u64> {
        self.inner.memory().asked.clone()
    }
}

impl Inner {
    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().expect("whole")
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, mut stream: S) {
        let mut bytes = Vec::new();
        loop {
            let Some((line, body)) = request(&mut stream, &mut bytes).await else { return };
            let manner = self.manner.borrow().clone();
            let answer = match manner {
                Manner::HangsUp => return,
                Manner::Hangs => return self.hang().await,
                Manner::Raw(raw) => raw,
                _ if line.starts_with("GET ") => self.show(),
                _ => self.answer(manner, &body).await,
            };
            if stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    }

    /// Says nothing for as long as it is of that mind.
    async fn hang(&self) {
        let mut manner = self.manner.subscribe();
        let _ = manner.wait_for(|manner| *manner != Manner::Hangs).await;
    }

    fn show(&self) -> Vec<u8> {
        match &self.memory().shown {
            Some(note) => http(200, note.as_bytes()),
            None => http(404, b""),
        }
    }

    async fn answer(&self, manner: Manner, body: &[u8]) -> Vec<u8> {
        let request = AddCheckpoint::parse(body).expect("the house asks in good form");
        let checkpoint = request.checkpoint().clone();
        self.memory().asked.push(checkpoint.size);
        let answer = match manner {
            Manner::Slow(wait) => {
                tokio::time::sleep(wait).await;
                self.judge(&request)
            }
            Manner::SignsWrongly => Answer::Cosigned(vec![self.key.cosign("other\n", 1)]),
            Manner::SignsAsAnother => {
                let other = WitnessKey::new("other", SigningKey::from_bytes(&[99; 32]));
                let text = &request.note().text;
                Answer::Cosigned(vec![other.expect("a name").cosign(text, 1)])
            }
            Manner::NamesSizes => {
                Answer::OtherSize { known_size: (request.old_size() + 1) % (checkpoint.size + 1) }
            }
            Manner::IsAhead(known_size) => Answer::OtherSize { known_size },
            Manner::IsInconsistent => Answer::Inconsistent,
            Manner::Says(status, body) => return http(status, &body),
            _ => self.judge(&request),
        };
        http(answer.status(), answer.body().as_bytes())
    }

    /// What an honest witness does (tlog-witness, "add-checkpoint").
    fn judge(&self, request: &AddCheckpoint) -> Answer {
        let checkpoint = request.checkpoint();
        let mut memory = self.memory();
        if request.old_size() != memory.size {
            return Answer::OtherSize { known_size: memory.size };
        }
        if let Some(root) = memory.root {
            let (old, new) = (memory.size, checkpoint.size);
            let proof = request.proof();
            if verify_consistency(old, new, proof, root, checkpoint.root).is_err() {
                return Answer::Inconsistent;
            }
        }
        let line = self.key.cosign(&request.note().text, 1_790_000_000);
        memory.size = checkpoint.size;
        memory.root = Some(checkpoint.root);
        memory.shown = Some(format!("{}{line}\n", request.note()));
        Answer::Cosigned(vec![line])
    }
}

/// The first line and the body of the next request; none once the other side has left.
async fn request<S: AsyncRead + Unpin>(
    stream: &mut S,
    bytes: &mut Vec<u8>,
) -> Option<(String, Vec<u8>)> {
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).expect("text");
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length").then(|| value.parse().expect("digits"))
            });
            let whole = end + 4 + length.unwrap_or(0);
            if bytes.len() >= whole {
                let body = bytes[end + 4..whole].to_vec();
                bytes.drain(..whole);
                return Some((head.lines().next().unwrap_or_default().to_owned(), body));
            }
        }
        stream.read_buf(bytes).await.ok().filter(|count| *count > 0)?;
    }
}

fn http(status: u16, body: &[u8]) -> Vec<u8> {
    // A redirect leads to where nobody may follow it.
    let head = format!(
        "HTTP/1.1 {status} Whatever\r\nContent-Length: {}\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
