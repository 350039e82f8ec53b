//! GStreamer's dashsink, hlssink2, hlssink3 and hlscmafsink.

super::rows!(ts, cmaf);

mod rows {
    use crate::{
        contents::{frag, init, m3u8, packets},
        traces::{How::Truncate, Op::*, Row},
    };

    /// A write for each packet; a segment is closed after the playlist that lists it and after
    /// the next one was opened.
    pub fn ts() -> Row {
        let (first, second) = (packets(1, 400), packets(2, 300));
        let mut ops = vec![Open("segment00000.ts", Truncate)];
        ops.extend(first.chunks(188).map(|packet| Write("segment00000.ts", packet.to_vec())));
        ops.extend([
            Open(".goutputstream-A1B2C3", Truncate),
            Write(".goutputstream-A1B2C3", m3u8(1)),
            Close(".goutputstream-A1B2C3"),
            Rename(".goutputstream-A1B2C3", "live.m3u8"),
            Open("segment00001.ts", Truncate),
            Close("segment00000.ts"),
            Shows("live.m3u8", m3u8(1)),
        ]);
        ops.extend(second.chunks(188).map(|packet| Write("segment00001.ts", packet.to_vec())));
        ops.extend([
            Open(".goutputstream-D4E5F6", Truncate),
            Write(".goutputstream-D4E5F6", m3u8(2)),
            Close(".goutputstream-D4E5F6"),
            Rename(".goutputstream-D4E5F6", "live.m3u8"),
            Close("segment00001.ts"),
            Shows("live.m3u8", m3u8(2)),
        ]);
        Row { ops, files: vec![("segment00000.ts", first), ("segment00001.ts", second)] }
    }

    /// In a burst, closed after the playlist's rename; the oldest goes before the playlist.
    pub fn cmaf() -> Row {
        let (first, second) = (frag(1, 90_000), frag(2, 70_000));
        let ops = vec![
            Open("init00000.mp4", Truncate),
            Write("init00000.mp4", init(500)),
            Close("init00000.mp4"),
            Serves("init00000.mp4", init(500)),
            Open("segment00001.m4s", Truncate),
            Write("segment00001.m4s", first.clone()),
            Open(".goutputstream-A1B2C3", Truncate),
            Write(".goutputstream-A1B2C3", m3u8(1)),
            Close(".goutputstream-A1B2C3"),
            Rename(".goutputstream-A1B2C3", "live.m3u8"),
            Close("segment00001.m4s"),
            Shows("live.m3u8", m3u8(1)),
            Open("segment00002.m4s", Truncate),
            Write("segment00002.m4s", second.clone()),
            Open(".goutputstream-D4E5F6", Truncate),
            Write(".goutputstream-D4E5F6", m3u8(2)),
            Close(".goutputstream-D4E5F6"),
            Noticed,
            Unlink("init00000.mp4"),
            Rename(".goutputstream-D4E5F6", "live.m3u8"),
            Close("segment00002.m4s"),
            Shows("live.m3u8", m3u8(2)),
            Absent("init00000.mp4"),
        ];
        Row { ops, files: vec![("segment00001.m4s", first), ("segment00002.m4s", second)] }
    }
}
