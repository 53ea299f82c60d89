//! What the program tells about itself, on stderr.

use std::io::{self, IsTerminal};

use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
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
    let filter = filter(&directives).map_err(|error| {
        Fault::stop(Exit::Usage, format!("read RUST_LOG `{directives}`"), error).with_hint(
            "it is a level, as in `debug`, or several for parts, as in `info,wlf_mysql=trace`",
        )
    })?;
    let subscriber = tracing_subscriber::fmt()
        // The filter says it.
        .with_max_level(LevelFilter::TRACE)
        .with_writer(io::stderr)
        // Else it tells that it cannot write, by `eprintln!`, which panics.
        .log_internal_errors(false);
    match log.format {
        LogFormat::Text => subscriber
            .with_ansi(io::stderr().is_terminal())
            .with_target(false)
            .finish()
            .with(filter)
            .init(),
        LogFormat::Json => subscriber
            .json()
            .flatten_event(true)
            .finish()
            .with(filter)
            .init(),
    }
    Ok(())
}

/// Reads a level, and levels of parts, as the `RUST_LOG` of other programs has them. `EnvFilter` would read spans too, which
/// this program has none of, with regular expressions, which are a twentieth of it.
fn filter(directives: &str) -> Result<Targets, ParseError> {
    let directives: Vec<&str> = directives
        .split(',')
        .map(str::trim)
        .filter(|directive| !directive.is_empty())
        // A part without level has them all.
        .map(|directive| directive.strip_suffix('=').unwrap_or(directive))
        .collect();
    if directives.is_empty() {
        return Ok(Targets::new().with_default(LevelFilter::ERROR));
    }
    directives.join(",").parse()
}

fn directives(level: Level) -> String {
    let mut directives = level.name().to_owned();
    if matches!(level, Level::Info | Level::Warn) {
        for library in QUIET {
            directives.push_str(&format!(",{library}=warn"));
        }
    }
    directives
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::filter::LevelFilter;
    use wlf_core::config::Level;

    use super::{directives, filter};

    fn levels(directives: &str, parts: &[&str]) -> Vec<LevelFilter> {
        let filter = filter(directives).expect(directives);
        let of = |part: &&str| {
            let levels = [
                tracing::Level::TRACE,
                tracing::Level::DEBUG,
                tracing::Level::INFO,
                tracing::Level::WARN,
                tracing::Level::ERROR,
            ];
            let most = levels.iter().find(|level| filter.would_enable(part, level));
            most.copied()
                .map_or(LevelFilter::OFF, LevelFilter::from_level)
        };
        parts.iter().map(of).collect()
    }

    #[test]
    fn levels_hold_for_the_longest_part() {
        let parts = ["wlf_core", "wlf_mysql::ddl", "rskafka"];
        const OFF: LevelFilter = LevelFilter::OFF;
        const TRACE: LevelFilter = LevelFilter::TRACE;
        const DEBUG: LevelFilter = LevelFilter::DEBUG;
        const INFO: LevelFilter = LevelFilter::INFO;
        const ERROR: LevelFilter = LevelFilter::ERROR;
        for (directives, expected) in [
            ("debug", [DEBUG, DEBUG, DEBUG]),
            ("INFO", [INFO, INFO, INFO]),
            ("1", [ERROR, ERROR, ERROR]),
            ("info,wlf_mysql=trace", [INFO, TRACE, INFO]),
            (" info , wlf_mysql=trace ,", [INFO, TRACE, INFO]),
            ("wlf_mysql=trace,wlf_mysql::ddl=off,info", [INFO, OFF, INFO]),
            ("wlf_mysql", [OFF, TRACE, OFF]),
            ("wlf_mysql=,error", [ERROR, TRACE, ERROR]),
            ("[span]=debug,info", [INFO, INFO, INFO]),
            (",", [ERROR, ERROR, ERROR]),
        ] {
            assert_eq!(levels(directives, &parts), expected, "{directives}");
        }
        assert_eq!(
            levels(
                &directives(Level::Warn),
                &["wlf_core", "rskafka", "wlf_aio::progress"]
            ),
            [LevelFilter::WARN; 3]
        );
    }

    #[test]
    fn what_is_no_level_is_refused() {
        for directives in ["wlf_mysql=loud", "info,a=b=c"] {
            assert!(filter(directives).is_err(), "{directives}");
        }
    }
}
