//! What the sale file and the flags say of a sale, each thing said once.

use super::{Args, fault};
use crate::auction::catalogue::{LotTerms, SaleTerms, Timer};
use crate::auction::name::{SaleId, Title};
use crate::auction::reserve::ReserveOpening;
use crate::cli::{Failure, house_folder};
use crate::limits::{REFUSAL_BYTES_MAX, REFUSALS_PER_MINUTE_MAX};
use crate::pki::SealingKeyState;
use crate::pki::keys::{KeyFault, shown};
use crate::record::{KeptReserve, SaleFile, Terms};
use crate::time::{Span, Timestamp};

/// How long lots that nobody bids on stay open, where neither the file nor a flag says it.
const ENDS_IN: Span = Span::from_s(24 * 3600);

/// Refuses flags that would say again what the file says.
pub(super) fn check_flags(args: &Args, file: &SaleFile) -> Result<(), Failure> {
    let contradicts = |flag: &str, key: &str| {
        let message = format!("{} has a `{key}`, and {flag} says it again", shown(&args.items));
        Failure::usage("flag-contradicts", message)
            .hint(format!("leave {flag} out, or change the file"))
    };
    if file.sale_ends_at.is_some() && args.ends_in.is_some() {
        return Err(contradicts("--ends-in", "sale_ends_at"));
    }
    if file.title.is_some() && args.title.is_some() {
        return Err(contradicts("--title", "title"));
    }
    Ok(())
}

/// The sale that the file or the flag names; else the one that is prepared and not closed.
pub(super) fn choose_sale(args: &Args, file: &SaleFile) -> Result<SaleId, Failure> {
    let sales = house_folder::sales(&args.pki)?;
    let named = house_folder::named_sale(args.sale.as_ref(), file, &args.items)?;
    if let Some(sale) = named {
        if sales.iter().any(|(known, _)| *known == sale) {
            return Ok(sale);
        }
        let from_file = args.sale.is_none().then_some(args.items.as_path());
        return Err(fault::not_prepared(&sale, from_file, &args.pki));
    }
    let open: Vec<&SaleId> = sales
        .iter()
        .filter(|(_, state)| *state != SealingKeyState::Erased)
        .map(|(sale, _)| sale)
        .collect();
    match (open.as_slice(), sales.as_slice()) {
        ([sale], _) => Ok((*sale).clone()),
        ([], [(sale, _)]) => Ok(sale.clone()),
        ([], []) => Err(Failure::usage("no-sale", "no sale is prepared").hint(format!(
            "gavel prepare {}{}",
            shown(&args.items),
            house_folder::flag(&args.pki)
        ))),
        _ => Err(house_folder::sale_unclear(&sales)),
    }
}

/// What the sale is called.
pub(super) fn title(args: &Args, file: &SaleFile, sale: &SaleId) -> Title {
    let given = args.title.as_ref().or(file.title.as_ref());
    given.cloned().unwrap_or_else(|| super::plain_title(sale.as_str()))
}

/// The terms of a sale that begins at `now`.
pub(super) fn terms(args: &Args, file: &SaleFile, now: Timestamp) -> Terms {
    let from_file = file.sale_terms(args.allow_unsigned);
    let sale_ends_at = match args.ends_in {
        Some(ends_in) => Some(now.plus(ends_in)),
        None if ends_by_default(args, file) => Some(now.plus(ENDS_IN)),
        None => from_file.sale_ends_at,
    };
    Terms {
        sale: SaleTerms { sale_ends_at, ..from_file },
        fees: file.fees,
        refusal_bytes_max: REFUSAL_BYTES_MAX,
        refusals_per_minute_max: REFUSALS_PER_MINUTE_MAX,
    }
}

/// Whether nobody said when lots without a bid close: the seed's form cannot.
pub(super) const fn ends_by_default(args: &Args, file: &SaleFile) -> bool {
    file.is_seed_form && args.ends_in.is_none()
}

/// What to know of a sale whose lots without a bid close at `sale_ends_at`, if anything.
pub(super) fn stays_open(file: &SaleFile, sale_ends_at: Option<Timestamp>) -> Option<String> {
    let waits = |lot: &&LotTerms| matches!(lot.timer, Timer::FirstBid { .. });
    let lot = file.lots.iter().map(|lot| &lot.terms).find(waits)?;
    sale_ends_at.is_none().then(|| {
        format!(
            "lot {}: it stays open until somebody bids, however long that takes: give \
             `sale_ends_at` in the file, or --ends-in",
            lot.id
        )
    })
}

/// What hides and opens the lots' reserves: each amount, with 32 random bytes of its own.
pub(super) fn reserves(file: &SaleFile) -> Result<Vec<KeptReserve>, Failure> {
    let mut kept = Vec::new();
    for lot in &file.lots {
        let Some(reserve) = lot.reserve else { continue };
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(|_| Failure::from(KeyFault::Randomness))?;
        kept.push(KeptReserve {
            lot: lot.terms.id.clone(),
            opening: ReserveOpening { reserve, nonce },
        });
    }
    Ok(kept)
}
