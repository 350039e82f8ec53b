//! What an MPD says of its stream at a glance: whether it is live, its qualities, where its
//! segments lie. Unlike [`read`](super::read) it refuses nothing that is an MPD at all.

use super::{
    Error,
    model::Kind,
    tree::{self, Node},
};
use std::time::Duration;

/// So many qualities are read, and so many folders.
const MAX_LISTED: usize = 100;

/// An MPD at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    /// Whether segments appear with time.
    pub kind: Kind,
    /// The length of the longest segment, where it is told.
    pub longest_segment: Option<Duration>,
    /// The folders of its segments, relative to the MPD: empty, or with a slash at the end.
    pub folders: Vec<String>,
    /// The last Period's Representations, in document order.
    pub qualities: Vec<Quality>,
}

/// A Representation at a glance. `None` is what the MPD does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quality {
    /// `@id`, empty when it has none.
    pub id: String,
    /// `video`, `audio`, `text`, …; empty when nothing says it.
    pub content: String,
    /// `@width` in pixels.
    pub width: Option<u32>,
    /// `@height` in pixels.
    pub height: Option<u32>,
    /// `@frameRate` as it is written: `30`, `30000/1001`.
    pub frame_rate: Option<String>,
    /// `@bandwidth` in bit/s.
    pub bandwidth: Option<u64>,
    /// `@codecs`.
    pub codecs: Option<String>,
}

/// Reads an MPD.
///
/// # Errors
/// When it is no MPD.
pub fn outline(text: &str) -> Result<Outline, Error> {
    let root = tree::parse(text)?;
    if root.name != "MPD" {
        return Err(Error::Invalid(format!("its root element is {}, not MPD", root.name)));
    }
    let kind = if root.attribute("type") == Some("dynamic") { Kind::Dynamic } else { Kind::Static };
    let mut outline =
        Outline { kind, longest_segment: None, folders: Vec::new(), qualities: Vec::new() };
    // Of a stream of many periods the last one is that which grows.
    if let Some(period) = root.all("Period").last() {
        for set in period.all("AdaptationSet") {
            for found in set.all("Representation") {
                outline.add(&[&root, period, set, found]);
            }
        }
    }
    Ok(outline)
}

impl Outline {
    /// Adds a Representation; `levels` are it and what it stands in, outermost first.
    fn add(&mut self, levels: &[&Node; 4]) {
        if self.qualities.len() == MAX_LISTED {
            return;
        }
        let quality = quality(levels[3], levels[2]);
        let folder = folder(levels, &quality);
        if !self.folders.contains(&folder) {
            self.folders.push(folder);
        }
        self.longest_segment = self.longest_segment.max(longest_segment(levels));
        self.qualities.push(quality);
    }
}

fn quality(node: &Node, set: &Node) -> Quality {
    let either = |name| node.attribute(name).or(set.attribute(name));
    let number = |name| either(name).and_then(|text| text.trim().parse().ok());
    let codecs = either("codecs");
    let is_text =
        codecs.is_some_and(|codecs| ["stpp", "wvtt"].iter().any(|it| codecs.starts_with(it)));
    let mime = either("mimeType").unwrap_or_default();
    let content = match either("contentType").or(mime.split('/').next()).unwrap_or_default() {
        "application" | "" if is_text || mime == "application/ttml+xml" => "text",
        content => content,
    };
    Quality {
        id: node.attribute("id").unwrap_or_default().to_owned(),
        content: content.to_owned(),
        width: number("width"),
        height: number("height"),
        frame_rate: either("frameRate").map(str::to_owned),
        bandwidth: node.attribute("bandwidth").and_then(|text| text.trim().parse().ok()),
        codecs: codecs.map(str::to_owned),
    }
}

