//! HTTP: a request is parsed, the core is asked, the answer becomes a response.

mod access_log;
pub mod assets;
mod body;
mod conditional;
mod connection;
mod cors;
mod failure;
mod front;
mod gzip;
mod headers;
mod holds;
pub mod ingest;
mod range;
mod respond;
mod routes;
mod serve;
mod service;
mod wait;

pub use cors::Origins;
pub use holds::Holds;
pub use ingest::Ingest;
pub use routes::entry;
pub use service::{Settings, service};

use crate::{
    folder::Folder,
    live::{Library, Patience},
    shutdown::Shutdown,
};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// What requests are answered from; shared by all workers.
#[derive(Debug)]
pub struct Site {
    /// The files that are known.
    pub library: Arc<Library>,
    /// The disk.
    pub folder: Folder,
    /// Where the folder is, for the list of streams.
    pub path: PathBuf,
    /// Whether and how encoders push.
    pub ingest: Option<Ingest>,
    /// How long requests may wait.
    pub patience: Patience,
    /// Who waits.
    pub holds: Holds,
    /// For how long segments may be cached.
    pub segment_max_age: Duration,
    /// Pages of which origins may read.
    pub origins: Origins,
    /// When the program stops, held requests end.
    pub shutdown: Shutdown,
}
