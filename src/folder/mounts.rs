//! A mount over the folder makes no inotify event: the kernel tells of it elsewhere.

use super::inbox::Inbox;
use rustix::event::{PollFd, PollFlags, poll};
use std::{fs::File, io, sync::Weak, thread};

/// Has everything looked at again whenever something is mounted or unmounted (proc(5),
/// `/proc/pid/mountinfo`). Its thread sleeps in between, and ends with the first mount after
/// the inbox is gone.
pub(super) fn follow(inbox: Weak<Inbox>) -> io::Result<()> {
    let mounts = File::open("/proc/self/mountinfo")?;
    thread::Builder::new().name("mounts".to_owned()).spawn(move || {
        loop {
            let mut wanted = [PollFd::new(&mounts, PollFlags::PRI | PollFlags::ERR)];
            match poll(&mut wanted, None) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(_) => return,
            }
            let Some(inbox) = inbox.upgrade() else { return };
            inbox.rescan();
        }
    })?;
    Ok(())
}
