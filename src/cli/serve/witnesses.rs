//! The witnesses that the operator names: asked before the sale begins or goes on
//! what they remember of it, and accounted for at its end.

use std::path::Path;

use super::Args;
use super::check::Report;
use crate::auction::name::{HouseName, SaleId};
use crate::cli::Failure;
use crate::cli::fault::whole;
use crate::ledger::note::Note;
use crate::ledger::{Checkpoint, origin};
use crate::pki::keys;
use crate::server::{
    Cosigning, Looked, ShownCheckpoint, Witness, WitnessReport, Witnesses, WitnessesFault,
};

/// The witnesses as the flags name them; none without such a flag.
pub(super) fn of(
    args: &Args,
    house: &HouseName,
    sale: &SaleId,
) -> Result<Option<Witnesses>, Failure> {
    let origin = origin(house.as_str(), sale.as_str());
    Witnesses::new(args.witness.clone(), &origin).map_err(|fault| {
        let failure = Failure::usage("bad-witness", whole(&fault));
        match fault {
            WitnessesFault::Tls(_) => failure
                .hint("install them (ca-certificates), or name a file of them in SSL_CERT_FILE"),
            _ => failure.hint("each witness is named once: --witness URL=VKEY"),
        }
    })
}

/// Asks the witnesses what they remember of the sale; a few seconds at the most.
pub(super) fn look(
    witnesses: Option<&Witnesses>,
    house: &HouseName,
    sale: &SaleId,
    runtime: &tokio::runtime::Runtime,
) -> Vec<Looked> {
    let Some(witnesses) = witnesses else { return Vec::new() };
    let origin = origin(house.as_str(), sale.as_str());
    runtime.block_on(witnesses.look(&origin))
}

/// What they show, to be held against the ledger.
pub(super) fn shown(looked: &[Looked]) -> Vec<ShownCheckpoint> {
    let shown = |looked: &Looked| {
        let note = looked.shows.as_ref().ok()?.clone()?;
        Some(ShownCheckpoint { by: format!("the witness {}", looked.name), note })
    };
    looked.iter().filter_map(shown).collect()
}

/// Warns of those whose memory could not be asked: the sale does not wait for them.
pub(super) fn warn(looked: &[Looked]) {
    for Looked { name, shows, .. } in looked {
        if let Err(unheard) = shows {
            tracing::warn!(
                witness = %name,
                "what the witness remembers of this sale could not be asked: {unheard}"
            );
        }
    }
}

/// What a check says of each.
pub(super) fn report(looked: &[Looked], report: &mut Report) {
    for looked in looked {
        let name = &looked.name;
        match &looked.shows {
            Ok(None) => report.good(
                "witnesses",
                format!("{name} answers, and has cosigned nothing of this ledger yet"),
            ),
            Ok(Some(note)) => match cosigned_lines(looked, note) {
                Some(size) => {
                    let fact = format!("{name} answers, and has cosigned {size} lines");
                    report.good("witnesses", fact);
                }
                None => report.doubtful(
                    "witnesses",
                    format!("{name} shows a checkpoint that the key given has not cosigned"),
                    "compare the key with the one that its operator publishes",
                ),
            },
            Err(unheard) => report.doubtful(
                "witnesses",
                format!("{name}: {unheard}"),
                "the sale does not wait for it; it joins by itself once it answers",
            ),
        }
    }
}

/// How many lines a note covers, if the witness has cosigned it.
fn cosigned_lines(looked: &Looked, note: &str) -> Option<u64> {
    let note = Note::parse(note).ok()?;
    looked.key.cosigned(&note).ok()??;
    Some(Checkpoint::parse(&note.text).ok()?.size)
}

/// How far they came, as a line for each thing; nothing in a sale without any.
pub(super) fn last_words(cosigning: Option<&Cosigning>) -> String {
    let Some(cosigning) = cosigning else { return String::new() };
    let there: Vec<&str> = cosigning.up_to_date().collect();
    let mut words = match (there.is_empty(), cosigning.size) {
        (false, size) => format!("cosigned: all {size} lines, by {}\n", there.join(", ")),
        (true, 0) => "cosigned: nothing\n".to_owned(),
        (true, size) => format!("cosigned: the first {size} lines, no more\n"),
    };
    for WitnessReport { name, trouble, .. } in cosigning.missing() {
        let trouble = trouble.as_deref().unwrap_or("it has not answered in time");
        words.push_str(&format!("not cosigned by {name}: {trouble}\n"));
    }
    words
}

/// The flags that name them again.
pub(super) fn flags(args: &Args) -> String {
    let text = |witness: &Witness| keys::shown(Path::new(&witness.to_string()));
    args.witness.iter().map(|witness| format!(" --witness {}", text(witness))).collect()
}
