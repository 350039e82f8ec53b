//! The box layer (clause 4.2): headers, and a walk over boxes that lie side by side.

use std::fmt;
use std::ops::Range;

/// A box type, such as `*b"moof"`.
pub type Kind = [u8; 4];

/// Bytes that are no boxes, or boxes that contradict themselves; says where and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed media: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

/// The header of one box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The box type.
    pub kind: Kind,
    /// Bytes of the header itself: 8, or 16 with a 64-bit size.
    pub len: usize,
    /// Bytes of the whole box, header included; `None` when it reaches to the end of the file.
    pub size: Option<u64>,
}

/// Reads the box header that `data` starts with; `None` while too few bytes are there.
pub fn header(data: &[u8]) -> Result<Option<Header>, Malformed> {
    let Some((size, rest)) = data.split_first_chunk::<4>() else { return Ok(None) };
    let Some((kind, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
    let (len, size) = match u32::from_be_bytes(*size) {
        0 => (8, None),
        1 => match rest.first_chunk::<8>() {
            Some(large) => (16, Some(u64::from_be_bytes(*large))),
            None => return Ok(None),
        },
        small => (8, Some(u64::from(small))),
    };
    if size.is_some_and(|size| size < len as u64) {
        return Err(Malformed("box smaller than its header"));
    }
    Ok(Some(Header { kind: *kind, len, size }))
}

/// One whole box within a slice.
#[derive(Debug, Clone, Copy)]
pub struct BoxRef<'a> {
    /// The box type.
    pub kind: Kind,
    /// Where the box starts in the slice that was walked.
    pub offset: usize,
    /// The whole box, header included.
    pub bytes: &'a [u8],
    /// What follows the header.
    pub body: &'a [u8],
}

impl<'a> BoxRef<'a> {
    /// Where the box lies in the slice that was walked.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.bytes.len()
    }

    /// The boxes inside.
    pub fn children(&self) -> Boxes<'a> {
        Boxes::new(self.body)
    }
}

/// Walks over the boxes of a slice. An incomplete or impossible box is an error and ends the walk.
#[derive(Debug, Clone)]
pub struct Boxes<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Boxes<'a> {
    /// Starts at the first byte of `data`.
    pub fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    /// The first box of the type, if the walk gets there.
    pub fn find_kind(self, kind: Kind) -> Option<BoxRef<'a>> {
        self.map_while(Result::ok).find(|found| found.kind == kind)
    }

    fn read(&self) -> Result<BoxRef<'a>, Malformed> {
        let rest = &self.data[self.at..];
        let head = header(rest)?.ok_or(Malformed("cut box header"))?;
        let size = head.size.unwrap_or(rest.len() as u64);
        let size = usize::try_from(size).map_err(|_| Malformed("box too large"))?;
        let bytes = rest.get(..size).ok_or(Malformed("cut box"))?;
        let body = bytes.get(head.len..).ok_or(Malformed("cut box header"))?;
        Ok(BoxRef { kind: head.kind, offset: self.at, bytes, body })
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<BoxRef<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.data.len() {
            return None;
        }
        let found = self.read();
        self.at = found.map_or(self.data.len(), |found| found.range().end);
        Some(found)
    }
}

/// A full box's version and flags (clause 4.2.2), and what follows them.
pub(crate) fn full_box(body: &[u8]) -> Result<(u8, u32, &[u8]), Malformed> {
    let (head, rest) = body.split_first_chunk::<4>().ok_or(Malformed("cut full box"))?;
    Ok((head[0], u32::from_be_bytes(*head) & 0x00ff_ffff, rest))
}

/// The 32-bit number at a byte position.
pub(crate) fn u32_at(data: &[u8], at: usize) -> Result<u32, Malformed> {
    let bytes = data.get(at..).and_then(<[u8]>::first_chunk::<4>).ok_or(Malformed("cut field"))?;
    Ok(u32::from_be_bytes(*bytes))
}

/// The 64-bit number at a byte position.
pub(crate) fn u64_at(data: &[u8], at: usize) -> Result<u64, Malformed> {
    let bytes = data.get(at..).and_then(<[u8]>::first_chunk::<8>).ok_or(Malformed("cut field"))?;
    Ok(u64::from_be_bytes(*bytes))
}

/// Overwrites the bytes at a position.
pub(crate) fn put(data: &mut [u8], at: usize, bytes: &[u8]) -> Result<(), Malformed> {
    let place = data.get_mut(at..at + bytes.len()).ok_or(Malformed("cut field"))?;
    place.copy_from_slice(bytes);
    Ok(())
}

/// A box of the type around a body. Bodies are parts of one segment, far below 4 GiB.
pub(crate) fn make(kind: Kind, body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 8).expect("a box made here is far below 4 GiB");
    [&size.to_be_bytes()[..], &kind, body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn walks_boxes_with_both_sizes_and_to_the_end() {
        let mut data = make(*b"styp", b"iso6");
        data.extend([&1_u32.to_be_bytes()[..], b"mdat", &20_u64.to_be_bytes(), b"long"].concat());
        data.extend([&0_u32.to_be_bytes()[..], b"free", b"rest"].concat());
        let found: Vec<_> = Boxes::new(&data).map(|found| found.expect("valid")).collect();
        let kinds: Vec<_> = found.iter().map(|found| found.kind).collect();
        assert_eq!(kinds, [*b"styp", *b"mdat", *b"free"]);
        assert_eq!(found[1].range(), 12..32);
        assert_eq!(found[1].body, b"long");
        assert_eq!(found[2].body, b"rest");
    }

    #[test]
    fn a_cut_box_is_an_error_and_the_end() {
        let data = &make(*b"moof", b"0123456789")[..12];
        let mut boxes = Boxes::new(data);
        assert!(matches!(boxes.next(), Some(Err(Malformed("cut box")))));
        assert!(boxes.next().is_none());
        assert!(header(&data[..7]).expect("no fault yet").is_none());
        assert!(header(b"\0\0\0\x04moof").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(data: Vec<u8>) {
            for found in Boxes::new(&data).map_while(Result::ok) {
                let _ = found.children().count();
            }
        }
    }
}
