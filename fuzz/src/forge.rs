//! Ledgers made up as a house could make them that has everybody's keys: an input says what each
//! entry holds, and here it is numbered, signed, chained and sealed, so that only its meaning can
//! be wrong.
//!
//! ```text
//! bid 1300 {"bid":{"amount":600,..},"evidence":"signed","lag_us":7}
//! seal 0 {}
//! ```
//! (the type, milliseconds since the sale opened, the body.)

use std::collections::HashMap;
use std::fmt::Write as _;

use ed25519_dalek::{Signer as _, SigningKey};
use gavel::ledger::encoding::{decode_base64, encode_base64};
use gavel::ledger::merkle::leaf_hash;
use gavel::ledger::{Hash, Kind, Line, SealingKey, Tree};
use gavel::pki::P256Secret;
use gavel::record::{ACT_DOMAIN, BID_DOMAIN, ENROL_BID_KEY_DOMAIN, ENROL_DOMAIN};
use serde_json::{Value, json};

use crate::keys::{sealing_key, signing_key};
use crate::played;

/// When the played sales open, in Unix milliseconds.
const OPENED_MS: u64 = 1_800_000_000_000;
/// The most entries of a made-up ledger: three times what is played, and quick to judge.
const ENTRIES_MAX: usize = 200;

/// A played ledger as such a text.
pub fn text_of(ledger: &[u8]) -> String {
    let mut text = String::new();
    for raw in ledger.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line = Line::parse(raw).expect("is honest");
        let ms = line.at.map_or(0, |at| at.unix_ms() - OPENED_MS);
        let body = if line.kind == Kind::Seal { "{}" } else { line.body };
        let _ = writeln!(text, "{} {ms} {body}", line.kind);
    }
    text
}

/// One entry of a text.
struct Piece {
    kind: String,
    at_ms: u64,
    body: Value,
}

/// Whoever can sign: the bid keys of the played people, and the keys of their certificates.
pub struct Forge {
    seal: SealingKey,
    bid_keys: HashMap<String, SigningKey>,
    certificate_keys: HashMap<String, P256Secret>,
}

impl Forge {
    /// Reads what the generator left.
    pub fn read() -> Self {
        let bid_keys = (1..=30).map(signing_key);
        let bid_keys =
            bid_keys.map(|key| (Hash::from_bytes(key.verifying_key().to_bytes()).to_string(), key));
        let folder = std::fs::read_dir(played::folder().join("people")).expect("was played");
        let certificate_keys = folder.map(|file| {
            let path = file.expect("reads").path();
            let name = path.file_stem().expect("has a name").to_string_lossy().into_owned();
            let secret = P256Secret::from_pkcs8(&std::fs::read(&path).expect("reads"));
            (name, secret.expect("a key"))
        });
        Self {
            seal: sealing_key(),
            bid_keys: bid_keys.collect(),
            certificate_keys: certificate_keys.collect(),
        }
    }

    /// The ledger that a text describes; lines that describe nothing are passed over.
    pub fn ledger(&self, text: &str) -> Vec<u8> {
        let mut pieces: Vec<Piece> = text.lines().filter_map(piece).take(ENTRIES_MAX).collect();
        fix_catalogue(&mut pieces);
        let mut end = End::default();
        let mut ledger = Vec::new();
        for mut piece in pieces {
            let line = self.line(&mut end, &mut piece);
            end.take(&line, piece.kind == "seal");
            ledger.extend_from_slice(&line);
            ledger.push(b'\n');
        }
        ledger
    }

    fn line(&self, end: &mut End, piece: &mut Piece) -> Vec<u8> {
        let mut line = json!({"prev": end.prev, "seq": end.tree.size(), "t": piece.kind, "v": 1});
        if piece.kind == "seal" {
            let note = self.seal.sign(end.tree.size(), end.tree.root());
            line["body"] = json!({ "note": note.note() });
        } else {
            self.sign(end, &mut piece.body);
            line["body"] = piece.body.take();
            line["ts"] = json!(OPENED_MS.saturating_add(piece.at_ms));
        }
        // Canonical: serde_json's own maps are sorted.
        serde_json::to_vec(&line).expect("writes")
    }

