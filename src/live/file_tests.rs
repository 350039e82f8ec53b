//! One writer, many followers: the contract's heading "Growing files", without disk or sockets.

use super::*;
use crate::live::{Follower, Library, Stamp, Step};
use futures::{FutureExt, future::poll_fn};
use std::io;
use std::time::SystemTime;

const MODIFIED: SystemTime = SystemTime::UNIX_EPOCH;

fn path() -> MediaPath {
    MediaPath::at_root("1.m4s")
}

/// What a disk would hold: shared, so that a test can write it again.
struct Disk(Mutex<Vec<u8>>);

impl Source for Disk {
    fn read_at(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let bytes = self.0.lock().expect("not poisoned");
        bytes
            .get(start..start + length)
            .map(Bytes::copy_from_slice)
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

async fn next(follower: &mut Follower) -> Step {
    poll_fn(|cx| follower.poll_next(cx)).await
}

async fn text(follower: &mut Follower) -> String {
    let bytes = match next(follower).await {
        Step::Bytes(bytes) => bytes,
        Step::Stored(stored) => match stored.read() {
            Ok(bytes) => bytes,
            Err(error) => return error.to_string(),
        },
        step => return format!("{step:?}"),
    };
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn growing_a_late_client_gets_what_is_there_then_follows() {
    let library = Library::new(1 << 20, 10);
    let mut writer = library.begin(path(), None, Bytes::from_static(b"one"));
    let file = library.current(&path()).expect("it has begun");
    let mut early = file.follow(0..u64::MAX);
    assert_eq!(text(&mut early).await, "one");
    assert!(text(&mut early).now_or_never().is_none(), "nothing new yet");
    writer.append(Bytes::from_static(b"two"));
    let mut late = file.follow(1..5);
    assert_eq!(text(&mut early).await, "two");
    assert_eq!(text(&mut late).await, "netw", "short pieces are laid together");
    assert_eq!(text(&mut late).await, "End");
    writer.finish(MODIFIED, Stamp::default());
    assert_eq!(text(&mut early).await, "End");
    assert_eq!(file.whole(), Some(Bytes::from_static(b"onetwo")));
}

#[tokio::test]
async fn growing_without_a_finish_is_cut() {
    let library = Library::new(1 << 20, 10);
    let writer = library.begin(path(), None, Bytes::from_static(b"one"));
    let mut follower = writer.file().follow(0..u64::MAX);
    drop(writer);
    assert_eq!(text(&mut follower).await, "one");
    assert_eq!(text(&mut follower).await, "Cut");
}

#[tokio::test]
async fn growing_wakes_every_follower_and_forgets_those_that_left() {
    let library = Library::new(1 << 20, 10);
    let mut writer = library.begin(path(), None, Bytes::from_static(b"x"));
    let file = writer.file().clone();
    let follow = |file: Arc<File>| async move {
        let mut follower = file.follow(1..u64::MAX);
        text(&mut follower).await
    };
    let left = tokio::spawn(follow(file.clone()));
    let waiting: Vec<_> = (0..50).map(|_| tokio::spawn(follow(file.clone()))).collect();
    tokio::task::yield_now().await;
    left.abort();
    writer.append(Bytes::from_static(b"y"));
    for task in waiting {
        assert_eq!(task.await.expect("it ran"), "y");
    }
}

#[tokio::test]
async fn growing_reached_tells_the_end_too() {
    let library = Library::new(1 << 20, 10);
    let mut writer = library.begin(path(), None, Bytes::from_static(b"abc"));
    let file = writer.file().clone();
    assert_eq!(file.reached(3).now_or_never(), Some(Phase::Growing));
    assert_eq!(file.reached(4).now_or_never(), None);
    writer.append(Bytes::from_static(b"d"));
    assert_eq!(file.reached(4).now_or_never(), Some(Phase::Growing));
    writer.finish(MODIFIED, Stamp::default());
    assert_eq!(file.reached(99).now_or_never(), Some(Phase::Finished));
}

#[tokio::test]
async fn limits_memory_beyond_it_is_read_from_disk() {
    let library = Library::new(40_000, 10);
    let disk = Arc::new(Disk(Mutex::new([[b'a'; 9000], [b'b'; 9000]].concat())));
    let first = Bytes::from(vec![b'a'; 9000]);
    let mut writer = library.begin(path(), Some(disk.clone()), first);
    let mut follower = writer.file().follow(0..u64::MAX);
    writer.append(Bytes::from(vec![b'b'; 9000]));
    assert!(matches!(next(&mut follower).await, Step::Stored(_)), "a share of the limit is passed");
    assert_eq!(text(&mut follower).await, "b".repeat(9000), "the newest stays");
    let mut late = writer.file().follow(8999..9001);
    assert_eq!(text(&mut late).await, "a");
    assert_eq!(text(&mut late).await, "b");
}

#[tokio::test]
async fn growing_no_reply_mixes_two_generations() {
    let library = Library::new(0, 10);
    let old = Bytes::from(vec![b'o'; 9000]);
    let disk = Arc::new(Disk(Mutex::new(old.to_vec())));
    let mut writer = library.begin(path(), Some(disk.clone()), old.clone());
    writer.append(old);
    let mut follower = writer.file().follow(0..u64::MAX);
    disk.0.lock().expect("not poisoned")[99] = b'n';
    assert_eq!(text(&mut follower).await, "the file was written again");
}

#[test]
fn limits_memory_of_files_that_are_gone_is_given_back() {
    let library = Library::new(1 << 20, 10);
    let stamped = (MODIFIED, Stamp::default());
    let file = library.publish(path(), None, Bytes::from(vec![0; 5000]), stamped, None);
    assert!(library.memory_bytes() >= 5000);
    library.forget(&path());
    assert!(library.memory_bytes() >= 5000, "a reply still has it");
    drop(file);
    assert_eq!(library.memory_bytes(), 0);
}
