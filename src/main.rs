//! `lldash`: serves a folder of live media.

use lldash::{cli, demo::Demo, log_sink::Log, server::Server};
use std::{io::Write, process::ExitCode};

fn main() -> ExitCode {
    if let Some(code) = lldash::encoder::guard::entered() {
        return code;
    }
    let command = cli::serve::parse();
    let log = Log::start();
    let result = match &log {
        Ok(_) => actix_web::rt::System::new().block_on(run(command)),
        Err(error) => Err(format!("cannot log: {error}").into()),
    };
    // What still waits to be written comes before the reason for the end.
    drop(log);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "lldash: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: cli::serve::Command) -> Result<(), Box<dyn std::error::Error>> {
    // First: one who reads the URL may stop the program at once.
    let stop = stop_signal()?;
    let mut config = command.server;
    let demo = if command.is_demo { Some(Demo::start()?) } else { None };
    if let Some(demo) = &demo {
        demo.folder().clone_into(&mut config.folder.folder);
    }
    let folder = config.folder.folder.display().to_string();
    let server = Server::start(config)?;
    let mut output = std::io::stdout();
    for endpoint in server.endpoints() {
        // Nobody may be reading.
        let _ = writeln!(output, "{endpoint}");
    }
    let _ = output.flush();
    let mut words = std::io::stderr();
    let _ = match &demo {
        Some(_) => writeln!(words, "open this page in a browser; Ctrl-C ends the demo"),
        None => writeln!(words, "serving {folder}; Ctrl-C ends"),
    };
    if let Some(fingerprint) = server.fingerprint() {
        let _ = writeln!(words, "the certificate is made for this run; SHA-256 {fingerprint}");
    }
    if demo.is_some() && lldash::http::assets::player("dash.js").is_none() {
        let hint = "the page loads dash.js from its public CDN; scripts/players builds it in";
        let _ = writeln!(words, "{hint}");
    }
    server.run(stop).await?;
    Ok(())
}

/// Resolves when the program is asked to stop.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
