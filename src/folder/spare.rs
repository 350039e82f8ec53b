//! Room for the next file that comes as a whole, made while nothing happens: the system gives
//! memory page by page when it is first written to, which would take longer than reading the file.

/// Room for one file.
#[derive(Debug, Default)]
pub(super) struct Spare {
    room: Vec<u8>,
    /// What files take, in bytes: the largest, or less when those that follow are smaller.
    usual: usize,
}

/// Larger files have no room waiting for them, in bytes: from 128 KiB on glibc gives each a
/// mapping of its own, of which there cannot be many.
const MAX_BYTES: usize = 112 * 1024;

impl Spare {
    /// Takes the room for a file of this length; there may be none.
    pub(super) fn take(&mut self, length: usize) -> Vec<u8> {
        if length > MAX_BYTES {
            return Vec::new();
        }
        self.usual = length.max(self.usual - self.usual / 8);
        if length <= self.room.capacity() { std::mem::take(&mut self.room) } else { Vec::new() }
    }

    /// Whether there is less room than files take.
    pub(super) fn is_short(&self) -> bool {
        self.room.capacity() < self.usual
    }

    /// Makes room.
    pub(super) fn make(&mut self) {
        self.room = Vec::with_capacity(self.usual);
        // Written to, so that the system gives it now.
        self.room.resize(self.usual, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finished_files_have_room_waiting_for_them() {
        let mut spare = Spare::default();
        assert_eq!(spare.take(1000).capacity(), 0);
        assert!(spare.is_short());
        spare.make();
        assert!(!spare.is_short());
        assert!(spare.take(900).capacity() >= 900);
        assert_eq!(spare.take(900).capacity(), 0, "it is taken once");
        assert_eq!(spare.take(MAX_BYTES + 1).capacity(), 0);
        spare.make();
        assert!(spare.room.capacity() < 1000, "files have become smaller");
    }
}
