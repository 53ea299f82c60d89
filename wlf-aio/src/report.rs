//! How errors are told on stderr, and which exit code they give.

use std::io::{self, Write};
use std::panic;
use std::process::ExitCode;

use wlf_core::config::Problems;
use wlf_core::{Exit, Fault};

/// Writes to stderr as far as that is possible: a full disk or a reader that has gone changes nothing about the work, nor about
/// the exit code. `eprint!` would panic.
pub(crate) fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Tells why the program ends, and what can be done about it.
pub(crate) fn fault(fault: &Fault) -> ExitCode {
    say(&told(fault));
    ExitCode::from(fault.exit().code())
}

/// Tells what is wrong with one part of a configuration, and where that part stands.
pub(crate) fn fault_at(fault: &Fault, place: &str) -> ExitCode {
    let told = told(fault);
    let (what, help) = told.split_once('\n').unwrap_or((&told, ""));
    say(&format!("{what}\n  --> {place}\n{help}"));
    ExitCode::from(fault.exit().code())
}

/// Tells why the program ends as one log message, where all of stderr is to be JSON.
pub(crate) fn logged_fault(fault: &Fault) -> ExitCode {
    let code = fault.exit().code();
    let help = fault.hint.as_deref().unwrap_or_default();
    tracing::error!(exit_code = code, help, "{fault}");
    ExitCode::from(code)
}

/// Makes a bug end the program with its exit code and with words for the person who meets it.
pub(crate) fn bugs() {
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if std::env::var_os("RUST_BACKTRACE").is_some() {
            default(info);
        }
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let what = info.payload_as_str().unwrap_or("unknown");
        say(&format!(
            "error: this is a bug in the program: {what} ({place})\n  = help: please report it, with the configuration\n"
        ));
        std::process::exit(Exit::Software.code().into());
    }));
}

/// Tells everything that is wrong with a configuration.
pub(crate) fn problems(problems: &Problems) -> ExitCode {
    say(&problems.to_string());
    ExitCode::from(Exit::Config.code())
}

fn told(fault: &Fault) -> String {
    match &fault.hint {
        Some(hint) => format!("error: {fault}\n  = help: {hint}\n"),
        None => format!("error: {fault}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the server hung up")]
    struct HungUp {
        #[source]
        source: io::Error,
    }

    #[test]
    fn a_fault_is_told_with_its_causes_and_its_hint() {
        let source = io::Error::from(io::ErrorKind::ConnectionReset);
        let fault = Fault::stop(Exit::Login, "log in at 10.0.0.1:3306", HungUp { source });
        assert_eq!(
            told(&fault),
            "error: log in at 10.0.0.1:3306: the server hung up: connection reset\n"
        );
        assert_eq!(
            told(&fault.with_hint("check the password")),
            "error: log in at 10.0.0.1:3306: the server hung up: connection reset\n  = help: check the password\n"
        );
    }
}
