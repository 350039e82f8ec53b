//! Puts the pages, and the players that `scripts/players` fetched, where the crate can compile them in.
//!
//! It embeds what is in `static` and `static/players` and never touches the network: a crate built
//! without players works, and its pages load them from the public CDN (`static/play/load.js`).

use std::{env, fs, io, path::Path};

/// What may be there, by the name below `/ldash/assets/`.
const PLAYERS: &[&str] = &["dash.js", "dash.LICENSE.txt", "hls.js", "hls.LICENSE.txt"];

/// The folders of pages, below `static`; the first one is itself.
const PAGES: &[&str] = &["", "play/", "front/"];

/// What pages consist of.
const PAGE_ENDS: &[&str] = &[".html", ".css", ".js", ".svg"];

fn main() -> io::Result<()> {
    // Folders: cargo takes a named file that is missing for one that has changed.
    println!("cargo::rerun-if-changed=static");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets no OUT_DIR"))?;
    let out = Path::new(&out);
    let source = env::var_os("CARGO_MANIFEST_DIR");
    let source = source.ok_or_else(|| io::Error::other("cargo sets no CARGO_MANIFEST_DIR"))?;
    let mut table = String::from("static PLAYERS: &[(&str, &[u8])] = &[\n");
    for name in PLAYERS {
        match fs::copy(Path::new("static/players").join(name), out.join(name)) {
            Ok(_) => table.push_str(&entry(name, &out.join(name))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    table.push_str("];\nstatic ASSETS: &[(&str, &[u8])] = &[\n");
    for name in pages()? {
        table.push_str(&entry(&name, &Path::new(&source).join("static").join(&name)));
    }
    table.push_str("];\n");
    fs::write(out.join("assets.rs"), table)
}

/// The names of all files that pages consist of.
fn pages() -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for folder in PAGES {
        let entries = match fs::read_dir(Path::new("static").join(folder)) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(e),
        };
        for entry in entries {
            let Ok(name) = entry?.file_name().into_string() else { continue };
            if PAGE_ENDS.iter().any(|end| name.ends_with(end)) {
                names.push(format!("{folder}{name}"));
            }
        }
    }
    names.sort();
    Ok(names)
}

fn entry(name: &str, path: &Path) -> String {
    format!("    ({name:?}, include_bytes!({path:?})),\n")
}
