//! Who may: enrolments, the numbers `n`, the window of heads, revocation, reissue.
//!
//! Pure, and shared by the live house and the auditor like the rules: methods
//! that judge change nothing, methods that take something in cannot fail. It
//! knows nothing of prices and lots, and no clock (LEDGER 3).

use std::collections::{HashMap, HashSet, VecDeque};

use crate::auction::act::{Deed, KeyHash};
use crate::auction::name::{Name, Party, Role};
use crate::auction::refusal::Code;
use crate::ledger::hash::Hash;
use crate::limits::{BID_KEYS_PER_NAME_MAX, HEAD_WINDOW};
use crate::pki::{Fingerprint, Identity, Serial};
use crate::record::{
    Authenticated, BidKey, Claim, Counts, Enrolled, EnrolmentEvidence, Head, Order, Signed, Terms,
};
use crate::time::Timestamp;

/// The people and keys of one sale, as far as its ledger has named them.
#[derive(Clone, Debug)]
pub struct Roster {
    sale_hash: Hash,
    attested_allowed: bool,
    budget: RefusalBudget,
    keys: HashMap<BidKey, Key>,
    names: HashMap<Name, Person>,
    revoked: HashSet<Serial>,
    heads: HeadWindow,
}

/// One enrolled bid key.
#[derive(Clone, Debug)]
struct Key {
    bidder: Name,
    role: Role,
    /// The certificate key that it was enrolled under.
    certificate_key: Fingerprint,
    serial: Serial,
    not_after: Timestamp,
    /// The greatest number used; numbers begin at 1.
    n: u64,
    /// Whether its name has passed to another certificate key.
    retired: bool,
}

/// One name: it belongs to the first certificate key enrolled under it.
#[derive(Clone, Debug)]
struct Person {
    certificate_key: Fingerprint,
    /// Whether anything but a bidder was ever enrolled under the name.
    is_staff: bool,
    bid_keys: usize,
    attested: Option<Attested>,
}

/// What the house saw of a session whose bids carry no signature.
#[derive(Clone, Debug)]
struct Attested {
    role: Role,
    cert: Fingerprint,
    serial: Serial,
    not_after: Timestamp,
}

/// Whether a signature verified under the key that its statement names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// It verified.
    Good,
    /// It did not.
    Bad,
}

impl Roster {
    /// An empty roster for the sale whose line 0 has the hash `sale_hash`.
    pub fn new(sale_hash: Hash, terms: &Terms) -> Self {
        Self {
            sale_hash,
            attested_allowed: terms.sale.attested,
            budget: RefusalBudget::new(terms),
            keys: HashMap::new(),
            names: HashMap::new(),
            revoked: HashSet::new(),
            heads: HeadWindow::default(),
        }
    }

    /// Says whether an enrolment may be entered at `at` (LEDGER 3, "Enrolment").
    ///
    /// Its chain and signatures have been checked; here it is held against the sale.
    pub fn judge_enrolment(
        &self,
        at: Timestamp,
        enrolled: &Authenticated<Enrolled>,
    ) -> Result<(), Code> {
        let identity = &enrolled.identity;
        self.judge_certificate(at, &identity.serial, identity.not_after)?;
        let person = self.names.get(&identity.name);
        if person.is_some_and(|person| person.certificate_key != identity.key) {
            return Err(Code::NameTaken);
        }
        match &enrolled.enrolment.evidence {
            EnrolmentEvidence::Signed { bid_key, .. } if self.keys.contains_key(bid_key) => {
                Err(Code::KeyEnrolled)
            }
            EnrolmentEvidence::Signed { .. } => match person {
                Some(person) if person.bid_keys >= BID_KEYS_PER_NAME_MAX => Err(Code::TooManyKeys),
                _ => Ok(()),
            },
            EnrolmentEvidence::Attested => self.judge_attestation(person),
        }
    }

    /// An attested enrolment is for names without a bid key, where the terms allow it.
    fn judge_attestation(&self, person: Option<&Person>) -> Result<(), Code> {
        let has_bid_key = person.is_some_and(|person| person.bid_keys > 0);
        if has_bid_key || !self.attested_allowed { Err(Code::Unsigned) } else { Ok(()) }
    }

    fn judge_certificate(
        &self,
        at: Timestamp,
        serial: &Serial,
        not_after: Timestamp,
    ) -> Result<(), Code> {
        if self.revoked.contains(serial) {
            Err(Code::Revoked)
        } else if at > not_after {
            Err(Code::Expired)
        } else {
            Ok(())
        }
    }

