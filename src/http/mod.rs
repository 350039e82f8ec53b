//! HTTP: what the server says to players and packagers.

pub mod assets;