/// The folder of a Representation's segments, from all BaseURLs and its template or list.
fn folder(levels: &[&Node; 4], quality: &Quality) -> String {
    let mut folder = String::new();
    for url in levels.iter().filter_map(|level| level.child("BaseURL")) {
        let url = url.text.trim().trim_start_matches("./");
        folder.push_str(url.rfind('/').map_or("", |slash| &url[..=slash]));
    }
    let templates = levels.iter().rev().flat_map(|level| level.all("SegmentTemplate"));
    let lists = levels.iter().rev().flat_map(|level| level.all("SegmentList"));
    let listed = lists.filter_map(|list| list.child("SegmentURL")?.attribute("media"));
    let named = templates.filter_map(|template| template.attribute("media")).chain(listed).next();
    let named = named.unwrap_or_default().trim_start_matches("./");
    let inner = named.rfind('/').map_or("", |slash| &named[..=slash]);
    let bandwidth = quality.bandwidth.unwrap_or_default().to_string();
    folder.push_str(
        &inner.replace("$RepresentationID$", &quality.id).replace("$Bandwidth$", &bandwidth),
    );
    folder
}

fn longest_segment(levels: &[&Node; 4]) -> Option<Duration> {
    let segments = levels.iter().rev().flat_map(|level| {
        level.children.iter().filter(|it| it.name == "SegmentTemplate" || it.name == "SegmentList")
    });
    let segments: Vec<&Node> = segments.collect();
    let number = |name| segments.iter().find_map(|node| node.attribute(name)?.trim().parse().ok());
    let timescale = number("timescale").filter(|scale: &f64| *scale >= 1.0).unwrap_or(1.0);
    let timeline = segments.iter().find_map(|node| node.child("SegmentTimeline"));
    let listed = timeline.and_then(|timeline| {
        let durations = timeline.all("S").filter_map(|it| it.attribute("d")?.trim().parse().ok());
        durations.max_by(f64::total_cmp)
    });
    let seconds = listed.or(number("duration"))? / timescale;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"<MPD type="dynamic"><BaseURL>media/</BaseURL><Period id="old"><AdaptationSet>
        <Representation id="old"/></AdaptationSet></Period><Period>
        <AdaptationSet contentType="video" frameRate="30">
          <SegmentTemplate timescale="1000" duration="2000" media="$RepresentationID$/$Number$.m4s"/>
          <Representation id="v&lt;0" width="640" height="360" bandwidth="800000" codecs="avc1.64001e"/>
          <Representation id="v1" width="wide"/>
        </AdaptationSet>
        <AdaptationSet mimeType="audio/mp4"><Representation id="a">
          <SegmentTemplate timescale="10" media="a-$Time$.m4s">
            <SegmentTimeline><S d="20" r="-1"/><S d="35"/></SegmentTimeline></SegmentTemplate>
        </Representation></AdaptationSet>
        <AdaptationSet mimeType="application/mp4" codecs="stpp"><Representation id="t"/></AdaptationSet>
        </Period></MPD>"#;

    #[test]
    fn a_manifest_at_a_glance() {
        let outline = outline(TEXT).expect("an MPD");
        assert_eq!(outline.kind, Kind::Dynamic);
        assert_eq!(outline.longest_segment, Some(Duration::from_millis(3500)));
        assert_eq!(outline.folders, ["media/v<0/", "media/v1/", "media/"]);
        let contents: Vec<&str> = outline.qualities.iter().map(|it| &*it.content).collect();
        assert_eq!(contents, ["video", "video", "audio", "text"]);
        let first = &outline.qualities[0];
        assert_eq!((&*first.id, first.width, first.height), ("v<0", Some(640), Some(360)));
        assert_eq!((first.bandwidth, first.frame_rate.as_deref()), (Some(800_000), Some("30")));
        assert_eq!(first.codecs.as_deref(), Some("avc1.64001e"));
        assert_eq!(outline.qualities[1].width, None, "what is no number is not told");
    }

    #[test]
    fn what_is_no_mpd_is_refused_and_an_empty_one_is_not() {
        assert!(outline("<SmoothStreamingMedia/>").is_err());
        assert!(outline("<MPD><Period>").is_err());
        assert_eq!(
            outline("<MPD/>").map(|it| (it.kind, it.qualities.len())),
            Ok((Kind::Static, 0))
        );
    }
}
