//! Common Media Client Data (CTA-5004): what a player says of itself with a request, in the query
//! `CMCD=…` or in the headers `CMCD-Object`, `-Request`, `-Session` and `-Status`.
//!
//! Read leniently: a pair that makes no sense is left out and counted, the others stand. The one
//! crate for it reads all or nothing.

use percent_encoding::percent_decode_str;

/// The keys of version 1, in the order of their columns.
pub const KEYS: [&str; 18] = [
    "br", "bl", "bs", "cid", "d", "dl", "mtp", "nor", "nrr", "ot", "pr", "rtp", "sf", "sid", "st",
    "su", "tb", "v",
];

/// More of a query, or of all headers, is not read, in bytes: players send some 300.
pub const MAX_BYTES: usize = 4096;

/// More pairs are not read.
const MAX_PAIRS: usize = 64;

/// So much of keys that are not known is kept, in bytes.
const MAX_OTHERS: usize = 512;

/// So much of a text is kept, in characters; the standard lets identifiers have 64, or 128.
const MAX_TEXT: usize = 256;

/// What a player said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cmcd {
    /// By [`KEYS`].
    known: [Option<Box<str>>; KEYS.len()],
    /// Pairs of other keys, as they came: those of version 2, and a player's own.
    pub others: String,
    /// So many pairs made no sense.
    pub malformed: u64,
}

/// How the value of a key is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Decimal,
    Flag,
    Token,
    Text,
}

fn kind(key: &str) -> Kind {
    match key {
        "pr" => Kind::Decimal,
        "bs" | "su" => Kind::Flag,
        "ot" | "sf" | "st" => Kind::Token,
        "cid" | "nor" | "nrr" | "sid" => Kind::Text,
        _ => Kind::Integer,
    }
}

impl Cmcd {
    /// Reads a request's query and the values of its four headers; the headers win.
    pub fn read<'a>(query: Option<&str>, headers: impl IntoIterator<Item = &'a str>) -> Self {
        let mut cmcd = Self::default();
        if let Some(encoded) = query.and_then(parameter) {
            // dash.js and hls.js write a space as forms do; a plus has an escape of its own.
            let plain = (encoded.len() <= MAX_BYTES).then(|| encoded.replace('+', " "));
            match plain.as_ref().map(|plain| percent_decode_str(plain).decode_utf8()) {
                Some(Ok(text)) => cmcd.add(&text),
                Some(Err(_)) | None => cmcd.malformed += 1,
            }
        }
        headers.into_iter().for_each(|text| cmcd.add(text));
        cmcd
    }

    /// The value of a known key, as text; a flag that is set is `1`.
    pub fn value(&self, key: &str) -> Option<&str> {
        let at = KEYS.iter().position(|known| *known == key)?;
        self.known[at].as_deref()
    }

    /// The value of a known key that is an integer.
    pub fn integer(&self, key: &str) -> Option<u64> {
        self.value(key)?.parse().ok()
    }

    /// The player ran out of media since it last asked.
    pub fn has_starved(&self) -> bool {
        self.value("bs").is_some()
    }

    /// The request is for something that is no segment: a manifest, an init, a key.
    pub fn is_of_no_segment(&self) -> bool {
        self.value("ot").is_some_and(|kind| ["m", "i", "k"].contains(&kind))
    }

    fn add(&mut self, text: &str) {
        if text.len() > MAX_BYTES {
            self.malformed += 1;
            return;
        }
        for pair in pairs(text).take(MAX_PAIRS).filter(|pair| !pair.is_empty()) {
            if self.add_pair(pair).is_none() {
                self.malformed += 1;
            }
        }
    }

    fn add_pair(&mut self, pair: &str) -> Option<()> {
        let (key, value) = pair.split_once('=').map_or((pair, None), |(k, v)| (k, Some(v)));
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.*".contains(c);
        if key.is_empty() || !key.chars().all(is_name) {
            return None;
        }
        let Some(at) = KEYS.iter().position(|known| *known == key) else {
            if self.others.len() + pair.len() < MAX_OTHERS {
                self.others.push_str(if self.others.is_empty() { "" } else { "," });
                self.others.extend(pair.chars().map(visible));
            }
            return Some(());
        };
        if let Some(value) = checked(kind(key), value)? {
            self.known[at] = Some(value.into());
        }
        Some(())
    }
}

