//! What the server has logged, as its own words: no formatter stands between
//! that would hide what is raw in them.

use std::fmt::{self, Write};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::world::{PATIENCE, pause};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A place in the log: what comes after it was caused after it.
#[derive(Clone, Copy)]
pub(crate) struct Mark(usize);

/// Begins to listen, once for the whole process; gives the place reached.
pub(crate) fn mark() -> Mark {
    static STARTED: OnceLock<()> = OnceLock::new();
    STARTED.get_or_init(|| {
        let subscriber = tracing_subscriber::registry().with(Recorder);
        tracing::subscriber::set_global_default(subscriber).expect("nobody else listens");
    });
    Mark(lines().len())
}

/// All lines since `mark` that hold each of `words`.
pub(crate) fn since(mark: Mark, words: &[&str]) -> Vec<String> {
    let holds = |line: &&String| words.iter().all(|word| line.contains(word));
    lines()[mark.0..].iter().filter(holds).cloned().collect()
}

/// The first line since `mark` that holds each of `words`, waited for.
pub(crate) async fn wait_for(mark: Mark, words: &[&str]) -> String {
    let begun = std::time::Instant::now();
    loop {
        if let Some(line) = since(mark, words).into_iter().next() {
            return line;
        }
        assert!(begun.elapsed() < PATIENCE, "the log never said {words:?}");
        pause().await;
    }
}

/// Whether a terminal would show the line and do nothing else.
pub(crate) fn is_plain(line: &str) -> bool {
    line.chars().all(gavel::auction::name::is_showable)
}

fn lines() -> MutexGuard<'static, Vec<String>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Recorder;

impl<S: Subscriber> Layer<S> for Recorder {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target().starts_with("gavel") {
            let mut line = Raw(event.metadata().level().to_string());
            event.record(&mut line);
            lines().push(line.0);
        }
    }
}

struct Raw(String);

impl Visit for Raw {
    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {field}={value}");
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}
