//! The configuration file: its keys are the options' long names, its values become their
//! defaults. So a flag beats a variable, which beats the file, which beats the default.

use super::source;
use clap::{ArgAction, ArgMatches, Command, builder::Str, error::ErrorKind};
use std::{ffi::OsString, fs, path::Path};
use toml::{Table, Value};

/// The option that names the file.
const OPTION: &str = "--config";

/// Keys that make no sense in a file.
const ONLY_FLAGS: [&str; 3] = ["config", "help", "version"];

/// Reads a command's arguments, with the values of the file that they, or this variable, name.
/// `others`: keys of the file that are no options, and are read elsewhere.
///
/// # Errors
/// clap's own, and one line that names the file and what is wrong with it.
pub(super) fn matches(
    command: Command,
    arguments: &[OsString],
    variable: &str,
    others: &[&str],
) -> Result<ArgMatches, clap::Error> {
    let mut blank = command.clone();
    let path = named(arguments, variable);
    let path = path.as_ref().map(Path::new);
    let command = match path.map_or(Ok(command.clone()), |path| apply(command, path, others)) {
        Ok(command) => command,
        Err(reason) => return Err(blank.error(ErrorKind::InvalidValue, reason)),
    };
    let matches = command.try_get_matches_from(arguments);
    matches.map_err(|error| source::told(error, blank, arguments, path))
}

/// The configuration file's path, if the arguments or the environment name one.
pub(super) fn named(arguments: &[OsString], variable: &str) -> Option<OsString> {
    let mut arguments = arguments.iter().skip(1).take_while(|argument| *argument != "--");
    while let Some(argument) = arguments.next() {
        if argument == OPTION {
            return arguments.next().cloned();
        }
        let text = argument.to_str().and_then(|text| text.strip_prefix(OPTION)?.strip_prefix('='));
        if let Some(path) = text {
            return Some(path.into());
        }
    }
    std::env::var_os(variable)
}

/// Makes the values of a file the defaults of a command's options.
///
/// # Errors
/// With one line that names the file and what is wrong with it.
fn apply(command: Command, path: &Path, others: &[&str]) -> Result<Command, String> {
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("cannot read {name}: {error}"))?;
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
        format!("{name}, line {line}: this is no TOML: {}", error.message())
    })?;
    let options = table.into_iter().filter(|(key, _)| !others.contains(&&**key));
    options.into_iter().try_fold(command, |command, (key, value)| {
        set(command, &key, &value).map_err(|reason| format!("{name}: {reason}"))
    })
}

fn set(command: Command, key: &str, value: &Value) -> Result<Command, String> {
    let mut arguments = command.get_arguments();
    let known = arguments.find(|argument| {
        let is_named = argument.get_long() == Some(key);
        let is_folder = argument.is_positional() && argument.get_id() == key;
        (is_named || is_folder) && !ONLY_FLAGS.contains(&key)
    });
    let argument = known.ok_or_else(|| format!("there is no option {key:?}"))?;
    let is_flag = matches!(argument.get_action(), ArgAction::SetTrue);
    let is_list = matches!(argument.get_action(), ArgAction::Append);
    let id = argument.get_id().clone();
    drop(arguments);
    let texts = texts(value).ok_or_else(|| format!("the value of {key:?} cannot be a table"))?;
    if is_flag && !matches!(value, Value::Boolean(_)) {
        return Err(format!("the value of {key:?} must be true or false"));
    }
    if !is_list && texts.len() != 1 {
        return Err(format!("{key:?} takes one value"));
    }
    Ok(command.mut_arg(id, |argument| argument.default_values(texts).required(false)))
}

fn texts(value: &Value) -> Option<Vec<clap::builder::OsStr>> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let texts: Option<Vec<_>> = values.iter().map(texts).collect();
            return Some(texts?.concat());
        }
        Value::Table(_) => return None,
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Datetime(time) => format!("{time:?}"),
    };
    Some(vec![clap::builder::OsStr::from(Str::from(text))])
}
