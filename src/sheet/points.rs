//! What a sheet must say in words: whatever rests on less than a bidder's own signature.

use super::facts::{Facts, LagFacts};

impl Facts {
    /// What rests on less than a bidder's own signature, one sentence each.
    pub fn points(&self) -> Vec<String> {
        let headlines = &self.headlines;
        let mut points = Vec::new();
        let mut say = |text: String| points.push(text);
        if !headlines.lots_on_the_houses_word.is_empty() {
            let lots = headlines.lots_on_the_houses_word.join(", ");
            say(format!("won on the house's word, without a signature: lot {lots}"));
        }
        if !headlines.lots_of_house_made_keys.is_empty() {
            let lots = headlines.lots_of_house_made_keys.join(", ");
            say(format!("won by somebody whose certificate key the house made: lot {lots}"));
        }
        if !headlines.house_made_keys.is_empty() {
            let names = headlines.house_made_keys.join(", ");
            say(format!("the house made the certificate keys of: {names}"));
        }
        for several in &headlines.several_bid_keys {
            say(format!(
                "{} enrolled {} bid keys: other devices, or somebody else with the certificate",
                several.name, several.bid_keys
            ));
        }
        for refusal in self.annexes.refusals.iter().filter(|refusal| refusal.counted > 0) {
            say(format!(
                "{} refused as {} are only counted, on the house's word",
                refusal.counted, refusal.code
            ));
        }
        if headlines.reused_n_on_the_houses_word > 0 {
            let count = headlines.reused_n_on_the_houses_word;
            say(format!("{count} refusals reused-n rest on such a count"));
        }
        if self.clock.accepted > 0 {
            let accepted = self.clock.accepted;
            say(format!("the operator went on {accepted} times with a clock behind the ledger"));
        }
        for unrecorded in &self.audit.revoked_unrecorded {
            say(format!(
                "{}'s certificate is revoked since {}, the ledger does not say so, and a bid of {} stands",
                unrecorded.name,
                unrecorded.revoked.shown(),
                unrecorded.last_bid.shown(),
            ));
        }
        points
    }
}

impl LagFacts {
    /// How long bids waited for their number, in words.
    pub fn shown(&self) -> String {
        let ms = |us: u64| format!("{}.{:02}", us / 1000, us / 10 % 100);
        let (max, p99) = (ms(self.max), ms(self.p99));
        format!("bids waited at most {max} ms for their number, 99 of 100 at most {p99} ms")
    }
}
