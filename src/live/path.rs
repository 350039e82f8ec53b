//! Names: a URL's or the disk's path becomes a [`MediaPath`], which cannot leave the folder.

use percent_encoding::percent_decode_str;
use std::{fmt, path::Path, sync::Arc};

/// A file's path inside the folder: UTF-8, segments joined by `/`, none of them empty, `.` or
/// `..`, no NUL and no backslash. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MediaPath(Arc<str>);

/// What a URL's path asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A file.
    File(MediaPath),
    /// A folder, asked for with a `/` at the end; `None` is the root.
    Folder(Option<MediaPath>),
}

/// Why a URL's path names no file that could be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathError {
    /// It cannot be a path (status 400); the text says why.
    Malformed(&'static str),
    /// It is one that is never served (status 404 at once).
    Hidden,
}

/// The longest name that Linux, macOS and Windows take, in bytes.
const MAX_NAME_BYTES: usize = 255;
/// The longest path that is looked for, in bytes (Linux's `PATH_MAX` less its NUL).
const MAX_PATH_BYTES: usize = 4095;

impl Target {
    /// Reads the path of a request's target, still percent-encoded (RFC 3986, section 3.3).
    /// Decodes once; repeated slashes count as one.
    pub fn from_url(encoded: &str) -> Result<Self, PathError> {
        let mut path = String::with_capacity(encoded.len());
        for segment in encoded.split('/').filter(|segment| !segment.is_empty()) {
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(&decode(segment)?);
        }
        path.split('/').try_for_each(check_segment)?;
        if path.len() > MAX_PATH_BYTES || path.split('/').any(is_hidden) {
            return Err(PathError::Hidden);
        }
        let is_folder = encoded.ends_with('/') || path.is_empty();
        let path = MediaPath(path.into());
        Ok(if !is_folder {
            Self::File(path)
        } else {
            Self::Folder((!path.as_str().is_empty()).then_some(path))
        })
    }
}

fn decode(segment: &str) -> Result<String, PathError> {
    let bytes = segment.as_bytes();
    for (at, _) in segment.match_indices('%') {
        match bytes.get(at + 1..at + 3) {
            Some([b'2', b'f' | b'F']) => return Err(PathError::Malformed("%2F inside a name")),
            Some([a, b]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {}
            _ => return Err(PathError::Malformed("broken percent-escape")),
        }
    }
    let name = percent_decode_str(segment).decode_utf8();
    Ok(name.map_err(|_| PathError::Malformed("not UTF-8"))?.into_owned())
}

fn check_segment(name: &str) -> Result<(), PathError> {
    match name {
        "." | ".." => Err(PathError::Malformed("dot segment")),
        _ if name.contains('\0') => Err(PathError::Malformed("NUL in a name")),
        _ if name.contains('\\') => Err(PathError::Malformed("backslash in a name")),
        _ if cfg!(windows) => check_windows(name),
        _ => Ok(()),
    }
}

/// Names that Windows takes for something other than a file of that name.
fn check_windows(name: &str) -> Result<(), PathError> {
    const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = ["COM", "LPT"].iter().any(|port| {
        stem.strip_prefix(port).is_some_and(|rest| rest.chars().count() == 1 && rest != "0")
    });
    if numbered || DEVICES.contains(&stem.as_str()) {
        return Err(PathError::Malformed("device name"));
    }
    if name.contains(':') || name.ends_with(['.', ' ']) {
        return Err(PathError::Malformed("name that Windows would change"));
    }
    Ok(())
}

/// Whether a name is never served: dot files (RFC 8615's `.well-known` apart), names under which
/// packagers prepare a file, and names longer than a disk takes.
fn is_hidden(name: &str) -> bool {
    const SCRATCH_ENDS: [&str; 3] = [".tmp", ".gftmp", ".bak"];
    name.starts_with('.') && name != ".well-known"
        || name.starts_with("packager-tempfile-")
        || SCRATCH_ENDS.iter().any(|end| name.ends_with(end))
        || name.len() > MAX_NAME_BYTES
}

impl MediaPath {
    /// The path of a file below the folder, as the disk names it; `None` for names that are
    /// never served.
    pub fn from_disk(relative: &Path) -> Option<Self> {
        let mut path = String::new();
        for part in relative.components() {
            let std::path::Component::Normal(name) = part else { return None };
            let name = name.to_str()?;
            if is_hidden(name) || check_segment(name).is_err() {
                return None;
            }
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(name);
        }
        (!path.is_empty() && path.len() <= MAX_PATH_BYTES).then(|| Self(path.into()))
    }

    /// The path, without a slash at its start.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same for the file system.
    pub fn as_path(&self) -> &Path {
        Path::new(&*self.0)
    }

    /// The last segment.
    pub fn name(&self) -> &str {
        split_last(&self.0, b'/').map_or(&*self.0, |(_, name)| name)
    }

    /// The file `name` in this folder.
    pub fn join(&self, name: &str) -> Self {
        Self(format!("{self}/{name}").into())
    }

    /// The file of this name at the folder's root.
    pub fn at_root(name: &'static str) -> Self {
        Self(name.into())
    }

    /// What the name says of the contents.
    pub fn role(&self) -> Role {
        Role::of(self.name())
    }

    /// Whether it is shown whole or not at all.
    pub fn is_manifest(&self) -> bool {
        matches!(self.role(), Role::Manifest(_))
    }

    /// Where the name stands in a run of numbered segments.
    pub fn sequence(&self) -> Option<Sequence<'_>> {
        Sequence::of(&self.0)
    }

    /// nginx-rtmp writes `NAME-raw.m4v` before `NAME.m4v`: the latter's path, for the former's.
    pub fn cooked(&self) -> Option<Self> {
        let (stem, extension) = split_last(&self.0, b'.')?;
        let stem = stem.strip_suffix("-raw").filter(|_| matches!(extension, "m4v" | "m4a"))?;
        Some(Self(format!("{stem}.{extension}").into()))
    }
}

