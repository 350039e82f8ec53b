//! Counters that cost nothing to speak of, and Prometheus' text for them.
//!
//! A request counts into the stripe of its thread: relaxed additions to memory that no other
//! thread writes meanwhile, no lock, no allocation. Whoever asks adds the stripes up. The crates
//! for this share each counter among all threads, or lock their histograms, and the best kept one
//! writes OpenMetrics only.

mod distribution;
mod histogram;
mod process;
mod text;

pub use distribution::Distribution;
pub use histogram::{BOUNDS, Histogram, Snapshot};
pub use process::{Process, process};
pub use text::{Kind, Text};

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

/// So many threads count without sharing memory; beyond it they share.
const STRIPES: usize = 16;

/// All that is counted, since the start.
#[derive(Debug, Default)]
pub struct Metrics {
    stripes: [Stripe; STRIPES],
    /// Connections that are open.
    open: AtomicUsize,
}

/// What one thread counts. Two cache lines apart: processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe {
    requests: [Codes; METHODS.len() + 1],
    counts: [AtomicU64; Count::ALL.len()],
    held: Histogram,
    first_byte: Histogram,
}

type Codes = [AtomicU64; CODES.len() + 1];

/// The methods that have counters of their own; all others share one.
pub const METHODS: [&str; 6] = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "DELETE"];

/// The statuses that have counters of their own; all others share one.
pub const CODES: [u16; 22] = [
    200, 201, 204, 206, 304, 308, 400, 401, 403, 404, 405, 408, 409, 412, 413, 415, 416, 417, 500,
    501, 503, 507,
];

/// What else is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Bytes of bodies that were sent.
    SentBytes,
    /// Bytes of bodies that encoders sent.
    ReceivedBytes,
    /// Held requests whose time was up.
    TimedOut,
    /// Replies that were cut, since their file broke off.
    Cut,
    /// Replies that their client left before all was sent.
    Left,
    /// Connections that were accepted.
    Accepted,
    /// Uploads of new files.
    Created,
    /// Uploads that replaced a file.
    Replaced,
    /// Uploads that a newer one, or a removal, put an end to.
    Superseded,
    /// Uploads that broke off, or fell silent.
    BrokenOff,
    /// Uploads that were refused, by us or by the disk.
    Refused,
}

impl Count {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::SentBytes,
        Self::ReceivedBytes,
        Self::TimedOut,
        Self::Cut,
        Self::Left,
        Self::Accepted,
        Self::Created,
        Self::Replaced,
        Self::Superseded,
        Self::BrokenOff,
        Self::Refused,
    ];
}

/// A connection that is open. Dropping it closes it.
#[derive(Debug)]
pub struct Open(Arc<Metrics>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
    }
}

/// Requests of one method that got one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requests {
    /// One of [`METHODS`], or `other`.
    pub method: &'static str,
    /// One of [`CODES`]; `None` for another.
    pub code: Option<u16>,
    /// How many.
    pub count: u64,
}

impl Metrics {
    /// Counts a request that is answered.
    pub fn request(&self, method: &str, code: u16) {
        let method = METHODS.iter().position(|known| *known == method).unwrap_or(METHODS.len());
        let code = CODES.iter().position(|known| *known == code).unwrap_or(CODES.len());
        self.stripe().requests[method][code].fetch_add(1, Relaxed);
    }

    /// Counts anything else.
    pub fn add(&self, count: Count, more: u64) {
        self.stripe().counts[count as usize].fetch_add(more, Relaxed);
    }

    /// A request was held so long.
    pub fn held(&self, time: Duration) {
        self.stripe().held.observe(time);
    }

    /// The first byte of a body left so long after its request came.
    pub fn first_byte(&self, time: Duration) {
        self.stripe().first_byte.observe(time);
    }

    /// A connection was accepted.
    pub fn connected(self: &Arc<Self>) -> Open {
        self.add(Count::Accepted, 1);
        self.open.fetch_add(1, Relaxed);
        Open(self.clone())
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.open.load(Relaxed)
    }

    /// A count of all threads.
    pub fn total(&self, count: Count) -> u64 {
        self.stripes.iter().map(|stripe| stripe.counts[count as usize].load(Relaxed)).sum()
    }

    /// All requests that are answered.
    pub fn total_requests(&self) -> u64 {
        self.requests().iter().map(|requests| requests.count).sum()
    }

    /// The requests by method and status, without those that never came.
    pub fn requests(&self) -> Vec<Requests> {
        let mut all = Vec::new();
        for at in 0..=METHODS.len() {
            for code in 0..=CODES.len() {
                let counts = self.stripes.iter().map(|it| it.requests[at][code].load(Relaxed));
                let method = METHODS.get(at).copied().unwrap_or("other");
                let code = CODES.get(code).copied();
                all.push(Requests { method, code, count: counts.sum() });
            }
        }
        all.retain(|requests| requests.count > 0);
        all
    }

    /// How long requests were held.
    pub fn hold_times(&self) -> Snapshot {
        Snapshot::of(self.stripes.iter().map(|stripe| &stripe.held))
    }

    /// How long first bytes took.
    pub fn first_byte_times(&self) -> Snapshot {
        Snapshot::of(self.stripes.iter().map(|stripe| &stripe.first_byte))
    }

    fn stripe(&self) -> &Stripe {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local!(static MINE: Cell<usize> = const { Cell::new(usize::MAX) });
        let mine = MINE.with(|mine| {
            if mine.get() == usize::MAX {
                mine.set(NEXT.fetch_add(1, Relaxed) % STRIPES);
            }
            mine.get()
        });
        &self.stripes[mine]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_count_adds_up() {
        let metrics = Metrics::default();
        std::thread::scope(|scope| {
            for _ in 0..40 {
                scope.spawn(|| {
                    metrics.request("GET", 200);
                    metrics.request("BREW", 418);
                    metrics.add(Count::SentBytes, 10);
                    metrics.held(Duration::from_millis(3));
                });
            }
        });
        let of = |method, code, count| Requests { method, code, count };
        assert_eq!(metrics.requests(), [of("GET", Some(200), 40), of("other", None, 40)]);
        assert_eq!((metrics.total(Count::SentBytes), metrics.total_requests()), (400, 80));
        assert_eq!(metrics.hold_times().count(), 40);
        assert_eq!(metrics.first_byte_times().count(), 0);
    }

    #[test]
    fn each_count_has_a_place_of_its_own() {
        for (at, count) in Count::ALL.into_iter().enumerate() {
            assert_eq!(count as usize, at);
        }
    }

    #[test]
    fn connections_are_open_until_they_are_dropped() {
        let metrics = Arc::new(Metrics::default());
        let (one, two) = (metrics.connected(), metrics.connected());
        drop(one);
        assert_eq!((metrics.connections(), metrics.total(Count::Accepted)), (1, 2));
        drop(two);
        assert_eq!(metrics.connections(), 0);
    }
}
