//! Values counted by how large they are, of which one thread counts.

/// A histogram with bounds of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Upper bounds, inclusive.
    bounds: &'static [f64],
    /// Not cumulative; the last one has no bound.
    buckets: Vec<u64>,
    sum: f64,
}

impl Distribution {
    /// One without values. `bounds` grow.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, buckets: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    /// Counts a value.
    pub fn observe(&mut self, value: f64) {
        self.buckets[self.bounds.partition_point(|bound| *bound < value)] += 1;
        self.sum += value;
    }

    /// How many values.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// All of them together.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// For each bound the number of values that are not larger.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        self.bounds.iter().zip(&self.buckets).scan(0, |sum, (bound, count)| {
            *sum += count;
            Some((*bound, *sum))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_into_the_bucket_whose_bound_they_do_not_pass() {
        let mut distribution = Distribution::new(&[0.0, 1.0, 2.0]);
        [0.0, 0.5, 1.0, 1.5, 9.0].into_iter().for_each(|value| distribution.observe(value));
        let cumulative: Vec<_> = distribution.cumulative().collect();
        assert_eq!(cumulative, [(0.0, 1), (1.0, 3), (2.0, 4)]);
        assert_eq!((distribution.count(), distribution.sum()), (5, 12.0));
    }
}
