//! Waiting and writing.

use super::error::{At, Error};
use super::input::{self, Document, Recording};
use super::looping::{fill_up, find_loop, limit_of, offset_of};
use super::output;
use super::recording::{NANOS, Segment, Ticks, Track};
use super::schedule::{Loop, Schedule, Step};
use super::shelf::Shelf;
use super::{Config, Found, Progress};
use crate::clock;
use crate::cmaf::{self, Shift, TrackInfo};
use crate::folder::writer::{Growing, copy_whole};
use crate::mpd::from_nanos;
use crate::shutdown::Shutdown;
use std::fs::{self, File};
use std::io::Read;
use std::time::{Duration, Instant, SystemTime};

/// Replays until the recording is at its end or the stop is asked for, and leaves whole files.
///
/// Blocks: call it on a thread of its own, outside of any async runtime. `progress` is called
/// on that thread, between writes. The output folder has to be empty unless `config.force`.
///
/// # Errors
///
/// [`ErrorKind`](super::ErrorKind) says whether the recording or the folder is at fault, or
/// something failed on the way.
pub fn run(
    config: &Config,
    shutdown: Shutdown,
    mut progress: impl FnMut(Progress),
) -> Result<(), Error> {
    config.check()?;
    let mut recording = input::read(config)?;
    let looped = config.looped.then(|| repeat(config, &recording)).transpose()?;
    if let Some(looped) = &looped {
        fill_up(&mut recording.tracks, looped);
    }
    if output::check(&config.input, &config.output)? == Found::Full && !config.force {
        return Err(Error::not_empty(&config.output));
    }
    output::empty(&config.output)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|why| Error::failed(format!("cannot start a timer: {why}")))?;
    progress(told(&recording, looped.as_ref()));
    runtime.block_on(replay(config, &recording, looped.as_ref(), shutdown, &mut progress))
}

/// Reads the recording and looks at the output folder without touching it: what [`run`] would
/// refuse is refused here.
///
/// # Errors
///
/// As for [`run`], except that a folder that is not empty is no error.
pub fn check(config: &Config) -> Result<Found, Error> {
    config.check()?;
    let recording = input::read(config)?;
    config.looped.then(|| repeat(config, &recording)).transpose()?;
    output::check(&config.input, &config.output)
}

fn repeat(config: &Config, recording: &Recording) -> Result<Loop, Error> {
    let path = config.input.display();
    let refuse = |why: &str| Error::bad(format!("cannot loop {path}: {why}"));
    let dash = recording.documents.iter().any(|document| matches!(document, Document::Mpd { .. }));
    if dash && recording.tracks.iter().any(|track| track.timescale().is_none()) {
        return Err(refuse("its segments are no CMAF, so their time stamps cannot go on"));
    }
    if recording.periods > 1 {
        return Err(refuse("it has more than one Period"));
    }
    if recording.lists {
        return Err(refuse("its MPD names segments one by one, in a SegmentList"));
    }
    find_loop(&recording.tracks).map_err(|why| refuse(&why))
}

fn told(recording: &Recording, looped: Option<&Loop>) -> Progress {
    let end = recording.tracks.iter().map(Track::end).max().unwrap_or_default();
    let count = |track: &Track| track.segments.len();
    let segments: usize = match looped {
        Some(looped) => looped.counts.iter().sum(),
        None => recording.tracks.iter().map(count).sum(),
    };
    let length = looped.map_or(end, |looped| looped.length.duration());
    Progress::Read { segments: segments as u64, length }
}

async fn replay(
    config: &Config,
    recording: &Recording,
    looped: Option<&Loop>,
    mut shutdown: Shutdown,
    progress: &mut impl FnMut(Progress),
) -> Result<(), Error> {
    let schedule = Schedule::new(&recording.tracks, looped, config.chunked);
    let clock = Clock::start(config, schedule.next_due().unwrap_or_default());
    let shelf = Shelf::new(config, recording, looped, clock.zero);
    let mut player = Player::new(config, recording, looped, clock, shelf);
    player.copy_others(progress)?;
    progress(Progress::Waiting { delay: config.startup_delay });
    for step in schedule {
        if shutdown.is_stopped() || player.wait(&step, &mut shutdown).await {
            break;
        }
        player.perform(&step, progress)?;
    }
    player.close(progress)
}

/// Ties the presentation's time to the wall clock. The wall clock is read anew for every step,
/// so the schedule is absolute, whatever happens between steps.
#[derive(Debug, Clone, Copy)]
struct Clock {
    /// The wall clock's time of the presentation's start.
    zero: SystemTime,
    /// When the first segment is due: nothing can be there before.
    begin: SystemTime,
    speed: f64,
}

