//! Shaka packager.

super::rows!(low_latency, rerun, normal);

mod rows {
    use crate::{
        contents::{frag, init, m3u8, mpd, styp},
        helpers::End::Clean,
        traces::{
            How::{Append, Truncate},
            Op::*,
            Row,
        },
    };

    /// Low latency: a frame per write under the final name, opened with `O_APPEND`; audio in
    /// blocks of 1 KiB, torn anywhere; the init is written again, larger, at the exit.
    pub fn low_latency() -> Row {
        let (one, two, audio) = (frag(1, 3000), frag(2, 900), frag(3, 2500));
        let ops = vec![
            Mkdir("video"),
            Open("video/init.mp4", Truncate),
            Write("video/init.mp4", init(600)),
            Close("video/init.mp4"),
            Serves("video/init.mp4", init(600)),
            Asks("early", "video/0.m4s"),
            Open("video/0.m4s", Append),
            Write("video/0.m4s", styp()),
            Reads("early", styp()),
            Write("video/0.m4s", one.clone()),
            Reads("early", one.clone()),
            Open("audio-0.m4s", Append),
            Write("audio-0.m4s", audio[..1024].to_vec()),
            Joins("listener", "audio-0.m4s"),
            Reads("listener", audio[..1024].to_vec()),
            Write("audio-0.m4s", audio[1024..2048].to_vec()),
            Reads("listener", audio[1024..2048].to_vec()),
            Open("packager-tempfile-77-1f-0", Truncate),
            Write("packager-tempfile-77-1f-0", mpd(1)),
            Close("packager-tempfile-77-1f-0"),
            Rename("packager-tempfile-77-1f-0", "live.mpd"),
            Shows("live.mpd", mpd(1)),
            Write("audio-0.m4s", audio[2048..].to_vec()),
            Close("audio-0.m4s"),
            Write("video/0.m4s", two.clone()),
            Close("video/0.m4s"),
            Reads("early", two.clone()),
            Ends("early", Clean),
            Reads("listener", audio[2048..].to_vec()),
            Ends("listener", Clean),
            Open("packager-tempfile-77-1f-1", Truncate),
            Write("packager-tempfile-77-1f-1", mpd(2)),
            Close("packager-tempfile-77-1f-1"),
            Rename("packager-tempfile-77-1f-1", "live.mpd"),
            Shows("live.mpd", mpd(2)),
            // The exit.
            Open("video/init.mp4", Truncate),
            Absent("video/init.mp4"),
            Write("video/init.mp4", init(1400)),
            Close("video/init.mp4"),
            Serves("video/init.mp4", init(1400)),
        ];
        let files = vec![("video/0.m4s", [styp(), one, two].concat()), ("audio-0.m4s", audio)];
        Row { ops, files }
    }

    /// A second run appends to the files of the first: a new generation, all bytes of it.
    pub fn rerun() -> Row {
        let (one, two) = ([styp(), frag(1, 3000)].concat(), [styp(), frag(2, 5000)].concat());
        let both = [one.clone(), two.clone()].concat();
        let ops = vec![
            Open("0.m4s", Append),
            Write("0.m4s", one.clone()),
            Close("0.m4s"),
            Serves("0.m4s", one.clone()),
            Open("0.m4s", Append),
            Write("0.m4s", two[..1000].to_vec()),
            Joins("again", "0.m4s"),
            Reads("again", [&one, &two[..1000]].concat()),
            Write("0.m4s", two[1000..].to_vec()),
            Reads("again", two[1000..].to_vec()),
            Close("0.m4s"),
            Ends("again", Clean),
            Serves("0.m4s", both),
        ];
        Row { ops, files: vec![] }
    }

    /// Segments in a burst of 64 KiB writes, and playlists renamed.
    pub fn normal() -> Row {
        let (first, second) = (frag(1, 200_000), frag(2, 100_000));
        let mut ops = Vec::new();
        let segments = [("v_1.mp4", &first), ("v_2.mp4", &second)];
        for (copy, (name, bytes)) in segments.into_iter().enumerate() {
            ops.push(Open(name, Truncate));
            ops.extend(bytes.chunks(65_536).map(|bytes| Write(name, bytes.to_vec())));
            ops.extend([
                Close(name),
                Open("packager-tempfile-77-2a-0", Truncate),
                Write("packager-tempfile-77-2a-0", m3u8(copy + 1)),
                Close("packager-tempfile-77-2a-0"),
                Rename("packager-tempfile-77-2a-0", "live.m3u8"),
                Shows("live.m3u8", m3u8(copy + 1)),
            ]);
        }
        Row { ops, files: vec![("v_1.mp4", first), ("v_2.mp4", second)] }
    }
}
