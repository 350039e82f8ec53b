//! GPAC's dasher.

super::rows!(dynamic, atomic, parts);

mod rows {
    use crate::{
        contents::{frag, m3u8, mpd, styp},
        helpers::End::Clean,
        traces::{How::Truncate, Op::*, Row},
    };

    /// `cdur`, `dmode=dynamic`: final names, a write per sample, most of which end inside a box;
    /// the manifest is truncated in place.
    pub fn dynamic() -> Row {
        let segment = [styp(), frag(1, 3000), frag(2, 4000)].concat();
        let mut ops = vec![Asks("reader", "v_1.m4s"), Open("v_1.m4s", Truncate)];
        for sample in segment.chunks(701) {
            ops.extend([Write("v_1.m4s", sample.to_vec()), Reads("reader", sample.to_vec())]);
        }
        ops.extend([Close("v_1.m4s"), Ends("reader", Clean)]);
        for copy in 1..=4 {
            ops.push(Open("live.mpd", Truncate));
            ops.extend(mpd(copy).chunks(1500).map(|piece| Write("live.mpd", piece.to_vec())));
            ops.extend([Close("live.mpd"), Shows("live.mpd", mpd(copy))]);
        }
        Row { ops, files: vec![("v_1.m4s", segment)] }
    }

    /// `:atomic`: side names; what stands in the way is removed before the rename.
    pub fn atomic() -> Row {
        let segment = [styp(), frag(1, 3000), frag(2, 4000)].concat();
        let mut ops = vec![Asks("reader", "v_1.m4s"), Open("v_1.m4s.gftmp", Truncate)];
        for sample in segment.chunks(701) {
            ops.extend([Write("v_1.m4s.gftmp", sample.to_vec()), Reads("reader", sample.to_vec())]);
        }
        ops.extend([
            Close("v_1.m4s.gftmp"),
            Rename("v_1.m4s.gftmp", "v_1.m4s"),
            Ends("reader", Clean),
        ]);
        for copy in 1..=4 {
            ops.push(Open("live.mpd.gftmp", Truncate));
            ops.extend(mpd(copy).chunks(1500).map(|piece| Write("live.mpd.gftmp", piece.to_vec())));
            ops.push(Close("live.mpd.gftmp"));
            ops.extend((copy > 1).then_some(Unlink("live.mpd")));
            ops.extend([Rename("live.mpd.gftmp", "live.mpd"), Shows("live.mpd", mpd(copy))]);
        }
        // The same name again.
        let again = frag(3, 2500);
        ops.extend([
            Serves("v_1.m4s", segment),
            Open("v_1.m4s.gftmp", Truncate),
            Write("v_1.m4s.gftmp", again[..800].to_vec()),
            Joins("other", "v_1.m4s"),
            Reads("other", again[..800].to_vec()),
            Write("v_1.m4s.gftmp", again[800..].to_vec()),
            Close("v_1.m4s.gftmp"),
            Unlink("v_1.m4s"),
            Rename("v_1.m4s.gftmp", "v_1.m4s"),
            Reads("other", again[800..].to_vec()),
            Ends("other", Clean),
            Serves("v_1.m4s", again),
        ]);
        Row { ops, files: vec![] }
    }

    /// `llhls=sf`: the segment, and its parts as files of their own; a playlist for each.
    pub fn parts() -> Row {
        let parts = [frag(1, 9000), frag(2, 5000), frag(3, 12_000)];
        let names = ["v_1.m4s.0", "v_1.m4s.1", "v_1.m4s.2"];
        let mut ops = vec![Open("v_1.m4s", Truncate)];
        for (copy, (name, part)) in names.iter().zip(&parts).enumerate() {
            ops.push(Open(name, Truncate));
            for block in part.chunks(4096) {
                ops.extend([Write("v_1.m4s", block.to_vec()), Write(name, block.to_vec())]);
            }
            ops.extend([Close(name), Open("live.m3u8", Truncate)]);
            let playlist = m3u8(copy + 1);
            ops.extend(playlist.chunks(4096).map(|block| Write("live.m3u8", block.to_vec())));
            ops.extend([Close("live.m3u8"), Shows("live.m3u8", m3u8(copy + 1))]);
        }
        ops.push(Close("v_1.m4s"));
        let mut files: Vec<_> = names.into_iter().zip(parts.clone()).collect();
        files.push(("v_1.m4s", parts.concat()));
        Row { ops, files }
    }
}
