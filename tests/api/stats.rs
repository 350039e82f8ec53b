//! README, "Who watches how": lines of requests and of visits, whichever way the bytes went.

mod cmcd;
mod files;

use crate::{
    helpers::{End, LONG, Push, Server, chunk, h2, h2::Http2, put, segment, until},
    status::metrics::{is_histogram, labels, metrics, value},
};
use rustix::process::Signal;
use std::{
    collections::HashMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A line, by the names of its columns.
pub type Line = HashMap<String, String>;

/// A server that writes who watches how.
pub struct Watched {
    pub server: Server,
    pub folder: TempDir,
}

impl Watched {
    pub fn start(options: &[&str]) -> Self {
        Self::over(tempfile::tempdir().expect("a folder"), options)
    }

    pub fn over(folder: TempDir, options: &[&str]) -> Self {
        let path = folder.path().join("x.csv");
        let own = ["--stats", path.to_str().expect("text")];
        Self { server: Server::start(&[&own[..], options].concat()), folder }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The lines so far.
    pub fn rows(&self) -> Vec<Line> {
        lines(&self.file("x.csv"))
    }

    /// Waits for the line of a segment.
    pub fn row(&self, segment: &str) -> Line {
        until(|| self.rows().into_iter().find(|row| row["segment"] == segment))
    }

    /// Stops the server; the lines of visits.
    pub fn stop(&mut self) -> Vec<Line> {
        self.server.signal(Signal::TERM);
        assert_eq!(self.server.exit().code(), Some(0));
        lines(&self.file("x.summary.csv"))
    }
}

/// Reads a file with a strict reader: as many fields in each line as in the first. While one is
/// put aside there is none.
pub fn lines(path: &Path) -> Vec<Line> {
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        file => file.expect("readable"),
    };
    let mut reader = csv::Reader::from_reader(file);
    let names = reader.headers().expect("names").clone();
    let line = |record: csv::StringRecord| {
        names.iter().map(str::to_owned).zip(record.iter().map(str::to_owned)).collect()
    };
    reader.records().map(|record| line(record.expect("whole"))).collect()
}

fn seconds(row: &Line, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} of {row:?}"))
}

fn is(row: &Line, wanted: &[(&str, &str)]) {
    for (column, value) in wanted {
        assert_eq!(row[*column], *value, "{column} of {row:#?}");
    }
}

#[test]
fn stats_of_a_segment_that_grows_and_goes_the_short_way() {
    let watched = Watched::start(&[]);
    let mut file = watched.server.create("cam/chunk-0-1.m4s");
    file.write_all(&chunk(100)).expect("written");
    let mut response = watched.server.get("/cam/chunk-0-1.m4s");
    response.read(100);
    for length in [50, 60, 70] {
        file.write_all(&chunk(length)).expect("written");
        response.read(length);
    }
    drop(file);
    assert_eq!(response.rest(), (vec![], End::Clean));
    let row = watched.row("chunk-0-1.m4s");
    is(&row, &[("bytes", "280"), ("status", "200"), ("end", "done"), ("late", "0")]);
    is(&row, &[("age_s", "0.000"), ("held_s", "0.000"), ("interval_s", ""), ("clients", "1")]);
    is(&row, &[("stream", "/cam"), ("representation", "chunk-0-#.m4s")]);
    is(&row, &[("address", "127.0.0.1"), ("user_agent", ""), ("session", "")]);
    assert!(row["time"].ends_with('Z') && row["time"].len() == "2026-01-01T00:00:00.000Z".len());
}

#[test]
fn stats_of_segments_that_are_held() {
    let mut watched = Watched::start(&[]);
    for number in 1..4 {
        let path = format!("/a/v{number}.m4s");
        let pending = watched.server.request("GET", &path, &[LONG]);
        watched.server.held(&path);
        watched.server.write(&path[1..], &segment(1, 1000));
        pending.response().body();
        let row = watched.row(&path[3..]);
        is(&row, &[("bytes", "1000"), ("late", "0"), ("age_s", "0.000"), ("end", "done")]);
        assert!(
            seconds(&row, "held_s") > 0.0 && seconds(&row, "took_s") >= seconds(&row, "held_s")
        );
        assert_eq!(row["interval_s"].is_empty(), number == 1);
        assert_eq!(row["jitter_s"].is_empty(), number < 3);
    }
}

