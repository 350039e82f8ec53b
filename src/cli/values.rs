//! Values that options share.

use std::time::Duration;

/// More is a mistake, and more than the system's clock can count.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A span of time: `5s`, `200ms`, `1m 30s`, or a plain number of seconds such as `2.5`.
///
/// # Errors
/// With one line that says what is taken.
pub fn duration(text: &str) -> Result<Duration, String> {
    let span = match text.trim().parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => humantime::parse_duration(text.trim()).ok(),
    };
    let refuse = || format!("{text} is no span of time such as 2.5, 5s or 200ms, up to a year");
    span.filter(|span| *span <= LONGEST).ok_or_else(refuse)
}

/// A number of bytes: `256MiB`, `1GB`, or a plain number.
///
/// # Errors
/// With one line that says what is taken.
pub fn size(text: &str) -> Result<u64, String> {
    let size = text.trim().parse::<bytesize::ByteSize>().map(|size| size.as_u64());
    size.map_err(|_| format!("{text} is no number of bytes such as 64KiB, 256MiB or 2GB"))
}

/// The URL under which clients reach a server, without a slash at its end.
///
/// # Errors
/// With one line that says what is taken.
pub fn public_url(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('/');
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '"' | '<' | '>');
    let fits = host.is_some_and(|host| {
        host.chars().all(is_plain) && !host.starts_with('/') && !host.is_empty()
    });
    let refuse = || format!("{text} is no URL such as https://example.com or https://host/prefix");
    fits.then(|| text.to_owned()).ok_or_else(refuse)
}

/// A finite number above 0.
///
/// # Errors
/// With one line that says what is taken.
pub fn positive(text: &str) -> Result<f64, String> {
    let number = text.trim().parse::<f64>().ok();
    let fits = number.filter(|number| number.is_finite() && *number > 0.0);
    fits.ok_or_else(|| format!("{text} is no number above 0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_spans_of_time() {
        assert_eq!(duration("2.5"), Ok(Duration::from_millis(2500)));
        assert_eq!(duration("200ms"), Ok(Duration::from_millis(200)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        for bad in ["", "-1", "nan", "inf", "5 parsecs", "1e30"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn reads_sizes() {
        assert_eq!(size("256MiB"), Ok(256 << 20));
        assert_eq!(size("0"), Ok(0));
        assert!(size("much").is_err() && size("-1").is_err());
    }

    #[test]
    fn reads_public_urls() {
        assert_eq!(public_url("https://h/p/"), Ok("https://h/p".to_owned()));
        assert_eq!(public_url("http://h:80"), Ok("http://h:80".to_owned()));
        for bad in ["", "h/p", "ftp://h", "https://", "https:///p", "https://h?x", "https://h h"] {
            assert!(public_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn reads_positive_numbers() {
        assert_eq!(positive("0.5"), Ok(0.5));
        for bad in ["0", "-1", "nan", "inf", "x"] {
            assert!(positive(bad).is_err(), "{bad}");
        }
    }
}
