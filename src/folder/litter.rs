//! What uploads of a run that was killed have left.

use super::{
    journal,
    root::{Found, Root},
    upload::PREFIX,
};
use std::{ffi::OsStr, path::Path};

/// Removes what a run that was killed has left at and below a folder, and nothing else: not what is
/// known of earlier runs. Who still writes holds a lock.
pub(super) fn clear(root: &Root, relative: &Path) {
    let Ok(dir) = root.dir(relative) else { return };
    let Ok(entries) = root.real().join(relative).read_dir() else { return };
    for entry in entries.flatten() {
        let (name, kind) = (entry.file_name(), entry.file_type());
        if kind.as_ref().is_ok_and(std::fs::FileType::is_dir) {
            clear(root, &relative.join(name));
        } else if kind.is_ok_and(|kind| kind.is_file())
            && is_litter(&name)
            && !is_locked(root, &relative.join(&name))
        {
            log::info!("removing {}, which was left", relative.join(&name).display());
            let _ = dir.remove(&name);
        }
    }
}

/// Whether a name is one that we give to what is not whole.
fn is_litter(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(PREFIX.as_bytes()) || name == journal::NEW_NAME
}

fn is_locked(root: &Root, relative: &Path) -> bool {
    match root.find(relative) {
        Found::File(opened) => opened.file.try_lock().is_err(),
        _ => true,
    }
}
