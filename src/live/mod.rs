//! The core: files as they grow, those who follow them and those who wait for them. No disk, HTTP,
//! task or clock.

mod completion;
mod file;
mod follower;
mod hold;
mod library;
mod onlooker;
mod parking;
mod path;
mod pieces;
mod tag;
mod window;
mod writer;

pub use completion::{Growth, Rules, Tail, Verdict};
pub use file::{File, Finished, Phase, Source, Stamp};
pub use follower::{Follower, Step, Stored};
pub use hold::Patience;
pub use library::{Library, TooMany, Wait};
pub use onlooker::{Onlooker, Witness};
pub use path::{
    Container, Manifest, MediaPath, PathError, Role, Sequence, Target, under_side_name,
};
pub use tag::Tag;
pub use writer::Writer;
