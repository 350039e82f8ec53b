//! Moving a chunk in time: what a loop of a recording needs to go on without a jump.

use super::boxes::{BoxRef, Boxes, Malformed, full_box, make, put, u32_at, u64_at};
use super::prft::{self, prft};
use super::times::{Fragment, Init, Trun, decode_time};
use super::trim;
use std::fmt;

/// How a chunk is to be moved.
pub struct Shift<'a> {
    /// The initialization segment that the chunk belongs to.
    pub init: &'a Init,
    /// Ticks that are added to a track's times.
    pub offset: &'a dyn Fn(u32) -> u64,
    /// Decode time, before the move, from which on a track's samples are dropped.
    pub limit: &'a dyn Fn(u32) -> u64,
    /// Added to the sequence number, which wraps.
    pub sequence: u32,
    /// NTP time of a track's decode time after the move.
    pub ntp: &'a dyn Fn(u32, u64) -> u64,
    /// Whether a `prft` is put in front of the `moof` when the chunk has none.
    pub insert_prft: bool,
}

impl fmt::Debug for Shift<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shift").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}

/// The chunk with its times moved: `tfdt`, `sidx`, `emsg`, `prft` and `mfhd`. Empty when none of
/// its samples is below the limit. What has no times is left as it is.
pub fn shift(chunk: &[u8], how: &Shift<'_>) -> Result<Vec<u8>, Malformed> {
    let boxes: Vec<_> = Boxes::new(chunk).collect::<Result<_, _>>()?;
    let Some(at) = boxes.iter().position(|found| found.kind == *b"moof") else {
        return Ok(chunk.to_vec());
    };
    let (lead, media) = boxes.split_at(at);
    let trimmed = trim::trim(media, how)?;
    if trimmed.as_ref().is_some_and(Vec::is_empty) {
        return Ok(Vec::new());
    }
    let old = media.iter().map(|found| found.bytes.len()).sum();
    let new = move_media(trimmed.as_deref().unwrap_or(&chunk[boxes[at].offset..]), how)?;
    let change = SizeChange { old, new: new.len(), trimmed: trimmed.is_some() };
    let mut out = move_lead(lead, &media[0], how, change)?;
    out.extend(new);
    Ok(out)
}

/// How the bytes that a `sidx` describes have changed.
#[derive(Clone, Copy)]
struct SizeChange {
    old: usize,
    new: usize,
    trimmed: bool,
}

