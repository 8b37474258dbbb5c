//! `gavel serve`: a sale, from its files to its close.
//!
//! What is wrong is found before anything is touched or anybody can connect;
//! the shell then runs until the operator or the sale ends it. The banner and
//! the last words go to stdout, the console's lines to stderr.

mod banner;
mod check;
pub(super) mod console;
mod copy;
mod expiry;
pub(super) mod fault;
mod terms;
mod witnesses;

use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ed25519_dalek::SigningKey;
use tokio::runtime::Runtime;

use super::house_folder::flag;
use super::{Exit, Failure, print, sale_file, when};
use crate::auction::name::{SaleId, Title};
use crate::clock::Clock;
use crate::pki::keys::{KeyFault, shown};
use crate::pki::{Crl, HouseFolder, SealingKeyState, ServeFolder, Serving};
use crate::record::SaleFile;
use crate::server::{
    Begun, CopyEnd, FloorEnd, MarkUsed, Sealing, Server, Settings, Setup, Witness, Witnesses,
    begin, stop_signal,
};
use crate::time::{Span, Timestamp};

/// The sale file where nobody names one.
const ITEMS: &str = "items.json";
const LEDGER: &str = "ledger";

/// Run the sale: open it, or go on with it where its ledger ends
///
/// Ctrl-C stops it in good order; the same command goes on with it. After the close the
/// server stays, giving receipts and the ledger, until it is stopped.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The sale file
    #[arg(default_value = ITEMS)]
    items: PathBuf,
    /// Where to listen [default: the prepared address]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// When lots without any bid close unsold, as in 20s, 90m or 2h [default: as the sale file says, else 24h]
    #[arg(long, value_name = "DURATION", value_parser = when::parse_span)]
    ends_in: Option<Span>,
    /// Take hand-typed bids too, whose only evidence is the house's word
    #[arg(long)]
    allow_unsigned: bool,
    /// Stop once the sale has closed
    #[arg(long)]
    exit_on_close: bool,
    /// Go on though the wall clock is before the ledger's last entry; the ledger records it
    #[arg(long)]
    accept_clock: bool,
    /// Keep the newest checkpoint in this folder, best on another disk
    #[arg(long, value_name = "DIR")]
    checkpoint_dir: Option<PathBuf>,
    /// Keep a copy of everything that goes on with the sale in this folder, on another disk
    ///
    /// Each frame is on both disks before anybody is answered. Where this machine dies, `gavel
    /// serve` in that folder, on another, goes on with the sale. A copy that fails is given up,
    /// loudly, and the sale goes on.
    #[arg(long, value_name = "DIR")]
    copy: Option<PathBuf>,
    /// Have a witness cosign the sale's checkpoints: where it takes them, and its key of type 0x04;
    /// give the flag once for each
    ///
    /// A witness remembers how far the ledger has come, so that nobody can take it back. No bid
    /// waits for one. The newest cosigned checkpoint stands beside the anchor, as SALE.cosigned,
    /// and every client gets it.
    #[arg(long, value_name = "URL=VKEY")]
    witness: Vec<Witness>,
    /// The folder of ledgers
    #[arg(long, value_name = "DIR", default_value = LEDGER)]
    ledger: PathBuf,
    /// The house's folder of keys and certificates
    #[arg(long, value_name = "DIR", default_value = "pki")]
    pki: PathBuf,
    /// The sale's id [default: the file's, else the one that is prepared]
    #[arg(long, value_name = "ID")]
    sale: Option<SaleId>,
    /// What the sale is called [default: as the file says, else its id]
    #[arg(long, value_name = "TEXT", value_parser = Title::parse)]
    title: Option<Title>,
    /// Write the console's lines as JSON
    #[arg(long)]
    json_logs: bool,
    /// Test everything that the sale needs, start nothing and change nothing
    #[arg(long, conflicts_with_all = ["exit_on_close", "json_logs"])]
    check: bool,
    /// With --check: one JSON object instead of text
    #[arg(long, requires = "check")]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    if args.check { check::run(args) } else { serve(args) }
}

