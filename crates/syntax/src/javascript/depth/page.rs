//! Pages in scripts (JSX): tags, their attributes, and the text between them, in which quotes and brackets are letters.

use super::reading::{Before, Open, Reading, Token};
use crate::Language;

impl<'a> Reading<'a> {
    /// `<`: compares, begins types, or begins a page.
    pub(super) fn angle(&mut self) -> Token<'a> {
        if self.rest().starts_with("<!--") {
            return self.comment_or_not(1);
        }
        if self.level.open == Open::Angle {
            self.skip(1);
            self.open(Open::Angle, Before::Operand);
            return Token::Read;
        }
        let may = match self.before {
            Before::Dot => false,
            // Where a statement can end without `;`, another may begin.
            Before::Operand => self.line,
            _ => true,
        };
        if !may || !self.has_pages() || !self.begins_page() {
            self.less();
            return Token::Read;
        }
        let must = matches!(self.before, Before::Start | Before::Operator | Before::Divided | Before::Word);
        if must && !self.may_be_types() {
            self.page();
            return Token::Read;
        }
        let mut other = self.clone();
        other.page();
        self.less();
        Token::Either(Box::new(other))
    }

    /// Whether a tag's name, or its end, follows.
    fn begins_page(&self) -> bool {
        let mut ahead = self.ahead();
        ahead.skip(1);
        while ahead.between() {}
        ahead.peek(0).is_some_and(|byte| byte == b'>' || begins_name(byte))
    }

    /// Enters the page that begins here.
    fn page(&mut self) {
        if self.before == Before::Brace || (self.before == Before::Operand && self.line) {
            self.level.end();
        }
        self.level.count();
        self.skip(1);
        self.tag_name(Before::Operand);
    }

    /// What stands behind the `<` of a tag; false where none does.
    fn tag_name(&mut self, ends: Before) -> bool {
        while self.between() {}
        if self.peek(0) == Some(b'>') {
            self.skip(1);
            self.open(Open::Children, ends);
            return true;
        }
        if !self.peek(0).is_some_and(begins_name) {
            return false;
        }
        self.open(Open::Tag, ends);
        self.name();
        while self.between() {}
        if self.peek(0) == Some(b'<') && self.typed() {
            self.skip(1);
            self.open(Open::Angle, Before::Start);
        }
        true
    }

    /// `a`, `a-b`, `a:b`, `a.b`.
    fn name(&mut self) {
        while self.peek(0).is_some_and(|byte| {
            begins_name(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'.')
        }) {
            if self.peek(0) == Some(b'.') {
                self.level.count();
            }
            self.skip(1);
        }
    }

    /// What types begin with, or a page: `<T>(`, `<T,`, `<T extends`, `<T =`, `<const T`.
    fn may_be_types(&self) -> bool {
        if self.language == Language::JavaScript {
            return false;
        }
        let mut ahead = self.ahead();
        ahead.skip(1);
        while ahead.between() {}
        let start = ahead.at;
        ahead.name();
        let name = ahead.text.get(start..ahead.at).unwrap_or_default();
        while ahead.between() {}
        if matches!(name, "const" | "in" | "out") {
            return true;
        }
        match ahead.peek(0) {
            Some(b',' | b'=') => true,
            Some(b'>') => {
                ahead.skip(1);
                while ahead.between() {}
                ahead.peek(0) == Some(b'(')
            }
            _ => ahead.rest().starts_with("extends"),
        }
    }

    /// An attribute, or the end of a tag.
    pub(super) fn tag(&mut self) -> Token<'a> {
        while self.between() {}
        match self.peek(0) {
            None => {}
            Some(b'/') => {
                self.skip(1);
                while self.between() {}
                if self.peek(0) != Some(b'>') {
                    return Token::Nothing;
                }
                self.skip(1);
                self.leave();
            }
            Some(b'>') => {
                self.skip(1);
                self.level.open = Open::Children;
            }
            Some(b'{') => {
                self.skip(1);
                self.open(Open::Curly, Before::Start);
            }
            Some(b'=') => {
                self.skip(1);
                while self.between() {}
                match self.peek(0) {
                    Some(quote @ (b'"' | b'\'')) => {
                        self.skip(1);
                        let rest = self.rest();
                        let Some(length) = rest.find(char::from(quote)) else { return Token::Nothing };
                        self.skip(length.saturating_add(1));
                    }
                    Some(b'<') => {
                        self.skip(1);
                        if !self.tag_name(Before::Start) {
                            return Token::Nothing;
                        }
                    }
                    Some(b'{') => {}
                    _ => return Token::Nothing,
                }
            }
            Some(byte) if begins_name(byte) => self.name(),
            Some(_) => return Token::Nothing,
        }
        Token::Read
    }

    /// Text, a tag or a value between tags.
    pub(super) fn child(&mut self) -> Token<'a> {
        let rest = self.rest();
        let Some(length) = rest.find(['<', '{', '>', '}']) else {
            self.skip(rest.len());
            return Token::Read;
        };
        self.skip(length);
        match self.peek(0) {
            Some(b'{') => {
                self.skip(1);
                self.open(Open::Curly, Before::Start);
                Token::Read
            }
            Some(b'<') => {
                self.skip(1);
                while self.between() {}
                if self.peek(0) != Some(b'/') {
                    return if self.tag_name(Before::Start) { Token::Read } else { Token::Nothing };
                }
                self.skip(1);
                while self.between() {}
                self.name();
                while self.between() {}
                if self.peek(0) != Some(b'>') {
                    return Token::Nothing;
                }
                self.skip(1);
                self.leave();
                Token::Read
            }
            _ => Token::Nothing,
        }
    }
}

const fn begins_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$' | b'\\') || byte >= 0x80
}
