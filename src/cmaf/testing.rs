//! Small media for tests, built box by box.

use super::boxes::make;

fn full(kind: [u8; 4], version: u8, flags: u32, body: &[u8]) -> Vec<u8> {
    let head = (u32::from(version) << 24 | flags).to_be_bytes();
    make(kind, &[&head, body].concat())
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// An initialization segment with one track.
pub(crate) fn init(track: u32, timescale: u32, handler: [u8; 4], duration: u32) -> Vec<u8> {
    let tkhd = full(*b"tkhd", 0, 7, &words(&[0, 0, track, 0, 0]));
    let mdhd = full(*b"mdhd", 0, 0, &words(&[0, 0, timescale, 0, 0]));
    let hdlr = full(*b"hdlr", 0, 0, &words(&[0, u32::from_be_bytes(handler), 0, 0, 0, 0]));
    let trak = make(*b"trak", &[tkhd, make(*b"mdia", &[mdhd, hdlr].concat())].concat());
    let trex = full(*b"trex", 0, 0, &words(&[track, 1, duration, 0, 0]));
    let moov = make(*b"moov", &[trak, make(*b"mvex", &trex)].concat());
    [make(*b"ftyp", b"cmfc\0\0\0\0"), moov].concat()
}

/// A `moof` with one run of samples of these sizes, and of these durations if given.
pub(crate) fn moof(
    sequence: u32,
    track: u32,
    time: u64,
    sizes: &[u32],
    durations: Option<&[u32]>,
) -> Vec<u8> {
    moof_with(sequence, track, &full(*b"tfdt", 1, 0, &time.to_be_bytes()), sizes, durations)
}

/// The same with a 32-bit decode time.
pub(crate) fn moof_v0(sequence: u32, track: u32, time: u32, sizes: &[u32]) -> Vec<u8> {
    moof_with(sequence, track, &full(*b"tfdt", 0, 0, &time.to_be_bytes()), sizes, None)
}

fn moof_with(
    sequence: u32,
    track: u32,
    tfdt: &[u8],
    sizes: &[u32],
    durations: Option<&[u32]>,
) -> Vec<u8> {
    let count = u32::try_from(sizes.len()).expect("few samples");
    let build = |offset: u32| {
        let mut entries = vec![count, offset];
        for (index, size) in sizes.iter().enumerate() {
            entries.extend(durations.map(|durations| durations[index]));
            entries.push(*size);
        }
        let flags = 0x201 | if durations.is_some() { 0x100 } else { 0 };
        let tfhd = full(*b"tfhd", 0, 0x02_0000, &words(&[track]));
        let trun = full(*b"trun", 0, flags, &words(&entries));
        let mfhd = full(*b"mfhd", 0, 0, &words(&[sequence]));
        make(*b"moof", &[mfhd, make(*b"traf", &[&tfhd, tfdt, &trun].concat())].concat())
    };
    let size = u32::try_from(build(0).len()).expect("small");
    build(size + 8)
}

/// A chunk: a `moof` and its `mdat`, sample `n` filled with the byte `n`.
pub(crate) fn chunk(moof: &[u8], sizes: &[u32]) -> Vec<u8> {
    let fill = |(index, size): (usize, &u32)| vec![index.to_le_bytes()[0]; *size as usize];
    let data: Vec<u8> = sizes.iter().enumerate().flat_map(fill).collect();
    [moof, &make(*b"mdat", &data)].concat()
}

/// A `sidx` with one reference over the `size` bytes that follow it.
pub(crate) fn sidx(track: u32, timescale: u32, time: u64, size: u32, duration: u32) -> Vec<u8> {
    let tail = words(&[1, size, duration, 0x9000_0000]);
    let times = [time.to_be_bytes(), 0_u64.to_be_bytes()].concat();
    full(*b"sidx", 1, 0, &[words(&[track, timescale]), times, tail].concat())
}

/// A version 1 `emsg` at a presentation time.
pub(crate) fn emsg(timescale: u32, time: u64) -> Vec<u8> {
    let tail = [&words(&[0, 1])[..], b"urn:x\0\0"].concat();
    full(*b"emsg", 1, 0, &[words(&[timescale]), time.to_be_bytes().to_vec(), tail].concat())
}
