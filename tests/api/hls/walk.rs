//! A client that walks along a live presentation, follows each hint, and checks every playlist.

use super::{
    list::List,
    rules::{check, check_after, merged},
};
use crate::helpers::{End, get};
use std::net::SocketAddr;

/// What a walk has seen.
#[derive(Debug, Default)]
pub struct Seen {
    pub playlists: usize,
    pub parts: usize,
    pub segments: usize,
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
    seen: Seen,
}

impl Walk {
    pub fn new(address: SocketAddr, base: &str, name: &str) -> Self {
        let (base, name) = (base.to_owned(), name.to_owned());
        Self { address, base, name, seen: Seen::default() }
    }

    pub fn run(mut self, segments: u64) -> Seen {
        let mut list = self.load("");
        let last = list.next() + segments;
        let mut joined = Vec::new();
        while !list.is_ended && list.next() < last {
            let before = list.clone();
            joined = self.follow_hint(&before, joined);
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
            if list.next() > msn {
                joined = self.segment(&before, &list, joined);
            }
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
        list
    }

    /// What is hinted is there, whole, as soon as it is answered; adds it to what came before.
    fn follow_hint(&mut self, list: &List, mut joined: Vec<u8>) -> Vec<u8> {
        let Some(uri) = list.hint() else { return joined };
        let mut response = get(self.address, &format!("{}{uri}", self.base));
        let (body, end) = response.rest();
        if response.status == 404 {
            // Withdrawn: the stream has ended, or its segment was shorter than expected.
            return joined;
        }
        self.rule(
            response.status == 200 && end == End::Clean,
            "6.2.2: a hinted part is not served",
        );
        self.rule(response.header("content-length").is_some(), "6.2.2: a part of unknown length");
        self.seen.parts += 1;
        if list.open.parts.is_empty() {
            joined.clear();
        }
        joined.extend(body);
        joined
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

    /// A segment that has just been listed is the parts that were followed.
    fn segment(&mut self, before: &List, list: &List, joined: Vec<u8>) -> Vec<u8> {
        let at = usize::try_from(before.next() - list.first).expect("small");
        let segment = &list.segments[at];
        if segment.is_gap {
            return joined;
        }
        let path = resolve(&self.base, &segment.uri);
        let mut response = get(self.address, &path);
        let body = response.body();
        self.rule(response.status == 200, "6.2.1: a listed segment is not served");
        let was_followed = segment.parts.len() == before.open.parts.len() + 1;
        if was_followed && joined.len() == body.len() {
            self.rule(joined == body, "4.4.4.9: parts are not the segment");
            self.seen.segments += 1;
        }
        Vec::new()
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
