//! ffmpeg's muxers for DASH and HLS.

super::rows!(
    dash_plain,
    dash_streaming,
    dash_single_file,
    dash_single_file_index,
    tee,
    hls_fmp4,
    hls_fmp4_temp_file,
    restarted,
);

mod rows {
    use crate::{
        contents::{frag, init, m3u8, mpd, styp},
        helpers::End::{Clean, Cut},
        traces::{How::Truncate, Op::*, Row},
    };

    /// Each segment stays empty until all of it comes at once; a rename ends it.
    pub fn dash_plain() -> Row {
        let first = [styp(), frag(1, 40_000)].concat();
        let second = [styp(), frag(2, 30_000)].concat();
        let ops = vec![
            Open("init-0.m4s", Truncate),
            Open("chunk-0-00001.m4s.tmp", Truncate),
            Waits("init-0.m4s"),
            Waits("chunk-0-00001.m4s"),
            Write("init-0.m4s", init(700)),
            Close("init-0.m4s"),
            Write("chunk-0-00001.m4s.tmp", first.clone()),
            Close("chunk-0-00001.m4s.tmp"),
            Rename("chunk-0-00001.m4s.tmp", "chunk-0-00001.m4s"),
            Open("live.mpd.tmp", Truncate),
            Write("live.mpd.tmp", mpd(1)),
            Close("live.mpd.tmp"),
            Rename("live.mpd.tmp", "live.mpd"),
            Open("chunk-0-00002.m4s.tmp", Truncate),
            Shows("live.mpd", mpd(1)),
            Waits("chunk-0-00002.m4s"),
            Write("chunk-0-00002.m4s.tmp", second.clone()),
            Close("chunk-0-00002.m4s.tmp"),
            Rename("chunk-0-00002.m4s.tmp", "chunk-0-00002.m4s"),
            Open("live.mpd.tmp", Truncate),
            Write("live.mpd.tmp", mpd(2)),
            Close("live.mpd.tmp"),
            Rename("live.mpd.tmp", "live.mpd"),
            Shows("live.mpd", mpd(2)),
        ];
        let files = vec![
            ("init-0.m4s", init(700)),
            ("chunk-0-00001.m4s", first),
            ("chunk-0-00002.m4s", second),
        ];
        Row { ops, files }
    }

    /// `-ldash 1 -streaming 1`: the next segment is opened right after a rename, and is streamed
    /// under its side name; large fragments come torn.
    pub fn dash_streaming() -> Row {
        let (one, two, large) = (frag(1, 3000), frag(2, 5000), frag(3, 400_000));
        let (torn, rest) = large.split_at(262_144);
        let ops = vec![
            Open("init-0.m4s", Truncate),
            Asks("first", "chunk-0-00001.m4s"),
            Open("chunk-0-00001.m4s.tmp", Truncate),
            Write("chunk-0-00001.m4s.tmp", styp()),
            Reads("first", styp()),
            Write("init-0.m4s", init(700)),
            Close("init-0.m4s"),
            Write("chunk-0-00001.m4s.tmp", one.clone()),
            Reads("first", one.clone()),
            Joins("late", "chunk-0-00001.m4s"),
            Reads("late", [styp(), one.clone()].concat()),
            Write("chunk-0-00001.m4s.tmp", torn.to_vec()),
            Reads("first", torn.to_vec()),
            Reads("late", torn.to_vec()),
            Write("chunk-0-00001.m4s.tmp", rest.to_vec()),
            Close("chunk-0-00001.m4s.tmp"),
            Rename("chunk-0-00001.m4s.tmp", "chunk-0-00001.m4s"),
            Open("live.mpd.tmp", Truncate),
            Write("live.mpd.tmp", mpd(1)),
            Close("live.mpd.tmp"),
            Rename("live.mpd.tmp", "live.mpd"),
            Open("chunk-0-00002.m4s.tmp", Truncate),
            Write("chunk-0-00002.m4s.tmp", styp()),
            Reads("first", rest.to_vec()),
            Reads("late", rest.to_vec()),
            Ends("first", Clean),
            Ends("late", Clean),
            Shows("live.mpd", mpd(1)),
            Joins("next", "chunk-0-00002.m4s"),
            Reads("next", styp()),
            Write("chunk-0-00002.m4s.tmp", two.clone()),
            Close("chunk-0-00002.m4s.tmp"),
            Rename("chunk-0-00002.m4s.tmp", "chunk-0-00002.m4s"),
            Reads("next", two.clone()),
            Ends("next", Clean),
        ];
        let files = vec![
            ("init-0.m4s", init(700)),
            ("chunk-0-00001.m4s", [styp(), one, large].concat()),
            ("chunk-0-00002.m4s", [styp(), two].concat()),
        ];
        Row { ops, files }
    }

