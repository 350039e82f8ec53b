//! The contract over real sockets and a real folder. Each test names the heading that it proves.

#![expect(unreachable_pub, reason = "a test program has no outside")]

mod contents;
mod crowds;
mod faults;
mod ffmpeg;
mod finished;
mod growing;
mod headers;
mod helpers;
#[cfg(target_os = "linux")]
mod hls;
mod holding;
#[cfg(target_os = "linux")]
mod http2;
#[cfg(target_os = "linux")]
mod ingest_access;
mod ingest_connections;
#[cfg(target_os = "linux")]
mod ingest_faults;
#[cfg(target_os = "linux")]
mod ingest_folders;
#[cfg(target_os = "linux")]
mod ingest_keep;
mod ingest_log;
#[cfg(target_os = "linux")]
mod ingest_options;
#[cfg(target_os = "linux")]
mod ingest_packagers;
mod ingest_uploads;
mod layers;
mod leaving;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
mod links;
mod manifest_patch;
mod manifests;
#[cfg(target_os = "linux")]
mod other_user;
mod packagers;
mod pages;
mod polling;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod programs;
mod ranges;
mod shortcuts;
#[cfg(target_os = "linux")]
mod stats;
mod status;
#[cfg(target_os = "linux")]
mod streams;
mod traces;
mod turns;
mod urls;
#[cfg(target_os = "linux")]
mod watching;
