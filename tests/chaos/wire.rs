//! A connection of `gavel/1` that its owner can drop anywhere, also in the middle of a request.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use gavel::limits::SERVER_LINE_BYTES_MAX;
use gavel::pki::{Address, Credential, client_config};
use gavel::wire::frame::Framer;
use gavel::wire::json::ServerMessage;
use rustls::pki_types::ServerName;
use rustls::time_provider::DefaultTimeProvider;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const PATIENCE: Duration = Duration::from_secs(20);

/// An open connection.
pub(crate) struct Wire {
    stream: TlsStream<TcpStream>,
    framer: Framer,
    scratch: Vec<u8>,
}

/// What makes connections for one credential.
pub(crate) fn connector(credential: &Credential) -> TlsConnector {
    let config = client_config(credential, Arc::new(DefaultTimeProvider));
    TlsConnector::from(Arc::new(config.expect("a credential makes a configuration")))
}

impl Wire {
    pub(crate) async fn connect(address: &Address, tls: &TlsConnector) -> io::Result<Self> {
        let name = ServerName::try_from(address.host().to_owned()).map_err(io::Error::other)?;
        let dial = async {
            let tcp = TcpStream::connect((address.host(), address.port())).await?;
            tcp.set_nodelay(true)?;
            tls.connect(name, tcp).await
        };
        let stream = timeout(PATIENCE, dial).await.map_err(io::Error::other)??;
        Ok(Self { stream, framer: Framer::new(SERVER_LINE_BYTES_MAX), scratch: vec![0; 16 * 1024] })
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        timeout(PATIENCE, write).await.map_err(io::Error::other)?
    }

    /// The next message; can be dropped and called again.
    pub(crate) async fn next(&mut self) -> io::Result<ServerMessage> {
        loop {
            if let Some(line) = self.framer.next_line() {
                let line = line.map_err(io::Error::other)?;
                return ServerMessage::parse(line).map_err(io::Error::other);
            }
            match self.stream.read(&mut self.scratch).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.framer.push(&self.scratch[..count]),
            }
        }
    }
}
