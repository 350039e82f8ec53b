//! Requests that wait for files which are not there.

use super::{
    Outcome,
    client::{Crowd, SAFETY},
    reply::Framing,
    servers::Server,
    stage::{Stage, segment},
};
use std::time::{Duration, Instant};

/// How many wait, for what, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub clients: usize,
    pub names: usize,
    /// What each asks for with `X-Wait-Timeout`.
    pub wait: Duration,
    /// How long nothing happens while CPU time is measured.
    pub idle: Duration,
}

/// What a round has shown.
pub struct Held {
    /// Resident memory for each client with its connection, in KiB.
    pub memory: f64,
    /// CPU time while nothing happens, in milliseconds a second.
    pub idle: f64,
    /// CPU time when one file appears, in milliseconds.
    pub appear: f64,
    /// How late each 404 came, in milliseconds.
    pub lateness: Vec<f64>,
}

const FILE_BYTES: usize = 8 * 1024;
/// So many ask at once, and the next ones so much later: what is measured is how late time-outs
/// are, not how long a queue of requests is.
const BATCH: (usize, Duration) = (25, Duration::from_millis(5));

/// lldash only: no other server of the table holds requests.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub fn measure(plan: &Plan) -> Outcome<Held> {
    let stage = Stage::new()?;
    let server = Server::lldash(&stage, &[])?;
    warm(&stage, &server)?;
    let empty = server.resident()?;
    let mut crowd = Crowd::connect(&server, plan.clients, Framing::Http)?;
    let mut stamps = Vec::with_capacity(plan.clients);
    let headers = format!("X-Wait-Timeout: {}\r\n", plan.wait.as_millis());
    crowd.settle(&server, &[])?;
    for client in 0..plan.clients {
        stamps.push(Instant::now());
        crowd.request(client, &name(client % plan.names), &headers)?;
        if client % BATCH.0 == 0 {
            crowd.step(Instant::now() + BATCH.1, &[], &mut |_| ())?;
        }
    }
    crowd.receive(Instant::now() + plan.idle / 4, &[], |_| ())?;
    crowd.settle(&server, &[])?;
    let full = server.resident()?;
    let before = server.cpu()?;
    let until = Instant::now() + plan.idle;
    crowd.receive(until, &[], |_| ())?;
    let idle = server.cpu()? - before;
    if crowd.pending() != plan.clients || Instant::now() > stamps[0] + plan.wait / 2 {
        return Err("lldash: this machine is too slow to hold so many for so short".into());
    }
    let appear = appear(&stage, &server, &mut crowd, plan)?;
    let lateness = time_outs(&mut crowd, plan, &stamps)?;
    Ok(Held {
        memory: full.saturating_sub(empty) as f64 / 1024.0 / plan.clients as f64,
        idle: idle.as_secs_f64() * 1e3 / plan.idle.as_secs_f64(),
        appear: appear.as_secs_f64() * 1e3,
        lateness,
    })
}

fn name(number: usize) -> String {
    format!("/held-{number}.m4s")
}

/// One request, so that what the server makes once is not counted for the clients.
fn warm(stage: &Stage, server: &Server) -> Outcome<()> {
    let bytes = segment(FILE_BYTES, 1);
    stage.rename_in("warm.m4s", &bytes)?;
    let mut crowd = Crowd::connect(server, 1, Framing::Http)?;
    crowd.request_all("/warm.m4s")?;
    crowd.finish(&bytes, "the first reply", |_| ())?;
    crowd.settle(server, &[])
}

/// One file appears: its clients get it, and nobody else gets anything. Answers the CPU time.
fn appear(stage: &Stage, server: &Server, crowd: &mut Crowd, plan: &Plan) -> Outcome<Duration> {
    let bytes = segment(FILE_BYTES, 2);
    let before = server.cpu()?;
    stage.rename_in(&name(0)[1..], &bytes)?;
    let waiting = (0..plan.clients).filter(|client| client % plan.names == 0).count();
    let limit = Instant::now() + SAFETY;
    let mut others = 0;
    while crowd.pending() > plan.clients - waiting && Instant::now() < limit {
        crowd.step(limit, &bytes, &mut |received| {
            others += usize::from(received.client % plan.names != 0);
        })?;
    }
    crowd.settle(server, &bytes)?;
    if others > 0 || crowd.pending() != plan.clients - waiting {
        return Err("lldash: a file answered others than those who wait for it".into());
    }
    Ok(server.cpu()? - before)
}

/// All others get their 404; answers how late, in milliseconds.
fn time_outs(crowd: &mut Crowd, plan: &Plan, stamps: &[Instant]) -> Outcome<Vec<f64>> {
    let mut lateness = Vec::with_capacity(stamps.len());
    let mut others = 0;
    crowd.finish(&[], "their time-out", |received| {
        let due = stamps[received.client] + plan.wait;
        let late = received.at.saturating_duration_since(due);
        // A time-out that comes too early is as wrong as one that comes late.
        let early = due.saturating_duration_since(received.at);
        others += usize::from(received.reply.status != 404);
        if received.reply.is_done {
            lateness.push(late.max(early).as_secs_f64() * 1e3);
        }
    })?;
    match others {
        0 => Ok(lateness),
        _ => Err(format!("lldash: {others} clients got another answer than 404").into()),
    }
}
