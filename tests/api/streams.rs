//! Streams of the configuration: what runs while somebody watches, over real sockets, with the real
//! ffmpeg and programs that misbehave.

mod config;
mod faults;
mod forcing;
mod guard;
mod rtsp;
mod switching;
mod watching;

use crate::helpers::{Server, program, until};
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
};
use serde_json::Value;
use std::{
    fs,
    os::fd::OwnedFd,
    path::Path,
    time::{Duration, Instant},
};

/// The smallest test picture: these tests are about its encoder's life.
const SMALL: &str = "source = \"test\"\nqualities = [{ width = 160, bitrate = \"100k\", preset = \"ultrafast\" }]\n";

/// A server with these `[[stream]]` tables, and more options.
fn serve(streams: &str, options: &[&str]) -> Server {
    over(tempfile::tempdir().expect("a folder"), streams, options)
}

/// The same over a folder that may hold something.
fn over(folder: tempfile::TempDir, streams: &str, options: &[&str]) -> Server {
    let config = folder.path().join(".lldash.toml");
    fs::write(&config, streams).expect("written");
    let mut command = program();
    command.args(["-p", "0", "--config"]).arg(config).args(options).arg(folder.path());
    Server::spawn(command, folder)
}

/// A stream's table.
fn stream(key: &str, rest: &str) -> String {
    format!("[[stream]]\nkey = \"{key}\"\n{rest}\n")
}

/// A stream that any shell command makes.
fn command(key: &str, line: &str, rest: &str) -> String {
    stream(key, &format!("source = \"command\"\ninput = '''{line}'''\n{rest}"))
}

/// What the status tells of a stream.
fn told(server: &Server, key: &str) -> Value {
    let status: Value = serde_json::from_str(&server.get("/ldash/status").text()).expect("JSON");
    let encoders = status["encoders"].as_array().expect("a list").iter();
    encoders.into_iter().find(|encoder| encoder["key"] == key).cloned().expect("that stream")
}

/// Asks until a stream's status is as it is waited for.
fn told_when(server: &Server, key: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    until(|| Some(told(server, key)).filter(&is_so))
}

fn is(state: &str) -> impl Fn(&Value) -> bool {
    move |encoder| encoder["state"] == state
}

/// A process, of which its end can be waited for.
#[derive(Debug)]
struct Process {
    pid: Pid,
    handle: OwnedFd,
}

impl Process {
    fn of(pid: i32) -> Option<Self> {
        let pid = Pid::from_raw(pid)?;
        Some(Self { pid, handle: pidfd_open(pid, PidfdFlags::empty()).ok()? })
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).expect("it lives");
    }

    fn is_over(&self) -> bool {
        let mut asked = [PollFd::new(&self.handle, PollFlags::IN)];
        poll(&mut asked, Some(&rustix::event::Timespec::default())).expect("asked") > 0
    }

    /// Returns when it has ended.
    fn ended(&self) {
        let mut asked = [PollFd::new(&self.handle, PollFlags::IN)];
        let most = rustix::event::Timespec { tv_sec: 60, tv_nsec: 0 };
        assert!(poll(&mut asked, Some(&most)).expect("asked") > 0, "{self:?} does not end");
    }

    fn arguments(&self) -> String {
        let line = fs::read(format!("/proc/{}/cmdline", self.pid.as_raw_pid())).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ")
    }
}

/// All that descends from a process now, itself apart.
fn descendants(of: u32) -> Vec<Process> {
    let (mut found, mut todo) = (Vec::new(), vec![of]);
    while let Some(pid) = todo.pop() {
        for task in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            let pids = children.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok());
            for pid in pids {
                found.extend(Process::of(pid));
                todo.push(pid.unsigned_abs());
            }
        }
    }
    found
}

/// The one process of a server whose arguments hold a text.
fn running(server: &Server, text: &str) -> Process {
    until(|| descendants(server.child.id()).into_iter().find(|it| it.arguments().starts_with(text)))
}

/// Nothing of a stream's encoder runs, and nothing of it is on disk.
fn is_clean(server: &Server, key: &str) -> bool {
    descendants(server.child.id()).is_empty() && !server.path(key).exists()
}

/// The names in a folder, hidden ones too.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// How long something takes, which is shown and not judged.
fn timed<T>(what: &str, work: impl FnOnce() -> T) -> (T, Duration) {
    let since = Instant::now();
    let result = work();
    let took = since.elapsed();
    let _ =
        std::io::Write::write_all(&mut std::io::stdout(), format!("{what}: {took:?}\n").as_bytes());
    (result, took)
}
