//! The values of a configuration's keys: each is read, or it is said what is taken. Pure.

use super::config::{AUDIO, Source, Switching};
use std::time::Duration;
use toml::de::{DeFloat, DeInteger, DeValue};

/// A value, or what it must be.
type Read<T> = Result<T, &'static str>;

pub(super) fn text(value: &DeValue<'_>) -> Read<String> {
    value.as_str().map(str::to_owned).ok_or("a text in quotes")
}

pub(super) fn flag(value: &DeValue<'_>) -> Read<bool> {
    value.as_bool().ok_or("true or false")
}

pub(super) fn integer(value: &DeValue<'_>) -> Read<u64> {
    let number = value.as_integer().filter(|number| number.radix() == 10);
    number.and_then(|number| number.as_str().parse().ok()).ok_or("a whole number of 0 or more")
}

pub(super) fn number(value: &DeValue<'_>) -> Read<f64> {
    let text = value.as_integer().map(DeInteger::as_str);
    let text = text.or_else(|| value.as_float().map(DeFloat::as_str));
    text.and_then(|text| text.parse().ok()).filter(|it: &f64| it.is_finite()).ok_or("a number")
}

/// Seconds, or a text such as `"200ms"`.
pub(super) fn span(value: &DeValue<'_>) -> Read<Duration> {
    let wanted = "a number of seconds, or a span of time such as \"200ms\"";
    if let Some(text) = value.as_str() {
        return humantime::parse_duration(text.trim()).map_err(|_| wanted);
    }
    let seconds = number(value).map_err(|_| wanted)?;
    Duration::try_from_secs_f64(seconds).map_err(|_| wanted)
}

/// Bits a second: a number, or a text such as `"900k"` or `"2.5M"`.
pub(super) fn bits(value: &DeValue<'_>) -> Read<u64> {
    let wanted = "a number of bits a second such as 900000, \"900k\" or \"2.5M\"";
    let Some(text) = value.as_str() else { return integer(value).map_err(|_| wanted) };
    bits_of(text).ok_or(wanted)
}

/// Bits a second of a text such as `900000`, `900k` or `2.5M`.
pub fn bits_of(text: &str) -> Option<u64> {
    let (number, factor) = match text.trim().strip_suffix(['k', 'K']) {
        Some(number) => (number, 1e3),
        None => text.trim().strip_suffix('M').map_or((text.trim(), 1.0), |number| (number, 1e6)),
    };
    let number = number.parse::<f64>().ok()? * factor;
    Some(Duration::try_from_secs_f64(number).ok()?.as_secs())
}

/// Bits a second, or false; true is the default.
pub(super) fn audio(value: &DeValue<'_>) -> Read<Option<u64>> {
    let wanted = "false, or a number of bits a second such as \"64k\"";
    match value.as_bool() {
        Some(is_on) => Ok(is_on.then_some(AUDIO)),
        None => bits(value).map(Some).map_err(|_| wanted),
    }
}

pub(super) fn texts(value: &DeValue<'_>) -> Read<Vec<String>> {
    let wanted = "a list of texts";
    let list = value.as_array().ok_or(wanted)?;
    list.iter().map(|value| text(value.get_ref()).map_err(|_| wanted)).collect()
}

pub(super) fn switching(value: &DeValue<'_>) -> Read<Switching> {
    match value.as_str() {
        Some("client") => Ok(Switching::Client),
        Some("server") => Ok(Switching::Server),
        _ => Err("client or server, in quotes"),
    }
}

pub(super) fn source(value: &DeValue<'_>) -> Read<Source> {
    let name = value.as_str().unwrap_or_default();
    let known = Source::ALL.iter().find(|(known, _)| *known == name);
    known.map(|(_, source)| *source).ok_or("test, rtsp, file, webcam or command, in quotes")
}