fn serve(args: &Args) -> Result<Exit, Failure> {
    let console = console::start(args.json_logs).map_err(|error| fault::of_system(&error))?;
    let now = Clock::start().now();
    let file = sale_file::read(&args.items)?;
    terms::check_flags(args, &file)?;
    let folder = HouseFolder::at(args.pki.clone()).serve();
    let serving = folder.open(now)?;
    let sale = terms::choose_sale(args, &file)?;
    let listen = listen_address(args, &serving)?;
    let crl = read_crl(&folder, &serving)?;
    let _sealing = folder.hold_sealing_key(&sale).map_err(fault::of_sealing_lock)?;
    let copy = copy::SecondDisk::of(args)?;
    let mut gathered = gather(args, &folder, &serving, &sale, &file, now)?;
    let runtime = runtime()?;
    let witnesses = witnesses::of(args, &serving.particulars.house, &sale)?;
    let looked = witnesses::look(witnesses.as_ref(), &serving.particulars.house, &sale, &runtime);
    witnesses::warn(&looked);
    gathered.setup.shown = witnesses::shown(&looked);
    let begun = begin_sale(args, &folder, copy.as_ref(), gathered)?;
    let stays_open = terms::stays_open(&file, begun.opening().terms.sale.sale_ends_at);
    for note in file.notes.iter().chain(&stays_open) {
        tracing::warn!("{note}");
    }
    expiry::warn(&serving, &crl, begun.opening(), now);
    let ledger = begun.ledger().to_owned();
    let banner = banner::Banner::of(args, &file, &begun, &serving);
    let settings = Evening { args, folder, serving, witnesses, copy, listen };
    let (end, not_erased) = settings.run(begun, &banner, &console, &runtime)?;
    console.now();
    if !args.json_logs {
        print::talk(&format!("{}\n", end.summary));
    } else {
        console::metrics(&end.summary);
        end.cosigning.iter().for_each(console::cosigning);
        console.now();
    }
    print::results(&banner::last_words(args, &sale, &ledger, &end, &banner));
    match (not_erased, end.copy) {
        (Some(failure), _) => Err(failure),
        (None, Some(CopyEnd::Lost(lost))) => Err(fault::copy_lost(&lost, end.finished)),
        (None, Some(CopyEnd::Kept(_)) | None) => Ok(Exit::Success),
    }
}

/// Where to listen, tried before a sale is born for nothing.
fn listen_address(args: &Args, serving: &Serving) -> Result<SocketAddr, Failure> {
    let prepared = serving.particulars.address.to_string();
    let text = args.listen.as_deref().unwrap_or(&prepared);
    let found = text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    let address = found.ok_or_else(|| fault::no_address(text))?;
    match TcpListener::bind(address) {
        Ok(_) => Ok(address),
        Err(error) => Err(fault::of_listen(address, &error)),
    }
}

/// The list must be there and good: without it, revoked certificates would get in.
fn read_crl(folder: &ServeFolder, serving: &Serving) -> Result<Crl, Failure> {
    let path = folder.crl_path();
    let Some(bytes) = folder.crl()? else {
        let message = format!("there is no revocation list at {}", shown(&path));
        return Err(
            Failure::usage("bad-crl", message).hint("`gavel pki crl` writes one, where the CA is")
        );
    };
    Crl::read(&bytes, &serving.anchor).map_err(|fault| {
        Failure::usage("bad-crl", format!("{}: {fault}", shown(&path)))
            .hint("`gavel pki crl` makes a new one, where the CA is")
    })
}

/// A sale as the file, the flags and the folders have it: to be begun, or only looked at.
struct Gathered {
    setup: Setup,
    key: Option<SigningKey>,
    state: SealingKeyState,
    /// Until when the sealing certificate is good, if the sale still seals.
    sealed_until: Option<Timestamp>,
}

impl Gathered {
    /// Whether the sealing key may have signed.
    const fn key_used(&self) -> bool {
        matches!(self.state, SealingKeyState::Used | SealingKeyState::Erased)
    }
}

fn gather(
    args: &Args,
    folder: &ServeFolder,
    serving: &Serving,
    sale: &SaleId,
    file: &SaleFile,
    now: Timestamp,
) -> Result<Gathered, Failure> {
    let state = folder.sealing_key_state(sale)?;
    if state == SealingKeyState::Fresh {
        file.check_hours(now).map_err(|error| fault::of_hours(&error, args))?;
    }
    let sealing = match state {
        SealingKeyState::Fresh | SealingKeyState::Used => {
            let house = &serving.particulars.house;
            Some(folder.sealing_credential(sale, &serving.anchor, house, now)?)
        }
        // Only a sale that has finished needs none.
        SealingKeyState::Erased | SealingKeyState::Missing => None,
    };
    let sealed_until = sealing.as_ref().map(|sealing| sealing.sealer.not_after);
    let (key, sealer) = sealing.map(|sealing| (sealing.key, sealing.certificate)).unzip();
    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce).map_err(|_| Failure::from(KeyFault::Randomness))?;
    let setup = Setup {
        house: serving.particulars.house.clone(),
        sale: sale.clone(),
        title: terms::title(args, file, sale),
        lots: file.lot_terms(),
        reserves: terms::reserves(file)?,
        terms: terms::terms(args, file, now),
        anchor: serving.anchor.clone(),
        sealer: sealer.unwrap_or_default(),
        nonce,
        software: plain_title(concat!("gavel ", env!("CARGO_PKG_VERSION"))),
        ledger_folder: args.ledger.clone(),
        checkpoint_folder: args.checkpoint_dir.clone(),
        copy_folder: args.copy.as_ref().map(|folder| folder.join("ledger")),
        accept_clock: args.accept_clock,
        shown: Vec::new(),
    };
    Ok(Gathered { setup, key, state, sealed_until })
}

