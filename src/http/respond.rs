//! A file becomes a response.

#[cfg(target_os = "linux")]
use super::disk::Blocks;
use super::{
    Site, body,
    conditional::{Conditions, Outcome},
    failure::Failure,
    gzip,
    headers::{cache_control, content_type, is_text, value},
    range::{Asked, Part},
};
use crate::{
    clock,
    folder::StoredFile,
    live::{self, Finished, MediaPath, Phase, Tag},
};
use actix_files::NamedFile;
use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    body::{BodySize, BoxBody, MessageBody},
    dev::ServiceRequest,
    http::{
        Method, StatusCode, Version,
        header::{self, HeaderMap, HeaderValue},
    },
};
use bytes::Bytes;
use std::{sync::Arc, time::SystemTime};

/// What of a request decides on the response.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) conditions: Conditions,
    range: Option<Asked>,
    is_head: bool,
    /// It cannot tell a cut from an end.
    is_http_10: bool,
    pub(super) takes_gzip: bool,
}

impl Request {
    pub(super) fn parse(request: &HttpRequest) -> Self {
        let headers = request.headers();
        let is_head = request.method() == Method::HEAD;
        let range = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
        Self {
            conditions: Conditions::parse(headers),
            // Only GET has ranges (RFC 9110, section 14.2).
            range: range.filter(|_| !is_head).and_then(Asked::parse),
            is_head,
            is_http_10: request.version() < Version::HTTP_11,
            takes_gzip: gzip::is_accepted(headers),
        }
    }
}

/// Answers with a file that the library has.
pub(super) async fn live(
    site: &Site,
    request: &Request,
    file: Arc<live::File>,
) -> Result<HttpResponse, Failure> {
    if let Some(finished) = file.finished() {
        return finished_live(site, request, &file, &finished);
    }
    match request.conditions.judge(None, None) {
        Outcome::Failed => return Err(Failure::Precondition),
        Outcome::NotModified => return Ok(not_modified(&mut builder(site, file.path()))),
        Outcome::Proceed { .. } => {}
    }
    if request.is_http_10 {
        return when_finished(site, request, &file).await;
    }
    if request.is_head {
        return Ok(builder(site, file.path()).body(body::Head(None)));
    }
    growing(site, request, file).await
}

/// The whole of a finished file, as a plain GET gets it.
pub(super) fn whole(
    site: &Site,
    file: &Arc<live::File>,
    finished: &Finished,
) -> Option<HttpResponse> {
    finished_live(site, &Request::default(), file, finished).ok()
}

/// A file that grows: ranges are those that can be told (see the contract, "Growing files").
async fn growing(
    site: &Site,
    request: &Request,
    file: Arc<live::File>,
) -> Result<HttpResponse, Failure> {
    let follow = |range, length| body::Following::new(file.follow(range), length);
    match request.range.filter(|_| !request.conditions.has_if_range()) {
        None | Some(Asked::From(0) | Asked::Last(_)) => {
            Ok(follow(0..u64::MAX, None).response(&mut builder(site, file.path())))
        }
        Some(Asked::From(_)) => when_finished(site, request, &file).await,
        Some(asked @ Asked::Between(first, last)) => {
            let is_open = asked.is_open();
            let wanted = if is_open { first } else { last };
            let phase = reached(site, &file, wanted.saturating_add(1)).await?;
            let (_, length) = file.progress();
            if phase != Phase::Growing && length <= wanted {
                let finished = file.finished().ok_or(Failure::BrokenOff)?;
                return finished_live(site, request, &file, &finished);
            }
            let mut response = builder(site, file.path());
            response.status(StatusCode::PARTIAL_CONTENT);
            response.insert_header((header::CONTENT_RANGE, format!("bytes {first}-{last}/*")));
            let end = last.saturating_add(1);
            let length = (!is_open).then(|| end - first);
            Ok(response.body(follow(first..end, length)))
        }
    }
}

