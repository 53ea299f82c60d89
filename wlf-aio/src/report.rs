//! How errors are told on stderr, and which exit code they give.

use std::process::ExitCode;

use wlf_core::config::Problems;
use wlf_core::{Exit, Fault};

/// Tells why the program ends, and what can be done about it.
pub(crate) fn fault(fault: &Fault) -> ExitCode {
    eprint!("{}", told(fault));
    ExitCode::from(fault.exit().code())
}

/// Tells everything that is wrong with a configuration.
pub(crate) fn problems(problems: &Problems) -> ExitCode {
    eprint!("{problems}");
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
    use std::io;

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