fn begin_sale(
    args: &Args,
    folder: &ServeFolder,
    copy: Option<&copy::SecondDisk>,
    gathered: Gathered,
) -> Result<Begun, Failure> {
    let used = gathered.key_used();
    let sale = gathered.setup.sale.clone();
    let mark_used = MarkUsed(Box::new(|| {
        folder.mark_sealing_key_used(&sale)?;
        copy.map_or(Ok(()), |copy| copy.bring_papers(args, folder, &sale))
    }));
    begin(gathered.setup, Sealing { key: gathered.key, used, mark_used })
        .map_err(|failure| fault::of_start(&failure, args))
}

/// An id or a version is always fit to be a title.
fn plain_title(text: &str) -> Title {
    Title::parse(text).expect("short and without control characters")
}

/// What a server runs on, besides its sale.
struct Evening<'a> {
    args: &'a Args,
    folder: ServeFolder,
    serving: Serving,
    witnesses: Option<Witnesses>,
    copy: Option<copy::SecondDisk>,
    listen: SocketAddr,
}

impl Evening<'_> {
    /// Runs the shell; says how it ended, and where the sealing key could not be erased.
    fn run(
        self,
        begun: Begun,
        banner: &banner::Banner,
        console: &console::Settling,
        runtime: &Runtime,
    ) -> Result<(FloorEnd, Option<Failure>), Failure> {
        // Not in what the floor gives back: its thread may still hold the closure when it has ended.
        let not_erased = Arc::new(Mutex::new(None));
        let (sale, noted) = (begun.opening().sale.clone(), Arc::clone(&not_erased));
        let (folder, copy) = (self.folder, self.copy);
        let settings = Settings {
            listen: self.listen,
            key: self.serving.server,
            anchor: self.serving.anchor,
            crl: Some(folder.crl_path()),
            witnesses: self.witnesses,
            exit_on_close: self.args.exit_on_close,
            on_finished: Box::new(move || {
                let own = folder.erase_sealing_key(&sale);
                let own = own.map_err(|fault| fault::key_not_erased(&fault));
                let copies = copy.as_ref().map_or(Ok(()), |copy| copy.erase_sealing_key(&sale));
                if let Err(failure) = own.and(copies) {
                    tracing::error!("the sealing key could not be erased: {}", failure.message());
                    *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
                }
            }),
        };
        let end = runtime.block_on(async {
            let stop = stop_signal()?;
            let server = Server::bind(settings, begun).await?;
            // The two streams often share a terminal: what was said first stands first.
            console.now();
            print::results(&banner.text(server.address()));
            server.run(stop).await
        });
        let end = end.map_err(|failure| fault::of_server(&failure, self.args))?;
        let not_erased = not_erased.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok((end, not_erased))
    }
}

fn runtime() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| fault::of_system(&error))
}

/// The command that goes on with a sale, as it was called.
fn command(args: &Args, sale: &SaleId) -> String {
    let mut command = format!("gavel serve {} --sale {sale}", shown(&args.items));
    if let Some(listen) = &args.listen {
        command.push_str(&format!(" --listen {}", shown(Path::new(listen))));
    }
    if let Some(folder) = &args.checkpoint_dir {
        command.push_str(&format!(" --checkpoint-dir {}", shown(folder)));
    }
    if let Some(folder) = &args.copy {
        command.push_str(&format!(" --copy {}", shown(folder)));
    }
    if args.ledger != Path::new(LEDGER) {
        command.push_str(&format!(" --ledger {}", shown(&args.ledger)));
    }
    command.push_str(&witnesses::flags(args));
    command.push_str(&flag(&args.pki));
    for (set, flag) in [(args.exit_on_close, " --exit-on-close"), (args.json_logs, " --json-logs")]
    {
        command.push_str(if set { flag } else { "" });
    }
    command
}
