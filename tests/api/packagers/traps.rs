//! What any packager may do, and what went wrong in other servers.

use crate::{
    helpers::End,
    traces::{
        How::{Keep, Truncate},
        Op::*,
        Row, Watch, frag, packets, replay, styp,
    },
};

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
