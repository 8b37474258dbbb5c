//! A session that speaks `gavel/1`: requests into questions and inputs, answers
//! into messages.

use std::sync::{Arc, OnceLock};

use tokio::sync::OwnedSemaphorePermit;

use super::acts::{has_amount, signed_act};
use super::gate::Checked;
use super::premises::About;
use super::session::{Flow, Session};
use super::ticket::{Answer, Asked, Query, Shown};
use crate::auction::money::Amount;
use crate::auction::name::{LotId, SaleId};
use crate::auction::refusal::Code;
use crate::auction::reserve::ReserveOpening;
use crate::house;
use crate::ledger::hash::Hash;
use crate::limits::LIST_LOTS_MAX;
use crate::pki::CertificateFault;
use crate::record::{
    BidKey, Enrolment, EnrolmentEvidence, EnrolmentFault, Head, ReadyKey, Signed, SignedBid,
    Statement,
};
use crate::time::Timestamp;
use crate::wire::encoding::{ProofHash, Signature64};
use crate::wire::frame::LineFault;
use crate::wire::json::{
    self, BidBody, EnrolBody, EnrolSignatures, ProvenCosigned, ProvenLine, Reply, Request,
    RequestFault, RequestId, ServerMessage, Snapshot, Welcome, lines_message,
};
use crate::wire::lot::LotView;

/// Takes one line.
pub(super) fn take(
    session: &Session,
    place: OwnedSemaphorePermit,
    line: Result<&str, LineFault>,
    may: bool,
) -> Flow {
    let request = line
        .map_err(|fault| RequestFault { id: None, reason: fault.to_string() })
        .and_then(Request::parse);
    let request = match request {
        Ok(request) => request,
        Err(fault) => {
            session.reply(place, reply(fault.id, json::Answer::bad_command(&fault)));
            return Flow::Bad;
        }
    };
    let id = request.id();
    let refuse = |place, code| session.reply(place, refused(&session.premises.about, id, code));
    if !may {
        refuse(place, Code::SlowDown);
        return Flow::On;
    }
    let is_hello = matches!(request, Request::Hello { .. });
    if is_hello == session.is_welcomed() {
        let reason = "a connection begins with one hello".to_owned();
        let fault = RequestFault { id: Some(id), reason };
        session.reply(place, reply(Some(id), json::Answer::bad_command(&fault)));
        return Flow::Bad;
    }
    match request {
        Request::Bid { body, sig, .. } => match signed_bid(session, body, sig) {
            Ok(bid) => {
                let ticket = session.ticket(Asked::Gavel { id }, place);
                let signer = Arc::clone(&session.signer);
                session.enter(ticket, None, move |_| check(bid.into(), None, &signer));
            }
            Err(code) => refuse(place, code),
        },
        Request::Act { ref body, .. } if !has_amount(body) => {
            let code = if body.amount == Some(0) { Code::BadAmount } else { Code::OverCap };
            refuse(place, code);
        }
        Request::Act { body, sig, opening, .. } => match signed_act(session, *body, sig, opening) {
            Ok((act, opening)) => {
                let ticket = session.ticket(Asked::Gavel { id }, place);
                let signer = Arc::clone(&session.signer);
                session.enter(ticket, None, move |_| check(act.into(), opening, &signer));
            }
            Err(fault) => {
                let fault = RequestFault { id: Some(id), reason: fault.to_string() };
                session.reply(place, reply(Some(id), json::Answer::bad_command(&fault)));
                return Flow::Bad;
            }
        },
        Request::Enrol { body, sigs, .. } => match enrolment(session, &body, &sigs) {
            Ok(enrolment) => enrol(session, id, place, enrolment),
            Err(code) => refuse(place, code),
        },
        Request::Fetch { .. } => lines_from(session, id, place, 0),
        Request::Hello { sale, note, cosigned, quiet, .. } => {
            let asked = Asked::Hello { id, noted: note.is_some(), cosigned, quiet };
            return hello(session, asked, place, sale.as_ref(), note);
        }
        Request::List { after, .. } => {
            let ticket = session.ticket(Asked::List { id, after }, place);
            session.ask(Query::Lots { ticket });
        }
        Request::Quit { .. } => return Flow::Quit(reply(Some(id), json::Answer::Done)),
        Request::Since { seq, .. } => lines_from(session, id, place, seq),
        Request::Status { lot, .. } => {
            let ticket = session.ticket(Asked::Gavel { id }, place);
            session.ask(Query::Lot { lot, ticket });
        }
    }
    Flow::On
}

