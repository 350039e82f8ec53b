//! The player's page. It brings the manifest and the time along when they are at hand: a page that
//! has to ask for them shows its first picture a round trip later, and on a busy machine that is a
//! tenth of a second and more.

use super::{
    Site, assets,
    pages::{html, with_base},
};
use crate::live::MediaPath;
use actix_web::HttpResponse;
use serde::Serialize;
use std::{
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};

/// The player loads players from the CDN where they are not compiled in, these very files and no
/// others, and plays any URL.
static PLAYER_POLICY: LazyLock<String> = LazyLock::new(|| {
    let copies = assets::public_copies().collect::<Vec<_>>().join(" ");
    format!(
        "default-src 'self'; script-src 'self' {copies}; worker-src 'self' blob:; \
         connect-src * blob: data:; media-src * blob: data:; img-src 'self' blob: data:; \
         style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'"
    )
});

/// Stands in the page for what is given with it.
const GIVEN_PLACE: &str = "{{given}}";

/// A longer manifest is asked for by itself, in bytes.
const MAX_GIVEN: usize = 64 << 10;

/// What the page is given, as JSON.
#[derive(Serialize)]
struct Given<'a> {
    /// Milliseconds since 1970.
    time: u64,
    manifest: &'a str,
}

/// The page, whatever is to be played: it tells itself when that is not there.
pub(super) fn page(site: &Site, url_path: &str, path: Option<&MediaPath>) -> HttpResponse {
    let page = assets::asset("play.html").unwrap_or_default();
    let page = String::from_utf8_lossy(page);
    let manifest = path.and_then(|path| manifest(site, path));
    let given = manifest.map_or_else(|| "null".to_owned(), |text| given(&text, site.now()));
    html(&PLAYER_POLICY).body(with_base(&page, url_path).replace(GIVEN_PLACE, &given))
}

/// The manifest as it is shown now, if it is known and nothing in it is waited for.
fn manifest(site: &Site, path: &MediaPath) -> Option<String> {
    let file = site.library.current(path).filter(|_| path.is_manifest())?;
    let view = site.manifests.view(&file);
    let bytes = view.file.whole().filter(|bytes| bytes.len() <= MAX_GIVEN)?;
    view.patience.is_zero().then(|| String::from_utf8(bytes.to_vec()).ok())?
}

/// Nothing in it can end the element that it stands in.
fn given(manifest: &str, now: SystemTime) -> String {
    let time = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let time = u64::try_from(time).unwrap_or(u64::MAX);
    let json = serde_json::to_string(&Given { time, manifest });
    json.unwrap_or_else(|_| "null".to_owned()).replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_manifest_ends_the_script_that_it_is_given_in() {
        let text = "<MPD>\"</script><!--<script>\u{2028}";
        let json = given(text, UNIX_EPOCH);
        assert!(!json.contains('<'), "{json}");
        let back: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!((back["time"].as_u64(), back["manifest"].as_str()), (Some(0), Some(text)));
    }
}
