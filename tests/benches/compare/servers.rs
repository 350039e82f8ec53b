//! The servers: started, asked what they use, killed.

use super::{Outcome, process, stage::Stage};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The least that any server must do.
    Floor,
    /// nginx, as it is shipped but for the folder, the port and two workers.
    Nginx,
    /// `actix_files::Files` and nothing else.
    ActixFiles,
    /// lldash with its default options.
    Lldash,
}

impl Kind {
    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Nginx => "nginx",
            Self::ActixFiles => "actix-files",
            Self::Lldash => "lldash",
        }
    }
}

/// A running server. Dropping it kills it.
pub struct Server {
    pub address: SocketAddr,
    pub kind: Kind,
    child: Child,
    /// All of its processes.
    pids: Vec<u32>,
}

/// Nothing here takes so long: a safety net, not a measure.
const START: Duration = Duration::from_secs(15);

impl Server {
    /// The floor that sends what is new in the folder to so many clients.
    pub fn floor_push(stage: &Stage, clients: usize) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("floor-push").arg(clients.to_string()).arg(stage.served());
        Self::announced(Kind::Floor, command, stage)
    }

    /// The floor that sends what its first client sends to so many others.
    pub fn floor_relay(stage: &Stage, clients: usize) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("floor-relay").arg(clients.to_string());
        Self::announced(Kind::Floor, command, stage)
    }

    /// The floor that answers each request of so many clients with so many bytes.
    pub fn floor_get(stage: &Stage, clients: usize, bytes: usize) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("floor-get").arg(clients.to_string()).arg(bytes.to_string());
        Self::announced(Kind::Floor, command, stage)
    }

    /// The plain actix-files server.
    pub fn actix_files(stage: &Stage) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("actix-files").arg(stage.served());
        Self::announced(Kind::ActixFiles, command, stage)
    }

    /// lldash with these options beside its defaults.
    pub fn lldash(stage: &Stage, options: &[&str]) -> Outcome<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lldash"));
        command.args(["-p", "0"]).args(options).arg(stage.served());
        command.env_remove("RUST_LOG");
        Self::announced(Kind::Lldash, command, stage)
    }

    /// nginx with two workers.
    pub fn nginx(stage: &Stage) -> Outcome<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let (config, log) = (stage.path("nginx.conf"), stage.path("log"));
        fs::write(&config, nginx_config(stage, port))?;
        let mut command = Command::new("nginx");
        command.arg("-p").arg(stage.path("")).arg("-c").arg(config).arg("-e").arg(log);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = spawn(Kind::Nginx, command)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let limit = Instant::now() + START;
        while TcpStream::connect(address).is_err() {
            if child.try_wait()?.is_some() || Instant::now() > limit {
                let _ = child.kill();
                return Err(failure(Kind::Nginx, stage));
            }
            process::pass(Duration::from_millis(10))?;
        }
        Self::new(Kind::Nginx, child, address)
    }

    /// A server that prints its URL as its first line when it takes connections.
    fn announced(kind: Kind, mut command: Command, stage: &Stage) -> Outcome<Self> {
        let log = File::create(stage.path("log"))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = spawn(kind, command)?;
        let mut line = String::new();
        if let Some(output) = &mut child.stdout {
            let limit = Timespec::try_from(START)?;
            poll(&mut [PollFd::new(output, PollFlags::IN)], Some(&limit))?;
            BufReader::new(output).read_line(&mut line)?;
        }
        let url = line.trim().trim_start_matches("http://").trim_end_matches('/');
        match url.parse() {
            Ok(address) => Self::new(kind, child, address),
            Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(failure(kind, stage))
            }
        }
    }

    fn new(kind: Kind, child: Child, address: SocketAddr) -> Outcome<Self> {
        let mut server = Self { address, kind, pids: vec![child.id()], child };
        server.pids.extend(process::children(server.child.id())?);
        Ok(server)
    }

    /// The CPU time of all of its processes.
    pub fn cpu(&self) -> Outcome<Duration> {
        self.pids.iter().map(|pid| process::cpu(*pid)).sum()
    }

    /// The resident memory of all of its processes, in bytes.
    pub fn resident(&self) -> Outcome<u64> {
        self.pids.iter().map(|pid| process::resident(*pid)).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // nginx's workers go with their master only when it is asked, not when it is killed.
        if self.kind == Kind::Nginx
            && let Some(pid) = rustix::process::Pid::from_raw(self.child.id().cast_signed())
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        } else {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

fn spawn(kind: Kind, mut command: Command) -> Outcome<Child> {
    use std::os::unix::process::CommandExt;
    let program = command.get_program().to_owned();
    let follow = || {
        let signal = rustix::process::Signal::TERM;
        Ok(rustix::process::set_parent_process_death_signal(Some(signal))?)
    };
    #[expect(unsafe_code, reason = "no safe way to have a child end with its parent")]
    // SAFETY: between fork and exec only one system call is made.
    unsafe {
        command.pre_exec(follow);
    }
    command.spawn().map_err(|error| {
        format!("{} does not start: {}: {error}", kind.name(), program.display()).into()
    })
}

/// Says why a server does not start: the last line of its log.
fn failure(kind: Kind, stage: &Stage) -> Box<dyn std::error::Error + Send + Sync> {
    let log = fs::read_to_string(stage.path("log")).unwrap_or_default();
    let reason = log.lines().last().unwrap_or("it says nothing").to_owned();
    format!("{} does not start: {reason}", kind.name()).into()
}

/// As it is shipped: `sendfile`, `tcp_nopush`, the access log on. Connections stay open for more
/// than the default of 1000 requests, so that no measure counts reconnects.
fn nginx_config(stage: &Stage, port: u16) -> String {
    let folder = stage.path("").display().to_string();
    format!(
        "worker_processes 2; daemon off; pid {folder}nginx.pid; error_log {folder}log;
events {{ worker_connections 1024; }}
http {{
    sendfile on; tcp_nopush on; access_log {folder}access.log; keepalive_requests 100000000;
    client_body_temp_path {folder}body; proxy_temp_path {folder}proxy;
    fastcgi_temp_path {folder}fastcgi; uwsgi_temp_path {folder}uwsgi; scgi_temp_path {folder}scgi;
    server {{ listen 127.0.0.1:{port}; root {folder}served; }}
}}
"
    )
}

/// Runs the plain actix-files server over a folder; it never returns.
pub fn actix_files(folder: PathBuf) -> Outcome<()> {
    use actix_web::{App, HttpServer};
    let app = move || App::new().service(actix_files::Files::new("/", &folder));
    let server = HttpServer::new(app).bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = server.addrs()[0];
    let server = server.run();
    announce(address);
    Ok(actix_web::rt::System::new().block_on(server)?)
}

/// Prints where a server of ours listens.
pub fn announce(address: SocketAddr) {
    use std::io::Write;
    let mut output = std::io::stdout();
    let _ = writeln!(output, "http://{address}/").and_then(|()| output.flush());
}