/// The path that grows under a side name: `NAME` for `NAME.tmp` (ffmpeg) and `NAME.gftmp` (GPAC).
/// Manifests have none: they are never shown growing.
pub fn under_side_name(relative: &Path) -> Option<MediaPath> {
    let name = relative.file_name()?.to_str()?;
    let name = name.strip_suffix(".tmp").or_else(|| name.strip_suffix(".gftmp"))?;
    let path = MediaPath::from_disk(&relative.with_file_name(name))?;
    matches!(path.role(), Role::Media { .. }).then_some(path)
}

impl fmt::Display for MediaPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MediaPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// What a file's name says of its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Shown whole or not at all.
    Manifest(Manifest),
    /// Segments, parts, inits, keys: shown while they grow.
    Media {
        /// How its end is recognised.
        container: Container,
        /// A header that players load once and packagers may rewrite.
        init: bool,
    },
    /// Anything else: shown while it grows, but not waited for unasked.
    Other,
}

/// The kinds of manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manifest {
    /// DASH (ISO/IEC 23009-1).
    Mpd,
    /// HLS (RFC 8216).
    M3u8,
}

/// How a media file is laid out, as far as its end is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// Boxes of ISO/IEC 14496-12.
    Boxes,
    /// MPEG-2 transport stream: packets of 188 bytes.
    Ts,
    /// No structure that could tell.
    Plain,
}

impl Role {
    fn of(name: &str) -> Self {
        let Some((stem, extension)) = split_extension(name) else { return Self::Other };
        let container = match extension {
            "mpd" => return Self::Manifest(Manifest::Mpd),
            "m3u8" => return Self::Manifest(Manifest::M3u8),
            "m4s" | "mp4" | "m4v" | "m4a" | "cmfv" | "cmfa" | "cmft" | "cmfm" | "init" | "dash" => {
                Container::Boxes
            }
            "ts" => Container::Ts,
            "aac" | "webm" | "vtt" | "key" => Container::Plain,
            _ => return Self::Other,
        };
        let init = extension == "init" || is_init(stem);
        Self::Media { container, init: init && container == Container::Boxes }
    }
}

/// Whether a name calls itself an initialization segment, by one of its words: `init`, what begins
/// like `initialization` or `initsegment`, what ends like GPAC's `dashinit`. `definition` is none.
fn is_init(stem: &str) -> bool {
    let begins = |word: &str, with: &str| {
        word.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    let ends = |word: &str| {
        let at = word.len().checked_sub(4);
        at.and_then(|at| word.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case("init"))
    };
    let mut words = stem.split(|letter: char| !letter.is_ascii_alphabetic());
    words.any(|word| ends(word) || begins(word, "initseg") || begins(word, "initiali"))
}

/// A name's stem and its extension, digits after the extension left out (`NAME.m4s.3`).
fn split_extension(name: &str) -> Option<(&str, &str)> {
    let (stem, extension) = split_last(name, b'.')?;
    if !extension.is_empty() && extension.bytes().all(|byte| byte.is_ascii_digit()) {
        return split_last(stem, b'.');
    }
    Some((stem, extension))
}

/// `str::rsplit_once` for ASCII and short ends, which is asked several times for each request.
fn split_last(text: &str, at: u8) -> Option<(&str, &str)> {
    let found = text.bytes().rposition(|byte| byte == at)?;
    Some((&text[..found], &text[found + 1..]))
}

/// Where a numbered name stands among its kind: `v/chunk-` 12 `.m4s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence<'a> {
    before: &'a str,
    number: u64,
    after: &'a str,
}

impl<'a> Sequence<'a> {
    fn of(path: &'a str) -> Option<Self> {
        let name_at = path.rfind('/').map_or(0, |slash| slash + 1);
        let name = &path[name_at..];
        let part = split_last(name, b'.').map_or("", |(_, extension)| extension);
        let is_part = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let searched = match split_extension(name) {
            Some(_) if is_part => name,
            Some((stem, _)) => stem,
            None => name,
        };
        let end = searched.rfind(|c: char| c.is_ascii_digit())? + 1;
        let digits = |c: char| !c.is_ascii_digit();
        let start = searched[..end].rfind(digits).map_or(0, |before| {
            before + searched[before..].chars().next().map_or(1, char::len_utf8)
        });
        let number = searched[start..end].parse().ok()?;
        let (before, after) = (&path[..name_at + start], &path[name_at + end..]);
        Some(Self { before, number, after })
    }

    /// What all of its pattern have in common: before the number, and after it.
    pub fn pattern(&self) -> (&'a str, &'a str) {
        (self.before, self.after)
    }

    /// The number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether `other` is a later one of the same pattern.
    pub fn is_before(&self, other: &Sequence<'_>) -> bool {
        (self.before, self.after) == (other.before, other.after) && self.number < other.number
    }
}

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;
