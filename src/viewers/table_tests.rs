//! Visits as requests make them: no clock, no disk.

use super::*;
use crate::{live::MediaPath, metrics::Text, viewers::seen::Ending};
use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    time::SystemTime,
};

const SECOND: Duration = Duration::from_secs(1);

/// A table, and the time at which its tests begin.
struct Stage {
    table: Table,
    start: Instant,
}

impl Stage {
    fn new() -> Self {
        Self { table: Table::new(3), start: Instant::now() }
    }

    /// A request of a client that was asked, answered and over so many seconds after the start.
    fn seen(&self, client: &str, path: &str, seconds: f64) -> Seen {
        let after = Duration::from_secs_f64(seconds);
        let what = What::File(MediaPath::from_disk(Path::new(path)).expect("a path"));
        let at = SystemTime::UNIX_EPOCH + 1000 * SECOND + after;
        Seen {
            address: Some(IpAddr::from(Ipv4Addr::LOCALHOST)),
            agent: client.to_owned(),
            status: 200,
            end: Ending::Done,
            bytes: 100,
            age: Age::Young,
            ..Seen::new(what, self.start + after, at)
        }
    }

    fn note(&mut self, seen: Seen) -> Row {
        let now = seen.asked;
        self.table.note(seen, now).expect("a row")
    }

    fn asks(&mut self, client: &str, path: &str, seconds: f64) -> Row {
        self.note(self.seen(client, path, seconds))
    }

    fn metrics(&self, seconds: u64) -> String {
        let mut text = Text::default();
        let watched =
            self.table.watched(self.start + u32::try_from(seconds).expect("few") * SECOND, 99);
        self.table.figures().write(&mut text, &watched);
        text.finish()
    }
}

#[test]
fn stats_intervals_are_those_of_a_client_and_a_representation() {
    let mut stage = Stage::new();
    assert_eq!(stage.asks("a", "s/v1.m4s", 0.0).interval, None);
    assert_eq!(stage.asks("a", "s/a1.m4s", 0.5).interval, None);
    assert_eq!(stage.asks("b", "s/v1.m4s", 0.7).interval, None);
    assert_eq!(stage.asks("a", "other/v1.m4s", 0.8).interval, None);
    assert_eq!(stage.asks("a", "s/v2.m4s", 2.0).interval, Some(2 * SECOND));
    assert_eq!(stage.asks("a", "s/a2.m4s", 2.5).interval, Some(2 * SECOND));
}

#[test]
fn stats_one_who_changes_the_quality_and_comes_back_was_not_slow() {
    let mut stage = Stage::new();
    let qualities = ["hi", "hi", "hi", "lo", "lo", "lo", "hi", "hi"];
    let rows = (1..).zip(qualities).map(|(number, quality): (u32, _)| {
        let row = stage.asks("a", &format!("s/{quality}-{number}.m4s"), f64::from(number));
        (row.interval, row.jitter_seconds)
    });
    let rows: Vec<_> = rows.collect();
    assert_eq!(rows[6..], [(None, Some(0.0)), (Some(SECOND), Some(0.0))]);
}

#[test]
fn stats_of_encoders_that_begin_again_and_again_go_on() {
    let mut stage = Stage::new();
    let mut late = None;
    for (run, number) in (0..99).flat_map(|run| [(run, 1), (run, 2)]) {
        let seconds = f64::from(run * 2 + number);
        let mut seen = stage.seen("a", &format!("s/{run}-0-{number}.m4s"), seconds + 9.5);
        let complete = SystemTime::UNIX_EPOCH + 1000 * SECOND + Duration::from_secs_f64(seconds);
        (seen.age, seen.complete) = (Age::Since(complete), Some(complete));
        late = stage.note(seen).late;
    }
    assert_eq!(late, Some(9));
    assert_eq!(stage.table.streams["/s"].productions.len(), MAX_PRODUCTIONS);
}

#[test]
fn stats_a_session_is_one_client_whatever_its_address() {
    let mut stage = Stage::new();
    let mut asks = |agent, number: u32, session: &str| {
        let mut seen = stage.seen(agent, &format!("s/{number}.m4s"), f64::from(number));
        seen.query = Some(format!("CMCD=sid%3D%22{session}%22%2Cd%3D1000%2Cbl%3D{number}00"));
        stage.note(seen)
    };
    assert_eq!(asks("a", 1, "one").clients, 1);
    let second = asks("b", 2, "one");
    assert_eq!((second.clients, second.interval), (1, Some(SECOND)));
    assert_eq!(second.jitter_seconds, Some(0.0), "the player says how long segments last");
    assert_eq!(asks("b", 3, "two").clients, 2);
    stage.table.close();
    let sums = stage.table.take_ended();
    assert_eq!(sums[0].session.as_deref(), Some("one"));
    assert_eq!((sums[0].segments, sums[0].bytes, sums[0].least_buffer_ms), (2, 200, Some(100)));
    assert_eq!(sums[0].mean_interval(), Some(SECOND));
}

