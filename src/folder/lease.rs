//! Whether anybody has a file open for writing.

use std::fs::File;

/// An answer to the question who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HasWriter {
    /// Somebody has it open for writing.
    Yes,
    /// Nobody has.
    No,
    /// The system does not tell: it is another user's file, or not Linux.
    Unknown,
}

/// Asks with a read lease (fcntl(2), "Leases"), which is not granted while the file is open for
/// writing, and is given back at once. Takes some 10 µs.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no safe wrapper of F_SETLEASE is known; both calls pass integers")]
pub(super) fn writer_of(file: &File) -> HasWriter {
    use std::{io, os::fd::AsRawFd, sync::Once};
    // One who opens it for writing during the question breaks the lease: that sends SIGIO, which
    // would end the program.
    static IGNORE: Once = Once::new();
    IGNORE.call_once(|| {
        // SAFETY: SIG_IGN is a valid disposition, and nothing else here uses SIGIO.
        unsafe { libc::signal(libc::SIGIO, libc::SIG_IGN) };
    });
    // SAFETY: the descriptor is open for as long as `file` is borrowed; the argument is an int.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_RDLCK) } == 0 {
        // SAFETY: as above.
        unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_UNLCK) };
        return HasWriter::No;
    }
    match io::Error::last_os_error().kind() {
        io::ErrorKind::WouldBlock => HasWriter::Yes,
        _ => HasWriter::Unknown,
    }
}

/// Whether anybody has a file open beside the one who asks, for reading too; asked in the same way.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no safe wrapper of F_SETLEASE is known; both calls pass integers")]
pub(super) fn is_open_elsewhere(file: &File) -> bool {
    use std::{io, os::fd::AsRawFd};
    // It sees to SIGIO.
    let has_writer = writer_of(file) == HasWriter::Yes;
    // SAFETY: the descriptor is open for as long as `file` is borrowed; the argument is an int.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_WRLCK) } == 0 {
        // SAFETY: as above.
        unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_UNLCK) };
        return false;
    }
    has_writer || io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock
}

/// Other systems do not tell; one who reads keeps what it has open.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_open_elsewhere(_file: &File) -> bool {
    false
}

/// Other systems do not tell.
#[cfg(not(target_os = "linux"))]
pub(super) fn writer_of(_file: &File) -> HasWriter {
    HasWriter::Unknown
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::fs::OpenOptions;

    #[test]
    fn growing_a_writer_is_known_until_it_closes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x");
        let writer = File::create(&path).expect("it can be made");
        let reader = File::open(&path).expect("it is there");
        assert_eq!(writer_of(&reader), HasWriter::Yes);
        let second = OpenOptions::new().append(true).open(&path).expect("it can be opened");
        drop(writer);
        assert_eq!(writer_of(&reader), HasWriter::Yes, "another one still writes");
        drop(second);
        assert_eq!(writer_of(&reader), HasWriter::No);
    }

    #[test]
    fn ingest_a_reader_is_known_until_it_closes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x");
        File::create(&path).expect("it can be made");
        let own = File::open(&path).expect("it is there");
        assert!(!is_open_elsewhere(&own));
        let reader = File::open(&path).expect("it is there");
        assert!(is_open_elsewhere(&own));
        drop(reader);
        assert!(!is_open_elsewhere(&own));
    }
}
