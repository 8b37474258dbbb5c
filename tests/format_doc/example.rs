//! The worked example: a sale of one lot with one bidder, made again.

use std::fmt::Write as _;

use ed25519_dalek::SigningKey;
use gavel::auction::catalogue::{LotTerms, SaleTerms, Timer, VoidPolicy};
use gavel::auction::event::{Event, Happening, Outcome, Totals};
use gavel::auction::increments::Increments;
use gavel::auction::money::{Amount, Currency};
use gavel::auction::name::{HouseName, LotId, Name, Party, Role, SaleId, Title};
use gavel::auction::refusal::Code;
use gavel::ledger::encoding::{encode_base64, encode_hex};
use gavel::ledger::merkle::leaf_hash;
use gavel::ledger::{Chain, Draft, Hash, Line, Receipt, SealingKey, SignedCheckpoint, origin};
use gavel::pki::{Ca, Grant, KeyMaker, P256Secret};
use gavel::record::{
    self, AcceptedBid, BidEvidence, BidKey, Enrolment, EnrolmentEvidence, EnrolmentStatement, Head,
    Opening, Record, Refused, SignedBid, Statement, Terms,
};
use gavel::time::{Span, Timestamp};

const OPENED_AT: u64 = 1_780_315_200_000;

pub(crate) fn at(ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(OPENED_AT + ms).expect("in range")
}

/// What random ECDSA signatures and random serials made; the rest follows from it.
pub(crate) struct Given {
    pub(crate) ca: Vec<u8>,
    sealer: Vec<u8>,
    alice: Vec<u8>,
    /// The certificate key's signature, which depends on line 0.
    cert_sig: CertSig,
}

/// The signature of alice's certificate key over her enrolment.
enum CertSig {
    Recorded([u8; 64]),
    By(P256Secret),
}

impl CertSig {
    fn over(&self, statement: &EnrolmentStatement) -> [u8; 64] {
        match self {
            Self::Recorded(signature) => *signature,
            Self::By(key) => key.sign(&statement.certificate_message()).expect("signs"),
        }
    }
}

impl Given {
    /// Takes what the document has.
    pub(crate) fn from_lines(lines: &[String]) -> Self {
        let record = |index: usize| {
            let line = Line::parse(lines[index].as_bytes()).expect("a line");
            Record::read(&line).expect("a record")
        };
        let (Record::Open(opening), Record::Enrol(enrolment)) = (record(0), record(4)) else {
            panic!("line 0 opens the sale and line 4 enrols alice");
        };
        let EnrolmentEvidence::Signed { cert_sig, .. } = enrolment.evidence else {
            panic!("alice has signed her enrolment");
        };
        Self {
            ca: opening.ca,
            sealer: opening.sealers[0].clone(),
            alice: enrolment.chain[0].clone(),
            cert_sig: CertSig::Recorded(cert_sig),
        }
    }

    /// Makes new certificates, whose keys are forgotten at the end of the test.
    pub(crate) fn fresh() -> Self {
        let ca = Ca::create(house(), at(0)).expect("a CA");
        let key = P256Secret::generate().expect("randomness");
        let grant = Grant {
            name: name("alice"),
            role: Role::Bidder,
            lifetime: Span::from_s(30 * 24 * 3600),
            maker: KeyMaker::Holder,
        };
        let alice = ca.certify_person(&key.public_key(), &grant, at(0)).expect("a certificate");
        let sealer_key = signing_key("sealer").verifying_key().to_bytes();
        let (sealer, _) = ca.certify_sealer(&sealer_key, &sale_id(), at(0)).expect("a certificate");
        Self {
            ca: ca.anchor().der().to_vec(),
            sealer,
            alice: alice.chain[0].clone(),
            cert_sig: CertSig::By(key),
        }
    }
}

/// The example: its ledger and the statements that are shown beside it.
pub(crate) struct Example {
    pub(crate) lines: Vec<String>,
    chain: Chain,
    enrolment: EnrolmentStatement,
    enrolment_sigs: ([u8; 64], [u8; 64]),
    bid: SignedBid,
    receipt: Receipt,
}

fn phrase(who: &str) -> String {
    format!("gavel ledger-format example: {who}")
}

pub(crate) fn signing_key(who: &str) -> SigningKey {
    SigningKey::from_bytes(Hash::of(phrase(who).as_bytes()).bytes())
}

