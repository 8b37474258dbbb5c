//! The line to the server in its states: down, waiting to dial, dialing,
//! greeting, up. It knows timers and bytes, and nothing of what is said.

use std::pin::Pin;

use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_rustls::client::TlsStream;

use super::channel::{Channel, ChannelFault};
use super::connect::{Caller, ConnectError, connect};
use crate::clock::Stopwatch;
use crate::limits::{BUSY_WAIT, CONNECT_TIMEOUT, QUIET_MAX};
use crate::pki::Address;
use crate::time::Span;
use crate::wire::json::{Request, ServerMessage};

type Timer = Pin<Box<Sleep>>;
type Stream = TlsStream<TcpStream>;
type Dial = Pin<Box<dyn Future<Output = Result<Stream, ConnectError>> + Send>>;

/// The line to the server.
pub(super) enum Link {
    /// Given up.
    Down,
    /// The next attempt comes after a wait.
    Waiting(Timer),
    /// On the way.
    Dialing(Dial),
    /// Connected; the welcome is awaited.
    Greeting { channel: Box<Channel>, patience: Timer },
    /// Welcomed.
    Up(Up),
}

/// A line that is up.
pub(super) struct Up {
    channel: Box<Channel>,
    /// When silence has to be broken; `None` for whoever does not listen.
    quiet: Option<Timer>,
    pinged: bool,
    retry: Option<Timer>,
    since: Stopwatch,
}

/// What a line gives next.
pub(super) enum Turn {
    /// It is time to dial.
    Dial,
    /// Dialing has come to this.
    Dialed(Result<Box<Stream>, ConnectError>),
    /// The server says this.
    Message(Box<ServerMessage>),
    /// The line is broken.
    Broken(ChannelFault),
    /// The server has been silent for long: ask for a sign of life.
    Quiet,
    /// The server gives no sign of life.
    Silent,
    /// It is time to send again what was answered `busy`.
    Retry,
    /// Nothing will ever come.
    Down,
}

fn timer(span: Span) -> Timer {
    Box::pin(sleep(span.into()))
}

impl Link {
    /// Begins to dial.
    pub(super) fn dial(caller: &Caller, address: &Address) -> Self {
        Self::Dialing(Box::pin(connect(caller.clone(), address.clone())))
    }

    /// Waits before the next attempt.
    pub(super) fn wait(span: Span) -> Self {
        Self::Waiting(timer(span))
    }

    /// Takes a fresh connection; `deaf` drops live lines unread.
    pub(super) fn greet(stream: Stream, deaf: bool, hello: &Request) -> Self {
        let mut channel = Box::new(Channel::new(stream, deaf));
        channel.queue(hello);
        Self::Greeting { channel, patience: timer(CONNECT_TIMEOUT) }
    }

    /// The welcome has come.
    pub(super) fn raise(&mut self, listens: bool) {
        if let Self::Greeting { channel, .. } = std::mem::replace(self, Self::Down) {
            let quiet = listens.then(|| timer(QUIET_MAX));
            let since = Stopwatch::start();
            *self = Self::Up(Up { channel, quiet, pinged: false, retry: None, since });
        }
    }

    /// Whether requests can be sent.
    pub(super) const fn is_up(&self) -> bool {
        matches!(self, Self::Up(_))
    }

    /// Whether the welcome is still awaited.
    pub(super) const fn is_greeting(&self) -> bool {
        matches!(self, Self::Greeting { .. })
    }

    /// How long it has been up.
    pub(super) fn up_for(&self) -> Span {
        match self {
            Self::Up(up) => Span::from_ms(up.since.elapsed_us() / 1000),
            _ => Span::ZERO,
        }
    }

    /// Puts a request on its way; `false` if the line is not up.
    pub(super) fn queue(&mut self, request: &Request) -> bool {
        match self {
            Self::Up(up) => {
                up.channel.queue(request);
                true
            }
            _ => false,
        }
    }

    /// Asks for a [`Turn::Retry`] in a moment.
    pub(super) fn retry_soon(&mut self) {
        if let Self::Up(up) = self {
            up.retry.get_or_insert_with(|| timer(BUSY_WAIT));
        }
    }

    /// Sends what is queued. That it could not be sent shows at the next turn.
    pub(super) async fn flush(&mut self) {
        if let Self::Up(up) = self {
            let _ = up.channel.flush().await;
        }
    }

    /// Says goodbye.
    pub(super) async fn close(&mut self, quit: &Request) {
        if let Self::Up(up) = self {
            up.channel.queue(quit);
            up.channel.close().await;
        }
        *self = Self::Down;
    }

    /// What comes next. Can be dropped and called again.
    pub(super) async fn turn(&mut self) -> Turn {
        match self {
            Self::Down => Turn::Down,
            Self::Waiting(wait) => {
                wait.as_mut().await;
                Turn::Dial
            }
            Self::Dialing(dial) => Turn::Dialed(dial.as_mut().await.map(Box::new)),
            Self::Greeting { channel, patience } => tokio::select! {
                message = channel.next() => turn_of(message),
                () = patience.as_mut() => Turn::Silent,
            },
            Self::Up(up) => up.turn().await,
        }
    }
}

impl Up {
    async fn turn(&mut self) -> Turn {
        loop {
            tokio::select! {
                message = self.channel.next() => return turn_of(message),
                () = ring(&mut self.retry) => {
                    self.retry = None;
                    return Turn::Retry;
                }
                () = ring(&mut self.quiet) => {}
            }
            if self.channel.take_heard() {
                self.pinged = false;
                self.quiet = Some(timer(QUIET_MAX));
            } else if self.pinged {
                return Turn::Silent;
            } else {
                self.pinged = true;
                self.quiet = Some(timer(CONNECT_TIMEOUT));
                return Turn::Quiet;
            }
        }
    }
}

/// Waits for a timer; for ever where there is none.
async fn ring(timer: &mut Option<Timer>) {
    match timer {
        Some(timer) => timer.as_mut().await,
        None => std::future::pending().await,
    }
}

fn turn_of(message: Result<ServerMessage, ChannelFault>) -> Turn {
    match message {
        Ok(message) => Turn::Message(Box::new(message)),
        Err(fault) => Turn::Broken(fault),
    }
}
