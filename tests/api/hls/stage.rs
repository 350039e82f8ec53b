//! A live folder, chunk by chunk: the recording's own segments, and an MPD that can be changed.

use super::list::List;
use crate::helpers::Server;
use lldash::cmaf::{Chunk, ChunkReader, Init};
use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

/// The recording of which the built-in stream is made: chunks of 0.2 s, segments of 2 s.
pub fn recorded(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("static/segments-in");
    fs::read(folder.join(name)).expect("recorded")
}

/// A segment of the recording, by rendition and number.
pub fn segment(rendition: u32, number: u64) -> Vec<u8> {
    recorded(&format!("chunk-{rendition}-{number:05}.m4s"))
}

/// Its chunks, as bytes.
pub fn chunks(rendition: u32, number: u64) -> Vec<Vec<u8>> {
    let init = Init::parse(&recorded(&format!("init-{rendition}.m4s"))).expect("an init");
    let (bytes, mut chunks) = (segment(rendition, number), Vec::new());
    ChunkReader::new(Arc::new(init)).push(&bytes, &mut chunks);
    let at = |at: u64| usize::try_from(at).expect("small");
    chunks.iter().map(|chunk: &Chunk| bytes[at(chunk.offset)..at(chunk.end())].to_vec()).collect()
}

/// A server over a folder with one video rendition, `v`.
pub struct Stage {
    pub server: Server,
}

pub const MAIN: &str = "/ldash/hls/tv/live.mpd/main.m3u8";
pub const VIDEO: &str = "/ldash/hls/tv/live.mpd/v.m3u8";

/// An MPD with one video rendition, whose packager was started at that minute.
pub fn mpd(kind: &str, minute: u32) -> String {
    format!(
        r#"<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="{kind}"
        availabilityStartTime="2026-01-01T00:{minute:02}:00Z" publishTime="2026-01-01T00:{minute:02}:00Z">
        <Period start="PT0S"><AdaptationSet contentType="video" frameRate="25">
        <SegmentTemplate timescale="1000" duration="2000" initialization="init.mp4" media="$Number$.m4s"/>
        <Representation id="v" bandwidth="184612" codecs="avc1.4d401e" width="640" height="360"/>
        </AdaptationSet></Period></MPD>"#
    )
}

impl Stage {
    /// Segments 1 to `count` are there, and the MPD.
    pub fn new(count: u64, options: &[&str]) -> Self {
        let stage = Self { server: Server::start(options) };
        stage.server.write("tv/init.mp4", &recorded("init-0.m4s"));
        (1..=count).for_each(|number| stage.whole(number));
        stage.mpd("dynamic", 0);
        stage
    }

    pub fn mpd(&self, kind: &str, minute: u32) {
        self.replace("live.mpd", mpd(kind, minute).as_bytes());
    }

    /// Writes a file aside and renames it.
    pub fn replace(&self, name: &str, bytes: &[u8]) {
        self.server.write(&format!("tv/{name}.tmp"), bytes);
        fs::rename(self.path(&format!("{name}.tmp")), self.path(name)).expect("renamed");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.server.path(&format!("tv/{name}"))
    }

    /// A whole segment.
    pub fn whole(&self, number: u64) {
        self.replace(&format!("{number}.m4s"), &segment(0, number));
    }

    /// A segment as if it had been written so many seconds ago.
    pub fn aged(&self, number: u64, contents: u64, seconds: u64) {
        let name = format!("{number}.m4s");
        self.server.write(&format!("tv/{name}"), &segment(0, contents));
        let time = fs::metadata(self.path(&name)).and_then(|found| found.modified());
        let time = time.expect("a time") - Duration::from_secs(seconds);
        self.touch(&name, time);
    }

    fn touch(&self, name: &str, time: SystemTime) {
        let file = File::options().write(true).open(self.path(name)).expect("there");
        file.set_modified(time).expect("set");
    }

    /// A segment that grows.
    pub fn open(&self, number: u64) -> Growing {
        let file = self.server.create(&format!("tv/{number}.m4s"));
        Growing { file, chunks: chunks(0, number), at: 0 }
    }

    /// A media playlist, which must be good.
    pub fn list(&self, path: &str) -> List {
        let mut response = self.server.get(path);
        let text = response.text();
        assert_eq!(response.status, 200, "{path}: {text}");
        let list = List::parse(&text).unwrap_or_else(|reason| panic!("{reason}: {text}"));
        let broken = super::rules::check(&list);
        assert!(broken.is_empty(), "{broken:?}: {text}");
        list
    }

    /// The status of a GET, and its text.
    pub fn refusal(&self, path: &str) -> (u16, String) {
        let mut response = self.server.get(path);
        (response.status, String::from_utf8_lossy(&response.body()).into_owned())
    }
}

/// A segment on its way to the disk.
pub struct Growing {
    file: File,
    chunks: Vec<Vec<u8>>,
    at: usize,
}

impl Growing {
    /// Writes so many more chunks.
    pub fn grow(&mut self, count: usize) {
        for chunk in &self.chunks[self.at..self.at + count] {
            self.file.write_all(chunk).expect("written");
        }
        self.at += count;
    }

    /// Writes a part of the next chunk.
    pub fn tear(&mut self, bytes: usize) {
        let rest = self.chunks[self.at].split_off(bytes);
        self.file.write_all(&self.chunks[self.at]).expect("written");
        self.chunks[self.at] = rest;
    }

    /// Writes what is left and closes it.
    pub fn finish(mut self) {
        self.grow(self.chunks.len() - self.at);
    }
}
