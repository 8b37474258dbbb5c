//! `gavel witness`: cosigns checkpoints of logs, and makes and names its key.

mod fault;

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};

use super::serve::{console, fault as serve_fault};
use super::{Exit, Failure, print, when};
use crate::clock::Clock;
use crate::ledger::CosignerKey;
use crate::limits::{CLOCK_MIN_MS, LOGS_FILE_BYTES_MAX};
use crate::pki::keys::{self, shown};
use crate::server::stop_signal;
use crate::time::Timestamp;
use crate::witness::{Logs, Server, StateFolder, Witness, key};

/// Run a witness: cosign the checkpoints of logs that only grow (C2SP tlog-witness)
///
/// Each log's checkpoint is cosigned only if it contains every one cosigned before. Make a key
/// first, with `gavel witness keygen`. Requests and answers are public and signed: for TLS, put a
/// reverse proxy before it. Ctrl-C stops it in good order.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Where to listen for HTTP
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:7680")]
    listen: String,
    /// The witness's key, as `gavel witness keygen` made it
    #[arg(long, value_name = "FILE", required = true)]
    key: Option<PathBuf>,
    /// The logs to serve: a file of lines `log VKEY [URL]`, as in a tlog-policy
    #[arg(long, value_name = "FILE", required = true)]
    logs: Option<PathBuf>,
    /// The folder that holds what was cosigned [default: the key's file with .state]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Write the console's lines as JSON
    #[arg(long)]
    json_logs: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Keygen(KeygenArgs),
    Vkey(VkeyArgs),
}

/// Make the key and the state of a new witness, and print its verifier key
///
/// NAME stands in every cosignature, best as an address without `https://` that is yours, such as
/// seller.example/witness. Publish the key that is printed: it is what a trust policy names.
#[derive(Debug, clap::Args)]
struct KeygenArgs {
    /// The witness's name: no spaces, no plus
    #[arg(value_name = "NAME")]
    name: String,
    /// Where the key is to be kept; it is never overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The folder for what will be cosigned [default: the key's file with .state]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

/// Print the verifier key of a witness again
#[derive(Debug, clap::Args)]
struct VkeyArgs {
    /// The witness's key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    match (&args.command, &args.key, &args.logs) {
        (Some(Command::Keygen(args)), _, _) => keygen(args),
        (Some(Command::Vkey(args)), _, _) => {
            let key = key::read(&args.key).map_err(fault::of_key)?;
            print::results(&format!("{}\n", key.public().vkey()));
            Ok(Exit::Success)
        }
        (None, Some(key), Some(logs)) => witness(args, key, logs),
        (None, _, _) => {
            Err(Failure::usage("file-missing", "a witness needs --key FILE and --logs FILE"))
        }
    }
}

/// Where a key's state is, unless somebody says otherwise.
fn state_folder(key: &Path, given: Option<&PathBuf>) -> PathBuf {
    given.cloned().unwrap_or_else(|| {
        let mut name = key.as_os_str().to_owned();
        name.push(".state");
        PathBuf::from(name)
    })
}

/// The state first: a key without one would look like a witness that has lost it.
fn keygen(args: &KeygenArgs) -> Result<Exit, Failure> {
    if keys::is_there(&args.out)? {
        return Err(keys::KeyFault::Exists { path: args.out.clone() }.into());
    }
    let new = key::make(&args.name).map_err(fault::of_key)?;
    let folder = state_folder(&args.out, args.state.as_ref());
    StateFolder::create(&folder, new.key().public()).map_err(|found| fault::of_folder(&found))?;
    new.write(&args.out)?;
    print::results(&format!("{}\n", new.key().public().vkey()));
    print::talk(&format!(
        "the key is in {}, what it cosigns will be in {}\n\
         Publish the line above: it is the witness's verifier key.\n\
         Keep the two together, and never bring back an older copy of the folder: a witness that\n\
         forgets what it cosigned convicts itself. One that has lost it is retired.\n",
        shown(&args.out),
        shown(&folder)
    ));
    Ok(Exit::Success)
}

fn witness(args: &Args, key: &Path, logs: &Path) -> Result<Exit, Failure> {
    let console = console::start(args.json_logs).map_err(|error| serve_fault::of_system(&error))?;
    let clock = Clock::start();
    check_clock(clock.wall())?;
    let folder = state_folder(key, args.state.as_ref());
    let key = key::read(key).map_err(fault::of_key)?;
    let public = key.public().clone();
    let logs = read_logs(logs, &public)?;
    let mut banner = facts(&public, &logs, &folder);
    let witness = Witness::open(key, logs, &folder).map_err(|found| fault::of_open(&found))?;
    warn_of_clock(&witness, clock.wall());
    banner.push_str(&line("cosigned", &format!("{} logs so far", witness.state().len())));
    let listen = listen_address(&args.listen)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| serve_fault::of_system(&error))?;
    let end = runtime.block_on(async {
        let stop = stop_signal().map_err(|error| fault::of_signals(&error))?;
        let server = Server::bind(listen, witness, clock).await.map_err(fault::of_server)?;
        console.now();
        print::results(&banner);
        print::results(&line("listens on", &format!("http://{}/", server.address())));
        server.run(stop).await.map_err(fault::of_server)
    });
    console.now();
    end?;
    print::talk("the witness has stopped; what it cosigned is in its state\n");
    Ok(Exit::Success)
}

fn read_logs(path: &Path, witness: &CosignerKey) -> Result<Logs, Failure> {
    let text = keys::read_public(path, LOGS_FILE_BYTES_MAX)?;
    Logs::read(&text, witness).map_err(|error| {
        Failure::usage("bad-logs", format!("{}: {error}", shown(path)))
            .hint("each line is: log VKEY [URL]; `gavel ledger vkey` and `gavel prepare` print a sale's VKEY")
    })
}

fn facts(key: &CosignerKey, logs: &Logs, folder: &Path) -> String {
    let served = match logs.origins().count() {
        0 => "none: every request will be answered 404".to_owned(),
        count => count.to_string(),
    };
    [
        line("witness", key.name()),
        line("key", &key.vkey().to_string()),
        line("logs", &served),
        line("state", &shown(folder)),
    ]
    .concat()
}

fn line(name: &str, value: &str) -> String {
    format!("{name:<13}{value}\n")
}

/// A cosignature's time is a statement: one of 1970 would be a false one.
fn check_clock(now: Timestamp) -> Result<(), Failure> {
    if now.unix_ms() >= CLOCK_MIN_MS {
        return Ok(());
    }
    let message = format!("the clock says {}", when::moment(now));
    Err(Failure::operator("clock-wrong", message).hint("set the machine's clock, then start again"))
}

/// Says which logs must wait, because the clock was ahead once or is behind now.
fn warn_of_clock(witness: &Witness, now: Timestamp) {
    for record in witness.state().records().filter(|record| record.time_s() > now.unix_s()) {
        let ahead_s = record.time_s() - now.unix_s();
        tracing::warn!(
            log = ?record.checkpoint().origin,
            ahead_s,
            "was cosigned at a time that the clock has not reached: it is not cosigned before"
        );
    }
}

fn listen_address(text: &str) -> Result<SocketAddr, Failure> {
    let found = text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    found.ok_or_else(|| serve_fault::no_address(text))
}
