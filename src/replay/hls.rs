//! Media playlists (RFC 8216): reading a recorded one, writing it as a live one. Pure.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

/// A recorded media playlist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Playlist {
    /// EXT-X-MEDIA-SEQUENCE, 0 when it is not given.
    pub(crate) media_sequence: u64,
    /// Tags of the whole playlist that a live one has too, each a line.
    head: Vec<String>,
    /// EXT-X-TARGETDURATION in seconds.
    target_duration: u64,
    /// The segments in their order.
    pub(crate) entries: Vec<Entry>,
}

/// A segment of a recorded playlist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its URI as it is written.
    pub(crate) uri: String,
    /// EXTINF.
    pub(crate) duration: Duration,
    /// What follows EXTINF's comma.
    title: String,
    /// Other tags of this segment alone, such as EXT-X-DISCONTINUITY, each a line.
    tags: Vec<String>,
    /// EXT-X-MAP and EXT-X-KEY lines that hold for it.
    state: Vec<String>,
    /// The URI of the EXT-X-MAP.
    pub(crate) map: Option<String>,
}

/// Tags that only hold for the recording, or that a replay does not keep true.
const DROPPED: [&str; 12] = [
    "#EXT-X-ENDLIST",
    "#EXT-X-PLAYLIST-TYPE",
    "#EXT-X-PROGRAM-DATE-TIME",
    "#EXT-X-DISCONTINUITY-SEQUENCE",
    "#EXT-X-PART",
    "#EXT-X-PART-INF",
    "#EXT-X-PRELOAD-HINT",
    "#EXT-X-RENDITION-REPORT",
    "#EXT-X-SERVER-CONTROL",
    "#EXT-X-SKIP",
    "#EXT-X-START",
    "#EXTM3U",
];

impl Playlist {
    /// Reads a playlist: `None` when it lists other playlists, an error when it is none, or has
    /// byte ranges.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, &'static str> {
        if !text.trim_start_matches('\u{feff}').starts_with("#EXTM3U") {
            return Err("it does not start with #EXTM3U");
        }
        if !text.contains("#EXTINF") && text.contains("#EXT-X-STREAM-INF") {
            return Ok(None);
        }
        let mut playlist = Self::default();
        let mut pending = Pending::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            playlist.take(line, &mut pending)?;
        }
        Ok(Some(playlist))
    }

    fn take(&mut self, line: &str, pending: &mut Pending) -> Result<(), &'static str> {
        if !line.starts_with('#') {
            self.entries.push(pending.finish(line));
            return Ok(());
        }
        let (tag, value) = line.split_once(':').unwrap_or((line, ""));
        match tag {
            "#EXTINF" => return pending.take_extinf(value),
            "#EXT-X-BYTERANGE" => return Err("it has byte ranges of one file, not segments"),
            "#EXT-X-MEDIA-SEQUENCE" => self.media_sequence = value.parse().unwrap_or(0),
            "#EXT-X-TARGETDURATION" => self.target_duration = value.parse().unwrap_or(0),
            "#EXT-X-MAP" if value.contains("BYTERANGE") => {
                return Err("it has byte ranges of one file, not segments");
            }
            "#EXT-X-MAP" => pending.set_map(line),
            "#EXT-X-KEY" => pending.set_key(line),
            "#EXT-X-DISCONTINUITY" | "#EXT-X-GAP" | "#EXT-X-BITRATE" => {
                pending.tags.push(line.to_string());
            }
            _ if DROPPED.contains(&tag) || !tag.starts_with("#EXT") => {}
            _ if self.entries.is_empty() && pending.duration.is_none() => {
                self.head.push(line.to_string());
            }
            _ => pending.tags.push(line.to_string()),
        }
        Ok(())
    }
}

/// Tags that wait for the URI they belong to.
#[derive(Debug, Default)]
struct Pending {
    duration: Option<Duration>,
    title: String,
    tags: Vec<String>,
    map: Option<String>,
    keys: Vec<String>,
    /// Whether a segment came after them.
    keys_used: bool,
}

