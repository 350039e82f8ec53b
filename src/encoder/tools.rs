//! What the ffmpeg that is installed can do: asked once, before anything starts.

use super::{
    arguments::MUXER_OPTIONS,
    config::{Mistake, Source, Stream},
};
use std::{io, path::Path, process::Command};

/// Where the digits of the test pattern may come from.
const FONTS: [&str; 3] = [
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf",
    "/usr/share/fonts/TTF/DejaVuSansMono-Bold.ttf",
    "/usr/share/fonts/dejavu-sans-mono-fonts/DejaVuSansMono-Bold.ttf",
];

/// What matters of it for the arguments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Abilities {
    /// With which it draws digits, if it can.
    pub font: Option<String>,
}

/// What it says of itself.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// `ffmpeg -version`.
    pub version: String,
    /// `ffmpeg -h muxer=dash`.
    pub muxer: String,
    /// `ffmpeg -encoders`.
    pub encoders: String,
    /// `ffmpeg -filters`.
    pub filters: String,
}

/// Runs ffmpeg to learn what it can do. Blocks.
///
/// # Errors
/// When it cannot be run.
pub fn ask() -> io::Result<Told> {
    let told = |arguments: &[&str]| {
        let output = Command::new("ffmpeg").arg("-hide_banner").args(arguments).output()?;
        Ok::<_, io::Error>(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    Ok(Told {
        version: told(&["-version"])?,
        muxer: told(&["-h", "muxer=dash"])?,
        encoders: told(&["-encoders"])?,
        filters: told(&["-filters"])?,
    })
}

/// What it can do for these streams, or what it cannot; `None`: it cannot be run.
///
/// # Errors
/// With a mistake for each stream that it cannot make.
pub fn abilities(
    streams: &[Stream],
    told: Option<&Told>,
    exists: impl Fn(&Path) -> bool,
) -> Result<Abilities, Vec<Mistake>> {
    let mut made = streams.iter().filter(|stream| stream.source != Source::Command).peekable();
    if made.peek().is_none() {
        return Ok(Abilities::default());
    }
    let mistakes: Vec<Mistake> = made.flat_map(|stream| lacks(stream, told)).collect();
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let draws = told.is_some_and(|told| names(&told.filters, "drawtext"));
    let font = FONTS.into_iter().find(|font| draws && exists(Path::new(font)));
    Ok(Abilities { font: font.map(str::to_owned) })
}

/// What a stream needs that is not there.
fn lacks(stream: &Stream, told: Option<&Told>) -> Vec<Mistake> {
    let mistake = |key: &str, reason| {
        vec![Mistake { line: stream.lines.of(key), key: key.to_owned(), reason }]
    };
    let source = stream.source.name();
    let Some(told) = told else {
        let reason = format!("\"{source}\" needs ffmpeg, which cannot be run: install it");
        return mistake("source", reason);
    };
    let version = told.version.lines().next().unwrap_or("ffmpeg").split(" Copyright").next();
    let version = version.unwrap_or_default();
    let missing: Vec<&str> = MUXER_OPTIONS
        .into_iter()
        .filter(|option| !names(&told.muxer, &format!("-{option}")))
        .collect();
    if !missing.is_empty() {
        let list = missing.join(", -");
        let reason = format!("{version} is too old, or lacks DASH: it has no -{list}");
        return mistake("source", reason);
    }
    for quality in &stream.qualities {
        if !names(&told.encoders, &quality.codec) {
            return mistake("qualities", format!("{version} has no encoder {}", quality.codec));
        }
    }
    if stream.audio.is_some() && !names(&told.encoders, "aac") {
        return mistake("audio", format!("{version} has no encoder aac"));
    }
    if stream.source == Source::Test && !names(&told.filters, "gradients") {
        return mistake("source", format!("{version} is too old: it has no filter gradients"));
    }
    Vec::new()
}

/// Whether a word stands in a list.
fn names(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|known| known == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::config::read;

    fn told() -> Told {
        let options = MUXER_OPTIONS.map(|option| format!("  -{option}  <int>  E...."));
        Told {
            version: "ffmpeg version 5.1.9 Copyright (c) 2000".to_owned(),
            muxer: options.join("\n"),
            encoders: " V....D libx264  H.264\n A....D aac  AAC".to_owned(),
            filters: " ... drawtext V->V\n ... gradients |->V".to_owned(),
        }
    }

    fn refused(text: &str, told: Option<&Told>) -> Vec<String> {
        let streams = read(&format!("[[stream]]\nkey = \"a\"\n{text}\n")).expect("valid");
        let mistakes = abilities(&streams, told, |_| true).err().unwrap_or_default();
        mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn streams_need_an_ffmpeg_that_knows_what_it_is_told() {
        let test = "source = \"test\"";
        assert_eq!(refused(test, Some(&told())), Vec::<String>::new());
        assert!(refused(test, None)[0].starts_with("line 3: stream.source: \"test\" needs ffmpeg"));
        let old = Told { muxer: told().muxer.replace("-ldash", "-x"), ..told() };
        let wanted = "line 3: stream.source: ffmpeg version 5.1.9 is too old, or lacks DASH: it has no -ldash";
        assert_eq!(refused(test, Some(&old)), [wanted]);
        let codec = format!("{test}\nqualities = [{{width = 2, bitrate = 1, codec = \"h266\"}}]");
        let wanted = "line 4: stream.qualities: ffmpeg version 5.1.9 has no encoder h266";
        assert_eq!(refused(&codec, Some(&told())), [wanted]);
        let plain = Told { filters: String::new(), ..told() };
        assert!(refused(test, Some(&plain))[0].contains("no filter gradients"));
        assert!(refused("source = \"command\"\ninput = \"x\"", None).is_empty(), "not needed");
    }

    #[test]
    fn streams_have_digits_where_they_can_be_drawn() {
        let streams = read("[[stream]]\nkey = \"a\"\nsource = \"test\"\n").expect("valid");
        let font = |exists| abilities(&streams, Some(&told()), |_| exists).expect("able").font;
        assert_eq!(font(true).as_deref(), Some(FONTS[0]));
        assert_eq!(font(false), None);
    }
}
