//! What lldash itself brings for browsers, served below `/ldash/assets/`.
//!
//! Pages, modules, styles and pictures below `static/` are always here, by their path there; a player only if `scripts/players` had fetched it when this was
//! built (`build.rs`). A page that misses its player loads it from the public CDN.

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

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
