//! The thread that writes what is seen.

use super::{Viewers, columns, columns::Lines, queue::Batch, sheet::Sheet, visit::Sums};
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
            until = self.write(batch, Instant::now());
            if is_last {
                return self.shared.queue.ended();
            }
        }
    }

    /// Answers when it is to be done again at the latest.
    fn write(&mut self, mut batch: Batch, now: Instant) -> Option<Instant> {
        // Of two that ended at almost the same time, another thread may have been faster with the
        // later one.
        batch.seen.sort_by_key(|seen| seen.asked);
        let mut table = self.shared.table();
        let rows = batch.seen.into_iter().filter_map(|seen| table.note(seen, now));
        let rows: Vec<_> = rows.collect();
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
        // Others may look at the table meanwhile.
        let mut lines = Lines::new();
        rows.iter().for_each(|row| columns::row(&mut lines, row));
        let failed = self.rows.add(&lines.finish(), rows.len() as u64);
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
        let failed = self.visits.add(&lines.finish(), ended.len() as u64);
        self.shared.lost(failed);
        if is_last {
            ended.iter().rev().take(MAX_LOGGED).for_each(|sums| log::info!("{sums}"));
            if let Some(more) = ended.len().checked_sub(MAX_LOGGED).filter(|more| *more > 0) {
                log::info!("and {more} more, all in {}", self.visits.sheet.path().display());
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        live::MediaPath,
        viewers::{Ending, Seen, What, table::VISIT},
    };
    use std::{
        fs,
        net::{IpAddr, Ipv4Addr},
        path::Path,
        time::SystemTime,
    };

    fn batch(asked: Instant) -> Batch {
        let what = What::File(MediaPath::at_root("1.m4s"));
        let seen = Seen {
            address: Some(IpAddr::from(Ipv4Addr::LOCALHOST)),
            agent: "a".to_owned(),
            status: 200,
            end: Ending::Done,
            bytes: 100,
            sent_kbps: Some(900),
            ..Seen::new(what, asked, SystemTime::UNIX_EPOCH)
        };
        Batch { seen: vec![seen], ..Batch::default() }
    }

    fn recorder(folder: &Path) -> Recorder {
        let open = |name, head| Sheet::open(&folder.join(name), head, 1 << 20).expect("open");
        let rows = open("x.csv", columns::head_of_rows());
        let visits = open("y.csv", columns::head_of_visits());
        Recorder::new(Arc::default(), rows, visits)
    }

    #[test]
    fn stats_have_a_visit_when_its_client_has_asked_for_nothing_for_long() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut recorder, now) = (recorder(folder.path()), Instant::now());
        let count =
            |name| fs::read_to_string(folder.path().join(name)).expect("text").lines().count();
        let until = recorder.write(batch(now), now);
        assert_eq!((until, count("x.csv"), count("y.csv")), (Some(now + VISIT), 2, 1));
        assert_eq!(recorder.write(Batch::default(), now + VISIT), None);
        assert_eq!((count("x.csv"), count("y.csv")), (2, 2));
        let text = fs::read_to_string(folder.path().join("x.csv")).expect("text");
        assert!(text.contains(",1.m4s,200,done,100,900,0.000,0.000,"), "{text}");
    }

    #[test]
    fn stats_that_cannot_be_written_are_counted_in_both_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut recorder, now) = (recorder(folder.path()), Instant::now());
        for name in ["x.csv", "y.csv"] {
            fs::remove_file(folder.path().join(name)).expect("removed");
            fs::create_dir(folder.path().join(name)).expect("in its way");
        }
        recorder.write(batch(now), now);
        recorder.write(Batch::default(), now + VISIT);
        assert_eq!(recorder.shared.lost.load(std::sync::atomic::Ordering::Relaxed), 2);
    }
}