    /// Signs whatever in the body says that somebody signed it.
    fn sign(&self, end: &End, body: &mut Value) {
        for (key, domain) in [("bid", BID_DOMAIN), ("act", ACT_DOMAIN)] {
            let Some(statement) = body.get_mut(key).filter(|it| it.is_object()) else { continue };
            end.fix_statement(statement);
            let message = [domain, &serde_json::to_vec(statement).expect("writes")].concat();
            let signed = statement["bid_key"].as_str().and_then(|key| self.bid_keys.get(key));
            if let Some(secret) = signed.filter(|_| body.get("sig").is_some()) {
                body["sig"] = json!(encode_base64(&secret.sign(&message).to_bytes()));
            }
        }
        if body.get("cert_sig").is_some() {
            self.sign_enrolment(end, body);
        }
    }

    fn sign_enrolment(&self, end: &End, body: &mut Value) -> Option<()> {
        let leaf = decode_base64(body["chain"][0].as_str()?).ok()?;
        let cert = Hash::of(&leaf).to_string();
        let statement = json!({
            "bid_key": body["bid_key"],
            "bidder": body["bidder"],
            "cert": cert,
            "role": body["role"],
            "sale_hash": end.sale_hash,
        });
        let statement = serde_json::to_vec(&statement).expect("writes");
        let certified = self.certificate_keys.get(&cert)?;
        let message = [ENROL_DOMAIN, &statement].concat();
        body["cert_sig"] = json!(encode_base64(&certified.sign(&message).ok()?));
        let bid_key = self.bid_keys.get(body["bid_key"].as_str()?)?;
        let message = [ENROL_BID_KEY_DOMAIN, &statement].concat();
        body["bid_sig"] = json!(encode_base64(&bid_key.sign(&message).to_bytes()));
        Some(())
    }
}

fn piece(line: &str) -> Option<Piece> {
    let (kind, rest) = line.split_once(' ')?;
    let (ms, body) = rest.split_once(' ')?;
    let (at_ms, body) = (ms.parse().ok()?, serde_json::from_str(body).ok()?);
    Some(Piece { kind: kind.to_owned(), at_ms, body })
}

/// Line 0 names the lots that follow.
fn fix_catalogue(pieces: &mut [Piece]) {
    let (mut bodies, mut count) = (Vec::new(), 0_u64);
    for piece in pieces.iter().filter(|piece| piece.kind == "lot") {
        bodies.extend(serde_json::to_vec(&piece.body).expect("writes"));
        bodies.push(b'\n');
        count += 1;
    }
    if let Some(open) = pieces.first_mut().filter(|piece| piece.body.is_object()) {
        open.body["catalogue"] = json!(Hash::of(&bodies).to_string());
        open.body["lot_count"] = json!(count);
    }
}

/// The end of a chain that is forged line by line.
struct End {
    tree: Tree,
    prev: String,
    /// SHA-256 of line 0.
    sale_hash: String,
    /// The trees that were sealed: what can be a head.
    seals: Vec<u64>,
}

impl Default for End {
    fn default() -> Self {
        let zero = Hash::ZERO.to_string();
        Self { tree: Tree::new(), prev: zero.clone(), sale_hash: zero, seals: Vec::new() }
    }
}

impl End {
    fn take(&mut self, line: &[u8], is_seal: bool) {
        self.prev = Hash::of(line).to_string();
        if self.tree.size() == 0 {
            self.sale_hash.clone_from(&self.prev);
        }
        if is_seal {
            self.seals.push(self.tree.size());
        }
        self.tree.append(leaf_hash(line));
    }

    /// The sale is this one, and the head a tree that was sealed.
    fn fix_statement(&self, statement: &mut Value) {
        if statement.get("sale_hash").is_some() {
            statement["sale_hash"] = json!(self.sale_hash);
        }
        let Some(head) = statement.get_mut("head").filter(|head| head.is_object()) else { return };
        let wish = head["size"].as_u64().unwrap_or_default();
        if let Some(size) = self.seals.iter().find(|size| **size >= wish).or(self.seals.last()) {
            let root = self.tree.root_at(*size).expect("within");
            *head = json!({"root": root.to_string(), "size": size});
        }
    }
}