impl Pending {
    fn take_extinf(&mut self, value: &str) -> Result<(), &'static str> {
        let (seconds, title) = value.split_once(',').unwrap_or((value, ""));
        let seconds = seconds.trim().parse().map_err(|_| "an EXTINF has no duration")?;
        let duration = Duration::try_from_secs_f64(seconds);
        self.duration = Some(duration.map_err(|_| "an EXTINF has no duration")?);
        self.title = title.to_string();
        Ok(())
    }

    fn set_map(&mut self, line: &str) {
        self.map = Some(line.to_string());
    }

    /// Keys that stand together hold together; one after a segment replaces those before it.
    fn set_key(&mut self, line: &str) {
        if std::mem::take(&mut self.keys_used) {
            self.keys.clear();
        }
        self.keys.push(line.to_string());
    }

    fn finish(&mut self, uri: &str) -> Entry {
        self.keys_used = true;
        Entry {
            uri: uri.to_string(),
            duration: self.duration.take().unwrap_or_default(),
            title: std::mem::take(&mut self.title),
            tags: std::mem::take(&mut self.tags),
            state: self.keys.iter().chain(&self.map).cloned().collect(),
            map: self.map.as_deref().and_then(uri_attribute).map(str::to_string),
        }
    }
}

/// The URI attribute of a tag (RFC 8216, 4.2).
fn uri_attribute(line: &str) -> Option<&str> {
    line.split_once("URI=\"")?.1.split_once('"').map(|(uri, _)| uri)
}

/// A segment of a live playlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Which entry of the recorded playlist it repeats.
    pub(crate) entry: usize,
    /// Its URI.
    pub(crate) uri: String,
    /// Whether time stamps start anew with it.
    pub(crate) discontinuity: bool,
    /// When its first frame was captured.
    pub(crate) captured: SystemTime,
}

/// What a live playlist says beside its segments.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Head {
    /// Segments that have left the playlist.
    pub(crate) gone: u64,
    /// Discontinuities that have left it.
    pub(crate) discontinuities_gone: u64,
    /// Whether nothing more will come.
    pub(crate) ended: bool,
}

/// Whether a listed segment begins with a discontinuity, of the loop or of the recording.
pub(crate) fn is_discontinuity(playlist: &Playlist, listed: &Listed) -> bool {
    let recorded = &playlist.entries[listed.entry].tags;
    listed.discontinuity || recorded.iter().any(|tag| tag == "#EXT-X-DISCONTINUITY")
}

/// A live playlist of the segments that are there.
pub(crate) fn render<'a>(
    playlist: &Playlist,
    head: Head,
    listed: impl Iterator<Item = &'a Listed>,
) -> String {
    let mut text = String::from("#EXTM3U\n");
    for line in &playlist.head {
        text += &format!("{line}\n");
    }
    let longest = playlist.entries.iter().map(|entry| entry.duration.as_secs_f64().round());
    let longest = longest.fold(1.0, f64::max);
    let target = longest.max(Duration::from_secs(playlist.target_duration).as_secs_f64());
    let sequence = playlist.media_sequence + head.gone;
    let _ = writeln!(text, "#EXT-X-TARGETDURATION:{target:.0}");
    let _ = writeln!(text, "#EXT-X-MEDIA-SEQUENCE:{sequence}");
    if head.discontinuities_gone > 0 {
        let _ = writeln!(text, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", head.discontinuities_gone);
    }
    let mut state: &[String] = &[];
    for one in listed {
        render_entry(&mut text, playlist, one, &mut state);
    }
    text + if head.ended { "#EXT-X-ENDLIST\n" } else { "" }
}

fn render_entry<'a>(
    text: &mut String,
    playlist: &'a Playlist,
    listed: &Listed,
    state: &mut &'a [String],
) {
    let entry = &playlist.entries[listed.entry];
    if is_discontinuity(playlist, listed) {
        *text += "#EXT-X-DISCONTINUITY\n";
    }
    if *state != entry.state {
        *state = &entry.state;
        *text += &entry.state.iter().map(|line| format!("{line}\n")).collect::<String>();
    }
    for tag in entry.tags.iter().filter(|tag| *tag != "#EXT-X-DISCONTINUITY") {
        *text += &format!("{tag}\n");
    }
    let date = humantime::format_rfc3339_millis(listed.captured);
    let seconds = entry.duration.as_secs_f64();
    let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{date}");
    let _ = writeln!(text, "#EXTINF:{seconds:.6},{}\n{}", entry.title, listed.uri);
}

#[cfg(test)]
#[path = "hls_tests.rs"]
mod tests;
