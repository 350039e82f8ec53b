//! Turning a manifest into a live one, event by event: what is not named here stays as it is.

use super::Error;
use super::model::Entry;
use super::tag::{Change, change};
use super::time::{date_time, duration};
use quick_xml::escape::escape;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, Writer};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// What a live manifest says.
#[derive(Debug, Clone)]
pub struct Live {
    /// The wall clock's time of the presentation's start.
    pub availability_start: SystemTime,
    /// When this version is published; has to grow from version to version.
    pub publish: SystemTime,
    /// After how long a client should ask for a new version.
    pub update_period: Duration,
    /// How far back segments are kept; `None` keeps all.
    pub window: Option<Duration>,
    /// Latency that players should aim at.
    pub target_latency: Duration,
    /// URL of the clock (`urn:mpeg:dash:utc:http-xsdate:2014`); empty leaves the manifest's own.
    pub utc_timing: String,
    /// The whole length, once the presentation has ended.
    pub ended: Option<Duration>,
    /// Edits of SegmentTemplate elements, by their place in the document, counted from 0.
    pub templates: BTreeMap<usize, TemplateEdit>,
}

/// What becomes of one SegmentTemplate. `None` leaves an attribute as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TemplateEdit {
    /// `@startNumber`.
    pub start_number: Option<u64>,
    /// `@presentationTimeOffset` in ticks of the new timescale.
    pub presentation_time_offset: Option<u64>,
    /// `@duration` in ticks, and `@timescale`.
    pub duration: Option<(u64, u64)>,
    /// `@availabilityTimeOffset`; segments are then said to be incomplete when they appear.
    pub availability_time_offset: Option<Duration>,
    /// The SegmentTimeline in this element.
    pub timeline: TimelineEdit,
}

/// What becomes of a SegmentTimeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TimelineEdit {
    /// It stays.
    #[default]
    Keep,
    /// It goes: the template has a duration instead.
    Remove,
    /// It lists these segments.
    Replace(Vec<Entry>),
}

/// The manifest as a dynamic one.
pub fn make_live(text: &str, live: &Live) -> Result<String, Error> {
    let no_xml = |fault: &dyn ToString| Error::NoXml(fault.to_string());
    let mut editor = Editor {
        live,
        out: Writer::new(Vec::with_capacity(text.len() + 1024)),
        periods: Counter { total: text.matches("<Period").count(), seen: 0 },
        templates: 0,
        skipping: 0,
        indent: "\n".into(),
        description: Description::Missing,
    };
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().map_err(|fault| no_xml(&fault))? {
            Event::Eof => break,
            event => editor.take(event).map_err(|fault| no_xml(&fault))?,
        }
    }
    String::from_utf8(editor.out.into_inner()).map_err(|fault| no_xml(&fault))
}

struct Counter {
    total: usize,
    seen: usize,
}

/// Where the ServiceDescription stands.
#[derive(PartialEq)]
enum Description {
    Missing,
    /// Within one that has no Latency yet.
    Open,
    Done,
}

struct Editor<'a> {
    live: &'a Live,
    out: Writer<Vec<u8>>,
    periods: Counter,
    /// SegmentTemplate elements so far.
    templates: usize,
    /// Open elements that are left out.
    skipping: usize,
    /// White space before the last tag.
    indent: String,
    description: Description,
}

type Outcome = std::io::Result<()>;

