//! Walking along top-level boxes as their bytes arrive, cut anywhere.

use super::boxes::{Header, Kind, header};

/// What a walk comes across.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// Bytes of a box, its header included; a header comes as a whole.
    Bytes(Kind, &'a [u8]),
    /// A box is complete; where it ends in the file.
    Closed(Kind, u64),
}

/// Takes a file's bytes and tells its top-level boxes. Holds no more than a header.
#[derive(Debug, Default)]
pub struct Walker {
    header: Vec<u8>,
    /// The box that is open: its type, and its bytes still to come.
    open: Option<(Kind, u64)>,
    at: u64,
    is_over: bool,
}

impl Walker {
    /// Takes the next bytes.
    pub fn push(&mut self, mut bytes: &[u8], mut take: impl FnMut(Step<'_>)) {
        while !bytes.is_empty() && !self.is_over {
            let Some((kind, rest)) = &mut self.open else {
                self.header.push(bytes[0]);
                bytes = &bytes[1..];
                self.open(&mut take);
                continue;
            };
            let taken = usize::try_from(*rest).unwrap_or(usize::MAX).min(bytes.len());
            let (part, after) = bytes.split_at(taken);
            bytes = after;
            *rest -= taken as u64;
            self.at += taken as u64;
            take(Step::Bytes(*kind, part));
            self.close(&mut take);
        }
    }

    /// Whether what follows is not told of: no boxes, or one that has no end of its own.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Leaves the header behind once it is complete.
    fn open(&mut self, take: &mut impl FnMut(Step<'_>)) {
        match header(&self.header) {
            Ok(None) => {}
            Ok(Some(Header { kind, len, size: Some(size) })) => {
                self.open = Some((kind, size - len as u64));
                self.at += len as u64;
                take(Step::Bytes(kind, &self.header));
                self.header.clear();
                self.close(take);
            }
            Ok(Some(Header { size: None, .. })) | Err(_) => self.is_over = true,
        }
    }

    fn close(&mut self, take: &mut impl FnMut(Step<'_>)) {
        if let Some((kind, 0)) = self.open {
            self.open = None;
            take(Step::Closed(kind, self.at));
        }
    }
}
