//! Values that both programs' options take.

use std::{str::FromStr, time::Duration};

/// A duration: `5s`, `200ms`, `1m 30s`, or a plain number of seconds, fractions allowed.
///
/// # Errors
/// With one line that says what is taken.
pub fn duration(text: &str) -> Result<Duration, String> {
    let seconds = f64::from_str(text).ok().map(Duration::try_from_secs_f64);
    match seconds {
        Some(Ok(duration)) => Ok(duration),
        Some(Err(_)) => Err("it must be 0 or more, and less than an age".to_owned()),
        None => humantime::parse_duration(text)
            .map_err(|_| "it must be a number of seconds, or like 200ms, 5s, 2m".to_owned()),
    }
}

/// A number of bytes: `256MiB`, `1GB`, or a plain number.
///
/// # Errors
/// With one line that says what is taken.
pub fn size(text: &str) -> Result<u64, String> {
    text.parse::<bytesize::ByteSize>()
        .map(|size| size.as_u64())
        .map_err(|_| "it must be a number of bytes, or like 64KiB, 256MiB, 2GB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("5"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("0.2"), Ok(Duration::from_millis(200)));
        assert_eq!(duration("200ms"), Ok(Duration::from_millis(200)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        for malformed in ["", "-1", "soon", "inf", "NaN", "1e30"] {
            assert!(duration(malformed).is_err(), "{malformed}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(size("256MiB"), Ok(256 << 20));
        assert_eq!(size("0"), Ok(0));
        assert!(size("much").is_err() && size("-1").is_err());
    }
}
