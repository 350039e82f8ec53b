//! Where a live playlist ends, and the announcement of blocking reload that a packager's own one
//! lacks (draft-pantos-hls-rfc8216bis, section 4.4.3.8).

use super::attributes::attributes;
use std::time::Duration;

/// No packager's segments are longer, and nobody waits for longer ones.
const MAX_TARGET_SECONDS: u64 = 60;

/// Where a live playlist ends, as far as clients ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Edge {
    /// The media sequence number after that of the last complete segment.
    pub next: u64,
    /// How many parts of the last complete segment are listed.
    pub last_parts: u64,
    /// How many parts of the segment `next` are listed.
    pub open_parts: u64,
    /// PART-TARGET, where there are parts.
    pub part_target: Option<Duration>,
}

/// A media playlist to which segments are still added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live {
    /// EXT-X-TARGETDURATION.
    pub target: Duration,
    /// Where it ends.
    pub edge: Edge,
    /// CAN-BLOCK-RELOAD=YES.
    pub blocks: bool,
}

impl Live {
    /// Reads one; `None` if it is none, has ended, names other playlists, or lacks what it must
    /// have.
    pub fn read(text: &str) -> Option<Self> {
        let mut lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        lines.next().filter(|line| line.starts_with("#EXTM3U"))?;
        let (mut target, mut blocks, mut edge) = (None, false, Edge::default());
        for line in lines {
            let (tag, value) = line.split_once(':').unwrap_or((line, ""));
            match (tag, value.trim()) {
                ("#EXT-X-STREAM-INF" | "#EXT-X-MEDIA" | "#EXT-X-I-FRAME-STREAM-INF", _)
                | ("#EXT-X-ENDLIST" | "#EXT-X-SKIP", _)
                | ("#EXT-X-PLAYLIST-TYPE", "VOD") => return None,
                ("#EXT-X-TARGETDURATION", seconds) => target = seconds.parse().ok(),
                // It stands before the first segment.
                ("#EXT-X-MEDIA-SEQUENCE", first) => edge.next = first.parse().ok()?,
                ("#EXT-X-SERVER-CONTROL", list) => {
                    blocks |=
                        attributes(list).get("CAN-BLOCK-RELOAD").is_some_and(|is| is == "YES");
                }
                ("#EXT-X-PART-INF", list) => edge.part_target = part_target(list),
                ("#EXT-X-PART", _) => edge.open_parts += 1,
                _ if line.is_empty() || line.starts_with('#') => {}
                _ => {
                    edge.next = edge.next.checked_add(1)?;
                    edge.last_parts = std::mem::take(&mut edge.open_parts);
                }
            }
        }
        let target = target.filter(|seconds| (1..=MAX_TARGET_SECONDS).contains(seconds))?;
        Some(Self { target: Duration::from_secs(target), edge, blocks })
    }
}

fn part_target(list: &str) -> Option<Duration> {
    let seconds: f64 = attributes(list).get("PART-TARGET")?.parse().ok()?;
    let most = Duration::from_secs(MAX_TARGET_SECONDS);
    Duration::try_from_secs_f64(seconds).ok().filter(|target| !target.is_zero() && *target <= most)
}

/// A live playlist with CAN-BLOCK-RELOAD=YES, not a byte of its other lines changed; `None` if it
/// has that already, or is no live playlist.
pub fn announced(text: &str) -> Option<String> {
    let live = Live::read(text).filter(|live| !live.blocks)?;
    let is = |line: &str, tag: &str| {
        line.trim().strip_prefix(tag).is_some_and(|rest| rest.starts_with(':'))
    };
    let control = "#EXT-X-SERVER-CONTROL";
    let has_control = text.lines().any(|line| is(line, control));
    let anchor = if has_control { control } else { "#EXT-X-TARGETDURATION" };
    let mut new = String::with_capacity(text.len() + 80);
    let mut is_done = false;
    for line in text.split_inclusive('\n') {
        let end = if line.ends_with("\r\n") { "\r\n" } else { "\n" };
        let body = line.strip_suffix(end).unwrap_or(line);
        if is_done || !is(line, anchor) {
            new.push_str(line);
            continue;
        }
        is_done = true;
        let list = body.split_once(':').map_or("", |(_, list)| list);
        let list = if has_control { list } else { "" };
        if !has_control {
            new.push_str(body);
            new.push_str(end);
        }
        new.push_str(&format!("{control}:{}{end}", controls(list, &live)));
    }
    // What is too odd to be edited is left as it is.
    let wanted = Live { blocks: true, ..live };
    (Live::read(&new) == Some(wanted)).then_some(new)
}

/// What EXT-X-SERVER-CONTROL says now. Where there are parts, it must say how far clients are to
/// stay behind.
fn controls(list: &str, live: &Live) -> String {
    let mut all = vec!["CAN-BLOCK-RELOAD=YES".to_owned()];
    let others = list.split(',').map(str::trim).filter(|one| !one.is_empty());
    all.extend(others.filter(|one| !one.starts_with("CAN-BLOCK-RELOAD=")).map(str::to_owned));
    let target = live.edge.part_target;
    if let Some(target) = target.filter(|_| !list.contains("PART-HOLD-BACK=")) {
        let millis = (target * 3).as_micros().div_ceil(1000);
        all.push(format!("PART-HOLD-BACK={}.{:03}", millis / 1000, millis % 1000));
    }
    all.join(",")
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
