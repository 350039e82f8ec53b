//! Shaka packager, fed by a camera of ours.

use crate::helpers::Run;
use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// Both run until this is dropped.
pub struct Packager {
    children: [Child; 2],
    _pipe: TempDir,
}

impl Packager {
    /// `stream`: what it makes of the picture, without `in=`. Its last option is followed by `output`.
    pub fn start(shaka: PathBuf, stream: &str, options: &[&str], output: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("in.ts");
        assert!(Command::new("mkfifo").arg(&pipe).run().expect("mkfifo").success());
        let mut packager = Command::new(shaka);
        packager.arg(format!("in={},{stream}", pipe.display())).args(options).arg(output);
        let camera = "-loglevel error -nostdin -re -f lavfi -i testsrc=size=160x90:rate=25 -t 90 \
                      -c:v libx264 -preset ultrafast -tune zerolatency -g 25 -f mpegts -y";
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(camera.split_whitespace()).arg(&pipe);
        let start = |command: &mut Command| {
            let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            child.start().expect("it starts; run scripts/test")
        };
        Self { children: [start(&mut packager), start(&mut ffmpeg)], _pipe: folder }
    }
}

impl Drop for Packager {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
