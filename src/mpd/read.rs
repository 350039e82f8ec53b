//! Reading an MPD into the model.

use super::Error;
use super::model::{Addressing, Early, Entry, Kind, Mpd, Period, Representation, Template, Timing};
use super::time::{from_nanos, parse_duration};
use super::tree::{self, Node};
use std::time::Duration;

/// A SegmentTimeline that repeats more often than this is refused.
const MAX_ENTRIES: usize = 1_000_000;

/// An MPD with more is refused: each holds a copy of the names that it inherits.
const MAX_REPRESENTATIONS: usize = 10_000;

/// A longer template, URL or folder is refused, in bytes.
const MAX_NAME_BYTES: usize = 1024;

/// What is made of SegmentTimelines and SegmentLists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Segments {
    /// They are written out, segment by segment, for each Representation.
    Listed,
    /// They are left empty: a few bytes can stand for a million segments.
    Left,
}

/// Reads an MPD.
pub fn read(text: &str) -> Result<Mpd, Error> {
    of_tree(&tree::parse(text)?, Segments::Listed)
}

/// Whether an MPD's segments appear with time.
pub(super) fn kind(root: &Node) -> Kind {
    if root.attribute("type") == Some("dynamic") { Kind::Dynamic } else { Kind::Static }
}

pub(super) fn of_tree(root: &Node, segments: Segments) -> Result<Mpd, Error> {
    if root.name != "MPD" {
        return Err(Error::Invalid(format!("its root element is {}, not MPD", root.name)));
    }
    let kind = kind(root);
    let duration = root.attribute("mediaPresentationDuration").and_then(parse_duration);
    let mut reader = Reader { segments, templates: 0, representations: 0, periods: Vec::new() };
    for period in root.all("Period") {
        reader.period(period, root, duration)?;
    }
    match reader.periods.iter().any(|period| !period.representations.is_empty()) {
        true => Ok(Mpd {
            kind,
            duration,
            availability_start: root
                .attribute("availabilityStartTime")
                .and_then(super::time::parse_date_time),
            window: root.attribute("timeShiftBufferDepth").and_then(parse_duration),
            max_segment: root.attribute("maxSegmentDuration").and_then(parse_duration),
            periods: reader.periods,
        }),
        false => Err(Error::Invalid("it has no Representation".into())),
    }
}

struct Reader {
    segments: Segments,
    /// SegmentTemplate elements so far.
    templates: usize,
    /// Representations so far.
    representations: usize,
    periods: Vec<Period>,
}

/// What a level hands down to the next: base folder, and the segment elements met so far.
#[derive(Clone, Default)]
struct Context<'a> {
    base: String,
    /// Outermost first, with their place in the document.
    templates: Vec<(usize, &'a Node)>,
    lists: Vec<&'a Node>,
    limit: Option<Duration>,
    /// Those of each level that are used, outermost first.
    base_urls: Vec<&'a Node>,
}

impl Reader {
    fn period(&mut self, node: &Node, root: &Node, total: Option<Duration>) -> Result<(), Error> {
        let time = |name| node.attribute(name).and_then(parse_duration);
        let end = |last: &Period| last.start.saturating_add(last.duration.unwrap_or_default());
        let after = self.periods.last().map(end);
        let start = time("start").or(after).unwrap_or_default();
        let duration = time("duration").or(total.and_then(|total| total.checked_sub(start)));
        let context = Context { limit: duration, ..Context::default() };
        let context = self.enter(root, &context)?;
        let context = self.enter(node, &context)?;
        let mut representations = Vec::new();
        for (index, set) in node.all("AdaptationSet").enumerate() {
            let context = self.enter(set, &context)?;
            for found in set.all("Representation") {
                self.representations += 1;
                if self.representations > MAX_REPRESENTATIONS {
                    return Err(Error::Invalid("it has too many Representations".into()));
                }
                let context = self.enter(found, &context)?;
                let representation = representation(found, set, &context, self.segments)?;
                representations.push(Representation { set: index, ..representation });
            }
        }
        self.periods.push(Period { start, duration, representations });
        Ok(())
    }

