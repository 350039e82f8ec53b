//! What is read of a request's head, line by line.

use super::*;
use proptest::prelude::*;

/// A GET for a segment with more lines.
fn get(lines: &str) -> String {
    format!("GET /a/1.m4s HTTP/1.1\r\nHost: x\r\n{lines}\r\n")
}

fn plain(text: &str) -> Option<Arc<PlainGet>> {
    match Head::parse(text.as_bytes(), true) {
        Head::Plain(length, get) => {
            assert_eq!(length, text.len());
            Some(get)
        }
        _ => None,
    }
}

fn is_other(text: &str) -> bool {
    matches!(Head::parse(text.as_bytes(), true), Head::Other(length) if length == text.len())
}

fn is_partial(text: &str) -> bool {
    matches!(Head::parse(text.as_bytes(), true), Head::Partial)
}

fn is_unknown(text: &str) -> bool {
    matches!(Head::parse(text.as_bytes(), true), Head::Unknown)
}

#[test]
fn urls_of_a_plain_get_are_read_like_any_other() {
    let read = plain("GET //a%20b/1.m4s?x=y HTTP/1.1\r\nhost: x\r\n\r\n").expect("plain");
    assert_eq!(read.path.as_str(), "a b/1.m4s");
    assert_eq!(read.target.to_string(), "//a%20b/1.m4s?x=y");
    for target in ["/", "/x.mpd", "/x.m3u8", "/ldash/time", "/a%2Fb", "/../a", "http://x/a"] {
        assert!(is_other(&format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")), "{target}");
    }
    assert!(plain("GET /ldash/download/1.m4s HTTP/1.1\r\nHost: x\r\n\r\n").is_some());
}

#[test]
fn holding_for_as_long_as_a_plain_get_says() {
    let wait = |lines: &str| plain(&get(lines)).expect("plain").wait;
    assert_eq!(wait(""), None);
    assert_eq!(wait("X-Wait-Timeout: 2500\r\n"), Some(Duration::from_millis(2500)));
    let queried = |lines: &str| format!("GET /1.m4s?wait=70 HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
    assert_eq!(plain(&queried("")).expect("plain").wait, Some(Duration::from_millis(70)));
    let both = plain(&queried("x-wait-timeout: 9\r\n")).expect("plain");
    assert_eq!(both.wait, Some(Duration::from_millis(9)));
    for lines in ["1s", "1\r\nX-Wait-Timeout: 1", "", "x\r\nX-Wait-Timeout: 1"] {
        assert!(is_other(&get(&format!("X-Wait-Timeout: {lines}\r\n"))), "{lines}");
    }
}

#[test]
fn headers_that_decide_on_a_reply_are_not_overlooked() {
    for line in [
        "Range: bytes=0-1",
        "if-match: *",
        "If-None-Match: \"a\"",
        "If-Modified-Since: x",
        "IF-UNMODIFIED-SINCE: x",
        "If-Range: \"a\"",
        "Prefer: wait=1",
        "Connection: close",
        "Connection: upgrade",
        "Host: y",
    ] {
        assert!(is_other(&get(&format!("{line}\r\n"))), "{line}");
    }
    for line in [
        "Accept: */*",
        "Connection: Keep-Alive",
        "Accept-Encoding: gzip",
        "Cache-Control: no-cache",
        "Cookie: a=b",
        "Referer: http://x/",
    ] {
        assert!(plain(&get(&format!("{line}\r\n"))).is_some(), "{line}");
    }
    assert!(is_other("GET /a.vtt HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n"));
    assert!(plain("GET /a.vtt HTTP/1.1\r\nHost: x\r\n\r\n").is_some());
    assert!(is_other("GET /1.m4s HTTP/1.1\r\n\r\n"), "without a host");
    assert!(is_other("HEAD /1.m4s HTTP/1.1\r\nHost: x\r\n\r\n"));
    let origin = plain(&get("Origin: https://a.example\r\n")).expect("plain").origin.clone();
    assert_eq!(origin.expect("one"), "https://a.example");
}

#[test]
fn ingest_and_what_is_not_understood_stay_with_actix() {
    for lines in [
        "Content-Length: 0\r\n",
        "Content-Length: 9\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Expect: 100-continue\r\n",
        "Upgrade: websocket\r\n",
        "Upgrade: h2c\r\nHTTP2-Settings: x\r\n",
        " folded\r\n",
        "no colon\r\n",
    ] {
        assert!(is_unknown(&get(lines)), "{lines}");
    }
    for line in
        ["PUT /1.m4s HTTP/1.1", "DELETE /1.m4s HTTP/1.1", "GET /1.m4s HTTP/1.0", "GET /1", "\0"]
    {
        assert!(is_unknown(&format!("{line}\r\nHost: x\r\n\r\n")), "{line}");
    }
    assert!(is_unknown(&get(&"a: b\r\n".repeat(MAX_LINES))));
}

#[test]
fn limits_a_head_that_is_not_over_is_waited_for_up_to_its_longest() {
    let whole = get("Accept: */*\r\n");
    assert!((0..whole.len()).all(|cut| is_partial(&whole[..cut])));
    let long = format!("GET /1.m4s HTTP/1.1\r\nCookie: {}", "x".repeat(MAX_BYTES));
    assert!(is_partial(&long[..MAX_BYTES - 1]));
    assert!(is_unknown(&long[..MAX_BYTES]));
}

#[test]
fn stats_of_what_clients_say_are_kept_for_those_who_ask() {
    let text = get("User-Agent: p\r\nCMCD-Object: a\r\nCMCD-Object: b\r\nOther: c\r\n");
    assert_eq!(plain(&text).expect("plain").told.len(), 3);
    let Head::Plain(_, get) = Head::parse(text.as_bytes(), false) else { panic!("plain") };
    assert!(get.told.is_empty());
}

proptest! {
    #[test]
    fn headers_of_any_kind_end_where_the_head_ends(
        lines in prop::collection::vec("[ -~]{0,30}", 0..6),
        behind in "[ -~\r\n]{0,40}",
    ) {
        let mut text = "GET /1.m4s HTTP/1.1\r\nHost: x\r\n".to_owned();
        lines.iter().for_each(|line| text += &format!("{line}\r\n"));
        let end = text.find("\r\n\r\n").map_or(text.len() + 2, |at| at + 4);
        let all = text + "\r\n" + &behind;
        for cut in 0..all.len() {
            match Head::parse(&all.as_bytes()[..cut], true) {
                Head::Plain(length, _) | Head::Other(length) => prop_assert_eq!(length, end),
                Head::Partial | Head::Unknown => {}
            }
        }
    }
}
