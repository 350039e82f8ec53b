//! PUT, POST and DELETE: what encoders push.
//!
//! Requests come one at a time ([`Paced`]). An upload whose last byte came is finished whether its
//! client still waits for the answer or not.

pub mod access;
mod admission;
mod body;
mod control;
mod framing;
mod pace;

pub(super) use admission::methods;
pub use pace::{Door, Paced};

use self::{
    access::Credential,
    admission::{admit, authorize, door, is_write},
    body::{Arrival, Body},
};
use super::{
    Site,
    access_log::{CHUNKS, Intake},
    conditional::Conditions,
    failure::Failure,
    quality,
};
use crate::{
    folder::{Answer, Done, Halt, MAX_MANIFEST_BYTES, Upload},
    live::MediaPath,
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
