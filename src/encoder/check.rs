//! What is wrong with streams, before anything is started: numbers that do not fit together, names
//! that are no folders, inputs that are missing. Pure.

use super::config::{Mistake, Source, Stream, Switching};
use crate::live::MediaPath;
use std::{collections::HashMap, path::Path, time::Duration};

/// So many streams may be configured: each may take a processor of its own.
pub const MAX_STREAMS: usize = 64;
/// So many pictures may a stream have.
const MAX_QUALITIES: usize = 8;
/// So many more arguments.
const MAX_EXTRA: usize = 64;
const MAX_FPS: f64 = 240.0;
const WIDTHS: std::ops::RangeInclusive<u64> = 16..=7680;
const BITS: std::ops::RangeInclusive<u64> = 1000..=500_000_000;
const SEGMENTS: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(60)];
const MAX_LINGER: Duration = Duration::from_secs(86_400);

/// Keys that a stream of one's own program knows nothing of.
const OF_FFMPEG: [&str; 8] = [
    "fps",
    "chunk_duration",
    "target_latency",
    "gop",
    "qualities",
    "switching",
    "audio",
    "extra_args",
];

/// All that is wrong, in the order of the lines. `exists` tells whether a file is there.
pub fn check(streams: &[Stream], exists: impl Fn(&Path) -> bool) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (at, stream) in streams.iter().enumerate() {
        let mut report = Report { stream, mistakes: &mut mistakes };
        if at == MAX_STREAMS {
            report.say("key", format!("there are more than {MAX_STREAMS} streams"));
        }
        // Disks that fold cases would give both the same folder.
        let folded = stream.key.to_lowercase();
        if let Some(line) = seen.get(&folded) {
            report.say("key", format!("{:?} is that of line {line} already", stream.key));
        }
        seen.entry(folded).or_insert(stream.lines.of("key"));
        report.key();
        report.input(&exists);
        report.times();
        if stream.source == Source::Command {
            report.foreign();
        } else {
            report.frames();
            report.qualities();
            report.switching();
        }
    }
    mistakes.sort();
    mistakes
}

/// How many frames a segment has, if that is a whole number.
pub fn frames(stream: &Stream) -> Option<u64> {
    const TOLERANCE: f64 = 1e-6;
    let exact = stream.fps * stream.segment.as_secs_f64();
    let whole = exact.round();
    let is_whole = (exact - whole).abs() < TOLERANCE * whole.max(1.0) && whole >= 1.0;
    // A float's digits: a number of frames is far below what it holds exactly.
    is_whole.then(|| format!("{whole}").parse().ok())?
}

struct Report<'a> {
    stream: &'a Stream,
    mistakes: &'a mut Vec<Mistake>,
}

