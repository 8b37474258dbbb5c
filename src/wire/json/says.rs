//! What a server of `gavel/1` says.

use std::io::Write as _;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{RequestFault, RequestId, line_of, read};
use crate::auction::money::{Amount, Currency};
use crate::auction::refusal::Code;
use crate::ledger::ReceiptParts;
use crate::ledger::canonical::push_string;
use crate::time::Timestamp;
use crate::wire::encoding::{ProofHash, as_text, minor_units, unix_ms};
use crate::wire::lot::LotView;
use crate::wire::message;

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "m", rename_all = "lowercase")]
pub enum ServerMessage {
    /// A newer cosigned checkpoint, for whoever asked for them.
    Cosigned(Cosigned),
    /// Lines of the ledger.
    Lines(Lines),
    /// The answer to a request; without a number, a word before the connection ends.
    Reply(Reply),
    /// How everything stands, for a reader that fell behind.
    Snapshot(Snapshot),
    /// The answer to a hello.
    Welcome(Welcome),
}

impl ServerMessage {
    /// Reads one line of a server.
    pub fn parse(line: &str) -> Result<Self, ServerFault> {
        read(line).map_err(|reason| ServerFault { reason })
    }

    /// The line that says this, with its LF.
    pub fn to_line(&self) -> Vec<u8> {
        line_of(self)
    }
}

/// A line that is no message of `gavel/1`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a gavel/1 message: {reason}")]
pub struct ServerFault {
    /// What is wrong, fit to be shown.
    pub reason: String,
}

/// A checkpoint of the sale under which witnesses have signed too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cosigned {
    /// It, a C2SP signed note.
    pub note: String,
}

/// A cosigned checkpoint with the proof that the welcome's tree extends its tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenCosigned {
    /// The checkpoint, a C2SP signed note.
    pub note: String,
    /// The consistency proof from its tree to the welcome's.
    pub proof: Vec<ProofHash>,
}

/// Where a client begins. The live lines that follow begin at the checkpoint's size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Welcome {
    /// The hello's number.
    pub id: RequestId,
    /// Line 0 of the ledger, without LF.
    pub open: String,
    /// The newest checkpoint, a C2SP signed note.
    pub note: String,
    /// The full subtrees at the right edge of its tree, largest first.
    pub frontier: Vec<ProofHash>,
    /// The consistency proof from the tree of the client's note; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Vec<ProofHash>>,
    /// The enrolments under the client's own name, each with its inclusion proof.
    pub lines: Vec<ProvenLine>,
    /// The newest cosigned checkpoint, if the client asked for it and there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cosigned: Option<ProvenCosigned>,
    /// The sale's official time.
    #[serde(with = "unix_ms")]
    pub now: Timestamp,
}

/// A line of the ledger with its inclusion proof in the welcome's tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenLine {
    /// Its number.
    pub index: u64,
    /// The line itself, without LF.
    pub line: String,
    /// The inclusion proof.
    pub proof: Vec<ProofHash>,
}

/// Lines of the ledger, whole and in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lines {
    /// The `since` or `fetch` that they answer; absent on live lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RequestId>,
    /// The first one's number.
    pub from: u64,
    /// The lines, each without its LF.
    pub lines: Vec<String>,
}

/// How everything stands, for a reader that fell behind. It proves nothing, and
/// says so; the lines that were skipped can be had by `since`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// Always true.
    pub unverified: bool,
    /// The number of the first live line that follows.
    pub next: u64,
    /// All lots in catalogue order, without their names.
    pub lots: Vec<LotView>,
    /// The sale's official time.
    #[serde(with = "unix_ms")]
    pub now: Timestamp,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ReplyFields", into = "ReplyFields")]
pub struct Reply {
    /// The request's number; absent where it could not be read or nothing was asked.
    pub id: Option<RequestId>,
    /// The answer.
    pub answer: Answer,
}

