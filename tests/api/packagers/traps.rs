//! What any packager may do, and what went wrong in other servers.

use crate::{
    contents::{frag, mpd, packets, styp},
    helpers::{End, Server},
    polling::shows,
    traces::{
        How::{Keep, Truncate},
        Op::*,
        Row, Watch, replay,
    },
};
use rustix::process::{Pid, Signal, kill_process};
use std::{fs, io::Write};

super::rows!(burst, two_writers, written_anew, removed_under_a_reader, linked, deep, many_packets);

/// A killed packager: its side name was closed and never renamed. The name is absent then, and
/// waited for again. (Where closing makes no event, it counts as growing for `--stall-timeout`.)
#[test]
fn killed() {
    let ops = vec![
        Open("1.m4s.tmp", Truncate),
        Write("1.m4s.tmp", frag(1, 900)),
        Joins("reader", "1.m4s"),
        Reads("reader", frag(1, 900)),
        Close("1.m4s.tmp"),
        Ends("reader", End::Cut),
        Absent("1.m4s"),
        Waits("1.m4s"),
    ];
    replay(Watch::Auto, &Row { ops, files: vec![] });
}

/// A final name that ends inside a box.
#[test]
fn killed_under_the_final_name() {
    let ops = vec![
        Open("1.m4s", Truncate),
        Write("1.m4s", frag(1, 900)[..500].to_vec()),
        Joins("reader", "1.m4s"),
        Reads("reader", frag(1, 900)[..500].to_vec()),
        Close("1.m4s"),
        Ends("reader", End::Cut),
        Asks("late", "2.m4s"),
        Open("2.m4s", Truncate),
        Write("2.m4s", packets(3, 1)),
        Close("2.m4s"),
        Reads("late", packets(3, 1)),
        Ends("late", End::Clean),
    ];
    replay(Watch::Auto, &Row { ops, files: vec![] });
}

/// The system's queue of events overflows, and what is lost is the end of a segment: its last
/// bytes, its close, its rename, and a manifest's.
#[test]
fn overflow() {
    let server = Server::start(&[]);
    let process = i32::try_from(server.child.id()).ok().and_then(Pid::from_raw).expect("it runs");
    let (one, two) = (frag(1, 3000), frag(2, 4000));
    let mut segment = server.create("1.m4s.tmp");
    segment.write_all(&one).expect("written");
    let mut response = server.get("/1.m4s");
    assert_eq!(response.read(one.len()), one);
    server.write("live.mpd", &mpd(1));
    assert_eq!(server.get("/live.mpd").body(), mpd(1));
    kill_process(process, Signal::STOP).expect("stopped");
    let most = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("a limit");
    for _ in 0..most.trim().parse::<usize>().expect("a number") {
        // Written and closed: two events, which are not merged.
        server.write(".other", b"x");
    }
    segment.write_all(&two).expect("written");
    drop(segment);
    fs::rename(server.path("1.m4s.tmp"), server.path("1.m4s")).expect("renamed");
    server.write("live.mpd.tmp", &mpd(2));
    fs::rename(server.path("live.mpd.tmp"), server.path("live.mpd")).expect("renamed");
    let pending = server.request("GET", "/2.m4s", &[("X-Wait-Timeout", "30000")]);
    server.write("2.m4s", &one);
    kill_process(process, Signal::CONT).expect("goes on");
    assert!(response.rest() == (two.clone(), End::Clean));
    assert!(pending.response().body() == one);
    assert!(server.get("/1.m4s").body() == [one, two].concat());
    shows(server.address, "live.mpd", &mpd(2));
}

mod rows {
    use super::*;
    use crate::helpers::End::{Clean, Cut};

    /// Made, written, closed and renamed before anybody can look.
    pub fn burst() -> Row {
        let names = [
            ("1.m4s.tmp", "1.m4s"),
            ("2.m4s.tmp", "2.m4s"),
            ("3.m4s.tmp", "3.m4s"),
            ("4.m4s.gftmp", "4.m4s"),
            (".goutputstream-X", "5.m4s"),
        ];
        let (mut ops, mut files) = (Vec::new(), Vec::new());
        for (number, (side, name)) in (1..).zip(names) {
            let bytes = [styp(), frag(number, 5000)].concat();
            ops.extend([Open(side, Truncate), Write(side, bytes.clone()), Close(side)]);
            ops.push(Rename(side, name));
            files.push((name, bytes));
        }
        Row { ops, files }
    }

