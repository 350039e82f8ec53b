//! CTA-5004, sections 2 and 3.

use super::*;
use proptest::prelude::*;

fn query(text: &str) -> Cmcd {
    Cmcd::read(Some(text), [])
}

fn header(text: &str) -> Cmcd {
    Cmcd::read(None, [text])
}

#[test]
fn cmcd_in_a_query_is_percent_decoded() {
    let read = query(
        "wait=1&CMCD=bl%3D21300%2Cbs%2Ccid%3D%22faec5fc2-ac30-11ea%22%2Cd%3D2004%2Cot%3Dv%2Cpr%3D1.08%2Csid%3D%226e2fb550%22&x=y",
    );
    let value = |key| read.value(key);
    assert_eq!((value("bl"), value("bs"), value("d")), (Some("21300"), Some("1"), Some("2004")));
    assert_eq!((value("cid"), value("sid")), (Some("faec5fc2-ac30-11ea"), Some("6e2fb550")));
    assert_eq!((value("ot"), value("pr"), value("br")), (Some("v"), Some("1.08"), None));
    assert_eq!((read.integer("bl"), read.has_starved(), read.malformed), (Some(21300), true, 0));
}

#[test]
fn cmcd_in_a_query_may_be_written_as_forms_are() {
    assert_eq!(query("CMCD=cid%3D%22a+b%2Bc%22").value("cid"), Some("a b+c"));
}

#[test]
fn cmcd_in_headers_wins_over_the_query() {
    let headers = ["br=3200,d=4004,ot=v,tb=6000", "bl=2000", "sid=\"a\"", "rtp=12000"];
    let read = Cmcd::read(Some("CMCD=bl%3D1"), headers);
    assert_eq!((read.integer("br"), read.integer("bl")), (Some(3200), Some(2000)));
    assert_eq!((read.value("sid"), read.integer("rtp")), (Some("a"), Some(12000)));
    let long = format!("CMCD={}", "a".repeat(MAX_BYTES + 1));
    let read = Cmcd::read(Some(&long), ["bl=2000"]);
    assert_eq!((read.integer("bl"), read.malformed), (Some(2000), 1));
}

#[test]
fn cmcd_texts_may_hold_commas_quotes_and_backslashes() {
    let read = header(r#"cid="a,b=\"c\"\\",nor="..%2F300kbps%2Fseg.m4v",su"#);
    assert_eq!(read.value("cid"), Some(r#"a,b="c"\"#));
    assert_eq!(read.value("nor"), Some("..%2F300kbps%2Fseg.m4v"));
    assert_eq!((read.value("su"), read.malformed), (Some("1"), 0));
}

#[test]
fn cmcd_that_makes_no_sense_is_left_out_and_counted() {
    let read = header("bl=-5,mtp=x,d=4000,bs=2,=3,pr=nan,sid=\"open,ot=v");
    assert_eq!((read.integer("d"), read.malformed), (Some(4000), 6));
    assert!(["bl", "mtp", "bs", "pr", "sid", "ot"].iter().all(|key| read.value(key).is_none()));
    assert_eq!(header("ot=").malformed, 1);
    assert_eq!(header("bs=false,su=?0"), Cmcd::default());
    assert_eq!(query("CMCD=%FF").malformed, 1);
    assert_eq!(header(&"a".repeat(MAX_BYTES + 1)).malformed, 1);
    assert_eq!(query(&format!("CMCD={}", "a".repeat(MAX_BYTES + 1))).malformed, 1);
}

#[test]
fn cmcd_of_version_2_and_own_keys_pass_as_they_are() {
    let read = header("br=(3200;v 128;a),v=2,ltc=1200,com.example-x=\"a,b\",nor=(\"a.m4s\" \"b\")");
    assert_eq!((read.integer("br"), read.integer("v")), (Some(3200), Some(2)));
    assert_eq!(read.value("nor"), Some("a.m4s"));
    assert_eq!(read.others, "ltc=1200,com.example-x=\"a,b\"");
    let many: Vec<String> = (0..60).map(|at| format!("own-{at}=12345678901")).collect();
    assert!(header(&many.join(",")).others.len() <= MAX_OTHERS);
}

#[test]
fn cmcd_is_not_for_those_who_read_a_log() {
    assert_eq!(without("_HLS_msn=1&CMCD=sid%3D%22a%22&x"), "_HLS_msn=1&CMCD&x");
    assert_eq!(without("wait=1"), "wait=1");
}

proptest! {
    #[test]
    fn cmcd_of_any_kind_is_read_and_stays_on_its_line(text in "\\PC*|[a-z=\",\\\\();?.0-9 ]*|(?s).*") {
        let read = Cmcd::read(Some(&format!("CMCD={text}")), [text.as_str()]);
        for value in KEYS.iter().filter_map(|key| read.value(key)).chain([&*read.others]) {
            prop_assert!(!value.contains(char::is_control));
            prop_assert!(value.len() <= 4 * MAX_TEXT.max(MAX_OTHERS));
        }
    }
}
