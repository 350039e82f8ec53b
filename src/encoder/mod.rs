//! Encoders that the server starts itself: each `[[stream]]` of the configuration is a program,
//! ffmpeg or any other, that writes into a folder of its own while somebody watches.
//!
//! ```text
//! text ──config──▶ Stream ──arguments──▶ Plan ──guard──▶ ffmpeg ──files──▶ {key}/
//!                    │ check (tools: what ffmpeg can)                        │ sight: something came
//! request ─▶ Demand ─┴──watched, left──▶ supervisor ◀──grown, silent, ended──┘
//!               Board ◀──State──┘   └──workspace, periods──▶ {key}/manifest.mpd
//! ```
//!
//! - [`config`] reads the streams, [`check`] says what is wrong with them and in which line, before
//!   anything starts. [`arguments`] makes ffmpeg's arguments of one. All pure.
//! - [`demand`]: who watches. A request for anything below `/{key}/`, and the reply under way, is a
//!   [`Watching`]; nothing else on a request's path is touched.
//! - A supervisor for each stream: idle → starting → live → idle, or failed until the next try. They
//!   share a thread, which sleeps while nothing happens.
//! - [`guard`]: every encoder runs below a process of ours that ends with it, and ends it when its
//!   pipe to the server closes: by a stop, or because the server was killed.
//! - A *run* is one life of ffmpeg. The names of its files begin with its number, so that they never
//!   collide with what caches hold of an earlier one; its own manifest is hidden. [`periods`] makes
//!   of it the manifest that is shown: a period for each run, on one timeline. A restart is a new
//!   period, which players know how to cross: what the last run left half is a whole, shorter last
//!   segment, and its period ends where its media does.
//! - [`workspace`]: the folder. It knows what the encoder wrote, and removes that alone.
//!
//! Credentials in an input's URL reach the encoder and nobody else: [`secret`].

pub mod arguments;
pub mod check;
pub mod config;
pub mod demand;
pub mod guard;
mod periods;
mod picture;
mod process;
mod secret;
mod sight;
pub mod state;
mod supervisor;
mod tail;
pub mod tools;
mod workspace;

pub use config::Stream;
pub use demand::{Demand, Watching};
pub use state::{State, Status};
