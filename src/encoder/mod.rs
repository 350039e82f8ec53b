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
//!   collide with what caches hold of an earlier one; its own manifest is hidden. `periods` makes
//!   of it the manifest that is shown: a period for each run, on one timeline. A restart is a new
//!   period, which players know how to cross: what the last run left half is a whole, shorter last
//!   segment, and its period ends where its media does.
//! - `workspace`: the folder. It knows what the encoder wrote, and removes that alone.
//!
//! - [`switching`]: which quality a segment comes from, where the server decides; `trial` sees to it
//!   that all can be decoded after one init, before anything starts.
//!
//! Credentials in an input's URL reach the encoder and nobody else: `secret`.

pub mod arguments;
pub mod check;
pub mod config;
pub mod demand;
pub mod guard;
mod periods;
mod picture;
mod process;
mod secret;
mod showing;
mod sight;
pub mod state;
mod supervisor;
pub mod switching;
mod tail;
pub mod tools;
pub mod trial;
mod values;
mod workspace;

pub use config::Stream;
pub use demand::{Demand, NoSwitch, Watching};
pub use state::{State, Status};
pub use values::bits_of;

use crate::shutdown::{self, Trigger};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
};
use supervisor::Supervisor;

/// What encoders are started with.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The streams.
    pub streams: Vec<Stream>,
    /// What ffmpeg can do.
    pub abilities: tools::Abilities,
    /// The program that guards them: this one.
    pub guard: PathBuf,
}

/// What supervisors share.
#[derive(Debug)]
struct Means {
    abilities: tools::Abilities,
    guard: PathBuf,
    /// The folder that is served, as an absolute path.
    root: PathBuf,
}

/// All streams, each with its supervisor. Dropping it stops them and empties their folders.
#[derive(Debug)]
pub struct Encoders {
    demand: Arc<Demand>,
    trigger: Trigger,
    thread: Option<JoinHandle<()>>,
}

impl Encoders {
    /// Has the streams of the folder `root` supervised. Without any, nothing is started.
    ///
    /// # Errors
    /// When the folder is not there, or the system has no more threads.
    pub fn start(settings: Settings, root: &Path) -> io::Result<Self> {
        let demand = Arc::new(Demand::new(&settings.streams));
        let (trigger, shutdown) = shutdown::channel();
        if settings.streams.is_empty() {
            return Ok(Self { demand, trigger, thread: None });
        }
        // A name that ffmpeg takes for no URL and no option.
        let root = root.canonicalize()?;
        let Settings { streams, abilities, guard } = settings;
        let means = Arc::new(Means { abilities, guard, root });
        let pairs = streams.into_iter().zip(demand.seats().iter().cloned());
        let supervisors: Vec<Supervisor> = pairs
            .map(|(stream, seat)| Supervisor::new(&means, stream, seat, shutdown.clone()))
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let work = move || {
            runtime.block_on(supervisor::supervise(supervisors));
            // A disk that hangs keeps nobody.
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name("encoders".to_owned()).spawn(work)?;
        Ok(Self { demand, trigger, thread: Some(thread) })
    }

    /// Who watches, and how the streams are doing.
    pub fn demand(&self) -> &Arc<Demand> {
        &self.demand
    }
}

impl Drop for Encoders {
    fn drop(&mut self) {
        self.trigger.stop();
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            log::error!("the encoders' thread has failed");
        }
    }
}
