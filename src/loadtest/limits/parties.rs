//! A server's and a client's TLS configuration, as `gavel serve` and our clients have them, and
//! both of them on threads of their own: what is measured is the server's thread alone.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::thread::{Builder, scope};

use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use super::LimitsFault;
use crate::auction::name::{Name, Role};
use crate::clock::{Clock, ThreadTime};
use crate::limits::LOAD_LIMIT_TIMEOUT;
use crate::loadtest::trial::TrialHouse;
use crate::pki::{Address, Revocations, client_config, server_config};

/// The server's end of a connection.
pub(super) type ServerStream = server::TlsStream<TcpStream>;
/// The client's.
pub(super) type ClientStream = client::TlsStream<TcpStream>;

/// Who speaks with whom.
pub(super) struct Parties {
    pub(super) server: Arc<ServerConfig>,
    pub(super) client: Arc<ClientConfig>,
}

impl Parties {
    /// Makes a house with its keys in `folder`, and one bidder.
    pub(super) fn make(folder: &Path) -> Result<Self, LimitsFault> {
        let clock = Clock::start();
        let address = Address::parse("127.0.0.1:1").expect("an address with a port");
        let house = TrialHouse::make(folder, "limits", address, clock.now())?;
        let bidder = Name::parse("bidder").expect("a name");
        let credential = house.credential(bidder, Role::Bidder, clock.now())?;
        let serving = house.pki().serve().open(clock.now())?;
        let revocations = Arc::new(Revocations::new(serving.anchor.clone()));
        let (anchor, name) = (serving.anchor, serving.particulars.house);
        let time = Arc::new(OfficialTime(clock));
        let server = server_config(&serving.server, anchor, name, revocations, time.clone())?;
        let client = client_config(&credential, time)?;
        Ok(Self { server: Arc::new(server), client: Arc::new(client) })
    }

    /// Accepts one connection.
    pub(super) async fn accept(&self, listener: &TcpListener) -> io::Result<ServerStream> {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        TlsAcceptor::from(Arc::clone(&self.server)).accept(stream).await
    }

    /// Makes one.
    pub(super) async fn connect(&self, address: SocketAddr) -> io::Result<ClientStream> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        TlsConnector::from(Arc::clone(&self.client)).connect(server_name(), stream).await
    }

    /// The CPU time of a server's thread while it serves so many connections, from when all of
    /// them have shaken hands until `serve` ends; what the clients of `call` spend is not in it.
    pub(super) fn serve<S: Future<Output = io::Result<()>>, C: Future<Output = io::Result<()>>>(
        &self,
        connections: usize,
        serve: impl FnOnce(Vec<ServerStream>) -> S + Send,
        call: impl FnOnce(Vec<ClientStream>) -> C + Send,
    ) -> Result<u64, LimitsFault> {
        let (go, gone) = oneshot::channel();
        let serve = async |listener: TcpListener| {
            let mut streams = Vec::with_capacity(connections);
            for _ in 0..connections {
                streams.push(self.accept(&listener).await?);
            }
            let time = ThreadTime::start();
            // A client that is no longer there shows at the first read.
            let _ = go.send(());
            serve(streams).await?;
            Ok(time.elapsed_ns())
        };
        let call = async |address| {
            let mut streams = Vec::with_capacity(connections);
            for _ in 0..connections {
                streams.push(self.connect(address).await?);
            }
            gone.await.map_err(|_| io::ErrorKind::ConnectionAborted)?;
            call(streams).await
        };
        apart(serve, call)
    }
}

/// What clients call the server; it is judged by its house, whatever it is called.
pub(super) fn server_name() -> ServerName<'static> {
    ServerName::IpAddress(Ipv4Addr::LOCALHOST.into())
}

/// Runs a server and its clients on a thread each, with a runtime each, until both end.
pub(super) fn apart<T: Send>(
    serve: impl AsyncFnOnce(TcpListener) -> io::Result<T> + Send,
    call: impl AsyncFnOnce(SocketAddr) -> io::Result<()> + Send,
) -> Result<T, LimitsFault> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    scope(|scope| {
        let server = Builder::new().name("limits-server".to_owned()).spawn_scoped(scope, || {
            alone(async { serve(TcpListener::from_std(listener)?).await })
        })?;
        let client = Builder::new()
            .name("limits-client".to_owned())
            .spawn_scoped(scope, || alone(call(address)))?;
        let served = server.join().map_err(|_| LimitsFault::Broken)?;
        client.join().map_err(|_| LimitsFault::Broken)??;
        Ok(served?)
    })
}

/// Runs it on this thread alone. Where one side fails, the other would wait for ever.
fn alone<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { timeout(LOAD_LIMIT_TIMEOUT.into(), work).await? })
}

/// Official time for the handshakes.
#[derive(Debug)]
struct OfficialTime(Clock);

impl TimeProvider for OfficialTime {
    fn current_time(&self) -> Option<UnixTime> {
        let now = std::time::Duration::from_secs(self.0.now().unix_s());
        Some(UnixTime::since_unix_epoch(now))
    }
}
