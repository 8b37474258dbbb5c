//! What people see of cosigned checkpoints, and what they take home.

use gavel::ledger::{SealingKey, origin};
use gavel::time::Span;

use crate::house::House;
use crate::stub::{Manner, Stub};
use crate::{Hall, said, talk};

/// A hall whose sale is witnessed, and the policy that two of these witnesses make.
async fn witnessed(stubs: &[&Stub], ends_in: Span) -> Hall {
    let mut house = House::new();
    house.ends_in = Some(ends_in);
    house.witnesses = stubs.iter().map(|stub| stub.flag().parse().expect("a witness")).collect();
    Hall::new(house).await
}

/// Writes a policy over these witnesses, of whom all are required; gives its path.
fn policy(hall: &Hall, name: &str, stubs: &[&Stub]) -> String {
    let house = &hall.house;
    let origin = origin(house.name.as_str(), house.sale.as_str());
    let key = SealingKey::new(origin, house.sealing.clone()).expect("a key");
    let mut text = format!("log {}\n", key.vkey());
    let names = ["seller", "press", "absent"];
    for (name, stub) in names.iter().zip(stubs) {
        text.push_str(&format!("witness {name} {}\n", stub.key().public().vkey()));
    }
    let group = names[..stubs.len()].join(" ");
    text.push_str(&format!("group all-of-them all {group}\nquorum all-of-them\n"));
    let path = hall.folder.path().join(name);
    std::fs::write(&path, text).expect("writes");
    path.to_str().expect("plain").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_is_told_who_has_cosigned_and_whether_that_is_enough() {
    let (one, two) = (Stub::new(0, Manner::Honest).await, Stub::new(1, Manner::Honest).await);
    let absent = Stub::new(2, Manner::HangsUp).await;
    let hall = witnessed(&[&one, &two], Span::from_ms(1_500)).await;
    let enough = policy(&hall, "enough.policy", &[&one, &two]);
    let too_many = policy(&hall, "too-many.policy", &[&one, &two, &absent]);
    let (held, more) = (["--json", "--policy", &enough], ["--policy", &too_many]);
    let (plain, met, unmet) = tokio::join!(
        hall.run("watch", "eve", &[], ""),
        hall.run("watch", "dan", &held, ""),
        hall.run("watch", "kim", &more, ""),
    );
    assert_eq!(plain.status.code(), Some(0), "{}", talk(&plain));
    let ledger = hall.house.ledger();
    let lines = ledger.lines().count() - 1;
    let all = format!("cosigned: all {lines} lines, by");
    let words = talk(&plain);
    assert!(words.contains(" lines, by w0, w1 (keys not given)\n"), "{words}");
    assert!(words.ends_with(&format!("{all} w0, w1 (keys not given)\n")), "{words}");
    assert_eq!(met.status.code(), Some(0), "{}", talk(&met));
    assert_eq!(said(&met), ledger, "standard output is the ledger's alone");
    let is_met = format!("{all} seller, press; the policy's quorum is met\n");
    assert!(talk(&met).ends_with(&is_met), "{}", talk(&met));
    assert_eq!(unmet.status.code(), Some(3), "{}", talk(&unmet));
    let is_unmet = "the quorum is NOT met: all-of-them needs 3 of its 3, and has 2; absent has not \
                    cosigned\n";
    assert!(talk(&unmet).ends_with(is_unmet), "{}", talk(&unmet));

    let elsewhere =
        std::fs::read_to_string(&enough).expect("reads").replace("log meridian/", "log other/");
    std::fs::write(&enough, elsewhere).expect("writes");
    let wrong = hall.run("watch", "dan", &["--policy", &enough], "").await;
    assert_eq!(wrong.status.code(), Some(2), "{}", talk(&wrong));
    hall.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_fetches_the_ledger_can_show_that_a_quorum_has_seen_it() {
    let (one, two) = (Stub::new(0, Manner::Honest).await, Stub::new(1, Manner::Honest).await);
    let hall = witnessed(&[&one, &two], Span::from_ms(1)).await;
    let policy = policy(&hall, "enough.policy", &[&one, &two]);
    let file = hall.folder.path().join("estate.jsonl");
    let name = file.to_str().expect("plain");
    // The sale has closed at once, and its witnesses have had no time to speak of.
    let bid = hall.run("bid", "alice", &["LIST"], "").await;
    assert_eq!(bid.status.code(), Some(0), "{}", talk(&bid));
    let fetched = hall.run("fetch", "alice", &[name], "").await;
    assert_eq!(fetched.status.code(), Some(0), "{}", talk(&fetched));
    let cosigned = format!("{name}.cosigned");
    let row = "cosigned   ";
    assert!(said(&fetched).contains(row), "{}", said(&fetched));
    assert!(said(&fetched).contains(&format!(" --checkpoint {cosigned}")), "{}", said(&fetched));

    let trust = format!("sha256:{}", hall.house.ca.anchor().fingerprint());
    let verify = |more: &[&str]| {
        let words = [&["verify", name, "--trust", &trust][..], more].concat();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_gavel")).args(words).output();
        output.expect("runs")
    };
    let verified = verify(&["--policy", &policy, "--checkpoint", &cosigned]);
    assert_eq!(verified.status.code(), Some(0), "{}{}", said(&verified), talk(&verified));
    let alone = verify(&["--policy", &policy]);
    assert_eq!(alone.status.code(), Some(3), "without it: {}", said(&alone));
    hall.server.stop().await;
}
