//! The door: HTTP/1.1, as logs and monitors speak it (tlog-witness, "HTTP Interface").
//!
//! | request | answer |
//! |---|---|
//! | `POST /add-checkpoint` | as `judge.rs` decides |
//! | `GET /<SHA-256 of the origin, hex>/checkpoint` | the newest cosigned checkpoint, or 404 |
//!
//! Everything else is 404, or 405 with the method that is meant. `sign-subtree` is not there: it is
//! optional, and its cosignatures need ML-DSA-44. Everybody may ask; what everybody may hold of the
//! witness's time, memory and places is bounded. TLS is a reverse proxy's affair: what goes to and
//! fro is public and signed.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::net::sockopt::set_tcp_user_timeout;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::recorder::{Reply, Shown, Witness};
use crate::clock::Clock;
use crate::ledger::Hash;
use crate::ledger::witnessing::{ADD_CHECKPOINT_PATH, AddCheckpoint, Answer, SIZE_MEDIA_TYPE};
use crate::limits::{
    ACCEPT_PAUSE, WITNESS_BODY_TIMEOUT, WITNESS_BUFFER_BYTES_MAX, WITNESS_CONNECTION_SPAN_MAX,
    WITNESS_CONNECTIONS_MAX, WITNESS_HEAD_TIMEOUT, WITNESS_HEADERS_MAX, WITNESS_REQUEST_BYTES_MAX,
    WITNESS_STOP_TIMEOUT, WITNESS_WRITE_TIMEOUT,
};
use crate::pki::keys::KeyFault;

const PLAIN: &str = "text/plain; charset=utf-8";

/// Why a witness cannot run, or had to stop. The operator's affair.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerFailure {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The state could not be brought to the disk.
    #[error("the state could not be written")]
    State(#[source] KeyFault),
    /// Threads cannot be had from the system.
    #[error("the system refuses a thread")]
    System(#[source] io::Error),
    /// The recorder's thread is gone: a bug, and nothing more may be answered.
    #[error("the recorder broke down")]
    RecorderGone,
}

/// A request that waits for the recorder, and where its answer goes.
type Waiting = (AddCheckpoint, oneshot::Sender<Reply>);

/// A witness that listens and has not been started yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    witness: Witness,
    clock: Clock,
}

impl Server {
    /// Takes the address; port 0 takes any free one.
    pub async fn bind(
        listen: SocketAddr,
        witness: Witness,
        clock: Clock,
    ) -> Result<Self, ServerFailure> {
        let failed = |source| ServerFailure::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, witness, clock })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cosigns until `stop` is done, and answers what it has taken by then.
    ///
    /// # Errors
    /// If the state cannot be brought to the disk, after which nothing more was answered.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), ServerFailure> {
        let (sender, waiting) = mpsc::channel(WITNESS_CONNECTIONS_MAX);
        let desk = Arc::new(Desk { shown: self.witness.shown(), sender });
        let mut recorder = start_recorder(self.witness, self.clock, waiting)?;
        let stopping = watch::Sender::new(false);
        let mut door = tokio::spawn(take_connections(self.listener, desk, stopping.subscribe()));
        tokio::select! {
            () = stop => {}
            end = &mut recorder => return end_of(end),
        }
        stopping.send_replace(true);
        if timeout(WITNESS_STOP_TIMEOUT.into(), &mut door).await.is_err() {
            door.abort();
            let _ = door.await;
        }
        // Nobody can hand in anything more, so the recorder ends with what it has.
        end_of(recorder.await)
    }
}

type RecorderEnd = Result<Result<(), KeyFault>, oneshot::error::RecvError>;

fn end_of(end: RecorderEnd) -> Result<(), ServerFailure> {
    end.map_err(|_| ServerFailure::RecorderGone)?.map_err(ServerFailure::State)
}

/// Gives the recorder its thread.
fn start_recorder(
    witness: Witness,
    clock: Clock,
    waiting: mpsc::Receiver<Waiting>,
) -> Result<oneshot::Receiver<Result<(), KeyFault>>, ServerFailure> {
    let (done, end) = oneshot::channel();
    let run = move || drop(done.send(record(witness, clock, waiting)));
    std::thread::Builder::new()
        .name("recorder".into())
        .spawn(run)
        .map_err(ServerFailure::System)?;
    Ok(end)
}

/// Takes whatever waits, and answers it after one write. After an error nobody is answered.
fn record(
    mut witness: Witness,
    clock: Clock,
    mut waiting: mpsc::Receiver<Waiting>,
) -> Result<(), KeyFault> {
    let mut gathered = Vec::new();
    while waiting.blocking_recv_many(&mut gathered, WITNESS_CONNECTIONS_MAX) > 0 {
        let (requests, answers): (Vec<_>, Vec<_>) = gathered.drain(..).unzip();
        // The wall clock: a cosignature's time is for others. The judge sees if it was set back.
        let (next, replies) = witness.answer(clock.wall(), &requests)?;
        witness = next;
        for (answer, reply) in answers.into_iter().zip(replies) {
            // Who has gone does not want to know.
            let _ = answer.send(reply);
        }
    }
    Ok(())
}

