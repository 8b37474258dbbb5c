//! What the machine allows: the figures that no server of this design can go below, each measured
//! by itself, and what they come to.
//!
//! A throughput says little without them. All of them are CPU time of the one thread that does
//! the work, in the program and in the kernel, if they are not called waits. What the kernel does
//! for a sender on the loopback device is the receiver's half of the way too, so that a figure
//! over sockets is one of this machine talking to itself.

mod echo;
mod handshakes;
mod parties;
mod send;
mod signatures;

use std::fmt;
use std::io;
use std::path::Path;

use serde::Serialize;

use super::disk::{self, SyncWay};
use super::report::{Conditions, grouped};
use super::venue::allow_descriptors;
use super::{LoadFailure, TrialFault};
use crate::pki::{ServeFault, TlsFault};
use parties::Parties;

/// How often everything but syncs is measured. The least counts: whatever else goes on in the
/// machine only adds, and what costs too much here would make a limit that a server can pass.
const RUNS: usize = 5;

/// What the measured traffic looks like. Where at least one is said, none is taken as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Shape {
    /// How many connections ask; at least one.
    pub connections: usize,
    /// How many connections listen; at least one.
    pub listeners: usize,
    /// How many requests of each wait for an answer; at least one.
    pub in_flight: usize,
    /// A request's length, with its LF; at least one.
    pub request_bytes: usize,
    /// An answer's length, with its LF; at least one.
    pub response_bytes: usize,
    /// The length of a frame of one line, as listeners get it.
    pub small_frame_bytes: usize,
    /// The length of a frame of ten lines.
    pub frame_bytes: usize,
    /// How much is written to the disk before a sync.
    pub sync_bytes: usize,
    /// How often everything is done.
    pub effort: Effort,
}

/// How often everything is done in each of several runs, at least once; syncs have one run alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Effort {
    /// Signatures made, and signatures checked.
    pub signatures: usize,
    /// Requests in all, about.
    pub requests: usize,
    /// Frames to one of those who listen, in all, about.
    pub sends: usize,
    /// Writes to the disk, in each way.
    pub syncs: usize,
    /// Handshakes, in memory and over sockets.
    pub handshakes: usize,
}

impl Shape {
    /// A sale's: 64 connections with 16 bids each on their way, as many that listen, and the lengths of a bid, its
    /// receipt and its line. It is measured in a few seconds.
    pub const fn of_a_sale() -> Self {
        Self {
            connections: 64,
            listeners: 64,
            in_flight: 16,
            request_bytes: 600,
            response_bytes: 1_500,
            small_frame_bytes: 900,
            frame_bytes: 9_000,
            sync_bytes: 4 * 1024,
            effort: Effort {
                signatures: 1_000,
                requests: 20_000,
                sends: 3_200,
                syncs: 200,
                handshakes: 60,
            },
        }
    }

    /// The same with one of everything that a measurement cannot do without.
    fn filled(self) -> Self {
        Self {
            connections: self.connections.max(1),
            listeners: self.listeners.max(1),
            in_flight: self.in_flight.max(1),
            request_bytes: self.request_bytes.max(1),
            response_bytes: self.response_bytes.max(1),
            ..self
        }
    }

    /// Least of everything: what it gives is no measurement.
    #[cfg(test)]
    const fn small() -> Self {
        let effort = Effort { signatures: 2, requests: 8, sends: 4, syncs: 2, handshakes: 1 };
        Self { connections: 2, listeners: 2, in_flight: 2, effort, ..Self::of_a_sale() }
    }
}

/// What the machine allows, under which conditions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Where it was measured.
    pub conditions: Conditions,
    /// On which traffic.
    pub shape: Shape,
    /// One strict check of a bid's Ed25519 signature, under a key that is parsed already.
    pub verify_ns: u64,
    /// The same while each core checks some, the mean.
    pub verify_busy_ns: u64,
    /// One Ed25519 signature over a checkpoint.
    pub sign_ns: u64,
    /// One request and its answer over TLS 1.3, for a server that does nothing else.
    pub tls_echo_ns: u64,
    /// A frame of one line to one of those who listen.
    pub send_small_ns: u64,
    /// A frame of ten lines to one of those who listen.
    pub send_ns: u64,
    /// The server's side of a handshake with certificates on both sides, in memory.
    pub handshake_ns: u64,
    /// The same over sockets, with the connection's beginning and end.
    pub handshake_socket_ns: u64,
    /// A write and its sync, in each way.
    pub syncs: Vec<SyncCost>,
}

