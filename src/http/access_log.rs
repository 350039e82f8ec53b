//! One line for each request: status, bytes, time held, time to first byte, time in all.

use actix_web::{
    HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::ServiceRequest,
};
use bytes::Bytes;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

/// A body that is counted, and logged when it is done or dropped.
pub(super) struct Logged {
    inner: BoxBody,
    line: Option<Line>,
    end: End,
    bytes: u64,
    first_byte: Option<Duration>,
}

/// What is known of a request. Dropped without a body, it tells that the client left before it
/// was answered.
pub(super) struct Line {
    request: String,
    /// `-` before there is a response.
    status: String,
    held: String,
    since: Instant,
    is_logged: bool,
}

/// Where the log tells of each chunk that comes and goes.
pub(super) const CHUNKS: &str = "lldash::chunks";

/// How a body ended.
#[derive(Clone, Copy)]
enum End {
    /// The client left before all was sent.
    Left,
    Done,
    Cut,
}

impl Line {
    /// A request that has come; `None` when nobody reads the log.
    pub(super) fn new(request: &ServiceRequest, since: Instant) -> Option<Self> {
        let is_read = log::log_enabled!(target: "lldash::access", log::Level::Info)
            || log::log_enabled!(target: CHUNKS, log::Level::Debug);
        if !is_read {
            return None;
        }
        let address = request.peer_addr().map_or(String::new(), |peer| peer.to_string());
        // The target is as the client sent it, still encoded: no control characters.
        let request = format!("{address} {} {}", request.method(), request.uri());
        Some(Self {
            request,
            status: "-".to_owned(),
            held: "0".to_owned(),
            since,
            is_logged: false,
        })
    }

    /// It has a response.
    pub(super) fn answered(&mut self, response: &HttpResponse) {
        self.status = response.status().as_u16().to_string();
        let held = response.headers().get("server-timing").and_then(|value| value.to_str().ok());
        if let Some(held) = held.and_then(|value| value.strip_prefix("wait;dur=")) {
            held.clone_into(&mut self.held);
        }
    }

    /// A chunk leaves: what an encoder's chunk is followed to.
    fn sends(&self, offset: u64, bytes: usize) {
        if !log::log_enabled!(target: CHUNKS, log::Level::Debug) {
            return;
        }
        let millis = self.since.elapsed().as_secs_f64() * 1000.0;
        let mut parts = self.request.splitn(3, ' ');
        let (address, path) = (parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default());
        log::debug!(
            target: CHUNKS,
            "{path} sends {bytes} bytes at {offset} after {millis:.3} ms to {address}",
        );
    }

    fn log(&mut self, bytes: u64, first_byte: Option<Duration>, end: End) {
        self.is_logged = true;
        let millis = |duration: Duration| duration.as_secs_f64() * 1000.0;
        let all = millis(self.since.elapsed());
        let first_byte =
            first_byte.map_or("-".to_owned(), |first| format!("{:.3} ms", millis(first)));
        let end = match end {
            End::Done => "done",
            End::Cut => "cut",
            End::Left => "left",
        };
        log::info!(
            target: "lldash::access",
            "{} {} {bytes} bytes, held {} ms, first byte {first_byte}, {end} {all:.3} ms",
            self.request,
            self.status,
            self.held,
        );
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.is_logged {
            // It was held all the time.
            self.held = format!("{:.3}", self.since.elapsed().as_secs_f64() * 1000.0);
            self.log(0, None, End::Left);
        }
    }
}

impl Logged {
    pub(super) fn new(inner: BoxBody, line: Option<Line>) -> Self {
        let is_empty = matches!(inner.size(), BodySize::None | BodySize::Sized(0));
        let end = if is_empty { End::Done } else { End::Left };
        Self { inner, line, end, bytes: 0, first_byte: None }
    }
}

impl MessageBody for Logged {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.inner.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let next = ready!(Pin::new(&mut this.inner).poll_next(cx));
        match &next {
            Some(Ok(bytes)) => {
                if let Some(line) = &this.line {
                    this.first_byte.get_or_insert_with(|| line.since.elapsed());
                    line.sends(this.bytes, bytes.len());
                }
                this.bytes += bytes.len() as u64;
                if matches!(this.size(), BodySize::Sized(size) if size == this.bytes) {
                    this.end = End::Done;
                }
            }
            Some(Err(_)) => this.end = End::Cut,
            None => this.end = End::Done,
        }
        Poll::Ready(next)
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        if let Some(mut line) = self.line.take() {
            line.log(self.bytes, self.first_byte, self.end);
        }
    }
}
