//! The multivariant playlist's text (draft-pantos-hls-rfc8216bis, section 4.4.6).

use super::plan::{Plan, Rendition};
use std::fmt::Write;

/// The text. `is_independent`: every segment begins with a frame that needs no other.
/// `rates`: bits per second seen of each rendition, for those that the MPD does not tell.
pub(super) fn render(plan: &Plan, is_independent: bool, rates: &[u64]) -> String {
    let mut text = "#EXTM3U\n#EXT-X-VERSION:9\n".to_owned();
    if is_independent {
        text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
    }
    let rated = |(rendition, rate): (_, &u64)| Rated { rendition, rate: *rate };
    let all: Vec<Rated<'_>> = plan.renditions.iter().zip(rates).map(rated).collect();
    let (video, audio): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.rendition.is_video);
    if video.is_empty() {
        audio.iter().for_each(|one| variant(&mut text, one, None));
        return text;
    }
    let groups = groups(&audio);
    for group in &groups {
        media(&mut text, group);
    }
    for one in &video {
        match groups.as_slice() {
            [] => variant(&mut text, one, None),
            groups => groups.iter().for_each(|group| variant(&mut text, one, Some(group))),
        }
    }
    text
}

struct Rated<'a> {
    rendition: &'a Rendition,
    rate: u64,
}

impl Rated<'_> {
    fn bandwidth(&self) -> u64 {
        self.rendition.representation.bandwidth.max(self.rate).max(1)
    }
}

/// Audio of one quality: one rendition of each AdaptationSet.
struct Group<'a> {
    id: String,
    members: Vec<&'a Rated<'a>>,
}

/// As many groups as the largest set has renditions, the best first.
fn groups<'a>(audio: &'a [Rated<'a>]) -> Vec<Group<'a>> {
    let mut sets: Vec<(usize, Vec<&Rated<'_>>)> = Vec::new();
    for one in audio {
        let set = one.rendition.representation.set;
        match sets.iter_mut().find(|(known, _)| *known == set) {
            Some((_, members)) => members.push(one),
            None => sets.push((set, vec![one])),
        }
    }
    for (_, members) in &mut sets {
        members.sort_by_key(|one| std::cmp::Reverse(one.bandwidth()));
    }
    let count = sets.iter().map(|(_, members)| members.len()).max().unwrap_or(0);
    let group = |level: usize| Group {
        id: format!("audio{level}"),
        members: sets
            .iter()
            .filter_map(|(_, members)| members.get(level).or(members.last()).copied())
            .collect(),
    };
    (0..count).map(group).collect()
}

fn media(text: &mut String, group: &Group<'_>) {
    for (index, one) in group.members.iter().enumerate() {
        let representation = &one.rendition.representation;
        let language = quotable(&representation.language);
        let name = match language.as_str() {
            "" | "und" => format!("audio {}", index + 1),
            language => format!("{language} {}", index + 1),
        };
        let id = &group.id;
        let _ = write!(text, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{id}\",NAME=\"{name}\"");
        if !language.is_empty() && language != "und" {
            let _ = write!(text, ",LANGUAGE=\"{language}\"");
        }
        if let Some(channels) = representation.channels {
            let _ = write!(text, ",CHANNELS=\"{channels}\"");
        }
        let default = if index == 0 { "YES" } else { "NO" };
        let uri = &one.rendition.name;
        let _ = writeln!(text, ",DEFAULT={default},AUTOSELECT=YES,URI=\"{uri}.m3u8\"");
    }
}

fn variant(text: &mut String, one: &Rated<'_>, group: Option<&Group<'_>>) {
    let representation = &one.rendition.representation;
    let members = group.map(|group| group.members.as_slice()).unwrap_or_default();
    let audio = members.iter().map(|member| member.bandwidth()).max().unwrap_or(0);
    let bandwidth = one.bandwidth().saturating_add(audio);
    let _ = write!(text, "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth}");
    let mut codecs = vec![quotable(&representation.codecs)];
    for member in members {
        codecs.push(quotable(&member.rendition.representation.codecs));
    }
    codecs.dedup();
    // Half a list would be a false one.
    if codecs.iter().all(|codec| !codec.is_empty()) {
        let _ = write!(text, ",CODECS=\"{}\"", codecs.join(","));
    }
    if let Some((width, height)) = representation.resolution {
        let _ = write!(text, ",RESOLUTION={width}x{height}");
    }
    if let Some(rate) = frame_rate(&representation.frame_rate) {
        let _ = write!(text, ",FRAME-RATE={rate:.3}");
    }
    if let Some(group) = group {
        let _ = write!(text, ",AUDIO=\"{}\"", group.id);
    }
    let _ = writeln!(text, "\n{}.m3u8", one.rendition.name);
}

/// `25`, `30000/1001`.
fn frame_rate(text: &str) -> Option<f64> {
    let (frames, seconds) = text.split_once('/').unwrap_or((text, "1"));
    let rate: f64 = frames.trim().parse::<f64>().ok()? / seconds.trim().parse::<f64>().ok()?;
    (rate.is_finite() && rate > 0.0).then_some(rate)
}

/// What may stand in a quoted string (section 4.2).
fn quotable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && *c != '"').collect()
}

#[cfg(test)]
#[path = "multivariant_tests.rs"]
mod tests;
