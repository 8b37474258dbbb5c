//! The log itself: its seals, where they stand, and its end.

use gavel::audit::FindingKind::{
    CertificateTime, Closed, Head, Order, Refusal, Root, Schema, Seal, Signature, Unclosed,
    Unsealed, Untrusted,
};
use gavel::ledger::entry::Kind;
use gavel::pki::verify_sealer;
use serde_json::{Value, json};

use super::Expected::{Incomplete, Invalid};
use super::case::{in_evening, spring};
use super::{Case, Row, raw, resigned};
use crate::forge::{Forge, Piece, SealAs};
use crate::log::{
    IN_MID_SALE, another_name, changed, doubled, extended, no_note, second_signature, wrong_root,
    wrong_size,
};
use crate::world::{OPENED, at, world};

pub(super) const ROWS: &[Row] = &[
    // ---- Seals ----
    resigned("log-second-signature", "a seal with a second signature line", Seal, || {
        sealed_as(second_signature)
    }),
    resigned("log-signature-twice", "a seal with its signature line twice", Seal, || {
        sealed_as(doubled)
    }),
    resigned("log-extension-line", "a seal with an extension line", Seal, || sealed_as(extended)),
    resigned("log-no-note", "a seal that is no note", Seal, || sealed_as(no_note)),
    resigned("log-wrong-root", "a seal with a wrong root", Root, || sealed_as(wrong_root)),
    resigned("log-wrong-size", "a seal over another number of lines", Root, || {
        sealed_as(wrong_size)
    }),
    resigned("log-seal-signature", "a seal whose signature is of another tree", Signature, || {
        sealed_as(changed)
    }),
    resigned("log-seal-of-another", "a seal under another sale's name", Untrusted, || {
        sealed_as(another_name)
    }),
    resigned("log-no-first-seal", "no seal after the catalogue", Seal, || {
        spring(|forge| {
            forge.pieces.remove(3);
            3
        })
    })
    .also(&[Head, Refusal]),
    resigned("log-seal-after-seal", "seals after seals, to push out known heads", Seal, || {
        spring(|forge| {
            let seal = forge.pieces[IN_MID_SALE].clone();
            forge.put(IN_MID_SALE, seal) + 2
        })
    }),
    resigned("log-restart-unnoted", "a restart that does not note its outage", Seal, || {
        in_evening(|forge| {
            let line = forge.find(Kind::Outage, 50_000);
            forge.pieces.remove(line);
            forge.find(Kind::Tick, 60_000)
        })
    })
    .also(&[Order]),
    resigned(
        "log-sealed-too-late",
        "a seal after its certificate had expired",
        CertificateTime,
        || sealed_at(sealer_ends() + 1_000),
    )
    .also(&[Unclosed]),
    // ---- The end ----
    resigned("log-no-close", "no close", Unclosed, || {
        let mut forge = Forge::honest();
        let close = forge.find(Kind::Close, 39_000);
        forge.pieces.remove(close);
        Case::resigned(&forge, None)
    })
    .expecting(Incomplete(Unclosed)),
    resigned("log-no-last-seal", "no seal over the close", Unsealed, || {
        let mut forge = Forge::honest();
        forge.pieces.pop();
        Case::resigned(&forge, None)
    })
    .expecting(Incomplete(Unsealed)),
    resigned("log-kept-open", "a sale whose lots could never close", Order, || {
        spring(|forge| {
            let first = forge.find(Kind::LotClose, 39_000);
            forge.pieces.truncate(first);
            let mut tick = Piece::new(Kind::Tick, 39_000, json!({}));
            tick.ts = 39_000;
            forge.put(first, tick)
        })
    })
    .also(&[Unclosed, Unsealed]),
    resigned("log-entry-after-the-end", "an entry after the seal over the close", Closed, || {
        spring(|forge| {
            forge.pieces.push(Piece::new(Kind::Tick, 39_000, json!({})));
            forge.pieces.len() - 1
        })
    })
    .also(&[Unsealed]),
    resigned("log-seal-after-the-end", "a seal after the seal over the close", Closed, || {
        spring(|forge| {
            forge.pieces.push(Piece::new(Kind::Seal, 0, Value::Null));
            forge.pieces.len() - 1
        })
    }),
    resigned(
        "log-entry-before-its-seal",
        "an entry between the close and its seal",
        Closed,
        || {
            spring(|forge| {
                let last = forge.pieces.len() - 1;
                forge.put(last, Piece::new(Kind::Tick, 39_000, json!({})))
            })
        },
    ),
    raw("log-last-line-changed", "the last line changed in a byte", Invalid(Signature), || {
        let mut ledger = world().ledger.clone();
        let signature = str::from_utf8(&ledger).ok().and_then(|text| text.rfind("spring "));
        let at = signature.expect("a seal") + 40;
        ledger[at] = if ledger[at] == b'A' { b'B' } else { b'A' };
        let line = world().line_count() - 1;
        Case::raw(ledger, usize::try_from(line).expect("small"))
    }),
    resigned("log-entry-of-no-form", "an entry with a field that its type has not", Schema, || {
        spring(|forge| forge.put(9, Piece::new(Kind::Tick, 1_000, json!({"more": 1}))))
    }),
];

/// A seal in mid-sale made otherwise.
fn sealed_as(seal: SealAs) -> Case {
    spring(|forge| {
        forge.seals.insert(IN_MID_SALE, seal);
        IN_MID_SALE
    })
}

/// How long after the opening the sealing certificate's last second begins.
pub(crate) fn sealer_ends() -> u64 {
    let der = &world().opening().sealers[0];
    let sealer = verify_sealer(der, world().ca.anchor(), &world().house, &world().sale, at(0));
    sealer.expect("is good").not_after.unix_ms() - OPENED
}

/// A sale that is away until `ms` and then sealed.
pub(crate) fn sealed_at(ms: u64) -> Case {
    spring(|forge| {
        forge.pieces.truncate(4);
        let body = json!({"from": OPENED, "to": OPENED + ms});
        forge.pieces.push(Piece::new(Kind::Outage, ms, body));
        forge.pieces.push(Piece::new(Kind::Seal, 0, Value::Null));
        5
    })
}
