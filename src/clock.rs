//! The wall clock: the only file that may read it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The wall clock's time now.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// Time since the Unix epoch; zero for instants before it.
pub fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}
