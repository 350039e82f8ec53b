//! How the server is doing, as JSON (`/ldash/status`) and as Prometheus text (`/ldash/metrics`).
//!
//! ```text
//! folder::Survey ─┐
//! live::Library ──┼──▶ streams (made once a second at most, by one for all who ask)
//! mpd, m3u8 ──────┘        │
//! live::Overview ──────────┼──▶ document ──▶ JSON
//! metrics::Metrics ────────┴──▶ exposition ──▶ text
//! ```

mod document;
mod exposition;
mod outline;
mod rates;
mod streams;

pub(super) use streams::{State, Streams, streams};

use super::{Site, routes::uncached};
use crate::{clock, metrics::Text};
use actix_web::HttpResponse;
use rates::Rates;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Instant, SystemTime},
};
use streams::Known;

/// What is remembered from one who asks to the next.
#[derive(Debug)]
pub struct Board {
    started: SystemTime,
    since: Instant,
    /// Locked by the one who looks at the disk; the others wait for what it finds.
    known: Arc<tokio::sync::Mutex<Known>>,
    rates: Mutex<Rates>,
}

impl Board {
    /// For a server that starts now.
    pub fn new() -> Self {
        let since = Instant::now();
        let rates = Mutex::new(Rates::new(since));
        Self { started: clock::now(), since, known: Arc::default(), rates }
    }
}

impl Default for Board {
    fn default() -> Self {
        Self::new()
    }
}

/// `/ldash/status`.
pub(super) async fn json(site: &Arc<Site>) -> HttpResponse {
    let streams = streams(site).await;
    let mut rates = site.board.rates.lock().unwrap_or_else(PoisonError::into_inner);
    let rates = rates.now(&site.metrics, Instant::now());
    let document = document::of(site, &streams, &rates, clock::now());
    // A document of texts and numbers can always be written.
    let text = serde_json::to_string(&document).unwrap_or_default();
    uncached("application/json").body(text)
}

/// `/ldash/metrics`.
pub(super) fn metrics(site: &Site) -> HttpResponse {
    uncached(Text::CONTENT_TYPE).body(exposition::of(site, site.board.started))
}
