//! `gavel loadtest`: many real bidders against a real server, every answer checked.

use std::fmt::Display;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::ArgGroup;
use clap::builder::PossibleValuesParser;
use serde::Serialize;

use super::scratch::Scratch;
use super::{Exit, Failure, fault, print};
use crate::loadtest::{self, Hostile, Light, LoadFailure, Pace, Plan, Siege, Style};
use crate::time::Span;

/// Bidders of a flat-out run where nobody says.
const BIDDERS: usize = 50;
/// The seed's bidders.
const SEED_BIDDERS: usize = 1_000;
/// Bidders among idle clients where nobody says: each bid is told to all of those.
const IDLE_BIDDERS: usize = 2;
/// How long they think between two bids.
const IDLE_PAUSE: Span = Span::from_s(1);
/// How many pairs of runs are compared where nobody says.
const PAIRS: u8 = 7;
/// How many bids a second all bidders of such a run place together: enough to measure, and so few
/// that none waits for another.
const BIDS_PER_S: u64 = 50;
/// What makes clients light.
const LIGHT: [&str; 7] = ["light", "rate", "watchers", "one_lot", "sign_live", "quiet", "limits"];
/// As many bids as the server lets one connection have on their way.
const IN_FLIGHT_MAX: u8 = 64;
/// Seconds of a flat-out run where nobody says.
const SECONDS: u64 = 10;

/// Measure a server under load: many real bidders over mutual TLS, every receipt checked
///
/// It starts a server of its own on a free port of this machine, with throw-away credentials,
/// and audits the ledger afterwards. Exit 0 only if nothing went wrong, the ledger is VALID and
/// holds exactly the bids that were acknowledged.
///
/// With --light, and with every option that says so, the clients are light: bids are signed
/// beforehand, and what the server says is counted, not checked, so that the generator costs little.
#[derive(Debug, clap::Args)]
#[command(group(
    ArgGroup::new("light clients")
        .args(LIGHT)
        .multiple(true)
        .conflicts_with_all(["seed_style", "witnesses", "idle", "against"])
))]
pub(super) struct Args {
    /// How many bidders [default: 50; with --seed-style 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=10_000))]
    bidders: Option<u16>,
    /// How long they bid flat out
    #[arg(
        long, value_name = "S", default_value_t = SECONDS,
        value_parser = clap::value_parser!(u64).range(1..=3_600), conflicts_with = "seed_style"
    )]
    seconds: u64,
    /// Three random bids each, half a second to two seconds apart, all bidders at once
    #[arg(long)]
    seed_style: bool,
    /// Run it twice, without witnesses and with so many, and compare what bidders feel
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    witnesses: Option<u8>,
    /// Let so many clients be there besides, welcomed and reading, and measure the memory and the
    /// wait of a bid among them; the bidders think for a second between two bids [bidders: 2]
    #[arg(
        long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=11_900),
        conflicts_with_all = ["seed_style", "witnesses"]
    )]
    idle: Option<u16>,
    /// Compare what bidders feel without and with clients that misbehave in this way, in pairs of
    /// runs of --seconds each, turn and turn about
    #[arg(
        long, value_name = "KIND", conflicts_with_all = ["seed_style", "witnesses", "idle"],
        value_parser = PossibleValuesParser::new(Hostile::ALL.map(Hostile::name))
    )]
    against: Option<String>,
    /// How many of them at once [default: 1 stopped reader, 2000 silent sockets, else some]
    #[arg(
        long, value_name = "N", requires = "against",
        value_parser = clap::value_parser!(u16).range(1..=4_000)
    )]
    hostile: Option<u16>,
    /// How many pairs of runs
    #[arg(
        long, value_name = "N", requires = "against", default_value_t = PAIRS,
        value_parser = clap::value_parser!(u8).range(1..=99)
    )]
    pairs: u8,
    /// Light clients: each bids again as soon as it has its answer
    #[arg(long)]
    light: bool,
    /// Light clients: so many bids a second, whatever the answers do; waits count from when a bid
    /// was due
    #[arg(
        long, value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..=1_000_000)
    )]
    rate: Option<u64>,
    /// Light clients: so many of those bids are due at once
    #[arg(
        long, value_name = "N", requires = "rate", default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..=10_000)
    )]
    burst: u64,
    /// Light clients: how many bids each bidder may have on their way
    #[arg(
        long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u8).range(1..=64)
    )]
    in_flight: u8,
    /// Light clients: so many besides who only listen
    #[arg(
        long, value_name = "N", default_value_t = 0,
        value_parser = clap::value_parser!(u16).range(0..=11_000)
    )]
    watchers: u16,
    /// Light clients: everybody bids on one lot, and signs when it bids
    #[arg(long)]
    one_lot: bool,
    /// Light clients: bids are signed when they are sent, as on one lot, to compare with that
    #[arg(long)]
    sign_live: bool,
    /// Light clients: the bidders ask for no live lines, and get their answers alone
    #[arg(long)]
    quiet: bool,
    /// Light clients: measure what this machine allows in the same run, and print the share of it
    #[arg(long)]
    limits: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Keep the house, the ledger and the server's log in this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let scratch = Scratch::new(args.keep.as_deref(), "loadtest")?;
    let (style, bidders) = if args.seed_style {
        (Style::Seed, SEED_BIDDERS)
    } else if args.idle.is_some() {
        (Style::Paced { span: Span::from_s(args.seconds), pause: IDLE_PAUSE }, IDLE_BIDDERS)
    } else {
        (Style::FlatOut { span: Span::from_s(args.seconds) }, BIDDERS)
    };
    let program = std::env::current_exe()
        .map_err(|error| Failure::operator("loadtest-failed", fault::whole(&error)))?;
    let plan = Plan {
        bidders: args.bidders.map_or(bidders, usize::from),
        style,
        idle: args.idle.map_or(0, usize::from),
        witnesses: args.witnesses.unwrap_or(0),
        folder: scratch.path().to_owned(),
        program,
    };
    let tells = std::io::stderr().is_terminal();
    let tell = |stage| {
        if tells {
            print::talk(&format!("{stage} ...\n"));
        }
    };
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::operator("loadtest-failed", fault::whole(&error)))?;
    let is_good = if args.is_light() {
        let (light, bidders) = (light(args), plan.bidders);
        let plan = Plan { style: light.style(bidders, Span::from_s(args.seconds)), ..plan };
        let report = runtime.block_on(loadtest::light(&plan, &light, tell))?;
        show(args, &report);
        report.is_good()
    } else if let Some(kind) = args.against.as_deref().and_then(Hostile::named) {
        let siege = siege(args, kind);
        let plan = Plan { style: siege.style(plan.bidders), ..plan };
        let report = runtime.block_on(loadtest::against(&plan, &siege, tell))?;
        show(args, &report);
        report.is_good()
    } else if plan.witnesses > 0 {
        let comparison = runtime.block_on(loadtest::compare(&plan, tell))?;
        show(args, &comparison);
        comparison.is_good()
    } else {
        let report = runtime.block_on(loadtest::run(&plan, tell))?;
        show(args, &report);
        report.is_good()
    };
    Ok(if is_good { Exit::Success } else { Exit::Wrong })
}

