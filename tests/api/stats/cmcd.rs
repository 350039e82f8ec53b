//! What players say of themselves (CTA-5004), in the query and in headers.

use super::{Watched, is};
use crate::{
    helpers::{LONG, h2::Http2, put, segment, until},
    hls::stage,
};

const QUERY: &str = "CMCD=bl%3D2100%2Cbr%3D900%2Cbs%2Cd%3D2000%2Cmtp%3D25400%2Cnor%3D%22..%252F3.m4s%22%2Cot%3Dv%2Csf%3Dd%2Csid%3D%226e2fb550-c457%22%2Cst%3Dl%2Ccom.x-y%3D1";

const COLUMNS: [(&str, &str); 12] = [
    ("session", "6e2fb550-c457"),
    ("cmcd_bl", "2100"),
    ("cmcd_br", "900"),
    ("cmcd_bs", "1"),
    ("cmcd_d", "2000"),
    ("cmcd_mtp", "25400"),
    ("cmcd_nor", "..%2F3.m4s"),
    ("cmcd_ot", "v"),
    ("cmcd_sf", "d"),
    ("cmcd_st", "l"),
    ("cmcd_other", "com.x-y=1"),
    ("cmcd_cid", ""),
];

#[test]
fn cmcd_in_the_query_of_a_request_that_is_held() {
    let mut watched = Watched::start(&[]);
    let path = format!("/a/1.m4s?wait=30000&{QUERY}");
    let pending = watched.server.request("GET", &path, &[]);
    watched.server.logged("/a/1.m4s?wait=30000&CMCD is held");
    watched.server.write("a/1.m4s", &segment(1, 1000));
    assert_eq!(pending.response().body().len(), 1000);
    is(&watched.row("1.m4s"), &COLUMNS);
    // A log tells nobody which sessions there are.
    let lines = watched.server.log_until("GET /a/1.m4s?wait=30000&CMCD 200 1000 bytes");
    assert!(lines.iter().all(|line| !line.contains("6e2fb550")), "{lines:#?}");
    let visits = watched.stop();
    is(&visits[0], &[("session", "6e2fb550-c457"), ("starved", "1"), ("least_buffer_ms", "2100")]);
}

#[test]
fn cmcd_in_headers_which_pages_of_other_origins_may_send() {
    let mut watched = Watched::start(&[]);
    let names = "cmcd-object, cmcd-request, cmcd-session, cmcd-status";
    let asked = [
        ("Origin", "http://page.example"),
        ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Headers", names),
    ];
    let preflight = watched.server.request("OPTIONS", "/a/1.m4s", &asked).response();
    assert_eq!(preflight.header("access-control-allow-headers"), Some(names));
    let headers = [
        ("CMCD-Object", "br=900,d=2000,ot=v"),
        ("CMCD-Request", "bl=2100,mtp=25400,nor=\"..%2F3.m4s\",com.x-y=1"),
        ("CMCD-Session", "sf=d,sid=\"6e2fb550-c457\",st=l"),
        ("CMCD-Status", "bs"),
    ];
    // One that is held forgets its headers, but not these.
    let pending = watched.server.request("GET", "/a/1.m4s", &[&headers[..], &[LONG]].concat());
    watched.server.held("/a/1.m4s");
    watched.server.write("a/1.m4s", &segment(1, 1000));
    assert_eq!(pending.response().body().len(), 1000);
    is(&watched.row("1.m4s"), &COLUMNS);
}

#[tokio::test(flavor = "multi_thread")]
async fn cmcd_by_http2() {
    let watched = Watched::start(&["--ingest"]);
    put(watched.server.address, "/a/1.m4s", &segment(1, 1000));
    let client = Http2::plain(watched.server.address).await;
    let answer = client.ask("GET", &format!("/a/1.m4s?{QUERY}")).await.await.expect("an answer");
    assert_eq!(answer.status(), 200);
    is(&watched.row("1.m4s"), &COLUMNS);
}

