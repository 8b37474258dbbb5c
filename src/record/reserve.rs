//! Commitments to hidden reserves and what opens them (RULES 5, LEDGER 3), and the
//! private list in which the house keeps the openings until the sale is over.
//!
//! A commitment is the SHA-256 of this object's canonical JSON:
//!
//! ```text
//! {"lot":"1","nonce":"<64 hex digits>","reserve":60000,"sale":"estate-2026","v":"gavel-reserve-v1"}
//! ```

use serde::{Deserialize, Serialize};

use super::fault::RecordError;
use super::field::{amount, hash, word};
use crate::auction::name::{LotId, SaleId};
use crate::auction::reserve::{Commitment, ReserveOpening};
use crate::ledger::{Hash, from_canonical, to_canonical};

/// The version that stands in every commitment.
const VERSION: &str = "gavel-reserve-v1";

#[derive(Serialize)]
struct Committed<'a> {
    lot: &'a str,
    nonce: String,
    reserve: u64,
    sale: &'a str,
    v: &'static str,
}

/// What commits to a reserve. It names the sale by its id: line 0 is not written yet.
pub fn commit(sale: &SaleId, lot: &LotId, opening: &ReserveOpening) -> Commitment {
    let committed = Committed {
        lot: lot.as_str(),
        nonce: Hash::from_bytes(opening.nonce).to_string(),
        reserve: opening.reserve.minor_units(),
        sale: sale.as_str(),
        v: VERSION,
    };
    Commitment::from_bytes(*Hash::of(&to_canonical(&committed)).bytes())
}

/// An opening that does not belong to its commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("opening {place} is not that of the commitment that was made")]
pub struct WrongOpening {
    /// Which one, from 0.
    pub place: usize,
}

/// Checks openings against the commitments that they claim to open, in their order.
/// How many there must be is the rules' affair.
///
/// # Errors
/// [`WrongOpening`] for the first that is another's.
pub fn check_openings<'a>(
    sale: &SaleId,
    lot: &LotId,
    commitments: impl Iterator<Item = &'a Commitment>,
    openings: &[ReserveOpening],
) -> Result<(), WrongOpening> {
    let mut pairs = commitments.zip(openings);
    match pairs.position(|(commitment, opening)| commit(sale, lot, opening) != *commitment) {
        Some(place) => Err(WrongOpening { place }),
        None => Ok(()),
    }
}

/// One opening in the house's private list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptReserve {
    /// Of which lot.
    pub lot: LotId,
    /// What opens its commitment.
    pub opening: ReserveOpening,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    lot: String,
    nonce: String,
    reserve: u64,
}

/// Writes the private list, one object a line.
pub fn write_reserves(kept: &[KeptReserve]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for KeptReserve { lot, opening } in kept {
        bytes.extend_from_slice(&to_canonical(&Kept {
            lot: lot.to_string(),
            nonce: Hash::from_bytes(opening.nonce).to_string(),
            reserve: opening.reserve.minor_units(),
        }));
        bytes.push(b'\n');
    }
    bytes
}

/// Reads the private list.
///
/// # Errors
/// [`RecordError`] for a line that is not one of it.
pub fn read_reserves(bytes: &[u8]) -> Result<Vec<KeptReserve>, RecordError> {
    let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    lines.map(read_kept).collect()
}

fn read_kept(line: &[u8]) -> Result<KeptReserve, RecordError> {
    let kept: Kept = from_canonical(line)?;
    Ok(KeptReserve {
        lot: word("lot", &kept.lot)?,
        opening: ReserveOpening {
            reserve: amount("reserve", kept.reserve)?,
            nonce: *hash("nonce", &kept.nonce)?.bytes(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auction::money::Amount;

    fn opening(reserve: u64, nonce: u8) -> ReserveOpening {
        ReserveOpening { reserve: Amount::new(reserve).expect("in range"), nonce: [nonce; 32] }
    }

    fn names() -> (SaleId, LotId) {
        (SaleId::parse("estate-2026").expect("an id"), LotId::parse("1").expect("an id"))
    }

    #[test]
    fn a_commitment_is_the_hash_of_the_canonical_object() {
        let (sale, lot) = names();
        let nonce = "07".repeat(32);
        let text = format!(
            r#"{{"lot":"1","nonce":"{nonce}","reserve":60000,"sale":"estate-2026","v":"gavel-reserve-v1"}}"#
        );
        let made = commit(&sale, &lot, &opening(60_000, 7));
        assert_eq!(made.bytes(), Hash::of(text.as_bytes()).bytes());
    }

    #[test]
    fn an_opening_of_another_amount_lot_or_nonce_is_seen() {
        let (sale, lot) = names();
        let (first, second) = (opening(60_000, 7), opening(50_000, 8));
        let made = [commit(&sale, &lot, &first), commit(&sale, &lot, &second)];
        let check =
            |openings: &[ReserveOpening]| check_openings(&sale, &lot, made.iter(), openings);
        assert_eq!(check(&[first, second]), Ok(()));
        assert_eq!(check(&[second, first]), Err(WrongOpening { place: 0 }));
        assert_eq!(check(&[first, opening(50_001, 8)]), Err(WrongOpening { place: 1 }));
        assert_eq!(check(&[first, opening(50_000, 9)]), Err(WrongOpening { place: 1 }));
        let other = LotId::parse("2").expect("an id");
        let elsewhere = check_openings(&sale, &other, made.iter(), &[first, second]);
        assert_eq!(elsewhere, Err(WrongOpening { place: 0 }));
    }

    #[test]
    fn the_private_list_reads_back() {
        let (_, lot) = names();
        let kept = vec![
            KeptReserve { lot: lot.clone(), opening: opening(60_000, 7) },
            KeptReserve { lot, opening: opening(50_000, 8) },
        ];
        assert_eq!(read_reserves(&write_reserves(&kept)).expect("reads"), kept);
        assert!(read_reserves(b"{\"lot\":\"1\"}\n").is_err());
        assert_eq!(read_reserves(b"").expect("nothing kept"), []);
    }
}