#[test]
fn stats_of_a_segment_that_is_pushed_and_of_those_that_break_off() {
    let watched = Watched::start(&["--ingest"]);
    let mut push = Push::start(watched.server.address, "/p/1.m4s");
    push.chunk(&chunk(100));
    let mut response = watched.server.get("/p/1.m4s");
    response.read(100);
    push.chunk(&chunk(200));
    assert_eq!(push.end(), 201);
    response.rest();
    is(&watched.row("1.m4s"), &[("bytes", "300"), ("end", "done"), ("stream", "/p")]);
    push.begin("PUT", "/p/2.m4s", &[]);
    push.chunk(&chunk(60));
    let mut cut = until(|| Some(watched.server.get("/p/2.m4s")).filter(|it| it.status == 200));
    let mut left = watched.server.get("/p/2.m4s?left");
    cut.read(60);
    left.read(60);
    drop(left);
    let rows = until(|| Some(watched.rows()).filter(|rows| rows.len() == 2));
    is(&rows[1], &[("segment", "2.m4s"), ("bytes", "60"), ("end", "left")]);
    drop(push);
    assert_eq!(cut.rest().1, End::Cut);
    let rows = until(|| Some(watched.rows()).filter(|rows| rows.len() == 3));
    is(&rows[2], &[("segment", "2.m4s"), ("bytes", "60"), ("end", "cut")]);
}

