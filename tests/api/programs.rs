//! Heading "Programs".

use crate::{
    helpers::{End, LONG, Run, Server, chunk, program, segment},
    process::{drained, ended, refused},
};
use rustix::process::Signal;
use std::{
    fs,
    io::{BufRead, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
};

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

#[test]
fn programs_say_where_they_listen_when_they_do() {
    let mut server = Server::start_at(&["--listen", "127.0.0.1:0", "--listen", "127.0.0.2:0"]);
    assert_eq!(server.get("/ldash/health").status, 200);
    let mut line = String::new();
    server.output.read_line(&mut line).expect("a line");
    let second = line.trim().strip_prefix("http://127.0.0.2:").expect("a URL");
    let second = format!("127.0.0.2:{}", second.trim_end_matches('/')).parse().expect("an address");
    assert_eq!(crate::helpers::get(second, "/ldash/health").status, 200);
    server.signal(Signal::TERM);
    assert!(server.exit().success());
    assert_eq!(drained(&mut server.output), "", "nothing else on standard output");
}

#[test]
fn programs_have_help_and_a_variable_for_every_option() {
    let mut command = program();
    command.arg("--help");
    let (code, help, _) = ended(command);
    assert_eq!(code, Some(0));
    let options: Vec<&str> = help
        .lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")))
        .map(|option| option.trim_start_matches("--"))
        .collect();
    // Without the breaks of its lines.
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for option in [
        "demo",
        "config",
        "listen",
        "port",
        "max-wait",
        "default-wait",
        "hold-ext",
        "max-held",
        "max-held-per-address",
        "memory",
        "stall-timeout",
        "idle-finish",
        "watch",
        "poll-interval",
        "allow-link",
        "cors-origin",
        "segment-max-age",
        "drain",
        "ingest",
        "ingest-listen",
        "ingest-token",
        "ingest-user",
        "ingest-password",
        "ingest-open",
        "max-upload",
        "keep",
        "keep-bytes",
        "stats",
        "stats-size",
    ] {
        assert!(options.contains(&option), "{option} in {options:?}");
        let variable = format!("LLDASH_{}", option.to_uppercase().replace('-', "_"));
        let is_told = [format!("[env: {variable}="), format!("[env: {variable}]")];
        let is_told = is_told.iter().any(|text| words.contains(text));
        assert!(is_told, "{variable} in {words}");
    }
    assert!(help.contains("LLDASH_DIR") && help.contains("127.0.0.1:8080"));
}

#[test]
fn programs_take_flag_before_variable_before_file_before_default() {
    let config = tempfile::tempdir().expect("a folder");
    let path = config.path().join("lldash.toml");
    let lines = "max-held = 0\nsegment-max-age = 100\nmemory = \"1MiB\"\nhold-ext = [\"json\"]\n";
    fs::write(&path, lines).expect("written");
    let age = |variable: Option<&str>, flags: &[&str]| {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = program();
        command.args(["-p", "0", "--config", text(&path)]).args(flags).arg(folder.path());
        command.envs(variable.map(|value| ("LLDASH_SEGMENT_MAX_AGE", value)));
        let server = Server::spawn(command, folder);
        assert_eq!(server.get("/1.json").status, 503, "the file's max-held and hold-ext");
        server.write("1.m4s", &chunk(100));
        server.get("/1.m4s").header("cache-control").map(str::to_owned)
    };
    assert_eq!(age(None, &[]).as_deref(), Some("max-age=100"));
    assert_eq!(age(Some("200"), &[]).as_deref(), Some("max-age=200"));
    assert_eq!(age(Some("200"), &["--segment-max-age", "300"]).as_deref(), Some("max-age=300"));
}

#[test]
fn programs_refuse_unknown_keys_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lldash.toml");
    fs::write(&path, "max-wiat = 3\n").expect("written");
    let (code, error) = refused(&["--config", text(&path), text(folder.path())]);
    assert_eq!(code, Some(2));
    assert!(error.contains("\"max-wiat\""), "{error}");
    let (code, error) = refused(&["--no-such-option", text(folder.path())]);
    assert_eq!(code, Some(2));
    assert!(error.contains("--no-such-option"), "{error}");
    let (code, error) = refused(&["--max-wait", "soon", text(folder.path())]);
    assert_eq!(code, Some(2));
    assert!(error.contains("soon") && error.contains("--max-wait"), "{error}");
}

#[test]
fn programs_that_cannot_start_say_why_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("written");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let missing = folder.path().join("missing");
    let (folder, file, missing) = (text(folder.path()), text(&file), text(&missing));
    for (arguments, reason) in [
        (vec!["-p", &port, folder], "another program has the port"),
        (vec!["-p", "0", missing], "does not exist"),
        (vec!["-p", "0", file], "it is a file"),
        (vec!["-p", "0", "--allow-link", missing, folder], "--allow-link"),
        (vec!["--listen", "192.0.2.1:0", folder], "does not have the address"),
    ] {
        let (code, error) = refused(&arguments);
        assert_eq!(code, Some(1), "{arguments:?}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.starts_with("lldash: ") && error.contains(reason), "{error}");
    }
}

