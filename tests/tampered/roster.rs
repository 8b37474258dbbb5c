//! The roster in the open: every name with two keys, every key that the house made, every
//! lot that rests on the house's word.

use ed25519_dalek::SigningKey;
use gavel::auction::act::Deed;
use gavel::auction::catalogue::{LotTerms, Timer};
use gavel::auction::increments::Increments;
use gavel::auction::name::Role;
use gavel::audit::{Audit, People, SeveralKeys, Verdict, audit};
use gavel::ledger::entry::Kind;
use gavel::pki::{Grant, KeyMaker};
use gavel::record::{
    AttestedBid, Authenticated, Enrolled, Enrolment, KeptReserve, Signed, SignedAct,
    catalogue_hash, commit,
};
use gavel::sheet::{PeopleFacts, Sheet};
use gavel::time::Span;

use super::forge::Forge;
use super::halls::hall;
use super::running::Running;
use super::staff::{Hall, amount, id, opening, paddle, people, reissue, title};
use super::world::{Person, World, at, grant_as, name, world};

fn points(audit: &Audit) -> Vec<String> {
    Sheet::of(audit.audited().expect("is clean")).facts().points()
}

/// What is said of the names of a ledger that has no results.
fn points_of_names(audit: &Audit) -> Vec<String> {
    assert!(audit.audited().is_none(), "{:?}", audit.verdict());
    PeopleFacts::from(&audit.people).points()
}

fn several(who: &str, bid_keys: u64, certificate_keys: u64, reissues: &[u64]) -> SeveralKeys {
    SeveralKeys { name: name(who), bid_keys, certificate_keys, reissues: reissues.to_vec() }
}

fn made_by_house(who: &str, role: Role, seed: u8) -> Person {
    let grant = Grant { maker: KeyMaker::House, ..grant_as(who, role) };
    Person::new(&world().ca, &grant, seed)
}

/// The same certificate on another device.
fn second_device(person: &Person, seed: u8) -> Person {
    Person {
        identity: person.identity.clone(),
        secret: gavel::pki::P256Secret::from_pkcs8(person.secret.pkcs8()).expect("a key"),
        bid_key: SigningKey::from_bytes(&[seed; 32]),
    }
}

#[test]
fn a_name_that_was_passed_on_is_told_with_its_line() {
    let audit = audit(&hall().ledger, world().anchors());
    let line = Forge::of(&hall().ledger).find(Kind::Reissue, 15_000);
    let line = u64::try_from(line).expect("small");
    let expected =
        People { several_keys: vec![several("alice", 2, 2, &[line])], ..People::default() };
    assert_eq!(audit.people, expected);
    let said = points(&audit);
    for point in [
        format!("alice has had 2 certificate keys: the auctioneer passed the name on, line {line}"),
        "alice enrolled 2 bid keys: other devices, or somebody else with the certificate".into(),
        "won by a bid that staff entered for somebody in the room: lot 2".into(),
    ] {
        assert!(said.contains(&point), "{point}: {said:?}");
    }
}

#[test]
fn a_name_is_told_even_if_its_new_key_never_enrols() {
    let mut forge = Forge::of(&hall().ledger);
    let (enrol, line) = (forge.find(Kind::Enrol, 15_100), forge.find(Kind::Reissue, 15_000));
    forge.pieces.remove(enrol);
    let bid = forge.find(Kind::Bid, 15_300);
    forge.pieces.remove(bid);
    // What followed the bid is wrong now; what was found right before it is told.
    let audit = audit(&forge.forged(), world().anchors());
    assert_eq!(audit.verdict(), Verdict::Invalid);
    let line = u64::try_from(line).expect("small");
    assert_eq!(audit.people.several_keys, [several("alice", 1, 2, &[line])]);
}

#[test]
fn a_reissue_that_is_wrong_is_a_finding_and_told_as_nothing_else() {
    let mut forge = Forge::of(&hall().ledger);
    let line = forge.find(Kind::Reissue, 15_000);
    let people = people();
    let deed = reissue(&name("alice"), &people.alice, &people.alice_again);
    forge.pieces[line].set_act(&hall().act(&people.cleo, 500, deed));
    let audit = audit(&forge.forged(), world().anchors());
    assert_eq!(audit.people.several_keys, [several("alice", 2, 2, &[])]);
    let said = points_of_names(&audit);
    assert!(said.contains(&"alice has had 2 certificate keys".to_owned()), "{said:?}");
}

