//! Producer reference times (`prft`, clause 8.16.5): the wall clock's time of a media time.

use super::boxes::{Malformed, full_box, make, u32_at, u64_at};
use std::time::Duration;

/// Seconds from the NTP era (1900) to the Unix epoch (RFC 5905, figure 4).
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// The NTP time stamp (seconds, then fractions of 2⁻³² s) of a time since the Unix epoch.
pub fn ntp(since_epoch: Duration) -> u64 {
    let fraction = (u64::from(since_epoch.subsec_nanos()) << 32) / 1_000_000_000;
    // Only the low 32 bits of the seconds count: they wrap in 2036, as NTP's eras do.
    since_epoch.as_secs().wrapping_add(NTP_TO_UNIX) << 32 | fraction
}

/// A version 1 `prft` box.
///
/// `media_time` is the decode time, in ticks of `track`, that `ntp` belongs to; `flags` says
/// where the clock was read: 0 is the encoder's input.
pub fn prft(track: u32, ntp: u64, media_time: u64, flags: u32) -> Vec<u8> {
    let head = (1 << 24 | flags & 0x00ff_ffff_u32).to_be_bytes();
    let times = [ntp.to_be_bytes(), media_time.to_be_bytes()].concat();
    make(*b"prft", &[&head[..], &track.to_be_bytes(), &times].concat())
}

/// What a `prft` body says: flags, track and media time.
pub(super) fn parse(body: &[u8]) -> Result<(u32, u32, u64), Malformed> {
    let (version, flags, rest) = full_box(body)?;
    let time = if version == 0 { u64::from(u32_at(rest, 12)?) } else { u64_at(rest, 12)? };
    Ok((flags, u32_at(rest, 0)?, time))
}

/// Track, NTP time stamp and media time of a `prft` body.
pub(super) fn reference(body: &[u8]) -> Result<(u32, u64, u64), Malformed> {
    let (_, track, time) = parse(body)?;
    Ok((track, u64_at(full_box(body)?.2, 4)?, time))
}

/// The time since the Unix epoch that an NTP time stamp tells; the inverse of [`ntp`] until 2036.
pub fn since_epoch(ntp: u64) -> Option<Duration> {
    let nanos = ((ntp & 0xffff_ffff) * 1_000_000_000 + (1 << 31)) >> 32;
    let seconds = (ntp >> 32).checked_sub(NTP_TO_UNIX)?;
    Some(Duration::from_secs(seconds) + Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmaf::boxes::Boxes;

    #[test]
    fn ntp_counts_from_1900() {
        assert_eq!(ntp(Duration::ZERO) >> 32, 2_208_988_800);
        assert_eq!(ntp(Duration::from_millis(500)) & 0xffff_ffff, 1 << 31);
    }

    #[test]
    fn ntp_and_back() {
        let time = Duration::new(1_700_000_000, 123_456_789);
        assert_eq!(since_epoch(ntp(time)), Some(time));
        assert_eq!(since_epoch(0), None);
    }

    #[test]
    fn reads_what_it_makes() {
        let made = prft(3, 42, 90_000, 24);
        let found = Boxes::new(&made).find_kind(*b"prft").expect("a prft");
        assert_eq!(parse(found.body), Ok((24, 3, 90_000)));
        assert_eq!(reference(found.body), Ok((3, 42, 90_000)));
        assert_eq!(made.len(), 32);
    }
}
