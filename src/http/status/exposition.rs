//! `/ldash/metrics`: names and units by Prometheus' conventions; every label's values are a known,
//! small set.

use super::super::Site;
use crate::{
    clock,
    encoder::{
        State, Status,
        switching::{Served, Standing},
    },
    metrics::{Count, Kind, Text, process},
};
use std::time::{Instant, SystemTime};

/// What each upload came to.
const RESULTS: [(&str, Count); 5] = [
    ("created", Count::Created),
    ("replaced", Count::Replaced),
    ("superseded", Count::Superseded),
    ("broken_off", Count::BrokenOff),
    ("refused", Count::Refused),
];

/// All that is counted.
pub(super) fn of(site: &Site, started: SystemTime) -> String {
    let mut text = Text::default();
    requests(&mut text, site);
    counters(&mut text, site);
    uploads(&mut text, site);
    gauges(&mut text, site);
    encoders(&mut text, site);
    switching(&mut text, site);
    times(&mut text, site);
    site.viewers.iter().for_each(|viewers| viewers.write(&mut text, Instant::now()));
    of_process(&mut text, started);
    text.finish()
}

fn requests(text: &mut Text, site: &Site) {
    let name = "lldash_http_requests_total";
    text.family(name, Kind::Counter, "Requests that were answered, by method and status.");
    for requests in site.metrics.requests() {
        let code = requests.code.map_or("other".to_owned(), |code| code.to_string());
        let labels = [("method", requests.method), ("code", &*code)];
        text.sample(name, &labels, requests.count);
    }
}

fn counters(text: &mut Text, site: &Site) {
    let all = [
        ("lldash_http_sent_bytes_total", Count::SentBytes, "Bytes of bodies that were sent."),
        ("lldash_ingest_received_bytes_total", Count::ReceivedBytes, "Bytes that encoders sent."),
        ("lldash_held_timeouts_total", Count::TimedOut, "Held requests whose time was up."),
        ("lldash_cut_total", Count::Cut, "Replies that were cut, since their file broke off."),
        ("lldash_left_total", Count::Left, "Requests whose client left before it had all."),
        ("lldash_connections_accepted_total", Count::Accepted, "Connections that were accepted."),
    ];
    for (name, count, help) in all {
        text.single(name, Kind::Counter, help, site.metrics.total(count));
    }
}

fn uploads(text: &mut Text, site: &Site) {
    let name = "lldash_uploads_total";
    text.family(name, Kind::Counter, "Uploads that are over, by what they came to.");
    for (result, count) in RESULTS {
        text.sample(name, &[("result", result)], site.metrics.total(count));
    }
}

fn gauges(text: &mut Text, site: &Site) {
    let overview = site.library.overview(0);
    let mut gauge = |name, help, value: u64| text.single(name, Kind::Gauge, help, value);
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    gauge("lldash_held_requests", "Requests that wait.", count(site.library.waiting()));
    gauge("lldash_held_files", "Files that requests wait for.", count(overview.held_paths));
    gauge("lldash_growing_files", "Files that grow.", count(overview.growing_files));
    let open = count(site.metrics.connections());
    gauge("lldash_connections", "Connections that are open.", open);
    let kept = site.library.memory_bytes();
    gauge("lldash_memory_kept_bytes", "Media in memory.", kept);
    let limit = site.library.limit_bytes();
    gauge("lldash_memory_limit_bytes", "Media that may be in memory.", limit);
    let is_watched = u64::from(site.folder.is_alive());
    gauge("lldash_folder_watched", "Whether the folder is watched.", is_watched);
    let name = "lldash_build_info";
    text.family(name, Kind::Gauge, "The program's version.");
    text.sample(name, &[("version", env!("CARGO_PKG_VERSION"))], 1);
}

/// By stream: as many as are configured, and their keys need no escapes.
fn encoders(text: &mut Text, site: &Site) {
    let all = site.demand.statuses();
    if all.is_empty() {
        return;
    }
    let name = "lldash_encoder_state";
    text.family(name, Kind::Gauge, "1 for the state in which a stream's encoder is.");
    for status in &all {
        for state in State::NAMES {
            let labels = [("stream", &*status.key), ("state", state)];
            text.sample(name, &labels, u8::from(status.state.name() == state));
        }
    }
    let mut family = |name, kind, help, value: fn(&Status) -> u64| {
        text.family(name, kind, help);
        all.iter().for_each(|it| text.sample(name, &[("stream", &*it.key)], value(it)));
    };
    let help = "Requests and replies under way, by the stream that they watch.";
    let watching = |it: &Status| u64::try_from(it.watching).unwrap_or(u64::MAX);
    family("lldash_encoder_watching", Kind::Gauge, help, watching);
    let help = "How often a stream's encoder was started.";
    family("lldash_encoder_starts_total", Kind::Counter, help, |it| it.starts);
    let help = "How often it failed.";
    family("lldash_encoder_failures_total", Kind::Counter, help, |it| it.failures);
}

/// By stream and bitrate: as many as are configured.
fn switching(text: &mut Text, site: &Site) {
    let all = site.demand.statuses();
    let of = |it: &Status| Some((it.key.clone(), it.switching.clone()?));
    let all: Vec<_> = all.iter().filter_map(of).collect();
    if all.is_empty() {
        return;
    }
    let mut family = |name, kind, help, value: fn(&Standing, &Served) -> u64| {
        text.family(name, kind, help);
        for (key, standing) in &all {
            for quality in &standing.qualities {
                let labels = [("stream", &**key), ("bitrate", &quality.bitrate.to_string())];
                text.sample(name, &labels, value(standing, quality));
            }
        }
    };
    let name = "lldash_switching_segments_total";
    let help = "Whole segments that were answered, by the bitrate that the server chose.";
    family(name, Kind::Counter, help, |_, quality| quality.served);
    let is_forced = |it: &Standing, quality: &Served| u64::from(it.forced == Some(quality.bitrate));
    let help = "1 for the bitrate that all who watch are given.";
    family("lldash_switching_forced", Kind::Gauge, help, is_forced);
}

fn times(text: &mut Text, site: &Site) {
    let held = site.metrics.hold_times();
    text.histogram("lldash_hold_duration_seconds", "How long requests were held.", &held);
    let first = site.metrics.first_byte_times();
    let help = "From a request's head to its body's first byte, the time held among it.";
    text.histogram("lldash_time_to_first_byte_seconds", help, &first);
}

fn of_process(text: &mut Text, started: SystemTime) {
    let process = process();
    let started = clock::since_epoch(started).as_secs_f64();
    let help = "When the server started, in seconds since the Unix epoch.";
    text.single("process_start_time_seconds", Kind::Gauge, help, started);
    if let Some(open) = process.open_fds {
        text.single("process_open_fds", Kind::Gauge, "Descriptors that are open.", open);
    }
    if let Some(bytes) = process.resident_bytes {
        let help = "Memory that is resident.";
        text.single("process_resident_memory_bytes", Kind::Gauge, help, bytes);
    }
    if let Some(seconds) = process.cpu_seconds {
        let help = "Processor time, of user and system.";
        text.single("process_cpu_seconds_total", Kind::Counter, help, seconds);
    }
}
