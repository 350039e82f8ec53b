//! The one table from what went wrong to a status.

use crate::folder::WriteError;
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
    /// There is no HLS for an MPD; the text says why.
    NoHls(String),
    /// The quality of the stream that is named is not for the server to choose: why not.
    Unswitched(String),
    /// Too many other presentations are being watched.
    TooManyHls,
    /// A playlist was waited for as long as may be, and did not change.
    Blocked,
    /// It did not appear while the request waited.
    TimedOut(Duration),
    /// It is there, and the system does not let it be read.
    Denied,
    /// The folder is served for reading.
    ReadOnly,
    /// Writes have an address of their own.
    Elsewhere,
    /// A method that is not one of these.
    Method(&'static str),
    /// A write without the credential that it needs.
    Unauthorized,
    /// A write with a wrong credential.
    Wrong,
    /// A write of a web page, where no credential keeps pages out.
    Page,
    /// A folder stands where a file should be written, or the path is one of a folder.
    Folder,
    /// A file stands where the path of what should be written has a folder.
    FileAbove,
    /// What was being written was removed meanwhile.
    Removed,
    /// The disk does not permit the write.
    WriteDenied,
    /// The disk is full.
    Full,
    /// The disk did not take it.
    WriteFailed,
    /// The body is larger than may be uploaded, in bytes.
    TooLarge(u64),
    /// The body is compressed, and would be served as if it were not.
    Encoded,
    /// The body ended in the middle.
    Truncated,
    /// The body stopped in the middle.
    Stalled,
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
    /// The folder is watched no longer.
    Unwatched,
    /// The program stops.
    Stopping,
    /// The file broke off before a client of HTTP/1.0 could be given all of it.
    BrokenOff,
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Folder => Self::Folder,
            WriteError::FileAbove => Self::FileAbove,
            WriteError::Denied => Self::WriteDenied,
            WriteError::Full => Self::Full,
            WriteError::Outside => Self::Absent,
            WriteError::Failed => Self::WriteFailed,
        }
    }
}

impl Failure {
    pub(super) fn malformed(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Malformed(reason.into())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Absent | Self::NoHls(_) | Self::Unswitched(_) | Self::TimedOut(_) => {
                StatusCode::NOT_FOUND
            }
            Self::Denied | Self::Page | Self::WriteDenied => StatusCode::FORBIDDEN,
            Self::Unauthorized | Self::Wrong => StatusCode::UNAUTHORIZED,
            Self::Folder | Self::FileAbove | Self::Removed => StatusCode::CONFLICT,
            Self::Full => StatusCode::INSUFFICIENT_STORAGE,
            Self::WriteFailed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Truncated => StatusCode::BAD_REQUEST,
            Self::Stalled => StatusCode::REQUEST_TIMEOUT,
            Self::ReadOnly | Self::Elsewhere | Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Precondition => StatusCode::PRECONDITION_FAILED,
            Self::Range(_) => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Changed
            | Self::TooManyHeld
            | Self::TooManyHls
            | Self::Busy
            | Self::Unwatched
            | Self::Blocked
            | Self::Stopping
            | Self::BrokenOff => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn text(&self) -> Cow<'static, str> {
        match self {
            Self::Malformed(reason) => reason.clone(),
            Self::Absent => "nothing is served at this path".into(),
            Self::NoHls(reason) => format!("there is no HLS for this MPD: {reason}").into(),
            Self::Unswitched(reason) => reason.clone().into(),
            Self::TooManyHls => "too many other streams are watched as HLS; try again".into(),
            Self::Blocked => "nothing new came in time".into(),
            Self::TimedOut(waited) => format!("it did not appear within {waited:?}").into(),
            Self::Denied => "the server may not read it; see its permissions".into(),
            Self::ReadOnly => "nothing may be written here; see --ingest".into(),
            Self::Elsewhere => {
                "nothing may be written here: uploads have an address of their own".into()
            }
            Self::Method(known) => format!("this method is not known here, only {known}").into(),
            Self::Unauthorized => "uploads need a token, or a user and a password".into(),
            Self::Wrong => "the token, or the user and the password, is wrong".into(),
            Self::Page => "web pages may not write here without a token".into(),
            Self::Folder => "the path is a folder's; name a file in it".into(),
            Self::FileAbove => "a file stands where the path has a folder".into(),
            Self::Removed => "it was deleted while it was uploaded".into(),
            Self::WriteDenied => "the server may not write there; see the permissions".into(),
            Self::Full => "the disk is full".into(),
            Self::WriteFailed => "the disk did not take it; the server's log tells why".into(),
            Self::TooLarge(limit) => format!("no more than {limit} bytes are taken").into(),
            Self::Encoded => "compressed bodies are not taken".into(),
            Self::Truncated => "the body broke off".into(),
            Self::Stalled => "the body stopped in the middle for too long".into(),
            Self::Precondition => "a precondition of the request does not hold".into(),
            Self::Range(length) => format!("the file has {length} bytes").into(),
            Self::Changed => "the file is being written again and again; try again".into(),
            Self::TooManyHeld => "too many requests wait already; try again".into(),
            Self::Busy => "the disk does not answer; try again".into(),
            Self::Unwatched => "the folder is not watched any more; see the server's log".into(),
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
            Self::ReadOnly | Self::Elsewhere => {
                response.insert_header((header::ALLOW, super::cors::METHODS))
            }
            Self::Method(known) => response.insert_header((header::ALLOW, *known)),
            Self::Unauthorized | Self::Wrong => {
                // A line each, as RFC 9110, section 11.6.1 permits: ffmpeg reads but the first
                // scheme of a line.
                response
                    .append_header((header::WWW_AUTHENTICATE, "Basic realm=\"uploads\""))
                    .append_header((header::WWW_AUTHENTICATE, "Bearer realm=\"uploads\""))
            }
            Self::TooManyHeld | Self::TooManyHls | Self::Busy | Self::Blocked => {
                response.insert_header((header::RETRY_AFTER, "1"))
            }
            Self::Range(length) => {
                response.insert_header((header::CONTENT_RANGE, format!("bytes */{length}")))
            }
            _ => &mut response,
        };
        response.body(format!("{}\n", self.text()))
    }
}
