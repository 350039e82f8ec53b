//! Puts the players that `scripts/players` fetched where the crate can compile them in.
//!
//! It embeds what is in `static/players` and never touches the network: a crate built without
//! players works, and its pages load them from the public CDN (`static/play/load.js`).

use std::{env, fs, io, path::Path};

/// What may be there, by the name below `/ldash/assets/`.
const PLAYERS: &[&str] = &["dash.js", "dash.LICENSE.txt", "hls.js", "hls.LICENSE.txt"];

fn main() -> io::Result<()> {
    // Folders: cargo takes a named file that is missing for one that has changed.
    println!("cargo::rerun-if-changed=static/players");
    println!("cargo::rerun-if-changed=static/segments-in");
    println!("cargo::rerun-if-changed=static/play");
    println!("cargo::rerun-if-changed=static/front");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets no OUT_DIR"))?;
    let out = Path::new(&out);
    let mut entries = String::new();
    for name in PLAYERS {
        match fs::copy(Path::new("static/players").join(name), out.join(name)) {
            Ok(_) => entries.push_str(&format!(
                "    ({name:?}, include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}\"))),\n"
            )),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    let table = format!("static PLAYERS: &[(&str, &[u8])] = &[\n{entries}];\n");
    fs::write(out.join("players.rs"), table)
}
