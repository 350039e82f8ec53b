//! The side-by-side comparison over sockets: lldash against the floor, nginx and the plain
//! actix-files server, each in a process of its own on this machine's loopback.
//!
//! `cargo bench --bench compare` prints one table and writes it as JSON. Within a round the servers
//! take turns; a ratio is made of two figures of one round, and the table shows medians of rounds.
//!
//! The client is this process. It stamps `CLOCK_MONOTONIC` right before it renames or writes, and
//! again after each `recv(2)`; it compares every byte. Its own work is part of each figure, the
//! same for all servers.
#![cfg_attr(target_os = "linux", expect(unreachable_pub, reason = "read by other modules here"))]

#[cfg(target_os = "linux")]
mod client;
#[cfg(target_os = "linux")]
mod floor;
#[cfg(target_os = "linux")]
mod gets;
#[cfg(target_os = "linux")]
mod held;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod push;
#[cfg(target_os = "linux")]
mod reply;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod servers;
#[cfg(target_os = "linux")]
mod stage;
#[cfg(target_os = "linux")]
mod work;

/// What may fail, with a line that says what did.
#[cfg(target_os = "linux")]
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use std::{io::Write, process::ExitCode};
    match options::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "compare: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The floor is made of epoll and inotify.
#[cfg(not(target_os = "linux"))]
fn main() {}
