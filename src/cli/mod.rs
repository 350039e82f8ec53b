//! The command lines: the only place that knows clap. Options become the components' settings.

pub mod replay;
pub mod values;
