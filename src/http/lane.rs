//! The short way of a growing file's bytes: the thread that brings them writes them to the
//! client's socket, and the connection's task goes on sleeping.
//!
//! ```text
//! live::File ──take──▶ Lane ──writev──▶ socket
//!                       │ what the socket did not take
//!                       ▼
//!                 the task, woken, goes on
//! ```
//!
//! One of them writes at a time: the task opens the lane when it has written all that there was
//! and goes to sleep, and halts it first of all when it wakes up.

use super::{access_log::Chunks, batch::Batch};
use crate::{
    live::Tap,
    metrics::{Count, Metrics},
};
use actix_web::rt::net::TcpStream;
use bytes::Bytes;
use std::{
    cell::OnceCell,
    rc::Rc,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Waker},
    time::Instant,
};

/// A response's lane.
pub(super) struct Lane {
    metrics: Arc<Metrics>,
    /// Where the log tells of each chunk.
    chunks: Option<Chunks>,
    state: Mutex<State>,
}

struct State {
    /// Until the response is over: then the socket may be closed.
    stream: Option<Arc<TcpStream>>,
    /// The task sleeps, and is to be woken by this.
    sleeper: Option<Waker>,
    /// The file will offer what comes.
    is_enrolled: bool,
    /// More came while the task was awake.
    has_missed: bool,
    /// The body waits for more than the file has: the last that it did was to enroll.
    is_at_end: bool,
    /// How far the file has been read.
    position: u64,
    /// What was written of the body since the task last asked, in bytes.
    sent: usize,
    /// What is being written.
    batch: Batch,
}

/// What the lane has done while the task slept.
pub(super) struct Progress {
    /// So much of the body has been written, in bytes.
    pub(super) sent: usize,
    /// What the socket did not take.
    pub(super) left: Option<Batch>,
}

/// Where a body finds the lane of its response, once there is one.
#[derive(Clone, Default)]
pub(super) struct Junction(Rc<OnceCell<Arc<Lane>>>);

impl Junction {
    /// From now on the body's bytes may go this way.
    pub(super) fn open(
        &self,
        outlet: Arc<TcpStream>,
        metrics: &Arc<Metrics>,
        chunks: Option<Chunks>,
    ) -> Arc<Lane> {
        self.0.get_or_init(|| Lane::new(outlet, metrics.clone(), chunks)).clone()
    }

    pub(super) fn lane(&self) -> Option<&Arc<Lane>> {
        self.0.get()
    }
}

