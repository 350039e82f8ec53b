//! The folder on disk: watched, opened, read, written.
