//! The way to a server: resolve, reach, TLS. Each way to fail has its own name,
//! because each has another remedy.
//!
//! With TLS 1.3 a client has finished its handshake before the server has judged
//! the client's certificate: a refusal arrives as an alert at the first read.
//! [`ConnectError::of`] is therefore also asked about the first message.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{AlertDescription, Error as TlsError};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::clock::Clock;
use crate::limits::CONNECT_TIMEOUT;
use crate::pki::{
    ALPN_GAVEL_1, Address, CertificateFault, Credential, TlsFault, client_config, fault_of_io,
};
use crate::time::Timestamp;

/// Who calls: a credential and the TLS configuration made from it. Cheap to copy.
#[derive(Clone)]
pub struct Caller {
    credential: Arc<Credential>,
    tls: TlsConnector,
    clock: Clock,
}

impl Caller {
    /// Makes ready to call with `credential`.
    pub fn new(credential: Credential, clock: Clock) -> Result<Self, TlsFault> {
        let config = client_config(&credential, Arc::new(WallTime(clock)))?;
        Ok(Self { credential: Arc::new(credential), tls: Arc::new(config).into(), clock })
    }

    /// The credential.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// Does the client's half of the handshake on a connection that stands.
    pub async fn handshake(
        &self,
        tcp: TcpStream,
        address: &Address,
    ) -> Result<TlsStream<TcpStream>, ConnectError> {
        shake_hands(self, tcp, address).await
    }

    /// Reaches the server and does the client's half of the handshake, for whoever speaks for
    /// themselves from there on.
    pub async fn connect(&self, address: &Address) -> Result<TlsStream<TcpStream>, ConnectError> {
        connect(self.clone(), address.clone()).await
    }

    /// What the wall clock says.
    pub fn now(&self) -> Timestamp {
        self.clock.wall()
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller")
            .field("name", &self.credential.identity.name)
            .finish_non_exhaustive()
    }
}

/// Certificates are judged by the wall clock: a laptop may sleep through an expiry.
#[derive(Debug)]
struct WallTime(Clock);

impl TimeProvider for WallTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0.wall().unix_s())))
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address's host name is not known.
    #[error("cannot find the host of {address}")]
    Resolve {
        /// Where to.
        address: Address,
        /// What the resolver said.
        #[source]
        source: io::Error,
    },
    /// Nobody answers there.
    #[error("cannot reach {address}")]
    Reach {
        /// Where to.
        address: Address,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Nothing came back in time.
    #[error("{address} does not answer")]
    TimedOut {
        /// Where to.
        address: Address,
    },
    /// Somebody answers, but not in TLS.
    #[error("what answers at {address} does not speak TLS")]
    NotTls {
        /// Where to.
        address: Address,
    },
    /// A TLS server, but not of `gavel/1` over TLS 1.3.
    #[error("what answers at {address} is not a gavel server")]
    NotGavel {
        /// Where to.
        address: Address,
    },
    /// The server's certificate is not that of our house, or not good now.
    #[error("the server's certificate is not taken: {fault}")]
    TheirCertificate {
        /// What is wrong with it.
        fault: CertificateFault,
    },
    /// The server does not take our certificate.
    #[error("the server refuses our certificate: {why}")]
    OurCertificate {
        /// What it says.
        why: Refusal,
    },
    /// The server hung up before it said anything.
    #[error("{address} closed the connection before it said anything")]
    HungUp {
        /// Where to.
        address: Address,
    },
    /// TLS failed in some other way.
    #[error("the TLS connection to {address} failed")]
    Tls {
        /// Where to.
        address: Address,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
}

/// What a server says, by its TLS alert, against a client's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `certificate_expired`: also for one that is not valid yet.
    #[error("it has expired, or is not valid yet by the server's clock")]
    Expired,
    /// `certificate_revoked`.
    #[error("it is revoked")]
    Revoked,
    /// `unknown_ca`.
    #[error("it was issued by another CA than this server's")]
    UnknownCa,
    /// Any other alert about certificates.
    #[error("it is none that this server takes, as of another house or for another use")]
    Other,
}

