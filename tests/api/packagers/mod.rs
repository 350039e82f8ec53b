//! How each packager writes, replayed: heading "Growing files". Every row runs by events, as
//! `notified` by events through notify, and as `polled` by looking again and again.

mod ffmpeg;
mod gpac;
mod gstreamer;
mod nginx;
mod shaka;
mod traps;

/// Two tests by events, and one by looking.
macro_rules! rows {
    ($($row:ident),* $(,)?) => {
        $(#[test]
        fn $row() {
            crate::traces::replay(crate::traces::Watch::Auto, &rows::$row());
        })*

        mod notified {
            $(#[test]
            fn $row() {
                crate::traces::replay(crate::traces::Watch::Notify, &super::rows::$row());
            })*
        }

        mod polled {
            $(#[test]
            fn $row() {
                crate::traces::replay(crate::traces::Watch::Poll, &super::rows::$row());
            })*
        }
    };
}
use rows;
