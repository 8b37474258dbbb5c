//! A client of `gavel/1` made of nothing but messages: it believes no line that
//! does not continue the one before, and no receipt that does not verify.

use std::collections::HashMap;
use std::net::SocketAddr;

use ed25519_dalek::{SigningKey, VerifyingKey};
use gavel::auction::money::Amount;
use gavel::auction::name::{LotId, SaleId};
use gavel::ledger::encoding::{decode_base64, encode_base64};
use gavel::ledger::hash::Hash;
use gavel::ledger::{Receipt, SignedCheckpoint};
use gavel::pki::{Anchor, Credential, P256Secret, verify_sealer};
use gavel::record::{BidKey, EnrolmentStatement, Head, SignedBid, Statement};
use serde_json::{Value, json};

use super::wire::{Alpn, Wire, honest};
use super::world::now;

pub(crate) const ORIGIN: &str = "estate/spring";

/// A bidder with a connection.
pub(crate) struct Bidder {
    pub(crate) wire: Wire,
    identity: gavel::pki::Identity,
    secret: P256Secret,
    pub(crate) bid_key: SigningKey,
    sealer: VerifyingKey,
    pub(crate) sale_hash: Hash,
    /// The newest seal that was heard.
    pub(crate) head: Head,
    /// The live lines heard, each checked against the one before.
    pub(crate) lines: Vec<(u64, String)>,
    next: u64,
    pub(crate) snapshots: Vec<Value>,
    replies: HashMap<u64, Value>,
    /// Lines that belong to a `since` or `fetch`.
    pub(crate) streamed: Vec<String>,
    id: u64,
    pub(crate) n: u64,
}

impl Bidder {
    /// Connects and says hello.
    pub(crate) async fn enter(address: SocketAddr, credential: &Credential) -> Self {
        let config = honest(credential, Alpn::Gavel);
        let wire = Wire::connect(address, config).await.expect("connects");
        Self::over(wire, credential).await
    }

