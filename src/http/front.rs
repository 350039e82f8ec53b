//! The front page: a plain list of the streams in the folder.

use super::{Site, assets, gzip, headers::content_type};
use crate::live::{Manifest, MediaPath, Role};
use actix_web::{HttpResponse, http::header, web};
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    fmt::Write,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// So many folders and streams are listed at most.
const MAX_LISTED: usize = 1000;

/// The page.
pub(super) async fn page(site: &Site) -> HttpResponse {
    let folder = site.path.clone();
    let streams = web::block(move || streams(&folder)).await.unwrap_or_default();
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(render(&streams))
}

/// One of our own files.
pub(super) fn asset(name: &str, takes_gzip: bool) -> Option<HttpResponse> {
    let bytes = assets::asset(name)?;
    let path = MediaPath::from_disk(Path::new(name))?;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, &*content_type(&path)))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::VARY, "Accept-Encoding"));
    if takes_gzip && bytes.len() >= gzip::MIN_BYTES {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
        return Some(response.body(compressed(name, bytes)));
    }
    Some(response.body(bytes))
}

/// Compressed once: as many entries as there are assets.
fn compressed(name: &str, bytes: &'static [u8]) -> Bytes {
    static COMPRESSED: Mutex<BTreeMap<String, Bytes>> = Mutex::new(BTreeMap::new());
    let mut compressed = COMPRESSED.lock().unwrap_or_else(PoisonError::into_inner);
    compressed.entry(name.to_owned()).or_insert_with(|| gzip::compress(bytes)).clone()
}

/// The manifests below a folder, by name. Blocks.
fn streams(root: &Path) -> Vec<MediaPath> {
    let (mut streams, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    let mut seen = 0;
    while let Some(folder) = folders.pop().filter(|_| seen < MAX_LISTED) {
        seen += 1;
        let Ok(entries) = root.join(&folder).read_dir() else { continue };
        for entry in entries.flatten() {
            let Some(path) = MediaPath::from_disk(&folder.join(entry.file_name())) else {
                continue;
            };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path.as_path().to_owned()),
                Ok(_) if path.is_manifest() => streams.push(path),
                _ => {}
            }
        }
    }
    streams.sort();
    streams.truncate(MAX_LISTED);
    streams
}

fn render(streams: &[MediaPath]) -> String {
    let mut list = String::new();
    for path in streams {
        let url = encode(path.as_str());
        let name = escape(path.as_str());
        let play = match path.role() {
            Role::Manifest(Manifest::Mpd) => {
                format!(" <a href=\"/ldash/play/{url}\" aria-label=\"play {name}\">play</a>")
            }
            _ => String::new(),
        };
        let _ = writeln!(list, "<li><a href=\"/{url}\">{name}</a>{play}</li>");
    }
    let body = if list.is_empty() {
        "<p>No stream yet. Have a packager write its segments and manifest into the folder.</p>"
            .to_owned()
    } else {
        format!("<ul>\n{list}</ul>")
    };
    PAGE.replace("{{streams}}", &body)
}

const PAGE: &str = include_str!("front.html");

/// Percent-encodes all but what may stand in a path as it is (RFC 3986, section 3.3).
fn encode(path: &str) -> String {
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
    fn urls_front_page_lists_streams() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("a&b")).expect("made");
        for name in ["a&b/x.mpd", "y.m3u8", "z.m4s", ".hidden.mpd"] {
            std::fs::write(folder.path().join(name), "").expect("written");
        }
        let names: Vec<String> = streams(folder.path()).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["a&b/x.mpd", "y.m3u8"]);
        let page = render(&streams(folder.path()));
        assert!(page.contains("<a href=\"/a%26b/x.mpd\">a&amp;b/x.mpd</a>"), "{page}");
        assert!(page.contains("index.html?url=/a%26b/x.mpd\""), "{page}");
        assert!(!page.contains("?url=/y.m3u8"), "dash.js does not play it");
    }
}