/// What a request comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is done; there is nothing to show.
    Done,
    /// It stands in the ledger: a `c2sp.org/tlog-proof@v1` for its line.
    Entered {
        /// The receipt's text.
        receipt: String,
    },
    /// Lots, for display.
    Lots {
        /// The lots in catalogue order.
        lots: Vec<LotView>,
        /// Whether more follow after the last of them.
        more: bool,
    },
    /// A "no".
    Refused {
        /// Why.
        code: Code,
        /// What it means and what helps.
        message: String,
        /// The least bid that would stand, where that is the reason.
        ask: Option<Amount>,
    },
    /// All lines that were asked for have gone out.
    Sent {
        /// The number of the first line that has not.
        next: u64,
        /// The newest checkpoint; its tree has at most `next` lines.
        note: String,
    },
}

impl Answer {
    /// A refusal with its message.
    pub fn refused(code: Code, ask: Option<Amount>, currency: &Currency) -> Self {
        Self::Refused { code, message: message::refusal(code, ask, currency), ask }
    }

    /// A refusal of a line that is no request.
    pub fn bad_command(fault: &RequestFault) -> Self {
        Self::Refused { code: Code::BadCommand, message: fault.to_string(), ask: None }
    }
}

/// The JSON form of a [`Reply`].
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<RequestId>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text::option")]
    code: Option<CodeText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "minor_units::option")]
    ask: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    receipt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lots: Option<Vec<LotView>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    more: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// A code that reads itself from its text.
#[derive(Clone, Copy)]
struct CodeText(Code);

impl std::fmt::Display for CodeText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for CodeText {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Code::parse(text).map(Self).ok_or("an unknown refusal code")
    }
}

impl From<Reply> for ReplyFields {
    fn from(Reply { id, answer }: Reply) -> Self {
        let fields = Self { id, ..Self::default() };
        match answer {
            Answer::Done => fields,
            Answer::Entered { receipt } => Self { receipt: Some(receipt), ..fields },
            Answer::Lots { lots, more } => Self { lots: Some(lots), more, ..fields },
            Answer::Refused { code, message, ask } => {
                Self { code: Some(CodeText(code)), message: Some(message), ask, ..fields }
            }
            Answer::Sent { next, note } => Self { next: Some(next), note: Some(note), ..fields },
        }
    }
}

impl TryFrom<ReplyFields> for Reply {
    type Error = &'static str;

    fn try_from(fields: ReplyFields) -> Result<Self, Self::Error> {
        let ReplyFields { id, code, message, ask, receipt, lots, more, next, note } = fields;
        let answer = match (code, receipt, lots, next.zip(note)) {
            (None, None, None, None) => Answer::Done,
            (None, Some(receipt), None, None) => Answer::Entered { receipt },
            (None, None, Some(lots), None) => Answer::Lots { lots, more },
            (Some(CodeText(code)), None, None, None) => {
                Answer::Refused { code, message: message.unwrap_or_default(), ask }
            }
            (None, None, None, Some((next, note))) => Answer::Sent { next, note },
            _ => return Err("a reply has one answer"),
        };
        Ok(Self { id, answer })
    }
}

/// A `lines` message with its LF, made of ledger lines as they stand in the file.
///
/// The same bytes as [`ServerMessage::Lines`] would give; it is built once for
/// each frame and shared by all connections.
pub fn lines_message<'a>(
    id: Option<RequestId>,
    from: u64,
    lines: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<u8> {
    lines_message_placed(id, from, lines, |_| ())
}

