//! What lldash itself brings for browsers, served below `/ldash/assets/`.
//!
//! Pages, modules, styles and pictures below `static/` are always here, by their path there; a player only if `scripts/players` had fetched it when this was
//! built (`build.rs`). A page that misses its player loads it from the public CDN.
//!
//! Pages name them below a folder that is called by what all of them hold together,
//! `/ldash/assets/v0123456789abcdef/clock.js`: what a browser has under such a name stays right, so
//! it asks once, and keeps what it has compiled. The plain names are there too.

use std::sync::LazyLock;
use xxhash_rust::xxh3::Xxh3Default;

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The folder's name: it changes with any of the files in it.
pub(super) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Xxh3Default::new();
    for (name, bytes) in ASSETS.iter().chain(PLAYERS) {
        hash.update(name.as_bytes());
        hash.update(bytes);
    }
    format!("v{:016x}", hash.digest())
});

/// The name without such a folder, and whether it is the present one. A page of an older lldash
/// names another, and gets what there is.
pub(super) fn unversioned(name: &str) -> (&str, bool) {
    let is_version = |folder: &str| {
        let digits = folder.strip_prefix('v').filter(|digits| digits.len() == 16);
        digits.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
    };
    match name.split_once('/').filter(|(folder, _)| is_version(folder)) {
        Some((folder, name)) => (name, folder == *VERSION),
        None => (name, false),
    }
}

/// Where the public copies of the players are: the URLs that `play/load.js` names.
pub(super) fn public_copies() -> impl Iterator<Item = &'static str> {
    let loader = asset("play/load.js").and_then(|bytes| std::str::from_utf8(bytes).ok());
    let urls = loader.unwrap_or_default().lines().filter_map(|line| line.split_once("url: \""));
    urls.filter_map(|(_, rest)| rest.split('"').next())
}

/// The asset of that name, such as `clock.js`, `play/main.js` or `dash.js`. `None`: answer 404.
pub fn asset(name: &str) -> Option<&'static [u8]> {
    let asset = ASSETS.iter().find(|(known, _)| *known == name);
    asset.map(|(_, bytes)| *bytes).or_else(|| player(name))
}

/// The player compiled in under that name, such as `dash.js`.
pub fn player(name: &str) -> Option<&'static [u8]> {
    PLAYERS.iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_always_there_and_unknown_names_never() {
        assert!(asset("clock.js").is_some_and(|js| js.starts_with(b"// Reads the clock")));
        for name in ["players.rs", "", "package.json", "play", "../build.rs", "players/dash.js"] {
            assert_eq!(asset(name), None, "{name}");
        }
    }

    #[test]
    fn the_version_is_no_part_of_the_name() {
        let present = format!("{}/play/main.js", *VERSION);
        assert_eq!(unversioned(&present), ("play/main.js", true));
        let older = "v0123456789abcdef/clock.js";
        assert_eq!(unversioned(older), ("clock.js", false));
        for plain in ["clock.js", "play/main.js", "v0123/clock.js", "v0123456789abcdeg/clock.js"] {
            assert_eq!(unversioned(plain), (plain, false));
        }
    }

    /// Files on disk that nobody embedded would be missing where there is no source.
    #[test]
    fn all_that_lies_in_the_folders_of_the_pages_is_there() {
        for folder in ["", "play/", "front/"] {
            let disk = format!("{}/static/{folder}", env!("CARGO_MANIFEST_DIR"));
            for entry in std::fs::read_dir(disk).into_iter().flatten().flatten() {
                let name = entry.file_name().into_string().expect("text");
                let is_page = [".html", ".css", ".js", ".svg"].iter().any(|it| name.ends_with(it));
                let embedded = asset(&format!("{folder}{name}"));
                assert_eq!(embedded.is_some(), is_page, "{folder}{name}");
            }
        }
    }

    #[test]
    fn dash_js_is_embedded_exactly_when_it_was_fetched() {
        let fetched = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/static/players/dash.js"));
        assert_eq!(player("dash.js"), fetched.ok().as_deref());
        assert_eq!(player("dash.js").is_some(), player("dash.LICENSE.txt").is_some());
    }
}
