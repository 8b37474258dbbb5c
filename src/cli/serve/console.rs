//! The console: one line for each thing that happens, as text or JSON, on stderr.
//!
//! The floor and every session write lines, and anybody who connects causes some. So
//! nobody waits for the terminal: one that stands still (Ctrl-S, a pipe that is not
//! read) loses the lines beyond a bound.

use std::io::{self, IsTerminal as _, Write};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use tracing::level_filters::LevelFilter;

use crate::limits::{CONSOLE_FLUSH_TIMEOUT, CONSOLE_LINES_MAX};
use crate::server::{Cosigning, Summary};
use crate::time::Span;

/// What waits for the terminal.
enum Waiting {
    Line(Vec<u8>),
    /// Say so once everything before this is written.
    Flush(SyncSender<()>),
}

/// The way to stderr on which nobody waits.
#[derive(Clone)]
pub(super) struct Console(SyncSender<Waiting>);

impl Console {
    fn to(mut terminal: impl Write + Send + 'static) -> io::Result<Self> {
        let (sender, waiting) = sync_channel(CONSOLE_LINES_MAX);
        let name = std::thread::Builder::new().name("console".into());
        name.spawn(move || write_all(&mut terminal, &waiting))?;
        Ok(Self(sender))
    }

    /// Waits until the lines so far are written, if the terminal moves at all.
    fn settle(&self) {
        let (done, written) = sync_channel(1);
        let mut flush = Waiting::Flush(done);
        for _ in 0..CONSOLE_FLUSH_TIMEOUT.ms() {
            match self.0.try_send(flush) {
                Ok(()) => break,
                Err(TrySendError::Disconnected(_)) => return,
                Err(TrySendError::Full(back)) => flush = back,
            }
            std::thread::sleep(Span::from_ms(1).into());
        }
        let _ = written.recv_timeout(CONSOLE_FLUSH_TIMEOUT.into());
    }
}

/// Waits for the console at the end of a command: errors are printed behind its lines.
pub(in crate::cli) struct Settling(Console);

impl Settling {
    /// Waits until the lines so far are written.
    pub(in crate::cli) fn now(&self) {
        self.0.settle();
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        self.0.settle();
    }
}

fn write_all(terminal: &mut impl Write, waiting: &Receiver<Waiting>) {
    for waiting in waiting {
        // A terminal that has gone away is no reason to end a sale.
        let _ = match waiting {
            Waiting::Line(line) => terminal.write_all(&line),
            Waiting::Flush(done) => {
                let flushed = terminal.flush();
                let _ = done.try_send(());
                flushed
            }
        };
    }
}

/// One call for each line.
impl Write for Console {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let _ = self.0.try_send(Waiting::Line(line.to_vec()));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends the server's lines to stderr.
pub(in crate::cli) fn start(json: bool) -> io::Result<Settling> {
    let console = Console::to(io::stderr())?;
    let settling = Settling(console.clone());
    // A second start in one process keeps the first's lines.
    let _ = if json {
        tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(LevelFilter::INFO)
            .with_writer(move || console.clone())
            .try_init()
    } else {
        let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::INFO)
            .with_target(false)
            .with_ansi(colours)
            .with_writer(move || console.clone())
            .try_init()
    };
    Ok(settling)
}

/// The final metrics as one line for programs.
pub(super) fn metrics(summary: &Summary) {
    tracing::info!(
        requests = summary.requests,
        entered = summary.entered,
        refused = summary.refused,
        elapsed_us = summary.elapsed_us,
        mean_us = summary.mean_us,
        p50_us = summary.p50_us,
        p99_us = summary.p99_us,
        max_us = summary.max_us,
        lines = summary.lines,
        syncs = summary.syncs,
        sync_p50_us = summary.sync_p50_us,
        "final metrics"
    );
}

/// How far each witness came, as a line for programs.
pub(super) fn cosigning(cosigning: &Cosigning) {
    for witness in &cosigning.witnesses {
        tracing::info!(
            witness = %witness.name,
            cosigned = witness.cosigned,
            up_to_date = witness.is_up_to_date,
            trouble = witness.trouble.as_deref(),
            "final metrics of a witness"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A terminal that moves only while the test lets it.
    struct Terminal(Arc<Mutex<Vec<u8>>>);

    impl Write for Terminal {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("whole").extend_from_slice(line);
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_terminal_that_stands_still_holds_nobody() {
        let shown = Arc::new(Mutex::new(Vec::new()));
        let mut console = Console::to(Terminal(Arc::clone(&shown))).expect("a thread");
        let still = shown.lock().expect("whole");
        for _ in 0..2 * CONSOLE_LINES_MAX {
            console.write_all(b"line\n").expect("never fails");
        }
        drop(still);
        console.settle();
        let lines = shown.lock().expect("whole").iter().filter(|b| **b == b'\n').count();
        assert!((CONSOLE_LINES_MAX..=CONSOLE_LINES_MAX + 1).contains(&lines), "{lines}");
    }
}
