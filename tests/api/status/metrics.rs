//! Prometheus' text, read by a strict parser.

use crate::helpers::{LONG, Push, Server, chunk, put, until};
use std::collections::{BTreeMap, BTreeSet};

/// Families by name.
pub type Families = BTreeMap<String, Family>;

#[derive(Debug, Default)]
pub struct Family {
    pub kind: String,
    /// By their name and labels, as they are written.
    pub samples: BTreeMap<String, f64>,
}

fn is_name(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(is_letter) && name.chars().all(|c| is_letter(c) || c.is_ascii_digit())
}

/// Reads all of it, or says what is wrong (text format 0.0.4).
fn parse(text: &str) -> Families {
    assert!(text.ends_with('\n'));
    let (mut families, mut current) = (Families::new(), String::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').expect("a name and its help");
            assert!(is_name(name) && !help.is_empty() && !help.contains('\\'), "{line}");
            let kind = lines.next().and_then(|line| line.strip_prefix("# TYPE "));
            let (of, kind) = kind.and_then(|kind| kind.split_once(' ')).expect("a type");
            assert_eq!(of, name, "a type follows its help");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            current = name.to_owned();
            let family = Family { kind: kind.to_owned(), samples: BTreeMap::new() };
            assert!(families.insert(current.clone(), family).is_none(), "{name} twice");
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let name = series.split('{').next().expect("a name");
        let family = families.get_mut(&current).expect("a family before its samples");
        let suffixes: &[&str] =
            if family.kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        assert!(suffixes.iter().any(|it| name == format!("{current}{it}")), "{line}");
        labels(series).iter().for_each(|(label, _)| assert!(is_name(label), "{line}"));
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert!(family.samples.insert(series.to_owned(), value).is_none(), "{line} twice");
    }
    families
}

pub fn labels(series: &str) -> Vec<(&str, &str)> {
    let Some((_, labels)) = series.split_once('{') else { return Vec::new() };
    let labels = labels.strip_suffix('}').expect("a brace").split(',');
    labels
        .map(|label| {
            let (name, value) = label.split_once('=').expect("a pair");
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            (name, value.expect("quotes"))
        })
        .collect()
}

