//! What is wrong with a configuration, and how it is told.

use std::error::Error;
use std::fmt;

use super::source::{Source, Span};

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub message: String,
    pub span: Span,
    /// The part of the configuration it is in, as in ``dispatchers[0] (KafkaDispatcher `kafka`)``; may be empty.
    pub part: String,
    /// What stands at the place: what to do about it, as a rule.
    pub label: String,
    /// It is allowed, and most likely not what is meant.
    pub is_warning: bool,
}

impl Problem {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span,
            part: String::new(),
            label: String::new(),
            is_warning: false,
        }
    }

    /// The same as something that is allowed.
    #[must_use]
    pub(crate) fn warning(mut self) -> Self {
        self.is_warning = true;
        self
    }

    #[must_use]
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    #[must_use]
    pub(crate) fn part(mut self, part: impl Into<String>) -> Self {
        self.part = part.into();
        self
    }
}

/// Everything that is wrong with a file or looks like it, in its order. Shown, it names file, line and column of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    pub source: Source,
    pub list: Vec<Problem>,
    /// Texts that are not shown where lines of the source are.
    pub(crate) hidden: Vec<String>,
}

impl Problems {
    /// A file with which nothing is wrong.
    pub fn none(source: Source) -> Self {
        Self {
            source,
            list: Vec::new(),
            hidden: Vec::new(),
        }
    }

    /// Each on a line of its own, without excerpts: for logs.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.list.iter().map(|problem| {
            let Problem { message, label, .. } = problem;
            let Span { line, column, .. } = problem.span;
            let place = format!("{}:{line}:{column}", self.source.name);
            match label.as_str() {
                "" => format!("{place}: {message}"),
                label => format!("{place}: {message}; {label}"),
            }
        })
    }

    fn errors(&self) -> usize {
        let errors = self.list.iter().filter(|problem| !problem.is_warning);
        errors.count()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.source.name;
        for (n, problem) in self.list.iter().enumerate() {
            if n > 0 {
                writeln!(f)?;
            }
            let Span { line, column, .. } = problem.span;
            let gap = " ".repeat(line.to_string().len());
            let word = if problem.is_warning {
                "warning"
            } else {
                "error"
            };
            writeln!(f, "{word}: {}", problem.message)?;
            write!(f, "{gap}--> {name}:{line}:{column}")?;
            if !problem.part.is_empty() {
                write!(f, "   {}", problem.part)?;
            }
            writeln!(f)?;
            self.source
                .excerpt(f, problem.span, &problem.label, &self.hidden)?;
        }
        match self.errors() {
            0 | 1 => Ok(()),
            n => writeln!(f, "\nerror: {n} problems in {name}; nothing was started"),
        }
    }
}

impl Error for Problems {}
