//! nginx-rtmp.

super::rows!(dash, hls);

mod rows {
    use crate::{
        contents::{frag, init, m3u8, mpd, packets, styp},
        traces::{How::Truncate, Op::*, Row},
    };

    /// Media gathers in a scratch file and is copied to the final name; the init comes after the
    /// first segment.
    pub fn dash() -> Row {
        let first = [styp(), frag(1, 20_000)].concat();
        let second = [styp(), frag(2, 20_000)].concat();
        let ops = vec![
            Open("live-raw.m4v", Truncate),
            Write("live-raw.m4v", first[124..].to_vec()),
            Open("live-0.m4v", Truncate),
            Write("live-0.m4v", first[..124].to_vec()),
            Write("live-0.m4v", first[124..].to_vec()),
            Close("live-0.m4v"),
            Close("live-raw.m4v"),
            Open("live-init.m4v", Truncate),
            Write("live-init.m4v", init(600)),
            Close("live-init.m4v"),
            Open("live.mpd.bak", Truncate),
            Write("live.mpd.bak", mpd(1)),
            Close("live.mpd.bak"),
            Rename("live.mpd.bak", "live.mpd"),
            Shows("live.mpd", mpd(1)),
            Open("live-raw.m4v", Truncate),
            Write("live-raw.m4v", second[124..].to_vec()),
            Open("live-5000.m4v", Truncate),
            Write("live-5000.m4v", second.clone()),
            Close("live-5000.m4v"),
            Close("live-raw.m4v"),
            Open("live.mpd.bak", Truncate),
            Write("live.mpd.bak", mpd(2)),
            Close("live.mpd.bak"),
            Rename("live.mpd.bak", "live.mpd"),
            Shows("live.mpd", mpd(2)),
        ];
        let files =
            vec![("live-0.m4v", first), ("live-5000.m4v", second), ("live-init.m4v", init(600))];
        Row { ops, files }
    }

    /// Packet by packet; old segments go in batches.
    pub fn hls() -> Row {
        let (first, second) = (packets(1, 100), packets(2, 120));
        let mut ops = Vec::new();
        for (copy, (name, bytes)) in
            [("live-0.ts", &first), ("live-1.ts", &second)].iter().enumerate()
        {
            ops.push(Open(name, Truncate));
            ops.extend(bytes.chunks(188).map(|packet| Write(name, packet.to_vec())));
            ops.extend([
                Close(name),
                Open("live.m3u8.bak", Truncate),
                Write("live.m3u8.bak", m3u8(copy + 1)),
                Close("live.m3u8.bak"),
                Rename("live.m3u8.bak", "live.m3u8"),
                Shows("live.m3u8", m3u8(copy + 1)),
            ]);
        }
        ops.extend([
            Serves("live-0.ts", first),
            Serves("live-1.ts", second),
            Unlink("live-0.ts"),
            Unlink("live-1.ts"),
            Absent("live-0.ts"),
            Absent("live-1.ts"),
        ]);
        Row { ops, files: vec![] }
    }
}
