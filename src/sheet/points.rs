//! What a sheet must say in words: whatever rests on less than a bidder's own signature.

use super::facts::{Facts, LagFacts, PeopleFacts, SeveralFact};

impl Facts {
    /// What rests on less than a bidder's own signature, one sentence each.
    pub fn points(&self) -> Vec<String> {
        let headlines = &self.headlines;
        let mut points = Vec::new();
        let mut say = |text: String| points.push(text);
        let won = if self.closed.is_some() { "won" } else { "won, or led so far," };
        for (lots, how) in [
            (&headlines.lots_on_the_houses_word, "on the house's word, without a signature"),
            (&headlines.lots_of_room_bids, "by a bid that staff entered for somebody in the room"),
            (
                &headlines.lots_of_house_made_keys,
                "by a bid behind which is a certificate key that the house made",
            ),
        ] {
            if !lots.is_empty() {
                say(format!("{won} {how}: lot {}", lots.join(", ")));
            }
        }
        headlines.people.points().into_iter().for_each(&mut say);
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

impl PeopleFacts {
    /// What a reader must know of the names, one sentence each.
    pub fn points(&self) -> Vec<String> {
        let mut points = Vec::new();
        for (names, whose) in
            [(&self.house_made_keys, ""), (&self.staff_with_house_made_keys, " of its own staff")]
        {
            if !names.is_empty() {
                let names = names.join(", ");
                points.push(format!("the house made the certificate keys{whose}: {names}"));
            }
        }
        points.extend(self.several_keys.iter().flat_map(SeveralFact::points));
        points
    }
}

impl SeveralFact {
    fn points(&self) -> Vec<String> {
        let Self { name, bid_keys, certificate_keys, reissues } = self;
        let mut points = Vec::new();
        if *certificate_keys > 1 {
            let mut point = format!("{name} has had {certificate_keys} certificate keys");
            if !reissues.is_empty() {
                let lines: Vec<String> = reissues.iter().map(u64::to_string).collect();
                let lines = lines.join(", ");
                point.push_str(&format!(": the auctioneer passed the name on, line {lines}"));
            }
            points.push(point);
        }
        if *bid_keys > 1 {
            points.push(format!(
                "{name} enrolled {bid_keys} bid keys: other devices, or somebody else with the \
                 certificate"
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