    /// The first to close does not end what the other still writes.
    pub fn two_writers() -> Row {
        let (one, two) = (frag(1, 2000), frag(2, 3000));
        let ops = vec![
            OpenAs("a", "1.m4s", Truncate),
            OpenAs("b", "1.m4s", Keep),
            Write("a", one.clone()),
            Joins("reader", "1.m4s"),
            Reads("reader", one.clone()),
            Close("a"),
            WriteAt("b", 2000, two.clone()),
            Reads("reader", two.clone()),
            Close("b"),
            Ends("reader", Clean),
        ];
        Row { ops, files: vec![("1.m4s", [one, two].concat())] }
    }

    /// Truncated and written again: those who read are cut, nobody gets some of each.
    pub fn written_anew() -> Row {
        let (one, two, three) = (frag(1, 2000), frag(2, 9000), frag(3, 500));
        let ops = vec![
            Open("1.m4s", Truncate),
            Write("1.m4s", one.clone()),
            Joins("growing", "1.m4s"),
            Reads("growing", one.clone()),
            OpenAs("again", "1.m4s", Truncate),
            Write("again", two.clone()),
            Ends("growing", Cut),
            Close("1.m4s"),
            Close("again"),
            Serves("1.m4s", two),
            Open("1.m4s", Truncate),
            Absent("1.m4s"),
            Write("1.m4s", three.clone()),
            Close("1.m4s"),
            Serves("1.m4s", three),
        ];
        Row { ops, files: vec![] }
    }

    /// A growing file that is removed is cut; a finished one is served to its end.
    pub fn removed_under_a_reader() -> Row {
        let ops = vec![
            Open("1.m4s", Truncate),
            Write("1.m4s", frag(1, 700)),
            Joins("reader", "1.m4s"),
            Reads("reader", frag(1, 700)),
            Unlink("1.m4s"),
            Ends("reader", Cut),
            Close("1.m4s"),
            Absent("1.m4s"),
            Open("2.m4s", Truncate),
            Write("2.m4s", frag(2, 900)),
            Joins("to the end", "2.m4s"),
            Close("2.m4s"),
            Serves("2.m4s", frag(2, 900)),
            Unlink("2.m4s"),
            Absent("2.m4s"),
            Reads("to the end", frag(2, 900)),
            Ends("to the end", Clean),
        ];
        Row { ops, files: vec![] }
    }

    /// A link to a whole file: nothing tells that it is closed.
    pub fn linked() -> Row {
        let ops = vec![
            Open(".made", Truncate),
            Write(".made", frag(1, 5000)),
            Close(".made"),
            Link(".made", "1.m4s"),
            Open(".next", Truncate),
            Write(".next", frag(2, 5000)),
            Close(".next"),
            Link(".next", "2.m4s"),
        ];
        Row { ops, files: vec![("1.m4s", frag(1, 5000)), ("2.m4s", frag(2, 5000))] }
    }

    /// New folders, and files in them before they can be watched.
    pub fn deep() -> Row {
        let ops = vec![
            Mkdir("a"),
            Mkdir("a/b"),
            Mkdir("a/b/c"),
            Open("a/b/c/1.m4s", Truncate),
            Write("a/b/c/1.m4s", frag(1, 500)),
            Joins("reader", "a/b/c/1.m4s"),
            Reads("reader", frag(1, 500)),
            Close("a/b/c/1.m4s"),
            Ends("reader", Clean),
            Mkdir("a/d"),
            Open("a/d/2.m4s.tmp", Truncate),
            Write("a/d/2.m4s.tmp", frag(2, 500)),
            Close("a/d/2.m4s.tmp"),
            Rename("a/d/2.m4s.tmp", "a/d/2.m4s"),
        ];
        Row { ops, files: vec![("a/b/c/1.m4s", frag(1, 500)), ("a/d/2.m4s", frag(2, 500))] }
    }

    /// Very many small writes: all bytes, and one clean end.
    pub fn many_packets() -> Row {
        let bytes = packets(1, 20_000);
        let mut ops = vec![Asks("reader", "1.ts"), Open("1.ts", Truncate)];
        ops.extend(bytes.chunks(188).map(|packet| Write("1.ts", packet.to_vec())));
        ops.extend([Close("1.ts"), Reads("reader", bytes.clone()), Ends("reader", Clean)]);
        Row { ops, files: vec![("1.ts", bytes)] }
    }
}
