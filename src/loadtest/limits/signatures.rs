//! What one check of a bid's signature costs, and one signature of a checkpoint.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use super::{LimitsFault, each};
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Name};
use crate::clock::ThreadTime;
use crate::ledger::{Checkpoint, Hash};
use crate::record::{BidKey, Head, Statement};

/// How many keys sign, as many bidders would: the key of each check is another than the last one's.
const KEYS: u8 = 64;

/// CPU time of one strict check under a key that is parsed already, over what bidders sign.
pub(super) fn verify_ns(checks: usize) -> Result<u64, LimitsFault> {
    let signed: Vec<Signed> = (0..checks).map(Signed::new).collect();
    checked_ns(&signed)
}

fn checked_ns(signed: &[Signed]) -> Result<u64, LimitsFault> {
    let time = ThreadTime::start();
    let good = signed.iter().filter(|signed| black_box(signed).is_good()).count();
    let cpu_ns = time.elapsed_ns();
    if good == signed.len() { Ok(each(cpu_ns, good)) } else { Err(LimitsFault::Signature) }
}

/// The same while a thread on each core does it: cores share a clock rate and caches, and some are
/// halves of one.
pub(super) fn verify_busy_ns(checks: usize) -> Result<u64, LimitsFault> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let start = Barrier::new(cores);
    let found: Vec<Result<u64, LimitsFault>> = thread::scope(|scope| {
        let check = || {
            let signed: Vec<Signed> = (0..checks).map(Signed::new).collect();
            start.wait();
            checked_ns(&signed)
        };
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(check)).collect();
        let end = |thread: thread::ScopedJoinHandle<'_, _>| thread.join();
        threads.into_iter().map(|thread| end(thread).unwrap_or(Err(LimitsFault::Broken))).collect()
    });
    let all = found.into_iter().try_fold(0_u64, |all, ns| ns.map(|ns| all.saturating_add(ns)))?;
    Ok(each(all, cores))
}

/// CPU time of one signature over the text of a checkpoint.
pub(super) fn sign_ns(signatures: usize) -> u64 {
    let (key, root) = (SigningKey::from_bytes(&[7; 32]), Hash::of(b"root"));
    let text = |size| Checkpoint { origin: "house/sale-2026".to_owned(), size, root }.to_string();
    let texts: Vec<String> =
        (0..signatures).map(|n| text(u64::try_from(n).unwrap_or(u64::MAX))).collect();
    let time = ThreadTime::start();
    for text in &texts {
        black_box(key.sign(black_box(text.as_bytes())));
    }
    each(time.elapsed_ns(), signatures)
}

struct Signed {
    key: VerifyingKey,
    message: Vec<u8>,
    signature: Signature,
}

impl Signed {
    fn new(number: usize) -> Self {
        let seed = number % usize::from(KEYS) + 1;
        let key = SigningKey::from_bytes(&[u8::try_from(seed).expect("so few keys"); 32]);
        let n = u64::try_from(number).expect("as many as fit in memory") + 1;
        let statement = Statement {
            amount: Amount::new(10_000 + n).expect("an amount"),
            bid_key: BidKey::from(&key),
            bidder: Name::parse(&format!("bidder-{seed:05}")).expect("a name"),
            head: Head { root: Hash::of(b"root"), size: 100_000 + n },
            lot: LotId::parse(&(n % 1_000 + 1).to_string()).expect("a lot id"),
            n,
            sale_hash: Hash::of(b"line 0"),
        };
        let message = statement.message();
        let signature = key.sign(&message);
        Self { key: key.verifying_key(), message, signature }
    }

    fn is_good(&self) -> bool {
        self.key.verify_strict(&self.message, &self.signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_checked_is_as_long_as_a_bid_and_signed_by_many() {
        let [mut one, other] = [Signed::new(0), Signed::new(1)];
        assert!((300..400).contains(&one.message.len()), "{}", one.message.len());
        assert!(one.is_good() && other.is_good());
        assert_ne!(one.key, other.key);
        one.signature = other.signature;
        assert!(!one.is_good(), "the check can fail");
    }

    #[test]
    fn checks_and_signatures_take_time() {
        assert!(verify_ns(4).expect("all are good") > 0);
        assert!(verify_busy_ns(4).expect("all are good") > 0);
        assert!(sign_ns(4) > 0);
    }
}
