//! The pages that lldash brings: the list of streams, and what all pages need.
//!
//! Each is one of the compiled-in assets. Its relative links lead to `/ldash/assets/`, wherever it
//! is shown.

use super::{
    Site, assets,
    conditional::{Conditions, Outcome},
    gzip,
    headers::content_type,
    status::{self, State, Streams},
};
use crate::{
    clock,
    encoder::Status,
    live::{MediaPath, Tag},
};
use actix_web::{
    HttpResponse,
    http::header::{self, HeaderMap},
    web,
};
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    fmt::Write,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

/// Names in the folder are others' text: none of it can become a script.
const FRONT_POLICY: &str = "default-src 'self'; img-src 'self' data:; \
    style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'";

/// The list of streams, which needs no script; with scripts, it goes on by itself.
pub(super) async fn front(site: &Arc<Site>, url_path: &str) -> HttpResponse {
    let streams = status::streams(site).await;
    let list = list(&streams, &site.demand.statuses(), clock::now());
    let page = assets::asset("front.html").and_then(|bytes| std::str::from_utf8(bytes).ok());
    let page = with_list(page.unwrap_or(include_str!("front.html")), &list);
    html(FRONT_POLICY).body(with_base(&page, url_path))
}

/// A page that nobody keeps.
pub(super) fn html(policy: &'static str) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    response
}

/// Puts the list where the page wants it, or where it is seen without scripts.
fn with_list(page: &str, list: &str) -> String {
    if page.contains(LIST_PLACE) {
        return page.replace(LIST_PLACE, list);
    }
    let list = format!("<noscript>{list}</noscript>");
    match page.rfind("</main>").or_else(|| page.rfind("</body>")) {
        Some(at) => format!("{}{list}{}", &page[..at], &page[at..]),
        None => format!("{page}{list}"),
    }
}

/// Stands in the front page for the list of streams.
const LIST_PLACE: &str = "{{streams}}";

/// Lets a page's relative links lead to the assets, seen from where it is shown: behind a proxy
/// the server's root may be another. So the root is three folders above the base, which pages rely
/// on. A page with a base of its own is left alone.
pub(super) fn with_base(page: &str, url_path: &str) -> String {
    let Some(at) = page.find("<head>").filter(|_| !page.contains("<base ")) else {
        return page.to_owned();
    };
    let up = match url_path.matches('/').count() {
        0 | 1 => "ldash/".to_owned(),
        depth => "../".repeat(depth - 2),
    };
    let (before, after) = page.split_at(at + "<head>".len());
    let version = &*assets::VERSION;
    format!("{before}\n    <base href=\"{up}assets/{version}/\">{after}")
}

/// The streams as a list, with links to the player: first those of the
/// configuration, with links relative to the page's base.
fn list(streams: &Streams, encoders: &[Status], now: SystemTime) -> String {
    if streams.listed.is_empty() && encoders.is_empty() {
        return "<p>No stream yet. Have a packager write its segments and manifest into the \
                folder.</p>"
            .to_owned();
    }
    let mut list = String::from("<ul>\n");
    for status in encoders {
        let (url, name) = (encode(&status.manifest()), escape(&status.name));
        let failure = status.failure.as_ref().map(|reason| format!(": {}", escape(reason)));
        let (state, failure) = (status.state.name(), failure.unwrap_or_default());
        let forced = status.switching.as_ref().and_then(|switching| switching.forced);
        let forced = forced.map(|bitrate| format!(", all at {} kbit/s", bitrate / 1000));
        let forced = forced.unwrap_or_default();
        let _ = writeln!(
            list,
            "<li><a href=\"../../../{url}\">{name}</a> \
             <a href=\"../../play/{url}\" aria-label=\"play {name}\">play</a> \
             <small>{state}{forced}{failure}</small></li>"
        );
    }
    let is_encoded = |path: &str| encoders.iter().any(|status| status.manifest() == path);
    for stream in streams.listed.iter().filter(|stream| !is_encoded(stream.path.as_str())) {
        let (url, name) = (encode(stream.path.as_str()), escape(stream.path.as_str()));
        let state = match stream.state(now) {
            State::Live => "live",
            State::Waiting => "waiting for its first segment",
            State::Ended => "ended",
        };
        // Writing to a text does not fail.
        let _ = writeln!(
            list,
            "<li><a href=\"../../../{url}\">{name}</a> \
             <a href=\"../../play/{url}\" aria-label=\"play {name}\">play</a> \
             <small>{state}</small></li>"
        );
    }
    list.push_str("</ul>\n");
    let more = streams.count - streams.listed.len();
    if more > 0 {
        let _ = writeln!(list, "<p>… and {more} more.</p>");
    }
    list
}

