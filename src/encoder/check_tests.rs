//! Heading "Programs": each mistake is named with its line, before anything starts.

use super::*;
use crate::encoder::config::read;

fn said(text: &str) -> Vec<String> {
    let streams = read(text).expect("of the right kinds");
    check(&streams, |path| path == Path::new("there.mp4")).iter().map(ToString::to_string).collect()
}

#[test]
fn streams_that_fit_are_not_complained_of() {
    for text in [
        "[[stream]]\nkey = \"a\"\nsource = \"test\"\n",
        "[[stream]]\nkey = \"a\"\nsource = \"webcam\"\n",
        "[[stream]]\nkey = \"a\"\nsource = \"test\"\nfps = 30\nsegment_duration = 2\ngop = 15\n",
        "[[stream]]\nkey = \"a\"\nsource = \"test\"\nfps = 12.5\nsegment_duration = 0.4\n",
        "[[stream]]\nkey = \"a.b-c_1\"\nsource = \"file\"\ninput = \"there.mp4\"\n",
        "[[stream]]\nkey = \"a\"\nsource = \"rtsp\"\ninput = \"rtsp://u:p@h:554/1?x=y\"\n",
        "[[stream]]\nkey = \"a\"\nsource = \"command\"\ninput = \"make stream\"\nlinger = 0\n",
    ] {
        assert_eq!(said(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn streams_each_mistake_is_named_with_its_line() {
    let head = "[[stream]]\nkey = \"a\"\nsource = \"test\"\n";
    for (lines, wanted) in [
        ("fps = 0", "line 4: stream.fps: it must be above 0"),
        ("fps = -24", "line 4: stream.fps: it must be above 0"),
        ("fps = 1000", "line 4: stream.fps: it must be above 0, and at most 240"),
        ("gop = 7", "line 4: stream.gop: a segment has 24 frames, which 7 does not divide"),
        ("gop = 0", "line 4: stream.gop: a segment has 24 frames, which 0 does not divide"),
        ("gop = 48", "line 4: stream.gop: a segment has 24 frames, which 48 does not divide"),
        ("segment_duration = 0.99", "line 4: stream.segment_duration: 0.99 s at 24 frames"),
        ("segment_duration = 0", "line 4: stream.segment_duration: it must be from 0.1 s"),
        ("chunk_duration = 2", "line 4: stream.chunk_duration: it must not be longer"),
        ("chunk_duration = 0.01", "line 4: stream.chunk_duration: it is shorter than a frame"),
        ("target_latency = 0", "line 4: stream.target_latency: it must be above 0"),
        ("linger = \"2 days\"", "line 4: stream.linger: it must be at most a day"),
        ("input = \"x\"", "line 4: stream.input: source \"test\" has none"),
        ("audio = 1", "line 4: stream.audio: it must be from 8 to 512 kbit/s"),
        ("qualities = []", "line 4: stream.qualities: there must be from 1 to 8"),
        (
            "qualities = [{width = 321, bitrate = 1000}]",
            "line 4: stream.qualities: width 321 must be",
        ),
        (
            "qualities = [{width = 320, bitrate = 10}]",
            "line 4: stream.qualities: bitrate 10 must be",
        ),
        ("name = \"a\\u0007\"", "line 4: stream.name: it has characters"),
    ] {
        let said = said(&format!("{head}{lines}\n"));
        assert!(said.iter().any(|it| it.starts_with(wanted)), "{lines}: {said:#?}");
    }
}

#[test]
fn streams_need_folders_of_their_own() {
    let key = |key: &str| said(&format!("[[stream]]\nkey = \"{key}\"\nsource = \"test\"\n"));
    for bad in ["", ".", "..", ".git", "a/b", "/a", "a b", "ä", "a.tmp", "-x", "a%20"] {
        let said = key(bad);
        assert!(said.iter().any(|it| it.contains("is no folder's name")), "{bad:?}: {said:?}");
    }
    assert!(key("LDASH")[0].contains("the server's own"));
    let two = "[[stream]]\nkey = \"cam\"\nsource = \"test\"\n\n[[stream]]\nkey = \"Cam\"\nsource = \"test\"\n";
    assert_eq!(said(two), ["line 6: stream.key: \"Cam\" is that of line 2 already"]);
}

#[test]
fn streams_need_their_inputs() {
    let input = |source: &str, rest: &str| {
        said(&format!("[[stream]]\nkey = \"a\"\nsource = \"{source}\"\n{rest}\n"))
    };
    for source in ["rtsp", "file", "command"] {
        let wanted = format!("line 1: stream.input: source \"{source}\" needs an input");
        assert_eq!(input(source, ""), [wanted]);
    }
    assert!(input("file", "input = \"gone.mp4\"")[0].contains("there is no file \"gone.mp4\""));
    for bad in ["http://h/x", "rtsp://h/'x", "rtsp://h/\\nx"] {
        assert!(!input("rtsp", &format!("input = \"{bad}\"")).is_empty(), "{bad}");
    }
    let foreign = input("command", "input = \"x\"\nfps = 30");
    assert_eq!(
        foreign,
        ["line 5: stream.fps: it does nothing with source \"command\", which decides itself"]
    );
}

#[test]
fn streams_that_the_server_switches_have_qualities_that_may_share_an_init() {
    let head = "[[stream]]\nkey = \"a\"\nsource = \"test\"\nswitching = \"server\"\n";
    let list = |list: &str| said(&format!("{head}qualities = [{list}]\n"));
    let one = "{width = 640, bitrate = \"2M\"}";
    assert_eq!(list(&format!("{one}, {{width = 640, bitrate = \"1M\"}}")), Vec::<String>::new());
    for (other, wanted) in [
        ("width = 320, bitrate = \"1M\"", "widths 640 and 320 cannot share one init"),
        (
            "width = 640, bitrate = \"1M\", codec = \"libx265\"",
            "libx264 and libx265 cannot share one init",
        ),
        ("width = 640, bitrate = 2000000", "two have the bitrate 2000000"),
    ] {
        let said = list(&format!("{one}, {{{other}}}"));
        let wanted = format!("line 5: stream.qualities: {wanted}");
        assert!(said.len() == 1 && said[0].starts_with(&wanted), "{other}: {said:?}");
    }
    let alone = "line 4: stream.switching: there is one quality only: nothing can be switched";
    assert_eq!(list(one), [alone]);
    assert_eq!(said(head), [alone], "by default too");
    let foreign = head.replace("test", "command") + "input = \"x\"\n";
    assert!(said(&foreign)[0].starts_with("line 4: stream.switching: it does nothing"));
    let two = format!("qualities = [{one}, {{width = 320, bitrate = \"2M\"}}]\n");
    let client = head.replace("server", "client") + &two;
    assert_eq!(said(&client), Vec::<String>::new());
    let wrong = read(&head.replace("server", "both")).expect_err("a mistake");
    let wanted = "line 4: stream.switching: it must be client or server, in quotes";
    assert_eq!(wrong[0].to_string(), wanted);
}
