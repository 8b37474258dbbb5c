//! Holds `docs/ledger-format.md` against the program: every example body, the
//! worked example byte by byte, and the recipe with openssl, jq and sha256sum.
//!
//! The example's Ed25519 keys are made from phrases; what P-256 keys signed is
//! read back from the document, and everything else is made again and compared.
//! `GAVEL_WRITE_FORMAT_DOC=1 cargo test --test format_doc` writes a new example
//! after a change of the format.

mod example;
mod recipe;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ed25519_dalek::VerifyingKey;
use gavel::auction::money::Amount;
use gavel::auction::name::{LotId, Role, SaleId};
use gavel::auction::refusal::{Code, Refusal, Unfit};
use gavel::auction::reserve::ReserveOpening;
use gavel::auction::sale::Sale;
use gavel::ledger::{Chain, Draft, Hash, Kind, Line, Receipt, SignedCheckpoint, origin};
use gavel::pki::{Anchor, Fingerprint, verify_sealer};
use gavel::record::{
    self, BidEvidence, BidKey, Enrolment, EnrolmentEvidence, Head, Opening, Record, Signed,
};
use gavel::time::Timestamp;

use example::{Example, Given, at, house, name, signing_key};

const MARKS: (&str, &str) = ("<!-- example -->\n", "<!-- /example -->");

fn doc_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ledger-format.md")
}

fn doc() -> String {
    std::fs::read_to_string(doc_path()).expect("the document is in the tree")
}

/// The fenced blocks whose info string begins with `language`: (rest of it, content).
fn blocks<'a>(doc: &'a str, language: &str) -> Vec<(&'a str, &'a str)> {
    let opening = format!("\n```{language}");
    doc.match_indices(&opening)
        .map(|(start, _)| {
            let rest = &doc[start + opening.len()..];
            let (info, rest) = rest.split_once('\n').expect("a fence ends its line");
            let (content, _) = rest.split_once("\n```").expect("a fence is closed");
            (info.trim(), content)
        })
        .collect()
}

// ---- Example bodies ----

#[test]
fn every_example_body_is_read_and_written_as_it_stands() {
    let doc = doc();
    let examples = blocks(&doc, "json ");
    let mut kinds: Vec<Kind> = Vec::new();
    for (info, body) in examples {
        let (kind, time) = info.split_once(" at=").unwrap_or((info, "1780315200000"));
        let kind = Kind::parse(kind).expect("a type of entry");
        let time = Timestamp::from_unix_ms(time.parse().expect("a time")).expect("in range");
        let at = (kind != Kind::Seal).then_some(time);
        let record = Record::read(&Line { kind, seq: 9, prev: Hash::ZERO, at, body })
            .unwrap_or_else(|error| panic!("{info}: {error}"));
        if let Some(draft) = draft(&record, time) {
            assert_eq!(String::from_utf8_lossy(&draft.body), body, "{info}");
        }
        kinds.push(kind);
    }
    for kind in Kind::ALL {
        assert!(kinds.contains(kind), "no example of {kind}");
        assert!(doc.contains(&format!("`{kind}`")), "{kind} is not described");
    }
}

/// The acts in the examples are signed, by a key that anybody can make.
#[test]
fn the_examples_of_acts_are_signed() {
    let doc = doc();
    let key = BidKey::from(&signing_key("ada bid key"));
    let mut signed = 0;
    for (info, body) in blocks(&doc, "json ") {
        let kind = Kind::parse(info.split(' ').next().expect("a word")).expect("a type of entry");
        let at = (kind != Kind::Seal).then(|| at(90_000));
        let act = match Record::read(&Line { kind, seq: 9, prev: Hash::ZERO, at, body }) {
            Ok(Record::Act(recorded)) => recorded.act,
            Ok(Record::Bid(accepted)) => match accepted.evidence {
                BidEvidence::Clerk(room) => room.act().clone(),
                BidEvidence::Attested { .. } | BidEvidence::Signed(_) => continue,
            },
            Ok(Record::Refused(refused)) => match refused.signed {
                Signed::Act(act) => act,
                Signed::Bid(_) => continue,
            },
            Ok(_) => continue,
            Err(error) => panic!("{info}: {error}"),
        };
        assert_eq!(act.statement.bid_key, key, "{info}");
        Signed::Act(act).check().unwrap_or_else(|error| panic!("{info}: {error}"));
        signed += 1;
    }
    assert!(signed >= 12, "{signed} acts");
    let message = blocks(&doc, "text").into_iter().find(|(_, text)| text.starts_with("gavel/act"));
    let (_, message) = message.expect("what an act's signature is over");
    let (_, statement) = message.split_once('\n').expect("a domain line");
    assert!(doc.contains(&format!("{{\"act\":{statement},\"evidence\":\"clerk\"")));
}

