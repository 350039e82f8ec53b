//! Those who ask for a manifest again and again: they see whole copies only, in their order.

use crate::traces::{Name, Op, PATIENT, Row, TIMES, get, ok};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

/// Asks for a manifest and for its changes until it is this copy.
pub fn shows(address: SocketAddr, path: &str, bytes: &[u8]) {
    let mut headers = PATIENT.to_owned();
    for _ in 0..TIMES {
        let mut response = ok(get(address, path, &headers).response(), path);
        if response.body() == bytes {
            return;
        }
        let tag = response.header("etag").expect("a tag");
        headers = format!("{PATIENT}If-None-Match: {tag}\r\n");
    }
    panic!("{path} never shows what it should");
}

/// The whole copies that a row's manifest goes through.
pub struct Copies<'a> {
    pub path: Name,
    pub all: Vec<&'a [u8]>,
}

impl<'a> Copies<'a> {
    pub fn of(row: &'a Row) -> Self {
        let mut copies = Self { path: "", all: Vec::new() };
        for op in &row.ops {
            if let Op::Shows(path, bytes) = op
                && (copies.all.is_empty() || copies.path == *path)
            {
                copies.path = path;
                copies.all.push(bytes);
            }
        }
        copies
    }

    /// Whoever polls sees whole copies only, and never an older one after a newer.
    pub fn check(&self, seen: &[Vec<u8>]) {
        let mut left = self.all.iter();
        for copy in seen {
            assert!(left.any(|known| known == copy), "{}: {} bytes", self.path, copy.len());
        }
    }
}

/// One who asks for a manifest all the time.
pub struct Poller {
    over: Arc<AtomicBool>,
    /// Each copy that differs from the one before.
    seen: JoinHandle<Vec<Vec<u8>>>,
}

impl Poller {
    pub fn start(address: SocketAddr, path: Name) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let is_over = over.clone();
        let seen = thread::spawn(move || {
            let mut seen: Vec<Vec<u8>> = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let copy = ok(get(address, path, PATIENT).response(), path).body();
                if seen.last() != Some(&copy) {
                    seen.push(copy);
                }
            }
            seen
        });
        Self { over, seen }
    }

    pub fn stop(self) -> Vec<Vec<u8>> {
        self.over.store(true, Ordering::Relaxed);
        self.seen.join().expect("it sees only whole copies")
    }
}
