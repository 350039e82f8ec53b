//! A connection of HTTP/1.1 in the clear: what is asked most is answered here, everything else by
//! actix.
//!
//! ```text
//! socket ──Head──▶ Desk ──plain GET──▶ in memory, or held until it is ──▶ Sending ──▶ socket
//!                    └──any other, lent──▶ actix, until it is answered
//!                    └──what has a body, or is not understood──▶ actix, for good
//! ```
//!
//! A plain GET that is answered with anything else than a file's bytes is lent too, so that there
//! is one place where it is decided what that is.

use super::{
    Site,
    access_log::{Line, Shown},
    connection::Io,
    head::{Head, PlainGet},
    held::HeldRequest,
    holds::Hold,
    idle::Idle,
    ingest::Paced,
    plain::Started,
    receipt::Receipt,
    routes::Unanswered,
    sending::Sending,
    serve,
    viewing::{Asker, Viewing},
    wire::{Came, Wire},
};
use actix_service::Service;
use actix_web::{
    body::MessageBody,
    http::{Method, StatusCode},
};
use std::{
    future::poll_fn,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};
use tokio::time::timeout_at;

/// One connection.
pub(super) struct Desk {
    site: Arc<Site>,
    wire: Wire,
    peer: Option<SocketAddr>,
    takes_uploads: bool,
    idle: Idle,
}

/// What a plain GET finds.
enum Found {
    /// A file that is in memory.
    Started(Started),
    /// Nothing yet, and whatever comes will be told.
    Hold(Hold),
}

/// What became of a plain GET.
enum Outcome {
    Sent,
    /// The connection is over: the client left, or the reply was cut.
    Over,
    /// It was held, and what it came to is not for the desk.
    Passed,
}

/// What a held request came to.
enum Held {
    Answered(Started, Duration),
    /// The client is gone.
    Left,
    /// It is not for the desk.
    Passed,
}

/// Resolves when the server stops.
type Stopped<'a, F> = Pin<&'a mut F>;

impl Desk {
    /// For a connection that was accepted. It is kept idle for so long; encoders may push on it or
    /// not.
    pub(super) fn new(
        site: Arc<Site>,
        wire: Wire,
        peer: Option<SocketAddr>,
        (keep_alive, takes_uploads): (Duration, bool),
    ) -> Self {
        Self { site, wire, peer, takes_uploads, idle: Idle::new(keep_alive) }
    }

    /// Serves it to its end.
    ///
    /// # Errors
    /// Those of actix.
    pub(super) async fn serve<S>(mut self, actix: &S) -> Result<(), S::Error>
    where
        S: Service<(Paced, Option<SocketAddr>), Response = ()>,
    {
        let mut shutdown = self.site.shutdown.clone();
        let mut stopped = pin!(shutdown.stopped());
        // It stays for as long as it is lent one request after the other.
        let mut session: Option<Pin<Box<S::Future>>> = None;
        let mut is_first = true;
        while let Some(head) = self.next(stopped.as_mut(), is_first).await {
            is_first = false;
            let since = Instant::now();
            let lent = match head {
                Head::Plain(length, get) => {
                    let request = self.wire.take(length);
                    match self.find(&get) {
                        None => Some((request, came(since, false))),
                        Some(found) => {
                            session = None;
                            match self.answer(&get, since, found, stopped.as_mut()).await {
                                Outcome::Sent => {
                                    self.idle.begins();
                                    continue;
                                }
                                Outcome::Over => return Ok(()),
                                Outcome::Passed => Some((request, came(since, true))),
                            }
                        }
                    }
                }
                Head::Other(length) => Some((self.wire.take(length), came(since, false))),
                Head::Partial | Head::Unknown => None,
            };
            match lent {
                Some((request, came)) => self.wire.lend(request, came),
                None => self.wire.give_up(),
            }
            if self.site.shutdown.is_stopped() {
                // It takes no more requests.
                session = None;
            }
            let session = session.get_or_insert_with(|| {
                let paced = Paced::new(Io::Plain(self.wire.clone()), self.takes_uploads);
                Box::pin(actix.call((paced, self.peer)))
            });
            if let Some(ended) = self.until_back(session.as_mut()).await {
                return ended;
            }
            self.idle.begins();
        }
        Ok(())
    }

