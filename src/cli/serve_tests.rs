//! The contract's heading "Programs": flag beats variable beats file beats default.

use super::*;
use crate::server::Endpoint;
use std::{io::Write, path::Path};

fn read_args(arguments: &[&str]) -> Result<Command, String> {
    let arguments: Vec<OsString> = ["lldash"].iter().chain(arguments).map(Into::into).collect();
    read(&arguments).map_err(|error| error.to_string())
}

fn with_file(text: &str, arguments: &[&str]) -> Result<Command, String> {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("written");
    let path = file.path().to_str().expect("a name");
    read_args(&[&["--config", path], arguments].concat())
}

fn plain(text: &str) -> Endpoint {
    Endpoint { address: text.parse().expect("an address"), is_tls: false }
}

#[test]
fn programs_defaults_work() {
    let Command { server, is_demo } = read_args(&["media"]).expect("enough");
    assert_eq!(server.listen, [plain("127.0.0.1:8080")]);
    assert_eq!(server.folder.folder, Path::new("media"));
    assert_eq!(server.patience.default_wait, Duration::from_secs(5));
    assert!(!is_demo);
    assert!(read_args(&["--demo"]).expect("enough").is_demo);
    assert!(read_args(&[]).is_err(), "a folder, or the demo");
}

#[test]
fn programs_listen_and_port() {
    let listen = |arguments: &[&str]| read_args(arguments).map(|command| command.server.listen);
    let address = plain;
    assert_eq!(listen(&["d", "-p", "0"]), Ok(vec![address("127.0.0.1:0")]));
    let both = ["d", "--listen", "0.0.0.0:80", "--listen", "[::1]:81"];
    assert_eq!(listen(&both), Ok(vec![address("0.0.0.0:80"), address("[::1]:81")]));
    assert!(listen(&["d", "--listen", "nowhere"]).is_err());
}

#[test]
fn programs_flag_beats_file_beats_default() {
    let file =
        "dir = \"media\"\nmax-wait = 7\nmemory = \"1MiB\"\nhold-ext = [\"json\", \".txt\"]\n";
    let Command { server, .. } = with_file(file, &["--memory", "2MiB"]).expect("valid");
    assert_eq!(server.folder.folder, Path::new("media"));
    assert_eq!(server.patience.max_wait, Duration::from_secs(7));
    assert_eq!(server.memory_bytes, 2 << 20);
    assert_eq!(server.patience.extensions, ["json", "txt"]);
    let Command { server, .. } = with_file("listen = [\"127.0.0.1:1\"]", &["d"]).expect("valid");
    assert_eq!(server.listen.len(), 1);
    assert!(with_file("demo = true", &[]).expect("valid").is_demo);
}

#[test]
fn programs_stats_are_off_unless_a_file_is_named() {
    assert_eq!(read_args(&["d"]).expect("enough").server.stats, None);
    let with = |arguments: &[&str]| {
        let file = "stats = \"who.csv\"\nstats-size = \"1MiB\"\n";
        let stats = with_file(file, arguments).expect("valid").server.stats;
        stats.map(|stats| (stats.path, stats.max_bytes))
    };
    assert_eq!(with(&["d"]), Some(("who.csv".into(), 1 << 20)));
    assert_eq!(with(&["d", "--stats", "a.csv"]), Some(("a.csv".into(), 1 << 20)));
}

#[test]
fn programs_options_that_exclude_each_other() {
    let both = "listen = \"127.0.0.1:1\"\ndir = \"media\"";
    let Command { server, is_demo } = with_file(both, &["-p", "2", "--demo"]).expect("valid");
    assert_eq!(server.listen, [plain("127.0.0.1:2")]);
    assert!(is_demo, "the flag beats the file");
    let file = "port = 1\ndemo = true";
    let Command { server, is_demo } =
        with_file(file, &["--listen", "127.0.0.1:2", "media"]).expect("valid");
    assert_eq!(server.listen, [plain("127.0.0.1:2")]);
    assert!(!is_demo);
    assert!(read_args(&["d", "-p", "1", "--listen", "127.0.0.1:2"]).is_err());
    assert!(read_args(&["d", "--demo"]).is_err());
}

#[test]
fn programs_unknown_keys_are_refused_by_name() {
    for (text, wanted) in [
        ("max_wait = 3", "there is no option \"max_wait\""),
        ("config = \"x\"", "there is no option \"config\""),
        ("demo = \"yes\"", "must be true or false"),
        ("max-wait = [1, 2]", "takes one value"),
        ("max-wait = \"soon\"", "no span of time"),
        ("[server]", "there is no option \"server\""),
        ("dir = media", "line 1: this is no TOML"),
    ] {
        let error = with_file(text, &["media"]).expect_err(text);
        assert!(error.contains(wanted), "{text}: {error}");
    }
    let error = read_args(&["--config", "/nowhere.toml", "d"]).expect_err("no such file");
    assert!(error.contains("cannot read /nowhere.toml"), "{error}");
}

#[test]
fn programs_tls_where_it_is_wanted() {
    let tls = |arguments: &[&str]| {
        let server = read_args(arguments).map(|command| command.server);
        server.map(|server| server.listen.iter().map(|it| it.is_tls).collect::<Vec<_>>())
    };
    let own = ["d", "--tls-cert", "c", "--tls-key", "k"];
    assert_eq!(tls(&own), Ok(vec![true]));
    let both = ["--listen", "127.0.0.1:1", "--listen", "http://127.0.0.1:2"];
    assert_eq!(tls(&[&own[..], &both].concat()), Ok(vec![true, false]));
    let made = ["d", "--tls-self-signed", "--listen", "https://[::1]:1/"];
    assert_eq!(tls(&made), Ok(vec![true]));
    for refused in [
        &["d", "--tls-cert", "c"][..],
        &["d", "--tls-key", "k"],
        &["d", "--tls-cert", "c", "--tls-key", "k", "--tls-self-signed"],
        &["d", "--listen", "https://127.0.0.1:1"],
        &["d", "--ingest", "--ingest-listen", "https://127.0.0.1:1"],
        &["d", "--listen", "ftp://127.0.0.1:1"],
    ] {
        assert!(tls(refused).is_err(), "{refused:?}");
    }
}
