//! A JSON string as it is read.

use std::borrow::Cow;

/// A JSON string, borrowed from the document where it has no escapes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct JsonText<'a>(#[serde(borrow)] pub Cow<'a, str>);
