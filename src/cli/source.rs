//! Where an option's value came from, for what is said of it.

use clap::{
    ArgMatches, Command,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};
use std::{ffi::OsString, path::Path};

/// How an option was given: its flag, its variable, or its key in the file. `None` when it was
/// not, or is a switch that is off. Not for options that have a default of their own.
pub(super) fn given(matches: &ArgMatches, id: &str) -> Option<String> {
    if matches.try_get_one::<bool>(id).is_ok_and(|on| on == Some(&false)) {
        return None;
    }
    let key = id.replace('_', "-");
    Some(match matches.value_source(id)? {
        ValueSource::CommandLine => format!("--{key}"),
        ValueSource::EnvVariable => format!("LLDASH_{}", id.to_uppercase()),
        _ => format!("{key} in the configuration file"),
    })
}

/// Adds to an error about a value where that stands, unless it is one of the arguments.
pub(super) fn told(
    error: clap::Error,
    mut command: Command,
    arguments: &[OsString],
    file: Option<&Path>,
) -> clap::Error {
    if !matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) {
        return error;
    }
    let Some(ContextValue::String(named)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let flag = named.split(' ').next().unwrap_or_default();
    let long = flag.trim_start_matches('-');
    let known = command.get_arguments().find(|argument| argument.get_long() == Some(long));
    let Some(argument) = known.filter(|argument| !is_among(arguments, flag, argument.get_short()))
    else {
        return error;
    };
    let variable = argument.get_env().filter(|name| std::env::var_os(name).is_some());
    let source = match (variable, file) {
        (Some(name), _) => name.display().to_string(),
        (None, Some(file)) => format!("the file {}", file.display()),
        (None, None) => return error,
    };
    let text = error.to_string();
    let reason = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    command.error(error.kind(), format!("{reason} (from {source})"))
}

fn is_among(arguments: &[OsString], flag: &str, short: Option<char>) -> bool {
    let short = short.map(|short| format!("-{short}"));
    let mut texts = arguments.iter().filter_map(|argument| argument.to_str());
    texts.any(|text| {
        let is_long =
            text.strip_prefix(flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('='));
        is_long || short.as_ref().is_some_and(|short| text.starts_with(short))
    })
}
