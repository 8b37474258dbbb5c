//! The listener: counts, handshakes, logs, and hands on whoever is known.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use rustix::net::sockopt::set_tcp_user_timeout;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::admission::{Admission, Admitted, Handshaking};
use super::premises::{Phase, Premises};
use super::session::{self, Ending, Speech};
use crate::auction::name::Name;
use crate::limits::{
    ACCEPT_PAUSE, BACKLOG_MAX, CONNECTIONS_MAX, HANDSHAKE_STAGGER, HANDSHAKE_TIMEOUT,
    SEND_BUFFER_BYTES, UNACKNOWLEDGED_TIMEOUT,
};
use crate::pki::{ALPN_GAVEL_1, CertificateFault, Identity, fault_of_io, verify_person};
use crate::time::Span;

/// Takes the address. Accepted sockets inherit the bounded send buffer: without
/// it the system would hold megabytes for each reader that does not read.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG_MAX)
}

/// Takes connections until the server stops, then waits for the sessions to part.
pub(super) async fn open(listener: TcpListener, acceptor: TlsAcceptor, premises: Arc<Premises>) {
    let admission = Arc::new(Admission::within(descriptors()));
    if admission.connections_max() < CONNECTIONS_MAX {
        let connections = admission.connections_max();
        tracing::warn!(connections, "the system allows this process few files (ulimit -n)");
    }
    let stopping = stopping(&premises);
    tokio::pin!(stopping);
    let mut sessions = JoinSet::new();
    let mut turn: u64 = 0;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let (acceptor, premises) = (acceptor.clone(), Arc::clone(&premises));
                    match admission.begin(peer.ip()) {
                        Ok(place) => {
                            turn += 1;
                            let entrance = Entrance { acceptor, place, patience: patience(turn) };
                            sessions.spawn(receive(stream, peer, entrance, premises));
                        }
                        Err(crowded) => tracing::warn!(%peer, "refused: {crowded}"),
                    }
                    // However many come at once, those who are in have their turns between.
                    tokio::task::yield_now().await;
                }
                Err(error) => {
                    // Out of descriptors, or a peer that has gone: neither is helped by haste.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE.into()).await;
                }
            },
            Some(_) = sessions.join_next(), if !sessions.is_empty() => {}
            () = &mut stopping => break,
        }
    }
    drop(listener);
    while sessions.join_next().await.is_some() {}
}

/// What a connection needs to get in.
struct Entrance {
    acceptor: TlsAcceptor,
    place: Handshaking,
    /// How long its handshake may take.
    patience: Span,
}

/// How long the handshake may take whose turn it is: a little less for one than for another.
const fn patience(turn: u64) -> Span {
    Span::from_ms(HANDSHAKE_TIMEOUT.ms() - turn % HANDSHAKE_STAGGER.ms())
}

/// How many files and sockets the process may have open, once it has asked for all it can get.
fn descriptors() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    let most = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if setrlimit(Resource::Nofile, most).is_ok() {
        limit = most;
    }
    // Without a limit there is nothing to count.
    limit.current.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX))
}

async fn stopping(premises: &Premises) {
    let mut phase = premises.phase.subscribe();
    let _ = phase.wait_for(|phase| *phase != Phase::Running).await;
}

/// Serves a connection from its handshake to its end. Each part has a box of its own, so that
/// a connection that waits for years holds nothing of the handshake's.
async fn receive(stream: TcpStream, peer: SocketAddr, entrance: Entrance, premises: Arc<Premises>) {
    let entering = Box::pin(enter(stream, peer, entrance, premises));
    let Some((session, name, admitted)) = entering.await else { return };
    let ending = session.await;
    tracing::info!(%peer, %name, "disconnected: {ending}");
    drop(admitted);
}

type Serving = Pin<Box<dyn Future<Output = Ending> + Send>>;

