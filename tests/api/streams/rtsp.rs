//! Cameras of the network, by GStreamer's own server.

use super::{descendants, is, running, serve, stream, told, told_when};
use crate::helpers::{End, LONG, Run, Server};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

/// A camera. Dropping it cuts it off.
struct Camera(Child, u16);

impl Camera {
    /// `None`, and a message, where there is no GStreamer.
    fn start(port: u16, credential: &[&str]) -> Option<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/rtsp-server.py");
        let mut command = Command::new("/usr/bin/python3");
        command.arg(script).arg(port.to_string()).args(credential).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).start().ok()?;
        let mut line = String::new();
        let output = child.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut line).expect("read");
        if let Ok(port) = line.trim().parse() {
            return Some(Self(child, port));
        }
        let _ = child.wait();
        let said = b"skipped: no GStreamer RTSP server here; run scripts/test\n";
        let _ = std::io::Write::write_all(&mut std::io::stdout(), said);
        None
    }

    fn stream(&self, credential: &str, rest: &str) -> String {
        let url = format!("rtsp://{credential}127.0.0.1:{}/cam", self.1);
        let picture = "qualities = [{ width = 160, bitrate = \"100k\", preset = \"ultrafast\" }]";
        stream("cam", &format!("source = \"rtsp\"\ninput = \"{url}\"\n{picture}\n{rest}"))
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn plays(server: &Server) {
    assert_eq!(server.get_with("/cam/manifest.mpd", &[LONG]).status, 200);
    told_when(server, "cam", is("live"));
    let manifest = server.get("/cam/manifest.mpd").text();
    assert!(!manifest.contains("contentType=\"audio\""), "it has no sound: {manifest}");
    // The newest run's.
    let media = manifest.rsplit("media=\"").next().and_then(|rest| rest.split('"').next());
    let media = media.expect("media").replace("$RepresentationID$", "0");
    let path = format!("/cam/{}", media.replace("$Number%05d$", "00001"));
    assert_eq!(server.get_with(&path, &[LONG]).rest().1, End::Clean);
}

#[test]
fn streams_of_a_camera_that_is_cut_off_go_on_when_it_is_back() {
    let Some(camera) = Camera::start(0, &[]) else { return };
    let mut server = serve(&camera.stream("", "on_demand = false"), &[]);
    plays(&server);
    let port = camera.1;
    drop(camera);
    server.logged("it is started again in");
    let failed = told_when(&server, "cam", |encoder| encoder["failures"].as_u64() >= Some(2));
    assert!(failed["failure"].is_string(), "{failed}");
    let _back = Camera::start(port, &[]).expect("it was there before");
    plays(&server);
}

#[test]
fn streams_of_a_camera_with_a_password_show_it_to_nobody() {
    let Some(camera) = Camera::start(0, &["user", "s3cret-word"]) else { return };
    let mut server = serve(&camera.stream("user:s3cret-word@", ""), &[]);
    plays(&server);
    running(&server, "ffmpeg ");
    let shown =
        descendants(server.child.id()).iter().map(super::Process::arguments).collect::<String>();
    for path in ["/ldash/status", "/ldash/metrics", "/ldash/", "/cam/manifest.mpd"] {
        let text = server.get(path).text();
        assert!(!text.contains("s3cret"), "{path}: {text}");
    }
    assert!(!shown.contains("s3cret"), "in the list of processes: {shown}");
    // Cut off, it complains with its URL.
    drop(camera);
    let lines = server.log_until("it is started again in 500ms");
    assert!(lines.iter().any(|line| line.contains("rtsp://***@127.0.0.1")), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("s3cret")), "{lines:#?}");
    assert!(!told(&server, "cam").to_string().contains("s3cret"));
}

#[test]
fn streams_of_a_camera_with_a_wrong_password_say_so() {
    let Some(camera) = Camera::start(0, &["user", "s3cret-word"]) else { return };
    let mut server = serve(&camera.stream("user:wrong-word@", ""), &[]);
    let _held = server.request("GET", "/cam/manifest.mpd", &[LONG]);
    let failed = told_when(&server, "cam", |encoder| encoder["failure"].is_string());
    let reason = failed["failure"].as_str().expect("a reason");
    assert!(reason.contains("401 Unauthorized"), "{reason}");
    let lines = server.log_until("it is started again in");
    assert!(!lines.iter().any(|line| line.contains("wrong-word")), "{lines:#?}");
}