/// Waits for the end of a file that grows, which comes: it is finished, or cut.
async fn when_finished(
    site: &Site,
    request: &Request,
    file: &Arc<live::File>,
) -> Result<HttpResponse, Failure> {
    reached(site, file, u64::MAX).await?;
    let finished = file.finished().ok_or(Failure::BrokenOff)?;
    finished_live(site, request, file, &finished)
}

/// Waits until a file has so many bytes, or ends.
async fn reached(site: &Site, file: &Arc<live::File>, length: u64) -> Result<Phase, Failure> {
    let mut shutdown = site.shutdown.clone();
    tokio::select! {
        phase = file.reached(length) => Ok(phase),
        () = shutdown.stopped() => Err(Failure::Stopping),
    }
}

/// A finished file: from memory, or, where the limit has taken it away, piece by piece from disk.
fn finished_live(
    site: &Site,
    request: &Request,
    file: &Arc<live::File>,
    finished: &Finished,
) -> Result<HttpResponse, Failure> {
    let whole = file.whole();
    let (_, length) = file.progress();
    let is_text = is_text(file.path(), &content_type(file.path()));
    let is_worth_it = whole
        .as_ref()
        .is_some_and(|whole| (gzip::MIN_BYTES..=gzip::MAX_BYTES).contains(&whole.len()));
    let compresses = is_text && is_worth_it && request.takes_gzip && request.range.is_none();
    // A client that has the plain copy need not be sent the compressed one.
    let plain = request.conditions.judge(Some(&finished.tag), Some(finished.modified));
    let is_compressed = compresses && plain != Outcome::NotModified;
    let tag = if is_compressed { gzip::tag(&finished.tag) } else { finished.tag.clone() };
    let mut response = builder(site, file.path());
    validators(&mut response, file.path(), &tag, finished.modified);
    if is_text {
        response.append_header((header::VARY, "Accept-Encoding"));
    }
    let ranges = match request.conditions.judge(Some(&tag), Some(finished.modified)) {
        Outcome::Failed => return Err(Failure::Precondition),
        Outcome::NotModified => return Ok(not_modified(&mut response)),
        Outcome::Proceed { ranges } => ranges,
    };
    if compresses && let Some(gzipped) = file.gzipped(gzip::compress) {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
        return Ok(sized(&mut response, request, gzipped));
    }
    response.insert_header((header::ACCEPT_RANGES, HeaderValue::from_static("bytes")));
    let range = match request.range.filter(|_| ranges).map(|asked| asked.of(length)) {
        None => 0..length,
        Some(Part::None) => return Err(Failure::Range(length)),
        Some(Part::Some(range)) => {
            let last = range.end - 1;
            let value = format!("bytes {}-{last}/{length}", range.start);
            response.insert_header((header::CONTENT_RANGE, value));
            response.status(StatusCode::PARTIAL_CONTENT);
            range
        }
    };
    let size = range.end - range.start;
    Ok(match whole {
        Some(whole) => sized(&mut response, request, slice(&whole, range)),
        None if request.is_head => response.body(body::Head(Some(size))),
        None => response.body(body::Following::new(file.follow(range), Some(size))),
    })
}

fn sized(response: &mut HttpResponseBuilder, request: &Request, bytes: Bytes) -> HttpResponse {
    if request.is_head {
        return response.body(body::Head(Some(bytes.len() as u64)));
    }
    response.body(bytes)
}

fn slice(whole: &Bytes, range: std::ops::Range<u64>) -> Bytes {
    let index = |at| usize::try_from(at).unwrap_or(usize::MAX).min(whole.len());
    whole.slice(index(range.start)..index(range.end))
}

