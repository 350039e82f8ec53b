//! The columns of the two files, and how a request and a visit fill them (RFC 4180).
//!
//! Times of the day are RFC 3339 with milliseconds, UTC; all others are seconds with three
//! decimals. What is not known is empty.

use super::{
    cmcd::{KEYS, visible},
    table::Row,
    visit::Sums,
};
use std::{borrow::Cow, net::IpAddr, time::Duration};

/// The columns of a request, before those of CMCD.
const OF_ROWS: [&str; 18] = [
    "time",
    "address",
    "user_agent",
    "session",
    "stream",
    "representation",
    "segment",
    "status",
    "end",
    "bytes",
    "sent_kbps",
    "took_s",
    "held_s",
    "interval_s",
    "jitter_s",
    "age_s",
    "late",
    "clients",
];

/// The columns of a visit.
const OF_VISITS: [&str; 15] = [
    "first",
    "last",
    "address",
    "user_agent",
    "session",
    "stream",
    "segments",
    "bytes",
    "mean_interval_s",
    "jitter_s",
    "late",
    "broken",
    "starved",
    "least_buffer_ms",
    "seconds",
];

/// The key of which the session's column is made.
const SESSION: &str = "sid";

/// Lines that are gathered, to be written at once.
pub(super) struct Lines(csv::Writer<Vec<u8>>);

impl Lines {
    pub(super) fn new() -> Self {
        Self(csv::Writer::from_writer(Vec::new()))
    }

    /// Adds a line. Fields of text never begin like a formula of a spreadsheet.
    fn add<'a>(&mut self, fields: impl IntoIterator<Item = Cow<'a, str>>) {
        // Writing to memory does not fail, nor is a line longer than the others.
        let _ = self.0.write_record(fields.into_iter().map(Cow::into_owned));
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0.into_inner().unwrap_or_default()
    }
}

/// The first line of the file of requests.
pub(super) fn head_of_rows() -> Vec<u8> {
    let known = KEYS.into_iter().filter(|key| *key != SESSION);
    let cmcd = known.chain(["other"]).map(|key| Cow::from(format!("cmcd_{key}")));
    let mut lines = Lines::new();
    lines.add(OF_ROWS.into_iter().map(Cow::from).chain(cmcd));
    lines.finish()
}

/// The first line of the file of visits.
pub(super) fn head_of_visits() -> Vec<u8> {
    let mut lines = Lines::new();
    lines.add(OF_VISITS.into_iter().map(Cow::from));
    lines.finish()
}

/// A request's line.
pub(super) fn row(lines: &mut Lines, row: &Row) {
    let Row { seen, segment, cmcd, .. } = row;
    let own: [Cow<'_, str>; 18] = [
        time(seen.at),
        address(seen.address),
        text(&seen.agent),
        text(cmcd.value(SESSION).unwrap_or_default()),
        text(&segment.stream),
        text(&segment.representation),
        text(&segment.name),
        seen.status.to_string().into(),
        seen.end.name().into(),
        seen.bytes.to_string().into(),
        number(seen.sent_kbps),
        seconds(Some(seen.took)),
        seconds(Some(seen.held)),
        seconds(row.interval),
        decimals(row.jitter_seconds),
        seconds(row.age),
        number(row.late),
        row.clients.to_string().into(),
    ];
    let known = KEYS.iter().filter(|key| **key != SESSION);
    let known = known.map(|key| text(cmcd.value(key).unwrap_or_default()));
    lines.add(own.into_iter().chain(known).chain([text(&cmcd.others)]));
}

/// A visit's line.
pub(super) fn visit(lines: &mut Lines, sums: &Sums) {
    let own: [Cow<'_, str>; 15] = [
        time(sums.first),
        time(sums.last),
        address(sums.address),
        text(&sums.agent),
        text(sums.session.as_deref().unwrap_or_default()),
        text(&sums.stream),
        sums.segments.to_string().into(),
        sums.bytes.to_string().into(),
        seconds(sums.mean_interval()),
        decimals(sums.jitter_seconds),
        sums.late.to_string().into(),
        sums.broken.to_string().into(),
        sums.starved.to_string().into(),
        number(sums.least_buffer_ms),
        seconds(sums.last.duration_since(sums.first).ok()),
    ];
    lines.add(own);
}

fn time(time: std::time::SystemTime) -> Cow<'static, str> {
    humantime::format_rfc3339_millis(time).to_string().into()
}

fn address(address: Option<IpAddr>) -> Cow<'static, str> {
    address.map(|address| address.to_canonical().to_string()).unwrap_or_default().into()
}

fn number(number: Option<u64>) -> Cow<'static, str> {
    number.map(|number| number.to_string()).unwrap_or_default().into()
}

fn seconds(time: Option<Duration>) -> Cow<'static, str> {
    decimals(time.map(|time| time.as_secs_f64()))
}

fn decimals(number: Option<f64>) -> Cow<'static, str> {
    number.map(|number| format!("{number:.3}")).unwrap_or_default().into()
}

/// A text that others chose: it stays on its line, and one that a spreadsheet would take for a formula gets an apostrophe
/// before it, as OWASP advises ("CSV injection").
fn text(text: &str) -> Cow<'_, str> {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    if !is_formula && !text.contains(char::is_control) {
        return text.into();
    }
    let before = if is_formula { "'" } else { "" };
    before.chars().chain(text.chars().map(visible)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stats_texts_are_no_formulas_and_are_quoted() {
        assert_eq!(text("=1+1"), "'=1+1");
        assert_eq!(text("@x"), "'@x");
        assert_eq!(text("Mozilla/5.0"), "Mozilla/5.0");
        assert_eq!((text("a\nb\u{85}"), text("\n=1")), ("a b ".into(), "' =1".into()));
        let mut lines = Lines::new();
        lines.add([Cow::from("a,b"), Cow::from("say \"x\""), Cow::from("two\nlines"), "".into()]);
        assert_eq!(lines.finish(), b"\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",\n");
    }

    #[test]
    fn stats_heads_name_each_column_once() {
        for head in [head_of_rows(), head_of_visits()] {
            let head = String::from_utf8(head).expect("text");
            let mut names: Vec<&str> = head.trim_end().split(',').collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count);
        }
    }
}