impl Lane {
    fn new(stream: Arc<TcpStream>, metrics: Arc<Metrics>, chunks: Option<Chunks>) -> Arc<Self> {
        let state = State {
            stream: Some(stream),
            sleeper: None,
            is_enrolled: false,
            has_missed: false,
            is_at_end: false,
            position: 0,
            sent: 0,
            batch: Batch::default(),
        };
        Arc::new(Self { metrics, chunks, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete before anything could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The task is awake: nothing goes this way now.
    pub(super) fn halt(&self) -> Progress {
        let mut state = self.state();
        (state.sleeper, state.is_at_end) = (None, false);
        let left = (!state.batch.is_done()).then(|| std::mem::take(&mut state.batch));
        Progress { sent: std::mem::take(&mut state.sent), left }
    }

    /// The task goes to sleep, with nothing left to be written.
    pub(super) fn open(&self, cx: &Context<'_>) {
        let mut state = self.state();
        if std::mem::take(&mut state.has_missed) {
            cx.waker().wake_by_ref();
        }
        // One that waits for the disk reads on for itself.
        let is_waiting = state.is_enrolled && state.is_at_end;
        state.sleeper = is_waiting.then(|| cx.waker().clone());
    }

    /// The response is over.
    pub(super) fn close(&self) {
        let mut state = self.state();
        (state.stream, state.sleeper) = (None, None);
        // The file may keep the lane until it grows again.
        state.batch.clear();
    }

    /// How far the file has been read this way.
    pub(super) fn position(&self) -> u64 {
        self.state().position
    }
}

impl State {
    /// Writes a chunk; answers how much of the body was written.
    fn write(&mut self, bytes: &Bytes) -> usize {
        let Some(stream) = &self.stream else { return 0 };
        self.batch.clear();
        self.batch.push(bytes.clone());
        self.batch.close_chunk(false);
        self.position += bytes.len() as u64;
        // What fails here fails for the task again, which ends the connection.
        let written = self.batch.rest(|slices| stream.try_write_vectored(slices)).unwrap_or(0);
        self.batch.wrote(written)
    }

    fn wake(&mut self) {
        self.is_enrolled = false;
        match self.sleeper.take() {
            Some(sleeper) => sleeper.wake(),
            None => self.has_missed = true,
        }
    }
}

impl Tap for Lane {
    fn enroll(&self, position: u64) -> bool {
        let mut state = self.state();
        state.position = position;
        (state.has_missed, state.is_at_end) = (false, true);
        !std::mem::replace(&mut state.is_enrolled, true)
    }

    fn take(&self, position: u64, bytes: &Bytes) -> bool {
        let mut state = self.state();
        if state.sleeper.is_none() || state.position != position {
            state.wake();
            return false;
        }
        let sent = state.write(bytes);
        state.sent += sent;
        self.metrics.add(Count::SentBytes, sent as u64);
        self.chunks.iter().for_each(|chunks| chunks.sent(position, sent, Instant::now()));
        let is_done = state.batch.is_done();
        if !is_done {
            state.wake();
        }
        is_done
    }

    fn wake(&self) {
        self.state().wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::sleeper::Task;
    use tokio::{io::AsyncReadExt, net::TcpListener};

    async fn lane() -> (Arc<Lane>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let client = TcpStream::connect(address).await.expect("a connection");
        let (stream, _) = listener.accept().await.expect("a connection");
        (Lane::new(Arc::new(stream), Arc::default(), None), client)
    }

    #[tokio::test]
    async fn growing_what_comes_before_the_task_sleeps_wakes_it() {
        let (lane, mut client) = lane().await;
        let task = Arc::new(Task::default());
        let waker = Waker::from(task.clone());
        let cx = Context::from_waker(&waker);
        assert!(lane.enroll(0), "it was not known");
        assert!(!lane.enroll(0), "it is");
        assert!(!lane.take(0, &Bytes::from_static(b"a")), "the task is still awake");
        lane.open(&cx);
        assert!(task.is_woken());
        // It has read that for itself.
        assert!(lane.enroll(1));
        lane.open(&cx);
        assert!(!task.is_woken());
        assert!(lane.take(1, &Bytes::from_static(b"bc")));
        assert_eq!((task.is_woken(), lane.position(), lane.halt().sent), (false, 3, 2));
        let mut chunk = [0; 7];
        client.read_exact(&mut chunk).await.expect("it came");
        assert_eq!(&chunk, b"2\r\nbc\r\n");
    }

    #[tokio::test]
    async fn growing_a_task_that_waits_for_the_disk_is_given_nothing() {
        let (lane, _client) = lane().await;
        let task = Arc::new(Task::default());
        let waker = Waker::from(task.clone());
        let cx = Context::from_waker(&waker);
        assert!(lane.enroll(0));
        lane.open(&cx);
        lane.halt();
        // It was awake, and does not wait for the file now.
        lane.open(&cx);
        assert!(!lane.take(0, &Bytes::from_static(b"a")), "it reads that for itself");
        lane.halt();
        lane.open(&cx);
        assert!(task.is_woken(), "once");
        lane.open(&cx);
        assert!(!task.is_woken(), "not again and again");
    }

    #[tokio::test]
    async fn growing_what_the_socket_does_not_take_is_left_to_the_task() {
        let (lane, mut client) = lane().await;
        let task = Arc::new(Task::default());
        let waker = Waker::from(task.clone());
        let bytes = Bytes::from(vec![b'x'; 1 << 20]);
        assert!(lane.enroll(0));
        lane.open(&Context::from_waker(&waker));
        while lane.take(lane.position(), &bytes) {}
        assert!(task.is_woken());
        let (position, Progress { sent, left }) = (lane.position(), lane.halt());
        let chunks = usize::try_from(position).expect("few") >> 20;
        let rest: usize =
            left.expect("there is some").rest(|slices| slices.iter().map(|it| it.len()).sum());
        lane.close();
        drop(lane);
        let mut taken = Vec::new();
        client.read_to_end(&mut taken).await.expect("all");
        let framed = b"100000\r\n".len() + bytes.len() + b"\r\n".len();
        assert_eq!(taken.len() + rest, chunks * framed);
        assert!(sent <= taken.len() && sent > taken.len() - chunks * 10 - 10);
    }
}