/// The query's CMCD parameter, still percent-encoded.
fn parameter(query: &str) -> Option<&str> {
    only(query)?.strip_prefix("CMCD=")
}

/// The pair of a query in which a player speaks of itself.
pub fn only(query: &str) -> Option<&str> {
    query.split('&').find(|pair| pair.starts_with("CMCD="))
}

/// A query without what a player says of itself there: it names a session, which is nobody's
/// business who reads a log.
pub fn without(query: &str) -> String {
    let shown = query.split('&').map(|pair| if pair.starts_with("CMCD=") { "CMCD" } else { pair });
    shown.collect::<Vec<_>>().join("&")
}

/// Pairs between commas, but for those inside of quotes or brackets.
fn pairs(text: &str) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped, mut depth) = (false, false, 0_i32);
    text.split(move |c: char| {
        let was_escaped = is_escaped;
        is_escaped = is_quoted && !was_escaped && c == '\\';
        match c {
            '"' if !was_escaped => is_quoted = !is_quoted,
            '(' if !is_quoted => depth += 1,
            ')' if !is_quoted => depth -= 1,
            _ => {}
        }
        c == ',' && !is_quoted && depth <= 0
    })
    .map(str::trim)
}

/// A value as it is kept; `Some(None)` for a flag that is not set, `None` when it makes no sense.
fn checked(kind: Kind, value: Option<&str>) -> Option<Option<String>> {
    let value = match (kind, value) {
        (Kind::Flag, None | Some("?1" | "true")) => return Some(Some("1".to_owned())),
        (Kind::Flag, Some("?0" | "false")) => return Some(None),
        (_, value) => value?,
    };
    match kind {
        Kind::Flag => None,
        Kind::Integer => number(first_of_list(value)).map(|it| Some(format!("{:.0}", it.round()))),
        Kind::Decimal => number(value).map(|it| Some(it.to_string())),
        Kind::Token => {
            let is_token = value.len() <= 8 && value.chars().all(|c| c.is_ascii_alphanumeric());
            (is_token && !value.is_empty()).then(|| Some(value.to_owned()))
        }
        Kind::Text => text(first_of_list(value)).map(Some),
    }
}

/// Version 2 has lists, `(3200;v 128;a)`: their first member.
fn first_of_list(value: &str) -> &str {
    let Some(inside) = value.strip_prefix('(') else { return value };
    inside.split([' ', ';', ')']).next().unwrap_or_default()
}

/// No number of these is negative, and none is larger.
const LARGEST: f64 = 1e15;

fn number(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|number| is_plain && (0.0..=LARGEST).contains(number))
}

/// A text between quotes, in which a backslash stands before quotes and backslashes; leniently, one
/// without quotes.
fn text(value: &str) -> Option<String> {
    let Some(inside) = value.strip_prefix('"') else {
        let is_plain = !value.is_empty() && !value.contains(['"', '\\']);
        return is_plain.then(|| value.chars().take(MAX_TEXT).map(visible).collect());
    };
    let inside = inside.strip_suffix('"')?;
    let (mut text, mut letters) = (String::new(), inside.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.push(letters.next().filter(|next| ['"', '\\'].contains(next))?),
            '"' => return None,
            letter => text.push(visible(letter)),
        }
    }
    Some(text.chars().take(MAX_TEXT).collect())
}

/// A row of the file stays one line.
pub(super) fn visible(letter: char) -> char {
    if letter.is_control() { ' ' } else { letter }
}

#[cfg(test)]
#[path = "cmcd_tests.rs"]
mod tests;
