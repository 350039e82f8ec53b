//! Heading "Programs": a configuration with each mistake is refused before anything starts.

use super::{SMALL, command, stream};
use crate::process::ended;
use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

/// Starts the server with a configuration that it refuses; what it says.
fn refused(text: &str, path: Option<&Path>) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("lldash.toml");
    fs::write(&config, text).expect("written");
    let mut program: Command = crate::helpers::program();
    program.args(["-p", "0", "--config"]).arg(&config).arg(folder.path());
    program.envs(path.map(|path| ("PATH", path)));
    let (code, output, error) = ended(program);
    assert_eq!((code, output.as_str()), (Some(2), ""), "{error}");
    assert!(error.contains("lldash.toml"), "{error}");
    error
}

#[test]
fn streams_with_a_mistake_are_refused_with_line_and_key() {
    let head = "memory = \"1MiB\"\n";
    for (text, wanted) in [
        (stream("a/b", SMALL), "line 3: stream.key: \"a/b\" is no folder's name"),
        (stream("a", SMALL) + &stream("a", SMALL), "line 8: stream.key: \"a\" is that of line 3"),
        (stream("a", "source = \"test\"\nfps = -3"), "line 5: stream.fps: it must be above 0"),
        (stream("a", "source = \"test\"\ngop = 7"), "line 5: stream.gop: a segment has 24 frames"),
        (stream("a", "source = \"rtsp\""), "line 2: stream.input: source \"rtsp\" needs an input"),
        (
            stream("a", "source = \"file\"\ninput = \"none.mp4\""),
            "line 5: stream.input: there is no",
        ),
        (stream("a", "source = \"tape\""), "line 4: stream.source: it must be test, rtsp, file"),
        (stream("a", "source = \"test\"\nfsp = 3"), "line 5: stream.fsp: there is no such key"),
        (stream("a", "source = \"test\"\naudio = 3.5"), "line 5: stream.audio: it must be false"),
        (
            stream(
                "a",
                "source = \"test\"\nqualities = [{ width = 160, bitrate = 9000, codec = \"x\" }]",
            ),
            "line 5: stream.qualities: ffmpeg version",
        ),
        (
            stream(
                "a",
                "source = \"test\"\nswitching = \"server\"\nqualities = [{ width = 160, bitrate = 9000 }, { width = 320, bitrate = 8000 }]",
            ),
            "line 6: stream.qualities: widths 160 and 320 cannot share one init",
        ),
        (
            stream(
                "a",
                "source = \"test\"\nswitching = \"server\"\nqualities = [{ width = 160, bitrate = 9000 }, { width = 160, bitrate = 8000, preset = \"medium\" }]",
            ),
            "line 6: stream.qualities: the qualities with the bitrates 9000 and 8000 cannot share one init, their avcC differ",
        ),
    ] {
        let said = refused(&format!("{head}{text}"), None);
        assert!(said.contains(wanted), "{wanted} in {said}");
    }
    // Every one is told, not only the first.
    let said =
        refused(&stream("a", "source = \"test\"\nfps = 0\ngop = 0\ntarget_latency = 0"), None);
    assert!(
        said.contains("line 4: stream.fps") && said.contains("line 6: stream.target"),
        "{said}"
    );
}

#[test]
fn streams_need_an_ffmpeg_that_is_there_and_not_too_old() {
    let bin = tempfile::tempdir().expect("a folder");
    let said = refused(&stream("a", SMALL), Some(bin.path()));
    assert!(said.contains("line 3: stream.source: \"test\" needs ffmpeg"), "{said}");
    let old = bin.path().join("ffmpeg");
    fs::write(&old, "#!/bin/sh\necho ffmpeg version 3.4.8 Copyright\n").expect("written");
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).expect("set");
    let said = refused(&stream("a", SMALL), Some(bin.path()));
    assert!(said.contains("ffmpeg version 3.4.8 is too old"), "{said}");
    assert!(said.contains("-ldash"), "{said}");
    // One that needs no ffmpeg is not refused for it, but for what else is wrong.
    let said = refused(&command("a", "true", "fps = 3"), Some(bin.path()));
    assert!(said.contains("line 5: stream.fps: it does nothing"), "{said}");
}
