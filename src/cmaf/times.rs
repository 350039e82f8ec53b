//! Reading times: an initialization segment's timescales, a `moof`'s decode times and durations.

use super::boxes::{BoxRef, Boxes, Malformed, full_box, u32_at, u64_at};

/// What an initialization segment says of one track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackInfo {
    /// The track's identifier, never 0.
    pub id: u32,
    /// Ticks per second (`mdhd`, clause 8.4.2), never 0.
    pub timescale: u32,
    /// Handler type: `vide`, `soun`, `text`, … (`hdlr`, clause 8.4.3).
    pub handler: [u8; 4],
    /// Ticks of a sample that says nothing of its own (`trex`, clause 8.8.3).
    pub default_duration: u32,
    /// Flags of a sample that says nothing of its own (`trex`, clause 8.8.3.1).
    pub default_flags: u32,
}

/// What an initialization segment says of its tracks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Init {
    /// The tracks in their order.
    pub tracks: Vec<TrackInfo>,
}

impl Init {
    /// Reads a `moov` with its `trak` and `trex` boxes.
    pub fn parse(data: &[u8]) -> Result<Self, Malformed> {
        let moov = Boxes::new(data).find_kind(*b"moov").ok_or(Malformed("no moov"))?;
        let mut init = Self::default();
        for trak in moov.children().map_while(Result::ok).filter(|b| b.kind == *b"trak") {
            init.tracks.push(parse_trak(&trak)?);
        }
        if let Some(mvex) = moov.children().find_kind(*b"mvex") {
            for trex in mvex.children().map_while(Result::ok).filter(|b| b.kind == *b"trex") {
                init.apply_trex(trex.body)?;
            }
        }
        Ok(init)
    }

    /// The track of that identifier.
    pub fn track(&self, id: u32) -> Option<&TrackInfo> {
        self.tracks.iter().find(|track| track.id == id)
    }

    /// The track that paces a segment: the first video track, else the first of all.
    pub fn main_track(&self) -> Option<&TrackInfo> {
        self.tracks.iter().find(|track| track.handler == *b"vide").or(self.tracks.first())
    }

    fn apply_trex(&mut self, body: &[u8]) -> Result<(), Malformed> {
        let (_, _, rest) = full_box(body)?;
        let (id, duration) = (u32_at(rest, 0)?, u32_at(rest, 8)?);
        let flags = u32_at(rest, 16)?;
        for track in self.tracks.iter_mut().filter(|track| track.id == id) {
            track.default_duration = duration;
            track.default_flags = flags;
        }
        Ok(())
    }
}

fn parse_trak(trak: &BoxRef<'_>) -> Result<TrackInfo, Malformed> {
    let tkhd = trak.children().find_kind(*b"tkhd").ok_or(Malformed("no tkhd"))?;
    let (version, _, rest) = full_box(tkhd.body)?;
    let id = u32_at(rest, if version == 1 { 16 } else { 8 })?;
    let mdia = trak.children().find_kind(*b"mdia").ok_or(Malformed("no mdia"))?;
    let mdhd = mdia.children().find_kind(*b"mdhd").ok_or(Malformed("no mdhd"))?;
    let (version, _, rest) = full_box(mdhd.body)?;
    let timescale = u32_at(rest, if version == 1 { 16 } else { 8 })?;
    if timescale == 0 {
        return Err(Malformed("timescale 0"));
    }
    let handler = match mdia.children().find_kind(*b"hdlr") {
        Some(hdlr) => u32_at(hdlr.body, 8)?.to_be_bytes(),
        None => *b"    ",
    };
    Ok(TrackInfo { id, timescale, handler, default_duration: 0, default_flags: 0 })
}

/// One track's samples within a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The track's identifier.
    pub track: u32,
    /// Decode time of the first sample in ticks of the track (`tfdt`, clause 8.8.12).
    pub start: u64,
    /// Sum of the samples' durations in ticks.
    pub duration: u64,
    /// The samples' common duration in ticks; `None` when they differ.
    pub sample_duration: Option<u32>,
}

impl Run {
    /// Decode time after the last sample, in ticks.
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.duration)
    }
}

/// What a `moof` says: its number, and the times of its tracks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fragment {
    /// `mfhd` sequence number; 0 when there is none.
    pub sequence: u32,
    /// A run per `traf` that has a decode time.
    pub runs: Vec<Run>,
}

impl Fragment {
    /// Reads a whole `moof` box, header included.
    pub fn parse(moof: &[u8], init: &Init) -> Result<Self, Malformed> {
        let moof = Boxes::new(moof).find_kind(*b"moof").ok_or(Malformed("no moof"))?;
        let mut fragment = Self::default();
        for child in moof.children() {
            let child = child?;
            match &child.kind {
                b"mfhd" => fragment.sequence = u32_at(child.body, 4)?,
                b"traf" => fragment.runs.extend(parse_traf(&child, init)?),
                _ => {}
            }
        }
        Ok(fragment)
    }

    /// The run of that track.
    pub fn run(&self, track: u32) -> Option<&Run> {
        self.runs.iter().find(|run| run.track == track)
    }
}

/// The decode time of a `tfdt` body.
pub(super) fn decode_time(body: &[u8]) -> Result<u64, Malformed> {
    match full_box(body)? {
        (0, _, rest) => Ok(u64::from(u32_at(rest, 0)?)),
        (_, _, rest) => u64_at(rest, 0),
    }
}

