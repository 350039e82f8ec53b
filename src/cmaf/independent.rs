//! Whether a fragment's first sample can be decoded alone.

use super::{
    boxes::{BoxRef, Boxes, Malformed, full_box, u32_at},
    times::TrackInfo,
};

/// `sample_is_non_sync_sample` (clause 8.8.3.1).
const NON_SYNC: u32 = 0x0001_0000;
/// `sample_depends_on`, and its value for a sample that depends on no other.
const DEPENDS_ON: u32 = 0x0300_0000;
const ON_NONE: u32 = 0x0200_0000;

/// Whether the first sample of this track in a whole `moof` needs no other. What cannot be read
/// needs one.
pub(super) fn is_independent(moof: &[u8], track: &TrackInfo) -> bool {
    let Some(moof) = Boxes::new(moof).find_kind(*b"moof") else { return false };
    let trafs = moof.children().map_while(Result::ok).filter(|found| found.kind == *b"traf");
    let flags = trafs.into_iter().find_map(|traf| first_flags(&traf, track).ok().flatten());
    flags.is_some_and(|flags| flags & NON_SYNC == 0 || flags & DEPENDS_ON == ON_NONE)
}

/// The first sample's flags; `None` when the `traf` is of another track.
fn first_flags(traf: &BoxRef<'_>, track: &TrackInfo) -> Result<Option<u32>, Malformed> {
    let tfhd = traf.children().find_kind(*b"tfhd").ok_or(Malformed("no tfhd"))?;
    let (_, flags, rest) = full_box(tfhd.body)?;
    if u32_at(rest, 0)? != track.id {
        return Ok(None);
    }
    let default = match flags & 0x20 {
        0 => track.default_flags,
        // After the optional fields of 8, 4, 4 and 4 bytes.
        _ => u32_at(rest, 4 + 8 * (flags & 1) as usize + 4 * (flags & 0x1a).count_ones() as usize)?,
    };
    let trun = traf.children().find_kind(*b"trun").ok_or(Malformed("no trun"))?;
    let (_, flags, rest) = full_box(trun.body)?;
    // The count, then the data offset, if there is one.
    let at = 4 + 4 * (flags & 1) as usize;
    if flags & 0x4 != 0 {
        return u32_at(rest, at).map(Some);
    }
    if flags & 0x400 != 0 {
        return u32_at(rest, at + 4 * (flags & 0x300).count_ones() as usize).map(Some);
    }
    Ok(Some(default))
}
