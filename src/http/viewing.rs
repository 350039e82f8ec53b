//! What is told of a request for a segment to those who want to know who watches how.

use super::{Site, access_log::End, head::PlainGet, headers::held_for, hls};
use crate::{
    clock,
    live::MediaPath,
    viewers::{self, Age, Ending, Seen, Viewers, What, cmcd},
};
use actix_web::{
    HttpResponse,
    dev::ServiceRequest,
    http::{
        Method, Uri,
        header::{HeaderMap, HeaderName, LAST_MODIFIED, USER_AGENT},
    },
};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// So much of what a client calls itself is kept, in bytes; browsers take some 120.
const MAX_AGENT_BYTES: usize = 256;

/// The headers of CTA-5004, section 3.1.
const CMCD: [HeaderName; 4] = [
    HeaderName::from_static("cmcd-object"),
    HeaderName::from_static("cmcd-request"),
    HeaderName::from_static("cmcd-session"),
    HeaderName::from_static("cmcd-status"),
];

/// What a response is (CTA-5006): when the server chose its quality, that quality's bitrate.
const CMSD_STATIC: HeaderName = HeaderName::from_static("cmsd-static");

/// Goes with a part's response: when its segment was complete, if it is.
pub(super) struct Complete(pub(super) Option<SystemTime>);

/// A request for a segment that is under way. Kept apart: requests wait, and few are looked at.
pub(super) struct Viewing {
    viewers: Arc<Viewers>,
    seen: Seen,
    /// How the file stood when it was asked for; `None`: it was not known.
    before: Option<Age>,
}

/// Who asks, and how.
pub(super) struct Asker<'a> {
    address: Option<SocketAddr>,
    is_get: bool,
    target: &'a Uri,
    headers: &'a HeaderMap,
}

impl<'a> Asker<'a> {
    /// As actix sees it.
    pub(super) fn of(http: &'a ServiceRequest) -> Self {
        let is_get = http.method() == Method::GET;
        let (target, headers) = (http.uri(), http.headers());
        Self { address: http.peer_addr(), is_get, target, headers }
    }

    /// As the desk sees it.
    pub(super) fn plain(address: Option<SocketAddr>, get: &'a PlainGet) -> Self {
        Self { address, is_get: true, target: &get.target, headers: &get.told }
    }
}

impl Viewing {
    /// A GET for a file; `None` when nobody wants to know, or it is no segment.
    pub(super) fn of_file(
        site: &Site,
        asker: &Asker<'_>,
        path: &MediaPath,
        since: Instant,
    ) -> Option<Box<Self>> {
        let viewers = site.viewers.as_ref()?;
        if !viewers::is_segment(path) {
            return None;
        }
        let before = site.library.current(path).map(|file| file.complete());
        let before = before.map(|complete| complete.map_or(Age::Young, Age::Since));
        Self::of(viewers, asker, What::File(path.clone()), since, before)
    }

    /// A GET for a part of LL-HLS.
    pub(super) fn of_part(
        site: &Site,
        asker: &Asker<'_>,
        target: &hls::Target,
        since: Instant,
    ) -> Option<Box<Self>> {
        let viewers = site.viewers.as_ref()?;
        let (rendition, msn, name) = target.part()?;
        let (mpd, rendition) = (target.mpd().clone(), rendition.to_owned());
        Self::of(viewers, asker, What::Part { mpd, rendition, msn, name }, since, None)
    }

    fn of(
        viewers: &Arc<Viewers>,
        asker: &Asker<'_>,
        what: What,
        since: Instant,
        before: Option<Age>,
    ) -> Option<Box<Self>> {
        let Asker { address, is_get, target, headers } = asker;
        if !is_get {
            return None;
        }
        let (cmcd_headers, cmcd_left_out) = texts(headers);
        let now = clock::now();
        let at = now.checked_sub(since.elapsed()).unwrap_or(now);
        let seen = Seen {
            address: address.map(|address| address.ip()),
            agent: headers.get(USER_AGENT).map(|it| agent(it.as_bytes())).unwrap_or_default(),
            query: target.query().and_then(cmcd::only).map(shortened),
            cmcd_headers,
            cmcd_left_out,
            ..Seen::new(what, since, at)
        };
        Some(Box::new(Self { viewers: viewers.clone(), seen, before }))
    }

