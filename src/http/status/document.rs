//! `/ldash/status` as JSON. Ages and times are in seconds, lengths in bytes; `null` is unknown.

use super::{
    super::{Site, pages::encode},
    outline::Quality,
    rates::Rate,
    streams::{State, Stream, Streams},
};
use crate::{
    encoder::{Status, switching::Standing},
    live::{GrowingFile, Manifest, MediaPath, Overview},
    metrics::{Count, Metrics},
    viewers::Watched,
};
use serde::Serialize;
use std::time::{Instant, SystemTime};

/// So many names that are waited for are told, and so many files that grow.
const MAX_LISTED: usize = 100;

#[derive(Serialize)]
pub(super) struct Document<'a> {
    version: &'static str,
    now: String,
    started: String,
    uptime_seconds: f64,
    watch: &'static str,
    is_alive: bool,
    ingest: bool,
    streams: Vec<StreamLine<'a>>,
    /// Those of the configuration, in its order.
    encoders: Vec<EncoderLine>,
    /// Clients that watch now, by the folder of the segments; `null` where nobody wants to know.
    viewers: Option<Vec<ViewersLine>>,
    held: Held,
    growing: Vec<Growing>,
    /// What the lists leave out.
    omitted: Omitted,
    rates: &'a Rate,
    totals: Totals,
    memory: Memory,
}

#[derive(Serialize)]
struct StreamLine<'a> {
    path: &'a str,
    kind: &'static str,
    url: String,
    play: String,
    state: State,
    segment_age_seconds: Option<f64>,
    manifest_age_seconds: f64,
    qualities: &'a [Quality],
}

/// A stream that is encoded while somebody watches.
#[derive(Serialize)]
struct EncoderLine {
    name: String,
    key: String,
    source: &'static str,
    url: String,
    play: String,
    state: &'static str,
    /// Requests and replies that are under way.
    watching: usize,
    /// Why it failed, until it is live again.
    failure: Option<String>,
    next_try_seconds: Option<f64>,
    starts: u64,
    failures: u64,
    /// Its qualities, where the server chooses.
    switching: Option<Standing>,
}

/// Who watches a folder's segments.
#[derive(Serialize)]
struct ViewersLine {
    stream: String,
    clients: usize,
}

#[derive(Serialize)]
struct Held {
    requests: usize,
    names: Vec<HeldName>,
}

#[derive(Serialize)]
struct HeldName {
    path: String,
    requests: usize,
}

#[derive(Serialize)]
struct Growing {
    path: String,
    bytes: u64,
    /// Since it was begun.
    age_seconds: f64,
    /// Since it last grew.
    silent_seconds: f64,
    followers: usize,
}

#[derive(Serialize)]
struct Omitted {
    streams: usize,
    held: usize,
    growing: usize,
}

#[derive(Serialize)]
struct Totals {
    requests: u64,
    sent_bytes: u64,
    received_bytes: u64,
    /// Uploads that ended well.
    uploads: u64,
    cut: u64,
    left: u64,
    timed_out: u64,
    /// Those that are open now.
    connections: usize,
    accepted: u64,
}

#[derive(Serialize)]
struct Memory {
    kept_bytes: u64,
    limit_bytes: u64,
}

/// How a site is doing.
pub(super) fn of<'a>(
    site: &Site,
    streams: &'a Streams,
    rates: &'a Rate,
    now: SystemTime,
) -> Document<'a> {
    let Overview { held, held_paths, growing, growing_files } = site.library.overview(MAX_LISTED);
    let omitted = Omitted {
        streams: streams.count - streams.listed.len(),
        held: held_paths - held.len(),
        growing: growing_files - growing.len(),
    };
    let name = |(path, requests): &(MediaPath, usize)| HeldName {
        path: path.to_string(),
        requests: *requests,
    };
    Document {
        version: env!("CARGO_PKG_VERSION"),
        now: time(now),
        started: time(site.board.started),
        uptime_seconds: site.board.since.elapsed().as_secs_f64(),
        watch: site.folder.watch_name(),
        is_alive: site.folder.is_alive(),
        ingest: site.ingest.is_some(),
        streams: streams.listed.iter().map(|stream| stream_line(stream, now)).collect(),
        encoders: site.demand.statuses().into_iter().map(encoder_line).collect(),
        viewers: site.viewers.as_ref().map(|viewers| {
            let watched = viewers.watched(Instant::now(), MAX_LISTED);
            watched.iter().map(viewers_line).collect()
        }),
        held: Held { requests: site.library.waiting(), names: held.iter().map(name).collect() },
        growing: growing.iter().map(|file| growing_line(file, now)).collect(),
        omitted,
        rates,
        totals: totals(&site.metrics),
        memory: Memory {
            kept_bytes: site.library.memory_bytes(),
            limit_bytes: site.library.limit_bytes(),
        },
    }
}

fn stream_line(stream: &Stream, now: SystemTime) -> StreamLine<'_> {
    let url = encode(stream.path.as_str());
    StreamLine {
        path: stream.path.as_str(),
        kind: match stream.kind {
            Manifest::Mpd => "dash",
            Manifest::M3u8 => "hls",
        },
        play: format!("/ldash/play/{url}"),
        url: format!("/{url}"),
        state: stream.state(now),
        segment_age_seconds: stream.segment.map(|segment| age(segment, now)),
        manifest_age_seconds: age(stream.manifest, now),
        qualities: &stream.qualities,
    }
}

fn encoder_line(status: Status) -> EncoderLine {
    let url = encode(&status.manifest());
    let next_try = status.state.next_try();
    EncoderLine {
        play: format!("/ldash/play/{url}"),
        url: format!("/{url}"),
        state: status.state.name(),
        next_try_seconds: next_try
            .map(|next| next.saturating_duration_since(Instant::now()).as_secs_f64()),
        name: status.name,
        key: status.key,
        source: status.source,
        watching: status.watching,
        failure: status.failure,
        starts: status.starts,
        failures: status.failures,
        switching: status.switching,
    }
}

fn viewers_line(watched: &Watched) -> ViewersLine {
    ViewersLine { stream: watched.stream.to_string(), clients: watched.clients }
}

fn growing_line(file: &GrowingFile, now: SystemTime) -> Growing {
    Growing {
        path: file.path.to_string(),
        bytes: file.length_bytes,
        age_seconds: age(file.began, now),
        silent_seconds: age(file.grown, now),
        followers: file.followers,
    }
}

fn totals(metrics: &Metrics) -> Totals {
    Totals {
        requests: metrics.total_requests(),
        sent_bytes: metrics.total(Count::SentBytes),
        received_bytes: metrics.total(Count::ReceivedBytes),
        uploads: metrics.total(Count::Created) + metrics.total(Count::Replaced),
        cut: metrics.total(Count::Cut),
        left: metrics.total(Count::Left),
        timed_out: metrics.total(Count::TimedOut),
        connections: metrics.connections(),
        accepted: metrics.total(Count::Accepted),
    }
}

/// Zero for times to come.
fn age(then: SystemTime, now: SystemTime) -> f64 {
    now.duration_since(then).unwrap_or_default().as_secs_f64()
}

fn time(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}
