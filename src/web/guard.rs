//! Who may come in: pure checks of a request's head, before anything is done.
//!
//! Every program of this machine can reach loopback, and every page in the browser can make it
//! send requests there. So a request passes only
//!
//! - by the exact name under which the bridge gave itself out (`Host`), which stops a name that was
//!   rebound to 127.0.0.1;
//! - from the page itself: `Origin` where there is one, `Sec-Fetch-Site` where the browser says it
//!   (another local port is the same *site*, and gets our cookies sent, but never the same origin);
//! - with the cookie, or once with the token of the link.

use hyper::header::{COOKIE, HOST, HeaderName, ORIGIN};
use hyper::{HeaderMap, Method, Request, StatusCode};

use super::pages::{ASSETS, Asset, DOCUMENT, VIEWS};
use super::token::{NoRandomness, Secret, Shown, Ticket};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Where pages open their sockets.
pub(super) const SOCKET_PATH: &str = "/socket";

/// Keeps the door of one bridge.
pub(super) struct Guard {
    hosts: [String; 2],
    cookie_name: String,
    cookie: Secret,
    ticket: Ticket,
}

/// What a request that passes gets.
#[derive(Debug)]
pub(super) enum Passed {
    /// A file.
    Asset(&'static Asset),
    /// The document, and with it this cookie.
    Entry {
        /// The value of `Set-Cookie`.
        cookie: String,
    },
    /// A socket.
    Socket,
}

/// Why a request is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TurnedAway {
    /// It is not for the name under which the bridge is known.
    Host,
    /// Neither a page nor a file has that path.
    Path,
    /// Only GET is taken.
    Method,
    /// Another page asks.
    Origin,
    /// There is neither cookie nor token.
    NoPass,
    /// The token is not the one of the link.
    WrongToken,
    /// The link was opened before.
    UsedToken,
}

impl TurnedAway {
    /// The status that says so.
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::Path => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Origin | Self::NoPass | Self::WrongToken | Self::UsedToken => {
                StatusCode::FORBIDDEN
            }
        }
    }

    /// The same for people. It repeats nothing of the request.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Host => "This is not the address that gavel web printed.\n",
            Self::Path => "There is nothing here.\n",
            Self::Method => "Only GET is taken here.\n",
            Self::Origin => "Another page may not ask this.\n",
            Self::NoPass => {
                "This browser has not been let in. Open the link that gavel web printed; a link \
                 opens once, so start gavel web again for a new one.\n"
            }
            Self::WrongToken => "That is not the link that gavel web printed.\n",
            Self::UsedToken => {
                "This link was opened before, and opens once. If that was not you, somebody else on \
                 this machine has it: stop gavel web (Ctrl-C). Start it again for a new link.\n"
            }
        }
    }
}

impl Guard {
    /// A guard for the bridge on this port of loopback.
    pub(super) fn of(port: u16) -> Result<Self, NoRandomness> {
        Ok(Self {
            hosts: [format!("127.0.0.1:{port}"), format!("localhost:{port}")],
            // A browser keeps one jar for all ports of a host.
            cookie_name: format!("gavel-{port}"),
            cookie: Secret::draw()?,
            ticket: Ticket::draw()?,
        })
    }

    /// The link that opens once.
    pub(super) fn link(&self) -> String {
        format!("http://{}/?token={}", self.hosts[0], self.ticket.reveal())
    }

    /// Says what a request gets.
    pub(super) fn judge<B>(&self, request: &Request<B>) -> Result<Passed, TurnedAway> {
        let headers = request.headers();
        // A second authority in the request's line could be another one.
        let host = only(headers, &HOST).filter(|_| request.uri().authority().is_none());
        let host = host.filter(|host| self.hosts.iter().any(|ours| ours == host));
        let host = host.ok_or(TurnedAway::Host)?;
        let path = request.uri().path();
        let asked = asked_for(path).ok_or(TurnedAway::Path)?;
        if *request.method() != Method::GET {
            return Err(TurnedAway::Method);
        }
        match (asked, token_of(request.uri().query())) {
            (Asked::Document, Some(token)) => self.enter(headers, token),
            (asked, _) => self.serve(headers, host, asked),
        }
    }