/// Answers with a file that is too large for memory: actix-files says what is sent of it, and reads
/// it where the system has no better way.
pub(super) fn stored(
    site: &Site,
    request: &Request,
    http: &mut ServiceRequest,
    path: &MediaPath,
    stored: StoredFile,
) -> Result<HttpResponse, Failure> {
    if request.is_http_10 && !stored.whole {
        return Err(Failure::BrokenOff);
    }
    let mut response = builder(site, path);
    if stored.whole {
        validators(&mut response, path, &stored.tag, stored.modified);
    }
    // A torn one shows neither tag nor time, and no part of it is sent as if it were whole.
    let shown = stored.whole.then_some((&stored.tag, stored.modified)).unzip();
    let ranges = match request.conditions.judge(shown.0, shown.1) {
        Outcome::Failed => return Err(Failure::Precondition),
        Outcome::NotModified => return Ok(not_modified(&mut response)),
        Outcome::Proceed { ranges } => ranges && stored.whole,
    };
    if request.is_head {
        let length = stored.whole.then_some(stored.length);
        response.insert_header((header::ACCEPT_RANGES, HeaderValue::from_static("bytes")));
        return Ok(response.body(body::Head(length)));
    }
    let part = request.range.filter(|_| ranges).map(|asked| asked.of(stored.length));
    if part == Some(Part::None) {
        return Err(Failure::Range(stored.length));
    }
    let witness = stored.witness().map_err(|error| {
        log::error!("cannot read {path}: {error}");
        Failure::Denied
    })?;
    let is_torn = !stored.whole;
    plain_headers(http.headers_mut(), part.clone());
    let named = NamedFile::from_file(stored.file, path.name()).map_err(|_| Failure::Denied)?;
    let named = named.use_etag(false).use_last_modified(false).disable_content_disposition();
    let from_disk = named.into_response(http.request());
    let range = match part {
        Some(Part::Some(range)) => range,
        _ => 0..stored.length,
    };
    let length = range.end - range.start;
    if from_disk.body().size() != BodySize::Sized(length) {
        // It is as long as it is now, which may be nothing.
        return Err(Failure::Changed);
    }
    response.status(from_disk.status());
    response.insert_header((header::ACCEPT_RANGES, HeaderValue::from_static("bytes")));
    if let Some(range) = from_disk.headers().get(header::CONTENT_RANGE) {
        response.insert_header((header::CONTENT_RANGE, range.clone()));
    }
    #[cfg(target_os = "linux")]
    let reader = body::Reader::Blocks(Blocks::new(witness.file(), range));
    #[cfg(not(target_os = "linux"))]
    let reader = body::Reader::ActixFiles(from_disk.into_body());
    let body = body::Stored::new(reader, length, witness, is_torn);
    Ok(response.body(body.boxed()))
}

/// Leaves only what is decided already: actix-files has validators of its own.
fn plain_headers(headers: &mut HeaderMap, part: Option<Part>) {
    for name in [
        header::IF_MATCH,
        header::IF_NONE_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_UNMODIFIED_SINCE,
        header::IF_RANGE,
        header::RANGE,
    ] {
        headers.remove(name);
    }
    if let Some(Part::Some(range)) = part {
        let value = format!("bytes={}-{}", range.start, range.end - 1);
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(header::RANGE, value);
        }
    }
}

/// What every response for a file has.
pub(super) fn builder(site: &Site, path: &MediaPath) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, value(content_type(path))));
    response.insert_header((header::CACHE_CONTROL, cache_control(path, &site.segment_caching)));
    response
}

/// A manifest may change again within the second in which it was written: until that is over, its
/// time does not tell one version from the next (RFC 9110, section 8.8.2.2). No time is told that
/// is still to come (section 8.8.2.1).
fn validators(
    response: &mut HttpResponseBuilder,
    path: &MediaPath,
    tag: &Tag,
    modified: SystemTime,
) {
    response.insert_header((header::ETAG, &*tag.0));
    let (now, second) = (clock::now(), |time| clock::since_epoch(time).as_secs());
    if !path.is_manifest() || second(now) > second(modified) {
        let date = httpdate::fmt_http_date(modified.min(now));
        response.insert_header((header::LAST_MODIFIED, date));
    }
}

fn not_modified(response: &mut HttpResponseBuilder) -> HttpResponse {
    let mut response = response.status(StatusCode::NOT_MODIFIED).body(BoxBody::new(()));
    response.headers_mut().remove(header::CONTENT_TYPE);
    response
}