    /// It has a response; `None` when that is no segment.
    pub(super) fn answered(
        mut self: Box<Self>,
        site: &Site,
        response: &HttpResponse,
    ) -> Option<Box<Self>> {
        if !response.status().is_success() {
            return None;
        }
        self.seen.status = response.status().as_u16();
        self.seen.sent_kbps = sent_kbps(response.headers());
        let held = held_for(response.headers());
        self.seen.held = held.unwrap_or_default();
        let of_part = response.extensions().get::<Complete>().map(|complete| complete.0);
        self.seen.complete = of_part.flatten();
        self.seen.age = match (held, self.before) {
            (Some(_), _) => Age::Young,
            (None, Some(before)) => before,
            // A part, or it was read from disk.
            (None, None) => match of_part.or_else(|| self.complete(site)) {
                Some(Some(complete)) => Age::Since(complete),
                Some(None) => Age::Young,
                None => last_modified(response.headers()).map_or(Age::Unknown, Age::Since),
            },
        };
        Some(self)
    }

    /// It gets all of its file, as it is, after so long a time if it was held.
    pub(super) fn served(mut self: Box<Self>, site: &Site, held: Option<Duration>) -> Box<Self> {
        self.seen.status = 200;
        self.seen.held = held.unwrap_or_default();
        self.seen.age = match (held, self.before) {
            (Some(_), _) => Age::Young,
            (None, Some(before)) => before,
            (None, None) => self.complete(site).flatten().map_or(Age::Young, Age::Since),
        };
        self
    }

    /// It is over.
    pub(super) fn ended(mut self: Box<Self>, site: &Site, bytes: u64, end: End) {
        self.seen.bytes = bytes;
        self.seen.took = self.seen.asked.elapsed();
        self.seen.complete = self.complete(site).flatten().or(self.seen.complete);
        self.seen.end = match end {
            End::Done => Ending::Done,
            End::Cut => Ending::Cut,
            End::Left => Ending::Left,
        };
        self.viewers.note(self.seen);
    }

    /// When its file was complete, if that is known.
    fn complete(&self, site: &Site) -> Option<Option<SystemTime>> {
        match &self.seen.what {
            What::File(path) => site.library.current(path).map(|file| file.complete()),
            What::Part { .. } => None,
        }
    }
}

fn agent(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_AGENT_BYTES)]);
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// What is read of the CMCD headers, and how many are left out.
fn texts(headers: &HeaderMap) -> (Vec<String>, u64) {
    let (mut texts, mut left_out, mut room) = (Vec::new(), 0, cmcd::MAX_BYTES);
    for value in CMCD.into_iter().flat_map(|name| headers.get_all(name)) {
        match value.to_str().ok().filter(|text| text.len() <= room) {
            Some(text) => {
                room -= text.len();
                texts.push(text.to_owned());
            }
            None => left_out += 1,
        }
    }
    (texts, left_out)
}

/// A pair of a query: one that is too long stays too long, but not by much.
fn shortened(pair: &str) -> String {
    pair.chars().take(cmcd::MAX_BYTES + "CMCD=".len() + 1).collect()
}

/// The bitrate of which the response says that it has it, in kbit/s.
fn sent_kbps(headers: &HeaderMap) -> Option<u64> {
    let pairs = headers.get(CMSD_STATIC)?.to_str().ok()?.split(',');
    pairs.filter_map(|pair| pair.trim().strip_prefix("br=")).find_map(|br| br.parse().ok())
}

fn last_modified(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(LAST_MODIFIED)?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn stats_of_the_quality_that_was_chosen_are_read_from_its_response() {
        let mut headers = HeaderMap::new();
        assert_eq!(sent_kbps(&headers), None);
        headers.insert(CMSD_STATIC, HeaderValue::from_static("ot=v,br=900"));
        assert_eq!(sent_kbps(&headers), Some(900));
    }

    #[test]
    fn stats_of_what_players_say_no_more_is_kept_than_is_read() {
        let mut headers = HeaderMap::new();
        for name in CMCD {
            let value = HeaderValue::from_str(&"x".repeat(1500)).expect("a value");
            headers.append(name, value);
        }
        let (read, left_out) = texts(&headers);
        assert_eq!((read.len(), left_out), (2, 2), "and counted");
        assert!(shortened(&format!("CMCD={}", "x".repeat(99_999))).len() < cmcd::MAX_BYTES + 9);
    }

    #[test]
    fn stats_what_a_client_calls_itself_stays_short_and_on_its_line() {
        assert_eq!(agent(b"a\tb\xff"), "a b\u{fffd}");
        assert!(agent(&[b'x'; 9999]).len() == MAX_AGENT_BYTES);
    }
}
