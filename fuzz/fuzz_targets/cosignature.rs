//! Cosignatures: a witness's key takes its own lines, over this very text, and the newest of
//! them; whatever else stands under the note, no other time and no other text comes of it.

#![no_main]

use gavel::ledger::note::{Note, NoteSignature};
use gavel_fuzz::keys::witness_key;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    text: &'a str,
    lines: Vec<Line<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Line<'a> {
    /// Cosigned by a witness.
    Good { by: u8, time_s: u64 },
    /// The same, over another text.
    OverOther { by: u8, time_s: u64, text: &'a str },
    /// The same, with one bit of time or signature changed.
    Flipped { by: u8, time_s: u64, bit: u16 },
    /// Under the key's name and identifier, whatever stands there.
    Forged { by: u8, signature: &'a [u8] },
    /// Of somebody else.
    Strange { name: &'a str, key_id: [u8; 4], signature: &'a [u8] },
}

/// How many witnesses there are.
const WITNESSES: u8 = 3;

fuzz_target!(|input: Input<'_>| {
    let lines = input.lines.iter().map(|line| line.written(input.text));
    let note = Note { text: input.text.to_owned(), signatures: lines.collect() };
    for number in 0..WITNESSES {
        let of_it = input.lines.iter().filter(|line| line.by() == Some(number));
        let stands: Option<Vec<u64>> = of_it.map(|line| line.time_s(input.text)).collect();
        match (witness_key(number).public().cosigned(&note), stands) {
            (Err(_), stands) => assert_eq!(stands, None, "every line stands"),
            (Ok(found), Some(times)) => {
                let newest = found.map(|cosignature| cosignature.time_s);
                assert_eq!(newest, times.into_iter().max());
            }
            (Ok(_), None) => panic!("a wrong line was taken"),
        }
    }
});

impl Line<'_> {
    /// Which witness it names.
    fn by(&self) -> Option<u8> {
        match self {
            Self::Good { by, .. }
            | Self::OverOther { by, .. }
            | Self::Flipped { by, .. }
            | Self::Forged { by, .. } => Some(by % WITNESSES),
            // Unless it names a witness after all.
            Self::Strange { name, key_id, .. } => (0..WITNESSES).find(|number| {
                let key = witness_key(*number);
                let key = key.public().vkey();
                key.name() == *name && key.id() == *key_id
            }),
        }
    }

    /// The time that it names, if it stands under this text.
    fn time_s(&self, own_text: &str) -> Option<u64> {
        match self {
            Self::OverOther { text, .. } if *text != own_text => None,
            Self::Good { time_s, .. } | Self::OverOther { time_s, .. } => {
                Some((*time_s).clamp(1, i64::MAX.unsigned_abs()))
            }
            Self::Flipped { .. } | Self::Forged { .. } | Self::Strange { .. } => None,
        }
    }

    fn written(&self, own_text: &str) -> NoteSignature {
        let cosigned = |by: u8, text, time_s| witness_key(by % WITNESSES).cosign(text, time_s);
        match self {
            Self::Good { by, time_s } => cosigned(*by, own_text, *time_s),
            Self::OverOther { by, time_s, text } => cosigned(*by, text, *time_s),
            Self::Flipped { by, time_s, bit } => {
                let mut line = cosigned(*by, own_text, *time_s);
                let at = usize::from(bit / 8) % line.signature.len();
                line.signature[at] ^= 1 << (bit % 8);
                line
            }
            Self::Forged { by, signature } => {
                let line = cosigned(*by, own_text, 1);
                NoteSignature { signature: signature.to_vec(), ..line }
            }
            Self::Strange { name, key_id, signature } => {
                let (name, signature) = ((*name).to_owned(), signature.to_vec());
                NoteSignature { name, key_id: *key_id, signature }
            }
        }
    }
}
