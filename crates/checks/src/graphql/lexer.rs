//! The tokens of a GraphQL document (October 2021, §2.1, and September 2025).

/// A token; names and numbers as they stand in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// One of `! $ & ( ) : = @ [ ] { | }`.
    Punctuator(u8),
    /// `...`
    Spread,
    Name(&'a str),
    Int(&'a str),
    Float,
    /// What a string says is nobody's business here.
    String,
}

/// Why a text is no list of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LexError {
    Malformed,
    TooMany,
}

/// All tokens of `text`, at most so many.
pub(super) fn tokens(text: &str, most: usize) -> Result<Vec<Token<'_>>, LexError> {
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        if tokens.len() >= most {
            return Err(LexError::TooMany);
        }
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at.saturating_add(ahead)).copied()
    }

    fn next(&mut self) -> Result<Option<Token<'a>>, LexError> {
        self.skip();
        let Some(byte) = self.peek(0) else { return Ok(None) };
        let token = match byte {
            b'!' | b'$' | b'&' | b'(' | b')' | b':' | b'=' | b'@' | b'[' | b']' | b'{' | b'|' | b'}' => {
                self.at += 1;
                Token::Punctuator(byte)
            }
            b'.' if self.peek(1) == Some(b'.') && self.peek(2) == Some(b'.') => {
                self.at += 3;
                Token::Spread
            }
            b'"' => self.string()?,
            b'-' | b'0'..=b'9' => self.number()?,
            _ if is_name_start(byte) => Token::Name(self.take_while(is_name)),
            _ => return Err(LexError::Malformed),
        };
        Ok(Some(token))
    }

    /// White space, line ends, commas, comments and a byte order mark.
    fn skip(&mut self) {
        loop {
            match self.peek(0) {
                Some(b' ' | b'\t' | b'\n' | b'\r' | b',') => self.at += 1,
                Some(b'#') => {
                    while self.peek(0).is_some_and(|byte| byte != b'\n' && byte != b'\r') {
                        self.at += 1;
                    }
                }
                Some(0xef) if self.peek(1) == Some(0xbb) && self.peek(2) == Some(0xbf) => self.at += 3,
                _ => return,
            }
        }
    }

    fn take_while(&mut self, wanted: fn(u8) -> bool) -> &'a str {
        let start = self.at;
        while self.peek(0).is_some_and(wanted) {
            self.at += 1;
        }
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// §2.9.1, §2.9.2: no leading zeros, and no name or `.` right behind.
    fn number(&mut self) -> Result<Token<'a>, LexError> {
        let start = self.at;
        if self.peek(0) == Some(b'-') {
            self.at += 1;
        }
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        if digits.is_empty() || digits.len() > 1 && digits.starts_with('0') {
            return Err(LexError::Malformed);
        }
        let integer = self.at;
        if self.peek(0) == Some(b'.') {
            self.at += 1;
            if self.take_while(|byte| byte.is_ascii_digit()).is_empty() {
                return Err(LexError::Malformed);
            }
        }
        if matches!(self.peek(0), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(0), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.take_while(|byte| byte.is_ascii_digit()).is_empty() {
                return Err(LexError::Malformed);
            }
        }
        if self.peek(0).is_some_and(|byte| is_name(byte) || byte == b'.') {
            return Err(LexError::Malformed);
        }
        if self.at == integer {
            return Ok(Token::Int(self.text.get(start..integer).unwrap_or_default()));
        }
        Ok(Token::Float)
    }

    /// §2.9.4, with escapes passed over: `\"` and `\\`, `\"""` in blocks.
    fn string(&mut self) -> Result<Token<'a>, LexError> {
        if self.peek(1) == Some(b'"') && self.peek(2) == Some(b'"') {
            self.at += 3;
            loop {
                match self.peek(0) {
                    None => return Err(LexError::Malformed),
                    Some(b'\\') if self.quotes(1) => self.at += 4,
                    Some(b'"') if self.quotes(0) => {
                        self.at += 3;
                        return Ok(Token::String);
                    }
                    Some(_) => self.at += 1,
                }
            }
        }
        self.at += 1;
        loop {
            match self.peek(0) {
                None | Some(b'\n' | b'\r') => return Err(LexError::Malformed),
                Some(b'\\') => {
                    let escape = self.peek(1).ok_or(LexError::Malformed)?;
                    if !matches!(escape, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'u') {
                        return Err(LexError::Malformed);
                    }
                    self.at += 2;
                }
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Token::String);
                }
                Some(_) => self.at += 1,
            }
        }
    }

    fn quotes(&self, ahead: usize) -> bool {
        (0..3).all(|index| self.peek(ahead + index) == Some(b'"'))
    }
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
