//! The streams in the folder: what its manifests say, and when their segments last came.

use super::{
    super::Site,
    outline::{Outline, Quality},
};
use crate::{
    folder::{Folder, Survey},
    live::{Library, Manifest, MediaPath, Role, Stamp},
};
use actix_web::web;
use bytes::Bytes;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// So many streams are listed.
const MAX_LISTED: usize = 100;

/// A longer manifest is listed without its qualities, in bytes.
const MAX_READ_BYTES: usize = 1 << 20;

/// So many files that grow are looked at for the newest segments.
const MAX_GROWING: usize = 1000;

/// What was found is told for so long to all who ask.
const FRESH: Duration = Duration::from_secs(1);

/// A live stream whose newest segment is older has ended; so are three of its segments.
const LIVE: Duration = Duration::from_secs(10);

/// The streams, the live ones first, and then by name.
#[derive(Debug, Default)]
pub(in crate::http) struct Streams {
    /// At most [`MAX_LISTED`].
    pub(in crate::http) listed: Vec<Stream>,
    /// How many there are, listed or not.
    pub(in crate::http) count: usize,
}

/// A stream.
#[derive(Debug)]
pub(in crate::http) struct Stream {
    pub(in crate::http) path: MediaPath,
    pub(in crate::http) kind: Manifest,
    pub(in crate::http) qualities: Vec<Quality>,
    /// When its newest segment was written, if there is one.
    pub(in crate::http) segment: Option<SystemTime>,
    /// When its manifest was written.
    pub(in crate::http) manifest: SystemTime,
    has_ended: bool,
    patience: Duration,
}

/// How a stream is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum State {
    /// Its segments come.
    Live,
    /// It has a manifest and no segment yet.
    Waiting,
    /// Nothing more comes.
    Ended,
}

impl Stream {
    /// How it is doing at a moment.
    pub(in crate::http) fn state(&self, now: SystemTime) -> State {
        let newest = self.segment.max(Some(self.manifest));
        let age = newest.and_then(|newest| now.duration_since(newest).ok()).unwrap_or_default();
        match self.segment {
            _ if self.has_ended => State::Ended,
            None => State::Waiting,
            Some(_) if age <= self.patience => State::Live,
            Some(_) => State::Ended,
        }
    }
}

/// What is known of the streams.
#[derive(Debug, Default)]
pub(super) struct Known {
    streams: Arc<Streams>,
    made: Option<Instant>,
    survey: Survey,
    /// As many as manifests that the survey found.
    outlines: HashMap<MediaPath, Read>,
}

/// A manifest that was read.
#[derive(Debug, Clone)]
struct Read {
    stamp: Stamp,
    written: SystemTime,
    outline: Arc<Outline>,
}

/// The streams as they are now, or were a second ago. Whoever finds them too old looks at the disk
/// for all; it goes on if that one leaves.
pub(in crate::http) async fn streams(site: &Arc<Site>) -> Arc<Streams> {
    let mut known = site.board.known.clone().lock_owned().await;
    if known.made.is_some_and(|made| made.elapsed() < FRESH) {
        return known.streams.clone();
    }
    let site = site.clone();
    let made = web::block(move || {
        known.renew(&site.library, &site.folder, crate::clock::now());
        known.made = Some(Instant::now());
        known.streams.clone()
    });
    made.await.unwrap_or_default()
}

impl Known {
    /// Looks again. Blocks.
    fn renew(&mut self, library: &Library, folder: &Folder, now: SystemTime) {
        self.survey = folder.survey(std::mem::take(&mut self.survey));
        let before = std::mem::take(&mut self.outlines);
        for (path, kind) in self.survey.manifests().into_iter().filter_map(with_kind) {
            if let Some(read) = read(library, folder, &path, kind, before.get(&path)) {
                self.outlines.insert(path, read);
            }
        }
        let named = self.outlines.values().flat_map(|read| &read.outline.playlists);
        let named: HashSet<&MediaPath> = named.collect();
        let growing = library.overview(MAX_GROWING).growing;
        let mut grown: HashMap<_, SystemTime> = HashMap::new();
        for file in growing.iter().filter(|file| is_segment(&file.path)) {
            let time = grown.entry(folder_of(&file.path)).or_insert(file.grown);
            *time = file.grown.max(*time);
        }
        let shown = self.outlines.iter().filter(|(path, _)| !named.contains(path));
        let mut streams: Vec<Stream> =
            shown.map(|(path, read)| self.stream(path, read, &grown)).collect();
        let count = streams.len();
        streams.sort_by_cached_key(|stream| (stream.state(now), stream.path.clone()));
        streams.truncate(MAX_LISTED);
        self.streams = Arc::new(Streams { listed: streams, count });
    }

