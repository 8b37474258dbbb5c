//! What a client of `gavel/1` asks.

use serde::{Deserialize, Serialize};

use super::{RequestId, line_of, read};
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Role, SaleId};
use crate::auction::refusal::Code;
use crate::ledger::hash::Hash;
use crate::wire::encoding::{Key32, Signature64, as_text, integer, object};

/// What a client asks. A bid names no bidder, and cannot:
///
/// ```compile_fail
/// fn bidder(request: gavel::wire::json::Request) -> Option<gavel::auction::name::Name> {
///     match request {
///         gavel::wire::json::Request::Bid { body, .. } => Some(body.bidder),
///         _ => None,
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "m", rename_all = "lowercase", deny_unknown_fields)]
pub enum Request {
    /// A signed act of staff.
    Act {
        /// The request's number.
        id: RequestId,
        /// What is signed, but for who signs.
        #[serde(deserialize_with = "object")]
        body: Box<ActBody>,
        /// The bid key's signature.
        sig: Signature64,
        /// What opens the commitment to a lower reserve: for the house alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opening: Option<OpeningBody>,
    },
    /// A signed bid.
    Bid {
        /// The request's number.
        id: RequestId,
        /// What is signed, but for the bidder.
        #[serde(deserialize_with = "object")]
        body: BidBody,
        /// The bid key's signature.
        sig: Signature64,
    },
    /// An enrolment of a bid key.
    Enrol {
        /// The request's number.
        id: RequestId,
        /// What is signed, but for the bidder.
        #[serde(deserialize_with = "object")]
        body: EnrolBody,
        /// Both keys' signatures.
        #[serde(deserialize_with = "object")]
        sigs: EnrolSignatures,
    },
    /// All lines of the ledger.
    Fetch {
        /// The request's number.
        id: RequestId,
    },
    /// The first request of every connection.
    Hello {
        /// The request's number.
        id: RequestId,
        /// The sale that the client knows here.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text::option")]
        sale: Option<SaleId>,
        /// The newest checkpoint of that sale that it holds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// Whether it wants cosigned checkpoints.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cosigned: bool,
        /// Whether it does without the live lines, and wants answers alone.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        quiet: bool,
    },
    /// How all lots stand, some thousand at a time.
    List {
        /// The request's number.
        id: RequestId,
        /// Begin after this lot; from the first without it.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text::option")]
        after: Option<LotId>,
    },
    /// The end of the connection.
    Quit {
        /// The request's number.
        id: RequestId,
    },
    /// The ledger's lines from one on.
    Since {
        /// The request's number.
        id: RequestId,
        /// The first line's number.
        #[serde(deserialize_with = "integer")]
        seq: u64,
    },
    /// How one lot stands.
    Status {
        /// The request's number.
        id: RequestId,
        /// Which lot.
        #[serde(with = "as_text")]
        lot: LotId,
    },
}

/// What a bid key signs, but for the bidder (LEDGER 3, `gavel/bid/v1`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BidBody {
    amount: u64,
    /// The bid key that signs.
    pub bid_key: Key32,
    /// The newest sealed tree that the bidder has verified.
    #[serde(deserialize_with = "object")]
    pub head: HeadBody,
    /// On which lot.
    #[serde(with = "as_text")]
    pub lot: LotId,
    /// A number that rises with each bid of this key, from 1.
    #[serde(deserialize_with = "integer")]
    pub n: u64,
    /// SHA-256 of the sale's line 0.
    pub sale_hash: Hash,
}

impl BidBody {
    /// What a bidder has to say; the bidder's name is the certificate's.
    pub const fn new(
        amount: Amount,
        bid_key: Key32,
        head: HeadBody,
        lot: LotId,
        n: u64,
        sale_hash: Hash,
    ) -> Self {
        Self { amount: amount.minor_units(), bid_key, head, lot, n, sale_hash }
    }

