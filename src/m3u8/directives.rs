//! Delivery directives: what a client asks of a playlist, and whether it is served, waits, or is
//! refused (draft-pantos-hls-rfc8216bis, section 6.2.5).

use super::live::Edge;
use std::{fmt, time::Duration};

/// What a request's query asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Directives {
    /// `_HLS_msn`, and with it `_HLS_part`.
    wanted: Option<(u64, Option<u64>)>,
    /// `_HLS_skip=YES` or `v2`.
    skips: bool,
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
pub enum Decision {
    /// It is answered.
    Serve,
    /// It waits for the next change.
    Wait,
    /// It is answered with status 400.
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

    /// Whether a delta update is asked for.
    pub fn skips(&self) -> bool {
        self.skips
    }

    /// What becomes of it while the playlist ends there.
    pub fn decide(&self, edge: &Edge) -> Decision {
        match self.wanted {
            Some((msn, part)) if !edge.has(msn, part) => {
                edge.too_far(msn, part).map_or(Decision::Wait, Decision::Refuse)
            }
            _ => Decision::Serve,
        }
    }
}

fn integer(value: &str, reason: &'static str) -> Result<u64, Malformed> {
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { value.parse().map_err(|_| Malformed(reason)) } else { Err(Malformed(reason)) }
}

impl Edge {
    /// Whether the playlist has a segment, or a part of it, or what comes later. A part beyond the
    /// last of a complete segment is the first of the next.
    fn has(&self, msn: u64, part: Option<u64>) -> bool {
        let is_complete = msn < self.next;
        let is_last = msn.checked_add(1) == Some(self.next);
        match part {
            None => is_complete,
            Some(part) if is_last => part < self.last_parts.max(1) || self.open_parts > 0,
            Some(part) => is_complete || (msn == self.next && part < self.open_parts),
        }
    }

    /// More than two segments ahead, or beyond the advance part limit. The segment that is open
    /// counts as the last one: clients are a little ahead now and then.
    fn too_far(&self, msn: u64, part: Option<u64>) -> Option<Malformed> {
        let is_open = self.open_parts > 0;
        if msn > self.next.saturating_add(1 + u64::from(is_open)) {
            return Some(Malformed("_HLS_msn is more than two segments ahead"));
        }
        let base = if msn == self.next { self.open_parts } else { 0 };
        let limit = match self.part_target? {
            short if short < Duration::from_secs(1) => {
                Duration::from_secs(3).as_nanos().div_ceil(short.as_nanos().max(1))
            }
            _ => 3,
        };
        let is_beyond = part.is_some_and(|part| u128::from(part.saturating_sub(base)) > limit);
        // Of a complete segment it is the first part of the next.
        (is_beyond && msn >= self.next)
            .then_some(Malformed("_HLS_part is beyond the advance part limit"))
    }
}

#[cfg(test)]
#[path = "directives_tests.rs"]
mod tests;
