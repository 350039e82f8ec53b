//! What a player says of itself: any text is read, and what is kept of it is short and stays on its
//! line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lldash::viewers::cmcd::{Cmcd, KEYS, without};

fuzz_target!(|text: &str| {
    let query = format!("a=b&CMCD={text}");
    for cmcd in [Cmcd::read(Some(&query), []), Cmcd::read(None, [text, text])] {
        for value in KEYS.iter().filter_map(|key| cmcd.value(key)).chain([&*cmcd.others]) {
            assert!(!value.contains(char::is_control) && value.len() <= 1024, "{value:?}");
        }
        let _ = (cmcd.integer("bl"), cmcd.has_starved(), cmcd.is_of_no_segment());
    }
    without(&query);
});
