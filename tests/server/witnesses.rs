//! A sale with witnesses, honest and odd: what they cosign stands in files and
//! reaches clients, and no bid waits for any of them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use gavel::ledger::note::Note;
use gavel::ledger::{Hash, SealingKey, SignedCheckpoint, origin};
use gavel::server::{FloorFailure, ServerFailure, ShownCheckpoint, StartFailure};
use gavel::time::Span;
use gavel::wire::json::{Answer, Request, ServerMessage};

use crate::stub::{Manner, Stub};
use crate::world::{Gavel, ITEMS, Running, World, within};

/// Who has cosigned what stands in a file of this sale, by their own keys; and over how many lines.
fn cosigned(world: &World, ending: &str, stubs: &[&Stub]) -> (u64, Vec<String>) {
    let note = fs::read_to_string(world.ledger().with_extension(ending)).expect("a note");
    let origin = origin(world.house.as_str(), world.sale.as_str());
    let signed = SignedCheckpoint::verify_cosigned(&note, &origin, &world.sealing_key());
    let size = signed.expect("the house has signed it").checkpoint().size;
    let note = Note::parse(&note).expect("a note");
    let lines = note.signatures.len() - 1;
    let by: Vec<String> = stubs
        .iter()
        .map(|stub| stub.key().public())
        .filter(|key| key.cosigned(&note).expect("it stands").is_some())
        .map(|key| key.name().to_owned())
        .collect();
    assert_eq!(by.len(), lines, "nobody else's line is there");
    (size, by)
}

/// Two people outbid each other, so many times; gives how many lines were signed over then.
async fn bids(world: &World, server: &Running, count: u64) -> u64 {
    let (carol, dave) = (world.person("carol"), world.person("dave"));
    let (mut c, mut d) = (carol.gavel(server).await, dave.gavel(server).await);
    carol.enrol(&mut c).await;
    dave.enrol(&mut d).await;
    for n in 1..=count {
        let (person, gavel) = if n % 2 == 0 { (&carol, &mut c) } else { (&dave, &mut d) };
        let bid = person.bid(gavel, "1", 200 + n, n);
        let answer = gavel.place(&bid).await;
        person.receipt(gavel, answer);
    }
    c.head.size.max(d.head.size)
}

/// Reads until the server tells of a cosigned checkpoint that is new enough.
async fn until_cosigned(gavel: &mut Gavel, size: u64) -> String {
    loop {
        if let ServerMessage::Cosigned(cosigned) = gavel.next().await
            && size_of(&cosigned.note) >= size
        {
            return cosigned.note;
        }
    }
}

fn size_of(note: &str) -> u64 {
    note.lines().nth(1).expect("a size").parse().expect("a number")
}

