//! LL-HLS from the files of an MPD, over sockets.

mod bad;
mod changes;
mod clients;
mod list;
mod packager;
mod reload;
mod rules;
pub mod stage;
mod walk;
mod written;
mod written_clients;
