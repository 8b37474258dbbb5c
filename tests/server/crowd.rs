//! Many bidders at once, each with many requests in flight, and what an auditor
//! says of the ledger that comes of it.

use gavel::auction::refusal::Code;
use gavel::audit::{Anchors, Trust, Verdict, audit};
use gavel::time::Span;
use gavel::wire::json::{Answer, Request, RequestId};

use crate::world::{Gavel, Person, Running, World};

const BIDDERS: u64 = 12;
const BIDS_EACH: u64 = 120;
const ITEMS: &str = r#"{
    "1": {"name": "Quilt", "highest_bid": 0, "highest_bidder": null, "duration": 3},
    "2": {"name": "Vase", "highest_bid": 0, "highest_bidder": null, "duration": 3}
}"#;

/// Sends all bids without waiting, takes all answers, and counts them.
async fn bid_flat_out(person: &Person, server: &Running, which: u64) -> (u64, u64) {
    let mut gavel = person.gavel(server).await;
    person.enrol(&mut gavel).await;
    let (mut accepted, mut refused) = (0, 0);
    for batch in 0..4 {
        let mut ids = Vec::new();
        for i in 1..=BIDS_EACH / 4 {
            let n = batch * BIDS_EACH / 4 + i;
            ids.push(send(person, &mut gavel, n, n * BIDDERS + which).await);
        }
        for id in ids {
            match gavel.answer(id).await {
                Answer::Refused { code: Code::TooLow | Code::AlreadyLeading, .. } => refused += 1,
                answer => {
                    person.receipt(&mut gavel, answer);
                    accepted += 1;
                }
            }
        }
    }
    gavel.until_kind("close").await;
    (accepted, refused)
}

async fn send(person: &Person, gavel: &mut Gavel, n: u64, amount: u64) -> RequestId {
    let lot = if n.is_multiple_of(2) { "1" } else { "2" };
    let signed = person.bid(gavel, lot, amount, n);
    let id = gavel.id();
    let (body, sig) = (signed.body, signed.sig);
    gavel.send(&Request::Bid { id, body, sig }).await;
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_bid_of_a_crowd_is_answered_and_the_ledger_is_valid() {
    let mut world = World::new(ITEMS);
    world.ends_in = Some(Span::from_s(3));
    world.exit_on_close = true;
    let server = world.serve().await;
    let people: Vec<Person> =
        (0..BIDDERS).map(|which| world.person(&format!("bidder-{which}"))).collect();
    let all = people.iter().zip(0..).map(|(person, which)| bid_flat_out(person, &server, which));
    let counts = join_all(all).await;
    let (accepted, refused) =
        counts.into_iter().fold((0, 0), |(a, r), (accepted, no)| (a + accepted, r + no));
    assert_eq!(accepted + refused, BIDDERS * BIDS_EACH);
    let end = server.end().await.expect("a good end");
    assert_eq!(end.summary.entered, accepted + BIDDERS);

    let ledger = std::fs::read(world.ledger()).expect("a ledger");
    let trust = Trust::Certificate(Box::new(world.ca.anchor().clone()));
    let audited = audit(&ledger, Anchors::new(trust));
    assert_eq!(audited.verdict(), Verdict::Valid, "{:?}", audited.findings);
}

/// Waits for all of them at once.
async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut pending = false;
        for (future, output) in &mut waiting {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => pending = true,
                }
            }
        }
        if pending { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    waiting.into_iter().filter_map(|(_, output)| output).collect()
}
