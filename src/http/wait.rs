//! How long a request asks to wait: `X-Wait-Timeout`, RFC 7240's `Prefer: wait`, or `?wait`.

use super::{conditional::joined, failure::Failure};
use actix_web::http::header::{HeaderMap, HeaderName};
use percent_encoding::percent_decode_str;
use std::time::Duration;

/// A request's wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// It does not say.
    None,
    /// By the header or the query.
    Wait(Duration),
    /// By `Prefer`, which is answered with `Preference-Applied`.
    Prefer(Duration),
}

const X_WAIT_TIMEOUT: HeaderName = HeaderName::from_static("x-wait-timeout");
const PREFER: HeaderName = HeaderName::from_static("prefer");

impl Wish {
    /// Reads it. The header wins over `Prefer`, which wins over the query.
    ///
    /// # Errors
    /// When the header is repeated or is no number; the others are ignored then.
    pub(super) fn parse(headers: &HeaderMap, query: Option<&str>) -> Result<Self, Failure> {
        let mut lines = headers.get_all(X_WAIT_TIMEOUT);
        match (lines.next(), lines.next()) {
            (Some(_), Some(_)) => Err(Failure::malformed("X-Wait-Timeout is given more than once")),
            (Some(line), None) => {
                line.to_str().ok().and_then(millis).map(Self::Wait).ok_or_else(|| {
                    let line = String::from_utf8_lossy(line.as_bytes()).into_owned();
                    Failure::malformed(format!(
                        "X-Wait-Timeout is {line:?}; it must be an integer of milliseconds"
                    ))
                })
            }
            (None, _) => Ok(preferred(headers)
                .map(Self::Prefer)
                .or_else(|| queried(query?).map(Self::Wait))
                .unwrap_or(Self::None)),
        }
    }

    /// How long, if it says so.
    pub(super) fn asked(self) -> Option<Duration> {
        match self {
            Self::None => None,
            Self::Wait(wait) | Self::Prefer(wait) => Some(wait),
        }
    }
}

/// What `X-Wait-Timeout` says, if it is a number.
pub(super) fn millis(text: &str) -> Option<Duration> {
    integer(text).map(Duration::from_millis)
}

/// An integer of 0 or more; one too large for any wait counts as the largest.
fn integer(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// The first `wait` among the preferences, in seconds (RFC 7240, sections 2 and 4.3).
fn preferred(headers: &HeaderMap) -> Option<Duration> {
    let value = joined(headers, PREFER)?;
    let preferences = value.split(',').filter_map(|preference| preference.split(';').next());
    let mut waits = preferences.filter_map(|preference| {
        let (name, value) = preference.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"').to_owned())
    });
    integer(&waits.next()?).map(Duration::from_secs)
}

/// What a query says, if it does.
pub(super) fn queried(query: &str) -> Option<Duration> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("wait="))?;
    millis(&percent_decode_str(value).decode_utf8().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn wish(lines: &[(&'static str, &'static str)], query: &str) -> Option<Wish> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        Wish::parse(&headers, Some(query)).ok()
    }

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn holding_by_header() {
        let header = |value| wish(&[("x-wait-timeout", value)], "");
        assert_eq!(header("2500"), Some(Wish::Wait(ms(2500))));
        assert_eq!(header("0"), Some(Wish::Wait(ms(0))));
        assert_eq!(header("99999999999999999999999"), Some(Wish::Wait(ms(u64::MAX))));
        for malformed in ["", "-1", "+1", "2.5", "1e3", "5s", "0x10", "1, 2"] {
            assert_eq!(header(malformed), None, "{malformed:?}");
        }
        assert_eq!(wish(&[("x-wait-timeout", "1"), ("x-wait-timeout", "1")], ""), None);
    }

    #[test]
    fn holding_by_preference() {
        let prefer = |value| wish(&[("prefer", value)], "");
        assert_eq!(prefer("wait=3"), Some(Wish::Prefer(ms(3000))));
        assert_eq!(prefer("respond-async, Wait = \"3\"; x=y"), Some(Wish::Prefer(ms(3000))));
        assert_eq!(prefer("wait=soon"), Some(Wish::None));
        assert_eq!(prefer("await=3"), Some(Wish::None));
    }

    #[test]
    fn holding_by_query() {
        assert_eq!(wish(&[], "a=b&wait=2500"), Some(Wish::Wait(ms(2500))));
        assert_eq!(wish(&[], "wait=%32%35"), Some(Wish::Wait(ms(25))));
        assert_eq!(wish(&[], "wait=-1"), Some(Wish::None));
        assert_eq!(wish(&[], "waiter=1"), Some(Wish::None));
    }

    #[test]
    fn holding_header_wins_over_preference_over_query() {
        let all = [("x-wait-timeout", "1"), ("prefer", "wait=2")];
        assert_eq!(wish(&all, "wait=3"), Some(Wish::Wait(ms(1))));
        assert_eq!(wish(&all[1..], "wait=3"), Some(Wish::Prefer(ms(2000))));
        let malformed = [("x-wait-timeout", "one"), ("prefer", "wait=2")];
        assert_eq!(wish(&malformed, "wait=3"), None);
    }
}