fn siege(args: &Args, kind: Hostile) -> Siege {
    Siege {
        kind,
        hostile: usize::from(args.hostile.unwrap_or_else(|| kind.usual())),
        pairs: usize::from(args.pairs),
        run: Span::from_s(args.seconds),
        bids_per_s: BIDS_PER_S,
    }
}

impl Args {
    /// Whether its clients are light.
    const fn is_light(&self) -> bool {
        let Self { light, rate, watchers, one_lot, sign_live, quiet, limits, .. } = self;
        *light || rate.is_some() || *watchers > 0 || *one_lot || *sign_live || *quiet || *limits
    }
}

fn light(args: &Args) -> Light {
    let open = |per_s| Pace::Open { per_s, burst: args.burst };
    Light {
        pace: args.rate.map_or(Pace::Closed, open),
        in_flight: usize::from(if args.rate.is_some() { IN_FLIGHT_MAX } else { args.in_flight }),
        watchers: usize::from(args.watchers),
        one_lot: args.one_lot,
        live: args.sign_live,
        quiet: args.quiet,
        limits: args.limits,
    }
}

fn show(args: &Args, report: &(impl Serialize + Display)) {
    let text = if args.json {
        let json = serde_json::to_string_pretty(report).expect("plain values have a JSON form");
        json + "\n"
    } else {
        report.to_string()
    };
    print::results(&text);
}

impl From<LoadFailure> for Failure {
    fn from(failure: LoadFailure) -> Self {
        let message = fault::whole(&failure);
        match failure {
            LoadFailure::Descriptors { .. } => Self::operator("too-few-files", message).hint(
                "raise the hard limit (ulimit -Hn), or take fewer: --bidders N, --watchers N",
            ),
            LoadFailure::File(fault) => fault.into(),
            _ => Self::operator("loadtest-failed", message),
        }
    }
}
