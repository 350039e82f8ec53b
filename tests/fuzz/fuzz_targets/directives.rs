//! Any query of a playlist.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lldash::m3u8::Directives;

fuzz_target!(|query: &str| {
    let _ = Directives::parse(query);
});
