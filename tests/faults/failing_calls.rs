//! EIO and ENOSPC at every write, sync and rename of a short sale: birth, frames, anchor, private
//! file, close, and a start that goes on.
//!
//! A call is named by who makes it and its number there: the main thread's calls are a birth or a
//! recovery, the floor's are the sale. strace counts for each thread; so that the floor's first
//! calls can be met, the tracer comes when the banner is about to be printed, which is held up by
//! a pipe that is full.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _, pipe};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Instant;

use crate::bidders::Crowd;
use crate::disk::Disk;
use crate::hall::{Hall, LOOK_EVERY, PATIENCE, Program, Server, hammers, scratch};
use crate::judge::{Violation, holds, judge};
use crate::tools::{Tool, have, number};
use crate::tracer::{Injection, watched};

/// How many calls fail without `GAVEL_FAILING_CALLS`.
const CALLS: u32 = 4;
const FAILS: [&str; 4] = ["write", "fdatasync", "fsync", "rename"];
const BIDDERS: usize = 2;
const BIDS: usize = 6;

/// Who makes the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Caller {
    /// The main thread, when the sale is born.
    Birth,
    /// The main thread, when a sale goes on.
    Restart,
    /// The floor.
    Floor,
}

/// One call of the sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    caller: Caller,
    call: &'static str,
    n: u32,
}

#[test]
fn a_failing_call_ends_the_server_and_loses_nothing() {
    if !have("failing calls", &[Tool::Strace, Tool::Mount]) {
        return;
    }
    let honest = Program::honest();
    let positions = positions(&honest).unwrap_or_else(|violation| panic!("{violation:?}"));
    let all = u32::try_from(2 * positions.len()).expect("few");
    let calls = number("GAVEL_FAILING_CALLS", CALLS).clamp(1, all);
    let mut missed = Vec::new();
    for index in (0..calls).map(|call| call * all / calls) {
        let position = positions[usize::try_from(index / 2).expect("few")];
        let error = if (index + index / 2).is_multiple_of(2) { "EIO" } else { "ENOSPC" };
        let met = fail(&honest, position, error);
        if !met.unwrap_or_else(|violation| panic!("{position:?}, {error}: {violation:?}")) {
            missed.push(position);
        }
    }
    println!(
        "{calls} failing calls of {all} ({} positions, EIO or ENOSPC): exit 6, none lost; not met: {missed:?}",
        positions.len()
    );
    assert!(missed.len() <= usize::try_from(calls / 5).expect("few"), "{missed:?}");
}

/// The negative control: one sync in the middle of the bidding fails.
pub(crate) fn one_failing_sync(program: &Program) -> Result<usize, Violation> {
    let position = Position { caller: Caller::Floor, call: "fdatasync", n: 5 };
    fail(program, position, "EIO").map(usize::from)
}

/// A sale whose server meets the error at this position; says whether it did. The power fails
/// after that, before a restart, and after it.
fn fail(program: &Program, position: Position, error: &'static str) -> Result<bool, Violation> {
    let Position { caller, call, n } = position;
    let scratch = scratch();
    let mut disk = Disk::new(scratch.path(), &scratch.path().join("house"));
    let hall = hall(scratch.path(), program);
    disk.settle();
    if caller != Caller::Birth {
        drop(hall.restart()?);
    }
    let crowd = Crowd::gather_for(&hall, BIDDERS, BIDS / BIDDERS);
    let (_, inject) = Injection::Fail { call, n, error }.expression();
    let mut traced = Traced::start(&hall, caller, call, &["-e".to_owned(), inject]);
    let status = a_sale(&hall, &crowd, &mut traced)?;
    let met = traced.log(status).contains("(INJECTED)");
    check_end(status, met, error, &traced.server.said())?;
    drop(traced);

    disk.cut_power(scratch.path());
    holds(&hall.ledger(), &crowd.acknowledged())?;
    let mut server = hall.restart()?;
    crowd.come();
    server.kill();
    disk.cut_power(scratch.path());
    holds(&hall.ledger(), &crowd.acknowledged())?;

    let mut server = hall.restart()?;
    crowd.come();
    let acknowledged = crowd.settle()?;
    // Lots that are closed already are refused; then only the verdict counts.
    let closed = close(&hall, &mut server);
    match judge(&hall, &acknowledged) {
        Ok(()) => Ok(met),
        Err(violation) => Err(closed.err().unwrap_or(violation)),
    }
}

