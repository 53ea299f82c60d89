//! What went wrong, where, and what the runtime should do about it.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// An error together with the decision what to do about it, made once, where the error is understood.
#[derive(Debug)]
pub struct Fault {
    /// What was being done, as in "connect to MySQL at 10.0.0.1:3306".
    pub doing: Cow<'static, str>,
    pub severity: Severity,
    /// What a person can do about it.
    pub hint: Option<Cow<'static, str>>,
    pub source: Box<dyn Error + Send + Sync>,
}

/// What the runtime does about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// An outage: connect again and repeat, with backoff, but not before `after`.
    Retry { after: Option<Duration> },
    /// The destination will never accept this event: `delivery.on_reject` decides.
    Reject,
    /// A person must act: the program ends with this exit code.
    Stop(Exit),
}

/// The program's exit codes, those of sysexits(3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Usage = 64,
    /// Bad input data: a corrupt binlog, a state that belongs to another source.
    Data = 65,
    /// An input file is missing or unreadable.
    NoInput = 66,
    /// A server refuses for good, as with a purged position.
    Unavailable = 69,
    /// A bug in the program.
    Software = 70,
    /// Reading or writing failed: a full disk, a torn state file.
    Io = 74,
    /// A server refused the login.
    Login = 77,
    Config = 78,
}

impl Exit {
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl Fault {
    pub fn new(
        severity: Severity,
        doing: impl Into<Cow<'static, str>>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            doing: doing.into(),
            severity,
            hint: None,
            source: source.into(),
        }
    }

    /// An outage that is tried again with the runtime's own backoff.
    pub fn retry(
        doing: impl Into<Cow<'static, str>>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::new(Severity::Retry { after: None }, doing, source)
    }

    /// An event that the destination will never accept.
    pub fn reject(
        doing: impl Into<Cow<'static, str>>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::new(Severity::Reject, doing, source)
    }

    /// A fault that ends the program with `exit`.
    pub fn stop(
        exit: Exit,
        doing: impl Into<Cow<'static, str>>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::new(Severity::Stop(exit), doing, source)
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The exit code of a program that ends because of this fault.
    pub fn exit(&self) -> Exit {
        match self.severity {
            Severity::Stop(exit) => exit,
            Severity::Reject => Exit::Data,
            Severity::Retry { .. } => Exit::Unavailable,
        }
    }
}

/// One line: what was being done and the chain of causes. The hint is left to the report.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, self.source)?;
        let mut cause = self.source.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl Error for Fault {}
