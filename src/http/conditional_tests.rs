//! The contract's heading "Finished files": If-Match … If-Range in the order of RFC 9110, 13.2.2.

use super::*;
use actix_web::http::header::HeaderValue;
use proptest::prelude::*;

const PAST: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const DATE: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
const LATER: &str = "Sun, 06 Nov 1994 08:49:39 GMT";

fn judge(lines: &[(&str, &str)]) -> Outcome {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        headers.append(name, HeaderValue::from_str(value).expect("a value"));
    }
    let modified = parse_date(DATE).expect("a date") + Duration::from_millis(600);
    Conditions::parse(&headers).judge(Some(&Tag("\"a,b\"".into())), Some(modified))
}

const GO: Outcome = Outcome::Proceed { ranges: true };
const GO_WHOLE: Outcome = Outcome::Proceed { ranges: false };

#[test]
fn finished_if_match() {
    assert_eq!(judge(&[("if-match", "*")]), GO);
    assert_eq!(judge(&[("if-match", "\"x\", \"a,b\"")]), GO);
    assert_eq!(judge(&[("if-match", "\"x\""), ("if-match", "\"a,b\"")]), GO);
    assert_eq!(judge(&[("if-match", "\"x\"")]), Outcome::Failed);
    assert_eq!(judge(&[("if-match", "W/\"a,b\"")]), Outcome::Failed, "compared strongly");
    assert_eq!(judge(&[("if-match", "*"), ("if-unmodified-since", PAST)]), GO, "step 2 is skipped");
}

#[test]
fn finished_if_unmodified_since() {
    assert_eq!(judge(&[("if-unmodified-since", DATE)]), GO, "to the second");
    assert_eq!(judge(&[("if-unmodified-since", PAST)]), Outcome::Failed);
    assert_eq!(judge(&[("if-unmodified-since", "yesterday")]), GO, "ignored");
}

#[test]
fn finished_if_none_match() {
    assert_eq!(judge(&[("if-none-match", "*")]), Outcome::NotModified);
    assert_eq!(judge(&[("if-none-match", "W/\"a,b\"")]), Outcome::NotModified, "compared weakly");
    assert_eq!(judge(&[("if-none-match", "\"x\"")]), GO);
    assert_eq!(judge(&[("if-none-match", "\"x\""), ("if-modified-since", LATER)]), GO);
    assert_eq!(judge(&[("if-match", "\"x\""), ("if-none-match", "*")]), Outcome::Failed, "first");
}

#[test]
fn finished_if_modified_since() {
    assert_eq!(judge(&[("if-modified-since", DATE)]), Outcome::NotModified);
    assert_eq!(judge(&[("if-modified-since", PAST)]), GO);
}

#[test]
fn finished_if_range() {
    assert_eq!(judge(&[("if-range", "\"a,b\"")]), GO);
    assert_eq!(judge(&[("if-range", "W/\"a,b\"")]), GO_WHOLE);
    assert_eq!(judge(&[("if-range", "\"x\"")]), GO_WHOLE);
    assert_eq!(judge(&[("if-range", DATE)]), GO);
    assert_eq!(judge(&[("if-range", LATER)]), GO_WHOLE);
    assert_eq!(judge(&[("if-range", "nonsense")]), GO_WHOLE);
}

#[test]
fn growing_has_nothing_to_compare_with() {
    let judge = |name: HeaderName, value| {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        Conditions::parse(&headers).judge(None, None)
    };
    assert_eq!(judge(header::IF_NONE_MATCH, "*"), Outcome::NotModified);
    assert_eq!(judge(header::IF_NONE_MATCH, "\"x\""), GO);
    assert_eq!(judge(header::IF_MODIFIED_SINCE, LATER), GO);
    assert_eq!(judge(header::IF_RANGE, "\"x\""), GO_WHOLE);
}

proptest! {
    #[test]
    fn lists_of_tags_never_panic(value in "[\\x20-\\x7e]{0,30}") {
        let _ = judge(&[("if-match", &value), ("if-none-match", &value), ("if-range", &value)]);
    }
}