    /// `-single_file 1`: the final name, closed at the exit.
    pub fn dash_single_file() -> Row {
        let (one, two) = (frag(1, 20_000), frag(2, 30_000));
        let ops = vec![
            Open("stream0.mp4", Truncate),
            Waits("stream0.mp4"),
            Write("stream0.mp4", init(900)),
            Joins("reader", "stream0.mp4"),
            Reads("reader", init(900)),
            Write("stream0.mp4", one.clone()),
            Reads("reader", one.clone()),
            Write("stream0.mp4", two.clone()),
            Reads("reader", two.clone()),
            Close("stream0.mp4"),
            Ends("reader", Clean),
        ];
        Row { ops, files: vec![("stream0.mp4", [init(900), one, two].concat())] }
    }

    /// `-global_sidx 1`: at the end everything behind the init is moved to make room for an
    /// index: a new generation. Those who read the old one are cut.
    pub fn dash_single_file_index() -> Row {
        let (one, two) = (frag(1, 20_000), frag(2, 30_000));
        let index = crate::contents::a_box(*b"sidx", 400, 9);
        let ops = vec![
            Open("stream0.mp4", Truncate),
            Write("stream0.mp4", [init(900), one.clone()].concat()),
            Joins("reader", "stream0.mp4"),
            Reads("reader", [init(900), one.clone()].concat()),
            Write("stream0.mp4", two.clone()),
            Reads("reader", two.clone()),
            WriteAt("stream0.mp4", 900, [index.clone(), one.clone(), two.clone()].concat()),
            Ends("reader", Cut),
            Close("stream0.mp4"),
            Settles("stream0.mp4", [init(900), index, one, two].concat()),
        ];
        Row { ops, files: vec![] }
    }

    /// Through `tee:` nothing is renamed: manifests are truncated and written again in place.
    pub fn tee() -> Row {
        let segment = [styp(), frag(1, 9000)].concat();
        let mut ops = vec![
            Open("chunk-0-00001.m4s", Truncate),
            Write("chunk-0-00001.m4s", segment.clone()),
            Close("chunk-0-00001.m4s"),
        ];
        for copy in 1..=8 {
            let (start, rest) = (mpd(copy)[..200].to_vec(), mpd(copy)[200..].to_vec());
            ops.extend([
                Open("live.mpd", Truncate),
                Write("live.mpd", start),
                Write("live.mpd", rest),
                Close("live.mpd"),
                Shows("live.mpd", mpd(copy)),
            ]);
        }
        Row { ops, files: vec![("chunk-0-00001.m4s", segment)] }
    }

    /// The final name, written at the segment's end; the init is empty for a whole segment.
    pub fn hls_fmp4() -> Row {
        let first = [styp(), frag(1, 40_000)].concat();
        let second = [styp(), frag(2, 70_000)].concat();
        let ops = vec![
            Open("init.mp4", Truncate),
            Open("live0.m4s", Truncate),
            Waits("init.mp4"),
            Waits("live0.m4s"),
            Write("init.mp4", init(700)),
            Close("init.mp4"),
            Write("live0.m4s", first.clone()),
            Close("live0.m4s"),
            Open("live1.m4s", Truncate),
            Open("live.m3u8.tmp", Truncate),
            Write("live.m3u8.tmp", m3u8(1)),
            Close("live.m3u8.tmp"),
            Rename("live.m3u8.tmp", "live.m3u8"),
            Shows("live.m3u8", m3u8(1)),
            Write("live1.m4s", second.clone()),
            Close("live1.m4s"),
            Open("live.m3u8.tmp", Truncate),
            Write("live.m3u8.tmp", m3u8(2)),
            Close("live.m3u8.tmp"),
            Noticed,
            Serves("init.mp4", init(700)),
            Unlink("init.mp4"),
            Rename("live.m3u8.tmp", "live.m3u8"),
            Shows("live.m3u8", m3u8(2)),
            Absent("init.mp4"),
        ];
        Row { ops, files: vec![("live0.m4s", first), ("live1.m4s", second)] }
    }

