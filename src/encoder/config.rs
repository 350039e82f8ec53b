//! The streams of a configuration: `[[stream]]` tables become [`Stream`]s, or [`Mistake`]s that
//! name line and key. Pure.

use super::values::{audio, bits, flag, integer, number, source, span, switching, text, texts};
use std::{collections::BTreeMap, fmt, time::Duration};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The key of the tables.
pub const TABLE: &str = "stream";

/// A stream as it is configured. What is wrong in itself is told by [`super::check`].
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    /// Shown to people.
    pub name: String,
    /// Its folder.
    pub key: String,
    /// Where the picture comes from.
    pub source: Source,
    /// What is read: a URL, a file, a device, or a command.
    pub input: Option<String>,
    /// Frames a second.
    pub fps: f64,
    /// How long a segment is.
    pub segment: Duration,
    /// How long a chunk is; zero is one for each frame.
    pub chunk: Duration,
    /// The latency that the manifest asks for.
    pub target: Duration,
    /// Frames from one intra frame to the next; by default those of a segment.
    pub gop: Option<u64>,
    /// The pictures, at least one.
    pub qualities: Vec<Quality>,
    /// Who chooses among them for a player.
    pub switching: Switching,
    /// Bits a second of the sound; `None` is silent.
    pub audio: Option<u64>,
    /// More arguments for ffmpeg, before its output.
    pub extra_args: Vec<String>,
    /// Whether it runs only while somebody watches.
    pub on_demand: bool,
    /// For so long it runs on when nobody does.
    pub linger: Duration,
    /// In which line each key stands.
    pub lines: Lines,
}

/// Where the picture comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A test pattern with a clock.
    Test,
    /// A camera of the network.
    Rtsp,
    /// A file, over and over.
    File,
    /// A camera of this machine.
    Webcam,
    /// A program that writes into `$LLDASH_DIR`.
    Command,
}

impl Source {
    /// All of them, by the names that they have in a configuration.
    pub const ALL: [(&str, Self); 5] = [
        ("test", Self::Test),
        ("rtsp", Self::Rtsp),
        ("file", Self::File),
        ("webcam", Self::Webcam),
        ("command", Self::Command),
    ];

    /// Its name in a configuration.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, source)| *source == self).map_or("", |(name, _)| name)
    }
}

/// Who chooses among a stream's pictures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Switching {
    /// Players: the manifest offers all of them.
    #[default]
    Client,
    /// The server: the manifest offers one.
    Server,
}

/// One of a stream's pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quality {
    /// In pixels; the height follows.
    pub width: u64,
    /// Bits a second.
    pub bitrate: u64,
    /// ffmpeg's name of the encoder.
    pub codec: String,
    /// Its preset.
    pub preset: Option<String>,
}

/// In which lines a stream's keys stand, for what is said of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    table: usize,
    keys: BTreeMap<String, usize>,
}

impl Lines {
    /// The line of a key, or of the table where it is missing.
    pub fn of(&self, key: &str) -> usize {
        self.keys.get(key).copied().unwrap_or(self.table)
    }

    /// Whether the key is there.
    pub fn has(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }
}

/// What is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The line in which the key stands, or its table begins; from 1.
    pub line: usize,
    /// The key.
    pub key: String,
    /// What is wrong, and what to do.
    pub reason: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {TABLE}.{}: {}", self.line, self.key, self.reason)
    }
}

/// What ffmpeg's encoder is unless it is named.
const CODEC: &str = "libx264";
/// Its preset.
const PRESET: &str = "veryfast";
/// The sound, in bits a second.
pub(super) const AUDIO: u64 = 64_000;
/// The only picture, unless others are named.
const QUALITY: (u64, u64) = (640, 900_000);

/// Reads the streams of a whole configuration file; the rest of it is not looked at.
///
/// # Errors
/// With all that is of a wrong kind, unknown or missing.
pub fn read(text: &str) -> Result<Vec<Stream>, Vec<Mistake>> {
    let Ok(root) = DeTable::parse(text) else {
        // Whoever reads the rest of the file says what is wrong.
        return Ok(Vec::new());
    };
    let Some(value) = root.get_ref().get(TABLE) else { return Ok(Vec::new()) };
    let line = line_of(text, value.span().start);
    let is_wrong = |line| {
        let reason = format!("it must be a table: write [[{TABLE}]], then its keys below it");
        vec![Mistake { line, key: String::new(), reason }]
    };
    let tables = value.get_ref().as_array().ok_or_else(|| is_wrong(line))?;
    let (mut streams, mut mistakes) = (Vec::new(), Vec::new());
    for value in tables.iter() {
        let line = line_of(text, value.span().start);
        let Some(table) = value.get_ref().as_table() else { return Err(is_wrong(line)) };
        let mut fields = Fields::new(text, table, line);
        streams.push(stream(&mut fields));
        mistakes.append(&mut fields.finish());
    }
    if mistakes.is_empty() { Ok(streams) } else { Err(mistakes) }
}

