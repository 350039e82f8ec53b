//! PUT, POST and DELETE: what encoders push.
//!
//! Requests come one at a time ([`Paced`]). An upload whose last byte came is finished whether its
//! client still waits for the answer or not.

pub mod access;
mod body;
mod control;
mod framing;
mod pace;

pub use pace::{Door, Paced};

use self::{
    access::Credential,
    body::{Arrival, Body},
};
use super::{
    Site,
    access_log::{CHUNKS, Intake},
    conditional::Conditions,
    cors,
    failure::Failure,
    quality,
};
use crate::{
    folder::{Answer, Done, Halt, MAX_MANIFEST_BYTES, Upload},
    live::{MediaPath, PathError, Target},
    metrics::{Count, Metrics},
};
use actix_web::{
    HttpMessage, HttpResponse,
    dev::ServiceRequest,
    http::{
        Method, StatusCode, Uri, Version,
        header::{self, HeaderMap},
    },
};
use std::{
    rc::Rc,
    time::{Duration, Instant},
};

/// Who may push, and how much.
#[derive(Debug)]
pub struct Ingest {
    /// What requests must bring.
    pub credential: Credential,
    /// No upload is larger, in bytes.
    pub max_upload_bytes: u64,
    /// An encoder that is silent in the middle of a file for so long has failed.
    pub stall_timeout: Duration,
}

/// Nobody waits for a file of which there is no byte: encoders open it long before they fill it.
/// One that is silent for so long is gone.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// The methods that change something.
fn is_write(method: &Method) -> bool {
    [Method::PUT, Method::POST, Method::DELETE].contains(method)
}

/// The methods that a connection's requests may use. Pages of other origins write only where a
/// credential lets them.
pub(super) fn methods(site: &Site, http: &ServiceRequest) -> &'static str {
    let is_page = http.headers().contains_key(header::ORIGIN);
    let may_write = |ingest: &Ingest| ingest.credential.is_some() || !is_page;
    let takes_uploads = door(http).is_some_and(|door| door.takes_uploads());
    let writes = takes_uploads && site.ingest.as_ref().is_some_and(may_write);
    match (writes, quality::stream_of(http.uri().path())) {
        (false, _) => cors::METHODS,
        (true, None) => cors::ALL_METHODS,
        (true, Some(_)) => quality::METHODS,
    }
}

/// Answers a request that is no read, after all of its body.
pub(super) async fn answer(
    site: &Site,
    http: &mut ServiceRequest,
    intake: Rc<Intake>,
) -> HttpResponse {
    let mut body = Body::new(http.take_payload(), intake);
    let result = match quality::stream_of(http.uri().path()) {
        Some(key) => control::change(site, http, &mut body, &key).await,
        None => write(site, http, &mut body).await.map(answered),
    };
    let response = result.unwrap_or_else(|failure| failure.response());
    let response = body.drained(response).await;
    door(http).iter().for_each(|door| door.answered());
    response
}

fn answered(status: StatusCode) -> HttpResponse {
    HttpResponse::build(status).insert_header((header::CACHE_CONTROL, "no-store")).finish()
}

async fn write(site: &Site, http: &ServiceRequest, body: &mut Body) -> Result<StatusCode, Failure> {
    let headers = http.headers();
    let (ingest, path) = admit(site, http.method(), http.uri(), headers, door(http).as_deref())?;
    if has_no_end(http) {
        return Err(Failure::malformed("an upload by HTTP/1.0 needs a Content-Length"));
    }
    meets(site, headers, &path).await?;
    if http.method() == Method::DELETE {
        return remove(site, path).await;
    }
    receive(site, ingest, body, path, (http.uri(), lifetime(headers))).await
}

/// Whether a body might follow of which nobody knows where it ends (RFC 1945, section 7.2.2): what
/// is not read must not be taken for an empty one.
fn has_no_end(http: &ServiceRequest) -> bool {
    http.version() < Version::HTTP_11
        && http.method() != Method::DELETE
        && !http.headers().contains_key(header::CONTENT_LENGTH)
}

/// Whether what a request says of the file that it goes over holds (RFC 9110, section 13.2).
async fn meets(site: &Site, headers: &HeaderMap, path: &MediaPath) -> Result<(), Failure> {
    let conditions = Conditions::parse(headers);
    if !conditions.concern_writes() {
        return Ok(());
    }
    let is_met = match site.folder.look(path.clone(), false).await {
        Answer::Live(file) => {
            let finished = file.finished();
            let finished = finished.as_ref().map(|it| (&it.tag, it.modified)).unzip();
            conditions.let_write(Some(finished))
        }
        Answer::Stored(stored) => {
            conditions.let_write(Some((Some(&stored.tag), Some(stored.modified))))
        }
        Answer::Absent | Answer::Denied => conditions.let_write(None),
        // Refused for what it is.
        Answer::Folder => true,
    };
    if is_met { Ok(()) } else { Err(Failure::Precondition) }
}

