//! The streams of the configuration file: checked, together with the ffmpeg that is to make them,
//! before anything starts.

use super::file;
use crate::encoder::{
    Settings, check,
    config::{self, Mistake},
    tools, trial,
};
use std::{ffi::OsString, fs, path::Path};

/// What encoders are started with, by the file that the arguments or this variable name.
///
/// # Errors
/// With a line for each mistake, which names the file, the line and the key.
pub(super) fn read(arguments: &[OsString], variable: &str) -> Result<Settings, String> {
    let guard = std::env::current_exe().unwrap_or_default();
    let mut settings = Settings { guard, ..Settings::default() };
    let Some(path) = file::named(arguments, variable) else { return Ok(settings) };
    let path = Path::new(&path);
    let text = fs::read_to_string(path);
    let text = text.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let told = |mistakes: Vec<Mistake>| told(path, &mistakes);
    settings.streams = config::read(&text).map_err(told)?;
    let mistakes = check::check(&settings.streams, Path::exists);
    if !mistakes.is_empty() {
        return Err(told(mistakes));
    }
    if !settings.streams.is_empty() {
        let ffmpeg = tools::ask().ok();
        let abilities = tools::abilities(&settings.streams, ffmpeg.as_ref(), Path::exists);
        settings.abilities = abilities.map_err(told)?;
        let mistakes = trial::run(&settings.streams, Some(&settings.guard));
        if !mistakes.is_empty() {
            return Err(told(mistakes));
        }
    }
    Ok(settings)
}

fn told(path: &Path, mistakes: &[Mistake]) -> String {
    let lines = mistakes.iter().map(|mistake| format!("{}, {mistake}", path.display()));
    lines.collect::<Vec<_>>().join("\n")
}