    /// Takes an enrolment in.
    pub fn apply_enrolment(&mut self, enrolled: &Enrolled) {
        let Identity { name, role, serial, not_after, cert, key, .. } = &enrolled.identity;
        let person = self.names.entry(name.clone()).or_insert_with(|| Person {
            certificate_key: *key,
            is_staff: false,
            bid_keys: 0,
            attested: None,
        });
        person.is_staff |= *role != Role::Bidder;
        match &enrolled.enrolment.evidence {
            EnrolmentEvidence::Signed { bid_key, .. } => {
                person.bid_keys += 1;
                let key = Key {
                    bidder: name.clone(),
                    role: *role,
                    certificate_key: *key,
                    serial: serial.clone(),
                    not_after: *not_after,
                    n: 0,
                    retired: false,
                };
                self.keys.insert(*bid_key, key);
            }
            EnrolmentEvidence::Attested => {
                person.attested = Some(Attested {
                    role: *role,
                    cert: *cert,
                    serial: serial.clone(),
                    not_after: *not_after,
                });
            }
        }
    }

    /// Judges a signed bid or act as far as the roster goes, in LEDGER 3's order of
    /// refusals, and gives the role under which its key was enrolled.
    pub fn judge(
        &self,
        at: Timestamp,
        claim: &Claim<'_>,
        signature: Signature,
    ) -> Result<Role, Code> {
        if *claim.sale_hash != self.sale_hash {
            return Err(Code::WrongSale);
        }
        let key = self.key_of(claim).ok_or(Code::NotEnrolled)?;
        if key.retired {
            return Err(Code::Revoked);
        }
        self.judge_certificate(at, &key.serial, key.not_after)?;
        match signature {
            Signature::Bad => Err(Code::BadSignature),
            Signature::Good if claim.n <= key.n => Err(Code::ReusedN),
            Signature::Good if !self.heads.holds(claim.head) => Err(Code::StaleHead),
            Signature::Good => Ok(key.role),
        }
    }

    /// Judges what bears a good signature: by whom it is, and whom it enters a bid for. Gives
    /// the signer's role. Errors as of [`Roster::judge`] and [`Roster::judge_room`].
    pub fn judge_signed(&self, at: Timestamp, signed: &Signed) -> Result<Role, Code> {
        let role = self.judge(at, &signed.claim(), Signature::Good)?;
        signed.room().map_or(Ok(()), |party| self.judge_room(party))?;
        Ok(role)
    }

    /// Says whether staff may enter a bid for somebody: not for the house's own people, who
    /// never bid (RULES 4). Paddles, and names that nobody enrolled, are on the signer's word.
    pub fn judge_room(&self, party: &Party) -> Result<(), Code> {
        let person = party.name().and_then(|name| self.names.get(name));
        if person.is_some_and(|person| person.is_staff) { Err(Code::Role) } else { Ok(()) }
    }

    /// Judges what the rules allow as far as it is about people: a reissue only.
    pub fn judge_order(&self, order: &Order) -> Result<(), Code> {
        match order {
            Order::Deed(Deed::Reissue { name, old_key, new_key }) => {
                self.judge_reissue(name, *old_key, *new_key)
            }
            Order::Deed(_) | Order::Enter { .. } => Ok(()),
        }
    }

    /// Takes an act in, once [`Roster::judge_order`] and the rules let it pass.
    pub fn apply_order(&mut self, order: &Order) {
        if let Order::Deed(Deed::Reissue { name, new_key, .. }) = order {
            self.apply_reissue(name, *new_key);
        }
    }

    /// Says whether a name may pass from one certificate key to another (LEDGER 1, `reissue`):
    /// it must be the old one's, and the new one another.
    fn judge_reissue(&self, name: &Name, old_key: KeyHash, new_key: KeyHash) -> Result<(), Code> {
        let holds = |person: &Person| *person.certificate_key.bytes() == old_key.0;
        let is_its = self.names.get(name).is_some_and(holds);
        if is_its && old_key != new_key { Ok(()) } else { Err(Code::NoSuchName) }
    }

    /// Lets a name pass to another certificate key; what was enrolled under the old one
    /// says nothing more.
    fn apply_reissue(&mut self, name: &Name, new_key: KeyHash) {
        let Some(person) = self.names.get_mut(name) else { return };
        let old_key = person.certificate_key;
        person.certificate_key = Fingerprint::from_bytes(new_key.0);
        person.attested = None;
        for key in self.keys.values_mut() {
            key.retired |= key.bidder == *name && key.certificate_key == old_key;
        }
    }

    /// Judges an attested bid as far as the roster goes: the house saw `bidder`
    /// on a session, and the name has no bid key (LEDGER 3).
    pub fn judge_attested(&self, at: Timestamp, bidder: &Name) -> Result<Role, Code> {
        if !self.attested_allowed {
            return Err(Code::Unsigned);
        }
        let person = self.names.get(bidder).ok_or(Code::NotEnrolled)?;
        if person.bid_keys > 0 {
            return Err(Code::Unsigned);
        }
        let attested = person.attested.as_ref().ok_or(Code::NotEnrolled)?;
        self.judge_certificate(at, &attested.serial, attested.not_after)?;
        Ok(attested.role)
    }

