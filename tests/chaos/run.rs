//! One run: a sale with all its people, the server killed and stopped in turns, and the history.

use std::sync::Arc;
use std::time::Duration;

use gavel::auction::name::{LotId, Name, Role};
use gavel::client::Caller;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::bidder::Bidder;
use super::dice::Dice;
use super::hall::{Hall, Server, lot_ids};
use super::history::History;
use super::plan::Plan;
use super::regular::Regular;
use super::scene::{Phase, Scene};

/// The bound of everything that is waited for after the last restart.
const PATIENCE: Duration = Duration::from_secs(240);

/// What a run has left.
pub(crate) struct Recorded {
    pub(crate) history: History,
    pub(crate) hall: Hall,
    /// What no client may ever meet, and somebody has met.
    pub(crate) failures: Vec<String>,
}

/// Holds a sale.
pub(crate) async fn run(plan: &Plan) -> Recorded {
    println!("chaos: {plan:?}");
    let mut dice = Dice::new(plan.seed);
    let mut hall = Hall::make(plan);
    let scene = Arc::new(Scene::new(plan, hall.house.anchor().der(), lots(plan)));
    let server = block_in_place(|| hall.start());
    let mut people = enter(plan, &hall, &scene, &mut dice);
    let server = trouble(plan, &mut hall, &scene, &mut dice, server).await;
    let ending = if plan.forgets {
        somebody_cries(&scene, &server).await;
        Ending::Killed
    } else {
        close(&scene, &mut people).await;
        Ending::Stopped
    };
    people.shutdown().await;
    end(&hall, &scene, server, ending);
    Recorded { history: scene.recorder.history(), failures: scene.failures(), hall }
}

/// Lets the sale close, and everybody leave.
async fn close(scene: &Scene, people: &mut JoinSet<()>) {
    scene.enter(Phase::Settling);
    if !scene.wait_for(Phase::Ended, PATIENCE).await {
        scene.fail("the sale", "does not close");
    }
    let leave = async { while people.join_next().await.is_some() {} };
    if timeout(PATIENCE, leave).await.is_err() {
        scene.fail("somebody", "does not leave after the close");
    }
}

/// Waits until a client says that the house contradicts itself, or the house itself sees it and
/// stops, by a checkpoint that a client shows it.
async fn somebody_cries(scene: &Scene, server: &Server) {
    let cries = async {
        while scene.failures().is_empty() {
            if server.log().contains("the server is stopping") {
                scene.fail("the server", "stops by itself");
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    // Without a cry the test fails by what is missing.
    let _ = timeout(PATIENCE, cries).await;
}

fn lots(plan: &Plan) -> Vec<LotId> {
    let (manual, timed) = lot_ids(plan);
    manual.iter().chain(&timed).map(|id| LotId::parse(id).expect("an id")).collect()
}

/// Lets everybody in: the auctioneer, some with the real client, the others.
fn enter(plan: &Plan, hall: &Hall, scene: &Arc<Scene>, dice: &mut Dice) -> JoinSet<()> {
    let mut people = JoinSet::new();
    let mut regular = |name: &str, role| {
        let name = Name::parse(name).expect("a name");
        let credential = hall.house.credential_file(name, role, hall.clock.now());
        let (credential, path) = credential.expect("a credential");
        let caller = Caller::new(credential, hall.clock).expect("a caller");
        Regular::new(caller, path, Arc::clone(scene), dice.below(u64::MAX))
    };
    let manual = lot_ids(plan).0.iter().map(|id| LotId::parse(id).expect("an id")).collect();
    people.spawn(regular("ada", Role::Auctioneer).hold_the_sale(manual));
    for place in 0..plan.sessions() {
        people.spawn(regular(&format!("regular-{place}"), Role::Bidder).bid_to_the_end());
    }
    for place in plan.sessions()..plan.bidders {
        let name = Name::parse(&format!("bidder-{place}")).expect("a name");
        let credential = hall.house.credential(name, Role::Bidder, hall.clock.now());
        let credential = credential.expect("a credential");
        people.spawn(Bidder::new(credential, Arc::clone(scene), dice.below(u64::MAX)).take_part());
    }
    people
}

/// Ends the server and starts it again at random moments; kills it every other time.
async fn trouble(
    plan: &Plan,
    hall: &mut Hall,
    scene: &Scene,
    dice: &mut Dice,
    mut server: Server,
) -> Server {
    scene.bids_acknowledged(plan.calm_bids, PATIENCE).await;
    let begin = Instant::now();
    let span_ms = u64::try_from(plan.span.as_millis()).expect("short");
    let restarts = u64::try_from(plan.restarts).expect("few");
    // Each somewhere in its part of the span.
    let part_ms = span_ms * 9 / 10 / restarts.max(1);
    let moment = |turn| turn * part_ms + dice.below(part_ms.max(1));
    let moments: Vec<u64> = (0..restarts).map(moment).collect();
    for (turn, moment_ms) in moments.into_iter().enumerate() {
        sleep_until(begin + Duration::from_millis(moment_ms)).await;
        let ending = if turn % 2 == 0 { Ending::Killed } else { Ending::Stopped };
        let forgotten = if plan.forgets { Some(hall.outrun_the_anchor().await) } else { None };
        println!("chaos: {} ms: {ending:?}", begin.elapsed().as_millis());
        end(hall, scene, server, ending);
        if let Some(anchor) = forgotten {
            hall.forget(&anchor);
        }
        sleep_until(Instant::now() + Duration::from_millis(dice.below(200))).await;
        server = block_in_place(|| hall.start());
    }
    sleep_until(begin + plan.span).await;
    server
}

/// How a server is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Killed,
    Stopped,
}

/// Ends the server, and takes down what lies on the disk then.
fn end(hall: &Hall, scene: &Scene, mut server: Server, ending: Ending) {
    match ending {
        Ending::Killed => drop(block_in_place(|| server.kill())),
        Ending::Stopped => {
            let status = block_in_place(|| server.stop());
            if !status.success() {
                scene.fail("the server", &format!("{status}: {}", server.log()));
            }
        }
    }
    scene.recorder.snapshot(scene.now_us(), &hall.ledger());
    scene.recorder.note("anchor", &hall.anchor_note());
}
