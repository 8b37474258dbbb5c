//! A rewound house: the server is started again on yesterday's copy of its ledger. It refuses by
//! its anchor; with the anchor rolled back too, whoever was there since refuses.

#[path = "program/mod.rs"]
mod program;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use program::{Hall, PATIENCE, said};

/// Bids, keeps a copy of the ledger's folder, and bids on; then the server is gone.
fn two_days(hall: &Hall, flags: &[&str], until: impl Fn(u64)) -> tempfile::TempDir {
    let backup = tempfile::tempdir().expect("a folder");
    let first = hall.serve(flags);
    hall.succeeds(&["bid", "pki/people/alice.pem", "BID", "1", "60"]);
    until(hall.lines());
    drop(first);
    for entry in fs::read_dir(hall.path("ledger")).expect("lists") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, backup.path().join(path.file_name().expect("named"))).expect("copies");
    }
    let second = hall.serve(flags);
    hall.succeeds(&["bid", "pki/people/alice.pem", "BID", "2", "70"]);
    until(hall.lines());
    drop(second);
    backup
}

#[test]
fn a_rewound_ledger_is_refused_by_its_anchor_and_then_by_whoever_was_there() {
    let hall = Hall::new();
    let backup = two_days(&hall, &[], |_| {});

    hall.restore(backup.path(), "spring.jsonl");
    let rewound = hall.ledger();
    let refused = hall.does_not_start(&[]);
    assert_eq!(refused.status.code(), Some(6), "{}", said(&refused));
    assert!(said(&refused).contains("[rolled-back]"), "{}", said(&refused));
    assert_eq!(hall.ledger(), rewound, "nothing is touched");

    hall.restore(backup.path(), "spring.checkpoint");
    let mut third = hall.serve(&[]);
    // Bob was never there: to him nothing is wrong.
    hall.succeeds(&["bid", "pki/people/bob.pem", "STATUS", "1"]);
    let alice = hall.gavel(&["watch", "pki/people/alice.pem"]);
    assert_eq!(alice.status.code(), Some(1), "{}", said(&alice));
    let loud = said(&alice).contains("FORK: ") || said(&alice).contains("ROLLBACK: ");
    assert!(loud && said(&alice).contains("the evidence is kept in"), "{}", said(&alice));
    // Her checkpoint, signed by the house's own key, ends its server.
    assert_eq!(third.0.wait().expect("ends").code(), Some(6));
}

#[test]
fn a_ledger_rewound_with_its_anchor_is_refused_by_the_witness() {
    let hall = Hall::new();
    fs::write(hall.path("logs"), format!("log {}\n", hall.vkey)).expect("writes");
    let key = hall.gavel(&["witness", "keygen", "seller.example", "--out", "seller.key"]);
    let key = String::from_utf8(key.stdout).expect("UTF-8");
    let run = ["witness", "--listen", "127.0.0.1:0", "--key", "seller.key", "--logs", "logs"];
    let (_witness, url) = hall.start(&run);
    let flag = format!("{url}={}", key.trim());
    let flags = ["--witness", flag.as_str()];
    // The answered bid, at least, is cosigned before the server is gone.
    let backup = two_days(&hall, &flags, |lines| {
        let begun = Instant::now();
        while hall.cosigned_lines() + 1 < lines {
            assert!(begun.elapsed() < PATIENCE, "{} of {lines}", hall.cosigned_lines());
            thread::sleep(Duration::from_millis(20));
        }
    });

    for name in ["spring.jsonl", "spring.checkpoint", "spring.cosigned"] {
        hall.restore(backup.path(), name);
    }
    let rewound = hall.ledger();
    let refused = hall.does_not_start(&flags);
    assert_eq!(refused.status.code(), Some(6), "{}", said(&refused));
    assert!(said(&refused).contains("[rewound]"), "{}", said(&refused));
    assert_eq!(hall.ledger(), rewound, "nothing is touched");
}
