//! The order of `gavel/1`: hello first, live lines without a gap, pages, refusals.

use gavel::auction::refusal::Code;
use gavel::wire::json::{Answer, Request, RequestId, ServerMessage};

use crate::world::{ITEMS, World};

fn code(answer: &Answer) -> Option<Code> {
    match answer {
        Answer::Refused { code, .. } => Some(*code),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_taken_before_hello_and_only_one_hello() {
    let world = World::new(ITEMS);
    let server = world.serve().await;
    let alice = world.person("alice");
    let mut a = alice.unwelcomed(&server).await;
    let early = a.ask(|id| Request::List { id, after: None }).await;
    assert_eq!(code(&early), Some(Code::BadCommand));
    let other = Some("other-sale".parse().expect("an id"));
    let wrong = a
        .ask(|id| Request::Hello { id, sale: other, note: None, cosigned: false, quiet: false })
        .await;
    assert_eq!(code(&wrong), Some(Code::WrongSale));
    let note = Some("not a note".to_owned());
    let wrong =
        a.ask(|id| Request::Hello { id, sale: None, note, cosigned: false, quiet: false }).await;
    assert_eq!(code(&wrong), Some(Code::WrongSale));
    let welcome = a.hello(None).await;
    assert!(welcome.proof.is_none() && welcome.lines.is_empty());
    let again = a
        .ask(|id| Request::Hello { id, sale: None, note: None, cosigned: false, quiet: false })
        .await;
    assert_eq!(code(&again), Some(Code::BadCommand));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_client_gets_its_answers_and_the_lines_that_it_asks_for() {
    let world = World::new(ITEMS);
    let server = world.serve().await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let mut a = alice.unwelcomed(&server).await;
    let id = RequestId::new(1).expect("a small number");
    a.send(&Request::Hello { id, sale: None, note: None, cosigned: false, quiet: true }).await;
    assert!(matches!(a.next_unchecked().await, Some(ServerMessage::Welcome(_))));
    // Whatever bob does is told to everybody before bob's next answer comes.
    let mut b = bob.gavel(&server).await;
    bob.enrol(&mut b).await;
    let taken = b.place(&bob.bid(&b, "1", 101, 1)).await;
    assert!(matches!(taken, Answer::Entered { .. }), "{taken:?}");
    while b.lines.is_empty() {
        b.next().await;
    }
    let id = RequestId::new(2).expect("a small number");
    a.send(&Request::Since { id, seq: 0 }).await;
    let mut asked_for = 0;
    loop {
        match a.next_unchecked().await {
            Some(ServerMessage::Lines(lines)) if lines.id == Some(id) => {
                asked_for += lines.lines.len();
            }
            Some(ServerMessage::Reply(reply)) if reply.id == Some(id) => break,
            other => panic!("a quiet client is told {other:?}"),
        }
    }
    assert!(asked_for > 3, "{asked_for}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_behind_a_hello_waits_for_it() {
    let world = World::new(ITEMS);
    let server = world.serve().await;
    let alice = world.person("alice");
    let mut a = alice.unwelcomed(&server).await;
    a.send_bytes(
        b"{\"m\":\"hello\",\"id\":1}\n{\"m\":\"list\",\"id\":2}\n{\"m\":\"quit\",\"id\":3}\n",
    )
    .await;
    assert!(matches!(a.next().await, ServerMessage::Welcome(_)));
    let mut replies = Vec::new();
    while let Some(message) = a.next_unchecked().await {
        if let ServerMessage::Reply(reply) = message {
            replies.push(reply);
        }
    }
    assert!(matches!(&replies[0].answer, Answer::Lots { lots, more: false } if lots.len() == 2));
    assert!(matches!(replies[1].answer, Answer::Done));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_comes_back_gets_a_proof_and_its_own_enrolments() {
    let world = World::new(ITEMS);
    let server = world.serve().await;
    let alice = world.person("alice");
    let mut a = alice.unwelcomed(&server).await;
    let first = a.hello(None).await;
    alice.enrol(&mut a).await;
    drop(a);
    let mut a = alice.unwelcomed(&server).await;
    let second = a.hello(Some(first.note)).await;
    assert!(second.proof.is_some_and(|proof| !proof.is_empty()));
    assert_eq!(second.lines.len(), 1);
    assert!(second.lines[0].line.contains("\"bidder\":\"alice\""));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_is_no_request_is_answered_with_its_id() {
    let world = World::new(ITEMS);
    let server = world.serve().await;
    let mut a = world.person("alice").gavel(&server).await;
    for (line, has_id) in [
        ("{\"m\":\"frob\",\"id\":77}\n".to_owned(), true),
        ("nonsense\n".to_owned(), false),
        ("{\"m\":\"list\",\"id\":77,\"x\":\"\u{202e}\"}\n".to_owned(), false),
        (format!("{{\"m\":\"list\",\"id\":77,\"x\":\"{}\"}}\n", "y".repeat(20_000)), false),
    ] {
        a.send_bytes(line.as_bytes()).await;
        loop {
            if let ServerMessage::Reply(reply) = a.next().await {
                assert_eq!(reply.id.is_some(), has_id, "{line}");
                assert_eq!(code(&reply.answer), Some(Code::BadCommand));
                break;
            }
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bids_that_are_not_the_connections_own_are_refused() {
    let world = World::new(ITEMS);
    let server = world.serve().await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let mut a = alice.gavel(&server).await;
    let mut b = bob.gavel(&server).await;
    let unknown = a.place(&alice.bid(&a, "1", 101, 1)).await;
    assert_eq!(code(&unknown), Some(Code::NotEnrolled));
    alice.enrol(&mut a).await;
    bob.enrol(&mut b).await;
    // The server adds bob's name, so alice's signed bid is another statement on his connection.
    let stolen = b.place(&alice.bid(&a, "1", 101, 1)).await;
    assert!(matches!(code(&stolen), Some(Code::BadSignature | Code::NotEnrolled)), "{stolen:?}");
    let (body, sigs) = alice.enrolment(&a);
    let stolen = b.ask(|id| Request::Enrol { id, body, sigs }).await;
    assert_eq!(code(&stolen), Some(Code::BadSignature));
    let mut forged = alice.bid(&a, "1", 101, 1);
    forged.sig = alice.bid(&a, "1", 102, 1).sig;
    assert_eq!(code(&a.place(&forged).await), Some(Code::BadSignature));
    let answer = a.place(&alice.bid(&a, "1", 101, 1)).await;
    alice.receipt(&mut a, answer);
    server.stop().await;
}
