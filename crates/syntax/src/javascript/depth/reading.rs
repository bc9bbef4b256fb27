//! One way to read a script, token by token.

use crate::Language;

/// One way to read a text, up to where it is.
#[derive(Debug, Clone)]
pub(super) struct Reading<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) levels: Vec<Level>,
    pub(super) level: Level,
    pub(super) before: Before,
    /// A line ended since the token before.
    pub(super) line: bool,
    pub(super) language: Language,
}

/// What came of reading a token.
#[derive(Debug)]
pub(super) enum Token<'a> {
    Read,
    /// It may be another one as well.
    Either(Box<Reading<'a>>),
    /// No parser goes on here.
    Nothing,
}

/// What stands within one pair of brackets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    pub(super) open: Open,
    /// What nests around it.
    pub(super) base: usize,
    /// With what nests here.
    pub(super) chain: usize,
    /// Before the last end of a statement: an `else` goes on there.
    last: usize,
    /// `<` without its `>`: types in types.
    angles: usize,
    /// `do` without its `while`.
    pub(super) dos: usize,
    /// What its end is for what follows.
    ends: Before,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Open {
    Nothing,
    Round,
    Square,
    Curly,
    /// A template's text; what stands in `${ }` is curly.
    Template,
    /// A page's tag, from its name on.
    Tag,
    /// What stands between a page's tags.
    Children,
    /// Types behind the name of a tag.
    Angle,
}

/// The token before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    Start,
    Operand,
    /// `}`: the end of a block, or an operand.
    Brace,
    Operator,
    /// `/` that divides: an operand follows for sure.
    Divided,
    /// A word that an operand follows: `return`, `typeof`.
    Word,
    /// A word that is a name elsewhere, `x!`, `f<T>`: an operand or what stands before one.
    Either,
    /// `if`, `for`, `while`, `with`, `switch`, `catch`: its bracket is no operand.
    Head,
    /// `.`: a name follows, whatever it is.
    Dot,
}

impl Level {
    pub(super) const fn new(open: Open, base: usize, ends: Before) -> Self {
        Self { open, base, chain: base, last: base, angles: 0, dos: 0, ends }
    }

    pub(super) fn end(&mut self) {
        self.last = self.chain;
        self.chain = self.base.saturating_add(self.angles);
    }

    pub(super) const fn count(&mut self) {
        self.chain = self.chain.saturating_add(1);
    }

    /// A word that goes on where the last statement ended: `else`, the `while` of a `do`.
    pub(super) fn resume(&mut self, before: Before) {
        if before == Before::Start {
            self.chain = self.last.max(self.chain);
        }
        self.count();
    }
}

impl<'a> Reading<'a> {
    pub(super) fn new(text: &'a str, language: Language) -> Self {
        let mut new = Self {
            text,
            at: 0,
            levels: Vec::new(),
            level: Level::new(Open::Nothing, 0, Before::Start),
            before: Before::Start,
            line: true,
            language,
        };
        if text.starts_with("#!") {
            new.skip_line();
        }
        new
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) fn depth(&self) -> usize {
        self.levels.len()
    }

    pub(super) const fn chain(&self) -> usize {
        self.level.chain
    }

    /// Whether from here on both see the same.
    pub(super) fn goes_on_like(&self, other: &Self) -> bool {
        self.at == other.at
            && self.before == other.before
            && self.line == other.line
            && self.level.open == other.level.open
            && self.level.ends == other.level.ends
            && self.levels.len() == other.levels.len()
            && self
                .levels
                .iter()
                .zip(&other.levels)
                .all(|(one, two)| one.open == two.open && one.ends == two.ends)
    }

    /// Takes over what nests deeper in the other one.
    pub(super) fn take_deeper(&mut self, other: &Self) {
        let levels = self.levels.iter_mut().chain([&mut self.level]);
        for (own, other) in levels.zip(other.levels.iter().chain([&other.level])) {
            own.base = own.base.max(other.base);
            own.chain = own.chain.max(other.chain);
            own.last = own.last.max(other.last);
            own.angles = own.angles.max(other.angles);
            own.dos = own.dos.max(other.dos);
        }
    }

    /// Goes on behind what cannot stand at `at`.
    pub(super) fn go_on(&mut self, at: usize) {
        self.at = at;
        let wide = self.text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
        self.skip(wide);
        self.level.count();
        self.before = Before::Either;
    }

