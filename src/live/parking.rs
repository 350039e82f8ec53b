//! Those who wait for one thing, kept under the same lock as that thing's state: no
//! wake-up is lost, and one that leaves frees its place.

/// Those who wait. Its size is bounded by the number that wait at one time.
#[derive(Debug)]
pub(super) struct Parking<W> {
    /// Changes with each wake-up: tickets of earlier ones are void.
    epoch: u64,
    places: Vec<Option<W>>,
    free: Vec<usize>,
}

/// A place taken in a [`Parking`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    epoch: u64,
    place: usize,
}

impl<W> Default for Parking<W> {
    fn default() -> Self {
        Self { epoch: 0, places: Vec::new(), free: Vec::new() }
    }
}

impl<W> Parking<W> {
    /// Takes a place, or keeps the one of a ticket that is still good.
    pub(super) fn park(&mut self, ticket: &mut Option<Ticket>, waiter: W) {
        if let Some(held) = ticket.filter(|ticket| ticket.epoch == self.epoch) {
            if let Some(place) = &mut self.places[held.place] {
                *place = waiter;
            }
            return;
        }
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        });
        self.places[place] = Some(waiter);
        *ticket = Some(Ticket { epoch: self.epoch, place });
    }

    /// Gives a place back.
    pub(super) fn leave(&mut self, ticket: Option<Ticket>) {
        if let Some(held) = ticket.filter(|ticket| ticket.epoch == self.epoch) {
            self.places[held.place] = None;
            self.free.push(held.place);
        }
    }

    /// Empties it, for those who come back at once. The caller wakes what it is given after
    /// letting go of the lock.
    pub(super) fn take_often(&mut self) -> Vec<Option<W>> {
        self.epoch += 1;
        self.free.clear();
        let capacity = self.places.len();
        std::mem::replace(&mut self.places, Vec::with_capacity(capacity))
    }

    /// Gives places to some of those that were taken out. Their tickets are void: a place of
    /// theirs is given back by the next who takes all.
    pub(super) fn put_back(&mut self, mut kept: Vec<Option<W>>) {
        if self.places.is_empty() {
            self.places = kept;
        } else {
            self.places.append(&mut kept);
        }
    }

    /// Empties it. The caller wakes what it is given after letting go of the lock.
    pub(super) fn take(&mut self) -> Vec<Option<W>> {
        self.epoch += 1;
        self.free = Vec::new();
        std::mem::take(&mut self.places)
    }
}
