//! A bridge that runs, and a page as a browser would be one.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use gavel::auction::name::Role;
use gavel::client::{Memory, Session, SessionError};
use gavel::pki::{Address, P256Secret};
use gavel::web::Bridge;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::house::{House, caller, now, open, within};

/// A bridge that runs.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    /// The token of its link.
    pub(crate) token: String,
    stop: oneshot::Sender<()>,
    run: JoinHandle<Result<(), SessionError>>,
}

impl Running {
    /// For a person of this house, at this server.
    pub(crate) async fn of(house: &House, role: Role, name: &str, at: Address) -> Self {
        let secret = P256Secret::generate().expect("a key");
        let caller = caller(house.certify_as(role, name, secret, now()));
        let memory = Memory::Folder(house.folder.path().join(format!("{name}.gavel")));
        Self::with(open(&caller, at, memory).await.expect("opens")).await
    }

    async fn with(session: Session) -> Self {
        let bridge = Bridge::bind(0).await.expect("listens");
        let link = bridge.link();
        let (host, token) = link
            .strip_prefix("http://")
            .and_then(|rest| rest.split_once("/?token="))
            .expect("a link with a token");
        let address = host.parse().expect("an address");
        let token = token.to_owned();
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            let _ = stopped.await;
        };
        Self { address, token, stop, run: tokio::spawn(bridge.run(session, stopped)) }
    }

    pub(crate) async fn stop(self) -> Result<(), SessionError> {
        let _ = self.stop.send(());
        within(self.run).await.expect("no panic")
    }

    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends a request's lines as they are; gives the whole answer.
    pub(crate) async fn ask(&self, first: &str, headers: &[(&str, &str)]) -> String {
        let mut lines = format!("{first} HTTP/1.1\r\n");
        for (name, value) in headers {
            lines += &format!("{name}: {value}\r\n");
        }
        let mut stream = TcpStream::connect(self.address).await.expect("connects");
        let request = format!("{lines}connection: close\r\n\r\n");
        // A head that is too long is answered, or cut, before it is there.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = within(stream.read_to_end(&mut answer)).await;
        String::from_utf8(answer).expect("text")
    }

    /// Opens the link as a browser does; gives the cookie.
    pub(crate) async fn enter(&self) -> String {
        let path = format!("GET /?token={}", self.token);
        let answer = self.ask(&path, &[("host", &self.host())]).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: "));
        let pair = cookie.and_then(|cookie| cookie.split(';').next());
        pair.expect("a cookie").to_owned()
    }

    /// Opens a page's socket.
    pub(crate) async fn page_with(&self, cookie: &str) -> Page {
        self.socket(&self.origin(), Some(cookie)).await.expect("is let in")
    }

    /// Knocks with an origin and a cookie; the status if it is turned away.
    pub(crate) async fn socket(&self, origin: &str, cookie: Option<&str>) -> Result<Page, u16> {
        let url = format!("ws://{}/socket", self.address);
        let mut request = url.into_client_request().expect("a request");
        let headers = request.headers_mut();
        headers.insert("origin", origin.parse().expect("a value"));
        if let Some(cookie) = cookie {
            headers.insert("cookie", cookie.parse().expect("a value"));
        }
        let stream = TcpStream::connect(self.address).await.expect("connects");
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((socket, _)) => Ok(Page { socket, cookie: cookie.unwrap_or_default().to_owned() }),
            Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => {
                Err(answer.status().as_u16())
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// A page's socket.
pub(crate) struct Page {
    socket: WebSocketStream<TcpStream>,
    /// With what it was let in.
    pub(crate) cookie: String,
}

impl Page {
    pub(crate) async fn say(&mut self, message: Value) {
        self.say_text(&message.to_string()).await;
    }

    pub(crate) async fn say_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.expect("sends");
    }

    /// The next message; the close code if the bridge ends it.
    pub(crate) async fn hear(&mut self) -> Result<Value, Option<u16>> {
        loop {
            match within(self.socket.next()).await {
                Some(Ok(Message::Text(text))) => {
                    return Ok(serde_json::from_str(&text).expect("JSON"));
                }
                Some(Ok(Message::Close(frame))) => {
                    return Err(frame.map(|frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// Waits for a message that `is_it`, and passes over the rest.
    pub(crate) async fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let heard = self.hear().await.expect("goes on");
            if is_it(&heard) {
                return heard;
            }
        }
    }

    pub(crate) async fn until_type(&mut self, name: &str) -> Value {
        self.until(|heard| heard["type"] == name).await
    }

    /// Waits until one of our own bids or acts has come to that state.
    pub(crate) async fn until_own(&mut self, id: &str, state: &str) -> Value {
        let own = |heard: &Value| heard["type"] == "own" && heard["own"]["id"] == id;
        let heard = self.until(|heard| own(heard) && heard["own"]["state"] == state).await;
        heard["own"].clone()
    }

    pub(crate) async fn until_close(&mut self) -> Option<u16> {
        loop {
            if let Err(code) = self.hear().await {
                return code;
            }
        }
    }

    pub(crate) async fn bid(&mut self, id: &str, lot: &str, amount: u64) {
        self.say(json!({"type": "bid", "id": id, "lot": lot, "amount": amount})).await;
    }
}

/// Waits for a bridge that has checked everything, and gives a page of it.
pub(crate) async fn ready(bridge: &Running) -> Page {
    let cookie = bridge.enter().await;
    loop {
        let mut page = bridge.page_with(&cookie).await;
        loop {
            match page.hear().await {
                Ok(heard) if heard["type"] == "ready" => return page,
                Ok(_) => {}
                // Whoever came while lines were still checked begins anew.
                Err(_) => break,
            }
        }
    }
}