    fn enter<'a>(&mut self, node: &'a Node, outer: &Context<'a>) -> Result<Context<'a>, Error> {
        let mut context = outer.clone();
        context.base.push_str(&base(node)?);
        short(&context.base)?;
        context.base_urls.extend(node.child("BaseURL"));
        // An element has one of each (ISO/IEC 23009-1, 5.3.9.1).
        context.templates.extend(node.child("SegmentTemplate").map(|it| (self.templates, it)));
        self.templates += node.all("SegmentTemplate").count();
        context.lists.extend(node.child("SegmentList"));
        Ok(context)
    }
}

/// The folder of an element's first BaseURL, which has to be relative.
fn base(node: &Node) -> Result<String, Error> {
    let Some(url) = node.child("BaseURL").map(|url| url.text.trim()) else {
        return Ok(String::new());
    };
    if url.contains("://") || url.starts_with('/') {
        return Err(Error::Invalid(format!("its BaseURL {url} leads out of the folder")));
    }
    let url = url.trim_start_matches("./");
    Ok(url.rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default())
}

fn representation(
    node: &Node,
    set: &Node,
    context: &Context<'_>,
    segments: Segments,
) -> Result<Representation, Error> {
    let either = |name| node.attribute(name).or(set.attribute(name));
    let mime = either("mimeType").unwrap_or_default();
    let content = either("contentType").or(mime.split('/').next()).unwrap_or_default();
    let id = short(node.attribute("id").unwrap_or_default())?;
    let pixels = |name| either(name).and_then(|value| value.trim().parse().ok());
    let addressing = if !context.templates.is_empty() {
        Addressing::Template(template(context, segments)?)
    } else if !context.lists.is_empty() {
        list(context, segments)?
    } else {
        let reason = "it has neither SegmentTemplate nor SegmentList, so no segments";
        return Err(Error::Invalid(format!("its Representation {id} has no segments: {reason}")));
    };
    Ok(Representation {
        id: id.to_string(),
        bandwidth: node.number("bandwidth")?.unwrap_or(0),
        content: content.to_string(),
        set: 0,
        codecs: short(either("codecs").unwrap_or_default())?.to_string(),
        resolution: pixels("width").zip(pixels("height")),
        frame_rate: short(either("frameRate").unwrap_or_default())?.to_string(),
        language: short(set.attribute("lang").unwrap_or_default())?.to_string(),
        channels: channels(node).or_else(|| channels(set)),
        base: context.base.clone(),
        addressing,
    })
}

/// How many an AudioChannelConfiguration counts; other schemes tell no number.
fn channels(node: &Node) -> Option<u64> {
    let counts = |found: &&Node| {
        found.attribute("schemeIdUri").is_some_and(|scheme| scheme.contains(":23003:3:"))
    };
    let found = node.all("AudioChannelConfiguration").find(counts)?;
    found.attribute("value")?.trim().parse().ok()
}

/// A number from the innermost element that has it (ISO/IEC 23009-1, 5.3.9.1).
fn inherited<'a>(
    nodes: impl DoubleEndedIterator<Item = &'a Node>,
    name: &str,
) -> Result<Option<u64>, Error> {
    nodes.rev().find_map(|node| node.number(name).transpose()).transpose()
}

/// A name that is not too long to be copied for each Representation.
fn short(name: &str) -> Result<&str, Error> {
    let is_short = name.len() <= MAX_NAME_BYTES;
    is_short.then_some(name).ok_or_else(|| Error::Invalid("a name in it is too long".into()))
}

fn template(context: &Context<'_>, segments: Segments) -> Result<Template, Error> {
    let nodes = || context.templates.iter().map(|(_, node)| *node);
    let text = |name| {
        let text = nodes().rev().find_map(|node| node.attribute(name));
        text.map(|text| short(text).map(String::from)).transpose()
    };
    let timescale = inherited(nodes(), "timescale")?.unwrap_or(1).max(1);
    let timeline = context.templates.iter().rev().find_map(|(element, node)| {
        node.child("SegmentTimeline").map(|timeline| (*element, timeline))
    });
    let missing = |what: &str| Error::Invalid(format!("a SegmentTemplate has no {what}"));
    let offset = inherited(nodes(), "presentationTimeOffset")?.unwrap_or(0);
    let timing = match timeline {
        Some(_) if segments == Segments::Left => Timing::Timeline(Vec::new()),
        Some((_, timeline)) => {
            Timing::Timeline(entries(timeline, context.limit, timescale, offset)?)
        }
        None => Timing::Fixed(
            inherited(nodes(), "duration")?
                .filter(|duration| *duration > 0)
                .ok_or_else(|| missing("duration and no SegmentTimeline"))?,
        ),
    };
    Ok(Template {
        element: context.templates.last().map_or(0, |(element, _)| *element),
        timeline_element: timeline.map(|(element, _)| element),
        media: text("media")?.ok_or_else(|| missing("media"))?,
        initialization: text("initialization")?,
        timescale,
        start_number: inherited(nodes(), "startNumber")?.unwrap_or(1),
        presentation_time_offset: offset,
        timing,
        early: early(context),
        at: context.templates.last().map_or(0, |(_, node)| node.tag.start),
    })
}

