//! Heading "Growing files".

use crate::helpers::{End, Server, chunk};
use std::io::Write;

#[test]
fn growing_bytes_leave_as_soon_as_they_can_be_read() {
    let server = Server::start(&[]);
    let mut file = server.create("live/1.m4s");
    file.write_all(&chunk(100)).expect("written");
    let mut response = server.get("/live/1.m4s");
    assert_eq!(response.status, 200);
    assert_eq!(response.header("transfer-encoding"), Some("chunked"));
    assert_eq!(response.header("etag"), None);
    assert_eq!(response.header("last-modified"), None);
    assert_eq!(response.read(100), chunk(100));
    file.write_all(&chunk(50)).expect("written");
    assert_eq!(response.read(50), chunk(50), "before the file is closed");
    drop(file);
    assert_eq!(response.rest(), (vec![], End::Clean));
}

#[test]
fn growing_a_half_box_at_the_close_is_cut() {
    let server = Server::start(&[]);
    let mut file = server.create("1.m4s");
    file.write_all(&chunk(100)[..90]).expect("written");
    let mut response = server.get("/1.m4s");
    assert_eq!(response.read(90), chunk(100)[..90]);
    drop(file);
    assert_eq!(response.rest(), (vec![], End::Cut));
}
