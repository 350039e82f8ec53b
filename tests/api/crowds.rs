//! Heading "Growing files", for many clients at once, and for uploads that many send at once.

use crate::helpers::{End, Push, Server, noise, segment};
use std::io::Write;

/// More than one thread serves alone.
const CROWD: usize = 300;

#[test]
fn growing_a_crowd_gets_each_chunk_and_those_who_pause_get_theirs_later() {
    const CHUNKS: usize = 24;
    let server = Server::start(&[]);
    let mut file = server.create("1.m4s");
    let chunks: Vec<_> = (0..CHUNKS).map(|number| one_box(number, 64 << 10)).collect();
    file.write_all(&chunks[0]).expect("written");
    // More than all buffers between us hold: these have to be gone on with by and by.
    let mut paused: Vec<_> = (0..3).map(|_| server.get("/1.m4s")).collect();
    let mut crowd: Vec<_> = (0..CROWD).map(|_| server.get("/1.m4s")).collect();
    for (number, chunk) in chunks.iter().enumerate() {
        for client in &mut crowd {
            assert!(client.read(chunk.len()) == *chunk, "chunk {number}");
        }
        // Some go, and others come, between two chunks.
        crowd.remove(number);
        let mut late = server.get("/1.m4s");
        late.read(chunk.len() * (number + 1));
        crowd.push(late);
        if let Some(next) = chunks.get(number + 1) {
            file.write_all(next).expect("written");
        }
    }
    drop(file);
    for client in &mut crowd {
        assert_eq!(client.rest(), (Vec::new(), End::Clean));
    }
    let whole = chunks.concat();
    for client in &mut paused {
        assert!(client.rest() == (whole.clone(), End::Clean));
    }
}

#[test]
fn growing_a_crowd_is_cut_together() {
    let server = Server::start(&[]);
    let mut file = server.create("1.m4s");
    file.write_all(&segment(1, 1000)).expect("written");
    let mut crowd: Vec<_> = (0..CROWD).map(|_| server.get("/1.m4s")).collect();
    crowd.iter_mut().for_each(|client| assert_eq!(client.read(1000), segment(1, 1000)));
    file.write_all(&segment(2, 1000)[..500]).expect("written");
    drop(file);
    for client in &mut crowd {
        assert_eq!(client.rest(), (segment(2, 1000)[..500].to_vec(), End::Cut));
    }
}

#[test]
fn ingest_of_what_is_not_on_disk_yet_is_read_again_from_there() {
    // What memory does not keep is asked of the disk, which has not been told of it.
    let server = Server::start(&["--ingest", "--memory", "0"]);
    let bytes = noise(7, 100 << 10);
    let mut push = Push::start(server.address, "/1.m4s");
    push.chunk(&bytes[..10]);
    let mut early = server.get("/1.m4s");
    assert_eq!(early.read(10), bytes[..10]);
    for piece in bytes[10..].chunks(10 << 10) {
        push.chunk(piece);
        assert!(early.read(piece.len()) == piece);
    }
    let mut late = server.get("/1.m4s");
    assert!(late.read(bytes.len()) == bytes);
}

#[test]
fn ingest_of_many_that_fall_silent_leaves_room_for_the_next() {
    // Together they have more in hand than may wait for the disk.
    const SILENT: usize = 600;
    const BYTES: usize = 120 << 10;
    let server = Server::start(&["--ingest"]);
    let half = one_box(0, BYTES);
    let silent: Vec<_> = (0..SILENT)
        .map(|number| {
            let mut push = Push::start(server.address, &format!("/silent-{number}.m4s"));
            // The disk has the first bytes before the others come.
            push.chunk(&half[..100]);
            server.get(&format!("/silent-{number}.m4s")).read(100);
            push.chunk(&half[100..]);
            push
        })
        .collect();
    let whole = one_box(1, 4 << 20);
    let mut push = Push::start(server.address, "/whole.m4s");
    whole.chunks(64 << 10).for_each(|piece| push.chunk(piece));
    assert_eq!(push.end(), 201);
    assert!(server.get("/whole.m4s").body() == whole);
    drop(silent);
}

/// A box of its own contents, of so many bytes in all.
fn one_box(number: usize, bytes: usize) -> Vec<u8> {
    let seed = u8::try_from(number % 250).expect("small");
    let size = u32::try_from(bytes).expect("small").to_be_bytes();
    [&size[..], b"mdat", &noise(seed, bytes - 8)].concat()
}
