//! Looks at the revocation list's file, and makes a newer list bite at once: at
//! the next handshake, on live connections, and in the ledger.
//!
//! An empty, garbled, wrongly signed or older list changes nothing, loudly.

use std::sync::Arc;

use super::files::CrlFile;
use super::premises::Premises;
use crate::ledger::hash::Hash;
use crate::limits::CRL_POLL;
use crate::pki::{Crl, CrlEntry, CrlUpdate};
use crate::record::Revocation;

/// Watches for as long as the server runs.
pub(super) async fn watch(mut file: CrlFile, premises: Arc<Premises>) {
    let mut was_readable = true;
    loop {
        let looked = tokio::task::spawn_blocking(move || {
            let changed = file.changed();
            (file, changed)
        });
        let Ok((back, changed)) = looked.await else { return };
        file = back;
        let readable = changed.is_ok();
        match changed {
            Ok(Some(bytes)) => offer(&bytes, &file, &premises),
            Ok(None) => {}
            Err(error) if was_readable => {
                tracing::warn!(
                    file = %file.path().display(), %error,
                    "the revocation list cannot be read; what is revoked stays so"
                );
            }
            Err(_) => {}
        }
        was_readable = readable;
        tokio::time::sleep(CRL_POLL.into()).await;
    }
}

/// Puts a newer list in force, and tells sessions and ledger.
pub(super) fn offer(bytes: &[u8], file: &CrlFile, premises: &Premises) {
    if let Some((crl, added)) = put_in_force(bytes, file, premises) {
        for entry in &added {
            premises.gate.revoke(revocation(&crl, entry));
        }
    }
}

/// Puts a newer list in force for handshakes and live connections; gives what it adds.
pub(super) fn put_in_force(
    bytes: &[u8],
    file: &CrlFile,
    premises: &Premises,
) -> Option<(Arc<Crl>, Vec<CrlEntry>)> {
    let path = file.path().display();
    match premises.revocations.offer(bytes) {
        Ok(CrlUpdate::Newer { crl, added }) => {
            let (number, new) = (crl.number, added.len());
            tracing::info!(file = %path, number, new, "revocation list in force");
            premises.revoked.send_modify(|lists| *lists += 1);
            Some((crl, added))
        }
        Ok(CrlUpdate::Unchanged) => None,
        Err(fault) => {
            tracing::warn!(
                file = %path,
                "the revocation list is refused, the one before stays in force: {fault}"
            );
            None
        }
    }
}

fn revocation(crl: &Crl, entry: &CrlEntry) -> Revocation {
    Revocation {
        serial: entry.serial.clone(),
        reason: entry.reason,
        crl_number: crl.number,
        crl_hash: Hash::from_bytes(*crl.hash.bytes()),
    }
}
