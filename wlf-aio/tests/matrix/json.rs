//! JSON read without loss: numbers stay as they are written, and members keep their order.

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    /// The number's text.
    Number(String),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

static NULL: Json = Json::Null;

impl Json {
    /// Reads one document.
    ///
    /// # Errors
    /// What is wrong, and at which byte.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value()?;
        reader.space();
        if reader.at < text.len() {
            return Err(reader.wrong("the end"));
        }
        Ok(value)
    }

    /// A member of an object; null if there is none.
    pub fn member(&self, name: &str) -> &Json {
        self.present(name).unwrap_or(&NULL)
    }

    /// A member of an object, if it is there.
    pub fn present(&self, name: &str) -> Option<&Json> {
        let Json::Object(members) = self else {
            return None;
        };
        members
            .iter()
            .find(|(member, _)| member == name)
            .map(|(_, value)| value)
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn members(&self) -> Option<&[(String, Json)]> {
        match self {
            Json::Object(members) => Some(members),
            _ => None,
        }
    }

    pub fn items(&self) -> Option<&[Json]> {
        match self {
            Json::Array(items) => Some(items),
            _ => None,
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn wrong(&self, expected: &str) -> String {
        let rest: String = self.text[self.at..].chars().take(40).collect();
        format!("{expected} was expected at byte {}: {rest}", self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Result<(), String> {
        self.space();
        if self.peek() != Some(byte) {
            return Err(self.wrong(&format!("`{}`", char::from(byte))));
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, String> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.wrong("a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn value(&mut self) -> Result<Json, String> {
        self.space();
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => Ok(Json::String(self.string()?)),
            Some(b'n') => self.word("null", Json::Null),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            _ => self.number(),
        }
    }

    fn object(&mut self) -> Result<Json, String> {
        self.take(b'{')?;
        let mut members: Vec<(String, Json)> = Vec::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Json::Object(members));
        }
        loop {
            self.space();
            let name = self.string()?;
            self.take(b':')?;
            let value = self.value()?;
            members.push((name, value));
            self.space();
            if self.peek() != Some(b',') {
                self.take(b'}')?;
                return Ok(Json::Object(members));
            }
            self.at += 1;
        }
    }

    fn array(&mut self) -> Result<Json, String> {
        self.take(b'[')?;
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value()?);
            self.space();
            if self.peek() != Some(b',') {
                self.take(b']')?;
                return Ok(Json::Array(items));
            }
            self.at += 1;
        }
    }

    fn number(&mut self) -> Result<Json, String> {
        let rest = &self.text[self.at..];
        let length = rest
            .bytes()
            .take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
            .count();
        let number = &rest[..length];
        if !is_number(number) {
            return Err(self.wrong("a value"));
        }
        self.at += length;
        Ok(Json::Number(number.to_owned()))
    }

    fn string(&mut self) -> Result<String, String> {
        if self.peek() != Some(b'"') {
            return Err(self.wrong("a string"));
        }
        self.at += 1;
        let mut string = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest
                .find(|char: char| char == '"' || char == '\\' || char < ' ')
                .ok_or_else(|| self.wrong("the string's end"))?;
            string.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(string);
                }
                Some(b'\\') => {
                    self.at += 1;
                    string.push(self.escape()?);
                }
                _ => return Err(self.wrong("no control character")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let escape = self.peek().ok_or_else(|| self.wrong("an escape"))?;
        self.at += 1;
        Ok(match escape {
            b'"' | b'\\' | b'/' => char::from(escape),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.hex()?;
                if let Some(char) = char::from_u32(high) {
                    return Ok(char);
                }
                if !self.text[self.at..].starts_with("\\u") {
                    return Err(self.wrong("a low surrogate"));
                }
                self.at += 2;
                let low = self.hex()?;
                char::decode_utf16([high as u16, low as u16])
                    .next()
                    .and_then(Result::ok)
                    .ok_or_else(|| self.wrong("a pair of surrogates before"))?
            }
            _ => return Err(self.wrong("a known escape before")),
        })
    }

    fn hex(&mut self) -> Result<u32, String> {
        let digits = self.text.get(self.at..self.at + 4);
        let value = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let value = value.ok_or_else(|| self.wrong("four hexadecimal digits"))?;
        self.at += 4;
        Ok(value)
    }
}

/// Whether a text is a number by JSON's grammar.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent
            .is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

#[test]
fn json_is_read_without_loss() {
    let text = r#"{"b":18446744073709551616,"a":[1.50,-0e-7,"\ud83d\ude01\u001f\/é"],"":{}}"#;
    let number = |text: &str| Json::Number(text.to_owned());
    let expected = Json::Object(vec![
        ("b".to_owned(), number("18446744073709551616")),
        (
            "a".to_owned(),
            Json::Array(vec![
                number("1.50"),
                number("-0e-7"),
                Json::String("😁\u{1f}/é".to_owned()),
            ]),
        ),
        (String::new(), Json::Object(Vec::new())),
    ]);
    assert_eq!(Json::parse(text), Ok(expected));
    for wrong in [
        "",
        "01",
        "1.",
        "-",
        "{",
        "[1,]",
        "\"\n\"",
        "\"\\ud83d\"",
        "nul",
        "1 2",
    ] {
        assert!(Json::parse(wrong).is_err(), "{wrong}");
    }
}
