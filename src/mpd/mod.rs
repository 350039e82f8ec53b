//! DASH manifests (ISO/IEC 23009-1): reading what a segmenter needs to know, and editing in place.
//!
//! Pure: text in, text or a small model out. Editing leaves unknown elements and formatting alone.

mod complete;
mod live;
mod model;
mod outline;
mod read;
mod tag;
mod template;
mod time;
mod tree;

pub use complete::{Additions, Clock, Document};
pub use live::{Live, TemplateEdit, TimelineEdit, make_live};
pub use model::{Addressing, Early, Entry, Kind, Mpd, Period, Representation, Template, Timing};
pub use outline::{Outline, Quality, outline};
pub use read::read;
pub use template::{Found, Pattern, Values};
pub use time::{date_time, duration, from_nanos, parse_duration};

use std::fmt;

/// Why a manifest cannot be used; one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Not well-formed XML.
    NoXml(String),
    /// XML, but not what is wanted of an MPD.
    Invalid(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoXml(reason) => write!(f, "it is no XML ({reason})"),
            Self::Invalid(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for Error {}
