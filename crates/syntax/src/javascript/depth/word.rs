//! Names, numbers and words: which of them an operand follows.

use super::reading::{Before, Reading};
use crate::Language;

impl Reading<'_> {
    /// A name, a number or a word.
    pub(super) fn word(&mut self) {
        let start = self.at;
        if self.peek(0).is_some_and(|byte| byte.is_ascii_digit()) {
            return self.number();
        }
        loop {
            match self.peek(0) {
                Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'#' | b'\\') => {
                    self.skip(1)
                }
                Some(0x80..) if !self.is_space_here() => {
                    let wide = self.rest().chars().next().map_or(1, char::len_utf8);
                    self.skip(wide);
                }
                _ => break,
            }
        }
        let word = self.text.get(start..self.at).unwrap_or_default();
        if word.is_empty() {
            // A sign that is none of these.
            return self.go_on(start);
        }
        if self.before == Before::Dot {
            self.before = Before::Operand;
            return;
        }
        // Escapes hide which word it is.
        if word.contains('\\') {
            self.level.count();
            self.before = Before::Either;
            return;
        }
        match word {
            "else" => {
                self.level.resume(self.before);
                self.before = Before::Word;
            }
            "while" if self.level.dos > 0 && (self.ended() || self.before == Before::Start) => {
                self.level.dos = self.level.dos.saturating_sub(1);
                self.level.resume(self.before);
                self.before = Before::Head;
            }
            "do" => {
                self.begins(Before::Word);
                self.level.dos = self.level.dos.saturating_add(1);
            }
            "if" | "for" | "while" | "with" | "switch" => self.begins(Before::Head),
            "catch" => self.goes_on(Before::Head),
            "await" if self.before == Before::Head => self.level.count(),
            "in" | "instanceof" | "extends" | "finally" => self.goes_on(Before::Word),
            "of" | "as" | "satisfies" | "implements" | "is" | "from" => self.goes_on(Before::Either),
            "typeof" | "void" | "delete" | "new" | "return" | "throw" | "case" | "default" | "try"
            | "const" | "var" | "function" | "class" | "import" | "export" | "enum" => {
                self.begins(Before::Word)
            }
            "await" | "yield" | "async" | "keyof" | "readonly" | "unique" | "infer" | "asserts"
            | "abstract" | "declare" | "static" | "let" | "type" | "interface" | "namespace" | "module"
            | "global" | "accessor" | "override" | "using" | "public" | "private" | "protected" | "get"
            | "set" => self.begins(Before::Either),
            "break" | "continue" | "debugger" => self.begins(Before::Either),
            _ => self.operand(),
        }
    }

    /// A word that stands between, or behind, operands.
    fn goes_on(&mut self, before: Before) {
        self.level.count();
        self.before = before;
    }

    /// A word that may begin a statement.
    fn begins(&mut self, before: Before) {
        if self.ended() {
            self.level.end();
        }
        self.level.count();
        self.before = before;
    }

    fn ended(&self) -> bool {
        self.before == Before::Brace || (self.before == Before::Operand && self.line)
    }

    /// `1`, `1.5`, `1.`, `0x1f`, `1e5` (a sign in it is read as one).
    fn number(&mut self) {
        let start = self.at;
        self.digits();
        let whole = self.text.get(start..self.at).unwrap_or_default();
        let plain = whole.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
        if plain && self.peek(0) == Some(b'.') && (whole == "0" || !whole.starts_with('0')) {
            self.skip(1);
            self.digits();
        }
        self.operand();
    }

    fn digits(&mut self) {
        while self.peek(0).is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            self.skip(1);
        }
    }

    fn is_space_here(&self) -> bool {
        self.ahead().between()
    }

    /// Whether a page can stand in this language.
    pub(super) fn has_pages(&self) -> bool {
        self.language != Language::TypeScript
    }
}