#[test]
fn an_invalid_ledger_still_shows_its_names() {
    let mut forge = Forge::honest();
    let line = forge.find(Kind::Bid, 29_000);
    forge.pieces[line].body["sig"] = forge.pieces[forge.find(Kind::Bid, 2_000)].body["sig"].clone();
    let forged = audit(&forge.forged(), world().anchors());
    assert_eq!(points_of_names(&forged), ["the house made the certificate keys: bob"]);
    // An enrolment that is wrong itself says nothing about a name.
    let mallory = Person::new(&world().ca, &grant_as("alice", Role::Bidder), 9);
    let mut forge = Forge::honest();
    let line = forge.find(Kind::Bid, 2_000);
    let enrolment = mallory.enrolment(world().sale_hash);
    forge.insert(line, &gavel::record::draft_enrol(&enrolment, at(1_500)));
    let forged = audit(&forge.forged(), world().anchors());
    assert_eq!(points_of_names(&forged), ["the house made the certificate keys: bob"]);
    // Where nothing leads to the trusted CA, no name was checked.
    let stranger = audit(&world().ledger[1..], world().anchors());
    assert_eq!(points_of_names(&stranger), Vec::<String>::new());
}

/// A sale where every second thing rests on the house's word.
struct Doubtful {
    running: Running,
    hall: Hall,
    n: u64,
}

const RESERVE: (u64, u8) = (900, 0xa1);

fn lots() -> Vec<LotTerms> {
    let lot = |lot: &str| LotTerms {
        id: id(lot),
        name: title("A lot"),
        start: amount(100),
        increments: Increments::constant(10).expect("a step"),
        timer: Timer::Schedule { opens_at: None, ends_at: at(60_000) },
        soft_window: Span::ZERO,
        soft_extend: Span::ZERO,
        hard_end: None,
        seller: None,
        estimate: None,
        without_reserve: false,
        reserve_commit: None,
    };
    let reserve = commit(&world().sale, &id("5"), &opening(RESERVE.0, RESERVE.1));
    let mut lots: Vec<LotTerms> = ["1", "2", "3", "4", "5"].map(lot).into();
    lots[4].reserve_commit = Some(reserve);
    lots
}

impl Doubtful {
    fn new(folder: &std::path::Path) -> Self {
        let mut opening_of_sale = world().opening();
        opening_of_sale.lot_count = 5;
        opening_of_sale.catalogue = catalogue_hash(&lots());
        opening_of_sale.terms.sale.room_bids = true;
        let kept = [KeptReserve { lot: id("5"), opening: opening(RESERVE.0, RESERVE.1) }];
        let key = world().sealing_key();
        let running = Running::bear_sale(opening_of_sale, lots(), &kept, key, folder);
        let (sale_hash, head) = (running.house.sale_hash(), running.head());
        Self { running, hall: Hall { sale_hash, head, ledger: Vec::new() }, n: 0 }
    }

    fn checked(&self, enrolment: &Enrolment) -> Authenticated<Enrolled> {
        let World { ca, house, .. } = world();
        enrolment
            .clone()
            .authenticate(&self.hall.sale_hash, ca.anchor(), house, at(0))
            .expect("is good")
    }

    fn enrol(&mut self, who: &Person) {
        let enrolled = self.checked(&who.enrolment(self.hall.sale_hash));
        self.running.frame(|house| vec![house.enrol(at(100), &enrolled)]);
    }

    fn attest(&mut self, who: &Person, lot: &str, price: u64) {
        let session = self.checked(&who.attested());
        let bid =
            Authenticated::<AttestedBid>::from_session(&session.identity, id(lot), amount(price));
        self.running.frame(|house| vec![house.submit_attested(at(1_000), 1, &session, bid)]);
    }

    fn take(&mut self, signed: impl Into<Signed>) {
        let signed = signed.into().authenticate().expect("is signed");
        self.running.frame(|house| vec![house.submit(at(1_000), 1, signed)]);
    }

    fn act(&mut self, sign: impl FnOnce(&Hall, u64) -> SignedAct) {
        self.n += 1;
        self.take(sign(&self.hall, self.n));
    }

    fn bid(&mut self, who: &Person, lot: &str, price: u64) {
        self.n += 1;
        self.take(self.hall.bid(who, lot, price, self.n));
    }

