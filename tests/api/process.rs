//! What can be done to the server's process, and asked of it.

use crate::helpers::{Run, Server, program};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    ffi::OsStr,
    fs,
    io::Read,
    path::Path,
    process::{Command, ExitStatus, Stdio},
};

impl Server {
    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it lives");
    }

    /// Waits until it has ended.
    pub fn exit(&mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }

    /// A file of its own below `/proc/PID`.
    pub fn proc(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).expect("Linux")
    }

    /// How many descriptors it has open.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("Linux").count()
    }

    /// A number of `/proc/PID/status`, such as `VmRSS`, in KiB.
    pub fn kib(&self, key: &str) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find(|line| line.starts_with(key)).expect("known");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    }

    /// The processor time that it has used, in clock ticks (10 ms).
    pub fn ticks(&self) -> u64 {
        let stat = self.proc("stat");
        let fields = stat.rsplit_once(") ").expect("a name").1.split(' ');
        fields.skip(11).take(2).map(|field| field.parse::<u64>().expect("a number")).sum()
    }
}

/// Runs a program that is expected to end by itself; its exit code, standard output and standard
/// error.
pub fn ended(mut command: Command) -> (Option<i32>, String, String) {
    command.stdin(Stdio::null());
    let output = command.heard().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Runs the server with arguments that it refuses; its exit code and standard error.
pub fn refused<A: AsRef<OsStr>>(arguments: &[A]) -> (Option<i32>, String) {
    let mut command = program();
    command.args(arguments);
    let (code, output, error) = ended(command);
    assert_eq!(output, "", "no URL");
    (code, error)
}

/// A shell's command line that ends in the server, inside of namespaces of its own. `None`, and a
/// message, where the system does not permit that.
pub fn unshared(namespaces: &str, before: &str, folder: &Path, options: &str) -> Option<Command> {
    let is_permitted = Command::new("unshare")
        .args([namespaces, "true"])
        .stderr(Stdio::null())
        .run()
        .is_ok_and(|status| status.success());
    if !is_permitted {
        let mut stdout = std::io::stdout();
        let _ = std::io::Write::write_all(&mut stdout, b"skipped: unshare is not permitted here\n");
        return None;
    }
    let server = program();
    let mut command = Command::new("unshare");
    let line = format!("{before} && exec \"$0\" -p 0 {options} \"$1\"");
    command.args([namespaces, "sh", "-c", &line]).arg(server.get_program()).arg(folder);
    command.envs(server.get_envs().filter_map(|(key, value)| Some((key, value?))));
    Some(command)
}

/// Reads what a pipe has until it is closed.
pub fn drained(mut pipe: impl Read) -> String {
    let mut text = String::new();
    pipe.read_to_string(&mut text).expect("text");
    text
}