pub(crate) fn house() -> HouseName {
    HouseName::parse("meridian").expect("a house")
}

fn sale_id() -> SaleId {
    SaleId::parse("estate-2026").expect("a sale id")
}

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn title(text: &str) -> Title {
    Title::parse(text).expect("a title")
}

fn lot_id() -> LotId {
    LotId::parse("3").expect("a lot id")
}

fn lots() -> Vec<LotTerms> {
    vec![LotTerms {
        id: lot_id(),
        name: title("10 CGPA"),
        start: Amount::new(1001).expect("in range"),
        increments: Increments::constant(1).expect("a table"),
        timer: Timer::FirstBid { duration: Span::from_s(8) },
        soft_window: Span::ZERO,
        soft_extend: Span::ZERO,
        hard_end: None,
        seller: None,
        estimate: None,
        without_reserve: false,
        reserve_commit: None,
    }]
}

fn opening(given: &Given) -> Opening {
    Opening {
        sale: sale_id(),
        house: house(),
        title: title("Estate of M. Ames"),
        nonce: *Hash::of(phrase("nonce").as_bytes()).bytes(),
        terms: Terms {
            sale: SaleTerms {
                currency: Currency::seed(),
                attested: false,
                opens_at: None,
                sale_ends_at: None,
                restart_grace: Span::from_s(60),
                room_bids: false,
                void_policy: VoidPolicy::Reinstate,
            },
            fees: None,
            refusal_bytes_max: 16 * 1024 * 1024,
            refusals_per_minute_max: 60,
        },
        lot_count: 1,
        catalogue: record::catalogue_hash(&lots()),
        sealers: vec![given.sealer.clone()],
        ca: given.ca.clone(),
        software: title("gavel 0.1.0"),
    }
}

impl Example {
    pub(crate) fn build(given: &Given) -> Self {
        let sealing = SealingKey::new(origin("meridian", "estate-2026"), signing_key("sealer"))
            .expect("an origin");
        let bid_key = signing_key("alice bid key");
        let mut writer = Writer { chain: Chain::new(), lines: Vec::new(), sealing };
        writer.enter(record::draft_open(&opening(given), at(0)));
        writer.enter(record::draft_lot(&lots()[0], at(0)));
        let sale_hash = Hash::of(writer.lines[0].as_bytes());
        writer.seal();
        writer.event(0, Happening::LotOpened { lot: lot_id(), ends_at: None });

        let enrolment = EnrolmentStatement {
            bid_key: BidKey::from(&bid_key),
            bidder: name("alice"),
            cert: Hash::of(&given.alice),
            role: Role::Bidder,
            sale_hash,
        };
        let (bid_sig, cert_sig) = (enrolment.sign(&bid_key), given.cert_sig.over(&enrolment));
        let evidence = EnrolmentEvidence::Signed { bid_key: enrolment.bid_key, bid_sig, cert_sig };
        let chain = vec![given.alice.clone()];
        let enrolled = Enrolment { bidder: name("alice"), role: Role::Bidder, chain, evidence };
        writer.enter(record::draft_enrol(&enrolled, at(1_000)));
        let head = writer.seal();

        let statement = |amount: u64, n: u64| Statement {
            amount: Amount::new(amount).expect("in range"),
            bid_key: enrolment.bid_key,
            bidder: name("alice"),
            head,
            lot: lot_id(),
            n,
            sale_hash,
        };
        let bid = SignedBid::sign(statement(1001, 1), &bid_key);
        let evidence = BidEvidence::Signed(bid.clone());
        let accepted =
            AcceptedBid { evidence, ends_at: Some(at(11_000)), reserve_met: None, lag_us: 137 };
        writer.enter(record::draft_bid(&accepted, at(3_000)));
        let again = SignedBid::sign(statement(1002, 2), &bid_key);
        let refused = Refused { signed: again.into(), code: Code::AlreadyLeading };
        writer.enter(record::draft_refused(&refused, at(4_000)));
        let sealed = writer.checkpoint();
        writer.seal();

        let sold =
            Outcome::Sold { to: Party::Named(name("alice")), hammer_price: bid.statement.amount };
        writer.event(
            11_000,
            Happening::LotClosed { lot: lot_id(), outcome: sold, reserves: Vec::new() },
        );
        let totals = Totals { sold: 1, unsold: 0, withdrawn: 0, hammer_total: Some(1001) };
        writer.event(11_000, Happening::SaleClosed(totals));
        writer.seal();

        let receipt = Receipt {
            index: 6,
            proof: writer.chain.tree().inclusion(6, sealed.checkpoint().size).expect("in the tree"),
            note: sealed.note().to_owned(),
            entry: writer.lines[6].clone(),
            sealer: given.sealer.clone(),
        };
        let enrolment_sigs = (bid_sig, cert_sig);
        Self { lines: writer.lines, chain: writer.chain, enrolment, enrolment_sigs, bid, receipt }
    }

