//! Heading "Programs": a configuration is read, or refused by line and key.

use super::*;

fn only(text: &str) -> Stream {
    let mut streams = read(text).expect("valid");
    assert_eq!(streams.len(), 1);
    streams.remove(0)
}

#[test]
fn streams_have_the_defaults_that_are_promised() {
    let stream = only("dir = \"media\"\n[[stream]]\nkey = \"cam\"\nsource = \"test\"\n");
    assert_eq!((stream.name.as_str(), stream.fps, stream.gop), ("cam", 24.0, None));
    let millis = Duration::from_millis;
    assert_eq!((stream.segment, stream.chunk), (millis(1000), millis(100)));
    assert_eq!((stream.target, stream.linger), (millis(500), millis(15_000)));
    assert!(stream.on_demand);
    assert_eq!(stream.audio, Some(64_000));
    assert_eq!(stream.qualities, [quality(640, 900_000)]);
    assert_eq!((stream.lines.of("key"), stream.lines.of("fps")), (3, 2));
}

#[test]
fn streams_say_all_that_they_can() {
    let stream = only(
        "[[stream]]\nname = \"Front door\"\nkey = \"door\"\nsource = \"rtsp\"\n\
         input = \"rtsp://camera/1\"\nfps = 29.97\nsegment_duration = \"2s\"\nchunk_duration = 0\n\
         target_latency = 0.8\ngop = 15\non_demand = false\nlinger = 30\naudio = false\n\
         extra_args = [\"-an\"]\nqualities = [\n  { width = 1280, bitrate = \"2.5M\" },\n  \
         { width = 320, bitrate = 200000, codec = \"libvpx-vp9\" },\n]\n",
    );
    assert_eq!((stream.name.as_str(), stream.key.as_str()), ("Front door", "door"));
    assert_eq!((stream.fps, stream.gop, stream.on_demand), (29.97, Some(15), false));
    assert_eq!((stream.segment, stream.chunk), (Duration::from_secs(2), Duration::ZERO));
    assert_eq!((stream.audio, stream.extra_args.len()), (None, 1));
    assert_eq!(stream.qualities[0], quality(1280, 2_500_000));
    let second = &stream.qualities[1];
    assert_eq!((&*second.codec, second.preset.as_deref()), ("libvpx-vp9", None));
}

#[test]
fn streams_that_are_wrong_are_refused_by_line_and_key() {
    let head = "[[stream]]\nkey = \"a\"\nsource = \"test\"\n";
    for (line, wanted) in [
        ("fsp = 30", "line 4: stream.fsp: there is no such key"),
        ("fps = \"fast\"", "line 4: stream.fps: it must be a number"),
        ("fps = nan", "line 4: stream.fps: it must be a number"),
        ("gop = -1", "line 4: stream.gop: it must be a whole number"),
        ("gop = 0x10", "line 4: stream.gop: it must be a whole number"),
        ("segment_duration = -1", "line 4: stream.segment_duration: it must be a number of"),
        ("linger = \"long\"", "line 4: stream.linger: it must be a number of seconds"),
        ("on_demand = 1", "line 4: stream.on_demand: it must be true or false"),
        ("audio = \"loud\"", "line 4: stream.audio: it must be false, or"),
        ("extra_args = \"-x\"", "line 4: stream.extra_args: it must be a list of texts"),
        ("qualities = 3", "line 4: stream.qualities: it must be a list"),
        ("qualities = [3]", "line 4: stream.qualities: each is { width, bitrate }"),
        ("qualities = [{ width = 2 }]", "line 4: stream.qualities.bitrate: it is missing"),
        ("qualities = [\n{ width = 2, bitrate = 1, hight = 3 }]", "line 5: stream.qualities.hight"),
    ] {
        let mistakes = read(&format!("{head}{line}\n")).expect_err(line);
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(mistakes[0].to_string().starts_with(wanted), "{} for {line}", mistakes[0]);
    }
}

#[test]
fn streams_lack_a_key_or_a_source() {
    let mistakes = read("x = 1\n[[stream]]\nname = \"a\"\n").expect_err("no key");
    let said: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["line 2: stream.key: it is missing", "line 2: stream.source: it is missing"]);
    assert!(read("[stream]\nkey = \"a\"").is_err(), "not a list of tables");
    assert!(read("stream = [1]").is_err());
    assert_eq!(read("dir = \"x\"\n"), Ok(Vec::new()));
}
