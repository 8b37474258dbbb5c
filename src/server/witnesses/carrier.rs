//! Carries requests to witnesses and answers back, over HTTP/1.1 (C2SP
//! tlog-witness, "HTTP Interface"). Bounded in time and size; connections are
//! kept open between requests; nothing is redirected.

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::USER_AGENT;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio::time::timeout;

use super::list::Prefix;
use crate::auction::name::is_showable;
use crate::ledger::witnessing::{ADD_CHECKPOINT_PATH, AddCheckpoint, Answer, origin_hash};
use crate::limits::{
    WITNESS_ANSWER_BYTES_MAX, WITNESS_CONNECT_TIMEOUT, WITNESS_HEAD_BYTES_MAX,
    WITNESS_REASON_CHARS_MAX, WITNESS_TIMEOUT,
};

/// Why a witness gave no answer that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unheard {
    /// It cannot be reached, or the connection broke.
    #[error("it cannot be reached: {reason}")]
    Unreachable {
        /// What the system or the other side said, fit to be shown.
        reason: String,
    },
    /// It did not answer in time.
    #[error("it does not answer in time")]
    TimedOut,
    /// Its answer is longer than any that is right.
    #[error("its answer is longer than {WITNESS_ANSWER_BYTES_MAX} bytes, or breaks off")]
    Body,
    /// Its answer is none of the protocol's.
    #[error("it does not answer as a witness: {reason}")]
    Nonsense {
        /// What is wrong with it.
        reason: String,
    },
}

impl Unheard {
    fn of(error: &Error) -> Self {
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        let said = cause.to_string();
        let reason = said.chars().filter(|c| is_showable(*c)).take(WITNESS_REASON_CHARS_MAX);
        Self::Unreachable { reason: reason.collect() }
    }

    fn nonsense(reason: impl ToString) -> Self {
        Self::Nonsense { reason: reason.to_string() }
    }
}

/// The way to the witnesses. Copies share their connections.
#[derive(Clone, Debug)]
pub(super) struct Carrier {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Carrier {
    pub(super) fn new(tls: ClientConfig) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(WITNESS_CONNECT_TIMEOUT.into()));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(1)
            .pool_timer(TokioTimer::new())
            .http1_max_buf_size(WITNESS_HEAD_BYTES_MAX)
            .build(connector);
        Self { client }
    }

    /// Asks for a cosignature.
    pub(super) async fn submit(
        &self,
        to: &Prefix,
        request: &AddCheckpoint,
    ) -> Result<Answer, Unheard> {
        let body = Full::from(request.to_string());
        let (status, body) = self.send(Method::POST, to.at(ADD_CHECKPOINT_PATH), body).await?;
        Answer::parse(status.as_u16(), &body).map_err(Unheard::nonsense)
    }

    /// The newest checkpoint of a ledger that a witness shows (tlog-witness, "Monitor Retrieval
    /// Mechanism"); none if it has cosigned none.
    pub(super) async fn shown(&self, by: &Prefix, origin: &str) -> Result<Option<String>, Unheard> {
        let path = format!("/{}/checkpoint", origin_hash(origin));
        let (status, body) = self.send(Method::GET, by.at(&path), Full::default()).await?;
        match status {
            StatusCode::OK => match String::from_utf8(body.into()) {
                Ok(note) => Ok(Some(note)),
                Err(_) => Err(Unheard::nonsense("what it shows is no text")),
            },
            StatusCode::NOT_FOUND => Ok(None),
            status => {
                Err(Unheard::nonsense(format_args!("it answers with status {}", status.as_u16())))
            }
        }
    }

    async fn send(
        &self,
        method: Method,
        uri: Uri,
        body: Full<Bytes>,
    ) -> Result<(StatusCode, Bytes), Unheard> {
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header(USER_AGENT, concat!("gavel/", env!("CARGO_PKG_VERSION")))
            .body(body)
            .expect("a checked address and plain headers");
        let exchange = async {
            let answer = self.client.request(request).await.map_err(|error| Unheard::of(&error))?;
            read(answer).await
        };
        timeout(WITNESS_TIMEOUT.into(), exchange).await.unwrap_or(Err(Unheard::TimedOut))
    }
}

async fn read(answer: Response<Incoming>) -> Result<(StatusCode, Bytes), Unheard> {
    let status = answer.status();
    let body = Limited::new(answer.into_body(), WITNESS_ANSWER_BYTES_MAX).collect().await;
    Ok((status, body.map_err(|_| Unheard::Body)?.to_bytes()))
}
