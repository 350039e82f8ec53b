//! What of a connection actix has been lent.

use std::time::Instant;

/// What is known of a request before actix sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Came {
    pub(super) since: Instant,
    /// It has waited since then.
    pub(super) was_held: bool,
}

/// What actix has been lent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lease {
    /// One request. What comes behind it is kept.
    Request {
        came: Came,
        /// actix may learn that its client has left.
        may_end: bool,
        /// Its response is over.
        is_over: bool,
        /// And has been written.
        is_written: bool,
    },
    /// All that comes.
    Connection,
}

impl Lease {
    /// Of a request.
    pub(super) fn of(came: Came) -> Self {
        Self::Request { came, may_end: false, is_over: false, is_written: false }
    }

    /// Whether it is one request only.
    pub(super) fn is_request(&self) -> bool {
        matches!(self, Self::Request { .. })
    }

    /// Nothing comes behind it. When more came before that, it has a chance to be answered first, as
    /// if its client were still there: then this is false, once.
    pub(super) fn ends(&mut self, has_more: bool) -> bool {
        match self {
            Self::Request { may_end, .. } => std::mem::replace(may_end, true) || !has_more,
            Self::Connection => true,
        }
    }

    /// The response is over: actix has nothing more to write of it than it has.
    pub(super) fn over(&mut self) {
        if let Self::Request { is_over, .. } = self {
            *is_over = true;
        }
    }

    /// actix has written all that it has.
    pub(super) fn flushed(&mut self) {
        if let Self::Request { is_over, is_written, .. } = self {
            *is_written = *is_over;
        }
    }

    /// Whether the request has been answered, and its answer written.
    pub(super) fn is_back(&self) -> bool {
        matches!(self, Self::Request { is_written: true, .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease() -> Lease {
        Lease::of(Came { since: Instant::now(), was_held: false })
    }

    #[test]
    fn finished_is_a_request_when_its_whole_answer_is_written() {
        let mut lease = lease();
        lease.flushed();
        assert!(!lease.is_back(), "its head, perhaps");
        lease.over();
        assert!(!lease.is_back(), "not all of it");
        lease.flushed();
        assert!(lease.is_back());
        let mut all = Lease::Connection;
        all.over();
        all.flushed();
        assert!(!all.is_back(), "that is for good");
    }

    #[test]
    fn finished_is_a_request_before_its_client_is_missed_who_sent_more() {
        let mut with_more = lease();
        assert_eq!([with_more.ends(true), with_more.ends(true)], [false, true]);
        assert!(lease().ends(false));
        assert!(Lease::Connection.ends(true));
    }
}
