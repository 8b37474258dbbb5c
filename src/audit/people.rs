//! Who enrolled, and under how many keys: what the roster shows in the open.
//!
//! Only enrolments and reissues that were found right are taken in, so that it can be
//! said of a ledger in which something else is wrong, where it may matter most.

use std::collections::{BTreeMap, HashSet};

use crate::auction::act::{Deed, KeyHash};
use crate::auction::name::{Name, Role};
use crate::record::{Enrolled, Order};

/// What a reader must know of the names in a ledger, each list by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// Bidders whose certificate key the house made, as it says itself.
    pub house_made_keys: Vec<Name>,
    /// Staff whose certificate key the house made.
    pub staff_with_house_made_keys: Vec<Name>,
    /// Names with more than one bid key or more than one certificate key.
    pub several_keys: Vec<SeveralKeys>,
}

/// A name with more keys than one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeveralKeys {
    /// The name.
    pub name: Name,
    /// How many bid keys were enrolled under it.
    pub bid_keys: u64,
    /// How many certificate keys it belonged to, one after the other.
    pub certificate_keys: u64,
    /// The lines at which the auctioneer passed it to another certificate key.
    pub reissues: Vec<u64>,
}

/// The names so far. Bounded by enrolments and reissues, never by bids.
#[derive(Clone, Debug, Default)]
pub(super) struct PeopleTally {
    names: BTreeMap<Name, NameTally>,
}

#[derive(Clone, Debug, Default)]
struct NameTally {
    /// The house made a certificate key under which it bids.
    bids_by_house_made_key: bool,
    /// The house made a certificate key under which it acts for the house.
    acts_by_house_made_key: bool,
    bid_keys: u64,
    certificate_keys: HashSet<KeyHash>,
    reissues: Vec<u64>,
}

impl PeopleTally {
    /// Takes in an enrolment that was found right.
    pub(super) fn enrol(&mut self, enrolled: &Enrolled) {
        let identity = &enrolled.identity;
        let known = self.names.entry(identity.name.clone()).or_default();
        let by_house_made_key = match identity.role {
            Role::Bidder => &mut known.bids_by_house_made_key,
            Role::Auctioneer | Role::Auditor | Role::Clerk | Role::Observer => {
                &mut known.acts_by_house_made_key
            }
        };
        *by_house_made_key |= identity.house_made_key;
        known.bid_keys += u64::from(enrolled.enrolment.bid_key().is_some());
        known.certificate_keys.insert(KeyHash(*identity.key.bytes()));
    }

    /// Takes in an order that was found right: a reissue passes a name on, whether or not
    /// the new key is ever enrolled.
    pub(super) fn order(&mut self, seq: u64, order: &Order) {
        if let Order::Deed(Deed::Reissue { name, old_key, new_key }) = order {
            let known = self.names.entry(name.clone()).or_default();
            known.certificate_keys.extend([*old_key, *new_key]);
            known.reissues.push(seq);
        }
    }

    /// Whether the house made a certificate key of any bidder.
    pub(super) fn has_house_made_keys(&self) -> bool {
        self.names.values().any(|known| known.bids_by_house_made_key)
    }

    pub(super) fn people(&self) -> People {
        let mut people = People::default();
        for (name, known) in &self.names {
            if known.bids_by_house_made_key {
                people.house_made_keys.push(name.clone());
            }
            if known.acts_by_house_made_key {
                people.staff_with_house_made_keys.push(name.clone());
            }
            people.several_keys.extend(known.several(name));
        }
        people
    }
}

impl NameTally {
    fn several(&self, name: &Name) -> Option<SeveralKeys> {
        let certificate_keys = u64::try_from(self.certificate_keys.len()).unwrap_or(u64::MAX);
        (self.bid_keys > 1 || certificate_keys > 1).then(|| SeveralKeys {
            name: name.clone(),
            bid_keys: self.bid_keys,
            certificate_keys,
            reissues: self.reissues.clone(),
        })
    }
}
