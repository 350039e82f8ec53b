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
    lease::Came,
    plain::Started,
    receipt::Receipt,
    routes::Unanswered,
    sending::Sending,
    serve,
    viewing::{Asker, Viewing},
    wire::Wire,
};
use crate::{clock, folder::Answer};
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
    task::{Poll, ready},
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

/// What became of a request.
enum Outcome {
    Sent,
    /// The client has left.
    Left,
    /// The reply was cut, and the end of the connection says so.
    Cut,
    /// It is for actix, though it may have been held here.
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
        if takes_uploads {
            wire.take_uploads();
        }
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
        let mut is_first = true;
        while let Some(head) = self.next(stopped.as_mut(), is_first).await {
            is_first = false;
            match self.take_up(head, stopped.as_mut()).await {
                Outcome::Sent => {}
                // What it has pushed before it left is taken all the same.
                Outcome::Left if self.takes_uploads && self.wire.has_more() => self.wire.shut(),
                Outcome::Left | Outcome::Cut => return Ok(()),
                Outcome::Passed => match self.until_back(actix).await {
                    None => {}
                    Some(ended) => return ended,
                },
            }
            self.idle.begins();
        }
        self.wire.end();
        Ok(())
    }

    /// Answers what is for the desk, and lends all else.
    async fn take_up<F>(&self, head: Head, stopped: Stopped<'_, F>) -> Outcome
    where
        F: Future<Output = ()>,
    {
        let since = Instant::now();
        let (request, was_held) = match head {
            Head::Plain(length, get) => {
                let request = self.wire.take(length);
                match self.find(&get) {
                    None => (request, false),
                    Some(found) => match self.answer(&get, since, found, stopped).await {
                        Outcome::Passed => (request, true),
                        outcome => return outcome,
                    },
                }
            }
            Head::Other(length) => (self.wire.take(length), false),
            Head::Partial | Head::Unknown => {
                self.wire.give_up();
                return Outcome::Passed;
            }
        };
        self.wire.lend(request, Came { since, was_held });
        Outcome::Passed
    }

    /// The next head; `None` when the connection is over. A client whose first one does not come in
    /// time is told so (RFC 9110, section 15.5.9).
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
            ready!(idle.poll(cx));
            if is_first {
                // Who does not take it at once is not waited for.
                let _ = wire.stream().try_write(late().as_bytes());
            }
            Poll::Ready(None)
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
                Held::Left => return Outcome::Left,
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
        let given = async {
            loop {
                match hold.wait.given(Some(&recipient), |_| true).await {
                    None if !request.is_begun() => {}
                    file => return file,
                }
                // Something has changed there.
                match Box::pin(site.folder.look(get.path.clone(), true)).await {
                    Answer::Absent => {}
                    Answer::Live(file) => return Some(file),
                    Answer::Stored(_) | Answer::Folder | Answer::Denied => return None,
                }
            }
        };
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
        poll_fn(|cx| match Pin::new(&mut sending).poll_next(cx) {
            Poll::Ready(None) if sending.is_done() => Poll::Ready(Outcome::Sent),
            Poll::Ready(None) => Poll::Ready(Outcome::Left),
            // It has no last chunk, and is known by that.
            Poll::Ready(Some(_)) => Poll::Ready(Outcome::Cut),
            Poll::Pending => self.wire.poll_gone(cx).map(|()| Outcome::Left),
        })
        .await
    }

    /// Has actix answer; `None` when it has done so, else how it ended the connection.
    async fn until_back<S>(&self, actix: &S) -> Option<Result<(), S::Error>>
    where
        S: Service<(Paced, Option<SocketAddr>), Response = ()>,
    {
        let paced = Paced::new(Io::Plain(self.wire.clone()), self.takes_uploads);
        let mut session = Box::pin(actix.call((paced, self.peer)));
        poll_fn(|cx| match session.as_mut().poll(cx) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if self.wire.is_back() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }
}

/// What a client is told who does not say what it wants.
fn late() -> String {
    let date = httpdate::HttpDate::from(clock::now());
    format!(
        "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\ndate: {date}\r\n\r\n"
    )
}
