//! Playlists (RFC 8216, and its second edition's drafts) as text: what one says at a glance, where
//! a live one ends, what a client asks of it by delivery directives, and the one line by which it
//! announces that it may be asked. Text in, facts or text out; what is unknown is passed over.

mod attributes;
mod directives;
mod glance;
mod live;

pub use directives::{Decision, Directives, Malformed};
pub use glance::{Media, Playlist, Rendition, read};
pub use live::{Edge, Live, announced};
