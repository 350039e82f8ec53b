//! What is set on each connection.

use super::wire::Wire;
use actix_web::rt::net::TcpStream;
use std::{net::SocketAddr, time::Duration};

/// A client that takes no byte for so long is dropped.
const UNREAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Prepares a connection that was accepted: nothing waits for more to be sent with it, and a
/// client that takes nothing is dropped by the system, where it knows how (tcp(7),
/// `TCP_USER_TIMEOUT`; it counts closed windows too). Returns it with the client's address.
pub(super) fn accept(stream: TcpStream) -> (Wire, Option<SocketAddr>) {
    let peer = stream.peer_addr().ok();
    if let Err(error) = stream.set_nodelay(true).and_then(|()| drop_unread(&stream)) {
        log::debug!("cannot prepare a connection: {error}");
    }
    (Wire::new(stream), peer)
}

#[cfg(target_os = "linux")]
fn drop_unread(stream: &TcpStream) -> std::io::Result<()> {
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(UNREAD_TIMEOUT))
}

#[cfg(not(target_os = "linux"))]
fn drop_unread(_stream: &TcpStream) -> std::io::Result<()> {
    let _ = UNREAD_TIMEOUT;
    Ok(())
}
