//! Every record survives being written and read, and nothing else is read.

use super::*;
use crate::auction::act::{Deed, Effect, KeyHash};
use crate::auction::catalogue::{LotTerms, SaleTerms, Seller, Timer, VoidPolicy};
use crate::auction::event::{Event, Happening, Outcome, Totals, UnsoldReason};
use crate::auction::increments::Increments;
use crate::auction::money::{Amount, Currency};
use crate::auction::name::{HouseName, LotId, Name, Party, Role, SaleId, Title};
use crate::auction::refusal::Code;
use crate::auction::reserve::{Commitment, ReserveOpening};
use crate::ledger::{Draft, Hash, Kind, Line};
use crate::limits::COUNTED_KEYS_PER_LINE_MAX;
use crate::pki::{RevocationReason, Serial};
use crate::time::{Span, Timestamp};
use ed25519_dalek::SigningKey;

const AT: u64 = 1_780_315_200_000;

fn at(ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(AT + ms).expect("in range")
}

fn amount(minor_units: u64) -> Amount {
    Amount::new(minor_units).expect("in range")
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn lot_id(text: &str) -> LotId {
    LotId::parse(text).expect("a lot id")
}

fn title(text: &str) -> Title {
    Title::parse(text).expect("a title")
}

fn opening(lots: &[LotTerms]) -> Opening {
    Opening {
        sale: SaleId::parse("estate-2026").expect("a sale id"),
        house: HouseName::parse("meridian").expect("a house"),
        title: title("Nachlaß \"Ames\""),
        nonce: [7; 32],
        terms: Terms {
            sale: SaleTerms {
                currency: Currency::new(Some("EUR"), 2).expect("a currency"),
                attested: true,
                opens_at: Some(at(0)),
                sale_ends_at: Some(at(9_000)),
                restart_grace: Span::from_s(60),
                room_bids: false,
                void_policy: VoidPolicy::Reopen,
            },
            fees: None,
            refusal_bytes_max: 1 << 24,
            refusals_per_minute_max: 60,
        },
        lot_count: u64::try_from(lots.len()).expect("few"),
        catalogue: catalogue_hash(lots),
        sealers: vec![vec![0x30, 1, 2]],
        ca: vec![0x30, 3, 4, 5],
        software: title("gavel 0.1.0"),
    }
}

fn lots() -> Vec<LotTerms> {
    let seed = LotTerms {
        id: lot_id("1"),
        name: title("10 CGPA"),
        start: amount(1001),
        increments: Increments::constant(1).expect("a table"),
        timer: Timer::FirstBid { duration: Span::from_s(30) },
        soft_window: Span::ZERO,
        soft_extend: Span::ZERO,
        hard_end: None,
        seller: None,
        estimate: None,
        without_reserve: false,
        reserve_commit: Some(Commitment::from_bytes([3; 32])),
    };
    let full = LotTerms {
        id: lot_id("12-a"),
        increments: Increments::new(vec![(0, 500), (5000, 1000)]).expect("a table"),
        timer: Timer::Schedule { opens_at: Some(at(5)), ends_at: at(6) },
        soft_window: Span::from_s(120),
        soft_extend: Span::from_s(90),
        hard_end: Some(at(7)),
        seller: Some(Seller::Person(name("carol"))),
        estimate: Some((amount(1), amount(2))),
        without_reserve: true,
        reserve_commit: None,
        ..seed.clone()
    };
    let scheduled = LotTerms {
        id: lot_id("b"),
        timer: Timer::Schedule { opens_at: None, ends_at: at(6) },
        seller: Some(Seller::Text(title("a lady of title"))),
        ..seed.clone()
    };
    let manual = LotTerms { id: lot_id("c"), timer: Timer::Manual, ..seed.clone() };
    vec![seed, full, scheduled, manual]
}

fn signed_bid() -> SignedBid {
    let key = SigningKey::from_bytes(&[1; 32]);
    let statement = Statement {
        amount: amount(1001),
        bid_key: BidKey::from(&key),
        bidder: name("alice"),
        head: Head { root: Hash::of(b"root"), size: 5 },
        lot: lot_id("1"),
        n: 1,
        sale_hash: Hash::of(b"line 0"),
    };
    SignedBid::sign(statement, &key)
}

fn enrolment(evidence: EnrolmentEvidence) -> Enrolment {
    let chain = vec![vec![0x30, 9], vec![0x30, 8, 7]];
    Enrolment { bidder: name("alice"), role: Role::Bidder, chain, evidence }
}

fn signed_enrolment() -> Enrolment {
    let bid_key = BidKey::from_bytes([3; 32]);
    enrolment(EnrolmentEvidence::Signed { bid_key, bid_sig: [4; 64], cert_sig: [5; 64] })
}

fn accepted(evidence: BidEvidence, ends_at: Option<Timestamp>) -> AcceptedBid {
    AcceptedBid { evidence, ends_at, reserve_met: None, lag_us: 137 }
}

fn signed_act(order: Order, reason: Option<&str>) -> SignedAct {
    let bid = signed_bid().statement;
    let statement = ActStatement {
        bid_key: bid.bid_key,
        bidder: name("ada"),
        head: bid.head,
        n: 4,
        order,
        reason: reason.map(|text| Title::parse(text).expect("a title")),
        sale_hash: bid.sale_hash,
    };
    SignedAct { statement, signature: [6; 64] }
}

fn openings() -> Vec<ReserveOpening> {
    [(60_000, 7), (50_000, 8)]
        .map(|(reserve, nonce)| ReserveOpening { reserve: amount(reserve), nonce: [nonce; 32] })
        .to_vec()
}

/// One of each act, with what may follow from it.
fn recorded_acts() -> Vec<RecordedAct> {
    let lot = || lot_id("1");
    let keys = (KeyHash([8; 32]), KeyHash([9; 32]));
    let text = || Title::parse("Mind the step").expect("a title");
    let sold = Outcome::Sold { to: Party::Paddle(name("12")), hammer_price: amount(1001) };
    let unmet = Outcome::Unsold(UnsoldReason::ReserveNotMet);
    let (none, some) = (None, Some(at(50)));
    let acts = [
        (Deed::Closing, Effect::Closing),
        (Deed::Extend { lot: lot(), ends_at: at(50) }, Effect::Extended),
        (
            Deed::Hammer { lot: lot(), seen: Some(9) },
            Effect::Hammered { outcome: sold, reserves: openings() },
        ),
        (
            Deed::Hammer { lot: lot(), seen: None },
            Effect::Hammered { outcome: unmet, reserves: Vec::new() },
        ),
        (Deed::Open { lot: lot() }, Effect::Opened { ends_at: none }),
        (Deed::Open { lot: lot() }, Effect::Opened { ends_at: some }),
        (Deed::Pause { lot: lot() }, Effect::Paused { left: Some(Span::from_ms(7)) }),
        (Deed::Pause { lot: lot() }, Effect::Paused { left: None }),
        (Deed::Reissue { name: name("alice"), old_key: keys.0, new_key: keys.1 }, Effect::Reissued),
        (
            Deed::Reserve { lot: lot(), commitment: Commitment::from_bytes([3; 32]) },
            Effect::ReserveLowered { reserve_met: Some(false) },
        ),
        (Deed::Resume { lot: lot() }, Effect::Resumed { ends_at: some }),
        (Deed::Say { lot: None, text: text() }, Effect::Said),
        (Deed::Say { lot: Some(lot()), text: text() }, Effect::Said),
        (
            Deed::Void { lot: lot(), seen: Some(9) },
            Effect::Voided { standing: Some(7), ends_at: some, reserve_met: Some(true) },
        ),
        (
            Deed::Void { lot: lot(), seen: Some(9) },
            Effect::Voided { standing: None, ends_at: none, reserve_met: None },
        ),
        (Deed::Withdraw { lot: lot() }, Effect::Withdrawn { reserves: openings() }),
        (Deed::Withdraw { lot: lot() }, Effect::Withdrawn { reserves: Vec::new() }),
    ];
    acts.map(|(deed, effect)| {
        let reason = deed.needs_reason().then_some("it was a slip");
        RecordedAct { act: signed_act(Order::Deed(deed), reason), effect }
    })
    .to_vec()
}

fn room_bid(party: Party) -> BidEvidence {
    let order = Order::Enter { party, lot: lot_id("1"), amount: amount(1002) };
    BidEvidence::Clerk(RoomBid::new(signed_act(order, None)).expect("it enters a bid"))
}

fn attested() -> BidEvidence {
    BidEvidence::Attested { bidder: name("bob"), lot: lot_id("1"), amount: amount(1002) }
}

fn counts() -> Counts {
    Counts {
        counts: vec![(Code::BadSignature, 3), (Code::NotEnrolled, 1), (Code::TooLow, 40)],
        keys: vec![(BidKey::from_bytes([1; 32]), 9), (BidKey::from_bytes([2; 32]), 0)],
    }
}

fn revocation() -> Revocation {
    Revocation {
        serial: Serial::parse("0123456789abcdef").expect("a serial"),
        reason: RevocationReason::KeyCompromise,
        crl_number: 4,
        crl_hash: Hash::of(b"crl"),
    }
}

/// One of each record with the draft that writes it.
pub(super) fn samples() -> Vec<(Record, Draft)> {
    let opening = opening(&lots());
    let mut samples = vec![(Record::Open(Box::new(opening.clone())), draft_open(&opening, at(0)))];
    for lot in lots() {
        samples.push((Record::Lot(Box::new(lot.clone())), draft_lot(&lot, at(0))));
    }
    for enrolment in [signed_enrolment(), enrolment(EnrolmentEvidence::Attested)] {
        let draft = draft_enrol(&enrolment, at(1));
        samples.push((Record::Enrol(Box::new(enrolment)), draft));
    }
    for bid in [
        accepted(BidEvidence::Signed(signed_bid()), Some(at(99))),
        accepted(BidEvidence::Signed(signed_bid()), None),
        accepted(attested(), Some(at(99))),
        accepted(room_bid(Party::Paddle(name("12"))), Some(at(99))),
        accepted(room_bid(Party::Named(name("bob"))), None),
        AcceptedBid { reserve_met: Some(true), ..accepted(attested(), None) },
        AcceptedBid { reserve_met: Some(false), ..accepted(attested(), None) },
    ] {
        let draft = draft_bid(&bid, at(2));
        samples.push((Record::Bid(Box::new(bid)), draft));
    }
    for (signed, code) in [
        (Signed::Bid(signed_bid()), Code::AlreadyLeading),
        (Signed::Act(signed_act(Order::Deed(Deed::Pause { lot: lot_id("1") }), None)), Code::Role),
    ] {
        let refused = Refused { signed, code };
        let draft = draft_refused(&refused, at(3));
        samples.push((Record::Refused(Box::new(refused)), draft));
    }
    for recorded in recorded_acts() {
        let draft = draft_act(&recorded, at(3)).expect("not a bid");
        samples.push((Record::Act(Box::new(recorded)), draft));
    }
    samples.push((Record::Counted(counts()), draft_counts(&counts(), at(3))));
    samples.push((Record::Revoke(revocation()), draft_revoke(&revocation(), at(4))));
    samples.extend(events().into_iter().map(|event| {
        let draft = draft_event(&event).expect("not a bid");
        (Record::Event(event), draft)
    }));
    samples
}

fn events() -> Vec<Event> {
    let sold = Outcome::Sold { to: Party::Named(name("alice")), hammer_price: amount(1001) };
    let paddle = Outcome::Sold { to: Party::Paddle(name("alice")), hammer_price: amount(1001) };
    let totals = Totals { sold: 1, unsold: 2, withdrawn: 3, hammer_total: Some(1001) };
    let closed = |outcome, reserves| Happening::LotClosed { lot: lot_id("1"), outcome, reserves };
    [
        Happening::LotOpened { lot: lot_id("1"), ends_at: None },
        Happening::LotOpened { lot: lot_id("1"), ends_at: Some(at(50)) },
        Happening::LotResumed { lot: lot_id("1"), ends_at: None },
        Happening::LotResumed { lot: lot_id("1"), ends_at: Some(at(50)) },
        closed(sold, Vec::new()),
        closed(paddle, openings()),
        closed(Outcome::Unsold(UnsoldReason::NoBids), openings()),
        closed(Outcome::Unsold(UnsoldReason::ReserveNotMet), openings()),
        Happening::Ticked,
        Happening::ClockNoted { wall: at(700), accepted: true },
        Happening::OutageEnded { from: at(3) },
        Happening::SaleClosed(totals),
        Happening::SaleClosed(Totals { hammer_total: None, ..totals }),
    ]
    .map(|what| Event { at: at(5), what })
    .to_vec()
}

fn read(kind: Kind, body: &str) -> Result<Record, RecordError> {
    let at = (kind != Kind::Seal).then_some(at(5));
    Record::read(&Line { kind, seq: 1, prev: Hash::ZERO, at, body })
}

fn text(draft: &Draft) -> &str {
    std::str::from_utf8(&draft.body).expect("JSON")
}

#[test]
fn what_is_written_is_read_again() {
    for (record, draft) in samples() {
        let line = Line {
            kind: draft.kind,
            seq: 1,
            prev: Hash::ZERO,
            at: Some(draft.at),
            body: text(&draft),
        };
        assert_eq!(Record::read(&line).as_ref(), Ok(&record), "{}", text(&draft));
    }
    assert_eq!(
        read(Kind::Seal, r#"{"note":"a\nb\n"}"#),
        Ok(Record::Seal { note: "a\nb\n".to_owned() })
    );
}

#[test]
fn bids_are_written_with_their_evidence_only() {
    let bid = accepted(BidEvidence::Signed(signed_bid()), None);
    let event = bid.event(Role::Bidder, 7, at(5));
    assert_eq!(draft_event(&event), None);
    let draft = draft_bid(&bid, at(5));
    let statement = String::from_utf8(signed_bid().statement.to_canonical()).expect("ASCII");
    assert!(text(&draft).starts_with(&format!("{{\"bid\":{statement},")), "{}", text(&draft));
}

/// Every object of every body, with one member more or one less, is refused.
#[test]
fn unknown_and_missing_keys_are_refused() {
    for (_, draft) in samples() {
        let body: serde_json::Value = serde_json::from_slice(&draft.body).expect("JSON");
        for path in objects(&body, "") {
            let mut more = body.clone();
            more.pointer_mut(&path)
                .and_then(|object| object.as_object_mut())
                .expect("an object")
                .insert("zz".to_owned(), 1.into());
            let error = read(draft.kind, &more.to_string()).expect_err("an unknown key");
            assert_eq!(error.kind(), "schema", "{error}");
            for key in body.pointer(&path).and_then(|o| o.as_object()).expect("an object").keys() {
                if is_optional(&body, &path, key) {
                    continue;
                }
                let mut less = body.clone();
                less.pointer_mut(&path)
                    .and_then(|object| object.as_object_mut())
                    .expect("an object")
                    .remove(key);
                let error = read(draft.kind, &less.to_string()).expect_err("a missing key");
                assert_eq!(error.kind(), "schema", "{path} {key} {error}");
            }
        }
    }
}

/// The pointers of all objects in `value`.
fn objects(value: &serde_json::Value, path: &str) -> Vec<String> {
    let children: Vec<(String, &serde_json::Value)> = match value {
        serde_json::Value::Object(object) => {
            object.iter().map(|(key, value)| (format!("{path}/{key}"), value)).collect()
        }
        serde_json::Value::Array(array) => {
            array.iter().enumerate().map(|(i, value)| (format!("{path}/{i}"), value)).collect()
        }
        _ => Vec::new(),
    };
    let own = value.is_object().then(|| path.to_owned());
    own.into_iter()
        .chain(children.into_iter().flat_map(|(path, value)| objects(value, &path)))
        .collect()
}

/// Keys that may be absent wherever they stand beside all others.
fn is_optional(body: &serde_json::Value, path: &str, key: &str) -> bool {
    match (path, key) {
        ("/act", "lot") => body["act"]["act"] == "say",
        // A reason is asked for by the rules, which have a refusal of its own for that.
        ("/act", key) => matches!(key, "reason" | "seen"),
        (_, "ends_at") => body["act"]["act"] != "extend",
        (_, key) => matches!(
            key,
            "code"
                | "estimate"
                | "hammer_total"
                | "hard_end"
                | "left_ms"
                | "opens_at"
                | "reserve_commit"
                | "reserve_met"
                | "reserves"
                | "sale_ends_at"
                | "seller"
                | "standing"
        ),
    }
}

#[test]
fn an_array_is_never_an_object() {
    for (kind, body) in [
        (Kind::Tick, "[]"),
        (Kind::Clock, "[true,5]"),
        (Kind::Seal, r#"["a"]"#),
        (Kind::Outage, r#"{"from":5,"to":[5]}"#),
    ] {
        assert_eq!(read(kind, body).expect_err(body).kind(), "schema", "{body}");
    }
    let draft = draft_bid(&accepted(BidEvidence::Signed(signed_bid()), None), at(5));
    let head = signed_bid().statement.head;
    let object = format!("{{\"root\":\"{}\",\"size\":{}}}", head.root, head.size);
    let array = format!("[\"{}\",{}]", head.root, head.size);
    let error = read(Kind::Bid, &text(&draft).replace(&object, &array)).expect_err("an array");
    assert_eq!(error.kind(), "schema");
}

#[test]
fn evidence_and_its_fields_go_together() {
    let signed =
        text(&draft_bid(&accepted(BidEvidence::Signed(signed_bid()), None), at(5))).to_owned();
    let unsigned = text(&draft_bid(&accepted(attested(), None), at(5))).to_owned();
    let enrolled = text(&draft_enrol(&signed_enrolment(), at(5))).to_owned();
    for (kind, body) in [
        (Kind::Bid, signed.replace("\"signed\"", "\"attested\"")),
        (Kind::Bid, signed.replace("\"signed\"", "\"rsa\"")),
        (Kind::Bid, unsigned.replace("\"attested\"", "\"signed\"")),
        (Kind::Enrol, enrolled.replace("\"signed\"", "\"attested\"")),
        (Kind::Enrol, enrolled.replace("\"signed\"", "\"ed448\"")),
        (
            Kind::Enrol,
            enrolled
                .replace("\"bidder\",", "\"king\",")
                .replace("\"role\":\"bidder\"", "\"role\":\"king\""),
        ),
    ] {
        assert_eq!(read(kind, &body).expect_err(&body).kind(), "schema", "{body}");
    }
}

/// An act stands in an entry of its own type, about that entry's lot, with its own fields.
#[test]
fn acts_stand_where_they_belong() {
    let written = |place: usize| {
        let draft = draft_act(&recorded_acts()[place], at(3)).expect("not a bid");
        (draft.kind, text(&draft).to_owned())
    };
    let (closing, hammer, open) = (written(0).1, written(2).1, written(4).1);
    let enter =
        text(&draft_bid(&accepted(room_bid(Party::Named(name("bob"))), None), at(2))).to_owned();
    let swapped = |body: &str, from: &str, to: &str| {
        assert!(body.contains(from), "{body}");
        body.replace(from, to)
    };
    for (kind, body) in [
        (Kind::Say, closing.clone()),
        (Kind::Reissue, closing),
        (Kind::LotOpen, swapped(&open, r#""act":"open""#, r#""act":"pause""#)),
        (Kind::LotOpen, swapped(&open, r#""lot":"1","sig""#, r#""lot":"2","sig""#)),
        (Kind::LotClose, swapped(&hammer, r#""seen":9"#, r#""seen":9,"text":"hm""#)),
        (Kind::LotClose, swapped(&hammer, r#""seen":9"#, r#""seen":9007199254740991000"#)),
        (Kind::Bid, swapped(&enter, r#""name":"bob""#, r#""name":"bob","paddle":"12""#)),
        (Kind::Bid, swapped(&enter, r#""name":"bob","#, "")),
        (Kind::Bid, swapped(&enter, r#""act":"enter""#, r#""act":"hammer""#)),
        (Kind::Bid, swapped(&enter, r#""clerk""#, r#""signed""#)),
        (Kind::Pause, r#"{"left_ms":5}"#.to_owned()),
    ] {
        let error = read(kind, &body).expect_err(&body);
        assert!(matches!(error.kind(), "schema" | "number"), "{body}: {error}");
    }
}

#[test]
fn texts_have_one_form() {
    let revoke = text(&draft_revoke(&revocation(), at(5))).to_owned();
    let enrolled = text(&draft_enrol(&signed_enrolment(), at(5))).to_owned();
    for (kind, body, finding) in [
        (Kind::Revoke, revoke.replace("abcdef", "ABCDEF"), "canonical"),
        (Kind::Revoke, revoke.replace("0123456789abcdef", "000123"), "schema"),
        (Kind::Revoke, revoke.replace("key-compromise", "a whim"), "schema"),
        (Kind::Enrol, enrolled.replace("\"alice\"", "\"alicé\""), "charset"),
        (Kind::Enrol, enrolled.replace("\"alice\"", "\"Alice\""), "schema"),
        // The same bytes with other trailing bits, and without padding.
        (Kind::Enrol, enrolled.replace("\"MAk=\"", "\"MAl=\""), "canonical"),
        (Kind::Enrol, enrolled.replace("\"MAk=\"", "\"MAk\""), "canonical"),
        (Kind::LotOpen, r#"{"lot":"1","ends_at":5}"#.to_owned(), "canonical"),
        (Kind::LotOpen, r#"{"ends_at":9007199254740992,"lot":"1"}"#.to_owned(), "number"),
        (Kind::Outage, r#"{"from":1,"to":2}"#.to_owned(), "schema"),
        (Kind::LotClose, r#"{"lot":"1","outcome":"withdrawn"}"#.to_owned(), "schema"),
        (
            Kind::LotClose,
            r#"{"lot":"1","outcome":"unsold/no-bids","reserves":[]}"#.to_owned(),
            "schema",
        ),
        (
            Kind::LotClose,
            r#"{"lot":"1","outcome":"sold","paddle":"1","price":5,"winner":"a"}"#.to_owned(),
            "schema",
        ),
        (Kind::LotClose, r#"{"lot":"1","outcome":"sold","price":5}"#.to_owned(), "schema"),
        (
            Kind::LotClose,
            r#"{"lot":"1","outcome":"unsold/no-bids","price":5}"#.to_owned(),
            "schema",
        ),
        (Kind::Say, "{}".to_owned(), "schema"),
    ] {
        let error = read(kind, &body).expect_err(&body);
        assert_eq!(error.kind(), finding, "{body}: {error}");
    }
}

#[test]
fn summaries_rise_and_are_bounded() {
    let body = |counts: &str, keys: &str| format!("{{\"counts\":[{counts}],\"keys\":[{keys}]}}");
    let one = r#"{"code":"closed","count":1}"#;
    let key = |i: usize| format!("{{\"bid_key\":\"{i:064x}\",\"n\":1}}");
    assert!(read(Kind::Refusal, &body(one, "")).is_ok());
    assert!(
        read(Kind::Refusal, &body("", &key(1))).is_ok(),
        "keys that did not fit the line before"
    );
    let many: Vec<String> = (0..=COUNTED_KEYS_PER_LINE_MAX).map(key).collect();
    for (counts, keys) in [
        ("", String::new()),
        (r#"{"code":"closed","count":0}"#, String::new()),
        (r#"{"code":"too-low","count":1},{"code":"closed","count":1}"#, String::new()),
        (r#"{"code":"closed","count":1},{"code":"closed","count":1}"#, String::new()),
        (r#"{"code":"whim","count":1}"#, String::new()),
        (one, format!("{},{}", key(2), key(1))),
        (one, format!("{},{}", key(1), key(1))),
        (one, many.join(",")),
    ] {
        let error = read(Kind::Refusal, &body(counts, &keys)).expect_err(counts);
        assert_eq!(error.kind(), "schema", "{error}");
    }
}

#[test]
fn lots_carry_what_their_timer_needs_and_nothing_else() {
    let lots = lots();
    let bodies: Vec<String> =
        lots.iter().map(|lot| text(&draft_lot(lot, at(0))).to_owned()).collect();
    for body in [
        bodies[0].replace("\"first-bid\"", "\"manual\""),
        bodies[0].replace("\"first-bid\"", "\"schedule\""),
        bodies[1].replace("\"schedule\"", "\"first-bid\""),
        bodies[1].replace("\"schedule\"", "\"whenever\""),
        bodies[0].replace("\"start\":1001", "\"start\":0"),
        bodies[0].replace("[[0,1]]", "[]"),
        bodies[0].replace("[[0,1]]", "[[0,1,2]]"),
        bodies[1].replace("{\"name\":\"carol\"}", "{}"),
        bodies[1].replace("{\"name\":\"carol\"}", "{\"name\":\"carol\",\"text\":\"x\"}"),
    ] {
        assert_eq!(read(Kind::Lot, &body).expect_err(&body).kind(), "schema", "{body}");
    }
}

#[test]
fn the_lots_must_be_the_announced_ones() {
    let lots = lots();
    let opening = opening(&lots);
    assert!(catalogue(&opening, lots.clone()).is_ok());
    let fewer = lots[..3].to_vec();
    assert!(matches!(catalogue(&opening, fewer), Err(CatalogueFault::Count { .. })));
    let mut swapped = lots;
    swapped.swap(0, 1);
    assert!(matches!(catalogue(&opening, swapped), Err(CatalogueFault::Hash)));
}
