//! Tracks as manifests and templates tell of them, before anyone looks into the media.

use super::error::Error;
use super::files::{Files, folder_of, resolve};
use super::hls::Playlist;
use super::recording::{NANOS, Naming};
use crate::mpd::{
    Addressing, Entry, Found, Pattern, Period, Representation, Template, Timing, Values, from_nanos,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// A track whose media nobody has looked into.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) segments: Vec<DraftSegment>,
    /// Path of the initialization segment.
    pub(super) init: Option<String>,
    pub(super) naming: Naming,
    pub(super) video: bool,
    /// Ticks per second of the segments' manifest times; `None` when those say nothing of the
    /// media's own times.
    pub(super) timescale: Option<u64>,
    /// Whether start and end of the segments are no more than a guess.
    pub(super) guessed: bool,
}

/// A segment whose media nobody has looked into.
#[derive(Debug, Clone)]
pub(super) struct DraftSegment {
    pub(super) source: String,
    pub(super) number: u64,
    pub(super) time: u64,
    pub(super) ticks: u64,
    pub(super) start: Duration,
    pub(super) end: Duration,
}

fn ticks(count: u64, timescale: u64) -> Duration {
    from_nanos(u128::from(count) * NANOS / u128::from(timescale.max(1)))
}

/// The track of a Representation; without segments when none of its files is there.
pub(super) fn of_representation(
    files: &Files,
    folder: &str,
    period: &Period,
    found: &Representation,
) -> Result<Draft, Error> {
    let base = match resolve(folder, &found.base) {
        Some(base) if base.is_empty() => base,
        Some(base) => base + "/",
        None => {
            let url = &found.base;
            return Err(Error::bad(format!("the BaseURL {url} leads out of the recording")));
        }
    };
    let mut draft = match &found.addressing {
        Addressing::Template(template) => of_template(files, &base, period, found, template),
        Addressing::List { media, initialization, duration } => {
            let each = duration.or(period.duration.map(|all| all / count(media)));
            let each = each.ok_or_else(|| Error::bad("a SegmentList says no duration"))?;
            let urls = media.iter().map(|url| (url.as_str(), each));
            let mut draft = of_urls(files, &base, urls, 1);
            draft.init = initialization.as_deref().and_then(|url| resolve(&base, url));
            draft
        }
    };
    draft.video = found.content == "video";
    Ok(draft)
}

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX).max(1)
}

fn of_template(
    files: &Files,
    base: &str,
    period: &Period,
    found: &Representation,
    template: &Template,
) -> Draft {
    let named = |text: &str| {
        let pattern = Pattern::new(text.trim_start_matches("./")).decoded();
        pattern.for_representation(&found.id, found.bandwidth).with_prefix(base)
    };
    let pattern = named(&template.media);
    let by_number = pattern.has_number();
    let init = template.initialization.as_deref();
    let offset = template.presentation_time_offset;
    let segment = |(number, entry): (u64, Entry)| {
        let values = Values { number, time: entry.time, ..Values::default() };
        let since =
            |time: u64| period.start + ticks(time.saturating_sub(offset), template.timescale);
        DraftSegment {
            source: pattern.expand(&values),
            number,
            time: entry.time,
            ticks: entry.duration,
            start: since(entry.time),
            end: since(entry.time + entry.duration),
        }
    };
    let entries = match &template.timing {
        Timing::Timeline(entries) => {
            (template.start_number..).zip(entries.iter().copied()).collect()
        }
        Timing::Fixed(duration) => fixed(files, &pattern, template, *duration, by_number),
    };
    let there = |segment: &DraftSegment| files.names.contains(&segment.source);
    Draft {
        segments: entries.into_iter().map(segment).filter(there).collect(),
        init: init.map(|init| named(init).expand(&Values::default())),
        naming: Naming::Pattern(pattern),
        video: false,
        timescale: Some(template.timescale),
        guessed: false,
    }
}

