//! Ranges (RFC 9110, section 14; RFC 8673 for those of growing files).

use std::ops::Range;

/// What a `Range` header asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// `bytes=N-`
    From(u64),
    /// `bytes=N-M`; M is the last byte.
    Between(u64, u64),
    /// `bytes=-N`
    Last(u64),
}

/// What of a finished file is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// A 206 with these bytes.
    Some(Range<u64>),
    /// A 416.
    None,
}

/// A last byte of this number and more means "as long as it grows" (RFC 8673, section 2.2 has
/// clients use 2^53 − 1; some use less).
const OPEN_END: u64 = 100_000_000_000;

impl Asked {
    /// Reads a header's value. `None` for what is to be ignored: other units, several ranges,
    /// and what is malformed.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let (unit, ranges) = value.trim().split_once('=')?;
        let (first, last) = ranges.trim().split_once('-')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        match (number(first), number(last)) {
            (Some(first), _) if last.is_empty() => Some(Self::From(first)),
            (_, Some(last)) if first.is_empty() => Some(Self::Last(last)),
            (Some(first), Some(last)) if first <= last => Some(Self::Between(first, last)),
            _ => None,
        }
    }

    /// What is sent of a finished file of this length.
    pub(super) fn of(self, length: u64) -> Part {
        let range = match self {
            Self::From(first) => first..length,
            Self::Between(first, last) => first..length.min(last.saturating_add(1)),
            Self::Last(0) => return Part::None,
            Self::Last(bytes) => length.saturating_sub(bytes)..length,
        };
        if range.start < range.end { Part::Some(range) } else { Part::None }
    }

    /// Whether the end is meant to be wherever the file ends, however long it grows.
    pub(super) fn is_open(self) -> bool {
        matches!(self, Self::Between(_, last) if last >= OPEN_END)
    }
}

/// Digits only; numbers beyond all files' lengths count as the largest.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part(header: &str, length: u64) -> Option<(u64, u64)> {
        match Asked::parse(header)?.of(length) {
            Part::Some(range) => Some((range.start, range.end)),
            Part::None => Some((0, 0)),
        }
    }

    #[test]
    fn finished_single_ranges() {
        assert_eq!(part("bytes=0-499", 1000), Some((0, 500)));
        assert_eq!(part("bytes=500-", 1000), Some((500, 1000)));
        assert_eq!(part("bytes=-500", 1000), Some((500, 1000)));
        assert_eq!(part("BYTES=999-99999", 1000), Some((999, 1000)));
        assert_eq!(part("bytes=-500", 300), Some((0, 300)), "the whole, RFC 9110 section 14.1.2");
        assert_eq!(part("bytes=0-99999999999999999999999", 10), Some((0, 10)));
    }

    #[test]
    fn finished_ranges_that_cannot_be_satisfied() {
        for header in ["bytes=1000-", "bytes=1000-2000", "bytes=-0"] {
            assert_eq!(part(header, 1000), Some((0, 0)), "{header}");
        }
        assert_eq!(part("bytes=0-", 0), Some((0, 0)));
    }

    #[test]
    fn finished_ranges_that_are_ignored() {
        for header in [
            "bytes=0-1,3-4",
            "lines=0-1",
            "bytes=5-2",
            "bytes=-",
            "bytes=a-b",
            "bytes=+1-2",
            "0-1",
            "",
        ] {
            assert_eq!(part(header, 1000), None, "{header}");
        }
    }

    #[test]
    fn growing_open_ranges_of_rfc_8673() {
        let is_open = |header| Asked::parse(header).is_some_and(Asked::is_open);
        assert!(is_open("bytes=0-9007199254740991"));
        assert!(is_open("bytes=5-100000000000"));
        assert!(!is_open("bytes=5-99999999999"));
        assert!(!is_open("bytes=5-"));
    }

    proptest! {
        #[test]
        fn finished_parts_lie_inside(header in "bytes=[0-9]{0,4}-[0-9]{0,4}", length in 0u64..3000) {
            if let Some(Part::Some(range)) = Asked::parse(&header).map(|asked| asked.of(length)) {
                prop_assert!(range.start < range.end && range.end <= length);
            }
        }

        #[test]
        fn headers_never_panic(header in "\\PC{0,20}") {
            let _ = Asked::parse(&header);
        }
    }
}
