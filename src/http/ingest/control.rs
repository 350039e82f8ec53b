//! PUT and DELETE of what is no file: the quality that a stream's viewers are given.

use super::{
    super::{Site, failure::Failure, quality},
    Ingest,
    admission::{authorize, door},
    body::{Arrival, Body},
    has_no_end,
};
use actix_web::{HttpResponse, dev::ServiceRequest, http::Method};
use std::task::Poll;

/// Changes it, or says why not.
pub(super) async fn change(
    site: &Site,
    http: &ServiceRequest,
    body: &mut Body,
    key: &str,
) -> Result<HttpResponse, Failure> {
    let ingest = authorize(site, http.method(), http.headers(), door(http).as_deref())?;
    if has_no_end(http) {
        return Err(Failure::malformed("a body by HTTP/1.0 needs a Content-Length"));
    }
    match *http.method() {
        Method::PUT => quality::force(site, key, &text(ingest, body).await?),
        Method::DELETE => quality::lift(site, key),
        _ => Err(Failure::Method(quality::METHODS)),
    }
}

/// A short body, whole.
async fn text(ingest: &Ingest, body: &mut Body) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    loop {
        match body.next(ingest.stall_timeout, |_| Poll::<()>::Pending).await {
            Arrival::Bytes(bytes) => text.extend_from_slice(&bytes),
            Arrival::End => return Ok(text),
            Arrival::Broken => return Err(Failure::Truncated),
            Arrival::Stalled | Arrival::Other(()) => return Err(Failure::Stalled),
        }
        if text.len() > quality::MAX_BODY_BYTES {
            return Err(Failure::TooLarge(quality::MAX_BODY_BYTES as u64));
        }
    }
}
