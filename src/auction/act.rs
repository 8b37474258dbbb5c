//! What staff do to a sale, and what follows from it (RULES 7).
//!
//! Who may do what is here; what a lot makes of it is in `staff.rs`, and what the
//! sale does in `sale/acts.rs`. A clerk's bid for the room is a [`Bid`](super::Bid).

use super::event::Outcome;
use super::name::{LotId, Name, Role, Title};
use super::reserve::{Commitment, ReserveOpening};
use crate::time::{Span, Timestamp};

/// A staff member's act as the rules see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Who acts: the name in the certificate.
    pub by: Name,
    /// The role in that certificate.
    pub role: Role,
    /// What is to be done.
    pub deed: Deed,
    /// Why.
    pub reason: Option<Title>,
}

/// SHA-256 of a certificate's public key; the rules only carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyHash(pub [u8; 32]);

/// What is to be done. A lot that is named need not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// CLOSE SALE.
    Closing,
    /// EXTEND: move a lot's end, forward only.
    Extend {
        /// Which lot.
        lot: LotId,
        /// To when.
        ends_at: Timestamp,
    },
    /// HAMMER: close a lot now.
    Hammer {
        /// Which lot.
        lot: LotId,
        /// The standing bid's entry, as it was seen; none for a lot without one.
        seen: Option<u64>,
    },
    /// OPEN a pending lot.
    Open {
        /// Which lot.
        lot: LotId,
    },
    /// PAUSE an open lot.
    Pause {
        /// Which lot.
        lot: LotId,
    },
    /// Let a name pass to another certificate's key.
    Reissue {
        /// Which name.
        name: Name,
        /// The key that has it.
        old_key: KeyHash,
        /// The key that gets it.
        new_key: KeyHash,
    },
    /// RESERVE: lower a hidden reserve.
    Reserve {
        /// Which lot.
        lot: LotId,
        /// What commits to the lower one.
        commitment: Commitment,
    },
    /// RESUME a paused lot.
    Resume {
        /// Which lot.
        lot: LotId,
    },
    /// Tell everybody something.
    Say {
        /// On which lot, if on one.
        lot: Option<LotId>,
        /// What.
        text: Title,
    },
    /// VOID the bid that stands.
    Void {
        /// Which lot.
        lot: LotId,
        /// That bid's entry, as it was seen.
        seen: Option<u64>,
    },
    /// WITHDRAW a lot before its close.
    Withdraw {
        /// Which lot.
        lot: LotId,
    },
}

/// What follows from an act that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Lots without a bid close, paused ones with a bid go on, as what falls due then.
    Closing,
    /// The lot ends when the act says.
    Extended,
    /// The lot has closed.
    Hammered {
        /// How.
        outcome: Outcome,
        /// What opens its reserve's commitments.
        reserves: Vec<ReserveOpening>,
    },
    /// The lot is open.
    Opened {
        /// Its end, if it has one yet.
        ends_at: Option<Timestamp>,
    },
    /// The lot is paused.
    Paused {
        /// The time that was left, if it has an end.
        left: Option<Span>,
    },
    /// The name has passed to the other key.
    Reissued,
    /// The reserve is lower.
    ReserveLowered {
        /// Whether the price that stands meets it now; none without one.
        reserve_met: Option<bool>,
    },
    /// The lot is open again.
    Resumed {
        /// Its new end, if it has one.
        ends_at: Option<Timestamp>,
    },
    /// It was said.
    Said,
    /// The bid stands no more.
    Voided {
        /// The entry of the bid that stands now.
        standing: Option<u64>,
        /// The lot's end, or the one that it would have if it went on now.
        ends_at: Option<Timestamp>,
        /// Whether the price that stands now meets the reserve.
        reserve_met: Option<bool>,
    },
    /// The lot is withdrawn.
    Withdrawn {
        /// What opens its reserve's commitments.
        reserves: Vec<ReserveOpening>,
    },
}

/// What only the house can say with an act, of hidden reserves (LEDGER 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Whether the price that then stands meets the reserve then in force.
    Met(Option<bool>),
    /// The act tells nothing of a reserve.
    Nothing,
    /// The new reserve is not lower than the one in force.
    NotLowered,
    /// The openings of all commitments, in the order in which they were made.
    Openings(Vec<ReserveOpening>),
}

