//! Any query, on the first line, and any playlist: what is announced changes nothing else.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lldash::m3u8::{self, Directives, Live};

fuzz_target!(|data: &str| {
    let (query, text) = data.split_once('\n').unwrap_or_default();
    let _ = m3u8::read(text);
    let live = Live::read(text);
    if let (Some(live), Ok(directives)) = (&live, Directives::parse(query)) {
        directives.decide(&live.edge);
    }
    let Some(new) = m3u8::announced(text) else { return };
    let live = live.expect("only live ones are edited");
    assert_eq!(Live::read(&new), Some(Live { blocks: true, ..live }));
    assert_eq!(m3u8::announced(&new), None);
    let others = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.trim().to_owned());
        lines.filter(|line| !line.starts_with("#EXT-X-SERVER-CONTROL:")).collect()
    };
    assert_eq!(others(&new), others(text));
});