fn asks(world: &mut World, stubs: &[&Stub]) {
    let parse = |stub: &&Stub| stub.flag().parse().expect("a witness");
    world.witnesses = stubs.iter().map(parse).collect();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_checkpoint_is_cosigned_and_stands_in_both_files() {
    let mut world = World::new(ITEMS);
    let (one, two) = (Stub::new(0, Manner::Honest).await, Stub::new(1, Manner::Honest).await);
    let stubs = [&one, &two];
    asks(&mut world, &stubs);
    world.ends_in = Some(Span::from_ms(300));
    world.exit_on_close = true;
    let server = world.serve().await;
    let end = server.end().await.expect("a good end");
    let cosigning = end.cosigning.expect("there are witnesses");
    assert!(cosigning.missing().next().is_none(), "{cosigning:?}");
    // The seal over `close` is the last line, and no checkpoint covers it.
    let all = (end.lines - 1, vec!["w0".to_owned(), "w1".to_owned()]);
    assert_eq!(cosigned(&world, "cosigned", &stubs), all);
    assert_eq!(cosigned(&world, "checkpoint", &stubs), all);
    assert_eq!((one.size(), two.size()), (end.lines - 1, end.lines - 1));

    // A later start reads both, and asks nobody for what is there.
    let asked = (one.asked(), two.asked());
    world.exit_on_close = false;
    let server = world.serve().await;
    let mut gavel = world.person("alice").unwelcomed(&server).await;
    let welcome = gavel.hello_for_cosigned(true).await;
    assert_eq!(size_of(&welcome.cosigned.expect("from the file").note), end.lines - 1);
    let end = server.stop().await;
    assert!(end.cosigning.expect("there are witnesses").missing().next().is_none());
    assert_eq!((one.asked(), two.asked()), asked);
    assert_eq!(cosigned(&world, "checkpoint", &stubs), all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_want_cosigned_checkpoints_get_them_and_others_do_not() {
    let mut world = World::new(ITEMS);
    let one = Stub::new(0, Manner::Honest).await;
    asks(&mut world, &[&one]);
    let server = world.serve().await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let mut a = alice.unwelcomed(&server).await;
    a.hello_for_cosigned(true).await;
    let mut b = bob.gavel(&server).await;
    alice.enrol(&mut a).await;
    let size = a.head.size;
    let note = until_cosigned(&mut a, size).await;
    let key = one.key().public();
    assert!(key.cosigned(&Note::parse(&note).expect("a note")).expect("stands").is_some());
    assert!(note.starts_with("meridian/estate-2026\n"));

    // The welcome shows it with the proof that the tree has grown from there.
    let mut later = bob.unwelcomed(&server).await;
    let welcome = later.hello_for_cosigned(true).await;
    let shown = welcome.cosigned.expect("one is there");
    assert!(size_of(&shown.note) >= size);
    let (old, new) = (tree(&shown.note), tree(&welcome.note));
    let proof: Vec<Hash> = shown.proof.iter().map(|hash| hash.0).collect();
    gavel::ledger::merkle::verify_consistency(old.0, new.0, &proof, old.1, new.1).expect("grown");

    // Bob did not ask, and hears lines and answers alone.
    let lots = b.ask(|id| Request::List { id, after: None }).await;
    assert!(matches!(lots, Answer::Lots { .. }));
    assert!(!b.heard_cosigned, "nobody gets what they have not asked for");
    server.stop().await;
}

fn tree(note: &str) -> (u64, Hash) {
    let text = Note::parse(note).expect("a note").text;
    let checkpoint = gavel::ledger::Checkpoint::parse(&text).expect("a checkpoint");
    (checkpoint.size, checkpoint.root)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_witnesses_are_named_and_hold_up_neither_bids_nor_the_others() {
    let manners = [
        (Manner::Honest, ""),
        (Manner::Hangs, "it has not answered in time"),
        (Manner::HangsUp, "cannot be reached"),
        (Manner::SignsWrongly, "is no cosignature"),
        (Manner::SignsAsAnother, "with another key"),
        (Manner::NamesSizes, "(409)"),
        (Manner::IsInconsistent, "claims to have cosigned other lines"),
        (Manner::IsAhead(1_000_000), "claims to have cosigned 1000000 lines"),
        (Manner::endless(), "longer than"),
        (Manner::Says(302, Vec::new()), "status 302"),
        (Manner::Says(404, Vec::new()), "(404)"),
        (Manner::Says(409, b"many".to_vec()), "size"),
        (Manner::Raw(b"SSH-2.0-witness\r\n".to_vec()), "cannot be reached"),
        (Manner::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nhalf".to_vec()), ""),
    ];
    let mut stubs = Vec::new();
    for (place, (manner, _)) in (0..).zip(&manners) {
        stubs.push(Stub::new(place, manner.clone()).await);
    }
    let all: Vec<&Stub> = stubs.iter().collect();
    let mut world = World::new(ITEMS);
    asks(&mut world, &all);
    let server = world.serve().await;
    let alice = world.person("alice");
    let mut a = alice.unwelcomed(&server).await;
    a.hello_for_cosigned(true).await;
    // Nothing lets go of the witness that hangs, and these are answered all the same.
    let size = bids(&world, &server, 20).await;
    until_cosigned(&mut a, size).await;
    let end = server.stop().await;
    let cosigning = end.cosigning.expect("there are witnesses");
    assert_eq!(cosigning.up_to_date().collect::<Vec<_>>(), ["w0"]);
    for (report, (manner, trouble)) in cosigning.witnesses.iter().zip(&manners).skip(1) {
        let found = report.trouble.as_deref().unwrap_or("it has not answered in time");
        assert!(found.contains(trouble), "{manner:?}: {found}");
        assert_eq!((report.cosigned, report.is_up_to_date), (0, false), "{manner:?}");
    }
    let (size, by) = cosigned(&world, "cosigned", &all);
    assert_eq!((size, by), cosigned(&world, "checkpoint", &all));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_witness_that_comes_late_or_comes_back_joins_by_itself() {
    let mut world = World::new(ITEMS);
    let (one, two) = (Stub::new(0, Manner::Honest).await, Stub::new(1, Manner::HangsUp).await);
    let stubs = [&one, &two];
    asks(&mut world, &stubs);
    let server = world.serve().await;
    let alice = world.person("alice");
    let mut a = alice.unwelcomed(&server).await;
    a.hello_for_cosigned(true).await;
    alice.enrol(&mut a).await;
    let size = a.head.size;
    until_cosigned(&mut a, size).await;
    assert_eq!(two.size(), 0);
    two.turn(Manner::Honest);
    one.turn(Manner::Slow(Duration::from_millis(20)));
    loop {
        let note = until_cosigned(&mut a, size).await;
        if Note::parse(&note).expect("a note").signatures.len() == 3 {
            break;
        }
    }
    server.stop().await;
    assert_eq!(cosigned(&world, "cosigned", &stubs).1, ["w0", "w1"]);
}

/// What the house could not have signed honestly.
fn signed(world: &World, size: u64) -> SignedCheckpoint {
    let origin = origin(world.house.as_str(), world.sale.as_str());
    let key = ed25519_dalek::SigningKey::from_bytes(&[42; 32]);
    let key = SealingKey::new(origin, key).expect("the house's own key");
    assert_eq!(key.verifying_key(), world.sealing_key());
    key.sign(size, Hash::of(b"another tree"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_witness_that_proves_another_history_stops_the_house() {
    let odd = [(Manner::IsAhead(5_000), 5_000), (Manner::IsInconsistent, 4)];
    for (manner, size) in odd {
        let mut world = World::new(ITEMS);
        let (one, two) = (Stub::new(0, Manner::Honest).await, Stub::new(1, manner).await);
        asks(&mut world, &[&one, &two]);
        two.show(&signed(&world, size));
        let server = world.serve().await;
        let failure = server.end().await.expect_err("it stops");
        let ServerFailure::Floor(FloorFailure::Forked { holder, size: found }) = failure else {
            panic!("{failure}")
        };
        assert_eq!((holder.as_str(), found), ("the witness w1", size));
    }
}

/// A sale that was stopped, with a copy of its files from before its last bids.
async fn a_sale_and_its_backup(world: &World) -> tempfile::TempDir {
    let server = world.serve().await;
    let alice = world.person("alice");
    let mut a = alice.gavel(&server).await;
    alice.enrol(&mut a).await;
    server.stop().await;
    let backup = tempfile::tempdir().expect("a folder");
    copy_files(world.folder.path(), backup.path());
    let server = world.serve().await;
    bids(world, &server, 3).await;
    server.stop().await;
    backup
}

fn copy_files(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("lists") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("copies");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn yesterdays_backup_starts_nowhere_where_a_witness_is_asked() {
    let mut world = World::new(ITEMS);
    let one = Stub::new(0, Manner::Honest).await;
    asks(&mut world, &[&one]);
    let backup = a_sale_and_its_backup(&world).await;
    let origin = origin(world.house.as_str(), world.sale.as_str());
    let witnesses = world.witnesses().expect("one");
    let shown = |looked: Vec<gavel::server::Looked>| -> Vec<ShownCheckpoint> {
        let [looked] = &looked[..] else { panic!("one") };
        let note = looked.shows.clone().expect("it answers").expect("it has cosigned");
        vec![ShownCheckpoint { by: looked.name.clone(), note }]
    };
    let seen = shown(within(witnesses.look(&origin)).await);
    world.try_to_begin(seen.clone()).map(drop).expect("the ledger is the newest");

    copy_files(backup.path(), world.folder.path());
    let before = fs::read(world.ledger()).expect("a ledger");
    let failure = world.try_to_begin(seen.clone()).map(drop).expect_err("it was set back");
    let StartFailure::Rewound { by, size, lines } = failure else { panic!("{failure}") };
    assert_eq!((by.as_str(), size), ("w0", one.size()));
    assert!(lines < size);
    assert_eq!(fs::read(world.ledger()).expect("a ledger"), before, "nothing was touched");

    // Nor without any ledger, anchor and mark of the key.
    fs::remove_file(world.ledger()).expect("removes");
    fs::remove_file(world.ledger().with_extension("checkpoint")).expect("removes");
    fs::remove_file(world.ledger().with_extension("cosigned")).expect("removes");
    world.forget_the_key_was_used();
    let failure = world.try_to_begin(seen).map(drop).expect_err("it was lost");
    assert!(matches!(failure, StartFailure::Rewound { lines: 0, .. }), "{failure}");
    let stranger = ShownCheckpoint { by: "w0".to_owned(), note: "house/sale\n9\n".to_owned() };
    world.try_to_begin(vec![stranger]).map(drop).expect("what nobody signed proves nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cosigned_checkpoint_beside_an_older_ledger_is_noticed_too() {
    let mut world = World::new(ITEMS);
    let one = Stub::new(0, Manner::Honest).await;
    asks(&mut world, &[&one]);
    let backup = a_sale_and_its_backup(&world).await;
    fs::remove_file(backup.path().join("estate-2026.cosigned")).expect("removes");
    copy_files(backup.path(), world.folder.path());
    let failure = world.try_to_begin(Vec::new()).map(drop).expect_err("it was set back");
    let StartFailure::Rewound { by, .. } = failure else { panic!("{failure}") };
    assert!(by.ends_with("estate-2026.cosigned"), "{by}");
    // A damaged one is no reason to stay away, and is replaced.
    fs::write(world.ledger().with_extension("cosigned"), b"\xff half").expect("writes");
    let server = world.serve().await;
    // The witness holds what the backup lacks, and says so.
    let failure = server.end().await.expect_err("it stops");
    assert!(matches!(failure, ServerFailure::Floor(FloorFailure::Forked { .. })), "{failure}");
}
