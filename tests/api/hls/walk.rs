//! A client that walks along a live presentation, follows each hint, and checks every playlist.

use super::{
    list::{List, required},
    rules::{check, check_after, merged},
};
use crate::helpers::{End, get};
use std::{collections::HashMap, net::SocketAddr};

/// What a walk has seen.
#[derive(Debug, Default)]
pub struct Seen {
    pub playlists: usize,
    pub parts: usize,
    pub segments: usize,
    /// Parts that were asked for after they had gone from the list.
    pub old_parts: usize,
    pub broken: Vec<String>,
}

/// The media playlists that a multivariant playlist names.
pub fn renditions(main: &str) -> Vec<String> {
    let media = main.lines().filter_map(|line| line.split_once("URI=\"")?.1.strip_suffix('"'));
    let variants = main.lines().filter(|line| !line.starts_with('#'));
    let mut all: Vec<String> = media.chain(variants).map(str::to_owned).collect();
    all.sort();
    all.dedup();
    all
}

/// Walks along a rendition until its end, or so many segments.
pub struct Walk {
    address: SocketAddr,
    /// The folder of the playlists in URLs, with a slash at its end.
    base: String,
    name: String,
    /// The other renditions' playlists.
    others: Vec<String>,
    /// Those that the last playlist told of.
    reported: Vec<String>,
    /// Parts that were hinted, by their URI.
    hinted: HashMap<String, Vec<u8>>,
    seen: Seen,
}

impl Walk {
    pub fn new(address: SocketAddr, base: &str, name: &str, all: &[String]) -> Self {
        let (base, name) = (base.to_owned(), name.to_owned());
        let others = all.iter().filter(|other| **other != name).cloned().collect();
        let (reported, hinted, seen) = (Vec::new(), HashMap::new(), Seen::default());
        Self { address, base, name, others, reported, hinted, seen }
    }

    pub fn run(mut self, segments: u64) -> Seen {
        let mut list = self.load("");
        let last = list.next() + segments;
        self.refusals(&list);
        while !list.is_ended && list.next() < last {
            let before = list.clone();
            self.follow_hint(&before);
            let (msn, part) = (before.next(), before.open.parts.len());
            let query = match before.part_target {
                Some(_) => format!("?_HLS_msn={msn}&_HLS_part={part}"),
                None => format!("?_HLS_msn={msn}"),
            };
            list = self.load(&query);
            self.note(check_after(&before, &list));
            let has_it = list.next() > msn || list.open.parts.len() > part || list.is_ended;
            self.rule(has_it, "6.2.5.2: a blocking reload without what was asked for");
            self.delta(&before, &query, &list);
            self.old_parts(&before, &list);
            for at in msn..list.next() {
                self.segment(&list, at);
            }
        }
        self.rule(self.reported == self.others, "4.4.5.4: not all other renditions are reported");
        if list.is_ended {
            let ended = self.load("?_HLS_msn=999999&_HLS_part=99");
            self.rule(ended.is_ended, "6.2.5.2: directives are not ignored after the end");
        }
        self.seen
    }

    fn rule(&mut self, holds: bool, clause: &str) {
        if !holds {
            self.note(vec![clause.to_owned()]);
        }
    }

    fn note(&mut self, broken: Vec<String>) {
        let name = &self.name;
        self.seen.broken.extend(broken.into_iter().map(|broken| format!("{name}: {broken}")));
    }

    fn status(&self, uri: &str) -> u16 {
        let mut response = get(self.address, &format!("{}{uri}", self.base));
        response.rest();
        response.status
    }

    /// What must be refused is; what is stale, or a little ahead, is not.
    fn refusals(&mut self, list: &List) {
        if list.is_ended {
            return;
        }
        let (name, next) = (self.name.clone(), list.next());
        for (query, wanted, clause) in [
            ("_HLS_part=0".to_owned(), 400, "6.2.5.2: _HLS_part alone"),
            (format!("_HLS_msn={}", next + 60), 400, "6.2.5.2: far beyond the last segment"),
            // Of the one after: that which is open now may be complete by then.
            (
                format!("_HLS_msn={}&_HLS_part=9999", next + 1),
                400,
                "6.2.5.2: the advance part limit",
            ),
            (format!("_HLS_msn={}", list.first), 200, "6.2.5.2: a stale one"),
            (format!("_HLS_msn={}", next + 1), 200, "players ask a little ahead"),
        ] {
            // Without parts, there is no limit for them.
            let is_void = query.ends_with("9999") && list.part_target.is_none();
            self.rule(is_void || self.status(&format!("{name}?{query}")) == wanted, clause);
        }
        if let Some((folder, _)) = list.hint().as_deref().and_then(|hint| hint.split_once('/')) {
            let unknown = self.status(&format!("{folder}/{}.0.m4s", next + 60));
            self.rule(unknown == 404, "6.2.2: a part that is neither listed nor hinted");
        }
        let past = next.saturating_sub(1);
        let beyond = self.load(&format!("?_HLS_msn={past}&_HLS_part=9999"));
        let has_more = beyond.next() > next || !beyond.open.parts.is_empty();
        let is_void = list.part_target.is_none() || beyond.is_ended;
        self.rule(is_void || has_more, "6.2.5.2: beyond the last part is the next segment's first");
    }

