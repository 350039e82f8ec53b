//! Any MPD.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lldash::{hls::Plan, live::MediaPath};

fuzz_target!(|text: &str| {
    let _ = Plan::read(text, &MediaPath::at_root("live.mpd"));
});
