//! Who is not let in, and what ends a socket.

use gavel::auction::name::Role;
use serde_json::json;

use super::house::House;
use super::page::{Running, ready};

async fn bridge() -> (House, super::house::Running, Running) {
    let house = House::new();
    let server = house.serve().await;
    let bridge = Running::of(&house, Role::Bidder, "alice", server.at()).await;
    (house, server, bridge)
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).expect("a status")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_link_opens_once_and_everything_else_needs_its_cookie() {
    let (_house, _server, bridge) = bridge().await;
    let (host, other) = (bridge.host(), "0".repeat(64));
    for path in ["/", "/room", "/audit", "/app.js", "/?token=", &format!("/?token={other}")] {
        let answer = bridge.ask(&format!("GET {path}"), &[("host", &host)]).await;
        assert_eq!(status(&answer), "403", "{path}: {answer}");
        assert!(!answer.contains("set-cookie"), "{answer}");
    }
    let cookie = bridge.enter().await;
    let again = bridge.ask(&format!("GET /?token={}", bridge.token), &[("host", &host)]).await;
    assert_eq!(status(&again), "403", "{again}");
    assert!(again.contains("was opened before"), "{again}");

    let ours = [("host", host.as_str()), ("cookie", cookie.as_str())];
    let page = bridge.ask("GET /", &ours).await;
    assert_eq!(status(&page), "200");
    let script = bridge.ask("GET /app.js", &ours).await;
    assert!(script.contains("content-type: text/javascript"), "{script}");
    for answer in [&page, &script, &again] {
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
            "referrer-policy: no-referrer",
            "cross-origin-opener-policy: same-origin",
            "cross-origin-resource-policy: same-origin",
        ] {
            assert!(answer.contains(header), "{header}: {answer}");
        }
        assert!(!answer.to_lowercase().contains("access-control-allow"), "{answer}");
    }
    assert_eq!(bridge.socket(&bridge.origin(), None).await.err(), Some(403));
    assert_eq!(bridge.socket(&bridge.origin(), Some("gavel=1")).await.err(), Some(403));
    assert!(bridge.socket(&bridge.origin(), Some(&cookie)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_names_and_other_pages_are_turned_away() {
    let (_house, _server, bridge) = bridge().await;
    let cookie = bridge.enter().await;
    let port = bridge.address.port();
    // A name that was rebound to 127.0.0.1, and one without the port.
    for host in ["evil.example", &format!("evil.example:{port}"), "127.0.0.1", "localhost"] {
        let answer = bridge.ask("GET /", &[("host", host), ("cookie", &cookie)]).await;
        assert_eq!(status(&answer), "421", "{host}: {answer}");
    }
    let host = bridge.host();
    let another = port.wrapping_add(1).max(1024);
    for origin in ["http://evil.example", &format!("http://127.0.0.1:{another}"), "null"] {
        assert_eq!(bridge.socket(origin, Some(&cookie)).await.err(), Some(403), "{origin}");
        let headers = [("host", host.as_str()), ("cookie", &cookie), ("origin", origin)];
        assert_eq!(status(&bridge.ask("GET /app.js", &headers).await), "403", "{origin}");
    }
    // A page from another local port is the same site: the browser sends our cookie along.
    let site = [("host", host.as_str()), ("cookie", &cookie), ("sec-fetch-site", "same-site")];
    for path in ["/", "/app.js", "/audit"] {
        assert_eq!(status(&bridge.ask(&format!("GET {path}"), &site).await), "403", "{path}");
    }
    let ours = [("host", host.as_str()), ("cookie", cookie.as_str())];
    assert_eq!(status(&bridge.ask("GET /nothing", &ours).await), "404");
    assert_eq!(status(&bridge.ask("GET /../Cargo.toml", &ours).await), "404");
    let posted = bridge.ask("POST /", &ours).await;
    assert_eq!(status(&posted), "405");
    assert!(posted.contains("allow: GET"), "{posted}");
    assert_eq!(status(&bridge.ask("OPTIONS /socket", &ours).await), "405");
    let plain = [ours[0], ours[1], ("origin", &bridge.origin())];
    assert_eq!(status(&bridge.ask("GET /socket", &plain).await), "426");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_without_end_is_cut() {
    let (_house, _server, bridge) = bridge().await;
    let long = "x".repeat(8 * gavel::limits::WEB_HEAD_BYTES_MAX);
    let answer = bridge.ask("GET /", &[("host", &bridge.host()), ("x-long", &long)]).await;
    assert!(answer.is_empty() || status(&answer) == "431", "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_are_none_end_their_socket_and_nothing_else() {
    let (_house, _server, bridge) = bridge().await;
    let mut page = ready(&bridge).await;
    let cookie = {
        // The cookie of the page above; the link is used up.
        page.say(json!({"type": "time", "ask": 7})).await;
        let time = page.until_type("time").await;
        assert_eq!(time["ask"], 7);
        assert!(time["official"].as_u64().is_some());
        page.cookie.clone()
    };
    for text in ["", "[]", "{\"type\":\"sign\"}", "{\"type\":\"bid\",\"id\":\"a\"}"] {
        let mut other = bridge.page_with(&cookie).await;
        other.say_text(text).await;
        assert_eq!(other.until_close().await, Some(1008), "{text}");
    }
    let mut long = bridge.page_with(&cookie).await;
    long.say_text(&format!("{{\"type\":\"steps\",\"lot\":\"{}\"}}", "x".repeat(8 * 1024))).await;
    assert_eq!(long.until_close().await, Some(1009));

    page.say(json!({"type": "time", "ask": 8})).await;
    page.until_type("time").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_room_for_so_many_pages() {
    let (_house, _server, bridge) = bridge().await;
    let first = ready(&bridge).await;
    let mut pages = Vec::new();
    for _ in 1..gavel::limits::WEB_PAGES_MAX {
        let mut page = bridge.page_with(&first.cookie).await;
        page.until_type("ready").await;
        pages.push(page);
    }
    let mut one_more = bridge.page_with(&first.cookie).await;
    assert_eq!(one_more.until_close().await, Some(1013));
    // A place is free again once a page has gone; the bridge notices when it next tells it something.
    drop(pages);
    drop(one_more);
}
