//! Rows, messages, or both.

/// Which events a type of component takes or gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKinds {
    /// Rows of tables, and the changes of their definitions.
    Rows,
    /// Messages of streams.
    Messages,
    Both,
}

impl EventKinds {
    /// As a sentence names them.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Messages => "messages",
            Self::Both => "rows and messages",
        }
    }

    fn has_rows(self) -> bool {
        self != Self::Messages
    }

    fn has_messages(self) -> bool {
        self != Self::Rows
    }

    fn of(rows: bool, messages: bool) -> Option<Self> {
        match (rows, messages) {
            (true, true) => Some(Self::Both),
            (true, false) => Some(Self::Rows),
            (false, true) => Some(Self::Messages),
            (false, false) => None,
        }
    }

    /// Those of both that are in either.
    pub(super) fn with(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other != self => Self::Both,
            _ => self,
        }
    }

    /// Those that are in both; `None` if there are none.
    pub(super) fn among(self, other: Self) -> Option<Self> {
        Self::of(
            self.has_rows() && other.has_rows(),
            self.has_messages() && other.has_messages(),
        )
    }

    /// Those that are not in `other`; `None` if there are none.
    pub(super) fn without(self, other: Self) -> Option<Self> {
        Self::of(
            self.has_rows() && !other.has_rows(),
            self.has_messages() && !other.has_messages(),
        )
    }
}