pub fn metrics(server: &Server) -> Families {
    let mut response = server.get("/ldash/metrics");
    assert_eq!(response.status, 200);
    let content_type = response.header("content-type");
    assert_eq!(content_type, Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    parse(&response.text())
}

pub fn value(families: &Families, series: &str) -> f64 {
    let found = families.values().find_map(|family| family.samples.get(series));
    *found.unwrap_or_else(|| panic!("no {series} in {families:#?}"))
}

fn series(families: &Families) -> BTreeSet<String> {
    families.values().flat_map(|family| family.samples.keys().cloned()).collect()
}

/// Waits for the value of a series.
fn becomes(server: &Server, name: &str, wanted: f64) {
    until(|| (value(&metrics(server), name) >= wanted).then_some(()));
}

#[test]
fn urls_metrics_are_as_prometheus_wants_them() {
    let server = Server::start(&[]);
    let families = metrics(&server);
    for (name, family) in &families {
        let is_counter = family.kind == "counter";
        assert_eq!(name.ends_with("_total"), is_counter, "{name}: only counters are totals");
        assert!(name.starts_with("lldash_") || name.starts_with("process_"), "{name}");
        for unit in ["_ms", "_milliseconds", "_kilobytes", "_mb", "_minutes"] {
            assert!(!name.contains(unit), "{name}: base units only");
        }
        if family.kind == "histogram" {
            assert!(name.ends_with("_seconds"), "{name}");
            is_histogram(name, family);
        }
    }
    let started = value(&families, "process_start_time_seconds");
    assert!(started > 1.6e9, "{started}");
    if cfg!(target_os = "linux") {
        assert!(value(&families, "process_resident_memory_bytes") > 1e6);
        assert!(families.contains_key("process_cpu_seconds_total"));
    }
}

/// One of a single set of labels beside the bounds.
pub fn is_histogram(name: &str, family: &Family) {
    let bucket = |series: &String| {
        let labels = labels(series);
        let (_, bound) = labels.iter().find(|(label, _)| *label == "le")?;
        Some(bound.parse::<f64>().expect("a bound"))
    };
    let mut buckets: Vec<(f64, f64)> = family
        .samples
        .iter()
        .filter_map(|(series, count)| Some((bucket(series)?, *count)))
        .collect();
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{name}: {buckets:?}");
    let last = buckets.last().expect("a bucket");
    assert!(last.0.is_infinite(), "{name}");
    let one = |end: &str| {
        let mut all = family.samples.iter().filter(|it| it.0.starts_with(&format!("{name}{end}")));
        (all.next().map(|(_, value)| *value), all.count())
    };
    assert_eq!(one("_count"), (Some(last.1), 0), "{name}");
    assert!(matches!(one("_sum"), (Some(_), 0)), "{name}");
}

#[test]
fn urls_metrics_count_what_happens() {
    let mut server = Server::start(&["--ingest"]);
    assert_eq!(put(server.address, "/1.m4s", &chunk(100)).status, 201);
    assert_eq!(put(server.address, "/1.m4s", &chunk(100)).status, 204);
    assert_eq!(server.get("/1.m4s").body().len(), 100);
    let pending = server.request("GET", "/2.m4s", &[LONG]);
    server.held("/2.m4s");
    assert!(value(&metrics(&server), "lldash_held_requests") >= 1.0);
    let mut push = Push::start(server.address, "/2.m4s");
    push.chunk(&chunk(60));
    let mut follower = pending.response();
    assert_eq!(follower.read(60).len(), 60);
    assert!(value(&metrics(&server), "lldash_growing_files") >= 1.0);
    drop(push);
    follower.rest();
    becomes(&server, "lldash_cut_total", 1.0);
    becomes(&server, "lldash_uploads_total{result=\"broken_off\"}", 1.0);
    let families = metrics(&server);
    assert_eq!(value(&families, "lldash_uploads_total{result=\"created\"}"), 1.0);
    assert_eq!(value(&families, "lldash_uploads_total{result=\"replaced\"}"), 1.0);
    assert_eq!(value(&families, "lldash_ingest_received_bytes_total"), 260.0);
    assert_eq!(value(&families, "lldash_hold_duration_seconds_count"), 1.0);
    assert_eq!(value(&families, "lldash_held_requests"), 0.0);
    assert!(value(&families, "lldash_hold_duration_seconds_sum") > 0.0);
    assert!(value(&families, "lldash_time_to_first_byte_seconds_count") >= 2.0);
    assert!(value(&families, "lldash_http_sent_bytes_total") >= 160.0);
    let puts = value(&families, "lldash_http_requests_total{method=\"PUT\",code=\"201\"}");
    assert_eq!(puts, 1.0);
}

#[test]
fn urls_metrics_count_those_who_leave_while_they_wait() {
    let mut server = Server::start(&[]);
    let pending = server.request("GET", "/1.m4s", &[LONG]);
    server.held("/1.m4s");
    drop(pending);
    becomes(&server, "lldash_left_total", 1.0);
    assert_eq!(value(&metrics(&server), "lldash_held_requests"), 0.0);
}

#[test]
fn urls_metrics_have_no_more_series_whatever_is_asked() {
    let server = Server::start(&["--default-wait", "0"]);
    let ask = |number: u32| {
        for method in ["GET", "HEAD", "OPTIONS", "BREW", "PROPFIND"] {
            let path = format!("/{number}/{method}.m4s?{number}");
            server.request(method, &path, &[]).response();
        }
        server.request(&format!("M{number}"), "/", &[]).response();
        server.get(&format!("/a%2F{number}"));
    };
    ask(0);
    metrics(&server);
    let before = series(&metrics(&server));
    (1..200).for_each(ask);
    let after = series(&metrics(&server));
    assert_eq!(before, after);
    let methods = after.iter().flat_map(|it| labels(it)).filter(|(label, _)| *label == "method");
    let known = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "DELETE", "other"];
    methods.for_each(|(_, method)| assert!(known.contains(&method), "{method}"));
    assert!(after.len() < 200, "{}", after.len());
}
