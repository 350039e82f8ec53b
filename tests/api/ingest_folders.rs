//! Heading "Ingest": folders that uploads make.

use crate::{
    helpers::{Push, Server, chunk, until},
    ingest_faults::{is_clean, litter},
};
use std::fs;

/// Folders that an upload made go with it, others stay.
#[test]
fn ingest_that_comes_to_nothing_leaves_no_folder() {
    let mut server = Server::start(&["--ingest", "--max-upload", "1000"]);
    fs::create_dir(server.path("own")).expect("made");
    let mut uploads: Vec<Push> = Vec::new();
    for path in ["/own/a/b/1.m4s", "/own/a/b/2.m4s", "/own/a/3.m4s", "/own/4.m4s"] {
        let mut push = Push::start(server.address, path);
        push.chunk(&chunk(100));
        server.logged(&format!("{path} received 100 bytes"));
        uploads.push(push);
    }
    until(|| (litter(&server, "own/a/b") == 2).then_some(()));
    until(|| (litter(&server, "own/a") == 1 && litter(&server, "own") == 1).then_some(()));
    let mut too_large = uploads.remove(0);
    too_large.chunk(&chunk(1000));
    assert_eq!(too_large.end(), 413);
    until(|| (litter(&server, "own/a/b") == 1).then_some(()));
    assert_eq!(server.request("DELETE", "/own/a/b/2.m4s", &[]).response().status, 200);
    until(|| (!server.path("own/a/b").exists()).then_some(()));
    assert!(server.path("own/a").exists(), "the third is there");
    drop(uploads);
    until(|| (!server.path("own/a").exists()).then_some(()));
    is_clean(&server, "own");
    assert!(server.path("own").exists(), "no upload has made it");
}
