//! Dropping samples from the end of a chunk: where a loop joins, audio frames would overlap.

use super::boxes::{BoxRef, Malformed, make, put};
use super::edit::{Shift, move_data_offsets};
use super::times::{Trun, decode_time, parse_tfhd};

/// The chunk's boxes from its `moof` on, without the samples that start at their track's limit or
/// later. Their bytes stay in the `mdat`, where nothing refers to them any more.
///
/// `None` when nothing needs to go, or when a track has boxes about samples that would have to be
/// cut too, such as `senc`. Empty when no sample is left.
pub(super) fn trim(media: &[BoxRef<'_>], how: &Shift<'_>) -> Result<Option<Vec<u8>>, Malformed> {
    let Some((moof, rest)) = media.split_first() else { return Ok(None) };
    let mut body = Vec::with_capacity(moof.body.len());
    let (mut kept, mut dropped) = (0, 0);
    for child in moof.children() {
        let child = child?;
        let cut = if child.kind == *b"traf" { Cut::of(&child, how)? } else { None };
        match cut {
            Some(cut) => {
                kept += cut.kept;
                dropped += cut.dropped;
                body.extend(cut.traf);
            }
            None => body.extend_from_slice(child.bytes),
        }
    }
    if dropped == 0 {
        return Ok(None);
    }
    if kept == 0 {
        return Ok(Some(Vec::new()));
    }
    let mut out = make(*b"moof", &body);
    let gone = out.len().cast_signed() - moof.bytes.len().cast_signed();
    move_data_offsets(&mut out, gone as i64)?;
    for found in rest {
        out.extend_from_slice(found.bytes);
    }
    Ok(Some(out))
}

/// A `traf` without the samples from the limit on.
struct Cut {
    traf: Vec<u8>,
    kept: u32,
    dropped: u32,
}

impl Cut {
    /// `None` when the track is built in a way that is not cut: its samples do not count.
    fn of(traf: &BoxRef<'_>, how: &Shift<'_>) -> Result<Option<Self>, Malformed> {
        let boxes: Vec<_> = traf.children().collect::<Result<_, _>>()?;
        let known = |kind: &[u8; 4]| boxes.iter().find(|found| found.kind == *kind);
        let (Some(tfhd), Some(tfdt)) = (known(b"tfhd"), known(b"tfdt")) else { return Ok(None) };
        let (track, default) = parse_tfhd(tfhd.body, how.init)?;
        let mut clock = Clock { time: decode_time(tfdt.body)?, default, limit: (how.limit)(track) };
        let mut cut = Self { traf: Vec::with_capacity(traf.body.len()), kept: 0, dropped: 0 };
        let mut odd = false;
        for found in &boxes {
            match &found.kind {
                b"trun" => cut.add(found, &mut clock)?,
                kind => {
                    odd |= kind != b"tfhd" && kind != b"tfdt";
                    cut.traf.extend_from_slice(found.bytes);
                }
            }
        }
        cut.traf = make(*b"traf", &cut.traf);
        let whole = cut.dropped == 0;
        Ok((whole || !odd).then_some(cut))
    }

    fn add(&mut self, found: &BoxRef<'_>, clock: &mut Clock) -> Result<(), Malformed> {
        let trun = Trun::parse(found.body)?;
        let keep = clock.samples_below(&trun)?;
        self.kept += keep;
        self.dropped += trun.count - keep;
        if keep == trun.count {
            self.traf.extend_from_slice(found.bytes);
        } else if keep > 0 {
            let len = trun.head + keep as usize * trun.entry;
            let mut body = found.body.get(..len).ok_or(Malformed("cut trun"))?.to_vec();
            put(&mut body, 4, &keep.to_be_bytes())?;
            self.traf.extend(make(*b"trun", &body));
        }
        Ok(())
    }
}

/// Counts the decode time of a track's samples, run after run.
struct Clock {
    time: u64,
    default: u32,
    limit: u64,
}

impl Clock {
    /// How many samples of a run start below the limit.
    fn samples_below(&mut self, trun: &Trun<'_>) -> Result<u32, Malformed> {
        for index in 0..trun.count {
            if self.time >= self.limit {
                return Ok(index);
            }
            let duration = trun.duration(index)?.unwrap_or(self.default);
            self.time = self.time.saturating_add(u64::from(duration));
        }
        Ok(trun.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmaf::boxes::{Boxes, u32_at};
    use crate::cmaf::testing::{chunk, init, moof};
    use crate::cmaf::{Fragment, Init, shift};

    fn cut_at(limit: u64) -> (Init, Vec<u8>) {
        let init = Init::parse(&init(1, 48_000, *b"soun", 1024)).expect("valid");
        let sizes = [5, 6, 7];
        let chunk = chunk(&moof(1, 1, 10_240, &sizes, None), &sizes);
        let how = Shift {
            init: &init,
            offset: &|_| 0,
            limit: &|_| limit,
            sequence: 0,
            ntp: &|_, _| 0,
            insert_prft: false,
        };
        let cut = shift(&chunk, &how).expect("valid");
        (init, cut)
    }

    #[test]
    fn drops_samples_that_start_at_the_limit() {
        let (init, cut) = cut_at(10_240 + 2048);
        let boxes: Vec<_> = Boxes::new(&cut).collect::<Result<_, _>>().expect("valid");
        let fragment = Fragment::parse(boxes[0].bytes, &init).expect("valid");
        assert_eq!(fragment.runs[0].duration, 2048);
        // The data still starts right after the mdat's header.
        let offset = boxes[0].bytes.len() + 8;
        let trun = cut.windows(4).position(|kind| kind == b"trun").expect("a trun") + 4;
        assert_eq!(u32_at(&cut, trun + 8).expect("there") as usize, offset);
    }

    #[test]
    fn drops_all_samples_of_one_track_and_keeps_the_other() {
        let (one, two) = (moof(1, 1, 0, &[4], None), moof(1, 2, 0, &[4], None));
        let traf = |moof: &[u8]| {
            let moof = Boxes::new(moof).find_kind(*b"moof").expect("a moof");
            moof.children().find_kind(*b"traf").expect("a traf").bytes.to_vec()
        };
        let both = make(*b"moof", &[traf(&one), traf(&two)].concat());
        let init = Init::parse(&init(1, 1000, *b"vide", 40)).expect("valid");
        let how = Shift {
            init: &init,
            offset: &|_| 0,
            limit: &|track| if track == 2 { 0 } else { u64::MAX },
            sequence: 0,
            ntp: &|_, _| 0,
            insert_prft: false,
        };
        let cut = shift(&chunk(&both, &[4, 4]), &how).expect("valid");
        let durations: Vec<_> =
            Fragment::parse(&cut, &init).expect("valid").runs.iter().map(|r| r.duration).collect();
        assert_eq!(durations, [40, 0]);
        assert_eq!(cut.windows(4).filter(|kind| kind == b"trun").count(), 1);
    }

    #[test]
    fn leaves_a_chunk_below_the_limit_alone_and_empties_one_beyond() {
        assert_eq!(Boxes::new(&cut_at(u64::MAX).1).count(), 2);
        assert!(cut_at(10_240).1.is_empty());
    }
}