    /// The section of the document, between its marks.
    pub(crate) fn render(&self) -> String {
        let mut out = String::new();
        for who in ["sealer", "alice bid key"] {
            let key = signing_key(who);
            let (seed, public) = (encode_hex(key.as_bytes()), BidKey::from(&key));
            let _ = write!(out, "\n`{who}`:\n\n```text\nseed   {seed}\npublic {public}\n```\n");
        }
        let lines = self.lines.join("\n");
        let _ =
            write!(out, "\nThe ledger, {} lines:\n\n```jsonl\n{lines}\n```\n", self.lines.len());
        out += "\nEach line's `seq`, type, SHA-256 (the next line's `prev`) and leaf hash:\n\n```text\n";
        for line in &self.lines {
            let (hash, leaf) = (Hash::of(line.as_bytes()), leaf_hash(line.as_bytes()));
            let parsed = Line::parse(line.as_bytes()).expect("a line");
            let _ = writeln!(out, "{:>2} {:<10} {hash} {leaf}", parsed.seq, parsed.kind);
        }
        out += "```\n\nThe first hash is `sale_hash`. Size and root of every sealed tree, and of the whole file:\n\n```text\n";
        for size in [2, 5, 8, 11, 12] {
            let root = self.chain.tree().root_at(size).expect("in the tree");
            let _ = writeln!(out, "{size:>2} {root}");
        }
        out += "```\n\nThe consistency proof from size 5 to size 8:\n\n```text\n";
        for hash in self.chain.tree().consistency(5, 8).expect("in the tree") {
            let _ = writeln!(out, "{hash}");
        }
        out += "```\n";
        self.render_statements(&mut out);
        out.push('\n');
        out
    }

    fn render_statements(&self, out: &mut String) {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("statements are ASCII");
        let (bid_sig, cert_sig) = self.enrolment_sigs;
        let messages = [
            ("The checkpoint over the first 8 lines", self.receipt.note.trim_end().to_owned()),
            (
                "What alice's certificate key signs to enrol, and its signature, `cert_sig`",
                text(self.enrolment.certificate_message()) + "\n\n" + &encode_base64(&cert_sig),
            ),
            (
                "What her bid key signs to enrol, and its signature, `bid_sig`",
                text(self.enrolment.bid_key_message()) + "\n\n" + &encode_base64(&bid_sig),
            ),
            (
                "What her bid key signs to bid, and its signature, `sig`",
                text(self.bid.statement.message()) + "\n\n" + &encode_base64(&self.bid.signature),
            ),
            ("Her receipt for line 6", self.receipt.to_text().trim_end().to_owned()),
        ];
        for (heading, content) in messages {
            let _ = write!(out, "\n{heading}:\n\n```text\n{content}\n```\n");
        }
    }
}

/// Appends lines and seals them, as the house does.
struct Writer {
    chain: Chain,
    lines: Vec<String>,
    sealing: SealingKey,
}

impl Writer {
    fn enter(&mut self, draft: Draft) {
        let chained = self.chain.append(draft).expect("fits the chain");
        self.keep(chained.bytes());
    }

    fn event(&mut self, ms: u64, what: Happening) {
        let event = Event { at: at(ms), what };
        self.enter(record::draft_event(&event).expect("not a bid"));
    }

    fn checkpoint(&self) -> SignedCheckpoint {
        self.sealing.sign(self.chain.size(), self.chain.root())
    }

    fn seal(&mut self) -> Head {
        let sealed = self.checkpoint();
        let chained = self.chain.append_seal(&sealed).expect("over all lines");
        self.keep(chained.bytes());
        Head { root: sealed.checkpoint().root, size: sealed.checkpoint().size }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.lines.push(String::from_utf8(bytes.to_vec()).expect("UTF-8"));
    }
}
