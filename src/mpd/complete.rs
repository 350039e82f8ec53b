//! Adding to a dynamic MPD what players need and a packager left out. Pieces of text are put in;
//! every other byte stays as it is.

use super::{
    Error,
    model::{Kind, Mpd},
    read,
    tree::{self, Node},
};
use quick_xml::escape::escape;
use std::{collections::BTreeMap, ops::Range, time::Duration};

/// The scheme of UTCTiming that is inserted (ISO/IEC 23009-1, 5.8.5.7).
const XSDATE: &str = "urn:mpeg:dash:utc:http-xsdate:2014";

/// What is added to a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Additions {
    /// Where players ask for the time.
    pub clock: Option<Clock>,
    /// `@availabilityTimeOffset` of the SegmentTemplate [that stands there](super::Template::at),
    /// unless it has one; segments are then said to be incomplete when they appear.
    pub offsets: BTreeMap<usize, Option<Duration>>,
    /// The latency that players aim at, unless the manifest tells one.
    pub latency: Option<Duration>,
}

/// A UTCTiming element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// Its value.
    pub url: String,
    /// Whether those that are there go, but for those with this value.
    pub replaces: bool,
}

/// A manifest that was read, with its text.
#[derive(Debug)]
pub struct Document<'a> {
    /// A byte order mark that stands in front, or nothing.
    mark: &'a str,
    text: &'a str,
    root: Node,
}

/// A piece of text that takes the place of another.
type Splice = (Range<usize>, String);

