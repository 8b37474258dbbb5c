//! Acts of staff as they come over the wire, put together with the name of the
//! session's certificate.

use super::session::Session;
use crate::auction::money::Amount;
use crate::auction::reserve::ReserveOpening;
use crate::record::{ActFields, BidKey, HeadFields, RecordError, SignedAct};
use crate::wire::encoding::Signature64;
use crate::wire::json::{ActBody, OpeningBody};

/// The act that the session's person signed, with what opens the reserve that it commits to.
pub(super) fn signed_act(
    session: &Session,
    body: ActBody,
    sig: Signature64,
    opening: Option<OpeningBody>,
) -> Result<(SignedAct, Option<ReserveOpening>), RecordError> {
    let statement = fields(session.identity.name.as_str(), body).statement()?;
    // An opening of nothing opens no commitment: the house then says that nothing was lowered.
    let opening = opening.and_then(read_opening);
    Ok((SignedAct { statement, signature: *sig.bytes() }, opening))
}

/// The name is the certificate's, and no other can be written (LEDGER 4).
fn fields(bidder: &str, body: ActBody) -> ActFields {
    ActFields {
        act: body.act,
        amount: body.amount,
        bid_key: BidKey::from_bytes(*body.bid_key.bytes()).to_string(),
        bidder: bidder.to_owned(),
        ends_at: body.ends_at,
        head: HeadFields { root: body.head.root.to_string(), size: body.head.size },
        lot: body.lot,
        n: body.n,
        name: body.name,
        new_key: body.new_key,
        old_key: body.old_key,
        paddle: body.paddle,
        reason: body.reason,
        reserve_commit: body.reserve_commit,
        sale_hash: body.sale_hash.to_string(),
        seen: body.seen,
        text: body.text,
    }
}

fn read_opening(opening: OpeningBody) -> Option<ReserveOpening> {
    let reserve = Amount::new(opening.reserve)?;
    Some(ReserveOpening { reserve, nonce: *opening.nonce.bytes() })
}
