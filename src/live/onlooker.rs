//! Those who look on as files grow, beside the clients that follow them.

use super::path::MediaPath;
use std::fmt;

/// One who may want to see how files grow.
pub trait Onlooker: fmt::Debug + Send + Sync {
    /// A new generation of this path begins: who shall see it.
    fn begins(&self, path: &MediaPath) -> Option<Box<dyn Witness>>;
}

/// One who sees one file grow. Called by whoever writes it, after those who follow were woken:
/// it must not take long.
pub trait Witness: Send {
    /// The next bytes came.
    fn grown(&mut self, bytes: &[u8]);

    /// No more will come; unless it `is_whole`, some may be missing.
    fn ended(&mut self, is_whole: bool);
}