/// Whether a request that asks before it sends its body may send it.
pub(super) async fn expect(site: &Site, request: &actix_http::Request) -> Result<(), Failure> {
    if !is_write(request.method()) {
        return Ok(());
    }
    let of_stream = || request.extensions().get().cloned();
    let door: Option<Rc<Door>> = request.conn_data().cloned().or_else(of_stream);
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    if quality::stream_of(uri.path()).is_some() {
        return authorize(site, method, headers, door.as_deref()).map(drop);
    }
    let (_, path) = admit(site, method, uri, headers, door.as_deref())?;
    meets(site, request.headers(), &path).await?;
    match site.folder.look(path, false).await {
        Answer::Folder => Err(Failure::Folder),
        _ => Ok(()),
    }
}

/// That of the request's connection, or of its stream.
fn door(http: &ServiceRequest) -> Option<Rc<Door>> {
    let of_stream = || http.extensions().get().cloned();
    http.conn_data::<Rc<Door>>().cloned().or_else(of_stream)
}

/// Whether a request may change anything; says why not.
fn authorize<'a>(
    site: &'a Site,
    method: &Method,
    headers: &HeaderMap,
    door: Option<&Door>,
) -> Result<&'a Ingest, Failure> {
    let is_ingest_door = door.is_some_and(Door::takes_uploads);
    if !is_write(method) {
        return Err(Failure::Method(if is_ingest_door {
            cors::ALL_METHODS
        } else {
            cors::METHODS
        }));
    }
    let ingest = site.ingest.as_ref().ok_or(Failure::ReadOnly)?;
    if !is_ingest_door {
        return Err(Failure::Elsewhere);
    }
    ingest.credential.check(headers)?;
    Ok(ingest)
}

/// Whether a request may change what its path names; says why not.
fn admit<'a>(
    site: &'a Site,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    door: Option<&Door>,
) -> Result<(&'a Ingest, MediaPath), Failure> {
    let ingest = authorize(site, method, headers, door)?;
    let path = path(uri.path())?;
    // RFC 9110, section 14.5: a part is not taken for the whole.
    if headers.contains_key(header::CONTENT_RANGE) {
        return Err(Failure::malformed("a part of a file cannot be uploaded"));
    }
    if headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(Failure::Encoded);
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let length = length.and_then(|length| length.parse::<u64>().ok());
    let limit = ingest.limit(&path);
    if length.is_some_and(|length| length > limit) {
        return Err(Failure::TooLarge(limit));
    }
    Ok((ingest, path))
}

impl Ingest {
    /// The most that is taken for a path, in bytes.
    fn limit(&self, path: &MediaPath) -> u64 {
        let most = if path.is_manifest() { MAX_MANIFEST_BYTES } else { u64::MAX };
        most.min(self.max_upload_bytes)
    }
}

/// `Cache-Control: max-age` (RFC 9111, section 5.2.2.1) of an upload: for so long it is of use. None
/// at all is no such statement.
fn lifetime(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(header::CACHE_CONTROL).filter_map(|line| line.to_str().ok());
    let mut directives = lines.flat_map(|line| line.split(','));
    directives.find_map(|directive| {
        let (name, seconds) = directive.trim().split_once('=')?;
        let seconds = seconds.trim_matches('"').parse().ok().filter(|seconds| *seconds > 0)?;
        name.eq_ignore_ascii_case("max-age").then(|| Duration::from_secs(seconds))
    })
}

/// What a write's target names: a file, and never one of ours.
fn path(encoded: &str) -> Result<MediaPath, Failure> {
    let inside = match encoded.strip_prefix("/ldash/").map(|ours| ours.split_once('/')) {
        None => encoded,
        Some(Some(("upload" | "download", path))) => path,
        Some(_) => return Err(Failure::Absent),
    };
    match Target::from_url(inside) {
        Ok(Target::File(path)) if path.as_str() == "ldash" => Err(Failure::Absent),
        // By another number of slashes.
        Ok(Target::File(path)) if path.as_str().starts_with("ldash/") => Err(Failure::Absent),
        Ok(Target::File(path)) => Ok(path),
        Ok(Target::Folder(_)) => Err(Failure::Folder),
        Err(PathError::Malformed(reason)) => Err(Failure::malformed(reason)),
        Err(PathError::Hidden) => Err(Failure::Absent),
    }
}