    /// `-hls_flags temp_file`.
    pub fn hls_fmp4_temp_file() -> Row {
        let (first, second) = (frag(1, 300_000), frag(2, 7000));
        let ops = vec![
            Open("live0.m4s.tmp", Truncate),
            Write("live0.m4s.tmp", first[..262_144].to_vec()),
            Write("live0.m4s.tmp", first[262_144..].to_vec()),
            Close("live0.m4s.tmp"),
            Rename("live0.m4s.tmp", "live0.m4s"),
            Open("live1.m4s.tmp", Truncate),
            Open("live.m3u8.tmp", Truncate),
            Write("live.m3u8.tmp", m3u8(1)),
            Close("live.m3u8.tmp"),
            Rename("live.m3u8.tmp", "live.m3u8"),
            Shows("live.m3u8", m3u8(1)),
            Write("live1.m4s.tmp", second.clone()),
            Close("live1.m4s.tmp"),
            Rename("live1.m4s.tmp", "live1.m4s"),
        ];
        Row { ops, files: vec![("live0.m4s", first), ("live1.m4s", second)] }
    }

    /// Killed and started again: a side name and a final one are left over, numbers begin from 1,
    /// the init is truncated in place.
    pub fn restarted() -> Row {
        let (old, new) = ([styp(), frag(1, 4000)].concat(), [styp(), frag(2, 6000)].concat());
        let ops = vec![
            Open("init-0.m4s", Truncate),
            Write("init-0.m4s", init(700)),
            Close("init-0.m4s"),
            Open("chunk-0-00001.m4s.tmp", Truncate),
            Write("chunk-0-00001.m4s.tmp", old.clone()),
            Close("chunk-0-00001.m4s.tmp"),
            Rename("chunk-0-00001.m4s.tmp", "chunk-0-00001.m4s"),
            Open("chunk-0-00002.m4s.tmp", Truncate),
            Write("chunk-0-00002.m4s.tmp", styp()),
            Asks("second", "chunk-0-00003.m4s"),
            Joins("broken", "chunk-0-00002.m4s"),
            Reads("broken", styp()),
            Serves("init-0.m4s", init(700)),
            Serves("chunk-0-00001.m4s", old),
            // SIGKILL.
            Close("chunk-0-00002.m4s.tmp"),
            Ends("broken", Cut),
            // Again.
            Open("init-0.m4s", Truncate),
            Absent("init-0.m4s"),
            Waits("init-0.m4s"),
            Open("chunk-0-00001.m4s.tmp", Truncate),
            Write("chunk-0-00001.m4s.tmp", new[..1000].to_vec()),
            Joins("again", "chunk-0-00001.m4s"),
            Reads("again", new[..1000].to_vec()),
            Write("init-0.m4s", init(800)),
            Close("init-0.m4s"),
            Write("chunk-0-00001.m4s.tmp", new[1000..].to_vec()),
            Close("chunk-0-00001.m4s.tmp"),
            Rename("chunk-0-00001.m4s.tmp", "chunk-0-00001.m4s"),
            Reads("again", new[1000..].to_vec()),
            Ends("again", Clean),
            Serves("init-0.m4s", init(800)),
            Serves("chunk-0-00001.m4s", new),
            Open("chunk-0-00002.m4s.tmp", Truncate),
            Write("chunk-0-00002.m4s.tmp", frag(3, 500)),
            Joins("renewed", "chunk-0-00002.m4s"),
            Reads("renewed", frag(3, 500)),
            Close("chunk-0-00002.m4s.tmp"),
            Rename("chunk-0-00002.m4s.tmp", "chunk-0-00002.m4s"),
            Ends("renewed", Clean),
            Open("chunk-0-00003.m4s.tmp", Truncate),
            Write("chunk-0-00003.m4s.tmp", frag(4, 500)),
            Reads("second", frag(4, 500)),
            Close("chunk-0-00003.m4s.tmp"),
            Rename("chunk-0-00003.m4s.tmp", "chunk-0-00003.m4s"),
            Ends("second", Clean),
        ];
        Row { ops, files: vec![] }
    }
}
