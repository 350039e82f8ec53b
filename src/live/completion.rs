//! When a growing file counts as finished. Time is an input.

use super::path::Container;
use std::time::{Duration, Instant};

/// The limits by which a growing file's end is judged.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// A writer that keeps its file open and is silent for so long has failed.
    pub stall_timeout: Duration,
    /// Without close events, a file that has not grown for so long is over.
    pub idle_finish: Duration,
    /// A side name is renamed within this time of its close, or its packager was killed.
    pub rename_grace: Duration,
    /// Whether this watcher tells when a file's last writer closes it.
    pub close_events: bool,
}

/// What is known of a growing file.
#[derive(Debug, Clone, Copy)]
pub struct Growth {
    /// It grows under a side name, and is finished by its rename.
    pub side_name: bool,
    /// When its last byte came.
    pub last_growth: Instant,
    /// When its last writer closed it, or its side name went away.
    pub closed: Option<Instant>,
    /// Whether it ends where a file of its kind may end: [`Tail::is_whole`].
    pub whole: bool,
    /// Whether a later segment of its pattern has bytes.
    pub succeeded: bool,
    /// Whether it is an init, which is over with its `moov` when nothing better tells.
    pub init: bool,
}

/// What becomes of a growing file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is complete: replies end cleanly.
    Finished,
    /// It is broken: replies end without a last chunk.
    Cut,
    /// Not yet known; ask again at this time.
    Until(Instant),
}

impl Rules {
    /// What becomes, at `now`, of a file about which `growth` is known.
    pub fn judge(&self, growth: &Growth, now: Instant) -> Verdict {
        if growth.side_name {
            let deadline = match growth.closed {
                Some(closed) => closed + self.rename_grace,
                None => growth.last_growth + self.silence(),
            };
            return if now < deadline { Verdict::Until(deadline) } else { Verdict::Cut };
        }
        let by_other_signs = !self.close_events && (growth.succeeded || growth.init);
        if growth.closed.is_some() || (by_other_signs && growth.whole) {
            return if growth.whole { Verdict::Finished } else { Verdict::Cut };
        }
        let deadline = growth.last_growth + self.silence();
        match (now < deadline, self.close_events) {
            (true, _) => Verdict::Until(deadline),
            (false, false) if growth.whole => Verdict::Finished,
            (false, _) => Verdict::Cut,
        }
    }

    fn silence(&self) -> Duration {
        if self.close_events { self.stall_timeout } else { self.idle_finish }
    }
}

/// Follows a file's bytes, cut anywhere, and knows whether it could end here. Holds no more than
/// a box's header. Never panics, whatever the bytes.
#[derive(Debug, Clone)]
pub struct Tail {
    layout: Layout,
    position: u64,
}

#[derive(Debug, Clone)]
enum Layout {
    Boxes(Boxes),
    /// Undecided until the first byte: encrypted segments are no packets.
    Ts,
    Plain,
}

/// The chain of boxes (ISO/IEC 14496-12, section 4.2).
#[derive(Debug, Clone, Default)]
struct Boxes {
    header: Vec<u8>,
    /// Bytes of the current box still to come; `None` inside a header.
    rest: Option<u64>,
    last: [u8; 4],
    broken: bool,
}

const TS_PACKET_BYTES: u64 = 188;

/// Boxes that only open something: a file that ends with one of them lacks what it announces.
const OPENERS: [&[u8; 4]; 5] = [b"ftyp", b"styp", b"prft", b"emsg", b"moof"];

impl Tail {
    /// For a file of this kind, at its first byte.
    pub fn new(container: Container) -> Self {
        let layout = match container {
            Container::Boxes => Layout::Boxes(Boxes::default()),
            Container::Ts => Layout::Ts,
            Container::Plain => Layout::Plain,
        };
        Self { layout, position: 0 }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.position += bytes.len() as u64;
        let position = self.position;
        match &mut self.layout {
            Layout::Ts if position == bytes.len() as u64 && bytes.first() != Some(&0x47) => {
                self.layout = Layout::Plain;
            }
            Layout::Boxes(boxes) => {
                boxes.push(bytes);
                // Not boxes from the start: an encrypted segment (RFC 8216, section 4.3.2.4).
                if boxes.broken && boxes.last == [0; 4] {
                    self.layout = Layout::Plain;
                }
            }
            Layout::Ts | Layout::Plain => {}
        }
    }

    /// How many bytes from here on hold no header and may be passed over with [`Tail::skip`].
    pub fn skippable(&self) -> u64 {
        match &self.layout {
            Layout::Boxes(boxes) if !boxes.broken => boxes.rest.unwrap_or(0),
            Layout::Boxes(_) | Layout::Plain => u64::MAX,
            Layout::Ts if self.position == 0 => 0,
            Layout::Ts => u64::MAX,
        }
    }

    /// Passes over as many bytes, at most [`Tail::skippable`].
    pub fn skip(&mut self, bytes: u64) {
        self.position += bytes;
        if let Layout::Boxes(boxes) = &mut self.layout {
            boxes.pass(bytes);
        }
    }

    /// Whether the file may end here: after a whole box that is not the announcement of another,
    /// or after whole packets. Files of other kinds may end anywhere.
    pub fn is_whole(&self) -> bool {
        match &self.layout {
            Layout::Boxes(boxes) => boxes.is_whole(),
            Layout::Ts => self.position.is_multiple_of(TS_PACKET_BYTES),
            Layout::Plain => true,
        }
    }

    /// Whether the last whole box is a `moov`: an init that is complete.
    pub fn ends_with_moov(&self) -> bool {
        matches!(&self.layout, Layout::Boxes(boxes) if boxes.is_whole() && &boxes.last == b"moov")
    }
}

impl Boxes {
    fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.broken {
            match self.rest {
                Some(rest) => {
                    let taken = usize::try_from(rest).unwrap_or(usize::MAX).min(bytes.len());
                    bytes = &bytes[taken..];
                    self.pass(taken as u64);
                }
                None => {
                    self.header.push(bytes[0]);
                    bytes = &bytes[1..];
                    self.open();
                }
            }
        }
    }

    /// Leaves the header behind once it is complete.
    fn open(&mut self) {
        let Some(kind) = self.header.get(4..8) else { return };
        let size =
            u32::from_be_bytes([self.header[0], self.header[1], self.header[2], self.header[3]]);
        if !kind.iter().all(|byte| (0x20..0x7f).contains(byte) || *byte == 0xa9) {
            self.broken = true;
            return;
        }
        let size = match (size, self.header.get(8..16)) {
            (0, _) => u64::MAX,
            (1, None) => return,
            (1, Some(large)) => large.iter().fold(0, |size, byte| size << 8 | u64::from(*byte)),
            (size, _) => u64::from(size),
        };
        match size.checked_sub(self.header.len() as u64) {
            Some(rest) => {
                self.last.copy_from_slice(&self.header[4..8]);
                self.header.clear();
                self.rest = (rest > 0).then_some(rest);
            }
            None => self.broken = true,
        }
    }

    fn pass(&mut self, bytes: u64) {
        // A box of size 0 reaches to the end of the file: its rest never runs out.
        if let Some(rest) = self.rest.filter(|rest| *rest < u64::MAX / 2) {
            self.rest = rest.checked_sub(bytes).filter(|rest| *rest > 0);
        }
    }

    fn is_whole(&self) -> bool {
        let at_end = self.rest.is_none_or(|rest| rest >= u64::MAX / 2);
        at_end && !self.broken && self.header.is_empty() && !OPENERS.contains(&&self.last)
    }
}

#[cfg(test)]
#[path = "completion_tests.rs"]
mod tests;