fn stream(fields: &mut Fields<'_>) -> Stream {
    let key = fields.take("key", text).unwrap_or_else(|| fields.missing("key"));
    let source = fields.take("source", source).unwrap_or_else(|| {
        fields.missing::<String>("source");
        Source::Test
    });
    let fallback = || vec![quality(QUALITY.0, QUALITY.1)];
    let audio = fields.take("audio", audio);
    let seconds = Duration::from_secs_f64;
    Stream {
        name: fields.take("name", text).unwrap_or_else(|| key.clone()),
        key,
        source,
        input: fields.take("input", text),
        fps: fields.take("fps", number).unwrap_or(24.0),
        segment: fields.take("segment_duration", span).unwrap_or(seconds(1.0)),
        chunk: fields.take("chunk_duration", span).unwrap_or(seconds(0.1)),
        target: fields.take("target_latency", span).unwrap_or(seconds(0.5)),
        gop: fields.take("gop", integer),
        qualities: fields.qualities().unwrap_or_else(fallback),
        switching: fields.take("switching", switching).unwrap_or_default(),
        // A camera of this machine has its sound elsewhere.
        audio: audio.unwrap_or((source != Source::Webcam).then_some(AUDIO)),
        extra_args: fields.take("extra_args", texts).unwrap_or_default(),
        on_demand: fields.take("on_demand", flag).unwrap_or(true),
        linger: fields.take("linger", span).unwrap_or(seconds(15.0)),
        lines: fields.lines.clone(),
    }
}

/// A picture whose encoder is not named.
fn quality(width: u64, bitrate: u64) -> Quality {
    Quality { width, bitrate, codec: CODEC.to_owned(), preset: Some(PRESET.to_owned()) }
}

/// A table whose keys are taken one after the other; what is left over is unknown.
struct Fields<'a> {
    text: &'a str,
    table: &'a DeTable<'a>,
    /// What stands before a key in what is said of it.
    prefix: &'static str,
    lines: Lines,
    known: Vec<&'static str>,
    mistakes: Vec<Mistake>,
}

impl<'a> Fields<'a> {
    fn new(text: &'a str, table: &'a DeTable<'a>, line: usize) -> Self {
        let keys = table.keys();
        let keys = keys.map(|key| (key.get_ref().to_string(), line_of(text, key.span().start)));
        let lines = Lines { table: line, keys: keys.collect() };
        Self { text, table, prefix: "", lines, known: Vec::new(), mistakes: Vec::new() }
    }

    fn take<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&DeValue<'_>) -> Result<T, &'static str>,
    ) -> Option<T> {
        self.known.push(key);
        let value = self.table.get(key)?;
        match read(value.get_ref()) {
            Ok(value) => Some(value),
            Err(wanted) => {
                self.mistake(key, format!("it must be {wanted}"));
                None
            }
        }
    }

    fn mistake(&mut self, key: &str, reason: String) {
        let key = format!("{}{key}", self.prefix);
        let line = self.lines.of(key.rsplit('.').next().unwrap_or_default());
        self.mistakes.push(Mistake { line, key, reason });
    }

    /// Says that a key must be there, unless it is, and is wrong.
    fn missing<T: Default>(&mut self, key: &'static str) -> T {
        if !self.table.contains_key(key) {
            self.mistake(key, "it is missing".to_owned());
        }
        T::default()
    }

    fn qualities(&mut self) -> Option<Vec<Quality>> {
        self.known.push("qualities");
        let value = self.table.get("qualities")?;
        let Some(list) = value.get_ref().as_array() else {
            self.mistake("qualities", "it must be a list of { width, bitrate }".to_owned());
            return None;
        };
        Some(list.iter().map(|value| self.quality(value)).collect())
    }

    fn quality(&mut self, value: &Spanned<DeValue<'a>>) -> Quality {
        let line = line_of(self.text, value.span().start);
        let Some(table) = value.get_ref().as_table() else {
            let (key, reason) = ("qualities".to_owned(), "each is { width, bitrate }".to_owned());
            self.mistakes.push(Mistake { line, key, reason });
            return quality(0, 0);
        };
        let mut fields = Fields::new(self.text, table, line);
        fields.prefix = "qualities.";
        let width = fields.take("width", integer).unwrap_or_else(|| fields.missing("width"));
        let bitrate = fields.take("bitrate", bits).unwrap_or_else(|| fields.missing("bitrate"));
        let codec = fields.take("codec", text).unwrap_or_else(|| CODEC.to_owned());
        let preset = fields.take("preset", text);
        let has_preset = matches!(&*codec, "libx264" | "libx265");
        let preset = preset.or_else(|| has_preset.then(|| PRESET.to_owned()));
        self.mistakes.append(&mut fields.finish());
        Quality { width, bitrate, codec, preset }
    }

    fn finish(mut self) -> Vec<Mistake> {
        let keys = self.table.keys().map(|key| key.get_ref().to_string());
        let unknown: Vec<String> = keys.filter(|key| !self.known.contains(&&**key)).collect();
        for key in unknown {
            let known = self.known.join(", ");
            self.mistake(&key, format!("there is no such key; these are known: {known}"));
        }
        self.mistakes
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
