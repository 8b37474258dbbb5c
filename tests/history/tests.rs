//! The recorder and the file, without any sale.

use gavel::auction::event::{Outcome, UnsoldReason};

use super::{
    Checked, Event, History, Kind, Recorder, Run, Violation, What, check, read_history,
    write_history,
};

fn made_up() -> History {
    let recorder = Recorder::new(b"no certificate");
    let signed = "{\"bid\":1}\n".to_owned();
    let what = What { signed, lot: Some("1".to_owned()), amount: Some(5), n: Some(1) };
    let op = recorder.invoke(1, "ada", what);
    recorder.unknown(2, op);
    recorder.again(3, op);
    recorder.ok(4, op, "a receipt");
    recorder.refused(5, op, "too-low");
    let connection = recorder.welcomed("ada", 1, "a note");
    recorder.saw("ada", connection, false, 1, ["one", "two"]);
    recorder.asked("ada", connection, 0);
    recorder.saw("ada", connection, true, 0, ["nought", "one"]);
    recorder.saw("ada", connection, false, 3, ["three"]);
    recorder.caught_up("ada", connection, 2);
    recorder.saw("ada", connection, false, 4, ["another four"]);
    recorder.skipped("ada", connection, 9);
    recorder.left(connection);
    recorder.note("anchor", "a note");
    recorder.snapshot(6, b"nought\none\ntwo\nthree\nfour\ntor");
    recorder.winner("ada", "1", &Outcome::Unsold(UnsoldReason::NoBids));
    recorder.history()
}

#[test]
fn lines_are_kept_once_and_runs_are_joined() {
    let history = made_up();
    let runs = history.events.iter().filter_map(|event| match event {
        Event::Saw { asked, run, .. } => Some((*asked, run.from, run.to, run.variant)),
        _ => None,
    });
    let runs: Vec<_> = runs.collect();
    assert_eq!(runs, [(false, 1, 4, 0), (true, 0, 2, 0), (false, 4, 5, 0)]);
    let snapshot = history.events.iter().find_map(|event| match event {
        Event::Snapshot { runs, tail, .. } => Some((runs.clone(), tail.clone())),
        _ => None,
    });
    let run = |from, to, variant| Run { from, to, variant };
    assert_eq!(snapshot, Some((vec![run(0, 4, 0), run(4, 5, 1)], "746f72".to_owned())));
}

#[test]
fn a_history_reads_back_as_it_was_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("history.jsonl");
    let history = made_up();
    write_history(&history, &path).expect("writes");
    assert_eq!(read_history(&path).expect("reads"), history);
}

#[test]
fn what_is_no_history_of_a_sale_is_not_found_good() {
    for (history, why) in [(made_up(), "no CA"), (History::default(), "no CA")] {
        let violations = vec![Violation::Unreadable { why: why.to_owned() }];
        assert_eq!(check(&history), Checked { violations, ..Checked::default() });
    }
}

#[test]
fn each_violation_has_a_kind_of_its_own() {
    let lost = Violation::Lost { op: 1, seq: 2 };
    assert_eq!((lost.kind(), Kind::ALL[0]), (Kind::Lost, Kind::Lost));
    assert!(Kind::ALL.is_sorted_by(|one, next| one < next));
}
