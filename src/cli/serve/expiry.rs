//! What expires, and by when it must not have: days ahead and not in the middle of
//! an evening.

use crate::cli::when;
use crate::pki::{Crl, Serving, verify_sealer};
use crate::record::Opening;
use crate::time::{Span, Timestamp};

/// How many days ahead the operator should know.
const AHEAD: Span = Span::from_s(7 * 24 * 3600);
/// How long after its end a sale may still be going on, or be asked for receipts.
const AFTERWARDS: Span = Span::from_s(24 * 3600);

/// Something that a sale needs and that expires.
#[derive(Debug)]
pub(super) struct Perishable {
    /// What.
    pub(super) what: &'static str,
    /// Until when it is good.
    pub(super) until: Timestamp,
    /// How to renew it.
    pub(super) advice: &'static str,
}

impl Perishable {
    /// What is to be said of it, if it has expired or does so before `horizon`.
    pub(super) fn trouble(&self, now: Timestamp, horizon: Timestamp) -> Option<String> {
        let Self { what, until, .. } = self;
        if *until < now {
            Some(format!("{what} expired {}", when::moment(*until)))
        } else if *until < horizon {
            let left = when::length(until.since(now));
            Some(format!("{what} expires {}, in {left}", when::moment(*until)))
        } else {
            None
        }
    }
}

/// Until when everything must be good for a sale that ends at `ends_at`.
pub(super) fn evening_end(ends_at: Timestamp) -> Timestamp {
    ends_at.plus(AFTERWARDS)
}

/// Before when the operator should renew what expires.
pub(super) fn horizon(now: Timestamp, ends_at: Timestamp) -> Timestamp {
    now.plus(AHEAD).max(evening_end(ends_at))
}

/// The certificates without which nobody gets in, or nothing is sealed: the latter until
/// `sealed_until`, if the sale still seals.
pub(super) fn certificates(serving: &Serving, sealed_until: Option<Timestamp>) -> Vec<Perishable> {
    let mut all = vec![
        Perishable {
            what: "the house's CA certificate",
            until: serving.anchor.not_after(),
            advice: "a new CA is a new house: bidders need new credentials",
        },
        Perishable {
            what: "the server's certificate",
            until: serving.identity.not_after,
            advice: "`gavel pki renew --server` makes a new one",
        },
    ];
    all.extend(sealed_until.map(|until| Perishable {
        what: "the sealing certificate",
        until,
        advice: "before the sale is opened, move pki/serve/sealer-SALE.pem away and run `gavel \
                 prepare`; after that, close the sale in time",
    }));
    all
}

/// The list of revocations.
pub(super) const fn list(crl: &Crl) -> Perishable {
    Perishable {
        what: "the revocation list",
        until: crl.next_update,
        advice: "`gavel pki crl` makes a new one",
    }
}

/// Warns about what expires within days, or before a day after the sale is to end.
pub(super) fn warn(serving: &Serving, crl: &Crl, opening: &Opening, now: Timestamp) {
    let ends_at = opening.terms.sale.sale_ends_at.unwrap_or(now);
    let horizon = horizon(now, ends_at);
    let mut perishable = certificates(serving, sealed_until(serving, opening, now));
    perishable.push(list(crl));
    for perishable in perishable {
        if let Some(trouble) = perishable.trouble(now, horizon) {
            tracing::warn!("{trouble}; {}", perishable.advice);
        }
    }
}

fn sealed_until(serving: &Serving, opening: &Opening, now: Timestamp) -> Option<Timestamp> {
    let sealer = opening.sealers.first()?;
    let sealer = verify_sealer(sealer, &serving.anchor, &opening.house, &opening.sale, now);
    sealer.ok().map(|sealer| sealer.not_after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_s(s: u64) -> Timestamp {
        Timestamp::ZERO.plus(Span::from_s(s))
    }

    #[test]
    fn what_expires_is_said_once_it_matters() {
        let day = 24 * 3600;
        let (now, ends_at) = (at_s(100 * day), at_s(110 * day));
        assert_eq!(horizon(now, ends_at), at_s(111 * day));
        assert_eq!(horizon(now, at_s(101 * day)), at_s(107 * day));
        let trouble = |until| {
            let it = Perishable { what: "it", until, advice: "renew it" };
            it.trouble(now, horizon(now, ends_at))
        };
        assert_eq!(trouble(at_s(111 * day)), None);
        let soon = trouble(at_s(111 * day - 1)).expect("is said");
        assert!(soon.starts_with("it expires 1970-04-21 23:59:59 UTC, in 10 days 23 h"), "{soon}");
        let past = trouble(at_s(99 * day)).expect("is said");
        assert_eq!(past, "it expired 1970-04-10 00:00:00 UTC");
    }
}
