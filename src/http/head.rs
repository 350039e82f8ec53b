//! A request's head, as far as it decides who answers it (RFC 9112, sections 2 and 3).
//!
//! The desk answers what it understands to the last line; of everything else it is enough to know
//! where it ends, so that actix can be lent it.

use super::{
    headers::{content_type, is_text},
    routes, wait,
};
use crate::live::MediaPath;
use actix_web::http::{
    Uri,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use httparse::{Header, Request, Status};
use std::{mem::MaybeUninit, sync::Arc, time::Duration};

/// What a client has sent.
#[derive(Debug)]
pub(super) enum Head {
    /// A GET for media, whose reply hangs on the file alone; with the length of its head, in bytes.
    Plain(usize, Arc<PlainGet>),
    /// A request without a body, with the length of its head, in bytes.
    Other(usize),
    /// The beginning of a head.
    Partial,
    /// Something that has a body, or is not understood.
    Unknown,
}

/// A request whose reply hangs on the file, and on nothing else but this.
#[derive(Debug)]
pub(super) struct PlainGet {
    /// As the client sent it, still encoded.
    pub(super) target: Uri,
    pub(super) path: MediaPath,
    /// How long it asks to wait.
    pub(super) wait: Option<Duration>,
    /// Of the page that asks.
    pub(super) origin: Option<HeaderValue>,
    /// What else clients say that does not change the reply.
    pub(super) told: HeaderMap,
}

/// What a header does with a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// There must be one.
    Host,
    Origin,
    Wait,
    Connection,
    /// It decides on text only.
    Codings,
    /// Nothing, but some want to know it.
    Told,
    /// It decides on the reply.
    Asks,
    /// More than a head comes, or it is another protocol's.
    Leads,
}

/// All that are looked at anywhere when a file is asked for.
const KNOWN: [(&str, Meaning); 22] = [
    ("host", Meaning::Host),
    ("origin", Meaning::Origin),
    ("x-wait-timeout", Meaning::Wait),
    ("connection", Meaning::Connection),
    ("accept-encoding", Meaning::Codings),
    ("user-agent", Meaning::Told),
    ("cmcd-object", Meaning::Told),
    ("cmcd-request", Meaning::Told),
    ("cmcd-session", Meaning::Told),
    ("cmcd-status", Meaning::Told),
    ("prefer", Meaning::Asks),
    ("range", Meaning::Asks),
    ("if-match", Meaning::Asks),
    ("if-none-match", Meaning::Asks),
    ("if-modified-since", Meaning::Asks),
    ("if-unmodified-since", Meaning::Asks),
    ("if-range", Meaning::Asks),
    ("content-length", Meaning::Leads),
    ("transfer-encoding", Meaning::Leads),
    ("expect", Meaning::Leads),
    ("upgrade", Meaning::Leads),
    ("http2-settings", Meaning::Leads),
];

/// Heads with more lines are left to actix.
const MAX_LINES: usize = 32;

/// The same goes for longer ones, in bytes.
const MAX_BYTES: usize = 16 * 1024;

/// What the lines of a head come to.
#[derive(Default)]
struct Lines {
    hosts: usize,
    origin: Option<HeaderValue>,
    wait: Option<Duration>,
    takes_codings: bool,
    told: HeaderMap,
    /// Something decides on the reply that is not looked at here.
    is_asking: bool,
    is_leading: bool,
}

impl Head {
    /// Reads the head with which these bytes begin. `tells`: somebody wants to know what clients
    /// say of themselves.
    pub(super) fn parse(bytes: &[u8], tells: bool) -> Self {
        let mut lines = [const { MaybeUninit::uninit() }; MAX_LINES];
        let mut request = Request::new(&mut []);
        let length = match request.parse_with_uninit_headers(bytes, &mut lines) {
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) if bytes.len() < MAX_BYTES => return Self::Partial,
            _ => return Self::Unknown,
        };
        let lines = Lines::read(request.headers, tells);
        let is_read = matches!(request.method, Some("GET" | "HEAD" | "OPTIONS"));
        if lines.is_leading || !is_read || request.version != Some(1) {
            return Self::Unknown;
        }
        let target = request.path.filter(|_| request.method == Some("GET"));
        match target.and_then(|target| lines.plain(target)) {
            Some(get) => Self::Plain(length, Arc::new(get)),
            None => Self::Other(length),
        }
    }
}

impl Lines {
    fn read(headers: &[Header<'_>], tells: bool) -> Self {
        let mut lines = Self::default();
        for Header { name, value } in headers {
            let known = KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            let Some((name, meaning)) = known else { continue };
            match meaning {
                Meaning::Host => lines.hosts += 1,
                Meaning::Origin => lines.note_origin(value),
                Meaning::Wait => lines.note_wait(value),
                Meaning::Connection => lines.is_asking |= !value.eq_ignore_ascii_case(KEEP_ALIVE),
                Meaning::Codings => lines.takes_codings = true,
                Meaning::Told if tells => lines.tell(name, value),
                Meaning::Told => {}
                Meaning::Asks => lines.is_asking = true,
                Meaning::Leads => lines.is_leading = true,
            }
        }
        lines
    }

    fn note_origin(&mut self, value: &[u8]) {
        // The first one counts.
        let value = HeaderValue::from_bytes(value).ok();
        self.origin = self.origin.take().or(value);
    }

    /// One that is not understood, or comes twice, is refused where it is looked at again.
    fn note_wait(&mut self, value: &[u8]) {
        let wait = std::str::from_utf8(value).ok().and_then(wait::millis);
        self.is_asking |= self.wait.is_some() || wait.is_none();
        self.wait = wait;
    }

    fn tell(&mut self, name: &'static str, value: &[u8]) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            self.told.append(HeaderName::from_static(name), value);
        }
    }

    /// The request, if there is nothing more to it.
    fn plain(self, target: &str) -> Option<PlainGet> {
        if self.is_asking || self.hosts != 1 || !target.starts_with('/') {
            return None;
        }
        let target = Uri::try_from(target).ok()?;
        let path = routes::media(target.path())?;
        if self.takes_codings && is_text(&path, &content_type(&path)) {
            return None;
        }
        let wait = self.wait.or_else(|| wait::queried(target.query()?));
        Some(PlainGet { target, path, wait, origin: self.origin, told: self.told })
    }
}

/// The connection stays anyway (RFC 9112, section 9.3).
const KEEP_ALIVE: &[u8] = b"keep-alive";

#[cfg(test)]
#[path = "head_tests.rs"]
mod tests;
