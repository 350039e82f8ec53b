//! Segments whose quality the server chooses: looked up under the name of the one that is called
//! for, and answered like any other, but never cached, since the same URL may give other bytes the
//! next time.
//!
//! A tag is made of the bytes, so it tells qualities apart; a time does not, and is neither told nor
//! asked for.

use super::{Site, failure::Failure, quest::LOOK_TIMEOUT, serve};
use crate::{encoder::switching::Choice, folder::Answer, live::MediaPath};
use actix_web::{
    HttpResponse,
    dev::ServiceRequest,
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
};
use std::sync::Arc;
use tokio::time::timeout;

/// What the object is, and its bitrate in kbit/s (CTA-5006, section 3.1).
const CMSD_STATIC: HeaderName = HeaderName::from_static("cmsd-static");

/// Answers a request for a path of the folder, whoever chooses what it gets.
pub(super) async fn file(
    site: &Arc<Site>,
    http: &mut ServiceRequest,
    path: MediaPath,
) -> Result<HttpResponse, Failure> {
    let Some(choice) = site.demand.choose(&path) else {
        return serve::file(site, http, path).await;
    };
    let (rank, path) = Box::pin(found(site, &choice)).await.unwrap_or((0, path));
    let bitrate = choice.told(rank);
    forget_times(http.headers_mut());
    let is_get = http.method() == Method::GET;
    let mut response = Box::pin(serve::file(site, http, path)).await?;
    let is_whole = is_get && response.status() == StatusCode::OK;
    uncached(&mut response);
    if response.status().is_success() {
        tell(&mut response, bitrate);
        if is_whole {
            choice.served(rank);
        }
    }
    Ok(response)
}

/// The file that is called for. Of a segment that is over, one quality may have less than another:
/// then what there is does.
async fn found(site: &Site, choice: &Choice) -> Option<(usize, MediaPath)> {
    let first = choice.candidates().next();
    if !choice.is_late() {
        return first;
    }
    // All of them together: a disk that hangs is waited for once.
    timeout(LOOK_TIMEOUT, first_there(site, choice)).await.ok().flatten().or(first)
}

async fn first_there(site: &Site, choice: &Choice) -> Option<(usize, MediaPath)> {
    for (rank, path) in choice.candidates() {
        if is_there(site, &path).await {
            return Some((rank, path));
        }
    }
    None
}

async fn is_there(site: &Site, path: &MediaPath) -> bool {
    if site.library.current(path).is_some() {
        return true;
    }
    let look = site.folder.look(path.clone(), false).await;
    matches!(look, Answer::Live(_) | Answer::Stored(_))
}

/// Qualities are written at the same time: no time tells which one a client has.
fn forget_times(headers: &mut HeaderMap) {
    headers.remove(header::IF_MODIFIED_SINCE);
    headers.remove(header::IF_UNMODIFIED_SINCE);
    let is_tag = |value: &HeaderValue| value.as_bytes().starts_with(b"\"");
    if headers.get(header::IF_RANGE).is_some_and(|value| !is_tag(value)) {
        // It has a part of one that cannot be told from others: it is sent the whole.
        headers.remove(header::IF_RANGE);
        headers.remove(header::RANGE);
    }
}

/// Has nobody keep a response.
pub(super) fn uncached(response: &mut HttpResponse) {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.remove(header::LAST_MODIFIED);
}

fn tell(response: &mut HttpResponse, bitrate: u64) {
    let value = format!("ot=v,br={}", (bitrate / 1000).max(1));
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().insert(CMSD_STATIC, value);
    }
}