    /// Whether the session of this certificate stands in the ledger already.
    pub fn is_attested(&self, identity: &Identity) -> bool {
        let person = self.names.get(&identity.name);
        person.and_then(|person| person.attested.as_ref()).is_some_and(|a| a.cert == identity.cert)
    }

    /// Whether it is signed by an enrolled key under the name that enrolled it: with a
    /// good signature it is recorded, and uses up its `n`.
    pub fn knows(&self, claim: &Claim<'_>) -> bool {
        self.key_of(claim).is_some()
    }

    fn key_of(&self, claim: &Claim<'_>) -> Option<&Key> {
        self.keys.get(claim.bid_key).filter(|key| key.bidder == *claim.bidder)
    }

    /// Uses up every number of the statement's key up to its own.
    pub fn spend(&mut self, claim: &Claim<'_>) {
        self.spend_n(claim.bid_key, claim.n);
    }

    fn spend_n(&mut self, bid_key: &BidKey, n: u64) {
        if let Some(key) = self.keys.get_mut(bid_key) {
            key.n = key.n.max(n);
        }
    }

    /// The greatest number that a bid key has used; `None` if it is not enrolled.
    pub fn n_used(&self, bid_key: &BidKey) -> Option<u64> {
        self.keys.get(bid_key).map(|key| key.n)
    }

    /// Whether a refused bid or act of `bytes` may still be recorded whole (LEDGER 1, `refusal`).
    pub fn may_record(&self, at: Timestamp, bidder: &Name, bytes: usize) -> bool {
        self.budget.allows(at, bidder, bytes)
    }

    /// Takes in a refused bid or act that was recorded whole, in a body of `bytes`.
    pub fn apply_refusal(&mut self, at: Timestamp, claim: &Claim<'_>, bytes: usize) {
        self.budget.charge(at, claim.bidder, bytes);
        self.spend(claim);
    }

    /// Takes in a summary of refusals that were only counted.
    pub fn apply_counts(&mut self, counts: &Counts) {
        for (bid_key, n) in &counts.keys {
            self.spend_n(bid_key, *n);
        }
    }

    /// Takes in a seal line.
    pub fn apply_seal(&mut self, head: Head) {
        self.heads.push(head);
    }

    /// Takes in a revocation; it acts on what comes later.
    pub fn apply_revocation(&mut self, serial: Serial) {
        self.revoked.insert(serial);
    }

    /// Whether a certificate's revocation stands in the ledger.
    pub fn is_revoked(&self, serial: &Serial) -> bool {
        self.revoked.contains(serial)
    }
}

/// The last seal lines: a bid's head must be one of them.
#[derive(Clone, Debug, Default)]
struct HeadWindow {
    /// Sizes rise from front to back.
    heads: VecDeque<Head>,
}

impl HeadWindow {
    fn push(&mut self, head: Head) {
        if self.heads.len() == HEAD_WINDOW {
            self.heads.pop_front();
        }
        self.heads.push_back(head);
    }

    fn holds(&self, head: &Head) -> bool {
        let found = self.heads.binary_search_by_key(&head.size, |known| known.size);
        found.is_ok_and(|at| self.heads[at].root == head.root)
    }
}

/// How much of refused bids is recorded whole, so that nobody fills the disk with them.
#[derive(Clone, Debug)]
struct RefusalBudget {
    bytes_left: u64,
    per_minute_max: u64,
    minute: u64,
    in_minute: HashMap<Name, u64>,
}

impl RefusalBudget {
    fn new(terms: &Terms) -> Self {
        Self {
            bytes_left: terms.refusal_bytes_max,
            per_minute_max: terms.refusals_per_minute_max,
            minute: 0,
            in_minute: HashMap::new(),
        }
    }

    fn allows(&self, at: Timestamp, bidder: &Name, bytes: usize) -> bool {
        let this_minute =
            if self.minute == minute_of(at) { self.in_minute.get(bidder) } else { None };
        let room = u64::try_from(bytes).is_ok_and(|bytes| bytes <= self.bytes_left);
        room && this_minute.copied().unwrap_or(0) < self.per_minute_max
    }

    fn charge(&mut self, at: Timestamp, bidder: &Name, bytes: usize) {
        if self.minute != minute_of(at) {
            self.minute = minute_of(at);
            self.in_minute.clear();
        }
        *self.in_minute.entry(bidder.clone()).or_insert(0) += 1;
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
    }
}

/// Minutes are those of the official clock, not a sliding window: any verifier counts the same.
const fn minute_of(at: Timestamp) -> u64 {
    at.unix_ms() / 60_000
}

#[cfg(test)]
mod tests;
