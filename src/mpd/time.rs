//! Durations and dates as XML Schema writes them.

use std::time::{Duration, SystemTime};

/// A duration of that many nanoseconds; more than fit are as many as fit.
pub fn from_nanos(nanos: u128) -> Duration {
    let seconds = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
    Duration::new(seconds, u32::try_from(nanos % 1_000_000_000).unwrap_or(0))
}

/// Reads an `xs:duration` such as `PT1H2M3.5S`; years count 365 days, months 30. `None` if it is
/// none, or negative.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (date, time) = match text.trim().strip_prefix('P')?.split_once('T') {
        Some((date, time)) => (date, time),
        None => (text.trim().strip_prefix('P')?, ""),
    };
    let date = parse_fields(date, &[('Y', 31_536_000.0), ('M', 2_592_000.0), ('D', 86_400.0)])?;
    let time = parse_fields(time, &[('H', 3600.0), ('M', 60.0), ('S', 1.0)])?;
    let exact = Duration::try_from_secs_f64(date + time).ok()?;
    // Binary fractions err far below the microsecond.
    let micros = (exact.as_nanos() + 500) / 1000;
    Some(from_nanos(micros * 1000))
}

fn parse_fields(mut text: &str, units: &[(char, f64)]) -> Option<f64> {
    let mut seconds = 0.0;
    for (unit, factor) in units {
        if let Some((number, rest)) = text.split_once(*unit) {
            seconds += number.parse::<f64>().ok().filter(|n| *n >= 0.0)? * factor;
            text = rest;
        }
    }
    text.is_empty().then_some(seconds)
}

/// Reads an `xs:dateTime` in UTC; one without a zone is taken to be (ISO/IEC 23009-1, 5.3.1.2).
pub(super) fn parse_date_time(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    let text = text.strip_suffix("+00:00").or(text.strip_suffix('Z')).unwrap_or(text);
    humantime::parse_rfc3339(&format!("{text}Z")).ok()
}

/// An `xs:duration` in seconds, to the millisecond.
pub fn duration(duration: Duration) -> String {
    let text = format!("{:.3}", duration.as_secs_f64());
    format!("PT{}S", text.trim_end_matches('0').trim_end_matches('.'))
}

/// An `xs:dateTime` in UTC with milliseconds.
pub fn date_time(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn reads_durations() {
        assert_eq!(parse_duration("PT6.0S"), Some(Duration::from_secs(6)));
        assert_eq!(parse_duration("P1DT1H1M1.5S"), Some(Duration::from_millis(90_061_500)));
        assert_eq!(parse_duration("P1M"), Some(Duration::from_secs(2_592_000)));
        for bad in ["", "5", "PT", "PT5", "PT-5S", "PTxS", "PT1S2M", "P5S"] {
            let wanted = (bad == "PT").then_some(Duration::ZERO);
            assert_eq!(parse_duration(bad), wanted, "{bad}");
        }
    }

    #[test]
    fn reads_dates() {
        let wanted = Some(UNIX_EPOCH + Duration::from_millis(1500));
        for text in
            ["1970-01-01T00:00:01.5Z", "1970-01-01T00:00:01.500", "1970-01-01T00:00:01.5+00:00"]
        {
            assert_eq!(parse_date_time(text), wanted, "{text}");
        }
        assert_eq!(parse_date_time("yesterday"), None);
    }

    #[test]
    fn writes_durations_and_dates() {
        assert_eq!(duration(Duration::from_secs(2)), "PT2S");
        assert_eq!(duration(Duration::from_millis(10)), "PT0.01S");
        assert_eq!(date_time(UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(millis in 0..10_u64.pow(10)) {
            let time = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&duration(time)), Some(time));
        }

        #[test]
        fn never_panics(text: String) {
            let _ = parse_duration(&text);
        }
    }
}