    fn load(&mut self, query: &str) -> List {
        let path = format!("{}{}{query}", self.base, self.name);
        let mut response = get(self.address, &path);
        let text = response.text();
        assert_eq!(response.status, 200, "{path}: {text}");
        let list = List::parse(&text).unwrap_or_else(|reason| panic!("{reason}: {text}"));
        self.seen.playlists += 1;
        let broken = check(&list);
        if !broken.is_empty() {
            self.note(vec![format!("{broken:?} in {text}")]);
        }
        let long = format!("max-age={}", 6 * list.target);
        let caching = if query.is_empty() { "max-age=0, s-maxage=1" } else { &long };
        let is_right = response.header("cache-control") == Some(caching);
        self.rule(is_right, "B.1: how long a playlist may be cached");
        self.reports(&list);
        list
    }

    /// Each playlist says where all others end.
    fn reports(&mut self, list: &List) {
        if list.is_ended {
            return;
        }
        let named = |report: &Vec<(String, String)>| required(report, "URI").unwrap_or_default();
        let mut uris: Vec<String> = list.reports.iter().map(named).collect();
        uris.sort();
        // One that has not begun yet cannot be told of.
        let is_kept = self.reported.iter().all(|before| uris.contains(before));
        let are_others = uris.iter().all(|uri| self.others.contains(uri));
        self.rule(is_kept && are_others, "4.4.5.4: another rendition is not reported any more");
        self.reported = uris;
        let is_told = |report: &Vec<(String, String)>| {
            let number =
                |name| required(report, name).is_ok_and(|text| text.parse::<u64>().is_ok());
            number("LAST-MSN") && (list.part_target.is_none() || number("LAST-PART"))
        };
        self.rule(list.reports.iter().all(is_told), "4.4.5.4: LAST-MSN and LAST-PART");
    }

    /// What is hinted is there, whole, as soon as it is answered.
    fn follow_hint(&mut self, list: &List) {
        let Some(uri) = list.hint() else { return };
        if let Some(body) = self.part(&uri) {
            self.hinted.insert(uri, body);
        }
    }

    fn part(&mut self, uri: &str) -> Option<Vec<u8>> {
        let mut response = get(self.address, &format!("{}{uri}", self.base));
        let (body, end) = response.rest();
        if response.status == 404 {
            // Withdrawn: the stream has ended, or its segment was shorter than expected.
            return None;
        }
        let is_whole = response.status == 200 && end == End::Clean;
        self.rule(is_whole, "6.2.2: a part is not served");
        self.rule(response.header("content-length").is_some(), "6.2.2: a part of unknown length");
        self.seen.parts += 1;
        Some(body)
    }

    /// A delta update that is asked for at the same time makes the same list.
    fn delta(&mut self, before: &List, query: &str, list: &List) {
        let update = self.load(&format!("{query}&_HLS_skip=YES"));
        match merged(before, &update) {
            Ok(whole) if whole.first == list.first && whole.next() == list.next() => {
                let is_same =
                    whole.segments.iter().zip(&list.segments).all(|(a, b)| a.uri == b.uri);
                self.rule(is_same, "4.4.5.2: the update makes another list");
            }
            // The stream has gone on meanwhile.
            Ok(_) => {}
            Err(reason) => self.note(vec![reason]),
        }
    }

    /// Parts that have just gone from the list are still there.
    fn old_parts(&mut self, before: &List, list: &List) {
        let parts = |list: &List| -> Vec<String> {
            let parts = list.segments.iter().flat_map(|segment| &segment.parts);
            parts.filter(|part| !part.is_gap).map(|part| part.uri.clone()).collect()
        };
        let now = parts(list);
        let gone = parts(before).into_iter().find(|uri| !now.contains(uri));
        if let Some(uri) = gone {
            let is_there = self.part(&uri).is_some();
            self.rule(is_there, "6.2.2: a part went as soon as it was not listed");
            self.seen.old_parts += 1;
        }
    }

    /// A segment that has just been listed is its parts, one after the other.
    fn segment(&mut self, list: &List, msn: u64) {
        let at = usize::try_from(msn - list.first).expect("small");
        let segment = list.segments[at].clone();
        if segment.is_gap {
            return;
        }
        let mut response = get(self.address, &resolve(&self.base, &segment.uri));
        let body = response.body();
        self.rule(response.status == 200, "6.2.1: a listed segment is not served");
        let mut joined = Vec::new();
        for part in &segment.parts {
            let body = self.hinted.remove(&part.uri).or_else(|| self.part(&part.uri));
            joined.extend(body.unwrap_or_default());
        }
        if !segment.parts.is_empty() {
            self.rule(joined == body, "4.4.4.9: parts are not the segment");
            self.seen.segments += 1;
        }
    }
}

/// A relative reference (RFC 3986, section 5.2) of `..` steps.
fn resolve(base: &str, uri: &str) -> String {
    let mut folder: Vec<&str> = base.trim_matches('/').split('/').collect();
    let mut rest = uri;
    while let Some(after) = rest.strip_prefix("../") {
        folder.pop();
        rest = after;
    }
    let folder: String = folder.iter().map(|name| format!("/{name}")).collect();
    format!("{folder}/{rest}")
}
