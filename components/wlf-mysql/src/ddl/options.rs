//! Charsets among the options of databases, tables and columns.

use super::CharsetName;
use super::cursor::{Cursor, NotUnderstood};
use super::lexer::Token;
use super::type_name::{charset_name, charset_of_collation};

/// Reads `CHARACTER SET x` and its like; `None` if it is something else.
pub fn charset_option(cursor: &mut Cursor<'_>) -> Result<Option<CharsetName>, NotUnderstood> {
    if !cursor.eat("CHARACTER SET") && !cursor.eat("CHARSET") && !cursor.eat("CHAR SET") {
        return Ok(None);
    }
    cursor.eat_symbol('=');
    if cursor.eat("DEFAULT") {
        return Ok(Some(CharsetName::Default));
    }
    let name = text_or_name(cursor)?;
    Ok(Some(CharsetName::Named(charset_name(&name))))
}

/// Reads `COLLATE x` as the charset that it belongs to, which is that of what is around for MariaDB's `COLLATE DEFAULT` and
/// for collations that go with several; `None` if it is something else.
pub fn collation_option(cursor: &mut Cursor<'_>) -> Result<Option<CharsetName>, NotUnderstood> {
    if !cursor.eat("COLLATE") {
        return Ok(None);
    }
    cursor.eat_symbol('=');
    if cursor.eat("DEFAULT") {
        return Ok(Some(CharsetName::Default));
    }
    let collation = text_or_name(cursor)?;
    let charset = charset_of_collation(&collation).map(CharsetName::Named);
    Ok(Some(charset.unwrap_or(CharsetName::Default)))
}

fn text_or_name(cursor: &mut Cursor<'_>) -> Result<String, NotUnderstood> {
    match cursor.peek() {
        Some(Token::Text(text)) => {
            cursor.next();
            Ok(text.clone())
        }
        _ => cursor.name(),
    }
}

/// The default charset among a table's or database's options; the last one counts, and a collation only without one.
pub fn default_charset(mut cursor: Cursor<'_>) -> Result<Option<CharsetName>, NotUnderstood> {
    let (mut charset, mut of_collation) = (None, None);
    while !cursor.is_empty() {
        if let Some(found) = charset_option(&mut cursor)? {
            charset = Some(found);
        } else if let Some(found) = collation_option(&mut cursor)? {
            of_collation = Some(found);
        } else if cursor.eat("COMMENT") {
            cursor.eat_symbol('=');
            cursor.next();
        } else {
            cursor.skip()?;
        }
    }
    Ok(charset.or(of_collation))
}
