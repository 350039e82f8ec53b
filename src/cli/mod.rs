//! Command lines: the only place that knows clap. Flags become the configurations of those who
//! need them.

mod file;
mod ingest;
pub mod replay;
pub mod serve;
mod source;
mod streams;
mod tls;
pub mod values;