impl Clock {
    /// So that the first step, and what belongs to the history, is due after the delay.
    fn start(config: &Config, first_due: Duration) -> Self {
        let speed = config.speed;
        let begin = clock::since_epoch(clock::now()) + config.startup_delay;
        let zero = begin.saturating_sub(scaled(first_due + config.history, 1.0 / speed));
        // MPDs tell the start to the millisecond: up, so that they promise nothing too early.
        let millis = u64::try_from(zero.as_nanos().div_ceil(1_000_000)).unwrap_or(0);
        let zero = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        Self { zero, begin: SystemTime::UNIX_EPOCH + begin, speed }
    }

    fn wall(&self, time: Duration) -> SystemTime {
        self.zero + scaled(time, 1.0 / self.speed)
    }
}

/// Exact at factor 1, which matters after months of looping.
fn scaled(time: Duration, factor: f64) -> Duration {
    if (factor - 1.0).abs() < f64::EPSILON { time } else { time.mul_f64(factor) }
}

/// A segment that is being written.
struct Open {
    file: Growing,
    name: String,
    bytes: Vec<u8>,
    /// The step that comes next for it.
    rest: (usize, usize),
    step: Step,
}

struct Player<'a> {
    config: &'a Config,
    recording: &'a Recording,
    looped: Option<&'a Loop>,
    clock: Clock,
    shelf: Shelf<'a>,
    /// At most one for each track.
    open: Vec<Option<Open>>,
    written: u64,
}

impl<'a> Player<'a> {
    fn new(
        config: &'a Config,
        recording: &'a Recording,
        looped: Option<&'a Loop>,
        clock: Clock,
        shelf: Shelf<'a>,
    ) -> Self {
        let open = recording.tracks.iter().map(|_| None).collect();
        Self { config, recording, looped, clock, shelf, open, written: 0 }
    }

    /// Everything that is no segment, and the manifests.
    fn copy_others(&mut self, progress: &mut impl FnMut(Progress)) -> Result<(), Error> {
        let live = self.config.is_live();
        let edited: Vec<_> = self.recording.documents.iter().map(Document::name).collect();
        for name in &self.recording.others {
            if live && edited.contains(&name.as_str()) {
                continue;
            }
            let (from, to) = (self.recording.files.path(name), self.config.output.join(name));
            copy_whole(&from, &to).writing(to)?;
            progress(Progress::Copied { name: name.clone() });
        }
        if live {
            for name in self.shelf.open()? {
                progress(Progress::Copied { name });
            }
        }
        Ok(())
    }

    /// Waits until a step is due; true when the stop is asked for first.
    async fn wait(&self, step: &Step, shutdown: &mut Shutdown) -> bool {
        let due = self.clock.wall(step.due).max(self.clock.begin);
        // In a loop: again after each wait, since the wall clock may have been set meanwhile.
        while let Ok(left) = due.duration_since(clock::now()) {
            if left.is_zero() {
                break;
            }
            if shutdown.stopped_by(Instant::now() + left).await {
                return true;
            }
        }
        false
    }

    fn perform(&mut self, step: &Step, progress: &mut impl FnMut(Progress)) -> Result<(), Error> {
        let now = clock::now();
        let due = self.clock.wall(step.due).max(self.clock.begin);
        let late = now.duration_since(due).unwrap_or_default();
        if step.first && !self.is_stale(late) {
            self.open(step)?;
        }
        let Some(mut open) = self.open[step.track].take() else { return Ok(()) };
        self.write(&mut open, step)?;
        self.note(step, &open.name)?;
        if !step.last {
            self.open[step.track] = Some(open);
            return Ok(());
        }
        let Open { file, name, .. } = open;
        self.finish(file, step, &name)?;
        let (written, position) = (self.written, step.due);
        progress(Progress::Segment { name, written, position, late });
        Ok(())
    }

    /// After a long sleep of the machine a loop does not write what nobody could still ask for.
    fn is_stale(&self, late: Duration) -> bool {
        self.looped.is_some() && late > self.config.window
    }

    fn open(&mut self, step: &Step) -> Result<(), Error> {
        let segment = self.segment(step);
        let from = self.recording.files.path(&segment.source);
        let mut bytes = fs::read(&from).reading(from)?;
        if let Some((source, len)) = &segment.tail {
            let from = self.recording.files.path(source);
            let more = File::open(&from).and_then(|file| file.take(*len).read_to_end(&mut bytes));
            more.reading(from)?;
        }
        let name = self.shelf.name(step);
        let path = self.config.output.join(&name);
        let file = Growing::create(&path, self.config.write).writing(path)?;
        let rest = (0, self.segment(step).chunks.len());
        self.open[step.track] = Some(Open { file, name, bytes, rest, step: *step });
        Ok(())
    }

