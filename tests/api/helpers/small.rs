//! A disk that is soon full.

use super::Run;
use std::{
    path::Path,
    process::{Command, Stdio},
};

/// A file system of one MiB. Unmounted when it is dropped.
pub struct Small(tempfile::TempDir);

impl Small {
    /// `None`, and a message, where mounting is not permitted.
    pub fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(folder.path());
        if mount.stderr(Stdio::null()).run().is_ok_and(|status| status.success()) {
            return Some(Self(folder));
        }
        let mut stdout = std::io::stdout();
        let _ = std::io::Write::write_all(&mut stdout, b"skipped: mount is not permitted here\n");
        None
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).run();
    }
}
