//! Heading "Programs": the options on uploads, and where they come from.

use crate::{
    helpers::{Server, chunk, program, put},
    process::ended,
};
use std::io::Write;

/// Runs the server with variables, a configuration file, and arguments that it refuses; what it
/// says.
fn refused(variables: &[(&str, &str)], file: &str, arguments: &[&str]) -> String {
    let mut config = tempfile::NamedTempFile::new().expect("a file");
    config.write_all(file.as_bytes()).expect("written");
    let mut command = program();
    command.envs(variables.iter().copied()).arg("--config").arg(config.path());
    command.args(arguments).arg("/tmp");
    let (code, output, error) = ended(command);
    assert_eq!((code, output.as_str()), (Some(2), ""), "{error}");
    error
}

#[test]
fn ingest_options_without_ingest_are_named() {
    let flags = ["--ingest-listen", "127.0.0.1:0", "--keep", "1h"];
    let error = refused(&[], "", &flags);
    let wanted = "--ingest-listen and --keep do nothing without --ingest";
    assert!(error.contains(wanted) && !error.contains("--keep-bytes"), "{error}");
    let error = refused(&[("LLDASH_INGEST_TOKEN", "s3cret")], "", &[]);
    assert!(error.contains("LLDASH_INGEST_TOKEN does nothing without --ingest"), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
    let error = refused(&[], "keep-bytes = \"1GB\"", &["--ingest-open", "--max-upload=1GB"]);
    assert!(error.contains("--ingest-open, --max-upload and keep-bytes in "), "{error}");
}

#[test]
fn ingest_switches_take_what_means_yes_or_no() {
    for (value, takes) in [("1", true), ("yes", true), ("true", true), ("0", false), ("no", false)]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = program();
        command.env("LLDASH_INGEST", value).env("LLDASH_DEMO", "0");
        command.args(["-p", "0"]).arg(folder.path());
        let server = Server::spawn(command, folder);
        let status = put(server.address, "/1.m4s", &chunk(100)).status;
        assert_eq!(status, if takes { 201 } else { 405 }, "{value}");
    }
    let error = refused(&[("LLDASH_INGEST", "maybe")], "", &[]);
    assert!(error.contains("maybe") && error.contains("LLDASH_INGEST"), "{error}");
}

#[test]
fn ingest_values_that_are_refused_say_where_they_stand() {
    let variable = [("LLDASH_MAX_UPLOAD", "much")];
    let error = refused(&variable, "", &["--ingest"]);
    assert!(error.contains("much") && error.contains("(from LLDASH_MAX_UPLOAD)"), "{error}");
    let error = refused(&[], "max-upload = \"much\"", &["--ingest"]);
    assert!(error.contains("much") && error.contains("(from the file "), "{error}");
    // A flag beats both, and needs no such word.
    let error = refused(&variable, "max-upload = \"much\"", &["--ingest", "--max-upload", "tons"]);
    assert!(error.contains("tons") && !error.contains("(from "), "{error}");
}
