//! `lldash`: serves a folder of live media.

use lldash::{cli, demo::Demo, server::Server};
use std::{io::Write, process::ExitCode};

/// What is logged unless `RUST_LOG` says otherwise.
const LOG: &str = "info,actix_http=off,actix_server=warn";

fn main() -> ExitCode {
    let command = cli::serve::parse();
    // A body that is cut is an error to actix; here it is said once, in the access log.
    let filter = env_logger::Env::default().default_filter_or(LOG);
    env_logger::Builder::from_env(filter).format_timestamp_millis().init();
    match actix_web::rt::System::new().block_on(run(command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "lldash: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: cli::serve::Command) -> Result<(), Box<dyn std::error::Error>> {
    let mut config = command.server;
    let demo = if command.is_demo { Some(Demo::start()?) } else { None };
    if let Some(demo) = &demo {
        demo.folder().clone_into(&mut config.folder.folder);
    }
    let server = Server::start(config)?;
    let mut output = std::io::stdout();
    for address in server.addresses() {
        // Nobody may be reading.
        let _ = writeln!(output, "http://{address}/");
    }
    if demo.is_some() {
        let _ = writeln!(output, "open this page in a browser; Ctrl-C ends the demo");
    }
    let _ = output.flush();
    server.run(stop_signal()?).await?;
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
