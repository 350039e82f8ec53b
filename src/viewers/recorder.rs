//! The thread that writes what is seen.

use super::{
    Seen, Viewers, columns, columns::Lines, queue::Batch, sheet::Sheet, table::Table, visit::Sums,
};
use std::{io, sync::Arc, time::Instant};

/// So many visits are told of in the log when the server stops.
const MAX_LOGGED: usize = 100;

/// The two files, as far as they can be written.
pub(super) struct Recorder {
    shared: Arc<Viewers>,
    rows: Output,
    visits: Output,
    /// Requests came too fast, which was said.
    has_told: bool,
}

/// A file, and what became of it.
struct Output {
    sheet: Sheet,
    /// Lines that could not be written since it last could.
    missing: u64,
}

impl Recorder {
    pub(super) fn new(shared: Arc<Viewers>, rows: Sheet, visits: Sheet) -> Self {
        let output = |sheet| Output { sheet, missing: 0 };
        Self { shared, rows: output(rows), visits: output(visits), has_told: false }
    }

    /// Writes until the end. Blocks.
    pub(super) fn run(mut self) {
        let mut until = None;
        loop {
            let batch = self.shared.queue.next(until);
            let is_last = batch.is_last;
            until = self.write(batch);
            if is_last {
                return self.shared.queue.ended();
            }
        }
    }

    /// Answers when it is to be done again at the latest.
    fn write(&mut self, batch: Batch) -> Option<Instant> {
        let (now, mut lines) = (Instant::now(), Lines::new());
        let mut table = self.shared.table();
        let count = note(&mut table, batch.seen, now, &mut lines);
        table.expire(now);
        if batch.is_last {
            table.close();
        }
        let (ended, until) = (table.take_ended(), table.next_end());
        drop(table);
        if batch.lost > 0 {
            self.shared.lost(batch.lost);
            if !std::mem::replace(&mut self.has_told, true) {
                log::warn!("requests come too fast for the statistics: {} are missing", batch.lost);
            }
        }
        let failed = self.rows.add(&lines.finish(), count);
        self.shared.lost(failed);
        self.tell(&ended, batch.is_last);
        until
    }

    /// Tells of visits that have ended.
    fn tell(&mut self, ended: &[Sums], is_last: bool) {
        if ended.is_empty() {
            return;
        }
        let mut lines = Lines::new();
        ended.iter().for_each(|sums| columns::visit(&mut lines, sums));
        self.visits.add(&lines.finish(), ended.len() as u64);
        if is_last {
            ended.iter().rev().take(MAX_LOGGED).for_each(|sums| log::info!("{sums}"));
            if let Some(more) = ended.len().checked_sub(MAX_LOGGED).filter(|more| *more > 0) {
                log::info!("and {more} more, all in {}", self.visits.sheet.path().display());
            }
        }
    }
}

/// Answers how many lines there are.
fn note(table: &mut Table, mut seen: Vec<Seen>, now: Instant, lines: &mut Lines) -> u64 {
    // Of two that ended at almost the same time, another thread may have been faster with the
    // later one.
    seen.sort_by_key(|seen| seen.asked);
    let rows = seen.into_iter().filter_map(|seen| table.note(seen, now));
    rows.map(|row| columns::row(lines, &row)).count() as u64
}

impl Output {
    /// Adds lines; answers how many are lost. What goes wrong is said once, until it goes well
    /// again.
    fn add(&mut self, lines: &[u8], count: u64) -> u64 {
        if count == 0 {
            return 0;
        }
        let name = self.sheet.path().display().to_string();
        match self.sheet.add(lines) {
            Ok(()) => {
                if self.missing > 0 {
                    log::info!("{name} is written again; {} lines are missing", self.missing);
                    self.missing = 0;
                }
                return 0;
            }
            Err(error) if self.missing == 0 => {
                let reason = match error.kind() {
                    io::ErrorKind::StorageFull => "the disk is full".to_owned(),
                    _ => error.to_string(),
                };
                log::warn!("cannot write {name}: {reason}; lines are lost until it can be written");
            }
            Err(_) => {}
        }
        self.missing += count;
        count
    }
}