#[test]
fn stats_late_is_what_has_been_complete_for_longer_than_it_lasts() {
    let mut stage = Stage::new();
    let mut asks = |number: u32, seconds: f64, complete: f64| {
        let mut seen = stage.seen("a", &format!("s/{number}.m4s"), seconds);
        let complete = SystemTime::UNIX_EPOCH + 1000 * SECOND + Duration::from_secs_f64(complete);
        (seen.age, seen.complete) = (Age::Since(complete), Some(complete));
        let row = stage.note(seen);
        (row.age, row.late)
    };
    // How long segments last is not known before the second.
    assert_eq!(asks(1, 5.0, 2.0), (Some(3 * SECOND), None));
    assert_eq!(asks(2, 5.0, 4.0), (Some(SECOND), Some(0)));
    assert_eq!(asks(3, 8.0, 6.0), (Some(2 * SECOND), Some(1)));
    assert_eq!(asks(4, 15.0, 8.0), (Some(7 * SECOND), Some(3)));
    let young = stage.asks("a", "s/5.m4s", 16.0);
    assert_eq!((young.age, young.late), (Some(Duration::ZERO), Some(0)));
    let mut unknown = stage.seen("a", "s/6.m4s", 17.0);
    unknown.age = Age::Unknown;
    let unknown = stage.note(unknown);
    assert_eq!((unknown.age, unknown.late), (None, None));
    stage.table.close();
    assert_eq!(stage.table.take_ended()[0].late, 2);
}

#[test]
fn stats_clients_are_there_for_a_while_and_visits_end_later() {
    let mut stage = Stage::new();
    stage.asks("a", "s/1.m4s", 0.0);
    assert_eq!(stage.asks("b", "s/1.m4s", 14.0).clients, 2);
    assert_eq!(stage.asks("b", "s/2.m4s", 15.0).clients, 1, "the other one has gone");
    assert_eq!(stage.asks("a", "s/2.m4s", 20.0).clients, 2, "and is here again");
    let at = |seconds: u32| stage.start + seconds * SECOND;
    assert_eq!(stage.table.watched(at(34), 9)[0].clients, 1);
    assert!(stage.table.watched(at(35), 9).is_empty());
    assert_eq!(stage.table.next_end(), Some(at(75)));
    stage.table.expire(at(74));
    assert!(stage.table.take_ended().is_empty());
    stage.table.expire(at(75));
    assert_eq!(stage.table.take_ended()[0].agent, "b");
    stage.table.expire(at(80));
    assert_eq!(stage.table.take_ended()[0].agent, "a");
    assert!(stage.table.next_end().is_none() && stage.table.streams.is_empty());
}

#[test]
fn stats_no_more_visits_are_known_than_may() {
    let mut stage = Stage::new();
    for client in ["a", "b", "c"] {
        stage.asks(client, "s/1.m4s", 1.0);
    }
    stage.asks("a", "s/2.m4s", 2.0);
    stage.asks("d", "t/1.m4s", 3.0);
    assert_eq!(stage.table.visits.len(), 3);
    assert_eq!(stage.table.take_ended()[0].agent, "b", "which asked least recently");
    assert_eq!((stage.table.order.len(), stage.table.numbers.len()), (3, 3));
    let watched = stage.table.watched(stage.start + 3 * SECOND, 9);
    let clients: Vec<_> = watched.iter().map(|it| (&*it.stream, it.clients)).collect();
    assert_eq!(clients, [("/s", 2), ("/t", 1)]);
}

#[test]
fn stats_what_a_player_calls_no_segment_is_none() {
    let mut stage = Stage::new();
    let mut seen = stage.seen("a", "s/header.mp4", 0.0);
    seen.cmcd_headers = vec!["ot=i,br=100".to_owned()];
    let now = seen.asked;
    assert_eq!(stage.table.note(seen, now), None);
    assert!(stage.table.visits.is_empty());
}

#[test]
fn stats_figures_are_those_of_the_rows() {
    let mut stage = Stage::new();
    stage.asks("a", "s/1.m4s", 0.0);
    let mut seen = stage.seen("a", "s/2.m4s", 2.0);
    seen.cmcd_headers = vec!["bl=1500,mtp=8000,bs,d=2000,x".to_owned(), "br=bad".to_owned()];
    seen.end = Ending::Left;
    stage.note(seen);
    let text = stage.metrics(2);
    for line in [
        "lldash_viewers{stream=\"/s\"} 1",
        "lldash_viewer_request_interval_seconds_bucket{stream=\"/s\",le=\"1\"} 0",
        "lldash_viewer_request_interval_seconds_bucket{stream=\"/s\",le=\"2\"} 1",
        "lldash_viewer_request_interval_seconds_sum{stream=\"/s\"} 2",
        "lldash_viewer_request_jitter_seconds_count{stream=\"/s\"} 1",
        "lldash_viewer_segment_bytes_sum{stream=\"/s\"} 200",
        "lldash_viewer_segment_age_seconds_bucket{stream=\"/s\",le=\"0\"} 2",
        "lldash_viewer_buffer_seconds_sum{stream=\"/s\"} 1.5",
        "lldash_viewer_throughput_bytes_per_second_sum{stream=\"/s\"} 1000000",
        "lldash_viewer_late_requests_total{stream=\"/s\"} 0",
        "lldash_viewer_broken_replies_total{stream=\"/s\"} 1",
        "lldash_viewer_starved_total{stream=\"/s\"} 1",
        "lldash_viewer_cmcd_malformed_total 1",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} in {text}");
    }
}

#[test]
fn stats_figures_are_of_few_streams_and_of_all_others() {
    let mut stage = Stage::new();
    for stream in 0..60 {
        stage.asks("a", &format!("s{stream}/1.m4s"), 0.0);
    }
    let text = stage.metrics(0);
    let counts = text.lines().filter(|it| it.starts_with("lldash_viewer_segment_bytes_count"));
    assert_eq!(counts.count(), 51);
    assert!(text.contains("lldash_viewer_segment_bytes_count{stream=\"others\"} 10\n"), "{text}");
}
