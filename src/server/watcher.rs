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
    let mut missing = false;
    loop {
        let looked = tokio::task::spawn_blocking(move || {
            let changed = file.changed();
            (file, changed)
        });
        let Ok((back, changed)) = looked.await else { return };
        file = back;
        match changed {
            Ok(Some(bytes)) => offer(&bytes, &file, &premises),
            Ok(None) => {}
            Err(error) if !missing => {
                tracing::warn!(
                    file = %file.path().display(), %error,
                    "the revocation list cannot be read; what is revoked stays so"
                );
            }
            Err(_) => {}
        }
        tokio::time::sleep(CRL_POLL.into()).await;
    }
}
