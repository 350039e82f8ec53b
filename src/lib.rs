//! A low-latency origin for a folder of live media.
//!
//! Any packager writes segments into a folder; any player pulls them over HTTP/1.1. A GET for a
//! file that is not there yet is held until it is; a GET for a file that is still being written
//! streams each byte as it is written. [`replay`] imitates a live segmenter from a recording.
//!
//! Bytes flow one way:
//!
//! ```text
//! packager ──files──▶ folder::watcher ──Event──▶ folder::tracker ──Bytes──▶ live::Library
//!                                                               Recipient, Tap │ │ Follower
//!            client ◀──writev── http::sending ◀── http::desk, http::serve ◀──────┼─┘
//!                 ◀──writev── http::held, http::lane ◀───────────────────────────┘
//!
//! encoder ──PUT──▶ http::ingest ──▶ folder::Uploads ──Bytes──▶ live::Library
//!                                           └──Job──▶ folder::uploader ──▶ (the same folder)
//!
//! request ──Seen──▶ viewers ──▶ FILE.csv
//! request ──Watching──▶ encoder ──starts──▶ ffmpeg ──files──▶ (the same folder)
//! ```
//!
//! # Layout
//!
//! A module names only what stands behind "knows".
//!
//! - [`live`]: the core. Files as they grow, their followers, those who wait for them, what stays
//!   in memory, when a file is finished. No disk, HTTP, task or clock. Knows nothing of ours.
//! - [`cmaf`]: boxes, chunks, times of CMAF segments. Knows nothing of ours.
//! - [`mpd`]: reads an MPD, edits it in place. Knows nothing of ours.
//! - [`m3u8`]: reads a playlist, and what clients ask of a live one; announces that they may. Knows
//!   nothing of ours.
//! - [`viewers`]: who watches how: visits, their pace, what players say of themselves; two CSV files.
//!   Knows [`live`], [`metrics`].
//! - [`metrics`]: counters, and Prometheus' text for them. Knows nothing of ours.
//! - [`folder`]: the disk. The watch, the thread that decides what each file is, reads and writes
//!   below the root only; uploads, and when they go again. Knows [`live`].
//! - [`manifest`]: what a packager left out of a live manifest: of an MPD, from what is seen of its
//!   segments as they grow; of a playlist, that it can be waited for. Knows [`live`], [`cmaf`],
//!   [`mpd`], [`m3u8`].
//! - [`hls`]: LL-HLS from the files that a packager writes for DASH. Knows [`live`], [`cmaf`],
//!   [`mpd`], [`m3u8`].
//! - [`encoder`]: programs that write a stream while somebody watches: their arguments, when they
//!   run, what becomes of their folder. Knows [`live`], [`cmaf`], [`mpd`].
//! - [`http`]: a request is parsed, the core is asked, the answer becomes a response. Knows
//!   [`live`], [`folder`], [`manifest`], [`hls`], [`encoder`], [`mpd`], [`m3u8`], [`metrics`],
//!   [`recording`], [`tls`], [`viewers`].
//! - [`replay`]: a live segmenter imitated from a recording. Knows [`cmaf`], [`mpd`], [`folder`].
//! - [`server`]: the composition root: builds, wires, stops. Knows all of the above.
//! - [`demo`]: the built-in recording as a live stream. Knows [`replay`], [`recording`].
//! - [`cli`]: command lines become configurations; the only place that knows clap.
//! - [`recording`]: the recording and the page that are compiled in.
//! - [`clock`], [`shutdown`], [`log_sink`], [`tls`]: the wall clock; stopping as a value; where the
//!   log goes; certificates. Know nothing of ours.
//!
//! What does not belong here: transcoding and packaging, which other programs do, also those that
//! [`encoder`] starts. Bytes are served as they were written.

pub mod cli;
pub mod clock;
pub mod cmaf;
pub mod demo;
pub mod encoder;
pub mod folder;
pub mod hls;
pub mod http;
pub mod live;
pub mod log_sink;
pub mod m3u8;
pub mod manifest;
pub mod metrics;
pub mod mpd;
pub mod recording;
pub mod replay;
pub mod server;
pub mod shutdown;
pub mod tls;
pub mod viewers;
