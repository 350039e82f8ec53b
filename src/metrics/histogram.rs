//! Times counted by how long they are.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// The buckets' upper bounds, inclusive: from what memory takes to what a request may wait.
pub const BOUNDS: [Duration; 16] = [
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2500),
    Duration::from_secs(10),
];

/// Times of one thread.
#[derive(Debug, Default)]
pub struct Histogram {
    /// Not cumulative; the last one has no bound.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    sum_micros: AtomicU64,
}

impl Histogram {
    /// Counts a time.
    pub fn observe(&self, time: Duration) {
        let bucket = BOUNDS.partition_point(|bound| *bound < time);
        self.buckets[bucket].fetch_add(1, Relaxed);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.sum_micros.fetch_add(micros, Relaxed);
    }
}

/// The times of all threads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    buckets: [u64; BOUNDS.len() + 1],
    sum: Duration,
}

impl Snapshot {
    /// Adds up.
    pub fn of<'a>(all: impl Iterator<Item = &'a Histogram>) -> Self {
        let mut snapshot = Self::default();
        for one in all {
            for (sum, bucket) in snapshot.buckets.iter_mut().zip(&one.buckets) {
                *sum += bucket.load(Relaxed);
            }
            snapshot.sum += Duration::from_micros(one.sum_micros.load(Relaxed));
        }
        snapshot
    }

    /// How many times.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// All times together.
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// For each bound the number of times that are not longer.
    pub fn cumulative(&self) -> impl Iterator<Item = (Duration, u64)> {
        BOUNDS.into_iter().zip(&self.buckets).scan(0, |sum, (bound, count)| {
            *sum += count;
            Some((bound, *sum))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_fall_into_the_bucket_whose_bound_they_do_not_pass() {
        let histogram = Histogram::default();
        for micros in [0, 50, 51, 10_000_000, 10_000_001] {
            histogram.observe(Duration::from_micros(micros));
        }
        let snapshot = Snapshot::of([&histogram].into_iter());
        let cumulative: Vec<u64> = snapshot.cumulative().map(|(_, count)| count).collect();
        assert_eq!((cumulative[0], cumulative[1], cumulative[15]), (2, 3, 4));
        assert_eq!((snapshot.count(), snapshot.sum()), (5, Duration::from_micros(20_000_102)));
    }

    #[test]
    fn bounds_grow() {
        assert!(BOUNDS.is_sorted_by(|a, b| a < b));
    }
}
