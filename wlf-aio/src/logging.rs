//! What the program tells about itself, on stderr.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use wlf_core::config::{Level, Log, LogFormat};
use wlf_core::{Exit, Fault};

/// Libraries whose ordinary messages are not ours: at `info` only starts, stops and reconnections are told.
const QUIET: [&str; 3] = ["rskafka", "redis", "mysql_cdc"];

/// Sets up logging. `level`, from the command line, and `RUST_LOG` go before the configuration.
///
/// # Errors
/// If `RUST_LOG` cannot be understood.
pub(crate) fn start(log: &Log, level: Option<Level>) -> Result<(), Fault> {
    let directives = match (level, std::env::var("RUST_LOG")) {
        (None, Ok(directives)) if !directives.is_empty() => directives,
        (level, _) => directives(level.unwrap_or(log.level)),
    };
    let filter = EnvFilter::try_new(&directives).map_err(|error| {
        Fault::stop(Exit::Usage, format!("read RUST_LOG `{directives}`"), error).with_hint(
            "it is a level, as in `debug`, or several for parts, as in `info,wlf_mysql=trace`",
        )
    })?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match log.format {
        LogFormat::Text => subscriber
            .with_ansi(io::stderr().is_terminal())
            .with_target(false)
            .init(),
        LogFormat::Json => subscriber.json().flatten_event(true).init(),
    }
    Ok(())
}

fn directives(level: Level) -> String {
    let mut directives = level.name().to_owned();
    if matches!(level, Level::Info | Level::Warn) {
        for library in QUIET {
            directives.push_str(&format!(",{library}=warn"));
        }
    }
    if matches!(level, Level::Error | Level::Warn) {
        // The ready line and the summary are no messages of some severity: with `format: text` they always come.
        directives.push_str(",wlf_aio::progress=info");
    }
    directives
}
