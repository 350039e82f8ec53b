//! LL-HLS from the files that a packager writes for DASH: the same segments, under their own
//! names, and parts that are byte ranges of them.
//!
//! ```text
//! MPD ──▶ plan ──Plan──▶ feeder, one for each representation
//!                          │ finds the next segment's file, follows it as it grows
//! live::File ──bytes──▶ cmaf::ChunkReader ──Chunk──▶ timeline ──▶ cutter: chunks become parts
//!                                                       │ changes wake those who wait
//! a request ──▶ asked: serve, wait or refuse  ◀─────────┤
//!           ◀── playlist: text from the timeline ◀──────┘
//! ```
//!
//! A [`Presentation`] starts with the first request for it, at the newest segments of the folder,
//! and ends when nobody has asked for a while or its MPD is gone. [`Presentations`] holds them.
//! Rules are those of draft-pantos-hls-rfc8216bis; clauses are cited by their tag.
//!
//! No HTTP, no disk: what the library does not have is asked of [`Files`]. The only clock is that
//! by which an idle presentation ends.

mod asked;
mod cutter;
mod feeder;
mod multivariant;
mod plan;
mod playlist;
mod presentation;
mod presentations;
mod reading;
mod search;
mod segment;
mod timeline;
mod track;
mod view;

pub use plan::{Plan, Refusal};
pub use presentation::Presentation;
pub use presentations::{Files, Listed, NotOpened, Presentations, Settings};
pub use track::Bytes;
pub use view::{Media, Part, View};
