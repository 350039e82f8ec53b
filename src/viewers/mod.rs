//! Who watches how: each request for a segment becomes a line of a CSV file, each visit a line of
//! another, and all of them histograms.
//!
//! ```text
//! http ──Seen──▶ Queue ──▶ Recorder ──▶ Table ──Row──▶ Sheet (FILE.csv)
//!                                         │ └──Sums──▶ Sheet (FILE.summary.csv)
//!                  /ldash/metrics ◀──Figures
//! ```
//!
//! A request hands over one message when it is over, and waits for nobody; a thread does the rest.
//! `Table` has no clock and no disk.

pub mod cmcd;
mod columns;
mod figures;
mod pace;
mod queue;
mod recorder;
mod seen;
mod sheet;
mod table;
mod visit;

pub use seen::{Age, Ending, Seen, What, is_segment};
pub use table::Watched;
pub use visit::Sums;

use crate::metrics::{Kind, Text};
use queue::Queue;
use recorder::Recorder;
use sheet::Sheet;
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};
use table::Table;

/// Where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The file of requests; that of visits lies beside it, under `NAME.summary.csv`.
    pub path: PathBuf,
    /// A file that would be larger is put aside as `NAME.1.csv`, in bytes.
    pub max_bytes: u64,
}

/// Who watches how.
#[derive(Debug, Default)]
pub struct Viewers {
    queue: Queue,
    table: Mutex<Table>,
    /// Lines that are in no file.
    lost: AtomicU64,
}

/// Writes until it is dropped: then all that is known.
#[derive(Debug)]
pub struct Writing(Arc<Viewers>);

impl Viewers {
    /// Opens the files, and begins to write. They tell of people: they lie in no folder of which
    /// something is `served`.
    ///
    /// # Errors
    /// With one line that names the file and a remedy.
    pub fn start(settings: &Settings, served: &[&Path]) -> Result<(Arc<Self>, Writing), String> {
        let Settings { path, max_bytes } = settings;
        let open = |path: &Path, head| {
            // Once more when it is there: its name may be a link that led to nothing before.
            let sheet = private(path, served)
                .and_then(|()| Sheet::open(path, head, *max_bytes))
                .and_then(|sheet| private(path, served).map(|()| sheet));
            sheet.map_err(|reason| {
                format!("cannot write statistics to {}: {reason}", path.display())
            })
        };
        let rows = open(path, columns::head_of_rows())?;
        let visits = open(&sheet::with_word(path, "summary"), columns::head_of_visits())?;
        let shared = Arc::new(Self::default());
        let recorder = Recorder::new(shared.clone(), rows, visits);
        let thread = thread::Builder::new().name("stats".to_owned()).spawn(|| recorder.run());
        thread.map_err(|error| format!("cannot write statistics: {error}"))?;
        Ok((shared.clone(), Writing(shared)))
    }

    /// A request for a segment is over.
    pub fn note(&self, seen: Seen) {
        self.queue.add(seen);
    }

    /// Who watches now: at most `max` streams, those with most clients first.
    pub fn watched(&self, now: Instant, max: usize) -> Vec<Watched> {
        self.table().watched(now, max)
    }

    /// Writes what is counted.
    pub fn write(&self, text: &mut Text, now: Instant) {
        let table = self.table();
        let watched = table.watched(now, usize::MAX);
        table.figures().write(text, &watched);
        drop(table);
        let help = "Lines, of requests and of visits, that are missing in the files of statistics.";
        let lost = self.lost.load(Relaxed);
        text.single("lldash_viewer_lost_rows_total", Kind::Counter, help, lost);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lost(&self, count: u64) {
        self.lost.fetch_add(count, Relaxed);
    }
}

/// Refuses a file that is served, or that would be when it is made anew: then the folder counts,
/// and not where a link leads.
fn private(path: &Path, served: &[&Path]) -> Result<(), String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let places = [folder.unwrap_or(Path::new(".")), path];
    let places: Vec<_> = places.iter().filter_map(|place| place.canonicalize().ok()).collect();
    let mut served = served.iter().filter_map(|served| served.canonicalize().ok());
    if served.any(|served| places.iter().any(|place| place.starts_with(&served))) {
        let reason = "it lies in a folder that is served, where all the world could read it; name \
                      a file elsewhere";
        return Err(reason.to_owned());
    }
    Ok(())
}

impl Drop for Writing {
    fn drop(&mut self) {
        /// A disk that hangs does not keep the program from ending.
        const PATIENCE: Duration = Duration::from_secs(2);
        self.0.queue.end();
        self.0.queue.wait_for_end(PATIENCE);
    }
}

impl fmt::Display for Sums {
    /// For the log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, segments, bytes, late, broken, starved, .. } = self;
        match (&self.session, self.address) {
            (Some(session), _) => write!(f, "session {session:?}")?,
            (None, Some(address)) => write!(f, "{} {:?}", address.to_canonical(), self.agent)?,
            (None, None) => write!(f, "{:?}", self.agent)?,
        }
        write!(f, " watched {stream:?}: {segments} segments, {bytes} bytes")?;
        if let Some(mean) = self.mean_interval() {
            write!(f, ", one in {:.3} s", mean.as_secs_f64())?;
        }
        if let Some(jitter) = self.jitter_seconds {
            write!(f, ", jitter {jitter:.3} s")?;
        }
        write!(f, ", {late} late, {broken} broken, {starved} starved")?;
        match self.least_buffer_ms {
            Some(least) => write!(f, ", least buffer {least} ms"),
            None => Ok(()),
        }
    }
}
