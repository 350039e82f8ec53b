//! The recording and the page that plays it, for `--demo`.

use include_dir::{Dir, include_dir};

/// About 20 s of H.264 in two sizes and AAC, as `scripts/make-recording` made it: `manifest.mpd`
/// and the segments that it names.
pub static RECORDING: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/static/segments-in");

/// The page, by file name: in a folder it leads to the player page with `live/manifest.mpd`.
pub static PAGE: &[(&str, &str)] = &[("index.html", include_str!("../static/index.html"))];

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that the page names and nobody embedded would be missing from `--demo` alone.
    #[test]
    fn the_page_is_whole() {
        let texts: String = PAGE.iter().map(|(_, text)| *text).collect();
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/static"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let is_named =
                texts.contains(&format!("\"{name}\"")) || texts.contains(&format!("/{name}\""));
            let is_page = [".css", ".js"].iter().any(|end| name.ends_with(end));
            let is_embedded = PAGE.iter().any(|(known, _)| *known == name);
            assert!(is_embedded || !is_page || !is_named, "{name}");
        }
    }

    #[test]
    fn the_recording_has_its_manifest_and_three_streams_of_ten_segments() {
        assert!(RECORDING.get_file("manifest.mpd").is_some());
        assert_eq!(RECORDING.files().count(), 1 + 3 * (1 + 10));
        assert!(RECORDING.files().map(|f| f.contents().len()).sum::<usize>() < 1_500_000);
    }
}
