//! Where the clock is, seen from a manifest.

use crate::live::MediaPath;

/// The clock's path.
const TIME: &str = "ldash/time";

/// The URL of the clock for the manifest under this path, with these BaseURLs.
///
/// A relative one is relative to the MPD's BaseURL, which is relative to the manifest (ISO/IEC
/// 23009-1, 5.6.4): so dash.js and shaka resolve it too. `None`: with BaseURLs on another host, or
/// at different depths, no relative one fits.
pub(super) fn clock_url<'a>(
    path: &MediaPath,
    mut bases: impl Iterator<Item = &'a str>,
    public: Option<&str>,
) -> Option<String> {
    if let Some(public) = public {
        return Some(format!("{}/{TIME}", public.trim_end_matches('/')));
    }
    let depth = path.as_str().matches('/').count();
    let first = bases.next().map_or(Some(depth), |base| beneath(depth, base))?;
    let is_same = bases.all(|base| beneath(depth, base) == Some(first));
    is_same.then(|| "../".repeat(first) + TIME)
}

/// How deep below the root a relative reference leads from a folder that is so deep.
fn beneath(depth: usize, base: &str) -> Option<usize> {
    let path = base.split(['?', '#']).next().unwrap_or_default();
    let first = path.split('/').next().unwrap_or_default();
    if first.contains(':') || path.starts_with("//") {
        return None;
    }
    let start = if path.starts_with('/') { 0 } else { depth };
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    folder.split('/').try_fold(start, |depth, name| match name {
        "" | "." => Some(depth),
        ".." => depth.checked_sub(1),
        _ => Some(depth + 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(path: &'static str, bases: &[&str]) -> Option<String> {
        clock_url(&MediaPath::at_root(path), bases.iter().copied(), None)
    }

    #[test]
    fn clocks_are_relative_to_the_manifest() {
        let relative = |url: &str| Some(url.to_owned());
        assert_eq!(url("x.mpd", &[]), relative("ldash/time"));
        assert_eq!(url("a/b/x.mpd", &[]), relative("../../ldash/time"));
        assert_eq!(url("a/x.mpd", &["b/"]), relative("../../ldash/time"));
        assert_eq!(url("a/x.mpd", &["./b"]), relative("../ldash/time"));
        assert_eq!(url("a/x.mpd", &["../"]), relative("ldash/time"));
        assert_eq!(url("a/x.mpd", &["/m/n/o/"]), relative("../../../ldash/time"));
        assert_eq!(url("x.mpd", &["a/", "b/"]), relative("../ldash/time"));
    }

    #[test]
    fn clocks_that_no_relative_url_names_are_left_out() {
        assert_eq!(url("x.mpd", &["https://cdn.example/"]), None);
        assert_eq!(url("x.mpd", &["//cdn.example/"]), None);
        assert_eq!(url("x.mpd", &["a/", "b/c/"]), None);
        assert_eq!(url("x.mpd", &["../"]), None);
    }

    #[test]
    fn clocks_are_absolute_only_if_told() {
        let path = MediaPath::at_root("a/x.mpd");
        let absolute = clock_url(&path, ["//cdn/"].into_iter(), Some("https://h/p/"));
        assert_eq!(absolute, Some("https://h/p/ldash/time".to_owned()));
    }
}
