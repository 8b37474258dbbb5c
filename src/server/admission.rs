//! Who may come in, counted: connections in all, under one name, and those of
//! one address that have not yet shown who they are (DESIGN 3).
//!
//! Only unauthenticated connections count by address: a hall shares one. Every
//! count is given back when its guard is dropped, however the connection ends.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::auction::name::Name;
use crate::limits::{
    CONNECTIONS_MAX, CONNECTIONS_PER_NAME_MAX, FILES_RESERVED, UNAUTHENTICATED_MAX,
    UNAUTHENTICATED_PER_ADDRESS_MAX,
};

/// Which limit keeps a connection out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Crowded {
    #[error("as many connections as the server takes are open")]
    House,
    #[error("as many connections as one name may have are open")]
    Name,
    #[error("too many connections of that address are in their handshake")]
    Address,
    #[error("too many connections are in their handshake")]
    Handshakes,
}

/// The counts, and how many there may be.
#[derive(Debug)]
pub(super) struct Admission {
    connections_max: usize,
    unauthenticated_max: usize,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    connections: usize,
    unauthenticated: usize,
    addresses: HashMap<IpAddr, usize>,
    names: HashMap<Name, usize>,
}

/// A connection in its handshake.
#[derive(Debug)]
pub(super) struct Handshaking {
    admission: Arc<Admission>,
    address: IpAddr,
}

/// A connection whose peer is known.
#[derive(Debug)]
pub(super) struct Admitted {
    admission: Arc<Admission>,
    name: Name,
}

impl Admission {
    /// Takes as many connections as the limits and the process's descriptors allow:
    /// strangers must never take the last one, which the ledger's disk needs, nor the
    /// greater half, which bidders need.
    pub(super) fn within(descriptors: usize) -> Self {
        let connections_max = descriptors.saturating_sub(FILES_RESERVED).min(CONNECTIONS_MAX);
        let unauthenticated_max = UNAUTHENTICATED_MAX.min(connections_max.div_ceil(2));
        Self { connections_max, unauthenticated_max, counts: Mutex::default() }
    }

    /// How many connections may be open at once.
    pub(super) const fn connections_max(&self) -> usize {
        self.connections_max
    }

    /// Lets a connection begin its handshake.
    pub(super) fn begin(self: &Arc<Self>, address: IpAddr) -> Result<Handshaking, Crowded> {
        let mut counts = self.lock();
        if counts.connections >= self.connections_max {
            return Err(Crowded::House);
        }
        if counts.unauthenticated >= self.unauthenticated_max {
            return Err(Crowded::Handshakes);
        }
        if !up(&mut counts.addresses, &address, UNAUTHENTICATED_PER_ADDRESS_MAX) {
            return Err(Crowded::Address);
        }
        counts.connections += 1;
        counts.unauthenticated += 1;
        Ok(Handshaking { admission: Arc::clone(self), address })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handshaking {
    /// Lets the peer in under its name.
    pub(super) fn admit(self, name: &Name) -> Result<Admitted, Crowded> {
        let mut counts = self.admission.lock();
        if !up(&mut counts.names, name, CONNECTIONS_PER_NAME_MAX) {
            return Err(Crowded::Name);
        }
        // Dropping `self` gives one back.
        counts.connections += 1;
        drop(counts);
        Ok(Admitted { admission: Arc::clone(&self.admission), name: name.clone() })
    }
}

impl Drop for Handshaking {
    fn drop(&mut self) {
        let mut counts = self.admission.lock();
        counts.connections -= 1;
        counts.unauthenticated -= 1;
        down(&mut counts.addresses, &self.address);
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut counts = self.admission.lock();
        counts.connections -= 1;
        down(&mut counts.names, &self.name);
    }
}

/// Counts one more, unless there are `max`.
fn up<K: Clone + Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K, max: usize) -> bool {
    let count = counts.entry(key.clone()).or_insert(0);
    let fits = *count < max;
    if fits {
        *count += 1;
    }
    fits
}

/// Counts one less, and forgets keys at zero.
fn down<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_crowded_by_strangers_only() {
        let admission = Arc::new(Admission::within(usize::MAX));
        let hall = IpAddr::from([192, 0, 2, 1]);
        let strangers: Vec<_> = (0..UNAUTHENTICATED_PER_ADDRESS_MAX)
            .map(|_| admission.begin(hall).expect("within the limit"))
            .collect();
        assert_eq!(admission.begin(hall).err(), Some(Crowded::Address));
        assert!(admission.begin(IpAddr::from([192, 0, 2, 2])).is_ok());
        let known: Vec<_> = strangers
            .into_iter()
            .enumerate()
            .map(|(i, stranger)| {
                let name = Name::parse(&format!("bidder-{i}")).expect("a name");
                stranger.admit(&name).expect("one each")
            })
            .collect();
        assert!(admission.begin(hall).is_ok());
        assert_eq!(admission.lock().connections, known.len());
        drop(known);
        let counts = admission.lock();
        assert_eq!((counts.connections, counts.unauthenticated), (0, 0));
        assert!(counts.addresses.is_empty() && counts.names.is_empty());
    }

    #[test]
    fn strangers_leave_descriptors_to_the_disk_and_to_bidders() {
        let admission = Arc::new(Admission::within(FILES_RESERVED + 10));
        let begin = |host: u8| admission.begin(IpAddr::from([192, 0, 2, host]));
        let strangers: Vec<_> = (0..5).map(begin).collect();
        assert!(strangers.iter().all(Result::is_ok));
        assert_eq!(begin(9).err(), Some(Crowded::Handshakes));
        let name = |i: u8| Name::parse(&format!("bidder-{i}")).expect("a name");
        let known = |(i, stranger): (u8, Result<Handshaking, Crowded>)| {
            stranger.expect("within the limit").admit(&name(i))
        };
        let _known: Vec<_> = (0..).zip(strangers).map(known).collect();
        let _more: Vec<_> = (0..5).map(begin).collect();
        assert_eq!(begin(9).err(), Some(Crowded::House));
        assert_eq!(Admission::within(0).connections_max(), 0);
        assert_eq!(Admission::within(usize::MAX).connections_max(), CONNECTIONS_MAX);
    }

    #[test]
    fn a_name_has_so_many_connections() {
        let admission = Arc::new(Admission::within(usize::MAX));
        let address = IpAddr::from([192, 0, 2, 1]);
        let name = Name::parse("alice").expect("a name");
        let admit = || admission.begin(address).expect("within the limit").admit(&name);
        let held: Vec<_> = (0..CONNECTIONS_PER_NAME_MAX).map(|_| admit()).collect();
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(admit().err(), Some(Crowded::Name));
        assert_eq!(admission.lock().unauthenticated, 0);
    }
}
