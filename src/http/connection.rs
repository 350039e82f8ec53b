//! What is set on each connection.

use actix_web::rt::net::TcpStream;
use std::any::Any;
#[cfg(target_os = "linux")]
use std::time::Duration;

/// A client that takes no byte for so long is dropped.
#[cfg(target_os = "linux")]
const UNREAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Prepares a connection when it is accepted: a client that takes nothing is dropped by the
/// system, where it knows how (tcp(7), `TCP_USER_TIMEOUT`; it counts closed windows too).
pub(super) fn prepare(connection: &dyn Any) {
    #[cfg(target_os = "linux")]
    if let Some(stream) = connection.downcast_ref::<TcpStream>() {
        let socket = socket2::SockRef::from(stream);
        if let Err(error) = socket.set_tcp_user_timeout(Some(UNREAD_TIMEOUT)) {
            log::debug!("cannot set a timeout for unread bytes: {error}");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = connection.downcast_ref::<TcpStream>();
}
