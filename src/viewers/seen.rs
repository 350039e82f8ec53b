//! What is told of a segment's request when it is over.

use crate::live::{MediaPath, Role};
use std::{
    net::IpAddr,
    path::Path,
    time::{Duration, Instant, SystemTime},
};

/// A request for a segment that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What was asked for.
    pub what: What,
    /// When it was asked for.
    pub asked: Instant,
    /// The same by the wall clock.
    pub at: SystemTime,
    /// From where.
    pub address: Option<IpAddr>,
    /// What the client calls itself.
    pub agent: String,
    /// What of the request's query is CMCD.
    pub query: Option<String>,
    /// The values of its CMCD headers: no more than is read of them.
    pub cmcd_headers: Vec<String>,
    /// So many of these headers are left out.
    pub cmcd_left_out: u64,
    /// With which status it was answered.
    pub status: u16,
    /// How the reply ended.
    pub end: Ending,
    /// How much of the segment was sent, in bytes.
    pub bytes: u64,
    /// The bitrate of what the server chose to send, in kbit/s, if it did (CMSD `br`).
    pub sent_kbps: Option<u64>,
    /// How long the request was held.
    pub held: Duration,
    /// How long it took in all.
    pub took: Duration,
    /// How old the segment was when it was asked for, that of a part if it is one.
    pub age: Age,
    /// When the segment was complete, if it is.
    pub complete: Option<SystemTime>,
}

impl Seen {
    /// A request of nobody in particular that has just come: left by its client, unless more is
    /// told.
    pub fn new(what: What, asked: Instant, at: SystemTime) -> Self {
        Self {
            what,
            asked,
            at,
            address: None,
            agent: String::new(),
            query: None,
            cmcd_headers: Vec::new(),
            cmcd_left_out: 0,
            status: 0,
            end: Ending::Left,
            bytes: 0,
            sent_kbps: None,
            held: Duration::ZERO,
            took: Duration::ZERO,
            age: Age::Unknown,
            complete: None,
        }
    }
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A segment: a file of the folder.
    File(MediaPath),
    /// A part of LL-HLS.
    Part {
        /// The manifest of which it is made.
        mpd: MediaPath,
        /// Its rendition.
        rendition: String,
        /// The number of its segment.
        msn: u64,
        /// Its own name.
        name: String,
    },
}

/// How a reply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All was sent.
    Done,
    /// The segment broke off.
    Cut,
    /// The client left before.
    Left,
}

/// How old a segment was when it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// It did not exist yet, or grew.
    Young,
    /// It was complete since then.
    Since(SystemTime),
    /// Nobody knows.
    Unknown,
}

impl Ending {
    /// As the file has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Cut => "cut",
            Self::Left => "left",
        }
    }
}

/// Whether a path is that of a segment, and not of an init, a key or a manifest.
pub fn is_segment(path: &MediaPath) -> bool {
    // What a WebM file is its extension does not say.
    let is_init = || path.name().starts_with("init");
    matches!(path.role(), Role::Media { init: false, .. })
        && !path.name().ends_with(".key")
        && !is_init()
}

/// Where a segment belongs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// The folder in which it lies, with a slash before it; `/` is the root.
    pub(super) stream: String,
    /// What all of its kind have in common: the name with `#` for its number.
    pub(super) representation: String,
    /// The file's name.
    pub(super) name: String,
    /// Its number, or its time.
    pub(super) number: Option<u64>,
}

impl What {
    pub(super) fn segment(&self) -> Segment {
        match self {
            Self::File(path) => {
                let (representation, number) = representation(path);
                let name = path.name().to_owned();
                Segment { stream: folder(path), representation, name, number }
            }
            Self::Part { mpd, rendition, msn, name } => Segment {
                stream: folder(mpd),
                representation: format!("{}/{rendition}/#", mpd.name()),
                name: name.clone(),
                number: Some(*msn),
            },
        }
    }
}

fn folder(path: &MediaPath) -> String {
    let end = path.as_str().len() - path.name().len();
    format!("/{}", path.as_str()[..end].trim_end_matches('/'))
}

fn representation(path: &MediaPath) -> (String, Option<u64>) {
    // A part has its segment's name, and its own number behind it.
    let split = path.as_str().rsplit_once('.');
    let is_part = |end: &str| !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit());
    let of = split.filter(|(_, end)| is_part(end));
    let of = of.and_then(|(of, _)| MediaPath::from_disk(Path::new(of)));
    let (path, tail) = of.as_ref().map_or((path, ""), |of| (of, ".#"));
    let Some(sequence) = path.sequence() else { return (path.name().to_owned(), None) };
    let (before, after) = sequence.pattern();
    let before = before.rsplit('/').next().unwrap_or_default();
    let number = tail.is_empty().then(|| sequence.number());
    (format!("{before}#{after}{tail}"), number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> MediaPath {
        MediaPath::from_disk(Path::new(text)).expect("a path")
    }

    fn segment(text: &str) -> (String, String, Option<u64>) {
        let Segment { stream, representation, number, .. } = What::File(path(text)).segment();
        (stream, representation, number)
    }

    #[test]
    fn segments_belong_to_their_folder_and_their_pattern() {
        let of = |stream: &str, representation: &str, number| {
            (stream.to_owned(), representation.to_owned(), number)
        };
        assert_eq!(segment("a/b/chunk-2-00012.m4s"), of("/a/b", "chunk-2-#.m4s", Some(12)));
        assert_eq!(segment("7.ts"), of("/", "#.ts", Some(7)));
        assert_eq!(segment("a/movie.mp4"), of("/a", "movie.mp4", None));
        assert_eq!(segment("a/s12.m4s.3"), of("/a", "s#.m4s.#", None));
    }

    #[test]
    fn parts_belong_to_the_manifest_of_which_they_are_made() {
        let (mpd, name) = (path("cam/live.mpd"), "12.3.m4s".to_owned());
        let part = What::Part { mpd, rendition: "v0".into(), msn: 12, name };
        let wanted = Segment {
            stream: "/cam".into(),
            representation: "live.mpd/v0/#".into(),
            name: "12.3.m4s".into(),
            number: Some(12),
        };
        assert_eq!(part.segment(), wanted);
    }

    #[test]
    fn segments_are_no_inits_keys_and_manifests() {
        for name in ["1.m4s", "a/1.ts", "s1.m4s.4", "movie.mp4", "chunk-stream0-1.webm", "1.vtt"] {
            assert!(is_segment(&path(name)), "{name}");
        }
        for name in ["x.mpd", "x.m3u8", "init-1.m4s", "init-stream0.webm", "a.key", "x.js"] {
            assert!(!is_segment(&path(name)), "{name}");
        }
    }
}