impl<'a> Document<'a> {
    /// Reads it.
    ///
    /// # Errors
    /// When it is no XML, or no MPD.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        let (mark, text) = text.split_at(if text.starts_with('\u{feff}') { 3 } else { 0 });
        let root = tree::parse(text)?;
        match &*root.name {
            "MPD" => Ok(Self { mark, text, root }),
            name => Err(Error::Invalid(format!("its root element is {name}, not MPD"))),
        }
    }

    /// Whether segments appear with time.
    pub fn is_dynamic(&self) -> bool {
        read::kind(&self.root) == Kind::Dynamic
    }

    /// Its BaseURLs: what is relative in it is relative to the first of them.
    pub fn base_urls(&self) -> impl Iterator<Item = &str> {
        self.elements("BaseURL").map(|node| node.text.trim())
    }

    /// What a segmenter needs to know of it, but for the segments that it lists one by one: they
    /// are left out, so that it stays small whatever a manifest says.
    ///
    /// # Errors
    /// When it has none of the shapes that are known.
    pub fn model(&self) -> Result<Mpd, Error> {
        read::of_tree(&self.root, read::Segments::Left)
    }

    /// The text with these additions. What is there already is not added.
    pub fn complete(&self, additions: &Additions) -> String {
        let mut splices: Vec<Splice> = Vec::new();
        if let Some(latency) = additions.latency {
            splices.extend(self.describe(latency));
        }
        for (at, offset) in &additions.offsets {
            splices.extend(self.offset(*at, *offset));
        }
        if let Some(clock) = &additions.clock {
            self.time(clock, &mut splices);
        }
        splices.sort_by_key(|(range, _)| (range.start, range.end));
        let mut text = self.text.to_owned();
        for (range, new) in splices.into_iter().rev() {
            text.replace_range(range, &new);
        }
        text.insert_str(0, self.mark);
        text
    }

    /// The root's children of that name and of its namespace, as far as the prefix tells.
    fn elements<'n>(&'n self, name: &'n str) -> impl DoubleEndedIterator<Item = &'n Node> {
        self.root.children.iter().filter(move |node| node.name == name && self.is_ours(node))
    }

    fn is_ours(&self, node: &Node) -> bool {
        prefix(&self.text[node.tag.clone()]) == self.prefix()
    }

    /// The root's namespace prefix, with its colon.
    fn prefix(&self) -> &str {
        prefix(&self.text[self.root.tag.clone()])
    }

    /// UTCTiming stands behind Periods, Metrics and properties, and before what else comes
    /// (5.3.1.3); a new one takes the place of the first that goes.
    fn time(&self, clock: &Clock, splices: &mut Vec<Splice>) {
        let is_this = |node: &Node| node.attribute("value").is_some_and(|url| url == clock.url);
        let (these, others): (Vec<_>, Vec<_>) =
            self.elements("UTCTiming").partition(|node| is_this(node));
        if !these.is_empty() || !others.is_empty() && !clock.replaces {
            if clock.replaces {
                splices.extend(others.iter().map(|node| self.removal(node)));
            }
            return;
        }
        let prefix = self.prefix();
        let url = escape(clock.url.as_str());
        let element = format!("<{prefix}UTCTiming schemeIdUri=\"{XSDATE}\" value=\"{url}\"/>");
        if let Some((first, rest)) = others.split_first() {
            splices.push((first.tag.start..first.end, element));
            splices.extend(rest.iter().map(|node| self.removal(node)));
            return;
        }
        let before = ["Period", "Metrics", "EssentialProperty", "SupplementalProperty"];
        let last = before.iter().flat_map(|name| self.elements(name)).map(|node| node.end).max();
        let indent = self.elements("Period").next().map_or("", |node| self.indent(node));
        // Without a Period there is nothing to play.
        splices.extend(last.map(|at| (at..at, format!("{indent}{element}"))));
    }

    /// ServiceDescription stands before these (5.3.1.3). One that is there without a Latency, as
    /// ffmpeg writes it, gets it behind its Scope (annex K.4.2).
    fn describe(&self, latency: Duration) -> Option<Splice> {
        let prefix = self.prefix();
        let target = latency.as_millis();
        let told = format!("<{prefix}Latency target=\"{target}\"/>");
        let rate = format!("<{prefix}PlaybackRate min=\"0.96\" max=\"1.04\"/>");
        let all: Vec<_> = self.elements("ServiceDescription").collect();
        if all.iter().any(|node| node.child("Latency").is_some()) {
            return None;
        }
        let Some(there) = all.first() else {
            let names = [
                "InitializationSet",
                "InitializationGroup",
                "InitializationPresentation",
                "ContentProtection",
                "Period",
            ];
            let next = names.iter().flat_map(|name| self.elements(name));
            let next = next.min_by_key(|node| node.tag.start)?;
            let (at, indent) = (next.tag.start, self.indent(next));
            let name = format!("{prefix}ServiceDescription");
            return Some((at..at, format!("<{name} id=\"0\">{told}{rate}</{name}>{indent}")));
        };
        let has_rate = all.iter().any(|node| node.child("PlaybackRate").is_some());
        let inside = if has_rate { told } else { told + &rate };
        if there.tag.end == there.end {
            // An empty tag is opened for what it gets.
            let tag = self.text[there.tag.clone()].strip_suffix("/>")?;
            let text = format!("{}>{inside}</{prefix}ServiceDescription>", tag.trim_end());
            return Some((there.tag.clone(), text));
        }
        let at = there.all("Scope").last().map_or(there.tag.end, |scope| scope.end);
        Some((at..at, inside))
    }

    /// Attributes at the end of a start tag.
    fn offset(&self, at: usize, offset: Option<Duration>) -> Option<Splice> {
        let rest = &self.text[at..];
        let length = tag_length(rest)?;
        let end = rest[..length].strip_suffix('>')?;
        let end = end.strip_suffix('/').unwrap_or(end).trim_end();
        let seconds = |millis: u128| format!("{}.{:03}", millis / 1000, millis % 1000);
        let offset = offset.map(|offset| seconds(offset.as_millis()));
        let offset = offset.map(|seconds| format!(" availabilityTimeOffset=\"{seconds}\""));
        let text = offset.unwrap_or_default() + " availabilityTimeComplete=\"false\"";
        let at = at + end.len();
        Some((at..at, text))
    }

    /// An element goes, with the white space before it.
    fn removal(&self, node: &Node) -> Splice {
        (node.tag.start - self.indent(node).len()..node.end, String::new())
    }

    /// The white space before an element.
    fn indent(&self, node: &Node) -> &str {
        let before = &self.text[..node.tag.start];
        &before[before.trim_end().len()..]
    }
}

/// The namespace prefix of a start tag, with its colon.
fn prefix(tag: &str) -> &str {
    let tag = tag.strip_prefix('<').unwrap_or(tag);
    let name = &tag[..tag.find([' ', '\t', '\r', '\n', '/', '>']).unwrap_or(tag.len())];
    name.find(':').map_or("", |colon| &name[..=colon])
}

/// The length of the tag that a text begins with: `>` may stand in an attribute's value.
fn tag_length(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (None, '>') => return Some(at + 1),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
#[path = "complete_tests.rs"]
mod tests;
