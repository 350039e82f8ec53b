//! The one table from what went wrong to a status.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use std::{borrow::Cow, time::Duration};

/// Why a request is not answered with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The request makes no sense; the text says why.
    Malformed(Cow<'static, str>),
    /// There is nothing to be served.
    Absent,
    /// It did not appear while the request waited.
    TimedOut(Duration),
    /// It is there, and the system does not let it be read.
    Denied,
    /// The folder is served for reading.
    ReadOnly,
    /// A precondition does not hold.
    Precondition,
    /// No byte of the range is there; the file's length in bytes.
    Range(u64),
    /// It was written again before its bytes were read.
    Changed,
    /// Too many requests wait.
    TooManyHeld,
    /// The disk does not answer.
    Busy,
    /// The program stops.
    Stopping,
    /// The file broke off before a client of HTTP/1.0 could be given all of it.
    BrokenOff,
}

impl Failure {
    pub(super) fn malformed(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Malformed(reason.into())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Absent | Self::TimedOut(_) => StatusCode::NOT_FOUND,
            Self::Denied => StatusCode::FORBIDDEN,
            Self::ReadOnly => StatusCode::METHOD_NOT_ALLOWED,
            Self::Precondition => StatusCode::PRECONDITION_FAILED,
            Self::Range(_) => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Changed | Self::TooManyHeld | Self::Busy | Self::Stopping | Self::BrokenOff => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    fn text(&self) -> Cow<'static, str> {
        match self {
            Self::Malformed(reason) => reason.clone(),
            Self::Absent => "nothing is served at this path".into(),
            Self::TimedOut(waited) => format!("it did not appear within {waited:?}").into(),
            Self::Denied => "the server may not read it; see its permissions".into(),
            Self::ReadOnly => "this server is read-only".into(),
            Self::Precondition => "a precondition of the request does not hold".into(),
            Self::Range(length) => format!("the file has {length} bytes").into(),
            Self::Changed => "the file is being written again and again; try again".into(),
            Self::TooManyHeld => "too many requests wait already; try again".into(),
            Self::Busy => "the disk does not answer; try again".into(),
            Self::Stopping => "the server is being stopped".into(),
            Self::BrokenOff => "the file broke off while it was written".into(),
        }
    }

    /// The response: one line of text, never cached (so that what appears later is seen).
    pub(super) fn response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status());
        response.insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"));
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        match self {
            Self::ReadOnly => response.insert_header((header::ALLOW, super::cors::METHODS)),
            Self::TooManyHeld | Self::Busy => response.insert_header((header::RETRY_AFTER, "1")),
            Self::Range(length) => {
                response.insert_header((header::CONTENT_RANGE, format!("bytes */{length}")))
            }
            _ => &mut response,
        };
        response.body(format!("{}\n", self.text()))
    }
}
