//! The short way of a file that is waited for: the thread that brings it writes the reply's head
//! and first bytes to the client's socket, and only then wakes the connection's task, which goes
//! on from there.
//!
//! ```text
//! live::Library ──give──▶ HeldReply ──writev──▶ socket
//!                            │ Begun: how far it has come, what the socket did not take
//!                            ▼
//!                        the task, woken: http::desk
//! ```
//!
//! It is decided once, under a lock, who answers: the thread that brings the file, or the task, whose
//! time is over.

use super::{
    Site,
    head::PlainGet,
    plain::{Reply, Started},
};
use crate::{
    live::{File, Recipient},
    metrics::{Count, Metrics},
};
use actix_web::rt::net::TcpStream;
use std::{
    io::IoSlice,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::{Duration, Instant},
};

/// The reply to a request that waits, as the thread that brings the file sees it.
struct HeldReply {
    metrics: Arc<Metrics>,
    since: Instant,
    make: Make,
    state: Mutex<State>,
}

/// So much is written by another thread at once, in bytes: it has more to do.
const FIRST_BYTES: usize = 128 * 1024;

/// Makes a reply with a file, after so long a time.
type Make = Box<dyn Fn(&Arc<File>, Duration) -> Option<Reply> + Send + Sync>;

struct State {
    /// The task sleeps, and is to be woken by this.
    sleeper: Option<Waker>,
    /// `None` once it is decided who answers.
    stream: Option<Arc<TcpStream>>,
    begun: Option<Box<Begun>>,
}

/// A reply that another thread has begun.
pub(super) struct Begun {
    /// How long the request was held.
    pub(super) held: Duration,
    pub(super) started: Started,
}

/// The task's side: when it is dropped, nobody begins the reply any more.
pub(super) struct HeldRequest(Arc<HeldReply>);

impl Drop for HeldRequest {
    fn drop(&mut self) {
        self.0.state().stream = None;
    }
}

impl HeldRequest {
    /// For a request that has waited since then.
    pub(super) fn new(
        site: &Arc<Site>,
        stream: Arc<TcpStream>,
        request: &Arc<PlainGet>,
        since: Instant,
    ) -> Self {
        let (metrics, site, request) = (site.metrics.clone(), site.clone(), request.clone());
        let make = move |file: &Arc<File>, held| request.reply(&site, file, Some(held));
        Self::of(stream, metrics, since, Box::new(make))
    }

    fn of(stream: Arc<TcpStream>, metrics: Arc<Metrics>, since: Instant, make: Make) -> Self {
        let state = State { sleeper: None, stream: Some(stream), begun: None };
        Self(Arc::new(HeldReply { metrics, since, make, state: Mutex::new(state) }))
    }

    /// Who is to be given the file.
    pub(super) fn recipient(&self) -> Arc<dyn Recipient> {
        self.0.clone()
    }

    /// Whether the reply has been begun.
    pub(super) fn is_begun(&self) -> bool {
        self.0.state().begun.is_some()
    }

    /// The task goes its own way, unless the reply has been begun.
    pub(super) fn decide(self) -> Option<Box<Begun>> {
        let mut state = self.0.state();
        state.stream = None;
        state.begun.take()
    }
}

impl HeldReply {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete before anything could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what the socket takes; `None` if that is nothing: then the task answers.
    fn begin(&self, stream: &TcpStream, file: &Arc<File>) -> Option<Box<Begun>> {
        let held = self.since.elapsed();
        let mut left = (self.make)(file, held)?;
        let write = |slices: &[IoSlice<'_>]| stream.try_write_vectored(slices);
        let written = left.batch.first(FIRST_BYTES, write).ok()?;
        let sent = left.batch.wrote(written);
        self.metrics.add(Count::SentBytes, sent as u64);
        let started = Started { left, sent: Some((sent, Instant::now())) };
        Some(Box::new(Begun { held, started }))
    }
}

impl Recipient for HeldReply {
    fn sleep(&self, waker: &Waker) -> bool {
        let mut state = self.state();
        state.sleeper = Some(waker.clone());
        state.begun.is_none()
    }

    fn give(&self, file: &Arc<File>) {
        let mut state = self.state();
        let Some(stream) = state.stream.take() else { return };
        state.begun = self.begin(&stream, file);
    }

