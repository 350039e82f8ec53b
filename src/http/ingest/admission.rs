//! Which requests may change something, and what.

use super::{
    super::{Site, cors, failure::Failure, quality},
    Door, Ingest,
};
use crate::live::{MediaPath, PathError, Target};
use actix_web::{
    HttpMessage,
    dev::ServiceRequest,
    http::{
        Method, Uri,
        header::{self, HeaderMap},
    },
};
use std::rc::Rc;

/// The methods that change something.
pub(super) fn is_write(method: &Method) -> bool {
    [Method::PUT, Method::POST, Method::DELETE].contains(method)
}

/// The methods that a connection's requests may use. Pages of other origins write only where a
/// credential lets them.
pub(in crate::http) fn methods(site: &Site, http: &ServiceRequest) -> &'static str {
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

/// That of the request's connection, or of its stream.
pub(super) fn door(http: &ServiceRequest) -> Option<Rc<Door>> {
    let of_stream = || http.extensions().get().cloned();
    http.conn_data::<Rc<Door>>().cloned().or_else(of_stream)
}

/// Whether a request may change anything; says why not.
pub(super) fn authorize<'a>(
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
pub(super) fn admit<'a>(
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