    fn stream(
        &self,
        path: &MediaPath,
        read: &Read,
        grown: &HashMap<&std::path::Path, SystemTime>,
    ) -> Stream {
        let mut whole = Outline { has_ended: read.outline.has_ended, ..Outline::default() };
        whole.join(&read.outline);
        let mut manifest = read.written;
        let playlists: Vec<&Read> =
            read.outline.playlists.iter().filter_map(|path| self.outlines.get(path)).collect();
        for playlist in &playlists {
            whole.join(&playlist.outline);
            manifest = manifest.max(playlist.written);
        }
        let have_ended = playlists.iter().all(|playlist| playlist.outline.has_ended);
        whole.has_ended |= !playlists.is_empty() && have_ended;
        let on_disk = whole.folders.iter().filter_map(|folder| self.survey.newest(folder));
        let in_memory = whole.folders.iter().filter_map(|it| grown.get(it.as_path()).copied());
        Stream {
            path: path.clone(),
            kind: with_kind(path.clone()).map_or(Manifest::Mpd, |(_, kind)| kind),
            qualities: read.outline.qualities.clone(),
            segment: on_disk.chain(in_memory).max(),
            manifest,
            has_ended: whole.has_ended,
            patience: whole.segment.map_or(LIVE, |segment| LIVE.max(segment.saturating_mul(3))),
        }
    }
}

/// A manifest, from memory if it is there; `before`, if it has not changed.
fn read(
    library: &Library,
    folder: &Folder,
    path: &MediaPath,
    kind: Manifest,
    before: Option<&Read>,
) -> Option<Read> {
    let live = library.current(path).and_then(|file| Some((file.finished()?, file)));
    let (stamp, written, bytes): (_, _, Box<dyn FnOnce() -> Option<Bytes>>) = match live {
        Some((finished, file)) => {
            (finished.stamp, finished.modified, Box::new(move || file.whole()))
        }
        None => {
            let file = folder.manifest(path)?;
            (file.stamp(), file.modified(), Box::new(move || file.read(MAX_READ_BYTES)))
        }
    };
    if let Some(before) = before.filter(|before| before.stamp == stamp) {
        return Some(before.clone());
    }
    let bytes = bytes().filter(|bytes| bytes.len() <= MAX_READ_BYTES);
    let text = bytes.as_ref().and_then(|bytes| std::str::from_utf8(bytes).ok());
    let outline = text.and_then(|text| Outline::read(path, kind, text)).map(Arc::new);
    let beside = || Arc::new(Outline::beside(path));
    // One that is being written says what it said before.
    let outline = outline.or_else(|| before.map(|before| before.outline.clone()));
    Some(Read { stamp, written, outline: outline.unwrap_or_else(beside) })
}

fn with_kind(path: MediaPath) -> Option<(MediaPath, Manifest)> {
    match path.role() {
        Role::Manifest(kind) => Some((path, kind)),
        _ => None,
    }
}

fn is_segment(path: &MediaPath) -> bool {
    matches!(path.role(), Role::Media { init: false, .. })
}

fn folder_of(path: &MediaPath) -> &std::path::Path {
    path.as_path().parent().unwrap_or(std::path::Path::new(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_live_while_segments_or_manifests_come() {
        let then = SystemTime::UNIX_EPOCH;
        let stream = |segment, manifest, has_ended| Stream {
            path: MediaPath::at_root("x.mpd"),
            kind: Manifest::Mpd,
            qualities: Vec::new(),
            segment,
            manifest,
            has_ended,
            patience: LIVE,
        };
        let second = Duration::from_secs(1);
        let now = then + 60 * second;
        assert_eq!(stream(None, now, false).state(now), State::Waiting);
        assert_eq!(stream(Some(now - 10 * second), then, false).state(now), State::Live);
        assert_eq!(stream(Some(now - 11 * second), then, false).state(now), State::Ended);
        assert_eq!(stream(Some(then), now, false).state(now), State::Live, "its manifest came");
        assert_eq!(stream(Some(now), now, true).state(now), State::Ended);
        assert_eq!(
            stream(Some(now + second), then, false).state(now),
            State::Live,
            "a skewed clock"
        );
    }
}
