//! The pages as the server sends them; how they behave is seen in `tests/browser`.

use crate::{helpers::Server, status::MPD};
use std::fs;

#[test]
fn urls_front_page_lists_streams_without_scripts() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("before & \"<b>.mpd"), MPD).expect("written");
    let server = Server::over(folder, &[]);
    server.write("hls/live.m3u8", b"#EXTM3U\n");
    for path in ["/", "/ldash/", "/ldash"] {
        let mut response = server.get(path);
        assert_eq!(response.header("cache-control"), Some("no-store"));
        let policy = response.header("content-security-policy").expect("a policy").to_owned();
        assert!(policy.contains("default-src 'self'"), "{policy}");
        let page = response.text();
        assert!(page.contains("href=\"../../play/before%20%26%20%22%3Cb%3E.mpd\""), "{page}");
        assert!(page.contains("before &amp; &quot;&lt;b&gt;.mpd</a>"), "{page}");
        assert!(!page.contains("<b>"), "{page}");
        assert!(page.contains("href=\"../../play/hls/live.m3u8\""), "{page}");
    }
}

#[test]
fn urls_player_page_is_there_whatever_is_to_be_played() {
    let server = Server::start(&[]);
    for path in ["/ldash/play/live/none.mpd", "/ldash/play/", "/ldash/play/a%20b.m3u8?target=0.4"] {
        let mut response = server.get(path);
        assert_eq!(response.status, 200, "{path}");
        assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(response.header("cache-control"), Some("no-store"));
        let policy = response.header("content-security-policy").expect("a policy");
        for part in ["script-src 'self' https://", "connect-src * ", "blob:"] {
            assert!(policy.contains(part), "{part} in {policy}");
        }
        let scripts = policy.split("script-src 'self' ").nth(1).and_then(|it| it.split(';').next());
        let scripts: Vec<&str> = scripts.expect("a part for scripts").split(' ').collect();
        assert_eq!(scripts.len(), 2, "one copy of each player");
        assert!(scripts.iter().all(|url| url.ends_with(".min.js")), "files, no hosts: {policy}");
        assert!(response.text().contains("<video"));
    }
    for malformed in ["a%2Fb.mpd", "../x.mpd", "%00.mpd", "x%zz.mpd", "a%5Cb.mpd"] {
        let path = format!("/ldash/play/{malformed}");
        assert_eq!(server.get(&path).status, 400, "{path}");
    }
    assert_eq!(server.get("/ldash/play/.git/x.mpd").status, 404);
}

#[test]
fn urls_player_page_finds_its_assets_from_any_depth() {
    let server = Server::start(&[]);
    for path in ["/ldash/play/x.mpd", "/ldash/play/a/b/c/x.mpd"] {
        let page = server.get(path).text();
        let base = page.split("<base href=\"").nth(1).and_then(|rest| rest.split('"').next());
        let base = base.expect("a base");
        assert!(!page.contains("\"/ldash/"), "an absolute link fits no proxy's prefix: {page}");
        let folder = path.rsplit_once('/').expect("a folder").0;
        let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
        for part in base.split('/').filter(|part| !part.is_empty()) {
            match part {
                ".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        assert_eq!(parts[..2], ["ldash", "assets"], "{base} from {path}");
        assert_eq!(parts.len(), 3, "the root is three folders above: {base} from {path}");
        let main = server.get(&format!("/{}/play/main.js", parts.join("/")));
        let caching = main.header("cache-control").expect("a rule");
        assert!(caching.contains("immutable"), "{caching}");
    }
    let older = server.get("/ldash/assets/v0123456789abcdef/clock.js");
    assert_eq!((older.status, older.header("cache-control")), (200, Some("no-cache")));
    assert_eq!(server.get("/ldash/assets/clock.js").status, 200);
    assert_eq!(server.get("/ldash/assets/play/none.js").status, 404);
}

/// The page can show a picture without asking for the manifest first.
#[test]
fn urls_player_page_brings_what_the_server_has() {
    let server = Server::start(&["--time-displacement", "3600"]);
    // One that waits for its first chunk is not shown yet.
    let early = "availabilityTimeOffset=\"1.9\" availabilityTimeComplete=\"false\" media=";
    server.write("live/x.mpd", MPD.replace("media=", early).as_bytes());
    server.write("live/waiting.mpd", MPD.as_bytes());
    server.finished("/live/x.mpd");
    let page = server.get("/ldash/play/live/x.mpd").text();
    let given = page.split("type=\"application/json\">").nth(1).expect("a place for it");
    let given = given.split("</script>").next().expect("an end");
    let given: serde_json::Value = serde_json::from_str(given).expect("JSON");
    assert_eq!(given["manifest"].as_str(), Some(&*server.get("/live/x.mpd").text()));
    let told = humantime::parse_rfc3339(&server.get("/ldash/time").text()).expect("a time");
    let told = told.duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_millis();
    let given = u128::from(given["time"].as_u64().expect("a time"));
    assert!(told.abs_diff(given) < 60_000, "both are late by the displacement: {told} {given}");
    for other in ["live/waiting.mpd", "live/none.mpd", "live/x.txt", ""] {
        let page = server.get(&format!("/ldash/play/{other}")).text();
        assert!(page.contains("type=\"application/json\">null</script>"), "{other}");
    }
}