/// The handshake, and who it is; what is left to do is the session.
async fn enter(
    stream: TcpStream,
    peer: SocketAddr,
    Entrance { acceptor, place, patience }: Entrance,
    premises: Arc<Premises>,
) -> Option<(Serving, Name, Admitted)> {
    // Answers are small and wanted at once.
    let _ = stream.set_nodelay(true);
    // A peer that is gone without a word is told something every few seconds, and found out.
    let unacknowledged_ms = u32::try_from(UNACKNOWLEDGED_TIMEOUT.ms()).unwrap_or(u32::MAX);
    let _ = set_tcp_user_timeout(&stream, unacknowledged_ms);
    let handshake = tokio::select! {
        handshake = timeout(patience.into(), acceptor.accept(stream)) => handshake,
        () = stopping(&premises) => return None,
    };
    let stream = shaken(handshake, peer)?;
    let (identity, admitted) = admit(&stream, peer, &premises, place)?;
    let speech = match stream.get_ref().1.alpn_protocol() {
        Some(protocol) if protocol == ALPN_GAVEL_1 => Speech::Gavel,
        _ => Speech::Text,
    };
    log_arrival(&stream, peer, &identity, speech);
    let name = identity.name.clone();
    let session = session::serve(stream, premises, Arc::new(identity), speech);
    Some((Box::pin(session), name, admitted))
}

type Shaken = Result<io::Result<TlsStream<TcpStream>>, tokio::time::error::Elapsed>;

/// The stream, or a line in the log that says why there is none.
fn shaken(handshake: Shaken, peer: SocketAddr) -> Option<TlsStream<TcpStream>> {
    match handshake {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            match fault_of_io(&error) {
                Some(fault) => refused(peer, &fault),
                None => tracing::warn!(%peer, reason = %"handshake", "refused: {}", plain(&error)),
            }
            None
        }
        Err(_) => {
            tracing::warn!(%peer, reason = %"timeout", "refused: the handshake took too long");
            None
        }
    }
}

/// Who it is, by our own rules once more, and within the name's limit.
fn admit(
    stream: &TlsStream<TcpStream>,
    peer: SocketAddr,
    premises: &Premises,
    place: Handshaking,
) -> Option<(Identity, Admitted)> {
    let chain: Vec<Vec<u8>> = stream
        .get_ref()
        .1
        .peer_certificates()
        .unwrap_or_default()
        .iter()
        .map(|der| der.to_vec())
        .collect();
    let now = premises.clock.now();
    let identity = verify_person(&chain, &premises.anchor, &premises.about.house, now)
        .map_err(|fault| refused(peer, &fault))
        .ok()?;
    if premises.revocations.is_revoked(&identity.serial) {
        refused(peer, &CertificateFault::Revoked);
        return None;
    }
    match place.admit(&identity.name) {
        Ok(admitted) => Some((identity, admitted)),
        Err(crowded) => {
            tracing::warn!(%peer, name = %identity.name, "refused: {crowded}");
            None
        }
    }
}

fn refused(peer: SocketAddr, fault: &CertificateFault) {
    tracing::warn!(%peer, reason = %fault.kind(), "refused: {fault}");
}

fn log_arrival(
    stream: &TlsStream<TcpStream>,
    peer: SocketAddr,
    identity: &Identity,
    speech: Speech,
) {
    let connection = stream.get_ref().1;
    let version = connection.protocol_version().and_then(|version| version.as_str());
    let suite = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
    tracing::info!(
        %peer,
        name = %identity.name,
        role = %identity.role,
        tls = %version.unwrap_or("unknown"),
        cipher = %suite.unwrap_or("unknown"),
        speech = %match speech {
            Speech::Gavel => "gavel/1",
            Speech::Text => "text",
        },
        "connected"
    );
}

/// An error's text without anything that a terminal would obey.
fn plain(error: &io::Error) -> String {
    error.to_string().chars().filter(|c| crate::auction::name::is_showable(*c)).collect()
}
