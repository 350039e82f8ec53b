//! The recording and the page that plays it, for `--demo`.

use include_dir::{Dir, include_dir};

/// About 20 s of H.264 in two sizes and AAC, as `scripts/make-recording` made it: `manifest.mpd`
/// and the segments that it names.
pub static RECORDING: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/static/segments-in");

/// The page, by file name: put into a folder together, they play `live/manifest.mpd` in it.
pub static PAGE: &[(&str, &str)] = &[("index.html", include_str!("../static/index.html"))];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recording_has_its_manifest_and_three_streams_of_ten_segments() {
        assert!(RECORDING.get_file("manifest.mpd").is_some());
        assert_eq!(RECORDING.files().count(), 1 + 3 * (1 + 10));
        assert!(RECORDING.files().map(|f| f.contents().len()).sum::<usize>() < 1_500_000);
    }
}