    /// The link: a browser comes with it from a terminal, from anywhere.
    fn enter(&self, headers: &HeaderMap, token: &str) -> Result<Passed, TurnedAway> {
        if !is_document(headers) {
            return Err(TurnedAway::Origin);
        }
        match self.ticket.show(token) {
            Shown::Good => Ok(Passed::Entry { cookie: self.set_cookie() }),
            // A tab that is loaded again with its link has the cookie by now.
            Shown::Used if self.has_cookie(headers) && is_from_here(headers) => {
                Ok(Passed::Asset(&DOCUMENT))
            }
            Shown::Used => Err(TurnedAway::UsedToken),
            Shown::Wrong => Err(TurnedAway::WrongToken),
        }
    }

    fn serve(&self, headers: &HeaderMap, host: &str, asked: Asked) -> Result<Passed, TurnedAway> {
        let origin_fits = match only(headers, &ORIGIN) {
            Some(origin) => origin.strip_prefix("http://") == Some(host),
            None => !headers.contains_key(ORIGIN) && !matches!(asked, Asked::Socket),
        };
        let dest_fits = match asked {
            Asked::Document => is_document(headers),
            Asked::Asset(_) | Asked::Socket => true,
        };
        if !origin_fits || !is_from_here(headers) || !dest_fits {
            return Err(TurnedAway::Origin);
        }
        if !self.has_cookie(headers) {
            return Err(TurnedAway::NoPass);
        }
        Ok(match asked {
            Asked::Asset(asset) => Passed::Asset(asset),
            Asked::Document => Passed::Asset(&DOCUMENT),
            Asked::Socket => Passed::Socket,
        })
    }

    /// For this browser until it is closed, for no script, and for nothing that another site asks.
    fn set_cookie(&self) -> String {
        let (name, value) = (&self.cookie_name, self.cookie.reveal());
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict")
    }

    /// Another local page may have set one of the same name beside ours, so any may be it.
    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs =
            lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
        pairs.any(|(name, value)| name.trim() == self.cookie_name && self.cookie.is(value.trim()))
    }
}

