//! The built-in recording as a live stream: a temporary folder with the page that plays it, and a
//! replay that goes on for ever.

use crate::{
    recording::{PAGE, RECORDING},
    replay::{self, WriteMode},
    shutdown::{self, Trigger},
};
use std::{
    fs, io,
    path::Path,
    thread::{self, JoinHandle},
    time::Duration,
};
use tempfile::TempDir;

/// A live stream in a folder of its own. Dropping it ends the stream and removes the folder.
#[derive(Debug)]
pub struct Demo {
    trigger: Trigger,
    replay: Option<JoinHandle<()>>,
    folder: TempDir,
}

/// So much of the stream is there from the start: a player has something to begin with.
const HISTORY: Duration = Duration::from_secs(6);

impl Demo {
    /// Starts the stream.
    ///
    /// # Errors
    /// When there is no room for temporary files.
    pub fn start() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("lldash-demo-").tempdir()?;
        for (name, text) in PAGE {
            fs::write(folder.path().join(name), text)?;
        }
        let input = folder.path().join(".recording");
        fs::create_dir(&input)?;
        RECORDING.extract(&input)?;
        let config = replay::Config {
            chunked: true,
            looped: true,
            write: WriteMode::Tmp,
            history: HISTORY,
            ..replay::Config::new(input, folder.path().join("live"))
        };
        let (trigger, shutdown) = shutdown::channel();
        let replay = thread::Builder::new().name("replay".to_owned()).spawn(move || {
            if let Err(error) = replay::run(&config, shutdown, |_| {}) {
                log::error!("the demo's stream has ended: {error}");
            }
        })?;
        Ok(Self { trigger, replay: Some(replay), folder })
    }

    /// The folder that is to be served.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.trigger.stop();
        // A thread that has failed has said so.
        let _ = self.replay.take().map(JoinHandle::join);
    }
}
