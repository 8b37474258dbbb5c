//! One page's socket: bounded messages in, what the desk tells out, and an end for who is silent,
//! slow, or says what nobody understands.

use std::pin::pin;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, copy, sink};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::desk::{Command, Joined};
use super::says::Asks;
use crate::clock::Stopwatch;
use crate::limits::{
    LINGER, LINGER_BYTES_MAX, WEB_MESSAGE_BYTES_MAX, WEB_SILENCE_MAX, WEB_WRITE_TIMEOUT,
};

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Why the bridge ends a socket. Each is told to the page as a close code (RFC 6455, section 7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parting {
    /// The page has gone, or its connection has.
    Gone,
    /// The bridge stops, has no place, or has told more than the page takes: come again.
    Again,
    /// It has said nothing for too long.
    Silent,
    /// A message that is none.
    NotUnderstood,
    /// A message that is too long.
    TooLong,
}

impl Parting {
    const fn frame(self) -> Option<(CloseCode, &'static str)> {
        match self {
            Self::Gone => None,
            Self::Again => Some((CloseCode::Again, "come again")),
            Self::Silent => Some((CloseCode::Policy, "nothing was heard for too long")),
            Self::NotUnderstood => Some((CloseCode::Policy, "that is no message of the page")),
            Self::TooLong => Some((CloseCode::Size, "that message is too long")),
        }
    }
}

/// Serves a page until one of both sides has had enough.
pub(super) async fn attend(upgraded: Upgraded, desk: mpsc::Sender<Command>) {
    let mut config = WebSocketConfig::default();
    config.max_message_size = Some(WEB_MESSAGE_BYTES_MAX);
    config.max_frame_size = Some(WEB_MESSAGE_BYTES_MAX);
    config.read_buffer_size = WEB_MESSAGE_BYTES_MAX;
    let io = TokioIo::new(upgraded);
    let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    let parting = serve(&mut socket, &desk).await;
    if let Some((code, reason)) = parting.frame() {
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        let _ = timeout(Duration::from(WEB_WRITE_TIMEOUT), socket.close(Some(frame))).await;
        // What it still sends is taken and forgotten: a system that has unread bytes when a
        // connection ends resets it, and the page would never read why.
        let mut rest = socket.get_mut().take(LINGER_BYTES_MAX);
        let _ = timeout(Duration::from(LINGER), copy(&mut rest, &mut sink())).await;
    }
}

async fn serve(socket: &mut Socket, desk: &mpsc::Sender<Command>) -> Parting {
    let Some(Joined { page, first, mut live }) = join(desk).await else { return Parting::Again };
    for text in first {
        if !say(socket, text).await {
            return Parting::Gone;
        }
    }
    let mut silence = pin!(sleep(WEB_SILENCE_MAX.into()));
    loop {
        tokio::select! {
            () = &mut silence => return Parting::Silent,
            told = live.recv() => match told {
                Some(text) => {
                    if !say(socket, text).await {
                        return Parting::Gone;
                    }
                }
                None => return Parting::Again,
            },
            heard = socket.next() => match hear(heard) {
                Ok(asks) => {
                    silence.set(sleep(WEB_SILENCE_MAX.into()));
                    let since = Stopwatch::start();
                    let asked = asks.map(|asks| Command::Asked { page, asks, since });
                    if let Some(asked) = asked
                        && desk.send(asked).await.is_err()
                    {
                        return Parting::Again;
                    }
                }
                Err(parting) => return parting,
            },
        }
    }
}

async fn join(desk: &mpsc::Sender<Command>) -> Option<Joined> {
    let (reply, joined) = oneshot::channel();
    desk.send(Command::Join(reply)).await.ok()?;
    joined.await.ok()
}

async fn say(socket: &mut Socket, text: Utf8Bytes) -> bool {
    let sent = timeout(Duration::from(WEB_WRITE_TIMEOUT), socket.send(Message::Text(text))).await;
    matches!(sent, Ok(Ok(())))
}

fn hear(heard: Option<Result<Message, Error>>) -> Result<Option<Asks>, Parting> {
    match heard {
        Some(Ok(Message::Text(text))) => Asks::read(&text).map(Some).ok_or(Parting::NotUnderstood),
        Some(Ok(Message::Binary(_))) => Err(Parting::NotUnderstood),
        // They are answered by the library.
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
        Some(Err(Error::Capacity(_))) => Err(Parting::TooLong),
        Some(Ok(Message::Close(_)) | Err(_)) | None => Err(Parting::Gone),
    }
}