    fn wake(&self) {
        let sleeper = self.state().sleeper.take();
        sleeper.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        http::{batch::Batch, sleeper::Task},
        live::{Library, Stamp},
    };
    use bytes::Bytes;
    use std::time::SystemTime;
    use tokio::{io::AsyncReadExt, net::TcpListener};

    /// A request that waits, with the server's end of its connection and the client's.
    struct Case {
        held: HeldRequest,
        server: Arc<TcpStream>,
        client: TcpStream,
        task: Arc<Task>,
    }

    impl Case {
        async fn new() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            let client = TcpStream::connect(address).await.expect("a connection");
            let server = Arc::new(listener.accept().await.expect("a connection").0);
            server.writable().await.expect("it is");
            let held = held_for(&server);
            let task = Arc::new(Task::default());
            held.recipient().sleep(&Waker::from(task.clone()));
            Self { held, server, client, task }
        }

        /// All that the client gets.
        async fn taken(self) -> Vec<u8> {
            drop((self.held, self.server));
            let (mut taken, mut client) = (Vec::new(), self.client);
            client.read_to_end(&mut taken).await.expect("all");
            taken
        }
    }

    fn held_for(server: &Arc<TcpStream>) -> HeldRequest {
        let make: Make = Box::new(|file, _held| {
            let mut batch = Batch::with_head(b"HEAD\r\n\r\n".to_vec());
            batch.push(file.whole()?);
            Some(Reply { batch, growth: None })
        });
        HeldRequest::of(server.clone(), Arc::default(), Instant::now(), make)
    }

    fn file(bytes: Bytes) -> Arc<File> {
        let shown = (SystemTime::UNIX_EPOCH, Stamp::default());
        let library = Library::new(1 << 30, 9);
        library.publish(crate::live::MediaPath::at_root("1.m4s"), None, bytes, shown, None)
    }

    #[tokio::test]
    async fn holding_ends_in_the_thread_that_brings_the_file() {
        let mut case = Case::new().await;
        let recipient = case.held.recipient();
        recipient.give(&file(Bytes::from_static(b"bytes")));
        let mut taken = [0; 13];
        case.client.read_exact(&mut taken).await.expect("it came while the task slept");
        assert_eq!(&taken, b"HEAD\r\n\r\nbytes");
        assert!(!case.task.is_woken());
        recipient.wake();
        assert!(case.task.is_woken());
        // Another one comes before the task is awake.
        recipient.give(&file(Bytes::from_static(b"more")));
        assert!(!recipient.sleep(Waker::noop()), "there is nothing to wait for");
        let begun = case.held.decide().expect("it is begun");
        assert_eq!(begun.started.sent.map(|(bytes, _)| bytes), Some(5));
        assert!(begun.started.left.batch.is_done());
        drop((recipient, case.server));
        assert_eq!(case.client.read(&mut taken).await.expect("an end"), 0, "once");
    }

    #[tokio::test]
    async fn holding_that_is_over_is_not_answered_by_another_thread() {
        for is_dropped in [false, true] {
            let Case { held, server, client, task } = Case::new().await;
            let recipient = held.recipient();
            if is_dropped {
                drop(held);
            } else {
                assert!(held.decide().is_none(), "nothing has come");
            }
            recipient.give(&file(Bytes::from_static(b"bytes")));
            let held = held_for(&server);
            assert_eq!(Case { held, server, client, task }.taken().await, b"", "{is_dropped}");
        }
    }

    #[tokio::test]
    async fn holding_what_the_socket_does_not_take_is_left_to_the_task() {
        let Case { held, server, client, task } = Case::new().await;
        let large = file(Bytes::from(vec![b'x'; 32 << 20]));
        held.recipient().give(&large);
        let begun = held.decide().expect("it is begun");
        let (sent, left) = (begun.started.sent.expect("some").0, begun.started.left.batch);
        let rest: usize = left.rest(|slices| slices.iter().map(|slice| slice.len()).sum());
        assert_eq!(sent + rest, 32 << 20);
        assert_eq!(b"HEAD\r\n\r\n".len() + sent, FIRST_BYTES, "then others have their turn");
        // Now it takes nothing at all.
        let mut filled = 0;
        while let Ok(written) = server.try_write(&[b'x'; 1 << 16]) {
            filled += written;
        }
        let case = Case { held: held_for(&server), server, client, task };
        case.held.recipient().give(&large);
        assert!(!case.held.is_begun());
        assert_eq!(case.taken().await.len(), FIRST_BYTES + filled);
    }
}