    fn segment(&self, step: &Step) -> &'a Segment {
        &self.recording.tracks[step.track].segments[step.segment]
    }

    /// Writes a step's chunks, at once if there are several.
    fn write(&mut self, open: &mut Open, step: &Step) -> Result<(), Error> {
        let mut bytes = Vec::new();
        for chunk in &self.segment(step).chunks[step.chunks.0..step.chunks.1] {
            let range = usize::try_from(chunk.bytes.start).unwrap_or(usize::MAX)
                ..usize::try_from(chunk.bytes.end).unwrap_or(usize::MAX);
            let source = open.bytes.get(range).ok_or_else(|| {
                Error::failed(format!("cannot read {}: it has shrunk", self.segment(step).source))
            })?;
            bytes.extend(self.moved(step, source, bytes.is_empty() && step.first)?);
        }
        open.rest.0 = step.chunks.1;
        open.file.write(&bytes).writing(self.config.output.join(&open.name))
    }

    fn note(&mut self, step: &Step, name: &str) -> Result<(), Error> {
        // What is whole is only told of when it has its name.
        let begun = Step { last: false, ..*step };
        if step.first && self.config.is_live() { self.shelf.note(&begun, name) } else { Ok(()) }
    }

    fn finish(&mut self, file: Growing, step: &Step, name: &str) -> Result<(), Error> {
        file.finish().writing(self.config.output.join(name))?;
        self.written += 1;
        let ended = Step { first: false, ..*step };
        if self.config.is_live() { self.shelf.note(&ended, name) } else { Ok(()) }
    }

    /// A chunk's bytes with the times of its lap; as they are when nothing loops.
    fn moved(&self, step: &Step, chunk: &[u8], first: bool) -> Result<Vec<u8>, Error> {
        let track = &self.recording.tracks[step.track];
        let (Some(looped), Some(init)) = (self.looped, &track.init) else {
            return Ok(chunk.to_vec());
        };
        let ask = |time: fn(&Track, &TrackInfo, Ticks, u64) -> u64, id: u32, none: u64| {
            init.track(id).map_or(none, |info| time(track, info, looped.media, step.lap))
        };
        let how = Shift {
            init,
            offset: &|id| ask(offset_of, id, 0),
            limit: &|id| ask(limit_of, id, u64::MAX),
            sequence: sequence(track, looped.counts[step.track], step.lap),
            ntp: &|id, time| self.ntp(track, time, init.track(id).map_or(1, |info| info.timescale)),
            insert_prft: first,
        };
        cmaf::shift(chunk, &how).map_err(|why| {
            Error::failed(format!("cannot loop {}: {why}", self.segment(step).source))
        })
    }

    /// NTP time of a decode time: when its frame would have been captured.
    fn ntp(&self, track: &Track, time: u64, timescale: u32) -> u64 {
        let first = &track.segments[0];
        let nanos = |ticks: u64, scale: u32| u128::from(ticks) * NANOS / u128::from(scale.max(1));
        let origin = first.media.as_ref().map_or(0, |media| media.start);
        let origin = nanos(origin, track.timescale().unwrap_or(1));
        let since = nanos(time, timescale).saturating_sub(origin);
        let wall = self.clock.wall(first.start + from_nanos(since));
        cmaf::ntp(clock::since_epoch(wall))
    }

    /// Completes what is being written, and the manifests.
    fn close(&mut self, progress: &mut impl FnMut(Progress)) -> Result<(), Error> {
        for place in 0..self.open.len() {
            let Some(mut open) = self.open[place].take() else { continue };
            let step = Step { chunks: open.rest, first: false, last: true, ..open.step };
            self.write(&mut open, &step)?;
            self.finish(open.file, &step, &open.name)?;
            let (name, written, position) = (open.name, self.written, step.due);
            progress(Progress::Segment { name, written, position, late: Duration::ZERO });
        }
        // A replay that was stopped before it began has nothing to tell the end of.
        if self.config.is_live() && self.written > 0 { self.shelf.close() } else { Ok(()) }
    }
}

/// How far a lap's sequence numbers lie behind the recording's; they wrap.
fn sequence(track: &Track, count: usize, lap: u64) -> u32 {
    let ends = (&track.segments[0].media, &track.segments[count - 1].media);
    let (Some(first), Some(last)) = ends else { return 0 };
    let each = last.sequence.1.wrapping_sub(first.sequence.0).wrapping_add(1);
    let wrapped = u32::try_from(lap & 0xffff_ffff).unwrap_or(0);
    each.wrapping_mul(wrapped)
}
