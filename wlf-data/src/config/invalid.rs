/// Values that do not go together, each right by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The path inside the entry, as in `tls.ca`; empty for the whole entry.
    pub key: String,
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Invalid {
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            message: message.into(),
            hint: None,
        }
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
