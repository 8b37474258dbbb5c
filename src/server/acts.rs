//! Acts of staff as they come over the wire, put together with the name of the
//! session's certificate.

use super::session::Session;
use crate::auction::money::Amount;
use crate::auction::reserve::ReserveOpening;
use crate::record::{ActFields, RecordError, SignedAct};
use crate::wire::encoding::Signature64;
use crate::wire::json::{ActBody, OpeningBody};

/// The act that the session's person signed: the name is the certificate's, and no other
/// can be written (LEDGER 4); with what opens the reserve that it commits to, if it does.
pub(super) fn signed_act(
    session: &Session,
    body: ActBody,
    sig: Signature64,
    opening: Option<OpeningBody>,
) -> Result<(SignedAct, Option<ReserveOpening>), RecordError> {
    let statement = ActFields::of_body(session.identity.name.as_str(), &body)?.statement()?;
    // An opening of nothing opens no commitment: the house then says that nothing was lowered.
    let opening = opening.and_then(read_opening);
    Ok((SignedAct { statement, signature: *sig.bytes() }, opening))
}

/// Whether the amount of an act, if it has one, can be one: like a bid's, it has codes of its
/// own if not.
pub(super) fn has_amount(body: &ActBody) -> bool {
    body.amount.is_none_or(|amount| Amount::new(amount).is_some())
}

fn read_opening(opening: OpeningBody) -> Option<ReserveOpening> {
    let reserve = Amount::new(opening.reserve)?;
    Some(ReserveOpening { reserve, nonce: *opening.nonce.bytes() })
}
