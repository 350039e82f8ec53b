//! Connections on which nothing happens: how long they are kept.

use super::service::REQUEST_TIMEOUT;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};

/// When a connection has been idle for too long. Looked at now and then, not set anew each time.
pub(super) struct Idle {
    keep_alive: Duration,
    /// Nothing has been under way since then.
    since: Instant,
    limit: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl Idle {
    /// For a connection that was accepted.
    pub(super) fn new(keep_alive: Duration) -> Self {
        let (since, limit) = (Instant::now(), REQUEST_TIMEOUT);
        Self { keep_alive, since, limit, sleep: Box::pin(sleep_until(since + limit)) }
    }

    /// From now on nothing is under way.
    pub(super) fn begins(&mut self) {
        (self.since, self.limit) = (Instant::now(), self.keep_alive);
    }

    /// Resolves when nothing has been under way for too long.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.sleep.as_mut().poll(cx));
            let end = self.since + self.limit;
            if end <= Instant::now() {
                return Poll::Ready(());
            }
            self.sleep.as_mut().reset(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::time;

    #[tokio::test(start_paused = true)]
    async fn limits_idle_connections_are_kept_from_their_last_reply_on() {
        const SECOND: Duration = Duration::from_secs(1);
        let (mut idle, start) = (Idle::new(90 * SECOND), Instant::now());
        poll_fn(|cx| idle.poll(cx)).await;
        assert_eq!(start.elapsed(), REQUEST_TIMEOUT, "the first request");
        for round in 1..3 {
            time::advance(60 * SECOND).await;
            idle.begins();
            poll_fn(|cx| idle.poll(cx)).await;
            assert_eq!(start.elapsed(), REQUEST_TIMEOUT + round * 150 * SECOND);
        }
    }
}
