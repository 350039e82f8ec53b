//! The core: files as they grow, those who follow them and those who wait for them. No disk, HTTP,
//! task or clock.

mod arrival;
mod completion;
mod file;
mod follower;
mod hold;
mod index;
mod library;
mod onlooker;
mod parking;
mod path;
mod pieces;
mod shelf;
mod source;
mod tag;
mod tap;
mod wait;
mod window;
mod writer;

pub use arrival::Recipient;
pub use completion::{Growth, Rules, Tail, Verdict};
pub use file::{File, Finished, Phase};
pub use follower::{Follower, Step, Stored};
pub use hold::Patience;
pub use index::{GrowingFile, Overview};
pub use library::{Library, TooMany};
pub use onlooker::{Onlooker, Witness};
pub use path::{
    Container, Manifest, MediaPath, PathError, Role, Sequence, Target, under_side_name,
};
pub use source::{Source, Stamp};
pub use tag::Tag;
pub use tap::Tap;
pub use wait::Wait;
pub use writer::Writer;