/// Checks the signature, under the session's signer if the statement names that.
pub(super) fn check(
    signed: Signed,
    opening: Option<ReserveOpening>,
    signer: &OnceLock<ReadyKey>,
) -> Checked {
    let bid_key = *signed.claim().bid_key;
    let known = signer.get().filter(|known| *known.key() == bid_key).cloned();
    let ready = known.map_or_else(|| ReadyKey::of(&bid_key), Ok);
    match signed.authenticate_under(&ready) {
        Ok(signed) => {
            if let Ok(ready) = ready {
                let _ = signer.set(ready);
            }
            Checked::Signed { signed: Box::new(signed), opening }
        }
        Err(forged) => Checked::Forged(forged),
    }
}

fn hello(
    session: &Session,
    asked: Asked,
    place: OwnedSemaphorePermit,
    sale: Option<&SaleId>,
    note: Option<String>,
) -> Flow {
    let about = &session.premises.about;
    let cosigned = matches!(asked, Asked::Hello { cosigned: true, .. });
    if sale.is_some_and(|sale| *sale != about.sale) {
        let refusal = Answer::Refused { code: Code::WrongSale, least: None, lot: None };
        session.reply(place, answer(about, &asked, refusal));
        return Flow::On;
    }
    let ticket = session.ticket(asked, place);
    session.ask(Query::Welcome { name: session.identity.name.clone(), note, cosigned, ticket });
    // What was sent behind the hello is judged only once it was welcomed.
    Flow::Settle
}

fn lines_from(session: &Session, id: RequestId, place: OwnedSemaphorePermit, seq: u64) {
    let ticket = session.ticket(Asked::Gavel { id }, place);
    session.ask(Query::Lines { seq, ticket });
}

/// The bid with the bidder that the certificate names.
fn signed_bid(session: &Session, body: BidBody, sig: Signature64) -> Result<SignedBid, Code> {
    let amount: Amount = body.amount()?;
    let statement = Statement {
        amount,
        bid_key: BidKey::from_bytes(*body.bid_key.bytes()),
        bidder: session.identity.name.clone(),
        head: Head { root: body.head.root, size: body.head.size },
        lot: body.lot,
        n: body.n,
        sale_hash: body.sale_hash,
    };
    Ok(SignedBid { statement, signature: *sig.bytes() })
}

/// The enrolment with the name and chain of the connection's certificate.
fn enrolment(
    session: &Session,
    body: &EnrolBody,
    sigs: &EnrolSignatures,
) -> Result<Enrolment, Code> {
    let identity = &session.identity;
    if body.sale_hash != session.premises.about.sale_hash {
        return Err(Code::WrongSale);
    }
    if body.cert != Hash::from_bytes(*identity.cert.bytes()) || body.role != identity.role {
        return Err(Code::BadSignature);
    }
    Ok(Enrolment {
        bidder: identity.name.clone(),
        role: identity.role,
        chain: identity.chain.clone(),
        evidence: EnrolmentEvidence::Signed {
            bid_key: BidKey::from_bytes(*body.bid_key.bytes()),
            bid_sig: *sigs.bid_sig.bytes(),
            cert_sig: *sigs.cert_sig.bytes(),
        },
    })
}

fn enrol(session: &Session, id: RequestId, place: OwnedSemaphorePermit, enrolment: Enrolment) {
    let ticket = session.ticket(Asked::Gavel { id }, place);
    let premises = Arc::clone(&session.premises);
    session.enter(ticket, None, move |at| {
        let about = &premises.about;
        match enrolment.authenticate(&about.sale_hash, &premises.anchor, &about.house, at) {
            Ok(enrolled) => Checked::Enrolled(Box::new(enrolled)),
            Err(fault) => Checked::Refused(code_of(&fault)),
        }
    });
}

/// The code under which a faulty enrolment is refused.
pub(super) const fn code_of(fault: &EnrolmentFault) -> Code {
    match fault {
        EnrolmentFault::Certificate(CertificateFault::Expired { .. }) => Code::Expired,
        EnrolmentFault::Certificate(CertificateFault::Revoked) => Code::Revoked,
        _ => Code::BadSignature,
    }
}

