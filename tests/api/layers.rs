//! The map in `src/lib.rs` is true, and the habits that a machine can hold.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Which modules of ours each one may name; `src/lib.rs` says the same in words.
const KNOWS: &[(&str, &[&str])] = &[
    ("live", &[]),
    ("cmaf", &[]),
    ("mpd", &[]),
    ("m3u8", &[]),
    ("metrics", &[]),
    ("clock", &[]),
    ("shutdown", &[]),
    ("log_sink", &[]),
    ("tls", &[]),
    ("recording", &[]),
    ("viewers", &["live", "metrics"]),
    ("folder", &["live"]),
    ("manifest", &["live", "cmaf", "mpd", "m3u8"]),
    ("hls", &["live", "cmaf", "mpd", "m3u8"]),
    ("encoder", &["live", "cmaf", "mpd"]),
    (
        "http",
        &[
            "live",
            "folder",
            "hls",
            "manifest",
            "encoder",
            "mpd",
            "m3u8",
            "metrics",
            "recording",
            "tls",
            "viewers",
        ],
    ),
    ("replay", &["cmaf", "mpd", "folder"]),
    ("demo", &["replay", "recording"]),
];

/// Who knows all: the composition root, and what turns command lines into its configuration.
const ROOTS: &[&str] = &["lib", "main", "bin", "server", "cli"];

/// What knows nothing of ours may be known by everyone.
const FOR_ALL: &[&str] = &["clock", "shutdown"];

fn files(folder: &str) -> Vec<PathBuf> {
    let mut todo = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut files = Vec::new();
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(path).expect("readable").flatten();
            todo.extend(entries.map(|entry| entry.path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    assert!(!files.is_empty());
    files
}

/// The top module in which a file lies.
fn module(path: &Path) -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let relative = path.strip_prefix(source).expect("below src");
    let top = relative.iter().next().expect("a name");
    Path::new(top).file_stem().and_then(|stem| stem.to_str()).expect("text").to_owned()
}

/// A file's production code without comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("text");
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// The modules that are named after `crate::`, also inside braces.
fn named(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, found) in code.match_indices("crate::") {
        let rest = &code[at + found.len()..];
        let Some(inside) = rest.strip_prefix('{') else {
            names.push(first_word(rest));
            continue;
        };
        let mut depth = 0;
        for (at, character) in inside.char_indices() {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                _ if depth == 0 && (at == 0 || inside[..at].trim_end().ends_with(',')) => {
                    names.push(first_word(inside[at..].trim_start()));
                }
                _ => {}
            }
        }
    }
    names.retain(|name| !name.is_empty());
    names.dedup();
    names
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn layers_are_as_the_map_says() {
    let known: BTreeMap<&str, &[&str]> = KNOWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for path in files("src") {
        let module = module(&path);
        if ROOTS.contains(&&*module) {
            continue;
        }
        let may = known.get(&*module).unwrap_or_else(|| panic!("{module} is not on the map"));
        for name in named(&code(&path)) {
            let is_ours = name == module || known.contains_key(&*name) || ROOTS.contains(&&*name);
            let is_allowed = name == module || may.contains(&&*name) || FOR_ALL.contains(&&*name);
            if is_ours && !is_allowed {
                wrong.push(format!("{} names {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn layers_on_the_map_are_those_that_there_are() {
    let root = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"));
    let root = root.expect("text");
    for line in root.lines() {
        if let Some(module) = line.strip_prefix("pub mod ") {
            let module = module.trim_end_matches(';');
            assert!(root.contains(&format!("[`{module}`]")), "{module} is missing in the layout");
            let is_listed = KNOWS.iter().any(|(known, _)| *known == module);
            assert!(is_listed || ROOTS.contains(&module), "{module} is missing here");
        }
    }
}

#[test]
fn layers_of_the_core_know_no_disk_no_task_and_no_clock() {
    for path in files("src").iter().filter(|path| module(path) == "live") {
        let code = code(path);
        for foreign in
            ["std::fs", "std::net", "actix", "tokio::time", "Instant::now", "SystemTime::now"]
        {
            let is_test = path.to_string_lossy().ends_with("_tests.rs");
            assert!(is_test || !code.contains(foreign), "{} has {foreign}", path.display());
        }
    }
}

#[test]
fn layers_only_the_command_line_knows_clap() {
    for path in files("src") {
        let is_known = code(&path).contains("clap::");
        assert!(!is_known || module(&path) == "cli", "{}", path.display());
    }
}

#[test]
fn layers_each_file_says_what_it_is() {
    for path in files("src").into_iter().chain(files("tests/api")) {
        let text = fs::read_to_string(&path).expect("text");
        assert!(text.starts_with("//! "), "{} opens with no //!", path.display());
    }
}

#[test]
fn layers_files_stay_small() {
    /// Where the seam is sought; beyond this it must be found.
    const LINES: usize = 350;
    for path in files("src").into_iter().chain(files("tests/api")) {
        let lines = code(&path).lines().count();
        assert!(lines <= LINES, "{} has {lines} lines", path.display());
    }
}

#[test]
fn layers_nothing_sleeps() {
    for path in files("src").into_iter().chain(files("tests/api")) {
        let code = code(&path);
        // Put together here, so that it does not find itself.
        let sleeps = ["thread", "time"].map(|module| format!("{module}::{}(", "sleep"));
        for sleep in sleeps {
            assert!(!code.contains(&sleep), "{} sleeps", path.display());
        }
    }
}

#[test]
fn layers_names_are_found() {
    let names = named("use crate::{live::{a, b}, folder,\n    http::c};\ncrate::mpd::x();");
    assert_eq!(names, ["live", "folder", "http", "mpd"]);
}