impl Deed {
    /// The lot that it is about, if it is about one.
    pub const fn lot(&self) -> Option<&LotId> {
        match self {
            Self::Extend { lot, .. }
            | Self::Hammer { lot, .. }
            | Self::Open { lot }
            | Self::Pause { lot }
            | Self::Reserve { lot, .. }
            | Self::Resume { lot }
            | Self::Void { lot, .. }
            | Self::Withdraw { lot } => Some(lot),
            Self::Say { lot, .. } => lot.as_ref(),
            Self::Closing | Self::Reissue { .. } => None,
        }
    }

    /// The act's name, as it stands in the ledger.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Closing => "closing",
            Self::Extend { .. } => "extend",
            Self::Hammer { .. } => "hammer",
            Self::Open { .. } => "open",
            Self::Pause { .. } => "pause",
            Self::Reissue { .. } => "reissue",
            Self::Reserve { .. } => "reserve",
            Self::Resume { .. } => "resume",
            Self::Say { .. } => "say",
            Self::Void { .. } => "void",
            Self::Withdraw { .. } => "withdraw",
        }
    }

    /// Whether the act must say why.
    pub const fn needs_reason(&self) -> bool {
        match self {
            Self::Extend { .. }
            | Self::Reissue { .. }
            | Self::Reserve { .. }
            | Self::Void { .. }
            | Self::Withdraw { .. } => true,
            Self::Closing
            | Self::Hammer { .. }
            | Self::Open { .. }
            | Self::Pause { .. }
            | Self::Resume { .. }
            | Self::Say { .. } => false,
        }
    }

    /// Whether a holder of that role may do it: clerks open, pause, resume and say,
    /// auctioneers do everything.
    pub(super) const fn is_for(&self, role: Role) -> bool {
        match role {
            Role::Auctioneer => true,
            Role::Clerk => match self {
                Self::Open { .. } | Self::Pause { .. } | Self::Resume { .. } | Self::Say { .. } => {
                    true
                }
                Self::Closing
                | Self::Extend { .. }
                | Self::Hammer { .. }
                | Self::Reissue { .. }
                | Self::Reserve { .. }
                | Self::Void { .. }
                | Self::Withdraw { .. } => false,
            },
            Role::Auditor | Role::Bidder | Role::Observer => false,
        }
    }
}

impl Effect {
    /// What the house said with the act that led to this.
    pub fn word(&self) -> Word {
        match self {
            Self::Hammered { reserves, .. } | Self::Withdrawn { reserves } => {
                Word::Openings(reserves.clone())
            }
            Self::ReserveLowered { reserve_met } | Self::Voided { reserve_met, .. } => {
                Word::Met(*reserve_met)
            }
            Self::Closing
            | Self::Extended
            | Self::Opened { .. }
            | Self::Paused { .. }
            | Self::Reissued
            | Self::Resumed { .. }
            | Self::Said => Word::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lot() -> LotId {
        LotId::parse("1").expect("an id")
    }

    /// What an act is called, whether a clerk may do it, and whether it must say why.
    fn check(deed: &Deed, name: &str, for_clerks: bool, needs_reason: bool) {
        assert_eq!(deed.as_str(), name);
        let may = Role::ALL.into_iter().filter(|role| deed.is_for(*role)).collect::<Vec<_>>();
        let staff = [Role::Auctioneer, Role::Clerk];
        assert_eq!(may, staff[..if for_clerks { 2 } else { 1 }], "{name}");
        assert_eq!(deed.needs_reason(), needs_reason, "{name}");
    }

    #[test]
    fn every_act_has_its_name_its_people_and_its_reason() {
        let (name, lot_or_none) = (Name::parse("ada").expect("a name"), Some(lot()));
        let text = Title::parse("hello").expect("a title");
        let (old_key, new_key) = (KeyHash([1; 32]), KeyHash([2; 32]));
        let commitment = Commitment::from_bytes([3; 32]);
        check(&Deed::Closing, "closing", false, false);
        check(&Deed::Extend { lot: lot(), ends_at: Timestamp::ZERO }, "extend", false, true);
        check(&Deed::Hammer { lot: lot(), seen: None }, "hammer", false, false);
        check(&Deed::Open { lot: lot() }, "open", true, false);
        check(&Deed::Pause { lot: lot() }, "pause", true, false);
        check(&Deed::Reissue { name, old_key, new_key }, "reissue", false, true);
        check(&Deed::Reserve { lot: lot(), commitment }, "reserve", false, true);
        check(&Deed::Resume { lot: lot() }, "resume", true, false);
        check(&Deed::Say { lot: lot_or_none, text }, "say", true, false);
        check(&Deed::Void { lot: lot(), seen: None }, "void", false, true);
        check(&Deed::Withdraw { lot: lot() }, "withdraw", false, true);
    }
}