/// The server as a user who may not read everything; `None`, and a message, where that cannot be.
pub fn as_nobody() -> Option<Command> {
    let server = program();
    if !rustix::process::geteuid().is_root() {
        return Some(server);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(server.get_program());
    command.envs(server.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let mut probe = Command::new("setpriv");
    probe.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(server.get_program());
    probe.arg("--version");
    let is_possible = probe.heard().is_ok_and(|output| output.status.success());
    if !is_possible {
        let _ = std::io::stdout().write_all(b"skipped: cannot run as another user here\n");
    }
    is_possible.then_some(command)
}

#[test]
fn programs_without_permission_say_so() {
    let Some(mut command) = as_nobody() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o000)).expect("set");
    command.args(["-p", "0"]).arg(folder.path());
    let (code, output, error) = ended(command);
    assert_eq!((code, &*output, error.lines().count()), (Some(1), "", 1), "{error}");
    assert!(error.contains("no permission"), "{error}");

    let Some(mut command) = as_nobody() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("set");
    command.args(["-p", "0"]).arg(folder.path());
    let server = Server::spawn(command, folder);
    server.write("1.m4s", &chunk(100));
    let secret = server.path("2.m4s");
    server.write("2.m4s", &chunk(100));
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).expect("set");
    assert_eq!(server.get_with("/1.m4s", &[LONG]).body(), chunk(100));
    let response = server.get_with("/2.m4s", &[("X-Wait-Timeout", "0")]);
    assert!(matches!(response.status, 403 | 200), "200 if it was read in time");
    server.write("secret/3.m4s", &chunk(100));
    fs::set_permissions(server.path("secret"), fs::Permissions::from_mode(0o000)).expect("set");
    let response = server.get_with("/secret/4.m4s", &[("X-Wait-Timeout", "0")]);
    assert_eq!(response.status, 403);
}

#[test]
fn programs_log_one_line_for_each_request() {
    let mut server = Server::start(&[]);
    let pending = server.request("GET", "/live/1.m4s?a=b", &[]);
    server.held("/live/1.m4s?a=b");
    server.write("live/1.m4s", &chunk(100));
    pending.response().body();
    let lines = server.log_until("GET /live/1.m4s");
    let line = lines.last().expect("one");
    let (_, line) = line.split_once("127.0.0.1:").expect("the client's address");
    let (_, line) = line.split_once(' ').expect("its port");
    let shape: String = line.chars().filter(|c| !c.is_ascii_digit()).collect();
    assert_eq!(shape, "GET /live/.ms?a=b   bytes, held . ms, first byte . ms, done . ms", "{line}");
    assert!(line.contains(" 200 100 bytes, held "), "{line}");
    let mut file = server.create("2.m4s");
    file.write_all(&chunk(100)[..90]).expect("written");
    let mut response = server.get("/2.m4s");
    drop(file);
    assert_eq!(response.rest().1, End::Cut);
    assert!(server.logged("GET /2.m4s 200 90 bytes").contains(", cut "));
    server.write("3.m4s", &segment(1, 24 << 20));
    drop(server.get("/3.m4s"));
    assert!(server.logged("GET /3.m4s 200 ").contains(", left "));
    assert_eq!(server.get("/none").status, 404);
    server.logged("GET /none 404 ");
}

#[test]
fn programs_end_held_requests_at_once_and_let_transfers_finish() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Server::start(&["--drain", "60s"]);
        let held = server.request("GET", "/1.m4s", &[]);
        server.held("/1.m4s");
        let mut file = server.create("2.m4s");
        file.write_all(&chunk(100)).expect("written");
        let mut growing = server.get("/2.m4s");
        assert_eq!(growing.read(100), chunk(100));
        server.write("3.m4s", &segment(1, 24 << 20));
        let mut finished = server.get("/3.m4s");
        finished.read(1000);
        server.signal(signal);
        let held = held.response();
        assert_eq!((held.status, held.header("cache-control")), (503, Some("no-store")));
        file.write_all(&chunk(50)).expect("written");
        assert_eq!(growing.read(50), chunk(50), "it goes on");
        drop(file);
        assert_eq!(growing.rest(), (vec![], End::Clean));
        assert_eq!(finished.rest().1, End::Clean);
        let address = server.address;
        assert_eq!(server.exit().code(), Some(0));
        assert!(TcpStream::connect(address).is_err(), "it takes no more connections");
    }
}

#[test]
fn programs_do_not_wait_longer_than_drain() {
    let mut server = Server::start(&["--drain", "0"]);
    let mut file = server.create("1.m4s");
    file.write_all(&chunk(100)).expect("written");
    let mut growing = server.get("/1.m4s");
    assert_eq!(growing.read(100), chunk(100));
    server.signal(Signal::TERM);
    assert_eq!(growing.rest(), (vec![], End::Cut));
    assert_eq!(server.exit().code(), Some(0));
}

#[test]
fn programs_write_nothing_into_the_folder() {
    let mut server = Server::start(&[]);
    server.write("1.m4s", &chunk(100));
    server.get("/1.m4s");
    server.signal(Signal::TERM);
    assert_eq!(server.exit().code(), Some(0));
    let names: Vec<_> = fs::read_dir(server.folder.path()).expect("there").flatten().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn programs_can_be_stopped_as_soon_as_they_say_where_they_listen() {
    for _ in 0..10 {
        let mut server = Server::start(&[]);
        server.signal(Signal::TERM);
        assert_eq!(server.exit().code(), Some(0));
    }
}