/// With a fixed duration the files themselves tell which segments there are.
fn fixed(
    files: &Files,
    pattern: &Pattern,
    template: &Template,
    duration: u64,
    by_number: bool,
) -> Vec<(u64, Entry)> {
    let start = template.start_number;
    let place = |found: &Found| match by_number {
        true => found.number?.checked_sub(start),
        false => Some(found.time?.saturating_sub(template.presentation_time_offset) / duration),
    };
    let entry = |found: Found| {
        let place = place(&found)?;
        let nominal =
            template.presentation_time_offset.checked_add(place.checked_mul(duration)?)?;
        let time = if by_number { nominal } else { found.time? };
        time.checked_add(duration)?;
        Some((start.checked_add(place)?, Entry { time, duration }))
    };
    let all = files.names.iter().filter_map(|name| entry(pattern.matches(name)?));
    let sorted: BTreeMap<u64, Entry> = all.collect();
    sorted.into_iter().collect()
}

/// The track of a media playlist.
pub(super) fn of_playlist(files: &Files, name: &str, playlist: &Playlist) -> Draft {
    let folder = folder_of(name);
    let urls = playlist.entries.iter().map(|entry| (entry.uri.as_str(), entry.duration));
    let mut draft = of_urls(files, folder, urls, playlist.media_sequence);
    let map = playlist.entries.first().and_then(|entry| entry.map.as_deref());
    draft.init = map.and_then(|map| resolve(folder, map));
    draft
}

/// Segments one after the other, as far as they are there.
fn of_urls<'a>(
    files: &Files,
    folder: &str,
    urls: impl Iterator<Item = (&'a str, Duration)>,
    first_number: u64,
) -> Draft {
    let mut start = Duration::ZERO;
    let mut segments = Vec::new();
    for (url, duration) in urls {
        let end = start + duration;
        let source = resolve(folder, url).filter(|source| files.names.contains(source));
        match source {
            Some(source) => {
                segments.push(DraftSegment { source, number: 0, time: 0, ticks: 0, start, end });
            }
            None => log::warn!("{url} is listed but is not there"),
        }
        start = end;
    }
    let names: Vec<_> = segments.iter().map(|segment| segment.source.as_str()).collect();
    let (naming, number) = Naming::of_names(&names);
    for (segment, number) in segments.iter_mut().zip(number.unwrap_or(first_number)..) {
        segment.number = number;
    }
    Draft { segments, init: None, naming, video: true, timescale: None, guessed: false }
}

/// What the names of one track share: their folder, and what stands in the place of each `*`.
type Group = (String, Vec<String>);

/// The tracks of files that only a template tells of: one for each thing that its `*` stands for.
pub(super) fn of_names(
    files: &Files,
    names: Vec<(String, Found)>,
    first: u64,
    each: Duration,
    guessed: bool,
) -> Vec<Draft> {
    let mut groups: BTreeMap<Group, Vec<(u64, String)>> = BTreeMap::new();
    for (name, found) in names {
        let number = found.number.or(found.time).unwrap_or(0);
        let group = groups.entry((folder_of(&name).to_string(), found.rest)).or_default();
        group.push((number, name));
    }
    let alone = groups.len() == 1;
    let draft = |((folder, rest), mut group): (Group, Vec<(u64, String)>)| {
        group.sort();
        let names: Vec<_> = group.iter().map(|(_, name)| name.as_str()).collect();
        let naming = Naming::of_names(&names).0;
        let at =
            |number: u64| each * u32::try_from(number.saturating_sub(first)).unwrap_or(u32::MAX);
        let segment = |(number, source)| {
            let start = at(number);
            DraftSegment { source, number, time: 0, ticks: 0, start, end: start + each }
        };
        let segments = group.into_iter().map(segment).collect();
        let init = guess_init(files, &folder, &rest, alone);
        Draft { segments, init, naming, video: true, timescale: None, guessed }
    };
    groups.into_iter().map(draft).collect()
}

/// The initialization segment of a track: the one in its folder that is called like it, or, if
/// the track is `alone`, the only one there.
fn guess_init(files: &Files, folder: &str, rest: &[String], alone: bool) -> Option<String> {
    let named = |name: &&String| name.to_ascii_lowercase().contains("init");
    let here = |name: &&String| folder_of(name) == folder;
    let all: Vec<_> = files.names.iter().filter(here).filter(named).collect();
    let like =
        all.iter().find(|name| rest.iter().any(|part| !part.is_empty() && name.contains(part)));
    match (like, all.as_slice()) {
        (Some(name), _) => Some((*name).clone()),
        (None, [only]) if alone => Some((*only).clone()),
        _ => None,
    }
}
