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

/// What is known of a request before its body is sent.
pub(super) struct Line {
    request: String,
    status: u16,
    held: String,
    since: Instant,
}

/// How a body ended.
#[derive(Clone, Copy)]
enum End {
    /// The client left before all was sent.
    Left,
    Done,
    Cut,
}

impl Logged {
    /// The line's first part; `None` when nobody reads the log.
    pub(super) fn line(
        request: &ServiceRequest,
        response: &HttpResponse,
        since: Instant,
    ) -> Option<Line> {
        if !log::log_enabled!(target: "lldash::access", log::Level::Info) {
            return None;
        }
        let address = request.peer_addr().map_or(String::new(), |peer| peer.to_string());
        let held = response.headers().get("server-timing").and_then(|value| value.to_str().ok());
        let held = held.and_then(|value| value.strip_prefix("wait;dur=")).unwrap_or("0");
        Some(Line {
            // The target is as the client sent it, still encoded: no control characters.
            request: format!("{address} {} {}", request.method(), request.uri()),
            status: response.status().as_u16(),
            held: held.to_owned(),
            since,
        })
    }

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
                this.bytes += bytes.len() as u64;
                if let (None, Some(line)) = (this.first_byte, &this.line) {
                    this.first_byte = Some(line.since.elapsed());
                }
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
        let Some(Line { request, status, held, since }) = self.line.take() else { return };
        let end = match self.end {
            End::Done => "done",
            End::Cut => "cut",
            End::Left => "left",
        };
        let millis = |duration: Duration| duration.as_secs_f64() * 1000.0;
        let all = since.elapsed();
        log::info!(
            target: "lldash::access",
            "{request} {status} {} bytes, held {held} ms, first byte {:.3} ms, {end} {:.3} ms",
            self.bytes,
            millis(self.first_byte.unwrap_or(all)),
            millis(all),
        );
    }
}
