//! Where a measure takes place: a folder that is served, one beside it from which files are
//! renamed into it, and the servers' logs.

use super::Outcome;
use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Instant,
};
use tempfile::TempDir;

/// Temporary folders of one measure, in memory where the system has that.
pub struct Stage {
    folder: TempDir,
}

impl Stage {
    /// Makes the folders.
    pub fn new() -> Outcome<Self> {
        let shared = Path::new("/dev/shm");
        let parent = if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("lldash-bench-").tempdir_in(parent)?;
        // nginx's workers are another user when root starts it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let stage = Self { folder };
        fs::create_dir(stage.served())?;
        fs::create_dir(stage.path("aside"))?;
        Ok(stage)
    }

    /// A path beside the folders.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder that is served.
    pub fn served(&self) -> PathBuf {
        self.path("served")
    }

    /// Puts a finished file into the folder by a rename; answers the time right before it.
    pub fn rename_in(&self, name: &str, bytes: &[u8]) -> io::Result<Instant> {
        let (aside, served) = (self.path("aside").join(name), self.served().join(name));
        fs::write(&aside, bytes)?;
        let stamp = Instant::now();
        fs::rename(aside, served)?;
        Ok(stamp)
    }
}

/// A segment of so many bytes, `moof` and `mdat`; another seed gives other bytes.
pub fn segment(bytes: usize, seed: usize) -> Vec<u8> {
    let half = bytes / 2;
    let mut state = seed as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let mut segment = Vec::with_capacity(bytes + 8);
    for (kind, length) in [(b"moof", half), (b"mdat", bytes - half)] {
        let size = u32::try_from(length).unwrap_or(u32::MAX);
        let end = segment.len() + length;
        segment.extend_from_slice(&size.to_be_bytes());
        segment.extend_from_slice(kind);
        while segment.len() < end {
            // xorshift64: no two positions look alike.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            segment.extend_from_slice(&state.to_le_bytes());
        }
        segment.truncate(end);
    }
    segment
}