#[test]
fn stats_tell_who_is_late() {
    let watched = Watched::start(&["--ingest"]);
    let now = watched.folder.path().metadata().and_then(|it| it.modified()).expect("a time");
    let aged = |name: &str, seconds: u64| {
        watched.server.write(name, &segment(1, 1000));
        let file = fs::File::options().write(true).open(watched.server.path(name)).expect("there");
        file.set_modified(now - std::time::Duration::from_secs(seconds)).expect("set");
        drop(file);
        let time = until(|| {
            watched
                .server
                .request("HEAD", &format!("/{name}"), &[])
                .response()
                .header("last-modified")
                .map(str::to_owned)
        });
        assert!(!time.is_empty());
    };
    (1..=3).for_each(|number| aged(&format!("{number}.m4s"), 60 - 10 * number));
    for number in 1..=3 {
        watched.server.get(&format!("/{number}.m4s")).body();
    }
    is(&watched.row("1.m4s"), &[("late", "")]);
    let (second, third) = (watched.row("2.m4s"), watched.row("3.m4s"));
    is(&second, &[("late", "4")]);
    is(&third, &[("late", "3")]);
    assert!((30.0..50.0).contains(&seconds(&third, "age_s")), "{third:?}");
    let families = metrics(&watched.server);
    assert_eq!(value(&families, "lldash_viewer_late_requests_total{stream=\"/\"}"), 2.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn stats_of_requests_by_http2_and_tls() {
    let keys = tempfile::tempdir().expect("a folder");
    let certificate = h2::certify(keys.path());
    let paths = certificate.each_ref().map(|path| path.to_str().expect("text").to_owned());
    let watched = Watched::start(&["--tls-cert", &paths[0], "--tls-key", &paths[1]]);
    let client = Http2::tls(watched.server.address, &certificate[0]).await;
    let mut file = watched.server.create("1.m4s");
    file.write_all(&chunk(100)).expect("written");
    let mut stream = client.ask("GET", "/1.m4s").await.await.expect("an answer").into_body();
    h2::read(&mut stream, 100).await;
    file.write_all(&chunk(200)).expect("written");
    drop(file);
    assert_eq!(h2::body(stream).await.expect("all").len(), 200);
    is(&watched.row("1.m4s"), &[("bytes", "300"), ("end", "done"), ("status", "200")]);
    let mut file = watched.server.create("2.m4s");
    file.write_all(&chunk(100)).expect("written");
    let mut stream = client.ask("GET", "/2.m4s").await.await.expect("an answer").into_body();
    h2::read(&mut stream, 100).await;
    drop(stream);
    is(&watched.row("2.m4s"), &[("bytes", "100"), ("end", "left")]);
}

#[test]
fn stats_are_of_segments_that_were_sent_and_of_nothing_else() {
    let watched = Watched::start(&["--default-wait", "0"]);
    let server = &watched.server;
    for name in ["init.mp4", "x.mpd", "x.m3u8", "x.key", "x.html", "1.m4s"] {
        server.write(name, &segment(1, 100));
        until(|| Some(server.get(&format!("/{name}"))).filter(|it| it.status == 200));
    }
    server.request("HEAD", "/1.m4s", &[]).response();
    assert_eq!(server.get("/none.m4s").status, 404);
    let tag = server.finished("/1.m4s");
    assert_eq!(server.get_with("/1.m4s", &[("If-None-Match", &tag)]).status, 304);
    assert_eq!(server.get("/ldash/assets/play.css").status, 404);
    let mut part = server.get_with("/ldash/download/1.m4s", &[("Range", "bytes=10-19")]);
    assert_eq!((part.status, part.body().len()), (206, 10));
    let last = until(|| watched.rows().into_iter().find(|row| row["status"] == "206"));
    is(&last, &[("segment", "1.m4s"), ("bytes", "10")]);
    assert!(watched.rows().iter().all(|row| row["segment"] == "1.m4s"));
}

#[test]
fn stats_end_with_a_line_for_each_visit() {
    let mut watched = Watched::start(&["--ingest"]);
    put(watched.server.address, "/a/1.m4s", &segment(1, 1000));
    put(watched.server.address, "/a/2.m4s", &segment(1, 500));
    for (path, agent) in [("/a/1.m4s", "one"), ("/a/2.m4s", "one"), ("/a/1.m4s", "two")] {
        watched.server.get_with(path, &[("User-Agent", agent)]).body();
    }
    until(|| (watched.rows().len() == 3).then_some(()));
    assert!(lines(&watched.file("x.summary.csv")).is_empty(), "both are still here");
    let status = watched.server.get("/ldash/status").text();
    assert!(status.contains(r#""viewers":[{"stream":"/a","clients":2}]"#), "{status}");
    let visits = watched.stop();
    assert_eq!(visits.len(), 2);
    is(&visits[0], &[("user_agent", "one"), ("segments", "2"), ("bytes", "1500"), ("broken", "0")]);
    assert!(!visits[0]["mean_interval_s"].is_empty());
    is(&visits[1], &[("user_agent", "two"), ("segments", "1"), ("mean_interval_s", "")]);
    watched.server.logged("127.0.0.1 \"one\" watched \"/a\": 2 segments, 1500 bytes, one in 0.");
}

#[test]
fn stats_that_are_under_way_when_the_server_stops_are_written() {
    let mut watched = Watched::start(&[]);
    let mut file = watched.server.create("1.m4s");
    file.write_all(&chunk(100)).expect("written");
    let mut response = watched.server.get("/1.m4s");
    response.read(100);
    watched.server.signal(Signal::TERM);
    until(|| std::net::TcpStream::connect(watched.server.address).is_err().then_some(()));
    file.write_all(&chunk(50)).expect("written");
    drop(file);
    assert_eq!(response.rest(), (chunk(50), End::Clean));
    assert_eq!(watched.server.exit().code(), Some(0));
    is(&watched.rows()[0], &[("bytes", "150"), ("end", "done")]);
    is(&lines(&watched.file("x.summary.csv"))[0], &[("bytes", "150")]);
}

#[test]
fn stats_are_histograms_too() {
    let watched = Watched::start(&["--ingest"]);
    let folder = "/a%22b";
    put(watched.server.address, &format!("{folder}/1.m4s"), &segment(1, 1000));
    let agent = [("CMCD-Request", "bl=500,mtp=8000"), ("CMCD-Status", "bs")];
    (0..3).for_each(|_| drop(watched.server.get_with("/a%22b/1.m4s", &agent).body()));
    until(|| (watched.rows().len() == 3).then_some(()));
    let families = metrics(&watched.server);
    let stream = "{stream=\"/a\\\"b\"}";
    let is_value = |name: &str, wanted: f64| {
        assert_eq!(value(&families, &format!("{name}{stream}")), wanted, "{name}");
    };
    is_value("lldash_viewers", 1.0);
    is_value("lldash_viewer_request_interval_seconds_count", 2.0);
    is_value("lldash_viewer_request_jitter_seconds_count", 1.0);
    is_value("lldash_viewer_segment_bytes_sum", 3000.0);
    is_value("lldash_viewer_segment_age_seconds_count", 3.0);
    is_value("lldash_viewer_buffer_seconds_sum", 1.5);
    is_value("lldash_viewer_throughput_bytes_per_second_sum", 3e6);
    is_value("lldash_viewer_starved_total", 3.0);
    for (name, family) in families.iter().filter(|(name, _)| name.starts_with("lldash_viewer_")) {
        if family.kind == "histogram" {
            is_histogram(name, family);
        }
        let series = family.samples.keys().flat_map(|series| labels(series));
        assert!(series.into_iter().all(|(label, _)| ["stream", "le"].contains(&label)), "{name}");
    }
    // Nobody asked for them: they are not there.
    let families = metrics(&Server::start(&[]));
    assert!(families.keys().all(|name| !name.starts_with("lldash_viewer")));
}