/// Takes connections until the witness stops, then waits for the answers that are owed.
async fn take_connections(
    listener: TcpListener,
    desk: Arc<Desk>,
    mut stopping: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(WITNESS_CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    let stop = stopping.clone();
    loop {
        let next = async {
            // Who finds no place waits before the door.
            let place = Arc::clone(&places).acquire_owned().await.expect("never closed");
            (listener.accept().await, place)
        };
        tokio::select! {
            (accepted, place) = next => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(attend(stream, Arc::clone(&desk), stop.clone(), place));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE.into()).await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            () = stopped(&mut stopping) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stops| *stops).await;
}

/// Serves one connection, for a bounded time.
async fn attend(
    stream: TcpStream,
    desk: Arc<Desk>,
    mut stopping: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
) {
    // Answers are small and wanted at once. Who does not take them is cut by the system.
    let _ = stream.set_nodelay(true);
    let untaken_ms = u32::try_from(WITNESS_WRITE_TIMEOUT.ms()).unwrap_or(u32::MAX);
    let _ = set_tcp_user_timeout(&stream, untaken_ms);
    let service = service_fn(move |request| {
        let desk = Arc::clone(&desk);
        async move { desk.answer(request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(std::time::Duration::from(WITNESS_HEAD_TIMEOUT))
        .max_headers(WITNESS_HEADERS_MAX)
        .max_buf_size(WITNESS_BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        // However it ends, it is the peer's affair.
        _ = connection.as_mut() => return,
        () = stopped(&mut stopping) => {}
        () = sleep(WITNESS_CONNECTION_SPAN_MAX.into()) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(WITNESS_STOP_TIMEOUT.into(), connection).await;
}

/// Nothing may be answered: the recorder has gone. hyper closes the connection.
#[derive(Debug)]
struct Unanswered;

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the witness has stopped")
    }
}

impl std::error::Error for Unanswered {}

type Answered = Response<Full<Bytes>>;

/// Where requests are read and handed on.
struct Desk {
    shown: Shown,
    sender: mpsc::Sender<Waiting>,
}

impl Desk {
    async fn answer(&self, request: Request<Incoming>) -> Result<Answered, Unanswered> {
        let path = request.uri().path();
        if path == ADD_CHECKPOINT_PATH {
            return match *request.method() {
                Method::POST => self.add(request.into_body()).await,
                _ => Ok(not_allowed("POST")),
            };
        }
        Ok(match (origin_in(path), request.method()) {
            (None, _) => plain(StatusCode::NOT_FOUND, "there is nothing here\n"),
            (Some(origin), &Method::GET) => self.show(origin),
            (Some(_), _) => not_allowed("GET"),
        })
    }

    /// tlog-witness, "Monitor Retrieval Mechanism".
    fn show(&self, origin: Hash) -> Answered {
        match self.shown.note(origin) {
            Some(note) => plain(StatusCode::OK, note.to_string()),
            None => plain(StatusCode::NOT_FOUND, "no checkpoint of that log is cosigned here\n"),
        }
    }

    /// tlog-witness, "add-checkpoint".
    async fn add(&self, body: Incoming) -> Result<Answered, Unanswered> {
        let body = Limited::new(body, WITNESS_REQUEST_BYTES_MAX).collect();
        let bytes = match timeout(WITNESS_BODY_TIMEOUT.into(), body).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                let message = format!("a request has {WITNESS_REQUEST_BYTES_MAX} bytes at most\n");
                return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, message));
            }
            Ok(Err(_)) => return Ok(plain(StatusCode::BAD_REQUEST, "the body does not end\n")),
            Err(_) => return Ok(plain(StatusCode::REQUEST_TIMEOUT, "the body took too long\n")),
        };
        let request = match AddCheckpoint::parse(&bytes) {
            Ok(request) => request,
            Err(error) => return Ok(plain(StatusCode::BAD_REQUEST, format!("{error}\n"))),
        };
        let (answer, reply) = oneshot::channel();
        self.sender.send((request, answer)).await.map_err(|_| Unanswered)?;
        Ok(match reply.await.map_err(|_| Unanswered)? {
            Reply::Answer(answer) => told(&answer),
            Reply::ClockBehind { by_s } => behind(by_s),
        })
    }
}

/// The log whose checkpoint a path asks for, by the hash of its origin.
fn origin_in(path: &str) -> Option<Hash> {
    let hex = path.strip_prefix('/')?.strip_suffix("/checkpoint")?;
    Hash::parse(hex).ok()
}

fn plain(status: StatusCode, body: impl Into<Bytes>) -> Answered {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PLAIN));
    response
}

fn not_allowed(method: &'static str) -> Answered {
    let mut response =
        plain(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is what is asked here with\n"));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(method));
    response
}

fn behind(by_s: u64) -> Answered {
    let message = format!("the witness's clock is {by_s} s behind its last cosignature\n");
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, message);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(by_s));
    response
}

/// An answer with its media type, and words for people where the protocol leaves the body open.
fn told(answer: &Answer) -> Answered {
    let status = StatusCode::from_u16(answer.status()).expect("the protocol's are statuses");
    let words = match answer {
        Answer::Cosigned(_) => return plain(status, answer.body()),
        Answer::OtherSize { .. } => {
            let mut response = plain(status, answer.body());
            let media_type = HeaderValue::from_static(SIZE_MEDIA_TYPE);
            response.headers_mut().insert(CONTENT_TYPE, media_type);
            return response;
        }
        Answer::Malformed => "the old size is above the checkpoint's, or its text is too long\n",
        Answer::NotSigned => "no key that is trusted for this log has signed\n",
        Answer::UnknownLog => "this log is not served here\n",
        Answer::Inconsistent => "the checkpoint is not shown to contain the last one cosigned\n",
    };
    plain(status, words)
}
