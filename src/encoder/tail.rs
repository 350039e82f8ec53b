//! The last lines of what an encoder says.

use std::collections::VecDeque;

/// So many lines are kept.
const MAX_LINES: usize = 8;
/// So long is each at most, in bytes; the rest of a longer one is left out.
const MAX_LINE: usize = 400;

/// The last lines, as many as [`MAX_LINES`].
#[derive(Debug, Default)]
pub(super) struct Tail {
    lines: VecDeque<String>,
    /// Of the line that has not ended.
    begun: Vec<u8>,
}

impl Tail {
    /// Takes more bytes, and gives each line that has ended to `told`.
    pub(super) fn take(&mut self, bytes: &[u8], mut told: impl FnMut(&str)) {
        for byte in bytes {
            match byte {
                b'\n' | b'\r' => self.end_line(&mut told),
                byte if self.begun.len() < MAX_LINE => self.begun.push(*byte),
                _ => {}
            }
        }
    }

    fn end_line(&mut self, told: &mut impl FnMut(&str)) {
        let line = std::mem::take(&mut self.begun);
        let line = String::from_utf8_lossy(&line);
        // What would colour a terminal, or move in it, is left out.
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        if line.trim().is_empty() {
            return;
        }
        told(&line);
        if self.lines.len() == MAX_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// The lines so far.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// The last few in one line: programs tell the reason first, and then what came of it.
    pub(super) fn summary(&self) -> Option<String> {
        /// So many of them.
        const FEW: usize = 3;
        let lines = self.lines.iter().skip(self.lines.len().saturating_sub(FEW));
        let lines: Vec<&str> = lines.map(|line| without_address(line)).collect();
        (!lines.is_empty()).then(|| lines.join("; "))
    }
}

/// ffmpeg begins its lines with the part that speaks and where that is in memory:
/// `[tcp @ 0x55fc0b4d29c0] `.
fn without_address(line: &str) -> &str {
    let rest = line.strip_prefix('[').and_then(|rest| rest.split_once("] "));
    rest.filter(|(part, _)| part.contains(" @ 0x")).map_or(line, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_the_last_lines_are_kept_and_no_more() {
        let mut tail = Tail::default();
        let mut told = 0;
        for number in 0..20 {
            tail.take(format!("line {number}\r\n").as_bytes(), |_| told += 1);
        }
        tail.take(&[b'x'; 10_000], |_| told += 1);
        tail.take(b"\n\x1b[31mred\n   \n", |_| told += 1);
        assert_eq!(told, 22);
        assert_eq!(tail.lines().count(), MAX_LINES);
        assert_eq!(tail.lines().map(str::len).max(), Some(MAX_LINE));
        assert!(tail.summary().is_some_and(|text| text.ends_with("; [31mred")));
    }

    #[test]
    fn streams_a_failure_is_told_in_one_line() {
        let mut tail = Tail::default();
        assert_eq!(tail.summary(), None);
        tail.take(b"old\n[tcp @ 0x55fc] no such host\n[h264] odd\nend\n", |_| {});
        assert_eq!(tail.summary().as_deref(), Some("no such host; [h264] odd; end"));
    }
}
