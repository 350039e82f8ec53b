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
//! Only replies to plain GETs go this way: those whose head hangs on the file alone. It is decided
//! once, under a lock, who answers: the thread that brings the file, or the task, whose time is over.

use super::{
    Site,
    access_log::Millis,
    batch::Batch,
    body::{Following, Sent},
    headers::{SERVER_TIMING, content_type, is_text},
    respond,
    wire::Outlet,
};
use crate::{
    clock,
    live::{File, MediaPath, Recipient},
    metrics::Count,
};
use actix_web::{
    HttpResponse,
    dev::ServiceRequest,
    http::{
        ConnectionType, Method, Version,
        header::{CONTENT_LENGTH, HeaderMap, HeaderValue, ORIGIN, TRANSFER_ENCODING},
    },
    rt::net::TcpStream,
};
use std::{
    io::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::{Duration, Instant},
};

/// The reply to a request that waits, as the thread that brings the file sees it.
pub(super) struct HeldReply {
    site: Arc<Site>,
    /// `Origin` alone.
    headers: HeaderMap,
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
    file: Arc<File>,
    /// So much of the file is sent, or left; in bytes.
    position: u64,
    is_chunked: bool,
    held: Duration,
    pub(super) rest: Started,
}

/// Where a reply stands that another thread has begun.
pub(super) struct Started {
    /// When its first bytes were written.
    pub(super) at: Instant,
    /// So much of the body has been written, in bytes.
    pub(super) sent: usize,
    /// What the socket did not take.
    pub(super) left: Batch,
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
    /// For a request for `path` that has waited since `since`; `None` if its reply hangs on more
    /// than the file, or may have to wait for another one's end.
    pub(super) fn new(
        site: &Arc<Site>,
        http: &ServiceRequest,
        path: &MediaPath,
        since: Instant,
    ) -> Option<Held> {
        let outlet = http.request().conn_data::<Outlet>().filter(|outlet| outlet.is_free())?;
        let head = http.head();
        let is_plain = head.method == Method::GET
            && head.version == Version::HTTP_11
            && head.connection_type() == ConnectionType::KeepAlive
            && ![CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| head.headers.contains_key(name));
        // Text may be compressed, and manifests are shown with what they lack.
        if !is_plain || path.is_manifest() || is_text(path, &content_type(path)) {
            return None;
        }
        let mut headers = HeaderMap::new();
        if let Some(origin) = head.headers.get(ORIGIN) {
            headers.insert(ORIGIN, origin.clone());
        }
        let state = State { sleeper: None, stream: Some(outlet.stream()), begun: None };
        let (site, state) = (site.clone(), Mutex::new(state));
        Some(Held(Arc::new(Self { site, headers, since, state })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete before anything could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what the socket takes; `None` if that is nothing, so that nothing is decided.
    fn begin(&self, stream: &TcpStream, file: &Arc<File>) -> Option<Begun> {
        let (mut response, first, is_chunked) = respond::plain(&self.site, file)?;
        let at = Instant::now();
        let held = at - self.since;
        let headers = response.headers_mut();
        headers.insert(SERVER_TIMING, waited(held));
        self.site.origins.allow(&self.headers, headers);
        let position = first.len() as u64;
        let length = (!is_chunked).then_some(first.len());
        let mut left = Batch::with_head(head(headers, length));
        left.push(first);
        if is_chunked {
            left.close_chunk(false);
        }
        let written = left.rest(|slices| stream.try_write_vectored(slices)).ok()?;
        let sent = left.wrote(written);
        self.site.metrics.add(Count::SentBytes, sent as u64);
        let rest = Started { at, sent, left };
        Some(Begun { file: file.clone(), position, is_chunked, held, rest })
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

    /// The rest of the reply. Its head says what the log and the counters are to know; to the
    /// client it has been sent.
    pub(super) fn into_response(self) -> HttpResponse {
        let mut builder = HttpResponse::Ok();
        let mut response = if self.is_chunked {
            let body = Following::new(self.file.follow(self.position..u64::MAX), None);
            let junction = body.junction();
            let mut response = builder.body(body);
            response.extensions_mut().insert(junction);
            response
        } else {
            builder.body(Sent(self.position))
        };
        response.headers_mut().insert(SERVER_TIMING, waited(self.held));
        response.extensions_mut().insert(self.rest);
        response
    }
}

/// How long a request was held, as its response says it.
pub(super) fn waited(held: Duration) -> HeaderValue {
    let text = format!("wait;dur={}", Millis(held));
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("wait"))
}

/// A head with these headers (RFC 9112, section 2.1), of a body of so many bytes, or of one in
/// chunks.
fn head(headers: &HeaderMap, length: Option<usize>) -> Vec<u8> {
    let mut head = Vec::with_capacity(640);
    head.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    for (name, value) in headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    let date = httpdate::fmt_http_date(clock::now());
    // Nothing fails that is written into memory.
    let _ = match length {
        Some(length) => write!(head, "content-length: {length}\r\ndate: {date}\r\n\r\n"),
        None => write!(head, "transfer-encoding: chunked\r\ndate: {date}\r\n\r\n"),
    };
    head
}
