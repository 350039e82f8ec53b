//! What a playlist says of its stream at a glance: renditions, target duration, whether it has
//! ended, where its segments lie.

use super::attributes::attributes;
use std::time::Duration;

/// So many renditions are read, and so many folders.
const MAX_LISTED: usize = 100;

/// A playlist.
#[derive(Debug, Clone, PartialEq)]
pub enum Playlist {
    /// It names others.
    Multivariant(Vec<Rendition>),
    /// It names segments.
    Media(Media),
}

/// One that a multivariant playlist names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rendition {
    /// Its playlist, relative to this one; empty where it comes with its variants.
    pub uri: String,
    /// `video` for variants, else EXT-X-MEDIA's TYPE in small letters: `audio`, `subtitles`, ….
    pub kind: String,
    /// NAME of EXT-X-MEDIA.
    pub name: Option<String>,
    /// BANDWIDTH in bit/s.
    pub bandwidth: Option<u64>,
    /// RESOLUTION: width and height.
    pub resolution: Option<(u32, u32)>,
    /// FRAME-RATE.
    pub frame_rate: Option<String>,
    /// CODECS.
    pub codecs: Option<String>,
}

/// A media playlist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Media {
    /// EXT-X-TARGETDURATION.
    pub target: Option<Duration>,
    /// EXT-X-ENDLIST: nothing more comes.
    pub has_ended: bool,
    /// The folders of its segments and parts, relative to it: empty, or with a slash at the end.
    pub folders: Vec<String>,
}

/// Reads a playlist; `None` if it is none.
pub fn read(text: &str) -> Option<Playlist> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    lines.next().filter(|line| line.starts_with("#EXTM3U"))?;
    let mut renditions: Vec<Rendition> = Vec::new();
    let mut media = Media::default();
    let mut variant = None;
    for line in lines {
        match line.split_once(':').unwrap_or((line, "")) {
            ("#EXT-X-STREAM-INF", list) => variant = Some(self::variant(list)),
            ("#EXT-X-MEDIA", list) => push(&mut renditions, rendition(list)),
            ("#EXT-X-TARGETDURATION", seconds) => {
                media.target = seconds.trim().parse().ok().map(Duration::from_secs);
            }
            ("#EXT-X-ENDLIST", _) => media.has_ended = true,
            ("#EXT-X-PART" | "#EXT-X-PRELOAD-HINT", list) => {
                attributes(list).get("URI").into_iter().for_each(|uri| media.lies_at(uri));
            }
            _ if line.is_empty() || line.starts_with('#') => {}
            _ => match variant.take() {
                Some(variant) => push(&mut renditions, Rendition { uri: line.into(), ..variant }),
                None => media.lies_at(line),
            },
        }
    }
    let is_multivariant = renditions.iter().any(|rendition| rendition.bandwidth.is_some());
    Some(match is_multivariant {
        true => Playlist::Multivariant(renditions),
        false => Playlist::Media(media),
    })
}

fn push(renditions: &mut Vec<Rendition>, rendition: Rendition) {
    if renditions.len() < MAX_LISTED {
        renditions.push(rendition);
    }
}

impl Media {
    fn lies_at(&mut self, uri: &str) {
        let path = uri.split(['?', '#']).next().unwrap_or_default();
        let folder = path.rfind('/').map_or("", |slash| &path[..=slash]);
        if self.folders.len() < MAX_LISTED && !self.folders.iter().any(|known| known == folder) {
            self.folders.push(folder.to_owned());
        }
    }
}

/// EXT-X-STREAM-INF (RFC 8216, section 4.3.4.2).
fn variant(list: &str) -> Rendition {
    let mut attributes = attributes(list);
    let resolution = attributes.get("RESOLUTION").and_then(|text| {
        let (width, height) = text.split_once('x')?;
        Some((width.parse().ok()?, height.parse().ok()?))
    });
    Rendition {
        kind: "video".into(),
        // It must have one.
        bandwidth: attributes.get("BANDWIDTH").and_then(|text| text.parse().ok()).or(Some(0)),
        resolution,
        frame_rate: attributes.remove("FRAME-RATE"),
        codecs: attributes.remove("CODECS"),
        ..Rendition::default()
    }
}

/// EXT-X-MEDIA (RFC 8216, section 4.3.4.1).
fn rendition(list: &str) -> Rendition {
    let mut attributes = attributes(list);
    Rendition {
        uri: attributes.remove("URI").unwrap_or_default(),
        kind: attributes.get("TYPE").map(|kind| kind.to_ascii_lowercase()).unwrap_or_default(),
        name: attributes.remove("NAME"),
        ..Rendition::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multivariant_playlists_name_their_renditions() {
        let text = "#EXTM3U\n\
            #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x, y\",URI=\"a/live.m3u8\"\n\
            #EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,FRAME-RATE=30.000,\
            CODECS=\"avc1.64001e,mp4a.40.2\",AUDIO=\"a\"\nv/live.m3u8\n";
        let Some(Playlist::Multivariant(renditions)) = read(text) else { panic!("{text}") };
        let audio = &renditions[0];
        assert_eq!((&*audio.kind, &*audio.uri), ("audio", "a/live.m3u8"));
        assert_eq!(audio.name.as_deref(), Some("x, y"));
        let video = &renditions[1];
        assert_eq!((&*video.kind, &*video.uri), ("video", "v/live.m3u8"));
        assert_eq!((video.bandwidth, video.resolution), (Some(800_000), Some((640, 360))));
        assert_eq!(video.codecs.as_deref(), Some("avc1.64001e,mp4a.40.2"));
        assert_eq!(video.frame_rate.as_deref(), Some("30.000"));
    }

    #[test]
    fn media_playlists_tell_their_end_and_where_segments_lie() {
        let text = "#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n#EXTINF:4,\r\nv/1.m4s?a=b/c\r\n\
            #EXT-X-PART:DURATION=1,URI=\"p/2.m4s\"\r\n#EXTINF:4,\r\n3.m4s\r\n";
        let Some(Playlist::Media(media)) = read(text) else { panic!("{text}") };
        assert_eq!(media.target, Some(Duration::from_secs(4)));
        assert_eq!(media.folders, ["v/", "p/", ""]);
        assert!(!media.has_ended);
        let ended = read("#EXTM3U\n1.ts\n#EXT-X-ENDLIST");
        assert!(matches!(ended, Some(Playlist::Media(Media { has_ended: true, .. }))));
    }

    #[test]
    fn nonsense_is_passed_over() {
        assert_eq!(read("1.ts\n"), None);
        assert_eq!(read(""), None);
        for text in ["#EXT-X-STREAM-INF", "#EXT-X-STREAM-INF:A=\"", "#EXT-X-MEDIA:=,=\"\"\"", "#:"]
        {
            assert!(read(&format!("#EXTM3U\n{text}\n{text}\n")).is_some(), "{text}");
        }
        let many = "#EXT-X-STREAM-INF:BANDWIDTH=1\nx\n".repeat(1000);
        let Some(Playlist::Multivariant(all)) = read(&format!("#EXTM3U\n{many}")) else {
            panic!("none")
        };
        assert_eq!(all.len(), MAX_LISTED);
    }
}
