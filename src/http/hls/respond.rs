//! Playlists and parts become responses.

use super::VARY;
use crate::{
    hls::Bytes,
    http::{
        Site, body,
        conditional::{Conditions, Outcome},
        gzip,
        headers::{cache_control, content_type, max_age, value},
        viewing::Complete,
    },
    live::{File, Tag},
};
use actix_web::{
    HttpResponse,
    body::BoxBody,
    dev::ServiceRequest,
    http::{
        Method, StatusCode,
        header::{self, HeaderValue},
    },
};
use std::{ops::Range, sync::Arc, time::Duration};

const PLAYLIST: &str = "application/vnd.apple.mpegurl";

/// The multivariant playlist.
pub(super) fn main(http: &ServiceRequest, text: String) -> HttpResponse {
    let compress = gzip::is_accepted(http.headers()) && text.len() >= gzip::MIN_BYTES;
    let text = bytes::Bytes::from(text);
    let body = if compress { gzip::compress(&text) } else { text.clone() };
    send(http, &text, body, compress, None)
}

/// A media playlist. `caching`: it answers a blocking reload, and may be kept for so long.
pub(super) fn playlist(
    http: &ServiceRequest,
    text: &Bytes,
    caching: Option<Duration>,
) -> HttpResponse {
    let plain = text.plain();
    let compress = gzip::is_accepted(http.headers()) && plain.len() >= gzip::MIN_BYTES;
    let body = if compress { text.compressed(gzip::compress) } else { plain.clone() };
    send(http, &plain, body, compress, caching)
}

fn send(
    http: &ServiceRequest,
    plain: &[u8],
    body: bytes::Bytes,
    is_compressed: bool,
    caching: Option<Duration>,
) -> HttpResponse {
    let tag = Tag::of(plain);
    let tag = if is_compressed { gzip::tag(&tag) } else { tag };
    let mut response = HttpResponse::Ok();
    // What changes with each part may be kept for a second, as the specification permits.
    let unasked = HeaderValue::from_static("max-age=0, s-maxage=1");
    response
        .insert_header((header::CONTENT_TYPE, PLAYLIST))
        .insert_header((header::CACHE_CONTROL, caching.map_or(unasked, max_age)))
        .insert_header((header::ETAG, &*tag.0))
        .insert_header(VARY);
    if Conditions::parse(http.headers()).judge(Some(&tag), None) == Outcome::NotModified {
        return response.status(StatusCode::NOT_MODIFIED).body(BoxBody::new(()));
    }
    if is_compressed {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
    }
    match http.method() == Method::HEAD {
        true => response.body(body::Head(Some(body.len() as u64))),
        false => response.body(body),
    }
}

/// A part, all of which is there: its bytes are those of the file, in memory once for all clients.
pub(super) fn part(
    site: &Site,
    http: &ServiceRequest,
    file: &Arc<File>,
    range: Range<u64>,
) -> HttpResponse {
    let length = range.end - range.start;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, value(content_type(file.path()))))
        .insert_header((header::CACHE_CONTROL, cache_control(file.path(), &site.segment_caching)));
    if site.viewers.is_some() {
        response.extensions_mut().insert(Complete(file.complete()));
    }
    match http.method() == Method::HEAD {
        true => response.body(body::Head(Some(length))),
        false => response.body(body::Following::new(file.follow(range), Some(length))),
    }
}