/// The message for an answer that needs nothing else.
pub(super) fn answer(about: &About, asked: &Asked, answer: Answer) -> Vec<u8> {
    let (Asked::Gavel { id } | Asked::Hello { id, .. } | Asked::List { id, .. }) = asked else {
        return Vec::new();
    };
    let said = match answer {
        Answer::Lot(Some(lot)) => json::Answer::Lots { lots: vec![lot], more: false },
        Answer::Lot(None) => json::Answer::refused(Code::NoSuchLot, None, &about.currency),
        Answer::Lots(lots) => match asked {
            Asked::List { after: Some(after), .. } => page(about, &lots, Some(after)),
            _ => page(about, &lots, None),
        },
        Answer::Refused { code, least, .. } => json::Answer::refused(code, least, &about.currency),
        // These have their own messages.
        Answer::Earlier { .. }
        | Answer::Entered { .. }
        | Answer::Lines { .. }
        | Answer::Snapshot { .. }
        | Answer::Welcome { .. } => return Vec::new(),
    };
    reply(Some(*id), said)
}

/// Some lots from behind `after`.
fn page(about: &About, lots: &[LotView], after: Option<&LotId>) -> json::Answer {
    let begin = match after {
        None => 0,
        Some(after) => match lots.iter().position(|lot| lot.lot == *after) {
            Some(at) => at + 1,
            None => return json::Answer::refused(Code::NoSuchLot, None, &about.currency),
        },
    };
    let rest = &lots[begin..];
    let shown = rest.len().min(LIST_LOTS_MAX);
    json::Answer::Lots { lots: rest[..shown].to_vec(), more: rest.len() > shown }
}

fn reply(id: Option<RequestId>, answer: json::Answer) -> Vec<u8> {
    ServerMessage::Reply(Reply { id, answer }).to_line()
}

fn refused(about: &About, id: RequestId, code: Code) -> Vec<u8> {
    reply(Some(id), json::Answer::refused(code, None, &about.currency))
}

/// The last word.
pub(super) fn farewell(code: Code, message: &str) -> Vec<u8> {
    reply(None, json::Answer::Refused { code, message: message.to_owned(), ask: None })
}

/// The end of a stream of lines.
pub(super) fn sent(id: RequestId, next: u64, note: &str) -> Vec<u8> {
    reply(Some(id), json::Answer::Sent { next, note: note.to_owned() })
}

/// Whole lines of the ledger, as they stand in the file.
pub(super) fn lines(id: Option<RequestId>, from: u64, file: &[u8]) -> Vec<u8> {
    let file = file.strip_suffix(b"\n").unwrap_or(file);
    lines_message(id, from, file.split(|b| *b == b'\n'))
}

pub(super) fn welcome(
    asked: &Asked,
    welcome: &house::Welcome,
    shown: Option<&Shown>,
    now: Timestamp,
) -> Vec<u8> {
    let Asked::Hello { id, noted, .. } = asked else { return Vec::new() };
    let text = |line: &[u8]| String::from_utf8_lossy(line).into_owned();
    let hashes = |hashes: &[Hash]| hashes.iter().copied().map(ProofHash).collect::<Vec<_>>();
    let proven = welcome.own.iter().map(|(index, line, proof)| ProvenLine {
        index: *index,
        line: text(line),
        proof: hashes(proof),
    });
    ServerMessage::Welcome(Welcome {
        id: *id,
        open: text(&welcome.open),
        note: welcome.checkpoint.note().to_owned(),
        frontier: hashes(&welcome.frontier),
        proof: noted.then(|| hashes(&welcome.proof)),
        lines: proven.collect(),
        cosigned: shown.map(|shown| ProvenCosigned {
            note: shown.cosigned.checkpoint.note().to_owned(),
            proof: hashes(&shown.proof),
        }),
        now,
    })
    .to_line()
}

pub(super) fn snapshot(next: u64, lots: &[LotView], now: Timestamp) -> Vec<u8> {
    let lots = lots.iter().cloned().map(LotView::without_name).collect();
    ServerMessage::Snapshot(Snapshot { unverified: true, next, lots, now }).to_line()
}
