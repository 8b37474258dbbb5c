//! A whole sale: two bidders over `gavel/1`, one watcher by text.

use gavel::auction::refusal::Code;
use gavel::time::Span;
use gavel::wire::json::{Answer, Request, ServerMessage};

use crate::world::{ITEMS, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_runs_to_its_end_and_everybody_hears_it() {
    let mut world = World::new(ITEMS);
    world.ends_in = Some(Span::from_ms(1_500));
    world.exit_on_close = true;
    let server = world.serve().await;
    let (alice, bob, eve) = (world.person("alice"), world.person("bob"), world.person("eve"));

    let mut watcher = eve.text(&server).await;
    let mut a = alice.gavel(&server).await;
    let mut b = bob.gavel(&server).await;
    let enrolled = alice.enrol(&mut a).await;
    assert_eq!(alice.enrol(&mut a).await.index, enrolled.index, "the same again");
    bob.enrol(&mut b).await;

    let first = alice.bid(&a, "1", 101, 1);
    let answer = a.place(&first).await;
    let receipt = alice.receipt(&mut a, answer);
    assert!(receipt.entry.contains("\"bidder\":\"alice\""), "{}", receipt.entry);
    let again = a.place(&first).await;
    assert_eq!(alice.receipt(&mut a, again), receipt, "the same bytes, the same answer");

    let low = bob.bid(&b, "1", 101, 1);
    match b.place(&low).await {
        Answer::Refused { code: Code::TooLow, ask, .. } => {
            assert_eq!(ask.map(|ask| ask.minor_units()), Some(102));
        }
        other => panic!("{other:?}"),
    }
    let good = bob.bid(&b, "1", 150, 2);
    let answer = b.place(&good).await;
    bob.receipt(&mut b, answer);
    let reused = bob.bid(&b, "1", 151, 2);
    assert!(matches!(b.place(&reused).await, Answer::Refused { code: Code::ReusedN, .. }));

    watcher.until(|line| line.starts_with("alice bid 101 on item 1 (Quilt).")).await;
    watcher.until(|line| line.starts_with("bob bid 150 on item 1 (Quilt).")).await;
    watcher.until(|line| line == "Quilt → bob with 150").await;
    watcher.until(|line| line == "Vase → nobody: there was no bid").await;
    watcher.until(|line| line == "The sale has closed: 1 sold, 1 unsold.").await;

    a.until_kind("close").await;
    let last = a.lines.last().expect("lines").clone();
    assert!(last.contains("\"t\":\"seal\""), "the close comes with its seal");
    let end = server.end().await.expect("a good end");
    assert!(end.finished);
    let file = std::fs::read_to_string(world.ledger()).expect("a ledger");
    let lines: Vec<&str> = file.lines().collect();
    assert_eq!(u64::try_from(lines.len()), Ok(end.lines));
    let live = &lines[lines.len() - a.lines.len()..];
    assert_eq!(live, a.lines, "the live lines are the file's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_sale_is_served_and_fetched_whole() {
    let mut world = World::new(ITEMS);
    world.ends_in = Some(Span::from_ms(1));
    let server = world.serve().await;
    let alice = world.person("alice");
    let mut a = alice.gavel(&server).await;
    let id = a.id();
    a.send(&Request::Fetch { id }).await;
    let mut fetched = String::new();
    loop {
        match a.next().await {
            ServerMessage::Lines(lines) if lines.id == Some(id) => {
                for line in lines.lines {
                    fetched.push_str(&line);
                    fetched.push('\n');
                }
            }
            ServerMessage::Reply(reply) => {
                assert!(matches!(reply.answer, Answer::Sent { .. }), "{reply:?}");
                break;
            }
            _ => {}
        }
    }
    server.stop().await;
    let file = std::fs::read_to_string(world.ledger()).expect("a ledger");
    assert!(file.starts_with(&fetched) && !fetched.is_empty());
}
