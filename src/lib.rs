//! A low-latency origin for a folder of live media.
//!
//! Any packager writes segments into a folder; any player pulls them over HTTP/1.1. A GET for a
//! file that is not there yet is held until it is; a GET for a file that is still being written
//! streams each byte as it is written. [`replay`] imitates a live segmenter from a recording.

pub mod cli;
pub mod clock;
pub mod cmaf;
pub mod folder;
pub mod live;
pub mod mpd;
pub mod replay;
pub mod shutdown;
