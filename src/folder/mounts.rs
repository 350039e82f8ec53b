//! A mount over the folder makes no inotify event: the kernel tells of it elsewhere.

use super::inbox::Inbox;
use rustix::event::{PollFd, PollFlags, poll};
use std::{
    fs::File,
    io::{self, Read, Seek},
    path::{Path, PathBuf},
    sync::Weak,
    thread,
};

/// Has everything looked at again whenever something is mounted or unmounted (proc(5),
/// `/proc/pid/mountinfo`). Its thread sleeps in between, and ends with the first mount after
/// the inbox is gone.
pub(super) fn follow(inbox: Weak<Inbox>, root: PathBuf) -> io::Result<()> {
    let mut mounts = File::open("/proc/self/mountinfo")?;
    let mut before = concerning(&mut mounts, &root)?;
    thread::Builder::new().name("mounts".to_owned()).spawn(move || {
        loop {
            let mut wanted = [PollFd::new(&mounts, PollFlags::PRI | PollFlags::ERR)];
            match poll(&mut wanted, None) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(_) => return,
            }
            let Some(inbox) = inbox.upgrade() else { return };
            let Ok(now) = concerning(&mut mounts, &root) else { return };
            if std::mem::replace(&mut before, now.clone()) != now {
                inbox.rescan();
            }
        }
    })?;
    Ok(())
}

/// The mounts at, above or below the folder: others do not matter.
fn concerning(mounts: &mut File, root: &Path) -> io::Result<Vec<String>> {
    let mut text = String::new();
    mounts.rewind()?;
    mounts.read_to_string(&mut text)?;
    let concerns = |line: &&str| {
        let point = line.split(' ').nth(4).map(Path::new);
        point.is_some_and(|point| root.starts_with(point) || point.starts_with(root))
    };
    Ok(text.lines().filter(concerns).map(str::to_owned).collect())
}
