//! The contract over real sockets and a real folder. Each test names the heading that it proves.

#![expect(unreachable_pub, reason = "a test program has no outside")]

mod contents;
mod ffmpeg;
mod finished;
mod growing;
mod helpers;
mod holding;
#[cfg(target_os = "linux")]
mod links;
mod manifests;
mod packagers;
mod polling;
#[cfg(target_os = "linux")]
mod process;
mod ranges;
mod traces;
mod urls;