    /// The amount in minor units, or the code under which it is refused.
    pub fn amount(&self) -> Result<Amount, Code> {
        let code = if self.amount == 0 { Code::BadAmount } else { Code::OverCap };
        Amount::new(self.amount).ok_or(code)
    }
}

/// What staff sign, but for who signs (LEDGER 3, `gavel/act/v1`): each act has the
/// fields of its kind and no other, which is checked when it is read as an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActBody {
    /// Which act.
    pub act: String,
    /// How much, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<u64>,
    /// The bid key that signs.
    pub bid_key: Key32,
    /// The new end, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<u64>,
    /// The newest sealed tree that the signer has verified.
    #[serde(deserialize_with = "object")]
    pub head: HeadBody,
    /// On which lot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
    /// A number that rises with each bid and act of this key, from 1.
    #[serde(deserialize_with = "integer")]
    pub n: u64,
    /// Whose name, or for whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The certificate key that gets a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_key: Option<String>,
    /// The certificate key that had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_key: Option<String>,
    /// For which paddle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paddle: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What commits to a lower reserve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve_commit: Option<String>,
    /// SHA-256 of the sale's line 0.
    pub sale_hash: Hash,
    /// The standing bid's line, as it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
    /// What is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What opens a commitment to a reserve.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpeningBody {
    /// 32 random bytes.
    pub nonce: Hash,
    /// The reserve in minor units.
    pub reserve: u64,
}

/// Without the amount: it is a secret until the lot has ended.
impl std::fmt::Debug for OpeningBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpeningBody(..)")
    }
}

/// A tree: its root and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadBody {
    /// The root.
    pub root: Hash,
    /// How many lines it has.
    #[serde(deserialize_with = "integer")]
    pub size: u64,
}

/// What both keys sign at an enrolment, but for the bidder (LEDGER 3, `gavel/enrol/v1`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolBody {
    /// The bid key.
    pub bid_key: Key32,
    /// SHA-256 of the certificate's DER.
    pub cert: Hash,
    /// The role in the certificate.
    #[serde(with = "as_text")]
    pub role: Role,
    /// SHA-256 of the sale's line 0.
    pub sale_hash: Hash,
}

/// Both signatures of an enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolSignatures {
    /// By the bid key (Ed25519).
    pub bid_sig: Signature64,
    /// By the certificate's key (P-256, r‖s, low s).
    pub cert_sig: Signature64,
}

/// A line that is no request, with what could be read of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a request: {reason}")]
pub struct RequestFault {
    /// Its number, if it had one.
    pub id: Option<RequestId>,
    /// What is wrong, fit to be shown.
    pub reason: String,
}

impl Request {
    /// Reads one line of a client.
    pub fn parse(line: &str) -> Result<Self, RequestFault> {
        if let Some(bid) = read_bid(line) {
            return Ok(bid);
        }
        read(line).map_err(|reason| RequestFault { id: id_of(line), reason })
    }

    /// The line that asks this, with its LF.
    pub fn to_line(&self) -> Vec<u8> {
        line_of(self)
    }

    /// The request's number.
    pub const fn id(&self) -> RequestId {
        match self {
            Self::Act { id, .. }
            | Self::Bid { id, .. }
            | Self::Enrol { id, .. }
            | Self::Fetch { id }
            | Self::Hello { id, .. }
            | Self::List { id, .. }
            | Self::Quit { id }
            | Self::Since { id, .. }
            | Self::Status { id, .. } => *id,
        }
    }
}

/// Reads a bid as clients write it, its kind first: nearly every line of a busy sale is one, and
/// where the kind may stand anywhere, all else must be kept until it was found. Whatever is not
/// so is read, or refused, like any other request.
fn read_bid(line: &str) -> Option<Request> {
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Bid,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Bid {
        #[serde(rename = "m")]
        _kind: Kind,
        id: RequestId,
        #[serde(deserialize_with = "object")]
        body: BidBody,
        sig: Signature64,
    }
    if !line.starts_with(r#"{"m":"bid","#) {
        return None;
    }
    let Bid { id, body, sig, .. } = serde_json::from_str(line).ok()?;
    Some(Request::Bid { id, body, sig })
}

