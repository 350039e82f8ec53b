//! Who waits, and that no address waits too often.

use crate::live::{Library, MediaPath, Wait};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// The requests that wait, by address. As many entries as addresses that wait.
#[derive(Debug, Default)]
pub struct Holds {
    max_per_address: Option<usize>,
    addresses: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A request that waits. Dropping it frees its place.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) wait: Wait,
    _place: Option<Place>,
}

#[derive(Debug)]
struct Place {
    addresses: Arc<Mutex<HashMap<IpAddr, usize>>>,
    address: IpAddr,
}

impl Holds {
    /// At most so many from one address; `None` for no limit.
    pub fn new(max_per_address: Option<usize>) -> Self {
        Self { max_per_address, addresses: Arc::default() }
    }

    /// Registers a request; `None` when too many wait already.
    pub(super) fn enter(
        &self,
        library: &Arc<Library>,
        path: &MediaPath,
        address: Option<IpAddr>,
    ) -> Option<Hold> {
        let place = match self.max_per_address.zip(address) {
            Some((limit, address)) => Some(self.place(address, limit)?),
            None => None,
        };
        let wait = library.wait(path.clone()).ok()?;
        Some(Hold { wait, _place: place })
    }

    fn place(&self, address: IpAddr, limit: usize) -> Option<Place> {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if addresses.get(&address).copied().unwrap_or_default() >= limit {
            return None;
        }
        *addresses.entry(address).or_default() += 1;
        Some(Place { addresses: self.addresses.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = addresses.get_mut(&self.address) {
            *held -= 1;
            if *held == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_held_per_address() {
        let (library, holds) = (Library::new(0, 9), Holds::new(Some(2)));
        let path = MediaPath::at_root("1.m4s");
        let enter = |last| holds.enter(&library, &path, Some(IpAddr::from([127, 0, 0, last])));
        let (first, _second, other) = (enter(1), enter(1), enter(2));
        assert!(first.is_some() && other.is_some());
        assert!(enter(1).is_none());
        drop((first, other));
        assert!(enter(1).is_some());
        assert_eq!(holds.addresses.lock().map(|held| held.len()).ok(), Some(1));
    }
}