impl ConnectError {
    /// Names what a TLS stream to `address` gave as an error before the first message.
    pub(super) fn of(source: io::Error, address: &Address) -> Self {
        if let Some(fault) = fault_of_io(&source) {
            return Self::TheirCertificate { fault };
        }
        let address = address.clone();
        match source.get_ref().and_then(|cause| cause.downcast_ref::<TlsError>()) {
            Some(TlsError::AlertReceived(alert)) => match Refusal::of(*alert) {
                Some(why) => Self::OurCertificate { why },
                None if is_about_the_protocol(*alert) => Self::NotGavel { address },
                None => Self::Tls { address, source },
            },
            Some(TlsError::InvalidMessage(_)) => Self::NotTls { address },
            Some(TlsError::PeerIncompatible(_) | TlsError::NoApplicationProtocol) => {
                Self::NotGavel { address }
            }
            Some(_) => Self::Tls { address, source },
            None if hung_up(&source) => Self::HungUp { address },
            None => Self::Tls { address, source },
        }
    }

    /// Whether the same attempt may succeed a little later.
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Reach { .. }
            | Self::TimedOut { .. }
            | Self::Resolve { .. }
            | Self::HungUp { .. }
            | Self::Tls { .. } => true,
            Self::NotTls { .. }
            | Self::NotGavel { .. }
            | Self::TheirCertificate { .. }
            | Self::OurCertificate { .. } => false,
        }
    }
}

impl Refusal {
    const fn of(alert: AlertDescription) -> Option<Self> {
        match alert {
            AlertDescription::CertificateExpired => Some(Self::Expired),
            AlertDescription::CertificateRevoked => Some(Self::Revoked),
            AlertDescription::UnknownCA => Some(Self::UnknownCa),
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRequired
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError => Some(Self::Other),
            _ => None,
        }
    }
}

const fn is_about_the_protocol(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::NoApplicationProtocol
            | AlertDescription::ProtocolVersion
            | AlertDescription::HandshakeFailure
    )
}

fn hung_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}

/// Reaches the server and does the client's half of the handshake.
pub(super) async fn connect(
    caller: Caller,
    address: Address,
) -> Result<TlsStream<TcpStream>, ConnectError> {
    let tcp = reach(&address).await?;
    shake_hands(&caller, tcp, &address).await
}

async fn shake_hands(
    caller: &Caller,
    tcp: TcpStream,
    address: &Address,
) -> Result<TlsStream<TcpStream>, ConnectError> {
    // The server is judged by its URI; the name only has to be one.
    let name = ServerName::try_from(address.host().to_owned())
        .unwrap_or(ServerName::IpAddress(std::net::Ipv4Addr::LOCALHOST.into()));
    let stream = match timeout(CONNECT_TIMEOUT.into(), caller.tls.connect(name, tcp)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(ConnectError::of(error, address)),
        Err(_) => return Err(ConnectError::TimedOut { address: address.clone() }),
    };
    if stream.get_ref().1.alpn_protocol() == Some(ALPN_GAVEL_1) {
        Ok(stream)
    } else {
        Err(ConnectError::NotGavel { address: address.clone() })
    }
}

/// Tries every address of the host within one time limit.
async fn reach(address: &Address) -> Result<TcpStream, ConnectError> {
    let attempt = async {
        let places = lookup_host((address.host(), address.port())).await;
        let places =
            places.map_err(|source| ConnectError::Resolve { address: address.clone(), source })?;
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for place in places {
            match TcpStream::connect(place).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(ConnectError::Reach { address: address.clone(), source: last })
    };
    let stream = timeout(CONNECT_TIMEOUT.into(), attempt)
        .await
        .map_err(|_| ConnectError::TimedOut { address: address.clone() })??;
    // A bid is one small packet that must not wait for another.
    stream
        .set_nodelay(true)
        .map_err(|source| ConnectError::Reach { address: address.clone(), source })?;
    Ok(stream)
}