/// What the operator is told: the code, the reason, and what to do.
fn check_end(status: ExitStatus, met: bool, error: &str, said: &str) -> Result<(), Violation> {
    let told = format!("{status}: {said}");
    if !met {
        return if status.success() { Ok(()) } else { Err(Violation::Exit(told)) };
    }
    match status.code() {
        Some(6) => {}
        Some(0) => return Err(Violation::WentOn(told)),
        _ => return Err(Violation::Exit(told)),
    }
    let codes: &[&str] = match error {
        "ENOSPC" => &["[disk-full]", "[file-unwritable]", "[key-not-erased]"],
        _ => &["[ledger-write]", "[file-unwritable]", "[key-not-erased]"],
    };
    let clear = codes.iter().any(|code| said.contains(code)) && said.contains("\nhint: ");
    if clear { Ok(()) } else { Err(Violation::Exit(told)) }
}

/// Bids, a lower reserve, every lot hammered, and a stop in good order, as far as it comes.
fn a_sale(hall: &Hall, crowd: &Crowd, traced: &mut Traced) -> Result<ExitStatus, Violation> {
    let server = &mut traced.server;
    if traced.listens {
        crowd.come();
        if crowd.waits_for(BIDS / 2, server)? {
            // Who finds the server gone says so; how it ended is looked at in any case.
            let _ = hall.control(server, "reserve 1 9000.00 nobody comes near it\n");
        }
        if server.ended().is_none() {
            let _ = close(hall, server);
        }
    }
    crowd.unharmed()?;
    Ok(server.wait())
}

/// The first lot's reserve is not met: it is passed.
fn close(hall: &Hall, server: &mut Server) -> Result<(), Violation> {
    hall.close_by(server, &format!("pass 1\n{}", hammers()))
}

