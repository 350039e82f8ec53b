//! Manifests are shown whole or not at all: the last good copy stays through truncation and gaps.

use super::{
    RENAME_GRACE,
    lease::HasWriter,
    on_disk::read_whole,
    root::{Found, Opened},
    tracker::Tracker,
};
use crate::live::{Manifest, MediaPath, Role};
use std::time::{Duration, Instant};

/// What is longer is no manifest, in bytes.
pub const MAX_MANIFEST_BYTES: u64 = 64 * 1024 * 1024;

/// Where nobody tells that a playlist was closed, it must have stood so long to be taken for
/// whole: its end cannot be told from a cut.
const SETTLE_TIME: Duration = Duration::from_millis(200);

impl Tracker {
    /// Looks at a manifest that may have changed, and shows it if it is complete. `is_told`: an
    /// event told that it was closed, or renamed to its name.
    pub(super) fn manifest(&mut self, path: &MediaPath, opened: Opened, is_told: bool) {
        let Role::Manifest(kind) = path.role() else { return };
        let is_closed = match self.writer_of(&opened.file) {
            HasWriter::No => true,
            HasWriter::Unknown => is_told,
            // Where closes are told of, it is looked at then.
            HasWriter::Yes if self.rules.close_events => return,
            HasWriter::Yes => return self.ask_after(path.as_path(), SETTLE_TIME, false),
        };
        if opened.length == 0 {
            return self.manifest_gone(path.clone());
        }
        let length = opened.length.min(MAX_MANIFEST_BYTES);
        let bytes = match read_whole(&opened.file, usize::try_from(length).unwrap_or(usize::MAX)) {
            Ok(bytes) => bytes,
            Err(error) => return log::error!("cannot read {path}: {error}"),
        };
        let is_young = Self::age(&opened) < self.rules.idle_finish;
        let is_still = Opened::again(&opened.file).is_ok_and(|(.., stamp)| stamp == opened.stamp);
        if is_still && self.is_shown(path, kind, &opened, &bytes, is_closed) {
            self.gone.remove(path);
            self.put(path.as_path(), path.clone(), opened, (bytes.into(), None), true);
        } else if !is_closed && is_young {
            self.ask_after(path.as_path(), SETTLE_TIME, false);
        }
    }

    fn is_shown(
        &self,
        path: &MediaPath,
        kind: Manifest,
        opened: &Opened,
        bytes: &[u8],
        is_closed: bool,
    ) -> bool {
        let age = Self::age(opened);
        let is_settled = is_closed || kind == Manifest::Mpd || age >= SETTLE_TIME;
        // A malformed one is shown as it is once it is closed, if none was good before.
        let is_over = is_closed || age >= self.rules.idle_finish;
        let is_all_there_is = is_over && self.library.current(path).is_none();
        (is_complete(kind, bytes) && is_settled) || is_all_there_is
    }

    /// A manifest was removed or emptied: it is absent if it does not come back soon.
    pub(super) fn manifest_gone(&mut self, path: MediaPath) {
        if self.library.current(&path).is_some() {
            let deadline = Instant::now() + RENAME_GRACE;
            self.gone.entry(path).or_insert(deadline);
            self.wake_by(deadline);
        }
    }

    /// Forgets manifests that did not come back.
    pub(super) fn pass_manifests(&mut self, now: Instant) {
        let gone: Vec<(MediaPath, Instant)> =
            self.gone.iter().map(|(path, deadline)| (path.clone(), *deadline)).collect();
        for (path, deadline) in gone {
            if now < deadline {
                self.wake_by(deadline);
                continue;
            }
            self.gone.remove(&path);
            match self.root.find(path.as_path()) {
                Found::File(opened) if opened.length > 0 => self.manifest(&path, opened, false),
                _ => self.library.forget(&path),
            }
        }
    }
}

/// Whether these bytes are a whole manifest: an `MPD` element that is closed, or a playlist whose
/// last line is.
pub(super) fn is_complete(kind: Manifest, bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_end();
    match kind {
        Manifest::Mpd => bytes.starts_with(b"<") && ends_document(bytes),
        // A last line without a newline is legal.
        Manifest::M3u8 => bytes.starts_with(b"#EXTM3U"),
    }
}

/// Whether the text ends with `</MPD>`, a namespace prefix, blanks and comments allowed.
fn ends_document(bytes: &[u8]) -> bool {
    let mut text = bytes;
    while text.ends_with(b"-->") {
        let Some(start) = text.windows(4).rposition(|window| window == b"<!--") else {
            return false;
        };
        text = text[..start].trim_ascii_end();
    }
    let Some(start) = text.iter().rposition(|byte| *byte == b'<') else { return false };
    let Some(name) = text[start..].strip_prefix(b"</").and_then(|tag| tag.strip_suffix(b">"))
    else {
        return false;
    };
    let name = name.trim_ascii();
    name == b"MPD" || name.ends_with(b":MPD")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finished_manifests_are_known_by_their_end() {
        let mpd = |text: &str| is_complete(Manifest::Mpd, text.as_bytes());
        assert!(mpd("<?xml version=\"1.0\"?>\n<MPD>\n</MPD>\n"));
        assert!(mpd("\u{feff}<d:MPD></d:MPD >"));
        assert!(mpd("<MPD></MPD><!-- made by x --> <!-- > -->\n"));
        assert!(!mpd(""));
        assert!(!mpd("<MPD><Period>"));
        assert!(!mpd("<MPD></Period>"));
        assert!(!mpd("<MPD></MPD"));
        assert!(!mpd("</MPD>-->"));
        let m3u8 = |text: &str| is_complete(Manifest::M3u8, text.as_bytes());
        assert!(m3u8("#EXTM3U\n#EXT-X-VERSION:3\n"));
        assert!(!m3u8(""));
        assert!(!m3u8("#EXT"));
    }
}
