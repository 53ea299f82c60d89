//! The charset of the client whose statement is read.

use std::borrow::Cow;

/// The charset of the client whose statement is read, as far as it decides where tokens end.
///
/// Servers take a statement apart by its bytes and convert names and texts afterwards. In every charset that a client can
/// have an ASCII byte stands for its ASCII character, so that the text can be converted before; but for swe7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Client {
    /// One byte a character: 0xA0 is white space.
    OneByte,
    /// gbk and its like.
    SeveralBytes,
    #[default]
    Utf8,
    /// The statement is still as it came; this is what its bytes mean in texts and quoted names.
    Swe7,
}

impl Client {
    pub(super) fn is_one_byte(self) -> bool {
        matches!(self, Self::OneByte | Self::Swe7)
    }

    /// Whether the ASCII character is a letter to it. The others that are letters in swe7 have a meaning of their own in
    /// statements (`strings/sql_chars.cc`).
    pub(super) fn is_letter(self, c: char) -> bool {
        self == Self::Swe7 && matches!(c, '[' | ']' | '{' | '}' | '^' | '~')
    }

    /// A text or quoted name as the server converts it: what is no character of the client's, which is U+FFFD here, becomes a
    /// question mark. A character that is torn off at the end is nothing to MySQL where the text is none of a name
    /// (`copy_and_convert` of `sql-common/sql_string.cc`), unless `keeps_torn`.
    pub(super) fn decoded(self, text: &str, keeps_torn: bool) -> Cow<'_, str> {
        let text = match self {
            Self::SeveralBytes if !keeps_torn => text
                .strip_suffix(char::REPLACEMENT_CHARACTER)
                .unwrap_or(text),
            _ => text,
        };
        match self {
            Self::Swe7 => Cow::Owned(text.chars().map(swe7).collect()),
            Self::OneByte | Self::SeveralBytes if text.contains(char::REPLACEMENT_CHARACTER) => {
                Cow::Owned(text.replace(char::REPLACEMENT_CHARACTER, "?"))
            }
            Self::OneByte | Self::SeveralBytes | Self::Utf8 => Cow::Borrowed(text),
        }
    }
}

/// What the character means whose byte is that of this one in ASCII.
fn swe7(c: char) -> char {
    match c {
        '@' => 'É',
        '[' => 'Ä',
        '\\' => 'Ö',
        ']' => 'Å',
        '^' => 'Ü',
        '`' => 'é',
        '{' => 'ä',
        '|' => 'ö',
        '}' => 'å',
        '~' => 'ü',
        other => other,
    }
}
