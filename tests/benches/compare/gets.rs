//! Finished files, asked for again and again on connections that are kept.

use super::{
    Outcome,
    client::Crowd,
    process,
    reply::Framing,
    servers::{Kind, Server},
    stage::{Stage, segment},
};
use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Connections in all, in this many threads.
const CLIENTS: usize = 64;
const THREADS: usize = 2;
const PATH: &str = "/file.m4s";

/// What a round has shown.
pub struct Got {
    /// Requests per second.
    pub rate: f64,
    /// The server's CPU seconds for each GB (10^9 bytes) of bodies.
    pub cpu: f64,
}

/// Asks for a file of so many bytes for so long; with `options` for lldash.
pub fn measure(kind: Kind, bytes: usize, time: Duration, options: &[&str]) -> Outcome<Got> {
    let stage = Stage::new()?;
    let content = segment(bytes, 0);
    stage.rename_in(&PATH[1..], &content)?;
    let server = match kind {
        Kind::Floor => Server::floor_get(&stage, CLIENTS, bytes)?,
        Kind::Nginx => Server::nginx(&stage)?,
        Kind::ActixFiles => Server::actix_files(&stage)?,
        Kind::Lldash => Server::lldash(&stage, options)?,
    };
    let run = Run {
        count: AtomicU64::new(0),
        is_over: AtomicBool::new(false),
        is_warm: Barrier::new(THREADS + 1),
        content: &content,
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| run.ask(&server))).collect();
        let got = run.watch(&server, time);
        run.is_over.store(true, Ordering::Relaxed);
        // What a client says comes first: it tells why there is nothing to count.
        for thread in threads {
            thread.join().map_err(|_| "a client has failed")??;
        }
        got
    })
}

struct Run<'a> {
    /// Replies that came whole.
    count: AtomicU64,
    is_over: AtomicBool,
    /// Each client has had its first reply.
    is_warm: Barrier,
    content: &'a [u8],
}

impl Run<'_> {
    /// What one thread's clients do until it is over.
    fn ask(&self, server: &Server) -> Outcome<()> {
        let warm = self.warm(server);
        // Waits with the others whatever came of it: they would wait for ever.
        self.is_warm.wait();
        let mut crowd = warm?;
        crowd.request_all(PATH)?;
        let mut done = Vec::new();
        while !self.is_over.load(Ordering::Relaxed) {
            let until = Instant::now() + Duration::from_millis(100);
            crowd.step(until, self.content, &mut |received| {
                if received.reply.is_done {
                    done.push((received.client, received.reply.status));
                }
            })?;
            self.count.fetch_add(done.len() as u64, Ordering::Relaxed);
            for (client, status) in done.drain(..) {
                if status != 200 {
                    return Err(format!("status {status} for {PATH}").into());
                }
                crowd.request(client, PATH, "")?;
            }
        }
        Ok(())
    }

    /// One thread's clients, each of which has had a reply.
    fn warm(&self, server: &Server) -> Outcome<Crowd> {
        let mut crowd = Crowd::connect(server, CLIENTS / THREADS, Framing::Http)?;
        crowd.request_all(PATH)?;
        crowd.finish(self.content, "the first reply", |_| ())?;
        Ok(crowd)
    }

    /// Counts for so long.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn watch(&self, server: &Server, time: Duration) -> Outcome<Got> {
        self.is_warm.wait();
        let look = || -> Outcome<_> {
            Ok((Instant::now(), server.cpu()?, self.count.load(Ordering::Relaxed)))
        };
        let (began, cpu, count) = look()?;
        process::pass(time)?;
        let (ended, cpu, count) = {
            let now = look()?;
            (now.0, now.1 - cpu, (now.2 - count) as f64)
        };
        if count == 0.0 {
            return Err(format!("{}: no reply in {time:?}", server.kind.name()).into());
        }
        let gigabytes = count * self.content.len() as f64 / 1e9;
        Ok(Got { rate: count / (ended - began).as_secs_f64(), cpu: cpu.as_secs_f64() / gigabytes })
    }
}
