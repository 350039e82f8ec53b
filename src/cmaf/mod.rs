//! CMAF segments as bytes: boxes, chunks, times, and edits of them.
//!
//! Pure: bytes in, facts or bytes out. Clause numbers are those of ISO/IEC 14496-12. Bad bytes
//! give [`Malformed`], never a panic. Reading or writing files does not belong here.

mod boxes;
mod chunk;
mod edit;
mod prft;
mod times;
mod trim;

pub use boxes::{BoxRef, Boxes, Header, Kind, Malformed, header};
pub use chunk::Splitter;
pub use edit::{Shift, shift};
pub use prft::{ntp, prft};
pub use times::{Fragment, Init, Run, TrackInfo};

#[cfg(test)]
pub(crate) mod testing;