#[test]
fn cmcd_does_not_disturb_what_is_asked_of_playlists() {
    let watched = Watched::start(&[]);
    let media = |first: u32| {
        format!(
            "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n\
                 #EXTINF:2,\n{first}.m4s\n"
        )
    };
    watched.server.write("live.m3u8", media(7).as_bytes());
    let query = "_HLS_msn=7&CMCD=ot%3Dm%2Csid%3D%22a%22";
    let mut list = watched.server.get(&format!("/live.m3u8?{query}"));
    assert_eq!((list.status, list.text().contains("7.m4s")), (200, true));
    let mut list = watched.server.get("/live.m3u8?CMCD=sid%3D%22a%22&_HLS_msn=99");
    assert_eq!((list.status, list.text().contains("ahead")), (400, true));
}

#[test]
fn cmcd_of_parts_of_ll_hls() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.csv");
    let options = ["--stats", path.to_str().expect("text")];
    let stage = stage::Stage::new(2, &options);
    let mut growing = stage.open(3);
    growing.grow(5);
    let list = until(|| {
        let text = stage.server.get(stage::VIDEO).text();
        text.contains("v/3.0.m4s").then_some(text)
    });
    assert!(list.contains("3.0.m4s"));
    let part = "/ldash/hls/tv/live.mpd/v/3.0.m4s?CMCD=bl%3D900%2Csid%3D%22s1%22";
    let bytes = stage.server.get(part).body().len();
    let rows = until(|| Some(super::lines(&path)).filter(|rows| !rows.is_empty()));
    let row = &rows[0];
    is(row, &[("stream", "/tv"), ("representation", "live.mpd/v/#"), ("segment", "3.0.m4s")]);
    is(row, &[("session", "s1"), ("cmcd_bl", "900"), ("bytes", &bytes.to_string())]);
    is(row, &[("age_s", "0.000"), ("late", "0")]);
    // As soon as its segment is complete, a part is as old as that.
    growing.finish();
    until(|| {
        let head = stage.server.request("HEAD", "/tv/3.m4s", &[]).response();
        head.header("etag").is_some().then_some(())
    });
    stage.server.get(part).body();
    let rows = until(|| Some(super::lines(&path)).filter(|rows| rows.len() == 2));
    assert!(rows[1]["age_s"].parse::<f64>().expect("known") >= 0.0);
    is(&rows[1], &[("late", "")]);
}

#[test]
fn cmcd_that_makes_no_sense_is_counted_and_disturbs_nothing() {
    let watched = Watched::start(&["--ingest"]);
    put(watched.server.address, "/1.m4s", &segment(1, 1000));
    let long = format!("br=1,nor=\"{}", "x".repeat(3000));
    for text in ["bl=x", "sid=\"open", "%00%0A,,,", "=(;)", &long] {
        let path = format!("/1.m4s?CMCD={}", text.replace('"', "%22"));
        assert_eq!(watched.server.get(&path).body().len(), 1000);
    }
    let rows = until(|| Some(watched.rows()).filter(|rows| rows.len() == 5));
    assert!(rows.iter().all(|row| row["session"].is_empty()));
    let text = watched.server.get("/ldash/metrics").text();
    assert!(text.contains("lldash_viewer_cmcd_malformed_total 5\n"), "{text}");
}

#[test]
fn cmcd_and_names_of_clients_are_no_formulas() {
    let watched = Watched::start(&["--ingest"]);
    put(watched.server.address, "/1.m4s", &segment(1, 1000));
    let agent = ("User-Agent", "=cmd|'/c calc'!A1, \"x\"");
    watched
        .server
        .get_with("/1.m4s?CMCD=sid%3D%22%3D1%2B1%22%2Ccid%3D%22a%2Cb%0Ac%22", &[agent])
        .body();
    let row = watched.row("1.m4s");
    is(
        &row,
        &[("user_agent", "'=cmd|'/c calc'!A1, \"x\""), ("session", "'=1+1"), ("cmcd_cid", "a,b c")],
    );
}
