//! A manifest at a glance, whichever kind it is.

use super::super::pages::encode;
use crate::{
    live::{Manifest, MediaPath, Target},
    m3u8::{self, Playlist, Rendition},
    mpd,
};
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// A manifest at a glance.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Outline {
    /// Nothing more comes.
    pub(super) has_ended: bool,
    /// How long segments are at most, where it is told.
    pub(super) segment: Option<Duration>,
    /// The folders of its segments, relative to the root.
    pub(super) folders: Vec<PathBuf>,
    pub(super) qualities: Vec<Quality>,
    /// The playlists that a multivariant one names.
    pub(super) playlists: Vec<MediaPath>,
}

/// One of a stream's qualities; `None` is what the manifest does not say.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(in crate::http) struct Quality {
    pub(in crate::http) id: String,
    kind: String,
    width: Option<u32>,
    height: Option<u32>,
    frame_rate: Option<String>,
    bandwidth: Option<u64>,
    codecs: Option<String>,
}

impl Outline {
    /// Reads a manifest; `None` when it is none.
    pub(super) fn read(path: &MediaPath, kind: Manifest, text: &str) -> Option<Self> {
        match kind {
            Manifest::Mpd => mpd::outline(text).ok().map(|outline| Self::of_mpd(path, outline)),
            Manifest::M3u8 => m3u8::read(text).map(|playlist| Self::of_playlist(path, playlist)),
        }
    }

    /// What is supposed of a manifest that cannot be read: it may go on, and has its segments
    /// beside itself.
    pub(super) fn beside(path: &MediaPath) -> Self {
        Self { folders: folders(path, &[]), ..Self::default() }
    }

    fn of_mpd(path: &MediaPath, outline: mpd::Outline) -> Self {
        Self {
            has_ended: outline.kind == mpd::Kind::Static,
            segment: outline.longest_segment,
            folders: folders(path, &outline.folders),
            qualities: outline.qualities.into_iter().map(Quality::from).collect(),
            playlists: Vec::new(),
        }
    }

    fn of_playlist(path: &MediaPath, playlist: Playlist) -> Self {
        match playlist {
            Playlist::Media(media) => Self {
                has_ended: media.has_ended,
                segment: media.target,
                folders: folders(path, &media.folders),
                ..Self::default()
            },
            Playlist::Multivariant(renditions) => Self {
                playlists: renditions.iter().filter_map(|it| playlist_of(path, it)).collect(),
                qualities: renditions.into_iter().enumerate().map(Quality::from).collect(),
                ..Self::default()
            },
        }
    }

    /// Adds what a playlist that this one names tells.
    pub(super) fn join(&mut self, playlist: &Self) {
        self.segment = self.segment.max(playlist.segment);
        for folder in &playlist.folders {
            if !self.folders.contains(folder) {
                self.folders.push(folder.clone());
            }
        }
    }
}

impl From<mpd::Quality> for Quality {
    fn from(quality: mpd::Quality) -> Self {
        let mpd::Quality { id, content: kind, width, height, frame_rate, bandwidth, codecs } =
            quality;
        Self { id, kind, width, height, frame_rate, bandwidth, codecs }
    }
}

impl From<(usize, Rendition)> for Quality {
    fn from((at, rendition): (usize, Rendition)) -> Self {
        let kind = match &*rendition.kind {
            "subtitles" | "closed-captions" => "text".to_owned(),
            _ => rendition.kind,
        };
        Self {
            id: rendition.name.unwrap_or_else(|| at.to_string()),
            kind,
            width: rendition.resolution.map(|(width, _)| width),
            height: rendition.resolution.map(|(_, height)| height),
            frame_rate: rendition.frame_rate,
            bandwidth: rendition.bandwidth,
            codecs: rendition.codecs,
        }
    }
}

fn playlist_of(path: &MediaPath, rendition: &Rendition) -> Option<MediaPath> {
    match resolve(path, &rendition.uri)? {
        Target::File(playlist) => Some(playlist),
        Target::Folder(_) => None,
    }
}

fn folders(path: &MediaPath, relative: &[String]) -> Vec<PathBuf> {
    let folder = |folder: &String| match resolve(path, folder)? {
        Target::Folder(Some(folder)) => Some(folder.as_path().to_owned()),
        Target::Folder(None) => Some(PathBuf::new()),
        Target::File(_) => None,
    };
    // A manifest that does not say it has them beside itself.
    let own = || path.as_path().parent().unwrap_or(Path::new("")).to_owned();
    let mut folders: Vec<PathBuf> = relative.iter().filter_map(folder).collect();
    if relative.is_empty() {
        folders.push(own());
    }
    folders
}

/// What a reference in a manifest leads to (RFC 3986, section 5.2), if that is below the root.
fn resolve(path: &MediaPath, reference: &str) -> Option<Target> {
    let reference = reference.split(['?', '#']).next().unwrap_or_default();
    if reference.contains("://") || reference.starts_with("//") {
        return None;
    }
    let own = encode(path.as_str());
    let base = own.rfind('/').map_or("", |slash| &own[..=slash]);
    let whole = match reference.strip_prefix('/') {
        Some(absolute) => absolute.to_owned(),
        None => format!("{base}{reference}"),
    };
    let mut segments = Vec::new();
    for segment in whole.split('/') {
        match segment {
            "." => {}
            ".." => drop(segments.pop()?),
            _ => segments.push(segment),
        }
    }
    Target::from_url(&format!("/{}", segments.join("/"))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(reference: &str) -> Option<String> {
        let path = MediaPath::from_disk(Path::new("a/b c/x.m3u8")).expect("a path");
        resolve(&path, reference).map(|target| match target {
            Target::File(path) => path.to_string(),
            Target::Folder(folder) => folder.map(|it| it.to_string()).unwrap_or_default() + "/",
        })
    }

    #[test]
    fn references_lead_below_the_root_or_nowhere() {
        assert_eq!(resolved("y.m3u8?z=/").as_deref(), Some("a/b c/y.m3u8"));
        assert_eq!(resolved("./v%201/").as_deref(), Some("a/b c/v 1/"));
        assert_eq!(resolved("").as_deref(), Some("a/b c/"));
        assert_eq!(resolved("../../").as_deref(), Some("/"));
        assert_eq!(resolved("/z/y.m3u8").as_deref(), Some("z/y.m3u8"));
        for outside in ["../../../etc/", "https://x/y", "//x/y", "%2e%2e/%2e%2e/%2e%2e/x", "%00"] {
            assert_eq!(resolved(outside), None, "{outside}");
        }
    }

    #[test]
    fn a_manifest_that_names_no_folder_has_its_own() {
        let path = MediaPath::from_disk(Path::new("a/x.mpd")).expect("a path");
        let outline = Outline::read(&path, Manifest::Mpd, "<MPD/>").expect("an MPD");
        assert_eq!(outline.folders, [PathBuf::from("a")]);
        assert!(outline.has_ended);
    }
}