/// The same, which also tells where in it each line stands as a JSON string, with its quotes.
pub fn lines_message_placed<'a>(
    id: Option<RequestId>,
    from: u64,
    lines: impl IntoIterator<Item = &'a [u8]>,
    mut place: impl FnMut(Range<usize>),
) -> Vec<u8> {
    let mut message = match id {
        Some(RequestId(id)) => format!(r#"{{"m":"lines","id":{id},"from":{from},"lines":["#),
        None => format!(r#"{{"m":"lines","from":{from},"lines":["#),
    }
    .into_bytes();
    for (i, line) in lines.into_iter().enumerate() {
        if i > 0 {
            message.push(b',');
        }
        let begin = message.len();
        push_string(&mut message, line);
        place(begin..message.len());
    }
    message.extend_from_slice(b"]}\n");
    message
}

/// A `reply` with a receipt, with its LF: the same bytes as [`ServerMessage::Reply`] would give.
///
/// It is added to what else is said at once.
pub fn push_entered(message: &mut Vec<u8>, RequestId(id): RequestId, receipt: &ReceiptParts<'_>) {
    write!(message, r#"{{"m":"reply","id":{id},"receipt":"#).expect("a vector takes it");
    receipt.push_json(message);
    message.extend_from_slice(b"}\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Hash, Receipt, SealerEnd};

    #[test]
    fn replies_have_one_answer() {
        let id = Some(RequestId(7));
        let euro = Currency::new(Some("EUR"), 2).expect("a currency");
        let answers = [
            Answer::Done,
            Answer::Entered { receipt: "c2sp.org/tlog-proof@v1\n".to_owned() },
            Answer::Lots { lots: Vec::new(), more: true },
            Answer::refused(Code::TooLow, Amount::new(150), &euro),
            Answer::Sent { next: 3, note: "n".to_owned() },
        ];
        for answer in answers {
            let reply = ServerMessage::Reply(Reply { id, answer });
            let line = reply.to_line();
            let text = std::str::from_utf8(&line).expect("UTF-8");
            assert_eq!(ServerMessage::parse(text.trim_end()), Ok(reply), "{text}");
        }
        let both = r#"{"m":"reply","id":7,"code":"busy","receipt":"x"}"#;
        assert!(ServerMessage::parse(both).is_err());
        assert!(ServerMessage::parse(r#"{"m":"reply","id":7,"code":"frob"}"#).is_err());
    }

    #[test]
    fn a_receipt_is_written_as_serde_would_write_it() {
        // Each length of the line modulo 3 has its own form.
        for end in ["}", " }", "  }"] {
            let entry = format!(r#"{{"body":{{"name":"a \"b\" \\ é"}},"seq":1{end}"#);
            written_as_serde_would(&entry);
        }
    }

    fn written_as_serde_would(entry: &str) {
        let (note, proof) =
            ("house/sale\n2\nroot\n\n— house/sale x\n", [Hash::of(b"a"), Hash::ZERO]);
        let json = serde_json::to_vec(entry).expect("a string");
        let sealer = SealerEnd::new(b"der".to_vec());
        let parts = ReceiptParts { index: 1, proof: &proof, note, entry: &json, sealer: &sealer };
        let mut written = b"before".to_vec();
        push_entered(&mut written, RequestId(7), &parts);
        let receipt = Receipt {
            index: 1,
            proof: proof.to_vec(),
            note: note.to_owned(),
            entry: entry.to_owned(),
            sealer: b"der".to_vec(),
        };
        let answer = Answer::Entered { receipt: receipt.to_text() };
        let line = ServerMessage::Reply(Reply { id: Some(RequestId(7)), answer }).to_line();
        assert_eq!(String::from_utf8(written), String::from_utf8([&b"before"[..], &line].concat()));
    }

    #[test]
    fn the_shared_lines_message_is_what_serde_would_write() {
        let lines = [r#"{"body":{"name":"a \"b\" \\ é"},"seq":1}"#, "", "\\\\\"\""];
        for id in [None, Some(RequestId(5))] {
            let built = lines_message(id, 8, lines.iter().map(|line| line.as_bytes()));
            let owned = lines.iter().map(|line| (*line).to_owned()).collect();
            let message = ServerMessage::Lines(Lines { id, from: 8, lines: owned });
            assert_eq!(String::from_utf8(built), String::from_utf8(message.to_line()));
        }
    }
}
