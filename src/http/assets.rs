//! What lldash itself brings for browsers, served below `/ldash/assets/`.
//!
//! The page and its modules are always here; a player only if `scripts/players` had fetched it when this was
//! built (`build.rs`). A page that misses its player loads it from the public CDN.

include!(concat!(env!("OUT_DIR"), "/players.rs"));

use include_dir::{Dir, include_dir};

/// The pages and their modules, by folder.
static PLAY: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/static/play");
static FRONT: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/static/front");
static TOP: &[(&str, &str)] = &[
    ("clock.js", include_str!("../../static/clock.js")),
    ("play.html", include_str!("../../static/play.html")),
    ("front.html", include_str!("../../static/front.html")),
];

/// The asset of that name, such as `clock.js` or `dash.js`. `None`: answer 404.
pub fn asset(name: &str) -> Option<&'static [u8]> {
    let below = |dir: &'static Dir<'static>, name| dir.get_file(name).map(include_dir::File::contents);
    match name.split_once('/') {
        Some(("play", name)) => below(&PLAY, name),
        Some(("front", name)) => below(&FRONT, name),
        Some(_) => None,
        None => {
            let top = TOP.iter().find(|(known, _)| *known == name);
            top.map(|(_, text)| text.as_bytes()).or_else(|| player(name))
        }
    }
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
        assert_eq!(asset("players.rs"), None);
    }

    #[test]
    fn dash_js_is_embedded_exactly_when_it_was_fetched() {
        let fetched = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/static/players/dash.js"));
        assert_eq!(player("dash.js"), fetched.ok().as_deref());
        assert_eq!(player("dash.js").is_some(), player("dash.LICENSE.txt").is_some());
    }
}
