//! What the system knows of this process, where it is had cheaply.

/// This process, as far as the system tells.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Process {
    /// Descriptors that are open.
    pub open_fds: Option<u64>,
    /// Memory that is in use, in bytes.
    pub resident_bytes: Option<u64>,
    /// Processor time, in seconds.
    pub cpu_seconds: Option<f64>,
}

/// Asks the system (proc(5)).
#[cfg(target_os = "linux")]
pub fn process() -> Process {
    // Its size is their number, since Linux 6.2; before that it is zero.
    let open_fds = std::fs::metadata("/proc/self/fd").ok().map(|it| it.len()).filter(|it| *it > 0);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    Process {
        open_fds,
        resident_bytes: resident.map(|kib| kib * 1024),
        cpu_seconds: cpu_seconds(&stat),
    }
}

/// Nothing is asked elsewhere.
#[cfg(not(target_os = "linux"))]
pub fn process() -> Process {
    Process::default()
}

/// User and system time from `/proc/self/stat`, whose ticks are hundredths on every Linux.
#[cfg(target_os = "linux")]
fn cpu_seconds(stat: &str) -> Option<f64> {
    // The program's name, in brackets, may hold anything.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some((f64::from(user) + f64::from(system)) / 100.0)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells_of_this_process() {
        let process = process();
        assert!(process.resident_bytes.is_some_and(|bytes| bytes > 100_000));
        assert!(process.cpu_seconds.is_some());
    }

    #[test]
    fn cpu_time_is_read_behind_any_name() {
        let stat = "1 (a) b) S 1 1 1 0 -1 0 0 0 0 0 150 50 0 0";
        assert_eq!(cpu_seconds(stat), Some(2.0));
    }
}