impl Report<'_> {
    fn say(&mut self, key: &str, reason: impl Into<String>) {
        let line = self.stream.lines.of(key);
        self.mistakes.push(Mistake { line, key: key.to_owned(), reason: reason.into() });
    }

    fn unless(&mut self, holds: bool, key: &str, reason: impl Into<String>) {
        if !holds {
            self.say(key, reason);
        }
    }

    fn key(&mut self) {
        let key = &self.stream.key;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_name = MediaPath::from_disk(Path::new(key)).is_some()
            && key.chars().all(is_plain)
            && !key.starts_with('-');
        let wanted = "letters, digits, - _ and ., and neither . at its start nor .tmp at its end";
        self.unless(is_name, "key", format!("{key:?} is no folder's name: {wanted}"));
        let is_ours = key.eq_ignore_ascii_case("ldash");
        self.unless(!is_ours, "key", "what lies below /ldash/ is the server's own");
        let has_controls = self.stream.name.chars().any(char::is_control);
        self.unless(!has_controls, "name", "it has characters that cannot be shown");
    }

    fn input(&mut self, exists: &impl Fn(&Path) -> bool) {
        let Stream { source, input, .. } = self.stream;
        let name = source.name();
        let Some(input) = input else {
            let is_enough = matches!(source, Source::Test | Source::Webcam);
            return self.unless(is_enough, "input", format!("source \"{name}\" needs an input"));
        };
        // A quote would end ffmpeg's own in a list of inputs.
        let is_clean = !input.chars().any(char::is_control) && !input.trim().is_empty();
        self.unless(is_clean, "input", "it is empty, or has characters that no input has");
        match source {
            Source::Test => self.say("input", "source \"test\" has none"),
            Source::Rtsp => {
                let is_url = ["rtsp://", "rtsps://"].iter().any(|it| input.starts_with(it));
                let is_url = is_url && !input.contains(['\'', '\\', ' ']);
                self.unless(is_url, "input", "it must be a URL that begins with rtsp://");
            }
            Source::File => {
                let is_there = exists(Path::new(input));
                self.unless(is_there, "input", format!("there is no file {input:?}"));
            }
            Source::Webcam | Source::Command => {}
        }
    }

    fn times(&mut self) {
        let Stream { segment, chunk, target, linger, fps, .. } = self.stream;
        let [least, most] = SEGMENTS;
        let fits = (least..=most).contains(segment);
        self.unless(fits, "segment_duration", "it must be from 0.1 s to 60 s");
        self.unless(chunk <= segment, "chunk_duration", "it must not be longer than a segment");
        let is_frame = chunk.is_zero() || chunk.as_secs_f64() * fps >= 0.999;
        self.unless(is_frame, "chunk_duration", "it is shorter than a frame; 0 is one per frame");
        let fits = !target.is_zero() && *target <= most;
        self.unless(fits, "target_latency", "it must be above 0, and at most 60 s");
        self.unless(*linger <= MAX_LINGER, "linger", "it must be at most a day");
    }

    fn frames(&mut self) {
        let fps = self.stream.fps;
        if fps <= 0.0 || fps > MAX_FPS {
            return self.say("fps", format!("it must be above 0, and at most {MAX_FPS}"));
        }
        let Some(frames) = frames(self.stream) else {
            let seconds = self.stream.segment.as_secs_f64();
            let exact = fps * seconds;
            let reason =
                format!("{seconds} s at {fps} frames a second are {exact:.3} frames, not whole");
            return self.say("segment_duration", reason);
        };
        let Some(gop) = self.stream.gop else { return };
        let divides = gop > 0 && frames.is_multiple_of(gop);
        let reason = format!("a segment has {frames} frames, which {gop} does not divide");
        self.unless(divides, "gop", reason);
    }

    fn qualities(&mut self) {
        let stream = self.stream;
        let count = stream.qualities.len();
        let fits = (1..=MAX_QUALITIES).contains(&count);
        self.unless(fits, "qualities", format!("there must be from 1 to {MAX_QUALITIES}"));
        for quality in &stream.qualities {
            let width = quality.width;
            let fits = WIDTHS.contains(&width) && width.is_multiple_of(2);
            let reason = format!("width {width} must be even, and from 16 to 7680");
            self.unless(fits, "qualities", reason);
            let bits = quality.bitrate;
            let reason = format!("bitrate {bits} must be from 1 kbit/s to 500 Mbit/s");
            self.unless(BITS.contains(&bits), "qualities", reason);
            let is_word = |word: &str| {
                !word.is_empty()
                    && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
            };
            let has_words =
                is_word(&quality.codec) && quality.preset.as_deref().is_none_or(is_word);
            self.unless(has_words, "qualities", "codec and preset are single words");
        }
        if let Some(bits) = stream.audio {
            let fits = (8000..=512_000).contains(&bits);
            self.unless(fits, "audio", "it must be from 8 to 512 kbit/s, or false");
        }
        self.unless(stream.extra_args.len() <= MAX_EXTRA, "extra_args", "there are too many");
    }

    /// What can be known beforehand of qualities that must share one init; the rest is tried, by
    /// `trial`.
    fn switching(&mut self) {
        let Stream { qualities, switching, .. } = self.stream;
        let (Switching::Server, [first, others @ ..]) = (switching, &qualities[..]) else { return };
        if others.is_empty() {
            return self.say("switching", "there is one quality only: nothing can be switched");
        }
        if let Some(other) = others.iter().find(|other| other.width != first.width) {
            let (one, two) = (first.width, other.width);
            let reason =
                format!("widths {one} and {two} cannot share one init: make them the same");
            self.say("qualities", reason);
        }
        if let Some(other) = others.iter().find(|other| other.codec != first.codec) {
            let (one, two) = (&first.codec, &other.codec);
            let reason = format!("{one} and {two} cannot share one init: make them the same");
            self.say("qualities", reason);
        }
        let mut rates: Vec<u64> = qualities.iter().map(|quality| quality.bitrate).collect();
        rates.sort_unstable();
        if let Some(same) = rates.windows(2).find(|pair| pair[0] == pair[1]) {
            let reason = format!("two have the bitrate {}: neither is the lower one", same[0]);
            self.say("qualities", reason);
        }
    }

    fn foreign(&mut self) {
        for key in OF_FFMPEG {
            if self.stream.lines.has(key) {
                self.say(key, "it does nothing with source \"command\", which decides itself");
            }
        }
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
