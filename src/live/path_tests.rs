//! Names, against the contract's headings "URLs" and "Holding".

use super::*;
use proptest::prelude::*;

fn file(url: &str) -> Result<String, PathError> {
    match Target::from_url(url)? {
        Target::File(path) => Ok(path.to_string()),
        Target::Folder(path) => Ok(format!("{}/", path.map_or(String::new(), |p| p.to_string()))),
    }
}

#[test]
fn urls_paths_are_decoded_once() {
    assert_eq!(file("/a%20b/c%2541.m4s"), Ok("a b/c%41.m4s".into()));
    assert_eq!(file("/caf%C3%A9.mpd"), Ok("café.mpd".into()));
    assert_eq!(file("//live//x.mpd"), Ok("live/x.mpd".into()));
    assert_eq!(file("/"), Ok("/".into()));
    assert_eq!(file("/live/"), Ok("live/".into()));
}

#[test]
fn urls_that_cannot_be_paths_are_400() {
    for url in [
        "/../x",
        "/a/../x",
        "/a/./x",
        "/%2e%2e/x",
        "/.%2e/x",
        "/a%2Fb",
        "/a%2fb",
        "/a%5Cb",
        "/a\\b",
        "/a%00",
        "/a%",
        "/a%4",
        "/a%zz",
        "/%ff.mpd",
        "/..",
    ] {
        assert!(matches!(file(url), Err(PathError::Malformed(_))), "{url}");
    }
}

#[test]
fn urls_hidden_and_scratch_names_are_404() {
    for url in [
        "/.git/config",
        "/a/.x.m4s",
        "/x.m4s.tmp",
        "/x.m4s.gftmp",
        "/x.bak",
        "/packager-tempfile-1-a-2",
        "/.goutputstream-ABC",
    ] {
        assert_eq!(file(url), Err(PathError::Hidden), "{url}");
    }
    assert_eq!(file(&format!("/{}", "x".repeat(256))), Err(PathError::Hidden));
    assert_eq!(file("/.well-known/x"), Ok(".well-known/x".into()));
}

#[test]
fn windows_device_names_are_refused_there() {
    for name in ["con", "NUL.mpd", "com1.m4s", "LPT\u{b9}", "a:b", "x.", "x "] {
        assert!(check_windows(name).is_err(), "{name}");
    }
    for name in ["console", "com10.m4s", "com.m4s", "nul0"] {
        assert_eq!(check_windows(name), Ok(()), "{name}");
    }
}

#[test]
fn holding_names_of_media_and_manifests() {
    let media = |container, init| Role::Media { container, init };
    for (name, role) in [
        ("x.mpd", Role::Manifest(Manifest::Mpd)),
        ("x.m3u8", Role::Manifest(Manifest::M3u8)),
        ("chunk-1.m4s", media(Container::Boxes, false)),
        ("init-0.m4s", media(Container::Boxes, true)),
        ("video_Init.mp4", media(Container::Boxes, true)),
        ("x_dashinit.mp4", media(Container::Boxes, true)),
        ("initialization1.m4s", media(Container::Boxes, true)),
        ("high-definition-7.m4s", media(Container::Boxes, false)),
        ("finite-7.m4s", media(Container::Boxes, false)),
        ("live.init", media(Container::Boxes, true)),
        ("x.m4s.12", media(Container::Boxes, false)),
        ("x.ts", media(Container::Ts, false)),
        ("initial.ts", media(Container::Ts, false)),
        ("x.vtt", media(Container::Plain, false)),
        ("x.m4s.1a", Role::Other),
        ("m4s", Role::Other),
        ("x.html", Role::Other),
    ] {
        assert_eq!(Role::of(name), role, "{name}");
    }
}

#[test]
fn growing_side_names_belong_to_media_only() {
    let side = |name: &str| under_side_name(Path::new(name)).map(|path| path.to_string());
    assert_eq!(side("a/x.m4s.tmp"), Some("a/x.m4s".into()));
    assert_eq!(side("x.m4s.gftmp"), Some("x.m4s".into()));
    assert_eq!(side("x.mpd.tmp"), None);
    assert_eq!(side("x.txt.tmp"), None);
    assert_eq!(side("x.m4s"), None);
}

#[test]
fn growing_later_of_the_same_pattern() {
    let before = |a: &str, b: &str| {
        let (a, b) = (MediaPath(a.into()), MediaPath(b.into()));
        a.sequence().zip(b.sequence()).is_some_and(|(a, b)| a.is_before(&b))
    };
    assert!(before("v/chunk-0-00009.m4s", "v/chunk-0-00010.m4s"));
    assert!(before("a.m4s.0", "a.m4s.1"));
    assert!(before("seg9.mp4", "seg10.mp4"));
    assert!(before("9.m4s", "10.m4s"));
    assert!(before("é9é.m4s", "é10é.m4s"));
    assert!(!before("v/chunk-0-00010.m4s", "v/chunk-1-00011.m4s"));
    assert!(!before("v/1.m4s", "w/2.m4s"));
    assert!(!before("2.m4s", "1.m4s"));
    assert!(!before("init.mp4", "init.mp4"));
}

proptest! {
    #[test]
    fn no_url_leaves_the_folder(url in "(/|%2e|%2E|%2f|%5c|%00|\\.|a|\\\\|%c3|%a9|é|:| ){0,24}") {
        if let Ok(Target::File(path)) = Target::from_url(&url) {
            prop_assert!(!path.as_str().is_empty());
            prop_assert!(path.as_path().components().all(|c| matches!(c, std::path::Component::Normal(_))));
            prop_assert_eq!(MediaPath::from_disk(path.as_path()), Some(path));
        }
    }

    #[test]
    fn sequences_never_panic(name in "\\PC{0,24}") {
        let path = MediaPath(name.as_str().into());
        let _ = (path.sequence(), path.role(), path.cooked());
    }
}