enum Asked {
    Asset(&'static Asset),
    Document,
    Socket,
}

fn asked_for(path: &str) -> Option<Asked> {
    if path == SOCKET_PATH {
        return Some(Asked::Socket);
    }
    if VIEWS.contains(&path) {
        return Some(Asked::Document);
    }
    ASSETS.iter().find(|asset| asset.path == path).map(Asked::Asset)
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    value.to_str().ok()
}

/// The page itself, or the person at the browser.
fn is_from_here(headers: &HeaderMap) -> bool {
    match only(headers, &FETCH_SITE) {
        Some(site) => matches!(site, "same-origin" | "none"),
        None => !headers.contains_key(FETCH_SITE),
    }
}

/// A tab, and no frame, image or script.
fn is_document(headers: &HeaderMap) -> bool {
    match only(headers, &FETCH_DEST) {
        Some(dest) => dest == "document",
        None => !headers.contains_key(FETCH_DEST),
    }
}

fn token_of(query: Option<&str>) -> Option<&str> {
    query?.split('&').find_map(|pair| pair.strip_prefix("token="))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORT: u16 = 4321;

    fn guard() -> Guard {
        Guard::of(PORT).expect("randomness")
    }

    fn knock(path: &str, headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request")
    }

    fn check(guard: &Guard, path: &str, headers: &[(&str, &str)], expected: Option<TurnedAway>) {
        let came = guard.judge(&knock(path, headers)).err();
        assert_eq!(came, expected, "{path} {headers:?}");
    }

    #[test]
    fn only_the_names_that_were_printed_are_served() {
        let guard = guard();
        let cookie = format!("gavel-{PORT}={}", guard.cookie.reveal());
        for host in ["127.0.0.1:4321", "localhost:4321"] {
            check(&guard, "/app.js", &[("host", host), ("cookie", &cookie)], None);
        }
        let foreign = [
            "127.0.0.1",
            "127.0.0.1:80",
            "127.0.0.1:43210",
            "localhost",
            "LOCALHOST:4321",
            "evil.example:4321",
            "127.0.0.1.evil.example:4321",
            "[::1]:4321",
            "0.0.0.0:4321",
            "",
        ];
        for host in foreign {
            let headers = [("host", host), ("cookie", cookie.as_str())];
            check(&guard, "/app.js", &headers, Some(TurnedAway::Host));
        }
        let cookie = ("cookie", cookie.as_str());
        check(&guard, "/app.js", &[cookie], Some(TurnedAway::Host));
        let host = ("host", "127.0.0.1:4321");
        check(&guard, "/app.js", &[host, host, cookie], Some(TurnedAway::Host));
        let absolute = "http://evil.example/app.js";
        check(&guard, absolute, &[host, cookie], Some(TurnedAway::Host));
    }

    #[test]
    fn the_link_opens_once_and_gives_the_cookie() {
        let guard = guard();
        let host = ("host", "127.0.0.1:4321");
        let link = guard.link();
        let path = link.strip_prefix("http://127.0.0.1:4321").expect("is on loopback");
        let image = ("sec-fetch-dest", "image");
        check(&guard, path, &[host, image], Some(TurnedAway::Origin));
        check(&guard, "/?token=", &[host], Some(TurnedAway::WrongToken));
        check(&guard, "/?token=00", &[host], Some(TurnedAway::WrongToken));
        // Opened from a file or a message, a browser calls it cross-site.
        let site = ("sec-fetch-site", "cross-site");
        let entered = guard.judge(&knock(path, &[host, site])).expect("passes");
        let Passed::Entry { cookie } = entered else { panic!("{entered:?}") };
        assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
        check(&guard, path, &[host], Some(TurnedAway::UsedToken));
        let pair = cookie.split(';').next().expect("a part");
        check(&guard, path, &[host, ("cookie", pair)], None);
        check(&guard, "/room", &[host, ("cookie", pair)], None);
    }

    #[test]
    fn without_the_cookie_nothing_is_served() {
        let guard = guard();
        let host = ("host", "localhost:4321");
        let other = Secret::draw().expect("randomness");
        let values = [
            String::new(),
            "gavel-4321=".to_owned(),
            format!("gavel-4321={}", other.reveal()),
            format!("gavel-4322={}", guard.cookie.reveal()),
            format!("gavel-4321={}0", guard.cookie.reveal()),
        ];
        for path in ["/", "/room", "/audit", "/app.js", "/style.css"] {
            check(&guard, path, &[host], Some(TurnedAway::NoPass));
            for value in &values {
                check(&guard, path, &[host, ("cookie", value)], Some(TurnedAway::NoPass));
            }
        }
        let tossed = format!("gavel-4321=x; gavel-4321={}", guard.cookie.reveal());
        check(&guard, "/", &[host, ("cookie", &tossed)], None);
    }

    #[test]
    fn other_pages_get_nothing_even_with_the_cookie() {
        let guard = guard();
        let cookie = format!("gavel-{PORT}={}", guard.cookie.reveal());
        let (host, cookie) = (("host", "127.0.0.1:4321"), ("cookie", cookie.as_str()));
        let ours = ("origin", "http://127.0.0.1:4321");
        check(&guard, SOCKET_PATH, &[host, cookie, ours], None);
        check(&guard, SOCKET_PATH, &[host, cookie], Some(TurnedAway::Origin));
        check(&guard, SOCKET_PATH, &[host, ours], Some(TurnedAway::NoPass));
        let origins = [
            "http://127.0.0.1:4322",
            "http://localhost:4321",
            "https://127.0.0.1:4321",
            "http://127.0.0.1:4321.evil.example",
            "http://evil.example",
            "null",
            "",
        ];
        for path in [SOCKET_PATH, "/app.js", "/"] {
            for origin in origins {
                let headers = [host, cookie, ("origin", origin)];
                check(&guard, path, &headers, Some(TurnedAway::Origin));
            }
            let twice = [host, cookie, ours, ours];
            check(&guard, path, &twice, Some(TurnedAway::Origin));
        }
        for site in ["same-site", "cross-site", "whatever"] {
            for path in [SOCKET_PATH, "/app.js", "/", "/audit"] {
                let headers = [host, cookie, ours, ("sec-fetch-site", site)];
                check(&guard, path, &headers, Some(TurnedAway::Origin));
            }
        }
        let frame = [host, cookie, ("sec-fetch-dest", "iframe")];
        check(&guard, "/", &frame, Some(TurnedAway::Origin));
    }

    #[test]
    fn there_are_no_other_paths_and_no_other_methods() {
        let guard = guard();
        let cookie = format!("gavel-{PORT}={}", guard.cookie.reveal());
        let headers = [("host", "127.0.0.1:4321"), ("cookie", cookie.as_str())];
        for path in ["/index.html", "/../app.js", "/app.js/", "//", "/%61pp.js", "/roomy"] {
            check(&guard, path, &headers, Some(TurnedAway::Path));
        }
        for method in [Method::POST, Method::HEAD, Method::OPTIONS, Method::PUT, Method::CONNECT] {
            let mut request = knock("/", &headers);
            *request.method_mut() = method;
            assert_eq!(guard.judge(&request).err(), Some(TurnedAway::Method));
        }
    }
}
