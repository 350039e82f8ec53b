//! A task to be woken in tests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Wake,
};

/// Notes that it was woken.
#[derive(Default)]
pub(super) struct Task(AtomicBool);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Task {
    /// Whether it was woken since this was last asked.
    pub(super) fn is_woken(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}