async fn receive(
    site: &Site,
    ingest: &Ingest,
    body: &mut Body,
    path: MediaPath,
    (target, lifetime): (&Uri, Option<Duration>),
) -> Result<StatusCode, Failure> {
    let since = Instant::now();
    let limit = ingest.limit(&path);
    let mut tally = Tally { metrics: &site.metrics, result: Some(Count::BrokenOff) };
    if let Some(lifetime) = lifetime {
        log::debug!("{path} is to be removed after {lifetime:?}, as its upload says");
    }
    let mut upload = site.folder.uploads().upload(path, lifetime);
    let mut received = 0;
    loop {
        let patience = if upload.has_begun() { ingest.stall_timeout } else { FIRST_BYTE_TIMEOUT };
        match body.next(patience, |cx| upload.poll_halted(cx)).await {
            Arrival::Bytes(bytes) => {
                note_chunk(target, received, bytes.len(), since);
                received += bytes.len() as u64;
                site.metrics.add(Count::ReceivedBytes, bytes.len() as u64);
                if received > limit {
                    tally.result = Some(Count::Refused);
                    return Err(Failure::TooLarge(limit));
                }
                upload.push(bytes).await;
            }
            // An empty body asks whether something could be uploaded.
            Arrival::End if !upload.has_begun() => {
                tally.result = None;
                return Ok(StatusCode::OK);
            }
            Arrival::End => return finish(upload, &mut tally).await,
            Arrival::Broken => {
                log::info!("{} broke off after {received} bytes", upload.path());
                return Err(Failure::Truncated);
            }
            Arrival::Stalled => {
                log::info!("{} is cut: its encoder fell silent", upload.path());
                return Err(Failure::Stalled);
            }
            Arrival::Other(halt) => return halted(halt, &mut tally),
        }
    }
}

/// The target is named as the client sent it, like that of a chunk which leaves.
fn note_chunk(target: &Uri, offset: u64, bytes: usize, since: Instant) {
    let millis = since.elapsed().as_secs_f64() * 1000.0;
    log::debug!(
        target: CHUNKS,
        "{target} received {bytes} bytes at {offset} after {millis:.3} ms",
    );
}

/// Answers when the file has its name.
async fn finish(upload: Upload, tally: &mut Tally<'_>) -> Result<StatusCode, Failure> {
    let (result, status) = match upload.finish().await {
        Ok(Done::Created) => (Count::Created, StatusCode::CREATED),
        Ok(Done::Replaced) => (Count::Replaced, StatusCode::NO_CONTENT),
        Err(halt) => return halted(halt, tally),
    };
    tally.result = Some(result);
    Ok(status)
}

/// Counts what an upload came to when it is over, however that is.
struct Tally<'a> {
    metrics: &'a Metrics,
    /// `None`: it was none.
    result: Option<Count>,
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        self.result.into_iter().for_each(|result| self.metrics.add(result, 1));
    }
}

async fn remove(site: &Site, path: MediaPath) -> Result<StatusCode, Failure> {
    if site.folder.uploads().remove(path).await? {
        Ok(StatusCode::OK)
    } else {
        Err(Failure::Absent)
    }
}

/// A newer upload has come: that is no fault of this one, and its file is there. What was removed
/// is not.
fn halted(halt: Halt, tally: &mut Tally<'_>) -> Result<StatusCode, Failure> {
    let (result, answer) = match halt {
        Halt::Superseded => (Count::Superseded, Ok(StatusCode::NO_CONTENT)),
        Halt::Removed => (Count::Superseded, Err(Failure::Removed)),
        Halt::Refused(error) => (Count::Refused, Err(error.into())),
    };
    tally.result = Some(result);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_writes_name_files_of_the_folder() {
        let file = |name| Ok(MediaPath::at_root(name));
        assert_eq!(path("/x.mpd"), file("x.mpd"));
        assert_eq!(path("/ldash/upload/x.mpd"), file("x.mpd"));
        assert_eq!(path("/ldash/download/x.mpd"), file("x.mpd"));
        for absent in ["/ldash", "/ldash/", "/ldash/time", "/ldash/play/x", "//ldash/x", "/.x"] {
            assert_eq!(path(absent), Err(Failure::Absent), "{absent}");
        }
        for folder in ["/", "/x/", "/ldash/upload/"] {
            assert_eq!(path(folder), Err(Failure::Folder), "{folder}");
        }
        for malformed in ["/../x", "/a%2Fb", "/%00", "/ldash/upload/../x"] {
            assert!(matches!(path(malformed), Err(Failure::Malformed(_))), "{malformed}");
        }
    }
}