/// The offset of the segments (ISO/IEC 23009-1, 5.3.9.2.2) adds to that of the BaseURL.
fn early(context: &Context<'_>) -> Option<Early> {
    let templates = || context.templates.iter().map(|(_, node)| *node);
    let nodes = || context.base_urls.iter().copied().chain(templates());
    let said = |name| nodes().rev().find_map(|node: &Node| node.attribute(name));
    let complete = said("availabilityTimeComplete");
    said("availabilityTimeOffset").or(complete)?;
    let seconds = |node: &Node| node.attribute("availabilityTimeOffset")?.trim().parse().ok();
    let total: f64 = templates().rev().find_map(seconds).unwrap_or(0.0)
        + context.base_urls.iter().rev().copied().find_map(seconds).unwrap_or(0.0);
    Some(Early {
        offset: Duration::try_from_secs_f64(total.max(0.0)).unwrap_or(Duration::MAX),
        is_own: templates().next_back().and_then(seconds).is_some(),
        is_complete: complete.map(|complete| !matches!(complete.trim(), "false" | "0")),
    })
}

/// Writes a SegmentTimeline out (ISO/IEC 23009-1, 5.3.9.6): `@t` is where the last one ended when
/// it is not given, `@r` repeats, and a negative one repeats up to the next or the period's end.
fn entries(
    timeline: &Node,
    limit: Option<Duration>,
    timescale: u64,
    offset: u64,
) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    let mut time = 0;
    let nodes: Vec<_> = timeline.all("S").collect();
    let end =
        limit.map(|limit| limit.as_nanos().saturating_mul(u128::from(timescale)) / 1_000_000_000);
    let end = end.and_then(|end| u64::try_from(end).ok()).map(|end| end.saturating_add(offset));
    for (index, node) in nodes.iter().enumerate() {
        time = node.number("t")?.unwrap_or(time);
        let duration = node.number("d")?.filter(|duration| *duration > 0);
        let duration = duration.ok_or_else(|| Error::Invalid("an S has no duration".into()))?;
        let next = nodes.get(index + 1).and_then(|next| next.number("t").ok().flatten());
        let count = match node.attribute("r").map_or(Ok(0), str::parse::<i64>) {
            Ok(r) if r >= 0 => r.unsigned_abs() + 1,
            Ok(_) => next.or(end).unwrap_or(0).saturating_sub(time).div_ceil(duration),
            Err(_) => return Err(Error::Invalid("S@r is no number".into())),
        };
        if count > (MAX_ENTRIES - entries.len()) as u64 {
            return Err(Error::Invalid("its SegmentTimeline is too long".into()));
        }
        for _ in 0..count {
            entries.push(Entry { time, duration });
            time = time.saturating_add(duration);
        }
    }
    Ok(entries)
}

fn list(context: &Context<'_>, segments: Segments) -> Result<Addressing, Error> {
    let nodes = || context.lists.iter().copied();
    let timescale = inherited(nodes(), "timescale")?.unwrap_or(1).max(1);
    let duration = inherited(nodes(), "duration")?;
    let listing = nodes().filter(|_| segments == Segments::Listed);
    let urls = listing.flat_map(|node| node.all("SegmentURL"));
    let media: Vec<_> = urls.filter_map(|url| url.attribute("media")).map(str::to_string).collect();
    let initialization = nodes().rev().find_map(|node| node.child("Initialization"));
    Ok(Addressing::List {
        media,
        initialization: initialization.and_then(|i| i.attribute("sourceURL")).map(String::from),
        duration: duration
            .map(|d| from_nanos(u128::from(d) * 1_000_000_000 / u128::from(timescale))),
    })
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
