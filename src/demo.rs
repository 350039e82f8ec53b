//! The built-in recording as a live stream, in a folder of its own.
