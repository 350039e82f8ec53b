//! Replies to plain GETs for media that is in memory: what is asked most, and what is answered with
//! the least work. Most of a head hangs on the file alone and is rendered once for it; head and
//! body leave in one batch.
//!
//! ```text
//! live::File ──its lines──▶ PlainGet ──Reply──▶ http::desk
//!                                    └────────▶ http::held, for a request that waits
//! ```

use super::{
    Site,
    batch::Batch,
    cors::Origins,
    head::PlainGet,
    headers::{SERVER_TIMING, waited},
    respond,
};
use crate::{
    clock,
    live::{File, Follower},
};
use actix_web::http::header::{HeaderMap, HeaderValue};
use bytes::Bytes;
use std::{
    io::Write,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

/// A reply to be written, and what comes after it.
pub(super) struct Reply {
    pub(super) batch: Batch,
    /// What the file grows by; `None`: the batch is all.
    pub(super) growth: Option<Follower>,
}

/// A reply on its way.
pub(super) struct Started {
    /// What is to be written of the beginning, and what comes after it.
    pub(super) left: Reply,
    /// What of the body was written already, in bytes, and when.
    pub(super) sent: Option<(usize, Instant)>,
}

impl PlainGet {
    /// The reply with what there is of a file. `None` if it grows and has no bytes, is empty,
    /// broke off, or does not begin in memory: others answer with that.
    pub(super) fn reply(
        &self,
        site: &Site,
        file: &Arc<File>,
        held: Option<Duration>,
    ) -> Option<Reply> {
        self.whole(site, file, held).or_else(|| self.beginning(site, file, held))
    }

    fn whole(&self, site: &Site, file: &Arc<File>, held: Option<Duration>) -> Option<Reply> {
        let whole = file.whole().filter(|whole| !whole.is_empty())?;
        let batch = self.batch(site, &[&lines(site, file)?], held, whole)?;
        Some(Reply { batch, growth: None })
    }

    fn beginning(&self, site: &Site, file: &Arc<File>, held: Option<Duration>) -> Option<Reply> {
        let first = file.beginning()?;
        let position = first.len() as u64;
        let head = rendered(respond::builder(site, file.path()).finish().headers());
        let framing = b"transfer-encoding: chunked\r\n";
        let mut batch = self.batch(site, &[&head, framing], held, first)?;
        batch.close_chunk(false);
        Some(Reply { batch, growth: Some(file.follow(position..u64::MAX)) })
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