/// One of our own files; one that is asked for by the version of all never changes.
pub(super) async fn asset(name: &str, headers: &HeaderMap) -> Option<HttpResponse> {
    let (name, is_fixed) = assets::unversioned(name);
    let caching = if is_fixed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let bytes = assets::asset(name)?;
    let path = MediaPath::from_disk(Path::new(name))?;
    let Packed { tag, gzipped } = packed(name, bytes).await?;
    let gzipped = gzipped.filter(|_| gzip::is_accepted(headers));
    let tag = if gzipped.is_some() { gzip::tag(&tag) } else { tag };
    let is_known = Conditions::parse(headers).judge(Some(&tag), None) == Outcome::NotModified;
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::CACHE_CONTROL, caching))
        .insert_header((header::VARY, "Accept-Encoding"))
        .insert_header((header::ETAG, &*tag.0));
    if is_known {
        return Some(response.finish());
    }
    response.insert_header((header::CONTENT_TYPE, &*content_type(&path)));
    if let Some(gzipped) = gzipped {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
        return Some(response.body(gzipped));
    }
    Some(response.body(bytes))
}

/// What is made of an asset when it is first asked for.
#[derive(Clone)]
struct Packed {
    tag: Tag,
    /// If it is long enough to gain by it.
    gzipped: Option<Bytes>,
}

/// Made once, and not by a thread that serves live media meanwhile: as many entries as there are
/// assets.
async fn packed(name: &str, bytes: &'static [u8]) -> Option<Packed> {
    static PACKED: Mutex<BTreeMap<String, Packed>> = Mutex::new(BTreeMap::new());
    let known = || PACKED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(packed) = known().get(name).cloned() {
        return Some(packed);
    }
    let is_long = bytes.len() >= gzip::MIN_BYTES;
    let pack =
        move || Packed { tag: Tag::of(bytes), gzipped: is_long.then(|| gzip::compress(bytes)) };
    let packed = web::block(pack).await.ok()?;
    known().insert(name.to_owned(), packed.clone());
    Some(packed)
}

/// Percent-encodes all but what may stand in a path as it is (RFC 3986, section 3.3).
pub(super) fn encode(path: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: AsciiSet =
        NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(path, &KEPT).to_string()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_assets_are_found_from_wherever_a_page_is_shown() {
        let base = |path| with_base("<head></head>", path);
        for (path, wanted) in [
            ("/", "ldash/assets/"),
            ("/ldash", "ldash/assets/"),
            ("/ldash/", "assets/"),
            ("/ldash/play", "assets/"),
            ("/ldash/play/", "../assets/"),
            ("/ldash/play/x.mpd", "../assets/"),
            ("/ldash/play/a/b/x.mpd", "../../../assets/"),
        ] {
            let version = &*assets::VERSION;
            let wanted = format!("<head>\n    <base href=\"{wanted}{version}/\"></head>");
            assert_eq!(base(path), wanted, "{path}");
        }
        let own = "<head><base href=\"/x/\"></head>";
        assert_eq!(with_base(own, "/"), own);
    }

    #[test]
    fn the_list_is_seen_without_scripts_wherever_the_page_has_a_place_for_it() {
        assert_eq!(with_list("<p>{{streams}}</p>", "X"), "<p>X</p>");
        let added = "<main>a<noscript>X</noscript></main>";
        assert_eq!(with_list("<main>a</main>", "X"), added);
        assert_eq!(with_list("a", "X"), "a<noscript>X</noscript>");
    }
}
