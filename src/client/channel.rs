//! One connection as a stream of messages: whole lines in, whole lines out.
//!
//! Both directions can be dropped in the middle of a wait and taken up again
//! without losing or repeating a byte, so that a screen can wait for the server
//! and for its user at once.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::limits::{SERVER_LINE_BYTES_MAX, WRITE_TIMEOUT};
use crate::wire::frame::{Framer, LineFault};
use crate::wire::json::{Request, ServerFault, ServerMessage};

const READ_BYTES: usize = 8 * 1024;
/// How a message of live ledger lines begins, as every gavel server writes it.
const LIVE_LINES: &str = r#"{"m":"lines","from":"#;

/// Why a connection gives no message.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChannelFault {
    /// The connection broke, or ended without a farewell.
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    /// The server ended it.
    #[error("the server ended the connection")]
    Ended,
    /// A line that is no text.
    #[error("the server sent a line that cannot be read: {0}")]
    Line(#[from] LineFault),
    /// A line that is no message.
    #[error("the server sent what is {0}")]
    Message(#[from] ServerFault),
}

/// An open connection.
pub(super) struct Channel {
    stream: TlsStream<TcpStream>,
    framer: Framer,
    scratch: Box<[u8]>,
    out: Vec<u8>,
    /// Whether anything was read since this was last asked.
    heard: bool,
    /// Live lines are dropped unread: whoever does not follow need not pay for them.
    deaf: bool,
}

impl Channel {
    pub(super) fn new(stream: TlsStream<TcpStream>, deaf: bool) -> Self {
        Self {
            stream,
            framer: Framer::new(SERVER_LINE_BYTES_MAX),
            scratch: vec![0; READ_BYTES].into_boxed_slice(),
            out: Vec::new(),
            heard: false,
            deaf,
        }
    }

    /// Puts a request where [`Channel::flush`] and [`Channel::next`] will send it.
    pub(super) fn queue(&mut self, request: &Request) {
        self.out.extend_from_slice(&request.to_line());
    }

    /// Sends what is queued.
    pub(super) async fn flush(&mut self) -> Result<(), ChannelFault> {
        while !self.out.is_empty() {
            let written = within(self.stream.write(&self.out)).await?;
            if written == 0 {
                return Err(ChannelFault::Ended);
            }
            self.out.drain(..written);
        }
        within(self.stream.flush()).await?;
        Ok(())
    }

    /// Says goodbye in TLS, if the other side still listens.
    pub(super) async fn close(&mut self) {
        if self.flush().await.is_ok() {
            // A server that is gone needs no goodbye.
            let _ = within(self.stream.shutdown()).await;
        }
    }

    /// The next message.
    pub(super) async fn next(&mut self) -> Result<ServerMessage, ChannelFault> {
        if !self.out.is_empty() {
            self.flush().await?;
        }
        loop {
            while let Some(line) = self.framer.next_line() {
                let line = line?;
                if !(self.deaf && line.starts_with(LIVE_LINES)) {
                    return Ok(ServerMessage::parse(line)?);
                }
            }
            match self.stream.read(&mut self.scratch).await? {
                0 => return Err(ChannelFault::Ended),
                count => {
                    self.heard = true;
                    self.framer.push(&self.scratch[..count]);
                }
            }
        }
    }

    /// Whether anything came since the last time this was asked.
    pub(super) fn take_heard(&mut self) -> bool {
        std::mem::take(&mut self.heard)
    }
}

/// A peer that takes nothing for this long is gone.
async fn within<T>(write: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match timeout(WRITE_TIMEOUT.into(), write).await {
        Ok(result) => result,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}
