//! The folder on disk: watched, opened, read, written.

pub mod writer;
