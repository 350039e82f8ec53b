//! `/ldash/streams/{key}/quality`: GET tells a stream's qualities and which one is forced; PUT forces
//! one, DELETE lifts it (see `ingest`, whose credential they need).

use super::{Site, failure::Failure, routes};
use crate::{
    encoder::{NoSwitch, bits_of, switching::Standing},
    live::Target,
};
use actix_web::HttpResponse;
use serde::Serialize;

/// The methods that are known there.
pub(super) const METHODS: &str = "GET, HEAD, OPTIONS, PUT, DELETE";

/// A longer body names no quality, in bytes.
pub(super) const MAX_BODY_BYTES: usize = 64;

/// The stream that a URL's path asks for.
pub(super) fn stream_of(encoded: &str) -> Option<String> {
    let rest = encoded.strip_prefix("/ldash/streams/")?;
    let Ok(Target::File(path)) = Target::from_url(rest) else { return None };
    let (key, last) = path.as_str().split_once('/')?;
    (last == "quality").then(|| key.to_owned())
}

#[derive(Serialize)]
struct Document<'a> {
    key: &'a str,
    #[serde(flatten)]
    standing: Standing,
}

/// Tells how a stream's qualities stand.
pub(super) fn tell(site: &Site, key: &str) -> Result<HttpResponse, Failure> {
    let standing = site.demand.standing(key).map_err(|reason| no_switch(key, reason))?;
    // A document of texts and numbers can always be written.
    let text = serde_json::to_string(&Document { key, standing }).unwrap_or_default();
    Ok(routes::uncached("application/json").body(text + "\n"))
}

/// Forces the quality that a body names.
pub(super) fn force(site: &Site, key: &str, body: &[u8]) -> Result<HttpResponse, Failure> {
    let standing = site.demand.standing(key).map_err(|reason| no_switch(key, reason))?;
    let unknown = || {
        let qualities = standing.qualities.iter();
        let known = qualities.map(|quality| format!("{} ({})", quality.rank, quality.bitrate));
        let known = known.collect::<Vec<_>>().join(", ");
        Failure::malformed(format!("name one of its qualities, by its number or bitrate: {known}"))
    };
    let wanted = std::str::from_utf8(body).ok().and_then(read).ok_or_else(unknown)?;
    let forced = site.demand.force(key, Some(wanted)).map_err(|reason| no_switch(key, reason))?;
    forced.map_err(|_| unknown())?;
    tell(site, key)
}

/// A number such as `0` or `400000`, or a bitrate as the configuration has it.
fn read(text: &str) -> Option<u64> {
    /// Less is no stream's bitrate; it would be a place, and places have no fractions.
    const LEAST: u64 = 1000;
    let text = text.trim();
    text.parse().ok().or_else(|| bits_of(text).filter(|bits| *bits >= LEAST))
}

/// Has each client get what it is in time for again.
pub(super) fn lift(site: &Site, key: &str) -> Result<HttpResponse, Failure> {
    // None is no quality that there could not be.
    let _ = site.demand.force(key, None).map_err(|reason| no_switch(key, reason))?;
    tell(site, key)
}

fn no_switch(key: &str, reason: NoSwitch) -> Failure {
    Failure::Unswitched(match reason {
        NoSwitch::Unknown => format!("there is no stream {key:?} in the configuration"),
        NoSwitch::Client => {
            format!("players choose the quality of {key:?}: it has no switching = \"server\"")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_qualities_are_named_by_number_or_bitrate() {
        for (text, wanted) in [("0", 0), ("2\n", 2), ("400000", 400_000), (" 0.4M ", 400_000)] {
            assert_eq!(read(text), Some(wanted), "{text:?}");
        }
        for text in ["", "best", "0.4", "0k", "-1", "-0.0", "400 k", "1e99", "\"400k\""] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn streams_are_named_by_the_path_of_their_quality() {
        let stream = |path| stream_of(path);
        assert_eq!(stream("/ldash/streams/cam/quality").as_deref(), Some("cam"));
        assert_eq!(stream("/ldash/streams/%63am/quality").as_deref(), Some("cam"));
        for other in [
            "/ldash/streams/cam",
            "/ldash/streams/cam/quality/",
            "/ldash/streams/cam/qualities",
            "/ldash/streams/a/b/quality",
            "/ldash/streams/quality",
            "/ldash/streams/../quality",
            "/ldash/upload/streams/cam/quality",
            "/cam/quality",
        ] {
            assert_eq!(stream(other), None, "{other}");
        }
    }
}