impl Editor<'_> {
    fn take(&mut self, event: Event<'_>) -> Outcome {
        match event {
            Event::Start(_) if self.skipping > 0 => self.skipping += 1,
            Event::End(_) if self.skipping > 0 => self.skipping -= 1,
            _ if self.skipping > 0 => {}
            Event::Start(tag) => return self.start(&tag, false),
            Event::Empty(tag) => return self.start(&tag, true),
            Event::End(tag) => {
                self.before_end(tag.local_name().as_ref())?;
                return self.out.write_event(Event::End(tag));
            }
            Event::Text(text) => {
                if text.trim().is_empty() {
                    self.indent = text.to_string();
                }
                return self.out.write_event(Event::Text(text));
            }
            other => return self.out.write_event(other),
        }
        Ok(())
    }

    fn start(&mut self, tag: &BytesStart<'_>, empty: bool) -> Outcome {
        match tag.local_name().as_ref() {
            "MPD" => self.write(change(tag, &self.root()), empty),
            "Period" => self.period(tag, empty),
            "SegmentTemplate" => {
                self.templates += 1;
                let changes = self.edit().map(template).unwrap_or_default();
                self.write(change(tag, &changes), empty)
            }
            "SegmentTimeline" => self.timeline(tag, empty),
            "UTCTiming" if !self.live.utc_timing.is_empty() => self.skip(empty),
            // They tell of the recording's time and place, not of the replay's.
            "ProducerReferenceTime" | "Location" | "PatchLocation" => self.skip(empty),
            "ServiceDescription" => self.service_description(tag, empty),
            "Latency" => {
                self.description = Description::Done;
                self.write(tag.to_owned(), empty)
            }
            _ => self.write(tag.to_owned(), empty),
        }
    }

    fn write(&mut self, tag: BytesStart<'_>, empty: bool) -> Outcome {
        self.out.write_event(if empty { Event::Empty(tag) } else { Event::Start(tag) })
    }

    fn raw(&mut self, text: &str) -> Outcome {
        std::io::Write::write_all(self.out.get_mut(), text.as_bytes())
    }

    #[expect(clippy::unnecessary_wraps, reason = "an arm of start(), like its siblings")]
    fn skip(&mut self, empty: bool) -> Outcome {
        self.skipping = usize::from(!empty);
        Ok(())
    }

    fn edit(&self) -> Option<&TemplateEdit> {
        self.live.templates.get(&self.templates.checked_sub(1)?)
    }

    fn root(&self) -> Vec<Change<'static>> {
        let live = self.live;
        let update = live.ended.is_none().then(|| duration(live.update_period));
        let mut changes = vec![
            ("type", Some("dynamic".to_string())),
            ("availabilityStartTime", Some(date_time(live.availability_start))),
            ("publishTime", Some(date_time(live.publish))),
            ("minimumUpdatePeriod", update),
            ("mediaPresentationDuration", live.ended.map(duration)),
            ("availabilityEndTime", None),
        ];
        changes.push(("timeShiftBufferDepth", live.window.map(duration)));
        changes
    }

    fn period(&mut self, tag: &BytesStart<'_>, empty: bool) -> Outcome {
        self.periods.seen += 1;
        let mut changes = Vec::new();
        if self.periods.seen == 1 {
            self.insert_description()?;
            changes.push(("start", Some("PT0S".to_string())));
        }
        if self.periods.seen == self.periods.total {
            changes.push(("duration", None));
        }
        self.write(change(tag, &changes), empty)
    }

    fn timeline(&mut self, tag: &BytesStart<'_>, empty: bool) -> Outcome {
        let edit = self.edit().map_or(TimelineEdit::Keep, |edit| edit.timeline.clone());
        match edit {
            TimelineEdit::Keep => self.write(tag.to_owned(), empty),
            TimelineEdit::Remove => self.skip(empty),
            TimelineEdit::Replace(entries) => {
                self.raw(&timeline(tag.name().as_ref(), &entries))?;
                self.skip(empty)
            }
        }
    }

    fn service_description(&mut self, tag: &BytesStart<'_>, empty: bool) -> Outcome {
        if !empty || self.description == Description::Done {
            if self.description == Description::Missing {
                self.description = Description::Open;
            }
            return self.write(tag.to_owned(), empty);
        }
        self.description = Description::Done;
        self.write(tag.to_owned(), false)?;
        self.raw(&self.latency())?;
        self.out.write_event(Event::End(tag.to_end()))
    }

    fn before_end(&mut self, name: &str) -> Outcome {
        match name {
            "ServiceDescription" if self.description == Description::Open => {
                self.description = Description::Done;
                self.raw(&self.latency())
            }
            "MPD" if !self.live.utc_timing.is_empty() => {
                let scheme = "urn:mpeg:dash:utc:http-xsdate:2014";
                let url = escape(self.live.utc_timing.as_str());
                let text = format!("<UTCTiming schemeIdUri=\"{scheme}\" value=\"{url}\"/>\n");
                self.raw(&text)
            }
            _ => Ok(()),
        }
    }

    /// In front of the first Period, where the schema wants it.
    fn insert_description(&mut self) -> Outcome {
        if self.description != Description::Missing {
            return Ok(());
        }
        self.description = Description::Done;
        let latency = self.latency();
        let indent = self.indent.clone();
        self.raw(&format!("<ServiceDescription id=\"0\">{latency}</ServiceDescription>{indent}"))
    }

    fn latency(&self) -> String {
        let target = self.live.target_latency.as_millis();
        format!("<Latency target=\"{target}\"/><PlaybackRate min=\"0.96\" max=\"1.04\"/>")
    }
}

fn template(edit: &TemplateEdit) -> Vec<Change<'static>> {
    // It would end a loop.
    let mut changes = vec![("endNumber", None)];
    let mut set =
        |name, value: Option<String>| changes.extend(value.map(|value| (name, Some(value))));
    set("startNumber", edit.start_number.map(|number| number.to_string()));
    let offset = edit.presentation_time_offset;
    set("presentationTimeOffset", offset.map(|offset| offset.to_string()));
    set("duration", edit.duration.map(|(ticks, _)| ticks.to_string()));
    set("timescale", edit.duration.map(|(_, timescale)| timescale.to_string()));
    let early = edit.availability_time_offset.map(|early| early.as_millis());
    set("availabilityTimeOffset", early.map(|ms| format!("{}.{:03}", ms / 1000, ms % 1000)));
    set("availabilityTimeComplete", early.map(|_| "false".to_string()));
    changes
}

/// A SegmentTimeline, with equal neighbours told by `@r`.
fn timeline(name: &str, entries: &[Entry]) -> String {
    let mut text = format!("<{name}>");
    let prefix = name.strip_suffix("SegmentTimeline").unwrap_or_default();
    let follows = |a: &Entry, b: &Entry| a.time + a.duration == b.time && a.duration == b.duration;
    for run in entries.chunk_by(follows) {
        let Entry { time, duration } = run[0];
        let repeat = run.len() - 1;
        text += &format!("<{prefix}S t=\"{time}\" d=\"{duration}\" r=\"{repeat}\"/>");
    }
    text + &format!("</{name}>")
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