#[test]
fn the_worked_commitment_is_the_hash_of_its_object() {
    let doc = doc();
    let [(_, worked)] = blocks(&doc, "reserve")[..] else { panic!("one commitment") };
    let (object, hash) = worked.split_once('\n').expect("its hash");
    assert_eq!(Hash::of(object.as_bytes()).to_string(), hash);
    let nonce = object.split('"').nth(7).expect("a nonce");
    let opening = ReserveOpening {
        reserve: Amount::new(60_000).expect("in range"),
        nonce: *Hash::parse(nonce).expect("64 digits").bytes(),
    };
    let (sale, lot) = (SaleId::parse("estate-2026"), LotId::parse("3"));
    let made = record::commit(&sale.expect("an id"), &lot.expect("an id"), &opening);
    assert_eq!(Hash::from_bytes(*made.bytes()).to_string(), hash);
}

/// The draft that writes a record; none for a seal.
fn draft(record: &Record, at: Timestamp) -> Option<Draft> {
    match record {
        Record::Open(opening) => Some(record::draft_open(opening, at)),
        Record::Lot(lot) => Some(record::draft_lot(lot, at)),
        Record::Enrol(enrolment) => Some(record::draft_enrol(enrolment, at)),
        Record::Act(act) => record::draft_act(act, at),
        Record::Bid(bid) => Some(record::draft_bid(bid, at)),
        Record::Refused(refused) => Some(record::draft_refused(refused, at)),
        Record::Counted(counts) => Some(record::draft_counts(counts, at)),
        Record::Revoke(revocation) => Some(record::draft_revoke(revocation, at)),
        Record::Event(event) => record::draft_event(event),
        Record::Seal { .. } => None,
    }
}

fn ledger_of(doc: &str) -> Vec<String> {
    let ledger = blocks(doc, "jsonl").first().expect("the document has a ledger").1;
    ledger.lines().map(str::to_owned).collect()
}

#[test]
fn the_worked_example_is_what_the_program_makes() {
    let doc = doc();
    let (before, rest) = doc.split_once(MARKS.0).expect("the example has its marks");
    let (section, after) = rest.split_once(MARKS.1).expect("the example has its marks");
    if std::env::var_os("GAVEL_WRITE_FORMAT_DOC").is_some() {
        let section = Example::build(&Given::fresh()).render();
        let doc = [before, MARKS.0, &section, MARKS.1, after].concat();
        std::fs::write(doc_path(), doc).expect("the document can be written");
        return;
    }
    let example = Example::build(&Given::from_lines(&ledger_of(&doc)));
    for (found, made) in section.lines().zip(example.render().lines()) {
        assert_eq!(found, made);
    }
    assert_eq!(section, example.render());
}

#[test]
fn the_worked_example_verifies_by_the_document() {
    replay(&ledger_of(&doc()));
}

#[test]
fn an_example_with_other_certificates_verifies_too() {
    replay(&Example::build(&Given::fresh()).lines);
}

/// Verifies a ledger in the document's order, as far as the example needs it.
fn replay(lines: &[String]) {
    let (mut chain, mut heads) = (Chain::new(), Vec::new());
    let (mut opening, mut lots, mut sale) = (None, Vec::new(), None);
    for raw in lines {
        let line = Line::parse(raw.as_bytes()).expect("canonical");
        let before = (chain.size(), chain.root());
        chain.replay(&line, raw.as_bytes()).expect("chained");
        match Record::read(&line).expect("a record") {
            Record::Open(line_0) => opening = Some((line_0, Hash::of(raw.as_bytes()))),
            Record::Lot(lot) => lots.push(*lot),
            Record::Seal { note } => {
                let (opening, _) = opening.as_ref().expect("line 0 comes first");
                let key = sealer_key(opening);
                let origin = origin(opening.house.as_str(), opening.sale.as_str());
                let sealed = SignedCheckpoint::verify(&note, &origin, &key).expect("signed");
                assert_eq!((sealed.checkpoint().size, sealed.checkpoint().root), before);
                heads.push(Head { size: before.0, root: before.1 });
                if sale.is_none() {
                    let catalogue = record::catalogue(opening, std::mem::take(&mut lots));
                    sale = Some(Sale::open(Arc::new(catalogue.expect("announced")), at(0)));
                }
            }
            entry => {
                let (opening, sale_hash) = opening.as_ref().expect("line 0 comes first");
                let sale = sale.as_mut().expect("the first seal precedes the entries");
                judge(entry, line.seq, line.at.expect("a time"), opening, sale_hash, sale, &heads);
            }
        }
    }
    assert!(sale.expect("opened").is_closed());
    assert_eq!(heads.last().map(|head| head.size + 1), Some(chain.size()));
}