    /// Says hello on a connection that stands.
    pub(crate) async fn over(mut wire: Wire, credential: &Credential) -> Self {
        wire.send(b"{\"m\":\"hello\",\"id\":1}\n").await;
        let welcome = wire.line().await.expect("a welcome");
        let welcome: Value = serde_json::from_str(&welcome).expect("JSON");
        assert_eq!(welcome["m"], "welcome", "{welcome}");
        let open = text(&welcome["open"]);
        let sealer = sealer_of(open, &credential.anchor);
        let head = sealed(text(&welcome["note"]), &sealer);
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).expect("random bytes");
        Self {
            identity: credential.identity.clone(),
            secret: P256Secret::from_pkcs8(credential.secret.pkcs8()).expect("a key"),
            bid_key: SigningKey::from_bytes(&seed),
            sealer,
            sale_hash: Hash::of(open.as_bytes()),
            head,
            lines: Vec::new(),
            next: head.size,
            snapshots: Vec::new(),
            replies: HashMap::new(),
            streamed: Vec::new(),
            id: 1,
            n: 0,
            wire,
        }
    }

    /// Connects, says hello and enrols a bid key.
    pub(crate) async fn enrolled(address: SocketAddr, credential: &Credential) -> Self {
        let mut bidder = Self::enter(address, credential).await;
        let reply = bidder.enrol().await;
        bidder.receipt(&reply);
        bidder
    }

    /// Goes on with the bid key of an earlier connection.
    pub(crate) async fn again(address: SocketAddr, credential: &Credential, before: &Self) -> Self {
        let mut bidder = Self::enter(address, credential).await;
        assert_eq!(bidder.sale_hash, before.sale_hash, "the same sale");
        bidder.bid_key = before.bid_key.clone();
        bidder.n = before.n;
        bidder
    }

    pub(crate) async fn enrol(&mut self) -> Value {
        let statement = EnrolmentStatement {
            bid_key: BidKey::from(&self.bid_key),
            bidder: self.identity.name.clone(),
            cert: Hash::of(self.identity.leaf()),
            role: self.identity.role,
            sale_hash: self.sale_hash,
        };
        let cert_sig = self.secret.sign(&statement.certificate_message()).expect("signs");
        let body = json!({
            "bid_key": statement.bid_key.to_string(),
            "cert": statement.cert.to_string(),
            "role": statement.role.as_str(),
            "sale_hash": statement.sale_hash.to_string(),
        });
        let sigs = json!({
            "bid_sig": encode_base64(&statement.sign(&self.bid_key)),
            "cert_sig": encode_base64(&cert_sig),
        });
        self.request(json!({"m": "enrol", "body": body, "sigs": sigs})).await
    }

    /// A bid with the next n and the newest head, as a request without its id.
    pub(crate) fn signed(&mut self, lot: &str, amount: u64) -> Value {
        self.n += 1;
        let statement = Statement {
            amount: Amount::new(amount).expect("an amount"),
            bid_key: BidKey::from(&self.bid_key),
            bidder: self.identity.name.clone(),
            head: self.head,
            lot: LotId::parse(lot).expect("a lot id"),
            n: self.n,
            sale_hash: self.sale_hash,
        };
        let SignedBid { statement, signature } = SignedBid::sign(statement, &self.bid_key);
        let body = json!({
            "amount": amount,
            "bid_key": statement.bid_key.to_string(),
            "head": {"root": statement.head.root.to_string(), "size": statement.head.size},
            "lot": lot,
            "n": statement.n,
            "sale_hash": statement.sale_hash.to_string(),
        });
        json!({"m": "bid", "body": body, "sig": encode_base64(&signature)})
    }

    pub(crate) async fn bid(&mut self, lot: &str, amount: u64) -> Value {
        let request = self.signed(lot, amount);
        self.request(request).await
    }

    /// The reply to a request, if it was heard.
    pub(crate) fn answered(&mut self, id: u64) -> Option<Value> {
        self.replies.remove(&id)
    }

    /// Sends a request under a new id, which it gives.
    pub(crate) async fn send(&mut self, mut request: Value) -> u64 {
        self.id += 1;
        request["id"] = json!(self.id);
        self.wire.send(format!("{request}\n").as_bytes()).await;
        self.id
    }

    /// The reply to a request, whatever else comes before it.
    pub(crate) async fn reply(&mut self, id: u64) -> Value {
        loop {
            if let Some(reply) = self.replies.remove(&id) {
                return reply;
            }
            assert!(self.hear().await, "the connection ended before the reply to {id}");
        }
    }

    pub(crate) async fn request(&mut self, request: Value) -> Value {
        let id = self.send(request).await;
        self.reply(id).await
    }

    /// Hears until a live line fits, which it gives.
    pub(crate) async fn line_where(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        let mut from = 0;
        loop {
            for (_, line) in &self.lines[from..] {
                let line = serde_json::from_str(line).expect("JSON");
                if fits(&line) {
                    return line;
                }
            }
            from = self.lines.len();
            assert!(self.hear().await, "the connection ended before such a line");
        }
    }

    /// Hears until the connection ends; gives the last word, if there was one.
    pub(crate) async fn last_word(&mut self) -> Option<Value> {
        while self.hear().await {}
        self.replies.remove(&NO_ID)
    }

    /// Takes one message; false at the end.
    pub(crate) async fn hear(&mut self) -> bool {
        let Some(line) = self.wire.line().await else { return false };
        let message: Value = serde_json::from_str(&line).expect("JSON");
        match text(&message["m"]) {
            "lines" if message.get("id").is_none() => self.live(&message),
            "lines" => {
                assert_eq!(message["from"], json!(self.streamed.len()), "the stream has no gap");
                self.streamed.extend(texts(&message["lines"]));
            }
            "reply" => {
                let id = message["id"].as_u64().unwrap_or(NO_ID);
                assert!(self.replies.insert(id, message).is_none(), "one reply for each request");
            }
            "snapshot" => {
                self.next = message["next"].as_u64().expect("a number");
                self.snapshots.push(message);
            }
            other => panic!("an unknown message {other}"),
        }
        true
    }

    fn live(&mut self, message: &Value) {
        assert_eq!(message["from"], json!(self.next), "live lines have no gap");
        for line in texts(&message["lines"]) {
            let parsed: Value = serde_json::from_str(&line).expect("JSON");
            assert_eq!(parsed["seq"], json!(self.next));
            if let Some((before, bytes)) = self.lines.last()
                && before + 1 == self.next
            {
                assert_eq!(text(&parsed["prev"]), Hash::of(bytes.as_bytes()).to_string());
            }
            if parsed["t"] == "seal" {
                self.head = sealed(text(&parsed["body"]["note"]), &self.sealer);
                assert_eq!(self.head.size, self.next, "a seal line stands behind its tree");
            }
            self.lines.push((self.next, line));
            self.next += 1;
        }
    }

    /// Checks the receipt in a reply and gives it.
    pub(crate) fn receipt(&self, reply: &Value) -> Receipt {
        let receipt =
            Receipt::parse(text(&reply["receipt"])).unwrap_or_else(|e| panic!("{reply}: {e}"));
        receipt.check(ORIGIN, &self.sealer).expect("the receipt verifies");
        receipt
    }
}

/// The code of a refusal.
pub(crate) fn code(reply: &Value) -> &str {
    assert!(!text(&reply["message"]).is_empty(), "a refusal says what to do: {reply}");
    text(&reply["code"])
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text was expected: {value}"))
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().expect("a list").iter().map(|line| text(line).to_owned()).collect()
}

/// The sealing key that line 0 names, if the CA vouches for it.
pub(crate) fn sealer_of(open: &str, anchor: &Anchor) -> VerifyingKey {
    let open: Value = serde_json::from_str(open).expect("JSON");
    let house =
        gavel::auction::name::HouseName::parse(text(&open["body"]["house"])).expect("a name");
    let sale = SaleId::parse(text(&open["body"]["sale"])).expect("an id");
    let der = decode_base64(text(&open["body"]["sealers"][0])).expect("base64");
    let sealer = verify_sealer(&der, anchor, &house, &sale, now()).expect("the CA vouches for it");
    VerifyingKey::from_bytes(&sealer.key).expect("a key")
}

fn sealed(note: &str, sealer: &VerifyingKey) -> Head {
    let sealed = SignedCheckpoint::verify(note, ORIGIN, sealer).expect("is sealed");
    let checkpoint = sealed.checkpoint();
    Head { root: checkpoint.root, size: checkpoint.size }
}

/// Under which replies without an id are kept.
const NO_ID: u64 = u64::MAX;
