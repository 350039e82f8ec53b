//! What a server's processes use.

use super::Outcome;
use rustix::event::{Timespec, poll};
use std::{fs, time::Duration};

/// Returns when so much time has passed.
pub fn pass(time: Duration) -> Outcome<()> {
    poll(&mut [], Some(&Timespec::try_from(time)?))?;
    Ok(())
}

/// The CPU time that a process has used, its ended threads too, to the nanosecond.
pub fn cpu(pid: u32) -> Outcome<Duration> {
    // A process's clock as clock_getcpuclockid(3) makes it: CPUCLOCK_SCHED of the whole process.
    let clock = (!i32::try_from(pid)? << 3) | 2;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    #[expect(unsafe_code, reason = "no safe crate reads another process's clock")]
    // SAFETY: it writes to `time` only, which outlives the call.
    let result = unsafe { libc::clock_gettime(clock, &raw mut time) };
    if result != 0 {
        return Err(format!("process {pid} has ended").into());
    }
    Ok(Duration::new(time.tv_sec.try_into()?, time.tv_nsec.try_into()?))
}

/// Resident memory of a process, in bytes.
pub fn resident(pid: u32) -> Outcome<u64> {
    // The counters of `status` are late by some pages for each CPU; these are exact.
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap_or_default();
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// The processes that a process has started.
pub fn children(pid: u32) -> Outcome<Vec<u32>> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    Ok(text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
}
