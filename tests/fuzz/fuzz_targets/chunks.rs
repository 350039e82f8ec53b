//! Any bytes, cut anywhere: the chunks lie side by side, and cuts make no difference.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lldash::cmaf::{Chunk, ChunkReader, Init};
use std::sync::Arc;

/// The recording's init.
const INIT: &[u8] = include_bytes!("../../../static/segments-in/init-0.m4s");

/// The chunks, whether it is broken, and whether it calls itself the last.
fn read(init: &Arc<Init>, bytes: &[u8], step: usize) -> (Vec<Chunk>, bool, bool) {
    let (mut reader, mut chunks) = (ChunkReader::new(init.clone()), Vec::new());
    bytes.chunks(step).for_each(|piece| reader.push(piece, &mut chunks));
    (chunks, reader.is_broken(), reader.is_last())
}

fuzz_target!(|data: (u8, &[u8])| {
    let (step, bytes) = data;
    let known = Init::parse(INIT).expect("an init");
    for init in Init::parse(bytes).into_iter().chain([known]) {
        let init = Arc::new(init);
        let whole = read(&init, bytes, usize::MAX);
        assert_eq!(read(&init, bytes, usize::from(step) + 1), whole);
        let chunks = whole.0;
        assert!(chunks.windows(2).all(|pair| pair[0].end() == pair[1].offset));
        assert!(chunks.last().is_none_or(|last| last.end() <= bytes.len() as u64));
    }
});