    /// The next head; `None` when the connection is over. A first one that does not come in time
    /// is for actix, which says so; and one of which nothing has come has had its time.
    async fn next<F>(&mut self, mut stopped: Stopped<'_, F>, is_first: bool) -> Option<Head>
    where
        F: Future<Output = ()>,
    {
        let Self { site, wire, idle, .. } = self;
        let tells = site.viewers.is_some();
        poll_fn(|cx| {
            loop {
                match wire.peek(|bytes| Head::parse(bytes, tells)) {
                    None | Some(Head::Partial) => {}
                    Some(head) => return Poll::Ready(Some(head)),
                }
                match wire.poll_fill(cx) {
                    Poll::Ready(Ok(1..)) => {}
                    Poll::Ready(_) => return Poll::Ready(None),
                    Poll::Pending => break,
                }
            }
            if site.shutdown.is_stopped() || stopped.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            if is_first && wire.peek(|_| ()).is_none() {
                return Poll::Ready(Some(Head::Unknown));
            }
            idle.poll(cx).map(|()| is_first.then_some(Head::Unknown))
        })
        .await
    }

    /// What there is for a plain GET now; `None`: it is not for the desk, which waits only for what
    /// is known not to be there.
    fn find(&self, get: &PlainGet) -> Option<Found> {
        let Self { site, peer, .. } = self;
        let is_elsewhere = site.shutdown.is_stopped()
            || site.demand.is_switched(&get.path)
            || serve::is_scratch(site, &get.path);
        if is_elsewhere {
            return None;
        }
        if let Some(file) = site.library.current(&get.path) {
            let left = get.reply(site, &file, None)?;
            return Some(Found::Started(Started { left, sent: None }));
        }
        let is_zero = site.patience.wait(&get.path, get.wait).is_zero();
        if is_zero || site.folder.may_be_stored(&get.path) {
            return None;
        }
        let address = peer.map(|address| address.ip());
        let hold = site.holds.enter(&site.library, &get.path, address)?;
        let is_absent = hold.wait.is_known_absent() || site.folder.is_absent(&hold.wait);
        is_absent.then_some(Found::Hold(hold))
    }

    /// Answers with a file's bytes, now or when they are there.
    async fn answer<F>(
        &self,
        get: &Arc<PlainGet>,
        since: Instant,
        found: Found,
        stopped: Stopped<'_, F>,
    ) -> Outcome
    where
        F: Future<Output = ()>,
    {
        let Self { site, peer, .. } = self;
        let mut line = Line::new(*peer, &Method::GET, &get.target, since);
        let watching = site.demand.watch(get.path.as_str());
        let viewing = Viewing::of_file(site, &Asker::plain(*peer, get), &get.path, since);
        let unanswered = Unanswered(&site.metrics);
        let (started, held) = match found {
            Found::Started(started) => (started, None),
            Found::Hold(hold) => match self.hold(get, since, hold, stopped).await {
                Held::Answered(started, held) => (started, Some(held)),
                Held::Left => return Outcome::Over,
                Held::Passed => {
                    std::mem::forget(unanswered);
                    line.iter_mut().for_each(Line::passed_on);
                    return Outcome::Passed;
                }
            },
        };
        std::mem::forget(unanswered);
        site.metrics.request(Method::GET.as_str(), StatusCode::OK.as_u16());
        held.iter().for_each(|held| site.metrics.held(*held));
        line.iter_mut().for_each(|line| line.served(StatusCode::OK, held));
        let viewing = viewing.map(|viewing| viewing.served(site, held));
        let receipt = Receipt { site: site.clone(), since, line, viewing, _watching: watching };
        self.send(Sending::of(self.wire.outlet(), started, receipt)).await
    }

    /// Waits for a file.
    async fn hold<F>(
        &self,
        get: &Arc<PlainGet>,
        since: Instant,
        mut hold: Hold,
        stopped: Stopped<'_, F>,
    ) -> Held
    where
        F: Future<Output = ()>,
    {
        let Self { site, wire, .. } = self;
        log::debug!("{} is held", Shown(&get.target));
        let deadline = since + site.patience.wait(&get.path, get.wait);
        let request = HeldRequest::new(site, wire.stream(), get, since);
        let recipient = request.recipient();
        let given = hold.wait.given(Some(&recipient), |_| true);
        let file = tokio::select! {
            biased;
            file = timeout_at(deadline.into(), given) => file.ok().flatten(),
            () = stopped => None,
            () = poll_fn(|cx| wire.poll_gone(cx)) => return Held::Left,
        };
        if let Some(begun) = request.decide() {
            return Held::Answered(begun.started, begun.held);
        }
        let held = since.elapsed();
        let reply = file.and_then(|file| get.reply(site, &file, Some(held)));
        let started = reply.map(|left| Started { left, sent: None });
        started.map_or(Held::Passed, |started| Held::Answered(started, held))
    }

    /// Sends a reply to its end.
    async fn send(&self, mut sending: Sending) -> Outcome {
        let is_done = poll_fn(|cx| match Pin::new(&mut sending).poll_next(cx) {
            // One that was cut has no last chunk, and is known by that.
            Poll::Ready(_) => Poll::Ready(sending.is_done()),
            Poll::Pending => self.wire.poll_gone(cx).map(|()| false),
        });
        if is_done.await { Outcome::Sent } else { Outcome::Over }
    }

    /// Has actix answer; `None` when it has done so, else how it ended the connection.
    async fn until_back<F: Future>(&self, mut session: Pin<&mut F>) -> Option<F::Output> {
        poll_fn(|cx| match session.as_mut().poll(cx) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if self.wire.is_back() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }
}

fn came(since: Instant, was_held: bool) -> Came {
    Came { since, was_held }
}