    /// Reads one token, or some of what stands between tokens.
    pub(super) fn token(&mut self) -> Token<'a> {
        match self.level.open {
            Open::Template => self.template_text(),
            Open::Tag => self.tag(),
            Open::Children => self.child(),
            _ => {
                if self.between() {
                    return Token::Read;
                }
                let token = self.code();
                self.line = false;
                token
            }
        }
    }

    /// Skips one space, end of a line or comment.
    pub(super) fn between(&mut self) -> bool {
        let Some(byte) = self.peek(0) else { return false };
        match byte {
            b'\n' | b'\r' => {
                self.line = true;
                self.skip(1);
            }
            b' ' | b'\t' | 0x0B | 0x0C => self.skip(1),
            b'/' if self.peek(1) == Some(b'/') => self.skip_line(),
            b'/' if self.peek(1) == Some(b'*') => {
                let rest = self.text.get(self.at.saturating_add(2)..).unwrap_or_default();
                let length = rest.find("*/").unwrap_or(rest.len());
                let inside = rest.get(..length).unwrap_or_default();
                self.line |= inside.contains(['\n', '\r', '\u{2028}', '\u{2029}']);
                self.skip(length.saturating_add(4));
            }
            0x80.. => {
                let Some(sign) = self.text.get(self.at..).and_then(|rest| rest.chars().next()) else {
                    return false;
                };
                if !is_space(sign) {
                    return false;
                }
                self.line |= matches!(sign, '\u{2028}' | '\u{2029}');
                self.skip(sign.len_utf8());
            }
            _ => return false,
        }
        true
    }

    fn code(&mut self) -> Token<'a> {
        let Some(byte) = self.peek(0) else { return Token::Nothing };
        if self.before == Before::Divided
            && matches!(
                byte,
                b'.' | b')' | b']' | b'}' | b';' | b',' | b'*' | b'%' | b'=' | b'?' | b':' | b'&' | b'|'
            )
        {
            let number = byte == b'.' && self.peek(1).is_some_and(|next| next.is_ascii_digit());
            if !number {
                return Token::Nothing;
            }
        }
        match byte {
            b'/' => return self.slash(),
            b'<' => return self.angle(),
            b'"' | b'\'' => return self.string(byte),
            b'`' => {
                if self.before == Before::Brace {
                    self.level.end();
                }
                self.level.count();
                self.skip(1);
                self.open(Open::Template, Before::Operand);
            }
            b'(' | b'[' | b'{' => {
                if self.before == Before::Brace && byte == b'{' {
                    self.level.end();
                }
                let (open, ends) = match byte {
                    b'{' => (Open::Curly, Before::Brace),
                    b'[' => (Open::Square, Before::Operand),
                    _ if self.before == Before::Head => (Open::Round, Before::Operator),
                    _ if self.before == Before::Either => (Open::Round, Before::Either),
                    _ => (Open::Round, Before::Operand),
                };
                self.skip(1);
                self.open(open, ends);
            }
            b')' => return self.close(Open::Round),
            b']' => return self.close(Open::Square),
            b'}' => return self.close(Open::Curly),
            b';' | b',' => {
                if byte == b';' {
                    self.level.angles = 0;
                }
                self.level.end();
                self.before = Before::Start;
                self.skip(1);
            }
            b'+' | b'-' if self.peek(1) == Some(byte) => {
                if byte == b'-' && self.line && self.peek(2) == Some(b'>') {
                    return self.comment_or_not(2);
                }
                self.level.count();
                // Behind an operand it belongs to it.
                self.before = match self.before {
                    Before::Operand if !self.line => Before::Operand,
                    Before::Operand | Before::Brace | Before::Either => Before::Either,
                    _ => Before::Operator,
                };
                self.skip(2);
            }
            b'!' if self.peek(1) != Some(b'=') => {
                self.level.count();
                self.before = match self.before {
                    Before::Operand | Before::Brace | Before::Either => Before::Either,
                    _ => Before::Operator,
                };
                self.skip(1);
            }
            b'>' => self.greater(),
            b'=' if self.peek(1) == Some(b'>') => {
                self.level.count();
                self.before = Before::Operator;
                self.skip(2);
            }
            b'.' if self.peek(1).is_some_and(|next| next.is_ascii_digit()) => {
                self.skip(1);
                self.word();
            }
            b'.' => {
                self.level.count();
                let spread = self.rest().starts_with("...");
                self.before = if spread { Before::Operator } else { Before::Dot };
                self.skip(if spread { 3 } else { 1 });
            }
            _ if byte.is_ascii_alphanumeric()
                || matches!(byte, b'_' | b'$' | b'#' | b'\\')
                || byte >= 0x80 =>
            {
                self.word();
            }
            _ => {
                self.level.count();
                self.before = Before::Operator;
                self.skip(1);
            }
        }
        Token::Read
    }

    /// `>`: compares, or ends a list of types.
    fn greater(&mut self) {
        if self.level.open == Open::Angle {
            self.skip(1);
            self.leave();
            return;
        }
        if self.level.angles == 0 {
            self.level.count();
        }
        self.level.angles = self.level.angles.saturating_sub(1);
        self.before = if self.language == Language::JavaScript { Before::Operator } else { Before::Either };
        self.skip(1);
    }

    pub(super) fn typed(&self) -> bool {
        self.language != Language::JavaScript
    }

    /// `<` that begins no page.
    pub(super) fn less(&mut self) {
        // `<<` shifts, or begins types whose first type is of a function.
        while self.peek(0) == Some(b'<') {
            self.level.count();
            if self.typed() {
                self.level.angles = self.level.angles.saturating_add(1);
            }
            self.skip(1);
        }
        self.before = Before::Operator;
    }

    pub(super) fn open(&mut self, open: Open, ends: Before) {
        let base = self.level.chain.saturating_add(1);
        self.levels.push(std::mem::replace(&mut self.level, Level::new(open, base, ends)));
        self.before = Before::Start;
    }

    /// Goes back to what is around.
    pub(super) fn leave(&mut self) {
        let ends = self.level.ends;
        if let Some(around) = self.levels.pop() {
            self.level = around;
        }
        self.before = ends;
        self.line = false;
    }

    fn close(&mut self, open: Open) -> Token<'a> {
        if self.level.open != open {
            return Token::Nothing;
        }
        self.skip(1);
        self.leave();
        Token::Read
    }

    fn slash(&mut self) -> Token<'a> {
        match self.before {
            Before::Operand | Before::Dot if !self.line => {
                self.divide();
                return Token::Read;
            }
            _ => {}
        }
        let pattern = self.pattern();
        match (self.before, pattern) {
            // Where a statement can end without `;`, another may begin.
            (Before::Operand | Before::Dot | Before::Brace | Before::Either | Before::Head, Some(end)) => {
                let mut other = self.clone();
                other.divide();
                self.at = end;
                self.operand();
                Token::Either(Box::new(other))
            }
            (Before::Start | Before::Operator | Before::Divided | Before::Word, Some(end)) => {
                self.at = end;
                self.operand();
                Token::Read
            }
            (Before::Start | Before::Operator | Before::Divided | Before::Word, None) => Token::Nothing,
            (_, None) => {
                self.divide();
                Token::Read
            }
        }
    }

    fn divide(&mut self) {
        self.level.count();
        let assigns = self.peek(1) == Some(b'=');
        self.before = if assigns { Before::Operator } else { Before::Divided };
        self.skip(if assigns { 2 } else { 1 });
        self.line = false;
    }

    /// Where a pattern that begins here ends.
    fn pattern(&self) -> Option<usize> {
        let mut class = false;
        let mut signs = self.rest().char_indices().skip(1);
        while let Some((at, sign)) = signs.next() {
            match sign {
                '\n' | '\r' | '\u{2028}' | '\u{2029}' => return None,
                '\\' => {
                    let (_, next) = signs.next()?;
                    if matches!(next, '\n' | '\r' | '\u{2028}' | '\u{2029}') {
                        return None;
                    }
                }
                '[' => class = true,
                ']' => class = false,
                '/' if !class => {
                    let behind = self.at.saturating_add(at).saturating_add(1);
                    let flags = self.text.as_bytes().get(behind..).unwrap_or_default().iter();
                    let flags =
                        flags.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'));
                    return Some(behind.saturating_add(flags.count()));
                }
                _ => {}
            }
        }
        None
    }

    fn string(&mut self, quote: u8) -> Token<'a> {
        let mut at = self.at.saturating_add(1);
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'\\' => {
                    let crlf = bytes.get(at.saturating_add(1)..at.saturating_add(3)) == Some(b"\r\n");
                    at = at.saturating_add(if crlf { 2 } else { 1 });
                }
                b'\n' | b'\r' => return Token::Nothing,
                byte if *byte == quote => {
                    self.at = at.saturating_add(1);
                    self.operand();
                    return Token::Read;
                }
                _ => {}
            }
            at = at.saturating_add(1);
        }
        Token::Nothing
    }

    /// The text of a template, up to its end or a value.
    fn template_text(&mut self) -> Token<'a> {
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\\' => self.skip(2),
                b'`' => {
                    self.skip(1);
                    self.leave();
                    return Token::Read;
                }
                b'$' if self.peek(1) == Some(b'{') => {
                    self.skip(2);
                    self.open(Open::Curly, Before::Start);
                    return Token::Read;
                }
                _ => self.skip(1),
            }
        }
        Token::Read
    }

    /// `<!--`, and `-->` where a line begins: an old page's comment in scripts, signs elsewhere.
    pub(super) fn comment_or_not(&mut self, wide: usize) -> Token<'a> {
        let mut other = self.clone();
        other.level.count();
        other.before = Before::Operator;
        other.skip(wide);
        other.line = false;
        self.skip_line();
        Token::Either(Box::new(other))
    }

    pub(super) fn operand(&mut self) {
        // On one line nothing ends where one operand follows another.
        if self.before == Before::Brace || (self.before == Before::Operand && self.line) {
            self.level.end();
        }
        self.before = Before::Operand;
    }

    /// The same place, for looking ahead within one level.
    pub(super) const fn ahead(&self) -> Self {
        Self { levels: Vec::new(), ..*self }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at.saturating_add(ahead)).copied()
    }

    pub(super) const fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    fn skip_line(&mut self) {
        let rest = self.rest();
        self.skip(rest.find(['\n', '\r', '\u{2028}', '\u{2029}']).unwrap_or(rest.len()));
    }
}

/// What the parser takes for a space or the end of a line, beyond ASCII.
fn is_space(sign: char) -> bool {
    matches!(
        sign,
        '\u{85}' | '\u{A0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200B}' | '\u{2028}' | '\u{2029}' | '\u{202F}' | '\u{205F}' | '\u{3000}' | '\u{FEFF}'
    )
}
