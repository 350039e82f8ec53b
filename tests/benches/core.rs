//! The core without sockets: growing files and their followers, waiting, names, ends of files, and
//! a whole request as far as it needs no connection.

use actix_web::{
    body::to_bytes,
    dev::{ServiceResponse, fn_service},
    http::header,
    test::{TestRequest, init_service},
};
use bytes::Bytes;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lldash::{
    folder::{self, Folder, Watch},
    hls::{self, Presentations},
    http::{self, Board, Holds, Origins, Site},
    live::{
        Container, Follower, Library, MediaPath, Patience, Stamp, Step, Tail, Target, Wait, Writer,
    },
    manifest::{Manifests, Settings},
    metrics::{Count, Metrics},
    shutdown,
};
use std::{
    fs,
    future::Future,
    hint::black_box,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant, SystemTime},
};

const CROWDS: [usize; 3] = [1, 100, 1000];
const CHUNK_BYTES: usize = 8 * 1024;
/// More than any bench fills.
const MEMORY_BYTES: u64 = 1 << 40;

fn path(number: usize) -> MediaPath {
    match Target::from_url(&format!("/live/chunk-{number}.m4s")) {
        Ok(Target::File(path)) => path,
        other => panic!("no file but {other:?}"),
    }
}

fn chunk() -> Bytes {
    Bytes::from(vec![7; CHUNK_BYTES])
}

/// Reads all that is there; how many bytes.
fn drain(follower: &mut Follower) -> usize {
    let mut context = Context::from_waker(Waker::noop());
    let mut bytes = 0;
    while let Poll::Ready(Step::Bytes(piece)) = follower.poll_next(&mut context) {
        bytes += piece.len();
    }
    bytes
}

/// A chunk is appended, and each of many followers takes it and waits for the next.
fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append a chunk");
    for crowd in CROWDS {
        group.throughput(Throughput::Elements(crowd as u64));
        group.bench_function(BenchmarkId::from_parameter(crowd), |bencher| {
            let (library, chunk) = (Library::new(MEMORY_BYTES, crowd), chunk());
            let begin = || -> (Writer, Vec<Follower>) {
                let writer = library.begin(path(0), None, chunk.clone());
                let follow = |_| writer.file().follow(0..u64::MAX);
                let mut followers: Vec<_> = (0..crowd).map(follow).collect();
                followers.iter_mut().for_each(|follower| {
                    drain(follower);
                });
                (writer, followers)
            };
            let step = |(writer, followers): &mut (Writer, Vec<Follower>)| {
                writer.append(chunk.clone());
                followers.iter_mut().map(drain).sum::<usize>()
            };
            bencher.iter_batched_ref(begin, step, BatchSize::SmallInput);
        });
    }
    group.finish();
}

type Waiting = Pin<Box<dyn Future<Output = ()>>>;

/// Somebody who waits, and has been polled once.
fn wait(library: &Arc<Library>, path: MediaPath) -> Waiting {
    let mut wait: Wait = library.wait(path).expect("room");
    let mut waiting: Waiting = Box::pin(async move {
        wait.until(|_| true).await;
    });
    let pending = waiting.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(pending.is_pending());
    waiting
}

fn publish(library: &Arc<Library>, number: usize, bytes: &Bytes) {
    let state = (SystemTime::UNIX_EPOCH, Stamp::default());
    library.publish(path(number), None, bytes.clone(), state, None);
}

/// Many wait for one name, or each for its own, and one file comes.
fn appear(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a file appears");
    for (name, spread) in [("to all", 0), ("to one of", 1)] {
        for crowd in CROWDS {
            group.bench_function(BenchmarkId::new(name, crowd), |bencher| {
                let bytes = chunk();
                let begin = || {
                    let library = Library::new(MEMORY_BYTES, crowd);
                    let waiting = (0..crowd).map(|at| wait(&library, path(at * spread)));
                    let waiting: Vec<_> = waiting.collect();
                    (library, waiting)
                };
                let step = |(library, waiting): &mut (Arc<Library>, Vec<Waiting>)| {
                    publish(library, 0, &bytes);
                    let mut context = Context::from_waker(Waker::noop());
                    let woken = if spread == 0 { crowd } else { 1 };
                    for waiting in &mut waiting[..woken] {
                        assert!(waiting.as_mut().poll(&mut context).is_ready());
                    }
                };
                bencher.iter_batched_ref(begin, step, BatchSize::SmallInput);
            });
        }
    }
    group.finish();
}

