//! What packagers write: segments and manifests that tell themselves from others.

use crate::helpers::mp4_box;

/// A box with contents of its own: mixtures of two show.
pub fn a_box(kind: [u8; 4], bytes: usize, seed: u8) -> Vec<u8> {
    let mut made = mp4_box(kind, bytes);
    made[8..].iter_mut().for_each(|byte| *byte = byte.wrapping_add(seed));
    made
}

/// How a segment begins.
pub fn styp() -> Vec<u8> {
    mp4_box(*b"styp", 24)
}

/// An init of so many bytes.
pub fn init(bytes: usize) -> Vec<u8> {
    [mp4_box(*b"ftyp", 24), a_box(*b"moov", bytes - 24, 7)].concat()
}

/// A fragment of so many bytes.
pub fn frag(seed: u8, bytes: usize) -> Vec<u8> {
    [a_box(*b"moof", 100, seed), a_box(*b"mdat", bytes - 100, seed)].concat()
}

/// Packets of a transport stream.
pub fn packets(seed: u8, count: usize) -> Vec<u8> {
    let packet = |number: usize| {
        let byte = u8::try_from(number % 251).expect("small").wrapping_add(seed);
        [vec![0x47], vec![byte; 187]].concat()
    };
    (0..count).flat_map(packet).collect()
}

/// The `copy`th copy of a manifest.
pub fn mpd(copy: usize) -> Vec<u8> {
    let periods = "<Period/>\n".repeat(copy * 100);
    format!("<?xml version=\"1.0\"?>\n<MPD copy=\"{copy}\">\n{periods}</MPD>\n").into_bytes()
}

/// The `copy`th copy of a playlist.
pub fn m3u8(copy: usize) -> Vec<u8> {
    let parts = "#EXTINF:1,\nsegment.m4s\n".repeat(copy * 100);
    format!("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:{copy}\n{parts}").into_bytes()
}
