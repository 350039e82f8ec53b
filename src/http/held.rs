//! The short way of a file that is waited for: the thread that brings it writes the reply's head
//! and first bytes to the client's socket, and only then wakes the connection's task, which goes
//! on from there.
//!
//! ```text
//! live::Library ──give──▶ HeldReply ──writev──▶ socket
//!                            │ Begun: how far it has come, what the socket did not take
//!                            ▼
//!                        the task, woken: http::sending
//! ```
//!
//! It is decided once, under a lock, who answers: the thread that brings the file, or the task, whose
//! time is over.

use super::{
    Site,
    plain::{PlainGet, Reply, Rest, Started},
    wire::Outlet,
};
use crate::{
    live::{File, Recipient},
    metrics::Count,
};
use actix_web::{HttpResponse, dev::ServiceRequest, rt::net::TcpStream};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::{Duration, Instant},
};

/// The reply to a request that waits, as the thread that brings the file sees it.
pub(super) struct HeldReply {
    site: Arc<Site>,
    request: PlainGet,
    since: Instant,
    state: Mutex<State>,
}

struct State {
    /// The task sleeps, and is to be woken by this.
    sleeper: Option<Waker>,
    /// `None` once it is decided who answers.
    stream: Option<Arc<TcpStream>>,
    begun: Option<Begun>,
}

/// A reply that another thread has begun.
pub(super) struct Begun {
    held: Duration,
    started: Started,
    rest: Rest,
}

/// The task's side: when it is dropped, nobody begins the reply any more.
pub(super) struct Held(Arc<HeldReply>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.state().stream = None;
    }
}

impl Held {
    /// Who is to be given the file.
    pub(super) fn recipient(&self) -> Arc<dyn Recipient> {
        self.0.clone()
    }

    /// Whether the reply has been begun.
    pub(super) fn is_begun(&self) -> bool {
        self.0.state().begun.is_some()
    }

    /// The task goes its own way, unless the reply has been begun.
    pub(super) fn decide(self) -> Option<Begun> {
        let mut state = self.0.state();
        state.stream = None;
        state.begun.take()
    }
}

impl HeldReply {
    /// For a request that has waited since then; `None` while something is on its way to its client
    /// that was answered before.
    pub(super) fn new(
        site: &Arc<Site>,
        http: &ServiceRequest,
        request: PlainGet,
        since: Instant,
    ) -> Option<Held> {
        let outlet = http.request().conn_data::<Outlet>().filter(|outlet| outlet.is_free())?;
        let state = State { sleeper: None, stream: Some(outlet.stream()), begun: None };
        let (site, state) = (site.clone(), Mutex::new(state));
        Some(Held(Arc::new(Self { site, request, since, state })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete before anything could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what the socket takes; `None` if that is nothing, so that nothing is decided.
    fn begin(&self, stream: &TcpStream, file: &Arc<File>) -> Option<Begun> {
        let Self { site, request, since, .. } = self;
        let at = Instant::now();
        let held = at - *since;
        let whole = request.whole(site, file, Some(held));
        let Reply { mut batch, rest } =
            whole.or_else(|| request.beginning(site, file, Some(held)))?;
        let written = batch.rest(|slices| stream.try_write_vectored(slices)).ok()?;
        let sent = batch.wrote(written);
        site.metrics.add(Count::SentBytes, sent as u64);
        Some(Begun { held, started: Started { left: batch, sent: Some((sent, at)) }, rest })
    }
}

impl Recipient for HeldReply {
    fn sleep(&self, waker: &Waker) {
        self.state().sleeper = Some(waker.clone());
    }

    fn give(&self, file: &Arc<File>) {
        let mut state = self.state();
        let Some(stream) = state.stream.take() else { return };
        state.begun = self.begin(&stream, file);
    }

    fn wake(&self) {
        let sleeper = self.state().sleeper.take();
        sleeper.into_iter().for_each(Waker::wake);
    }
}

impl Begun {
    /// How long the request was held.
    pub(super) const fn held(&self) -> Duration {
        self.held
    }

    /// The rest of the reply.
    pub(super) fn into_response(self) -> HttpResponse {
        self.rest.into_response(self.started, Some(self.held))
    }
}
