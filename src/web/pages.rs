//! The page's files, as they are in this binary, and the headers that keep them to themselves.
//!
//! Nothing is built and nothing is fetched from elsewhere: static files, one policy for all.

use hyper::HeaderMap;
use hyper::header::HeaderValue;

/// A file of the page.
#[derive(Debug)]
pub(super) struct Asset {
    /// The path under which a browser asks for it.
    pub(super) path: &'static str,
    /// Its media type.
    pub(super) media_type: &'static str,
    /// What is in it.
    pub(super) text: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The document, which is the same for every view.
pub(super) const DOCUMENT: Asset = Asset {
    path: "/",
    media_type: "text/html; charset=utf-8",
    text: include_str!("page/index.html"),
};

/// The paths that show the document.
pub(super) const VIEWS: &[&str] = &["/", "/room", "/audit"];

macro_rules! scripts {
    ($($name:literal),* $(,)?) => {
        /// Everything that the document asks for.
        pub(super) const ASSETS: &[Asset] = &[
            Asset {
                path: "/style.css",
                media_type: "text/css; charset=utf-8",
                text: include_str!("page/style.css"),
            },
            Asset {
                path: "/icon.svg",
                media_type: "image/svg+xml",
                text: include_str!("page/icon.svg"),
            },
            $(Asset {
                path: concat!("/", $name),
                media_type: SCRIPT,
                text: include_str!(concat!("page/", $name)),
            },)*
        ];
    };
}

scripts![
    "announce.js",
    "app.js",
    "audit.js",
    "bidding.js",
    "board.js",
    "clock.js",
    "console.js",
    "dom.js",
    "lot.js",
    "money.js",
    "own.js",
    "room.js",
    "socket.js",
    "steps.js",
    "store.js",
    "texts.js",
];

/// What every answer says: nothing from elsewhere, nothing inline, in nobody's frame, kept nowhere.
const HEADERS: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

/// Puts them on an answer.
pub(super) fn protect(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What would let a title become markup, or a script come from elsewhere.
    #[test]
    fn no_script_writes_markup_or_evaluates_text() {
        let barred = [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "http://",
            "https://",
            "javascript:",
            ".style.cssText",
        ];
        for asset in ASSETS.iter().filter(|asset| asset.media_type == SCRIPT) {
            let text = asset.text.replace("http://www.w3.org/2000/svg", "");
            for word in barred {
                assert!(!text.contains(word), "{} says {word}", asset.path);
            }
        }
    }

    #[test]
    fn the_document_has_nothing_inline_and_nothing_from_elsewhere() {
        let text = DOCUMENT.text;
        for word in ["<style", " style=", "onclick", "onload", "http:", "https:", "//"] {
            assert!(!text.contains(word), "{word}");
        }
        let scripts: Vec<&str> = text.split("<script").skip(1).collect();
        assert!(scripts.iter().all(|rest| rest.contains("src=") && rest.contains("></script>")));
    }

    /// Every module that is imported is there, and every module is imported.
    #[test]
    fn modules_name_each_other_and_no_others() {
        let script = |asset: &&Asset| asset.media_type == SCRIPT;
        let mut named: Vec<String> = Vec::new();
        for asset in ASSETS.iter().filter(script) {
            for rest in asset.text.split("from \"./").skip(1) {
                named.push(format!("/{}", rest.split('"').next().expect("a part")));
            }
        }
        for asset in ASSETS.iter().filter(script).filter(|asset| asset.path != "/app.js") {
            assert!(named.iter().any(|name| name == asset.path), "nobody imports {}", asset.path);
        }
        for name in &named {
            assert!(ASSETS.iter().any(|asset| asset.path == name), "{name} is not there");
        }
    }
}
