//! HTTP: a request is parsed, the core is asked, the answer becomes a response.

mod access_log;
pub mod assets;
mod batch;
mod body;
mod conditional;
mod connection;
mod cors;
mod desk;
#[cfg(target_os = "linux")]
mod disk;
mod failure;
mod gzip;
mod h2;
mod head;
mod headers;
mod held;
pub mod hls;
mod holds;
mod idle;
pub mod ingest;
mod lane;
mod lease;
mod pages;
mod plain;
mod player;
mod quality;
mod quest;
mod range;
mod receipt;
mod reload;
mod respond;
mod routes;
mod sending;
mod serve;
mod service;
#[cfg(test)]
mod sleeper;
mod status;
mod switching;
mod viewing;
mod wait;
mod wire;

pub use cors::Origins;
pub use headers::max_age;
pub use holds::Holds;
pub use ingest::Ingest;
pub use routes::entry;
pub use service::{Settings, service};
pub use status::Board;

use crate::{
    clock,
    encoder::Demand,
    folder::Folder,
    hls::Presentations,
    live::{Library, Patience},
    manifest::Manifests,
    metrics::Metrics,
    shutdown::Shutdown,
    viewers::Viewers,
};
use actix_web::http::header::HeaderValue;
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

/// What requests are answered from; shared by all workers.
#[derive(Debug)]
pub struct Site {
    /// The files that are known.
    pub library: Arc<Library>,
    /// The disk.
    pub folder: Arc<Folder>,
    /// Manifests as they are shown.
    pub manifests: Manifests,
    /// Who watches what is only encoded then.
    pub demand: Arc<Demand>,
    /// So far behind is the clock that players ask.
    pub time_displacement: Duration,
    /// LL-HLS from the MPDs in it.
    pub hls: Arc<Presentations>,
    /// Whether and how encoders push.
    pub ingest: Option<Ingest>,
    /// How long requests may wait.
    pub patience: Patience,
    /// Who waits.
    pub holds: Holds,
    /// What segments say of how long they may be cached; see [`max_age`].
    pub segment_caching: HeaderValue,
    /// Pages of which origins may read.
    pub origins: Origins,
    /// Who watches how, if somebody wants to know.
    pub viewers: Option<Arc<Viewers>>,
    /// What happened so far.
    pub metrics: Arc<Metrics>,
    /// What the status page remembers.
    pub board: Board,
    /// When the program stops, held requests end.
    pub shutdown: Shutdown,
}

impl Site {
    /// The time that players are told.
    fn now(&self) -> SystemTime {
        let now = clock::now();
        now.checked_sub(self.time_displacement).unwrap_or(now)
    }
}
