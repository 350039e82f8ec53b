//! Text is compressed on request (RFC 9110, section 12.5.3), once for all who ask.

use super::conditional::joined;
use actix_web::http::header::{self, HeaderMap};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

use crate::live::Tag;

/// Shorter text does not get shorter, in bytes.
pub(super) const MIN_BYTES: usize = 256;

/// Longer text is sent as it is, in bytes: it would keep other requests waiting.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// Whether the client takes gzip.
pub(super) fn is_accepted(headers: &HeaderMap) -> bool {
    let Some(value) = joined(headers, header::ACCEPT_ENCODING) else { return false };
    let weight = |coding: &str| {
        value.split(',').find_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            let name = parts.next()?;
            if !name.eq_ignore_ascii_case(coding) {
                return None;
            }
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
            Some(weight.unwrap_or(1.0))
        })
    };
    weight("gzip").or_else(|| weight("x-gzip")).or_else(|| weight("*")).is_some_and(|q| q > 0.0)
}

/// The tag of the compressed form of what has this tag (section 8.8.3.3).
pub(super) fn tag(tag: &Tag) -> Tag {
    Tag(format!("{}-gzip\"", tag.0.trim_end_matches('"')).into())
}

/// Compresses; writing to memory does not fail.
pub(super) fn compress(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let compressed = encoder.write_all(bytes).and_then(|()| encoder.finish());
    compressed.unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn headers_gzip_on_request() {
        let accepted = |value| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            is_accepted(&headers)
        };
        assert!(accepted("gzip") && accepted("br;q=1.0, GZIP;q=0.5") && accepted("*"));
        assert!(!accepted("br") && !accepted("gzip;q=0") && !accepted("gzip;q=0, *"));
        assert!(!is_accepted(&HeaderMap::new()));
    }

    #[test]
    fn headers_gzip_has_a_tag_of_its_own() {
        assert_eq!(tag(&Tag("\"abc\"".into())), Tag("\"abc-gzip\"".into()));
    }
}