fn judge(
    entry: Record,
    seq: u64,
    at: Timestamp,
    opening: &Opening,
    sale_hash: &Hash,
    sale: &mut Sale,
    heads: &[Head],
) {
    let anchor = Anchor::from_der(&opening.ca).expect("a CA");
    let check = |signed: &Signed| {
        assert!(heads.contains(signed.claim().head), "a sealed head");
        assert_eq!(signed.claim().sale_hash, sale_hash);
        signed.check().expect("signed");
    };
    match entry {
        Record::Enrol(enrolment) => {
            sale.check_time(at).expect("nothing is overdue");
            enrolment.authenticate(sale_hash, &anchor, &opening.house, at).expect("enrolled");
            sale.elapse(at);
        }
        Record::Bid(accepted) => {
            check(&accepted.evidence.signed().expect("the example's bids are signed"));
            let event = accepted.event(Role::Bidder, seq, at);
            assert_eq!(sale.decide(at, event.input()), Ok(event.clone()));
            sale.apply(&event);
        }
        Record::Refused(refused) => {
            check(&refused.signed);
            assert_eq!(
                sale.decide(at, refused.input(Role::Bidder)),
                Err(Unfit::Refused(Refusal::AlreadyLeading))
            );
            assert_eq!(refused.code, Code::AlreadyLeading);
            sale.elapse(at);
        }
        Record::Event(event) => {
            assert_eq!(sale.decide(at, event.input()), Ok(event.clone()));
            sale.apply(&event);
        }
        other => panic!("the example has no {other:?}"),
    }
}

fn sealer_key(opening: &Opening) -> VerifyingKey {
    let anchor = Anchor::from_der(&opening.ca).expect("a CA");
    let sealer = verify_sealer(&opening.sealers[0], &anchor, &opening.house, &opening.sale, at(0));
    VerifyingKey::from_bytes(&sealer.expect("a sealer").key).expect("a point")
}

#[test]
fn the_worked_receipt_stands_alone() {
    let doc = doc();
    let receipt = blocks(&doc, "text")
        .into_iter()
        .map(|(_, content)| content)
        .rfind(|content| content.starts_with("c2sp.org/tlog-proof@v1\nextra "));
    let receipt = Receipt::parse(&format!("{}\n", receipt.expect("a receipt"))).expect("a receipt");
    let line = Line::parse(ledger_of(&doc)[0].as_bytes()).map(|line| Record::read(&line));
    let Ok(Ok(Record::Open(opening))) = line else { panic!("line 0 opens the sale") };
    assert_eq!(receipt.sealer, opening.sealers[0]);
    receipt.check("meridian/estate-2026", &sealer_key(&opening)).expect("a good receipt");
}

/// An enrolment is refused as soon as any of its parts is another's.
#[test]
fn the_parts_of_an_enrolment_belong_together() {
    let lines = ledger_of(&doc());
    let Given { ca, .. } = Given::from_lines(&lines);
    let anchor = Anchor::from_der(&ca).expect("a CA");
    let sale_hash = Hash::of(lines[0].as_bytes());
    let line = Line::parse(lines[4].as_bytes()).expect("a line");
    let Ok(Record::Enrol(good)) = Record::read(&line) else { panic!("line 4 enrols alice") };
    let enrolled = good.clone().authenticate(&sale_hash, &anchor, &house(), at(1_000));
    let enrolled = enrolled.expect("the enrolment is good");
    assert_eq!(enrolled.identity.name, name("alice"));
    assert_eq!(enrolled.identity.cert, Fingerprint::of(&good.chain[0]));

    let kind = |enrolment: &Enrolment, sale_hash: &Hash, time: Timestamp| {
        enrolment.clone().authenticate(sale_hash, &anchor, &house(), time).expect_err("bad").kind()
    };
    let changed = |change: fn(&mut Enrolment)| {
        let mut enrolment = (*good).clone();
        change(&mut enrolment);
        kind(&enrolment, &sale_hash, at(1_000))
    };
    assert_eq!(kind(&good, &Hash::of(b"another sale"), at(1_000)), "enrolment");
    let (early, late) = (Timestamp::ZERO, at(40 * 24 * 3_600_000));
    assert_eq!(kind(&good, &sale_hash, early), "certificate-time");
    assert_eq!(kind(&good, &sale_hash, late), "certificate-time");
    assert_eq!(changed(|e| e.bidder = name("bob")), "enrolment");
    assert_eq!(changed(|e| e.role = Role::Auctioneer), "enrolment");
    assert_eq!(changed(|e| e.chain[0][60] ^= 1), "untrusted");
    assert_eq!(changed(|e| e.chain[0] = vec![0x30; 5_000]), "untrusted");
    assert_eq!(changed(|e| sigs(e).0[5] ^= 1), "enrolment");
    assert_eq!(changed(|e| sigs(e).1[5] ^= 1), "enrolment");
    assert_eq!(changed(|e| *sigs(e).0 = [0; 64]), "signature");
    assert_eq!(changed(|e| sigs(e).1[32] = 0xff), "signature");
    assert_eq!(changed(|e| *key(e) = BidKey::from(&signing_key("mallory"))), "enrolment");
}

fn sigs(enrolment: &mut Enrolment) -> (&mut [u8; 64], &mut [u8; 64]) {
    match &mut enrolment.evidence {
        EnrolmentEvidence::Signed { bid_sig, cert_sig, .. } => (bid_sig, cert_sig),
        EnrolmentEvidence::Attested => panic!("alice has signed"),
    }
}

fn key(enrolment: &mut Enrolment) -> &mut BidKey {
    match &mut enrolment.evidence {
        EnrolmentEvidence::Signed { bid_key, .. } => bid_key,
        EnrolmentEvidence::Attested => panic!("alice has signed"),
    }
}