    fn audit(&self) -> Audit {
        let ledger = std::fs::read(self.running.store.path()).expect("reads");
        audit(&ledger, world().anchors())
    }
}

#[test]
fn whatever_rests_on_the_houses_word_is_told_by_name_and_lot() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut sale = Doubtful::new(folder.path());
    let ada = made_by_house("ada", Role::Auctioneer, 21);
    let bob = made_by_house("bob", Role::Bidder, 22);
    let own = Person::new(&world().ca, &grant_as("bob", Role::Bidder), 23);
    let gus = made_by_house("gus", Role::Bidder, 24);
    let alice = Person::new(&world().ca, &grant_as("alice", Role::Bidder), 25);
    for who in [&ada, &second_device(&ada, 31), &bob, &alice] {
        sale.enrol(who);
    }
    sale.attest(&gus, "1", 100);
    sale.bid(&bob, "2", 100);
    sale.act(|hall, n| hall.enter(&ada, n, paddle(), "3", 100));
    // Bob has a key of his own now: what he wins with it rests on nobody's word.
    sale.act(|hall, n| hall.act(&ada, n, reissue(&name("bob"), &bob, &own)));
    sale.enrol(&own);
    sale.bid(&own, "4", 100);
    // Below its reserve: nobody wins it, on nobody's word.
    sale.attest(&gus, "5", 100);
    let so_far = sale.audit();
    assert_eq!(so_far.verdict(), Verdict::Incomplete, "{:?}", so_far.findings);
    let word = "on the house's word, without a signature";
    assert_eq!(points(&so_far)[0], format!("won, or led so far, {word}: lot 1, 5"));

    sale.running.quiet(at(100_000));
    let audit = sale.audit();
    assert_eq!(audit.verdict(), Verdict::Valid, "{:?}", audit.findings);
    let headlines = &audit.audited().expect("is clean").results().headlines;
    assert_eq!(headlines.lots_on_word, [id("1")]);
    assert_eq!(headlines.lots_of_room_bids, [id("3")]);
    assert_eq!(headlines.lots_of_house_made_keys, [id("1"), id("2")]);
    assert_eq!(headlines.people, audit.people);
    assert_eq!(audit.people.house_made_keys, [name("bob"), name("gus")]);
    assert_eq!(audit.people.staff_with_house_made_keys, [name("ada")]);
    let keys = &audit.people.several_keys;
    assert_eq!(keys[0], several("ada", 2, 1, &[]), "staff too");
    assert_eq!((keys[1].bid_keys, keys[1].certificate_keys), (2, 2));
    assert_eq!(keys.len(), 2, "{keys:?}");
    let said = points(&audit);
    for point in [
        format!("won {word}: lot 1"),
        "won by a bid that staff entered for somebody in the room: lot 3".to_owned(),
        "won by a bid behind which is a certificate key that the house made: lot 1, 2".to_owned(),
        "the house made the certificate keys: bob, gus".to_owned(),
        "the house made the certificate keys of its own staff: ada".to_owned(),
        "ada enrolled 2 bid keys: other devices, or somebody else with the certificate".to_owned(),
        format!(
            "bob has had 2 certificate keys: the auctioneer passed the name on, line {}",
            keys[1].reissues[0]
        ),
    ] {
        assert!(said.contains(&point), "{point}: {said:?}");
    }
}

#[test]
fn a_voided_bid_leaves_the_word_of_the_one_before_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut sale = Doubtful::new(folder.path());
    let ada = Person::new(&world().ca, &grant_as("ada", Role::Auctioneer), 21);
    let alice = Person::new(&world().ca, &grant_as("alice", Role::Bidder), 25);
    let gus = Person::new(&world().ca, &grant_as("gus", Role::Bidder), 24);
    sale.enrol(&ada);
    sale.enrol(&alice);
    sale.attest(&gus, "1", 100);
    sale.bid(&alice, "1", 110);
    let seen =
        sale.running.house.sale().lot(&id("1")).and_then(|lot| lot.standing()).map(|h| h.seq);
    let lots = |audit: &Audit| audit.audited().map(|a| a.results().headlines.lots_on_word.clone());
    assert_eq!(lots(&sale.audit()), Some(vec![]));
    sale.act(|hall, n| hall.act(&ada, n, Deed::Void { lot: id("1"), seen }));
    assert_eq!(lots(&sale.audit()), Some(vec![id("1")]));
}
