//! One line for each request: status, bytes, time held, time to first byte, time in all.

use actix_web::{HttpResponse, dev::ServiceRequest};
use std::time::{Duration, Instant};

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

    /// The time since the request came.
    pub(super) fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    /// Writes the line: so much of the body has been sent.
    pub(super) fn log(&mut self, bytes: u64, first_byte: Option<Duration>, end: End) {
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