/// The number of a request that is otherwise not understood.
fn id_of(line: &str) -> Option<RequestId> {
    #[derive(Deserialize)]
    struct Numbered {
        id: RequestId,
    }
    serde_json::from_str::<Numbered>(line).ok().map(|numbered| numbered.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn bid_line(body: &str) -> String {
        format!(r#"{{"m":"bid","id":7,"body":{body},"sig":"{}=="}}"#, "A".repeat(86))
    }

    fn bid_body(amount: &str) -> String {
        format!(
            r#"{{"amount":{amount},"bid_key":"{HEX}","head":{{"root":"{HEX}","size":9}},"lot":"1","n":1,"sale_hash":"{HEX}"}}"#
        )
    }

    #[test]
    fn requests_read_back_as_they_were_written() {
        let id = RequestId(7);
        let bid = Request::parse(&bid_line(&bid_body("150"))).expect("a bid");
        let sale = Some(SaleId::parse("estate.2026").expect("an id"));
        let hello = Request::Hello {
            id,
            sale,
            note: Some("a\nb\n".to_owned()),
            cosigned: true,
            quiet: true,
        };
        let bare = Request::Hello { id, sale: None, note: None, cosigned: false, quiet: false };
        for request in [bid, hello, bare, Request::Fetch { id }, Request::Since { id, seq: 9 }] {
            let line = request.to_line();
            let text = std::str::from_utf8(&line).expect("UTF-8").trim_end();
            assert!(!text.contains('\n'));
            assert_eq!(Request::parse(text), Ok(request));
        }
    }

    #[test]
    fn a_bid_names_no_bidder_and_nothing_unknown() {
        let body = bid_body("150");
        let check = |line: &str| {
            let fault = Request::parse(line).expect_err(line);
            assert_eq!(fault.id, Some(RequestId(7)), "{line}");
        };
        check(&bid_line(&body.replace(r#""n":1"#, r#""bidder":"bob","n":1"#)));
        check(&bid_line(&body.replace(r#""n":1"#, r#""n":1,"n":1"#)));
        check(&bid_line(&body.replace(r#""n":1"#, r#""n":1.0"#)));
        check(&bid_line(&body.replace(r#""n":1"#, r#""n":-1"#)));
        check(&bid_line(&body.replace(r#""n":1"#, r#""n":9007199254740992"#)));
        check(&bid_line(&body.replace("\"1\"", "\"A\"")));
        check(&bid_line(&body.replacen("0123", "012G", 1)));
        check(&bid_line(&body.replacen("abc", "ABC", 1)));
        check(&bid_line(&format!(r#"[150,"{HEX}",{{"root":"{HEX}","size":9}},"1",1,"{HEX}"]"#)));
        check(&bid_line(&body).replace("AA==", "AB=="));
        check(&bid_line(&body).replace("{\"m\"", "{\"bidder\":\"bob\",\"m\""));
        check(r#"{"m":"frob","id":7}"#);
        check(r#"{"m":"quit","id":7,"x":1}"#);
        for line in ["", "[]", "null", r#"["quit",7]"#, r#"{"m":"quit","id":9007199254740992}"#] {
            let fault = Request::parse(line).expect_err(line);
            assert_eq!(fault.id, None, "{line}");
        }
    }

    #[test]
    fn an_amount_that_is_none_has_its_own_code() {
        let check = |amount: &str, code: Code| match Request::parse(&bid_line(&bid_body(amount)))
            .expect("a bid")
        {
            Request::Bid { body, .. } => assert_eq!(body.amount(), Err(code), "{amount}"),
            other => panic!("{other:?}"),
        };
        check("0", Code::BadAmount);
        check("9007199254740992", Code::OverCap);
    }
}
