//! One TLS connection, line by line, and a person who types commands.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use gavel::pki::{Credential, client_config};
use rustls::pki_types::ServerName;
use rustls::time_provider::DefaultTimeProvider;
use rustls::{ClientConfig, HandshakeKind};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::world::soon;

/// How a client asks to speak.
#[derive(Clone, Copy)]
pub(crate) enum Alpn {
    Gavel,
    Text,
}

/// The configuration of an honest client.
pub(crate) fn honest(credential: &Credential, alpn: Alpn) -> ClientConfig {
    let mut config = client_config(credential, Arc::new(DefaultTimeProvider)).expect("a key");
    if matches!(alpn, Alpn::Text) {
        config.alpn_protocols.clear();
    }
    config
}

/// A TLS connection as lines.
pub(crate) struct Wire {
    reader: BufReader<ReadHalf<TlsStream<TcpStream>>>,
    writer: WriteHalf<TlsStream<TcpStream>>,
    /// Our end's address, by which the log names us.
    pub(crate) local: SocketAddr,
    /// Whether the handshake was a full one.
    pub(crate) kind: Option<HandshakeKind>,
}

impl Wire {
    pub(crate) async fn connect(address: SocketAddr, config: ClientConfig) -> io::Result<Self> {
        Self::over(TcpStream::connect(address).await?, config).await
    }

    /// Shakes hands over a socket that stands.
    pub(crate) async fn over(stream: TcpStream, config: ClientConfig) -> io::Result<Self> {
        let local = stream.local_addr()?;
        let name = ServerName::try_from("the.server.goes.by.its.uri").expect("a name");
        let connect = TlsConnector::from(Arc::new(config)).connect(name, stream);
        let stream = soon("the handshake", connect).await?;
        let kind = stream.get_ref().1.handshake_kind();
        let (reader, writer) = tokio::io::split(stream);
        Ok(Self { reader: BufReader::new(reader), writer, local, kind })
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).await.expect("the connection stands");
    }

    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        soon("room to write", async {
            self.writer.write_all(bytes).await?;
            self.writer.flush().await
        })
        .await
    }

    /// The next line without its end; `None` at the connection's end, however it came.
    pub(crate) async fn line(&mut self) -> Option<String> {
        self.try_line().await.ok().flatten()
    }

    pub(crate) async fn try_line(&mut self) -> io::Result<Option<String>> {
        soon("a line", self.line_however_late()).await
    }

    /// [`Wire::line`] where timers run ahead, which would end every wait at once.
    pub(crate) async fn line_without_haste(&mut self) -> Option<String> {
        self.line_however_late().await.ok().flatten()
    }

    async fn line_however_late(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        let count = self.reader.read_until(b'\n', &mut line).await?;
        if count == 0 || line.pop() != Some(b'\n') {
            return Ok(None);
        }
        Ok(Some(String::from_utf8(line).expect("the server writes UTF-8")))
    }
}

/// Somebody who types commands.
pub(crate) struct Typist {
    pub(crate) wire: Wire,
}

impl Typist {
    /// Connects and takes the greeting.
    pub(crate) async fn enter(address: SocketAddr, credential: &Credential) -> Self {
        let wire = Wire::connect(address, honest(credential, Alpn::Text)).await.expect("connects");
        let mut typist = Self { wire };
        let greeting = typist.line().await;
        let welcome = format!("Welcome {}!", credential.identity.name);
        assert!(greeting.starts_with(&welcome), "{greeting}");
        typist
    }

    pub(crate) async fn say(&mut self, line: &str) {
        self.wire.send(format!("{line}\n").as_bytes()).await;
    }

    /// The next line.
    pub(crate) async fn line(&mut self) -> String {
        self.next().await.expect("the server goes on")
    }

    /// The next line, but for the openings: they may come before us or after.
    async fn next(&mut self) -> Option<String> {
        loop {
            let line = self.wire.line().await?;
            if !line.ends_with(" is open for bids.") {
                return Some(line);
            }
        }
    }

    /// The next line that holds `words`; others are passed over.
    pub(crate) async fn hear(&mut self, words: &str) -> String {
        let mut passed = Vec::new();
        loop {
            match self.wire.line().await {
                Some(line) if line.contains(words) => return line,
                Some(line) => passed.push(line),
                None => panic!("the connection ended before {words:?}, after {passed:?}"),
            }
        }
    }

    /// Types a line and hears the answer that holds `words`.
    pub(crate) async fn ask(&mut self, line: &str, words: &str) -> String {
        self.say(line).await;
        self.hear(words).await
    }

    /// Everything up to the end of the connection.
    pub(crate) async fn rest(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.next().await {
            lines.push(line);
        }
        lines
    }
}