fn hall(scratch: &Path, program: &Program) -> Hall {
    let hall = Hall::new(scratch, program.clone());
    let lot = |id: usize| {
        let reserve = if id == 1 { r#","reserve":1000000"# } else { "" };
        format!(r#""{id}":{{"name":"Lot {id}","start":1{reserve}}}"#)
    };
    let lots: Vec<String> = (1..=crate::hall::LOTS).map(lot).collect();
    let sale = r#""currency":{"code":"EUR"},"duration":36000,"increments":[[0,1]]"#;
    hall.offer(&format!(r#"{{"sale":{{{sale}}},"lots":{{{}}}}}"#, lots.join(",")));
    hall
}

/// Every call of a sale in which nothing fails.
fn positions(program: &Program) -> Result<Vec<Position>, Violation> {
    let mut found = Vec::new();
    for caller in [Caller::Birth, Caller::Restart, Caller::Floor] {
        let scratch = scratch();
        let hall = hall(scratch.path(), program);
        if caller != Caller::Birth {
            drop(hall.restart()?);
        }
        let crowd = Crowd::gather_for(&hall, BIDDERS, BIDS / BIDDERS);
        let mut traced = Traced::start(&hall, caller, &FAILS.join(","), &["-y".to_owned()]);
        let status = a_sale(&hall, &crowd, &mut traced)?;
        drop(crowd);
        assert!(status.success(), "{}", traced.server.said());
        let main = traced.server.id().to_string();
        let counts = counts(&traced.log(status), &hall.folder(), |thread| {
            (thread == main) == (caller != Caller::Floor)
        });
        let of = |(call, count)| (1..=count).map(move |n| Position { caller, call, n });
        found.extend(counts.into_iter().flat_map(of));
    }
    found.sort_unstable();
    Ok(found)
}

/// How often the busiest of these threads made each call on files in the folder.
fn counts(
    log: &str,
    folder: &Path,
    is_theirs: impl Fn(&str) -> bool,
) -> BTreeMap<&'static str, u32> {
    let folder = folder.to_str().expect("UTF-8");
    let mut of_threads: BTreeMap<(&str, &'static str), u32> = BTreeMap::new();
    for line in log.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        let call = FAILS.iter().find(|call| rest.starts_with(&format!("{call}(")));
        if let Some(call) = call.filter(|_| is_theirs(thread) && rest.contains(folder)) {
            *of_threads.entry((thread, call)).or_default() += 1;
        }
    }
    let mut counts = BTreeMap::new();
    for ((_, call), count) in of_threads {
        let most: &mut u32 = counts.entry(call).or_default();
        *most = count.max(*most);
    }
    counts
}

/// A server under a tracer from its first call on, or from its floor's.
struct Traced {
    // The server goes first: a tracer that is gone lets it run.
    server: Server,
    tracer: Option<Child>,
    listens: bool,
    log: PathBuf,
}

impl Traced {
    fn start(hall: &Hall, caller: Caller, calls: &str, more: &[String]) -> Self {
        let log = hall.people().with_file_name("calls.log");
        let mut words: Vec<String> = ["strace", "-f", "-q", "-o", log.to_str().expect("UTF-8")]
            .map(ToOwned::to_owned)
            .to_vec();
        words.extend(["-e".to_owned(), format!("trace={calls}")]);
        words.extend_from_slice(more);
        if calls == "write" {
            for path in watched(hall) {
                words.extend(["-P".to_owned(), path.to_str().expect("UTF-8").to_owned()]);
            }
        }
        let (server, tracer, listens) = match caller {
            Caller::Birth | Caller::Restart => {
                words.push("-D".to_owned());
                let mut server = hall.start(&words);
                let listens = server.listens();
                (server, None, listens)
            }
            Caller::Floor => {
                let (server, tracer) = attached(hall, &words);
                (server, Some(tracer), true)
            }
        };
        Self { server, tracer, listens, log }
    }

    /// What the tracer saw, once it has seen the end.
    fn log(&self, _ended: ExitStatus) -> String {
        let end = format!("{} +++ ", self.server.id());
        let begun = Instant::now();
        loop {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            let ends = |line: &str| {
                let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
                line.starts_with(&end)
            };
            if log.lines().any(ends) {
                return log;
            }
            assert!(begun.elapsed() < PATIENCE, "the tracer does not end: {log}");
            thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.server.kill();
        if let Some(tracer) = &mut self.tracer {
            let _ = tracer.wait();
        }
    }
}

/// Starts a server and brings the tracer when all that comes before the floor is done.
fn attached(hall: &Hall, words: &[String]) -> (Server, Child) {
    let (mut reader, writer) = pipe().expect("a pipe");
    let filled = fill(writer.try_clone().expect("a pipe"));
    let server = hall.start_with(&[], writer.into());
    let process = PathBuf::from(format!("/proc/{}", server.id()));
    // It waits in write(1, ..): system call 1 on descriptor 1.
    wait_until(&server, || {
        let doing = fs::read_to_string(process.join("syscall")).unwrap_or_default();
        doing.starts_with("1 0x1 ")
    });
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args(["-p", &server.id().to_string()]);
    let tracer = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    wait_until(&server, || {
        let tasks = fs::read_dir(process.join("task")).expect("lists");
        let is_traced = |task: &Path| {
            let status = fs::read_to_string(task.join("status")).unwrap_or_default();
            !status.contains("TracerPid:\t0\n")
        };
        tasks.flatten().all(|task| is_traced(&task.path()))
    });
    let mut before = vec![0; filled];
    reader.read_exact(&mut before).expect("reads what was filled in");
    let mut banner = BufReader::new(reader).lines();
    let listens = banner.any(|line| line.is_ok_and(|line| line.starts_with("listens on")));
    assert!(listens, "{}", server.said());
    // The pipe stays open as long as this thread reads.
    thread::spawn(move || banner.count());
    (server, tracer)
}

/// Fills a pipe, so that whoever writes waits; says with how much.
fn fill(mut pipe: std::io::PipeWriter) -> usize {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let flags = fcntl_getfl(&pipe).expect("flags");
    fcntl_setfl(&pipe, flags | OFlags::NONBLOCK).expect("sets");
    let mut filled = 0;
    while let Ok(more) = pipe.write(&[b'\n'; 512]) {
        filled += more;
    }
    fcntl_setfl(&pipe, flags).expect("sets");
    filled
}

fn wait_until(server: &Server, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{}", server.said());
        thread::sleep(LOOK_EVERY);
    }
}
