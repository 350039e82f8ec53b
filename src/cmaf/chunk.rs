//! Cutting a segment into chunks: a `moof` with its `mdat`, and what leads up to them.

use super::boxes::Kind;
use std::ops::Range;

/// Takes a segment's top-level boxes one after the other and tells where chunks lie.
///
/// `styp`, `sidx`, `prft`, `emsg` and anything else go with the `moof` that follows; what comes
/// after the last `mdat` stays with the last chunk.
#[derive(Debug, Default)]
pub struct Splitter {
    chunks: Vec<Range<u64>>,
    /// End of the last whole chunk: where the next one starts.
    cut: u64,
    at: u64,
    in_moof: bool,
}

impl Splitter {
    /// Takes the next box: its type and its whole size in bytes.
    pub fn push(&mut self, kind: Kind, size: u64) {
        self.at += size;
        match &kind {
            b"moof" => self.in_moof = true,
            b"mdat" if self.in_moof => {
                self.chunks.push(self.cut..self.at);
                self.cut = self.at;
                self.in_moof = false;
            }
            // A second mdat of the same moof lengthens the chunk.
            b"mdat" => self.lengthen(),
            _ => {}
        }
    }

    /// The chunks' byte ranges, which follow each other without a gap and cover all that was
    /// pushed. A segment without any `moof` is one chunk.
    pub fn finish(mut self) -> Vec<Range<u64>> {
        if self.at > self.cut {
            self.lengthen();
        }
        self.chunks
    }

    fn lengthen(&mut self) {
        match self.chunks.last_mut() {
            Some(last) => last.end = self.at,
            None => self.chunks.push(0..self.at),
        }
        self.cut = self.at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(boxes: &[(&Kind, u64)]) -> Vec<Range<u64>> {
        let mut splitter = Splitter::default();
        for (kind, size) in boxes {
            splitter.push(**kind, *size);
        }
        splitter.finish()
    }

    #[test]
    fn what_leads_up_goes_with_the_moof() {
        let boxes: [(&Kind, u64); 7] = [
            (b"styp", 24),
            (b"prft", 32),
            (b"moof", 100),
            (b"mdat", 50),
            (b"sidx", 52),
            (b"moof", 100),
            (b"mdat", 8),
        ];
        assert_eq!(split(&boxes), [0..206, 206..366]);
    }

    #[test]
    fn odd_tails_stay_with_the_last_chunk() {
        assert_eq!(split(&[(b"moof", 10), (b"mdat", 5), (b"mdat", 5)]), vec![0..20; 1]);
        assert_eq!(split(&[(b"moof", 10), (b"mdat", 5), (b"mfra", 7)]), vec![0..22; 1]);
        assert_eq!(split(&[(b"ftyp", 10)]), vec![0..10; 1]);
        assert_eq!(split(&[]), []);
    }

    proptest! {
        #[test]
        fn chunks_cover_everything(picks in proptest::collection::vec((0..4_usize, 8..99_u64), 1..30)) {
            let kinds: [&Kind; 4] = [b"moof", b"mdat", b"styp", b"emsg"];
            let boxes: Vec<_> = picks.iter().map(|(kind, size)| (kinds[*kind], *size)).collect();
            let chunks = split(&boxes);
            let total: u64 = picks.iter().map(|(_, size)| size).sum();
            prop_assert_eq!(chunks[0].start, 0);
            prop_assert_eq!(chunks[chunks.len() - 1].end, total);
            prop_assert!(chunks.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
    }
}
