//! The door: HTTP/1.1 on loopback, for browsers of this machine.
//!
//! `guard.rs` says who may come in; here that is asked before anything else, and what a connection
//! can hold of time, memory and places is bounded.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, SET_COOKIE, UPGRADE,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::desk::{Command, Desk};
use super::guard::{Guard, Passed, TurnedAway};
use super::{pages, socket};
use crate::client::{Session, SessionError};
use crate::limits::{
    ACCEPT_PAUSE, WEB_ASKED_WAITING_MAX, WEB_CONNECTIONS_MAX, WEB_HEAD_BYTES_MAX, WEB_HEAD_TIMEOUT,
    WEB_HEADERS_MAX,
};

const PLAIN: &str = "text/plain; charset=utf-8";

/// Why there is no bridge. The affair of whoever runs it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BridgeFailure {
    /// The port cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The operating system gives no randomness for the link.
    #[error("the operating system gives no randomness")]
    Randomness,
}

/// A bridge that listens on loopback, and has not been started yet.
pub struct Bridge {
    listener: TcpListener,
    guard: Guard,
}

impl Bridge {
    /// Takes a port of 127.0.0.1; port 0 takes any free one.
    pub async fn bind(port: u16) -> Result<Self, BridgeFailure> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let failed = |source| BridgeFailure::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let guard = Guard::of(port).map_err(|_| BridgeFailure::Randomness)?;
        Ok(Self { listener, guard })
    }

    /// The link that lets one browser in, once.
    pub fn link(&self) -> String {
        self.guard.link()
    }

    /// Serves pages of `session` until `stop` is done.
    ///
    /// # Errors
    /// If the session ended before, for a reason that no further connection mends. Pages showed
    /// it until `stop`.
    pub async fn run(
        self,
        session: Session,
        stop: impl Future<Output = ()>,
    ) -> Result<(), SessionError> {
        let (sender, commands) = mpsc::channel(WEB_ASKED_WAITING_MAX);
        let hall = Arc::new(Hall { guard: self.guard, desk: sender });
        tokio::select! {
            () = take_connections(self.listener, hall) => Ok(()),
            ended = Desk::new(session).run(commands, stop) => ended,
        }
    }
}

/// What every connection needs.
struct Hall {
    guard: Guard,
    desk: mpsc::Sender<Command>,
}

/// Takes connections for ever; they end with this.
async fn take_connections(listener: TcpListener, hall: Arc<Hall>) {
    let places = Arc::new(Semaphore::new(WEB_CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.expect("never closed");
            (listener.accept().await, place)
        };
        tokio::select! {
            (accepted, place) = next => match accepted {
                // The listener's address lets nobody else in; a route to it would.
                Ok((stream, peer)) if peer.ip().is_loopback() => {
                    connections.spawn(attend(stream, Arc::clone(&hall), place));
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE.into()).await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// Serves one connection, and the socket that it may become.
async fn attend(stream: TcpStream, hall: Arc<Hall>, _place: OwnedSemaphorePermit) {
    let _ = stream.set_nodelay(true);
    let (upgrades, mut upgraded) = mpsc::channel(1);
    let desk = hall.desk.clone();
    let service = service_fn(move |request| {
        let answer = answer(&hall, request, &upgrades);
        async move { Ok::<_, Infallible>(answer) }
    });
    // However it ends, it is the browser's affair.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(std::time::Duration::from(WEB_HEAD_TIMEOUT))
        .max_headers(WEB_HEADERS_MAX)
        .max_buf_size(WEB_HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Some(on_upgrade) = upgraded.recv().await
        && let Ok(upgraded) = on_upgrade.await
    {
        socket::attend(upgraded, desk).await;
    }
}

type Answered = Response<Full<Bytes>>;

fn answer(
    hall: &Hall,
    request: Request<Incoming>,
    upgrades: &mpsc::Sender<hyper::upgrade::OnUpgrade>,
) -> Answered {
    let mut response = match hall.guard.judge(&request) {
        Ok(Passed::Asset(asset)) => file(asset),
        Ok(Passed::Entry { cookie }) => {
            let mut response = file(&pages::DOCUMENT);
            let cookie = HeaderValue::try_from(cookie).expect("a name and hex digits");
            response.headers_mut().insert(SET_COOKIE, cookie);
            response
        }
        Ok(Passed::Socket) => match accept_key(request.headers()) {
            Some(key) if upgrades.try_send(hyper::upgrade::on(request)).is_ok() => switch(&key),
            Some(_) | None => plain(StatusCode::UPGRADE_REQUIRED, "A WebSocket is what is here.\n"),
        },
        Err(why) => turn_away(why),
    };
    pages::protect(response.headers_mut());
    response
}

fn file(asset: &'static pages::Asset) -> Answered {
    let mut response = Response::new(Full::new(Bytes::from_static(asset.text.as_bytes())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
    response
}

fn plain(status: StatusCode, words: &'static str) -> Answered {
    let mut response = Response::new(Full::new(Bytes::from_static(words.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PLAIN));
    response
}

fn turn_away(why: TurnedAway) -> Answered {
    if why == TurnedAway::UsedToken {
        tracing::warn!("the link was opened a second time, and refused");
    }
    let mut response = plain(why.status(), why.words());
    if why == TurnedAway::Method {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
    }
    response
}

/// What the handshake is answered with (RFC 6455, section 4.2).
fn accept_key(headers: &HeaderMap) -> Option<HeaderValue> {
    let has = |name, word: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.split(',').any(|one| one.trim().eq_ignore_ascii_case(word)))
    };
    let is_handshake =
        has(UPGRADE, "websocket") && has(CONNECTION, "upgrade") && has(SEC_WEBSOCKET_VERSION, "13");
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|_| is_handshake)?;
    HeaderValue::try_from(derive_accept_key(key.as_bytes())).ok()
}

fn switch(key: &HeaderValue) -> Answered {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, key.clone());
    response
}
