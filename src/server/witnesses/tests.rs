//! What the tests of the parts share: a house's key, its checkpoints, its witnesses.

use ed25519_dalek::SigningKey;

use crate::ledger::{CosignerKey, Hash, SealingKey, SignedCheckpoint, WitnessKey};

pub(super) fn sealer() -> SealingKey {
    SealingKey::new("house/sale".to_owned(), SigningKey::from_bytes(&[42; 32])).expect("a name")
}

pub(super) fn checkpoint(size: u64) -> SignedCheckpoint {
    sealer().sign(size, Hash::of(&size.to_be_bytes()))
}

/// The witness at a place, `w0` and so on.
pub(super) fn witness(place: u8) -> WitnessKey {
    let secret = SigningKey::from_bytes(&[place + 1; 32]);
    WitnessKey::new(&format!("w{place}"), secret).expect("a name")
}

pub(super) fn keys(count: u8) -> Vec<CosignerKey> {
    (0..count).map(|place| witness(place).public().clone()).collect()
}