/// Everything in front of the `moof`, moved.
fn move_lead(
    lead: &[BoxRef<'_>],
    moof: &BoxRef<'_>,
    how: &Shift<'_>,
    mut change: SizeChange,
) -> Result<Vec<u8>, Malformed> {
    let mut parts = Vec::with_capacity(lead.len() + 1);
    let has_prft = lead.iter().any(|found| found.kind == *b"prft");
    if how.insert_prft && !has_prft {
        parts.push(new_prft(moof, how)?);
        change.new += parts[0].len();
    }
    // Backwards, since a sidx describes what follows it.
    for found in lead.iter().rev() {
        let part = match &found.kind {
            b"prft" => move_prft(found, how)?,
            b"emsg" => move_emsg(found, how)?,
            b"sidx" => move_sidx(found, how, change)?,
            _ => found.bytes.to_vec(),
        };
        change.old += found.bytes.len();
        change.new += part.len();
        parts.push(part);
    }
    parts.reverse();
    Ok(parts.concat())
}

fn new_prft(moof: &BoxRef<'_>, how: &Shift<'_>) -> Result<Vec<u8>, Malformed> {
    let fragment = Fragment::parse(moof.bytes, how.init)?;
    let main = how.init.main_track().and_then(|track| fragment.run(track.id));
    let Some(run) = main.or(fragment.runs.first()) else { return Ok(Vec::new()) };
    let time = run.start.saturating_add((how.offset)(run.track));
    Ok(prft(run.track, (how.ntp)(run.track, time), time, 0))
}

fn move_prft(found: &BoxRef<'_>, how: &Shift<'_>) -> Result<Vec<u8>, Malformed> {
    let (flags, track, time) = prft::parse(found.body)?;
    let time = time.saturating_add((how.offset)(track));
    Ok(prft(track, (how.ntp)(track, time), time, flags))
}

/// Only version 1 has a time of the presentation; version 0 counts from its segment
/// (ISO/IEC 23009-1, 5.10.3.3).
fn move_emsg(found: &BoxRef<'_>, how: &Shift<'_>) -> Result<Vec<u8>, Malformed> {
    let mut bytes = found.bytes.to_vec();
    let (version, _, rest) = full_box(found.body)?;
    if let (1, Some(track)) = (version, how.init.main_track()) {
        let timescale = u32_at(rest, 0)?;
        let offset = rescale((how.offset)(track.id), track.timescale, timescale);
        let time = u64_at(rest, 4)?.saturating_add(offset);
        let at = bytes.len() - rest.len() + 4;
        put(&mut bytes, at, &time.to_be_bytes())?;
    }
    Ok(bytes)
}

/// Ticks of one timescale in another, rounded down.
fn rescale(ticks: u64, from: u32, to: u32) -> u64 {
    let scaled = u128::from(ticks) * u128::from(to) / u128::from(from.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// A `sidx` (clause 8.16.3) that can no longer tell the truth is left out: it may always be.
fn move_sidx(
    found: &BoxRef<'_>,
    how: &Shift<'_>,
    change: SizeChange,
) -> Result<Vec<u8>, Malformed> {
    let mut bytes = found.bytes.to_vec();
    let body = bytes.len() - found.body.len();
    let (version, _, rest) = full_box(found.body)?;
    let (track, timescale) = (u32_at(rest, 0)?, u32_at(rest, 4)?);
    let from = how.init.track(track).map_or(timescale, |info| info.timescale);
    let offset = rescale((how.offset)(track), from, timescale);
    let wide = version != 0;
    let time = if wide { u64_at(rest, 8)? } else { u64::from(u32_at(rest, 8)?) };
    let time = time.saturating_add(offset);
    match u32::try_from(time) {
        _ if wide => put(&mut bytes, body + 12, &time.to_be_bytes())?,
        Ok(time) => put(&mut bytes, body + 12, &time.to_be_bytes())?,
        Err(_) => return Ok(Vec::new()),
    }
    let counts = body + if wide { 28 } else { 20 };
    Ok(if resize_sidx(&mut bytes, counts, change)? { bytes } else { Vec::new() })
}

/// Corrects the one reference of a `sidx`; false when that cannot be done.
fn resize_sidx(bytes: &mut [u8], counts: usize, change: SizeChange) -> Result<bool, Malformed> {
    let references = u32_at(bytes, counts)? & 0xffff;
    if change.old == change.new && !change.trimmed {
        return Ok(true);
    }
    let size = u32_at(bytes, counts + 4)?;
    if references != 1 || change.trimmed || size as usize != change.old {
        return Ok(false);
    }
    let new = u32::try_from(change.new).map_err(|_| Malformed("chunk too large"))?;
    put(bytes, counts + 4, &new.to_be_bytes())?;
    Ok(true)
}

/// A `moof` and what follows it, moved.
fn move_media(media: &[u8], how: &Shift<'_>) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::with_capacity(media.len() + 8);
    for found in Boxes::new(media) {
        let found = found?;
        match &found.kind {
            b"moof" => out.extend(move_moof(&found, how)?),
            _ => out.extend_from_slice(found.bytes),
        }
    }
    Ok(out)
}

fn move_moof(moof: &BoxRef<'_>, how: &Shift<'_>) -> Result<Vec<u8>, Malformed> {
    let mut body = Vec::with_capacity(moof.body.len() + 8);
    for child in moof.children() {
        let child = child?;
        match &child.kind {
            b"mfhd" => {
                let number = u32_at(child.body, 4)?.wrapping_add(how.sequence);
                body.extend(make(*b"mfhd", &[&child.body[..4], &number.to_be_bytes()].concat()));
            }
            b"traf" => body.extend(move_traf(&child, how)?),
            _ => body.extend_from_slice(child.bytes),
        }
    }
    let mut made = make(moof.kind, &body);
    let grown =
        i64::try_from(made.len()).unwrap_or(0) - i64::try_from(moof.bytes.len()).unwrap_or(0);
    if grown != 0 {
        move_data_offsets(&mut made, grown)?;
    }
    Ok(made)
}

fn move_traf(traf: &BoxRef<'_>, how: &Shift<'_>) -> Result<Vec<u8>, Malformed> {
    let tfhd = traf.children().find_kind(*b"tfhd").ok_or(Malformed("no tfhd"))?;
    if full_box(tfhd.body)?.1 & 0x01 != 0 {
        return Err(Malformed("data offsets that count from the start of the file"));
    }
    let offset = (how.offset)(u32_at(tfhd.body, 4)?);
    let mut body = Vec::with_capacity(traf.body.len() + 4);
    for child in traf.children() {
        let child = child?;
        match &child.kind {
            b"tfdt" => body.extend(move_tfdt(&child, offset)?),
            _ => body.extend_from_slice(child.bytes),
        }
    }
    Ok(make(traf.kind, &body))
}

/// Keeps the version while the time fits, so that the size stays.
fn move_tfdt(tfdt: &BoxRef<'_>, offset: u64) -> Result<Vec<u8>, Malformed> {
    let time = decode_time(tfdt.body)?.saturating_add(offset);
    let narrow = tfdt.body[0] == 0;
    Ok(match u32::try_from(time) {
        Ok(time) if narrow => make(*b"tfdt", &[[0; 4], time.to_be_bytes()].concat()),
        _ => make(*b"tfdt", &[&[1, 0, 0, 0][..], &time.to_be_bytes()].concat()),
    })
}

/// Adds to the data offset of every `trun`, which counts from the start of the `moof`.
pub(super) fn move_data_offsets(moof: &mut [u8], grown: i64) -> Result<(), Malformed> {
    for at in data_offsets(moof)? {
        let old = u32_at(moof, at)?.cast_signed();
        let new = i32::try_from(i64::from(old) + grown).map_err(|_| Malformed("data offset"))?;
        put(moof, at, &new.to_be_bytes())?;
    }
    Ok(())
}

/// Where the data offsets lie in a `moof`.
fn data_offsets(moof: &[u8]) -> Result<Vec<usize>, Malformed> {
    let mut found = Vec::new();
    let moof = Boxes::new(moof).find_kind(*b"moof").ok_or(Malformed("no moof"))?;
    for traf in moof.children() {
        let traf = traf?;
        let start = moof.bytes.len() - moof.body.len() + traf.offset;
        for trun in traf.children().map_while(Result::ok).filter(|b| b.kind == *b"trun") {
            let body = start + traf.bytes.len() - traf.body.len() + trun.offset + trun.bytes.len()
                - trun.body.len();
            if Trun::parse(trun.body)?.flags & Trun::DATA_OFFSET != 0 {
                found.push(body + 8);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