fn names(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a name");
    for url in ["/live/video/chunk-stream0-00042.m4s", "/a%20b/caf%C3%A9/1.m4s", "/a/../b"] {
        group.bench_function(url, |bencher| bencher.iter(|| Target::from_url(black_box(url))));
    }
    group.finish();
}

fn tails(criterion: &mut Criterion) {
    let fragment = [(b"moof", 100_u32), (b"mdat", 4096)].map(|(kind, bytes)| {
        let size = bytes.to_be_bytes();
        [&size[..], kind, &vec![0; bytes as usize - 8]].concat()
    });
    let segment = fragment.concat().repeat(256);
    let mut group = criterion.benchmark_group("the end of a segment");
    group.throughput(Throughput::Bytes(segment.len() as u64));
    for step in [188, CHUNK_BYTES, segment.len()] {
        group.bench_function(BenchmarkId::from_parameter(step), |bencher| {
            bencher.iter(|| {
                let mut tail = Tail::new(Container::Boxes);
                segment.chunks(step).for_each(|piece| tail.push(piece));
                tail.is_whole()
            });
        });
    }
    group.finish();
}

fn site(folder: &std::path::Path) -> Arc<Site> {
    let library = Library::new(MEMORY_BYTES, 10);
    let second = Duration::from_secs(1);
    let config = folder::Config {
        folder: folder.to_owned(),
        allowed_links: Vec::new(),
        watch: Watch::Auto,
        poll_interval: second,
        stall_timeout: second,
        idle_finish: second,
        uploads: None,
    };
    let folder = Arc::new(Folder::start(&config, library.clone()).expect("a folder"));
    let files = Arc::new(http::hls::Disk { folder: folder.clone(), demand: Arc::default() });
    let patience =
        Patience { max_wait: second, default_wait: Duration::ZERO, extensions: Vec::new() };
    let (trigger, shutdown) = shutdown::channel();
    // Dropped, it would stop the site.
    std::mem::forget(trigger);
    let settings = Settings { is_on: true, public_url: None, replaces_clock: false };
    Arc::new(Site {
        demand: Arc::default(),
        manifests: Manifests::new(settings, &library),
        time_displacement: Duration::ZERO,
        hls: Presentations::new(library.clone(), files, hls::Settings { part: second }),
        library,
        folder,
        ingest: None,
        patience,
        holds: Holds::new(None),
        segment_caching: lldash::http::max_age(second),
        origins: Origins::Any,
        viewers: None,
        metrics: Arc::default(),
        board: Board::new(),
        shutdown,
    })
}

/// From a request's head to the last byte of its body: a finished file of 4 KiB in memory.
fn requests(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(
        folder.path().join("x.m4s"),
        [[0, 0, 16, 0, 102, 114, 101, 101].as_slice(), &[0; 4088]].concat(),
    )
    .expect("written");
    let system = actix_web::rt::System::new();
    let site = system.block_on(async { site(folder.path()) });
    let entry = fn_service(move |request| http::entry(site.clone(), request));
    let service = system.block_on(init_service(actix_web::App::new().default_service(entry)));
    let ask = |head: Option<(header::HeaderName, &str)>| {
        let mut request = TestRequest::get().uri("/x.m4s");
        if let Some(head) = head {
            request = request.insert_header(head);
        }
        let request = request.to_request();
        system.block_on(async {
            let response: ServiceResponse = actix_web::test::call_service(&service, request).await;
            let tag = response.headers().get(header::ETAG).cloned();
            let status = response.status().as_u16();
            let body = to_bytes(response.into_body()).await.expect("a body");
            (status, body.len(), tag)
        })
    };
    let (_, _, tag) = ask(None);
    let tag = tag.expect("a tag");
    let tag = tag.to_str().expect("text");
    let heads = [
        ("a whole file", None, 200),
        ("a range", Some((header::RANGE, "bytes=100-199")), 206),
        ("not modified", Some((header::IF_NONE_MATCH, tag)), 304),
    ];
    let mut group = criterion.benchmark_group("a request for");
    for (name, head, status) in heads {
        group.bench_function(name, |bencher| {
            bencher.iter(|| assert_eq!(ask(head.clone()).0, status));
        });
    }
    group.finish();
}

/// What is counted of each request, all of it.
fn count(criterion: &mut Criterion) {
    let metrics = Metrics::default();
    criterion.bench_function("counting a request", |bencher| {
        bencher.iter(|| {
            let since = Instant::now();
            metrics.request(black_box("GET"), black_box(200));
            metrics.first_byte(since.elapsed());
            metrics.add(Count::SentBytes, black_box(4096));
        });
    });
}

criterion_group!(benches, append, appear, names, tails, requests, count);
criterion_main!(benches);
