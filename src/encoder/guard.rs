//! A process between the server and each encoder, so that no encoder outlives the server.
//!
//! ```text
//! server ──stdin: plan, then "stop", then its end──▶ guard ──▶ ffmpeg, sh, what they start
//! server ◀──stderr of all, exit status of the encoder── guard
//! ```
//!
//! It is this very program under another first argument: it reads a [`Plan`] from its standard
//! input, runs it, and waits. When the pipe closes, because the server was killed with whatever
//! signal, it kills all that descends from it, which it adopts (`PR_SET_CHILD_SUBREAPER`), whatever
//! process group it is in. Should the guard itself be killed, the encoder gets `PR_SET_PDEATHSIG`,
//! and the server ends what is left of its process group.

use super::arguments::Plan;
use std::{
    env,
    ffi::{OsStr, OsString},
    io::{BufRead, BufReader, Write, stderr, stdin},
    path::Path,
    process::{Child, Command, ExitCode, ExitStatus, Stdio},
    thread,
};

/// The first argument that makes the program a guard.
pub const GUARD: &str = "--lldash-encoder-guard";
/// The first argument that makes it turn into an encoder that dies with its guard.
const BECOME: &str = "--lldash-encoder";

/// What the server writes to have the encoder end by itself.
pub(super) const STOP: &[u8] = b"stop\n";

/// A program that cannot be run, as shells say it.
const CANNOT_RUN: u8 = 127;

/// Does a guard's work if the program was started as one; `None` if it was not.
pub fn entered() -> Option<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    match arguments.next()?.to_str()? {
        GUARD => Some(guard().unwrap_or_else(|reason| failed(&reason))),
        BECOME => Some(failed(&become_encoder(arguments))),
        _ => None,
    }
}

fn failed(reason: &str) -> ExitCode {
    let _ = writeln!(stderr(), "{reason}");
    ExitCode::from(CANNOT_RUN)
}

fn guard() -> Result<ExitCode, String> {
    let mut server = BufReader::new(stdin());
    let mut line = String::new();
    server.read_line(&mut line).map_err(|error| format!("no plan came: {error}"))?;
    let plan: Plan = serde_json::from_str(&line).map_err(|error| format!("no plan: {error}"))?;
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    let program = plan.program.display().to_string();
    let mut child = start(plan).map_err(|error| format!("cannot run {program}: {error}"))?;
    let pid = child.id();
    thread::spawn(move || {
        for line in server.lines().map_while(Result::ok) {
            if line.as_bytes() == STOP.trim_ascii_end() {
                end(pid, false);
            }
        }
        // The server is gone.
        end(pid, true);
    });
    let status = child.wait().map_err(|error| format!("cannot wait for {program}: {error}"))?;
    end_rest();
    Ok(ExitCode::from(code(status)))
}

fn start(plan: Plan) -> std::io::Result<Child> {
    let mut command = command(&plan);
    command.stdin(if plan.input.is_some() { Stdio::piped() } else { Stdio::null() });
    // What a program says goes where it complains: the server reads one pipe.
    #[cfg(unix)]
    command.stdout(std::os::fd::AsFd::as_fd(&stderr()).try_clone_to_owned()?);
    #[cfg(not(unix))]
    command.stdout(Stdio::null());
    command.envs(plan.variables);
    let mut child = command.spawn()?;
    if let (Some(input), Some(mut pipe)) = (plan.input, child.stdin.take()) {
        // One that does not read it says so itself.
        let _ = pipe.write_all(input.as_bytes());
    }
    Ok(child)
}

/// The encoder.
fn command(plan: &Plan) -> Command {
    let mut command = bound(Path::new("/proc/self/exe"), &plan.program);
    command.args(&plan.arguments);
    command
}

/// A program that dies with this process, by way of `us`, which is the same as this one: it turns
/// into it.
#[cfg(target_os = "linux")]
pub(super) fn bound(us: &Path, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(us);
    command.arg(BECOME).arg(std::process::id().to_string()).arg(program);
    command
}

/// Only Linux can have it die.
#[cfg(not(target_os = "linux"))]
pub(super) fn bound(_: &Path, program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// Dies with the guard from now on, and becomes the program. Answers only when it cannot.
#[cfg(target_os = "linux")]
fn become_encoder(mut arguments: impl Iterator<Item = OsString>) -> String {
    use std::os::unix::process::CommandExt;
    let guard = arguments.next().and_then(|pid| pid.to_str()?.parse::<i32>().ok());
    let program = arguments.next().unwrap_or_default();
    let kill = Some(rustix::process::Signal::KILL);
    let is_bound = rustix::process::set_parent_process_death_signal(kill).is_ok();
    // It may have died before it was asked for.
    let parent = rustix::process::getppid().map(rustix::process::Pid::as_raw_pid);
    if !is_bound || guard.is_none() || parent != guard {
        return "the guard is gone".to_owned();
    }
    let error = Command::new(&program).args(arguments).exec();
    format!("cannot run {}: {error}", program.display())
}

#[cfg(not(target_os = "linux"))]
fn become_encoder(_: impl Iterator<Item = OsString>) -> String {
    "it is not needed here".to_owned()
}

/// Its exit code, or 128 and the signal that ended it, as shells say it.
fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    let code = signal.map_or(status.code(), |signal: i32| Some(128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

/// Ends all that descends from this process: it is asked to, or it is killed.
#[cfg(target_os = "linux")]
fn end(_: u32, at_once: bool) {
    use rustix::process::{Signal, kill_process};
    let signal = if at_once { Signal::KILL } else { Signal::TERM };
    for pid in descendants(rustix::process::getpid()) {
        let _ = kill_process(pid, signal);
        // One that is stopped hears nothing else.
        let _ = kill_process(pid, Signal::CONT);
    }
}

/// Kills what the encoder has left, until there is nothing.
#[cfg(target_os = "linux")]
fn end_rest() {
    use rustix::process::{WaitOptions, getpid, wait};
    while !descendants(getpid()).is_empty() {
        end(0, true);
        if wait(WaitOptions::empty()).is_err() {
            return;
        }
    }
}

/// All that descends from a process, as far as it is known now.
#[cfg(target_os = "linux")]
fn descendants(of: rustix::process::Pid) -> Vec<rustix::process::Pid> {
    let (mut found, mut todo) = (Vec::new(), vec![of]);
    while let Some(pid) = todo.pop() {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", pid.as_raw_pid()));
        for task in tasks.into_iter().flatten().flatten() {
            let children = std::fs::read_to_string(task.path().join("children"));
            let children = children.unwrap_or_default();
            let pids = children.split_whitespace().filter_map(|pid| pid.parse().ok());
            let pids: Vec<_> = pids.filter_map(rustix::process::Pid::from_raw).collect();
            found.extend(&pids);
            todo.extend(pids);
        }
    }
    found
}

/// Where nothing tells who descends from whom, all are in the guard's group, and the guard too.
#[cfg(all(unix, not(target_os = "linux")))]
fn end(pid: u32, at_once: bool) {
    use rustix::process::{Pid, Signal, kill_current_process_group, kill_process};
    if at_once {
        let _ = kill_current_process_group(Signal::KILL);
    } else if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::TERM);
    }
}

#[cfg(windows)]
fn end(pid: u32, _: bool) {
    let pid = pid.to_string();
    let _ = Command::new("taskkill").args(["/T", "/F", "/PID", &pid]).output();
}

#[cfg(not(target_os = "linux"))]
fn end_rest() {}
