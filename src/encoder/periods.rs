//! The manifest that is shown, made of ffmpeg's own: each run is a period of one timeline.
//!
//! ffmpeg begins every run at zero, with a time of its own. A player that was in the last one would
//! be lost. So the first run's start stays the timeline's, a later run's period begins where it did
//! on the clock, and the one before it ends where its media does (ISO/IEC 23009-1, section 5.3.2).
//! What ends is only told together with what follows: a timeline whose last period has ended is
//! over to a player. Pure: text in, text out; ffmpeg's manifests and no others.

use crate::mpd;
use std::{
    ops::Range,
    time::{Duration, SystemTime},
};

/// The periods so far.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// When it began.
    anchor: Option<SystemTime>,
    /// The run before this one, if players may still be in it.
    past: Option<Past>,
    current: Option<Period>,
}

#[derive(Debug, Clone)]
struct Period {
    run: u64,
    start: Duration,
    /// What stands inside of the element.
    contents: String,
}

#[derive(Debug)]
struct Past {
    period: Period,
    length: Duration,
}

/// What of ffmpeg's manifest is said otherwise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// How far back segments are kept.
    pub(super) window: Duration,
    /// How long a segment is.
    pub(super) segment: Duration,
    /// The only one of its pictures that is offered, if not all are.
    pub(super) offered: Option<Offered>,
}

/// A picture among others, by ffmpeg's numbers of representations.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offered {
    pub(super) representation: usize,
    /// Pictures are numbered from 0 to this one, sound from there on.
    pub(super) pictures: usize,
}

impl Timeline {
    /// The manifest to be shown for a run; `None` when ffmpeg's is none, or says that it has ended.
    pub(super) fn show(&mut self, raw: &str, run: u64, terms: Terms) -> Option<String> {
        if attribute(raw, "type")? != "dynamic" {
            return None;
        }
        let began = humantime::parse_rfc3339(attribute(raw, "availabilityStartTime")?).ok()?;
        let now = humantime::parse_rfc3339(attribute(raw, "publishTime")?).ok()?;
        let (tag, contents, end) = period(raw)?;
        let anchor = *self.anchor.get_or_insert(began);
        let mut start = began.duration_since(anchor).unwrap_or_default();
        // Nobody is further behind than segments are kept.
        let passed = now.duration_since(anchor).unwrap_or_default();
        self.past = self.past.take().filter(|past| passed < past.end() + terms.window);
        if let Some(past) = &self.past {
            // The clock may have been set back.
            start = start.max(past.end());
        }
        let contents = without_empty(&raw[contents]);
        let contents = match terms.offered {
            Some(offered) => without_others(&contents, offered),
            None => contents,
        };
        let current = Period { run, start, contents };
        let past = self.past.as_ref().map(|past| past.period.element(Some(past.length)));
        let periods = format!("{}{}", past.unwrap_or_default(), current.element(None));
        let mut shown = format!("{}{periods}{}", &raw[..tag.start], &raw[end..]);
        replace(&mut shown, "availabilityStartTime", &mpd::date_time(anchor));
        replace(&mut shown, "timeShiftBufferDepth", &mpd::duration(terms.window));
        replace(&mut shown, "minBufferTime", &mpd::duration(terms.segment));
        self.current = Some(current);
        Some(shown)
    }

    /// A run has ended, and has media of this length; none: nobody is in it.
    pub(super) fn ended(&mut self, length: Option<Duration>) {
        let Some(period) = self.current.take() else { return };
        let length = length.filter(|length| !length.is_zero());
        self.past = length.map(|length| Past { period, length });
    }

    /// The run whose files players may still ask for.
    pub(super) fn past_run(&self) -> Option<u64> {
        self.past.as_ref().map(|past| past.period.run)
    }

    /// Nobody is in any run any more: the next one begins a new timeline.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Past {
    fn end(&self) -> Duration {
        self.period.start + self.length
    }
}

impl Period {
    fn element(&self, length: Option<Duration>) -> String {
        let length = length.map(|length| format!(" duration=\"{}\"", mpd::duration(length)));
        let (run, start) = (self.run, mpd::duration(self.start));
        let length = length.unwrap_or_default();
        format!("<Period id=\"{run}\" start=\"{start}\"{length}>{}</Period>\n\t", self.contents)
    }
}

/// An attribute's value, where it first stands.
fn attribute<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    value(text, name).map(|range| &text[range])
}

fn value(text: &str, name: &str) -> Option<Range<usize>> {
    let pattern = format!("{name}=\"");
    let mut found = text.match_indices(&pattern);
    // Not the end of a longer name.
    let starts_a_word = |at: usize| text[..at].ends_with(char::is_whitespace);
    let start = found.find(|(at, _)| starts_a_word(*at))?.0 + pattern.len();
    let length = text[start..].find('"')?;
    Some(start..start + length)
}

fn replace(text: &mut String, name: &str, new: &str) {
    if let Some(range) = value(text, name) {
        text.replace_range(range, new);
    }
}

/// Where the only period's tag stands, what is in it, and where the element ends.
fn period(raw: &str) -> Option<(Range<usize>, Range<usize>, usize)> {
    const END: &str = "</Period>";
    let start = raw.find("<Period ")?;
    let inside = start + raw[start..].find('>')? + 1;
    let end = inside + raw[inside..].find(END)?;
    Some((start..inside, inside..end, end + END.len()))
}

/// ffmpeg leaves an empty adaptation set for a sound that an input does not have.
fn without_empty(contents: &str) -> String {
    const START: &str = "<AdaptationSet ";
    const END: &str = "</AdaptationSet>";
    let mut kept = String::with_capacity(contents.len());
    for part in contents.split_inclusive(END) {
        let is_empty = part.contains(START) && !part.contains("<Representation ");
        if !is_empty {
            kept.push_str(part);
        }
    }
    kept
}

/// Only the picture that is offered, and the sound.
fn without_others(contents: &str, offered: Offered) -> String {
    const START: &str = "<Representation id=\"";
    const END: &str = "</Representation>";
    let mut kept = String::with_capacity(contents.len());
    for part in contents.split_inclusive(END) {
        let start = part.find(START).unwrap_or(part.len());
        let id = part[start..].strip_prefix(START).and_then(|rest| rest.split('"').next());
        let id = id.and_then(|id| id.parse::<usize>().ok());
        let is_other = |id: usize| id < offered.pictures && id != offered.representation;
        let is_hidden = id.is_some_and(is_other);
        kept.push_str(if is_hidden { part[..start].trim_end() } else { part });
    }
    kept
}

#[cfg(test)]
#[path = "periods_tests.rs"]
mod tests;