/// Track and default sample duration of a `tfhd` body (clause 8.8.7).
pub(super) fn parse_tfhd(body: &[u8], init: &Init) -> Result<(u32, u32), Malformed> {
    let (_, flags, rest) = full_box(body)?;
    let track = u32_at(rest, 0)?;
    // base-data-offset (8 bytes) and sample-description-index (4) stand before the duration.
    let skip = if flags & 0x01 != 0 { 8 } else { 0 } + if flags & 0x02 != 0 { 4 } else { 0 };
    let duration = match flags & 0x08 {
        0 => init.track(track).map_or(0, |info| info.default_duration),
        _ => u32_at(rest, 4 + skip)?,
    };
    Ok((track, duration))
}

fn parse_traf(traf: &BoxRef<'_>, init: &Init) -> Result<Option<Run>, Malformed> {
    let (mut track, mut default, mut start) = (0, 0, None);
    let mut tally = Tally::default();
    for child in traf.children() {
        let child = child?;
        match &child.kind {
            b"tfhd" => (track, default) = parse_tfhd(child.body, init)?,
            b"tfdt" => start = Some(decode_time(child.body)?),
            b"trun" => tally.add_trun(&Trun::parse(child.body)?, default)?,
            _ => {}
        }
    }
    let sample_duration = if tally.mixed { None } else { tally.common };
    Ok(start.map(|start| Run { track, start, duration: tally.total, sample_duration }))
}

#[derive(Default)]
struct Tally {
    total: u64,
    common: Option<u32>,
    mixed: bool,
}

impl Tally {
    fn add_trun(&mut self, trun: &Trun<'_>, default: u32) -> Result<(), Malformed> {
        if trun.flags & Trun::DURATION == 0 {
            let all = u64::from(trun.count).saturating_mul(u64::from(default));
            self.total = self.total.saturating_add(all);
            self.note(default);
            return Ok(());
        }
        for index in 0..trun.count {
            let duration = trun.duration(index)?.unwrap_or(default);
            self.total = self.total.saturating_add(u64::from(duration));
            self.note(duration);
        }
        Ok(())
    }

    fn note(&mut self, duration: u32) {
        self.mixed |= self.common.is_some_and(|common| common != duration);
        self.common = Some(duration);
    }
}

/// A `trun` body (clause 8.8.8): where its per-sample entries lie.
pub(super) struct Trun<'a> {
    pub(super) flags: u32,
    pub(super) count: u32,
    /// Bytes of the body before the first entry.
    pub(super) head: usize,
    /// Bytes of one entry.
    pub(super) entry: usize,
    body: &'a [u8],
}

impl<'a> Trun<'a> {
    pub(super) const DATA_OFFSET: u32 = 0x001;
    const FIRST_FLAGS: u32 = 0x004;
    pub(super) const DURATION: u32 = 0x100;

    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let (_, flags, rest) = full_box(body)?;
        let count = u32_at(rest, 0)?;
        let head = 8 + 4 * (flags & (Self::DATA_OFFSET | Self::FIRST_FLAGS)).count_ones() as usize;
        let entry = 4 * (flags & 0xf00).count_ones() as usize;
        if (count as usize).checked_mul(entry).is_none_or(|len| head + len > body.len()) {
            return Err(Malformed("cut trun"));
        }
        Ok(Self { flags, count, head, entry, body })
    }

    /// The sample's own duration in ticks, if the run has them.
    pub(super) fn duration(&self, index: u32) -> Result<Option<u32>, Malformed> {
        if self.flags & Self::DURATION == 0 {
            return Ok(None);
        }
        u32_at(self.body, self.head + index as usize * self.entry).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmaf::testing::{init, moof};
    use proptest::prelude::*;

    #[test]
    fn reads_an_init() {
        let init = Init::parse(&init(7, 48_000, *b"soun", 1024)).expect("valid");
        let wanted = TrackInfo {
            id: 7,
            timescale: 48_000,
            handler: *b"soun",
            default_duration: 1024,
            default_flags: 0,
        };
        assert_eq!(init.tracks, [wanted]);
        assert_eq!(init.main_track(), Some(&wanted));
    }

    #[test]
    fn reads_a_fragment_with_durations_of_its_own_and_without() {
        let init = Init::parse(&init(1, 90_000, *b"vide", 3000)).expect("valid");
        let plain = Fragment::parse(&moof(5, 1, 90_000, &[10, 20], None), &init).expect("valid");
        let run = Run { track: 1, start: 90_000, duration: 6000, sample_duration: Some(3000) };
        assert_eq!(plain, Fragment { sequence: 5, runs: vec![run] });
        let own =
            Fragment::parse(&moof(5, 1, 0, &[10, 20], Some(&[100, 200])), &init).expect("valid");
        assert_eq!((own.runs[0].duration, own.runs[0].sample_duration), (300, None));
    }

    #[test]
    fn a_run_that_promises_too_many_samples_is_malformed() {
        let body = [&[0, 0, 2, 0][..], &u32::MAX.to_be_bytes(), &[0; 16]].concat();
        assert!(Trun::parse(&body).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(data: Vec<u8>, at in 0..200_usize, value: u8) {
            let _ = Init::parse(&data);
            let _ = Fragment::parse(&data, &Init::default());
            let mut bytes = moof(1, 1, 0, &[1, 2, 3], Some(&[1, 2, 3]));
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = Fragment::parse(&bytes, &Init::default());
        }
    }
}
