//! Well-known text, told apart by its numbers and not by how they are written.

/// A piece of well-known text; numbers by their bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    Word(String),
    Open,
    Close,
    Comma,
    Number(u64),
}

/// Reads a text into its tokens. Points of a MULTIPOINT lose the parentheses that some writers put around each.
///
/// # Errors
/// What is neither a word nor a number.
pub fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' | ',' | ' ' => 1,
            _ => rest.find(['(', ')', ',', ' ']).unwrap_or(rest.len()),
        };
        let piece = &rest[..length];
        rest = &rest[length..];
        match piece {
            " " => continue,
            "(" => tokens.push(Token::Open),
            ")" => tokens.push(Token::Close),
            "," => tokens.push(Token::Comma),
            // MySQL's name of the same.
            "GEOMCOLLECTION" => tokens.push(Token::Word("GEOMETRYCOLLECTION".to_owned())),
            _ if piece.bytes().all(|byte| byte.is_ascii_uppercase()) => {
                tokens.push(Token::Word(piece.to_owned()));
            }
            _ => {
                let number: f64 =
                    (piece.parse()).map_err(|_| format!("`{piece}` in {text} is not a number"))?;
                tokens.push(Token::Number(number.to_bits()));
            }
        }
    }
    Ok(without_parentheses_around_points(tokens))
}

fn without_parentheses_around_points(tokens: Vec<Token>) -> Vec<Token> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut depth = 0;
    let mut points = None;
    for token in tokens {
        match token {
            Token::Word(ref word) if word == "MULTIPOINT" => points = Some(depth + 1),
            Token::Open => depth += 1,
            Token::Close => depth -= 1,
            _ => {}
        }
        let inner = match (&token, points) {
            (Token::Open, Some(points)) => depth > points,
            (Token::Close, Some(points)) => depth >= points,
            _ => false,
        };
        if token == Token::Close && points.is_some_and(|points| depth < points) {
            points = None;
        }
        if !inner {
            kept.push(token);
        }
    }
    kept
}

#[test]
fn the_same_shape_is_the_same_however_it_is_written() {
    for (one, other) in [
        ("POINT(1 2)", "POINT (1.0 2e0)"),
        ("MULTIPOINT((1 1),(2 2))", "MULTIPOINT (1 1, 2 2)"),
        (
            "GEOMETRYCOLLECTION(MULTIPOINT((1 1)),POINT(2 2))",
            "GEOMCOLLECTION (MULTIPOINT (1 1), POINT (2 2))",
        ),
    ] {
        assert_eq!(tokens(one), tokens(other));
    }
    assert_ne!(tokens("POINT(0 1)"), tokens("POINT(-0 1)"));
    assert_ne!(tokens("LINESTRING(0 1,1 1)"), tokens("LINESTRING(0 1 1 1)"));
    assert!(tokens("POINT(x 1)").is_err());
}
