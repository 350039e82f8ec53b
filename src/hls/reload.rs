//! Delivery directives: what a client asks of a playlist, and whether it is served, waits, or is
//! refused (draft-pantos-hls-rfc8216bis, section 6.2.5).

use super::timeline::{Choice, Timeline};
use std::{fmt, time::Duration};

/// What a request's query asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Directives {
    /// `_HLS_msn`, and with it `_HLS_part`.
    pub(super) wanted: Option<(u64, Option<u64>)>,
    /// `_HLS_skip=YES` or `v2`.
    pub(super) skips: bool,
}

/// A directive that makes no sense (status 400); the text says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Malformed {}

/// What becomes of a request for a playlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Serve,
    Wait,
    Refuse(Malformed),
}

impl Directives {
    /// Reads a query. What is no directive, or one that is not known, is ignored.
    ///
    /// # Errors
    /// When a number is none, or `_HLS_part` stands alone.
    pub fn parse(query: &str) -> Result<Self, Malformed> {
        let (mut msn, mut part, mut skips) = (None, None, false);
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                "_HLS_msn" => msn = Some(integer(value, "_HLS_msn is no integer")?),
                "_HLS_part" => part = Some(integer(value, "_HLS_part is no integer")?),
                "_HLS_skip" => skips = matches!(value, "YES" | "v2"),
                _ => {}
            }
        }
        match (msn, part) {
            (None, Some(_)) => Err(Malformed("_HLS_part without _HLS_msn")),
            (msn, part) => Ok(Self { wanted: msn.map(|msn| (msn, part)), skips }),
        }
    }

    /// Whether it is a blocking reload, whose answer may be cached for long.
    pub fn is_blocking(&self) -> bool {
        self.wanted.is_some()
    }

    /// What becomes of it now.
    pub(super) fn decide(&self, timeline: &Timeline) -> Decision {
        if timeline.is_ended {
            return Decision::Serve;
        }
        if !timeline.is_ready() {
            return Decision::Wait;
        }
        match self.wanted {
            Some((msn, part)) if !timeline.has(msn, part) => match too_far(timeline, msn, part) {
                Some(reason) => Decision::Refuse(reason),
                None => Decision::Wait,
            },
            _ => Decision::Serve,
        }
    }
}

fn integer(value: &str, reason: &'static str) -> Result<u64, Malformed> {
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { value.parse().map_err(|_| Malformed(reason)) } else { Err(Malformed(reason)) }
}

/// More than two segments ahead, or beyond the advance part limit. The segment that is open counts
/// as the last one: clients are a little ahead now and then.
fn too_far(timeline: &Timeline, msn: u64, part: Option<u64>) -> Option<Malformed> {
    let last = timeline.last()?;
    if msn > last.msn.saturating_add(2) {
        return Some(Malformed("_HLS_msn is more than two segments ahead"));
    }
    let Choice::Parts(parts) = timeline.choice() else { return None };
    let base = if msn == last.msn { last.parts.len() as u64 } else { 0 };
    let limit = match parts.target {
        short if short < Duration::from_secs(1) => {
            Duration::from_secs(3).as_nanos().div_ceil(short.as_nanos().max(1))
        }
        _ => 3,
    };
    let is_beyond = part.is_some_and(|part| u128::from(part.saturating_sub(base)) > limit);
    // Of a complete segment it is the first part of the next.
    let is_open = msn > last.msn || last.state == super::segment::State::Open;
    (is_beyond && is_open).then_some(Malformed("_HLS_part is beyond the advance part limit"))
}

#[cfg(test)]
#[path = "reload_tests.rs"]
mod tests;
