//! Credentials in URLs: seen by nobody but the encoder.

use std::borrow::Cow;

/// What stands instead.
const MASK: &str = "***";

/// A URL's user and password, between `://` and the `@` that ends them.
fn credentials(text: &str) -> Option<std::ops::Range<usize>> {
    let start = text.find("://")? + "://".len();
    let authority = text[start..].find(['/', '?', '#', ' ', '\'', '"', '\n']);
    let end = authority.map_or(text.len(), |end| start + end);
    // A password may hold an @ that nobody has encoded.
    let at = text[start..end].rfind('@')?;
    Some(start..start + at)
}

/// Whether a URL has any.
pub(super) fn is_in(url: &str) -> bool {
    credentials(url).is_some()
}

/// A text without the credentials of the URLs in it, and without those of `input`, which a program
/// may tell apart from its URL or decoded.
pub(super) fn masked<'a>(text: &'a str, input: Option<&str>) -> Cow<'a, str> {
    let mut masked = Cow::Borrowed(text);
    let mut from = 0;
    while let Some(range) = credentials(&masked[from..]) {
        let range = from + range.start..from + range.end;
        from = range.start + MASK.len();
        masked.to_mut().replace_range(range, MASK);
    }
    for secret in input.into_iter().flat_map(secrets) {
        if masked.contains(&secret) {
            masked = Cow::Owned(masked.replace(&secret, MASK));
        }
    }
    masked
}

/// What must not be told of an input: the longest first.
fn secrets(input: &str) -> Vec<String> {
    /// Shorter ones would mask half of every sentence.
    const LEAST: usize = 4;
    let Some(range) = credentials(input) else { return Vec::new() };
    let pair = &input[range];
    let password = pair.split_once(':').map_or("", |(_, password)| password);
    let decoded =
        |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into();
    let mut all: Vec<String> =
        vec![pair.to_owned(), decoded(pair), password.to_owned(), decoded(password)];
    all.retain(|secret| secret.len() >= LEAST);
    all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn streams_credentials_are_masked_wherever_they_stand() {
        let url = "rtsp://user:pa%40ss@camera:554/1?x=a@b";
        assert!(is_in(url) && !is_in("rtsp://camera/1?x=a@b") && !is_in("/a@b"));
        let masked = |text: &str| masked(text, Some(url)).into_owned();
        assert_eq!(masked(url), "rtsp://***@camera:554/1?x=a@b");
        assert_eq!(masked("two: http://a:b@c/ http://d:e@f"), "two: http://***@c/ http://***@f");
        assert_eq!(masked("wrong password 'pa@ss' or pa%40ss"), "wrong password '***' or ***");
        assert_eq!(masked("user:pa%40ss"), "***");
        assert_eq!(masked("nothing of the kind"), "nothing of the kind");
        assert_eq!(masked("rtsp://u:p@q@h/"), "rtsp://***@h/");
    }

    proptest! {
        #[test]
        fn streams_no_credential_is_left(
            before in "[ -~]{0,9}", user in "[a-z]{1,5}", word in "[a-zA-Z0-9%:@!]{6,12}", after in "[ -~]{0,9}",
        ) {
            let url = format!("rtsp://{user}:{word}@h/x");
            let text = format!("{before} {url} {after}");
            let text = masked(&text, Some(&url)).into_owned();
            prop_assert!(!text.contains(&word), "{text}");
        }
    }
}
