//! Warnings before a certificate or list expires, days ahead and not in the
//! middle of an evening.

use crate::cli::when;
use crate::pki::{Crl, Serving};
use crate::record::Opening;
use crate::time::{Span, Timestamp};

/// How many days ahead the operator should know.
const AHEAD: Span = Span::from_s(7 * 24 * 3600);

/// Warns about what expires within days, or before the sale is to end.
pub(super) fn warn(serving: &Serving, crl: &Crl, opening: &Opening, now: Timestamp) {
    let ends_at = opening.terms.sale.sale_ends_at.unwrap_or(now);
    let horizon = now.plus(AHEAD).max(ends_at);
    let perishable = [
        (
            "the house's CA certificate",
            serving.anchor.not_after(),
            "a new CA is a new house: bidders need new credentials",
        ),
        (
            "the server's certificate",
            serving.identity.not_after,
            "`gavel pki renew --server` makes a new one",
        ),
        ("the revocation list", crl.next_update, "`gavel pki crl` makes a new one"),
    ];
    for (what, until, advice) in perishable {
        if until < now {
            tracing::warn!("{what} expired {}; {advice}", when::moment(until));
        } else if until < horizon {
            let left = when::length(until.since(now));
            tracing::warn!("{what} expires {}, in {left}; {advice}", when::moment(until));
        }
    }
}
