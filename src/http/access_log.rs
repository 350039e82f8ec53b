//! One line for each request: status, bytes, time held, time to first byte, time in all.

use super::headers::SERVER_TIMING;
use actix_web::{
    HttpResponse,
    dev::ServiceRequest,
    http::{Method, StatusCode, Uri, header::HeaderValue},
};
use std::{
    fmt,
    net::SocketAddr,
    time::{Duration, Instant},
};

/// What is known of a request, put into words only when it is over. Dropped without a body, it
/// tells that the client left before it was answered.
pub(super) struct Line {
    address: Option<SocketAddr>,
    method: Method,
    /// As the client sent it, still encoded: no control characters.
    target: Uri,
    /// `None` before there is a response.
    status: Option<StatusCode>,
    held: Option<HeaderValue>,
    since: Instant,
    is_logged: bool,
}

/// How a body ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// The client left before all was sent.
    Left,
    Done,
    Cut,
}

impl Line {
    /// A request that has come; `None` when nobody reads the log.
    pub(super) fn new(request: &ServiceRequest, since: Instant) -> Option<Self> {
        if !log::log_enabled!(target: "lldash::access", log::Level::Info) {
            return None;
        }
        Some(Self {
            address: request.peer_addr(),
            method: request.method().clone(),
            target: request.uri().clone(),
            status: None,
            held: None,
            since,
            is_logged: false,
        })
    }

    /// It has a response.
    pub(super) fn answered(&mut self, response: &HttpResponse) {
        self.status = Some(response.status());
        self.held = response.headers().get(SERVER_TIMING).cloned();
    }

    /// The time since the request came.
    pub(super) fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    /// Writes the line: so much of the body has been sent.
    pub(super) fn log(&mut self, bytes: u64, first_byte: Option<Duration>, end: End) {
        self.is_logged = true;
        log::info!(
            target: "lldash::access",
            "{} {bytes} bytes, {}, first byte {}, {end} {} ms",
            Asked(self),
            Held(self),
            FirstByte(first_byte),
            Millis(self.since.elapsed()),
        );
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.is_logged {
            self.log(0, None, End::Left);
        }
    }
}

/// Who asked for what, and with which status it was answered.
struct Asked<'a>(&'a Line);

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line { address, method, target, status, .. } = self.0;
        if let Some(address) = address {
            fmt::Display::fmt(address, f)?;
        }
        write!(
            f,
            " {} {target} {}",
            method.as_str(),
            status.as_ref().map_or("-", StatusCode::as_str)
        )
    }
}

/// How long it was held.
struct Held<'a>(&'a Line);

impl fmt::Display for Held<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.0.held.as_ref().and_then(|value| value.to_str().ok());
        match said.and_then(|said| said.strip_prefix("wait;dur=")) {
            Some(millis) => write!(f, "held {millis} ms"),
            // Without an answer, it was held all the time.
            None if self.0.status.is_none() => write!(f, "held {} ms", Millis(self.0.elapsed())),
            None => f.write_str("held 0 ms"),
        }
    }
}

struct FirstByte(Option<Duration>);

impl fmt::Display for FirstByte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(after) => write!(f, "{} ms", Millis(after)),
            None => f.write_str("-"),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Cut => "cut",
            Self::Left => "left",
        })
    }
}

/// Milliseconds with three decimals; as integers, for floating point costs more than all else in
/// the line.
pub(super) struct Millis(pub(super) Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        write!(f, "{}.{:03}", micros / 1000, micros % 1000)
    }
}
