//! What the file states of the whole sale, held against line 0 of a ledger.

use super::SaleFile;
use crate::record::Opening;

impl SaleFile {
    /// The keys of the whole sale that the ledger has otherwise; lots are compared one by one.
    ///
    /// What a file leaves to the operator's flags is no difference.
    pub fn differs_from(&self, opening: &Opening) -> Vec<&'static str> {
        let terms = &opening.terms.sale;
        // The form of numbered items can say nothing of a sale.
        let full = !self.is_seed_form;
        let same = [
            ("id", self.id.as_ref().is_none_or(|id| *id == opening.sale)),
            ("title", self.title.as_ref().is_none_or(|title| *title == opening.title)),
            ("currency", self.currency == terms.currency),
            ("opens_at", !full || self.opens_at == terms.opens_at),
            ("sale_ends_at", self.sale_ends_at.is_none_or(|at| Some(at) == terms.sale_ends_at)),
            (
                "restart_grace_ms",
                self.restart_grace.is_none_or(|grace| grace == terms.restart_grace),
            ),
            ("room_bids", !full || self.room_bids == terms.room_bids),
            ("void_policy", !full || self.void_policy == terms.void_policy),
            ("fees", !full || self.fees == opening.terms.fees),
        ];
        same.into_iter().filter(|(_, same)| !same).map(|(key, _)| key).collect()
    }
}
