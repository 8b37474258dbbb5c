//! People with every role, and how they sign in a sale of their own.

use std::sync::OnceLock;

use gavel::auction::act::{Deed, KeyHash};
use gavel::auction::money::Amount;
use gavel::auction::name::{LotId, Name, Party, Role, Title};
use gavel::auction::reserve::ReserveOpening;
use gavel::audit::{FindingKind, Verdict, audit};
use gavel::ledger::Hash;
use gavel::record::{ActStatement, BidKey, Head, Order, SignedAct, SignedBid, commit};

use super::forge::Forge;
use super::world::{Person, grant_as, name, world};

/// Everybody who comes to the hall. Alice has lost her key; the other Alice is she, with
/// another certificate.
pub(crate) struct People {
    pub(crate) ada: Person,
    pub(crate) cleo: Person,
    pub(crate) alice: Person,
    pub(crate) bob: Person,
    pub(crate) dora: Person,
    pub(crate) alice_again: Person,
}

pub(crate) fn people() -> &'static People {
    static PEOPLE: OnceLock<People> = OnceLock::new();
    PEOPLE.get_or_init(|| {
        let person = |name, role, seed| Person::new(&world().ca, &grant_as(name, role), seed);
        People {
            ada: person("ada", Role::Auctioneer, 21),
            cleo: person("cleo", Role::Clerk, 22),
            alice: person("alice", Role::Bidder, 23),
            bob: person("bob", Role::Bidder, 24),
            dora: person("dora", Role::Bidder, 25),
            alice_again: person("alice", Role::Bidder, 26),
        }
    })
}

/// A sale with staff, finished and valid.
pub(crate) struct Hall {
    pub(crate) sale_hash: Hash,
    /// The first seal: the head of everything that is signed.
    pub(crate) head: Head,
    pub(crate) ledger: Vec<u8>,
}

impl Hall {
    /// An order that `who` signs.
    pub(crate) fn order(
        &self,
        who: &Person,
        n: u64,
        order: Order,
        reason: Option<&str>,
    ) -> SignedAct {
        let statement = ActStatement {
            bid_key: BidKey::from(&who.bid_key),
            bidder: who.identity.name.clone(),
            head: self.head,
            n,
            order,
            reason: reason.map(title),
            sale_hash: self.sale_hash,
        };
        SignedAct::sign(statement, &who.bid_key)
    }

    /// An act that `who` signs, with a reason where one is needed.
    pub(crate) fn act(&self, who: &Person, n: u64, deed: Deed) -> SignedAct {
        let reason = deed.needs_reason().then_some("a slip");
        self.order(who, n, Order::Deed(deed), reason)
    }

    /// A bid for somebody in the room that `who` enters.
    pub(crate) fn enter(
        &self,
        who: &Person,
        n: u64,
        party: Party,
        lot: &str,
        price: u64,
    ) -> SignedAct {
        self.order(who, n, Order::Enter { party, lot: id(lot), amount: amount(price) }, None)
    }

    /// A bid that `who` signs.
    pub(crate) fn bid(&self, who: &Person, lot: &str, amount: u64, n: u64) -> SignedBid {
        who.bid(self.head, self.sale_hash, lot, amount, n)
    }
}

pub(crate) fn id(text: &str) -> LotId {
    LotId::parse(text).expect("an id")
}

pub(crate) fn amount(minor_units: u64) -> Amount {
    Amount::new(minor_units).expect("an amount")
}

pub(crate) fn title(text: &str) -> Title {
    Title::parse(text).expect("a title")
}

pub(crate) fn paddle() -> Party {
    Party::Paddle(name("17"))
}

/// What opens the commitment to a reserve.
pub(crate) fn opening(reserve: u64, nonce: u8) -> ReserveOpening {
    ReserveOpening { reserve: amount(reserve), nonce: [nonce; 32] }
}

/// What lowers a lot's reserve to that of `opening`.
pub(crate) fn lower(lot: &str, opening: &ReserveOpening) -> Deed {
    Deed::Reserve { lot: id(lot), commitment: commit(&world().sale, &id(lot), opening) }
}

/// What passes a name from one person's certificate key to another's.
pub(crate) fn reissue(name: &Name, from: &Person, to: &Person) -> Deed {
    let key = |person: &Person| KeyHash(*person.identity.key.bytes());
    Deed::Reissue { name: name.clone(), old_key: key(from), new_key: key(to) }
}

/// Forges a hall; `forge` gives the line at which the first thing must be found. Its kind and
/// line are what an auditor is told first.
#[track_caller]
pub(crate) fn check(
    base: &Hall,
    what: &str,
    kind: FindingKind,
    forge: impl FnOnce(&mut Forge) -> usize,
) {
    let mut forged = Forge::of(&base.ledger);
    let line = u64::try_from(forge(&mut forged)).expect("small");
    let audit = audit(&forged.forged(), world().anchors());
    let found: Vec<_> = audit.findings.iter().map(|f| (f.kind, f.line, &f.detail)).collect();
    let first = found.first().map(|(kind, line, _)| (*kind, *line));
    assert_eq!(first, Some((kind, Some(line))), "{what}: {found:?}");
    assert_eq!(audit.verdict(), Verdict::Invalid, "{what}");
}
