//! Whether the segments of one encoding can be decoded after the init of another.
//!
//! Compared is all of `moov`, box by box. What may differ tells no decoder how to read a sample:
//! `btrt`, SEI that an encoder put beside its parameter sets, and the level (of HEVC the tier too),
//! which may be lower than the init's: a decoder that is ready for more takes less.

use super::boxes::{BoxRef, Boxes, Kind, Malformed};

/// A box that differs: the segments need an init of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Differs(pub Kind);

/// Boxes that are looked into, with what stands in them before the first child, in bytes.
const CONTAINERS: [(Kind, usize); 7] = [
    (*b"moov", 0),
    (*b"trak", 0),
    (*b"mdia", 0),
    (*b"minf", 0),
    (*b"stbl", 0),
    (*b"mvex", 0),
    // A full box, and the number of its entries (clause 8.5.2).
    (*b"stsd", 8),
];

/// Visual sample entries whose parameter sets are known, and the fields before their first child
/// (clause 12.1.3).
const ENTRIES: [Kind; 4] = [*b"avc1", *b"avc3", *b"hvc1", *b"hev1"];
const ENTRY_BYTES: usize = 78;

/// Whether segments that come with the init `other` can follow `init`.
///
/// # Errors
/// With the first box that says that they cannot, or what is wrong with either.
pub fn shares(init: &[u8], other: &[u8]) -> Result<Result<(), Differs>, Malformed> {
    let (ours, theirs) = (leaves(init)?, leaves(other)?);
    for (at, (kind, body)) in ours.iter().enumerate() {
        let Some((other_kind, other_body)) = theirs.get(at) else { return Ok(Err(Differs(*kind))) };
        if kind != other_kind || !takes(*kind, body, other_body)? {
            return Ok(Err(Differs(*kind)));
        }
    }
    Ok(theirs.get(ours.len()).map_or(Ok(()), |(kind, _)| Err(Differs(*kind))))
}

/// The boxes of `moov` that hold no others, in their order, without those that only describe.
fn leaves(init: &[u8]) -> Result<Vec<(Kind, &[u8])>, Malformed> {
    let moov = Boxes::new(init).find_kind(*b"moov").ok_or(Malformed("no moov"))?;
    let mut found = Vec::new();
    gather(&moov, &mut found)?;
    Ok(found)
}

fn gather<'a>(parent: &BoxRef<'a>, found: &mut Vec<(Kind, &'a [u8])>) -> Result<(), Malformed> {
    let container = CONTAINERS.iter().find(|(kind, _)| *kind == parent.kind);
    let entry = ENTRIES.contains(&parent.kind).then_some(ENTRY_BYTES);
    let Some(before) = container.map(|(_, before)| *before).or(entry) else {
        if parent.kind != *b"btrt" {
            found.push((parent.kind, parent.body));
        }
        return Ok(());
    };
    let (fields, children) = parent.body.split_at_checked(before).ok_or(Malformed("cut box"))?;
    found.push((parent.kind, fields));
    Boxes::new(children).try_for_each(|child| gather(&child?, found))
}

fn takes(kind: Kind, ours: &[u8], theirs: &[u8]) -> Result<bool, Malformed> {
    let read = match &kind {
        b"avcC" => avc,
        b"hvcC" => hevc,
        _ => return Ok(ours == theirs),
    };
    let (ours, theirs) = (read(ours)?, read(theirs)?);
    let is_within = theirs.tier <= ours.tier && theirs.level <= ours.level;
    Ok(is_within && ours.rest == theirs.rest)
}

/// A decoder's configuration: how much it must be able to do, and everything else.
#[derive(Debug, PartialEq, Eq)]
struct Configuration {
    tier: u8,
    level: u8,
    rest: Vec<Vec<u8>>,
}

const CUT: Malformed = Malformed("cut decoder configuration");

/// ISO/IEC 14496-15, section 5.3.3.1; the level stands in its head and in each SPS again.
fn avc(body: &[u8]) -> Result<Configuration, Malformed> {
    const HEAD: usize = 6;
    const LEVEL: usize = 3;
    let (head, mut rest) = body.split_at_checked(HEAD).ok_or(CUT)?;
    let level = head[LEVEL];
    let mut parts = vec![without_level(head.to_vec(), LEVEL)];
    for _ in 0..head[HEAD - 1] & 0x1f {
        let (unit, after) = unit(rest)?;
        parts.push(without_level(unit.to_vec(), LEVEL));
        rest = after;
    }
    parts.push(rest.to_vec());
    Ok(Configuration { tier: 0, level, rest: parts })
}

fn without_level(mut bytes: Vec<u8>, at: usize) -> Vec<u8> {
    bytes.get_mut(at).into_iter().for_each(|level| *level = 0);
    bytes
}

/// ISO/IEC 14496-15, section 8.3.3.1; tier and level stand in its head, each VPS and each SPS.
fn hevc(body: &[u8]) -> Result<Configuration, Malformed> {
    const HEAD: usize = 23;
    const VPS: u8 = 32;
    const SPS: u8 = 33;
    const SEI: std::ops::RangeInclusive<u8> = 39..=40;
    let (head, mut rest) = body.split_at_checked(HEAD).ok_or(CUT)?;
    let (tier, level) = (head[1] & TIER, head[12]);
    let mut fixed = without_demands(head.to_vec(), 1);
    let arrays = fixed.pop().unwrap_or_default();
    let mut parts = vec![fixed];
    for _ in 0..arrays {
        let ([kind, high, low], after) = rest.split_first_chunk::<3>().ok_or(CUT)?;
        rest = after;
        for _ in 0..u16::from_be_bytes([*high, *low]) {
            let (unit, after) = unit(rest)?;
            rest = after;
            match kind & 0x3f {
                kind if SEI.contains(&kind) => {}
                // What precedes profile_tier_level (ITU-T H.265, sections 7.3.2.1 and 7.3.2.2).
                VPS => parts.push(without_demands(unescaped(unit), 6)),
                SPS => parts.push(without_demands(unescaped(unit), 3)),
                _ => parts.push(unit.to_vec()),
            }
        }
    }
    Ok(Configuration { tier, level, rest: parts })
}

/// The bit that tells the tier, beside the profile.
const TIER: u8 = 0x20;

/// Without tier and level of the profile_tier_level that begins there (ITU-T H.265, 7.3.3).
fn without_demands(mut bytes: Vec<u8>, at: usize) -> Vec<u8> {
    bytes.get_mut(at).into_iter().for_each(|profile| *profile &= !TIER);
    without_level(bytes, at + 11)
}

/// A NAL unit behind its length, and what follows.
fn unit(bytes: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let (length, rest) = bytes.split_first_chunk::<2>().ok_or(CUT)?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(CUT)
}

/// Without the bytes that keep a unit from looking like a start code (ITU-T H.265, 7.3.1.1).
fn unescaped(unit: &[u8]) -> Vec<u8> {
    let mut plain: Vec<u8> = Vec::with_capacity(unit.len());
    let mut zeros = 0;
    for byte in unit {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        plain.push(*byte);
    }
    plain
}

#[cfg(test)]
#[path = "sharing_tests.rs"]
mod tests;
