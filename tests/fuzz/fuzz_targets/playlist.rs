//! Any playlist.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lldash::m3u8;

fuzz_target!(|text: &str| {
    let _ = m3u8::read(text);
});
