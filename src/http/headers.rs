//! What a file's name says of its type and of how long it may be cached.

use super::access_log::Millis;
use crate::live::{Manifest, MediaPath, Role};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use std::{borrow::Cow, time::Duration};

/// How long a request was held, among others.
pub(super) const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// How long a request was held, as its response says it (Server Timing, section 3).
pub(super) fn waited(held: Duration) -> HeaderValue {
    let text = format!("wait;dur={}", Millis(held));
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("wait"))
}

/// The same read again, if the response says it.
pub(super) fn held_for(response: &HeaderMap) -> Option<Duration> {
    let said = response.get(SERVER_TIMING)?.to_str().ok()?.strip_prefix("wait;dur=")?;
    let (millis, micros) = said.split_once('.')?;
    Some(Duration::from_millis(millis.parse().ok()?) + Duration::from_micros(micros.parse().ok()?))
}

/// What is known beforehand is not copied for each response.
pub(super) fn value(text: Cow<'static, str>) -> HeaderValue {
    let unfit = HeaderValue::from_static("application/octet-stream");
    match text {
        Cow::Borrowed(known) => HeaderValue::from_static(known),
        Cow::Owned(made) => HeaderValue::try_from(made).unwrap_or(unfit),
    }
}

/// The media type (IANA's, and RFC 8216's for playlists).
pub(super) fn content_type(path: &MediaPath) -> Cow<'static, str> {
    let name = without_part_number(path.name());
    let known = match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "mpd" => "application/dash+xml",
        "m3u8" => "application/vnd.apple.mpegurl",
        "m4s" => "video/iso.segment",
        "mp4" | "cmfv" | "m4v" | "init" | "dash" => "video/mp4",
        "cmfa" | "m4a" => "audio/mp4",
        "cmft" | "cmfm" => "application/mp4",
        "ts" => "video/mp2t",
        "vtt" => "text/vtt; charset=utf-8",
        "webm" => "video/webm",
        "aac" => "audio/aac",
        "key" => "application/octet-stream",
        _ => return guessed(name),
    };
    known.into()
}

/// `NAME.m4s` of `NAME.m4s.3`.
fn without_part_number(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((whole, part))
            if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            whole
        }
        _ => name,
    }
}

fn guessed(name: &str) -> Cow<'static, str> {
    let guess = mime_guess::from_path(name).first_or_octet_stream();
    let is_text = guess.type_() == "text" || guess.subtype() == "javascript";
    if is_text { format!("{guess}; charset=utf-8").into() } else { guess.to_string().into() }
}

/// Whether a file is worth being compressed.
pub(super) fn is_text(path: &MediaPath, content_type: &str) -> bool {
    matches!(path.role(), Role::Manifest(Manifest::Mpd | Manifest::M3u8))
        || content_type.starts_with("text/")
        || ["application/json", "image/svg+xml", "application/xml", "application/wasm"]
            .iter()
            .any(|text| content_type.starts_with(text))
}

/// How long it may be cached. Players ask for manifests and inits again and again, and packagers
/// write them again; an edge may keep them for a second. Segments may be written again too, so
/// nothing is `immutable`.
pub(super) fn cache_control(path: &MediaPath, segments: &HeaderValue) -> HeaderValue {
    match path.role() {
        Role::Media { init: false, .. } => segments.clone(),
        Role::Manifest(_) | Role::Media { init: true, .. } => {
            HeaderValue::from_static("max-age=0, s-maxage=1")
        }
        Role::Other => HeaderValue::from_static("no-cache"),
    }
}

/// For how long segments may be cached, as `Cache-Control` says it.
pub fn max_age(age: Duration) -> HeaderValue {
    value(format!("max-age={}", age.as_secs()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_types() {
        for (name, wanted) in [
            ("x.mpd", "application/dash+xml"),
            ("x.m3u8", "application/vnd.apple.mpegurl"),
            ("x.m4s", "video/iso.segment"),
            ("x.m4s.3", "video/iso.segment"),
            ("x.mp4", "video/mp4"),
            ("x.cmfv", "video/mp4"),
            ("x.m4v", "video/mp4"),
            ("x.cmfa", "audio/mp4"),
            ("x.m4a", "audio/mp4"),
            ("x.cmft", "application/mp4"),
            ("x.cmfm", "application/mp4"),
            ("x.ts", "video/mp2t"),
            ("x.vtt", "text/vtt; charset=utf-8"),
            ("x.webm", "video/webm"),
            ("x.html", "text/html; charset=utf-8"),
            ("x.js", "text/javascript; charset=utf-8"),
            ("x.unknown", "application/octet-stream"),
            ("3", "application/octet-stream"),
        ] {
            assert_eq!(content_type(&MediaPath::at_root(name)), wanted, "{name}");
        }
    }

    #[test]
    fn headers_cache_control() {
        let control =
            |name| cache_control(&MediaPath::at_root(name), &max_age(Duration::from_secs(60)));
        assert_eq!(control("x.mpd"), "max-age=0, s-maxage=1");
        assert_eq!(control("init-1.m4s"), "max-age=0, s-maxage=1");
        assert_eq!(control("chunk-1.m4s"), "max-age=60");
        assert_eq!(control("1.ts"), "max-age=60");
        assert_eq!(control("x.html"), "no-cache");
    }

    #[test]
    fn holding_is_read_from_a_response_as_it_was_said() {
        let mut headers = HeaderMap::new();
        assert_eq!(held_for(&headers), None);
        for micros in [0, 7, 999, 1000, 1_500_250, 61_000_001] {
            let held = Duration::from_micros(micros);
            headers.insert(SERVER_TIMING, waited(held));
            assert_eq!(held_for(&headers), Some(held));
        }
    }
}
