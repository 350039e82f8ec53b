//! What is told of a request when its body is over: the log's line, counters, who watches how.

use super::{
    Site,
    access_log::{Chunks, End, Line},
    viewing::Viewing,
};
use crate::{encoder::Watching, metrics::Count};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// What is to be told of a request when it is over.
pub(super) struct Receipt {
    /// Where it is counted.
    pub(super) site: Arc<Site>,
    /// When it came.
    pub(super) since: Instant,
    /// Where it is logged.
    pub(super) line: Option<Line>,
    /// Who watches how is told of it.
    pub(super) viewing: Option<Box<Viewing>>,
    /// What it watches until then, if that is encoded only for those who do.
    pub(super) _watching: Option<Watching>,
}

/// What the log and the counters will say.
pub(super) struct Report {
    receipt: Receipt,
    chunks: Option<Chunks>,
    /// What of the body has gone so far.
    pub(super) bytes: u64,
    first_byte: Option<Duration>,
    /// How it ended, as far as is known.
    pub(super) end: End,
}

impl Report {
    /// Of a body that has not begun; as it will have ended if nothing more happens.
    pub(super) fn new(receipt: Receipt, chunks: Option<Chunks>, end: End) -> Self {
        Self { receipt, chunks, bytes: 0, first_byte: None, end }
    }

    /// So many bytes of the body have gone.
    pub(super) fn sent(&mut self, bytes: usize) {
        if bytes == 0 {
            return;
        }
        let now = Instant::now();
        self.receipt.site.metrics.add(Count::SentBytes, bytes as u64);
        self.sent_at(bytes, now);
    }

    /// Another thread may have sent its first bytes then, and counted them.
    pub(super) fn started(&mut self, sent: Option<(usize, Instant)>) {
        if let Some((bytes, at)) = sent.filter(|(bytes, _)| *bytes > 0) {
            self.sent_at(bytes, at);
        }
    }

    fn sent_at(&mut self, bytes: usize, now: Instant) {
        let Receipt { site, since, .. } = &self.receipt;
        if self.first_byte.is_none() {
            let after = now.duration_since(*since);
            site.metrics.first_byte(after);
            self.first_byte = Some(after);
        }
        self.chunks.iter().for_each(|chunks| chunks.sent(self.bytes, bytes, now));
        self.bytes += bytes as u64;
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        let Receipt { site, line, viewing, .. } = &mut self.receipt;
        match self.end {
            End::Done => {}
            End::Cut => site.metrics.add(Count::Cut, 1),
            End::Left => site.metrics.add(Count::Left, 1),
        }
        line.iter_mut().for_each(|line| line.log(self.bytes, self.first_byte, self.end));
        if let Some(viewing) = viewing.take() {
            viewing.ended(site, self.bytes, self.end);
        }
    }
}
