//! How a stream is doing, and when a failed one is tried again.

use super::{switching::Standing, workspace::MANIFEST};
use std::time::{Duration, Instant};

/// How a stream is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nobody watches; nothing runs.
    Idle,
    /// The encoder runs, and has no manifest yet.
    Starting,
    /// There is something to be watched.
    Live,
    /// The encoder has failed.
    Failed {
        /// When it is started again.
        next_try: Instant,
    },
}

impl State {
    /// All names of states.
    pub const NAMES: [&str; 4] = ["idle", "starting", "live", "failed"];

    /// Its name.
    pub fn name(&self) -> &'static str {
        Self::NAMES[match self {
            Self::Idle => 0,
            Self::Starting => 1,
            Self::Live => 2,
            Self::Failed { .. } => 3,
        }]
    }

    /// When it is started again, if it has failed.
    pub fn next_try(&self) -> Option<Instant> {
        match self {
            Self::Failed { next_try } => Some(*next_try),
            _ => None,
        }
    }
}

/// What is told of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Shown to people.
    pub name: String,
    /// Its folder.
    pub key: String,
    /// Where its picture comes from.
    pub source: &'static str,
    /// How it is doing.
    pub state: State,
    /// Requests and replies that are under way.
    pub watching: usize,
    /// How often its encoder was started.
    pub starts: u64,
    /// How often it failed.
    pub failures: u64,
    /// Why it failed last, in one line without credentials, until it is live again.
    pub failure: Option<String>,
    /// Its qualities, where the server switches them.
    pub switching: Option<Standing>,
}

impl Status {
    /// The path of its manifest.
    pub fn manifest(&self) -> String {
        format!("{}/{MANIFEST}", self.key)
    }
}

/// One that has run for so long has recovered from what was before.
pub(super) const RECOVERED: Duration = Duration::from_secs(10);

/// How long to wait after so many failures in a row.
pub(super) fn backoff(failures: u32) -> Duration {
    const FIRST: Duration = Duration::from_millis(250);
    const MOST: Duration = Duration::from_secs(30);
    let doublings = failures.saturating_sub(1).min(16);
    FIRST.saturating_mul(1 << doublings).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_that_fail_again_and_again_are_tried_less_and_less_often() {
        let millis: Vec<u128> = (1..=9).map(|failures| backoff(failures).as_millis()).collect();
        assert_eq!(millis, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert_eq!(backoff(u32::MAX), Duration::from_secs(30));
    }
}
