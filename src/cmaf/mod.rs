//! CMAF segments as bytes: boxes, chunks, times, and edits of them.
//!
//! Pure: bytes in, facts or bytes out. Clause numbers are those of ISO/IEC 14496-12. Bad bytes
//! give [`Malformed`], never a panic. Reading or writing files does not belong here.

mod boxes;
mod chunk;
mod edit;
mod independent;
mod prft;
mod reader;
mod sharing;
mod times;
mod trim;
mod walk;

pub use boxes::{BoxRef, Boxes, Header, Kind, Malformed, header};
pub use chunk::Splitter;
pub use edit::{Shift, shift};
pub use prft::{ntp, prft, since_epoch};
pub use reader::{Chunk, ChunkReader, Reference};
pub use sharing::{Differs, shares};
pub use times::{Fragment, Init, Run, TrackInfo};
pub use walk::{Step, Walker};

#[cfg(test)]
pub(crate) mod testing;
