//! The program over real HTTP: the protocol's answers, and everything else.

use std::fs;

use gavel::ledger::note::Note;
use gavel::ledger::witnessing::{Answer, SIZE_MEDIA_TYPE};

use crate::peer::{Peer, Place};

fn cosigned(place: &Place, peer: &mut Peer, branch: usize, old_size: u64, size: u64) -> Note {
    let request = place.log.request(branch, old_size, size);
    let came = peer.add(&request).expect("is answered");
    let Answer::Cosigned(lines) = came.answer() else { panic!("{came:?}") };
    let found = request.cosigned_by(&place.key, &lines).expect("stands");
    assert!(found.time_s > 1_767_225_600, "after the year 2026 has begun");
    assert_eq!(lines.len(), 1);
    Note { text: request.note().text.clone(), signatures: lines }
}

#[test]
fn a_log_and_its_monitors_are_served_over_one_connection() {
    let place = Place::new();
    let program = place.start();
    let mut peer = program.peer();
    let none = peer.ask("GET", &place.shown_path(), b"").expect("is answered");
    assert_eq!(none.status, 404, "nothing is cosigned yet");
    cosigned(&place, &mut peer, 0, 0, 7);
    let newest = cosigned(&place, &mut peer, 0, 7, 20);

    let shown = peer.ask("GET", &place.shown_path(), b"").expect("is answered");
    assert_eq!((shown.status, shown.header("content-type")), (200, "text/plain; charset=utf-8"));
    let note = Note::parse(shown.text()).expect("a note");
    assert_eq!(note.text, newest.text);
    let [of_log, ours] = &note.signatures[..] else { panic!("{note}") };
    assert_eq!((of_log.name.as_str(), ours), (place.log.origin(), &newest.signatures[0]));

    let conflict = peer.add(&place.log.request(0, 7, 20)).expect("is answered");
    assert_eq!((conflict.status, conflict.text()), (409, "20\n"));
    assert_eq!(conflict.header("content-type"), SIZE_MEDIA_TYPE);
    assert_eq!(peer.add(&place.log.request(0, 20, 9)).expect("is answered").status, 400);
    assert_eq!(peer.add(&place.log.request(1, 20, 30)).expect("is answered").status, 422);
    let unsigned = place.log.request(0, 20, 30).to_string().replace("\n30\n", "\n31\n");
    let post = |peer: &mut Peer, body: &str| peer.ask("POST", "/add-checkpoint", body.as_bytes());
    assert_eq!(post(&mut peer, &unsigned).expect("is answered").status, 403);
    let unknown = place.log.request(0, 20, 30).to_string().replace("house/sale", "house/none");
    assert_eq!(post(&mut peer, &unknown).expect("is answered").status, 404);
    assert_eq!(post(&mut peer, "old 0\n").expect("is answered").status, 400);
    cosigned(&place, &mut peer, 0, 20, 30);
}

#[test]
fn what_speaks_against_the_log_is_kept_and_said() {
    let place = Place::new();
    let program = place.start();
    let mut peer = program.peer();
    cosigned(&place, &mut peer, 0, 0, 20);
    let fork = place.log.request(1, 20, 20);
    assert_eq!(peer.add(&fork).expect("is answered").status, 422);
    assert_eq!(peer.add(&place.log.request(1, 20, 30)).expect("is answered").status, 422);
    let evidence = place.state().join("evidence");
    let mut names: Vec<String> = fs::read_dir(&evidence)
        .expect("lists")
        .map(|entry| entry.expect("lists").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".txt"))
        .collect();
    names.sort();
    let [first, second] = &names[..] else { panic!("{names:?}") };
    assert!(first.starts_with("fork-") && second.starts_with("unproven-"), "{names:?}");
    let text = fs::read_to_string(evidence.join(first)).expect("reads");
    assert!(text.ends_with(&fork.to_string()), "{text}");
    assert!(text.contains(&place.log.note(0, 20)), "what was cosigned stands beside it:\n{text}");
    drop(program);
    assert_eq!(place.said().matches("THE LOG HAS FORKED").count(), 1, "{}", place.said());
}

#[test]
fn everything_else_is_refused_in_http_s_own_words() {
    let place = Place::new();
    let program = place.start();
    let table = [
        ("GET", "/add-checkpoint", 405, "POST"),
        ("PUT", "/add-checkpoint", 405, "POST"),
        ("POST", &place.shown_path(), 405, "GET"),
        ("DELETE", &place.shown_path(), 405, "GET"),
        ("GET", "/", 404, ""),
        ("POST", "/sign-subtree", 404, ""),
        ("GET", &place.shown_path().replace("/checkpoint", ""), 404, ""),
        ("GET", &place.shown_path().to_uppercase(), 404, ""),
        ("POST", "/add-checkpoint/", 404, ""),
    ];
    for (method, path, status, allow) in table {
        let came = program.peer().ask(method, path, b"").expect("is answered");
        assert_eq!((came.status, came.header("allow")), (status, allow), "{method} {path}");
    }
    let long = vec![b'x'; 128 * 1024 + 1];
    let came = program.peer().ask("POST", "/add-checkpoint", &long).expect("is answered");
    assert_eq!(came.status, 413);
    let came = program.peer().ask("POST", "/add-checkpoint", &long[1..]).expect("is answered");
    assert_eq!(came.status, 400, "as long as may be, and nothing else");
    let came = program.peer().send(b"BOO\r\n\r\n").expect("is answered");
    assert_eq!(came.status, 400);
    let head = b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nTransfer-Encoding: chunked\r\n\r\n";
    let body = place.log.request(0, 0, 3).to_string();
    let (first, rest) = body.split_at(20);
    let chunk = |part: &str| format!("{:x}\r\n{part}\r\n", part.len());
    let chunks = format!("{}{}0\r\n\r\n", chunk(first), chunk(rest));
    let came = program.peer().send(&[&head[..], chunks.as_bytes()].concat()).expect("is answered");
    assert_eq!(came.status, 200, "in chunks too: {}", came.text());
}