/// What it costs to have a frame on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SyncCost {
    /// How it is written.
    pub way: SyncWay,
    /// The median of the waits.
    pub p50_ns: u64,
    /// 99 in a hundred waits were no longer.
    pub p99_ns: u64,
    /// CPU time of the thread that writes and waits, for one.
    pub cpu_ns: u64,
}

/// Why the limits cannot be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LimitsFault {
    /// One side ended in a way that it should not.
    #[error("a measurement broke down")]
    Broken,
    /// The system allows too few open files.
    #[error(transparent)]
    Descriptors(Box<LoadFailure>),
    /// The disk, or a connection on the loopback device, fails.
    #[error("the disk or the loopback device fails")]
    Io(#[from] io::Error),
    /// What the server needs cannot be read back.
    #[error(transparent)]
    Serve(#[from] ServeFault),
    /// A signature that was just made does not verify.
    #[error("a signature that was just made does not verify")]
    Signature,
    /// A credential gives no TLS configuration.
    #[error(transparent)]
    Tls(#[from] TlsFault),
    /// A handshake in memory fails.
    #[error("a handshake in memory fails")]
    Handshake(#[from] rustls::Error),
    /// The throw-away house cannot be made.
    #[error(transparent)]
    Trial(#[from] TrialFault),
}

/// Measures everything, one after the other. The calling thread waits for the whole of it: in a
/// program that goes on meanwhile, it belongs on a thread of its own.
///
/// In `folder`, which should be on the disk of the ledger, nothing may be called `limits` yet.
///
/// # Errors
/// The machine refuses what is to be measured: files, sockets, threads, or the disk.
pub fn measure(folder: &Path, shape: &Shape) -> Result<Limits, LimitsFault> {
    let shape = shape.filled();
    let Shape { connections, listeners, effort, .. } = shape;
    // Both ends of each connection are in this process.
    allow_descriptors(connections.max(listeners).saturating_mul(2))
        .map_err(|failure| LimitsFault::Descriptors(Box::new(failure)))?;
    let conditions = Conditions::here();
    let house = folder.join("limits");
    crate::pki::keys::make_folder(&house).map_err(TrialFault::from)?;
    let parties = Parties::make(&house)?;
    let Effort { signatures, requests, sends, handshakes, .. } = effort;
    let frames = sends.div_ceil(listeners).max(2);
    let send = |bytes| least(|| send::send_ns(&parties, listeners, bytes, frames));
    Ok(Limits {
        conditions,
        shape,
        verify_ns: least(|| signatures::verify_ns(signatures))?,
        verify_busy_ns: least(|| signatures::verify_busy_ns(signatures))?,
        sign_ns: least(|| Ok(signatures::sign_ns(signatures)))?,
        tls_echo_ns: least(|| echo::echo_ns(&parties, &shape, requests))?,
        send_small_ns: send(shape.small_frame_bytes)?,
        send_ns: send(shape.frame_bytes)?,
        handshake_ns: least(|| handshakes::bare_ns(&parties, handshakes))?,
        handshake_socket_ns: least(|| handshakes::over_sockets_ns(&parties, handshakes))?,
        syncs: sync_costs(&house, &shape)?,
    })
}

/// The least of several runs.
fn least(run: impl Fn() -> Result<u64, LimitsFault>) -> Result<u64, LimitsFault> {
    (0..RUNS).try_fold(u64::MAX, |least, _| run().map(|ns| least.min(ns)))
}

fn sync_costs(folder: &Path, shape: &Shape) -> io::Result<Vec<SyncCost>> {
    let cost = |way| {
        let syncs = shape.effort.syncs;
        let disk::Syncs { mut waits_ns, cpu_ns } =
            disk::sync(folder, way, shape.sync_bytes, syncs)?;
        waits_ns.sort_unstable();
        let (p50_ns, p99_ns) = (percentile(&waits_ns, 50), percentile(&waits_ns, 99));
        Ok(SyncCost { way, p50_ns, p99_ns, cpu_ns: each(cpu_ns, syncs) })
    };
    SyncWay::ALL.into_iter().map(cost).collect()
}

/// The least of the sorted `values` that so many in a hundred are not above.
fn percentile(values: &[u64], hundredths: usize) -> u64 {
    let rank = (values.len() * hundredths).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

/// One's share of a time.
fn each(all_ns: u64, count: usize) -> u64 {
    all_ns.checked_div(u64::try_from(count).unwrap_or(u64::MAX)).unwrap_or(0)
}

impl Limits {
    /// What it costs to have a frame on the disk in the way of the ledger's store.
    pub fn sync(&self) -> Option<&SyncCost> {
        self.syncs.iter().find(|cost| cost.way == SyncWay::Appended)
    }

    /// The same limits where a check costs what it does while each core is at work, as those of a
    /// server are.
    pub fn while_busy(&self) -> Self {
        Self { verify_ns: self.verify_busy_ns, ..self.clone() }
    }
}

/// How many bids share a frame, and so a signature and a sync: so many bids in so many frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MeanFrame {
    /// Bids.
    pub bids: u64,
    /// The frames that they were in.
    pub frames: u64,
}

/// How many bids a second `cores` could take, if for each of them they checked its signature, moved
/// it and its answer through TLS, signed and synced its share of a frame, and did nothing else but
/// make the load: no parsing, no rules, no hashing, no word to those who listen. Zero if there is
/// nothing to divide by.
pub fn ceiling(
    cores: u64,
    limits: &Limits,
    mean_frame: MeanFrame,
    generator_cpu_ns_per_bid: u64,
) -> u64 {
    let sync_cpu_ns = limits.sync().map_or(0, |cost| cost.cpu_ns);
    let frame_ns = limits.sign_ns.saturating_add(sync_cpu_ns);
    let shared_ns = frame_ns.saturating_mul(mean_frame.frames).checked_div(mean_frame.bids);
    let bid_ns = [limits.verify_ns, limits.tls_echo_ns, generator_cpu_ns_per_bid]
        .into_iter()
        .chain(shared_ns)
        .fold(0, u64::saturating_add);
    cores.saturating_mul(1_000_000_000).checked_div(bid_ns).unwrap_or(0)
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shape { connections, listeners, in_flight, request_bytes, response_bytes, .. } =
            self.shape;
        let Shape { small_frame_bytes, frame_bytes, sync_bytes, .. } = self.shape;
        let echo = format!(
            "{request_bytes} bytes in, {response_bytes} out, {connections} connections, \
             {in_flight} of each on their way"
        );
        let send = |bytes| format!("{bytes} bytes to one of {listeners}");
        let rows = [
            ("verify", self.verify_ns, "Ed25519, strict, key parsed".to_owned()),
            ("", self.verify_busy_ns, "the same while each core does it".to_owned()),
            ("sign", self.sign_ns, "Ed25519, a checkpoint".to_owned()),
            ("TLS echo", self.tls_echo_ns, echo),
            ("TLS send", self.send_small_ns, send(small_frame_bytes)),
            ("", self.send_ns, send(frame_bytes)),
            ("handshake", self.handshake_ns, self.per_second("in memory")),
            ("", self.handshake_socket_ns, "over sockets, with accept and end".to_owned()),
        ];
        writeln!(
            f,
            "what this machine allows, in µs of one thread's CPU time, the least of {RUNS} runs:\n"
        )?;
        for (name, ns, what) in rows {
            writeln!(f, "  {name:<12}{:>9}  {what}", Microseconds(ns).to_string())?;
        }
        writeln!(f, "\n  {sync_bytes} bytes written and synced: p50, p99 of the wait, CPU time")?;
        for SyncCost { way, p50_ns, p99_ns, cpu_ns } in &self.syncs {
            let [p50, p99, cpu] = [p50_ns, p99_ns, cpu_ns].map(|ns| Microseconds(*ns).to_string());
            writeln!(f, "  {:<12}{p50:>9} {p99:>9} {cpu:>9}  {way}", "sync")?;
        }
        writeln!(f)?;
        for (name, value) in self.conditions.rows("both ends of each connection") {
            writeln!(f, "  {name:<12}{value}")?;
        }
        Ok(())
    }
}

impl Limits {
    fn per_second(&self, how: &str) -> String {
        let each_second = 1_000_000_000_u64.checked_div(self.handshake_ns).unwrap_or(0);
        format!("{how}: {} a second on one core", grouped(each_second))
    }
}

/// Nanoseconds shown as microseconds.
struct Microseconds(u64);

impl fmt::Display for Microseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", grouped(self.0 / 1000), self.0 % 1000 / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        let sync = |way, cpu_ns| SyncCost { way, p50_ns: 900_000, p99_ns: 2_000_000, cpu_ns };
        Limits {
            conditions: Conditions::here(),
            shape: Shape::small(),
            verify_ns: 40_000,
            verify_busy_ns: 50_000,
            sign_ns: 15_000,
            tls_echo_ns: 10_000,
            send_small_ns: 6_000,
            send_ns: 9_000,
            handshake_ns: 250_000,
            handshake_socket_ns: 300_000,
            syncs: vec![sync(SyncWay::Zeroed, 1), sync(SyncWay::Appended, 35_000)],
        }
    }

    #[test]
    fn the_ceiling_is_what_a_calculator_says() {
        let frames = |bids, frames| MeanFrame { bids, frames };
        let table = [
            // 40 + (15 + 35) / 10 + 10 + 45 = 100 µs, on two cores.
            (2, frames(10, 1), 45_000, 20_000),
            // The same mean of ten bids a frame.
            (2, frames(1_000, 100), 45_000, 20_000),
            // 40 + 50 + 10 = 100 µs: a frame of its own for each, and a load that costs nothing.
            (1, frames(7, 7), 0, 10_000),
            // 40 + 50 / 4 + 10 = 62.5 µs.
            (1, frames(4, 1), 0, 16_000),
            // 40 + 10 = 50 µs: a frame without end.
            (3, frames(u64::MAX, 1), 0, 60_000),
        ];
        for (cores, mean_frame, generator_ns, bids) in table {
            let found = ceiling(cores, &limits(), mean_frame, generator_ns);
            assert_eq!(found, bids, "{cores} {mean_frame:?} {generator_ns}");
        }
        // 50 + 50 + 10 + 15 = 125 µs.
        assert_eq!(ceiling(1, &limits().while_busy(), frames(7, 7), 15_000), 8_000);
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let values: Vec<u64> = (1..=200).collect();
        assert_eq!((percentile(&values, 50), percentile(&values, 99)), (100, 198));
        assert_eq!((percentile(&[7], 50), percentile(&[], 99)), (7, 0));
    }

    #[test]
    fn everything_is_measured_and_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let limits = measure(folder.path(), &Shape::small()).expect("is measured");
        let Limits {
            verify_ns, verify_busy_ns, sign_ns, tls_echo_ns, send_small_ns, send_ns, ..
        } = limits;
        let Limits { handshake_ns, handshake_socket_ns, .. } = limits;
        let figures =
            [verify_ns, verify_busy_ns, sign_ns, tls_echo_ns, send_small_ns, send_ns, handshake_ns];
        assert!(figures.iter().all(|ns| *ns > 0), "{limits:?}");
        assert!(handshake_socket_ns > 0, "{limits:?}");
        let ways: Vec<SyncWay> = limits.syncs.iter().map(|cost| cost.way).collect();
        assert_eq!(ways, SyncWay::ALL);
        for SyncCost { p50_ns, p99_ns, cpu_ns, .. } in &limits.syncs {
            assert!(0 < *cpu_ns && 0 < *p50_ns && p50_ns <= p99_ns, "{limits:?}");
        }
        let none = Shape {
            connections: 0,
            listeners: 0,
            in_flight: 0,
            request_bytes: 0,
            response_bytes: 0,
            ..limits.shape
        };
        assert_eq!(
            none.filled(),
            Shape {
                connections: 1,
                listeners: 1,
                in_flight: 1,
                request_bytes: 1,
                response_bytes: 1,
                ..none
            }
        );
        let json = serde_json::to_value(&limits).expect("has a JSON form");
        assert_eq!(json["verify_ns"], verify_ns);
        assert_eq!(json["syncs"][0]["way"], "appended");
        let shown = limits.to_string();
        for way in SyncWay::ALL {
            assert!(shown.contains(&way.to_string()), "{shown}");
        }
    }
}
