//! Preconditions, in the order of RFC 9110, section 13.2.2.

use crate::live::Tag;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a file is compared with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
    if_unmodified_since: Option<SystemTime>,
    if_modified_since: Option<SystemTime>,
    if_range: Option<IfRange>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    Any,
    Listed(Vec<EntityTag>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct EntityTag {
    weak: bool,
    /// With its quotes.
    opaque: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum IfRange {
    Tag(EntityTag),
    Date(SystemTime),
    Malformed,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// 412
    Failed,
    /// 304
    NotModified,
    /// Go on; a range holds only when this says so.
    Proceed { ranges: bool },
}

impl Conditions {
    pub(super) fn parse(headers: &HeaderMap) -> Self {
        let date = |name| parse_date(&joined(headers, name)?);
        Self {
            if_match: tags(headers, header::IF_MATCH),
            if_none_match: tags(headers, header::IF_NONE_MATCH),
            if_unmodified_since: date(header::IF_UNMODIFIED_SINCE),
            if_modified_since: date(header::IF_MODIFIED_SINCE),
            if_range: joined(headers, header::IF_RANGE).map(|value| if_range(&value)),
        }
    }

    /// Judges a file with this tag and time; a growing one has neither.
    pub(super) fn judge(&self, tag: Option<&Tag>, modified: Option<SystemTime>) -> Outcome {
        let modified = modified.map(whole_second);
        let is_failed = match (&self.if_match, self.if_unmodified_since.zip(modified)) {
            (Some(Tags::Any), _) => false,
            (Some(Tags::Listed(tags)), _) => !tags.iter().any(|listed| listed.is_strongly(tag)),
            (None, Some((since, modified))) => modified > since,
            (None, None) => false,
        };
        if is_failed {
            return Outcome::Failed;
        }
        let is_known = match (&self.if_none_match, self.if_modified_since.zip(modified)) {
            (Some(Tags::Any), _) => true,
            (Some(Tags::Listed(tags)), _) => tags.iter().any(|listed| listed.is_weakly(tag)),
            (None, Some((since, modified))) => modified <= since,
            (None, None) => false,
        };
        if is_known {
            return Outcome::NotModified;
        }
        Outcome::Proceed { ranges: self.range_holds(tag, modified) }
    }

    /// Whether a write says what must stand where it goes, or must not.
    pub(super) fn concern_writes(&self) -> bool {
        self.if_match.is_some()
            || self.if_none_match.is_some()
            || self.if_unmodified_since.is_some()
    }

    /// Whether a write may go on over a file with this tag and time, or over none at all
    /// (sections 13.1.1, 13.1.2 and 13.1.4).
    pub(super) fn let_write(&self, over: Option<(Option<&Tag>, Option<SystemTime>)>) -> bool {
        let Some((tag, modified)) = over else { return self.if_match.is_none() };
        // If-Modified-Since is for GET and HEAD (section 13.1.3).
        let of_writes = Self { if_modified_since: None, ..self.clone() };
        matches!(of_writes.judge(tag, modified), Outcome::Proceed { .. })
    }

    fn range_holds(&self, tag: Option<&Tag>, modified: Option<SystemTime>) -> bool {
        match &self.if_range {
            None => true,
            Some(IfRange::Tag(listed)) => listed.is_strongly(tag),
            // A date is as good as a strong validator only when it is exact (section 13.1.5).
            Some(IfRange::Date(date)) => modified == Some(*date),
            Some(IfRange::Malformed) => false,
        }
    }

    /// Whether the client names the copies that it has: what it waits for is another one.
    pub(super) fn names_copies(&self) -> bool {
        matches!(self.if_none_match, Some(Tags::Listed(_)))
    }

    /// Whether a range depends on which copy the client has.
    pub(super) fn has_if_range(&self) -> bool {
        self.if_range.is_some()
    }
}

impl EntityTag {
    fn is_strongly(&self, tag: Option<&Tag>) -> bool {
        !self.weak && self.is_weakly(tag)
    }

    fn is_weakly(&self, tag: Option<&Tag>) -> bool {
        tag.is_some_and(|tag| *tag.0 == *self.opaque)
    }
}

/// A header's value; several lines are one list (section 5.3).
pub(super) fn joined(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let lines: Vec<&str> = headers.get_all(name).filter_map(|value| value.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

fn tags(headers: &HeaderMap, name: HeaderName) -> Option<Tags> {
    let value = joined(headers, name)?;
    let mut rest = value.trim();
    if rest == "*" {
        return Some(Tags::Any);
    }
    let mut listed = Vec::new();
    while let Some((tag, behind)) = next_tag(rest) {
        listed.push(tag);
        rest = behind.trim_start_matches([',', ' ', '\t']);
    }
    Some(Tags::Listed(listed))
}

/// The entity tag at the start of a text, and what follows it; a comma may stand inside quotes.
fn next_tag(text: &str) -> Option<(EntityTag, &str)> {
    let (weak, text) = text.strip_prefix("W/").map_or((false, text), |text| (true, text));
    let inside = text.strip_prefix('"')?;
    let end = inside.find('"')? + 2;
    let (opaque, behind) = text.split_at(end);
    Some((EntityTag { weak, opaque: opaque.to_owned() }, behind))
}

fn if_range(value: &str) -> IfRange {
    match (next_tag(value.trim()), parse_date(value)) {
        (Some((tag, "")), _) => IfRange::Tag(tag),
        (None, Some(date)) => IfRange::Date(date),
        _ => IfRange::Malformed,
    }
}

fn parse_date(value: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(value.trim()).ok()
}

/// A time as an HTTP date tells it.
fn whole_second(time: SystemTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(crate::clock::since_epoch(time).as_secs())
}

#[cfg(test)]
#[path = "conditional_tests.rs"]
mod tests;
