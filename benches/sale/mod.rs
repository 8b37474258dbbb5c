//! A sale on a real store with people who have enrolled, for benchmarks.

use ed25519_dalek::SigningKey;
use gavel::auction::catalogue::{SaleTerms, VoidPolicy};
use gavel::auction::money::Currency;
use gavel::auction::name::{Name, Role, Title};
use gavel::clock::Clock;
use gavel::house::{After, Answer};
use gavel::ledger::Hash;
use gavel::limits::{REFUSAL_BYTES_MAX, REFUSALS_PER_MINUTE_MAX, RESTART_GRACE};
use gavel::loadtest::TrialHouse;
use gavel::pki::Credential;
use gavel::record::{
    BidKey, Enrolment, EnrolmentEvidence, EnrolmentStatement, Terms, Times, read_sale_file,
};
use gavel::server::{Begun, MarkUsed, Sealing, Setup, begin};

/// How many lots it has.
pub(super) const LOTS: u64 = 100;
/// How many people bid.
pub(super) const BIDDERS: u8 = 20;

/// Somebody who is enrolled.
pub(super) struct Bidder {
    pub(super) name: Name,
    pub(super) key: SigningKey,
}

/// Opens the house's sale as the server does.
pub(super) fn open(house: &TrialHouse, clock: Clock) -> Begun {
    let folder = house.pki().serve();
    let sealing =
        folder.sealing_credential(house.sale(), house.anchor(), house.name(), clock.now());
    let sealing = sealing.expect("a sealing key");
    let setup = Setup {
        house: house.name().clone(),
        sale: house.sale().clone(),
        title: Title::parse("A long sale").expect("a title"),
        lots: read_sale_file(sale_file().as_bytes(), Times::Absolute)
            .expect("a sale file")
            .lot_terms(),
        reserves: Vec::new(),
        terms: Terms {
            sale: SaleTerms {
                currency: Currency::seed(),
                attested: false,
                opens_at: None,
                sale_ends_at: None,
                restart_grace: RESTART_GRACE,
                room_bids: false,
                void_policy: VoidPolicy::Reinstate,
            },
            fees: None,
            refusal_bytes_max: REFUSAL_BYTES_MAX,
            refusals_per_minute_max: REFUSALS_PER_MINUTE_MAX,
        },
        anchor: house.anchor().clone(),
        sealer: sealing.certificate,
        nonce: [5; 32],
        software: Title::parse("gavel bench").expect("a title"),
        ledger_folder: house.ledgers(),
        checkpoint_folder: None,
        copy_folder: None,
        accept_clock: false,
        shown: Vec::new(),
    };
    let mark_used = MarkUsed(Box::new(|| folder.mark_sealing_key_used(house.sale())));
    begin(setup, Sealing { key: Some(sealing.key), used: false, mark_used }).expect("begins")
}

/// Lets one more bidder into the sale.
pub(super) fn enrol(house: &TrialHouse, begun: &mut Begun, clock: Clock, number: u8) -> Bidder {
    let name = Name::parse(&format!("bidder-{number}")).expect("a name");
    let credential = house.credential(name.clone(), Role::Bidder, clock.now());
    let Credential { identity, secret, .. } = credential.expect("a credential");
    let key = SigningKey::from_bytes(&[number; 32]);
    let statement = EnrolmentStatement {
        bid_key: BidKey::from(&key),
        bidder: name.clone(),
        cert: Hash::of(&identity.chain[0]),
        role: Role::Bidder,
        sale_hash: begun.house.sale_hash(),
    };
    let enrolment = Enrolment {
        bidder: name.clone(),
        role: Role::Bidder,
        chain: identity.chain.clone(),
        evidence: EnrolmentEvidence::Signed {
            bid_key: statement.bid_key,
            bid_sig: statement.sign(&key),
            cert_sig: secret.sign(&statement.certificate_message()).expect("signs"),
        },
    };
    let sale_hash = begun.house.sale_hash();
    let enrolled = enrolment
        .authenticate(&sale_hash, house.anchor(), house.name(), clock.now())
        .expect("is good");
    let pending = begun.house.enrol(clock.now(), &enrolled);
    let lines = begun.store.commit(begun.house.take_frame()).expect("commits");
    let After::Released(released) = begun.house.committed(lines) else {
        panic!("the sale has not closed");
    };
    let answer = begun.house.answer(&released, pending);
    assert!(matches!(answer, Answer::Entered(_)), "{answer:?}");
    Bidder { name, key }
}

/// The lots of its sale.
pub(super) fn sale_file() -> String {
    let lot = |id| format!(r#""{id}":{{"name":"Lot {id}","highest_bid":0,"duration":86400}}"#);
    let lots: Vec<String> = (1..=LOTS).map(lot).collect();
    format!("{{{}}}", lots.join(","))
}
