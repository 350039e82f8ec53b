//! A small recording, built box by box: video and audio, 3 segments of 2 s, 4 chunks each.

use std::fs;
use std::path::Path;

fn make(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 8).expect("small");
    [&size.to_be_bytes()[..], kind, body].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// An initialization segment; `duration` is that of each sample, in ticks.
pub(crate) fn init(timescale: u32, handler: &[u8; 4], duration: u32) -> Vec<u8> {
    let tkhd = make(b"tkhd", &words(&[7, 0, 0, 1, 0, 0]));
    let mdhd = make(b"mdhd", &words(&[0, 0, 0, timescale, 0, 0]));
    let hdlr = make(b"hdlr", &words(&[0, 0, u32::from_be_bytes(*handler), 0, 0, 0]));
    let trak = make(b"trak", &[tkhd, make(b"mdia", &[mdhd, hdlr].concat())].concat());
    let trex = make(b"trex", &words(&[0, 1, 1, duration, 0, 0]));
    let moov = make(b"moov", &[trak, make(b"mvex", &trex)].concat());
    [make(b"ftyp", b"cmfc\0\0\0\0"), moov].concat()
}

/// A chunk of 5 samples that starts at a decode time.
pub(crate) fn chunk(sequence: u32, time: u64) -> Vec<u8> {
    let sizes = [3, 4, 5, 6, 7];
    let tfhd = make(b"tfhd", &words(&[0x02_0000, 1]));
    let tfdt = make(b"tfdt", &[&[1, 0, 0, 0][..], &time.to_be_bytes()].concat());
    let build = |offset: u32| {
        let trun = make(b"trun", &words(&[&[0x201, 5, offset][..], &sizes].concat()));
        let traf = make(b"traf", &[&tfhd[..], &tfdt, &trun].concat());
        make(b"moof", &[make(b"mfhd", &words(&[0, sequence])), traf].concat())
    };
    let size = u32::try_from(build(0).len()).expect("small");
    let fill = sequence.to_le_bytes()[0];
    [build(size + 8), make(b"mdat", &[fill; 25])].concat()
}

/// The decode time of each chunk of a segment.
pub(crate) fn decode_times(segment: &[u8]) -> Vec<u64> {
    let found = segment.windows(4).enumerate().filter(|(_, kind)| *kind == b"tfdt");
    let time = |at: usize| segment[at + 8..at + 16].try_into().expect("8 bytes");
    found.map(|(at, _)| u64::from_be_bytes(time(at))).collect()
}

/// Writes the recording of 3 × 2 s; samples last 0.1 s.
pub(crate) fn record(folder: &Path) {
    fs::create_dir_all(folder.join("extra")).expect("made");
    fs::write(folder.join("extra/readme.txt"), "no segment").expect("written");
    for (track, timescale, handler) in [("v", 1000, b"vide"), ("a", 10_000, b"soun")] {
        let ticks = timescale / 10;
        fs::write(folder.join(format!("{track}-init.mp4")), init(timescale, handler, ticks))
            .expect("written");
        for number in 1..=3_u32 {
            let chunk = |place: u32| {
                let index = (number - 1) * 4 + place;
                chunk(index + 1, u64::from(index * 5 * ticks))
            };
            let segment: Vec<u8> = (0..4).flat_map(chunk).collect();
            fs::write(folder.join(format!("{track}-{number:03}.m4s")), segment).expect("written");
        }
    }
    fs::write(folder.join("live.mpd"), mpd()).expect("written");
}

/// Writes the same recording addressed by time: names and a SegmentTimeline tell it.
pub(crate) fn record_by_time(folder: &Path) {
    record(folder);
    let mut text = mpd().replace("$Number%03d$", "$Time$").replace(" duration=\"2000\"", "");
    let timeline =
        "><SegmentTimeline><S t=\"0\" d=\"2000\" r=\"2\"/></SegmentTimeline></SegmentTemplate>";
    text = text.replace(".m4s\"/>", &format!(".m4s\"{timeline}"));
    fs::write(folder.join("live.mpd"), text).expect("written");
    for track in ["v", "a"] {
        for number in 1..=3 {
            let time = (number - 1) * 2000;
            let from = folder.join(format!("{track}-{number:03}.m4s"));
            fs::rename(from, folder.join(format!("{track}-{time}.m4s"))).expect("renamed");
        }
    }
}

fn mpd() -> String {
    let set = |name: &str, content: &str| {
        format!(
            r#"<AdaptationSet contentType="{content}"><SegmentTemplate timescale="1000" duration="2000" initialization="$RepresentationID$-init.mp4" media="$RepresentationID$-$Number%03d$.m4s"/><Representation id="{name}" bandwidth="1000"/></AdaptationSet>"#
        )
    };
    format!(
        r#"<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT6S" minBufferTime="PT1S" profiles="urn:mpeg:dash:profile:isoff-live:2011"><Period>{}{}</Period></MPD>"#,
        set("v", "video"),
        set("a", "audio")
    )
}
