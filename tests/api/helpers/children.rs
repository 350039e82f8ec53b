//! Child processes, and files of which none of them gets a descriptor.
//!
//! A child holds whatever its parent had open until it runs its own program. A test that runs
//! beside could close a file, rename it, and yet have it written still, as the server sees it.

use std::{
    fs, io,
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{PoisonError, RwLock},
};

/// Taken by one who makes a child, shared by those who write what no child may hold.
static BIRTH: RwLock<()> = RwLock::new(());

/// How tests run other programs.
pub trait Run {
    /// Starts it.
    fn start(&mut self) -> io::Result<Child>;

    /// Runs it to its end.
    fn run(&mut self) -> io::Result<ExitStatus> {
        self.start()?.wait()
    }

    /// Runs it to its end, and takes what it says.
    fn heard(&mut self) -> io::Result<Output>;
}

impl Run for Command {
    fn start(&mut self) -> io::Result<Child> {
        let _alone = BIRTH.write().unwrap_or_else(PoisonError::into_inner);
        // Returns when the child runs its own program.
        self.spawn()
    }

    fn heard(&mut self) -> io::Result<Output> {
        self.stdout(Stdio::piped()).stderr(Stdio::piped()).start()?.wait_with_output()
    }
}

/// Writes a whole file, of which nobody has a descriptor when this returns.
pub fn write_alone(path: &Path, bytes: &[u8]) {
    let _no_child = BIRTH.read().unwrap_or_else(PoisonError::into_inner);
    fs::write(path, bytes).expect("written");
}
