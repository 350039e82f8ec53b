//! Dropping samples from the end of a chunk: where a loop joins, audio frames would overlap.

use super::boxes::{BoxRef, Malformed, make, put};
use super::edit::{Shift, move_data_offsets};
use super::times::{Trun, decode_time, parse_tfhd};

/// The chunk's boxes from its `moof` on, without the samples that start at the limit or later.
///
/// `None` when nothing needs to go, or when the chunk is built in a way that is not cut: several
/// tracks, several runs, or samples without sizes of their own. Empty when no sample is left.
pub(super) fn trim(media: &[BoxRef<'_>], how: &Shift<'_>) -> Result<Option<Vec<u8>>, Malformed> {
    let [moof, mdat] = media else { return Ok(None) };
    let Some(parts) = Parts::find(moof)? else { return Ok(None) };
    let (track, default) = parse_tfhd(parts.tfhd.body, how.init)?;
    let limit = (how.limit)(track);
    let trun = Trun::parse(parts.trun.body)?;
    let keep = samples_below(&trun, decode_time(parts.tfdt.body)?, default, limit)?;
    if keep == trun.count || trun.flags & Trun::SIZE == 0 {
        return Ok(None);
    }
    if keep == 0 {
        return Ok(Some(Vec::new()));
    }
    let mut out = cut_moof(moof, &parts, &trun, keep)?;
    let gone = out.len().cast_signed() - moof.bytes.len().cast_signed();
    move_data_offsets(&mut out, gone as i64)?;
    out.extend(cut_mdat(mdat, &trun, keep)?);
    Ok(Some(out))
}

/// How many samples start below the limit.
fn samples_below(trun: &Trun<'_>, start: u64, default: u32, limit: u64) -> Result<u32, Malformed> {
    let mut time = start;
    for index in 0..trun.count {
        if time >= limit {
            return Ok(index);
        }
        time = time.saturating_add(u64::from(trun.duration(index)?.unwrap_or(default)));
    }
    Ok(trun.count)
}

/// The boxes of a fragment with one track and one run.
struct Parts<'a> {
    traf: BoxRef<'a>,
    tfhd: BoxRef<'a>,
    tfdt: BoxRef<'a>,
    trun: BoxRef<'a>,
}

impl<'a> Parts<'a> {
    fn find(moof: &BoxRef<'a>) -> Result<Option<Self>, Malformed> {
        let boxes: Vec<_> = moof.children().collect::<Result<_, _>>()?;
        let mut trafs = boxes.into_iter().filter(|b| b.kind == *b"traf");
        let (Some(traf), None) = (trafs.next(), trafs.next()) else { return Ok(None) };
        let inner: Vec<_> = traf.children().collect::<Result<_, _>>()?;
        let known = |kind: &[u8; 4]| inner.iter().find(|b| b.kind == *kind).copied();
        // Anything else, such as senc or sbgp, would have to be cut too.
        let plain = inner.len() == 3;
        let found = (known(b"tfhd"), known(b"tfdt"), known(b"trun"));
        let (Some(tfhd), Some(tfdt), Some(trun)) = found else { return Ok(None) };
        Ok(plain.then_some(Self { traf, tfhd, tfdt, trun }))
    }
}

fn cut_moof(
    moof: &BoxRef<'_>,
    parts: &Parts<'_>,
    trun: &Trun<'_>,
    keep: u32,
) -> Result<Vec<u8>, Malformed> {
    let len = trun.head + keep as usize * trun.entry;
    let mut body = parts.trun.body.get(..len).ok_or(Malformed("cut trun"))?.to_vec();
    put(&mut body, 4, &keep.to_be_bytes())?;
    let run = make(*b"trun", &body);
    let traf = [parts.tfhd.bytes, parts.tfdt.bytes, &run].concat();
    let mut out = Vec::with_capacity(moof.body.len());
    for child in moof.children() {
        let child = child?;
        match child.kind == parts.traf.kind {
            true => out.extend(make(*b"traf", &traf)),
            false => out.extend_from_slice(child.bytes),
        }
    }
    Ok(make(*b"moof", &out))
}

/// The samples of the run lie at the start of the `mdat`, as CMAF wants it.
fn cut_mdat(mdat: &BoxRef<'_>, trun: &Trun<'_>, keep: u32) -> Result<Vec<u8>, Malformed> {
    let mut len = 0;
    for index in 0..keep {
        len += trun.size(index)?.unwrap_or(0) as usize;
    }
    Ok(make(*b"mdat", mdat.body.get(..len).ok_or(Malformed("cut mdat"))?))
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
        assert_eq!(boxes[1].body, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
        let fragment = Fragment::parse(boxes[0].bytes, &init).expect("valid");
        assert_eq!(fragment.runs[0].duration, 2048);
        // The data still starts right after the mdat's header.
        let offset = boxes[0].bytes.len() + 8;
        let trun = cut.windows(4).position(|kind| kind == b"trun").expect("a trun") + 4;
        assert_eq!(u32_at(&cut, trun + 8).expect("there") as usize, offset);
    }

    #[test]
    fn leaves_a_chunk_below_the_limit_alone_and_empties_one_beyond() {
        assert_eq!(Boxes::new(&cut_at(u64::MAX).1).count(), 2);
        assert!(cut_at(10_240).1.is_empty());
    }
}
