//! Plain GETs for media that is in memory: what is asked most, and what is answered with the least
//! work. Most of a head hangs on the file alone and is rendered once for it; head and body leave
//! in one batch, and the head that actix writes is dropped.
//!
//! ```text
//! live::File ──its lines──▶ PlainGet ──Reply──▶ http::sending
//!                                    └────────▶ http::held, for a request that waits
//! ```

use super::{
    Site,
    batch::Batch,
    body,
    cors::Origins,
    headers::{SERVER_TIMING, content_type, is_text, waited},
    respond,
    wire::Outlet,
};
use crate::{
    clock,
    live::{File, Follower, MediaPath},
};
use actix_web::{
    HttpResponse,
    dev::ServiceRequest,
    http::{
        ConnectionType, Method, Version,
        header::{CONTENT_LENGTH, EXPECT, HeaderMap, HeaderValue, ORIGIN, TRANSFER_ENCODING},
    },
};
use bytes::Bytes;
use std::{
    io::Write,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

/// A request whose reply hangs on the file, and on nothing else but this.
#[derive(Debug, Clone)]
pub(super) struct PlainGet {
    origin: Option<HeaderValue>,
}

/// A reply to be written, and what comes after it.
pub(super) struct Reply {
    pub(super) batch: Batch,
    pub(super) rest: Remainder,
}

/// What of a file comes after a reply's batch.
pub(super) enum Remainder {
    /// Nothing: it has so many bytes.
    Nothing(u64),
    /// What it grows by.
    Growth(Follower),
}

/// A reply on its way, that actix does not know of.
pub(super) struct Started {
    /// What is to be written.
    pub(super) left: Batch,
    /// What of the body was written already, in bytes, and when.
    pub(super) sent: Option<(usize, Instant)>,
}

impl PlainGet {
    /// `None` if the reply hangs on more than the file: on conditions, on ranges, or on what the
    /// client or something between us can do.
    pub(super) fn of(
        site: &Site,
        http: &ServiceRequest,
        request: &respond::Request,
        path: &MediaPath,
    ) -> Option<Self> {
        let head = http.head();
        let is_plain = head.method == Method::GET
            && head.version == Version::HTTP_11
            && head.connection_type() == ConnectionType::KeepAlive
            && request.is_plain();
        let has_body = || {
            [CONTENT_LENGTH, TRANSFER_ENCODING, EXPECT]
                .iter()
                .any(|name| head.headers.contains_key(name))
        };
        let is_compressed = || request.takes_gzip && is_text(path, &content_type(path));
        // Else actix writes the head of an earlier reply together with the one that is dropped.
        let is_direct = || http.request().conn_data::<Outlet>().is_some_and(Outlet::is_free);
        let is_plain = is_plain
            && !path.is_manifest()
            && !has_body()
            && !is_compressed()
            && is_direct()
            // Then actix says that the connection closes.
            && !site.shutdown.is_stopped();
        is_plain.then(|| Self { origin: head.headers.get(ORIGIN).cloned() })
    }

    /// A reply with all bytes of a finished file; `None` if they are not in memory.
    pub(super) fn whole(
        &self,
        site: &Site,
        file: &Arc<File>,
        held: Option<Duration>,
    ) -> Option<Reply> {
        let (whole, lines) = (file.whole()?, lines(site, file)?);
        let length = whole.len() as u64;
        let batch = self.batch(site, &[&lines], held, whole)?;
        // An empty body has no other way than actix's.
        (length > 0).then_some(Reply { batch, rest: Remainder::Nothing(length) })
    }

    /// A reply with the bytes with which a growing file begins; `None` if it does not grow.
    pub(super) fn beginning(
        &self,
        site: &Site,
        file: &Arc<File>,
        held: Option<Duration>,
    ) -> Option<Reply> {
        let first = file.beginning()?;
        let position = first.len() as u64;
        let head = rendered(respond::builder(site, file.path()).finish().headers());
        let framing = b"transfer-encoding: chunked\r\n";
        let mut batch = self.batch(site, &[&head, framing], held, first)?;
        batch.close_chunk(false);
        Some(Reply { batch, rest: Remainder::Growth(file.follow(position..u64::MAX)) })
    }

    fn batch(
        &self,
        site: &Site,
        lines: &[&[u8]],
        held: Option<Duration>,
        bytes: Bytes,
    ) -> Option<Batch> {
        let mut head = Vec::with_capacity(640);
        head.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        lines.iter().for_each(|lines| head.extend_from_slice(lines));
        self.allow(&site.origins, &mut head);
        if let Some(held) = held {
            line(&mut head, SERVER_TIMING.as_str(), waited(held).as_bytes());
        }
        let date = httpdate::HttpDate::from(clock::now());
        write!(head, "date: {date}\r\n\r\n").ok()?;
        let mut batch = Batch::with_head(head);
        batch.push(bytes);
        Some(batch)
    }

    fn allow(&self, origins: &Origins, head: &mut Vec<u8>) {
        static ANY: LazyLock<Vec<u8>> = LazyLock::new(|| allowed(&Origins::Any, None));
        match origins {
            Origins::Any => head.extend_from_slice(&ANY),
            Origins::Listed(_) => head.extend(allowed(origins, self.origin.as_ref())),
        }
    }
}

impl Remainder {
    /// A reply that goes on where it was `started`. The response's own head tells the log how long
    /// the request was held, and is not sent.
    pub(super) fn into_response(self, started: Started, held: Option<Duration>) -> HttpResponse {
        let mut builder = HttpResponse::Ok();
        let mut response = match self {
            Self::Nothing(length) => builder.body(body::Sent(length)),
            Self::Growth(follower) => body::Following::new(follower, None).response(&mut builder),
        };
        if let Some(held) = held {
            response.headers_mut().insert(SERVER_TIMING, waited(held));
        }
        response.extensions_mut().insert(started);
        response
    }
}

/// The lines of a head that hang on a finished file alone.
fn lines(site: &Site, file: &Arc<File>) -> Option<Bytes> {
    let render = || {
        let (finished, now) = (file.finished()?, clock::now());
        let response = respond::whole(site, file, &finished)?;
        let mut lines = rendered(response.headers());
        let (_, length) = file.progress();
        write!(lines, "content-length: {length}\r\n").ok()?;
        // No time is told that is still to come: then the line changes.
        Some((Bytes::from(lines), finished.modified <= now))
    };
    file.noted(render)
}

fn allowed(origins: &Origins, origin: Option<&HeaderValue>) -> Vec<u8> {
    let mut headers = HeaderMap::new();
    origins.allow(origin, &mut headers);
    rendered(&headers)
}

/// Header lines (RFC 9112, section 5).
fn rendered(headers: &HeaderMap) -> Vec<u8> {
    let mut lines = Vec::with_capacity(512);
    headers.iter().for_each(|(name, value)| line(&mut lines, name.as_str(), value.as_bytes()));
    lines
}

fn line(lines: &mut Vec<u8>, name: &str, value: &[u8]) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        lines.extend_from_slice(part);
    }
}
