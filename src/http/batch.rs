//! What is written to a socket in one go: a head, and shared bytes with their framing.

use bytes::Bytes;
use std::io::{IoSlice, Write};

/// So many bytes are gathered for one write, and at most one piece more.
const BATCH_BYTES: usize = 128 * 1024;

/// So many pieces are gathered for one write.
const BATCH_PIECES: usize = 32;

/// The framing of a batch: before its pieces, and after them.
const PARTS: usize = BATCH_PIECES + 3;

/// Bytes that wait to be written. What was taken of them by the socket is counted, not moved.
#[derive(Debug, Default)]
pub(super) struct Batch {
    head: Vec<u8>,
    /// The size line of a chunk (RFC 9112, section 7.1).
    size_line: Line,
    pieces: Vec<Bytes>,
    /// The length of the pieces together.
    length: usize,
    tail: &'static [u8],
    written: usize,
}

/// A size line, as short as it is.
#[derive(Debug, Default)]
struct Line {
    bytes: [u8; 18],
    length: u8,
}

impl Batch {
    /// Begins with a response's head.
    pub(super) fn with_head(head: Vec<u8>) -> Self {
        Self { head, ..Self::default() }
    }

    /// Whether it takes more pieces.
    pub(super) fn has_room(&self) -> bool {
        self.length < BATCH_BYTES && self.pieces.len() < BATCH_PIECES
    }

    /// Adds bytes of the body.
    pub(super) fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.length += piece.len();
            self.pieces.push(piece);
        }
    }

    /// Makes one chunk of its pieces; `is_last`: the body ends with it.
    pub(super) fn close_chunk(&mut self, is_last: bool) {
        if self.length > 0 {
            self.size_line = Line::of(self.length);
        }
        self.tail = match (self.length > 0, is_last) {
            (true, true) => b"\r\n0\r\n\r\n",
            (true, false) => b"\r\n",
            (false, true) => b"0\r\n\r\n",
            (false, false) => b"",
        };
    }

    /// All that is still to be written.
    pub(super) fn rest<T>(&self, write: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
        let mut slices = [IoSlice::new(&[]); PARTS];
        let pieces = self.pieces.iter().map(|piece| &piece[..]);
        let parts = [&self.head[..], self.size_line.as_bytes()];
        let parts = parts.into_iter().chain(pieces).chain([self.tail]);
        let mut count = 0;
        for part in parts.filter(|part| !part.is_empty()) {
            slices[count] = IoSlice::new(part);
            count += 1;
        }
        let mut rest = &mut slices[..count];
        IoSlice::advance_slices(&mut rest, self.written);
        write(rest)
    }

    /// The beginning of all that is still to be written, of at most so many bytes.
    pub(super) fn first<T>(&self, bytes: usize, write: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
        self.rest(|slices| {
            let (mut first, mut count, mut room) = ([IoSlice::new(&[]); PARTS], 0, bytes);
            for slice in slices {
                if room == 0 {
                    break;
                }
                let length = slice.len().min(room);
                first[count] = IoSlice::new(&slice[..length]);
                (count, room) = (count + 1, room - length);
            }
            write(&first[..count])
        })
    }

    /// So much more has been written; returns how much of it was of the body.
    pub(super) fn wrote(&mut self, bytes: usize) -> usize {
        let before = self.body_written();
        self.written += bytes;
        self.body_written() - before
    }

    /// Whether nothing is left to be written.
    pub(super) fn is_done(&self) -> bool {
        self.written == self.start() + self.length + self.tail.len()
    }

    /// How much of the body has been written.
    fn body_written(&self) -> usize {
        self.written.saturating_sub(self.start()).min(self.length)
    }

    /// Where the pieces begin.
    fn start(&self) -> usize {
        self.head.len() + usize::from(self.size_line.length)
    }

    /// Empties it for the next pieces.
    pub(super) fn clear(&mut self) {
        self.head = Vec::new();
        self.size_line = Line::default();
        self.pieces.clear();
        self.tail = b"";
        (self.length, self.written) = (0, 0);
    }
}

impl Line {
    fn of(length: usize) -> Self {
        let mut line = Self::default();
        let mut space = &mut line.bytes[..];
        let all = space.len();
        // 16 hexadecimal digits and the line's end always fit.
        let _ = write!(space, "{length:x}\r\n");
        let left = space.len();
        line.length = u8::try_from(all - left).unwrap_or_default();
        line
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(batch: &Batch) -> String {
        batch.rest(|slices| {
            let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
            String::from_utf8(bytes).expect("text")
        })
    }

    #[test]
    fn growing_files_chunks_are_framed_as_rfc_9112_says() {
        let mut batch = Batch::with_head(b"HEAD\r\n\r\n".to_vec());
        batch.push(Bytes::from_static(b"0123456789"));
        batch.push(Bytes::from_static(b"abcdef"));
        batch.close_chunk(false);
        assert_eq!(text(&batch), "HEAD\r\n\r\n10\r\n0123456789abcdef\r\n");
        batch.close_chunk(true);
        assert_eq!(text(&batch), "HEAD\r\n\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n");
        batch.clear();
        batch.close_chunk(true);
        assert_eq!(text(&batch), "0\r\n\r\n");
    }

    #[test]
    fn growing_the_beginning_is_cut_where_it_is_said() {
        let mut batch = Batch::with_head(b"HEAD".to_vec());
        batch.push(Bytes::from_static(b"abcdef"));
        batch.close_chunk(false);
        let all = text(&batch);
        for limit in 0..all.len() + 2 {
            let first = batch.first(limit, |slices| {
                slices.iter().flat_map(|slice| slice.to_vec()).collect::<Vec<_>>()
            });
            assert_eq!(first, all.as_bytes()[..limit.min(all.len())]);
        }
    }

    #[test]
    fn a_slow_client_goes_on_where_it_stopped() {
        let mut whole = Batch::with_head(b"H".to_vec());
        whole.push(Bytes::from_static(b"abc"));
        whole.push(Bytes::from_static(b"de"));
        whole.close_chunk(true);
        let all = text(&whole);
        for at in 0..=all.len() {
            whole.wrote(at - whole.written);
            assert_eq!(text(&whole), all[at..]);
            assert_eq!(whole.is_done(), at == all.len());
            assert_eq!(whole.body_written(), at.saturating_sub(4).min(5));
        }
    }
}
