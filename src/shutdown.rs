//! Stopping is a value that is passed in: one [`Trigger`], any number of [`Shutdown`]s.

use std::time::Instant;
use tokio::sync::watch;

/// Asks every [`Shutdown`] made with it to stop; dropping it asks too.
#[derive(Debug)]
pub struct Trigger(watch::Sender<bool>);

/// Learns that the program should stop. Clones learn of the same stop.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

/// A connected pair.
pub fn channel() -> (Trigger, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (Trigger(sender), Shutdown(receiver))
}

impl Trigger {
    /// Asks for the stop. Asking again changes nothing.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// Whether the stop has been asked for.
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Resolves when the stop is asked for. Cancel safe.
    pub async fn stopped(&mut self) {
        // An error means that the trigger is gone, which asks for the stop too.
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }

    /// Waits until `deadline`, or until the stop is asked for; true when it was asked for.
    /// Cancel safe.
    pub async fn stopped_by(&mut self, deadline: Instant) -> bool {
        tokio::time::timeout_at(deadline.into(), self.stopped()).await.is_ok()
    }
}
